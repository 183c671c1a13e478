//! Sandbox samples: `{timestamp, event_type, data}`, local time, everything received.

use super::{Context, Envelope};
use crate::fields::Fields;
use crate::time::Zone;
use replayer_protocol::line::LineFormat;
use replayer_store::record::Direction;

/// Whether these are its keys.
pub fn recognises(fields: &Fields) -> bool {
    fields.text("event_type").is_some() && fields.has("data") && fields.text("timestamp").is_some()
}

/// The envelope.
pub fn read(fields: &Fields, context: &Context) -> Envelope<'static> {
    Envelope {
        moment: fields.text("timestamp").and_then(|text| context.clock.read(&text, Zone::NewYork)),
        direction: Some(Direction::Received),
        ..Envelope::new(LineFormat::Sandbox)
    }
}
