//! The notebooks' game history collector: `gameHistory` entries with `collected_at` (local) and `source`.

use super::{Context, Envelope, Format, Taken};
use crate::fields::Fields;
use crate::time::Zone;
use replayer_protocol::line::LineFormat;
use replayer_store::record::Direction;

/// Whether these are its keys.
pub fn recognises(fields: &Fields) -> bool {
    fields.has("collected_at") && fields.text("id").is_some()
}

/// The envelope: dated by the collecting; the end of the game stands in the entry itself.
pub fn read(fields: &Fields, context: &Context) -> Envelope<'static> {
    Envelope {
        moment: context.clock.among(fields, &["collected_at"], Zone::NewYork),
        direction: Some(Direction::Received),
        ..Envelope::new(LineFormat::HistoryCollector)
    }
}

/// Registered in [`super::FORMATS`].
#[derive(Debug)]
pub struct HistoryCollector;

impl Format for HistoryCollector {
    fn stored(&self) -> LineFormat {
        LineFormat::HistoryCollector
    }
    fn keys(&self) -> &'static [&'static str] {
        &["id", "prices", "collected_at"]
    }
    fn recognises(&self, fields: &Fields) -> bool {
        recognises(fields)
    }
    fn read<'a>(&self, fields: &Fields<'a>, context: &Context) -> Taken<'a> {
        Taken::Record(read(fields, context))
    }
    fn first_keys(&self) -> &'static [&'static str] {
        &["id"]
    }
}
