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
    let of_metadata =
        |metadata: &Fields| context.clock.among(metadata, &["start_time", "end_time"], Zone::NewYork);
    let moment = context.clock.of(fields, Zone::NewYork).or_else(|| metadata.as_ref().and_then(of_metadata));
    Envelope {
        moment,
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
