// Frames as evidence: one frame whole by its address, and buttons that lead there.

/** The address of a frame however a tool writes it; null where there is none. */
function refOf(value) {
  if (!value) return null;
  if (typeof value === "string") return value;
  if (value.session_id && value.seq !== undefined) return `${value.session_id}:${value.seq}`;
  return refOf(value.ref || value.event_ref || value.event || value.frame);
}

const shortRef = (ref) => ref.replace(/^([0-9a-f]{8})[0-9a-f-]*:/, "$1…:");

/** The payload inside the frame's text, indented; other texts as they are. */
function payloadOf(text) {
  const start = text.search(/[[{]/);
  if (start < 0) return text;
  const body = text.slice(start);
  const indented = pretty(body);
  return indented === body ? text : `${start ? `${text.slice(0, start)}\n` : ""}${indented}`;
}

/** One frame, fetched when it is shown; long ones in pieces. */
function frameCard(ref, { title = "Frame", onclose = null } = {}) {
  const body = el("div", { class: "sample" }, el("p", { class: "dim" }, "…"));
  const card = el("section", { class: "card stack", "aria-label": `Frame ${ref}` },
    el("div", { class: "row" }, el("h3", { class: "grow" }, untrusted(title), " ", el("code", { class: "dim" }, ref)),
      onclose && el("button", { type: "button", onclick: () => { card.remove(); onclose(); }, "aria-label": "Close the frame" }, "close")),
    body);
  const load = async () => {
    const { events = [], not_found: lost = [] } = await host.call("get_events", { refs: [ref], max_text: 30000 });
    const event = events[0];
    if (!event) return put(body, notice(lost.length ? "This frame is not in the store any more." : "There is no such frame.", "bad"));
    return put(body,
      el("div", { class: "row small dim" }, moment(event.ts), " UTC", event.direction ? badge(event.direction) : null,
        event.game_id ? ["game ", untrusted(event.game_id, "code")] : null,
        event.cut ? badge(`first ${count(event.cut.chars)} of ${count(event.cut.total_chars)} characters`, "warn") : null),
      el("pre", { tabindex: "0" }, event.cut ? visible(event.raw_json || "") : visible(payloadOf(event.raw_json || ""))));
  };
  load().catch((error) => put(body, notice(error.message, "bad")));
  return card;
}

/** A button that opens the frame behind `place`, and closes it again. */
function refButton(ref, place) {
  return el("button", {
    type: "button", class: "plain mono", title: `Show the frame ${ref}`,
    onclick: (event) => {
      const open = place.dataset.ref === ref;
      place.dataset.ref = open ? "" : ref;
      put(place, open ? null : frameCard(ref, { onclose: () => { place.dataset.ref = ""; event.target.focus(); } }));
    },
  }, shortRef(ref));
}
