//! Cursors: places in recorded games that are moved forward and back, event by event or tick by tick.
//!
//! A place is "after this event". The state at a place is the fold of its span's warm-up and of the span's
//! events up to it, so that it is the same whichever way it was reached. Moving never reads from the start: a
//! span is read once ([`timeline`]), and the state anywhere in it is the checkpoint before and a few facts more.
//!
//! * [`archive`] — where the frames lie. [`game_span`] — what a cursor covers, game by game.
//! * [`timeline`] — a span in memory; [`step`] — one event of it.
//! * [`moves`] — step and back; [`seek`] — to a place; [`run`] — until a condition holds.
//! * [`place`] — places as an agent reads them, and what differs between two.
//! * [`orders`] — actions that are taken on the way, and the local account.
//! * [`registry`] — many cursors at once. [`error`] — why not.

pub mod archive;
pub mod error;
pub mod game_span;
pub mod moves;
pub mod orders;
pub mod place;
pub mod registry;
pub mod run;
pub mod seek;
pub mod step;
pub mod timeline;

use std::sync::Arc;
use std::time::{Duration, Instant};

use archive::{Prefetch, Shared};
use error::CursorError;
use game_span::{Covers, GameSpan, Outline};
use place::Place;
use timeline::Timeline;

use crate::state::condition::Watcher;
use crate::state::{Fold, Snapshot};

/// A place in recorded games.
pub struct Cursor {
    covers: Covers,
    outline: Outline,
    /// The span it is in.
    span: usize,
    /// The event of the span that it is after.
    index: usize,
    timeline: Arc<Timeline>,
    /// The span that was looked at last besides the current one.
    other: Option<(usize, Arc<Timeline>)>,
    /// The state at a place of the current span, to go on from.
    now: Option<(usize, Fold)>,
    /// Somebody is still recording what it covers.
    live: bool,
}

/// How much a move may look at, and when it has to stop.
pub struct Budget<'s> {
    /// Events.
    pub events: u64,
    /// The moment at which it stops.
    pub until: Instant,
    /// Whether the caller wants it to stop.
    pub stop: &'s dyn Fn() -> bool,
}

impl Budget<'static> {
    /// So many events within so long, without a way to stop it.
    pub fn new(events: u64, time: Duration) -> Budget<'static> {
        Budget { events, until: Instant::now() + time, stop: &|| false }
    }
}

/// Events of a move that is not told how many; more than a day of games.
pub const EVENTS: u64 = 1_000_000;

/// How long a move may take.
pub const TIME: Duration = Duration::from_secs(20);

impl Cursor {
    /// Opens a cursor at the first event of what is covered.
    ///
    /// # Errors
    /// When there is nothing, or it cannot be read.
    pub fn open(archive: &Shared, covers: Covers) -> Result<Cursor, CursorError> {
        let archive = &mut *archive.lock();
        archive.refresh()?;
        let outline = game_span::outline(archive, &covers)?;
        let mut first = None;
        for (place, span) in outline.spans.iter().enumerate() {
            let timeline = Timeline::load(archive, span, Prefetch::Anywhere)?;
            if !timeline.is_empty() {
                first = Some((place, Arc::new(timeline)));
                break;
            }
        }
        let Some((span, timeline)) = first else {
            return Err(match &covers {
                Covers::Range { from_us, to_us, .. } => game_span::nothing_then(archive, *from_us, *to_us),
                _ => CursorError::Refused("nothing that can be stepped through was recorded there".to_owned()),
            });
        };
        let live = outline.spans.last().is_some_and(|last| archive.is_live(&last.session_id));
        Ok(Cursor { covers, outline, span, index: 0, timeline, other: None, now: None, live })
    }

    /// What it covers, as it was asked for.
    pub fn covers(&self) -> &Covers {
        &self.covers
    }

    /// Its spans, and which recordings were chosen.
    pub fn outline(&self) -> &Outline {
        &self.outline
    }

    /// The current span in memory.
    pub fn timeline(&self) -> &Timeline {
        &self.timeline
    }

    /// The span it is in, and the event of it that it is after.
    pub fn position(&self) -> (usize, usize) {
        (self.span, self.index)
    }

    /// Bytes it keeps in memory.
    pub fn bytes(&self) -> usize {
        self.timeline.bytes() + self.other.as_ref().map_or(0, |(_, timeline)| timeline.bytes())
    }

    /// Takes in what was recorded since, where somebody still records. Whether there is more to follow.
    ///
    /// # Errors
    /// When the store cannot be read.
    pub fn follow(&mut self, archive: &Shared) -> Result<bool, CursorError> {
        if !self.live {
            return Ok(false);
        }
        let archive = &mut *archive.lock();
        let Some(last) = self.outline.spans.last() else { return Ok(false) };
        // Asked before reading: what was recorded up to the end of the session is then read.
        self.live = archive.is_live(&last.session_id);
        archive.refresh()?;
        let outline = game_span::again(archive, &self.covers, &self.outline)?;
        if let Some(span) = outline.spans.get(self.span)
            && let Some(timeline) = Arc::get_mut(&mut self.timeline)
        {
            timeline.follow(archive, span)?;
        }
        // A span beside the current one is read again when it is wanted.
        self.other = None;
        self.outline = outline;
        Ok(self.live)
    }

    /// A span in memory.
    fn load(&mut self, archive: &Shared, span: usize) -> Result<Arc<Timeline>, CursorError> {
        if span == self.span {
            return Ok(self.timeline.clone());
        }
        if let Some((_, timeline)) = self.other.as_ref().filter(|(known, _)| *known == span) {
            return Ok(timeline.clone());
        }
        let Some(wanted) = self.outline.spans.get(span) else {
            return Err(CursorError::Refused(format!("there is no span {span}")));
        };
        // Whoever comes from the span beside it is likely to go on.
        let beside = [self.other.as_ref().map_or(self.span, |(other, _)| *other), self.span];
        let prefetch = if beside.iter().any(|from| from + 1 == span) {
            Prefetch::Later
        } else if beside.contains(&(span + 1)) {
            Prefetch::Earlier
        } else {
            Prefetch::Anywhere
        };
        let timeline = Arc::new(Timeline::load(&mut archive.lock(), wanted, prefetch)?);
        self.other = Some((span, timeline.clone()));
        Ok(timeline)
    }

    /// Goes to a place by its span and event, as [`Cursor::position`] gave it.
    ///
    /// # Errors
    /// When the store cannot be read.
    pub fn go_to(&mut self, archive: &Shared, span: usize, index: usize) -> Result<(), CursorError> {
        let timeline = self.load(archive, span)?;
        let last = timeline.len().saturating_sub(1);
        self.go(span, timeline, index.min(last));
        Ok(())
    }

    /// Whether somebody is still recording what it covers.
    pub fn is_live(&self) -> bool {
        self.live
    }

    /// Goes to a place that was found.
    fn go(&mut self, span: usize, timeline: Arc<Timeline>, index: usize) {
        if span != self.span {
            self.other = Some((self.span, std::mem::replace(&mut self.timeline, timeline)));
            self.span = span;
            self.now = None;
        }
        self.index = index;
    }

    /// The state at the place.
    pub fn fold(&mut self) -> &Fold {
        let (timeline, index) = (&self.timeline, self.index);
        let now = match self.now.take() {
            // Going on is cheaper than the way from the checkpoint, unless that is nearer.
            Some((at, mut fold)) if at <= index && index - at <= index % timeline::EVERY + 1 => {
                timeline.advance(&mut fold, at + 1, index);
                fold
            }
            _ => timeline.fold_at(index),
        };
        &self.now.insert((index, now)).1
    }

    /// The state at the place, as an agent reads it.
    pub fn snapshot(&mut self, detailed: bool) -> Snapshot {
        let now_us = self.time_us().unwrap_or(0);
        let fold = self.fold();
        let mut snapshot = if detailed { fold.detailed(now_us) } else { fold.snapshot(now_us) };
        // Whether the capture was alive is a question of then, not of a replay.
        snapshot.status = None;
        snapshot.capture.health = None;
        snapshot
    }

    /// When the event of the place happened, or the last one before it that has a time; microseconds UTC.
    pub fn time_us(&self) -> Option<i64> {
        let upto = self.timeline.steps().get(..=self.index).unwrap_or_default();
        upto.iter().rev().find_map(|step| step.at.ts)
    }

    /// The place.
    pub fn place(&self) -> Option<Place> {
        let mut place = place::of(&self.timeline, self.index)?;
        let spans = self.outline.spans.len();
        if spans > 1 {
            place.game = Some(format!("{} of {spans}", self.span + 1));
        }
        let (is_first, is_last) = (self.span == 0, self.span + 1 == spans);
        place.at = if is_last && self.index + 1 == self.timeline.len() {
            Some(if self.more_comes() { "live_end" } else { "end" }.to_owned())
        } else {
            (is_first && self.index == 0).then(|| "start".to_owned())
        };
        Some(place)
    }

    /// Whether something is still being recorded after the last event.
    fn more_comes(&self) -> bool {
        self.live && !(self.span + 1 == self.outline.spans.len() && self.timeline.is_over())
    }

    /// From where to where it goes, in words.
    pub fn extent(&self) -> String {
        let spans = &self.outline.spans;
        if let ([_], Some(first), Some(last)) =
            (spans.as_slice(), self.timeline.steps().first(), self.timeline.steps().last())
        {
            let times = match (first.at.ts, last.at.ts) {
                (Some(from), Some(to)) => format!(", {} to {}", game_span::time(from), game_span::time(to)),
                _ => String::new(),
            };
            return format!("{} to {}{times}", first.at.event_ref(), last.at.event_ref());
        }
        let times: Vec<(i64, i64)> = spans.iter().filter_map(|span| span.ts).collect();
        let from = times.iter().map(|ts| ts.0).min().map_or_else(|| "?".to_owned(), game_span::time);
        let to = times.iter().map(|ts| ts.1).max().map_or_else(|| "?".to_owned(), game_span::time);
        let games: Vec<&str> = spans.iter().filter_map(|span: &GameSpan| span.game_id.as_deref()).collect();
        let names = match games.as_slice() {
            [first, .., last] => format!(" from {first} to {last}"),
            [one] => format!(" {one}"),
            [] => String::new(),
        };
        format!("{} games{names}, {from} to {to}", games.len())
    }

    /// A watcher that knows the game and the account at the place.
    fn watcher_here(&mut self, watcher: Watcher) -> Watcher {
        let mark = self.timeline.mark_at(self.index);
        let fold = self.fold();
        let own = fold.account().identity.as_ref().map(|own| own.id.to_string());
        let game = fold.game().map(|game| (game.id.to_string(), game.prices.peak().map(|(_, peak)| peak)));
        let watcher = watcher.starting_at(mark.phase, mark.price).as_player(own.as_deref());
        match game {
            Some((id, peak)) => watcher.in_game(&id, peak),
            None => watcher,
        }
    }
}

#[cfg(test)]
mod tests;
