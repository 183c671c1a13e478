//! Older files against the store: the check of a migration in which both recorders ran side by side.
//!
//! Counts events per name on both sides. Files that were imported are compared with the sessions they became, and with what
//! those left out because other sessions held it; others with what was recorded in their time, imports left out, except for
//! the records of theirs that an import brought. How many of a file's records the store holds at all is found record by
//! record ([`super::overlap`]).

use std::collections::{BTreeMap, BTreeSet};

use arrow::array::{Array, AsArray, RecordBatch, StringArray};
use serde::Serialize;

use super::error::LegacyError;
use super::fields::Fields;
use super::formats;
use super::import::{self, Options};
use super::ingest::OWN_EVENT;
use super::overlap::sieve;
use super::report::{FileReport, Status, rfc3339};
use replayer_protocol::line::LineFormat;
use replayer_store::catalog::Catalog;
use replayer_store::root::DataRoot;
use replayer_store::scan::{ScanFilter, scan};
use replayer_store::schema::DocType;

/// One event name.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Row {
    /// The event, or for recordings the kind of the line (`tick`, `game_start`, …).
    pub event: String,
    /// How often it is in the files.
    pub in_files: u64,
    /// How often it is in the store.
    pub in_store: u64,
    /// Store minus files.
    pub difference: i64,
}

/// The result of a comparison.
#[derive(Debug, Clone, Default, Serialize)]
pub struct Comparison {
    /// Whether every count is equal.
    pub equal: bool,
    /// One entry per event name.
    pub events: Vec<Row>,
    /// Files compared with the sessions they were imported as.
    pub files_by_session: u64,
    /// Files compared by their time range.
    pub files_by_time: u64,
    /// The time range of the latter, RFC 3339 UTC.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub from: Option<String>,
    /// See `from`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub to: Option<String>,
    /// Records of the files that the store holds, as the server sent them.
    pub known: u64,
    /// Records of the files that it does not hold.
    pub new: u64,
    /// The same of each file that was read.
    pub files: Vec<File>,
    /// Files that are no captures, or could not be read: name and reason.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub left_out: Vec<(String, String)>,
}

/// One file, and what of it the store holds.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct File {
    /// Its name.
    pub name: String,
    /// Its records that the store holds.
    pub known: u64,
    /// Its records that the store does not hold.
    pub new: u64,
    /// Which sessions hold them, and how many each.
    pub known_in: BTreeMap<String, u64>,
}

/// Compares files with the store.
///
/// # Errors
/// When a named path or the store cannot be read.
pub fn run(root: &DataRoot, options: &Options) -> Result<Comparison, LegacyError> {
    let catalog = Catalog::load(root)?;
    let read = import::read_only(options, root, &catalog)?;
    let mut comparison = Comparison::default();
    let mut in_files: BTreeMap<String, u64> = BTreeMap::new();
    let imported: BTreeSet<String> = catalog.imports.iter().map(|import| import.session_id.to_string()).collect();
    let mut in_store: BTreeMap<String, u64> = BTreeMap::new();
    let mut sessions = BTreeSet::new();
    let mut range: Option<(i64, i64)> = None;
    for file in &read.per_file {
        // A file whose records are all known was read like any other.
        if !matches!(file.status, Status::Imported | Status::AlreadyImported) || file.counts.lines == 0 {
            let reason = file.reason.clone().unwrap_or_else(|| file.status.as_str().to_owned());
            comparison.left_out.push((file.name.clone(), reason));
            continue;
        }
        comparison.known += file.counts.known;
        comparison.new += file.counts.new;
        comparison.files.push(File {
            name: file.name.clone(),
            known: file.counts.known,
            new: file.counts.new,
            known_in: file.known_in.clone(),
        });
        for (name, count) in &file.events {
            *in_files.entry(name.clone()).or_default() += count;
        }
        if file.earlier_sessions.is_empty() {
            comparison.files_by_time += 1;
            range = widen(range, file);
            // What recorders brought is counted below, by its time.
            let of_imports = file.known_events.iter().filter(|(session, _)| imported.contains(*session));
            for (name, count) in of_imports.flat_map(|(_, events)| events) {
                *in_store.entry(name.clone()).or_default() += count;
            }
        } else {
            comparison.files_by_session += 1;
            sessions.extend(file.earlier_sessions.iter().cloned());
        }
    }
    if !sessions.is_empty() {
        count(root, &ScanFilter::default(), &|session| sessions.contains(session), &mut in_store)?;
    }
    if let Some((from, to)) = range {
        let filter = ScanFilter { from_us: Some(from), to_us: Some(to + 1), ..ScanFilter::default() };
        count(root, &filter, &|session| !imported.contains(session), &mut in_store)?;
        (comparison.from, comparison.to) = (rfc3339(from), rfc3339(to));
    }
    comparison.events = rows(&in_files, &in_store);
    comparison.equal = comparison.events.iter().all(|row| row.difference == 0);
    Ok(comparison)
}

fn widen(range: Option<(i64, i64)>, file: &FileReport) -> Option<(i64, i64)> {
    match (range, file.range_us) {
        (Some((a, b)), Some((c, d))) => Some((a.min(c), b.max(d))),
        (range, other) => range.or(other),
    }
}

fn rows(in_files: &BTreeMap<String, u64>, in_store: &BTreeMap<String, u64>) -> Vec<Row> {
    let names: BTreeSet<&String> = in_files.keys().chain(in_store.keys()).collect();
    let of = |counts: &BTreeMap<String, u64>, name: &String| counts.get(name).copied().unwrap_or(0);
    let row = |name: &String| {
        let (in_files, in_store) = (of(in_files, name), of(in_store, name));
        Row { event: name.clone(), in_files, in_store, difference: in_store as i64 - in_files as i64 }
    };
    // What only this program's recorder says (connections, cuts) has no counterpart in older files.
    names
        .into_iter()
        .filter(|name| in_files.contains_key(*name) || !name.starts_with(OWN_EVENT))
        .map(row)
        .collect()
}

fn count(
    root: &DataRoot,
    filter: &ScanFilter,
    wanted: &dyn Fn(&str) -> bool,
    counts: &mut BTreeMap<String, u64>,
) -> Result<(), LegacyError> {
    for doc_type in [DocType::WsEvent, DocType::GameTick, DocType::SystemEvent, DocType::PlayerAction] {
        for batch in scan(root, doc_type, filter)? {
            let batch = batch?;
            let columns = Columns::of(&batch);
            for row in 0..batch.num_rows() {
                if !columns.session_id(row).is_some_and(wanted) {
                    continue;
                }
                if columns.text("event_type", row) == Some(sieve::KNOWN) {
                    columns.add_left_out(row, counts);
                }
                if let Some(name) = columns.label(doc_type, row) {
                    match counts.get_mut(name.as_ref()) {
                        Some(count) => *count += 1,
                        None => drop(counts.insert(name.into_owned(), 1)),
                    }
                }
            }
        }
    }
    Ok(())
}

/// The columns that tell what a row is, by [`super::ingest::label`]'s names.
struct Columns<'b>(&'b RecordBatch);

impl<'b> Columns<'b> {
    fn of(batch: &'b RecordBatch) -> Columns<'b> {
        Columns(batch)
    }

    fn text(&self, name: &str, row: usize) -> Option<&'b str> {
        let column: &StringArray = self.0.column_by_name(name)?.as_string_opt::<i32>()?;
        column.is_valid(row).then(|| column.value(row))
    }

    /// Adds the records of a file that its session left out, since other sessions held them.
    fn add_left_out(&self, row: usize, counts: &mut BTreeMap<String, u64>) {
        #[derive(serde::Deserialize)]
        struct LeftOut {
            events: BTreeMap<String, BTreeMap<String, u64>>,
        }
        let left_out = self.text("details", row).and_then(|details| serde_json::from_str::<LeftOut>(details).ok());
        for (name, count) in left_out.iter().flat_map(|left_out| left_out.events.values()).flatten() {
            *counts.entry(name.clone()).or_default() += count;
        }
    }

    fn session_id(&self, row: usize) -> Option<&'b str> {
        self.text("session_id", row)
    }

    fn label(&self, doc_type: DocType, row: usize) -> Option<std::borrow::Cow<'b, str>> {
        let name = match doc_type {
            DocType::WsEvent => self
                .text("event_name", row)
                .or_else(|| self.text("packet", row))
                .or_else(|| self.text("frame", row))?,
            DocType::GameTick => (self.text("tick_source", row) == Some("recording")).then_some("tick")?,
            DocType::SystemEvent => match self.text("event_type", row)? {
                "imported_history_entry" => "history_entry",
                "imported_game_document" => "game_document",
                "imported_document" => "document",
                event_type if event_type.starts_with("demonstration_") => "demonstration",
                event_type => match event_type.strip_prefix("recording_") {
                    Some(kind) => kind,
                    None => return Some(format!("{OWN_EVENT}{event_type}").into()),
                },
            },
            DocType::PlayerAction => {
                let fields = Fields::parse(self.text("raw_json", row)?).ok()?;
                (formats::line_format(&fields) == Some(LineFormat::Demonstration)).then_some("demonstration")?
            }
            _ => return None,
        };
        Some(name.into())
    }
}

#[cfg(test)]
mod tests;
