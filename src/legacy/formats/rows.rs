//! Rows of frames without the kind of row beside them, as a query of our own tables gives them
//! (`SELECT * FROM ws_event`, by `export` or `export_dataset`): `{ts, direction, format, event_name, raw_json, …}`.

use std::borrow::Cow;

use super::{Context, Envelope, Format, Taken, exported, frames, names};
use crate::fields::Fields;
use replayer_protocol::line::LineFormat;

/// Registered in [`super::FORMATS`].
#[derive(Debug)]
pub struct EventRow;

impl Format for EventRow {
    fn name(&self) -> &'static str {
        "exported_row"
    }
    fn stored(&self) -> LineFormat {
        LineFormat::ExportedRow
    }
    fn keys(&self) -> &'static [&'static str] {
        &["ts", "direction", "format", "raw_json"]
    }
    fn recognises(&self, fields: &Fields) -> bool {
        let is_event = fields.has("event_name") || fields.text("format").is_some();
        fields.text("raw_json").is_some() && is_event && !fields.has("doc_type")
    }
    fn read<'a>(&self, fields: &Fields<'a>, context: &Context) -> Taken<'a> {
        let Some(text) = fields.text("raw_json") else {
            return Taken::Refused("a row without raw_json".to_owned());
        };
        let event_name = fields.text("event_name");
        let format = match fields.text("format").as_deref().and_then(LineFormat::from_name) {
            Some(format) => format,
            None if names::begins_like_a_frame(&text) => LineFormat::Wire,
            None if event_name.is_some() => LineFormat::Payload,
            None => return Taken::Refused("a row whose raw_json is no frame, and that names no event".to_owned()),
        };
        let hint = event_name.filter(|_| format == LineFormat::Payload);
        Taken::Record(Envelope {
            moment: names::moment(fields, context),
            direction: names::direction(fields),
            source: exported::source_of(fields.text("source").as_deref()),
            source_clock: fields.number("source_clock"),
            socket_id: frames::socket(fields),
            hint,
            offset: fields.number("import_offset").map(|offset| offset as u64),
            text: Some(Cow::Owned(text.into_owned())),
            is_own_row: true,
            ..Envelope::new(format)
        })
    }
}
