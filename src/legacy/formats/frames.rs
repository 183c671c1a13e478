//! Lines around a frame: `{ts, dir | direction | type, data | frame | payload | message}` in any of their usual names,
//! DevTools' messages (`{type: send | receive, time, opcode, data}`), mitmproxy's (`{from_client, content, timestamp}`),
//! and the events of Chrome's debugging protocol (`{method: Network.webSocketFrameReceived, params}`), as Puppeteer and
//! Playwright scripts write them down. The frame itself is stored.

use std::borrow::Cow;

use serde_json::value::RawValue;

use super::{Context, Envelope, Format, Taken, names};
use crate::fields::Fields;
use crate::hosts;
use crate::time::Moment;
use replayer_protocol::frame;
use replayer_protocol::line::LineFormat;
use replayer_store::record::Direction;

/// Registered in [`super::FORMATS`].
#[derive(Debug)]
pub struct Frames;

/// How deep objects around a frame are looked into.
const DEEPEST: u8 = 3;

/// Keys whose objects may hold the frame.
const AROUND: [&str; 13] = [
    "params",
    "response",
    "request",
    "msg",
    "message",
    "data",
    "payload",
    "frame",
    "event",
    "detail",
    "record",
    "fields",
    "websocket",
];

impl Format for Frames {
    fn name(&self) -> &'static str {
        "frames"
    }
    fn stored(&self) -> LineFormat {
        LineFormat::Wire
    }
    fn keys(&self) -> &'static [&'static str] {
        &["ts", "direction", "frame"]
    }
    fn recognises(&self, fields: &Fields) -> bool {
        is_debugging_event(fields) || opcode(fields).is_some() || locate(fields, 0).is_some()
    }
    /// A bare `2` or `40` may be anything.
    fn is_certain(&self, fields: &Fields) -> bool {
        locate(fields, 0).is_some_and(|frame| frame.get().len() > 10) || is_debugging_event(fields)
    }
    fn read<'a>(&self, fields: &Fields<'a>, context: &Context) -> Taken<'a> {
        if is_debugging_event(fields) {
            return debugging_event(fields, context);
        }
        let address = names::text(fields, &["url", "wsurl", "socketurl", "host"]);
        if address
            .is_some_and(|address| hosts::host_of(&address).is_some() && !context.file.hosts.has_address(&address))
        {
            return Taken::LeftOut("of another host's socket");
        }
        let moment = names::moment(fields, context).or_else(|| inner_moment(fields, context));
        let direction = names::direction(fields);
        if let Some(kind) = opcode(fields).and_then(no_text) {
            return Taken::NoText(kind, moment, direction);
        }
        let Some(value) = locate(fields, 0) else {
            return Taken::Refused("the message is no frame of Engine.IO or Socket.IO".to_owned());
        };
        of_frame(value, moment, direction, socket(fields))
    }
}

/// The record of a frame that is a JSON value: a text, or a number such as 2.
fn of_frame<'a>(
    value: &'a RawValue,
    moment: Option<Moment>,
    direction: Option<Direction>,
    socket_id: Option<Cow<'a, str>>,
) -> Taken<'a> {
    let text = frame::string(value).unwrap_or(Cow::Borrowed(value.get()));
    let text = match text {
        Cow::Borrowed(text) => Cow::Borrowed(text.trim()),
        Cow::Owned(text) => Cow::Owned(text.trim().to_owned()),
    };
    let envelope = Envelope::frame(text);
    Taken::Record(Envelope { moment, direction: direction.or(envelope.direction), socket_id, ..envelope })
}

/// The socket by any of its usual names.
pub fn socket<'a>(fields: &Fields<'a>) -> Option<Cow<'a, str>> {
    let value = names::find(fields, &names::SOCKETS)?;
    match value.get().as_bytes().first()? {
        b'"' => frame::string(value),
        b'0'..=b'9' => Some(Cow::Borrowed(value.get())),
        _ => None,
    }
}

/// The value that is the frame: the first of the usual names whose text begins like one, at the top or in an object there.
pub fn locate<'a>(fields: &Fields<'a>, depth: u8) -> Option<&'a RawValue> {
    // A recorder that kept its own reading and the frame beside it is one of the older formats.
    let has_reading =
        names::find(fields, &["event", "eventname"]).is_some() && names::named(fields, "data").is_some();
    let here = names::FRAMES
        .iter()
        .filter(|name| !(has_reading && **name == "raw"))
        .filter_map(|name| names::named(fields, name))
        .find(|value| is_frame(value) || (is_short_number(value) && names::direction(fields).is_some()));
    // Its payload is not searched: it is the largest part of a line.
    if here.is_some() || depth >= DEEPEST || has_reading {
        return here;
    }
    let inside = fields.iter().filter(|(key, value)| {
        value.get().starts_with('{') && AROUND.iter().any(|name| names::is_called(key, name))
    });
    inside.filter_map(|(_, value)| Fields::parse(value.get()).ok()).find_map(|inner| locate(&inner, depth + 1))
}

/// Whether a value is a text that begins like a frame. A frame's beginning has no escapes.
pub fn is_frame(value: &RawValue) -> bool {
    let text = value.get();
    text.strip_prefix('"')
        .and_then(|text| text.strip_suffix('"'))
        .is_some_and(|text| names::begins_like_a_frame(text.trim_start()))
}

fn is_short_number(value: &RawValue) -> bool {
    matches!(value.get(), "2" | "3" | "40" | "41")
}

/// The time of an object around the frame, where the line has none itself.
fn inner_moment(fields: &Fields, context: &Context) -> Option<Moment> {
    let inside = fields.iter().filter(|(_, value)| value.get().starts_with('{'));
    inside
        .filter_map(|(_, value)| Fields::parse(value.get()).ok())
        .find_map(|inner| names::moment(&inner, context))
}

/// The opcode of the message, where its recorder wrote one beside its content.
fn opcode(fields: &Fields) -> Option<i64> {
    let opcode = names::named(fields, "opcode")?.get().trim_matches('"').parse().ok();
    opcode.filter(|_| names::find(fields, &names::FRAMES).is_some() || names::direction(fields).is_some())
}

/// What a message that is no text is called.
pub fn no_text(opcode: i64) -> Option<&'static str> {
    match opcode {
        1 => None,
        0 => Some("continuation"),
        2 => Some("binary"),
        8 => Some("close"),
        9 => Some("ping"),
        10 => Some("pong"),
        -1 => Some("error"),
        _ => Some("unknown_opcode"),
    }
}

fn is_debugging_event(fields: &Fields) -> bool {
    let method = fields.get("method").map(RawValue::get);
    method.is_some_and(|method| method.starts_with("\"Network.webSocket")) && fields.has("params")
}

/// An event of Chrome's debugging protocol. Its `timestamp` counts from no date; the handshake tells both clocks.
fn debugging_event<'a>(fields: &Fields<'a>, context: &Context) -> Taken<'a> {
    let Some(params) = fields.object("params") else {
        return Taken::Refused("an event of the debugging protocol without an object in params".to_owned());
    };
    let socket = params.text("requestId");
    let monotonic = params.number("timestamp");
    if let Some((monotonic, wall)) = monotonic.zip(params.number("wallTime")) {
        context.file.saw_clock(monotonic, wall);
    }
    if let Some((socket, url)) = socket.as_deref().zip(params.text("url")) {
        context.file.opened(socket, context.file.hosts.has_address(&url));
    }
    let method = fields.text("method").unwrap_or_default();
    let Some(direction) = names::direction_of(&method) else {
        return Taken::LeftOut("the browser's notes on a socket (opened, closed, handshake)");
    };
    if socket.as_deref().and_then(|socket| context.file.is_ours(socket)) == Some(false) {
        return Taken::LeftOut("of another host's socket");
    }
    let moment = names::moment(fields, context).or_else(|| monotonic.and_then(|at| context.file.by_clock(at)));
    let Some(response) = params.object("response") else {
        return Taken::Refused("a frame of the debugging protocol without params.response".to_owned());
    };
    if let Some(kind) = response.number("opcode").and_then(|opcode| no_text(opcode as i64)) {
        return Taken::NoText(kind, moment, Some(direction));
    }
    match response.get("payloadData").filter(|value| is_frame(value)) {
        Some(value) => match of_frame(value, moment, Some(direction), socket) {
            Taken::Record(envelope) => Taken::Record(Envelope { source_clock: monotonic, ..envelope }),
            other => other,
        },
        None => Taken::Refused("params.response.payloadData is no frame of Engine.IO or Socket.IO".to_owned()),
    }
}
