//! Rows that a damaged or lost part held, made again from what is still there.
//!
//! All kinds of rows but two are taken out of frames by one pure function ([`super::project`]), and the frames are in parts
//! of their own: a lost part of ticks, trades or games costs nothing as long as its frames are there. A lost part of
//! frames cannot be made from anything; it stays named, until its file is restored or a person gives it up.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use arrow::array::{Array, AsArray, RecordBatch, StringArray};
use arrow::datatypes::{Float64Type, Int64Type, TimestampMicrosecondType};

use super::StoreError;
use super::catalog::{Catalog, LostPart, Part};
use super::damage::Written;
use super::games::{GameFilter, Quality};
use super::ids::SessionId;
use super::open::Store;
use super::parts::{PartWriter, PendingParts, date_of};
use super::project::{Context, project};
use super::record::{Direction, Record, Source};
use super::root::{DataRoot, NO_DATE};
use super::rows::{Cell, Envelope, RowSink};
use super::scan;
use super::schema::DocType;
use replayer_protocol::line::LineFormat;
use replayer_protocol::requests::RequestTracker;

/// What a repair did, or would.
#[derive(Debug, Clone, Default, PartialEq, Eq, serde::Serialize)]
pub struct Repaired {
    /// The lost parts, in the order of their paths.
    pub parts: Vec<RepairedPart>,
}

/// What became of one lost part.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
pub struct RepairedPart {
    /// The part.
    pub path: String,
    /// The kind of its rows.
    pub doc_type: &'static str,
    /// Rows that it held.
    pub rows: u64,
    /// Rows that were made again from frames.
    pub restored: u64,
    /// What was wrong with it.
    pub reason: String,
    /// Whether the rest of it was given up: no answer names it any more.
    pub given_up: bool,
}

/// What a repair is to do.
#[derive(Debug, Clone, Copy, Default)]
pub struct RepairOptions {
    /// Only say what would be done.
    pub dry_run: bool,
    /// Name what cannot be made again no longer.
    pub give_up: bool,
}

/// What a dry run of [`Store::repair`] would do, without the right to write.
///
/// # Errors
/// When the catalog, or a part that is not lost, cannot be read.
pub fn plan(root: &DataRoot, options: RepairOptions) -> Result<Repaired, StoreError> {
    let catalog = Catalog::load(root)?;
    let games = Arc::new(scan::stored_games(root, &catalog));
    let mut result = Repaired::default();
    for lost in &catalog.lost {
        let remaking = Remaking { root, catalog: &catalog, part: &lost.part, games: &games, came: &mut |_, _| {} };
        let restored = made_again(remaking, &mut Nowhere)?;
        result.parts.push(report(lost, restored, options));
    }
    Ok(result)
}

impl Store {
    /// Makes the rows of lost parts again, as far as their frames are there. Damaged files are kept, as
    /// `….parquet.damaged`, until `data prune` removes them.
    ///
    /// # Errors
    /// When a part that is not lost cannot be read, or a new one cannot be written. What was made until then is in force.
    /// When only a damaged file cannot be set aside, that is done before the next change, or at the next start.
    pub fn repair(&self, options: RepairOptions) -> Result<Repaired, StoreError> {
        if options.dry_run {
            return plan(self.root(), options);
        }
        let _one_at_a_time = self.sealing();
        self.settle()?;
        self.add_checksums()?;
        let mut result = Repaired::default();
        for lost in self.with_catalog(|catalog| catalog.lost.clone()) {
            let mut writer =
                PartWriter::new(self.root(), "repair", vec![lost.part.path.clone()], self.known_rows(&[]));
            writer.know(self.with_catalog(Catalog::about));
            let (catalog, games) = (self.catalog(), self.stored_games());
            let (root, part) = (self.root(), &lost.part);
            let remaking = Remaking { root, catalog: &catalog, part, games: &games, came: &mut |_, _| {} };
            let restored = made_again(remaking, &mut writer)?;
            if restored > 0 || options.give_up {
                self.put_in_place(&lost, writer.finish()?, options.give_up && restored < lost.part.rows)?;
            }
            result.parts.push(report(&lost, restored, options));
        }
        Ok(result)
    }

    /// Gives every part its checksum that has none.
    fn add_checksums(&self) -> Result<(), StoreError> {
        let without = self.with_catalog(|catalog| {
            let without = catalog.parts.iter().filter(|part| part.written.is_none());
            without.map(|part| part.path.clone()).collect::<Vec<_>>()
        });
        if without.is_empty() {
            return Ok(());
        }
        let read = |path: String| Some((Written::of(&self.root().path().join(&path)).ok()?, path));
        let found: HashMap<String, Written> =
            without.into_iter().filter_map(read).map(|(written, path)| (path, written)).collect();
        self.update_catalog(|catalog| {
            for part in catalog.parts.iter_mut().filter(|part| part.written.is_none()) {
                part.written = found.get(&part.path).copied();
            }
        })?
        .durable()
    }

    /// Puts what was made again in force and the damaged file aside.
    fn put_in_place(&self, lost: &LostPart, new: PendingParts, give_up: bool) -> Result<(), StoreError> {
        let in_force = self.put_in_force(new, |catalog, new| {
            catalog.lost.retain(|other| other.part.path != lost.part.path);
            catalog.parts.extend(new);
            if give_up {
                catalog.given_up.push(lost.clone());
            }
        })?;
        self.owe_setting_aside(&lost.part.path);
        // In force, whatever the disk refuses from here on.
        if lost.part.doc_type == DocType::Game {
            let catalog = self.catalog();
            self.set_stored_games(Arc::new(scan::stored_games(self.root(), &catalog)));
        }
        // With the catalog before, the file would be wanted under its name, for whoever can restore it.
        in_force.durable()?;
        self.settle_files()
    }
}

fn report(lost: &LostPart, restored: u64, options: RepairOptions) -> RepairedPart {
    RepairedPart {
        path: lost.part.path.clone(),
        doc_type: lost.part.doc_type.as_str(),
        rows: lost.part.rows,
        restored,
        reason: lost.reason.clone(),
        given_up: options.give_up && restored < lost.part.rows,
    }
}

/// Whether rows of this kind can be made again from those of others.
pub fn is_derived(doc_type: DocType) -> bool {
    !matches!(doc_type, DocType::WsEvent | DocType::SystemEvent)
}

/// A part whose rows are to be made from stored frames.
pub(super) struct Remaking<'a> {
    pub(super) root: &'a DataRoot,
    /// Where the frames are; without the part itself.
    pub(super) catalog: &'a Catalog,
    pub(super) part: &'a Part,
    /// The games that other parts hold.
    pub(super) games: &'a Arc<HashMap<String, Quality>>,
    /// Called with each record of the part's that is there.
    pub(super) came: &'a mut dyn FnMut(SessionId, u64),
}

/// Hands the rows of a part that can be made from stored frames to `sink`, and says how many.
pub(super) fn made_again(remaking: Remaking<'_>, sink: &mut impl RowSink) -> Result<u64, StoreError> {
    let Remaking { root, catalog, part, games, came } = remaking;
    if !is_derived(part.doc_type) {
        return Ok(0);
    }
    // Side bets of a history are stored with the first record of their game that has any. Where they are lost, the game
    // must not count as stored.
    let games = match part.doc_type {
        DocType::Sidebet => Arc::new(with_sidebets(root, catalog, games)?),
        _ => games.clone(),
    };
    let mut wanted = Wanted { part, sink, rows: 0 };
    let ranges: BTreeMap<String, (SessionId, u64, u64)> = part
        .sessions
        .iter()
        .map(|range| (range.session_id.to_string(), (range.session_id, range.first, range.last)))
        .collect();
    // An order may be answered much later: from the session's beginning on, its requests are looked at.
    let from_the_beginning = part.doc_type == DocType::PlayerAction;
    let mut context = Context { games: GameFilter::new(games), ..Context::default() };
    // Orders that wait for their ack, of the sessions that are not being read at the moment.
    let mut requests: HashMap<String, RequestTracker> = HashMap::new();
    let mut current = String::new();
    let holds = |other: &&Part| {
        matches!(other.doc_type, DocType::WsEvent | DocType::SystemEvent)
            && other.sessions.iter().any(|range| {
                let known = ranges.get(&range.session_id.to_string());
                known.is_some_and(|(_, first, last)| {
                    range.first <= *last && (from_the_beginning || range.last >= *first)
                })
            })
    };
    let mut sources: Vec<&Part> = catalog.parts.iter().filter(holds).collect();
    // As they were recorded: sessions are named in the order in which they began.
    sources.sort_by_key(|part| {
        (part.doc_type, part.sessions.iter().map(|range| (range.session_id, range.first)).min())
    });
    for source in sources {
        for batch in scan::batches(root, source, None) {
            let batch = batch?;
            let Some(rows) = Stored::of(source.doc_type, &batch) else { continue };
            for row in 0..batch.num_rows() {
                let Some((session, record)) = rows.record(row) else { continue };
                let Some((session_id, first, last)) = ranges.get(session) else { continue };
                if record.seq > *last || (record.seq < *first && !from_the_beginning) {
                    continue;
                }
                if current != session {
                    let of_the_last = std::mem::take(&mut context.requests);
                    requests.insert(std::mem::replace(&mut current, session.to_owned()), of_the_last);
                    context.requests = requests.remove(session).unwrap_or_default();
                }
                came(*session_id, record.seq);
                project(*session_id, &record, &mut context, &mut wanted)?;
            }
        }
    }
    Ok(wanted.rows)
}

/// The games of which side bets from the history are in force.
fn with_sidebets(
    root: &DataRoot,
    catalog: &Catalog,
    games: &HashMap<String, Quality>,
) -> Result<HashMap<String, Quality>, StoreError> {
    let mut with = HashMap::new();
    for part in catalog.parts.iter().filter(|part| part.doc_type == DocType::Sidebet) {
        for batch in scan::batches(root, part, Some(&["game_id", "origin"])) {
            let batch = batch?;
            let text = |name: &str| batch.column_by_name(name).and_then(|column| column.as_string_opt::<i32>());
            let (Some(ids), Some(origins)) = (text("game_id"), text("origin")) else { continue };
            for (id, origin) in ids.iter().zip(origins) {
                if let (Some(id), Some("gameHistory")) = (id, origin)
                    && let Some(quality) = games.get(id)
                    && !with.contains_key(id)
                {
                    with.insert(id.to_owned(), *quality);
                }
            }
        }
    }
    Ok(with)
}

/// Lets the rows through that the part held.
struct Wanted<'p, S> {
    part: &'p Part,
    sink: &'p mut S,
    rows: u64,
}

impl<S: RowSink> RowSink for Wanted<'_, S> {
    fn row(&mut self, doc_type: DocType, envelope: &Envelope<'_>, own: &[Cell<'_>]) -> Result<(), StoreError> {
        let Part { sessions, date, doc_type: wanted, .. } = self.part;
        let in_range = sessions.iter().any(|range| {
            range.session_id == envelope.session_id && (range.first..=range.last).contains(&envelope.seq)
        });
        let same_day = envelope.ts.map_or(NO_DATE == date, |ts| date_of(ts) == *date);
        if doc_type != *wanted || !in_range || !same_day {
            return Ok(());
        }
        self.rows += 1;
        self.sink.row(doc_type, envelope, own)
    }
}

/// Takes rows that are only counted.
struct Nowhere;

impl RowSink for Nowhere {
    fn row(&mut self, _: DocType, _: &Envelope<'_>, _: &[Cell<'_>]) -> Result<(), StoreError> {
        Ok(())
    }
}

/// Stored rows that are records themselves.
struct Stored<'b> {
    session: &'b StringArray,
    source: &'b StringArray,
    direction: &'b StringArray,
    raw: &'b StringArray,
    format: Option<&'b StringArray>,
    name: &'b StringArray,
    details: Option<&'b StringArray>,
    socket: Option<&'b StringArray>,
    batch: &'b RecordBatch,
}

impl<'b> Stored<'b> {
    fn of(doc_type: DocType, batch: &'b RecordBatch) -> Option<Stored<'b>> {
        let text = |name: &str| batch.column_by_name(name)?.as_string_opt::<i32>();
        let frames = doc_type == DocType::WsEvent;
        Some(Stored {
            session: text("session_id")?,
            source: text("source")?,
            direction: text("direction")?,
            raw: text("raw_json")?,
            format: text("format"),
            name: text(if frames { "event_name" } else { "event_type" })?,
            details: text("details"),
            socket: text("socket_id"),
            batch,
        })
    }

    fn record(&self, row: usize) -> Option<(&'b str, Record<'b>)> {
        let number = |name: &str| {
            let column = self.batch.column_by_name(name)?.as_primitive_opt::<Int64Type>()?;
            column.is_valid(row).then(|| column.value(row)).and_then(|value| u64::try_from(value).ok())
        };
        let ts = self.batch.column_by_name("ts")?.as_primitive_opt::<TimestampMicrosecondType>()?;
        let clock = self.batch.column_by_name("source_clock").and_then(|c| c.as_primitive_opt::<Float64Type>());
        let (name, raw) = (value(self.name, row), value(self.raw, row));
        let (format, hint, text) = match self.format.and_then(|format| value(format, row)) {
            // A frame: only a bare payload has its name beside it.
            Some(format) => {
                let format = LineFormat::from_name(format)?;
                (format, name.filter(|_| format == LineFormat::Payload), raw?)
            }
            None => match name {
                Some("imported_history_entry") => (LineFormat::HistoryCollector, None, raw?),
                Some("imported_game_document") => (LineFormat::GameDocument, None, raw?),
                _ => (LineFormat::System, name, value(self.details?, row)?),
            },
        };
        let record = Record {
            seq: number("seq")?,
            ts: ts.is_valid(row).then(|| ts.value(row)),
            source: Source::from_name(value(self.source, row)?)?,
            direction: value(self.direction, row).and_then(Direction::from_name),
            format,
            hint,
            socket_id: self.socket.and_then(|socket| value(socket, row)),
            offset: number("import_offset"),
            source_clock: clock.filter(|clock| clock.is_valid(row)).map(|clock| clock.value(row)),
            text,
        };
        Some((value(self.session, row)?, record))
    }
}

fn value(column: &StringArray, row: usize) -> Option<&str> {
    column.is_valid(row).then(|| column.value(row))
}

#[cfg(test)]
mod tests;
