// Reads the answers of describe_protocol and verify into what the page shows. The one place that knows their shapes.

const list = (value) => (Array.isArray(value) ? value : []);

/** All rows of a table that comes in pages; `take` gives how many an answer had. At most `most` calls. */
async function pages(tool, args, take, most = 12) {
  let offset = 0;
  for (let call = 0; call < most; call += 1) {
    const answer = await host.call(tool, { ...args, ...(offset ? { offset } : {}) });
    const came = take(answer);
    if (!answer.truncated || !came) return;
    offset += came;
  }
}

/** Rows under column names, as long answers come, to objects. */
const rowsOf = (table) => list(table && table.rows).map((row) => Object.fromEntries(row.map((cell, at) => [table.columns[at], cell])));

const describe = {
  async overview() {
    const events = [];
    let frames = 0;
    await pages("describe_protocol", { limit: 500 }, ({ overview }) => {
      frames = overview.frames;
      return events.push(...rowsOf(overview.events).map(listedEvent)) && overview.events.rows.length;
    });
    return { events, frames };
  },

  async event(name) {
    let view = null;
    const fields = [];
    await pages("describe_protocol", { event: name, depth: 0, limit: 500, samples: 8 }, ({ event }) => {
      view = view || event;
      fields.push(...rowsOf(event.fields));
      return event.fields.rows.length;
    });
    const total = Object.values(view.phases || {}).reduce((sum, n) => sum + n, 0);
    const phases = Object.fromEntries(Object.entries(view.phases || {}).map(([phase, n]) => [phase, n / total]));
    return {
      name: view.event, key: `event:${view.event}`, purpose: view.purpose, category: view.category, direction: view.direction, auth: view.auth,
      tier: view.tier, novel: view.novel === true, count: view.count, share: view.share / 100, rate: view.per_minute,
      firstSeen: view.first, lastSeen: view.last, presence: phases, pairing: view.pairing, notes: list(view.notes),
      sequences: list(view.sequences), shapes: list(view.shapes), ...marksOf(view.mark),
      fields: fields.map((field) => listedField(field, name, phases)),
      moreFields: view.fields_total > fields.length ? `${count(view.fields_total - fields.length)} more fields are not listed.` : "",
      samples: list(view.samples).map((sample) => ({ ref: refOf(sample), why: sample.why, phase: sample.phase, text: sample.preview || "" })),
    };
  },

  async field(event, field) {
    const { field: known } = await host.call("describe_protocol", { event, field: field.path });
    return {
      ...field, meaning: known.meaning || field.meaning, unit: known.unit || field.unit, documentedTypes: known.documented_types,
      types: Object.entries(known.types || {}).map(([type, n]) => `${type} ${count(n)}`).join(", ") || field.types,
      nulls: known.null_count, games: known.games, gamesOrMore: known.games_or_more, sessions: known.sessions, sessionsOrMore: known.sessions_or_more, tier: known.tier || field.tier, novel: known.novel === true,
      ...(known.mark ? marksOf(known.mark) : {}), statement: known.marked_statement, firstSeen: known.first, lastSeen: known.last,
      range: known.min === undefined ? field.range : `${short(known.min)} to ${short(known.max)}`,
      values: Object.entries(known.values || {}), history: known.history, elsewhere: list(known.elsewhere),
      samples: list(known.samples).map((sample) => ({ ref: refOf(sample), why: sample.why, text: sample.preview || "" })),
    };
  },
};

/** "canonical, stale" → what the badges need. */
function marksOf(text) {
  const words = String(text || "").split(", ");
  return { mark: words[0] === "canonical" ? "verified" : words[0] || "unverified", badge: words[0], stale: words.includes("stale") };
}

function listedEvent(row) {
  const [tier, novel] = String(row.tier || "").split(", ");
  const [verified, wrong] = String(row.marks || "0/0").split("/").map(Number);
  return {
    name: row.event, count: row.count || 0, direction: row.direction, fields: row.fields, tier, novel: novel === "novel", verified, wrong,
    auth: row.auth === true ? "login" : row.auth === false ? "public" : "",
  };
}

const PHASE_LETTERS = { C: "COOLDOWN", P: "PRESALE", A: "ACTIVE", R: "RUGGED" };

function listedField(row, event, phases) {
  const presence = {};
  for (const [, letter, share] of String(row.phases || "").matchAll(/([CPAR])([\d.]+)/g)) presence[PHASE_LETTERS[letter]] = Number(share) / 100;
  // No word on phases: the same in all in which the event comes.
  if (!row.phases && row.presence !== null) for (const phase of Object.keys(phases)) presence[phase] = row.presence / 100;
  return {
    path: row.path, key: `field:${event}#${row.path}`, types: row.types || "", count: row.count, presence, share: row.presence, range: row.range,
    unit: row.unit, meaning: row.meaning, tier: row.tier, ...marksOf(row.mark),
  };
}

/** The values a check looked at, in words. */
function sightingOf(found) {
  const values = list(found.values_untrusted).map(([path, value]) => `${path} = ${value === null ? "absent" : value}`);
  const where = [found.phase, found.tick === undefined ? "" : `tick ${found.tick}`, found.element === undefined ? "" : `element ${found.element}`];
  return { ref: refOf(found), text: [...values, ...where.filter(Boolean)].join(", ") };
}

/** A proposal as the log has it, or as the queue lists it. */
function proposalOf(proposal) {
  return {
    id: proposal.proposal_id, subject: proposal.subject, state: proposal.target, statement: proposal.statement,
    question: proposal.question || proposal.meaning, reason: proposal.rationale_untrusted || proposal.rationale, correction: proposal.correction,
    support: proposal.supports === undefined ? null : { supports: proposal.supports, contradicts: proposal.contradicts },
    prose: proposal.prose_because || (proposal.prose ? "it is prose" : ""),
    already: proposal.already_open, expires: proposal.expires,
    evidence: [...list(proposal.evidence).map(refOf), ...list(proposal.frames)].filter(Boolean),
  };
}

/** A person may take ten minutes. */
const PERSON_MS = 710000;

const verify = {
  async check(subject, statement) {
    const { check: result } = await host.call("verify", { action: "check", statement });
    return { ...result, note: result.computed, against: list(result.counterexamples).map(sightingOf), examples: list(result.examples).map(sightingOf) };
  },
  async propose(subject, statement, target, rationale, correction) {
    const { proposal } = await host.call("verify", {
      action: "propose", subject: subject.key, statement, target, ...(rationale ? { rationale } : {}), ...(correction ? { correction } : {}),
    });
    return proposalOf({ ...proposal, target });
  },
  /** Puts a proposal before the person. The decision itself is theirs, in the server's form; it is not sent from here. */
  async decide(id) {
    const { decision } = await host.call("verify", { action: "decide", proposal_id: id }, PERSON_MS);
    return decision;
  },
  async queue(event) {
    const answer = await host.call("verify", { action: "queue", limit: 50, ...(event ? { event } : {}) });
    const items = list(answer.queue);
    const why = (item) => [item.reason && item.reason.replaceAll("_", " "), item.count && `${count(item.count)} times`, item.tier, item.mark].filter(Boolean).join(", ");
    return {
      proposals: items.filter((item) => item.proposal_id).map(proposalOf),
      items: items.filter((item) => !item.proposal_id).map((item) => ({ subject: item.subject, event: eventOf(item.subject), why: why(item) })),
      note: answer.note,
    };
  },
  async history(key) {
    const answer = await host.call("verify", { action: "history", subject: key });
    return list(answer.history).map((entry) => {
      const by = entry.actor && [entry.actor.kind, entry.actor.name, entry.actor.authority].filter(Boolean).join(", ");
      return { ts: entry.ts, text: [entry.what, entry.state, entry.statement, by && `by ${by}`, entry.rationale_untrusted].filter(Boolean).join(" · ") };
    });
  },
};

/** The event of a subject's key: `field:NAME#path`, `event:NAME`. */
const eventOf = (subject) => String(subject).split(":").slice(1).join(":").split("#")[0];
