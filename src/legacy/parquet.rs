//! Rows of the older Parquet store: its `ws_event` files.
//!
//! The older store wrote one file per kind of row. Its `ws_event` rows hold what came over the wire, the
//! others are projections of them, which this program makes itself. The text to store is the cell
//! `raw_json`, byte for byte: the payload, with the event's name beside it. A part of this program's own
//! store says in its column `format` how the cell is to be read, and is taken apart like our own export.

use std::fs::File;

use arrow::array::{Array, AsArray, RecordBatch, StringArray, TimestampMicrosecondArray};
use arrow::compute::cast;
use arrow::datatypes::{DataType, TimeUnit, TimestampMicrosecondType};
use parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder;
use parquet::errors::ParquetError;
use parquet::file::reader::ChunkReader;

use super::detect::LineKind;
use super::fields::Fields;
use super::formats::{self, Envelope};
use super::import::{Job, begin, end};
use super::ingest::{Ingest, Interrupted};
use super::report::{FileReport, Status};
use super::target::Target;
use super::time::{Clock, Moment, Zone};
use replayer_protocol::frame;
use replayer_protocol::line::LineFormat;
use replayer_store::record::Direction;

mod tables;

/// Imports the `ws_event` rows of a Parquet file; a file without any is skipped.
///
/// # Errors
/// Those of the file, when a later row group cannot be read, and of the target.
pub(super) fn import<T: Target>(
    job: &Job<'_>,
    target: &mut T,
    report: &mut FileReport,
) -> Result<(), Interrupted> {
    let mut skip = |status, reason: String| {
        report.status = status;
        report.reason = Some(reason);
        Ok(())
    };
    if !job.opened.input.is_plain() {
        // Parquet is read from its end.
        let Some(bytes) = job.whole()? else {
            let limit = crate::detect::MAX_DOCUMENT >> 20;
            return skip(
                Status::Unsupported,
                format!("a packed Parquet file of more than {limit} MiB. Unpack it first"),
            );
        };
        return read(ParquetRecordBatchReaderBuilder::try_new(bytes::Bytes::from(bytes)), job, target, report);
    }
    let file = File::open(job.opened.input.path())?;
    read(ParquetRecordBatchReaderBuilder::try_new(file), job, target, report)
}

fn read<R: ChunkReader + 'static, T: Target>(
    builder: Result<ParquetRecordBatchReaderBuilder<R>, ParquetError>,
    job: &Job<'_>,
    target: &mut T,
    report: &mut FileReport,
) -> Result<(), Interrupted> {
    let mut skip = |status, reason: String| {
        report.status = status;
        report.reason = Some(reason);
        Ok(())
    };
    let builder = match builder {
        Ok(builder) => builder,
        Err(error) => return skip(Status::Failed, format!("a damaged Parquet file: {error}")),
    };
    let schema = builder.schema().clone();
    let has = |name: &str| schema.column_with_name(name).is_some();
    let is_of_a_store = has("raw_json") && has("doc_type") && has("ts");
    let reader = match builder.with_batch_size(1024).build() {
        Ok(reader) => reader,
        Err(error) => return skip(Status::Failed, format!("a damaged Parquet file: {error}")),
    };
    if !is_of_a_store {
        return tables::import(reader, job, target, report);
    }
    let mut begun = false;
    let mut others = 0_u64;
    for batch in reader {
        let batch = batch.map_err(std::io::Error::other)?;
        let columns = Columns::of(&batch).map_err(std::io::Error::other)?;
        for row in 0..batch.num_rows() {
            if columns.text(&columns.doc_type, row) != Some("ws_event") {
                others += 1;
                continue;
            }
            if !begun {
                begin(target, job, "parquet", report)?;
                begun = true;
            }
            let mut ingest = Ingest::new(target, job.clock, report, job.state, LineKind::Text, job.progress);
            columns.row(row, job.clock, &mut ingest)?;
        }
    }
    if !begun {
        report.status = Status::Skipped;
        report.reason = Some(
            "a Parquet file without ws_event rows; its rows are projections, which the import of the ws_event \
             files makes again"
                .to_owned(),
        );
        return Ok(());
    }
    if others > 0 {
        report.notes.push(format!("{others} rows of other kinds are projections and were left out"));
    }
    end(target, report)
}

/// The columns that matter, as text and time whatever their type was.
struct Columns {
    ts: Option<TimestampMicrosecondArray>,
    ts_text: Option<StringArray>,
    doc_type: Option<StringArray>,
    raw_json: Option<StringArray>,
    event_name: Option<StringArray>,
    direction: Option<StringArray>,
    source: Option<StringArray>,
    format: Option<StringArray>,
    socket_id: Option<StringArray>,
}

impl Columns {
    fn of(batch: &RecordBatch) -> Result<Columns, arrow::error::ArrowError> {
        let text = |name: &str| -> Result<Option<StringArray>, arrow::error::ArrowError> {
            let Some(column) = batch.column_by_name(name) else { return Ok(None) };
            Ok(cast(column, &DataType::Utf8)?.as_string_opt::<i32>().cloned())
        };
        let ts = batch.column_by_name("ts").filter(|column| matches!(column.data_type(), DataType::Timestamp(..)));
        // A time without a zone is UTC; so a cast that only changes the unit is right for both.
        let micros = |column: &arrow::array::ArrayRef| {
            let zone = match column.data_type() {
                DataType::Timestamp(_, zone) => zone.clone(),
                _ => None,
            };
            cast(column, &DataType::Timestamp(TimeUnit::Microsecond, zone))
        };
        Ok(Columns {
            ts: match ts {
                Some(column) => micros(column)?.as_primitive_opt::<TimestampMicrosecondType>().cloned(),
                None => None,
            },
            ts_text: if ts.is_none() { text("ts")? } else { None },
            doc_type: text("doc_type")?,
            raw_json: text("raw_json")?,
            event_name: text("event_name")?,
            direction: text("direction")?,
            source: text("source")?,
            format: text("format")?,
            socket_id: text("socket_id")?,
        })
    }

    fn text<'c>(&self, column: &'c Option<StringArray>, row: usize) -> Option<&'c str> {
        column.as_ref().filter(|column| column.is_valid(row)).map(|column| column.value(row))
    }

    fn row<T: Target>(&self, row: usize, clock: &Clock, ingest: &mut Ingest<'_, T>) -> Result<(), Interrupted> {
        let moment = match &self.ts {
            Some(ts) => ts.is_valid(row).then(|| Moment { us: ts.value(row), doubt: None }),
            None => self.text(&self.ts_text, row).and_then(|text| clock.read(text, Zone::Utc)),
        };
        let text = self.text(&self.raw_json, row).unwrap_or("null");
        let event_name = self.text(&self.event_name, row);
        let format = match self.text(&self.format, row).and_then(LineFormat::from_name) {
            Some(format) => format,
            None => format_of(text, event_name),
        };
        let envelope = Envelope {
            moment,
            direction: match self.text(&self.direction, row) {
                Some("received") => Some(Direction::Received),
                Some("sent") => Some(Direction::Sent),
                _ => None,
            },
            source: formats::exported::source_of(self.text(&self.source, row)),
            hint: event_name.map(Into::into),
            socket_id: self.text(&self.socket_id, row).map(Into::into),
            ..Envelope::new(format)
        };
        ingest.row(&envelope, text)
    }
}

/// How a cell of the older store is to be read: a frame, an event with its name, or a bare payload.
fn format_of(text: &str, event_name: Option<&str>) -> LineFormat {
    if frame::parse(text).is_ok() {
        return LineFormat::Wire;
    }
    let named = || Fields::parse(text).ok().and_then(|fields| formats::recognise(&fields));
    match (event_name, named().map(formats::Format::stored)) {
        (None, Some(format)) => format,
        _ => LineFormat::Payload,
    }
}

#[cfg(test)]
mod tests;
