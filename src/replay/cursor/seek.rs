//! Going to a place: by tick, time, address, or what comes next.

use std::sync::Arc;

use super::archive::Shared;
use super::chapter::{self, Chapter};
use super::error::{CursorError, Instead, Left};
use super::moves::{Moved, Passed, Stopped};
use super::reel::Reel;
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
type Found = (usize, Arc<Reel>, usize);

impl Cursor {
    /// Goes to a place.
    ///
    /// # Errors
    /// When there is no such place: the cursor is then where it was.
    pub fn seek(&mut self, archive: &Shared, target: &Target, budget: &Budget<'_>) -> Result<Moved, CursorError> {
        self.follow(archive)?;
        let mut passed = Passed::new();
        let (chapter, reel, index) = match target {
            Target::Start => self.first(archive)?,
            Target::End => self.last(archive)?,
            Target::Tick { game_id, tick } => self.tick(archive, game_id.as_deref(), *tick)?,
            Target::Game(game_id) => {
                let chapter = self.chapter_of_game(game_id)?;
                (chapter, self.load(archive, chapter)?, 0)
            }
            Target::Time(us) => self.time(archive, *us)?,
            Target::Ref(address) => self.address(archive, &address.session_id.to_string(), address.seq)?,
            Target::Seq(seq) => {
                let session = self.outline.chapters.get(self.chapter).map(|chapter| chapter.session_id.clone());
                self.address(archive, &session.unwrap_or_default(), *seq)?
            }
            Target::Phase(phase) => {
                let into = |reel: &Reel, index: usize| {
                    let before = index.checked_sub(1).map(|before| reel.mark_at(before));
                    let mark = reel.mark_at(index);
                    mark.phase == Some(*phase)
                        && before.is_none_or(|before| (before.phase, before.game) != (mark.phase, mark.game))
                };
                self.next(archive, &mut passed, budget, &format!("{} phase", phase.as_str()), into)?
            }
            Target::Event(name) => {
                let is = |reel: &Reel, index: usize| reel.step(index).is_some_and(|step| *step.name == **name);
                self.next(archive, &mut passed, budget, &format!("event {name:?}"), is)?
            }
            Target::Note(name) => {
                let is =
                    |reel: &Reel, index: usize| reel.notes(index, index).any(|(_, note)| note_name(note) == name);
                self.next(archive, &mut passed, budget, &format!("change {name:?}"), is)?
            }
        };
        self.go(chapter, reel, index);
        Ok(passed.ended(0, Stopped::Done))
    }

    fn first(&mut self, archive: &Shared) -> Result<Found, CursorError> {
        for chapter in 0..self.outline.chapters.len() {
            let reel = self.load(archive, chapter)?;
            if !reel.is_empty() {
                return Ok((chapter, reel, 0));
            }
        }
        Err(self.outside("the first event", Instead::Start))
    }

    fn last(&mut self, archive: &Shared) -> Result<Found, CursorError> {
        for chapter in (0..self.outline.chapters.len()).rev() {
            let reel = self.load(archive, chapter)?;
            if let Some(last) = reel.len().checked_sub(1) {
                return Ok((chapter, reel, last));
            }
        }
        Err(self.outside("the last event", Instead::Start))
    }

    fn outside(&self, what: &str, instead: Instead) -> CursorError {
        CursorError::Outside { what: what.to_owned(), covers: self.extent(), instead }
    }

    fn chapter_of_game(&self, game_id: &str) -> Result<usize, CursorError> {
        let is = |chapter: &Chapter| chapter.game_id.as_deref() == Some(game_id);
        self.outline
            .chapters
            .iter()
            .position(is)
            .ok_or_else(|| self.outside(&format!("the game {game_id}"), Instead::Game(game_id.to_owned())))
    }

    fn tick(&mut self, archive: &Shared, game_id: Option<&str>, tick: u32) -> Result<Found, CursorError> {
        let here = self.reel.mark_at(self.index);
        let current = self.reel.game(&here).map(ToString::to_string);
        // A cursor over one game is about that game, also where the next one has begun.
        let chapter_game = self.reel.chapter().game_id.clone();
        let game_id = game_id.map(str::to_owned).or(chapter_game).or(current);
        let Some(game_id) = game_id else { return Err(self.outside(&format!("tick {tick}"), Instead::Start)) };
        let chapter = match self.reel.chapter().game_id.as_deref() {
            Some(own) if own == game_id => self.chapter,
            _ => self.chapter_of_game(&game_id)?,
        };
        let reel = self.load(archive, chapter)?;
        let (mut first, mut last, mut before, mut after) = (None, None, None, None);
        for (index, mark) in reel.marks().iter().enumerate() {
            let of_game = reel.game(mark).is_some_and(|id| **id == *game_id);
            let Some(shown) = mark.tick.filter(|_| of_game) else { continue };
            if shown == tick {
                return Ok((chapter, reel, index));
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
        let what = || format!("the time {}", chapter::time(us));
        let began = |chapter: &Chapter| chapter.ts.is_none_or(|(first, _)| first <= us);
        let within = |chapter: &Chapter| chapter.ts.is_some_and(|(first, last)| first <= us && us <= last);
        let chapters = &self.outline.chapters;
        // The games of one cursor need not be in the order of time.
        let at = chapters.iter().position(within).or_else(|| chapters.iter().rposition(began));
        let mut chapter = at.unwrap_or(0);
        loop {
            let reel = self.load(archive, chapter)?;
            // A session's clock may be set back: the last event up to the time counts, wherever it stands.
            let until = reel.steps().iter().rposition(|step| step.at.ts.is_some_and(|ts| ts <= us));
            if let Some(index) = until {
                let is_last = chapter + 1 == self.outline.chapters.len() && index + 1 == reel.len();
                let ends = reel.steps().iter().filter_map(|step| step.at.ts).max();
                if is_last && ends.is_some_and(|end| us > end) {
                    return Err(self.outside(&what(), Instead::End));
                }
                return Ok((chapter, reel, index));
            }
            match chapter.checked_sub(1) {
                Some(before) => chapter = before,
                None => return Err(self.outside(&what(), Instead::Start)),
            }
        }
    }

    fn address(&mut self, archive: &Shared, session_id: &str, seq: u64) -> Result<Found, CursorError> {
        let holds =
            |chapter: &Chapter| chapter.session_id == session_id && (chapter.first..=chapter.last).contains(&seq);
        // Two games of one cursor may share frames around a rug: the current one is asked first.
        let mut chapters: Vec<usize> = Vec::new();
        chapters.extend(self.outline.chapters.get(self.chapter).filter(|one| holds(one)).map(|_| self.chapter));
        let others = self.outline.chapters.iter().enumerate().filter(|(_, chapter)| holds(chapter));
        chapters.extend(others.map(|(place, _)| place).filter(|place| *place != self.chapter).take(3));
        for chapter in chapters {
            let reel = self.load(archive, chapter)?;
            if let Ok(index) = reel.steps().binary_search_by_key(&seq, |step| step.at.seq) {
                // Several rows of one frame cannot be; of a recording, each line has its own.
                return Ok((chapter, reel, index));
            }
        }
        // A chapter that ends with its session has no last number of its own.
        let ends = |chapter: &Chapter| {
            let past = chapter.last < seq || (chapter.last == u64::MAX && chapter.first <= seq);
            chapter.session_id == session_id && past
        };
        let is_after = self.outline.chapters.last().is_some_and(ends);
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
        is: impl Fn(&Reel, usize) -> bool,
    ) -> Result<Found, CursorError> {
        let from_start = self.place().is_some_and(|place| place.at.as_deref() == Some("start"));
        let game_id = self.reel.game(&self.reel.mark_at(self.index)).map(ToString::to_string);
        let game_id = game_id.or_else(|| self.reel.chapter().game_id.clone());
        let (mut chapter, mut from, mut reel) = (self.chapter, self.index + 1, self.reel.clone());
        loop {
            if let Some(index) = (from..reel.len()).find(|index| is(&reel, *index)) {
                passed.over(&reel, from, index);
                return Ok((chapter, reel, index));
            }
            passed.over(&reel, from, reel.len().saturating_sub(1));
            let not_again = |left| {
                let (what, game_id) = (what.to_owned(), game_id.clone());
                CursorError::NotAgain { what, looked_at: passed.events, left, from_start, game_id }
            };
            if budget.spent(passed.events)?.is_some() {
                return Err(not_again(Left::More));
            }
            match self.next_chapter(archive, chapter)? {
                Some((next, loaded)) => (chapter, reel, from) = (next, loaded, 0),
                None if self.live => return Err(not_again(Left::StillRecording)),
                None => return Err(not_again(Left::Nothing)),
            }
        }
    }
}
