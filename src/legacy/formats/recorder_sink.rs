//! RecorderSink: `{_metadata}` as first and last line, between them ticks without `type`; local time.

use super::{Context, Envelope};
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
        moment: timestamp.and_then(|text| context.clock.read(&text, Zone::NewYork)),
        direction: is_tick(fields).then_some(Direction::Received),
        ..Envelope::new(LineFormat::RecorderSink)
    }
}
