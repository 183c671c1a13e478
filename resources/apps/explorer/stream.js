// The live stream: frames as they are recorded, coloured by type. Asked for in short steps while it is looked at;
// what is kept is bounded, what was left out is said.

const KEPT = 400;
const PAUSE_MS = 1000;
const IDLE_MS = 3000;

const stream = (() => {
  let frames = [];
  let cursor = null;
  let paused = false;
  let shown = false;
  let timer = 0;
  let asking = false;
  const off = new Set();
  const counts = new Map();
  const arrivals = [];

  const nameOf = (frame) => frame.event_name || frame.packet || "frame";
  const box = () => byId("stream");

  function passes(frame) {
    if (off.has(nameOf(frame))) return false;
    const wanted = byId("filter").value.trim().toLowerCase();
    return !wanted || nameOf(frame).toLowerCase().includes(wanted) || (frame.text_untrusted || "").toLowerCase().includes(wanted);
  }

  function line(frame) {
    if (frame.gap) return el("div", { class: "gap" }, `${count(frame.gap)} frames came in between and are not shown`);
    const name = nameOf(frame);
    const sent = frame.direction === "sent";
    return el("button", {
      type: "button", class: "frame", title: frame.ref,
      onclick: () => put(byId("frame"), frameCard(frame.ref, { title: name, onclose: () => put(byId("frame")) })),
    },
    el("span", { class: "dim num" }, moment(frame.ts).slice(11, 19) || `#${frame.seq}`, el("span", { class: "ms" }, moment(frame.ts).slice(19, 23))),
    el("span", { class: sent ? "warn" : "dim", title: sent ? "sent" : "received", "aria-label": sent ? "sent" : "received" }, sent ? "↑" : "↓"),
    el("span", { class: "event", style: `color:${hue(name)}` }, untrusted(name, "span")),
    el("span", { class: "text untrusted" }, visible(frame.text_untrusted || "")));
  }

  function redraw() {
    const node = box();
    const below = node.scrollHeight - node.scrollTop - node.clientHeight < 40;
    const lines = frames.filter((frame) => frame.gap || passes(frame)).slice(-KEPT).map(line);
    put(node, lines.length ? lines : el("p", { class: "dim", style: "padding:8px" },
      frames.length ? "No frame passes the filter." : "Nothing has been recorded yet."));
    if (below) node.scrollTop = node.scrollHeight;
    redrawKinds();
  }

  function redrawKinds() {
    const node = byId("kinds");
    const focused = document.activeElement && document.activeElement.dataset ? document.activeElement.dataset.kind : undefined;
    put(node, [...counts].sort((a, b) => b[1] - a[1]).map(([name, n]) => el("button", {
      type: "button", "aria-pressed": String(!off.has(name)), "data-kind": name, style: `color:${hue(name)}`,
      onclick: () => { if (!off.delete(name)) off.add(name); redraw(); },
    }, untrusted(name), ` ${count(n)}`)));
    const again = focused === undefined ? null : [...node.children].find((child) => child.dataset.kind === focused);
    if (again) again.focus();
  }

  function take(answer) {
    if (answer.skipped) frames.push({ gap: answer.skipped });
    for (const frame of answer.frames) {
      frames.push({ ...frame, ref: `${frame.session_id}:${frame.seq}` });
      counts.set(nameOf(frame), (counts.get(nameOf(frame)) || 0) + 1);
    }
    frames = frames.slice(-KEPT);
    cursor = answer.cursor || cursor;
    arrivals.push([Date.now(), answer.frames.length + (answer.skipped || 0)]);
    while (arrivals.length > 1 && arrivals[0][0] < Date.now() - 10000) arrivals.shift();
    const seconds = Math.max((Date.now() - arrivals[0][0]) / 1000, 1);
    const came = arrivals.slice(1).reduce((sum, [, n]) => sum + n, 0);
    put(byId("rate"), answer.live ? [badge("live", "good"), ` ${(came / seconds).toFixed(1)} frames/s`] : badge("nothing is being recorded"));
    if (answer.frames.length || answer.skipped) redraw();
  }

  async function ask() {
    clearTimeout(timer);
    if (asking || paused || !shown || host.ended) return;
    asking = true;
    let pause = IDLE_MS;
    try {
      const first = cursor === null;
      const answer = await host.call("app_stream", { ...(first ? {} : { after: cursor }), limit: 200 });
      // What arrives while it stands still would move under the reader's eyes.
      if (!paused) take(answer);
      if (first && !answer.frames.length) redraw();
      if (answer.frames.length) pause = PAUSE_MS;
    } catch (error) {
      put(byId("rate"), el("span", { class: "bad" }, error.message));
    }
    asking = false;
    if (!host.ended) timer = setTimeout(ask, pause);
  }

  function setPaused(on) {
    paused = on;
    byId("pause").setAttribute("aria-pressed", String(on));
    put(byId("pause"), on ? "Go on" : "Pause");
    if (!on) ask();
  }

  return {
    show(on) { shown = on; if (on) ask(); else clearTimeout(timer); },
    stop() { shown = false; clearTimeout(timer); },
    start() {
      byId("pause").addEventListener("click", () => setPaused(!paused));
      byId("filter").addEventListener("input", debounced(120, redraw));
      document.addEventListener("visibilitychange", () => { if (!document.hidden) ask(); });
    },
  };
})();
