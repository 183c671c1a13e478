//! The games: which one a packet is about, whether that one is the current, what the packet changed.

use std::sync::Arc;

use super::{Fold, MOST_DISAGREEMENTS, MOST_GAMES, MOST_TRANSITIONS, Observed};
use crate::protocol::payload::price_list;
use crate::protocol::phase::Phase;
use crate::state::event::{At, GameId};
use crate::state::fact::{Finished, Full, Tick};
use crate::state::game::{Game, Moved};
use crate::state::integrity::{self, Verdict};
use crate::state::note::{Disagreement, Note, Transition};

/// Ids of finished games remembered: the histories name ten.
const MOST_FINISHED: usize = 64;
/// A rugged game that shows up this soon after a new one's first cooldown packet is the one before, µs.
const OVERTAKEN_US: i64 = 10_000_000;

impl Fold {
    pub(super) fn tick(&mut self, at: &At, socket_id: Option<&str>, tick: &Tick<'_>, notes: &mut Vec<Note>) {
        let Some(id) = tick.game_id.as_deref() else { return };
        let (place, previous) = self.place(id, at, tick, notes);
        let current = place + 1 == self.games.len();
        let Some(game) = self.games.get_mut(place) else { return };
        let game = Arc::make_mut(game);
        let moved = game.take(at, tick);
        let (id, to, shown) = (game.id.clone(), game.phase, game.tick);
        let (rug_tick, rug_price) = (game.rug_tick, game.rug_price);
        let small_active = tick.full.is_none() && tick.phase() == Some(Phase::Active);
        if let Some(now) = tick.true_tick().filter(|_| small_active)
            && let Some(from) = self.connections.went_back(at, socket_id, &id, now)
        {
            self.regressions += 1;
            notes.push(Note::TickRegression { game_id: id.clone(), from, to: now });
        }
        if current && (previous.is_some() || moved.phase_from.is_some()) {
            let (from, previous_game) = match previous {
                Some((id, phase)) => (phase, Some(id)),
                None => (moved.phase_from.flatten(), None),
            };
            let transition = Transition { ts: at.ts, from, to, game_id: id.clone(), previous_game };
            if self.transitions.len() >= MOST_TRANSITIONS {
                self.transitions.pop_front();
            }
            self.transitions.push_back(transition.clone());
            notes.push(Note::Phase(transition));
        }
        if moved.started {
            notes.push(Note::GameStarted { game_id: id.clone(), tick: shown });
        }
        if moved.rugged {
            self.rugs += 1;
            notes.push(Note::GameRugged { game_id: id.clone(), rug_tick, rug_price });
        }
        let late = moved.late;
        self.moved(&id, moved, notes);
        if let Some(full) = &tick.full {
            self.full(at, full, notes);
            if current {
                self.note_previous(&full.history);
            }
        }
        if current && !late {
            self.lobby_of(at, tick);
        }
    }

    /// The place of the packet's game, and the game before when another one becomes current by it.
    fn place(
        &mut self,
        id: &str,
        at: &At,
        tick: &Tick<'_>,
        notes: &mut Vec<Note>,
    ) -> (usize, Option<(GameId, Option<Phase>)>) {
        if let Some(place) = self.games.iter().rposition(|game| game.id.as_ref() == id) {
            return (place, None);
        }
        let mut new = Game::new(id.into(), at.clone());
        let older = self.game().is_some_and(|current| self.is_older(id, at, tick, current));
        if self.games.len() >= MOST_GAMES {
            self.games.remove(0);
        }
        let last = self.games.len();
        if older && last > 0 {
            self.games.insert(last - 1, Arc::new(new));
            return (last - 1, None);
        }
        new.previous = self.game().filter(|game| game.is_right_before(at, tick)).map(|game| game.id.clone());
        let previous = self.finish_current(notes);
        self.games.push(Arc::new(new));
        self.account.new_game();
        (last, previous)
    }

    /// Whether a game that is not known yet came before the current one: its packet was overtaken.
    fn is_older(&self, id: &str, at: &At, tick: &Tick<'_>, current: &Game) -> bool {
        let named = |id: &str| self.histories.finished.iter().any(|finished| finished.as_ref() == id);
        if named(&current.id) {
            return false;
        }
        let waits = matches!(current.phase, Some(Phase::Cooldown | Phase::Presale));
        let soon = at.ts.zip(current.at.ts).is_some_and(|(now, then)| now.saturating_sub(then) < OVERTAKEN_US);
        named(id) || (tick.phase() == Some(Phase::Rugged) && waits && soon && at.session == current.at.session)
    }

    /// Another game takes over.
    fn finish_current(&mut self, notes: &mut Vec<Note>) -> Option<(GameId, Option<Phase>)> {
        let game = Arc::make_mut(self.games.last_mut()?);
        game.finished = true;
        let clean = game.phase == Some(Phase::Rugged) && game.missed == 0 && game.joined_at.is_none();
        notes.push(Note::GameFinished {
            game_id: game.id.clone(),
            rug_tick: game.rug_tick,
            peak: game.prices.peak().map(|(_, peak)| peak),
            prices_known: game.prices.known(),
            complete: game.is_complete(),
        });
        // A game that was left before its first tick says nothing about the capture.
        let (id, phase, seen) = (game.id.clone(), game.phase, game.tick.is_some());
        if seen {
            let verdicts = [self.gaps.game_ended(clean), self.abnormal.game_ended(clean)];
            self.verdicts(verdicts.into_iter().flatten(), notes);
        }
        Some((id, phase))
    }

    /// Notes at most one loss and one recovery, however many monitors say so.
    pub(super) fn verdicts(&mut self, verdicts: impl Iterator<Item = Verdict>, notes: &mut Vec<Note>) {
        let mut told = None;
        for verdict in verdicts.filter(|verdict| Some(*verdict) != told.replace(*verdict)) {
            match verdict {
                Verdict::Triggered => {
                    let reason = self.gaps.triggered.or(self.abnormal.triggered).unwrap_or("unknown");
                    notes.push(Note::IntegrityLost { reason });
                }
                Verdict::Recovered => notes.push(Note::IntegrityRecovered),
            }
        }
    }

    fn moved(&mut self, id: &GameId, moved: Moved, notes: &mut Vec<Note>) {
        if let Some((from, to, filled)) = moved.gap {
            let missing = from.map_or(to, |from| integrity::missing(Some(from), to));
            notes.push(Note::TickGap { game_id: id.clone(), from, to, missing, filled });
            let verdict = self.gaps.gap(missing);
            self.verdicts(verdict.into_iter(), notes);
        }
        if let Some((tick, before, after)) = moved.god_candle {
            notes.push(Note::GodCandle { game_id: id.clone(), tick, before, after });
        }
        self.disagree(moved.disagreements, notes);
    }

    fn disagree(&mut self, disagreements: Vec<Disagreement>, notes: &mut Vec<Note>) {
        for disagreement in disagreements {
            if self.disagreements.len() >= MOST_DISAGREEMENTS {
                self.disagreements.pop_front();
            }
            self.disagreements.push_back(disagreement.clone());
            notes.push(Note::PriceDisagreement(disagreement));
        }
    }

    fn full(&mut self, at: &At, full: &Full<'_>, notes: &mut Vec<Note>) {
        let tiers = self.god_candles.observe(&full.god_candles);
        if !tiers.is_empty() {
            notes.push(Note::GodCandleRecord { tiers });
        }
        if let Some(highest) = full.highest_today {
            self.lobby.highest_today = Some(Observed { at: at.clone(), value: highest });
        }
        for entry in full.history.iter().rev() {
            self.history_entry(entry, notes);
        }
    }

    /// The server lists finished games, the newest first: in a packet of the current game the one before it is the first of
    /// them, or the one after the current game's own entry.
    fn note_previous(&mut self, history: &[Finished<'_>]) {
        let Some(current) = self.games.last_mut() else { return };
        let ids = || history.iter().map(|entry| entry.id.as_deref());
        let own = ids().position(|id| id == Some(&*current.id));
        let before = ids().nth(own.map_or(0, |own| own + 1)).flatten();
        if let Some(before) = before.filter(|before| current.previous.as_deref() != Some(*before)) {
            Arc::make_mut(current).previous = Some(before.into());
        }
    }

    /// One finished game. The seed belongs to the game of the same id and to no other (H8).
    fn history_entry(&mut self, entry: &Finished<'_>, notes: &mut Vec<Note>) {
        let Some(id) = entry.id.as_deref() else {
            self.histories.nameless += 1;
            return;
        };
        // The newest are asked for most.
        if self.histories.finished.iter().rev().any(|finished| finished.as_ref() == id) {
            self.histories.repeated += 1;
        } else {
            self.histories.new += 1;
            if self.histories.finished.len() >= MOST_FINISHED {
                self.histories.finished.pop_front();
            }
            self.histories.finished.push_back(id.into());
        }
        let Some(seed) = entry.seed.as_deref() else { return };
        let Some(game) = self.games.iter_mut().find(|game| game.id.as_ref() == id && game.seed.is_none()) else {
            return;
        };
        let path = entry.prices.as_deref().and_then(|list| price_list(list.into())).unwrap_or_default();
        let game = Arc::make_mut(game);
        game.reported_peak = entry.peak;
        let (filled, disagreements) = game.reveal(seed, entry.version, &path);
        notes.push(Note::SeedRevealed { game_id: game.id.clone(), proven: game.proven, filled });
        self.disagree(disagreements, notes);
    }

    fn lobby_of(&mut self, at: &At, tick: &Tick<'_>) {
        let at = || at.clone();
        if let Some(value) = tick.statistics {
            self.lobby.statistics = Some(Observed { at: at(), value });
        }
        if let Some(value) = tick.rugpool {
            self.lobby.rugpool = Some(Observed { at: at(), value });
        }
        if let Some(value) = tick.connected_players {
            self.lobby.connected_players = Some(Observed { at: at(), value });
        }
        if let Some(text) = &tick.leaderboard {
            self.lobby.leaderboard = Some(Observed { at: at(), value: text.clone() });
        }
    }
}
