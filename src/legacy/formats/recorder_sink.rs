//! RecorderSink: `{_metadata}` as first and last line, between them ticks without `type`; local time.

use super::{Context, Envelope, Format, Taken};
use crate::fields::Fields;
use crate::time::Zone;
use replayer_protocol::line::LineFormat;
use replayer_store::record::Direction;

/// Whether these are the keys of its ticks, its header or its footer.
pub fn recognises(fields: &Fields) -> bool {
    fields.has("_metadata") || (is_tick(fields) && !fields.has("type"))
}

fn is_tick(fields: &Fields) -> bool {
    fields.has("tick") && fields.has("price")
}

/// The envelope: the header is dated by its start, the footer by its end.
pub fn read(fields: &Fields, context: &Context) -> Envelope<'static> {
    let metadata = fields.object("_metadata");
    let of_metadata = |key| metadata.as_ref().and_then(|metadata| metadata.text(key));
    let timestamp =
        fields.text("timestamp").or_else(|| of_metadata("start_time")).or_else(|| of_metadata("end_time"));
    Envelope {
        moment: match timestamp {
            Some(text) => context.clock.read(&text, Zone::NewYork),
            None => super::names::moment(fields, context),
        },
        direction: is_tick(fields).then_some(Direction::Received),
        ..Envelope::new(LineFormat::RecorderSink)
    }
}

/// Registered in [`super::FORMATS`].
#[derive(Debug)]
pub struct RecorderSink;

impl Format for RecorderSink {
    fn stored(&self) -> LineFormat {
        LineFormat::RecorderSink
    }
    fn keys(&self) -> &'static [&'static str] {
        &["game_id", "tick", "timestamp", "price"]
    }
    fn recognises(&self, fields: &Fields) -> bool {
        recognises(fields)
    }
    fn read<'a>(&self, fields: &Fields<'a>, context: &Context) -> Taken<'a> {
        Taken::Record(read(fields, context))
    }
    fn first_keys(&self) -> &'static [&'static str] {
        &["_metadata", "game_id", "tick"]
    }
}
