// The chart's behaviour: which games, which part, where the mark is; and telling the agent where the person looks.

const view = { from: 0, to: 1, log: false, active: 0, cursor: 0, trades: true, bets: true };
const games = [];
const canvas = byId("canvas");
const range = byId("range");
let scale = null;
let hoverTick = null;
let playing = 0;

const active = () => games[view.active];
const problem = (error) => put(byId("problem"), error ? notice(error.message, "bad") : null);

// ------------------------------------------------------------------ games

async function addGame(gameId) {
  problem(null);
  if (gameId && games.some((game) => game.id === gameId)) return choose(games.findIndex((game) => game.id === gameId));
  const data = await fetchPoints(gameId);
  if (games.length === MOST_GAMES) games.shift();
  const used = new Set(games.map((game) => game.colour));
  const colour = GAME_COLOURS.findIndex((_, index) => !used.has(index));
  games.push(new Game(data, colour));
  return choose(games.length - 1);
}

function choose(index) {
  view.active = index;
  const game = active();
  range.min = game.first;
  range.max = game.last;
  view.cursor = Math.min(Math.max(view.cursor, game.first), game.last);
  showWhole();
  showChosen();
  show();
}

function drop(index) {
  games.splice(index, 1);
  choose(Math.min(view.active, games.length - 1));
}

function showChosen() {
  put(byId("chosen"), games.map((game, index) => el("span", { class: "game" },
    el("button", { type: "button", class: "name", "aria-pressed": index === view.active, title: game.id, onclick: () => choose(index) },
      el("span", { class: "dot", style: `background:${GAME_COLOURS[game.colour]}` }), el("span", {}, game.id)),
    games.length > 1 && el("button", { type: "button", "aria-label": `Remove ${game.id}`, onclick: () => drop(index) }, "×"))));
}

async function listGames() {
  const { games: listed = [] } = await host.call("get_game", { limit: 50 });
  put(byId("add"), el("option", { value: "" }, "add a game…"), listed.map((game) => el("option", { value: game.game_id },
    `${game.game_id}  peak ${short(game.peak ?? NaN)}×${game.rug_tick === undefined ? "" : `, rug at ${game.rug_tick}`}`)));
}

byId("add").addEventListener("change", (event) => {
  const wanted = event.target.value;
  event.target.value = "";
  if (wanted) addGame(wanted).then(tellAgent).catch(problem);
});

// ------------------------------------------------------------------ the part that is shown

function showWhole() {
  view.from = Math.min(...games.map((game) => game.first));
  view.to = Math.max(...games.map((game) => game.last), view.from + 1);
  refine();
}

function zoom(factor, around = view.cursor) {
  const least = Math.min(...games.map((game) => game.first));
  const most = Math.max(...games.map((game) => game.last));
  const span = Math.min(Math.max((view.to - view.from) * factor, 10), most - least || 1);
  const share = Math.min(Math.max((around - view.from) / (view.to - view.from), 0), 1);
  view.from = Math.min(Math.max(around - span * share, least), most - span);
  view.to = view.from + span;
  refine();
  redraw();
}

const refine = debounced(200, () => {
  Promise.all(games.map((game) => game.refine(view.from, view.to))).then(redraw, problem);
});

let drawn = false;
function redraw() {
  if (drawn) return;
  drawn = true;
  requestAnimationFrame(() => {
    drawn = false;
    if (games.length) scale = draw(canvas, view, games, hoverTick);
  });
}

// ------------------------------------------------------------------ the mark

/** Moves the mark; `byPerson` tells the agent. */
function moveTo(tick, byPerson = true) {
  const game = active();
  if (!game) return;
  view.cursor = Math.round(Math.min(Math.max(tick, game.first), game.last));
  const span = view.to - view.from;
  if (view.cursor < view.from || view.cursor > view.to) {
    view.from = Math.min(Math.max(view.cursor - span / 2, game.first), Math.max(game.last - span, game.first));
    view.to = view.from + span;
    refine();
  }
  if (!game.exact.has(view.cursor)) fetchExact();
  show();
  if (byPerson) tellAgent();
}

const fetchExact = debounced(120, () => active().fetchAround(view.cursor).then(show, problem));

/** The agent learns where the person looks, once the mark rests. */
const tellAgent = debounced(350, async () => {
  const game = active();
  if (!game || playing) return;
  const told = byId("told");
  try {
    await game.fetchAround(view.cursor);
    const point = game.exact.get(view.cursor);
    const at = point ? `price ${point.price}` : "a tick that nobody recorded";
    const ref = point && point.ref;
    await host.tellModel(
      `In the price chart the person is looking at tick ${view.cursor} of game ${game.id}: ${at}` +
      `${point && point.from !== "frame" ? ` (from ${point.from})` : ""}. ` +
      (ref ? `The frame: get_events {"refs": ["${ref}"]}.` : "No frame is known for this tick."),
      { view: "chart", game_id: game.id, tick: view.cursor, price: point ? point.price : null,
        price_from: point ? point.from : null, event_ref: ref || null, games: games.map((each) => each.id),
        shown_ticks: [Math.floor(view.from), Math.ceil(view.to)] });
    told.className = "small good";
    put(told, `the agent sees: tick ${view.cursor}`);
  } catch (error) {
    told.className = "small warn";
    put(told, `the agent was not told (${error.message})`);
  }
});

// ------------------------------------------------------------------ words

function show() {
  const game = active();
  if (!game) return;
  range.value = view.cursor;
  const point = game.exact.get(view.cursor);
  range.setAttribute("aria-valuetext", point ? `tick ${view.cursor}, ${short(point.price)} times` : `tick ${view.cursor}`);
  showHead(game);
  showRead(game, point);
  showAround(game);
  redraw();
}

const PROOF = {
  true: ["proven", "good", "The revealed seed has the published hash and reproduces every price, bit for bit."],
  false: ["does not match its seed", "bad", "The revealed seed does not reproduce the recorded prices."],
  undefined: ["not proven", "", "No seed was revealed yet, or its prices were not all recorded: it cannot be told."],
};

function showHead(game) {
  const { about } = game;
  put(byId("proof"), badge(...PROOF[String(about.proven ?? undefined)]),
    game.repaired ? badge(`${count(game.repaired)} ticks repaired`, "warn", "Not recorded; filled in from the revealed seed.") : null);
  const parts = [`peak ${short(about.peak ?? NaN)}×`];
  if (game.rug) parts.push(`rug at tick ${game.rug.tick}`);
  else parts.push("no rug recorded");
  if (about.first_ts) parts.push(`${moment(about.first_ts)} UTC`);
  put(byId("summary"), parts.join(" · "));
  canvas.setAttribute("aria-label", `Price path of ${games.map((each) => each.id).join(", ")}: ${parts.join(", ")}`);
  const item = (sign, colour, text) => el("span", {}, el("i", { style: `color:var(--${colour})` }, sign), text);
  put(byId("legend"),
    game.trades.length ? [item("▲", "good", "buy"), item("▼", "bad", "sell")] : null,
    game.sidebets.length ? [item("▬", "good", "side bet won"), item("▬", "bad", "lost")] : null,
    game.godCandles.length ? item("◆", "warn", "god candle (×10)") : null,
    game.rug ? item("✕", "bad", "rug") : null,
    game.repaired ? item("○", "warn", "from the seed") : null,
    game.line.some((each) => each.from === "history") ? item("○", "fg-2", "from the game history only") : null);
}

const FROM = {
  frame: "the frame of this tick", recording: "an older recording of ticks", history: "the site's list of prices after the game",
  seed: "recomputed from the revealed seed; not recorded",
};

function showRead(game, point) {
  const before = game.exact.get(view.cursor - 1);
  const candle = game.godCandles.find((each) => each.tick === view.cursor);
  const rugged = game.rug && game.rug.tick === view.cursor;
  put(byId("read"),
    el("div", { class: "row" }, el("span", { class: "big num", id: "price" }, point ? `${short(point.price)}×` : "–"),
      el("span", { class: "dim num" }, `tick ${count(view.cursor)}`),
      rugged ? badge("rug", "bad") : null, candle ? badge("god candle", "warn") : null,
      point && point.from === "seed" ? badge("repaired", "warn") : null),
    facts([
      ["exact", point && el("code", {}, String(point.price))],
      ["change", point && before && before.price ? `${((point.price / before.price - 1) * 100).toFixed(2)} %` : null],
      ["below peak", point && game.about.peak && point.price < game.about.peak ? `${((1 - point.price / game.about.peak) * 100).toFixed(1)} %` : null],
      ["from", point ? FROM[point.from] || point.from : "nobody recorded this tick"],
      ["frame", point && point.ref ? el("code", {}, point.ref) : null],
    ]));
}

function showAround(game) {
  const trades = game.trades.filter((trade) => trade.tick === view.cursor);
  const bets = game.sidebets.filter((bet) => bet.start_tick <= view.cursor && view.cursor <= bet.end_tick);
  const who = (name) => (name === undefined || name === null ? el("span", { class: "dim" }, "–") : untrusted(name));
  if (!trades.length && !bets.length) {
    return put(byId("around"), el("p", { class: "dim small" }, game.trades.length || game.sidebets.length
      ? "No trade and no side bet at this tick. The site announces a sample of the trades only."
      : "No trades and no side bets of this game were recorded."));
  }
  return put(byId("around"),
    trades.length ? el("table", {}, el("tr", {}, ["trade", "SOL", "at", "who"].map((head) => el("th", {}, head))),
      trades.slice(0, 50).map((trade) => el("tr", { class: "num" },
        el("td", { class: trade.side === "buy" || trade.side === "short_close" ? "good" : "bad" }, String(trade.side || "–")),
        el("td", {}, short(trade.amount ?? NaN)), el("td", {}, `${short(trade.price ?? NaN)}×`),
        el("td", { class: "who" }, trade.own ? "you" : who(trade.username_untrusted))))) : null,
    bets.length ? el("table", {}, el("tr", {}, ["side bet", "ticks", "outcome", "who"].map((head) => el("th", {}, head))),
      bets.slice(0, 50).map((bet) => el("tr", { class: "num" },
        el("td", {}, short(bet.stake ?? NaN)),
        el("td", {}, `${bet.start_tick}–${bet.end_tick}`),
        el("td", { class: bet.outcome === "won" ? "good" : bet.outcome === "lost" ? "bad" : "" },
          `${bet.outcome || "open"}${bet.money === "practice" ? ", practice" : ""}`),
        el("td", { class: "who" }, bet.own ? "you" : who(bet.username_untrusted))))) : null);
}

// ------------------------------------------------------------------ hands

function tickUnder(event) {
  const box = canvas.getBoundingClientRect();
  return scale ? Math.round(scale.tick(event.clientX - box.left)) : 0;
}

canvas.addEventListener("pointerdown", (event) => {
  canvas.setPointerCapture(event.pointerId);
  stop();
  moveTo(tickUnder(event));
});
canvas.addEventListener("pointermove", (event) => {
  const game = active();
  if (!game || !scale) return;
  if (event.buttons) moveTo(tickUnder(event));
  hoverTick = event.pointerType === "touch" ? null : Math.min(Math.max(tickUnder(event), game.first), game.last);
  const hover = byId("hover");
  hover.hidden = hoverTick === null;
  if (hoverTick !== null) {
    const lines = games.map((each) => {
      const point = each.exact.get(hoverTick) || (each.decimated ? each.near(hoverTick) : null);
      return point && hoverTick <= each.last ? `${games.length > 1 ? `${each.id.slice(-6)} ` : ""}${short(point.price)}×` : null;
    }).filter(Boolean);
    put(hover, `tick ${count(hoverTick)}`, lines.length ? ` · ${lines.join(" · ")}` : " · not recorded");
    const x = scale.x(hoverTick);
    const wide = hover.offsetWidth;
    hover.style.left = `${Math.max(4, x + 10 + wide > canvas.clientWidth ? x - 10 - wide : x + 10)}px`;
  }
  redraw();
});
canvas.addEventListener("pointerleave", () => {
  hoverTick = null;
  byId("hover").hidden = true;
  redraw();
});
canvas.addEventListener("wheel", (event) => {
  // A bare wheel scrolls the chat; a pinch on a touchpad comes as a wheel with Ctrl.
  if (!event.ctrlKey || !games.length) return;
  event.preventDefault();
  zoom(event.deltaY > 0 ? 1.25 : 0.8, scale ? scale.tick(event.offsetX) : view.cursor);
}, { passive: false });

range.addEventListener("input", () => { stop(); moveTo(Number(range.value)); });

function step(by) {
  stop();
  const game = active();
  if (game) moveTo(by === Infinity ? game.last : by === -Infinity ? game.first : view.cursor + by);
}
for (const button of document.querySelectorAll("[data-step]")) button.addEventListener("click", () => step(Number(button.dataset.step)));

function play() {
  if (playing) return stop();
  if (!active()) return undefined;
  if (view.cursor >= active().last) moveTo(active().first, false);
  playing = setInterval(() => {
    if (view.cursor >= active().last) stop();
    else moveTo(view.cursor + 1, false);
  }, 250);
  return byId("play").setAttribute("aria-pressed", "true");
}
function stop() {
  if (!playing) return;
  clearInterval(playing);
  playing = 0;
  byId("play").setAttribute("aria-pressed", "false");
  tellAgent();
}
byId("play").addEventListener("click", play);

function toggleLog() {
  view.log = !view.log;
  byId("log").setAttribute("aria-pressed", String(view.log));
  redraw();
}
byId("log").addEventListener("click", toggleLog);
byId("closer").addEventListener("click", () => games.length && zoom(0.5));
byId("wider").addEventListener("click", () => games.length && zoom(2));
byId("whole").addEventListener("click", () => games.length && (showWhole(), redraw()));
byId("trades").addEventListener("change", (event) => { view.trades = event.target.checked; redraw(); });
byId("bets").addEventListener("change", (event) => { view.bets = event.target.checked; redraw(); });

const KEYS = {
  ArrowLeft: (event) => step(event.shiftKey ? -10 : -1), ArrowRight: (event) => step(event.shiftKey ? 10 : 1),
  Home: () => step(-Infinity), End: () => step(Infinity), " ": play, "+": () => zoom(0.5), "-": () => zoom(2),
  0: () => { showWhole(); redraw(); }, l: toggleLog, L: toggleLog,
};
canvas.addEventListener("keydown", (event) => {
  if (!games.length || event.ctrlKey || event.metaKey || event.altKey || !Object.hasOwn(KEYS, event.key)) return;
  event.preventDefault();
  KEYS[event.key](event);
});

new ResizeObserver(redraw).observe(canvas);
matchMedia("(prefers-color-scheme: dark)").addEventListener("change", redraw);

// ------------------------------------------------------------------ start

let asked = null;
async function open(wanted) {
  for (const gameId of wanted.games) await addGame(gameId);
  if (wanted.tick !== null) moveTo(wanted.tick, false);
}

/** What the tool was asked to show, or answered with. */
function wantedOf(source) {
  const list = source.games || [source.game_id, ...(source.compare_with || [])];
  const ids = list.map((game) => (typeof game === "string" ? game : game && game.game_id)).filter(Boolean);
  const tick = [source.cursor_tick, source.tick].find(Number.isInteger);
  return { games: ids.slice(0, MOST_GAMES), tick: tick ?? null };
}

host.start({
  name: "rugs-chart",
  onInput: (input) => { asked = wantedOf(input); },
  onResult: (result) => {
    if (result.isError) return problem(new Error(host.textOf(result)));
    let answered = { games: [], tick: null };
    try {
      answered = wantedOf(host.dataOf(result));
    } catch { /* a picture alone: what was asked for counts */ }
    const wanted = { games: answered.games.length ? answered.games : (asked ? asked.games : []),
      tick: (asked && asked.tick) ?? answered.tick };
    if (!wanted.games.length) wanted.games = [undefined];
    return open(wanted).catch(problem).then(() => listGames()).catch(problem);
  },
  onCancelled: (reason) => problem(new Error(`The call was cancelled. ${reason || ""}`)),
  onContext: redraw,
  onTeardown: stop,
}).catch(problem);
