//! The line formats, one file each behind one trait, [`Format`], and registered in one table, [`FORMATS`]: how to
//! recognise a line by its keys, and what its envelope (time, direction) is. What *event* a line holds is not read here
//! but by [`replayer_protocol::line`], every time the stored line is looked at.
//!
//! Formats of this program's and its relatives' older recorders are stored line by line as they are. Of other programs'
//! lines the frame is stored ([`frames`], [`simulator`]), or the frame that event and arguments were ([`arguments`]), made of
//! exact pieces of the line; of finished games the entry of a history ([`finished`]). [`names`] knows how these parts are
//! called; [`text`] reads lines that are no JSON, [`mapped`] those that the user described.

use std::borrow::Cow;

use super::fields::Fields;
use super::state::FileState;
use super::time::{Clock, Moment};
use replayer_protocol::line::LineFormat;
use replayer_store::record::{Direction, Source};

pub mod arguments;
pub mod browser;
pub mod cdp;
pub mod demonstration;
pub mod exported;
pub mod finished;
pub mod frames;
pub mod game_document;
pub mod history;
pub mod mapped;
pub mod names;
pub mod notebook;
pub mod raw_capture;
pub mod recorder_sink;
pub mod recording;
pub mod rows;
pub mod samples;
pub mod sandbox;
pub mod simulator;
pub mod text;
pub mod tshark;

/// A format of lines.
pub trait Format: Sync {
    /// Its name in the report.
    fn name(&self) -> &'static str {
        self.stored().as_str()
    }
    /// How its records are stored.
    fn stored(&self) -> LineFormat;
    /// The keys of its lines, for a sentence.
    fn keys(&self) -> &'static [&'static str];
    /// Whether a line with these keys is one of its.
    fn recognises(&self, fields: &Fields) -> bool;
    /// Whether a line that it recognises can be nothing else. A line that only might be one of its is read, but does not
    /// decide what the file is.
    fn is_certain(&self, _fields: &Fields) -> bool {
        true
    }
    /// Reads a line that it recognises.
    fn read<'a>(&self, fields: &Fields<'a>, context: &Context) -> Taken<'a>;
    /// The keys with which a line can begin: where to look for whole objects in a damaged line.
    fn first_keys(&self) -> &'static [&'static str] {
        &[]
    }
    /// Whether an object found inside a damaged line is whole: one that holds an object may have swallowed the next line.
    fn is_whole(&self, _fields: &Fields) -> bool {
        true
    }
}

/// What is made of a line.
#[derive(Debug)]
pub enum Taken<'a> {
    /// A record.
    Record(Envelope<'a>),
    /// Several, of a line that holds several messages.
    Several(Vec<Taken<'a>>),
    /// A message of the socket that is no text, such as a binary one: counted by this name, its content is not kept.
    NoText(&'static str, Option<Moment>, Option<Direction>),
    /// Not of this game, or no traffic: counted under this reason, not kept.
    LeftOut(&'static str),
    /// Nothing can be made of it; why.
    Refused(String),
}

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
    /// What earlier lines of the file said.
    pub file: &'c FileState,
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
    /// The text to store where it is not the line itself: the frame in it, or the original line inside a row of our own
    /// export.
    pub text: Option<Cow<'a, str>>,
    /// Whether the line is a row of our own export, which says itself where its original lay.
    pub is_own_row: bool,
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
            is_own_row: false,
        }
    }

    /// The envelope of a frame: `text` is what is stored. Where nothing says which way it went, the frame itself does.
    pub fn frame(text: Cow<'_, str>) -> Envelope<'_> {
        Envelope {
            direction: names::direction_by_frame(&text),
            text: Some(text),
            ..Envelope::new(LineFormat::Wire)
        }
    }
}

/// Every format, in the order in which they are asked: where one's keys include another's, the more particular comes first.
pub static FORMATS: [&dyn Format; 20] = [
    &exported::Exported,
    &rows::EventRow,
    &simulator::ServerLog,
    &tshark::Tshark,
    &demonstration::Demonstration,
    &browser::BrowserLog,
    &notebook::NotebookCapture,
    &samples::KeySample,
    &frames::Frames,
    &arguments::GoldenHour,
    &cdp::CdpCapture,
    &raw_capture::RawCapture,
    &sandbox::Sandbox,
    &recording::Recording,
    &recorder_sink::RecorderSink,
    &history::HistoryCollector,
    &game_document::GameDocument,
    &finished::FinishedGame,
    &raw_capture::Wrapped,
    &arguments::EventLog,
];

/// The format of the line with these keys, `None` when no format has them.
pub fn recognise(fields: &Fields) -> Option<&'static dyn Format> {
    FORMATS.into_iter().find(|format| format.recognises(fields))
}

/// How a line of our own recorders' formats with these keys is stored.
pub fn line_format(fields: &Fields) -> Option<LineFormat> {
    recognise(fields).map(Format::stored)
}

/// The format that stores lines as this one does, and as they are.
pub fn of_lines(stored: LineFormat) -> Option<&'static dyn Format> {
    FORMATS.into_iter().find(|format| format.stored() == stored)
}

/// What is made of a line, `None` when no format has its keys.
pub fn read<'a>(fields: &Fields<'a>, context: &Context) -> Option<Taken<'a>> {
    if context.payload_event.is_some() {
        return Some(Taken::Record(Envelope::new(LineFormat::Payload)));
    }
    Some(recognise(fields)?.read(fields, context))
}

/// Whether a whole object found inside a damaged line of `format` is a line of that format.
pub fn accepts_recovered(format: &dyn Format, text: &str) -> bool {
    let Ok(fields) = Fields::parse(text) else { return false };
    format.is_whole(&fields) && recognise(&fields).is_some_and(|found| found.name() == format.name())
}

#[cfg(test)]
mod tests;
