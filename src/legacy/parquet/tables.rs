//! Parquet files of other columns than a store's: each row becomes a JSON object of its columns and is then read as any
//! other line. So are the files of our own `export` and `export_dataset`, whatever was selected.

use std::sync::Arc;

use arrow::array::{ArrayRef, RecordBatch};
use arrow::compute::cast;
use arrow::datatypes::{DataType, Field, Schema, TimeUnit};
use arrow::error::ArrowError;
use parquet::arrow::arrow_reader::ParquetRecordBatchReader;

use crate::detect::LineKind;
use crate::fields::Fields;
use crate::formats;
use crate::import::{Job, begin, end};
use crate::ingest::{Ingest, Interrupted};
use crate::report::{FileReport, Status};
use crate::target::Target;
use crate::unknown;

/// Imports the rows; a table of something else is skipped.
///
/// # Errors
/// Those of the file and of the target.
pub(super) fn import<T: Target>(
    reader: ParquetRecordBatchReader,
    job: &Job<'_>,
    target: &mut T,
    report: &mut FileReport,
) -> Result<(), Interrupted> {
    let mut number = 0;
    for batch in reader {
        let batch = batch.map_err(std::io::Error::other)?;
        let text = objects(&batch).map_err(std::io::Error::other)?;
        for object in text.lines() {
            if number == 0 {
                let Ok(fields) = Fields::parse(object) else { continue };
                if job.state.mapping.is_none() && formats::recognise(&fields).is_none() {
                    report.status = Status::Skipped;
                    let about = unknown::object(&fields);
                    report.reason = Some(format!("a Parquet file, but of no known rows: it looks like {about}"));
                    return Ok(());
                }
                begin(target, job, "parquet", report)?;
            }
            number += 1;
            Ingest::new(target, job.clock, report, job.state, LineKind::Text, job.progress)
                .made(object, number, 0)?;
        }
    }
    if number == 0 {
        report.status = Status::Empty;
        report.reason = Some("a Parquet file without rows".to_owned());
        return Ok(());
    }
    end(target, report)
}

/// The rows as JSON, one a line. Times become microseconds: a text without a zone could be read as another zone's.
fn objects(batch: &RecordBatch) -> Result<String, ArrowError> {
    let mut fields = Vec::new();
    let mut columns: Vec<ArrayRef> = Vec::new();
    for (field, column) in batch.schema().fields().iter().zip(batch.columns()) {
        let column = match field.data_type() {
            DataType::Timestamp(_, zone) => {
                let micros = cast(column, &DataType::Timestamp(TimeUnit::Microsecond, zone.clone()))?;
                cast(&micros, &DataType::Int64)?
            }
            DataType::Date32 | DataType::Date64 => {
                cast(&cast(column, &DataType::Timestamp(TimeUnit::Microsecond, None))?, &DataType::Int64)?
            }
            DataType::Binary | DataType::LargeBinary => cast(column, &DataType::Utf8)?,
            _ => Arc::clone(column),
        };
        fields.push(Field::new(field.name(), column.data_type().clone(), true));
        columns.push(column);
    }
    let batch = RecordBatch::try_new(Arc::new(Schema::new(fields)), columns)?;
    let mut out = Vec::new();
    let mut writer = arrow::json::LineDelimitedWriter::new(&mut out);
    writer.write(&batch)?;
    writer.finish()?;
    String::from_utf8(out).map_err(|error| ArrowError::ExternalError(Box::new(error)))
}
