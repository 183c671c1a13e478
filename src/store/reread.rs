//! Rows of an older schema, made again from their frames by today's reading.
//!
//! A newer schema may read more out of the same frames: 1.1 reads packets that a strict parser refused (a name cut inside
//! an emoji, `1e400`, a key that comes twice), makes nothing of a payload that is a list, and knows the game of an own
//! order. The frames are the truth, so the rows follow them. A part whose frames are not all there stays as it is.

use std::collections::HashSet;
use std::sync::Arc;

use arrow::array::{Array, AsArray, StringArray};
use arrow::datatypes::{Int64Type, TimestampMicrosecondType};

use super::StoreError;
use super::catalog::{Catalog, Part};
use super::ids::SessionId;
use super::migrate;
use super::open::Store;
use super::parts::PartWriter;
use super::project::{Context, project};
use super::record::{Record, Source};
use super::repair::{self, Remaking};
use super::rows::RowSink;
use super::scan;
use super::schema::{DocType, SCHEMA_VERSION, is_newer};
use replayer_protocol::line::LineFormat;

/// What reading the frames again did.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, serde::Serialize)]
pub struct Reread {
    /// Parts whose rows were made again.
    pub parts: usize,
    /// Rows they had.
    pub rows_before: u64,
    /// Rows that the same frames give now.
    pub rows_after: u64,
    /// Parts that stay as they are, because frames of theirs are not there any more.
    pub without_frames: usize,
}

impl Store {
    /// Makes the rows of parts of an older schema again from their frames. With `dry_run` it only counts.
    ///
    /// # Errors
    /// When a part cannot be read, or a new one not be written; what was made until then is in force.
    pub(super) fn reread(&self, dry_run: bool) -> Result<Reread, StoreError> {
        let older: Vec<Part> = self.with_catalog(|catalog| {
            let older = catalog.parts.iter().filter(|part| is_of_an_older_reading(part));
            older.filter(|part| part.defect(self.root()).is_none()).cloned().collect()
        });
        let mut result = Reread::default();
        for part in older {
            let mut catalog = Catalog::clone(&self.catalog());
            catalog.parts.retain(|other| other.path != part.path);
            let replaced = vec![part.path.clone()];
            let known = self.known_rows(&replaced);
            let mut writer = PartWriter::new(self.root(), "migrate", replaced, known);
            writer.know(self.with_catalog(Catalog::about));
            let Some(rows) = self.rows_of(&part, &catalog, &mut writer)? else {
                result.without_frames += 1;
                continue;
            };
            result.parts += 1;
            result.rows_before += part.rows;
            result.rows_after += rows;
            if !dry_run {
                let in_force = self.put_in_force(writer.finish()?, |catalog, new| {
                    catalog.parts.retain(|other| other.path != part.path);
                    catalog.parts.extend(new);
                })?;
                in_force.durable()?;
                migrate::put_away_files(self.root(), std::slice::from_ref(&part.path))?;
            }
        }
        if !dry_run && result.parts > 0 {
            let catalog = self.catalog();
            self.set_stored_games(Arc::new(scan::stored_games(self.root(), &catalog)));
        }
        Ok(result)
    }

    /// Hands the rows that the part's frames give to `writer`, and says how many; `None` where one of the frames that its
    /// rows were made of is not in `catalog`.
    fn rows_of(&self, part: &Part, catalog: &Catalog, writer: &mut PartWriter) -> Result<Option<u64>, StoreError> {
        let mut counted = Counted { sink: writer, rows: 0 };
        let mut wanted: HashSet<(SessionId, u64)> = HashSet::new();
        let mut context = Context::default();
        for batch in scan::batches(self.root(), part, None) {
            let batch = batch?;
            let text = |name: &str| batch.column_by_name(name).and_then(|column| column.as_string_opt::<i32>());
            let seqs = batch.column_by_name("seq").and_then(|column| column.as_primitive_opt::<Int64Type>());
            let times = batch.column_by_name("ts").and_then(|c| c.as_primitive_opt::<TimestampMicrosecondType>());
            let (Some(sessions), Some(seqs)) = (text("session_id"), seqs) else { return Ok(None) };
            let own = OwnRows {
                part,
                raw: text("raw_json"),
                kind: text("tick_source").or_else(|| text("stage")),
                direction: text("direction"),
            };
            for row in 0..batch.num_rows() {
                let Ok(session_id) = sessions.value(row).parse::<SessionId>() else { return Ok(None) };
                let seq = seqs.value(row).unsigned_abs();
                let Some((format, raw)) = own.record(row) else {
                    wanted.insert((session_id, seq));
                    continue;
                };
                let source = text("source").and_then(|source| Source::from_name(source.value(row)));
                let record = Record {
                    seq,
                    ts: times.filter(|times| times.is_valid(row)).map(|times| times.value(row)),
                    source: source.unwrap_or(Source::Import),
                    direction: None,
                    format,
                    hint: None,
                    socket_id: None,
                    offset: None,
                    source_clock: None,
                    text: raw,
                };
                project(session_id, &record, &mut context, &mut counted)?;
            }
        }
        let games = Arc::new(scan::stored_games(self.root(), catalog));
        let mut came = |session_id, seq| {
            wanted.remove(&(session_id, seq));
        };
        repair::made_again(
            Remaking { root: self.root(), catalog, part, games: &games, came: &mut came },
            &mut counted,
        )?;
        Ok(wanted.is_empty().then_some(counted.rows))
    }
}

/// Whether the part's rows are taken out of frames, and were by an older reading.
pub(super) fn is_of_an_older_reading(part: &Part) -> bool {
    repair::is_derived(part.doc_type) && is_newer(SCHEMA_VERSION, &part.schema)
}

/// Rows that are records themselves: lines of older recorders, which had no frames, and actions in a replay.
struct OwnRows<'b> {
    part: &'b Part,
    raw: Option<&'b StringArray>,
    /// `tick_source` or `stage`.
    kind: Option<&'b StringArray>,
    direction: Option<&'b StringArray>,
}

impl<'b> OwnRows<'b> {
    /// The record that the row is, with its format; `None` where it was taken out of one.
    fn record(&self, row: usize) -> Option<(LineFormat, &'b str)> {
        let value = |column: Option<&'b StringArray>| {
            column.filter(|column| column.is_valid(row)).map(|column| column.value(row))
        };
        let format = match (self.part.doc_type, value(self.kind)) {
            (DocType::GameTick, Some("recording")) => LineFormat::Recording,
            (DocType::PlayerAction, Some("replay")) => LineFormat::ReplayAction,
            // An order of a frame went into a direction.
            (DocType::PlayerAction, _) if value(self.direction).is_none() => LineFormat::Demonstration,
            _ => return None,
        };
        Some((format, value(self.raw)?))
    }
}

/// Counts the rows that pass.
struct Counted<'s> {
    sink: &'s mut PartWriter,
    rows: u64,
}

impl RowSink for Counted<'_> {
    fn row(
        &mut self,
        doc_type: DocType,
        envelope: &super::rows::Envelope<'_>,
        own: &[super::rows::Cell<'_>],
    ) -> Result<(), StoreError> {
        self.rows += 1;
        self.sink.row(doc_type, envelope, own)
    }
}

#[cfg(test)]
mod tests;
