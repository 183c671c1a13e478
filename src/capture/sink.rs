//! The one way into the journal for every source: redact, queue, count.
//!
//! The queue in front of the journal is bounded, in frames and in bytes. When the journal does not keep up (a slow
//! or full disk), [`Sink::frame`] waits, so the source stops reading its socket and the server or the kernel holds
//! what is to come. Nothing is ever dropped here, and the waiting shows in the status as `stalled_ms`.

use std::borrow::Cow;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::task::{Context, Poll};

use tokio::sync::{Semaphore, mpsc, oneshot};

use super::as_bytes::AsBytes;
use super::clock::{Clocks, Jump, Moment};
use super::metrics::{Metrics, SourceState};
use super::report::Queue;
use super::{events, redact};
use crate::store::record::{Direction, Source};

/// One WebSocket text message as it passed, in either direction.
#[derive(Debug, Clone, PartialEq)]
pub struct Frame {
    /// When it was received or sent, microseconds UTC: the wall clock where it was read, before any queue.
    pub ts: i64,
    /// When it arrived here or left, by the process's monotonic clock (`clock`), microseconds: for durations.
    pub at_us: i64,
    /// Who captured it.
    pub source: Source,
    /// Which way it went.
    pub direction: Direction,
    /// The socket it passed, unique within the session; `None` when unknown.
    pub socket_id: Option<Arc<str>>,
    /// The source's own clock, seconds (Chrome's monotonic time).
    pub source_clock: Option<f64>,
    /// The text, byte for byte as it passed.
    pub text: String,
}

/// The capture ended: nothing is taken any more, the source ends too.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the capture ended")]
pub struct SinkClosed;

/// What stands in the queue in front of the journal.
#[derive(Debug)]
pub(super) struct Item {
    pub(super) entry: Entry,
    /// Bytes it takes in the queue, given back when it is stored.
    pub(super) weight: u32,
}

#[derive(Debug)]
pub(super) enum Entry {
    Frame(Frame),
    System(SystemEvent),
    /// Somebody waits until everything before it is in the journal.
    Mark(oneshot::Sender<()>),
    /// The last of the queue: whoever sends after it is told that the capture ended.
    Close,
}

/// Something a source has to say itself; a row of `system_event`.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct SystemEvent {
    pub(super) ts: i64,
    pub(super) source: Source,
    pub(super) event_type: String,
    /// A JSON object.
    pub(super) details: String,
}

/// Takes frames and events of the sources. Clones feed the same journal.
#[derive(Clone)]
pub struct Sink {
    pub(super) queue: mpsc::Sender<Item>,
    /// Room in the queue, bytes.
    pub(super) room: Arc<Semaphore>,
    /// All of the room, bytes.
    pub(super) capacity: u32,
    pub(super) metrics: Arc<Metrics>,
    pub(super) clocks: Arc<Clocks>,
    /// Connections of the public feed in this session.
    pub(super) connections: Arc<AtomicU64>,
}

impl std::fmt::Debug for Sink {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Sink").field("queue", &self.queue_now().entries).finish_non_exhaustive()
    }
}

/// Ready when everything before a place in the queue is in the journal; see [`Sink::mark`].
#[derive(Debug)]
pub(super) struct Mark(oneshot::Receiver<()>);

impl Future for Mark {
    type Output = Result<(), SinkClosed>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        Pin::new(&mut self.0).poll(cx).map(|passed| passed.map_err(|_| SinkClosed))
    }
}

/// What an entry takes besides its text, bytes.
pub(super) const OVERHEAD: usize = 128;

impl Sink {
    /// Hands a frame over; it is stored in the order of these calls. Waits when the journal does not keep up: do
    /// not read on from the socket meanwhile.
    ///
    /// # Errors
    /// [`SinkClosed`] when the capture ended.
    pub async fn frame(&self, mut frame: Frame) -> Result<(), SinkClosed> {
        // Chrome's frames are stamped by Chrome's clock: theirs does not jump with ours.
        if frame.source == Source::PublicWs
            && let Some(jump) = self.clocks.passed(Moment { wall_us: frame.ts, monotonic_us: frame.at_us })
        {
            self.jumped(jump).await?;
        }
        let redacted = match redact::redact(&frame.text, frame.direction) {
            Cow::Owned(text) => Some(text),
            Cow::Borrowed(_) => None,
        };
        if let Some(text) = redacted {
            frame.text = text;
            self.metrics.of(frame.source).redacted(1);
        }
        self.put(frame.source, frame.text.len(), Entry::Frame(frame)).await
    }

    /// Hands over something the source itself has to say, stamped with the time of this call. `event_type` is one
    /// of [`super::events`]; `details` is a JSON object.
    ///
    /// # Errors
    /// [`SinkClosed`] when the capture ended.
    pub async fn system(
        &self,
        source: Source,
        event_type: &str,
        details: serde_json::Value,
    ) -> Result<(), SinkClosed> {
        let details = details.to_string();
        let details = redact::redact(&details, Direction::Received).into_owned();
        self.own(source, event_type, details).await
    }

    /// The same for what this program itself wrote, byte for byte: the verification log, whose lines are hashed and name
    /// sessions of the store. What it quotes of frames has been read from the store, where no secret is.
    ///
    /// # Errors
    /// [`SinkClosed`] when the capture ended.
    pub(super) async fn own(&self, source: Source, event_type: &str, details: String) -> Result<(), SinkClosed> {
        let event = SystemEvent { ts: self.now().wall_us, source, event_type: event_type.to_owned(), details };
        self.put(source, event.details.len(), Entry::System(event)).await
    }

    /// The number of a new connection of the public feed, from 1 in each session.
    pub(super) fn next_connection(&self) -> u64 {
        self.connections.fetch_add(1, Relaxed) + 1
    }

    /// Both clocks now: what sources stamp with.
    pub(super) fn now(&self) -> Moment {
        self.clocks.now()
    }

    /// Compares the wall clock with the monotonic one, and writes down a jump.
    ///
    /// # Errors
    /// [`SinkClosed`] when the capture ended.
    pub(super) async fn compare_clocks(&self) -> Result<(), SinkClosed> {
        match self.clocks.look() {
            Some(jump) => self.jumped(jump).await,
            None => Ok(()),
        }
    }

    async fn jumped(&self, jump: Jump) -> Result<(), SinkClosed> {
        let details = jump.details();
        tracing::warn!(%details, "the wall clock was set, or the machine slept");
        self.own(Source::Ui, events::CLOCK_JUMPED, details.to_string()).await
    }

    /// Says when everything that was handed over before this call is in the journal, where the process's end cannot
    /// touch it: the future is ready then. It fails when the capture ended first, or gave something up: nobody may then
    /// be assured that it is stored.
    ///
    /// Calling this costs one place in the queue and nothing else: the journal's thread passes many marks in one go, and
    /// whoever waits need not stop reading.
    ///
    /// # Errors
    /// [`SinkClosed`] when the capture ended.
    pub(super) async fn mark(&self, source: Source) -> Result<Mark, SinkClosed> {
        let (passed, mark) = oneshot::channel();
        self.put(source, 0, Entry::Mark(passed)).await?;
        Ok(Mark(mark))
    }

    /// Hands over a message that cannot be a frame: its bytes are stored in system events (see [`super::as_bytes`]).
    ///
    /// # Errors
    /// [`SinkClosed`] when the capture ended.
    pub(super) async fn as_bytes(
        &self,
        source: Source,
        direction: Direction,
        socket_id: Option<&str>,
        message: AsBytes,
    ) -> Result<(), SinkClosed> {
        if message.is_cut() {
            self.dropped(source);
        }
        self.metrics.of(source).as_bytes(1);
        for (event_type, details) in message.events(socket_id, direction) {
            self.own(source, event_type, details).await?;
        }
        Ok(())
    }

    /// Tells how the source stands; shown by the status within half a second. A source that connects for the
    /// second time counts as reconnected.
    pub fn state(&self, source: Source, state: SourceState) {
        self.metrics.of(source).set_state(state);
    }

    /// Tells that something was received that cannot be stored, or not as a whole. The source also hands over a system
    /// event that says what it was.
    pub fn dropped(&self, source: Source) {
        self.metrics.of(source).dropped(1);
    }

    /// What waits for the journal.
    pub(super) fn queue_now(&self) -> Queue {
        let capacity_bytes = self.capacity as usize;
        Queue {
            entries: self.queue.max_capacity() - self.queue.capacity(),
            bytes: capacity_bytes.saturating_sub(self.room.available_permits()),
            capacity_bytes,
        }
    }

    async fn put(&self, source: Source, length: usize, entry: Entry) -> Result<(), SinkClosed> {
        let weight = u32::try_from(length + OVERHEAD).unwrap_or(u32::MAX).min(self.capacity);
        let item = Item { entry, weight };
        let room = match self.room.try_acquire_many(weight) {
            Ok(room) => room,
            Err(_) => {
                let _waiting = self.metrics.of(source).waits();
                self.room.acquire_many(weight).await.map_err(|_| SinkClosed)?
            }
        };
        // Given back by the journal when the entry is stored.
        room.forget();
        match self.queue.try_send(item) {
            Ok(()) => Ok(()),
            Err(mpsc::error::TrySendError::Closed(_)) => Err(SinkClosed),
            Err(mpsc::error::TrySendError::Full(item)) => {
                let _waiting = self.metrics.of(source).waits();
                self.queue.send(item).await.map_err(|_| SinkClosed)
            }
        }
    }
}
