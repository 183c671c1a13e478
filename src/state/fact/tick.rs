//! `gameStateUpdate`, read in one pass. 95 % of all bytes are in this event, so nothing is read that the fold
//! does not need, and what a packet has only when it is full is behind a box.

use std::borrow::Cow;
use std::fmt;
use std::sync::Arc;

use serde::Deserialize;
use serde::de::{Deserializer, IgnoredAny, MapAccess, Visitor};
use serde_json::value::RawValue;

use super::Rugpool;
use crate::protocol::fairness::GameVersion;
use crate::protocol::lenient;
use crate::protocol::payload::{HistoryGame, ProvablyFair};
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

/// No game is longer (the page stops at 5000); a larger number is an error and must not allocate.
pub const MAX_TICK: u32 = 10_000;

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
    pub prices: Option<Cow<'a, RawValue>>,
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

#[derive(Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
struct TickText<'a> {
    #[serde(borrow, deserialize_with = "lenient::text")]
    game_id: Option<Cow<'a, str>>,
    #[serde(deserialize_with = "lenient::boolean")]
    active: Option<bool>,
    #[serde(deserialize_with = "lenient::boolean")]
    rugged: Option<bool>,
    #[serde(deserialize_with = "lenient::number")]
    price: Option<f64>,
    #[serde(deserialize_with = "lenient::integer")]
    tick_count: Option<i64>,
    #[serde(deserialize_with = "lenient::number")]
    cooldown_timer: Option<f64>,
    #[serde(deserialize_with = "lenient::boolean")]
    allow_pre_round_buys: Option<bool>,
    #[serde(deserialize_with = "lenient::integer")]
    trade_count: Option<i64>,
    #[serde(deserialize_with = "lenient::integer")]
    connected_players: Option<i64>,
    partial_prices: Window,
    #[serde(borrow)]
    prices: Option<&'a RawValue>,
    #[serde(deserialize_with = "lenient::number")]
    average_multiplier: Option<f64>,
    #[serde(deserialize_with = "lenient::integer")]
    count2x: Option<i64>,
    #[serde(deserialize_with = "lenient::integer")]
    count10x: Option<i64>,
    #[serde(deserialize_with = "lenient::integer")]
    count50x: Option<i64>,
    #[serde(deserialize_with = "lenient::integer")]
    count100x: Option<i64>,
    #[serde(borrow)]
    rugpool: Option<&'a RawValue>,
    #[serde(borrow)]
    leaderboard: Option<&'a RawValue>,
    #[serde(borrow)]
    provably_fair: Option<&'a RawValue>,
    #[serde(borrow)]
    game_history: Option<&'a RawValue>,
    #[serde(deserialize_with = "lenient::number")]
    highest_today: Option<f64>,
    #[serde(deserialize_with = "lenient::number")]
    god_candle2x: Option<f64>,
    #[serde(rename = "godCandle2xTimestamp", deserialize_with = "lenient::number")]
    at_2x: Option<f64>,
    #[serde(borrow, rename = "godCandle2xGameId", deserialize_with = "lenient::text")]
    game_2x: Option<Cow<'a, str>>,
    #[serde(deserialize_with = "lenient::number")]
    god_candle10x: Option<f64>,
    #[serde(rename = "godCandle10xTimestamp", deserialize_with = "lenient::number")]
    at_10x: Option<f64>,
    #[serde(borrow, rename = "godCandle10xGameId", deserialize_with = "lenient::text")]
    game_10x: Option<Cow<'a, str>>,
    #[serde(deserialize_with = "lenient::number")]
    god_candle50x: Option<f64>,
    #[serde(rename = "godCandle50xTimestamp", deserialize_with = "lenient::number")]
    at_50x: Option<f64>,
    #[serde(borrow, rename = "godCandle50xGameId", deserialize_with = "lenient::text")]
    game_50x: Option<Cow<'a, str>>,
}

#[derive(Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
struct Fair<'a> {
    #[serde(borrow, deserialize_with = "lenient::text")]
    server_seed_hash: Option<Cow<'a, str>>,
    #[serde(borrow, deserialize_with = "lenient::text")]
    version: Option<Cow<'a, str>>,
}

/// The tick of a frame of the usual form, `42["gameStateUpdate",{…}]`, without the generic parser's extra pass;
/// `None` for any other frame, which the generic parser then reads.
pub fn of_common_frame(text: &str) -> Option<Tick<'_>> {
    let payload = text.strip_prefix("42[\"gameStateUpdate\",")?.strip_suffix(']')?;
    // A second argument or a trace argument makes this fail or leaves it without a game.
    of_payload(payload).filter(|tick| tick.game_id.is_some())
}

/// The tick of a payload; `None` when it is no JSON object.
pub fn of_payload(payload: &str) -> Option<Tick<'_>> {
    if !payload.starts_with('{') {
        return None;
    }
    serde_json::from_str::<TickText<'_>>(payload).ok().map(TickText::into_tick)
}

impl<'a> TickText<'a> {
    fn into_tick(self) -> Tick<'a> {
        let fair: Fair<'a> =
            self.provably_fair.and_then(|raw| serde_json::from_str(raw.get()).ok()).unwrap_or_default();
        let record = |peak: Option<f64>, game_id: Option<Cow<'a, str>>, timestamp| {
            peak.map(|peak| GodCandleRecord { peak, game_id, timestamp })
        };
        let full = self.game_history.map(|history| {
            let god_candles = [
                record(self.god_candle2x, self.game_2x, self.at_2x),
                record(self.god_candle10x, self.game_10x, self.at_10x),
                record(self.god_candle50x, self.game_50x, self.at_50x),
            ];
            Box::new(Full { history: finished(history), highest_today: self.highest_today, god_candles })
        });
        let statistics = Statistics {
            average: self.average_multiplier,
            count_2x: self.count2x,
            count_10x: self.count10x,
            count_50x: self.count50x,
            count_100x: self.count100x,
        };
        Tick {
            game_id: self.game_id,
            active: self.active,
            rugged: self.rugged,
            price: self.price,
            tick_count: self.tick_count,
            cooldown_timer: self.cooldown_timer,
            allow_pre_round_buys: self.allow_pre_round_buys,
            trade_count: self.trade_count,
            connected_players: self.connected_players,
            window_end: self.partial_prices.end,
            window: self.partial_prices.values,
            path: self.prices.and_then(|raw| serde_json::from_str(raw.get()).ok()).unwrap_or_default(),
            statistics: (statistics != Statistics::default()).then_some(statistics),
            rugpool: self.rugpool.and_then(|raw| serde_json::from_str(raw.get()).ok()),
            leaderboard: self.leaderboard.map(|raw| raw.get().into()),
            seed_hash: fair.server_seed_hash,
            version: fair.version,
            full,
        }
    }
}

fn finished(history: &RawValue) -> Vec<Finished<'_>> {
    let entries: Vec<&RawValue> = serde_json::from_str(history.get()).unwrap_or_default();
    let entries =
        entries.into_iter().filter_map(|entry| serde_json::from_str::<HistoryGame<'_>>(entry.get()).ok());
    entries
        .map(|entry| {
            let fair: ProvablyFair<'_> =
                entry.provably_fair.and_then(|raw| serde_json::from_str(raw.get()).ok()).unwrap_or_default();
            let version = entry.version_label(&fair).and_then(|version| version.parse().ok());
            Finished {
                id: entry.id,
                seed: fair.server_seed,
                version,
                peak: entry.peak_multiplier,
                prices: entry.prices.map(Cow::Borrowed),
            }
        })
        .collect()
}

/// `partialPrices`: whatever it looks like, it never costs the packet's other fields.
#[derive(Default)]
struct Window {
    end: Option<i64>,
    values: Vec<(u32, f64)>,
}

impl<'de> Deserialize<'de> for Window {
    fn deserialize<D: Deserializer<'de>>(d: D) -> Result<Window, D::Error> {
        #[derive(Default, Deserialize)]
        #[serde(default, rename_all = "camelCase")]
        struct Text {
            #[serde(deserialize_with = "lenient::integer")]
            end_tick: Option<i64>,
            values: Values,
        }
        let raw = <&'de RawValue>::deserialize(d)?;
        let text: Text = serde_json::from_str(raw.get()).unwrap_or_default();
        Ok(Window { end: text.end_tick, values: text.values.0 })
    }
}

#[derive(Default)]
struct Values(Vec<(u32, f64)>);

impl<'de> Deserialize<'de> for Values {
    fn deserialize<D: Deserializer<'de>>(d: D) -> Result<Values, D::Error> {
        struct Pairs;
        impl<'de> Visitor<'de> for Pairs {
            type Value = Values;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("prices by tick")
            }
            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Values, A::Error> {
                let mut values = Vec::with_capacity(5);
                while let Some(key) = map.next_key::<Cow<'de, str>>()? {
                    match key.parse() {
                        Ok(tick) => values.push((tick, map.next_value()?)),
                        Err(_) => {
                            map.next_value::<IgnoredAny>()?;
                        }
                    }
                }
                Ok(Values(values))
            }
        }
        d.deserialize_map(Pairs)
    }
}
