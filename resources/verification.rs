//! `replayer://verification`: the marks in force, what waits for a decision, whether the log is whole.

use std::sync::Arc;

use rmcp::model::{ErrorData, Resource};
use serde_json::json;

use crate::server::App;
use crate::verify::log::now;
use crate::verify::reviews::queue::QueueFilter;

/// Address.
pub const URI: &str = "replayer://verification";

/// Rows of the queue that are shown.
const QUEUE: usize = 20;

/// As it is listed.
pub fn listed() -> Resource {
    Resource::new(URI, "verification")
        .with_title("What people decided about the protocol")
        .with_description(
            "The marks in force with their statements, corrections, evidence and badges; the beginning of the queue of \
             what waits for a decision; whether the log is whole. Subscribe to be told when something is proposed or \
             decided, or something novel came.",
        )
        .with_mime_type("application/json")
}

/// The marks and the queue as JSON.
///
/// # Errors
/// Internal error when the log or the store cannot be read.
pub async fn read(app: &Arc<App>) -> Result<String, ErrorData> {
    let failed = |error: String| ErrorData::internal_error(error, None);
    let reviews = Arc::clone(&app.reviews);
    let read = tokio::task::spawn_blocking(move || {
        let view = reviews.view()?;
        let queue = reviews.queue(&QueueFilter::default())?;
        let (total, shown) = (queue.len(), queue.into_iter().take(QUEUE).collect::<Vec<_>>());
        let marks: Vec<_> =
            view.state.rows(&now()).into_iter().filter(|row| row.get("mark_id").is_some()).collect();
        Ok::<_, crate::verify::reviews::ReviewError>(json!({
            "marks": marks,
            "queue": shown,
            "queue_total": total,
            "log": {"lines": view.tip.lines, "hash": view.tip.hash, "whole": view.broken.is_none(), "broken": view.broken},
            "next": "verify {\"action\": \"queue\"}; SELECT * FROM mark",
        }))
    });
    let state =
        read.await.map_err(|error| failed(error.to_string()))?.map_err(|error| failed(error.to_string()))?;
    serde_json::to_string(&state).map_err(|error| failed(error.to_string()))
}

/// How long the log is: when that changes, something was proposed or decided.
pub async fn version(app: &Arc<App>) -> u64 {
    let reviews = Arc::clone(&app.reviews);
    let length = tokio::task::spawn_blocking(move || reviews.log_length()).await;
    length.unwrap_or(0)
}
