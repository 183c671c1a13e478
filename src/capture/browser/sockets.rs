//! Which sockets are recorded, and what becomes a record: pure, fed with what Chrome tells.
//!
//! A socket is *ours* when its URL is one of the wanted hosts', *foreign* when its URL is another, and *unknown*
//! when it was open before anyone listened. What an unknown one says is kept, within bounds, until its traffic
//! shows whose it is; then it is recorded from the first frame on.

mod unknown;

use std::collections::HashMap;
use std::sync::Arc;

use serde_json::{Value, json};

use super::address::{Hosts, origin};
use super::clock::Clock;
use super::sniff::Verdict;
use super::{binary, events};
use crate::capture::as_bytes::AsBytes;
use crate::capture::events::BINARY_MESSAGE;
use crate::capture::sink::Frame;
use crate::store::record::{Direction, Source};
use unknown::Unknown;

/// How long a socket may be silent after its page was left before it is called closed, microseconds: Chrome does
/// not tell.
const LEFT_FOR: i64 = 2_000_000;
/// Unknown sockets whose frames are kept at the same time; the frames of further ones are only looked at.
const KEPT_UNKNOWN: usize = 32;

/// What goes into the store.
#[derive(Debug, Clone, PartialEq)]
pub enum Out {
    /// A frame.
    Frame(Frame),
    /// A system event: its type and details.
    System(&'static str, Value),
    /// A message that is no text.
    AsBytes {
        /// The socket it passed.
        socket_id: Arc<str>,
        /// Which way it went.
        direction: Direction,
        /// What is kept of it.
        message: AsBytes,
    },
}

/// Who a socket belongs to.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Place {
    /// The debugging session it is seen through.
    pub session: String,
    /// Origin of the page or worker.
    pub page: Option<String>,
    /// `page`, `worker`, `iframe`, …
    pub target: String,
    /// The page is one of the wanted hosts'.
    pub at_home: bool,
}

/// One frame as Chrome tells of it.
#[derive(Debug)]
pub struct Heard {
    /// Chrome's id of the socket.
    pub request_id: String,
    /// Chrome's time, seconds.
    pub seconds: f64,
    /// Which way it went.
    pub direction: Direction,
    /// 1: text; anything else: binary.
    pub opcode: u8,
    /// Text, or base64.
    pub payload: String,
    /// When it arrived here, microseconds UTC.
    pub now_us: i64,
    /// The same by the process's monotonic clock, microseconds.
    pub at_us: i64,
    /// It did not wait in a queue of ours, so `now_us` tells something.
    pub prompt: bool,
}

#[derive(Debug)]
enum Owner {
    Ours,
    Foreign,
    Unknown(Box<Unknown>),
}

#[derive(Debug)]
struct Socket {
    id: Arc<str>,
    place: Place,
    owner: Owner,
    /// Since when it is known, microseconds of the monotonic clock.
    since_us: i64,
    received: u64,
    sent: u64,
    /// Its page was left at this time, microseconds of the monotonic clock, and it has been silent since.
    left_us: Option<i64>,
}

/// The sockets of one connection to one browser. Its times `at_us` are microseconds of the process's monotonic clock.
#[derive(Debug)]
pub struct Sockets {
    hosts: Hosts,
    /// Tells ids of this connection from those of earlier ones in the same capture; empty for the first.
    suffix: String,
    clock: Clock,
    open: HashMap<String, Socket>,
    out: Vec<Out>,
    received: u64,
    last: Option<Last>,
}

/// When the last frame of ours came.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Last {
    /// Its time, microseconds UTC.
    pub ts: i64,
    /// Its arrival, microseconds of the monotonic clock.
    pub at_us: i64,
}

impl Sockets {
    /// `connection`: 0 for the first browser of this capture, then counted up.
    pub fn new(hosts: Hosts, connection: u32) -> Sockets {
        let suffix = if connection == 0 { String::new() } else { format!("#{connection}") };
        let open = HashMap::new();
        Sockets { hosts, suffix, clock: Clock::default(), open, out: Vec::new(), received: 0, last: None }
    }

    /// What is to be stored since the last call, in order.
    pub fn take(&mut self) -> Vec<Out> {
        std::mem::take(&mut self.out)
    }

    /// Something that has to be said in order with the frames.
    pub fn note(&mut self, kind: &'static str, details: Value) {
        self.out.push(Out::System(kind, details));
    }

    /// How many sockets of ours are open.
    pub fn ours(&self) -> usize {
        self.open.values().filter(|socket| matches!(socket.owner, Owner::Ours)).count()
    }

    /// The id of the socket of ours, when there is exactly one.
    pub fn only(&self) -> Option<&str> {
        let mut ours = self.open.values().filter(|socket| matches!(socket.owner, Owner::Ours));
        let first = ours.next()?;
        ours.next().is_none().then_some(&*first.id)
    }

    /// Frames received on sockets of ours.
    pub fn received(&self) -> u64 {
        self.received
    }

    /// When the last frame of ours came.
    pub fn last(&self) -> Option<Last> {
        self.last
    }

    /// A page opens a socket.
    pub fn created(&mut self, place: Place, request_id: &str, url: &str, at_us: i64) {
        let ours = self.hosts.match_socket(url);
        let owner = if ours { Owner::Ours } else { Owner::Foreign };
        let socket = self.socket(place, request_id, owner, at_us);
        if ours {
            let mut details = about(&socket);
            details.insert("origin".into(), origin(url).into());
            self.out.push(Out::System(events::SOCKET_OPENED, details.into()));
        }
        self.open.insert(request_id.to_owned(), socket);
    }

    /// Both of Chrome's times of one moment, seconds.
    pub fn clock_pair(&mut self, monotonic: f64, wall: f64) {
        if let Some(adjusted) = self.clock.pair(monotonic, wall) {
            self.out.push(Out::System(events::CLOCK_ADJUSTED, json!({ "by_us": adjusted.0 })));
        }
    }

    /// The server answered the handshake with this status.
    pub fn answered(&mut self, request_id: &str, status: i64) {
        if status != 101
            && let Some(socket) = self.of_ours(request_id)
        {
            let details = json!({ "socket_id": *socket.id, "status": status });
            self.out.push(Out::System(events::SOCKET_REFUSED, details));
        }
    }

    /// Chrome tells of an error on a socket.
    pub fn failed(&mut self, request_id: &str, error: &str) {
        if let Some(socket) = self.of_ours(request_id) {
            let details = json!({ "socket_id": *socket.id, "error": error });
            self.out.push(Out::System(events::SOCKET_ERROR, details));
        }
    }

    /// A frame went over a socket; `place` is asked for when the socket was not known.
    pub fn heard(&mut self, heard: Heard, place: impl FnOnce() -> Place) {
        let ts = self.clock.wall_us(heard.seconds, heard.now_us);
        if heard.prompt
            && let Some(adjusted) = self.clock.arrived(heard.seconds, heard.now_us)
        {
            self.out.push(Out::System(events::CLOCK_ADJUSTED, json!({ "by_us": adjusted.0 })));
        }
        if !self.open.contains_key(&heard.request_id) {
            let place = place();
            let kept = self.open.values().filter(|socket| matches!(socket.owner, Owner::Unknown(_))).count();
            let owner = Owner::Unknown(Box::new(Unknown::new(place.at_home, kept < KEPT_UNKNOWN)));
            let socket = self.socket(place, &heard.request_id, owner, heard.at_us);
            self.open.insert(heard.request_id.clone(), socket);
        }
        let Some(socket) = self.open.get_mut(&heard.request_id) else { return };
        socket.left_us = None;
        if matches!(socket.owner, Owner::Foreign) {
            return;
        }
        let received = heard.direction == Direction::Received;
        *(if received { &mut socket.received } else { &mut socket.sent }) += 1;
        let is_text = heard.opcode == 1;
        let verdict = match &mut socket.owner {
            Owner::Unknown(unknown) if is_text => unknown.sniff.text(&heard.payload),
            _ => Verdict::Open,
        };
        let out = if is_text {
            Out::Frame(Frame {
                ts,
                at_us: heard.at_us,
                source: Source::Cdp,
                direction: heard.direction,
                socket_id: Some(socket.id.clone()),
                source_clock: Some(heard.seconds),
                text: heard.payload,
            })
        } else if let Some(message) = binary::message(&heard.payload, heard.direction) {
            Out::AsBytes { socket_id: socket.id.clone(), direction: heard.direction, message }
        } else {
            let direction = heard.direction.as_str();
            let unreadable = heard.payload.len();
            let details = json!({ "socket_id": *socket.id, "direction": direction, "unreadable": unreadable });
            Out::System(BINARY_MESSAGE, details)
        };
        match (&mut socket.owner, verdict) {
            (Owner::Ours, _) => self.out.push(out),
            (_, Verdict::Foreign) => socket.owner = Owner::Foreign,
            (Owner::Unknown(unknown), Verdict::Open) => unknown.keep(out),
            (Owner::Unknown(unknown), Verdict::Ours) => {
                let (kept, lost) = unknown.take();
                socket.owner = Owner::Ours;
                let mut details = about(socket);
                details.insert("frames_kept".into(), kept.len().into());
                details.insert("frames_lost".into(), lost.into());
                self.out.push(Out::System(events::SOCKET_ADOPTED, details.into()));
                self.out.extend(kept);
                self.out.push(out);
                self.received += socket.received - u64::from(received);
            }
            (Owner::Foreign, _) => {}
        }
        if matches!(socket.owner, Owner::Ours) {
            self.received += u64::from(received);
            self.last = Some(Last { ts, at_us: heard.at_us });
        }
    }

    /// Chrome tells that a socket closed.
    pub fn closed(&mut self, request_id: &str, at_us: i64) {
        self.end(at_us, "the socket was closed", |id, _| id == request_id);
    }

    /// The page of a session was left or reloaded. Chrome does not tell which sockets end with it: those that stay
    /// silent.
    pub fn left(&mut self, session: &str, at_us: i64) {
        for socket in self.open.values_mut().filter(|socket| socket.place.session == session) {
            socket.left_us.get_or_insert(at_us);
        }
    }

    /// Closes the sockets of pages that were left a while ago. To be called about every second.
    pub fn sweep(&mut self, at_us: i64) {
        self.end(at_us, "its page was reloaded or left", |_, socket| {
            socket.left_us.is_some_and(|left| at_us - left > LEFT_FOR)
        });
    }

    /// A session ended, and its sockets with it.
    pub fn session_ended(&mut self, session: &str, reason: &str, at_us: i64) {
        self.end(at_us, reason, |_, socket| socket.place.session == session);
    }

    /// Nothing can be heard any more.
    pub fn all_ended(&mut self, reason: &str, at_us: i64) {
        self.end(at_us, reason, |_, _| true);
    }

    fn end(&mut self, at_us: i64, reason: &str, which: impl Fn(&str, &Socket) -> bool) {
        let mut ended: Vec<Socket> =
            self.open.extract_if(|id, socket| which(id, socket)).map(|(_, socket)| socket).collect();
        ended.retain(|socket| matches!(socket.owner, Owner::Ours));
        ended.sort_by(|a, b| a.id.cmp(&b.id));
        for socket in ended {
            let details = json!({
                "socket_id": *socket.id,
                "reason": reason,
                "open_ms": (at_us - socket.since_us).max(0) / 1000,
                "received": socket.received,
                "sent": socket.sent,
            });
            self.out.push(Out::System(events::SOCKET_CLOSED, details));
        }
    }

    fn of_ours(&self, request_id: &str) -> Option<&Socket> {
        self.open.get(request_id).filter(|socket| matches!(socket.owner, Owner::Ours))
    }

    fn socket(&self, place: Place, request_id: &str, owner: Owner, at_us: i64) -> Socket {
        let id = format!("{request_id}{}", self.suffix).into();
        Socket { id, place, owner, since_us: at_us, received: 0, sent: 0, left_us: None }
    }
}

fn about(socket: &Socket) -> serde_json::Map<String, Value> {
    let mut details = serde_json::Map::new();
    details.insert("socket_id".into(), (*socket.id).into());
    details.insert("page".into(), socket.place.page.clone().into());
    details.insert("target".into(), socket.place.target.clone().into());
    details
}

#[cfg(test)]
mod tests;
