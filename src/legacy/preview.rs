//! The first records of a file as they would be read: what a dry run shows.

use super::formats::Envelope;
use super::report::{Preview, rfc3339};
use replayer_protocol::json::Value;
use replayer_protocol::line::{self, LineFormat};
use replayer_store::record::Direction;

/// A record as a dry run shows it; `ts` is its time, microseconds UTC.
pub fn of(envelope: &Envelope<'_>, ts: Option<i64>, label: &str, hint: Option<&str>, text: &str) -> Preview {
    let inner = line::inner(envelope.format, text);
    let event = match &inner {
        Some(inner) => line::decode(inner.format, inner.hint.as_deref(), &inner.text),
        None => line::decode(envelope.format, hint, text),
    };
    let is_line = matches!(
        envelope.format,
        LineFormat::Recording
            | LineFormat::RecorderSink
            | LineFormat::HistoryCollector
            | LineFormat::Demonstration
    );
    let payload = match event.payload {
        Some(payload) => Some(Value::from(payload)),
        None if is_line => Some(Value::from(text)),
        None => None,
    };
    let first = |names: &[&str]| names.iter().find_map(|name| payload?.get(name));
    let is_entry = envelope.format == LineFormat::HistoryCollector;
    let games: &[&str] = if is_entry { &["id"] } else { &["gameId", "game_id"] };
    Preview {
        time: ts.and_then(rfc3339),
        direction: envelope.direction.map(Direction::as_str),
        event: label.to_owned(),
        game: first(games).and_then(Value::string).map(|game| game.into_owned()),
        tick: first(&["tickCount", "tickIndex", "tick"]).and_then(Value::integer),
    }
}
