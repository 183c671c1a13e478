//! Asking the store from a tool: fixed SQL texts with bound parameters, never a spliced value.

use std::time::Duration;

use arrow::record_batch::RecordBatch;
use serde::de::DeserializeOwned;
use serde_json::{Map, Value};
use tokio_util::sync::CancellationToken;

use crate::server::errors::ToolError;
use crate::sql::{Query, QueryResult, SqlClient, SqlError};

/// Time limit of one query a tool makes for itself.
const TIME: Duration = Duration::from_secs(30);

/// Values for `$1`, `$2`, …, numbered as they are bound.
#[derive(Debug, Default)]
pub struct Binds(Vec<Value>);

impl Binds {
    /// Binds a value and gives its placeholder, for example `$3`.
    pub fn bind(&mut self, value: impl Into<Value>) -> String {
        self.0.push(value.into());
        format!("${}", self.0.len())
    }

    /// The values, in order.
    pub fn into_values(self) -> Vec<Value> {
        self.0
    }
}

/// `WHERE a AND b`, or nothing.
pub fn filter(conditions: &[String]) -> String {
    if conditions.is_empty() { String::new() } else { format!(" WHERE {}", conditions.join(" AND ")) }
}

/// Runs one of our own queries; cells come whole.
///
/// # Errors
/// The engine's, as a tool error.
pub async fn rows(
    sql: &SqlClient,
    text: &str,
    params: Vec<Value>,
    max_rows: u64,
    cancel: &CancellationToken,
) -> Result<QueryResult, ToolError> {
    let query =
        Query { max_rows, max_bytes: 16 << 20, max_cell: 1 << 20, timeout: TIME, ..Query::new(text) }.bind(params);
    sql.query(query, cancel.clone()).await.map_err(|error| failed(&error))
}

/// Runs one of our own queries and reads each row into `T` by column name; NULL is an absent field.
///
/// # Errors
/// As [`rows`]; and when a row does not fit `T`, which would be a defect.
pub async fn records<T: DeserializeOwned>(
    sql: &SqlClient,
    text: &str,
    params: Vec<Value>,
    max_rows: u64,
    cancel: &CancellationToken,
) -> Result<(Vec<T>, String), ToolError> {
    let result = rows(sql, text, params, max_rows, cancel).await?;
    let names: Vec<String> = result.columns.into_iter().map(|column| column.name).collect();
    let records = result.rows.into_iter().map(|row| {
        let fields: Map<String, Value> =
            names.iter().cloned().zip(row).filter(|(_, value)| !value.is_null()).collect();
        serde_json::from_value(Value::Object(fields))
    });
    let records = records.collect::<Result<Vec<T>, _>>().map_err(|error| {
        ToolError::new(
            "The store's answer has an unexpected shape",
            error.to_string(),
            r#"query_sql {"sql": "DESCRIBE games"}, and report this as a defect of replayer"#,
        )
    })?;
    Ok((records, result.as_of))
}

/// Runs one of our own queries and gives the values as they are stored, nothing cut or escaped.
///
/// # Errors
/// As [`rows`].
pub async fn batches(
    sql: &SqlClient,
    text: &str,
    params: Vec<Value>,
    cancel: &CancellationToken,
) -> Result<Vec<RecordBatch>, ToolError> {
    let query = Query { timeout: TIME, ..Query::new(text) }.bind(params);
    let mut stream = sql.stream(query, cancel.clone()).await.map_err(|error| failed(&error))?;
    let mut batches = Vec::new();
    while let Some(batch) = stream.next().await {
        batches.push(batch.map_err(|error| failed(&error))?);
    }
    Ok(batches)
}

/// The limit of a list as asked for: at most `most`, none is refused with what is allowed.
///
/// # Errors
/// For 0.
pub fn limit(tool: &str, asked: Option<u64>, usual: u64, most: u64) -> Result<u64, ToolError> {
    match asked {
        Some(0) => Err(ToolError::new(
            "Nothing was listed",
            format!("limit 0 is none: it is 1 to {most}, {usual} is usual"),
            format!(r#"{tool} {{"limit": {usual}}}"#),
        )
        .command(format!("the same with --limit {usual}"))),
        Some(asked) => Ok(asked.min(most)),
        None => Ok(usual),
    }
}

/// The store's error as a tool's.
pub fn failed(error: &SqlError) -> ToolError {
    ToolError::sql(
        "The store could not be asked",
        error,
        "the same call again; if it keeps failing, ask the user to run `replayer doctor`",
    )
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

    use super::*;

    #[test]
    fn a_limit_of_nothing_is_refused_with_what_is_allowed() {
        assert_eq!(limit("get_game", None, 20, 100), Ok(20));
        assert_eq!(limit("get_game", Some(7_000), 20, 100), Ok(100));
        let text = limit("get_game", Some(0), 20, 100).unwrap_err().to_string();
        assert!(text.contains("1 to 100") && text.contains(r#"next: get_game {"limit": 20}"#), "{text}");
    }

    #[test]
    fn placeholders_count_up_and_values_keep_their_order() {
        let mut binds = Binds::default();
        let conditions = vec![format!("a = {}", binds.bind("x")), format!("b > {}", binds.bind(7))];
        assert_eq!(filter(&conditions), " WHERE a = $1 AND b > $2");
        assert_eq!(binds.into_values(), vec![Value::from("x"), Value::from(7)]);
        assert_eq!(filter(&[]), "");
    }
}
