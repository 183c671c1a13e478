//! What was captured, for consumers in the same process: one broadcast channel behind the journal.
//!
//! Whatever comes out here is durable already. A consumer that is too slow is told how many entries it missed
//! (`RecvError::Lagged`) and reads them from the store; the journal never waits for it.

use std::sync::Arc;

use tokio::sync::broadcast;

use crate::store::ids::SessionId;
use crate::store::record::{Direction, Source};

/// A stored frame or system event.
#[derive(Debug, Clone, PartialEq)]
pub struct Captured {
    /// The session it is stored in.
    pub session_id: SessionId,
    /// Its number there, from 1.
    pub seq: u64,
    /// When it happened, microseconds UTC.
    pub ts: i64,
    /// Who captured it.
    pub source: Source,
    /// Which way it went; `None` for a system event.
    pub direction: Option<Direction>,
    /// The socket it passed, where known.
    pub socket_id: Option<Arc<str>>,
    /// The type, for a system event only.
    pub event_type: Option<String>,
    /// The frame's text byte for byte, or the JSON details of a system event.
    pub text: String,
}

/// Entries that a slow consumer may lie behind before it misses some. At the feed's 6 frames a second this is
/// minutes; at 20 times the speed, seconds.
const DEPTH: usize = 1024;

/// The sending end, held by the journal.
#[derive(Debug, Clone)]
pub(super) struct Bus {
    sender: broadcast::Sender<Arc<Captured>>,
}

impl Bus {
    pub(super) fn new() -> Bus {
        Bus { sender: broadcast::Sender::new(DEPTH) }
    }

    pub(super) fn subscribe(&self) -> broadcast::Receiver<Arc<Captured>> {
        self.sender.subscribe()
    }

    /// Whether anyone listens; without listeners nothing need be built.
    pub(super) fn has_listeners(&self) -> bool {
        self.sender.receiver_count() > 0
    }

    pub(super) fn publish(&self, captured: Captured) {
        // An error means that the last listener has just gone.
        let _ = self.sender.send(Arc::new(captured));
    }
}
