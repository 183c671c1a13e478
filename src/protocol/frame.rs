//! Engine.IO v4 / Socket.IO v4 text frames, parsed without copying: every argument is a borrowed slice of
//! the frame's own text, never a re-serialised value.
//!
//! Grammar (`reference/protocol.md` section 1):
//!
//! ```text
//! 42["name",arg...]           event            42<id>["name",arg...]   event asking for an ack
//! 42/ns,<id>["name",...]      with namespace   43<id>[arg...]          ack (carries no event name)
//! 0{...} open   1 close   2 ping   3 pong   6 noop   40 connect   41 disconnect   44 connect error
//! ```

use std::borrow::Cow;

use serde_json::value::RawValue;

use super::json::{Value, object, skip, space};

/// What kind of packet a frame carries: the Engine.IO kinds, and for messages the Socket.IO kind.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Packet {
    /// Engine.IO `0`: the transport handshake with the session id and the heartbeat intervals.
    Open,
    /// Engine.IO `1`.
    Close,
    /// Engine.IO `2`, from the server.
    Ping,
    /// Engine.IO `3`, from the client.
    Pong,
    /// Engine.IO `5`.
    Upgrade,
    /// Engine.IO `6`.
    Noop,
    /// Socket.IO `40`.
    Connect,
    /// Socket.IO `41`.
    Disconnect,
    /// Socket.IO `42`.
    Event,
    /// Socket.IO `43`: the answer to an event that carried an id.
    Ack,
    /// Socket.IO `44`.
    ConnectError,
    /// Socket.IO `45`; its attachments are separate binary frames.
    BinaryEvent,
    /// Socket.IO `46`.
    BinaryAck,
}

impl Packet {
    /// The name stored in the `packet` column.
    pub fn as_str(self) -> &'static str {
        match self {
            Packet::Open => "open",
            Packet::Close => "close",
            Packet::Ping => "ping",
            Packet::Pong => "pong",
            Packet::Upgrade => "upgrade",
            Packet::Noop => "noop",
            Packet::Connect => "connect",
            Packet::Disconnect => "disconnect",
            Packet::Event => "event",
            Packet::Ack => "ack",
            Packet::ConnectError => "connect_error",
            Packet::BinaryEvent => "binary_event",
            Packet::BinaryAck => "binary_ack",
        }
    }
}

/// Why a text could not be read as a frame. The text is stored all the same, with this as its status.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum FrameError {
    /// The text does not follow the packet grammar at all.
    #[error("not an Engine.IO/Socket.IO frame")]
    Unparsed,
    /// The packet header is right, the JSON behind it is not.
    #[error("the frame's JSON is broken")]
    BrokenJson(Packet),
}

/// One parsed frame. All text is borrowed from the frame.
#[derive(Debug, Clone)]
pub struct Frame<'a> {
    /// The packet kind.
    pub packet: Packet,
    /// The Socket.IO namespace; `/` when the frame names none.
    pub namespace: &'a str,
    /// The ack id: on an event the id it wants answered, on an ack the id it answers.
    pub ack_id: Option<u64>,
    /// The event's name; acks and transport packets have none.
    pub event_name: Option<Cow<'a, str>>,
    /// Every argument after the name, in order, including the trace argument.
    pub args: Vec<&'a RawValue>,
    /// The `traceparent` of the trace argument, where the event has one.
    pub traceparent: Option<Cow<'a, str>>,
    /// The JSON of an open, connect or connect-error packet.
    pub data: Option<&'a RawValue>,
}

impl<'a> Frame<'a> {
    /// The event's payload: its first argument that is not the trace argument.
    pub fn payload(&self) -> Option<&'a RawValue> {
        let skip = usize::from(self.traceparent.is_some());
        self.args.get(skip).copied()
    }

    /// The 32 hexadecimal digits of the trace id (`00-<trace id>-<span id>-01`).
    pub fn trace_id(&self) -> Option<&str> {
        self.traceparent.as_deref().and_then(trace_id_of)
    }

    /// Whether the event consists of a name and a trace argument only: the payload was never sent, or an
    /// older recorder dropped it.
    pub fn is_trace_only(&self) -> bool {
        self.traceparent.is_some() && self.args.len() == 1
    }
}

/// The trace id inside a W3C `traceparent`, `None` when the text has another form.
pub fn trace_id_of(traceparent: &str) -> Option<&str> {
    let id = traceparent.split('-').nth(1)?;
    (id.len() == 32).then_some(id)
}

/// Reads one text frame.
///
/// # Errors
/// [`FrameError`] when the text is not a frame or its JSON is broken; the caller stores the text anyway.
pub fn parse(text: &str) -> Result<Frame<'_>, FrameError> {
    let (kind, rest) = split_first_char(text).ok_or(FrameError::Unparsed)?;
    match kind {
        '0' => with_data(Packet::Open, rest),
        '1' => bare(Packet::Close, rest),
        // `2probe` and `3probe` belong to the transport upgrade.
        '2' => bare(Packet::Ping, rest.strip_prefix("probe").unwrap_or(rest)),
        '3' => bare(Packet::Pong, rest.strip_prefix("probe").unwrap_or(rest)),
        '4' => message(rest),
        '5' => bare(Packet::Upgrade, rest),
        '6' => bare(Packet::Noop, rest),
        _ => Err(FrameError::Unparsed),
    }
}

fn message(text: &str) -> Result<Frame<'_>, FrameError> {
    let (kind, rest) = split_first_char(text).ok_or(FrameError::Unparsed)?;
    let packet = match kind {
        '0' => Packet::Connect,
        '1' => Packet::Disconnect,
        '2' => Packet::Event,
        '3' => Packet::Ack,
        '4' => Packet::ConnectError,
        '5' => Packet::BinaryEvent,
        '6' => Packet::BinaryAck,
        _ => return Err(FrameError::Unparsed),
    };
    let rest = match packet {
        // `45<attachments>-…`
        Packet::BinaryEvent | Packet::BinaryAck => {
            let (count, rest) = rest.split_once('-').ok_or(FrameError::Unparsed)?;
            let digits = !count.is_empty() && count.bytes().all(|b| b.is_ascii_digit());
            if !digits {
                return Err(FrameError::Unparsed);
            }
            rest
        }
        _ => rest,
    };
    let (namespace, rest) = namespace(packet, rest)?;
    let mut frame = match packet {
        Packet::Connect | Packet::ConnectError => with_data(packet, rest)?,
        Packet::Disconnect => bare(packet, rest)?,
        _ => arguments(packet, rest)?,
    };
    frame.namespace = namespace;
    Ok(frame)
}

/// Splits `/ns,` off; a namespace without its comma is only legal where nothing follows it.
fn namespace(packet: Packet, text: &str) -> Result<(&str, &str), FrameError> {
    if !text.starts_with('/') {
        return Ok(("/", text));
    }
    match text.split_once(',') {
        Some((namespace, rest)) => Ok((namespace, rest)),
        None if matches!(packet, Packet::Connect | Packet::Disconnect) => Ok((text, "")),
        None => Err(FrameError::Unparsed),
    }
}

fn arguments(packet: Packet, text: &str) -> Result<Frame<'_>, FrameError> {
    let digits = text.bytes().take_while(u8::is_ascii_digit).count();
    let (id, array) = text.split_at_checked(digits).ok_or(FrameError::Unparsed)?;
    let ack_id = match id {
        "" => None,
        id => Some(id.parse().map_err(|_| FrameError::Unparsed)?),
    };
    if !array.starts_with('[') {
        return Err(FrameError::Unparsed);
    }
    let broken = FrameError::BrokenJson(packet);
    let mut args: Vec<&RawValue> = serde_json::from_str(array).map_err(|_| broken)?;
    let mut event_name = None;
    if matches!(packet, Packet::Event | Packet::BinaryEvent) {
        if args.is_empty() {
            return Err(broken);
        }
        let name = args.remove(0);
        event_name = Some(string(name).ok_or(broken)?);
    }
    let traceparent = match event_name {
        Some(_) => args.first().and_then(|first| traceparent(first)),
        None => None,
    };
    Ok(Frame { ack_id, event_name, args, traceparent, ..empty(packet) })
}

/// Where the payload of a text frame begins, in bytes: the start of what [`Frame::payload`] gives for an event, of the first
/// argument of an ack. Reads no further than that; `None` where there is none, or the text is no frame.
pub fn payload_at(text: &[u8]) -> Option<usize> {
    let is_event = match text.get(..2)? {
        b"42" | b"45" => true,
        b"43" | b"46" => false,
        _ => return None,
    };
    let begin = memchr::memchr(b'[', text)?;
    let mut at = space(text, begin + 1);
    if is_event {
        at = next_argument(text, skip(text, at)?)?;
        // As in `traceparent`: a trace argument is short.
        let head = text.get(at..text.len().min(at + TRACE_BYTES)).unwrap_or_default();
        let may_trace = head.starts_with(b"{") && memchr::memmem::find(head, b"trace").is_some();
        let end = if may_trace { skip(text, at) } else { None };
        let argument = end.and_then(|end| serde_json::from_slice::<&RawValue>(text.get(at..end)?).ok());
        if argument.is_some_and(|argument| traceparent(argument).is_some()) {
            at = next_argument(text, end?)?;
        }
    }
    (text.get(at)? != &b']').then_some(at)
}

/// The argument behind the one that ends at `at`.
fn next_argument(text: &[u8], at: usize) -> Option<usize> {
    let comma = space(text, at);
    (text.get(comma)? == &b',').then(|| space(text, comma + 1))
}

/// A trace argument is about 100 bytes long; longer than this is none.
const TRACE_BYTES: usize = 512;

/// The `traceparent` when `arg` is a trace argument: an object with `__trace` or `traceparent`.
///
/// A trace argument without a readable `traceparent` still counts as one; its text is then empty.
pub fn traceparent(arg: &RawValue) -> Option<Cow<'_, str>> {
    object! {
        struct Trace<'t> {
            marker: Value<'t> = "__trace",
            traceparent: Cow<'t, str> = "traceparent",
        }
    }
    // No payload of a real event is parsed twice for this.
    let text = arg.get();
    if text.len() > TRACE_BYTES || !text.starts_with('{') {
        return None;
    }
    let trace = Trace::read(arg)?;
    if trace.marker.is_none() && trace.traceparent.is_none() && trace.unread == 0 {
        return None;
    }
    Some(trace.traceparent.unwrap_or(Cow::Borrowed("")))
}

/// A JSON string's value, borrowed where it holds no escapes; `None` for any other JSON value.
pub fn string(raw: &RawValue) -> Option<Cow<'_, str>> {
    Value::from(raw).string()
}

fn with_data(packet: Packet, text: &str) -> Result<Frame<'_>, FrameError> {
    if text.is_empty() {
        return Ok(empty(packet));
    }
    if !text.starts_with(['{', '"', '[']) {
        return Err(FrameError::Unparsed);
    }
    let data = serde_json::from_str(text).map_err(|_| FrameError::BrokenJson(packet))?;
    Ok(Frame { data: Some(data), ..empty(packet) })
}

fn bare(packet: Packet, rest: &str) -> Result<Frame<'_>, FrameError> {
    if rest.is_empty() { Ok(empty(packet)) } else { Err(FrameError::Unparsed) }
}

fn empty<'a>(packet: Packet) -> Frame<'a> {
    Frame {
        packet,
        namespace: "/",
        ack_id: None,
        event_name: None,
        args: Vec::new(),
        traceparent: None,
        data: None,
    }
}

fn split_first_char(text: &str) -> Option<(char, &str)> {
    let mut chars = text.chars();
    let first = chars.next()?;
    Some((first, chars.as_str()))
}

#[cfg(test)]
mod tests;
