//! The error for a game that is not there, with the ids most like it; for every tool that takes a game's id.

use serde::Deserialize;
use serde_json::Value;
use tokio_util::sync::CancellationToken;

use crate::server::App;
use crate::server::errors::ToolError;
use crate::tools::ask;

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
    #[derive(Deserialize)]
    struct Near {
        game_id: String,
    }
    let nearest =
        "SELECT game_id FROM games ORDER BY jaro_winkler_similarity(game_id, $1) DESC, last_ts DESC LIMIT 3";
    let (near, _) = ask::records::<Near>(&app.sql, nearest, vec![Value::from(game_id)], 3, cancel).await?;
    let ids: Vec<String> = near.into_iter().map(|near| near.game_id).collect();
    let what = format!("There is no game {game_id:?}");
    Ok(match ids.first() {
        None => ToolError::new(what, "no games have been recorded or imported yet", r#"get_game {"limit": 5}"#),
        Some(first) => ToolError::new(
            what,
            format!("the ids most like it are {}", ids.join(", ")),
            format!(r#"{tool} {{"game_id": "{first}"}}, or get_game {{"limit": 20}} for the newest"#),
        ),
    })
}
