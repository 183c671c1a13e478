//! Live capture: from the sources into the journal, in whichever process holds the writer lease.
//!
//! * [`Capture`] runs in every process that may capture; `supervisor` waits for the lease, runs the sources that
//!   are wished for, and reports.
//! * [`control`] — the desired state, a file that any process may change. [`report`] — what the holder tells all others.
//!   [`status`] — both together, and the disk.
//! * [`sink`] — the one way in for sources: redact, queue, count. `journaling` — the thread behind it. [`bus`] —
//!   what was stored, for listeners in this process. [`metrics`] — how everything stands right now.
//! * [`public_feed`] — the source that needs no login. [`browser`] — the user's own Chrome. [`redact`] — credentials are
//!   taken out before anything is written. `as_bytes` — messages that are no texts of the store's.
//! * [`verification`] — what was proposed and decided about the protocol, in the store too.
//! * [`events`] — the system events that are written. `clock` — the wall clock was set: that is one of them.

mod as_bytes;
pub mod browser;
pub mod bus;
mod clock;
pub mod control;
mod drift;
pub mod events;
mod journaling;
pub mod metrics;
mod novelty;
pub mod public_feed;
pub mod report;
pub mod sink;
pub mod status;
mod supervisor;
#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]
mod testing;
pub mod verification;

use std::sync::Arc;

use tokio::sync::{broadcast, watch};
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

use crate::store::StoreError;
use crate::store::ids::SessionId;
pub use crate::store::redact;
use crate::store::root::DataRoot;
pub use bus::Captured;
pub use control::DesiredState;
pub use metrics::SourceState;
pub use sink::{Frame, Sink, SinkClosed};
pub use status::Status;

/// How a process takes part in the capture.
#[derive(Debug, Clone)]
pub struct Options {
    /// What the process was started as: `serve`, `record`. Told to others, and stored with the session.
    pub purpose: String,
    /// Whether the public feed is captured when the desired state says nothing.
    pub public_feed: bool,
    /// Its address when the desired state names none.
    pub feed_address: String,
    /// Whether the browser is captured when the desired state says nothing.
    pub browser: bool,
    /// Its address when the desired state names none.
    pub browser_address: String,
    queue: journaling::QueueLimits,
    timeouts: public_feed::Timeouts,
}

/// Where a Chrome listens that was started with `--remote-debugging-port=9222`.
pub const DEFAULT_BROWSER: &str = "http://127.0.0.1:9222";

impl Options {
    /// The public feed of rugs.fun on, the browser off.
    pub fn new(purpose: &str) -> Options {
        Options {
            purpose: purpose.to_owned(),
            public_feed: true,
            feed_address: public_feed::address::DEFAULT_URL.to_owned(),
            browser: false,
            browser_address: DEFAULT_BROWSER.to_owned(),
            queue: journaling::QueueLimits::default(),
            timeouts: public_feed::Timeouts::default(),
        }
    }
}

/// What this process does for the capture.
#[derive(Debug, Clone, PartialEq)]
pub enum Role {
    /// Not decided yet.
    Starting,
    /// It holds the lease and records.
    Capturing {
        /// The session that it records.
        session_id: SessionId,
    },
    /// Another process holds the lease; this one takes over when it is gone.
    Following {
        /// The holder in its own words.
        holder: String,
    },
    /// Nothing is wished for.
    Off,
    /// The data root cannot be written to; it is tried again now and then.
    Unable {
        /// Why, and what to do.
        reason: String,
    },
}

/// The capture of this process: waiting for the lease, or recording. Dropping it stops it without waiting; use
/// [`Capture::stop`].
#[derive(Debug)]
pub struct Capture {
    stop: CancellationToken,
    supervisor: Option<JoinHandle<Result<(), StoreError>>>,
    bus: bus::Bus,
    role: watch::Receiver<Role>,
    journal: watch::Receiver<Option<Sink>>,
}

impl Capture {
    /// Starts it, within a Tokio runtime. Returns at once; [`Capture::role`] tells what became of it.
    pub fn start(root: DataRoot, options: Options) -> Capture {
        let stop = CancellationToken::new();
        let bus = bus::Bus::new();
        let (role_sender, role) = watch::channel(Role::Starting);
        let (journal_sender, journal) = watch::channel(None);
        let supervisor =
            supervisor::Supervisor { root, options, bus: bus.clone(), role: role_sender, journal: journal_sender };
        let supervisor = tokio::spawn(supervisor.run(stop.clone()));
        Capture { stop, supervisor: Some(supervisor), bus, role, journal }
    }

    /// Listens to what this process stores from now on. A process that does not hold the lease stores nothing:
    /// follow the journal there ([`crate::store::follow`]).
    pub fn subscribe(&self) -> broadcast::Receiver<Arc<Captured>> {
        self.bus.subscribe()
    }

    /// What this process does for the capture.
    pub fn role(&self) -> watch::Receiver<Role> {
        self.role.clone()
    }

    /// The way into the journal for those in this process who have something to say about what is recorded, such as a
    /// game's proof; `None` while this process does not record.
    pub fn journal(&self) -> watch::Receiver<Option<Sink>> {
        self.journal.clone()
    }

    /// Stops the sources, stores what they handed over, seals it and gives the lease back: all of it is done when
    /// this returns. Takes about as long as sealing one segment, a second; at most some seconds more when the disk
    /// refuses.
    ///
    /// # Errors
    /// When something could not be stored or sealed. What is in the journal is sealed at the next start.
    pub async fn stop(mut self) -> Result<(), StoreError> {
        self.stop.cancel();
        let Some(supervisor) = self.supervisor.take() else {
            return Ok(());
        };
        supervisor.await.unwrap_or_else(|error| {
            Err(StoreError::Refused(format!("the capture failed: {error}. This is a defect; please report it")))
        })
    }
}

impl Drop for Capture {
    fn drop(&mut self) {
        self.stop.cancel();
    }
}
