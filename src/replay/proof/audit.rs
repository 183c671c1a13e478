//! The capture audit: of all ticks that were played, how many a frame captured, how many could be repaired and from
//! what, how many are unknown. Pure.
//!
//! A tick that was captured has its time; the time of a missed one is estimated between its captured neighbours. That
//! decides only in which column it counts: while a recorder was connected (what the capture answers for), while the
//! session ran without a connection, or outside the session (the beginning of a game that was joined, the end of one
//! that was left). In each, captured + repaired + unknown is exactly what was played.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::AddAssign;
use std::sync::Arc;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::connections::Connected;
use super::evidence::{Evidence, InSession, Origin, is_captured};
use super::verdict::{Proof, Verdict};

/// The rhythm of the game, where a recording shows none, microseconds.
const TICK_US: i64 = 250_000;

/// Ticks by what is known of them.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Tally {
    /// Ticks played: the sum of the others.
    pub played: u64,
    /// By a frame of that tick, or a line of an older recording.
    pub captured: u64,
    /// By partialPrices of a later packet.
    pub from_partial_prices: u64,
    /// By the prices in the first packet of a connection.
    pub from_connect_snapshot: u64,
    /// By the prices in the game history.
    pub from_game_history: u64,
    /// By the revealed seed, of a game whose recorded prices all agree with it.
    pub from_seed: u64,
    /// By nothing.
    pub unknown: u64,
}

impl Tally {
    /// Ticks that were missed and are known nevertheless.
    pub fn repaired(&self) -> u64 {
        self.from_partial_prices + self.from_connect_snapshot + self.from_game_history + self.from_seed
    }

    fn add(&mut self, known: Known) {
        self.played += 1;
        *match known {
            Known::Captured => &mut self.captured,
            Known::Partial => &mut self.from_partial_prices,
            Known::Snapshot => &mut self.from_connect_snapshot,
            Known::History => &mut self.from_game_history,
            Known::Seed => &mut self.from_seed,
            Known::Not => &mut self.unknown,
        } += 1;
    }
}

impl AddAssign for Tally {
    fn add_assign(&mut self, other: Tally) {
        self.played += other.played;
        self.captured += other.captured;
        self.from_partial_prices += other.from_partial_prices;
        self.from_connect_snapshot += other.from_connect_snapshot;
        self.from_game_history += other.from_game_history;
        self.from_seed += other.from_seed;
        self.unknown += other.unknown;
    }
}

/// Ticks by where the recorder was when they were played.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Columns {
    /// Played while a recorder was connected.
    pub connected: Tally,
    /// Played while the session ran without a connection.
    pub disconnected: Tally,
    /// Played before the session began or after it ended, of games that it saw.
    pub outside: Tally,
}

impl Columns {
    /// All three together.
    pub fn all(&self) -> Tally {
        let mut all = self.connected;
        all += self.disconnected;
        all += self.outside;
        all
    }

    fn of(&mut self, where_: Where) -> &mut Tally {
        match where_ {
            Where::Connected => &mut self.connected,
            Where::Disconnected => &mut self.disconnected,
            Where::Outside => &mut self.outside,
        }
    }
}

/// One session's part.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct SessionAudit {
    /// The session.
    pub session_id: String,
    /// Games played while it ran.
    pub games: u64,
    /// Connections opened.
    pub connections: u64,
    /// How long it was connected, milliseconds.
    pub connected_ms: u64,
    /// false: it says nothing about connections, and counts as connected from its first row to its last.
    pub connections_told: bool,
    /// Its ticks.
    #[serde(flatten)]
    pub ticks: Columns,
}

/// The audit.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Audit {
    /// Every tick once, however many sessions saw it.
    pub total: Columns,
    /// Captured share of what was played while connected, in percent; absent when nothing was.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub captured_percent: Option<f64>,
    /// Captured or repaired share of it.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub known_percent: Option<f64>,
    /// Games looked at.
    pub games: u64,
    /// Session by session; a tick that two saw counts in both.
    pub sessions: Vec<SessionAudit>,
}

impl Audit {
    /// Keeps the `most` sessions that lost most: those with most ticks unknown while they ran, then those with most ticks.
    /// Gives what is left out.
    pub fn keep_worst(&mut self, most: usize) -> Vec<SessionAudit> {
        self.sessions.sort_by_key(|session| {
            let Columns { connected, disconnected, .. } = &session.ticks;
            std::cmp::Reverse((connected.unknown + disconnected.unknown, session.ticks.all().played))
        });
        self.sessions.split_off(most.min(self.sessions.len()))
    }

    /// Adds the audit of other games over the same sessions.
    pub fn absorb(&mut self, other: Audit) {
        let add = |ticks: &mut Columns, more: &Columns| {
            ticks.connected += more.connected;
            ticks.disconnected += more.disconnected;
            ticks.outside += more.outside;
        };
        add(&mut self.total, &other.total);
        self.games += other.games;
        for part in other.sessions {
            match self.sessions.iter_mut().find(|known| known.session_id == part.session_id) {
                Some(known) => {
                    known.games += part.games;
                    add(&mut known.ticks, &part.ticks);
                }
                None => self.sessions.push(part),
            }
        }
        let connected = self.total.connected;
        let percent = |part: u64| (connected.played > 0).then(|| part as f64 * 100.0 / connected.played as f64);
        self.captured_percent = percent(connected.captured);
        self.known_percent = percent(connected.played - connected.unknown);
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Known {
    Captured,
    Partial,
    Snapshot,
    History,
    Seed,
    Not,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Where {
    Connected,
    Disconnected,
    Outside,
}

/// Audits games: what was recorded of each, its proof, and when each session was connected.
pub fn audit(
    games: &BTreeMap<String, Evidence>,
    proofs: &BTreeMap<String, Proof>,
    sessions: &BTreeMap<Arc<str>, Connected>,
) -> Audit {
    let mut parts: BTreeMap<&Arc<str>, SessionAudit> = sessions
        .iter()
        .map(|(session_id, connected)| {
            let part = SessionAudit {
                session_id: session_id.to_string(),
                connections: connected.openings,
                connected_ms: connected.connected_ms(),
                connections_told: connected.told,
                ..SessionAudit::default()
            };
            (session_id, part)
        })
        .collect();
    let clocks: BTreeMap<&Arc<str>, ServerClock> =
        sessions.keys().map(|session_id| (session_id, ServerClock::of(session_id, games, proofs))).collect();
    let mut total = Columns::default();
    let mut count = 0;
    for (id, evidence) in games {
        let game = Game::new(evidence, proofs.get(id));
        let mut merged: BTreeMap<u32, (Where, Known)> = BTreeMap::new();
        for (session_id, connected) in sessions {
            let Some(clock) = clocks.get(session_id) else { continue };
            let ticks = game.in_session(evidence.sessions.get(session_id), connected, clock);
            if ticks.is_empty() {
                continue;
            }
            if let Some(part) = parts.get_mut(session_id) {
                part.games += 1;
                ticks.iter().for_each(|(_, where_, known)| part.ticks.of(*where_).add(*known));
            }
            for (tick, where_, known) in ticks {
                let best = merged.entry(tick).or_insert((where_, known));
                *best = (best.0.min(where_), best.1.min(known));
            }
        }
        count += u64::from(!merged.is_empty());
        merged.into_values().for_each(|(where_, known)| total.of(where_).add(known));
    }
    let mut audit = Audit::default();
    let sessions = parts.into_values().filter(|part| part.games > 0 || part.connections > 0).collect();
    audit.absorb(Audit { total, games: count, sessions, ..Audit::default() });
    audit
}

/// What is known of a game whoever asks.
struct Game {
    last: Option<u32>,
    rug: Option<u32>,
    ended_us: Option<i64>,
    history: BTreeSet<u32>,
    seed: bool,
}

impl Game {
    fn new(evidence: &Evidence, proof: Option<&Proof>) -> Game {
        let proven = proof.filter(|proof| proof.verdict == Verdict::Proven);
        let rug = proven.and_then(|proof| proof.rug_tick).or_else(|| evidence.rug_tick());
        let told = || evidence.sessions.values().flat_map(InSession::told).map(|told| told.tick).max();
        let listed = evidence.histories.iter().map(|entry| entry.prices.len()).max().unwrap_or(0);
        Game {
            last: rug.or_else(told),
            rug,
            ended_us: evidence.histories.iter().filter_map(|entry| entry.ended_us).min(),
            history: (0..u32::try_from(listed).unwrap_or(0)).collect(),
            seed: proven.is_some(),
        }
    }

    /// Every tick of the game as one session stands to it; nothing when the game was not played while it ran.
    fn in_session(
        &self,
        seen: Option<&InSession>,
        connected: &Connected,
        server: &ServerClock,
    ) -> Vec<(u32, Where, Known)> {
        let Some(last) = self.last else { return Vec::new() };
        let mut known: BTreeMap<u32, Known> = BTreeMap::new();
        let mut times: BTreeMap<u32, i64> = BTreeMap::new();
        let mut tell = |tick: u32, how: Known| {
            let best = known.entry(tick).or_insert(how);
            *best = (*best).min(how);
        };
        for told in seen.iter().flat_map(|seen| seen.told()).filter(|told| told.tick <= last) {
            match told.origin {
                origin if is_captured(origin) => {
                    tell(told.tick, Known::Captured);
                    times.extend(told.ts.map(|ts| (told.tick, ts)));
                }
                Origin::PartialPrices => tell(told.tick, Known::Partial),
                _ => tell(told.tick, Known::Snapshot),
            }
        }
        if let Some((rug, told)) = self.rug.zip(seen.and_then(|seen| seen.rugs.iter().min_by_key(|rug| rug.seq))) {
            tell(rug, Known::Captured);
            times.extend(told.ts.map(|ts| (rug, ts)));
        }
        let end = self.ended_us.map(|ended| (last, server.to_recorder(ended)));
        let clock = Clock::new(times, end, server.pace_us);
        let ticks = (0..=last).map(|tick| {
            let how = known.get(&tick).copied().unwrap_or_else(|| self.otherwise(tick));
            let ts = clock.at(tick);
            let where_ = match ts {
                _ if how == Known::Captured => Where::Connected,
                Some(ts) if connected.at(ts) => Where::Connected,
                Some(ts) if connected.lasted_at(ts) => Where::Disconnected,
                _ => Where::Outside,
            };
            (tick, where_, how)
        });
        let ticks: Vec<_> = ticks.collect();
        // A game that the session saw nothing of counts only where it was played while the session ran.
        if known.is_empty() {
            return ticks.into_iter().filter(|(_, where_, _)| *where_ != Where::Outside).collect();
        }
        ticks
    }

    fn otherwise(&self, tick: u32) -> Known {
        if self.history.contains(&tick) {
            Known::History
        } else if self.seed {
            Known::Seed
        } else {
            Known::Not
        }
    }
}

/// When the ticks of a game were played, by the recorder's clock.
struct Clock {
    known: BTreeMap<u32, i64>,
    pace_us: i64,
}

impl Clock {
    /// `end` is the server's word on the last tick, used only where nothing was captured.
    fn new(mut known: BTreeMap<u32, i64>, end: Option<(u32, i64)>, pace_us: i64) -> Clock {
        let pace_us = median(paces(&known)).unwrap_or(pace_us);
        if known.is_empty() {
            known.extend(end);
        }
        Clock { known, pace_us }
    }

    fn at(&self, tick: u32) -> Option<i64> {
        let before = self.known.range(..=tick).next_back();
        let after = self.known.range(tick..).next();
        match (before, after) {
            (Some((from, start)), Some((to, end))) if to > from => {
                let share = i64::from(tick - from);
                Some(start + (end - start) * share / i64::from(to - from))
            }
            (Some((from, start)), _) => Some(start + self.pace_us * i64::from(tick - from)),
            (None, Some((to, end))) => Some(end - self.pace_us * i64::from(to - tick)),
            (None, None) => None,
        }
    }
}

/// The times between neighbouring ticks.
fn paces(known: &BTreeMap<u32, i64>) -> Vec<i64> {
    let pairs = known.iter().zip(known.iter().skip(1)).filter(|((a, _), (b, _))| **a + 1 == **b);
    pairs.map(|((_, from), (_, to))| to - from).filter(|pace| *pace > 0).collect()
}

fn median(mut values: Vec<i64>) -> Option<i64> {
    values.sort_unstable();
    values.get(values.len() / 2).copied()
}

/// The server's clock as the recorder's, by the games that both know. The two are never quite the same, and a simulated
/// server may run faster.
struct ServerClock {
    /// Moments by the server and by the recorder, sorted: the last captured tick of each game.
    moments: Vec<(i64, i64)>,
    /// The rhythm of the session's games.
    pace_us: i64,
}

/// Moments as far apart as this tell how fast the clocks run; nearer ones tell more of delays.
const FAR_US: i64 = 600 * 1_000_000;

impl ServerClock {
    fn of(
        session_id: &Arc<str>,
        games: &BTreeMap<String, Evidence>,
        proofs: &BTreeMap<String, Proof>,
    ) -> ServerClock {
        let mut moments = Vec::new();
        let mut all_paces = Vec::new();
        for (id, evidence) in games {
            let Some(seen) = evidence.sessions.get(session_id) else { continue };
            let captured = seen.told().filter(|told| is_captured(told.origin));
            let mut times: BTreeMap<u32, i64> = captured.filter_map(|told| Some((told.tick, told.ts?))).collect();
            all_paces.extend(paces(&times));
            let ended = evidence.histories.iter().filter_map(|entry| entry.ended_us).min();
            let rug = proofs.get(id).and_then(|proof| proof.rug_tick).or_else(|| evidence.rug_tick());
            let Some((ended, rug)) = ended.zip(rug) else { continue };
            times.extend(seen.rugs.iter().min_by_key(|told| told.seq).and_then(|told| Some((rug, told.ts?))));
            if let Some((tick, ts)) = times.range(..=rug).next_back() {
                moments.push((ended - TICK_US * i64::from(rug - tick), *ts));
            }
        }
        moments.sort_unstable();
        ServerClock { moments, pace_us: median(all_paces).unwrap_or(TICK_US) }
    }

    /// A time of the server by the recorder's clock.
    fn to_recorder(&self, server_us: i64) -> i64 {
        let after = self.moments.partition_point(|(server, _)| *server <= server_us);
        let before = after.checked_sub(1).and_then(|place| self.moments.get(place));
        match (before, self.moments.get(after)) {
            (Some((s0, r0)), Some((s1, r1))) if s1 > s0 => {
                let share = (server_us - s0) as f64 / (s1 - s0) as f64;
                r0 + (share * (r1 - r0) as f64) as i64
            }
            (Some((server, recorder)), _) | (None, Some((server, recorder))) => {
                recorder + ((server_us - server) as f64 * self.speed()) as i64
            }
            (None, None) => server_us,
        }
    }

    /// Recorder's time per server's time.
    fn speed(&self) -> f64 {
        match (self.moments.first(), self.moments.last()) {
            (Some((s0, r0)), Some((s1, r1))) if s1 - s0 >= FAR_US && r1 > r0 => {
                (r1 - r0) as f64 / (s1 - s0) as f64
            }
            _ => self.pace_us as f64 / TICK_US as f64,
        }
    }
}

#[cfg(test)]
mod tests;
