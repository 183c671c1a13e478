//! The notebooks' Chrome capture: `{event_name, data, raw, timestamp, captured_at}`. `timestamp` is Chrome's
//! monotonic clock in seconds, `captured_at` local time. It does not say which way a frame went.

use super::{Context, Envelope, Format, Taken};
use crate::fields::Fields;
use crate::time::Zone;
use replayer_protocol::line::LineFormat;

/// Whether these are its keys.
pub fn recognises(fields: &Fields) -> bool {
    fields.text("event_name").is_some() && fields.has("captured_at") && (fields.has("raw") || fields.has("data"))
}

/// The envelope.
pub fn read(fields: &Fields, context: &Context) -> Envelope<'static> {
    Envelope {
        moment: context.clock.among(fields, &["captured_at"], Zone::NewYork),
        source_clock: fields.number("timestamp"),
        ..Envelope::new(LineFormat::NotebookCapture)
    }
}

/// Registered in [`super::FORMATS`].
#[derive(Debug)]
pub struct NotebookCapture;

impl Format for NotebookCapture {
    fn stored(&self) -> LineFormat {
        LineFormat::NotebookCapture
    }
    fn keys(&self) -> &'static [&'static str] {
        &["event_name", "data", "raw", "timestamp", "captured_at"]
    }
    fn recognises(&self, fields: &Fields) -> bool {
        recognises(fields)
    }
    fn read<'a>(&self, fields: &Fields<'a>, context: &Context) -> Taken<'a> {
        Taken::Record(read(fields, context))
    }
    fn first_keys(&self) -> &'static [&'static str] {
        &["event_name"]
    }
}
