//! [`GameRecord`]: everything that is known of one game, in a form that merges.
//!
//! A record is a set of statements (what each session recorded, what history entries and stored proofs say), of which
//! only what can still matter is kept. So two records of a game merge to the same record in any order and grouping, and
//! taking a part's statements in twice adds nothing but its counts of packets.

use std::cmp::Reverse;
use std::sync::Arc;

use replayer_store::contents::games::insert;
use replayer_store::contents::{GameExtent, HistoryExtent, ProofExtent};
use replayer_store::runs::add_run;

/// Everything known of one game.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct GameRecord {
    /// What each session recorded of its ticks, by session.
    pub(crate) sessions: Vec<(Arc<str>, GameExtent)>,
    /// The history entries that say best what they say, the best first.
    pub(crate) entries: Vec<(Arc<str>, HistoryExtent)>,
    /// Sessions that have history entries of it.
    pub(crate) told_in: Vec<Arc<str>>,
    /// Sources of those.
    pub(crate) told_by: Vec<String>,
    /// When those came, first and last, microseconds UTC.
    pub(crate) told_us: Option<(i64, i64)>,
    /// When the game ended by the server's clock, else when the entry came: first and last.
    pub(crate) ended_us: Option<(i64, i64)>,
    /// The last stored proof.
    pub(crate) proof: Option<(Arc<str>, ProofExtent)>,
    /// When proofs of it were stored, first and last, microseconds UTC.
    pub(crate) proven_us: Option<(i64, i64)>,
    /// Ticks that stored proofs filled.
    pub(crate) filled: Vec<(i64, i64)>,
    /// Whether a history entry or a proof has no time.
    pub(crate) has_untimed: bool,
}

impl GameRecord {
    /// Takes what a session's rows of `game_tick` say.
    pub fn add_ticks(&mut self, session: &Arc<str>, extent: &GameExtent) {
        match self.sessions.binary_search_by(|(known, _)| known.cmp(session)) {
            Ok(place) => {
                if let Some((_, known)) = self.sessions.get_mut(place) {
                    known.add(extent);
                }
            }
            Err(place) => {
                // The record's own place in a list of sessions and of games says nothing here.
                let own = GameExtent { game_id: String::new(), session: 0, ..extent.clone() };
                // There are half a million games in a year, nearly all of one session: no room in advance.
                self.sessions.reserve_exact(1);
                self.sessions.insert(place, (session.clone(), own));
            }
        }
    }

    /// Takes a history entry.
    pub fn add_entry(&mut self, session: &Arc<str>, entry: &HistoryExtent) {
        insert(&mut self.told_in, session.clone());
        if let Some(source) = &entry.source {
            insert(&mut self.told_by, source.clone());
        }
        self.told_us = span(self.told_us, entry.ts);
        self.has_untimed |= entry.ts.is_none();
        self.ended_us = span(self.ended_us, entry.ended.or(entry.ts));
        let own = HistoryExtent { game_id: String::new(), session: 0, source: None, ..entry.clone() };
        self.entries.reserve_exact(1);
        self.entries.push((session.clone(), own));
        self.keep_best();
    }

    /// Takes a stored proof. The last one counts; all of them filled ticks.
    pub fn add_proof(&mut self, session: &Arc<str>, proof: &ProofExtent) {
        proof.filled.iter().for_each(|run| add_run(&mut self.filled, *run));
        self.proven_us = span(self.proven_us, proof.ts);
        self.has_untimed |= proof.ts.is_none();
        let own = ProofExtent { game_id: String::new(), session: 0, filled: Vec::new(), ..proof.clone() };
        let order = |session: &Arc<str>, proof: &ProofExtent| (proof.ts, session.clone(), proof.seq, proof.proven);
        if self.proof.as_ref().is_none_or(|(of, known)| order(session, &own) > order(of, known)) {
            self.proof = Some((session.clone(), own));
        }
    }

    /// Takes in another record of the same game.
    pub fn merge(&mut self, other: &GameRecord) {
        for (session, extent) in &other.sessions {
            self.add_ticks(session, extent);
        }
        other.told_in.iter().for_each(|session| insert(&mut self.told_in, session.clone()));
        other.told_by.iter().for_each(|source| insert(&mut self.told_by, source.clone()));
        self.told_us = both(self.told_us, other.told_us);
        self.ended_us = both(self.ended_us, other.ended_us);
        self.entries.extend(other.entries.iter().cloned());
        self.keep_best();
        if let Some((session, proof)) = &other.proof {
            self.add_proof(session, proof);
        }
        self.proven_us = both(self.proven_us, other.proven_us);
        other.filled.iter().for_each(|run| add_run(&mut self.filled, *run));
        self.has_untimed |= other.has_untimed;
    }

    /// Whether nothing is known.
    pub fn is_empty(&self) -> bool {
        self.sessions.is_empty() && self.entries.is_empty() && self.proof.is_none()
    }

    /// Sorts the entries, the best first (as the view `game` does: the better quality, then the earlier, then by address), and lets
    /// go of those that are the best in nothing.
    fn keep_best(&mut self) {
        if self.entries.len() < 2 {
            return;
        }
        self.entries.sort_by(|(a_of, a), (b_of, b)| {
            let order = |entry: &HistoryExtent| (Reverse(entry.quality), entry.ts.is_none(), entry.ts);
            let address = || a_of.cmp(b_of).then_with(|| a.seq.cmp(&b.seq));
            // Two entries of one address are damage: some order, but always the same.
            order(a).cmp(&order(b)).then_with(address).then_with(|| format!("{a:?}").cmp(&format!("{b:?}")))
        });
        self.entries.dedup();
        const MATTERS: [fn(&HistoryExtent) -> bool; 8] = [
            |_| true,
            |entry| entry.path.is_some(),
            |entry| entry.rug_tick.is_some(),
            |entry| entry.peak.is_some(),
            |entry| entry.has_seed,
            |entry| entry.seed.is_some(),
            |entry| entry.computed.is_some(),
            |entry| entry.proven.is_some(),
        ];
        let first_of =
            |matters: &fn(&HistoryExtent) -> bool| self.entries.iter().position(|(_, entry)| matters(entry));
        let kept: Vec<usize> = MATTERS.iter().filter_map(first_of).collect();
        let mut place = 0;
        self.entries.retain(|_| {
            place += 1;
            kept.contains(&(place - 1))
        });
        self.entries.shrink_to_fit();
    }
}

fn span(known: Option<(i64, i64)>, time: Option<i64>) -> Option<(i64, i64)> {
    both(known, time.map(|time| (time, time)))
}

pub(crate) fn both(a: Option<(i64, i64)>, b: Option<(i64, i64)>) -> Option<(i64, i64)> {
    match (a, b) {
        (Some(a), Some(b)) => Some((a.0.min(b.0), a.1.max(b.1))),
        (a, b) => a.or(b),
    }
}
