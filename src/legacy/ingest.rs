//! Reads one file into a [`Target`] and counts what became of its lines.

use std::borrow::Cow;
use std::io::BufRead;

use serde_json::json;

use super::detect::{self, Document};
use super::error::LegacyError;
use super::fields::Fields;
use super::fold;
use super::formats::{self, Context, Envelope};
use super::lines::{Line, LineReader};
use super::recover::{self, Reason};
use super::report::{FileReport, NAMED_REJECTIONS, Rejection};
use super::target::Target;
use super::time::Clock;
use replayer_protocol::line::{self, FrameStatus, LineFormat, RecordingLine};
use replayer_protocol::reading;
use replayer_store::record::{Direction, Record, Source};

/// The `system_event` that keeps a rejected line.
pub const REJECTED: &str = "import_rejected";
/// The `system_event` that keeps a damaged line from which objects were recovered.
pub const DAMAGED: &str = "import_damaged_line";

/// What the name of a `system_event` of this program begins with in the counts, so that it is never taken for
/// an event of the game.
pub const OWN_EVENT: &str = "system:";

/// Why reading a file ended early.
#[derive(Debug, thiserror::Error)]
pub enum Interrupted {
    /// The file cannot be read on; the import goes on with the next.
    #[error("{0}")]
    File(#[from] std::io::Error),
    /// The target refused; the import ends.
    #[error(transparent)]
    Target(#[from] LegacyError),
}

/// One file on its way.
pub struct Ingest<'i, T> {
    /// Takes the records.
    pub target: &'i mut T,
    /// Reads local times.
    pub clock: &'i Clock,
    /// Counts.
    pub report: &'i mut FileReport,
    /// The format that most lines have: where damaged lines are searched for its objects.
    pub format: LineFormat,
    /// Called with the number of bytes read since the last call.
    pub progress: &'i dyn Fn(u64),
    /// The time of the record before: what a rejected line is dated by.
    neighbour: Option<i64>,
    /// Whether a frame of our own export was seen: rows projected from frames are not imported then.
    frames_seen: bool,
}

impl<'i, T: Target> Ingest<'i, T> {
    /// Begins with a file of which nothing was read.
    pub fn new(
        target: &'i mut T,
        clock: &'i Clock,
        report: &'i mut FileReport,
        format: LineFormat,
        progress: &'i dyn Fn(u64),
    ) -> Ingest<'i, T> {
        Ingest { target, clock, report, format, progress, neighbour: None, frames_seen: false }
    }

    /// Reads a file of lines.
    ///
    /// # Errors
    /// Those of the file and of the target.
    pub fn lines<R: BufRead>(&mut self, reader: &mut LineReader<R>) -> Result<(), Interrupted> {
        let mut place = None;
        while let Some(line) = reader.next_line()? {
            let end = line.offset + line.length;
            (self.progress)(end - place.unwrap_or(line.offset));
            place = Some(end);
            self.line(&line)?;
        }
        Ok(())
    }

    /// Reads a whole JSON document whose first byte lies at `offset`.
    ///
    /// # Errors
    /// Those of the target.
    pub fn document(&mut self, text: &str, offset: u64, document: &Document) -> Result<(), Interrupted> {
        match document {
            Document::Lines => self.array(text, offset, None),
            Document::Payloads(event) => self.array(text, offset, Some(event)),
            Document::Session => {
                let Ok(fields) = Fields::parse(text) else { return Ok(()) };
                if let Some(meta) = fields.get("meta") {
                    self.element(meta.get(), offset + place_in(text, meta.get()), None)?;
                }
                match fields.get("actions") {
                    Some(actions) => self.array(actions.get(), offset + place_in(text, actions.get()), None),
                    None => Ok(()),
                }
            }
            Document::Samples => {
                let Ok(fields) = Fields::parse(text) else { return Ok(()) };
                for (_, sample) in fields.iter() {
                    self.element(sample.get(), offset + place_in(text, sample.get()), None)?;
                }
                Ok(())
            }
            Document::Whole(LineFormat::Document) => {
                self.report.counts.lines += 1;
                self.report.counts.rows += 1;
                let envelope = Envelope::new(LineFormat::Document);
                Ok(self.push(&envelope, None, text, Some(offset))?)
            }
            Document::Whole(_) => self.element(text, offset, None),
            Document::Skip(_) => Ok(()),
        }
    }

    /// One row of a table, counted as a line; its text has no place in the file.
    ///
    /// # Errors
    /// Those of the target.
    pub fn row(&mut self, envelope: &Envelope<'_>, text: &str) -> Result<(), Interrupted> {
        self.report.counts.lines += 1;
        self.report.counts.rows += 1;
        Ok(self.push(envelope, None, text, None)?)
    }

    fn array(&mut self, text: &str, offset: u64, payload_event: Option<&str>) -> Result<(), Interrupted> {
        for element in detect::elements(text) {
            match element {
                Ok((at, element)) => self.element(element, offset + at as u64, payload_event)?,
                // The array is damaged from here on. What is left counts as one line.
                Err(at) if text.get(at..).is_some_and(|rest| !rest.trim_ascii().is_empty()) => {
                    let rest = text.get(at..).unwrap_or_default();
                    self.line(&Line {
                        number: self.report.counts.lines + 1,
                        offset: offset + at as u64,
                        bytes: rest.as_bytes(),
                        length: rest.len() as u64,
                        ended: false,
                    })?;
                }
                Err(_) => self.report.notes.push("the array is not closed; its elements are whole".into()),
            }
        }
        Ok(())
    }

    /// One element of a document, counted as a line.
    fn element(&mut self, text: &str, offset: u64, payload_event: Option<&str>) -> Result<(), Interrupted> {
        let context = Context { clock: self.clock, array: true, payload_event };
        self.report.counts.lines += 1;
        let number = self.report.counts.lines;
        let envelope = Fields::parse(text).ok().and_then(|fields| formats::read(&fields, &context));
        match envelope {
            Some(envelope) => {
                self.report.counts.rows += 1;
                Ok(self.push(&envelope, payload_event, text, Some(offset))?)
            }
            None => {
                let bytes = text.as_bytes();
                let line = Line { number, offset, bytes, length: bytes.len() as u64, ended: true };
                Ok(self.reject(&line, &recover::reason(bytes, true))?)
            }
        }
    }

    fn line(&mut self, line: &Line<'_>) -> Result<(), Interrupted> {
        self.report.counts.lines += 1;
        if line.is_too_long() {
            return Ok(self.reject(line, &Reason::TooLong(line.length))?);
        }
        let text = std::str::from_utf8(line.bytes).ok();
        let fields = text.and_then(|text| Fields::parse(text).ok());
        let Some((text, fields)) = text.zip(fields) else { return Ok(self.damaged(line)?) };
        let context = Context { clock: self.clock, array: false, payload_event: None };
        match formats::read(&fields, &context) {
            Some(envelope) if self.is_derived(&fields, &envelope) => {
                self.report.counts.rows += 1;
                self.report.counts.derived += 1;
                Ok(())
            }
            Some(envelope) => {
                self.report.counts.rows += 1;
                Ok(self.push(&envelope, None, text, Some(line.offset))?)
            }
            None => Ok(self.reject(line, &recover::reason(line.bytes, line.ended))?),
        }
    }

    /// Whether a row of our own export was projected from a frame that was in the same export: it comes back
    /// by projecting that frame again. Our export writes frames first.
    fn is_derived(&mut self, fields: &Fields, envelope: &Envelope) -> bool {
        if !formats::exported::is_own(fields) {
            return false;
        }
        if envelope.format != LineFormat::ExportedRow {
            let whole = matches!(envelope.format, LineFormat::HistoryCollector | LineFormat::GameDocument);
            self.frames_seen |= whole || fields.text("doc_type").as_deref() == Some("ws_event");
            return false;
        }
        self.frames_seen
    }

    /// A line that is no JSON object: whatever whole objects it holds are imported, else it is rejected.
    fn damaged(&mut self, line: &Line<'_>) -> Result<(), LegacyError> {
        let format = self.format;
        let found = recover::objects(line.bytes, formats::first_keys(format), |text| {
            formats::accepts_recovered(format, text)
        });
        let context = Context { clock: self.clock, array: false, payload_event: None };
        let mut records = 0;
        for range in &found {
            let text = line.bytes.get(range.clone()).and_then(|bytes| std::str::from_utf8(bytes).ok());
            let Some(text) = text else { continue };
            let Ok(fields) = Fields::parse(text) else { continue };
            let Some(envelope) = formats::read(&fields, &context) else { continue };
            self.push(&envelope, None, text, Some(line.offset + range.start as u64))?;
            records += 1;
        }
        if records == 0 {
            return self.reject(line, &recover::reason(line.bytes, line.ended));
        }
        self.report.counts.rows += 1;
        self.report.counts.damaged += 1;
        self.report.counts.extra_rows += records - 1;
        let whole: usize = found.iter().map(ExactSizeIterator::len).sum();
        let reason = format!("{records} whole objects, and {} bytes of fragments", line.bytes.len() - whole);
        self.keep(line, DAMAGED, &reason)
    }

    fn reject(&mut self, line: &Line<'_>, reason: &Reason) -> Result<(), LegacyError> {
        let reason = reason.to_string();
        self.report.counts.rejected += 1;
        self.keep(line, REJECTED, &reason)?;
        if self.report.rejections.len() < NAMED_REJECTIONS {
            self.report.rejections.push(Rejection { line: line.number, offset: line.offset, reason });
        }
        Ok(())
    }

    /// Keeps a line that is no record as a `system_event`: `{file, line, offset, reason, text, bytes}`, with
    /// the bytes in hexadecimal where the text cannot show them.
    fn keep(&mut self, line: &Line<'_>, event_type: &str, reason: &str) -> Result<(), LegacyError> {
        let text = String::from_utf8_lossy(line.bytes);
        let mut details = json!({
            "file": self.report.name,
            "line": line.number,
            "offset": line.offset,
            "reason": reason,
            "text": text,
            "bytes": line.length,
        });
        if let (Cow::Owned(_), Some(details)) = (&text, details.as_object_mut()) {
            let hex: String = line.bytes.iter().map(|byte| format!("{byte:02x}")).collect();
            details.insert("hex".to_owned(), hex.into());
        }
        self.target.push(&Record {
            seq: 0,
            ts: self.neighbour,
            source: Source::Import,
            direction: None,
            format: LineFormat::System,
            hint: Some(event_type),
            socket_id: None,
            offset: Some(line.offset),
            source_clock: None,
            text: &details.to_string(),
        })
    }

    fn push(
        &mut self,
        envelope: &Envelope<'_>,
        hint: Option<&str>,
        line: &str,
        offset: Option<u64>,
    ) -> Result<(), LegacyError> {
        let text = envelope.text.as_deref().unwrap_or(line);
        let hint = envelope.hint.as_deref().or(hint);
        self.target.dated(envelope.moment);
        let mut record = Record {
            seq: 0,
            ts: None,
            source: envelope.source,
            direction: envelope.direction,
            format: envelope.format,
            hint,
            socket_id: envelope.socket_id.as_deref(),
            offset: match envelope.text {
                Some(_) => envelope.offset,
                None => offset,
            },
            source_clock: envelope.source_clock,
            text,
        };
        let moment = envelope.moment.map(|moment| fold::resolve(moment, self.neighbour, &record));
        let ts = moment.map(|moment| moment.us).filter(|us| self.clock.is_possible(*us));
        let counts = &mut self.report.counts;
        counts.without_time += u64::from(moment.is_none());
        counts.doubtful_times += u64::from(moment.is_some_and(|moment| moment.doubt.is_some()));
        if let (Some(moment), None) = (moment, ts) {
            // It decides no day folder, no span and no prune; nothing of it is lost either.
            counts.impossible_times += 1;
            record.source_clock = record.source_clock.or(Some(moment.us as f64 / 1e6));
        }
        let (label, status) = label(envelope.format, hint, text, envelope.direction == Some(Direction::Sent));
        counts.payload_lost += u64::from(status == FrameStatus::PayloadLost);
        counts.value_unread += u64::from(matches!(status, FrameStatus::PayloadUnread | FrameStatus::ValueUnread));
        *self.report.events.entry(label).or_default() += 1;
        if let Some(ts) = ts {
            self.report.saw(ts);
            self.neighbour = Some(ts);
        }
        self.target.push(&Record { ts, ..record })
    }
}

/// Where `part` lies in `text`; both must be slices of the same text.
fn place_in(text: &str, part: &str) -> u64 {
    (part.as_ptr() as usize).saturating_sub(text.as_ptr() as usize) as u64
}

/// What the report counts a record as, and how well it can be read: the event's name, else the packet's kind; for what is
/// no event, the kind of the line.
pub fn label(format: LineFormat, hint: Option<&str>, text: &str, sent: bool) -> (String, FrameStatus) {
    let name = match format {
        LineFormat::Recording | LineFormat::RecorderSink => {
            let line = RecordingLine::read(text).unwrap_or_default();
            match line.kind {
                Some(kind) => kind.into_owned(),
                None if line.is_tick() => "tick".to_owned(),
                None => "marker".to_owned(),
            }
        }
        LineFormat::System => format!("{OWN_EVENT}{}", hint.unwrap_or_default()),
        LineFormat::Demonstration => "demonstration".to_owned(),
        LineFormat::HistoryCollector => "history_entry".to_owned(),
        LineFormat::GameDocument => "game_document".to_owned(),
        LineFormat::Document => "document".to_owned(),
        _ => return event_label(format, hint, text, sent),
    };
    (name, FrameStatus::Ok)
}

fn event_label(format: LineFormat, hint: Option<&str>, text: &str, sent: bool) -> (String, FrameStatus) {
    let inner = line::inner(format, text);
    let event = match &inner {
        Some(inner) => line::decode(inner.format, inner.hint.as_deref(), &inner.text),
        None => line::decode(format, hint, text),
    };
    let status = reading::of(&event, sent).status(event.status);
    let name = match (event.name, event.packet) {
        (Some(name), _) => name.into_owned(),
        (None, Some(packet)) => packet.as_str().to_owned(),
        (None, None) => event.status.as_str().to_owned(),
    };
    (name, status)
}
