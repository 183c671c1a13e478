//! Demonstrations: what a person did, recorded by the demo recorder (local time; press times are Unix
//! milliseconds) and by the unified recorder (`player.jsonl`, `*_demo.json`; naive UTC).
//!
//! They are actions in a desktop program, no traffic, and so have no direction. Lines are not in the order
//! of the presses; the time of each is its press.

use super::{Context, Envelope, Format, Taken};
use crate::fields::Fields;
use crate::time::{Moment, Zone, from_epoch_ms};
use replayer_protocol::line::LineFormat;

/// Whether these are the keys of an action, of a file's header or footer, or of a whole session.
pub fn recognises(fields: &Fields) -> bool {
    let session = |part| fields.object(part).is_some_and(|part| part.has("session_id"));
    fields.has("_header")
        || fields.has("_footer")
        || fields.has("action_id")
        || session("_metadata")
        || is_session_part(fields)
}

/// A trade of a session document's `actions`, or its `meta`.
fn is_session_part(fields: &Fields) -> bool {
    (fields.has("action") && fields.has("balance_after"))
        || (fields.has("session_start") && fields.has("player_id"))
}

/// The envelope. A unified recorder's line is told by its `drift_detected` or its place in a session.
pub fn read(fields: &Fields, context: &Context) -> Envelope<'static> {
    let pressed = fields.number("timestamp_pressed").or_else(|| fields.number("timestamp_pressed_ms"));
    let moment = match pressed.and_then(from_epoch_ms) {
        Some(us) => Some(Moment { us, doubt: None }),
        None => written_time(fields, context),
    };
    Envelope { moment, ..Envelope::new(LineFormat::Demonstration) }
}

fn written_time(fields: &Fields, context: &Context) -> Option<Moment> {
    let edge = ["_header", "_footer", "_metadata"].into_iter().find_map(|part| fields.object(part));
    if let Some(edge) = edge {
        return context.clock.among(&edge, &["start_time", "end_time"], Zone::NewYork);
    }
    context.clock.among(fields, &["timestamp", "session_start"], Zone::Utc)
}

/// Registered in [`super::FORMATS`].
#[derive(Debug)]
pub struct Demonstration;

impl Format for Demonstration {
    fn stored(&self) -> LineFormat {
        LineFormat::Demonstration
    }
    fn keys(&self) -> &'static [&'static str] {
        &["action_id", "category", "button", "timestamp_pressed"]
    }
    fn recognises(&self, fields: &Fields) -> bool {
        recognises(fields)
    }
    fn read<'a>(&self, fields: &Fields<'a>, context: &Context) -> Taken<'a> {
        Taken::Record(read(fields, context))
    }
    fn first_keys(&self) -> &'static [&'static str] {
        &["_header", "_footer", "type", "action_id"]
    }
}
