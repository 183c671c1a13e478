//! The texts a store keeps, and what event each of them holds.
//!
//! A live recorder stores the frame itself. An import stores the line of the older file, byte for byte,
//! and says in which format it is: interpreting happens here, every time, so that a wrong interpretation
//! never costs the original (`reference/legacy-formats.md`).

use std::borrow::Cow;

use serde_json::value::RawValue;

use super::frame::{self, Frame, FrameError, Packet};
use super::json::{Value, object};

/// How a stored text is to be read; the `format` column.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[repr(u8)]
pub enum LineFormat {
    /// An Engine.IO/Socket.IO text frame.
    Wire = 0,
    /// The recorder's own `system_event`: the text is its JSON details.
    System = 1,
    /// `{seq, ts, event, data}`: `data` is the only argument, or an array of all of them.
    RawCapture = 2,
    /// `{seq, ts, event, data, source, direction[, raw]}`: `data` is the first argument only.
    CdpCapture = 3,
    /// `{timestamp, event_type, data}`, arguments as in [`LineFormat::RawCapture`].
    Sandbox = 4,
    /// One line of a 2025 per-game recording: `{type: tick | game_start | …}`.
    Recording = 5,
    /// A bare payload; the event's name stands beside it, not in it.
    Payload = 6,
    /// `{_metadata}`, or a tick without `type` (RecorderSink).
    RecorderSink = 7,
    /// `{timestamp, iso, type: INCOMING | OUTGOING, packet | event + args}` (browser console logger).
    BrowserLog = 8,
    /// `{event_name, data, raw, timestamp, captured_at}` (Jupyter); `raw` is the full frame.
    NotebookCapture = 9,
    /// One `gameHistory` entry with `collected_at` and `source`.
    HistoryCollector = 10,
    /// `{_header | _footer}` or an action of the demonstration recorders.
    Demonstration = 11,
    /// `{_meta, event_type, timestamp_ms, data}`: `data` is the last argument.
    KeySample = 12,
    /// `{ts, doc_type, …, raw_json}`: a row of an older Parquet or JSONL export.
    ExportedRow = 13,
    /// `{meta, prices}`: one whole game of the unified recorder.
    GameDocument = 14,
    /// A document about captures, not a capture.
    Document = 15,
    /// `{action, game_id, tick, price, amount, …}`: an action that was taken in a replay.
    ReplayAction = 16,
}

/// Every format, in the order of its number.
pub const ALL_FORMATS: [LineFormat; 17] = [
    LineFormat::Wire,
    LineFormat::System,
    LineFormat::RawCapture,
    LineFormat::CdpCapture,
    LineFormat::Sandbox,
    LineFormat::Recording,
    LineFormat::Payload,
    LineFormat::RecorderSink,
    LineFormat::BrowserLog,
    LineFormat::NotebookCapture,
    LineFormat::HistoryCollector,
    LineFormat::Demonstration,
    LineFormat::KeySample,
    LineFormat::ExportedRow,
    LineFormat::GameDocument,
    LineFormat::Document,
    LineFormat::ReplayAction,
];

impl LineFormat {
    /// The name stored in the `format` column.
    pub fn as_str(self) -> &'static str {
        match self {
            LineFormat::Wire => "wire",
            LineFormat::System => "system",
            LineFormat::RawCapture => "raw_capture",
            LineFormat::CdpCapture => "cdp_capture",
            LineFormat::Sandbox => "sandbox",
            LineFormat::Recording => "recording",
            LineFormat::Payload => "payload",
            LineFormat::RecorderSink => "recorder_sink",
            LineFormat::BrowserLog => "browser_log",
            LineFormat::NotebookCapture => "notebook_capture",
            LineFormat::HistoryCollector => "history_collector",
            LineFormat::Demonstration => "demonstration",
            LineFormat::KeySample => "key_sample",
            LineFormat::ExportedRow => "exported_row",
            LineFormat::GameDocument => "game_document",
            LineFormat::Document => "document",
            LineFormat::ReplayAction => "replay_action",
        }
    }

    /// The format with this number (as the journal writes it).
    pub fn from_u8(n: u8) -> Option<LineFormat> {
        ALL_FORMATS.get(usize::from(n)).copied()
    }

    /// The format with this name.
    pub fn from_name(name: &str) -> Option<LineFormat> {
        ALL_FORMATS.into_iter().find(|format| format.as_str() == name)
    }
}

/// How well a stored text could be read; the `frame` column.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FrameStatus {
    /// Read completely.
    Ok,
    /// Not a frame, or not a line of the format it was imported as.
    Unparsed,
    /// A frame whose JSON is broken.
    BrokenJson,
    /// An older recorder kept the trace argument and dropped the payload.
    PayloadLost,
    /// The payload is not the object that this event has: nothing was made of it.
    PayloadUnread,
    /// A value that rows are made of cannot be read (`1e400`, a list where a number belongs): it is NULL in its row, and
    /// every other value is there.
    ValueUnread,
}

impl FrameStatus {
    /// The name stored in the `frame` column.
    pub fn as_str(self) -> &'static str {
        match self {
            FrameStatus::Ok => "ok",
            FrameStatus::Unparsed => "unparsed",
            FrameStatus::BrokenJson => "broken_json",
            FrameStatus::PayloadLost => "payload_lost",
            FrameStatus::PayloadUnread => "payload_unread",
            FrameStatus::ValueUnread => "value_unread",
        }
    }
}

/// The event inside a stored text, borrowed from it.
#[derive(Debug, Clone)]
pub struct Event<'a> {
    /// How well the text could be read.
    pub status: FrameStatus,
    /// The packet kind; `None` where the text is no frame.
    pub packet: Option<Packet>,
    /// The event's name.
    pub name: Option<Cow<'a, str>>,
    /// The ack id.
    pub ack_id: Option<u64>,
    /// The `traceparent` of the trace argument.
    pub traceparent: Option<Cow<'a, str>>,
    /// The payload: the first argument that is not the trace argument.
    pub payload: Option<&'a RawValue>,
}

impl Event<'_> {
    fn unread(status: FrameStatus, packet: Option<Packet>) -> Event<'static> {
        Event { status, packet, name: None, ack_id: None, traceparent: None, payload: None }
    }

    /// The 32 hexadecimal digits of the trace id.
    pub fn trace_id(&self) -> Option<&str> {
        self.traceparent.as_deref().and_then(frame::trace_id_of)
    }
}

/// Reads the event in `text`. `hint` is the event's name where the text does not carry it.
///
/// A caller that wants the payload asks [`inner`] first.
///
/// Formats that hold no event (recordings, system events, documents) give an event without a name.
pub fn decode<'a>(format: LineFormat, hint: Option<&'a str>, text: &'a str) -> Event<'a> {
    match format {
        LineFormat::Wire => wire(text),
        LineFormat::RawCapture | LineFormat::CdpCapture | LineFormat::Sandbox | LineFormat::KeySample => {
            captured(format, text)
        }
        LineFormat::BrowserLog => browser(text),
        LineFormat::NotebookCapture => captured(format, text),
        LineFormat::ExportedRow => exported(text),
        LineFormat::Payload => payload(hint, text),
        LineFormat::System
        | LineFormat::Recording
        | LineFormat::RecorderSink
        | LineFormat::HistoryCollector
        | LineFormat::Demonstration
        | LineFormat::GameDocument
        | LineFormat::Document
        | LineFormat::ReplayAction => Event::unread(FrameStatus::Ok, None),
    }
}

/// A text that stands, escaped, inside a stored text and holds more than it: see [`inner`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Inner {
    /// How the text is to be read.
    pub format: LineFormat,
    /// The event's name where the text does not carry it.
    pub hint: Option<String>,
    /// The text, without the escapes.
    pub text: String,
}

/// The text to [`decode`] instead of `text`, where one stands inside it as a JSON string: the full frame
/// that some recorders kept as `raw` beside their own, poorer reading of it, and the payload that the older
/// store exported as a string. It cannot be borrowed, because of the escapes; `None` for all other texts.
pub fn inner(format: LineFormat, text: &str) -> Option<Inner> {
    object! {
        struct Strings<'t> {
            raw: Cow<'t, str> = "raw",
            raw_json: Cow<'t, str> = "raw_json",
            event_name: Cow<'t, str> = "event_name",
        }
    }
    let may_hold =
        matches!(format, LineFormat::CdpCapture | LineFormat::NotebookCapture | LineFormat::ExportedRow);
    if !may_hold || memchr::memmem::find(text.as_bytes(), b"\"raw").is_none() {
        return None;
    }
    let strings = Strings::read(json(text)?)?;
    let held = match format {
        LineFormat::ExportedRow => strings.raw_json,
        _ => strings.raw,
    };
    let text = held?.into_owned();
    if frame::parse(&text).is_ok() {
        return Some(Inner { format: LineFormat::Wire, hint: None, text });
    }
    let is_payload = format == LineFormat::ExportedRow && text.starts_with(['{', '[']);
    is_payload.then(|| Inner { format: LineFormat::Payload, hint: strings.event_name.map(Cow::into_owned), text })
}

/// Where the payload's JSON stands in a stored text: the text, or what stands escaped in it, and the first byte in it.
///
/// The payload is what [`decode`] (after [`inner`]) gives; the frame of the wire is read no further than to it. A text that
/// holds no event is all payload, as in the view `ws_event`.
pub fn payload_at<'t>(format: LineFormat, hint: Option<&str>, text: &'t str) -> Option<(Cow<'t, str>, usize)> {
    if format == LineFormat::Wire {
        if let Some(at) = frame::payload_at(text.as_bytes()) {
            return Some((Cow::Borrowed(text), at));
        }
        // What is neither event nor ack is short.
        return Some((Cow::Borrowed(frame::parse(text).ok()?.data?.get()), 0));
    }
    if let Some(inner) = inner(format, text) {
        let event = decode(inner.format, inner.hint.as_deref().or(hint), &inner.text);
        return Some((Cow::Owned(event.payload?.get().to_owned()), 0));
    }
    let event = decode(format, hint, text);
    match event.payload {
        Some(payload) => {
            let at = (payload.get().as_ptr() as usize).checked_sub(text.as_ptr() as usize)?;
            (at < text.len()).then_some((Cow::Borrowed(text), at))
        }
        None if event.packet.is_none() && event.status == FrameStatus::Ok => Some((Cow::Borrowed(text), 0)),
        None => None,
    }
}

fn wire(text: &str) -> Event<'_> {
    match frame::parse(text) {
        Ok(frame) => of_frame(frame),
        Err(FrameError::Unparsed) => Event::unread(FrameStatus::Unparsed, None),
        Err(FrameError::BrokenJson(packet)) => Event::unread(FrameStatus::BrokenJson, Some(packet)),
    }
}

fn of_frame(frame: Frame<'_>) -> Event<'_> {
    let payload = match frame.packet {
        Packet::Event | Packet::BinaryEvent => frame.payload(),
        Packet::Ack | Packet::BinaryAck => frame.args.first().copied(),
        _ => frame.data,
    };
    Event {
        status: FrameStatus::Ok,
        packet: Some(frame.packet),
        ack_id: frame.ack_id,
        payload,
        name: frame.event_name,
        traceparent: frame.traceparent,
    }
}

/// The text as one value, when it is JSON: what follows from here on does not check it again.
fn json(text: &str) -> Option<Value<'_>> {
    serde_json::from_str::<&RawValue>(text).ok().map(Value::from)
}

/// A value as the piece of JSON that it is.
fn raw(value: Value<'_>) -> Option<&RawValue> {
    serde_json::from_str(value.text()).ok()
}

/// The elements of a list as pieces of JSON; none where there is no list.
fn pieces(list: Option<Value<'_>>) -> Vec<&RawValue> {
    list.into_iter().flat_map(Value::elements).filter_map(raw).collect()
}

object! {
    /// The fields that the capture formats share, under their various names.
    struct CapturedLine<'t> {
        event: Cow<'t, str> = "event" | "event_type" | "event_name",
        data: Value<'t> = "data",
        raw: Cow<'t, str> = "raw",
    }
}

/// The event's fields, also of an event inside the wrappers that older buses put around it:
/// `{data: {event, …}}` and `{name, data: {data: {event, …}}}`.
fn captured_line(text: &str) -> Option<(CapturedLine<'_>, Cow<'_, str>)> {
    let mut value = json(text)?;
    for _ in 0..3 {
        let mut line = CapturedLine::read(value)?;
        if let Some(name) = line.event.take() {
            return Some((line, name));
        }
        value = line.data?;
    }
    None
}

fn captured(format: LineFormat, text: &str) -> Event<'_> {
    let Some((line, name)) = captured_line(text) else {
        return Event::unread(FrameStatus::Unparsed, None);
    };
    let data = line.data.and_then(raw);
    // The full frame, where the recorder kept it, outranks its own reading of it.
    if let Some(frame) = line.raw {
        if let Cow::Borrowed(frame) = frame {
            return wire(frame);
        }
        if let Some(event) = escaped_frame(&frame, data, &name) {
            return event;
        }
    }
    let packet = match name.as_ref() {
        "connect" if format == LineFormat::RawCapture => Packet::Connect,
        "disconnect" if format == LineFormat::RawCapture => Packet::Disconnect,
        "connect_error" if format == LineFormat::RawCapture => Packet::ConnectError,
        _ => Packet::Event,
    };
    let mut event = Event {
        status: FrameStatus::Ok,
        packet: Some(packet),
        name: Some(name),
        ack_id: None,
        traceparent: None,
        payload: None,
    };
    // Only these two wrote several arguments as one array; elsewhere an array is the argument itself.
    let wraps_arguments = matches!(format, LineFormat::RawCapture | LineFormat::Sandbox);
    match data {
        Some(data) if wraps_arguments && data.get().starts_with('[') => {
            let arguments: Vec<&RawValue> = serde_json::from_str(data.get()).unwrap_or_default();
            event.traceparent = arguments.first().and_then(|first| frame::traceparent(first));
            event.payload = match event.traceparent {
                Some(_) => arguments.get(1).copied(),
                // One argument that is an array looks the same as several; keep all of it.
                None => Some(data),
            };
        }
        Some(data) => match frame::traceparent(data) {
            Some(traceparent) => {
                event.traceparent = Some(traceparent);
                event.status = FrameStatus::PayloadLost;
            }
            None => event.payload = Some(data),
        },
        None => {}
    }
    event
}

/// A `raw` frame written as an escaped JSON string cannot be borrowed whole; its header is read from the
/// unescaped copy and the payload, when the recorder also kept it as `data`, from the line itself.
fn escaped_frame<'a>(raw: &str, data: Option<&'a RawValue>, name: &Cow<'a, str>) -> Option<Event<'a>> {
    let frame = frame::parse(raw).ok()?;
    let lost = frame.payload().is_some() && data.is_none_or(|data| frame::traceparent(data).is_some());
    Some(Event {
        status: if lost { FrameStatus::PayloadLost } else { FrameStatus::Ok },
        packet: Some(frame.packet),
        name: Some(name.clone()),
        ack_id: frame.ack_id,
        traceparent: frame.traceparent.map(|traceparent| Cow::Owned(traceparent.into_owned())),
        payload: data.filter(|data| data.get() != "null" && frame::traceparent(data).is_none()),
    })
}

fn browser(text: &str) -> Event<'_> {
    object! {
        struct Line<'t> {
            packet: PacketJson<'t> = "packet",
            event: Cow<'t, str> = "event",
            args: Value<'t> = "args",
        }
    }
    object! {
        struct PacketJson<'t> {
            data: Value<'t> = "data",
            id: i64 = "id",
            kind: i64 = "type",
        }
    }
    let Some(line) = json(text).and_then(Line::read) else {
        return Event::unread(FrameStatus::Unparsed, None);
    };
    let (name, arguments, ack_id, packet) = match line.packet {
        Some(packet) if packet.kind == Some(3) => (None, pieces(packet.data), packet.id, Packet::Ack),
        Some(packet) => {
            let mut data = pieces(packet.data);
            let name = if data.is_empty() { None } else { frame::string(data.remove(0)) };
            (name, data, packet.id, Packet::Event)
        }
        None => (line.event, pieces(line.args), None, Packet::Event),
    };
    let ack_id = ack_id.and_then(|id| u64::try_from(id).ok());
    let traceparent = arguments.first().and_then(|first| frame::traceparent(first));
    let payload = arguments.get(usize::from(traceparent.is_some())).copied();
    Event { status: FrameStatus::Ok, packet: Some(packet), name, ack_id, traceparent, payload }
}

fn exported(text: &str) -> Event<'_> {
    object! {
        struct Row<'t> {
            event_name: Cow<'t, str> = "event_name",
            raw_json: Value<'t> = "raw_json",
        }
    }
    let Some(row) = json(text).and_then(Row::read) else {
        return Event::unread(FrameStatus::Unparsed, None);
    };
    let mut event = Event::unread(FrameStatus::Ok, Some(Packet::Event));
    event.name = row.event_name;
    // The older store kept the payload as a JSON object or as a string of one; only the first can be borrowed.
    event.payload = row.raw_json.filter(|value| value.text().starts_with(['{', '['])).and_then(raw);
    event
}

fn payload<'a>(hint: Option<&'a str>, text: &'a str) -> Event<'a> {
    match serde_json::from_str::<&RawValue>(text) {
        Ok(raw) => Event {
            status: FrameStatus::Ok,
            packet: Some(Packet::Event),
            name: hint.map(Cow::Borrowed),
            ack_id: None,
            traceparent: None,
            payload: Some(raw),
        },
        Err(_) => Event::unread(FrameStatus::Unparsed, None),
    }
}

object! {
    /// One line of a per-game recording or of RecorderSink: the nine-field projection of a tick, or a marker.
    pub struct RecordingLine<'t> {
        /// `tick`, `game_start`, `game_end`, …; RecorderSink's ticks have none.
        pub kind: Cow<'t, str> = "type",
        /// The round.
        pub game_id: Cow<'t, str> = "game_id",
        /// Tick; 0 also where the packet carried none.
        pub tick: i64 = "tick",
        /// Price as written: `1.0` where the packet carried none, `1` where it said one.
        pub price: Value<'t> = "price",
        /// As on the wire, false when absent there.
        pub active: bool = "active",
        /// As on the wire, false when absent there.
        pub rugged: bool = "rugged",
        /// Milliseconds.
        pub cooldown_timer: f64 = "cooldown_timer",
        /// 0 also where the packet carried none.
        pub trade_count: i64 = "trade_count",
    }
}

impl RecordingLine<'_> {
    /// Whether the line is a tick.
    pub fn is_tick(&self) -> bool {
        match self.kind.as_deref() {
            Some(kind) => kind == "tick",
            None => self.tick.is_some() && self.price.is_some(),
        }
    }

    /// Whether price and tick are the recorder's defaults: the packet was a timer packet, which carries
    /// neither. The recorder wrote `1.0` then (some as text), and the server's own 1 is written `1`. The tick may be the one
    /// that a game stopped at before it.
    pub fn is_timer_packet(&self) -> bool {
        self.active != Some(true)
            && self.rugged != Some(true)
            && (self.tick == Some(0) || self.active == Some(false))
            && self.price.is_some_and(|price| price.text().trim_matches('"') == "1.0")
    }

    /// Whether the line is about the time before a game, whose price and tick are those that every game begins with: said by
    /// the recorder, or by the server's full packets.
    pub fn is_before_a_game(&self) -> bool {
        self.is_timer_packet()
            || (self.active == Some(false)
                && self.rugged == Some(false)
                && self.tick == Some(0)
                && self.price_value() == Some(1.0))
    }

    /// The price as a number, wherever it was written as one or as text.
    pub fn price_value(&self) -> Option<f64> {
        self.price?.number()
    }
}

#[cfg(test)]
mod tests;
