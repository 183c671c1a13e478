//! The state at a past moment, folded from the store.
//!
//! Read is what is needed and no more: the light columns around the moment tell where the game at that moment
//! and the one before it began; from there on the frames are read. What the account was before that is told by
//! its last update, which is looked up singly: later trades would have made a later update.

use std::collections::BTreeMap;
use std::ops::Range;

use arrow::array::{Array, AsArray, RecordBatch};
use parquet::arrow::ProjectionMask;
use parquet::arrow::arrow_reader::{ParquetRecordBatchReaderBuilder, RowSelection};

use super::fold::Fold;
use super::rows::{self, Columns, Row};
use super::snapshot::Snapshot;
use crate::store::StoreError;
use crate::store::catalog::Part;
use crate::store::damage;
use crate::store::root::DataRoot;
use crate::store::scan;
use crate::store::schema::DocType;
use crate::store::view::View;

/// How far back the light columns are read until two games (and the account's name) are found, µs: ten minutes (the longest game on
/// record took six), an hour, a day.
const REACHES_US: [i64; 3] = [600_000_000, 3_600_000_000, 86_400_000_000];

/// The columns that tell where a game began.
const LIGHT: [&str; 6] = ["ts", "session_id", "seq", "game_id", "event_name", "tick_source"];
/// The columns that events are made from.
const FULL: [&str; 10] = [
    "ts",
    "source",
    "session_id",
    "seq",
    "direction",
    "socket_id",
    "event_name",
    "event_type",
    "format",
    "raw_json",
];

/// The state at `when_us` (microseconds UTC), as the events stored up to then tell it. Everything is null when
/// nothing was stored before; `folded_from` says from which event on.
///
/// # Errors
/// When the catalog, the journal or a part cannot be read.
pub fn at(root: &DataRoot, when_us: i64) -> Result<Snapshot, StoreError> {
    Ok(fold_at(root, when_us)?.snapshot(when_us))
}

/// As [`at`], the fold itself: for the detailed snapshot, and to go on from there.
///
/// # Errors
/// As [`at`].
pub fn fold_at(root: &DataRoot, when_us: i64) -> Result<Fold, StoreError> {
    let batches = View::read(root, |view| gather(view, when_us))?;
    let mut fold = Fold::new();
    rows::in_order(&batches, |row| {
        take(&mut fold, row);
    });
    Ok(fold)
}

fn take(fold: &mut Fold, row: Row<'_>) {
    match row {
        Row::Event(event) => drop(fold.apply(&event)),
        Row::System(event) => drop(fold.system(&event)),
    }
}

/// A row that matters, by place. Places are in the order of their rows: by time, and by arrival where the time is the
/// same, whichever part holds them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
struct Place {
    ts: i64,
    seq: u64,
    /// Index of the batch's origin: parts first, then unsealed batches.
    origin: usize,
    row: usize,
}

/// What the light columns tell.
#[derive(Default)]
struct Survey {
    /// Every row of the window.
    places: Vec<Place>,
    /// First time of each game.
    games: BTreeMap<String, i64>,
    /// Updates of the account, and who it is.
    updates: Vec<Place>,
    identities: Vec<Place>,
}

impl Survey {
    /// Takes the rows of one batch; `first` is the number of its first row, `rows` maps the batch's rows to the
    /// origin's where only some were read.
    fn batch(
        &mut self,
        doc_type: DocType,
        batch: &RecordBatch,
        origin: usize,
        row_of: impl Fn(usize) -> usize,
        window: &Range<i64>,
    ) {
        let columns = Columns::of(doc_type, batch);
        let text = |name: &str| batch.column_by_name(name).and_then(|column| column.as_string_opt::<i32>());
        let (games, names, tick_sources) = (text("game_id"), text("event_name"), text("tick_source"));
        let at = |column: Option<&'_ arrow::array::StringArray>, row: usize, wanted: &str| {
            column.is_some_and(|column| column.is_valid(row) && column.value(row) == wanted)
        };
        for row in 0..columns.len() {
            let Some(ts) = columns.ts(row).filter(|ts| window.contains(ts)) else { continue };
            let is_recorded_tick = at(tick_sources, row, "recording");
            if doc_type == DocType::GameTick && !is_recorded_tick {
                continue;
            }
            let place = Place { ts, seq: columns.seq(row), origin, row: row_of(row) };
            self.places.push(place);
            if at(names, row, "playerUpdate") {
                self.updates.push(place);
            } else if at(names, row, "usernameStatus") {
                self.identities.push(place);
            }
            let tells_game = is_recorded_tick || at(names, row, "gameStateUpdate");
            let Some(games) = games.filter(|games| tells_game && games.is_valid(row)) else { continue };
            match self.games.get_mut(games.value(row)) {
                Some(first) => *first = ts.min(*first),
                None => {
                    self.games.insert(games.value(row).to_owned(), ts);
                }
            }
        }
    }

    /// When the game before the last one began, and whether that is certain.
    fn begin(&self) -> Option<(i64, bool)> {
        let mut firsts: Vec<i64> = self.games.values().copied().collect();
        firsts.sort_unstable();
        let (last, before) = (firsts.pop()?, firsts.pop());
        // With a third game the second to last began within the window; else it may be cut by the window's start.
        Some((before.unwrap_or(last), !firsts.is_empty()))
    }

    /// The places to read: everything from the beginning on, and the account's last word before it.
    fn chosen(mut self) -> Vec<Place> {
        let Some((begin, _)) = self.begin() else { return self.places };
        let last_before = |places: &[Place]| places.iter().filter(|place| place.ts < begin).max().copied();
        let earlier = [last_before(&self.identities), last_before(&self.updates)];
        self.places.retain(|place| place.ts >= begin);
        self.places.extend(earlier.into_iter().flatten());
        self.places
    }
}

/// The rows that the state at `when_us` is folded from, sealed or not.
pub(super) fn gather(view: &View, when_us: i64) -> Result<Vec<(DocType, RecordBatch)>, StoreError> {
    let tail = view.tail();
    let told = |doc_type: DocType| matches!(doc_type, DocType::WsEvent | DocType::GameTick);
    let parts: Vec<&Part> = view.parts().iter().filter(|part| told(part.doc_type)).collect();
    let tail_ts = |(doc_type, batch): &(DocType, RecordBatch)| {
        let columns = Columns::of(*doc_type, batch);
        (0..columns.len()).filter_map(|row| columns.ts(row)).filter(|ts| *ts <= when_us).max()
    };
    let newest = parts
        .iter()
        .filter(|part| part.ts_min.is_some_and(|min| min <= when_us))
        .filter_map(|part| part.ts_max.map(|max| max.min(when_us)))
        .chain(tail.iter().filter(|(doc_type, _)| told(*doc_type)).filter_map(tail_ts))
        .max();
    let Some(newest) = newest else { return Ok(Vec::new()) };
    let mut chosen = Vec::new();
    for reach in REACHES_US {
        let window = newest.saturating_sub(reach)..when_us.saturating_add(1);
        let survey = survey(view, &parts, &window)?;
        let certain = survey.begin().is_some_and(|(_, certain)| certain);
        // The account's name is told once per login, its values several times a game.
        let named = survey.updates.is_empty() || !survey.identities.is_empty();
        chosen = survey.chosen();
        if certain && named {
            break;
        }
    }
    read(view, &parts, chosen, when_us)
}

fn survey(view: &View, parts: &[&Part], window: &Range<i64>) -> Result<Survey, StoreError> {
    let root = view.root();
    let mut survey = Survey::default();
    for (origin, part) in parts.iter().enumerate() {
        let overlaps =
            part.ts_min.is_some_and(|min| min < window.end) && part.ts_max.is_some_and(|max| max >= window.start);
        if !overlaps {
            continue;
        }
        // The times alone tell which rows the other columns are wanted of.
        let near = scan::rows_near(root, part, window)?;
        let mut row = near.iter().cloned().flatten();
        let mut ranges: Vec<Range<usize>> = Vec::new();
        for batch in selected(root, part, &["ts"], Some((&near, rows_of(part))))? {
            let batch = batch?;
            let columns = Columns::of(part.doc_type, &batch);
            for (read, row) in (0..columns.len()).zip(&mut row) {
                if columns.ts(read).is_some_and(|ts| window.contains(&ts)) {
                    extend(&mut ranges, row);
                }
            }
        }
        let rows: Vec<usize> = ranges.iter().cloned().flatten().collect();
        let mut read = 0;
        for batch in selected(root, part, &LIGHT, Some((&ranges, rows_of(part))))? {
            let batch = batch?;
            let row_of = |row: usize| rows.get(read + row).copied().unwrap_or(usize::MAX);
            survey.batch(part.doc_type, &batch, origin, row_of, window);
            read += batch.num_rows();
        }
    }
    for (number, (doc_type, batch)) in view.tail().iter().enumerate() {
        if matches!(doc_type, DocType::WsEvent | DocType::GameTick) {
            survey.batch(*doc_type, batch, parts.len() + number, |row| row, window);
        }
    }
    Ok(survey)
}

/// Reads the chosen rows, and what the recorder itself said meanwhile.
fn read(
    view: &View,
    parts: &[&Part],
    mut chosen: Vec<Place>,
    when_us: i64,
) -> Result<Vec<(DocType, RecordBatch)>, StoreError> {
    let (root, tail) = (view.root(), view.tail());
    chosen.sort_unstable_by_key(|place| (place.origin, place.row));
    let begin = chosen.iter().map(|place| place.ts).min().unwrap_or(when_us);
    let mut batches = Vec::new();
    for (origin, part) in parts.iter().enumerate() {
        let mut ranges = Vec::new();
        for place in chosen.iter().filter(|place| place.origin == origin) {
            extend(&mut ranges, place.row);
        }
        if ranges.is_empty() {
            continue;
        }
        for batch in selected(root, part, &FULL, Some((&ranges, rows_of(part))))? {
            batches.push((part.doc_type, batch?));
        }
    }
    for (number, (doc_type, batch)) in tail.iter().enumerate() {
        let mut ranges = Vec::new();
        for place in chosen.iter().filter(|place| place.origin == parts.len() + number) {
            extend(&mut ranges, place.row);
        }
        batches.extend(ranges.into_iter().map(|range| (*doc_type, batch.slice(range.start, range.len()))));
    }
    let window = begin..when_us.saturating_add(1);
    let overlaps = |part: &&Part| {
        part.doc_type == DocType::SystemEvent
            && part.ts_min.is_some_and(|min| min < window.end)
            && part.ts_max.is_some_and(|max| max >= window.start)
    };
    for part in view.parts().iter().filter(overlaps) {
        for batch in selected(root, part, &FULL, None)? {
            batches.extend(within(DocType::SystemEvent, &batch?, &window));
        }
    }
    for (doc_type, batch) in tail.iter().filter(|(doc_type, _)| *doc_type == DocType::SystemEvent) {
        batches.extend(within(*doc_type, batch, &window));
    }
    Ok(batches)
}

fn rows_of(part: &Part) -> usize {
    usize::try_from(part.rows).unwrap_or(usize::MAX)
}

/// The rows of a batch that happened in the window.
fn within(doc_type: DocType, batch: &RecordBatch, window: &Range<i64>) -> Vec<(DocType, RecordBatch)> {
    let columns = Columns::of(doc_type, batch);
    let mut ranges = Vec::new();
    for row in (0..columns.len()).filter(|row| columns.ts(*row).is_some_and(|ts| window.contains(&ts))) {
        extend(&mut ranges, row);
    }
    ranges.into_iter().map(|range| (doc_type, batch.slice(range.start, range.len()))).collect()
}

/// Adds a row to ranges of rising rows.
pub(super) fn extend(ranges: &mut Vec<Range<usize>>, row: usize) {
    match ranges.last_mut() {
        Some(last) if last.end == row => last.end = row + 1,
        _ => ranges.push(row..row + 1),
    }
}

/// Some rows (all without `rows`: ranges, and how many rows there are) and some columns of a part.
pub(crate) fn selected(
    root: &DataRoot,
    part: &Part,
    columns: &[&str],
    rows: Option<(&[Range<usize>], usize)>,
) -> Result<impl Iterator<Item = Result<RecordBatch, StoreError>> + use<>, StoreError> {
    let (root, part) = (root.clone(), part.clone());
    let file = damage::open(&root, &part)?;
    let builder = ParquetRecordBatchReaderBuilder::try_new(file).map_err(damage::undecodable(&root, &part))?;
    let mask = ProjectionMask::columns(builder.parquet_schema(), columns.iter().copied());
    let mut builder = builder.with_projection(mask).with_batch_size(2048);
    if let Some((ranges, total)) = rows {
        builder = builder.with_row_selection(RowSelection::from_consecutive_ranges(ranges.iter().cloned(), total));
    }
    let reader = builder.build().map_err(damage::undecodable(&root, &part))?;
    Ok(reader.map(move |batch| batch.map_err(damage::undecodable(&root, &part))))
}

/// The columns that events are made from.
pub(crate) const fn event_columns() -> &'static [&'static str] {
    &FULL
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn places_of_one_instant_are_in_the_order_of_arrival_wherever_they_lie() {
        let in_the_tail = Place { ts: 1, seq: 7, origin: 5, row: 0 };
        let in_a_part = Place { ts: 1, seq: 8, origin: 0, row: 0 };
        assert!(in_the_tail < in_a_part);
    }
}
