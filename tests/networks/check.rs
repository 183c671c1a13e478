//! What must hold after a run, whatever the weather was.

use std::collections::BTreeMap;
use std::fmt;
use std::time::Duration;

use replayer_simulator::serve::{LogDirection, SentLog};
use serde_json::Value;

use super::events;
use super::kept::{Stored, What};
use super::redact::redact;
use super::world::Run;
use crate::store::record::Direction;
use crate::weather::Event;

/// A promise that was not kept.
#[derive(Debug)]
pub struct Broken {
    what: &'static str,
    details: String,
}

impl Broken {
    pub(super) fn new(what: &'static str, details: String) -> Broken {
        Broken { what, details: details.chars().take(400).collect() }
    }
}

impl fmt::Display for Broken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.what, self.details)
    }
}

/// Everything that did not hold.
pub(super) fn all(run: &Run) -> Vec<Broken> {
    let kept = run.kept.all();
    let connections = connections(&run.logs.lock().unwrap());
    let sockets = sockets(&kept);
    let mut broken = frames(&connections, &sockets);
    let stalls = run.weather.all.iter().filter(|befalls| befalls.event == Event::DiskStalls);
    broken.extend(processes(&kept, stalls.map(|befalls| befalls.lasts).sum()));
    broken.extend(clocks(run, &kept));
    broken
}

/// One connection as the server's log has it.
struct Served {
    /// Texts to the client, as they are stored: without credentials.
    sent: Vec<String>,
    /// Texts from the client.
    received: Vec<String>,
    /// For each ping that was answered: how many texts were sent up to it.
    answered: Vec<usize>,
}

fn connections(logs: &[SentLog]) -> Vec<Served> {
    let mut found = Vec::new();
    for log in logs {
        let mut of: BTreeMap<u64, Served> = BTreeMap::new();
        let mut pings: BTreeMap<u64, Vec<usize>> = BTreeMap::new();
        for entry in log.entries() {
            let Some(text) = entry.text() else { continue };
            let served = of.entry(entry.socket).or_insert_with(|| Served {
                sent: Vec::new(),
                received: Vec::new(),
                answered: Vec::new(),
            });
            if entry.direction == LogDirection::Sent {
                served.sent.push(redact(text, Direction::Received).into_owned());
                if text == "2" {
                    pings.entry(entry.socket).or_default().push(served.sent.len());
                }
            } else {
                if text == "3"
                    && let Some(up_to) =
                        pings.get(&entry.socket).and_then(|pings| pings.get(served.answered.len()))
                {
                    served.answered.push(*up_to);
                }
                served.received.push(redact(text, Direction::Sent).into_owned());
            }
        }
        found.extend(of.into_values());
    }
    found
}

/// Pings of a server that were answered.
pub(super) fn answered_pings(log: &SentLog) -> usize {
    connections(std::slice::from_ref(log)).iter().map(|served| served.answered.len()).sum()
}

/// One socket as it was recorded.
#[derive(Default)]
struct Recorded {
    received: Vec<String>,
    sent: Vec<String>,
}

/// By process and socket: each process numbers its own.
type Sockets = BTreeMap<(u32, String), Recorded>;

fn sockets(kept: &[Stored]) -> Sockets {
    let mut found = Sockets::new();
    for stored in kept {
        if let What::Frame { direction, socket_id, text, .. } = &stored.what {
            let recorded = found.entry((stored.process, socket_id.clone())).or_default();
            match direction {
                Direction::Received => recorded.received.push(text.clone()),
                Direction::Sent => recorded.sent.push(text.clone()),
            }
        }
    }
    found
}

/// What was recorded of a connection is the beginning of what the server sent, to the byte, each text once and in
/// order; and it holds everything that came before a ping that was answered.
fn frames(connections: &[Served], sockets: &Sockets) -> Vec<Broken> {
    let mut broken = Vec::new();
    // The first packet has an id that no other connection has; an old server's has not, and says nothing more.
    let find = |open: &str| -> Vec<&Recorded> {
        sockets.values().filter(|recorded| recorded.received.first().is_some_and(|first| first == open)).collect()
    };
    for (name, recorded) in sockets {
        let Some(open) = recorded.received.first() else { continue };
        let is_beginning = connections
            .iter()
            .any(|served| served.sent.first() == Some(open) && served.sent.starts_with(&recorded.received));
        if !is_beginning {
            let served = connections.iter().find(|served| served.sent.first() == Some(open));
            let place = served.map(|served| {
                let same = served.sent.iter().zip(&recorded.received).take_while(|(a, b)| a == b).count();
                (same, served.sent.get(same).cloned(), recorded.received.get(same).cloned(), served.sent.len())
            });
            broken.push(Broken::new("what was recorded was not sent so", format!("{name:?}: {place:?}")));
        }
    }
    for served in connections {
        let Some(up_to) = served.answered.last() else { continue };
        let found = served.sent.first().map(|open| find(open)).unwrap_or_default();
        if !found.iter().any(|recorded| recorded.received.len() >= *up_to) {
            let has: Vec<usize> = found.iter().map(|recorded| recorded.received.len()).collect();
            broken.push(Broken::new(
                "an answered ping came behind frames that are lost",
                format!("{up_to} texts were sent up to it, {has:?} are recorded"),
            ));
        }
        // The last one may be missing: it is sent first, and stored then.
        if !found.iter().any(|recorded| recorded.sent.len() + 1 >= served.received.len()) {
            broken
                .push(Broken::new("something was sent and not recorded", format!("{:?}", served.received.last())));
        }
    }
    broken
}

/// What is no frame may be heard up to so long after the last one, milliseconds.
const HEARD_ELSE: i64 = 5_000;

/// What each process says of its connections: each is lost before the next one, and a gap is written with every one
/// but the first of all, as long as it was.
fn processes(kept: &[Stored], stalled: Duration) -> Vec<Broken> {
    let slack_ms = stalled.as_millis() as i64;
    let mut broken = Vec::new();
    let mut process = 0;
    let mut is_connected = false;
    // When the last frame came, and when it had come when the connection was lost: microseconds of the process's clock.
    let mut last_frame_us: Option<i64> = None;
    let mut lost_us: Option<i64> = None;
    let mut wants_gap: Option<Option<i64>> = None;
    // A recorder that finds something recorded is given the gap that was left.
    let mut any = false;
    for (place, stored) in kept.iter().enumerate() {
        if stored.process != process {
            (process, is_connected, wants_gap) = (stored.process, false, None);
            (last_frame_us, lost_us) = (None, None);
            any |= place > 0;
        }
        let (event_type, details) = match &stored.what {
            What::Frame { at_us, direction, .. } => {
                if *direction == Direction::Received {
                    last_frame_us = Some(*at_us);
                }
                continue;
            }
            What::System { event_type, details, .. } => (event_type.as_str(), details),
        };
        let mut wrong = |what| broken.push(Broken::new(what, format!("{event_type} {details}")));
        match event_type {
            events::CONNECTED => {
                if std::mem::replace(&mut is_connected, true) {
                    wrong("it connected twice");
                }
                wants_gap = any.then_some(lost_us.take());
                any = true;
            }
            events::CONNECTION_LOST => {
                if !std::mem::replace(&mut is_connected, false) {
                    wrong("it lost what it had not");
                }
                lost_us = last_frame_us;
            }
            events::GAP => {
                let downtime_ms = details["downtime_ms"].as_i64();
                match wants_gap.take() {
                    None => wrong("a gap that nobody left"),
                    // It was left by another process: only the wall clock, which may have been set, knows how long it is.
                    Some(None) => {}
                    // What is no frame was heard too, at most one heartbeat earlier; and the entry may have waited.
                    Some(Some(since_us)) => {
                        let most = stored.at.as_millis() as i64 - since_us / 1000;
                        let may_be = most - slack_ms - HEARD_ELSE..=most + 1;
                        if downtime_ms.is_none_or(|downtime| !may_be.contains(&downtime)) {
                            wrong("a gap of another length");
                        }
                    }
                }
            }
            _ => {}
        }
        if event_type != events::CONNECTED && wants_gap.is_some() && event_type != events::CLOCK_JUMPED {
            broken.push(Broken::new("a gap was not written", format!("before {event_type} {details}")));
            wants_gap = None;
        }
    }
    broken
}

/// Every setting of the clock of more than two seconds is written, with its length, and nothing else is. One that a
/// crash followed at once may not have been noticed.
fn clocks(run: &Run, kept: &[Stored]) -> Vec<Broken> {
    let noticed = |details: &Value| details["jump_ms"].as_i64().unwrap_or_default();
    let mut found: Vec<i64> = Vec::new();
    for stored in kept {
        if let What::System { event_type, details, .. } = &stored.what
            && event_type == events::CLOCK_JUMPED
        {
            found.push(noticed(details));
        }
    }
    let weather = &run.weather;
    let down: Vec<_> = weather.all.iter().filter(|befalls| befalls.event == Event::RecorderDown).collect();
    let mut broken = Vec::new();
    for befalls in &weather.all {
        let Event::ClockSet(by) = befalls.event else { continue };
        if by.abs() <= 2_000_000 {
            continue;
        }
        if let Some(place) = found.iter().position(|jump| *jump == by / 1000) {
            found.remove(place);
            continue;
        }
        let around = befalls.at..befalls.at + befalls.lasts;
        // A stalled disk holds the event in the queue, where a crash loses it.
        // And the last tick of a storm may be over before it.
        let is_excused = befalls.at + weather.tick >= weather.ends
            || down.iter().any(|down| {
                (down.at..=down.at + down.lasts).contains(&befalls.at)
                    || around.contains(&down.at)
                    || weather.all.iter().any(|other| {
                        other.event == Event::DiskStalls
                            && other.at <= down.at
                            && other.at + other.lasts >= befalls.at
                            && befalls.at <= down.at
                    })
            });
        if !is_excused {
            broken.push(Broken::new("a clock was set and nobody noticed", format!("{befalls:?}")));
        }
    }
    if !found.is_empty() {
        broken.push(Broken::new("a clock jumped that nobody set", format!("{found:?} ms")));
    }
    broken
}
