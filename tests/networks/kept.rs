//! What was recorded: it outlives the process that recorded it.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use serde_json::Value;

use super::sink::Entry;
use crate::store::record::Direction;

/// An entry of the journal.
#[derive(Debug, Clone)]
pub(super) struct Stored {
    /// Simulated time at which it was appended.
    pub(super) at: Duration,
    /// Number of the process that appended it, from 1.
    pub(super) process: u32,
    pub(super) what: What,
}

#[derive(Debug, Clone)]
pub(super) enum What {
    Frame {
        /// The wall clock when it came, microseconds.
        ts: i64,
        /// The monotonic clock when it came, microseconds.
        at_us: i64,
        direction: Direction,
        socket_id: String,
        text: String,
    },
    System {
        ts: i64,
        event_type: String,
        details: Value,
    },
}

/// The journal; clones show the same one.
#[derive(Debug, Clone, Default)]
pub(super) struct Kept(Arc<Mutex<Vec<Stored>>>);

impl Kept {
    fn lock(&self) -> MutexGuard<'_, Vec<Stored>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Appends what the sink handed over; a mark is passed. False at the end.
    pub(super) fn append(&self, process: u32, entry: Entry) -> bool {
        let at = turmoil::sim_elapsed().unwrap_or_default();
        let what = match entry {
            Entry::Frame(frame) => What::Frame {
                ts: frame.ts,
                at_us: frame.at_us,
                direction: frame.direction,
                socket_id: frame.socket_id.as_deref().unwrap_or_default().to_owned(),
                text: frame.text,
            },
            Entry::System(event) => What::System {
                ts: event.ts,
                event_type: event.event_type,
                details: serde_json::from_str(&event.details).unwrap(),
            },
            Entry::Mark(passed) => {
                let _ = passed.send(());
                return true;
            }
            Entry::Close => return false,
        };
        self.lock().push(Stored { at, process, what });
        true
    }

    pub(super) fn all(&self) -> Vec<Stored> {
        self.lock().clone()
    }

    /// How many frames of events there are.
    pub(super) fn events(&self) -> usize {
        let is_event =
            |stored: &&Stored| matches!(&stored.what, What::Frame { text, .. } if text.starts_with("42"));
        self.lock().iter().filter(is_event).count()
    }

    /// The wall clock of the last entry, microseconds.
    pub(super) fn last_us(&self) -> Option<i64> {
        self.lock().last().map(|stored| match stored.what {
            What::Frame { ts, .. } | What::System { ts, .. } => ts,
        })
    }

    /// A line for each entry, with everything in it but what is drawn without the seed: the server's ids of connections.
    pub(super) fn story(&self) -> Vec<String> {
        let line = |stored: &Stored| match &stored.what {
            What::Frame { ts, at_us, direction, socket_id, text } => {
                let text = if text.starts_with("0{") { "0{…}" } else { text };
                format!("{ts} {at_us} {direction:?} on {socket_id}: {text}")
            }
            What::System { ts, event_type, details } => {
                let mut details = details.clone();
                details.as_object_mut().unwrap().remove("sid");
                format!("{ts} {event_type} {details}")
            }
        };
        let kept = self.lock();
        kept.iter().map(|stored| format!("{:?} #{} {}", stored.at, stored.process, line(stored))).collect()
    }
}
