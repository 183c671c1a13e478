//! The notebooks' game history collector: `gameHistory` entries with `collected_at` (local) and `source`.

use super::{Context, Envelope};
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
