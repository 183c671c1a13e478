//! Older layouts into this one: new parts are written, the old files stay beside them (renamed, so that no
//! glob counts their rows twice) until `data prune`.
//!
//! Version 0.9 is the layout of the Python store before this program: the same envelope without `ordinal`,
//! frames reduced to their payload, decimals as text, session names of any form, no catalog.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::sync::Arc;

use arrow::array::{Array, ArrayRef, AsArray, Int64Array, RecordBatch, StringArray, new_null_array};
use arrow::compute::{CastOptions, cast_with_options};
use arrow::datatypes::{DataType, TimestampMicrosecondType};
use parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder;

use super::catalog::{About, Catalog, SeqRange, SessionInfo};
use super::error::StoreError;
use super::fsio::{self, File};
use super::ids::SessionId;
use super::open::{SchemaManifest, Store};
use super::parts::{self, PartWriter};
use super::reread::Reread;
use super::root::{DataRoot, NO_DATE};
use super::schema::{DocType, SCHEMA_VERSION, arrow_schema};
use replayer_protocol::line::{FrameStatus, LineFormat};

/// What migration did, or would.
#[derive(Debug, Clone, Default, PartialEq, Eq, serde::Serialize)]
pub struct Migrated {
    /// Older files found.
    pub files: usize,
    /// Rows carried over, by doc type.
    pub rows: BTreeMap<String, u64>,
    /// Files that are no rows of any layout known here, with the reason. They stay where they are.
    pub skipped: Vec<(String, String)>,
    /// What was read out of the frames again, because an older schema read less out of them.
    pub reread: Reread,
}

impl Store {
    /// Takes older files under `events_parquet` into this layout. With `dry_run` it only counts.
    ///
    /// # Errors
    /// When a file that was recognised cannot be read, or new parts cannot be written: nothing is then in force. When only
    /// an older file cannot be renamed, its rows are in force in the new parts, and the next migration or start renames it.
    pub fn migrate(&self, dry_run: bool) -> Result<Migrated, StoreError> {
        let _one_at_a_time = self.sealing();
        if !dry_run {
            self.settle()?;
            put_away(self.root(), &self.catalog())?;
        }
        let reread = self.reread(dry_run)?;
        let current: Vec<String> = self.with_catalog(|catalog| {
            // A lost one is in force again when its file can be read.
            let known = catalog.parts.iter().chain(catalog.lost.iter().map(|lost| &lost.part));
            let current = known.filter(|part| part.doc_type.has_columns_of(&part.schema));
            current.map(|part| part.path.clone()).collect()
        });
        let mut result = Migrated { reread, ..Migrated::default() };
        let mut writer = PartWriter::new(self.root(), "migrate", Vec::new(), self.known_rows(&[]));
        let mut sessions = BTreeMap::new();
        let mut migrated = Vec::new();
        let files = parts::all_files(self.root())?;
        let replaced = self.migrated();
        let is_older = |path: &String| {
            path.ends_with(".parquet")
                && !parts::is_leftover(path)
                && !current.contains(path)
                && !replaced.contains(path)
        };
        for path in files.into_iter().filter(is_older) {
            let Some(doc_type) = doc_type_of(&path) else {
                result.skipped.push((path, "its folder names no doc type (doc_type=…)".to_owned()));
                continue;
            };
            let rows = migrate_file(&self.root().path().join(&path), doc_type, &mut writer, &mut sessions)?;
            result.files += 1;
            *result.rows.entry(doc_type.as_str().to_owned()).or_default() += rows;
            migrated.push(path);
        }
        if dry_run {
            return Ok(result);
        }
        if !migrated.is_empty() {
            self.put_migrated_in_force(writer, &migrated, sessions)?;
        }
        if let Some(manifest) = SchemaManifest::load(self.root())?
            && manifest.schema_version != SCHEMA_VERSION
        {
            SchemaManifest { schema_version: SCHEMA_VERSION.to_owned(), ..manifest }.save(self.root())?;
        }
        Ok(result)
    }

    fn put_migrated_in_force(
        &self,
        mut writer: PartWriter,
        migrated: &[String],
        sessions: BTreeMap<String, SessionInfo>,
    ) -> Result<(), StoreError> {
        writer.know(About { sessions: sessions.values().cloned().collect(), imports: Vec::new() });
        let in_force = self.put_in_force(writer.finish()?, |catalog, mut new| {
            // With one of them is enough, and there may be thousands of older files.
            if let Some(part) = new.first_mut() {
                part.lineage.replaces = migrated.to_vec();
            }
            catalog.parts.retain(|part| !migrated.contains(&part.path));
            catalog.parts.extend(new);
            sessions.into_values().for_each(|session| catalog.add_session(session));
        })?;
        in_force.durable()?;
        // Only now: an older file that is renamed while no catalog names its new part has its rows nowhere. Until it is
        // renamed, the new part's lineage says that it is not to be migrated again.
        put_away_files(self.root(), migrated)
    }

    /// Older files whose rows are in force in new parts.
    fn migrated(&self) -> BTreeSet<String> {
        self.with_catalog(|catalog| {
            let new = catalog.parts.iter().filter(|part| part.lineage.made_by == "migrate");
            new.flat_map(|part| part.lineage.replaces.iter().cloned()).collect()
        })
    }
}

/// Renames older files whose rows are in force in new parts: what a migration does last, and whoever opens the store after
/// one that was interrupted before it. A second migration would take them in again.
///
/// # Errors
/// When a file cannot be renamed, or its folder not be synced.
pub(super) fn put_away(root: &DataRoot, catalog: &Catalog) -> Result<(), StoreError> {
    let mut migrated = catalog.parts.iter().filter(|part| part.lineage.made_by == "migrate");
    migrated.try_for_each(|part| put_away_files(root, &part.lineage.replaces))
}

/// Renames those of the files that are still there under their old names; durable when this returns.
pub(super) fn put_away_files(root: &DataRoot, paths: &[String]) -> Result<(), StoreError> {
    let mut folders = BTreeSet::new();
    for path in paths {
        let from = root.path().join(path);
        match fsio::rename(&from, &from.with_extension("parquet.migrated")) {
            Ok(()) => folders.extend(from.parent().map(Path::to_path_buf)),
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => {}
            Err(error) => return Err(StoreError::io("rename", &from)(error)),
        }
    }
    folders.iter().try_for_each(|folder| fsio::sync_folder(folder))
}

fn doc_type_of(path: &str) -> Option<DocType> {
    path.split('/').find_map(|folder| DocType::from_name(folder.strip_prefix("doc_type=")?))
}

fn migrate_file(
    path: &Path,
    doc_type: DocType,
    writer: &mut PartWriter,
    sessions: &mut BTreeMap<String, SessionInfo>,
) -> Result<u64, StoreError> {
    let file = File::open(path).map_err(StoreError::io("open", path))?;
    let reader = ParquetRecordBatchReaderBuilder::try_new(file)
        .and_then(ParquetRecordBatchReaderBuilder::build)
        .map_err(StoreError::part(path))?;
    let mut rows = 0;
    for batch in reader {
        let batch = migrate_batch(&batch.map_err(StoreError::part(path))?, doc_type, sessions)?;
        rows += batch.num_rows() as u64;
        for (date, day) in by_day(&batch)? {
            let (ranges, times) = extent(&day);
            writer.batch(doc_type, &date, &day, &ranges, times)?;
        }
    }
    Ok(rows)
}

/// One batch in the columns of this version: cast where the type changed, NULL where there was no such column.
fn migrate_batch(
    old: &RecordBatch,
    doc_type: DocType,
    sessions: &mut BTreeMap<String, SessionInfo>,
) -> Result<RecordBatch, StoreError> {
    let rows = old.num_rows();
    let columns = doc_type.columns().map(|column| -> Result<ArrayRef, StoreError> {
        let target = column.kind.data_type();
        let found = old.column_by_name(column.name);
        Ok(match (column.name, found) {
            ("session_id", Some(found)) => session_ids(found, sessions)?,
            (_, Some(found)) => lenient_cast(found, &target)?,
            ("doc_type", None) => constant(doc_type.as_str(), rows),
            ("ordinal", None) => Arc::new(Int64Array::from(vec![0; rows])),
            // The older store kept the payload and dropped the frame around it.
            ("format", None) => constant(LineFormat::Payload.as_str(), rows),
            ("frame", None) => constant(FrameStatus::Ok.as_str(), rows),
            ("packet", None) => constant("event", rows),
            ("tick_source", None) => constant("frame", rows),
            (_, None) => new_null_array(&target, rows),
        })
    });
    let columns = columns.collect::<Result<Vec<_>, _>>()?;
    Ok(RecordBatch::try_new(arrow_schema(doc_type), columns)?)
}

fn constant(value: &str, rows: usize) -> ArrayRef {
    Arc::new(StringArray::from(vec![value; rows]))
}

/// Casts what can be cast; a single value that cannot be (a price that is no number) becomes NULL.
fn lenient_cast(column: &ArrayRef, target: &DataType) -> Result<ArrayRef, StoreError> {
    Ok(cast_with_options(column, target, &CastOptions { safe: true, ..CastOptions::default() })?)
}

fn session_ids(column: &ArrayRef, sessions: &mut BTreeMap<String, SessionInfo>) -> Result<ArrayRef, StoreError> {
    let names = lenient_cast(column, &DataType::Utf8)?;
    let ids = names.as_string::<i32>().iter().map(|name| {
        let name = name.unwrap_or("unnamed");
        let session = sessions.entry(name.to_owned()).or_insert_with(|| SessionInfo {
            session_id: name.parse().unwrap_or_else(|_| SessionId::of_foreign(name)),
            origin: format!("migrated:{name}"),
            started_us: super::record::now_us(),
        });
        Some(session.session_id.to_string())
    });
    Ok(Arc::new(ids.collect::<StringArray>()))
}

/// The batch cut by the UTC day of its rows.
fn by_day(batch: &RecordBatch) -> Result<Vec<(String, RecordBatch)>, StoreError> {
    let times =
        batch.column_by_name("ts").and_then(|column| column.as_primitive_opt::<TimestampMicrosecondType>());
    let mut days: BTreeMap<String, Vec<u64>> = BTreeMap::new();
    for row in 0..batch.num_rows() {
        let ts = times.filter(|times| times.is_valid(row)).map(|times| times.value(row));
        let date = ts.map_or_else(|| NO_DATE.to_owned(), parts::date_of);
        days.entry(date).or_default().push(row as u64);
    }
    let take = |(date, rows): (String, Vec<u64>)| {
        let rows = arrow::array::UInt64Array::from(rows);
        Ok((date, arrow::compute::take_record_batch(batch, &rows)?))
    };
    days.into_iter().map(take).collect()
}

/// Which frames a batch holds, and from when to when.
pub(super) fn extent(batch: &RecordBatch) -> (Vec<SeqRange>, Option<(i64, i64)>) {
    let mut ranges: BTreeMap<SessionId, SeqRange> = BTreeMap::new();
    let sessions = batch.column_by_name("session_id").and_then(|column| column.as_string_opt::<i32>());
    let seqs =
        batch.column_by_name("seq").and_then(|column| column.as_primitive_opt::<arrow::datatypes::Int64Type>());
    if let (Some(sessions), Some(seqs)) = (sessions, seqs) {
        for (session, seq) in sessions.iter().zip(seqs.iter()) {
            let Some(session_id) = session.and_then(|session| session.parse().ok()) else { continue };
            let seq = seq.unwrap_or(0).unsigned_abs();
            let range = ranges.entry(session_id).or_insert(SeqRange { session_id, first: seq, last: seq });
            range.first = range.first.min(seq);
            range.last = range.last.max(seq);
        }
    }
    let times =
        batch.column_by_name("ts").and_then(|column| column.as_primitive_opt::<TimestampMicrosecondType>());
    let times = times.and_then(|times| arrow::compute::min(times).zip(arrow::compute::max(times)));
    (ranges.into_values().collect(), times)
}
