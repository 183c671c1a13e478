//! Stepping forward and back.

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Instant;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::archive::Shared;
use super::error::CursorError;
use super::place::Changed;
use super::reel::Reel;
use super::{Budget, Cursor};

/// What a step is.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Unit {
    /// To the next event at which tick, phase or game changed.
    #[default]
    Tick,
    /// To the next event, whatever it is.
    Event,
}

/// Why a move ended where it did.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Stopped {
    /// It went as far as it was asked to.
    Done,
    /// The condition holds.
    ConditionHolds,
    /// An action that was taken in this replay stands at the place.
    OwnAction,
    /// There is nothing before.
    Start,
    /// There is nothing after.
    End,
    /// Nothing after was recorded yet.
    LiveEnd,
    /// It had looked at as many events as it may.
    Bound,
    /// It had taken as long as it may.
    Time,
}

/// How a move went.
#[derive(Debug, Clone, PartialEq)]
pub struct Moved {
    /// Steps made, in the unit asked for.
    pub steps: u64,
    /// Events passed or looked at.
    pub events: u64,
    /// Why it ended.
    pub stopped: Stopped,
    /// The last things that the passed events changed, oldest first.
    pub changed: Vec<Changed>,
    /// Things changed before those.
    pub changed_before: u64,
    /// The lowest and the highest price on the way, where there was one.
    pub prices: Option<(f64, f64)>,
}

/// Changes that a move tells.
const CHANGES: usize = 12;

/// What a move passes on its way.
pub(super) struct Passed {
    pub(super) events: u64,
    kept: VecDeque<Changed>,
    dropped: u64,
    prices: Option<(f64, f64)>,
}

impl Passed {
    pub(super) fn new() -> Passed {
        Passed { events: 0, kept: VecDeque::new(), dropped: 0, prices: None }
    }

    /// Takes in the events `from ..= to` of a chapter.
    pub(super) fn over(&mut self, reel: &Reel, from: usize, to: usize) {
        let Some(marks) = reel.marks().get(from..=to) else { return };
        self.events += marks.len() as u64;
        for price in marks.iter().filter_map(|mark| mark.price) {
            self.prices =
                Some(self.prices.map_or((price, price), |(low, high)| (low.min(price), high.max(price))));
        }
        for (place, note) in reel.notes(from, to) {
            let Some(step) = reel.step(*place) else { continue };
            if self.kept.len() == CHANGES {
                self.kept.pop_front();
                self.dropped += 1;
            }
            self.kept.push_back(Changed::of(step.at.event_ref(), note));
        }
    }

    pub(super) fn ended(self, steps: u64, stopped: Stopped) -> Moved {
        Moved {
            steps,
            events: self.events,
            stopped,
            changed: self.kept.into(),
            changed_before: self.dropped,
            prices: self.prices,
        }
    }
}

impl Budget<'_> {
    /// Why to stop, if it is time to.
    pub(super) fn spent(&self, events: u64) -> Result<Option<Stopped>, CursorError> {
        if (self.stop)() {
            return Err(CursorError::Stopped);
        }
        if events >= self.events {
            return Ok(Some(Stopped::Bound));
        }
        // Before the first event nothing has taken any time; asking the clock costs as much as a short step.
        Ok((events > 0 && Instant::now() >= self.until).then_some(Stopped::Time))
    }
}

impl Cursor {
    /// Moves `count` steps forward, or as far as there is something.
    ///
    /// # Errors
    /// When the store cannot be read, or the caller stops it: the cursor is then where it was.
    pub fn step(
        &mut self,
        archive: &Shared,
        count: u64,
        unit: Unit,
        budget: &Budget<'_>,
    ) -> Result<Moved, CursorError> {
        self.follow(archive)?;
        let (mut chapter, mut index, mut reel) = (self.chapter, self.index, self.reel.clone());
        let (mut passed, mut made) = (Passed::new(), 0);
        let stopped = loop {
            if made == count {
                break Stopped::Done;
            }
            if let Some(stopped) = budget.spent(passed.events)? {
                break stopped;
            }
            let room = usize::try_from(budget.events - passed.events).unwrap_or(usize::MAX);
            let (to, steps) = ahead(&reel, index, count - made, unit, room);
            if to > index {
                passed.over(&reel, index + 1, to);
                (index, made) = (to, made + steps);
                continue;
            }
            match self.next_chapter(archive, chapter)? {
                Some((next, loaded)) => {
                    passed.over(&reel, index + 1, reel.len().saturating_sub(1));
                    // Its first event is a step of either unit: another game begins.
                    (chapter, reel, index) = (next, loaded, 0);
                    passed.over(&reel, 0, 0);
                    made += 1;
                }
                None => break self.end_of(chapter),
            }
        };
        drop(reel);
        let reel = self.load(archive, chapter)?;
        self.go(chapter, reel, index);
        Ok(passed.ended(made, stopped))
    }

    /// Moves `count` steps back, or as far as there is something.
    ///
    /// # Errors
    /// As [`Cursor::step`].
    pub fn back(
        &mut self,
        archive: &Shared,
        count: u64,
        unit: Unit,
        budget: &Budget<'_>,
    ) -> Result<Moved, CursorError> {
        let (mut chapter, mut index, mut reel) = (self.chapter, self.index, self.reel.clone());
        let (mut events, mut made) = (0, 0);
        let stopped = loop {
            if made == count {
                break Stopped::Done;
            }
            if let Some(stopped) = budget.spent(events)? {
                break stopped;
            }
            let (to, steps) = behind(&reel, index, count - made, unit);
            if to < index {
                events += (index - to) as u64;
                (index, made) = (to, made + steps);
                continue;
            }
            match self.chapter_before(archive, chapter)? {
                Some((before, loaded)) => {
                    // The last event of a chapter is a step back; by ticks, the last one at which something changed.
                    let last = loaded.len().saturating_sub(1);
                    let stop = loaded.marks().iter().rposition(|mark| mark.stops).unwrap_or(0);
                    (chapter, reel) = (before, loaded);
                    index = if unit == Unit::Tick { stop } else { last };
                    events += 1;
                    made += 1;
                }
                None => break Stopped::Start,
            }
        };
        drop(reel);
        let reel = self.load(archive, chapter)?;
        self.go(chapter, reel, index);
        Ok(Moved { steps: made, events, stopped, changed: Vec::new(), changed_before: 0, prices: None })
    }

    /// The next chapter that has events.
    pub(super) fn next_chapter(
        &mut self,
        archive: &Shared,
        after: usize,
    ) -> Result<Option<(usize, Arc<Reel>)>, CursorError> {
        for chapter in after + 1..self.outline.chapters.len() {
            let reel = self.load(archive, chapter)?;
            if !reel.is_empty() {
                return Ok(Some((chapter, reel)));
            }
        }
        Ok(None)
    }

    fn chapter_before(
        &mut self,
        archive: &Shared,
        before: usize,
    ) -> Result<Option<(usize, Arc<Reel>)>, CursorError> {
        for chapter in (0..before).rev() {
            let reel = self.load(archive, chapter)?;
            if !reel.is_empty() {
                return Ok(Some((chapter, reel)));
            }
        }
        Ok(None)
    }

    /// What the end of the last chapter is.
    pub(super) fn end_of(&self, chapter: usize) -> Stopped {
        let over = chapter == self.chapter && self.reel.is_over();
        if self.live && !over { Stopped::LiveEnd } else { Stopped::End }
    }
}

/// At most `count` steps forward within a chapter and within `room` events: the place, and the steps made.
fn ahead(reel: &Reel, index: usize, count: u64, unit: Unit, room: usize) -> (usize, u64) {
    let last = reel.len().saturating_sub(1).min(index.saturating_add(room));
    match unit {
        Unit::Event => {
            let to = usize::try_from(count).map_or(last, |count| index.saturating_add(count).min(last));
            (to, (to - index.min(to)) as u64)
        }
        Unit::Tick => {
            let marks = reel.marks().iter().enumerate().take(last + 1).skip(index + 1);
            let stops = marks.filter(|(_, mark)| mark.stops).map(|(place, _)| place);
            let wanted = usize::try_from(count).unwrap_or(usize::MAX);
            stops.take(wanted).fold((index, 0), |(_, made), place| (place, made + 1))
        }
    }
}

/// At most `count` steps back within a chapter: the place, and the steps made.
fn behind(reel: &Reel, index: usize, count: u64, unit: Unit) -> (usize, u64) {
    match unit {
        Unit::Event => {
            let to = usize::try_from(count).map_or(0, |count| index.saturating_sub(count));
            (to, (index - to) as u64)
        }
        Unit::Tick => {
            let marks = reel.marks().iter().enumerate().take(index).rev();
            let stops = marks.filter(|(_, mark)| mark.stops).map(|(place, _)| place);
            let wanted = usize::try_from(count).unwrap_or(usize::MAX);
            stops.take(wanted).fold((index, 0), |(_, made), place| (place, made + 1))
        }
    }
}
