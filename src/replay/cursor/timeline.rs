//! A span in memory: its events as facts, where the game stands after each, and checkpoints of the fold.
//!
//! Reading is the expensive part and is done once. The state after any event is the checkpoint before it and at
//! most [`EVERY`] facts; a checkpoint shares its games with the fold, so that one costs some kilobytes.

use std::borrow::Cow;
use std::collections::HashSet;
use std::sync::Arc;

use arrow::array::{Array, AsArray, RecordBatch, StringArray};

use super::archive::{self, Archive, Prefetch};
use super::error::CursorError;
use super::game_span::{GameSpan, SEED_WITHIN};
use super::step::{Mark, Step};
use crate::protocol::line::{self, LineFormat};
use crate::state::event::GameId;
use crate::state::rows::{self, Row};
use crate::state::{Fold, Note};
use crate::store::schema::DocType;

/// Events between two checkpoints.
pub const EVERY: usize = 64;

/// A span, loaded.
pub struct Timeline {
    span: GameSpan,
    session: Arc<str>,
    steps: Vec<Step>,
    marks: Vec<Mark>,
    games: Vec<GameId>,
    /// What each event changed, by event, rising.
    notes: Vec<(usize, Note)>,
    /// The fold before events 0, [`EVERY`], 2 × [`EVERY`], …
    checkpoints: Vec<Fold>,
    /// The fold after the last event.
    end: Fold,
    texts: Vec<Texts>,
    names: Vec<Arc<str>>,
    /// Games that were seen: only their price paths are kept of the histories.
    seen: HashSet<String>,
    /// The last `seq` that was read.
    read_to: u64,
    /// Nothing can come after the last event any more.
    over: bool,
    bytes: usize,
}

/// The texts of one batch.
struct Texts {
    texts: Option<StringArray>,
    formats: Option<StringArray>,
}

impl Timeline {
    /// Reads a span and its warm-up; `prefetch` says which one is likely to be wanted next.
    ///
    /// # Errors
    /// When the store cannot be read.
    pub fn load(archive: &mut Archive, span: &GameSpan, prefetch: Prefetch) -> Result<Timeline, CursorError> {
        let session: Arc<str> = span.session_id.as_str().into();
        let mut base = Fold::new();
        // The account's last word before the warm-up: later trades would have made a later one.
        if let Some(seq) = archive.last_update(&span.session_id, span.warm_up, prefetch)? {
            let batches = archive.rows(&span.session_id, seq, seq, Prefetch::Anywhere)?;
            rows::in_order(&batches, |row| apply(&mut base, &row));
        }
        // One look for both: they often stand on the same page.
        let batches = archive.rows(&span.session_id, span.warm_up.min(span.first), span.last, prefetch)?;
        rows::in_order(&batches, |row| {
            if row.seq() < span.first {
                apply(&mut base, &row);
            }
        });
        let batches = archive::since(batches, span.first)?;
        let seen = base.games().map(|game| game.id.to_string()).collect();
        let mut timeline = Timeline {
            span: span.clone(),
            session,
            steps: Vec::new(),
            marks: Vec::new(),
            games: Vec::new(),
            notes: Vec::new(),
            checkpoints: Vec::new(),
            end: base,
            texts: Vec::new(),
            names: Vec::new(),
            seen,
            read_to: span.first.saturating_sub(1),
            over: false,
            bytes: 0,
        };
        timeline.take(&batches);
        Ok(timeline)
    }

    /// Takes in what was recorded since, up to the end of the span as it is now known. Whether anything came.
    ///
    /// # Errors
    /// When the store cannot be read; the timeline is then as it was.
    pub fn follow(&mut self, archive: &mut Archive, span: &GameSpan) -> Result<bool, CursorError> {
        self.span.last = span.last;
        self.span.game_last = span.game_last;
        self.span.followed = span.followed;
        self.span.ts = span.ts;
        if self.over || self.read_to >= self.span.last {
            return Ok(false);
        }
        let before = self.steps.len();
        let batches = archive.rows(&self.span.session_id, self.read_to + 1, self.span.last, Prefetch::Anywhere)?;
        self.take(&batches);
        Ok(self.steps.len() > before)
    }

    fn take(&mut self, batches: &[(DocType, RecordBatch)]) {
        let before = self.steps.len();
        let offset = self.texts.len();
        self.texts.extend(batches.iter().map(Texts::of));
        let mut coming: Vec<Step> = Vec::new();
        let (from, to) = self.span.times;
        rows::in_order_with_places(batches, |row, (batch, place)| {
            let ts = row.ts();
            if ts.is_some_and(|ts| to.is_some_and(|to| ts >= to)) {
                return;
            }
            if self.steps.is_empty()
                && coming.is_empty()
                && ts.is_some_and(|ts| from.is_some_and(|from| ts < from))
            {
                // Before the time that is covered: warm-up.
                apply(&mut self.end, &row);
                self.seen.extend(self.end.game().map(|game| game.id.to_string()));
                return;
            }
            let seen = &mut self.seen;
            let step =
                Step::read(&row, (offset + batch, place), &self.session, &mut self.names, &|id| seen.contains(id));
            if let super::step::What::Fact(crate::state::Fact::Tick(tick)) = &step.what
                && let Some(id) = tick.game_id.as_deref()
                && !seen.contains(id)
            {
                seen.insert(id.to_owned());
            }
            coming.push(step);
        });
        self.add(coming);
        if self.steps.len() == before {
            self.texts.truncate(offset);
        }
        self.bytes = self.texts.iter().map(Texts::bytes).sum();
    }

    /// Adds events; of those after a game's last frame only up to the one that reveals its seed.
    fn add(&mut self, coming: Vec<Step>) {
        let game_last = self.span.game_last.unwrap_or(u64::MAX);
        let mut after: Vec<Step> = Vec::new();
        for step in coming {
            if step.at.seq <= game_last {
                self.push(step);
            } else {
                after.push(step);
            }
        }
        if self.span.game_last.is_some() && self.has_seed() {
            self.over = true;
            return;
        }
        let mut trial = self.end.clone();
        let reveals = after.iter().position(|step| step.apply(&mut trial).iter().any(|note| self.reveals(note)));
        match reveals {
            Some(place) => {
                after.into_iter().take(place + 1).for_each(|step| self.push(step));
                self.over = true;
            }
            // It may still come: these are read again then.
            None => {
                let waited = after.last().is_some_and(|last| last.at.seq >= game_last.saturating_add(SEED_WITHIN));
                self.over = self.span.followed && waited;
            }
        }
    }

    fn reveals(&self, note: &Note) -> bool {
        matches!(note, Note::SeedRevealed { game_id, .. } if Some(game_id.as_ref()) == self.span.game_id.as_deref())
    }

    /// Whether the seed was revealed by a frame of the game itself.
    fn has_seed(&self) -> bool {
        self.notes.iter().any(|(_, note)| self.reveals(note))
    }

    fn push(&mut self, step: Step) {
        let place = self.steps.len();
        if place.is_multiple_of(EVERY) {
            self.checkpoints.push(self.end.clone());
        }
        let before = match self.marks.last() {
            Some(mark) => *mark,
            None => self.mark(),
        };
        let notes = step.apply(&mut self.end);
        self.notes.extend(notes.into_iter().map(|note| (place, note)));
        let mut mark = self.mark();
        mark.stops = place == 0 || mark.is_elsewhere(&before);
        self.read_to = step.at.seq;
        self.marks.push(mark);
        self.steps.push(step);
    }

    /// Where the game stands at the end of what was taken.
    fn mark(&mut self) -> Mark {
        let Some(game) = self.end.game() else { return Mark::default() };
        let known = self.games.iter().rposition(|id| *id == game.id);
        let place = known.unwrap_or(self.games.len());
        let mark = Mark {
            game: u32::try_from(place).ok(),
            phase: game.phase,
            tick: game.tick,
            price: game.price,
            stops: false,
        };
        if known.is_none() {
            self.games.push(game.id.clone());
        }
        mark
    }

    /// The span.
    pub fn span(&self) -> &GameSpan {
        &self.span
    }

    /// How many events it has.
    pub fn len(&self) -> usize {
        self.steps.len()
    }

    /// Whether it has none.
    pub fn is_empty(&self) -> bool {
        self.steps.is_empty()
    }

    /// Whether nothing can come after its last event any more.
    pub fn is_over(&self) -> bool {
        self.over
    }

    /// Bytes of text it keeps; the facts take about half as much again.
    pub fn bytes(&self) -> usize {
        self.bytes
    }

    /// An event.
    pub fn step(&self, place: usize) -> Option<&Step> {
        self.steps.get(place)
    }

    /// All events.
    pub fn steps(&self) -> &[Step] {
        &self.steps
    }

    /// Where the game stands after an event.
    pub fn mark_at(&self, place: usize) -> Mark {
        self.marks.get(place).copied().unwrap_or_default()
    }

    /// Where the game stands after each event.
    pub fn marks(&self) -> &[Mark] {
        &self.marks
    }

    /// The id of a mark's game.
    pub fn game(&self, mark: &Mark) -> Option<&GameId> {
        self.games.get(usize::try_from(mark.game?).ok()?)
    }

    /// What the events in `from ..= to` changed.
    pub fn notes(&self, from: usize, to: usize) -> impl DoubleEndedIterator<Item = &(usize, Note)> {
        let start = self.notes.partition_point(|(place, _)| *place < from);
        let end = self.notes.partition_point(|(place, _)| *place <= to);
        self.notes.get(start..end.max(start)).unwrap_or_default().iter()
    }

    /// The state after event `place`, from the checkpoint before it.
    pub fn fold_at(&self, place: usize) -> Fold {
        let at = place / EVERY;
        let mut fold = self.checkpoints.get(at).cloned().unwrap_or_default();
        self.advance(&mut fold, at * EVERY, place);
        fold
    }

    /// Moves a fold on by the events `from ..= to`.
    pub fn advance(&self, fold: &mut Fold, from: usize, to: usize) {
        for step in self.steps.get(from..to.saturating_add(1).min(self.steps.len())).unwrap_or_default() {
            drop(step.apply(fold));
        }
    }

    /// The payload of an event, read from its text.
    pub fn payload<'r>(&'r self, step: &'r Step) -> Option<Cow<'r, str>> {
        let (batch, row) = step.text;
        let texts = self.texts.get(batch)?;
        let text = text_at(texts.texts.as_ref(), row)?;
        let format = text_at(texts.formats.as_ref(), row).and_then(LineFormat::from_name);
        let format = format.unwrap_or(LineFormat::Recording);
        if format == LineFormat::Recording {
            return Some(Cow::Borrowed(text));
        }
        if let Some(inner) = line::inner(format, text) {
            let event = line::decode(inner.format, inner.hint.as_deref(), &inner.text);
            return Some(Cow::Owned(event.payload?.get().to_owned()));
        }
        let event = line::decode(format, step.event_name(), text);
        event.payload.map(|payload| Cow::Borrowed(payload.get()))
    }
}

fn apply(fold: &mut Fold, row: &Row<'_>) {
    match row {
        Row::Event(event) => drop(fold.apply(event)),
        Row::System(event) => drop(fold.system(event)),
    }
}

impl Texts {
    fn of((_, batch): &(DocType, RecordBatch)) -> Texts {
        let column =
            |name: &str| batch.column_by_name(name).and_then(|column| column.as_string_opt::<i32>()).cloned();
        Texts { texts: column("raw_json"), formats: column("format") }
    }

    fn bytes(&self) -> usize {
        self.texts.as_ref().map_or(0, |texts| texts.get_array_memory_size())
    }
}

fn text_at(column: Option<&StringArray>, row: usize) -> Option<&str> {
    column.filter(|column| row < column.len() && column.is_valid(row)).map(|column| column.value(row))
}
