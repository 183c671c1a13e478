//! What the arguments mean: what to open, where to go.

use serde_json::Value;

use super::{Action, Args, Rules, takes};
use crate::protocol::catalogue::catalogue;
use crate::protocol::phase::Phase;
use crate::replay::account::Settings;
use crate::replay::cursor::Cursor;
use crate::replay::cursor::game_span::Covers;
use crate::replay::cursor::seek::{NOTES, Target};
use crate::server::errors::ToolError;
use crate::verify::explore::nearest::nearest;

/// What a call that was refused did not do.
pub fn undone(args: &Args) -> &'static str {
    match args.action {
        Action::Open => "No cursor was opened",
        Action::Act => "Nothing was done",
        Action::Diff => "Nothing was compared",
        _ => "The cursor was not moved",
    }
}

/// An argument that cannot be used; `next` is the same call with `instead` in its place.
fn wrong(args: &Args, why: impl Into<String>, name: &str, instead: (&str, &str)) -> ToolError {
    let with = [(instead.0, Value::from(instead.1))];
    ToolError::new(undone(args), why, takes::call(args, &[name], &with))
}

/// A handle where one is needed.
pub fn handle(args: &Args) -> Result<&str, ToolError> {
    let given = args.cursor.as_deref().map(str::trim).filter(|handle| !handle.is_empty());
    given.ok_or_else(|| {
        let why = "cursor is missing: the handle that open answered";
        ToolError::new("Nothing was done", why, r#"replay {"action": "list"}, or open first"#)
    })
}

/// What to say of an event's name that the protocol does not have: the names near to it.
pub fn unknown_event(name: &str) -> Option<String> {
    if catalogue().event(name).is_some() {
        return None;
    }
    let near = nearest(name, catalogue().events.iter().map(|event| event.name.as_str()));
    Some(match near.as_slice() {
        [] => format!("the protocol has no event {name:?}"),
        near => format!("the protocol has no event {name:?}; near to it are {}", near.join(", ")),
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
            let (from_us, to_us) = (time(args, "from", &args.from)?, time(args, "to", &args.to)?);
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

fn time(args: &Args, name: &str, text: &Option<String>) -> Result<Option<i64>, ToolError> {
    const EXAMPLE: &str = "2026-01-01T14:03:22Z";
    let Some(text) = text.as_deref().map(str::trim).filter(|text| !text.is_empty()) else { return Ok(None) };
    let parsed = text.parse::<jiff::Timestamp>().map(|time| Some(time.as_microsecond()));
    parsed.map_err(|_| {
        wrong(args, format!("{name}: {text:?} is no time: write it like {EXAMPLE}"), name, (name, EXAMPLE))
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
    let mut named: Vec<(&str, Target)> = Vec::new();
    let game_id = args.game_id.as_deref().map(|id| id.trim().to_owned()).filter(|_| !opening);
    match (args.tick, &game_id) {
        (Some(tick), _) => named.push(("tick", Target::Tick { game_id, tick })),
        (None, Some(game_id)) => named.push(("game_id", Target::Game(game_id.clone()))),
        (None, None) => {}
    }
    named.extend(time(args, "time", &args.time)?.map(|us| ("time", Target::Time(us))));
    if let Some(text) = args.event_ref.as_deref() {
        named.push(("ref", address(args, "ref", text)?));
    }
    match args.place.as_deref().map(str::trim) {
        None => {}
        Some("start") => named.push(("place", Target::Start)),
        Some("end") => named.push(("place", Target::End)),
        Some(other) => {
            let why = format!("place is {other:?}; it can be start or end");
            return Err(wrong(args, why, "place", ("place", "start")));
        }
    }
    if let Some(name) = args.phase.as_deref() {
        let phases = [Phase::Cooldown, Phase::Presale, Phase::Active, Phase::Rugged];
        let phase = phases.into_iter().find(|phase| phase.as_str().eq_ignore_ascii_case(name.trim()));
        let phase = phase.ok_or_else(|| {
            let why = format!("phase is {name:?}; it can be COOLDOWN, PRESALE, ACTIVE or RUGGED");
            wrong(args, why, "phase", ("phase", "RUGGED"))
        })?;
        named.push(("phase", Target::Phase(phase)));
    }
    if let Some(name) = args.change.as_deref().map(str::trim) {
        if !NOTES.contains(&name) {
            let near = nearest(name, NOTES).into_iter().next();
            let near = near.as_deref().unwrap_or("game_rugged");
            let why = format!("change is {name:?}; it can be {}", NOTES.join(", "));
            return Err(wrong(args, why, "change", ("change", near)));
        }
        named.push(("change", Target::Note(name.to_owned())));
    }
    named.extend(args.event_name.as_deref().map(|name| ("event_name", Target::Event(name.trim().to_owned()))));
    if named.len() > 1 {
        let names: Vec<&str> = named.iter().map(|(name, _)| *name).collect();
        let others = names.get(1..).unwrap_or_default();
        let why = format!("several places are named ({}); give one", names.join(", "));
        return Err(ToolError::new(undone(args), why, takes::call(args, others, &[])));
    }
    Ok(named.pop().map(|(_, target)| target))
}

/// The other place of a comparison.
pub fn since(args: &Args) -> Result<Option<Target>, ToolError> {
    Ok(match args.since.as_deref().map(str::trim) {
        None => None,
        Some("start") => Some(Target::Start),
        Some("end") => Some(Target::End),
        Some(text) => Some(address(args, "since", text)?),
    })
}

/// An event, `session:seq` or a seq of the current session.
fn address(args: &Args, name: &str, text: &str) -> Result<Target, ToolError> {
    let text = text.trim();
    if let Ok(seq) = text.parse() {
        return Ok(Target::Seq(seq));
    }
    text.parse().map(Target::Ref).map_err(|_| {
        let why = format!("{name}: {text:?} is no address: it is a session id and a number, like 0198c2a4-…:12");
        let place = if name == "since" { "since" } else { "place" };
        wrong(args, why, name, (place, "start"))
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
