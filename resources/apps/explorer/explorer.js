// The explorer's frame: the list of events, the views, and the start.

let events = [];

/** Left and right between tabs, as in any list of tabs. */
function arrowsBetween(tabs) {
  tabs.addEventListener("keydown", (event) => {
    const all = [...tabs.children];
    const by = { ArrowRight: 1, ArrowLeft: -1 }[event.key];
    const here = all.indexOf(document.activeElement);
    if (!by || here < 0) return;
    event.preventDefault();
    const next = all[(here + by + all.length) % all.length];
    next.focus();
    next.click();
  });
}

const passes = {
  all: () => true,
  seen: (event) => event.count > 0,
  documented: (event) => !event.count,
  novel: (event) => event.novel,
  unmarked: (event) => !event.verified && !event.wrong,
};

function showList() {
  const wanted = byId("find").value.trim().toLowerCase();
  const test = passes[byId("show").value];
  const current = document.querySelector("#events [aria-current='true']");
  const chosen = current ? current.dataset.event : null;
  const shown = events.filter((event) => test(event) && (!wanted || event.name.toLowerCase().includes(wanted)));
  put(byId("events"), shown.length ? shown.map((event) => el("li", {}, el("button", {
    type: "button", class: event.count ? "" : "unseen", "data-event": event.name, "aria-current": String(event.name === chosen),
    onclick: () => openEvent(event.name),
  },
  el("span", { class: "name" }, el("span", { class: "swatch", style: `color:${event.count ? hue(event.name) : "var(--line)"}` }), untrusted(event.name)),
  el("span", { class: "num dim" }, event.count ? count(event.count) : "not seen"),
  el("span", { class: "line" }, el("span", {}, [event.direction, event.auth, event.tier].filter(Boolean).join(", ")), markBadges(event),
    event.verified ? badge(`${count(event.verified)} verified`, "good") : null, event.wrong ? badge(`${count(event.wrong)} to correct`, "warn") : null)))) : el("li", { class: "dim", style: "padding:8px" }, "No event is like that."));
}

function openEvent(name) {
  for (const button of document.querySelectorAll("#events button")) button.setAttribute("aria-current", String(button.dataset.event === name));
  byId("panes").classList.add("open");
  return showEvent(name).catch((error) => put(byId("detail"),
    el("button", { type: "button", class: "crumb", onclick: closeEvent }, "← all events"), notice(error.message, "bad")));
}

async function showQueue() {
  const pane = byId("queue");
  put(pane, el("p", { class: "dim" }, "…"));
  const { proposals, items, note } = await verify.queue();
  put(pane,
    el("h2", {}, `Open proposals (${proposals.length})`),
    proposals.length ? proposals.map(proposalCard) : el("p", { class: "dim" }, "Nothing waits for a decision."),
    items.length ? [el("h2", {}, "Next to look at"), el("ul", { class: "cases" }, items.map((item) => el("li", {},
      el("button", { type: "button", class: "plain mono", onclick: () => { select("events"); openEvent(item.event); } }, item.subject),
      el("span", { class: "dim small" }, item.why))))] : null,
    note ? el("p", { class: "dim small" }, note) : null);
}

const VIEWS = ["events", "stream", "queue"];
function select(view) {
  for (const each of VIEWS) {
    const on = each === view;
    byId(`view-${each}`).hidden = !on;
    byId(`tab-${each}`).setAttribute("aria-selected", String(on));
    byId(`tab-${each}`).tabIndex = on ? 0 : -1;
  }
  stream.show(view === "stream");
  if (view === "queue") showQueue().catch((error) => put(byId("queue"), notice(error.message, "bad")));
}
for (const view of VIEWS) byId(`tab-${view}`).addEventListener("click", () => select(view));
arrowsBetween(document.querySelector(".tabs"));
byId("find").addEventListener("input", debounced(120, showList));
byId("show").addEventListener("change", showList);
byId("events").addEventListener("keydown", (event) => {
  const by = { ArrowDown: 1, ArrowUp: -1 }[event.key];
  const all = [...byId("events").querySelectorAll("button")];
  const here = all.indexOf(document.activeElement);
  if (!by || here < 0) return;
  event.preventDefault();
  all[Math.min(Math.max(here + by, 0), all.length - 1)].focus();
});
stream.start();

async function load(wanted) {
  const overview = await describe.overview();
  events = overview.events;
  const seen = events.filter((event) => event.count).length;
  put(byId("about"), `${count(seen)} of ${count(events.length)} known event types seen`,
    overview.frames ? `, ${count(overview.frames)} frames` : "");
  showList();
  if (wanted && events.some((event) => event.name === wanted)) await openEvent(wanted);
  else if (matchMedia("(min-width: 720px)").matches && seen) {
    await openEvent(events.find((event) => event.count).name);
  }
}

let asked = null;
let loaded = false;
function begin() {
  if (loaded) return;
  loaded = true;
  load(asked).catch((error) => put(byId("problem"), notice(error.message, "bad")));
}
host.start({
  name: "rugs-explorer",
  onInput: (input) => { asked = typeof input.event === "string" ? input.event : null; },
  onResult: begin,
  onCancelled: begin,
  onTeardown: () => stream.stop(),
}).catch((error) => put(byId("problem"), notice(error.message, "bad")));
