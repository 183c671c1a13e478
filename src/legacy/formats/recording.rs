//! Per-game recordings of October and November 2025: `{type, timestamp, game_id, …}`, local time.

use super::{Context, Envelope, Format, Taken};
use crate::fields::Fields;
use crate::time::{self, Zone};
use replayer_protocol::line::LineFormat;
use replayer_store::record::Direction;

/// The kinds of lines that were found in recordings.
const KINDS: [&str; 6] = ["tick", "game_start", "game_end", "game_complete", "session_start", "session_end"];

/// Whether these are the keys of a recording's line: a tick, or the marker of a game's or session's edge.
pub fn recognises(fields: &Fields) -> bool {
    let Some(kind) = fields.text("type") else { return false };
    // Many programs log `{type, timestamp, …}`; a line of a kind unknown here must name its game.
    let ours = KINDS.contains(&kind.as_ref()) || fields.text("game_id").is_some();
    ours && time::is_dated(fields) && !fields.has("data")
}

/// The envelope: ticks came from the server, the markers are the recorder's own.
pub fn read(fields: &Fields, context: &Context) -> Envelope<'static> {
    Envelope {
        moment: context.clock.of(fields, Zone::NewYork),
        direction: (fields.text("type").as_deref() == Some("tick")).then_some(Direction::Received),
        ..Envelope::new(LineFormat::Recording)
    }
}

/// Registered in [`super::FORMATS`].
#[derive(Debug)]
pub struct Recording;

impl Format for Recording {
    fn stored(&self) -> LineFormat {
        LineFormat::Recording
    }
    fn keys(&self) -> &'static [&'static str] {
        &["type", "timestamp", "game_id", "tick", "price"]
    }
    fn recognises(&self, fields: &Fields) -> bool {
        recognises(fields)
    }
    fn read<'a>(&self, fields: &Fields<'a>, context: &Context) -> Taken<'a> {
        Taken::Record(read(fields, context))
    }
    fn first_keys(&self) -> &'static [&'static str] {
        &["type"]
    }
    /// A recording's values are never objects.
    fn is_whole(&self, fields: &Fields) -> bool {
        fields.is_flat()
    }
}
