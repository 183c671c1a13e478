//! Key samples (`{_meta, event_type, timestamp_ms, data}`) and files of bare payloads.

use super::{Context, Envelope, Format, Taken};
use crate::fields::Fields;
use crate::time::Zone;
use replayer_protocol::line::LineFormat;
use replayer_store::record::Direction;

/// Whether these are the keys of a key sample.
pub fn is_key_sample(fields: &Fields) -> bool {
    fields.text("event_type").is_some()
        && fields.has("data")
        && fields.has("timestamp_ms")
        && !fields.has("timestamp")
}

/// The envelope of a key sample.
pub fn read_key_sample(fields: &Fields, context: &Context) -> Envelope<'static> {
    Envelope {
        moment: context.clock.of(fields, Zone::Utc),
        direction: Some(Direction::Received),
        ..Envelope::new(LineFormat::KeySample)
    }
}

/// The event that a file of bare payloads holds: by the payload where it is unmistakable, else by the
/// file's name (`<event>_samples.json`, `<event>_schema_samples.json`).
pub fn payload_event(first: &Fields, file_name: &str) -> Option<String> {
    if first.has("rugpool") && first.has("gameId") {
        return Some("gameStatePlayerUpdate".to_owned());
    }
    let stem = file_name.strip_suffix(".json")?.strip_suffix("_samples")?;
    let event = stem.strip_suffix("_schema").unwrap_or(stem);
    let is_name = !event.is_empty() && event.bytes().all(|b| b.is_ascii_alphanumeric());
    is_name.then(|| event.to_owned())
}

/// Registered in [`super::FORMATS`].
#[derive(Debug)]
pub struct KeySample;

impl Format for KeySample {
    fn stored(&self) -> LineFormat {
        LineFormat::KeySample
    }
    fn keys(&self) -> &'static [&'static str] {
        &["event_type", "timestamp_ms", "data"]
    }
    fn recognises(&self, fields: &Fields) -> bool {
        is_key_sample(fields)
    }
    fn read<'a>(&self, fields: &Fields<'a>, context: &Context) -> Taken<'a> {
        Taken::Record(read_key_sample(fields, context))
    }
}
