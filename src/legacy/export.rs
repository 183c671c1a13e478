//! Rows out of the store as JSON lines, in constant memory.
//!
//! Layout v2 has every column of the schema, nulls included; importing it into an empty root gives the same
//! rows again (in a session of the new store). Rows that hold a whole line or frame come first, because the
//! import makes the projected rows from them. Layout v1 is the older store's: the columns its notebooks
//! know, with the payload in `raw_json`.

use std::collections::BTreeMap;
use std::io::Write;

use arrow::array::{Array, AsArray, RecordBatch, StringArray};
use arrow::datatypes::{Float64Type, Int64Type, TimestampMicrosecondType};
use serde::Serialize;

use super::error::LegacyError;
use super::report::rfc3339;
use replayer_protocol::line::{self, LineFormat};
use replayer_store::StoreError;
use replayer_store::root::DataRoot;
use replayer_store::scan::{ScanFilter, scan};
use replayer_store::schema::{DocType, Kind};

/// How a row is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Layout {
    /// The older store's columns.
    V1,
    /// All columns of the schema.
    #[default]
    V2,
}

/// What to export.
#[derive(Debug, Clone, Default)]
pub struct Options {
    /// How.
    pub layout: Layout,
    /// Only these kinds of rows; empty means all.
    pub doc_types: Vec<DocType>,
    /// Only these rows.
    pub filter: ScanFilter,
}

/// What was exported.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct Exported {
    /// Rows written.
    pub rows: u64,
    /// Rows by kind.
    pub doc_types: BTreeMap<&'static str, u64>,
}

/// The kinds in the order they are written: whole lines and frames, then what is projected from them.
const ORDER: [DocType; 8] = [
    DocType::WsEvent,
    DocType::SystemEvent,
    DocType::GameTick,
    DocType::PlayerAction,
    DocType::ServerState,
    DocType::Game,
    DocType::Trade,
    DocType::Sidebet,
];

/// Columns that the older store did not have.
const OURS: [&str; 5] = ["ordinal", "format", "frame", "source_clock", "import_offset"];

/// Writes the rows, one JSON object per line.
///
/// # Errors
/// When the store cannot be read or `out` cannot be written to; what was written then is incomplete.
pub fn run<W: Write>(root: &DataRoot, options: &Options, out: &mut W) -> Result<Exported, LegacyError> {
    let mut exported = Exported::default();
    for doc_type in ORDER {
        if !options.doc_types.is_empty() && !options.doc_types.contains(&doc_type) {
            continue;
        }
        for batch in scan(root, doc_type, &options.filter)? {
            let batch = batch?;
            if batch.num_rows() == 0 {
                continue;
            }
            match options.layout {
                Layout::V2 => write_v2(&batch, out)?,
                Layout::V1 => write_v1(doc_type, &batch, out)?,
            }
            let rows = batch.num_rows() as u64;
            exported.rows += rows;
            *exported.doc_types.entry(doc_type.as_str()).or_default() += rows;
        }
    }
    out.flush().map_err(LegacyError::Write)?;
    Ok(exported)
}

fn write_v2<W: Write>(batch: &RecordBatch, out: &mut W) -> Result<(), LegacyError> {
    let mut writer = arrow::json::WriterBuilder::new()
        .with_explicit_nulls(true)
        .build::<_, arrow::json::writer::LineDelimited>(&mut *out);
    let written = writer.write(batch).and_then(|()| writer.finish());
    written.map_err(|error| match error {
        arrow::error::ArrowError::IoError(_, source) => LegacyError::Write(source),
        error => LegacyError::Store(StoreError::Arrow(error)),
    })
}

fn write_v1<W: Write>(doc_type: DocType, batch: &RecordBatch, out: &mut W) -> Result<(), LegacyError> {
    let text = |name: &str| batch.column_by_name(name).and_then(|column| column.as_string_opt::<i32>());
    let (raw_json, format, event_name) = (text("raw_json"), text("format"), text("event_name"));
    for row in 0..batch.num_rows() {
        let raw = cell(raw_json, row);
        let payload = match cell(format, row).and_then(LineFormat::from_name) {
            Some(format) if doc_type == DocType::WsEvent => payload(format, cell(event_name, row), raw),
            _ => raw.map(str::to_owned),
        };
        let mut line = Object::new();
        for name in
            ["ts", "doc_type", "session_id", "seq", "direction", "source", "game_id", "player_id", "username"]
        {
            line.column(batch, doc_type, name, row);
        }
        // The older store's readers parse this column without asking.
        line.text("raw_json", payload.as_deref().unwrap_or("{}"));
        for column in doc_type.own_columns().iter().filter(|column| !OURS.contains(&column.name)) {
            line.column(batch, doc_type, column.name, row);
        }
        out.write_all(line.close().as_bytes()).map_err(LegacyError::Write)?;
    }
    Ok(())
}

fn cell(column: Option<&StringArray>, row: usize) -> Option<&str> {
    column.filter(|column| column.is_valid(row)).map(|column| column.value(row))
}

/// The payload of a stored frame or line: what the older store kept as `raw_json`.
fn payload(format: LineFormat, event_name: Option<&str>, raw: Option<&str>) -> Option<String> {
    let raw = raw?;
    let inner = line::inner(format, raw);
    let event = match &inner {
        Some(inner) => line::decode(inner.format, inner.hint.as_deref(), &inner.text),
        None => line::decode(format, event_name, raw),
    };
    event.payload.map(|payload| payload.get().to_owned())
}

/// One JSON object, written key by key in our order.
struct Object(String);

impl Object {
    fn new() -> Object {
        Object(String::from("{"))
    }

    fn key(&mut self, name: &str) {
        if self.0.len() > 1 {
            self.0.push(',');
        }
        self.0.push('"');
        self.0.push_str(name);
        self.0.push_str("\":");
    }

    fn text(&mut self, name: &str, value: &str) {
        self.key(name);
        self.0.push_str(&serde_json::Value::from(value).to_string());
    }

    fn column(&mut self, batch: &RecordBatch, doc_type: DocType, name: &str, row: usize) {
        let Some(column) = batch.column_by_name(name) else { return };
        self.key(name);
        let kind = doc_type.columns().find(|column| column.name == name).map(|column| column.kind);
        let value = kind.filter(|_| column.is_valid(row)).and_then(|kind| match kind {
            Kind::Text => column.as_string_opt::<i32>().map(|column| column.value(row).into()),
            Kind::Int => column.as_primitive_opt::<Int64Type>().map(|column| column.value(row).into()),
            Kind::Float => column.as_primitive_opt::<Float64Type>().map(|column| column.value(row).into()),
            Kind::Bool => column.as_boolean_opt().map(|column| column.value(row).into()),
            Kind::Time => {
                let column = column.as_primitive_opt::<TimestampMicrosecondType>()?;
                rfc3339(column.value(row)).map(serde_json::Value::from)
            }
            Kind::Floats => {
                let list = column.as_list_opt::<i32>()?.value(row);
                let values = list.as_primitive_opt::<Float64Type>()?.iter().collect::<Vec<_>>();
                Some(serde_json::Value::from(values))
            }
        });
        self.0.push_str(&value.unwrap_or_default().to_string());
    }

    fn close(mut self) -> String {
        self.0.push_str("}\n");
        self.0
    }
}

#[cfg(test)]
mod tests;
