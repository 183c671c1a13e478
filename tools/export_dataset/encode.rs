//! Record batches into a file: JSONL, CSV or Parquet, with its digest.

use std::fs::File;
use std::io::{self, BufWriter, Write};
use std::path::Path;
use std::sync::Arc;

use arrow::array::{ArrayRef, StringBuilder};
use arrow::datatypes::{DataType, Field, Schema, SchemaRef};
use arrow::error::ArrowError;
use arrow::json::LineDelimitedWriter;
use arrow::record_batch::RecordBatch;
use arrow::util::display::{ArrayFormatter, FormatOptions};
use parquet::arrow::ArrowWriter;
use parquet::basic::{Compression, ZstdLevel};
use parquet::errors::ParquetError;
use parquet::file::properties::WriterProperties;
use sha2::{Digest, Sha256};

use super::Format;
use crate::server::errors::ToolError;

/// An open file in one of the formats.
pub struct Encoder {
    sink: Sink,
    rows: u64,
}

/// What was written.
#[derive(Debug)]
pub struct Written {
    /// Rows in the file.
    pub rows: u64,
    /// Bytes of the file.
    pub bytes: u64,
    /// SHA-256, hex.
    pub sha256: String,
}

enum Sink {
    Jsonl(Box<LineDelimitedWriter<Digested>>),
    Csv { writer: Box<arrow::csv::Writer<Digested>>, schema: SchemaRef },
    Parquet(Box<ArrowWriter<Digested>>),
}

impl Encoder {
    /// Creates the file.
    ///
    /// # Errors
    /// When it cannot be created.
    pub fn create(path: &Path, format: Format, schema: SchemaRef) -> Result<Self, ToolError> {
        let out = Digested::create(path)?;
        let sink = match format {
            Format::Jsonl => Sink::Jsonl(Box::new(LineDelimitedWriter::new(out))),
            Format::Csv => {
                let schema = flat_schema(&schema);
                let mut writer = arrow::csv::WriterBuilder::new().with_header(true).build(out);
                // The header is there even when no batch follows.
                writer
                    .write(&RecordBatch::new_empty(Arc::clone(&schema)))
                    .map_err(|error| arrow_failed(&error))?;
                Sink::Csv { writer: Box::new(writer), schema }
            }
            Format::Parquet => {
                let level = ZstdLevel::try_new(6).map_err(|error| parquet_failed(&error))?;
                let properties = WriterProperties::builder().set_compression(Compression::ZSTD(level)).build();
                let writer =
                    ArrowWriter::try_new(out, schema, Some(properties)).map_err(|error| parquet_failed(&error))?;
                Sink::Parquet(Box::new(writer))
            }
        };
        Ok(Self { sink, rows: 0 })
    }

    /// Adds the rows of one batch.
    ///
    /// # Errors
    /// When the disk is full, or a value has no form in this format.
    pub fn write(&mut self, batch: &RecordBatch) -> Result<(), ToolError> {
        match &mut self.sink {
            Sink::Jsonl(writer) => writer.write(batch).map_err(|error| arrow_failed(&error))?,
            Sink::Csv { writer, schema } => {
                let flat = flat_batch(batch, schema).and_then(|flat| writer.write(&flat));
                flat.map_err(|error| arrow_failed(&error))?;
            }
            Sink::Parquet(writer) => {
                writer.write(batch).map_err(|error| parquet_failed(&error))?;
                // Wide rows (raw_json) must not pile up until a row group is full by number.
                if writer.in_progress_size() > 32 << 20 {
                    writer.flush().map_err(|error| parquet_failed(&error))?;
                }
            }
        }
        self.rows += batch.num_rows() as u64;
        Ok(())
    }

    /// Completes the file; it is on disk when this returns.
    ///
    /// # Errors
    /// As [`Encoder::write`].
    pub fn finish(self) -> Result<Written, ToolError> {
        let out = match self.sink {
            Sink::Jsonl(mut writer) => {
                writer.finish().map_err(|error| arrow_failed(&error))?;
                writer.into_inner()
            }
            Sink::Csv { writer, .. } => writer.into_inner(),
            Sink::Parquet(writer) => writer.into_inner().map_err(|error| parquet_failed(&error))?,
        };
        out.finish(self.rows).map_err(|error| ToolError::io("The data file cannot be completed", &error))
    }
}

/// A file that counts and digests what goes into it.
pub struct Digested {
    out: BufWriter<File>,
    digest: Sha256,
    bytes: u64,
}

impl Digested {
    /// Creates the file, which must not be there yet.
    ///
    /// # Errors
    /// When it cannot be created.
    pub fn create(path: &Path) -> Result<Self, ToolError> {
        let file =
            File::create_new(path).map_err(|error| ToolError::io("The data file cannot be created", &error))?;
        Ok(Self { out: BufWriter::with_capacity(1 << 18, file), digest: Sha256::new(), bytes: 0 })
    }

    /// Completes the file; it is on disk when this returns.
    ///
    /// # Errors
    /// When the disk is full.
    pub fn finish(mut self, rows: u64) -> io::Result<Written> {
        self.out.flush()?;
        self.out.get_ref().sync_all()?;
        let sha256 = self.digest.finalize().iter().map(|byte| format!("{byte:02x}")).collect();
        Ok(Written { rows, bytes: self.bytes, sha256 })
    }
}

impl Write for Digested {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let count = self.out.write(bytes)?;
        self.digest.update(bytes.get(..count).unwrap_or(bytes));
        self.bytes += count as u64;
        Ok(count)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.out.flush()
    }
}

/// CSV has no lists: such columns become text.
fn flat_schema(schema: &Schema) -> SchemaRef {
    let fields: Vec<Field> = schema
        .fields()
        .iter()
        .map(|field| match field.data_type().is_nested() {
            true => Field::new(field.name(), DataType::Utf8, true),
            false => field.as_ref().clone(),
        })
        .collect();
    Arc::new(Schema::new(fields))
}

fn flat_batch(batch: &RecordBatch, schema: &SchemaRef) -> Result<RecordBatch, ArrowError> {
    let columns = batch.columns().iter().map(|column| match column.data_type().is_nested() {
        true => printed(column),
        false => Ok(Arc::clone(column)),
    });
    RecordBatch::try_new(Arc::clone(schema), columns.collect::<Result<_, _>>()?)
}

/// Lists as Arrow prints them, `[1.0, 1.02]`; NULL stays NULL.
fn printed(column: &ArrayRef) -> Result<ArrayRef, ArrowError> {
    let options = FormatOptions::default().with_null("null");
    let formatter = ArrayFormatter::try_new(column.as_ref(), &options)?;
    let mut out = StringBuilder::new();
    for row in 0..column.len() {
        if column.is_null(row) {
            out.append_null();
        } else {
            out.append_value(formatter.value(row).try_to_string()?);
        }
    }
    Ok(Arc::new(out.finish()))
}

fn arrow_failed(error: &ArrowError) -> ToolError {
    match error {
        ArrowError::IoError(_, cause) => ToolError::io("The data file cannot be written", cause),
        other => unencodable(other),
    }
}

fn parquet_failed(error: &ParquetError) -> ToolError {
    if let ParquetError::External(cause) = error
        && let Some(cause) = cause.downcast_ref::<io::Error>()
    {
        return ToolError::io("The data file cannot be written", cause);
    }
    unencodable(error)
}

fn unencodable(error: &dyn std::fmt::Display) -> ToolError {
    ToolError::new(
        "The rows cannot be written in this format",
        error.to_string(),
        "export_dataset in another format, or with sql that casts the columns named above to VARCHAR",
    )
}
