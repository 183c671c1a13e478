//! The line formats of the older tools, one file each: how to recognise a line by its keys, and what its
//! envelope (time, direction) is. What *event* a line holds is not read here but by
//! [`replayer_protocol::line`], every time the stored line is looked at.

use std::borrow::Cow;

use super::fields::Fields;
use super::time::{Clock, Moment};
use replayer_protocol::line::LineFormat;
use replayer_store::record::{Direction, Source};

pub mod browser;
pub mod cdp;
pub mod demonstration;
pub mod exported;
pub mod game_document;
pub mod history;
pub mod notebook;
pub mod raw_capture;
pub mod recorder_sink;
pub mod recording;
pub mod samples;
pub mod sandbox;

/// What the file as a whole tells about its lines.
#[derive(Debug, Clone, Copy)]
pub struct Context<'c> {
    /// Reads local times.
    pub clock: &'c Clock,
    /// Whether the lines are the elements of one JSON array. The capture samples of December 2025 are, and
    /// theirs are the only `{seq, ts, event, data}` objects in UTC.
    pub array: bool,
    /// The event that bare payloads belong to.
    pub payload_event: Option<&'c str>,
}

/// The envelope of one line.
#[derive(Debug, Clone)]
pub struct Envelope<'a> {
    /// How the text is to be read.
    pub format: LineFormat,
    /// When it happened, where the line says so.
    pub moment: Option<Moment>,
    /// Which way it went, where the line or its format says so.
    pub direction: Option<Direction>,
    /// [`Source::Import`], or what an export of our own says.
    pub source: Source,
    /// Chrome's monotonic clock, seconds.
    pub source_clock: Option<f64>,
    /// The event's name, where the text does not carry it.
    pub hint: Option<Cow<'a, str>>,
    /// The socket, where an export of our own says so.
    pub socket_id: Option<Cow<'a, str>>,
    /// Where the original line lay in its own file, in a row of our own export.
    pub offset: Option<u64>,
    /// The text to store where it is not the line itself: the original line inside a row of our own export.
    pub text: Option<Cow<'a, str>>,
}

impl Envelope<'_> {
    /// An envelope that knows the format only.
    pub fn new(format: LineFormat) -> Envelope<'static> {
        Envelope {
            format,
            moment: None,
            direction: None,
            source: Source::Import,
            source_clock: None,
            hint: None,
            socket_id: None,
            offset: None,
            text: None,
        }
    }
}

/// Whether a line has the keys of a format.
type Test = fn(&Fields) -> bool;

/// The format of the line with these keys, `None` when no format has them.
///
/// The order matters where one format's keys include another's: the more particular is asked first.
pub fn recognise(fields: &Fields) -> Option<LineFormat> {
    let tests: [(Test, LineFormat); 13] = [
        (exported::recognises, LineFormat::ExportedRow),
        (demonstration::recognises, LineFormat::Demonstration),
        (browser::recognises, LineFormat::BrowserLog),
        (notebook::recognises, LineFormat::NotebookCapture),
        (samples::is_key_sample, LineFormat::KeySample),
        (cdp::recognises, LineFormat::CdpCapture),
        (raw_capture::recognises, LineFormat::RawCapture),
        (sandbox::recognises, LineFormat::Sandbox),
        (recording::recognises, LineFormat::Recording),
        (recorder_sink::recognises, LineFormat::RecorderSink),
        (history::recognises, LineFormat::HistoryCollector),
        (game_document::recognises, LineFormat::GameDocument),
        (raw_capture::recognises_wrapped, LineFormat::RawCapture),
    ];
    tests.into_iter().find(|(recognises, _)| recognises(fields)).map(|(_, format)| format)
}

/// The envelope of a line, `None` when no format has its keys.
pub fn read<'a>(fields: &Fields<'a>, context: &Context) -> Option<Envelope<'a>> {
    if context.payload_event.is_some() {
        return Some(Envelope::new(LineFormat::Payload));
    }
    Some(match recognise(fields)? {
        LineFormat::ExportedRow => exported::read(fields, context),
        LineFormat::Demonstration => demonstration::read(fields, context),
        LineFormat::BrowserLog => browser::read(fields, context),
        LineFormat::NotebookCapture => notebook::read(fields, context),
        LineFormat::KeySample => samples::read_key_sample(fields, context),
        LineFormat::CdpCapture => cdp::read(fields, context),
        LineFormat::RawCapture if context.array => cdp::read_sample(fields, context),
        LineFormat::RawCapture => raw_capture::read(fields, context),
        LineFormat::Sandbox => sandbox::read(fields, context),
        LineFormat::Recording => recording::read(fields, context),
        LineFormat::RecorderSink => recorder_sink::read(fields, context),
        LineFormat::HistoryCollector => history::read(fields, context),
        LineFormat::GameDocument => game_document::read(fields, context),
        format => Envelope::new(format),
    })
}

/// The keys with which a line of `format` can begin: where to look for whole objects in a damaged line.
pub fn first_keys(format: LineFormat) -> &'static [&'static str] {
    match format {
        LineFormat::Recording => &["type"],
        LineFormat::RawCapture | LineFormat::CdpCapture => &["seq"],
        LineFormat::Sandbox | LineFormat::BrowserLog => &["timestamp"],
        LineFormat::RecorderSink => &["_metadata", "game_id", "tick"],
        LineFormat::NotebookCapture => &["event_name"],
        LineFormat::Demonstration => &["_header", "_footer", "type", "action_id"],
        LineFormat::ExportedRow => &["ts", "doc_type"],
        LineFormat::HistoryCollector => &["id"],
        _ => &[],
    }
}

/// Whether a whole object found inside a damaged line of `format` is a line of that format.
pub fn accepts_recovered(format: LineFormat, text: &str) -> bool {
    let Ok(fields) = Fields::parse(text) else { return false };
    // A recording's values are never objects: one that holds an object has swallowed the next line.
    let whole = format != LineFormat::Recording || fields.is_flat();
    whole && recognise(&fields) == Some(format)
}

#[cfg(test)]
mod tests;
