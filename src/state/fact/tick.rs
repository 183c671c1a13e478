//! `gameStateUpdate`, as the fold takes it: what a packet has only when it is full is behind a box.

use std::borrow::Cow;
use std::sync::Arc;

use super::Rugpool;
use crate::protocol::fairness::GameVersion;
use crate::protocol::json::Value;
use crate::protocol::payload::{GameState, HistoryGame, MAX_TICK, price_list};
use crate::protocol::phase::Phase;

/// One `gameStateUpdate`. Absent is `None`: timer packets carry no tick and no price.
#[derive(Debug, Clone, Default)]
pub struct Tick<'a> {
    /// The round.
    pub game_id: Option<Cow<'a, str>>,
    /// As sent.
    pub active: Option<bool>,
    /// As sent.
    pub rugged: Option<bool>,
    /// Multiplier.
    pub price: Option<f64>,
    /// As sent; runs on by 1–3 after the rug.
    pub tick_count: Option<i64>,
    /// Milliseconds to the next change of phase.
    pub cooldown_timer: Option<f64>,
    /// True in presale.
    pub allow_pre_round_buys: Option<bool>,
    /// Trades of this game so far.
    pub trade_count: Option<i64>,
    /// Sockets on the server.
    pub connected_players: Option<i64>,
    /// `partialPrices.endTick`: the tick of `price`, also after the rug.
    pub window_end: Option<i64>,
    /// `partialPrices.values`: (tick, price), as sent.
    pub window: Vec<(u32, f64)>,
    /// `prices` of the first packet of a connection: every price from tick 0.
    pub path: Vec<f64>,
    /// Averages and counts of the last games.
    pub statistics: Option<Statistics>,
    /// The pool of instant rugs.
    pub rugpool: Option<Rugpool>,
    /// The ranking's JSON text; it is read only when someone asks for it. Shared, because folding it must not
    /// copy kilobytes.
    pub leaderboard: Option<Arc<str>>,
    /// The commitment to the seed.
    pub seed_hash: Option<Cow<'a, str>>,
    /// The rules, `v1` to `v3`.
    pub version: Option<Cow<'a, str>>,
    /// What only full packets have.
    pub full: Option<Box<Full<'a>>>,
}

impl Tick<'_> {
    /// The phase of the packet's own indicators.
    pub fn phase(&self) -> Option<Phase> {
        Phase::of(self.active, self.rugged, self.allow_pre_round_buys, self.cooldown_timer)
    }

    /// The tick that `price` belongs to. After the rug `tickCount` runs on, the window does not.
    pub fn true_tick(&self) -> Option<u32> {
        let tick = self.window_end.or_else(|| match self.path.len() {
            0 => self.tick_count,
            ticks => i64::try_from(ticks).ok().map(|ticks| ticks - 1),
        });
        tick.and_then(|tick| u32::try_from(tick).ok()).filter(|tick| *tick <= MAX_TICK)
    }
}

/// What full packets have besides: on connecting, twice at the rug, at tick 0 of golden games.
#[derive(Debug, Clone, Default)]
pub struct Full<'a> {
    /// The last finished games, the newest first as on the wire.
    pub history: Vec<Finished<'a>>,
    /// The day's highest peak.
    pub highest_today: Option<f64>,
    /// The day's god-candle records: tier, and what tells one record from another.
    pub god_candles: [Option<GodCandleRecord<'a>>; 3],
}

/// One finished game of `gameHistory`.
#[derive(Debug, Clone, Default)]
pub struct Finished<'a> {
    /// Its id; an entry without one can belong to no game.
    pub id: Option<Cow<'a, str>>,
    /// The revealed seed.
    pub seed: Option<Cow<'a, str>>,
    /// The rules.
    pub version: Option<GameVersion>,
    /// The highest price as the entry says it.
    pub peak: Option<f64>,
    /// Its prices, JSON text: read only when a game wants them.
    pub prices: Option<Cow<'a, str>>,
}

/// A god-candle record of the day.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct GodCandleRecord<'a> {
    /// The peak it is filed by.
    pub peak: f64,
    /// The game it names (since 2026); often the one after the jump.
    pub game_id: Option<Cow<'a, str>>,
    /// When, Unix milliseconds.
    pub timestamp: Option<f64>,
}

/// Averages and counts over the last hundred games, as the server says them.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct Statistics {
    /// `averageMultiplier`.
    pub average: Option<f64>,
    /// Peaks of at least 2×.
    pub count_2x: Option<i64>,
    /// Peaks of at least 10×.
    pub count_10x: Option<i64>,
    /// Peaks of at least 50×.
    pub count_50x: Option<i64>,
    /// Peaks of at least 100×.
    pub count_100x: Option<i64>,
}

impl<'a> From<GameState<'a>> for Tick<'a> {
    fn from(state: GameState<'a>) -> Tick<'a> {
        let record = |peak: Option<f64>, game_id: Option<Cow<'a, str>>, timestamp| {
            peak.map(|peak| GodCandleRecord { peak, game_id, timestamp })
        };
        let full = state.game_history.map(|history| {
            let god_candles = [
                record(state.god_candle_2x, state.god_candle_2x_game, state.god_candle_2x_at),
                record(state.god_candle_10x, state.god_candle_10x_game, state.god_candle_10x_at),
                record(state.god_candle_50x, state.god_candle_50x_game, state.god_candle_50x_at),
            ];
            Box::new(Full { history: finished(history), highest_today: state.highest_today, god_candles })
        });
        let statistics = Statistics {
            average: state.average_multiplier,
            count_2x: state.count_2x,
            count_10x: state.count_10x,
            count_50x: state.count_50x,
            count_100x: state.count_100x,
        };
        let fair = state.provably_fair.unwrap_or_default();
        let window = state.partial_prices.unwrap_or_default();
        Tick {
            game_id: state.game_id,
            active: state.active,
            rugged: state.rugged,
            price: state.price,
            tick_count: state.tick_count,
            cooldown_timer: state.cooldown_timer,
            allow_pre_round_buys: state.allow_pre_round_buys,
            trade_count: state.trade_count,
            connected_players: state.connected_players,
            window: window.by_tick().collect(),
            window_end: window.end_tick,
            path: state.prices.and_then(price_list).unwrap_or_default(),
            statistics: (statistics != Statistics::default()).then_some(statistics),
            rugpool: state.rugpool.map(Rugpool::from),
            leaderboard: state.leaderboard.map(|ranking| ranking.text().into()),
            seed_hash: fair.server_seed_hash,
            version: fair.version,
            full,
        }
    }
}

fn finished(history: Value<'_>) -> Vec<Finished<'_>> {
    history.elements().filter_map(HistoryGame::read).map(Finished::from).collect()
}

impl<'a> From<HistoryGame<'a>> for Finished<'a> {
    fn from(entry: HistoryGame<'a>) -> Finished<'a> {
        let version = entry.version().and_then(|version| version.parse().ok());
        Finished {
            id: entry.id,
            seed: entry.provably_fair.and_then(|fair| fair.server_seed),
            version,
            peak: entry.peak_multiplier,
            prices: entry.prices.map(|prices| Cow::Borrowed(prices.text())),
        }
    }
}
