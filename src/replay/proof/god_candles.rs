//! The day's god-candle records attributed to the game that had the candle. A record names a game, but often the one
//! after the jump (`corrections` 11): which game it was is found by recomputing the games whose seeds are known. Pure.

use std::borrow::Cow;
use std::collections::{BTreeMap, HashMap};

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::seeds::Revealed;
use crate::protocol::fairness::{self, GameVersion};
use crate::protocol::json::Value;
use crate::protocol::payload::price_list;

/// A record as a packet shows it.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Record {
    /// 2x, 10x or 50x.
    pub tier: String,
    /// The peak it is filed by.
    pub peak: f64,
    /// The price before the jump.
    pub before: Option<f64>,
    /// The price after it.
    pub after: Option<f64>,
    /// The game it names.
    pub names_game: Option<String>,
    /// The seed it shows.
    pub names_seed: Option<String>,
    /// The session of the first packet that shows it.
    pub session_id: String,
    /// The packet's number there.
    pub seq: u64,
}

/// A record with its game.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Attributed {
    /// 2x, 10x or 50x: the tier it is filed in, by peak.
    pub tier: String,
    /// Peak of the game that had the candle.
    pub peak: f64,
    /// [price before, price after], where the record has it.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub jump: Option<(f64, f64)>,
    /// The game that the record names.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub names_game: Option<String>,
    /// The game that had it, by recomputation; absent when no known seed gives it.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub game_id: Option<String>,
    /// The tick of the jump.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub tick: Option<u32>,
    /// Whether the record names the right game; absent when that cannot be told.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub names_right: Option<bool>,
    /// The session of the first packet that shows it.
    pub session_id: String,
    /// The packet's number there, for get_events.
    pub seq: u64,
}

/// A candle that a seed gives.
#[derive(Debug, Clone, PartialEq)]
struct Candle {
    game_id: String,
    tick: u32,
    before: f64,
    after: f64,
    peak: f64,
}

/// Finds the game of each record among those whose seeds are known: the games of the store, and whatever game and seed
/// the packets themselves name.
pub fn attribute(records: &[Record], seeds: &BTreeMap<String, Revealed>) -> Vec<Attributed> {
    let named = records.iter().filter_map(|record| {
        let (id, seed) = record.names_game.clone().zip(record.names_seed.clone())?;
        Some((id, Revealed { seed, version: None, times_us: Vec::new() }))
    });
    let mut all: BTreeMap<String, Revealed> = named.collect();
    all.extend(seeds.iter().map(|(id, revealed)| (id.clone(), revealed.clone())));
    let candles: Vec<Candle> = all.iter().flat_map(|(id, revealed)| candles(id, revealed)).collect();
    records.iter().map(|record| record.with(&candles)).collect()
}

/// The god candles of one game. Only v3 has them.
fn candles(game_id: &str, revealed: &Revealed) -> Vec<Candle> {
    let version = revealed.version.as_deref().map_or(Ok(GameVersion::V3), str::parse);
    if version != Ok(GameVersion::V3) {
        return Vec::new();
    }
    let path = fairness::play(&revealed.seed, game_id, GameVersion::V3);
    let candle = |tick: &usize| {
        Some(Candle {
            game_id: game_id.to_owned(),
            tick: u32::try_from(*tick).ok()?,
            before: *path.prices.get(tick.checked_sub(1)?)?,
            after: *path.prices.get(*tick)?,
            peak: path.peak,
        })
    };
    path.god_candles.iter().filter_map(candle).collect()
}

/// What one full packet shows: the day's records, and games whose seeds it names.
#[derive(Debug, Clone, Default)]
pub struct Shown {
    /// The records.
    pub records: Vec<Record>,
    /// Game and seed of the day's highest peak.
    pub seeds: BTreeMap<String, Revealed>,
}

impl Shown {
    /// Reads a packet's payload. Packets without records show nothing.
    pub fn read(payload: &str, session_id: &str, seq: u64) -> Shown {
        let mut shown = Shown::default();
        let fields: HashMap<Cow<'_, str>, Value<'_>> =
            Value::from(payload).members().map(|(key, value)| (key.name(), value)).collect();
        let text = |name: String| Some(fields.get(name.as_str())?.string()?.into_owned());
        for tier in crate::state::god_candle::TIERS {
            let field = |end: &str| format!("godCandle{tier}{end}");
            let Some(peak) = fields.get(field("").as_str()).and_then(|peak| peak.number()) else { continue };
            let jump = fields.get(field("MassiveJump").as_str()).and_then(|jump| price_list(*jump));
            let jump = jump.as_deref().and_then(|jump| <&[f64; 2]>::try_from(jump).ok());
            shown.records.push(Record {
                tier: tier.to_owned(),
                peak,
                before: jump.map(|[before, _]| *before),
                after: jump.map(|[_, after]| *after),
                names_game: text(field("GameId")),
                names_seed: text(field("ServerSeed")),
                session_id: session_id.to_owned(),
                seq,
            });
        }
        let highest = text("highestTodayGameId".into()).zip(text("highestTodayServerSeed".into()));
        shown.seeds.extend(highest.map(|(id, seed)| (id, Revealed { seed, version: None, times_us: Vec::new() })));
        shown
    }

    /// Adds what another packet shows; a record that is known already is the same record.
    pub fn add(&mut self, other: Shown) {
        for record in other.records {
            let same = |known: &Record| {
                (&known.tier, known.peak.to_bits(), &known.names_game)
                    == (&record.tier, record.peak.to_bits(), &record.names_game)
            };
            if !self.records.iter().any(same) {
                self.records.push(record);
            }
        }
        self.seeds.extend(other.seeds);
    }
}

impl Record {
    fn with(&self, candles: &[Candle]) -> Attributed {
        let same = |a: Option<f64>, b: f64| a.is_none_or(|a| a.to_bits() == b.to_bits());
        let found = candles.iter().find(|candle| {
            same(self.before, candle.before)
                && same(self.after, candle.after)
                // A record is set when the candle is, so its value may be that of the candle, not yet of the peak.
                && (same(Some(self.peak), candle.peak) || same(Some(self.peak), candle.after))
        });
        Attributed {
            tier: self.tier.clone(),
            peak: self.peak,
            jump: self.before.zip(self.after),
            names_game: self.names_game.clone(),
            game_id: found.map(|candle| candle.game_id.clone()),
            tick: found.map(|candle| candle.tick),
            names_right: found.and_then(|candle| self.names_game.as_ref().map(|named| *named == candle.game_id)),
            session_id: self.session_id.clone(),
            seq: self.seq,
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::indexing_slicing)]
    use super::*;

    const GAME: &str = "20260101-00000000000000ab";

    fn revealed(number: u32) -> Revealed {
        Revealed { seed: format!("{number:064x}"), version: Some("v3".into()), times_us: Vec::new() }
    }

    /// The record of the made-up game 0x163, whose candle is at tick 39.
    fn record(names: &str) -> Record {
        let path = fairness::play(&revealed(0x163).seed, GAME, GameVersion::V3);
        Record {
            tier: "2x".into(),
            peak: path.peak,
            before: Some(path.prices[38]),
            after: Some(path.prices[39]),
            names_game: Some(names.into()),
            ..Record::default()
        }
    }

    #[test]
    fn a_record_that_names_the_next_game_is_given_to_the_game_that_had_the_candle() {
        let seeds = BTreeMap::from([(GAME.to_owned(), revealed(0x163)), ("other".to_owned(), revealed(0xa))]);
        let found = attribute(&[record("other")], &seeds);
        assert_eq!((found[0].game_id.as_deref(), found[0].tick), (Some(GAME), Some(39)));
        assert_eq!(found[0].names_right, Some(false));
        assert_eq!(attribute(&[record(GAME)], &seeds)[0].names_right, Some(true));
    }

    #[test]
    fn a_record_of_a_game_whose_seed_is_not_known_stays_without_one() {
        let found = attribute(&[record("other")], &BTreeMap::from([("other".to_owned(), revealed(0xa))]));
        assert_eq!((&found[0].game_id, found[0].names_right), (&None, None));
    }

    #[test]
    fn the_records_of_a_packet_are_read_once() {
        let payload = r#"{"gameId":"g","godCandle2x":8.68,"godCandle2xMassiveJump":[0.7,7.0],"godCandle2xGameId":"n",
            "godCandle10x":null,"highestToday":9.5,"highestTodayGameId":"h","highestTodayServerSeed":"s"}"#;
        let mut shown = Shown::read(payload, "session", 3);
        shown.add(Shown::read(payload, "session", 4));
        assert_eq!(shown.records.len(), 1);
        let record = &shown.records[0];
        assert_eq!((record.peak, record.before, record.seq), (8.68, Some(0.7), 3));
        assert_eq!((record.names_game.as_deref(), shown.seeds["h"].seed.as_str()), (Some("n"), "s"));
        assert!(Shown::read("[1", "session", 5).records.is_empty());
    }

    #[test]
    fn a_seed_that_only_a_record_shows_is_tried_too() {
        let own = Record { names_seed: Some(revealed(0x163).seed), ..record(GAME) };
        assert_eq!(attribute(&[own], &BTreeMap::new())[0].game_id.as_deref(), Some(GAME));
    }
}
