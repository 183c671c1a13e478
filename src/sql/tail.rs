//! The unsealed rows, as tables in the worker's instance: `store.tail_<doc_type>`.
//!
//! Rows come in through DuckDB's appender (its Arrow appender would need an extension point that takes raw
//! pointers) and go out when the store says they have been sealed into parts.

use arrow::array::{Array, ArrayRef, AsArray};
use arrow::datatypes::{DataType, Float64Type, Int64Type, TimeUnit, TimestampMicrosecondType};
use arrow::record_batch::RecordBatch;
use duckdb::Connection;
use duckdb::types::{TimeUnit as DuckUnit, Value};

use super::engine::column_type;
use replayer_store::schema::{DocType, arrow_schema};

/// The statement that makes the doc type's tail empty. Lists are kept as text: the appender cannot write them.
pub fn create_table(doc: DocType) -> String {
    let columns: Vec<String> = arrow_schema(doc)
        .fields()
        .iter()
        .map(|field| {
            let kind = if is_list(field.data_type()) { "VARCHAR" } else { column_type(field.data_type()) };
            format!("\"{}\" {kind}", field.name())
        })
        .collect();
    format!("CREATE OR REPLACE TABLE store.tail_{} ({})", doc.as_str(), columns.join(", "))
}

/// The SELECT that reads the tail with the types of the parts.
pub fn select(doc: DocType) -> String {
    let columns: Vec<String> = arrow_schema(doc)
        .fields()
        .iter()
        .map(|field| {
            let name = field.name();
            if is_list(field.data_type()) {
                format!("CAST(\"{name}\" AS {}) AS \"{name}\"", column_type(field.data_type()))
            } else {
                format!("\"{name}\"")
            }
        })
        .collect();
    format!("SELECT {} FROM store.tail_{}", columns.join(", "), doc.as_str())
}

/// Appends a batch that has the columns of `arrow_schema(doc)`.
///
/// # Errors
/// DuckDB's.
pub fn append(db: &Connection, doc: DocType, batch: &RecordBatch) -> duckdb::Result<()> {
    // By name: a batch with columns in another order must not end up in the wrong ones.
    let columns = arrow_schema(doc)
        .fields()
        .iter()
        .map(|field| batch.column_by_name(field.name()).map(normal).transpose())
        .collect::<Result<Vec<Option<ArrayRef>>, _>>()
        .map_err(|error| duckdb::Error::ToSqlConversionFailure(Box::new(error)))?;
    let mut appender = db.appender_to_db(&format!("tail_{}", doc.as_str()), "store")?;
    for row in 0..batch.num_rows() {
        let values = columns.iter().map(|column| column.as_ref().map_or(Value::Null, |column| value(column, row)));
        appender.append_row(duckdb::appender_params_from_iter(values.collect::<Vec<_>>()))?;
    }
    appender.flush()
}

/// Removes rows that are in parts now: of each session, those up to and including a seq.
///
/// The table is written anew without them. An in-memory instance never gives back what DELETE frees, and a
/// worker may live for weeks; what remains is at most a quarter of an hour of rows.
///
/// # Errors
/// DuckDB's.
pub fn drop_sealed(db: &Connection, doc: DocType, sealed: &[(String, u64)]) -> duckdb::Result<()> {
    let gone: Vec<String> = sealed
        .iter()
        .map(|(session, seq)| format!("(session_id = '{}' AND seq <= {seq})", session.replace('\'', "''")))
        .collect();
    let table = format!("store.tail_{}", doc.as_str());
    db.execute_batch(&format!(
        "CREATE OR REPLACE TABLE {table} AS SELECT * FROM {table} WHERE ({}) IS NOT TRUE",
        gone.join(" OR ")
    ))
}

/// Whether the tail has no rows.
///
/// # Errors
/// DuckDB's.
pub fn is_empty(db: &Connection, doc: DocType) -> duckdb::Result<bool> {
    db.prepare_cached(&format!("SELECT NOT EXISTS (SELECT 1 FROM store.tail_{})", doc.as_str()))?
        .query_row([], |row| row.get(0))
}

fn is_list(kind: &DataType) -> bool {
    matches!(kind, DataType::List(_) | DataType::LargeList(_))
}

/// One Arrow type per DuckDB type, so that reading a row needs few cases.
fn normal(column: &ArrayRef) -> Result<ArrayRef, arrow::error::ArrowError> {
    let to = match column_type(column.data_type()) {
        "BOOLEAN" => DataType::Boolean,
        "INTEGER" | "BIGINT" => DataType::Int64,
        "DOUBLE" => DataType::Float64,
        "TIMESTAMPTZ" | "TIMESTAMP" => DataType::Timestamp(TimeUnit::Microsecond, None),
        "DOUBLE[]" => return Ok(column.clone()),
        _ => DataType::Utf8,
    };
    arrow::compute::cast(column, &to)
}

fn value(column: &ArrayRef, row: usize) -> Value {
    if column.is_null(row) {
        return Value::Null;
    }
    match column.data_type() {
        DataType::Boolean => Value::Boolean(column.as_boolean().value(row)),
        DataType::Int64 => Value::BigInt(column.as_primitive::<Int64Type>().value(row)),
        DataType::Float64 => Value::Double(column.as_primitive::<Float64Type>().value(row)),
        DataType::Timestamp(_, _) => {
            Value::Timestamp(DuckUnit::Microsecond, column.as_primitive::<TimestampMicrosecondType>().value(row))
        }
        DataType::List(_) => list(&column.as_list::<i32>().value(row)),
        DataType::LargeList(_) => list(&column.as_list::<i64>().value(row)),
        _ => Value::Text(column.as_string::<i32>().value(row).to_owned()),
    }
}

/// A list of numbers in DuckDB's own notation; Rust prints the shortest text that reads back as the same number.
fn list(items: &ArrayRef) -> Value {
    let Ok(items) = arrow::compute::cast(items, &DataType::Float64) else { return Value::Null };
    let items = items.as_primitive::<Float64Type>();
    let texts: Vec<String> =
        items.iter().map(|item| item.map_or_else(|| "NULL".to_owned(), |number| format!("{number:?}"))).collect();
    Value::Text(format!("[{}]", texts.join(", ")))
}
