//! Sandbox samples: `{timestamp, event_type, data}`, local time where it is no number, everything received.

use super::{Context, Envelope, Format, Taken};
use crate::fields::Fields;
use crate::time::{self, Zone};
use replayer_protocol::line::LineFormat;
use replayer_store::record::Direction;

/// Whether these are its keys.
pub fn recognises(fields: &Fields) -> bool {
    fields.text("event_type").is_some() && fields.has("data") && time::is_dated(fields)
}

/// The envelope.
pub fn read(fields: &Fields, context: &Context) -> Envelope<'static> {
    Envelope {
        moment: context.clock.of(fields, Zone::NewYork),
        direction: Some(Direction::Received),
        ..Envelope::new(LineFormat::Sandbox)
    }
}

/// Registered in [`super::FORMATS`].
#[derive(Debug)]
pub struct Sandbox;

impl Format for Sandbox {
    fn stored(&self) -> LineFormat {
        LineFormat::Sandbox
    }
    fn keys(&self) -> &'static [&'static str] {
        &["timestamp", "event_type", "data"]
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
