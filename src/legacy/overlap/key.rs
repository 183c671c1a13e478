//! What a record is compared by: the event and its payload, however an older recorder wrapped them.

use std::hash::Hasher;

use super::canonical;
use replayer_protocol::frame;
use replayer_protocol::line::{self, LineFormat};

/// Which rows of the store hold records of a kind.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Kind {
    /// Frames, in `ws_event`.
    Frame,
    /// Lines that are no frames (ticks of a recording, its markers, actions), in the kinds of rows that they become.
    Line,
}

/// What a record is compared by.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Key {
    /// Where it is looked for.
    pub kind: Kind,
    /// Of the event's name and its payload; of a line that is no frame, of the whole line.
    pub hash: u64,
    /// Of the event's name and the trace id, where there is one: all that is left of an event whose payload was lost.
    pub trace: Option<u64>,
    /// Whether the payload was lost, so that `hash` says nothing.
    pub is_lost: bool,
}

/// The key of a stored text or a record; `None` for what this program noted itself.
pub fn of(format: LineFormat, hint: Option<&str>, text: &str) -> Option<Key> {
    match format {
        LineFormat::System | LineFormat::Document | LineFormat::ReplayAction => None,
        LineFormat::Recording
        | LineFormat::RecorderSink
        | LineFormat::HistoryCollector
        | LineFormat::Demonstration
        | LineFormat::GameDocument => Some(of_line(text)),
        _ => Some(match line::inner(format, text) {
            Some(inner) => of_event(inner.format, inner.hint.as_deref().or(hint), &inner.text),
            None => of_event(format, hint, text),
        }),
    }
}

/// The key of a line that is no frame.
pub fn of_line(text: &str) -> Key {
    Key { kind: Kind::Line, hash: hash(&["line"], &[text]), trace: None, is_lost: false }
}

fn of_event(format: LineFormat, hint: Option<&str>, text: &str) -> Key {
    let event = line::decode(format, hint, text);
    let name = event.name.as_deref().unwrap_or("");
    let packet = event.packet.map_or("", frame::Packet::as_str);
    // With its name: an order and the trade it caused may share the trace id.
    let trace = event.traceparent.as_deref().map(|trace| hash(&["trace", packet, name], &[trace]));
    let is_lost = event.payload.is_none() && trace.is_some();
    let more = if format == LineFormat::Wire { further_arguments(text) } else { Vec::new() };
    let payload = event.payload.map(|payload| payload.get());
    let parts: Vec<&str> = payload.into_iter().chain(more.iter().map(String::as_str)).collect();
    // A text that is no frame is compared as it is, and so is an exported row that has no frame in it.
    let is_row = event.packet.is_none() || format == LineFormat::ExportedRow;
    let parts = if is_row && event.payload.is_none() { vec![text] } else { parts };
    Key { kind: Kind::Frame, hash: hash(&[packet, name], &parts), trace, is_lost }
}

fn hash(names: &[&str], json: &[&str]) -> u64 {
    // Its keys are fixed, and it is never stored.
    let mut hasher = std::hash::DefaultHasher::new();
    for name in names {
        hasher.write(name.as_bytes());
        hasher.write_u8(0xFF);
    }
    for text in json {
        hasher.write_u64(canonical::digest(text));
    }
    hasher.finish()
}

/// Arguments behind the payload. Older recorders kept the payload only: an event that has more is another one.
fn further_arguments(text: &str) -> Vec<String> {
    // Nearly all events have one argument, and full packets are long: only what can have more is parsed again.
    let Ok(frame) = frame::parse(text) else { return Vec::new() };
    let first = 1 + usize::from(frame.traceparent.is_some());
    frame.args.iter().skip(first).map(|argument| argument.get().to_owned()).collect()
}

/// Whether a payload names something that the server gives one name only: the same payload is then the same event, even
/// where two clocks are minutes apart.
pub fn has_identity(text: &str) -> bool {
    let has = |needle: &[u8]| memchr::memmem::find(text.as_bytes(), needle).is_some();
    has(b"gameId") && (has(b"tickCount") || has(b"cooldownTimer") || has(b"tickIndex") || has(b"\"id\""))
        || has(b"\"timestamp\":")
}

/// The UTC day of the game that a text names (`"gameId":"20260115-…"`), microseconds of its beginning.
pub fn day_of_game(text: &str) -> Option<i64> {
    day_behind(text, "gameId")
}

/// The UTC day in the game's id behind this key.
pub fn day_behind(text: &str, key: &str) -> Option<i64> {
    let at = memchr::memmem::find(text.as_bytes(), key.as_bytes())? + key.len();
    let rest = text.get(at..)?.trim_start_matches(['\\', '"', ':', ' ']);
    let digits = rest.get(..9).filter(|digits| digits.ends_with('-'))?;
    let date = jiff::civil::Date::strptime("%Y%m%d-", digits).ok()?;
    Some(date.to_zoned(jiff::tz::TimeZone::UTC).ok()?.timestamp().as_microsecond())
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    fn key(format: LineFormat, text: &str) -> Key {
        of(format, None, text).unwrap()
    }

    #[test]
    fn the_envelope_of_an_older_recorder_is_no_difference() {
        let wire = key(LineFormat::Wire, r#"42["x",{"a":1,"b":"é"}]"#);
        let raw = key(
            LineFormat::RawCapture,
            r#"{"seq": 7, "ts": "2026-01-15T09:00:00", "event": "x", "data": {"a": 1.0, "b": "\u00e9"}}"#,
        );
        let sample =
            key(LineFormat::Sandbox, r#"{"timestamp": "x", "event_type": "x", "data": {"a": 1, "b": "é"}}"#);
        assert_eq!((wire.hash, wire.hash), (raw.hash, sample.hash));
        let traced = r#"42["x",{"__trace":true,"traceparent":"00-1-2-01"},{"a":1,"b":"é"}]"#;
        assert_eq!(key(LineFormat::Wire, traced).hash, wire.hash);
    }

    #[test]
    fn another_event_payload_or_argument_is_another_record() {
        let one = key(LineFormat::Wire, r#"42["x",{"a":1}]"#);
        for other in [r#"42["y",{"a":1}]"#, r#"42["x",{"a":2}]"#, r#"42["x",{"a":1},2]"#, r#"431[{"a":1}]"#, "2"] {
            assert_ne!(key(LineFormat::Wire, other).hash, one.hash, "{other}");
        }
    }

    #[test]
    fn of_an_event_whose_payload_was_lost_the_trace_is_left() {
        let whole = key(LineFormat::Wire, r#"42["x",{"__trace":true,"traceparent":"00-1-2-01"},{"a":1}]"#);
        let lost = key(
            LineFormat::CdpCapture,
            r#"{"event": "x", "data": {"__trace": true, "traceparent": "00-1-2-01"}, "direction": "received"}"#,
        );
        assert_eq!((lost.is_lost, whole.is_lost), (true, false));
        assert_eq!(lost.trace, whole.trace);
        assert!(lost.trace.is_some());
    }

    #[test]
    fn a_games_day_is_found_in_every_envelope() {
        let day = Some(1_768_435_200_000_000);
        assert_eq!(day_of_game(r#"42["x",{"gameId":"20260115-f21b0ef89d8ee5da"}]"#), day);
        assert_eq!(day_of_game(r#"{"data": {"gameId": "20260115-f21b0ef89d8ee5da"}}"#), day);
        assert_eq!(day_of_game(r#"{"gameId": null}"#), None);
    }
}
