//! Completions: the ids that begin with what was typed, newest first.

use std::sync::Arc;
use std::time::Duration;

use rmcp::model::{CompleteResult, CompletionInfo, ErrorData};
use serde_json::{Value, json};
use tokio_util::sync::CancellationToken;

use super::App;
use crate::resources;
use crate::tools::ask;

/// A person waits for the list while typing; later than this it is of no use.
const TIME: Duration = Duration::from_secs(5);

/// Suggestions for one argument: `game_id`, `session_id` (also `session`) and `event`; others have none. A store that cannot
/// be asked has none either: a completion is a convenience, its failure not worth a message.
///
/// # Errors
/// None today; the type is rmcp's.
pub async fn complete(
    app: &Arc<App>,
    argument: &str,
    typed: &str,
    request: &CancellationToken,
) -> Result<CompleteResult, ErrorData> {
    if argument == "event" {
        return Ok(listed(resources::protocol::complete(app, typed).await));
    }
    let sql = match argument {
        "game_id" => {
            "SELECT game_id FROM games WHERE starts_with(game_id, $1) ORDER BY last_ts DESC NULLS LAST, game_id LIMIT 101"
        }
        "session" | "session_id" => {
            "SELECT session_id FROM session WHERE starts_with(session_id, $1) ORDER BY session_id DESC LIMIT 101"
        }
        _ => return Ok(CompleteResult::default()),
    };
    let asked = Arc::clone(app);
    let typed = typed.to_owned();
    let found = app
        .limits
        .run(TIME, request, move |cancel| async move {
            ask::rows(&asked.sql, sql, vec![json!(typed)], 101, &cancel).await
        })
        .await;
    let values: Vec<String> = match found {
        Ok(rows) => rows.rows.into_iter().filter_map(|row| row.into_iter().next()).filter_map(text).collect(),
        Err(error) => {
            tracing::debug!(%error, "no completions");
            return Ok(CompleteResult::default());
        }
    };
    Ok(listed(values))
}

/// As many as may be sent, and whether there are more.
fn listed(mut values: Vec<String>) -> CompleteResult {
    let more = values.len() > CompletionInfo::MAX_VALUES;
    values.truncate(CompletionInfo::MAX_VALUES);
    CompleteResult::new(CompletionInfo::with_pagination(values, None, more).unwrap_or_default())
}

fn text(value: Value) -> Option<String> {
    match value {
        Value::String(text) => Some(text),
        _ => None,
    }
}
