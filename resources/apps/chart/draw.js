// The canvas: axes, price lines, side-bet windows, trades, marks. Knows the view and the games, changes neither.

const MARGIN = { left: 52, right: 14, top: 12, bottom: 26 };

/** Colours as the theme has them now; the canvas knows no CSS variables. */
function colours() {
  const probe = el("span");
  document.body.append(probe);
  const named = {};
  for (const name of ["bg", "bg-2", "fg", "fg-2", "line", "accent", "good", "bad", "warn"]) {
    probe.style.color = `var(--${name})`;
    named[name] = getComputedStyle(probe).color;
  }
  named.games = GAME_COLOURS.map((colour) => {
    probe.style.color = colour;
    return getComputedStyle(probe).color;
  });
  probe.remove();
  return named;
}

const GAME_COLOURS = [
  "var(--accent)", "light-dark(#8a3fb0, #d6a0f0)", "light-dark(#0b7a75, #5fd0c8)", "light-dark(#9a5b00, #f0b354)",
  "light-dark(#b0306a, #ff9ac4)", "light-dark(#4d6a00, #b5d65c)",
];

/** Places of marks on an axis: about `most`, at round numbers. */
function ticksOf(low, high, most) {
  const span = Math.max(high - low, 1e-12);
  const raw = span / most;
  const power = 10 ** Math.floor(Math.log10(raw));
  const step = [1, 2, 5, 10].map((factor) => factor * power).find((candidate) => candidate >= raw);
  const places = [];
  for (let at = Math.ceil(low / step) * step; at <= high + step * 1e-9; at += step) places.push(Number(at.toPrecision(12)));
  return places;
}

function logTicksOf(low, high) {
  const places = [];
  for (let power = Math.floor(Math.log10(low)); power <= Math.log10(high); power += 1)
    for (const factor of [1, 2, 5]) {
      const at = factor * 10 ** power;
      if (at >= low && at <= high) places.push(at);
    }
  return places.length > 8 ? places.filter((at) => Number.isInteger(Math.round(Math.log10(at) * 1e6) / 1e6)) : places;
}

/** From ticks and prices to pixels and back. */
class Scale {
  constructor(view, games, width, height) {
    this.view = view;
    this.left = MARGIN.left;
    this.right = width - MARGIN.right;
    this.top = MARGIN.top;
    this.bottom = height - MARGIN.bottom;
    const prices = games.flatMap((game) => game.line)
      .filter((point) => point.tick >= view.from - 1 && point.tick <= view.to + 1).map((point) => point.price);
    let low = Math.min(...prices);
    let high = Math.max(...prices);
    if (!prices.length) { low = 0; high = 2; }
    if (view.log) {
      this.low = Math.max(low, 1e-4) / 1.15;
      this.high = Math.max(high, this.low * 1.5) * 1.15;
    } else {
      const pad = Math.max((high - low) * 0.08, 0.02);
      this.low = Math.max(0, low - pad);
      this.high = high + pad;
    }
  }

  x(tick) { return this.left + ((tick - this.view.from) / Math.max(this.view.to - this.view.from, 1)) * (this.right - this.left); }

  tick(x) { return this.view.from + ((x - this.left) / (this.right - this.left)) * (this.view.to - this.view.from); }

  y(price) {
    const share = this.view.log
      ? (Math.log(Math.max(price, this.low)) - Math.log(this.low)) / (Math.log(this.high) - Math.log(this.low))
      : (price - this.low) / (this.high - this.low);
    return this.bottom - Math.min(Math.max(share, -0.02), 1.02) * (this.bottom - this.top);
  }
}

function draw(canvas, view, games, hoverTick) {
  const ratio = window.devicePixelRatio || 1;
  const width = canvas.clientWidth;
  const height = canvas.clientHeight;
  if (canvas.width !== Math.round(width * ratio)) canvas.width = Math.round(width * ratio);
  if (canvas.height !== Math.round(height * ratio)) canvas.height = Math.round(height * ratio);
  const pen = canvas.getContext("2d");
  const paint = colours();
  const scale = new Scale(view, games, width, height);
  pen.setTransform(ratio, 0, 0, ratio, 0, 0);
  pen.clearRect(0, 0, width, height);
  pen.font = `11px ${getComputedStyle(document.body).fontFamily}`;
  drawAxes(pen, scale, paint);
  pen.save();
  pen.beginPath();
  pen.rect(scale.left - 6, scale.top - 6, scale.right - scale.left + 14, scale.bottom - scale.top + 12);
  pen.clip();
  const active = games[view.active];
  if (active && view.bets) drawBets(pen, scale, paint, active);
  games.forEach((game) => drawLine(pen, scale, paint, game, game === active));
  if (active && view.trades) drawTrades(pen, scale, paint, active);
  if (active) drawMarks(pen, scale, paint, active);
  if (hoverTick !== null) drawUpright(pen, scale, paint["fg-2"], hoverTick, [2, 3]);
  if (active) drawCursor(pen, scale, paint, active, view.cursor);
  pen.restore();
  return scale;
}

function drawAxes(pen, scale, paint) {
  pen.lineWidth = 1;
  pen.textBaseline = "middle";
  pen.textAlign = "right";
  const prices = scale.view.log ? logTicksOf(scale.low, scale.high) : ticksOf(scale.low, scale.high, 6);
  for (const price of prices) {
    const y = Math.round(scale.y(price)) + 0.5;
    pen.strokeStyle = paint.line;
    pen.globalAlpha = price === 1 ? 1 : 0.6;
    pen.beginPath();
    pen.moveTo(scale.left, y);
    pen.lineTo(scale.right, y);
    pen.stroke();
    pen.globalAlpha = 1;
    pen.fillStyle = paint["fg-2"];
    pen.fillText(`${short(price)}×`, scale.left - 6, y);
  }
  pen.textBaseline = "top";
  pen.textAlign = "center";
  const most = Math.max(5, Math.floor((scale.right - scale.left) / 90));
  for (const tick of ticksOf(scale.view.from, scale.view.to, most)) {
    if (!Number.isInteger(tick)) continue;
    const x = scale.x(tick);
    pen.fillStyle = paint["fg-2"];
    pen.fillText(tick.toLocaleString("en-US"), Math.min(Math.max(x, scale.left + 8), scale.right - 10), scale.bottom + 8);
  }
}

function drawBets(pen, scale, paint, game) {
  // The ground shows only the bets that run at the mark, those of one outcome together: all of them would cover it.
  for (const outcome of ["won", "lost", undefined]) {
    const running = game.sidebets.filter((bet) => bet.outcome === outcome && bet.start_tick <= scale.view.cursor && scale.view.cursor <= bet.end_tick);
    if (!running.length) continue;
    const left = scale.x(Math.min(...running.map((bet) => bet.start_tick)));
    pen.fillStyle = outcome === "won" ? paint.good : outcome === "lost" ? paint.bad : paint.warn;
    pen.globalAlpha = 0.09;
    pen.fillRect(left, scale.top, scale.x(Math.max(...running.map((bet) => bet.end_tick))) - left, scale.bottom - scale.top);
    pen.globalAlpha = 1;
  }
  const lanes = [];
  for (const bet of game.sidebets) {
    if (bet.start_tick === undefined || bet.end_tick === undefined) continue;
    if (bet.end_tick < scale.view.from || bet.start_tick > scale.view.to) continue;
    let lane = lanes.findIndex((end) => end < bet.start_tick);
    if (lane < 0) lane = lanes.length;
    lanes[lane] = bet.end_tick;
    const left = scale.x(bet.start_tick);
    const wide = Math.max(scale.x(bet.end_tick) - left, 2);
    const colour = bet.outcome === "won" ? paint.good : bet.outcome === "lost" ? paint.bad : paint.warn;
    pen.fillStyle = colour;
    pen.globalAlpha = 0.75;
    pen.fillRect(left, scale.bottom - 4 - (lane % 12) * 5, wide, 3);
    pen.globalAlpha = 1;
  }
}

function drawLine(pen, scale, paint, game, active) {
  pen.strokeStyle = paint.games[game.colour];
  pen.lineWidth = active ? 2 : 1.4;
  pen.globalAlpha = active ? 1 : 0.65;
  pen.lineJoin = "round";
  const dashes = game.rug ? game.rug.tick : Infinity;
  pen.beginPath();
  let before = null;
  for (const point of game.line) {
    const [x, y] = [scale.x(point.tick), scale.y(point.price)];
    // Ticks that nobody recorded: no line is invented across them, unless the whole is thinned out.
    const gap = before && !game.decimated && point.tick > before.tick + 1;
    if (!before || gap) pen.moveTo(x, y);
    else pen.lineTo(x, y);
    before = point;
    if (point.tick >= dashes) break;
  }
  pen.stroke();
  pen.globalAlpha = 1;
  if (!active) return;
  pen.lineWidth = 1.4;
  for (const point of game.line) {
    if (point.from !== "seed" && point.from !== "history") continue;
    if (point.tick < scale.view.from || point.tick > scale.view.to) continue;
    pen.beginPath();
    pen.arc(scale.x(point.tick), scale.y(point.price), 3, 0, 2 * Math.PI);
    pen.fillStyle = paint.bg;
    pen.fill();
    pen.strokeStyle = point.from === "seed" ? paint.warn : paint["fg-2"];
    pen.stroke();
  }
}

function drawTrades(pen, scale, paint, game) {
  for (const trade of game.trades) {
    if (trade.tick === undefined || trade.tick < scale.view.from || trade.tick > scale.view.to) continue;
    const price = trade.price ?? (game.exact.get(trade.tick) || {}).price;
    if (price === undefined) continue;
    const buys = trade.side === "buy" || trade.side === "short_close";
    const [x, y] = [scale.x(trade.tick), scale.y(price) + (buys ? 9 : -9)];
    const tip = buys ? -5 : 5;
    pen.beginPath();
    pen.moveTo(x, y + tip);
    pen.lineTo(x - 4.5, y - tip * 0.6);
    pen.lineTo(x + 4.5, y - tip * 0.6);
    pen.closePath();
    pen.fillStyle = buys ? paint.good : paint.bad;
    pen.fill();
    if (trade.own) {
      pen.strokeStyle = paint.fg;
      pen.lineWidth = 1.5;
      pen.stroke();
    }
  }
}

function drawMarks(pen, scale, paint, game) {
  for (const candle of game.godCandles) {
    const [x, y] = [scale.x(candle.tick), scale.y(candle.after)];
    pen.beginPath();
    pen.moveTo(x, y - 8);
    pen.lineTo(x + 6, y);
    pen.lineTo(x, y + 8);
    pen.lineTo(x - 6, y);
    pen.closePath();
    pen.fillStyle = paint.warn;
    pen.fill();
    pen.strokeStyle = paint.bg;
    pen.stroke();
  }
  if (!game.rug) return;
  drawUpright(pen, scale, paint.bad, game.rug.tick, [5, 3]);
  const x = scale.x(game.rug.tick);
  const y = scale.y(game.rug.price ?? scale.low);
  pen.strokeStyle = paint.bad;
  pen.lineWidth = 2.5;
  pen.beginPath();
  for (const way of [1, -1]) {
    pen.moveTo(x - 5, y - 5 * way);
    pen.lineTo(x + 5, y + 5 * way);
  }
  pen.stroke();
}

function drawUpright(pen, scale, colour, tick, dash) {
  pen.save();
  pen.strokeStyle = colour;
  pen.lineWidth = 1;
  pen.setLineDash(dash);
  pen.beginPath();
  pen.moveTo(scale.x(tick), scale.top - 6);
  pen.lineTo(scale.x(tick), scale.bottom);
  pen.stroke();
  pen.restore();
}

function drawCursor(pen, scale, paint, game, tick) {
  drawUpright(pen, scale, paint.fg, tick, []);
  const point = game.exact.get(tick);
  if (!point) return;
  pen.beginPath();
  pen.arc(scale.x(tick), scale.y(point.price), 5, 0, 2 * Math.PI);
  pen.fillStyle = paint.games[game.colour];
  pen.fill();
  pen.lineWidth = 2;
  pen.strokeStyle = paint.bg;
  pen.stroke();
}
