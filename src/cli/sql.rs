//! `replayer sql "…"`: the agents' SQL, for people.

use std::path::Path;
use std::process::ExitCode;
use std::time::Duration;

use clap::Args;
use serde_json::Value;

use super::{CliError, Out};
use crate::sql::{self, Query};
use crate::store::root::DataRoot;
use crate::tools::query_sql::Output;
use crate::verify::reviews::derived::DerivedViews;

/// Ask the recorded data with SQL: one SELECT in DuckDB's dialect.
///
/// The same gate, views and limits as the agents' tool query_sql. `replayer sql "SHOW TABLES"` lists the views,
/// `replayer sql "DESCRIBE games"` the columns of one; CONTEXT.md in the data root has examples.
#[derive(Debug, Args)]
pub struct SqlArgs {
    /// The query.
    sql: String,
    /// Print the object that query_sql answers, for programs.
    #[arg(long)]
    json: bool,
    /// Most rows.
    #[arg(long, default_value_t = 200, value_name = "N")]
    max_rows: u64,
    /// Most characters of one cell.
    #[arg(long, default_value_t = 120, value_name = "N")]
    max_cell: u64,
    /// Seconds the query may run.
    #[arg(long, default_value_t = 30, value_name = "SECONDS")]
    timeout: u64,
    /// Show the plan instead of the rows.
    #[arg(long)]
    explain: bool,
}

/// Runs `replayer sql`.
///
/// # Errors
/// When the query is refused or fails; the message says what to write instead.
pub fn run(args: SqlArgs, path: &Path, out: &mut Out) -> Result<ExitCode, CliError> {
    let root = DataRoot::open(path)?;
    let query = Query {
        max_rows: args.max_rows.max(1),
        max_bytes: u64::MAX >> 1,
        max_cell: args.max_cell.max(1),
        timeout: Duration::from_secs(args.timeout.max(1)),
        explain: args.explain,
        ..Query::new(args.sql)
    };
    let output = Output::from(sql::client::query_blocking(
        sql::Config::new(root.path()),
        DerivedViews::at(root.path()),
        query,
    )?);
    if args.json {
        out.json(&output)?;
        return Ok(ExitCode::SUCCESS);
    }
    let head: Vec<&str> = output.columns.iter().map(String::as_str).collect();
    let rows: Vec<Vec<String>> = output.rows.iter().map(|row| row.iter().map(cell).collect()).collect();
    out.table(&head, &rows)?;
    let more = if output.truncated { ", and there are more: --max-rows shows them" } else { "" };
    out.line(format_args!("{} rows in {:.0} ms{more}", output.row_count, output.elapsed_ms))?;
    for missing in &output.left_out {
        out.line(format_args!("LEFT OUT  {missing}"))?;
    }
    Ok(ExitCode::SUCCESS)
}

/// A cell as a person reads it: NULL is empty, text stands without quotes.
fn cell(value: &Value) -> String {
    match value {
        Value::Null => String::new(),
        Value::String(text) => text.clone(),
        other => other.to_string(),
    }
}
