//! Reading rows: the parts in force and the unsealed journal, without SQL.

use std::collections::{HashMap, HashSet};
use std::ops::Range;
use std::sync::Arc;

use arrow::array::{Array, AsArray, BooleanArray, RecordBatch};
use arrow::compute::filter_record_batch;
use arrow::datatypes::{Int64Type, TimestampMicrosecondType};
use parquet::arrow::ProjectionMask;
use parquet::arrow::arrow_reader::{
    ArrowPredicate, ArrowPredicateFn, ArrowReaderOptions, ParquetRecordBatchReaderBuilder, RowFilter,
};
use parquet::errors::ParquetError;
use parquet::file::metadata::PageIndexPolicy;
use parquet::file::reader::{FileReader, SerializedFileReader};
use parquet::file::statistics::Statistics;

use super::StoreError;
use super::catalog::{Catalog, Part};
use super::damage::{open, undecodable};
use super::fsio::File;
use super::games::Quality;
use super::root::DataRoot;
use super::schema::DocType;
use super::view::View;

/// Which rows are wanted; `None` means all.
#[derive(Debug, Clone, Default)]
pub struct ScanFilter {
    /// Of this session.
    pub session_id: Option<String>,
    /// Of this game.
    pub game_id: Option<String>,
    /// Not before this time, microseconds UTC. Rows without a time are then left out.
    pub from_us: Option<i64>,
    /// Before this time.
    pub to_us: Option<i64>,
}

impl ScanFilter {
    fn may_hold(&self, part: &Part) -> bool {
        let after = self.from_us.is_none_or(|from| part.ts_max.is_some_and(|max| max >= from));
        let before = self.to_us.is_none_or(|to| part.ts_min.is_some_and(|min| min < to));
        let session = self
            .session_id
            .as_ref()
            .is_none_or(|wanted| part.sessions.iter().any(|range| range.session_id.to_string() == *wanted));
        after && before && session
    }

    fn apply(&self, batch: &RecordBatch) -> Result<RecordBatch, StoreError> {
        if self.session_id.is_none() && self.game_id.is_none() && self.from_us.is_none() && self.to_us.is_none() {
            return Ok(batch.clone());
        }
        let text = |name: &str| batch.column_by_name(name).and_then(|column| column.as_string_opt::<i32>());
        let (sessions, games) = (text("session_id"), text("game_id"));
        let times =
            batch.column_by_name("ts").and_then(|column| column.as_primitive_opt::<TimestampMicrosecondType>());
        let equal = |column: Option<&arrow::array::StringArray>, wanted: &Option<String>, row: usize| match wanted
        {
            None => true,
            Some(wanted) => column.is_some_and(|column| column.is_valid(row) && column.value(row) == wanted),
        };
        let keep = |row: usize| {
            let ts = times.filter(|times| times.is_valid(row)).map(|times| times.value(row));
            equal(sessions, &self.session_id, row)
                && equal(games, &self.game_id, row)
                && self.from_us.is_none_or(|from| ts.is_some_and(|ts| ts >= from))
                && self.to_us.is_none_or(|to| ts.is_some_and(|ts| ts < to))
        };
        let mask: BooleanArray = (0..batch.num_rows()).map(|row| Some(keep(row))).collect();
        Ok(filter_record_batch(batch, &mask)?)
    }
}

/// Files that a scan holds open at most; the parts behind them are opened as their turn comes. A process may open
/// 1,024 files as most systems are set up.
const HELD_OPEN: usize = 256;

/// The rows of one doc type, part by part and then the unsealed ones, in batches: those of one moment, whatever is
/// sealed, compacted or pruned while they are read. (Of more than 256 parts the later ones may be gone when their turn
/// comes: that batch is then an error, and the scan can be made again.)
///
/// # Errors
/// When the catalog or the journal cannot be read; a part that cannot be read is an error of its own batch.
pub fn scan(
    root: &DataRoot,
    doc_type: DocType,
    filter: &ScanFilter,
) -> Result<impl Iterator<Item = Result<RecordBatch, StoreError>> + use<>, StoreError> {
    let (parts, tail) = View::read(root, |view| {
        let wanted = view.parts().iter().filter(|part| part.doc_type == doc_type && filter.may_hold(part));
        let open = |(number, part): (usize, &Part)| match (number < HELD_OPEN).then(|| open(root, part)) {
            // There, and not to be opened: the error of its own batch.
            Some(Err(error)) if !error.is_not_found() => Ok((part.clone(), None)),
            opened => Ok((part.clone(), opened.transpose()?)),
        };
        let parts: Vec<(Part, Option<File>)> = wanted.enumerate().map(open).collect::<Result<_, StoreError>>()?;
        let tail = view.tail().iter().filter(|(of, _)| *of == doc_type).map(|(_, batch)| batch.clone());
        Ok((parts, tail.collect::<Vec<_>>()))
    })?;
    let root = root.clone();
    let filter = filter.clone();
    let sealed = parts
        .into_iter()
        .flat_map(move |(part, file)| batches_in(&root, &part, file.map_or_else(|| open(&root, &part), Ok), None));
    let rows = sealed.chain(tail.into_iter().map(Ok));
    Ok(rows.map(move |batch| batch.and_then(|batch| filter.apply(&batch))))
}

/// The batches of one part; `columns` are the only ones read, `None` for all.
pub fn batches(
    root: &DataRoot,
    part: &Part,
    columns: Option<&[&str]>,
) -> Box<dyn Iterator<Item = Result<RecordBatch, StoreError>>> {
    batches_in(root, part, open(root, part), columns)
}

fn batches_in(
    root: &DataRoot,
    part: &Part,
    file: Result<File, StoreError>,
    columns: Option<&[&str]>,
) -> Box<dyn Iterator<Item = Result<RecordBatch, StoreError>>> {
    let (root, part) = (root.clone(), part.clone());
    let opened = file.and_then(|file| {
        let builder = ParquetRecordBatchReaderBuilder::try_new(file).map_err(undecodable(&root, &part))?;
        let mask = match columns {
            Some(columns) => ProjectionMask::columns(builder.parquet_schema(), columns.iter().copied()),
            None => ProjectionMask::all(),
        };
        builder.with_projection(mask).with_batch_size(2048).build().map_err(undecodable(&root, &part))
    });
    match opened {
        Ok(reader) => Box::new(reader.map(move |batch| batch.map_err(undecodable(&root, &part)))),
        Err(error) => Box::new(std::iter::once(Err(error))),
    }
}

/// Which rows of a part are read at all: those with one of these texts in this column. Row groups and pages that hold none of
/// them are passed over, so that a few frames cost little of a large part.
#[derive(Debug, Clone)]
pub struct Only {
    /// The column.
    pub column: &'static str,
    /// The texts.
    pub texts: Arc<HashSet<String>>,
}

/// The rows of one part that pass all of `only`; of them, `columns`. Batches are small: frames are long.
pub fn batches_of(
    root: &DataRoot,
    part: &Part,
    columns: &[&str],
    only: &[Only],
) -> Box<dyn Iterator<Item = Result<RecordBatch, StoreError>>> {
    let (root, part) = (root.clone(), part.clone());
    let opened = open(&root, &part).and_then(|file| {
        let options = ArrowReaderOptions::new().with_page_index_policy(PageIndexPolicy::Optional);
        let mut builder = ParquetRecordBatchReaderBuilder::try_new_with_options(file, options)
            .map_err(undecodable(&root, &part))?;
        let mask = ProjectionMask::columns(builder.parquet_schema(), columns.iter().copied());
        let tests = only.iter().map(|only| -> Box<dyn ArrowPredicate> {
            let mask = ProjectionMask::columns(builder.parquet_schema(), [only.column]);
            let texts = only.texts.clone();
            Box::new(ArrowPredicateFn::new(mask, move |batch: RecordBatch| {
                let column = batch.columns().first().and_then(|column| column.as_string_opt::<i32>());
                let holds =
                    |row| column.is_some_and(|column| column.is_valid(row) && texts.contains(column.value(row)));
                Ok((0..batch.num_rows()).map(|row| Some(holds(row))).collect::<BooleanArray>())
            }))
        });
        let filter = RowFilter::new(tests.collect());
        let groups = groups_with(&mut builder, only).map_err(undecodable(&root, &part))?;
        builder
            .with_row_groups(groups)
            .with_projection(mask)
            .with_row_filter(filter)
            .with_batch_size(256)
            .build()
            .map_err(undecodable(&root, &part))
    });
    match opened {
        Ok(reader) => Box::new(reader.map(move |batch| batch.map_err(undecodable(&root, &part)))),
        Err(error) => Box::new(std::iter::once(Err(error))),
    }
}

/// More texts than these are not looked up in filters: one of them is in most row groups.
const MOST_LOOKED_UP: usize = 64;

/// The row groups that may hold such rows, by what their statistics and filters say.
fn groups_with(
    builder: &mut ParquetRecordBatchReaderBuilder<File>,
    only: &[Only],
) -> Result<Vec<usize>, ParquetError> {
    let mut groups: Vec<usize> = (0..builder.metadata().num_row_groups()).collect();
    for Only { column, texts } in only.iter().filter(|only| only.texts.len() <= MOST_LOOKED_UP) {
        let columns = builder.parquet_schema().columns();
        let Some(place) = columns.iter().position(|known| known.path().string() == *column) else { continue };
        let mut kept = Vec::new();
        for group in groups {
            let chunk = builder.metadata().row_group(group).column(place);
            let bounds = match chunk.statistics() {
                Some(Statistics::ByteArray(values)) => values.min_bytes_opt().zip(values.max_bytes_opt()),
                _ => None,
            };
            let within =
                |text: &str| bounds.is_none_or(|(min, max)| min <= text.as_bytes() && text.as_bytes() <= max);
            let within: Vec<&str> = texts.iter().map(String::as_str).filter(|text| within(text)).collect();
            if within.is_empty() {
                continue;
            }
            let filter = builder.get_row_group_column_bloom_filter(group, place)?;
            if filter.is_none_or(|filter| within.iter().any(|text| filter.check(text))) {
                kept.push(group);
            }
        }
        groups = kept;
    }
    Ok(groups)
}

/// The rows of a part's row groups that may hold rows of these times, by their statistics, as ranges of rows.
///
/// # Errors
/// When the part cannot be read.
pub fn rows_near(root: &DataRoot, part: &Part, times: &Range<i64>) -> Result<Vec<Range<usize>>, StoreError> {
    let file = open(root, part)?;
    let reader = SerializedFileReader::new(file).map_err(undecodable(root, part))?;
    let mut ranges: Vec<Range<usize>> = Vec::new();
    let mut first = 0;
    for group in reader.metadata().row_groups() {
        let end = first + usize::try_from(group.num_rows()).unwrap_or(0);
        let chunk = group.columns().iter().find(|chunk| chunk.column_path().string() == "ts");
        let bounds = match chunk.and_then(|chunk| chunk.statistics()) {
            Some(Statistics::Int64(values)) => values.min_opt().zip(values.max_opt()),
            _ => None,
        };
        if bounds.is_none_or(|(min, max)| *min < times.end && *max >= times.start) {
            match ranges.last_mut() {
                Some(range) if range.end == first => range.end = end,
                _ => ranges.push(first..end),
            }
        }
        first = end;
    }
    Ok(ranges)
}

/// The games that are stored, and how well. A part that cannot be read is passed over: its games may be stored once more,
/// but recording does not stop for it.
pub fn stored_games(root: &DataRoot, catalog: &Catalog) -> HashMap<String, Quality> {
    let mut games = HashMap::new();
    for part in catalog.parts.iter().filter(|part| part.doc_type == DocType::Game) {
        if let Err(error) = add_games(root, part, &mut games) {
            tracing::warn!(%error, "passing over the games of this part");
        }
    }
    games
}

/// Adds the games of one part.
pub(super) fn add_games(
    root: &DataRoot,
    part: &Part,
    games: &mut HashMap<String, Quality>,
) -> Result<(), StoreError> {
    for batch in batches(root, part, Some(&["game_id", "quality"])) {
        let batch = batch?;
        let ids = batch.column_by_name("game_id").and_then(|column| column.as_string_opt::<i32>());
        let qualities = batch.column_by_name("quality").and_then(|column| column.as_primitive_opt::<Int64Type>());
        let (Some(ids), Some(qualities)) = (ids, qualities) else {
            continue;
        };
        for (id, quality) in ids.iter().zip(qualities.iter()) {
            let Some(id) = id else { continue };
            let quality = Quality::from_i64(quality.unwrap_or(0));
            let known = games.entry(id.to_owned()).or_insert(quality);
            *known = (*known).max(quality);
        }
    }
    Ok(())
}
