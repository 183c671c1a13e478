//! The live state for everybody in this process: one follower of the journal, started by the first who asks.
//!
//! What it shows is durable already, whoever captured it: this process or another one. Listeners that are slow lose
//! their place in the stream, are told so, and read on from the store; nobody waits for them.

use std::path::PathBuf;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::sync::{OnceCell, broadcast, watch};
use tokio_util::sync::CancellationToken;

use crate::protocol::line::LineFormat;
use crate::state::live::Live;
use crate::state::rows::Row;
use crate::state::{Event, Snapshot};
use crate::store::StoreError;
use crate::store::root::DataRoot;

/// How often the journal is looked at: half of this is what it adds to the delay of a frame.
const POLL: Duration = Duration::from_millis(20);

/// How long to wait after the store could not be read.
const AFTER_ERROR: Duration = Duration::from_secs(1);

/// Rows that a listener may be behind before it loses its place.
const BEHIND: usize = 8_192;

/// One row as it came: a frame, or a line of a file imported meanwhile.
#[derive(Debug, Clone)]
pub struct LiveRow {
    /// The session that recorded it.
    pub session_id: String,
    /// Its number in the session.
    pub seq: u64,
    /// When it happened, microseconds UTC.
    pub ts: Option<i64>,
    /// `cdp`, `public_ws`, …
    pub source: String,
    /// `received` or `sent`.
    pub direction: Option<String>,
    /// The event's name, where the text does not carry it.
    pub event_name: Option<String>,
    /// How the text is to be read.
    pub format: LineFormat,
    /// The frame, byte for byte.
    pub text: String,
}

impl LiveRow {
    fn of(event: &Event<'_>) -> LiveRow {
        LiveRow {
            session_id: event.session_id.to_owned(),
            seq: event.seq,
            ts: event.ts,
            source: event.source.to_owned(),
            direction: event.direction.map(str::to_owned),
            event_name: event.event_name.map(str::to_owned),
            format: event.format,
            text: event.text.to_owned(),
        }
    }
}

/// Starts following when it is first asked for anything.
pub struct Hub {
    root: PathBuf,
    stop: CancellationToken,
    running: OnceCell<Arc<Running>>,
}

struct Running {
    live: Mutex<Live>,
    /// Why the last look failed; what is shown then is as old as its `age_ms` says.
    failed: Mutex<Option<String>>,
    rows: broadcast::Sender<Arc<LiveRow>>,
    /// Counts up with every look that found something.
    changes: watch::Sender<u64>,
}

impl Hub {
    /// Nothing runs yet. `stop` ends it.
    pub fn new(root: PathBuf, stop: CancellationToken) -> Hub {
        Hub { root, stop, running: OnceCell::new() }
    }

    /// The state now; `detailed` has everything that is known. The text says why it may be old, where the store
    /// could not be read lately.
    ///
    /// # Errors
    /// When there is no data root or it cannot be read.
    pub async fn snapshot(&self, detailed: bool) -> Result<(Snapshot, Option<String>), StoreError> {
        let running = self.running().await?;
        let live = lock(&running.live);
        let snapshot = if detailed { live.detailed() } else { live.snapshot() };
        drop(live);
        Ok((snapshot, lock(&running.failed).clone()))
    }

    /// Rows as they come from now on.
    ///
    /// # Errors
    /// As [`Hub::snapshot`].
    pub async fn rows(&self) -> Result<broadcast::Receiver<Arc<LiveRow>>, StoreError> {
        Ok(self.running().await?.rows.subscribe())
    }

    /// Changes whenever something new came.
    ///
    /// # Errors
    /// As [`Hub::snapshot`].
    pub async fn changes(&self) -> Result<watch::Receiver<u64>, StoreError> {
        Ok(self.running().await?.changes.subscribe())
    }

    async fn running(&self) -> Result<Arc<Running>, StoreError> {
        let running = self.running.get_or_try_init(|| async {
            let root = DataRoot::open(&self.root)?;
            let opened = tokio::task::spawn_blocking(move || Live::open(&root)).await;
            let live = opened.map_err(|error| StoreError::Refused(format!("reading was stopped: {error}")))??;
            let running = Arc::new(Running {
                live: Mutex::new(live),
                failed: Mutex::new(None),
                rows: broadcast::Sender::new(BEHIND),
                changes: watch::Sender::new(0),
            });
            let (following, stop) = (Arc::clone(&running), self.stop.clone());
            std::thread::Builder::new()
                .name("live".into())
                .spawn(move || follow(&following, &stop))
                .map_err(|error| StoreError::Refused(format!("the system gives no thread: {error}")))?;
            Ok::<_, StoreError>(running)
        });
        Ok(Arc::clone(running.await?))
    }
}

fn follow(running: &Running, stop: &CancellationToken) {
    while !stop.is_cancelled() {
        let heard = running.rows.receiver_count() > 0;
        let looked = lock(&running.live).poll_rows(|row, _, _| {
            if let (true, Row::Event(event)) = (heard, row) {
                // Nobody left to listen is no error.
                let _ = running.rows.send(Arc::new(LiveRow::of(&event)));
            }
        });
        let pause = match looked {
            Ok(changed) => {
                *lock(&running.failed) = None;
                if changed {
                    running.changes.send_modify(|count| *count += 1);
                }
                POLL
            }
            Err(error) => {
                *lock(&running.failed) = Some(error.to_string());
                AFTER_ERROR
            }
        };
        std::thread::sleep(pause);
    }
}

/// A thread that panicked while it held the lock left the fold between two events: still a state.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
