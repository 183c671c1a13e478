//! Rows that were exported as JSON: `{ts, doc_type, …, raw_json}`.
//!
//! A row of our own export (layout v2) says in which `format` its `raw_json` is. Such a row is taken apart
//! again: the original line is stored, with its own envelope, so that exporting and importing gives the
//! same rows. Rows of the older store are kept as they are.

use std::borrow::Cow;

use super::{Context, Envelope, Format, Taken};
use crate::fields::Fields;
use crate::time::Zone;
use replayer_protocol::line::LineFormat;
use replayer_store::record::{Direction, Source};

/// Whether these are the keys of an exported row.
pub fn recognises(fields: &Fields) -> bool {
    fields.text("doc_type").is_some() && fields.has("ts")
}

/// Whether the row is of our own export (layout v2): only its rows are numbered within their frame.
pub fn is_own(fields: &Fields) -> bool {
    recognises(fields) && fields.has("ordinal")
}

/// The envelope. Time stamps without a zone are UTC: the older store wrote `utcnow()`, data frame libraries
/// export numbers.
pub fn read<'a>(fields: &Fields<'a>, context: &Context) -> Envelope<'a> {
    let envelope = Envelope {
        moment: context.clock.among(fields, &["ts"], Zone::Utc),
        direction: match fields.text("direction").as_deref() {
            Some("received") => Some(Direction::Received),
            Some("sent") => Some(Direction::Sent),
            _ => None,
        },
        source: source_of(fields.text("source").as_deref()),
        ..Envelope::new(LineFormat::ExportedRow)
    };
    match original(fields) {
        Some((format, text)) => Envelope {
            format,
            hint: match format {
                LineFormat::System => fields.text("event_type"),
                LineFormat::Payload => fields.text("event_name"),
                _ => None,
            },
            socket_id: fields.text("socket_id"),
            source_clock: fields.number("source_clock"),
            offset: fields.number("import_offset").map(|offset| offset as u64),
            text: Some(text),
            is_own_row: true,
            ..envelope
        },
        None => envelope,
    }
}

/// The source that a row names; [`Source::Import`] where it names none. A copy of a store is not a second
/// source.
pub fn source_of(name: Option<&str>) -> Source {
    match name {
        Some("cdp") => Source::Cdp,
        Some("public_ws") => Source::PublicWs,
        Some("replay") => Source::Replay,
        Some("ui") => Source::Ui,
        _ => Source::Import,
    }
}

/// Format and text of the line that a row of our own export was made from, where the row holds all of it:
/// `None` for rows that were projected from a part of a frame.
fn original<'a>(fields: &Fields<'a>) -> Option<(LineFormat, Cow<'a, str>)> {
    if !is_own(fields) {
        return None;
    }
    let raw = fields.text("raw_json");
    let of_line = |raw: Option<Cow<'a, str>>, expected: &[LineFormat]| {
        let raw = raw?;
        let format = super::line_format(&Fields::parse(&raw).ok()?)?;
        expected.contains(&format).then_some((format, raw))
    };
    match fields.text("doc_type").as_deref()? {
        "ws_event" => Some((LineFormat::from_name(&fields.text("format")?)?, raw?)),
        "game_tick" if fields.text("tick_source").as_deref() == Some("recording") => {
            of_line(raw, &[LineFormat::Recording, LineFormat::RecorderSink])
        }
        "player_action" => of_line(raw, &[LineFormat::Demonstration]),
        "system_event" => match raw {
            Some(raw) if fields.text("event_type").as_deref() == Some("imported_document") => {
                Some((LineFormat::Document, raw))
            }
            Some(raw) => of_line(
                Some(raw),
                &[
                    LineFormat::Recording,
                    LineFormat::RecorderSink,
                    LineFormat::Demonstration,
                    LineFormat::HistoryCollector,
                    LineFormat::GameDocument,
                ],
            ),
            None => Some((LineFormat::System, fields.text("details")?)),
        },
        _ => None,
    }
}

/// Registered in [`super::FORMATS`].
#[derive(Debug)]
pub struct Exported;

impl Format for Exported {
    fn stored(&self) -> LineFormat {
        LineFormat::ExportedRow
    }
    fn keys(&self) -> &'static [&'static str] {
        &["ts", "doc_type", "raw_json"]
    }
    fn recognises(&self, fields: &Fields) -> bool {
        recognises(fields)
    }
    fn read<'a>(&self, fields: &Fields<'a>, context: &Context) -> Taken<'a> {
        Taken::Record(read(fields, context))
    }
    fn first_keys(&self) -> &'static [&'static str] {
        &["ts", "doc_type"]
    }
}
