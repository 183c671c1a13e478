// One event: what is documented and what was seen, its fields, samples, statements and marks.

async function showEvent(name) {
  const pane = byId("detail");
  put(pane, el("p", { class: "dim" }, "…"));
  const event = await describe.event(name);
  const parts = [
    ["fields", `Fields (${event.fields.length}${event.moreFields ? "+" : ""})`, () => fieldsPart(event)],
    ["samples", `Samples (${event.samples.length})`, () => samplesPart(event)],
    ["check", "Check and propose", () => checkForm({ key: event.key, event: event.name }, suggestionFor(event.name))],
    ["marks", "Marks", () => marksPart(event)],
  ];
  const body = el("div");
  const tabs = el("div", { class: "tabs", role: "tablist", "aria-label": "About this event" });
  const choose = (id) => {
    for (const tab of tabs.children) {
      tab.setAttribute("aria-selected", String(tab.dataset.part === id));
      tab.tabIndex = tab.dataset.part === id ? 0 : -1;
    }
    put(body, parts.find(([part]) => part === id)[2]());
  };
  fill(tabs, parts.map(([id, title]) => el("button", { type: "button", role: "tab", "data-part": id, onclick: () => choose(id) }, title)));
  arrowsBetween(tabs);
  put(pane,
    el("button", { type: "button", class: "crumb", onclick: closeEvent }, "← all events"),
    el("div", { class: "row" }, el("h2", { style: `color:${hue(event.name)}` }, untrusted(event.name, "code")), markBadges(event, { tier: true })),
    event.purpose ? el("p", {}, event.purpose) : null,
    facts([
      ["seen", event.count ? `${count(event.count)} times${event.share !== undefined ? `, ${percent(event.share)} of all frames` : ""}${event.rate ? `, ${short(event.rate)} per minute` : ""}` : "never in this store"],
      ["direction", [event.direction, event.auth].filter(Boolean).join(", ")],
      ["between", event.firstSeen && `${moment(event.firstSeen)} and ${moment(event.lastSeen)} UTC`],
      ["phases", event.presence && phaseBars(event.presence)],
      ["goes with", event.pairing],
    ]),
    event.notes.length ? el("details", {}, el("summary", {}, `Notes (${event.notes.length})`), el("ul", {}, event.notes.map((note) => el("li", { class: "small" }, note)))) : null,
    tabs, body);
  choose("fields");
}

const suggestionFor = (event, path) => (path ? `on ${quotedName(event)}: ${path} is present` : `on ${quotedName(event)}: `);
const quotedName = (name) => (/^[\w/-]+$/.test(name) ? name : JSON.stringify(name));

function closeEvent() {
  byId("panes").classList.remove("open");
  const current = document.querySelector("#events [aria-current='true']");
  if (current) current.focus();
}

function fieldsPart(event) {
  const find = el("input", { type: "search", placeholder: "Find a field", "aria-label": "Find a field", class: "grow" });
  const holder = el("div");
  const show = () => {
    const wanted = find.value.trim().toLowerCase();
    put(holder, fieldTree(event.fields.filter((field) => !wanted || field.path.toLowerCase().includes(wanted)), (field) => fieldPart(event, field)));
  };
  find.addEventListener("input", debounced(120, show));
  show();
  return el("div", { class: "stack" }, el("div", { class: "row" }, find),
    el("div", { class: "legend" }, el("span", {}, "C P A R: share of frames with the field in cooldown, presale, active, rugged")),
    holder, event.moreFields ? el("p", { class: "dim small" }, event.moreFields) : null);
}

/** What a field unfolds to; its history and values are fetched then. */
function fieldPart(event, field) {
  const body = el("div", { class: "stack" }, el("p", { class: "dim" }, "…"));
  const load = async () => {
    const known = await describe.field(event.name, field);
    const frame = el("div");
    put(body,
      known.meaning ? el("p", {}, known.meaning) : null,
      facts([
        ["path", el("code", {}, visible(known.path))],
        ["types", known.types],
        ["documented", known.documentedTypes !== known.types ? known.documentedTypes : null],
        ["unit", known.unit],
        ["seen", known.count === undefined ? null : `${count(known.count)} times${known.nulls ? `, ${count(known.nulls)} null` : ""}${known.games ? `, in ${few(known.games, known.gamesOrMore)} games and ${few(known.sessions, known.sessionsOrMore)} sessions` : ""}`],
        ["in", known.share === null || known.share === undefined ? null : `${known.share} % of its parents`],
        ["range", known.range && untrusted(known.range)],
        ["values", known.values.length ? el("span", { class: "row", style: "gap:4px" }, known.values.slice(0, 24).map(([value, n]) => el("span", { class: "badge" }, untrusted(value), ` ${count(n)}`))) : null],
        ["tier, mark", el("span", { class: "row" }, markBadges(known, { tier: true }))],
        ["decided on", known.statement && el("code", { class: "untrusted" }, visible(known.statement))],
        ["also in", known.elsewhere.length ? el("span", { class: "small" }, visible(known.elsewhere.slice(0, 8).join(", "))) : null],
        ["samples", known.samples.length ? el("div", {}, known.samples.slice(0, 5).map((one) => el("div", { class: "row" },
          one.ref ? refButton(one.ref, frame) : null, el("code", { class: "untrusted" }, visible(one.text)), el("span", { class: "dim small" }, one.why)))) : null],
      ]),
      frame,
      known.history && known.history.rows.length > 1 ? el("details", {}, el("summary", {}, "Day by day"), tableOf(known.history)) : null,
      el("details", {}, el("summary", {}, "Check or propose"), el("div", { style: "margin-top:8px" },
        checkForm({ key: known.key, event: event.name, path: known.path }, suggestionFor(event.name, known.path)))));
  };
  load().catch((error) => put(body, notice(error.message, "bad")));
  return body;
}

/** A count that may stand for more. */
const few = (number, orMore) => (orMore ? `${count(number)} or more` : count(number));

/** Rows under column names as a table. */
const tableOf = (table) => el("div", { class: "scroll" }, el("table", { class: "plain small num" },
  el("tr", {}, table.columns.map((name) => el("th", {}, name))),
  table.rows.map((row) => el("tr", {}, row.map((cell) => el("td", {}, cell === null ? "–" : visible(typeof cell === "object" ? JSON.stringify(cell) : cell)))))));

/** Samples as their bytes: previews first, the frames themselves as soon as they are there. */
function samplesPart(event) {
  if (!event.samples.length) return el("p", { class: "dim" }, event.count ? "No samples are kept of this event." : "Never seen in this store, so there is nothing to show.");
  const texts = new Map();
  const cards = event.samples.map((sample) => {
    const whole = el("div");
    const text = el("pre", { tabindex: "0" }, visible(sample.text));
    texts.set(sample.ref, text);
    return el("div", { class: "card sample" },
      el("div", { class: "row" }, sample.phase ? badge(sample.phase.toLowerCase(), "info") : null, el("span", { class: "small dim grow" }, sample.why),
        sample.ref ? refButton(sample.ref, whole) : null),
      text, whole);
  });
  const load = async () => {
    const refs = [...texts.keys()].filter(Boolean);
    const { events: frames = [] } = await host.call("get_events", { refs, max_text: 8000, max_bytes: 300000 });
    for (const frame of frames) {
      const text = texts.get(`${frame.session_id}:${frame.seq}`);
      if (text) put(text, visible(frame.cut ? frame.raw_json : payloadOf(frame.raw_json || "")), frame.cut ? "\n…" : "");
    }
  };
  const trouble = el("div");
  load().catch((error) => put(trouble, notice(error.message, "bad")));
  return el("div", { class: "stack" },
    el("p", { class: "dim small" }, "Chosen to differ, in phase, shape and extremes. Captured text is shown as it came; it is data, whatever it says."),
    trouble, cards);
}

/** Known sequences, open proposals and the history of the event's own mark. */
function marksPart(event) {
  const proposals = el("div", { class: "stack" }, el("p", { class: "dim" }, "…"));
  const history = el("div");
  const load = async () => {
    const open = (await verify.queue(event.name)).proposals.filter((proposal) => eventOf(proposal.subject) === event.name);
    put(proposals, open.length ? open.map(proposalCard) : el("p", { class: "dim" }, "No open proposal. “Check and propose” makes one."));
  };
  load().catch((error) => put(proposals, notice(error.message, "bad")));
  const more = el("button", { type: "button" }, "History of its marks");
  more.addEventListener("click", () => working(more, history, async () => {
    const entries = await verify.history(event.key);
    put(history, entries.length ? el("ul", { class: "cases" }, entries.map((entry) => el("li", {}, el("span", { class: "dim small" }, moment(entry.ts)),
      el("span", { class: "untrusted" }, visible(entry.text))))) : el("p", { class: "dim" }, "Nothing was ever proposed or decided about it."));
  }));
  return el("div", { class: "stack" },
    event.sequences.length ? [el("h3", {}, "Known sequences"), el("ul", { class: "cases" }, event.sequences.map((one) => el("li", {}, el("span", {}, "•"),
      el("span", {}, one.meaning, " ", el("code", { class: "dim" }, one.statement)))))] : null,
    proposals, el("div", {}, more), history);
}
