//! Events with their arguments, as bots and Socket.IO clients log them: `{event, args: […]}`, golden-hour files
//! (`{ts, ts_ms, event, data: [payload]}`), `{time, type: gameStateUpdate, payload: {…}}`.
//!
//! What is stored is the frame that they were, `42["event",argument…]`: every argument is an exact piece of the line.

use std::borrow::Cow;

use serde_json::value::RawValue;

use super::{Context, Envelope, Format, Taken, frames, names};
use crate::fields::Fields;
use replayer_protocol::line::LineFormat;
use replayer_protocol::{catalogue, frame};
use replayer_store::record::Direction;

/// Lines that have all arguments in a list, and so are no capture of one payload: golden-hour files, Socket.IO logs.
#[derive(Debug)]
pub struct GoldenHour;

impl Format for GoldenHour {
    fn name(&self) -> &'static str {
        "event_arguments"
    }
    fn stored(&self) -> LineFormat {
        LineFormat::Wire
    }
    fn keys(&self) -> &'static [&'static str] {
        &["ts", "ts_ms", "event", "args"]
    }
    fn recognises(&self, fields: &Fields) -> bool {
        let Some(event) = fields.get("event").and_then(frame::string) else { return false };
        if event.is_empty() {
            return false;
        }
        if let Some(args) = fields.get("args").or_else(|| fields.get("arguments")) {
            return args.get().starts_with('[') || names::json_of(args).is_some();
        }
        match fields.get("data") {
            // A recorder that numbers its lines wrote one argument as it is.
            Some(data) if data.get().starts_with('[') => {
                !fields.has("seq") && (fields.has("ts_ms") || first_is_object(data.get()))
            }
            Some(data) => data.get().starts_with('"') && names::json_of(data).is_some(),
            None => false,
        }
    }
    fn is_certain(&self, fields: &Fields) -> bool {
        fields.text("event").is_some_and(|event| is_of_the_game(&event))
    }
    fn read<'a>(&self, fields: &Fields<'a>, context: &Context) -> Taken<'a> {
        read(fields, context)
    }
}

/// Lines that name an event and hold its payload, in any of the usual names.
#[derive(Debug)]
pub struct EventLog;

impl Format for EventLog {
    fn name(&self) -> &'static str {
        "event_log"
    }
    fn stored(&self) -> LineFormat {
        LineFormat::Wire
    }
    fn keys(&self) -> &'static [&'static str] {
        &["time", "event", "payload"]
    }
    fn recognises(&self, fields: &Fields) -> bool {
        match arguments(fields) {
            Some((_, Arguments::Whole(_))) => true,
            Some((name, _)) => event_name(fields, name).is_some(),
            None => false,
        }
    }
    /// Many programs log `{type, data}`; the game's events have names of their own.
    fn is_certain(&self, fields: &Fields) -> bool {
        let name = match arguments(fields) {
            Some((_, Arguments::Whole(list))) => first_text(&list),
            Some((key, _)) => event_name(fields, key).map(Cow::into_owned),
            None => None,
        };
        name.is_some_and(|name| is_of_the_game(&name))
    }
    fn read<'a>(&self, fields: &Fields<'a>, context: &Context) -> Taken<'a> {
        read(fields, context)
    }
}

/// What a line has of an event's arguments.
enum Arguments<'a> {
    /// All of them, in a list.
    List(Cow<'a, str>),
    /// One.
    One(Cow<'a, str>),
    /// Name and arguments in one list.
    Whole(Cow<'a, str>),
}

fn arguments<'a>(fields: &Fields<'a>) -> Option<(&'static str, Arguments<'a>)> {
    for name in names::ARGUMENTS {
        let Some(value) = names::named(fields, name) else { continue };
        let Some(json) = names::json_of(value) else { continue };
        if json.starts_with('{') {
            return Some((name, Arguments::One(json)));
        }
        if event_name(fields, name).is_none() {
            if first_text(&json).is_some_and(|event| is_of_the_game(&event)) {
                return Some((name, Arguments::Whole(json)));
            }
            continue;
        }
        let is_list = name.starts_with("arg") || names::named(fields, "tsms").is_some() || first_is_object(&json);
        return Some((name, if is_list { Arguments::List(json) } else { Arguments::One(json) }));
    }
    None
}

/// The event's name; `arguments` is where its arguments are, and so not its name.
fn event_name<'a>(fields: &Fields<'a>, arguments: &str) -> Option<Cow<'a, str>> {
    let candidates = names::EVENTS.into_iter().filter(|name| *name != arguments);
    let texts = candidates.filter_map(|name| names::named(fields, name).and_then(frame::string));
    let mut texts = texts.filter(|text| !text.is_empty() && names::direction_of(text).is_none());
    texts.next()
}

fn read<'a>(fields: &Fields<'a>, context: &Context) -> Taken<'a> {
    let Some((key, arguments)) = arguments(fields) else {
        return Taken::Refused("an event without a payload".to_owned());
    };
    // Elsewhere than in a request, a number called `id` counts lines.
    let is_request = event_name(fields, key).is_some_and(|name| names::is_request(&name));
    let ids: &[&str] = if is_request { &["ackid", "ack", "id"] } else { &["ackid"] };
    let id = names::find(fields, ids).map(RawValue::get);
    let id = id.filter(|id| id.len() < 12 && !id.is_empty() && id.bytes().all(|byte| byte.is_ascii_digit()));
    let Some(text) = frame_of(fields, key, &arguments, id) else {
        return Taken::Refused("a payload without the name of its event".to_owned());
    };
    let said = names::direction(fields).or_else(|| said_by_the_name(fields));
    let envelope = Envelope::frame(Cow::Owned(text));
    Taken::Record(Envelope {
        moment: names::moment(fields, context),
        direction: said.or(envelope.direction),
        socket_id: frames::socket(fields),
        ..envelope
    })
}

/// Socket.IO clients log what they do as `emit` and what comes as `on`.
fn said_by_the_name(fields: &Fields) -> Option<Direction> {
    let word = names::text(fields, &["action", "type", "kind", "op", "method"])?;
    match word.as_ref() {
        "emit" | "EMIT" => Some(Direction::Sent),
        "on" | "ON" | "onevent" | "onAny" => Some(Direction::Received),
        _ => None,
    }
}

/// `42["name",argument…]` out of exact pieces of the line.
fn frame_of(fields: &Fields, key: &str, arguments: &Arguments, id: Option<&str>) -> Option<String> {
    let id = id.unwrap_or_default();
    if let Arguments::Whole(list) = arguments {
        return Some(format!("42{id}{list}"));
    }
    let name = event_name(fields, key)?;
    let name = serde_json::to_string(&name).ok()?;
    Some(match arguments {
        Arguments::One(payload) => format!("42{id}[{name},{payload}]"),
        Arguments::List(list) => {
            let inside = list.trim().strip_prefix('[')?.strip_suffix(']')?.trim();
            let comma = if inside.is_empty() { "" } else { "," };
            format!("42{id}[{name}{comma}{inside}]")
        }
        Arguments::Whole(_) => return None,
    })
}

fn first_is_object(list: &str) -> bool {
    list.strip_prefix('[').is_some_and(|inside| inside.trim_start().starts_with('{'))
}

/// The first element of a list, when it is a text.
fn first_text(list: &str) -> Option<String> {
    let list: Vec<&RawValue> = serde_json::from_str(list).ok()?;
    frame::string(list.first()?).map(Cow::into_owned)
}

/// Whether the game has an event of this name.
pub fn is_of_the_game(name: &str) -> bool {
    const FREQUENT: [&str; 5] =
        ["gameStateUpdate", "standard/newTrade", "newChatMessage", "newSideBet", "gameStatePlayerUpdate"];
    FREQUENT.contains(&name) || catalogue::catalogue().event(name).is_some()
}
