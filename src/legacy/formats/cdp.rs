//! The Chrome capture: `{seq, ts, event, data, source, direction[, raw]}`, UTC; and samples cut out of such
//! captures: a JSON array of `{seq, ts, event, data}`, naive UTC.

use super::{Context, Envelope, Format, Taken};
use crate::fields::Fields;
use crate::time::Zone;
use replayer_protocol::line::LineFormat;
use replayer_store::record::Direction;

/// Whether the keys are a capture's with the ones that only Chrome's recorder wrote.
pub fn recognises(fields: &Fields) -> bool {
    let chrome = fields.has("direction") || fields.has("raw") || fields.has("source");
    fields.text("event").is_some() && fields.has("data") && chrome
}

/// The envelope of a captured line.
pub fn read(fields: &Fields, context: &Context) -> Envelope<'static> {
    Envelope {
        direction: match fields.text("direction").as_deref() {
            Some("received") => Some(Direction::Received),
            Some("sent") => Some(Direction::Sent),
            Some(_) => super::names::direction(fields),
            None => None,
        },
        ..read_sample(fields, context)
    }
}

/// The envelope of a sample, which does not say its direction.
pub fn read_sample(fields: &Fields, context: &Context) -> Envelope<'static> {
    Envelope { moment: context.clock.of(fields, Zone::Utc), ..Envelope::new(LineFormat::CdpCapture) }
}

/// Registered in [`super::FORMATS`].
#[derive(Debug)]
pub struct CdpCapture;

impl Format for CdpCapture {
    fn stored(&self) -> LineFormat {
        LineFormat::CdpCapture
    }
    fn keys(&self) -> &'static [&'static str] {
        &["seq", "ts", "event", "data", "direction"]
    }
    fn recognises(&self, fields: &Fields) -> bool {
        recognises(fields)
    }
    fn read<'a>(&self, fields: &Fields<'a>, context: &Context) -> Taken<'a> {
        Taken::Record(read(fields, context))
    }
    fn first_keys(&self) -> &'static [&'static str] {
        &["seq"]
    }
}
