//! `replayer://live`: the live state, the same as from `live_state`; clients that subscribe are told when it changes.

use std::sync::Arc;
use std::time::Duration;

use rmcp::model::{ErrorData, Resource};
use serde_json::json;

use crate::server::App;

/// Address.
pub const URI: &str = "replayer://live";

/// Subscribers are told of changes at most this often.
pub const TOLD_EVERY: Duration = Duration::from_secs(1);

/// As it is listed.
pub fn listed() -> Resource {
    Resource::new(URI, "live")
        .with_title("Live state")
        .with_description(
            "The running game, the logged-in account and the capture, each with its age. Subscribe to be told when \
             it changes, at most once a second.",
        )
        .with_mime_type("application/json")
}

/// The state as JSON.
///
/// # Errors
/// Internal error when the store cannot be read.
pub async fn read(app: &Arc<App>) -> Result<String, ErrorData> {
    let failed = |error: String| ErrorData::internal_error(error, None);
    let (snapshot, note) = app.live.snapshot(false).await.map_err(|error| failed(error.to_string()))?;
    let mut state = serde_json::to_value(snapshot).map_err(|error| failed(error.to_string()))?;
    if let (Some(note), Some(state)) = (note, state.as_object_mut()) {
        state.insert("note".into(), json!(note));
    }
    serde_json::to_string(&state).map_err(|error| failed(error.to_string()))
}
