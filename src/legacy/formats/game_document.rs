//! `game.json` of the split and unified recorders: `{meta, prices}`, one whole game; naive UTC.

use super::{Context, Envelope, Format, Taken};
use crate::fields::Fields;
use crate::time::Zone;
use replayer_protocol::line::LineFormat;

/// Whether this is such a document.
pub fn recognises(fields: &Fields) -> bool {
    fields.object("meta").is_some_and(|meta| meta.has("game_id")) && fields.has("prices")
}

/// The envelope: the game is dated by its start.
pub fn read(fields: &Fields, context: &Context) -> Envelope<'static> {
    let meta = fields.object("meta");
    Envelope {
        moment: meta.and_then(|meta| context.clock.among(&meta, &["start_time"], Zone::Utc)),
        ..Envelope::new(LineFormat::GameDocument)
    }
}

/// Registered in [`super::FORMATS`].
#[derive(Debug)]
pub struct GameDocument;

impl Format for GameDocument {
    fn stored(&self) -> LineFormat {
        LineFormat::GameDocument
    }
    fn keys(&self) -> &'static [&'static str] {
        &["meta", "prices"]
    }
    fn recognises(&self, fields: &Fields) -> bool {
        recognises(fields)
    }
    fn read<'a>(&self, fields: &Fields<'a>, context: &Context) -> Taken<'a> {
        Taken::Record(read(fields, context))
    }
}
