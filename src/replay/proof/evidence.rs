//! Everything that was recorded of one game: each price with what told it, session by session, so that nothing is
//! taken for granted when it is compared with the seed. Pure: rows and frames go in, from wherever they come.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use serde::Serialize;

use crate::protocol::phase::Phase;
use crate::protocol::price::is_plausible;
use crate::state::fact::{MAX_TICK, Tick};
use crate::store::contents::games::RUNS_ON;
use crate::store::proof::StoredProof;

/// What told a price.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Origin {
    /// The `gameStateUpdate` of that tick.
    Frame,
    /// A line of an older recording.
    Recording,
    /// `partialPrices` of a later packet.
    PartialPrices,
    /// `prices` of the first packet of a connection.
    ConnectSnapshot,
    /// `prices` of the finished game's history entry.
    GameHistory,
}

impl Origin {
    /// Its name in answers.
    pub fn as_str(self) -> &'static str {
        match self {
            Origin::Frame => "frame",
            Origin::Recording => "recording",
            Origin::PartialPrices => "partial_prices",
            Origin::ConnectSnapshot => "connect_snapshot",
            Origin::GameHistory => "game_history",
        }
    }
}

/// The address of the record that told something.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Place {
    /// The session.
    pub session_id: Arc<str>,
    /// The number of the frame in it.
    pub seq: u64,
}

/// One price of one tick, first told here.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Statement {
    /// The tick.
    pub tick: u32,
    /// The multiplier.
    pub price: f64,
    /// What told it.
    pub origin: Origin,
    /// The frame's number in its session.
    pub seq: u64,
    /// When, microseconds UTC.
    pub ts: Option<i64>,
}

/// A packet that said `rugged`. Its tick may have run on behind the true rug tick.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct RugTold {
    /// `tickCount` of the packet, or the true tick where its window tells it.
    pub tick: u32,
    /// The price it showed.
    pub price: f64,
    /// Whether a frame or an older recording told it.
    pub origin: Origin,
    /// The frame's number in its session.
    pub seq: u64,
    /// When, microseconds UTC.
    pub ts: Option<i64>,
}

/// What one session recorded of a game.
#[derive(Debug, Clone, Default)]
pub struct InSession {
    told: BTreeMap<(u32, Origin, u64), (u64, Option<i64>)>,
    /// Its rugged packets.
    pub rugs: Vec<RugTold>,
}

impl InSession {
    /// Every distinct price by tick and origin.
    pub fn told(&self) -> impl Iterator<Item = Statement> + '_ {
        self.told.iter().map(|((tick, origin, bits), (seq, ts))| Statement {
            tick: *tick,
            price: f64::from_bits(*bits),
            origin: *origin,
            seq: *seq,
            ts: *ts,
        })
    }

    fn tell(&mut self, told: Statement) {
        if told.tick <= MAX_TICK {
            self.told.entry((told.tick, told.origin, told.price.to_bits())).or_insert((told.seq, told.ts));
        }
    }
}

/// One history entry.
#[derive(Debug, Clone)]
pub struct HistoryEntry {
    /// The record that holds it.
    pub place: Place,
    /// Every price from tick 0, the rug price last; empty where the entry has none.
    pub prices: Vec<f64>,
    /// The revealed seed.
    pub seed: Option<String>,
    /// The commitment.
    pub hash: Option<String>,
    /// The rules, as the wire names them.
    pub version: Option<String>,
    /// The highest multiplier as the entry says it.
    pub peak: Option<f64>,
    /// End of the game by the server's clock, microseconds UTC.
    pub ended_us: Option<i64>,
}

/// Everything recorded of one game.
#[derive(Debug, Clone, Default)]
pub struct Evidence {
    /// By session.
    pub sessions: BTreeMap<Arc<str>, InSession>,
    /// History entries; the best of each recording.
    pub histories: Vec<HistoryEntry>,
    /// Commitments that packets of the game carried, with the first place of each.
    pub hashes: BTreeMap<String, Place>,
    /// Rules that packets of the game named, with the first place of each.
    pub versions: BTreeMap<String, Place>,
    /// Ticks that a stored proof filled.
    pub filled: BTreeSet<u32>,
    /// The latest stored proof.
    pub stored: Option<(Option<i64>, StoredProof)>,
}

impl Evidence {
    fn session(&mut self, session_id: &Arc<str>) -> &mut InSession {
        self.sessions.entry(session_id.clone()).or_default()
    }

    /// Takes a row of `game_tick`. Only running games tell prices: what stands in other packets belongs to the next
    /// game's start.
    pub fn row(&mut self, place: &Place, ts: Option<i64>, row: &TickRow<'_>) {
        let (Some(tick), Some(price)) = (row.tick.and_then(|tick| u32::try_from(tick).ok()), row.price) else {
            return;
        };
        let origin = match row.tick_source {
            Some("seed") => {
                self.filled.insert(tick);
                return;
            }
            Some("recording") => Origin::Recording,
            _ => Origin::Frame,
        };
        match row.phase {
            Some("RUGGED") => {
                let rug = RugTold { tick, price, origin, seq: place.seq, ts };
                self.session(&place.session_id).rugs.push(rug);
            }
            Some("ACTIVE") => {
                self.session(&place.session_id).tell(Statement { tick, price, origin, seq: place.seq, ts });
            }
            _ => {}
        }
    }

    /// Takes what a frame holds besides its own price: the window of the last ticks, and the whole path.
    pub fn frame(&mut self, place: &Place, ts: Option<i64>, tick: &Tick<'_>) {
        if let Some(hash) = &tick.seed_hash
            && !self.hashes.contains_key(&**hash)
        {
            self.hashes.insert(hash.to_string(), place.clone());
        }
        if let Some(version) = &tick.version
            && !self.versions.contains_key(&**version)
        {
            self.versions.insert(version.to_string(), place.clone());
        }
        let phase = tick.phase();
        if !matches!(phase, Some(Phase::Active | Phase::Rugged)) {
            return;
        }
        let own = tick.true_tick();
        let rugged = phase == Some(Phase::Rugged);
        let session = self.session(&place.session_id);
        for (number, price) in &tick.window {
            // A running packet's own price is a row already; a rugged one's row may name a later tick.
            if rugged || Some(*number) != own {
                let origin = Origin::PartialPrices;
                session.tell(Statement { tick: *number, price: *price, origin, seq: place.seq, ts });
            }
        }
        for (number, price) in (0..=MAX_TICK).zip(&tick.path) {
            let origin = Origin::ConnectSnapshot;
            session.tell(Statement { tick: number, price: *price, origin, seq: place.seq, ts });
        }
        if rugged && let Some(own) = tick.window_end.and(own) {
            session.rugs.iter_mut().filter(|rug| rug.seq == place.seq).for_each(|rug| rug.tick = own);
        }
    }

    /// Takes a history entry.
    pub fn history(&mut self, entry: HistoryEntry) {
        self.histories.push(entry);
    }

    /// Takes a stored proof; the latest counts.
    pub fn proof(&mut self, ts: Option<i64>, proof: StoredProof) {
        if self.stored.as_ref().is_none_or(|(known, _)| ts >= *known) {
            self.stored = Some((ts, proof));
        }
    }

    /// Ticks with a row of their own in `game_tick` that has a plausible price, without those a proof filled, none after
    /// `rug_tick`. A rug that was recorded counts for `rug_tick`, however far the counter had run on. A game's record
    /// ([`crate::game::Game`]) counts by the same rule.
    pub fn recorded(&self, rug_tick: Option<u32>) -> BTreeSet<u32> {
        let last = rug_tick.unwrap_or(MAX_TICK);
        let mut ticks = BTreeSet::new();
        for session in self.sessions.values() {
            let captured = session
                .told()
                .filter(|told| is_captured(told.origin) && told.tick <= last && is_plausible(told.price));
            ticks.extend(captured.map(|told| told.tick));
            let shown = |rug: u32| {
                session.rugs.iter().any(|told| told.tick.abs_diff(rug) <= RUNS_ON && is_plausible(told.price))
            };
            ticks.extend(rug_tick.filter(|rug| shown(*rug)));
        }
        ticks
    }

    /// The rug tick by what was recorded: the length of the history's prices, else the lowest rugged packet.
    pub fn rug_tick(&self) -> Option<u32> {
        let listed = self.histories.iter().filter_map(|entry| entry.prices.len().checked_sub(1)).next();
        let told = || self.sessions.values().flat_map(|session| &session.rugs).map(|rug| rug.tick).min();
        // No game has more ticks; a damaged counter may say anything.
        listed.and_then(|tick| u32::try_from(tick).ok()).or_else(told).filter(|tick| *tick <= MAX_TICK)
    }

    /// The path of a game whose every tick was recorded, from 0 to the rug; `None` where one is missing. Of several
    /// prices of a tick the best origin's counts.
    pub fn complete_path(&self) -> Option<Vec<f64>> {
        let rug = self.rug_tick()?;
        if let Some(listed) = self.histories.iter().find(|entry| entry.prices.len() > 1) {
            return Some(listed.prices.clone());
        }
        let mut path = vec![None; rug as usize + 1];
        for told in self.sessions.values().flat_map(InSession::told).filter(|told| told.tick < rug) {
            if let Some(slot) = path.get_mut(told.tick as usize) {
                slot.get_or_insert(told.price);
            }
        }
        let price = self.sessions.values().flat_map(|session| &session.rugs).map(|rug| rug.price).next();
        if let Some(last) = path.last_mut() {
            *last = price;
        }
        path.into_iter().collect()
    }

    /// Whether any price was recorded.
    pub fn has_prices(&self) -> bool {
        let listed = self.histories.iter().any(|entry| !entry.prices.is_empty());
        listed || self.sessions.values().any(|session| !session.told.is_empty() || !session.rugs.is_empty())
    }
}

/// Whether the origin is the tick's own record.
pub fn is_captured(origin: Origin) -> bool {
    matches!(origin, Origin::Frame | Origin::Recording)
}

/// The columns of a `game_tick` row that tell a price.
#[derive(Debug, Clone, Copy, Default)]
pub struct TickRow<'a> {
    /// The tick.
    pub tick: Option<i64>,
    /// The multiplier.
    pub price: Option<f64>,
    /// The phase.
    pub phase: Option<&'a str>,
    /// Where the row is from.
    pub tick_source: Option<&'a str>,
}
