//! What the rows of a part say of finished games: history entries, and stored proofs.

use arrow::array::{Array, AsArray};
use arrow::datatypes::Float64Type;
use serde::{Deserialize, Serialize};

use super::{Columns, flag, is_false, text, value};
use crate::proof::{GAME_PROVEN, StoredProof};
use crate::runs::add_tick;
use replayer_protocol::fairness::{self, GameVersion};
use replayer_protocol::price::is_plausible;

/// A row of `game`: what a history entry says of a finished game.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct HistoryExtent {
    /// The round.
    #[serde(rename = "g")]
    pub game_id: String,
    /// The session, a place in [`super::Contents::sessions`].
    #[serde(rename = "s")]
    pub session: u32,
    /// The frame.
    #[serde(rename = "q")]
    pub seq: u64,
    /// When it came, microseconds UTC.
    #[serde(rename = "u", default, skip_serializing_if = "Option::is_none")]
    pub ts: Option<i64>,
    /// When the game ended by the server's clock, microseconds UTC.
    #[serde(rename = "z", default, skip_serializing_if = "Option::is_none")]
    pub ended: Option<i64>,
    /// Where it comes from.
    #[serde(rename = "c", default, skip_serializing_if = "Option::is_none")]
    pub source: Option<String>,
    /// What it holds, added up; the better entry counts ([`crate::games::Quality`]).
    #[serde(rename = "l", default)]
    pub quality: i64,
    /// The peak that is announced.
    #[serde(rename = "p", default, skip_serializing_if = "Option::is_none")]
    pub peak: Option<f64>,
    /// The rug tick: of the list of prices.
    #[serde(rename = "k", default, skip_serializing_if = "Option::is_none")]
    pub rug_tick: Option<i64>,
    /// The price at the rug: the last of the list.
    #[serde(rename = "r", default, skip_serializing_if = "Option::is_none")]
    pub rug_price: Option<f64>,
    /// What its list of prices says.
    #[serde(rename = "w", default, skip_serializing_if = "Option::is_none")]
    pub path: Option<Path>,
    /// Whether it reveals the seed.
    #[serde(rename = "e", default, skip_serializing_if = "is_false")]
    pub has_seed: bool,
    /// The rules that it names.
    #[serde(rename = "v", default, skip_serializing_if = "Option::is_none")]
    pub version: Option<String>,
    /// Whether the seed reproduces the list.
    #[serde(rename = "o", default, skip_serializing_if = "Option::is_none")]
    pub proven: Option<bool>,
    /// What the seed gives by the rules that are named; none where the list was proven: that is the same.
    #[serde(rename = "m", default, skip_serializing_if = "Option::is_none")]
    pub computed: Option<Path>,
    /// The seed, where no rules are named, so that they have to be found by what was recorded.
    #[serde(rename = "d", default, skip_serializing_if = "Option::is_none")]
    pub seed: Option<String>,
}

/// What a list of prices comes to, recorded or computed.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Path {
    /// The rug tick: the place of the last price.
    #[serde(rename = "k")]
    pub rug_tick: i64,
    /// The last price.
    #[serde(rename = "r", default, skip_serializing_if = "Option::is_none")]
    pub rug_price: Option<f64>,
    /// The highest price and the first tick that has it.
    #[serde(rename = "h", default, skip_serializing_if = "Option::is_none")]
    pub peak: Option<(i64, f64)>,
    /// Ticks whose prices cannot be, as inclusive runs.
    #[serde(rename = "x", default, skip_serializing_if = "Vec::is_empty")]
    pub damaged: Vec<(i64, i64)>,
}

impl Path {
    /// Of a list of prices from tick 0 on; `None` of an empty one.
    pub fn of(prices: impl IntoIterator<Item = Option<f64>>) -> Option<Path> {
        let mut path: Option<Path> = None;
        for (tick, price) in (0..).zip(prices) {
            let path = path.get_or_insert_default();
            let price = price.filter(|price| is_plausible(*price));
            (path.rug_tick, path.rug_price) = (tick, price);
            match price {
                Some(price) if path.peak.is_none_or(|(_, highest)| price > highest) => {
                    path.peak = Some((tick, price))
                }
                Some(_) => {}
                None => add_tick(&mut path.damaged, tick),
            }
        }
        path
    }

    /// What a seed gives.
    pub fn played(seed: &str, game_id: &str, version: GameVersion) -> Option<Path> {
        Path::of(fairness::play(seed, game_id, version).prices.into_iter().map(Some))
    }
}

/// A stored proof: a system event of the recorder.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct ProofExtent {
    /// The round.
    #[serde(rename = "g")]
    pub game_id: String,
    /// The session, a place in [`super::Contents::sessions`].
    #[serde(rename = "s")]
    pub session: u32,
    /// The record.
    #[serde(rename = "q")]
    pub seq: u64,
    /// When it was proven, microseconds UTC.
    #[serde(rename = "u", default, skip_serializing_if = "Option::is_none")]
    pub ts: Option<i64>,
    /// Whether the seed gives everything recorded.
    #[serde(rename = "o", default, skip_serializing_if = "is_false")]
    pub proven: bool,
    /// What the seed gives.
    #[serde(rename = "w", default, skip_serializing_if = "Option::is_none")]
    pub path: Option<Path>,
    /// Ticks that it filled, as inclusive runs.
    #[serde(rename = "k", default, skip_serializing_if = "Vec::is_empty")]
    pub filled: Vec<(i64, i64)>,
}

/// Reads a row of `game`.
pub(super) fn entry(columns: &Columns<'_>, row: usize, session: u32, seq: u64) -> Option<HistoryExtent> {
    let game_id = text(columns.game, row)?.to_owned();
    let prices = columns.batch.column_by_name("prices").and_then(|column| column.as_list_opt::<i32>());
    let listed = prices.filter(|prices| prices.is_valid(row)).map(|prices| prices.value(row));
    let path = listed.and_then(|listed| Path::of(listed.as_primitive_opt::<Float64Type>()?.iter()));
    let seed = text(columns.text("server_seed"), row);
    let version = text(columns.text("game_version"), row);
    let proven = columns
        .batch
        .column_by_name("proven")
        .and_then(|column| column.as_boolean_opt())
        .filter(|column| column.is_valid(row))
        .map(|column| flag(column, row));
    let unproven = seed.filter(|_| path.is_none() || proven != Some(true));
    let played = |version: &str| Path::played(unproven?, &game_id, version.parse().ok()?);
    Some(HistoryExtent {
        session,
        seq,
        ts: columns.ts.and_then(|column| value(column, row)),
        ended: columns.time("ended_at").and_then(|column| value(column, row)),
        source: text(columns.source, row).map(str::to_owned),
        quality: columns.integer("quality").and_then(|column| value(column, row)).unwrap_or(0),
        peak: columns.float("peak").and_then(|column| value(column, row)).filter(|peak| is_plausible(*peak)),
        rug_tick: columns.integer("ticks").and_then(|column| value(column, row)),
        rug_price: columns
            .float("rug_price")
            .and_then(|column| value(column, row))
            .filter(|price| is_plausible(*price)),
        has_seed: seed.is_some(),
        version: version.map(str::to_owned),
        computed: version.and_then(played),
        seed: unproven.filter(|_| version.is_none()).map(str::to_owned),
        path,
        proven,
        game_id,
    })
}

/// Reads a row of `system_event`; `None` where it is no proof.
pub(super) fn proof(columns: &Columns<'_>, row: usize, session: u32, seq: u64) -> Option<ProofExtent> {
    let event_type = text(columns.text("event_type"), row)?;
    let proof = StoredProof::read(event_type, text(columns.text("details"), row)?)?;
    let version: Option<GameVersion> = proof.version.parse().ok();
    let proven = event_type == GAME_PROVEN;
    Some(ProofExtent {
        session,
        seq,
        ts: columns.ts.and_then(|column| value(column, row)),
        proven,
        path: version.and_then(|version| Path::played(&proof.server_seed, &proof.game_id, version)),
        filled: proof
            .filled
            .iter()
            .filter(|_| proven)
            .map(|(from, to)| (i64::from(*from), i64::from(*to)))
            .collect(),
        game_id: proof.game_id,
    })
}
