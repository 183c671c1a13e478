//! What the arguments mean: what to open, where to go.

use super::{Args, Rules};
use crate::protocol::phase::Phase;
use crate::replay::account::Settings;
use crate::replay::cursor::Cursor;
use crate::replay::cursor::chapter::Covers;
use crate::replay::cursor::seek::{NOTES, Target};
use crate::server::errors::ToolError;

fn wrong(why: impl Into<String>, next: &str) -> ToolError {
    ToolError::new("The cursor was not moved", why, format!("replay {next}"))
}

/// A handle where one is needed.
pub fn handle(args: &Args) -> Result<&str, ToolError> {
    let given = args.cursor.as_deref().map(str::trim).filter(|handle| !handle.is_empty());
    given.ok_or_else(|| {
        wrong("cursor is missing: the handle that open answered", r#"{"action": "list"}, or open first"#)
    })
}

/// What to open.
pub fn covers(args: &Args) -> Result<Covers, ToolError> {
    let refuse = |why: &str| {
        Err(ToolError::new(
            "No cursor was opened",
            why,
            r#"replay {"action": "open", "game_id": "…"}; get_game {} lists the recorded games"#,
        ))
    };
    let session_id = args.session_id.as_deref().map(|id| id.trim().to_ascii_lowercase());
    let ranged = args.from.is_some() || args.to.is_some();
    match (&args.game_id, &args.games, ranged) {
        (Some(id), None, false) => Ok(Covers::Games { ids: vec![id.trim().to_owned()], session_id }),
        (None, Some(ids), false) if ids.is_empty() => refuse("games names no game"),
        (None, Some(ids), false) => {
            Ok(Covers::Games { ids: ids.iter().map(|id| id.trim().to_owned()).collect(), session_id })
        }
        (None, None, true) => {
            let (from_us, to_us) = (time(args.from.as_deref())?, time(args.to.as_deref())?);
            let (from_us, to_us) = (from_us.unwrap_or(i64::MIN), to_us.unwrap_or(i64::MAX));
            if from_us >= to_us {
                return refuse("from is not before to");
            }
            Ok(Covers::Range { from_us, to_us, session_id })
        }
        (None, None, false) => match session_id {
            Some(session_id) => Ok(Covers::Session(session_id)),
            None => refuse("nothing says what to open: give game_id, games, session_id, or from and to"),
        },
        _ => refuse("give one of game_id, games, or from and to"),
    }
}

fn time(text: Option<&str>) -> Result<Option<i64>, ToolError> {
    let Some(text) = text.map(str::trim).filter(|text| !text.is_empty()) else { return Ok(None) };
    let parsed = text.parse::<jiff::Timestamp>().map(|time| Some(time.as_microsecond()));
    parsed.map_err(|_| {
        wrong(
            format!("{text:?} is no time: write it like 2026-01-01T14:03:22Z"),
            r#"{"action": "seek", "cursor": "…", "time": "2026-01-01T14:03:22Z"}"#,
        )
    })
}

/// How the local account starts.
pub fn settings(args: &Args) -> Settings {
    let rules = match args.rules {
        None | Some(Rules::Right) => crate::replay::account::Rules::Right,
        Some(Rules::Legacy) => crate::replay::account::Rules::Legacy,
    };
    Settings { rules, ..Settings::default() }
}

/// Where to go; `None` when no place is named. With `opening`, game_id names what to open and not a place.
pub fn target(args: &Args, opening: bool) -> Result<Option<Target>, ToolError> {
    const EXAMPLE: &str = r#"{"action": "seek", "cursor": "…", "tick": 100}"#;
    let mut named: Vec<Target> = Vec::new();
    let game_id = args.game_id.as_deref().map(|id| id.trim().to_owned()).filter(|_| !opening);
    match (args.tick, &game_id) {
        (Some(tick), _) => named.push(Target::Tick { game_id, tick }),
        (None, Some(game_id)) => named.push(Target::Game(game_id.clone())),
        (None, None) => {}
    }
    named.extend(time(args.time.as_deref())?.map(Target::Time));
    if let Some(text) = args.event_ref.as_deref() {
        named.push(address(text)?);
    }
    match args.place.as_deref().map(str::trim) {
        None => {}
        Some("start") => named.push(Target::Start),
        Some("end") => named.push(Target::End),
        Some(other) => return Err(wrong(format!("place is {other:?}; it can be start or end"), EXAMPLE)),
    }
    if let Some(name) = args.phase.as_deref() {
        let phases = [Phase::Cooldown, Phase::Presale, Phase::Active, Phase::Rugged];
        let phase = phases.into_iter().find(|phase| phase.as_str().eq_ignore_ascii_case(name.trim()));
        named.push(Target::Phase(phase.ok_or_else(|| {
            wrong(format!("phase is {name:?}; it can be COOLDOWN, PRESALE, ACTIVE or RUGGED"), EXAMPLE)
        })?));
    }
    if let Some(name) = args.change.as_deref().map(str::trim) {
        if !NOTES.contains(&name) {
            return Err(wrong(format!("change is {name:?}; it can be {}", NOTES.join(", ")), EXAMPLE));
        }
        named.push(Target::Note(name.to_owned()));
    }
    named.extend(args.event_name.as_deref().map(|name| Target::Event(name.trim().to_owned())));
    if named.len() > 1 {
        return Err(wrong("several places are named; give one", EXAMPLE));
    }
    Ok(named.pop())
}

/// An event, `session:seq` or a seq of the current session.
pub fn address(text: &str) -> Result<Target, ToolError> {
    let text = text.trim();
    if let Ok(seq) = text.parse() {
        return Ok(Target::Seq(seq));
    }
    text.parse().map(Target::Ref).map_err(|_| {
        wrong(
            format!("{text:?} is no address: it is a session id and a number, like 0198c2a4-…:12"),
            r#"{"action": "seek", "cursor": "…", "ref": "<session_id>:<seq>"}"#,
        )
    })
}

/// The arguments that open a cursor again at its first event, JSON without the braces. They name the recording
/// that was chosen, so that another one that comes later changes nothing.
pub fn again(args: &Args, cursor: &Cursor) -> String {
    let mut parts = Vec::new();
    let mut text = |name: &str, value: &str| {
        parts.push(format!("\"{name}\": {}", serde_json::Value::from(value)));
    };
    match cursor.covers() {
        Covers::Games { ids, session_id } => {
            let chosen = cursor.outline().choices.first().map(|choice| choice.session_id.as_str());
            match ids.as_slice() {
                [id] => {
                    text("game_id", id);
                    chosen.into_iter().for_each(|session_id| text("session_id", session_id));
                }
                _ => {
                    session_id.iter().for_each(|session_id| text("session_id", session_id));
                    parts.push(format!("\"games\": {}", serde_json::Value::from(ids.clone())));
                }
            }
        }
        Covers::Session(session_id) => text("session_id", session_id),
        Covers::Range { session_id, .. } => {
            args.from.iter().for_each(|from| text("from", from));
            args.to.iter().for_each(|to| text("to", to));
            session_id.iter().for_each(|session_id| text("session_id", session_id));
        }
    }
    if args.rules == Some(Rules::Legacy) {
        parts.push("\"rules\": \"legacy\"".to_owned());
    }
    parts.join(", ")
}
