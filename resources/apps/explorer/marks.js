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
  const decide = async (event) => {
    const answer = await working(event.target, out, async () => {
      put(out, el("p", { class: "dim" }, "The server asks you in a form of your host…"));
      try {
        return await verify.decide(proposal.id);
      } catch (error) {
        if (!(error instanceof ToolFailure)) throw error;
        // No form, or none answered: the person can say it in the chat, where the agent can only relay it.
        put(out, notice(error.message, "warn"), sayForm(proposal, out));
        return null;
      }
    });
    if (answer) put(out, decided(answer));
  };
  return el("section", { class: "card stack", "aria-label": `Proposal ${proposal.id}` },
    el("div", { class: "row" }, el("h3", { class: "grow" }, el("code", {}, proposal.subject || "")), badge(proposal.already ? "open already" : "open", "info"),
      proposal.state ? badge(`proposes: ${(MARKS[proposal.state] || [proposal.state])[0]}`) : null),
    el("p", { class: "question untrusted" }, visible(proposal.question || proposal.statement || "")),
    facts([
      ["statement", proposal.question && proposal.statement && el("code", { class: "untrusted" }, visible(proposal.statement))],
      ["correction", proposal.correction && `${proposal.correction.kind}: ${visible(proposal.correction.old || "–")} → ${visible(proposal.correction.new || "–")}`],
      ["reason", proposal.reason && untrusted(proposal.reason)],
      ["for / against", proposal.support && `${count(proposal.support.supports)} / ${count(proposal.support.contradicts)}`],
      ["not checked", proposal.prose && untrusted(proposal.prose)],
      ["open until", proposal.expires && moment(proposal.expires)],
      ["id", el("code", {}, proposal.id)],
    ]),
    (proposal.evidence || []).length ? el("div", { class: "row small" }, "Evidence:", proposal.evidence.slice(0, 6).map((ref) => refButton(ref, frame))) : null,
    frame,
    el("div", { class: "row" }, el("button", { type: "button", onclick: decide }, "Decide…"),
      el("span", { class: "dim small grow" }, "The server asks you, in your host’s own form; this page decides nothing.")),
    out);
}

function decided(answer) {
  const relayed = answer.authority === "relayed";
  return notice(`Recorded: ${answer.accepted ? "accepted" : "rejected"}, now ${answer.badge} (authority: ${answer.authority}).`, relayed ? "warn" : "good");
}

/** The person's decision as their own message in the chat: the agent passes it on, and the mark says so. */
function sayForm(proposal, out) {
  const reason = el("input", { type: "text", class: "grow", placeholder: "your reason", "aria-label": "Reason of the decision", maxlength: "1000" });
  const say = (word) => (event) => working(event.target, out, async () => {
    const why = reason.value.trim();
    await host.say(`My decision on proposal ${proposal.id} (${proposal.subject}): I ${word} it.${why ? ` My reason: ${why}` : ""} Please pass it on with verify.`);
    put(out, notice("Said in the chat. The agent passes your words on, and the mark says that they were relayed."));
  });
  return el("div", { class: "form", style: "margin-top:8px" },
    el("p", { class: "small" }, "Or say it in the chat, as your own message:"),
    el("div", { class: "row" }, reason,
      el("button", { type: "button", onclick: say("accept") }, "Say “I accept it”"),
      el("button", { type: "button", onclick: say("reject") }, "Say “I reject it”")));
}
