//! Going to a place: by tick, time, address, or what comes next.

use std::sync::Arc;

use super::archive::Shared;
use super::error::{CursorError, Instead, Left};
use super::game_span::{self, GameSpan};
use super::moves::{Moved, Passed, Stopped};
use super::timeline::Timeline;
use super::{Budget, Cursor};
use crate::protocol::phase::Phase;
use crate::state::Note;
use crate::store::ids::EventRef;

/// Where to.
#[derive(Debug, Clone, PartialEq)]
pub enum Target {
    /// The first event.
    Start,
    /// The last event, as far as it is recorded.
    End,
    /// The event that first showed this tick; of this game, else of the current one.
    Tick {
        /// The round.
        game_id: Option<String>,
        /// Its tick.
        tick: u32,
    },
    /// The first event of a game.
    Game(String),
    /// The last event up to this time, microseconds UTC.
    Time(i64),
    /// The event with this address.
    Ref(EventRef),
    /// The event with this `seq` in the current session.
    Seq(u64),
    /// The next event at which the game comes into this phase.
    Phase(Phase),
    /// The next event of this name.
    Event(String),
    /// The next event that changed this, by the note's name: `game_rugged`, `drift_opened`, …
    Note(String),
}

/// The names of notes, in the order of [`Note`].
pub const NOTES: [&str; 16] = [
    "phase",
    "game_started",
    "game_rugged",
    "game_finished",
    "seed_revealed",
    "price_disagreement",
    "tick_gap",
    "tick_regression",
    "integrity_lost",
    "integrity_recovered",
    "god_candle",
    "god_candle_record",
    "own_trade",
    "latency",
    "drift_opened",
    "drift_closed",
];

/// The name of what an event changed, as it is serialized.
pub fn note_name(note: &Note) -> &'static str {
    match note {
        Note::Phase(_) => "phase",
        Note::GameStarted { .. } => "game_started",
        Note::GameRugged { .. } => "game_rugged",
        Note::GameFinished { .. } => "game_finished",
        Note::SeedRevealed { .. } => "seed_revealed",
        Note::PriceDisagreement(_) => "price_disagreement",
        Note::TickGap { .. } => "tick_gap",
        Note::TickRegression { .. } => "tick_regression",
        Note::IntegrityLost { .. } => "integrity_lost",
        Note::IntegrityRecovered => "integrity_recovered",
        Note::GodCandle { .. } => "god_candle",
        Note::GodCandleRecord { .. } => "god_candle_record",
        Note::OwnTrade { .. } => "own_trade",
        Note::Latency { .. } => "latency",
        Note::DriftOpened { .. } => "drift_opened",
        Note::DriftClosed { .. } => "drift_closed",
        Note::Mode { .. } => "mode",
    }
}

/// A place that was found.
type Found = (usize, Arc<Timeline>, usize);

impl Cursor {
    /// Goes to a place.
    ///
    /// # Errors
    /// When there is no such place: the cursor is then where it was.
    pub fn seek(&mut self, archive: &Shared, target: &Target, budget: &Budget<'_>) -> Result<Moved, CursorError> {
        self.follow(archive)?;
        let mut passed = Passed::new();
        let (span, timeline, index) = match target {
            Target::Start => self.first(archive)?,
            Target::End => self.last(archive)?,
            Target::Tick { game_id, tick } => self.tick(archive, game_id.as_deref(), *tick)?,
            Target::Game(game_id) => {
                let span = self.span_of_game(game_id)?;
                (span, self.load(archive, span)?, 0)
            }
            Target::Time(us) => self.time(archive, *us)?,
            Target::Ref(address) => self.address(archive, &address.session_id.to_string(), address.seq)?,
            Target::Seq(seq) => {
                let session = self.outline.spans.get(self.span).map(|span| span.session_id.clone());
                self.address(archive, &session.unwrap_or_default(), *seq)?
            }
            Target::Phase(phase) => {
                let into = |timeline: &Timeline, index: usize| {
                    let before = index.checked_sub(1).map(|before| timeline.mark_at(before));
                    let mark = timeline.mark_at(index);
                    mark.phase == Some(*phase)
                        && before.is_none_or(|before| (before.phase, before.game) != (mark.phase, mark.game))
                };
                self.next(archive, &mut passed, budget, &format!("{} phase", phase.as_str()), into)?
            }
            Target::Event(name) => {
                let is = |timeline: &Timeline, index: usize| {
                    timeline.step(index).is_some_and(|step| *step.name == **name)
                };
                self.next(archive, &mut passed, budget, &format!("event {name:?}"), is)?
            }
            Target::Note(name) => {
                let is = |timeline: &Timeline, index: usize| {
                    timeline.notes(index, index).any(|(_, note)| note_name(note) == name)
                };
                self.next(archive, &mut passed, budget, &format!("change {name:?}"), is)?
            }
        };
        self.go(span, timeline, index);
        Ok(passed.ended(0, Stopped::Done))
    }

    fn first(&mut self, archive: &Shared) -> Result<Found, CursorError> {
        for span in 0..self.outline.spans.len() {
            let timeline = self.load(archive, span)?;
            if !timeline.is_empty() {
                return Ok((span, timeline, 0));
            }
        }
        Err(self.outside("the first event", Instead::Start))
    }

    fn last(&mut self, archive: &Shared) -> Result<Found, CursorError> {
        for span in (0..self.outline.spans.len()).rev() {
            let timeline = self.load(archive, span)?;
            if let Some(last) = timeline.len().checked_sub(1) {
                return Ok((span, timeline, last));
            }
        }
        Err(self.outside("the last event", Instead::Start))
    }

    fn outside(&self, what: &str, instead: Instead) -> CursorError {
        CursorError::Outside { what: what.to_owned(), covers: self.extent(), instead }
    }

    fn span_of_game(&self, game_id: &str) -> Result<usize, CursorError> {
        let is = |span: &GameSpan| span.game_id.as_deref() == Some(game_id);
        self.outline
            .spans
            .iter()
            .position(is)
            .ok_or_else(|| self.outside(&format!("the game {game_id}"), Instead::Game(game_id.to_owned())))
    }

    fn tick(&mut self, archive: &Shared, game_id: Option<&str>, tick: u32) -> Result<Found, CursorError> {
        let here = self.timeline.mark_at(self.index);
        let current = self.timeline.game(&here).map(ToString::to_string);
        // A cursor over one game is about that game, also where the next one has begun.
        let span_game = self.timeline.span().game_id.clone();
        let game_id = game_id.map(str::to_owned).or(span_game).or(current);
        let Some(game_id) = game_id else { return Err(self.outside(&format!("tick {tick}"), Instead::Start)) };
        let span = match self.timeline.span().game_id.as_deref() {
            Some(own) if own == game_id => self.span,
            _ => self.span_of_game(&game_id)?,
        };
        let timeline = self.load(archive, span)?;
        let (mut first, mut last, mut before, mut after) = (None, None, None, None);
        for (index, mark) in timeline.marks().iter().enumerate() {
            let of_game = timeline.game(mark).is_some_and(|id| **id == *game_id);
            let Some(shown) = mark.tick.filter(|_| of_game) else { continue };
            if shown == tick {
                return Ok((span, timeline, index));
            }
            first = first.or(Some(shown));
            last = Some(shown);
            if shown < tick {
                before = Some(shown);
            } else {
                after = after.or(Some(shown));
            }
        }
        Err(CursorError::NoTick { game_id, tick, recorded: first.zip(last), nearest: (before, after) })
    }

    fn time(&mut self, archive: &Shared, us: i64) -> Result<Found, CursorError> {
        let what = || format!("the time {}", game_span::time(us));
        let began = |span: &GameSpan| span.ts.is_none_or(|(first, _)| first <= us);
        let within = |span: &GameSpan| span.ts.is_some_and(|(first, last)| first <= us && us <= last);
        let spans = &self.outline.spans;
        // The games of one cursor need not be in the order of time.
        let at = spans.iter().position(within).or_else(|| spans.iter().rposition(began));
        let mut span = at.unwrap_or(0);
        loop {
            let timeline = self.load(archive, span)?;
            // A session's clock may be set back: the last event up to the time counts, wherever it stands.
            let until = timeline.steps().iter().rposition(|step| step.at.ts.is_some_and(|ts| ts <= us));
            if let Some(index) = until {
                let is_last = span + 1 == self.outline.spans.len() && index + 1 == timeline.len();
                let ends = timeline.steps().iter().filter_map(|step| step.at.ts).max();
                if is_last && ends.is_some_and(|end| us > end) {
                    return Err(self.outside(&what(), Instead::End));
                }
                return Ok((span, timeline, index));
            }
            match span.checked_sub(1) {
                Some(before) => span = before,
                None => return Err(self.outside(&what(), Instead::Start)),
            }
        }
    }

    fn address(&mut self, archive: &Shared, session_id: &str, seq: u64) -> Result<Found, CursorError> {
        let holds = |span: &GameSpan| span.session_id == session_id && (span.first..=span.last).contains(&seq);
        // Two games of one cursor may share frames around a rug: the current one is asked first.
        let mut spans: Vec<usize> = Vec::new();
        spans.extend(self.outline.spans.get(self.span).filter(|one| holds(one)).map(|_| self.span));
        let others = self.outline.spans.iter().enumerate().filter(|(_, span)| holds(span));
        spans.extend(others.map(|(place, _)| place).filter(|place| *place != self.span).take(3));
        for span in spans {
            let timeline = self.load(archive, span)?;
            if let Ok(index) = timeline.steps().binary_search_by_key(&seq, |step| step.at.seq) {
                // Several rows of one frame cannot be; of a recording, each line has its own.
                return Ok((span, timeline, index));
            }
        }
        // A span that ends with its session has no last number of its own.
        let ends = |span: &GameSpan| {
            let past = span.last < seq || (span.last == u64::MAX && span.first <= seq);
            span.session_id == session_id && past
        };
        let is_after = self.outline.spans.last().is_some_and(ends);
        let instead = if is_after { Instead::End } else { Instead::Start };
        Err(self.outside(&format!("the event {session_id}:{seq}"), instead))
    }

    /// The next event that is meant.
    fn next(
        &mut self,
        archive: &Shared,
        passed: &mut Passed,
        budget: &Budget<'_>,
        what: &str,
        is: impl Fn(&Timeline, usize) -> bool,
    ) -> Result<Found, CursorError> {
        let from_start = self.place().is_some_and(|place| place.at.as_deref() == Some("start"));
        let game_id = self.timeline.game(&self.timeline.mark_at(self.index)).map(ToString::to_string);
        let game_id = game_id.or_else(|| self.timeline.span().game_id.clone());
        let (mut span, mut from, mut timeline) = (self.span, self.index + 1, self.timeline.clone());
        loop {
            if let Some(index) = (from..timeline.len()).find(|index| is(&timeline, *index)) {
                passed.over(&timeline, from, index);
                return Ok((span, timeline, index));
            }
            passed.over(&timeline, from, timeline.len().saturating_sub(1));
            let not_again = |left| {
                let (what, game_id) = (what.to_owned(), game_id.clone());
                CursorError::NotAgain { what, looked_at: passed.events, left, from_start, game_id }
            };
            if budget.spent(passed.events)?.is_some() {
                return Err(not_again(Left::More));
            }
            match self.next_span(archive, span)? {
                Some((next, loaded)) => (span, timeline, from) = (next, loaded, 0),
                None if self.live => return Err(not_again(Left::StillRecording)),
                None => return Err(not_again(Left::Nothing)),
            }
        }
    }
}
