// Games of the chart and their points, fetched by the app-only tool app_chart_points: decimated over the whole game,
// tick by tick where the person looks. Nothing of it passes through the model's context.

const MOST_GAMES = 6;
const POINTS = 1200;
/** Ticks around the mark that are fetched exactly. */
const AROUND = 60;

/** One game in the chart. `exact` has every tick that was fetched, `line` what is drawn. */
class Game {
  constructor(data, colour) {
    this.colour = colour;
    this.exact = new Map();
    this.take(data);
  }

  take(data) {
    this.about = data.game;
    this.trades = data.trades;
    this.sidebets = data.sidebets;
    this.godCandles = data.god_candles;
    this.rug = data.rug || null;
    this.repaired = data.repaired;
    this.first = data.first_tick ?? 0;
    this.last = data.last_tick ?? 0;
    this.asOf = data.as_of;
    this.whole = this.points(data);
    this.line = this.whole;
    this.decimated = data.decimated;
  }

  get id() { return this.about.game_id; }

  /** [tick, price, origin, session, seq] → objects, remembered by tick. */
  points(data) {
    const points = data.points.map(([tick, price, origin, session, seq]) => {
      const from = data.origins[origin];
      const ref = session === null || seq === null ? null : `${data.sessions[session]}:${seq}`;
      return { tick, price, from, ref };
    });
    for (const point of points) this.exact.set(point.tick, point);
    return points;
  }

  /** Fetches this part again when the whole was thinned out and the part is small enough to be better. */
  async refine(from, to) {
    if (!this.decimated || (from <= this.first && to >= this.last)) {
      this.line = this.whole;
      return;
    }
    const part = await fetchPoints(this.id, Math.floor(from), Math.ceil(to));
    const inside = this.points(part);
    this.line = [
      ...this.whole.filter((point) => point.tick < from), ...inside, ...this.whole.filter((point) => point.tick > to),
    ];
  }

  async fetchAround(tick) {
    if (!this.decimated || this.exact.has(tick)) return;
    this.points(await fetchPoints(this.id, Math.max(0, tick - AROUND), tick + AROUND));
  }

  /** The point at this tick, or the nearest one that is drawn. */
  near(tick) {
    const exact = this.exact.get(tick);
    if (exact) return exact;
    let best = null;
    for (const point of this.line) if (!best || Math.abs(point.tick - tick) < Math.abs(best.tick - tick)) best = point;
    return best;
  }
}

const fetchPoints = (gameId, from, to) =>
  host.call("app_chart_points", {
    ...(gameId ? { game_id: gameId } : {}),
    ...(from === undefined ? {} : { from_tick: from, to_tick: to }),
    max_points: POINTS,
  });
