//! Running forward until a condition holds, within bounds.

use super::archive::Shared;
use super::error::CursorError;
use super::moves::{Moved, Passed, Stopped};
use super::{Budget, Cursor};
use crate::state::condition::{Condition, Watcher};

/// Events looked at between two looks at the clock.
const STRIDE: usize = 4096;

impl Cursor {
    /// Moves forward to the next event at which the condition holds, or as far as it may. The same conditions as
    /// those one waits for on the live feed. `own` names places (span, event) at which an action of this replay
    /// stands: for a condition on own trades they count as one.
    ///
    /// # Errors
    /// When the condition can never hold, or the store cannot be read: the cursor is then where it was.
    pub fn run(
        &mut self,
        archive: &Shared,
        until: &Condition,
        own: &[(usize, usize)],
        budget: &Budget<'_>,
    ) -> Result<Moved, CursorError> {
        let watcher = Watcher::new(until.clone())?;
        self.follow(archive)?;
        let mut watcher = self.watcher_here(watcher);
        let asks_own = *until == Condition { own_trade: Some(true), ..Condition::default() };
        let (mut span, mut from, mut timeline) = (self.span, self.index + 1, self.timeline.clone());
        let mut passed = Passed::new();
        let (stopped, place) = loop {
            let mut found = None;
            let left = usize::try_from(budget.events - passed.events).unwrap_or(usize::MAX);
            let end = timeline.len().min(from.saturating_add(left.min(STRIDE)));
            for index in from..end {
                let Some(step) = timeline.step(index) else { break };
                let holds = watcher
                    .matches_view(step.event_name(), step.direction(), step.view(), || timeline.payload(step));
                if holds {
                    found = Some((Stopped::ConditionHolds, index));
                } else if asks_own && own.contains(&(span, index)) {
                    found = Some((Stopped::OwnAction, index));
                }
                if found.is_some() {
                    break;
                }
            }
            if let Some((stopped, index)) = found {
                passed.over(&timeline, from, index);
                break (stopped, index);
            }
            if end > from {
                passed.over(&timeline, from, end - 1);
                from = end;
            }
            if let Some(stopped) = budget.spent(passed.events)? {
                break (stopped, from.saturating_sub(1));
            }
            if from < timeline.len() {
                continue;
            }
            match self.next_span(archive, span)? {
                Some((next, loaded)) => (span, timeline, from) = (next, loaded, 0),
                None => break (self.end_of(span), timeline.len().saturating_sub(1)),
            }
        };
        drop(timeline);
        let timeline = self.load(archive, span)?;
        self.go(span, timeline, place);
        Ok(passed.ended(0, stopped))
    }
}
