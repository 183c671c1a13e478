//! JSON that is one value: its records, one by one.

use std::borrow::Cow;

use serde_json::value::RawValue;

use super::{Ingest, Interrupted, place_in};
use crate::documents::{self, Document, har};
use crate::fields::Fields;
use crate::formats::{self, Envelope, Taken};
use crate::lines::Line;
use crate::target::Target;
use crate::time::Zone;
use replayer_protocol::frame;
use replayer_protocol::line::LineFormat;
use replayer_store::record::Direction;

impl<T: Target> Ingest<'_, T> {
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
            Document::Values => self.pieces(text, offset, documents::values(text), None),
            Document::Har => self.archive(text, offset),
            Document::List(_) => {
                let Ok(fields) = Fields::parse(text) else { return Ok(()) };
                self.list_inside(&fields, text, offset)
            }
            Document::Skip(_) => Ok(()),
        }
    }

    /// The list of records in an object: the messages of a flow, the games of a batch.
    pub(super) fn list_inside(&mut self, fields: &Fields, text: &str, offset: u64) -> Result<(), Interrupted> {
        let Some((_, list)) = documents::inside(fields) else { return Ok(()) };
        if !documents::is_of_hosts(fields, &self.state.hosts) {
            for _ in documents::elements(list.get()) {
                self.report.leave_out("of another host's socket");
            }
            return Ok(());
        }
        self.array(list.get(), offset + place_in(text, list.get()), None)
    }

    fn archive(&mut self, text: &str, offset: u64) -> Result<(), Interrupted> {
        let Ok(fields) = Fields::parse(text) else { return Ok(()) };
        for item in har::items(&fields, &self.state.hosts) {
            match item {
                har::Item::Message(socket, message) => {
                    let at = offset + place_in(text, message);
                    self.report.counts.lines += 1;
                    let line = self.line_of(message, at);
                    let taken = match Fields::parse(message)
                        .ok()
                        .as_ref()
                        .and_then(|fields| self.read(fields, None, true))
                    {
                        Some(Taken::Record(envelope)) => {
                            let socket_id = Some(Cow::Owned(socket.to_string()));
                            Taken::Record(Envelope { socket_id, ..envelope })
                        }
                        Some(taken) => taken,
                        None => Taken::Refused("a message that is no frame of Engine.IO or Socket.IO".to_owned()),
                    };
                    self.take(taken, message, &line, None)?;
                }
                har::Item::Polled(is_sent, body, time) => {
                    self.polled(is_sent, body, time.as_deref(), offset + place_in(text, body))?
                }
                har::Item::OtherHost(messages) => {
                    for _ in 0..messages {
                        self.report.leave_out("of another host's socket");
                    }
                }
            }
        }
        Ok(())
    }

    /// The frames of one request of long polling: between them lies the record separator.
    fn polled(&mut self, is_sent: bool, body: &str, time: Option<&str>, offset: u64) -> Result<(), Interrupted> {
        let body = serde_json::from_str::<&RawValue>(body).ok().and_then(frame::string).unwrap_or_default();
        let moment = time.and_then(|time| self.clock.read(time, Zone::Utc));
        for packet in body.split('\u{1e}').filter(|packet| formats::names::begins_like_a_frame(packet)) {
            self.report.counts.lines += 1;
            let direction = Some(if is_sent { Direction::Sent } else { Direction::Received });
            let envelope = Envelope { moment, direction, ..Envelope::frame(Cow::Borrowed(packet)) };
            let line = self.line_of(packet, offset);
            self.take(Taken::Record(envelope), packet, &line, None)?;
        }
        Ok(())
    }

    fn array(&mut self, text: &str, offset: u64, payload_event: Option<&str>) -> Result<(), Interrupted> {
        self.pieces(text, offset, documents::elements(text), payload_event)
    }

    fn pieces<'t>(
        &mut self,
        text: &'t str,
        offset: u64,
        pieces: impl Iterator<Item = Result<(usize, &'t str), usize>>,
        payload_event: Option<&str>,
    ) -> Result<(), Interrupted> {
        for element in pieces {
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
}
