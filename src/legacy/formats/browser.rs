//! The browser console logger: a JSON array of `{timestamp, iso, type: INCOMING | OUTGOING, …}`, Unix
//! milliseconds. The only older format with every argument, ack ids and both directions.

use super::{Context, Envelope, Format, Taken};
use crate::fields::Fields;
use crate::time::Zone;
use replayer_protocol::line::LineFormat;
use replayer_store::record::Direction;

/// Whether these are its keys.
pub fn recognises(fields: &Fields) -> bool {
    matches!(fields.text("type").as_deref(), Some("INCOMING" | "OUTGOING"))
        && (fields.has("packet") || fields.has("event"))
}

/// The envelope.
pub fn read(fields: &Fields, context: &Context) -> Envelope<'static> {
    let sent = fields.text("type").as_deref() == Some("OUTGOING");
    Envelope {
        moment: context.clock.of(fields, Zone::Utc),
        direction: Some(if sent { Direction::Sent } else { Direction::Received }),
        ..Envelope::new(LineFormat::BrowserLog)
    }
}

/// Registered in [`super::FORMATS`].
#[derive(Debug)]
pub struct BrowserLog;

impl Format for BrowserLog {
    fn stored(&self) -> LineFormat {
        LineFormat::BrowserLog
    }
    fn keys(&self) -> &'static [&'static str] {
        &["timestamp", "iso", "type", "packet"]
    }
    fn recognises(&self, fields: &Fields) -> bool {
        recognises(fields)
    }
    fn read<'a>(&self, fields: &Fields<'a>, context: &Context) -> Taken<'a> {
        Taken::Record(read(fields, context))
    }
    fn first_keys(&self) -> &'static [&'static str] {
        &["timestamp"]
    }
}
