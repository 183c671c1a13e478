// Tier, mark, check, proposal, decision. Agents and this page may propose; only a person decides, and only the
// server, by the host's own form or by what the person says in the chat, takes a decision. This page never does.

const TIERS = {
  theoretical: ["theoretical", "", "Documented; never seen in the data."],
  documented: ["documented", "", "Documented; never seen in the data."],
  observed: ["observed", "info", "Seen in the data, not yet often enough."],
  corroborated: ["corroborated", "good", "Seen in several games and sessions with one type."],
};
const MARKS = {
  verified: ["verified", "good", "A decision: the statement holds."],
  needs_correction: ["needs correction", "warn", "A decision: what was documented is wrong."],
};

/** Mark and warnings of a subject, as badges. The tier only where asked for: it is on every field. */
function markBadges(subject, { tier = false } = {}) {
  const mark = MARKS[subject.mark];
  return [
    tier && subject.tier ? badge(...(TIERS[subject.tier] || [subject.tier])) : null,
    subject.badge === "canonical" ? badge("canonical", "good", "Verified by a person, and corroborated by the data.")
      : mark ? badge(...mark) : null,
    subject.stale ? badge("stale", "bad", "Later data contradict it.") : null,
    subject.novel ? badge("novel", "warn", "Seen, and not documented.") : null,
  ];
}

/** What a check found: for, against, cases against first. */
function checkResult(result) {
  const place = el("div");
  const cases = result.against || [];
  return el("div", { class: "stack" },
    el("div", { class: "tally" },
      el("span", {}, el("b", { class: "good" }, count(result.supports)), " support"),
      el("span", {}, el("b", { class: result.contradicts ? "bad" : "" }, count(result.contradicts)), " contradict"),
      result.undecided === undefined ? null : el("span", { class: "dim" }, el("b", {}, count(result.undecided)), " undecided")),
    result.note ? el("p", { class: "dim small" }, result.note) : null,
    result.statement ? el("p", { class: "small" }, "Checked: ", el("code", {}, result.statement)) : null,
    cases.length ? [el("h3", {}, "Against it"), el("ul", { class: "cases" }, cases.map((one) => el("li", {},
      one.ref ? refButton(one.ref, place) : el("span"), el("span", { class: "mono small untrusted" }, visible(one.text)))))] : null,
    (result.examples || []).length ? [el("h3", {}, "For it"), el("ul", { class: "cases" }, result.examples.map((one) => el("li", {},
      one.ref ? refButton(one.ref, place) : el("span"), el("span", { class: "mono small untrusted" }, visible(one.text)))))] : null,
    place,
    result.sql ? el("details", {}, el("summary", {}, "The exact SQL"), el("pre", { tabindex: "0" }, result.sql)) : null);
}

/** Check a statement about a subject, and propose it. */
function checkForm(subject, suggestion) {
  const out = el("div", { "aria-live": "polite" });
  const statement = el("textarea", { "aria-label": "Statement to check", spellcheck: "false", rows: "2" }, suggestion);
  const state = el("select", {},
    el("option", { value: "verified" }, "holds: mark as verified"),
    el("option", { value: "needs_correction" }, "documentation is wrong: needs correction"));
  const reason = el("input", { type: "text", placeholder: "why, in a sentence", maxlength: "500" });
  const kind = el("select", {}, CORRECTIONS.map((name) => el("option", { value: name }, name.replace("_", " "))));
  const was = el("input", { type: "text", placeholder: "as documented" });
  const is = el("input", { type: "text", placeholder: "as the data have it" });
  const correction = el("div", { class: "pair", hidden: true },
    el("label", { class: "above" }, "what is wrong", kind), el("label", { class: "above" }, "was", was), el("label", { class: "above" }, "is", is));
  state.addEventListener("change", () => { correction.hidden = state.value !== "needs_correction"; });
  const check = el("button", { type: "button", class: "primary" }, "Check against all data");
  check.addEventListener("click", () => working(check, out, async () => {
    put(out, el("p", { class: "dim" }, "Checking…"));
    put(out, checkResult(await verify.check(subject, statement.value.trim())));
  }));
  const propose = el("button", { type: "button" }, "Propose");
  propose.addEventListener("click", () => working(propose, out, async () => {
    const changed = state.value === "needs_correction" ? { kind: kind.value, old: was.value.trim(), new: is.value.trim() } : null;
    put(out, proposalCard(await verify.propose(subject, statement.value.trim(), state.value, reason.value.trim(), changed)));
  }));
  return el("div", { class: "form" }, statement, el("div", { class: "row" }, check),
    el("details", {}, el("summary", {}, "Propose a mark"), el("div", { class: "form", style: "margin-top:8px" },
      el("div", { class: "pair" }, el("label", { class: "above" }, "that it", state), el("label", { class: "above" }, "reason", reason)), correction,
      el("div", { class: "row" }, propose, el("span", { class: "dim small" }, "A proposal changes nothing until a person decides.")))),
    out);
}

const CORRECTIONS = ["meaning", "type", "unit", "presence", "enum", "phase_rule", "formula", "attribution", "rename"];

/** One open proposal and the way to a decision. */
function proposalCard(proposal) {
  const out = el("div", { "aria-live": "polite" });
  const frame = el("div");
  const reason = el("input", { type: "text", class: "grow", placeholder: "your reason", "aria-label": "Reason of the decision", maxlength: "1000" });
  const decide = (decision) => async (event) => {
    const answer = await working(event.target, out, async () => {
      put(out, el("p", { class: "dim" }, "The server asks you in a form of your host…"));
      try {
        return await verify.decide(proposal.id, decision, reason.value.trim());
      } catch (error) {
        if (!(error instanceof ToolFailure)) throw error;
        // No form, or none answered: the person can say it in the chat, where the agent can only relay it.
        put(out, notice(error.message, "warn"), el("div", { class: "row", style: "margin-top:8px" },
          el("button", { type: "button", onclick: (press) => working(press.target, out, () => sayIt(proposal, decision, reason.value.trim(), out)) }, "Say it in the chat instead"),
          el("span", { class: "dim small" }, "The agent passes your words on; the mark then says “relayed”.")));
        return null;
      }
    });
    if (answer) put(out, decided(answer));
  };
  return el("section", { class: "card stack", "aria-label": `Proposal ${proposal.id}` },
    el("div", { class: "row" }, el("h3", { class: "grow" }, el("code", {}, proposal.subject || "")), badge(proposal.status || "open", proposal.status && proposal.status !== "open" ? "" : "info"),
      proposal.state ? badge(`proposes: ${(MARKS[proposal.state] || [proposal.state])[0]}`) : null),
    el("p", { class: "question untrusted" }, visible(proposal.question || proposal.statement || "")),
    facts([
      ["statement", proposal.question && proposal.statement && el("code", { class: "untrusted" }, visible(proposal.statement))],
      ["correction", proposal.correction && `${proposal.correction.kind}: ${visible(proposal.correction.old || "–")} → ${visible(proposal.correction.new || "–")}`],
      ["reason", proposal.reason && untrusted(proposal.reason)],
      ["for / against", proposal.support && `${count(proposal.support.supports)} / ${count(proposal.support.contradicts)}`],
      ["by", proposal.by && untrusted(proposal.by)],
      ["id", el("code", {}, proposal.id)],
    ]),
    (proposal.evidence || []).length ? el("div", { class: "row small" }, "Evidence:", proposal.evidence.slice(0, 6).map((ref) => refButton(ref, frame))) : null,
    frame,
    proposal.status && proposal.status !== "open" ? null : [
      el("div", { class: "row" }, reason,
        el("button", { type: "button", onclick: decide("accept") }, "Accept…"),
        el("button", { type: "button", onclick: decide("reject") }, "Reject…")),
      el("p", { class: "dim small" }, "These buttons decide nothing by themselves: the server asks you to confirm, in your host’s own form."),
    ],
    out);
}

function decided(answer) {
  const relayed = answer.authority === "relayed";
  return notice(`Recorded: ${answer.state || "decided"}${answer.authority ? `, authority ${answer.authority}` : ""}${
    answer.badge === "canonical" ? ", canonical" : ""}.${relayed ? " Relayed words make no canonical mark unless the operator allows it." : ""}`, relayed ? "warn" : "good");
}

async function sayIt(proposal, decision, reason, out) {
  await host.say(`My decision on proposal ${proposal.id} (${proposal.subject}): ${decision}.${reason ? ` My reason: ${reason}` : ""} Please pass it on with verify.`);
  put(out, notice("Said in the chat. Whether it counts is for the server’s rules; the agent’s next answer tells."));
}
