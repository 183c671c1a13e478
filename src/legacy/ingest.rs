//! Reads one file into a [`Target`] and counts what became of its lines.

use std::borrow::Cow;
use std::io::BufRead;

use serde_json::json;

use super::detect::{self, LineKind};
use super::documents;
use super::error::LegacyError;
use super::fields::Fields;
use super::fold;
use super::formats::{self, Context, Envelope, Taken, finished, mapped, text};
use super::lines::{Line, LineReader};
use super::recover::{self, Reason};
use super::report::{FileReport, NAMED_REJECTIONS, PREVIEWED, Rejection};
use super::secrets;
use super::state::FileState;
use super::target::Target;
use super::time::Clock;
use replayer_protocol::line::{self, FrameStatus, LineFormat, RecordingLine};
use replayer_protocol::reading;
use replayer_store::record::{Direction, Record, Source};

mod document;

/// The `system_event` that keeps a rejected line.
pub const REJECTED: &str = "import_rejected";
/// The `system_event` that keeps a damaged line from which objects were recovered.
pub const DAMAGED: &str = "import_damaged_line";
/// The `system_event` that keeps a comment.
pub const COMMENT: &str = "import_comment";
/// The `system_event` that names a message that is no text.
pub const UNREAD: &str = "import_message_unread";

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
    /// What earlier lines of the file said.
    pub state: &'i FileState,
    /// What most lines are: where damaged lines are searched for its objects.
    pub kind: LineKind,
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
        state: &'i FileState,
        kind: LineKind,
        progress: &'i dyn Fn(u64),
    ) -> Ingest<'i, T> {
        Ingest { target, clock, report, state, kind, progress, neighbour: None, frames_seen: false }
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

    /// One row of a table, counted as a line; its text has no place in the file.
    ///
    /// # Errors
    /// Those of the target.
    pub fn row(&mut self, envelope: &Envelope<'_>, text: &str) -> Result<(), Interrupted> {
        self.report.counts.lines += 1;
        self.report.counts.rows += 1;
        Ok(self.push(envelope, None, text, None)?)
    }

    /// One record that was made of something else than a line: a row of a table, a message of a capture.
    ///
    /// # Errors
    /// Those of the target.
    pub fn made(&mut self, text: &str, number: u64, offset: u64) -> Result<(), Interrupted> {
        self.report.counts.lines += 1;
        let line = Line { number, offset, bytes: text.as_bytes(), length: text.len() as u64, ended: true };
        self.value(text, &line, None, true)
    }

    /// Something of which no record can be made.
    ///
    /// # Errors
    /// Those of the target.
    pub fn refused(&mut self, reason: &str, number: u64, offset: u64) -> Result<(), Interrupted> {
        self.report.counts.lines += 1;
        let line = Line { number, offset, bytes: b"", length: 0, ended: true };
        self.take(Taken::Refused(reason.to_owned()), "", &line, None)
    }

    /// A message of a socket, read from its bytes.
    ///
    /// # Errors
    /// Those of the target.
    pub fn message(&mut self, taken: Taken<'_>, number: u64) -> Result<(), Interrupted> {
        self.report.counts.lines += 1;
        let line = Line { number, offset: 0, bytes: b"", length: 0, ended: true };
        self.take(taken, "", &line, None)
    }

    /// One element of a document, counted as a line.
    fn element(&mut self, text: &str, offset: u64, payload_event: Option<&str>) -> Result<(), Interrupted> {
        self.report.counts.lines += 1;
        let line = self.line_of(text, offset);
        self.value(text, &line, payload_event, true)
    }

    fn line_of<'t>(&self, text: &'t str, offset: u64) -> Line<'t> {
        let bytes = text.as_bytes();
        Line { number: self.report.counts.lines, offset, bytes, length: bytes.len() as u64, ended: true }
    }

    /// A JSON value that is a record, or holds a list of some; already counted.
    fn value(
        &mut self,
        text: &str,
        line: &Line<'_>,
        payload_event: Option<&str>,
        array: bool,
    ) -> Result<(), Interrupted> {
        let Ok(fields) = Fields::parse(text) else {
            let context = Context { clock: self.clock, array, payload_event, file: self.state };
            return match text::read_value(text, &context) {
                Some(taken) => self.take(taken, text, line, payload_event),
                None => Ok(self.reject(line, &recover::reason(line.bytes, line.ended))?),
            };
        };
        self.object(&fields, text, line, payload_event, array)
    }

    fn object(
        &mut self,
        fields: &Fields<'_>,
        text: &str,
        line: &Line<'_>,
        payload_event: Option<&str>,
        array: bool,
    ) -> Result<(), Interrupted> {
        match self.read(fields, payload_event, array) {
            Some(Taken::Record(envelope)) if self.is_derived(fields, &envelope) => {
                self.report.counts.rows += 1;
                self.report.counts.derived += 1;
                Ok(())
            }
            Some(taken) => self.take(taken, text, line, payload_event),
            None if documents::inside(fields).is_some() => {
                // The object is no record itself; its elements are counted.
                self.report.counts.lines -= 1;
                self.list_inside(fields, text, line.offset)
            }
            None => Ok(self.reject(line, &recover::reason(line.bytes, line.ended))?),
        }
    }

    fn read<'a>(&self, fields: &Fields<'a>, payload_event: Option<&str>, array: bool) -> Option<Taken<'a>> {
        let context = Context { clock: self.clock, array, payload_event, file: self.state };
        match &self.state.mapping {
            Some(mapping) => Some(mapped::read(fields, mapping, &context)),
            None => formats::read(fields, &context),
        }
    }

    fn line(&mut self, line: &Line<'_>) -> Result<(), Interrupted> {
        if line.is_too_long() {
            self.report.counts.lines += 1;
            return Ok(self.reject(line, &Reason::TooLong(line.length))?);
        }
        let Ok(whole) = std::str::from_utf8(line.bytes) else {
            self.report.counts.lines += 1;
            return Ok(self.damaged(line)?);
        };
        let text = whole.trim_matches(|c: char| c.is_ascii_whitespace() || c == '\u{FEFF}');
        // The brackets of a list that has one element a line.
        if text.is_empty() || matches!(text, "[" | "]") {
            self.report.counts.comments += 1;
            return Ok(());
        }
        if detect::is_comment(text.as_bytes()) {
            self.report.counts.comments += 1;
            return Ok(self.keep(line, COMMENT, "comment")?);
        }
        self.report.counts.lines += 1;
        let place = Line { offset: line.offset + place_in(whole, text), ..*line };
        if text.starts_with('{') {
            let object = if text.ends_with("},") { text.get(..text.len() - 1).unwrap_or(text) } else { text };
            return match Fields::parse(object) {
                Ok(fields) => self.object(&fields, object, &place, None, false),
                Err(_) => Ok(self.damaged(line)?),
            };
        }
        let context = Context { clock: self.clock, array: false, payload_event: None, file: self.state };
        let value = text.strip_suffix(',').unwrap_or(text);
        let taken = match value.starts_with('[') {
            true => text::read_value(value, &context)
                .or_else(|| text::find(text).map(|found| text::read(&found, &context))),
            false => text::find(text).map(|found| text::read(&found, &context)),
        };
        match taken {
            Some(taken) => self.take(taken, text, &place, None),
            None => Ok(self.damaged(line)?),
        }
    }

    /// What was made of a line, counted already.
    fn take(
        &mut self,
        taken: Taken<'_>,
        text: &str,
        line: &Line<'_>,
        payload_event: Option<&str>,
    ) -> Result<(), Interrupted> {
        match taken {
            Taken::Record(envelope) => {
                self.report.counts.rows += 1;
                Ok(self.push(&envelope, payload_event, text, Some(line.offset))?)
            }
            Taken::Several(all) => {
                // The line was counted as one.
                self.report.counts.lines += all.len() as u64;
                self.report.counts.lines -= 1;
                for taken in all {
                    self.take(taken, text, line, payload_event)?;
                }
                Ok(())
            }
            Taken::NoText(kind, moment, direction) => {
                self.report.counts.rows += 1;
                *self.report.not_text.entry(kind.to_owned()).or_default() += 1;
                let possible = moment.map(|moment| moment.us).filter(|us| self.clock.is_possible(*us));
                self.neighbour = possible.or(self.neighbour);
                let details = json!({
                    "file": self.report.name,
                    "line": line.number,
                    "offset": line.offset,
                    "kind": kind,
                    "direction": direction.map(Direction::as_str),
                });
                Ok(self.system(UNREAD, &details.to_string(), Some(line.offset))?)
            }
            Taken::LeftOut(reason) => {
                self.report.counts.lines -= 1;
                self.report.leave_out(reason);
                Ok(())
            }
            Taken::Refused(reason) => Ok(self.reject(line, &Reason::Refused(reason))?),
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
        let LineKind::Format(format) = self.kind else {
            return self.reject(line, &recover::reason(line.bytes, line.ended));
        };
        let found =
            recover::objects(line.bytes, format.first_keys(), |text| formats::accepts_recovered(format, text));
        let mut records = 0;
        for range in &found {
            let text = line.bytes.get(range.clone()).and_then(|bytes| std::str::from_utf8(bytes).ok());
            let Some(text) = text else { continue };
            let Ok(fields) = Fields::parse(text) else { continue };
            let Some(Taken::Record(envelope)) = self.read(&fields, None, false) else { continue };
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
        let read = String::from_utf8_lossy(line.bytes);
        let text = secrets::of_text(&read);
        let mut details = json!({
            "file": self.report.name,
            "line": line.number,
            "offset": line.offset,
            "reason": reason,
            "text": text,
            "bytes": line.length,
        });
        if matches!(text, Cow::Owned(_)) {
            self.report.counts.redacted += 1;
        } else if let (Cow::Owned(_), Some(details)) = (&read, details.as_object_mut()) {
            let hex: String = line.bytes.iter().map(|byte| format!("{byte:02x}")).collect();
            details.insert("hex".to_owned(), hex.into());
        }
        self.system(event_type, &details.to_string(), Some(line.offset))
    }

    /// Stores what this program has to say itself.
    fn system(&mut self, event_type: &str, details: &str, offset: Option<u64>) -> Result<(), LegacyError> {
        self.target.push(&Record {
            seq: 0,
            ts: self.neighbour,
            source: Source::Import,
            direction: None,
            format: LineFormat::System,
            hint: Some(event_type),
            socket_id: None,
            offset,
            source_clock: None,
            text: details,
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
        let sent = envelope.direction == Some(Direction::Sent);
        let (label, status) = label(envelope.format, hint, text, sent);
        let text = secrets::of_record(envelope.format, hint, text, envelope.direction, &label);
        let mut record = Record {
            seq: 0,
            ts: None,
            source: envelope.source,
            direction: envelope.direction,
            format: envelope.format,
            hint,
            socket_id: envelope.socket_id.as_deref(),
            offset: if envelope.is_own_row { envelope.offset } else { offset },
            source_clock: envelope.source_clock,
            text: &text,
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
        counts.payload_lost += u64::from(status == FrameStatus::PayloadLost);
        counts.value_unread += u64::from(matches!(status, FrameStatus::PayloadUnread | FrameStatus::ValueUnread));
        counts.unproven +=
            u64::from(envelope.format == LineFormat::HistoryCollector && !finished::has_seed(&text));
        counts.redacted += u64::from(matches!(text, Cow::Owned(_)));
        if self.target.is_dry() && self.report.preview.len() < PREVIEWED {
            let preview = super::preview::of(envelope, ts, &label, hint, &text);
            self.report.preview.push(preview);
        }
        match self.report.events.get_mut(&label) {
            Some(count) => *count += 1,
            None => drop(self.report.events.insert(label, 1)),
        }
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
