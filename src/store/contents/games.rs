//! What the rows of a part say of a game, session by session: the half of a game's record that is kept beside the part.
//!
//! Two extents of the same game and session merge in any order and grouping to the same ([`GameExtent::add`]); what the
//! sessions have together, and what it means, is decided by the layer above (`game`).

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::{Columns, is_false, text};
use crate::runs::{add_run, add_tick};
use replayer_protocol::fairness::MAX_TICKS;
use replayer_protocol::price::is_plausible;

/// Rugged packets no further apart than this are about one rug: the counter runs on by 1 to 3 after it.
pub const RUNS_ON: u32 = 10;

/// Ticks whose prices are compared at once.
const BLOCK: i64 = 64;

/// What a session has of a game.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct GameExtent {
    /// The round.
    #[serde(rename = "g")]
    pub game_id: String,
    /// The session, a place in [`super::Contents::sessions`].
    #[serde(rename = "s")]
    pub session: u32,
    /// Packets.
    #[serde(rename = "n")]
    pub packets: u64,
    /// Packets with a price.
    #[serde(rename = "p")]
    pub priced: u64,
    /// Packets without a time.
    #[serde(rename = "z", default, skip_serializing_if = "is_zero")]
    pub untimed: u64,
    /// The lowest tick; `None` where no packet has one.
    #[serde(rename = "t", default, skip_serializing_if = "Option::is_none")]
    pub first_tick: Option<i64>,
    /// Ticks of the running game that have a price, as inclusive runs: none of the rug and after it, none before the game,
    /// none of which only prices are known that cannot be ([`is_plausible`]).
    #[serde(rename = "k", default, skip_serializing_if = "Vec::is_empty")]
    pub ran: Vec<(i64, i64)>,
    /// Ticks of which a price was recorded that cannot be, as inclusive runs.
    #[serde(rename = "x", default, skip_serializing_if = "Vec::is_empty")]
    pub damaged: Vec<(i64, i64)>,
    /// Ticks of which two different prices were recorded, as inclusive runs.
    #[serde(rename = "y", default, skip_serializing_if = "Vec::is_empty")]
    pub differing: Vec<(i64, i64)>,
    /// The rugs that packets showed, by tick: one, unless something is wrong.
    #[serde(rename = "b", default, skip_serializing_if = "Vec::is_empty")]
    pub rugs: Vec<Rug>,
    /// Highest prices of the running game, as (tick, price), each higher than those before: the highest up to some tick is
    /// the last one up to there. In a part only the highest of all and those before its rugs are kept.
    #[serde(rename = "h", default, skip_serializing_if = "Vec::is_empty")]
    pub highs: Vec<(i64, f64)>,
    /// Checksums of the prices of whole blocks of ticks, as (block, checksum): two recordings of a block have the same.
    #[serde(rename = "d", default, skip_serializing_if = "Vec::is_empty")]
    pub digests: Vec<(u16, u32)>,
    /// Whether a packet shows its rug, with or without tick and price.
    #[serde(rename = "r", default, skip_serializing_if = "is_false")]
    pub rugged: bool,
    /// How far the game was seen to go.
    #[serde(rename = "f", default, skip_serializing_if = "Option::is_none")]
    pub reached: Option<Reached>,
    /// Whether the rows are lines of an older recording, which have no frame.
    #[serde(rename = "o", default, skip_serializing_if = "is_false")]
    pub recorded: bool,
    /// Highest count of trades.
    #[serde(rename = "a", default, skip_serializing_if = "Option::is_none")]
    pub trades: Option<i64>,
    /// Where the rows come from: `cdp`, `public_ws`, `import`, …
    #[serde(rename = "c", default, skip_serializing_if = "Vec::is_empty")]
    pub sources: Vec<String>,
    /// First and last `seq`.
    #[serde(rename = "q")]
    pub seq: (u64, u64),
    /// First and last time, microseconds UTC; `None` where no row has one.
    #[serde(rename = "u", default, skip_serializing_if = "Option::is_none")]
    pub ts: Option<(i64, i64)>,
}

/// A rug as packets showed it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Rug {
    /// Its lowest and highest tick: the counter runs on.
    #[serde(rename = "t")]
    pub ticks: (i64, i64),
    /// The price at the lowest tick; of several the one of the lowest `seq`.
    #[serde(rename = "p")]
    pub price: f64,
    /// The frame that showed it.
    #[serde(rename = "q")]
    pub seq: u64,
}

/// How far a game was seen to go.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub enum Reached {
    /// Only the pause before it was seen.
    #[serde(rename = "c")]
    Cooldown,
    /// Bets were taken.
    #[serde(rename = "p")]
    Presale,
    /// The price ran.
    #[serde(rename = "a")]
    Active,
    /// It rugged.
    #[serde(rename = "r")]
    Rugged,
}

impl Reached {
    /// As the column `phase` names it.
    pub fn as_str(self) -> &'static str {
        match self {
            Reached::Cooldown => "COOLDOWN",
            Reached::Presale => "PRESALE",
            Reached::Active => "ACTIVE",
            Reached::Rugged => "RUGGED",
        }
    }
}

fn is_zero(number: &u64) -> bool {
    *number == 0
}

impl GameExtent {
    /// Takes in what another part has of the same.
    pub fn add(&mut self, other: &GameExtent) {
        self.packets += other.packets;
        self.priced += other.priced;
        self.untimed += other.untimed;
        self.first_tick = [self.first_tick, other.first_tick].into_iter().flatten().min();
        other.ran.iter().for_each(|run| add_run(&mut self.ran, *run));
        other.damaged.iter().for_each(|run| add_run(&mut self.damaged, *run));
        other.differing.iter().for_each(|run| add_run(&mut self.differing, *run));
        other.rugs.iter().for_each(|rug| add_rug(&mut self.rugs, rug.clone()));
        other.highs.iter().for_each(|(tick, price)| raise(&mut self.highs, *tick, *price));
        other.digests.iter().for_each(|digest| insert(&mut self.digests, *digest));
        self.rugged |= other.rugged;
        self.reached = self.reached.max(other.reached);
        self.recorded |= other.recorded;
        self.trades = self.trades.max(other.trades);
        other.sources.iter().for_each(|source| insert(&mut self.sources, source.clone()));
        self.seq = (self.seq.0.min(other.seq.0), self.seq.1.max(other.seq.1));
        self.ts = match (self.ts, other.ts) {
            (Some(a), Some(b)) => Some((a.0.min(b.0), a.1.max(b.1))),
            (a, b) => a.or(b),
        };
    }

    /// The first tick at which a rug was shown.
    pub fn rug_tick(&self) -> Option<i64> {
        self.rugs.first().map(|rug| rug.ticks.0)
    }

    /// Whether this session alone has every tick, from the first (0 or 1: tick 0 is 1 in every game) to the rug.
    pub fn is_complete(&self) -> bool {
        match (self.rug_tick(), self.ran.first()) {
            (Some(rug), Some((first, last))) => *first <= 1 && *last + 1 >= rug,
            (Some(rug), None) => rug <= 1,
            (None, _) => false,
        }
    }
}

/// Puts into a sorted list what it lacks.
pub fn insert<T: Ord>(list: &mut Vec<T>, item: T) {
    if let Err(place) = list.binary_search(&item) {
        // Nearly all of them have one item, and there are very many.
        list.reserve_exact(1);
        list.insert(place, item);
    }
}

/// Adds a rug; what is no further than [`RUNS_ON`] from another is the same one.
pub fn add_rug(rugs: &mut Vec<Rug>, mut new: Rug) {
    let near = |rug: &Rug, new: &Rug| {
        rug.ticks.0 - new.ticks.1 <= i64::from(RUNS_ON) && new.ticks.0 - rug.ticks.1 <= i64::from(RUNS_ON)
    };
    // What joins two makes them one, and may then reach a third.
    while let Some(place) = rugs.iter().position(|rug| near(rug, &new)) {
        let old = rugs.remove(place);
        let ticks = (old.ticks.0.min(new.ticks.0), old.ticks.1.max(new.ticks.1));
        let earlier = (old.ticks.0, old.seq, old.price.to_bits()) < (new.ticks.0, new.seq, new.price.to_bits());
        new = Rug { ticks, ..if earlier { old } else { new } };
    }
    let place = rugs.partition_point(|rug| rug.ticks.0 < new.ticks.0);
    rugs.insert(place, new);
}

/// Whether a rug that was shown from this tick on can be the one at `tick`, of which the first packets were missed.
pub fn is_rug_at(rug: &Rug, tick: i64) -> bool {
    rug.ticks.0.abs_diff(tick) <= u64::from(RUNS_ON)
}

/// Takes a price into the highest up to each tick ([`GameExtent::highs`]).
pub fn raise(highs: &mut Vec<(i64, f64)>, tick: i64, price: f64) {
    let place = highs.partition_point(|(known, _)| *known < tick);
    let as_high = |known: Option<&(i64, f64)>| known.is_some_and(|(_, known)| *known >= price);
    let same = highs.get(place).filter(|(known, _)| *known == tick);
    if as_high(place.checked_sub(1).and_then(|before| highs.get(before))) || as_high(same) {
        return;
    }
    let lower = highs.iter().skip(place).take_while(|(_, known)| *known <= price).count();
    highs.splice(place..place + lower, [(tick, price)]);
}

/// The highest price up to a tick, and the first tick that has it.
pub fn highest(highs: &[(i64, f64)], last: i64) -> Option<(i64, f64)> {
    highs.iter().take_while(|(tick, _)| *tick <= last).last().copied()
}

/// Makes the extents of the rows of one part.
#[derive(Debug, Default)]
pub(super) struct GamesMaker {
    /// What they say so far; without checksums, and with more highs than are kept.
    pub(super) games: Vec<GameExtent>,
    /// The prices of the running game, of each extent.
    prices: Vec<BTreeMap<i64, u64>>,
    /// The extent that the row before belongs to.
    last: Option<usize>,
}

impl GamesMaker {
    /// Takes a row of `game_tick`.
    pub(super) fn row(&mut self, columns: &Columns<'_>, row: usize, session: u32, seq: u64) {
        let Some(game_id) = text(columns.game, row) else { return };
        if text(columns.tick_source, row) == Some("seed") {
            // Recomputed, not recorded.
            return;
        }
        let place = self.place(game_id, session, seq);
        let (Some(extent), Some(prices)) = (self.games.get_mut(place), self.prices.get_mut(place)) else { return };
        let phase = text(columns.phase, row);
        let rugged = phase == Some("RUGGED") || columns.rugged.is_some_and(|column| super::flag(column, row));
        let price = columns.price.and_then(|column| super::value(column, row));
        let tick = columns.tick.and_then(|column| super::value(column, row));
        let ts = columns.ts.and_then(|column| super::value(column, row));
        extent.packets += 1;
        extent.priced += u64::from(price.is_some());
        extent.untimed += u64::from(ts.is_none());
        extent.rugged |= rugged;
        extent.recorded |= text(columns.tick_source, row) == Some("recording");
        extent.trades = extent.trades.max(columns.trades.and_then(|column| super::value(column, row)));
        extent.seq = (extent.seq.0.min(seq), extent.seq.1.max(seq));
        if let Some(ts) = ts {
            extent.ts = Some(extent.ts.map_or((ts, ts), |(first, last)| (first.min(ts), last.max(ts))));
        }
        if let Some(source) = text(columns.source, row)
            && !extent.sources.iter().any(|known| known == source)
        {
            insert(&mut extent.sources, source.to_owned());
        }
        let reached = match phase {
            _ if rugged => Some(Reached::Rugged),
            Some("ACTIVE") => Some(Reached::Active),
            Some("PRESALE") => Some(Reached::Presale),
            Some("COOLDOWN") => Some(Reached::Cooldown),
            _ => None,
        };
        extent.reached = extent.reached.max(reached);
        let Some(tick) = tick else { return };
        extent.first_tick = Some(extent.first_tick.map_or(tick, |known| known.min(tick)));
        // No game has other ticks; a damaged counter may say anything. What stands in packets before a game belongs to
        // the start of one.
        let Some(price) = price.filter(|_| (0..=HIGHEST_TICK).contains(&tick)) else { return };
        match reached {
            Some(Reached::Active | Reached::Rugged) if !is_plausible(price) => add_tick(&mut extent.damaged, tick),
            Some(Reached::Rugged) => add_rug(&mut extent.rugs, Rug { ticks: (tick, tick), price, seq }),
            Some(Reached::Active) => {
                add_tick(&mut extent.ran, tick);
                raise(&mut extent.highs, tick, price);
                if prices.insert(tick, price.to_bits()).is_some_and(|known| known != price.to_bits()) {
                    add_run(&mut extent.differing, (tick, tick));
                }
            }
            _ => {}
        }
    }

    fn place(&mut self, game_id: &str, session: u32, seq: u64) -> usize {
        let games = &mut self.games;
        let is = |known: &GameExtent| known.session == session && known.game_id == game_id;
        // Around a rug the old game's packets alternate with the new one's: look a few back.
        let known = self.last.filter(|place| games.get(*place).is_some_and(is)).or_else(|| {
            let from = games.len().saturating_sub(8);
            games.iter().skip(from).position(is).map(|place| from + place)
        });
        let place = known.unwrap_or_else(|| {
            games.push(GameExtent {
                game_id: game_id.to_owned(),
                session,
                seq: (seq, seq),
                ..GameExtent::default()
            });
            self.prices.push(BTreeMap::new());
            games.len() - 1
        });
        self.last = Some(place);
        place
    }

    /// The extents as a part keeps them.
    pub(super) fn finish(&self) -> Vec<GameExtent> {
        let finished = self.games.iter().zip(&self.prices).map(|(extent, prices)| {
            let mut extent = extent.clone();
            extent.digests = digests(prices);
            extent.highs = kept_highs(&extent.highs, &extent.rugs);
            extent
        });
        finished.collect()
    }
}

/// The last tick that a game can have.
#[expect(clippy::cast_possible_wrap, reason = "a few thousand")]
pub const HIGHEST_TICK: i64 = MAX_TICKS as i64;

/// The highest of all, and before each rug.
fn kept_highs(highs: &[(i64, f64)], rugs: &[Rug]) -> Vec<(i64, f64)> {
    let before = rugs.iter().map(|rug| highest(highs, rug.ticks.0 - 1));
    let mut kept: Vec<(i64, f64)> = Vec::new();
    for (tick, price) in before.chain([highs.last().copied()]).flatten() {
        raise(&mut kept, tick, price);
    }
    kept
}

/// The checksums of the blocks of which every price is known.
fn digests(prices: &BTreeMap<i64, u64>) -> Vec<(u16, u32)> {
    let mut digests = Vec::new();
    let (mut block, mut known, mut checksum) = (-1, 0, 0);
    for (tick, bits) in prices {
        if tick / BLOCK != block {
            (block, known, checksum) = (tick / BLOCK, 0, 0);
        }
        known += 1;
        checksum = crc32c::crc32c_append(checksum, &bits.to_le_bytes());
        if known == BLOCK {
            digests.extend(u16::try_from(block).ok().map(|block| (block, checksum)));
        }
    }
    digests
}
