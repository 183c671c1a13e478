//! Packet captures (pcap, pcapng) of WebSockets without encryption: TCP segments in order, the HTTP upgrade, then the
//! messages. Only sockets of the game's hosts are taken, or of those that the user names. Nothing of the HTTP head is kept.

mod capture;
mod stream;
mod websocket;

use std::borrow::Cow;
use std::collections::HashMap;
use std::io::BufReader;

use super::detect::LineKind;
use super::formats::frames::no_text;
use super::formats::{Envelope, Taken};
use super::hosts::Hosts;
use super::import::{Job, begin, end};
use super::ingest::{Ingest, Interrupted};
use super::report::{FileReport, Status};
use super::target::Target;
use super::time::Moment;
use capture::{Packets, Segment};
use replayer_store::record::Direction;
use stream::Stream;
use websocket::{Message, Reader};

/// The longest HTTP head, bytes.
const MAX_HEAD: usize = 64 << 10;
/// The most connections that are followed at once.
const MOST_CONNECTIONS: usize = 10_000;

/// Imports the messages of a capture.
///
/// # Errors
/// Those of the file and of the target.
pub(super) fn import<T: Target>(
    job: &Job<'_>,
    target: &mut T,
    report: &mut FileReport,
) -> Result<(), Interrupted> {
    let input = BufReader::with_capacity(1 << 18, job.opened.input.open(0)?);
    let mut packets = match Packets::new(input) {
        Ok(packets) => packets,
        Err(error) => {
            report.status = Status::Failed;
            report.reason = Some(error.to_string());
            return Ok(());
        }
    };
    let mut sockets = Sockets::new(&job.state.hosts);
    if !has_message(&mut packets, &mut sockets) {
        report.status = Status::Skipped;
        let notes = sockets.notes().join("; ");
        report.reason = Some(format!("a packet capture without a message of the game's WebSockets: {notes}"));
        return Ok(());
    }
    let input = BufReader::with_capacity(1 << 18, job.opened.input.open(0)?);
    let mut packets = Packets::new(input)?;
    let mut sockets = Sockets::new(&job.state.hosts);
    begin(target, job, "packets", report)?;
    let mut ingest = Ingest::new(target, job.clock, report, job.state, LineKind::Text, job.progress);
    let mut number = 0;
    loop {
        number += 1;
        let segment = match packets.next_segment() {
            Ok(Some(segment)) => segment,
            Ok(None) => break,
            // What was read before it is whole.
            Err(error) => {
                ingest.refused(&format!("{error}; what follows was not read"), number, 0)?;
                break;
            }
        };
        (ingest.progress)(segment.data.len() as u64);
        for found in sockets.take(&segment) {
            ingest.message(found.taken(), number)?;
        }
    }
    report.notes.extend(sockets.notes());
    end(target, report)
}

/// Whether there is anything to import: a session without records says nothing.
fn has_message<R: std::io::Read>(packets: &mut Packets<R>, sockets: &mut Sockets<'_>) -> bool {
    while let Ok(Some(segment)) = packets.next_segment() {
        if !sockets.take(&segment).is_empty() {
            return true;
        }
    }
    false
}

/// A message with where it was found.
struct Found {
    ts: i64,
    sent: bool,
    socket: usize,
    message: Message,
}

impl Found {
    fn taken(&self) -> Taken<'_> {
        let moment = Some(Moment { us: self.ts, doubt: None });
        let direction = Some(if self.sent { Direction::Sent } else { Direction::Received });
        if let Some(kind) = no_text(i64::from(self.message.opcode)) {
            return Taken::NoText(kind, moment, direction);
        }
        let text = String::from_utf8_lossy(&self.message.data);
        let socket_id = Some(Cow::Owned(self.socket.to_string()));
        Taken::Record(Envelope { moment, direction, socket_id, ..Envelope::frame(text) })
    }
}

type End = (Vec<u8>, u16);

/// The connections of a capture.
struct Sockets<'h> {
    hosts: &'h Hosts,
    connections: HashMap<(End, End), Connection>,
    count: usize,
    others: usize,
    encrypted: usize,
    broken: usize,
    gaps: usize,
}

/// One connection; the client is who sent the request.
#[derive(Default)]
struct Connection {
    client: Side,
    server: Side,
    /// The number of its socket, once it is one of the game's.
    socket: Option<usize>,
    is_over: bool,
}

#[derive(Default)]
struct Side {
    stream: Stream,
    head: Vec<u8>,
    has_head: bool,
    reader: Reader,
}

impl<'h> Sockets<'h> {
    fn new(hosts: &'h Hosts) -> Sockets<'h> {
        Sockets { hosts, connections: HashMap::new(), count: 0, others: 0, encrypted: 0, broken: 0, gaps: 0 }
    }

    /// Takes a segment, and gives the messages that are whole now.
    fn take(&mut self, segment: &Segment) -> Vec<Found> {
        let forth = (segment.from.clone(), segment.to.clone());
        let back = (segment.to.clone(), segment.from.clone());
        let is_known = self.connections.contains_key(&forth);
        let sent = is_known || (!self.connections.contains_key(&back) && is_clients(segment));
        let key = if sent { forth } else { back };
        if !self.connections.contains_key(&key) {
            if (!sent && !segment.syn) || self.connections.len() >= MOST_CONNECTIONS {
                return Vec::new();
            }
            if segment.data.is_empty() && !segment.syn {
                return Vec::new();
            }
        }
        let connection = self.connections.entry(key.clone()).or_default();
        if connection.is_over {
            return Vec::new();
        }
        let side = if sent { &mut connection.client } else { &mut connection.server };
        let pieces = side.stream.push(segment.seq, segment.syn, segment.ts, &segment.data);
        let mut found = Vec::new();
        for (ts, bytes) in pieces {
            if let Err(()) = self.bytes(&key, sent, ts, &bytes, &mut found) {
                if let Some(connection) = self.connections.get_mut(&key) {
                    *connection = Connection { is_over: true, ..Connection::default() };
                }
                break;
            }
        }
        found
    }

    /// Takes bytes in order; an error ends the connection.
    fn bytes(
        &mut self,
        key: &(End, End),
        sent: bool,
        ts: i64,
        bytes: &[u8],
        found: &mut Vec<Found>,
    ) -> Result<(), ()> {
        let Some(connection) = self.connections.get_mut(key) else { return Ok(()) };
        let side = if sent { &mut connection.client } else { &mut connection.server };
        let mut rest = Cow::Borrowed(bytes);
        if !side.has_head {
            side.head.extend_from_slice(bytes);
            if side.head.starts_with(&[0x16, 3]) {
                self.encrypted += usize::from(sent);
                return Err(());
            }
            let Some(end) = memchr::memmem::find(&side.head, b"\r\n\r\n") else {
                return if side.head.len() > MAX_HEAD { Err(()) } else { Ok(()) };
            };
            let head = String::from_utf8_lossy(side.head.get(..end).unwrap_or_default()).into_owned();
            rest = Cow::Owned(side.head.get(end + 4..).unwrap_or_default().to_vec());
            side.head.clear();
            side.has_head = true;
            if sent {
                let is_upgrade =
                    header(&head, "upgrade").is_some_and(|value| value.eq_ignore_ascii_case("websocket"));
                if !is_upgrade {
                    return Err(());
                }
                if !header(&head, "host").is_some_and(|host| self.hosts.has_address(host)) {
                    self.others += 1;
                    return Err(());
                }
                self.count += 1;
                connection.socket = Some(self.count);
            } else {
                if !head.starts_with("HTTP/1.1 101") {
                    return Err(());
                }
                let extension = header(&head, "sec-websocket-extensions").unwrap_or_default();
                if extension.contains("permessage-deflate") {
                    connection.server.reader.unpack(extension.contains("server_no_context_takeover"));
                    connection.client.reader.unpack(extension.contains("client_no_context_takeover"));
                }
            }
        }
        let Some(socket) = connection.socket else { return Ok(()) };
        let side = if sent { &mut connection.client } else { &mut connection.server };
        let messages = side.reader.push(&rest);
        let has_gap = side.stream.has_gap;
        match messages {
            Ok(messages) => {
                found.extend(messages.into_iter().map(|message| Found { ts, sent, socket, message }));
                Ok(())
            }
            Err(_) => {
                self.broken += 1;
                self.gaps += usize::from(has_gap);
                Err(())
            }
        }
    }

    fn notes(&self) -> Vec<String> {
        let mut notes = vec![format!("{} WebSockets of the game read", self.count)];
        if self.others > 0 {
            notes.push(format!("{} WebSockets of other hosts left out; --host NAME takes one", self.others));
        }
        if self.encrypted > 0 {
            notes.push(format!(
                "{} connections are encrypted. With the browser's SSLKEYLOGFILE, tshark decrypts them: tshark -r FILE -o \
                 tls.keylog_file:KEYS -Y websocket -T json > FILE.json",
                self.encrypted
            ));
        }
        if self.broken > 0 {
            notes.push(format!(
                "{} sockets could not be read to their end ({} of them lack packets): what follows there is missing",
                self.broken, self.gaps
            ));
        }
        notes
    }
}

/// Whether the sender of a segment is the client: it opens the connection, or asks.
fn is_clients(segment: &Segment) -> bool {
    if segment.syn {
        return segment.from.1 > segment.to.1;
    }
    segment.data.starts_with(b"GET ") || segment.data.starts_with(&[0x16, 3]) || segment.from.1 > segment.to.1
}

/// A header's value.
fn header<'h>(head: &'h str, name: &str) -> Option<&'h str> {
    let lines = head.lines().skip(1).filter_map(|line| line.split_once(':'));
    lines.filter(|(key, _)| key.trim().eq_ignore_ascii_case(name)).map(|(_, value)| value.trim()).next()
}

#[cfg(test)]
mod tests;
