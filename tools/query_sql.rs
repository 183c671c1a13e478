//! `query_sql`: read-only SQL over everything that was recorded.

use std::sync::Arc;
use std::time::Duration;

use rmcp::model::ToolAnnotations;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use tokio_util::sync::CancellationToken;

use super::{AgentTool, MAX_RESULT_BYTES, RESULT_BYTES, bounded};
use crate::server::App;
use crate::server::errors::ToolError;
use crate::sql::{Limit, Query, QueryResult, SqlError};
use crate::store::schema::DocType;

/// Rows in an answer unless asked.
const ROWS: u64 = 200;

/// Most rows in an answer.
const MAX_ROWS: u64 = 10_000;

/// Characters of one cell unless asked.
const CELL: u64 = 300;

/// Most characters of one cell.
const MAX_CELL: u64 = 100_000;

/// Seconds a query may run unless asked, and at most.
const SECONDS: u64 = 30;
const MAX_SECONDS: u64 = 300;

/// The tool.
pub struct QuerySql;

/// What to ask.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Args {
    /// One SELECT in DuckDB's dialect (also WITH, DESCRIBE view, SUMMARIZE view, SHOW TABLES).
    pub sql: String,
    /// Most rows to return, 1 to 10000. Default 200.
    pub max_rows: Option<u64>,
    /// true: return the query plan instead of rows.
    pub explain: Option<bool>,
    /// Most characters per cell, 1 to 100000; longer cells are cut and say by how much. Default 300.
    pub max_cell: Option<u64>,
    /// Most bytes of the whole answer, up to 1000000. Default 36000, about 10k tokens.
    pub max_bytes: Option<u64>,
    /// Seconds the query may run, 1 to 300. Default 30.
    pub timeout_s: Option<u64>,
}

/// Columns and rows, compact; also what `replayer sql --json` prints.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
pub struct Output {
    /// Column names, in order.
    pub columns: Vec<String>,
    /// SQL type of each column.
    pub types: Vec<String>,
    /// One array per row, one cell per column.
    pub rows: Vec<Vec<Value>>,
    /// Rows in this answer.
    pub row_count: u64,
    /// Whether the query has more rows than this answer.
    pub truncated: bool,
    /// Cells that were cut to max_cell.
    #[serde(skip_serializing_if = "is_zero", default)]
    pub cut_cells: u64,
    /// Milliseconds the query took.
    pub elapsed_ms: f64,
    /// Everything recorded up to this time (UTC) is included.
    pub as_of: String,
    /// Rows that are missing from the views because parts are damaged or gone.
    #[serde(skip_serializing_if = "Vec::is_empty", default)]
    pub left_out: Vec<String>,
    /// How to get what was cut.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub next: Option<String>,
}

impl AgentTool for QuerySql {
    const NAME: &'static str = "query_sql";
    const TITLE: &'static str = "Query recorded games with SQL";
    const DESCRIPTION: &'static str = "\
Runs one read-only SELECT (DuckDB dialect) over the recorded frames, ticks, games, trades and side bets. Use it for \
counts, comparisons and distributions; for one game's story use get_game, for whole frames get_events.

Views: games (one row per game: peak, rug_tick, rug_price, ticks_recorded, proven), game_tick (tick, price, active, \
rugged, cooldown_timer, trade_count, phase), game (as announced by the site: seed, hash, prices[]), trade, sidebet, \
server_state, player_action, system_event, session, mark (decisions about the protocol), field, ws_event (every frame: event_name, raw_json, payload), \
chat_untrusted. Most carry ts, session_id, seq, game_id. Columns and examples: DESCRIBE <view>, or the resource \
replayer://context.

Absent is NULL. Results are columns + rows; long cells and long results are cut and say so. Only SELECT works; \
PIVOT does not, use conditional aggregation; for a plan set explain. Over very many frames, payload_values(raw_json, \
\"format\", event_name, '$.price')[1] is faster than payload->>'$.price'.

Example: {\"sql\": \"SELECT count(*) AS games, median(peak) AS median_peak, count(*) FILTER (WHERE peak >= 2) AS \
reached_2x FROM games\"}";
    const EXAMPLE: &'static str =
        r#"{"sql": "SELECT game_id, peak, rug_tick FROM games ORDER BY last_ts DESC LIMIT 10"}"#;
    const TIME: Duration = Duration::from_secs(MAX_SECONDS + 15);
    // The answer says it itself, from the views that the query reads.
    const READS: &'static [DocType] = &[];
    type Args = Args;
    type Output = Output;

    fn annotations() -> ToolAnnotations {
        ToolAnnotations::new().read_only(true).destructive(false).idempotent(true).open_world(true)
    }

    async fn call(app: Arc<App>, args: Args, cancel: CancellationToken) -> Result<Output, ToolError> {
        let query = Query {
            sql: args.sql,
            params: Vec::new(),
            max_rows: bounded(args.max_rows, ROWS, MAX_ROWS),
            max_bytes: bounded(args.max_bytes, RESULT_BYTES, MAX_RESULT_BYTES),
            timeout: Duration::from_secs(bounded(args.timeout_s, SECONDS, MAX_SECONDS)),
            explain: args.explain.unwrap_or(false),
            max_cell: bounded(args.max_cell, CELL, MAX_CELL),
        };
        let result = app.sql.query(query, cancel).await.map_err(|error| refused(&error))?;
        Ok(Output::from(result))
    }
}

impl From<QueryResult> for Output {
    fn from(result: QueryResult) -> Self {
        let next = next(&result);
        let (columns, types) = result.columns.into_iter().map(|column| (column.name, column.sql_type)).unzip();
        Self {
            columns,
            types,
            rows: result.rows,
            row_count: result.row_count,
            truncated: result.truncated,
            cut_cells: result.cut_cells,
            elapsed_ms: result.elapsed_ms,
            as_of: result.as_of,
            left_out: result.left_out,
            next,
        }
    }
}

/// What to do about a result that was cut.
fn next(result: &QueryResult) -> Option<String> {
    if result.truncated {
        let limit = match result.truncated_by {
            Some(Limit::Bytes) => "fewer columns, a smaller max_cell, or a larger max_bytes (up to 1000000)",
            _ => "a larger max_rows (up to 10000)",
        };
        return Some(format!(
            "there are more rows: aggregate or filter; or page with ORDER BY … LIMIT … OFFSET {}; or {limit}; or \
             export_dataset with this sql for all of them",
            result.row_count
        ));
    }
    (result.cut_cells > 0).then(|| "cut cells: a larger max_cell, or get_events for whole frames".to_owned())
}

/// The engine's words, with the call that gets on from there.
fn refused(error: &SqlError) -> ToolError {
    let (what, next) = match error {
        SqlError::Refused { .. } => (
            "The query was not run",
            r#"query_sql with one SELECT; query_sql {"sql": "SHOW TABLES"} lists the views"#,
        ),
        SqlError::Failed { .. } => (
            "The query failed",
            r#"query_sql with the change named above; query_sql {"sql": "DESCRIBE games"} shows a view's columns"#,
        ),
        SqlError::Timeout { .. } => {
            ("The query was too slow", "query_sql with a narrower query, or with timeout_s up to 300")
        }
        SqlError::Memory { .. } => ("The query was too large", "query_sql with fewer columns or an aggregate"),
        SqlError::WorkerDied { .. } => {
            ("The query ended its worker", "query_sql with a smaller query; a fresh worker is ready")
        }
        _ => (
            "The query could not be run",
            "the same call again; if it keeps failing, ask the user to run `replayer doctor`",
        ),
    };
    ToolError::sql(what, error, next)
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde hands out references")]
fn is_zero(number: &u64) -> bool {
    *number == 0
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

    use super::*;

    fn result(truncated_by: Option<Limit>, cut_cells: u64) -> QueryResult {
        serde_json::from_value(serde_json::json!({
            "columns": [{"name": "n", "type": "BIGINT"}], "rows": [[1]], "row_count": 1,
            "truncated": truncated_by.is_some(), "truncated_by": truncated_by, "cut_cells": cut_cells,
            "elapsed_ms": 1.5, "as_of": "2026-01-01T00:00:00Z",
        }))
        .unwrap()
    }

    #[test]
    fn a_whole_result_has_no_next() {
        let output = Output::from(result(None, 0));
        assert!(output.next.is_none());
        let text = serde_json::to_string(&output).unwrap();
        assert!(
            text.starts_with(
                r#"{"columns":["n"],"types":["BIGINT"],"rows":[[1]],"row_count":1,"truncated":false"#
            ),
            "{text}"
        );
        assert!(!text.contains("cut_cells"));
    }

    #[test]
    fn a_cut_result_says_how_to_go_on() {
        assert!(Output::from(result(Some(Limit::Rows), 0)).next.unwrap().contains("max_rows"));
        assert!(Output::from(result(Some(Limit::Bytes), 0)).next.unwrap().contains("max_bytes"));
        assert!(Output::from(result(None, 3)).next.unwrap().contains("max_cell"));
    }

    #[test]
    fn refusals_name_the_next_call() {
        let error = refused(&SqlError::Refused { message: "COPY is not allowed".into() });
        let text = error.to_string();
        assert!(text.starts_with("The query was not run. COPY is not allowed. next: query_sql"), "{text}");
    }
}
