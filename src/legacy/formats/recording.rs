//! Per-game recordings of October and November 2025: `{type, timestamp, game_id, …}`, local time.

use super::{Context, Envelope};
use crate::legacy::fields::Fields;
use crate::legacy::time::Zone;
use crate::protocol::line::LineFormat;
use crate::store::record::Direction;

/// Whether these are the keys of a recording's line: a tick, or the marker of a game's or session's edge.
pub fn recognises(fields: &Fields) -> bool {
    fields.text("type").is_some() && fields.text("timestamp").is_some() && !fields.has("data")
}

/// The envelope: ticks came from the server, the markers are the recorder's own.
pub fn read(fields: &Fields, context: &Context) -> Envelope<'static> {
    let timestamp = fields.text("timestamp");
    Envelope {
        moment: timestamp.and_then(|text| context.clock.read(&text, Zone::NewYork)),
        direction: (fields.text("type").as_deref() == Some("tick")).then_some(Direction::Received),
        ..Envelope::new(LineFormat::Recording)
    }
}
