//! Errors of cursors as an agent reads them: what happened, why, the exact next call.

use crate::replay::cursor::error::CursorError;
use crate::replay::cursor::shelf::ShelfError;
use crate::server::errors::ToolError;

/// The error for a call on the cursor `handle` (empty when it was to be opened).
pub fn tool_error(handle: &str, error: ShelfError) -> ToolError {
    match error {
        ShelfError::Unknown => ToolError::new(
            "The cursor is not there",
            format!("no cursor of this server has the handle {handle:?}"),
            r#"replay {"action": "list"}, or {"action": "open", "game_id": "…"}"#,
        ),
        ShelfError::Forgotten(known) => ToolError::new(
            if known.closed { "The cursor was closed" } else { "The cursor was forgotten" },
            match (known.closed, known.actions) {
                (true, _) => String::new(),
                (false, 0) => "sixteen cursors are kept, and it was the one longest unused".to_owned(),
                (false, actions) => format!(
                    "sixteen cursors are kept, and it was the one longest unused; the {actions} actions taken in it \
                     are gone with it"
                ),
            },
            again(&known.opened, &known.event_ref),
        ),
        ShelfError::Cursor(error) => of_cursor(handle, &error),
    }
}

/// The call that opens a cursor at a place.
pub fn again(opened: &str, event_ref: &str) -> String {
    format!(r#"replay {{"action": "open", {opened}, "ref": "{event_ref}"}}"#)
}

fn of_cursor(handle: &str, error: &CursorError) -> ToolError {
    let opened = !handle.is_empty();
    let what = if opened { "The cursor stayed where it was" } else { "No cursor was opened" };
    let here = |rest: &str| format!(r#"replay {{"action": {rest}, "cursor": "{handle}"}}"#);
    let next = match error {
        CursorError::UnknownGame { nearest, .. } => match nearest.first() {
            Some(id) => format!(r#"replay {{"action": "open", "game_id": "{id}"}}; get_game {{}} lists all"#),
            None => "capture {} says whether anything is being recorded".to_owned(),
        },
        CursorError::HistoryOnly { game_id } => format!(r#"get_game {{"game_id": "{game_id}"}} has its prices"#),
        CursorError::NotInSession { game_id, sessions, .. } => format!(
            r#"replay {{"action": "open", "game_id": "{game_id}", "session_id": "{}"}}"#,
            sessions.first().map_or("", String::as_str)
        ),
        CursorError::UnknownSession { newest, .. } => match newest.first() {
            Some(id) => format!(r#"replay {{"action": "open", "session_id": "{id}"}}"#),
            None => "capture {} says whether anything is being recorded".to_owned(),
        },
        CursorError::NothingThen { recorded: Some((from, to)), .. } => {
            format!(r#"replay {{"action": "open", "from": "{from}", "to": "{to}"}}"#)
        }
        CursorError::NothingThen { recorded: None, .. } => {
            "capture {} says whether anything is being recorded".to_owned()
        }
        CursorError::TooMuch(_) => {
            r#"replay {"action": "open", "from": "…", "to": "…"} with a shorter time"#.into()
        }
        CursorError::NoTick { nearest, recorded, .. } => {
            let near = nearest.0.or(nearest.1).or(recorded.map(|(first, _)| first));
            match near.filter(|_| opened) {
                Some(tick) => here(&format!(r#""seek", "tick": {tick}"#)),
                None => "the same call without tick".to_owned(),
            }
        }
        CursorError::Outside { .. } if opened => here(r#""seek", "place": "start""#),
        CursorError::Outside { .. } => "the same call without the place".to_owned(),
        CursorError::NotAgain { .. } if opened => {
            format!("{}, then the same call looks from there on", here(r#""seek", "place": "start""#))
        }
        CursorError::NotAgain { .. } => "the same call without the place".to_owned(),
        CursorError::Condition(_) => here(r#""run", "until": {"price_above": 2}"#),
        CursorError::Refused(_) if opened => here(r#""state""#),
        CursorError::Refused(_) => "get_game {} lists the recorded games".to_owned(),
        CursorError::Stopped => return ToolError::cancelled("the client asked for it, or the server stops"),
        CursorError::Store(_) => {
            "the same call again; `replayer doctor` checks the data root if it keeps failing".to_owned()
        }
    };
    ToolError::new(what, error.to_string(), next)
}
