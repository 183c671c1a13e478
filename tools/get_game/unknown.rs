//! The error for a game that is not there, with the ids most like it; for every tool that takes a game's id.

use tokio_util::sync::CancellationToken;

use crate::server::App;
use crate::server::errors::ToolError;
use crate::sql::near;
use crate::tools::check_fairness::CheckFairness;
use crate::tools::{AgentTool, ask};

/// The error of the tool `tool`.
///
/// # Errors
/// When the store cannot be asked for other ids.
pub async fn unknown(
    app: &App,
    tool: &str,
    game_id: &str,
    cancel: &CancellationToken,
) -> Result<ToolError, ToolError> {
    let ids = near::games(&app.sql, game_id, cancel).await.map_err(|error| ask::failed(&error))?;
    let what = format!("There is no game {game_id:?}");
    let command = if tool == CheckFairness::NAME { "verify" } else { "show" };
    Ok(match ids.first() {
        None => ToolError::new(what, "no games have been recorded or imported yet", r#"get_game {"limit": 5}"#)
            .command("replayer game list"),
        Some(first) => ToolError::new(
            what,
            format!("the ids most like it are {}", ids.join(", ")),
            format!(r#"{tool} {{"game_id": "{first}"}}, or get_game {{"limit": 20}} for the newest"#),
        )
        .command(format!("`replayer game {command} {first}`, or `replayer game list` for the newest")),
    })
}
