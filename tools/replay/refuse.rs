//! Errors of cursors as an agent reads them: what happened, why, the exact next call.

use serde_json::Value;

use super::{Action, Args, ask, takes};
use crate::replay::account::{Action as Side, Refusal};
use crate::replay::cursor::error::{CursorError, Instead, Left};
use crate::replay::cursor::orders::RefusedOrder;
use crate::replay::cursor::registry::ShelfError;
use crate::server::errors::ToolError;

/// The error for a call on the cursor `handle` (empty when it was to be opened).
pub fn tool_error(args: &Args, handle: &str, error: ShelfError) -> ToolError {
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
        ShelfError::Cursor(error) => of_cursor(args, handle, &error),
    }
}

/// The call that opens a cursor at a place.
pub fn again(opened: &str, event_ref: &str) -> String {
    format!(r#"replay {{"action": "open", {opened}, "ref": "{event_ref}"}}"#)
}

/// Arguments that name a place.
const PLACES: [&str; 8] = ["tick", "time", "ref", "place", "phase", "event_name", "change", "since"];

fn of_cursor(args: &Args, handle: &str, error: &CursorError) -> ToolError {
    let opened = !handle.is_empty();
    let what = match error {
        CursorError::Order(_) => ask::undone(args),
        _ if opened => "The cursor stayed where it was",
        _ => "No cursor was opened",
    };
    let here = |rest: &str| here(handle, rest);
    let nowhere = || "capture {} says whether anything is being recorded".to_owned();
    let next = match error {
        CursorError::UnknownGame { nearest, .. } => match nearest.first() {
            Some(id) => format!(r#"replay {{"action": "open", "game_id": "{id}"}}; get_game {{}} lists all"#),
            None => nowhere(),
        },
        CursorError::HistoryOnly { game_id } => format!(r#"get_game {{"game_id": "{game_id}"}} has its prices"#),
        CursorError::NotInSession { game_id, sessions, .. } => format!(
            r#"replay {{"action": "open", "game_id": "{game_id}", "session_id": "{}"}}"#,
            sessions.first().map_or("", String::as_str)
        ),
        CursorError::UnknownSession { newest, .. } => match newest.first() {
            Some(id) => format!(r#"replay {{"action": "open", "session_id": "{id}"}}"#),
            None => nowhere(),
        },
        CursorError::NothingThen { recorded: Some((from, to)), .. } => {
            format!(r#"replay {{"action": "open", "from": "{from}", "to": "{to}"}}"#)
        }
        CursorError::NothingThen { recorded: None, .. } => nowhere(),
        CursorError::TooMuch(_) => {
            r#"replay {"action": "open", "from": "…", "to": "…"} with a shorter time"#.into()
        }
        CursorError::NoTick { game_id, nearest, recorded, .. } => {
            let near = nearest.0.or(nearest.1).or(recorded.map(|(first, _)| first));
            match near {
                // The tick is one of this game: without it, another game's would be meant.
                Some(tick) if opened => {
                    let with = [("tick", Value::from(tick)), ("game_id", game_id.as_str().into())];
                    takes::call(args, &[], &with)
                }
                Some(tick) => takes::call(args, &[], &[("tick", tick.into())]),
                None => takes::call(args, &["tick"], &[]),
            }
        }
        CursorError::Outside { instead: Instead::Game(game_id), .. } => {
            let tick = args.tick.map_or_else(String::new, |tick| format!(r#", "tick": {tick}"#));
            format!(r#"replay {{"action": "open", "game_id": "{game_id}"{tick}}}"#)
        }
        CursorError::Outside { instead, .. } => {
            let name = if args.action == Action::Diff { "since" } else { "place" };
            let place = if *instead == Instead::End { "end" } else { "start" };
            let mut without = PLACES.to_vec();
            // In a seek the game is a part of the place; in open it is what to open.
            without.extend((args.action == Action::Seek).then_some("game_id"));
            takes::call(args, &without, &[(name, place.into())])
        }
        // As far as it looked; neither more events nor more time can be had in one call.
        CursorError::NotAgain { left: Left::More, looked_at, .. } => {
            let step = here(&format!(r#""step", "n": {looked_at}, "by": "event""#));
            format!("{step}, then the same call looks on from there")
        }
        CursorError::NotAgain { left, from_start, game_id, .. } => {
            not_again(args, handle, *left, *from_start, game_id.as_deref())
        }
        CursorError::Condition(_) => here(r#""run", "until": {"price_above": 2}"#),
        CursorError::Order(refused) => order(handle, refused),
        CursorError::Refused(_) if opened => here(r#""state""#),
        CursorError::Refused(_) => "get_game {} lists the recorded games".to_owned(),
        CursorError::Stopped => return ToolError::cancelled("the client asked for it, or the server stops"),
        CursorError::Store(_) => {
            "the same call again; `replayer doctor` checks the data root if it keeps failing".to_owned()
        }
    };
    ToolError::new(what, error.to_string(), next)
}

fn here(handle: &str, rest: &str) -> String {
    format!(r#"replay {{"action": {rest}, "cursor": "{handle}"}}"#)
}

/// What is not found after a place may stand before it; what is not found from the start on is nowhere.
fn not_again(args: &Args, handle: &str, left: Left, from_start: bool, game_id: Option<&str>) -> String {
    if !from_start {
        return format!("{}, then the same call looks from there on", here(handle, r#""seek", "place": "start""#));
    }
    let so_far = if left == Left::StillRecording { " so far" } else { "" };
    let game = game_id.map_or_else(String::new, |game_id| format!(r#""game_id": "{game_id}""#));
    let next = if args.change.as_deref().map(str::trim) == Some("seed_revealed") {
        format!("get_game {{{game}}}: history_frame there is the frame that told the seed, where one was recorded")
    } else {
        let unknown = args.event_name.as_deref().and_then(|name| ask::unknown_event(name.trim()));
        let unknown = unknown.map_or_else(String::new, |unknown| format!("; {unknown}"));
        format!("get_game {{{game}}} shows what the recording has of the game{unknown}")
    };
    format!("{next}. Nothing of it is in the recording{so_far}, the start included")
}

/// The call that leads on from an order that was refused.
pub fn order(handle: &str, refused: &RefusedOrder) -> String {
    let act = |rest: &str| here(handle, &format!(r#""act", "side": {rest}"#));
    let amount = |side: Side, amount: &str| act(&format!(r#""{side}", "amount": "{amount}""#));
    let example = || match refused.action {
        Some(Side::Sell) => act(r#""SELL", "percentage": 0.25"#),
        Some(side) => amount(side, "0.01"),
        None => amount(Side::Buy, "0.01"),
    };
    let step = |ticks: u64| here(handle, &format!(r#""step", "n": {ticks}"#));
    let reset = || act(r#""RESET""#);
    match &refused.refusal {
        Refusal::UnknownAction(_)
        | Refusal::Incomplete { .. }
        | Refusal::InvalidAmount { .. }
        | Refusal::NotPositive(_)
        | Refusal::Unreasonable(_)
        | Refusal::BelowMinimum(_)
        | Refusal::AboveMaximum(_)
        | Refusal::InvalidPercentage(_) => example(),
        Refusal::NotActive(_)
        | Refusal::Rugged(_)
        | Refusal::Phase { .. }
        | Refusal::NoPrice { .. }
        | Refusal::NothingToReset => match &refused.open_at {
            Some(event_ref) => here(handle, &format!(r#""seek", "ref": "{event_ref}""#)),
            None => here(handle, r#""seek", "phase": "PRESALE""#),
        },
        Refusal::InsufficientBalance { .. } | Refusal::CannotOpen { .. } => {
            match (refused.action, refused.affordable) {
                (Some(side), Some(most)) => amount(side, &most.to_string()),
                _ => reset(),
            }
        }
        Refusal::NoPosition => amount(Side::Buy, "0.01"),
        Refusal::BetActive => refused.bet_ends_in.map_or_else(reset, step),
        Refusal::BetCooldown(ticks) => step(ticks.unsigned_abs()),
        Refusal::InvalidBalance(_) => reset(),
        Refusal::OutOfRange(_) => format!("{}, or {}", example(), reset()),
        Refusal::Reset(_) => reset(),
        Refusal::OtherGame { .. } => here(handle, r#""state""#),
    }
}
