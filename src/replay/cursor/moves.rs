//! Stepping forward and back.

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Instant;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::archive::Shared;
use super::error::CursorError;
use super::place::Changed;
use super::timeline::Timeline;
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

    /// Takes in the events `from ..= to` of a span.
    pub(super) fn over(&mut self, timeline: &Timeline, from: usize, to: usize) {
        let Some(marks) = timeline.marks().get(from..=to) else { return };
        self.events += marks.len() as u64;
        for price in marks.iter().filter_map(|mark| mark.price) {
            self.prices =
                Some(self.prices.map_or((price, price), |(low, high)| (low.min(price), high.max(price))));
        }
        for (place, note) in timeline.notes(from, to) {
            let Some(step) = timeline.step(*place) else { continue };
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
        let (mut span, mut index, mut timeline) = (self.span, self.index, self.timeline.clone());
        let (mut passed, mut made) = (Passed::new(), 0);
        let stopped = loop {
            if made == count {
                break Stopped::Done;
            }
            if let Some(stopped) = budget.spent(passed.events)? {
                break stopped;
            }
            let room = usize::try_from(budget.events - passed.events).unwrap_or(usize::MAX);
            let (to, steps) = ahead(&timeline, index, count - made, unit, room);
            if to > index {
                passed.over(&timeline, index + 1, to);
                (index, made) = (to, made + steps);
                continue;
            }
            match self.next_span(archive, span)? {
                Some((next, loaded)) => {
                    passed.over(&timeline, index + 1, timeline.len().saturating_sub(1));
                    // Its first event is a step of either unit: another game begins.
                    (span, timeline, index) = (next, loaded, 0);
                    passed.over(&timeline, 0, 0);
                    made += 1;
                }
                None => break self.end_of(span),
            }
        };
        drop(timeline);
        let timeline = self.load(archive, span)?;
        self.go(span, timeline, index);
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
        let (mut span, mut index, mut timeline) = (self.span, self.index, self.timeline.clone());
        let (mut events, mut made) = (0, 0);
        let stopped = loop {
            if made == count {
                break Stopped::Done;
            }
            if let Some(stopped) = budget.spent(events)? {
                break stopped;
            }
            let (to, steps) = behind(&timeline, index, count - made, unit);
            if to < index {
                events += (index - to) as u64;
                (index, made) = (to, made + steps);
                continue;
            }
            match self.span_before(archive, span)? {
                Some((before, loaded)) => {
                    // The last event of a span is a step back; by ticks, the last one at which something changed.
                    let last = loaded.len().saturating_sub(1);
                    let stop = loaded.marks().iter().rposition(|mark| mark.stops).unwrap_or(0);
                    (span, timeline) = (before, loaded);
                    index = if unit == Unit::Tick { stop } else { last };
                    events += 1;
                    made += 1;
                }
                None => break Stopped::Start,
            }
        };
        drop(timeline);
        let timeline = self.load(archive, span)?;
        self.go(span, timeline, index);
        Ok(Moved { steps: made, events, stopped, changed: Vec::new(), changed_before: 0, prices: None })
    }

    /// The next span that has events.
    pub(super) fn next_span(
        &mut self,
        archive: &Shared,
        after: usize,
    ) -> Result<Option<(usize, Arc<Timeline>)>, CursorError> {
        for span in after + 1..self.outline.spans.len() {
            let timeline = self.load(archive, span)?;
            if !timeline.is_empty() {
                return Ok(Some((span, timeline)));
            }
        }
        Ok(None)
    }

    fn span_before(
        &mut self,
        archive: &Shared,
        before: usize,
    ) -> Result<Option<(usize, Arc<Timeline>)>, CursorError> {
        for span in (0..before).rev() {
            let timeline = self.load(archive, span)?;
            if !timeline.is_empty() {
                return Ok(Some((span, timeline)));
            }
        }
        Ok(None)
    }

    /// What the end of the last span is.
    pub(super) fn end_of(&self, span: usize) -> Stopped {
        let over = span == self.span && self.timeline.is_over();
        if self.live && !over { Stopped::LiveEnd } else { Stopped::End }
    }
}

/// At most `count` steps forward within a span and within `room` events: the place, and the steps made.
fn ahead(timeline: &Timeline, index: usize, count: u64, unit: Unit, room: usize) -> (usize, u64) {
    let last = timeline.len().saturating_sub(1).min(index.saturating_add(room));
    match unit {
        Unit::Event => {
            let to = usize::try_from(count).map_or(last, |count| index.saturating_add(count).min(last));
            (to, (to - index.min(to)) as u64)
        }
        Unit::Tick => {
            let marks = timeline.marks().iter().enumerate().take(last + 1).skip(index + 1);
            let stops = marks.filter(|(_, mark)| mark.stops).map(|(place, _)| place);
            let wanted = usize::try_from(count).unwrap_or(usize::MAX);
            stops.take(wanted).fold((index, 0), |(_, made), place| (place, made + 1))
        }
    }
}

/// At most `count` steps back within a span: the place, and the steps made.
fn behind(timeline: &Timeline, index: usize, count: u64, unit: Unit) -> (usize, u64) {
    match unit {
        Unit::Event => {
            let to = usize::try_from(count).map_or(0, |count| index.saturating_sub(count));
            (to, (index - to) as u64)
        }
        Unit::Tick => {
            let marks = timeline.marks().iter().enumerate().take(index).rev();
            let stops = marks.filter(|(_, mark)| mark.stops).map(|(place, _)| place);
            let wanted = usize::try_from(count).unwrap_or(usize::MAX);
            stops.take(wanted).fold((index, 0), |(_, made), place| (place, made + 1))
        }
    }
}
