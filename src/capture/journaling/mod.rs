//! The thread that stands between the queue and the journal.
//!
//! It appends what the sources hand over, in order, and publishes it on the bus afterwards. When the disk refuses
//! (full, gone, failing), the entry at hand is kept and tried again until it is stored: the queue fills, the
//! sources wait, nothing is lost. Only stopping ends that: see [`Journaling::stop`].

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use tokio::sync::{Semaphore, mpsc};

use super::as_bytes::{AsBytes, Why};
use super::bus::{Bus, Captured};
use super::clock::Clocks;
use super::metrics::Metrics;
use super::sink::{Entry, Frame, Item, Sink, SystemEvent};
use crate::store::StoreError;
use crate::store::ids::SessionId;
use crate::store::record::Record;
use crate::store::recorder::Recorder;

/// How much may stand in front of the journal.
#[derive(Debug, Clone, Copy)]
pub(super) struct QueueLimits {
    /// Frames.
    pub(super) frames: usize,
    /// Bytes. One frame longer than this passes alone.
    pub(super) bytes: u32,
}

impl Default for QueueLimits {
    /// Two messages of the largest size that the feed takes, and at the feed's own pace more than an hour.
    fn default() -> QueueLimits {
        QueueLimits { frames: 8192, bytes: 32 << 20 }
    }
}

/// How long a refused entry waits before it is tried again.
const RETRY: Duration = Duration::from_millis(200);

/// How long entries are still tried after [`Journaling::stop`] when the disk refuses them.
const LAST_TRIES: Duration = Duration::from_secs(3);

/// The running thread and the recorder it feeds.
pub(super) struct Journaling {
    sink: Sink,
    session_id: SessionId,
    stopping: Arc<AtomicBool>,
    thread: JoinHandle<Result<(), StoreError>>,
}

impl Journaling {
    /// Starts the thread.
    pub(super) fn start(
        recorder: Recorder,
        limits: QueueLimits,
        clocks: Clocks,
        metrics: Arc<Metrics>,
        bus: Bus,
    ) -> Result<Journaling, StoreError> {
        let (queue, items) = mpsc::channel(limits.frames);
        let room = Arc::new(Semaphore::new(limits.bytes as usize));
        let (capacity, clocks) = (limits.bytes, Arc::new(clocks));
        let connections = Arc::default();
        let sink = Sink { queue, room: room.clone(), capacity, metrics: metrics.clone(), clocks, connections };
        let stopping = Arc::new(AtomicBool::new(false));
        let session_id = recorder.session_id();
        let journal = Journal { recorder, room, metrics, bus, stopping: stopping.clone(), gave_up_on: 0 };
        let spawned = thread::Builder::new().name("journal".into()).spawn(move || journal.run(items));
        let thread = spawned.map_err(|error| {
            StoreError::Refused(format!(
                "the system gives no thread to the journal: {error}. Close other programs"
            ))
        })?;
        Ok(Journaling { sink, session_id, stopping, thread })
    }

    pub(super) fn sink(&self) -> &Sink {
        &self.sink
    }

    pub(super) fn session_id(&self) -> SessionId {
        self.session_id
    }

    /// Whether the thread ended by itself, which only a defect makes it do.
    pub(super) fn is_dead(&self) -> bool {
        self.thread.is_finished()
    }

    /// Stores what was handed over, closes the session and seals it. Entries that the disk refuses are tried for
    /// [`LAST_TRIES`] more.
    ///
    /// # Errors
    /// When something could not be stored or sealed. What is in the journal is sealed at the next start.
    pub(super) async fn stop(self) -> Result<(), StoreError> {
        self.stopping.store(true, Relaxed);
        let _ = self.sink.queue.send(Item { entry: Entry::Close, weight: 0 }).await;
        let joined = tokio::task::spawn_blocking(move || self.thread.join()).await;
        match joined {
            Ok(Ok(result)) => result,
            _ => Err(StoreError::Refused(
                "the journal's thread failed; what it had taken is in the journal and is sealed at the next start"
                    .into(),
            )),
        }
    }
}

struct Journal {
    recorder: Recorder,
    room: Arc<Semaphore>,
    metrics: Arc<Metrics>,
    bus: Bus,
    stopping: Arc<AtomicBool>,
    /// Entries that could not be stored before the end.
    gave_up_on: u64,
}

impl Journal {
    fn run(mut self, mut items: mpsc::Receiver<Item>) -> Result<(), StoreError> {
        let mut batch = Vec::with_capacity(256);
        // One wake-up for many frames: waking per frame costs more than storing it.
        while items.blocking_recv_many(&mut batch, 256) > 0 {
            for item in batch.drain(..) {
                match item.entry {
                    Entry::Frame(frame) => self.frame(frame),
                    Entry::System(event) => self.event(event),
                    // Everything before it went through `append`. What was given up is in no journal: whoever waits
                    // learns that by the end of the channel.
                    Entry::Mark(passed) if self.gave_up_on == 0 => _ = passed.send(()),
                    Entry::Mark(_) => {}
                    // What was sent before is still handed out.
                    Entry::Close => items.close(),
                }
                self.room.add_permits(item.weight as usize);
            }
        }
        self.room.close();
        let closed = self.recorder.close();
        if self.gave_up_on > 0 {
            return Err(StoreError::Refused(format!(
                "{} frames could not be stored before the end: the disk did not take them",
                self.gave_up_on
            )));
        }
        closed
    }

    fn frame(&mut self, frame: Frame) {
        let record = Record {
            socket_id: frame.socket_id.as_deref(),
            source_clock: frame.source_clock,
            ..Record::frame(frame.ts, frame.source, frame.direction, &frame.text)
        };
        let seq = match self.store(&record) {
            Stored::At(seq) => seq,
            Stored::TooLong => return self.refused(frame),
            Stored::GaveUp => return,
        };
        self.metrics.of(frame.source).stored(&frame);
        if self.bus.has_listeners() {
            self.bus.publish(Captured {
                session_id: self.recorder.session_id(),
                seq,
                ts: frame.ts,
                source: frame.source,
                direction: Some(frame.direction),
                socket_id: frame.socket_id,
                event_type: None,
                text: frame.text,
            });
        }
    }

    fn event(&mut self, event: SystemEvent) {
        let record = Record::system(event.ts, event.source, &event.event_type, &event.details);
        let Stored::At(seq) = self.store(&record) else {
            return;
        };
        self.metrics.of(event.source).stored_event();
        if self.bus.has_listeners() {
            self.bus.publish(Captured {
                session_id: self.recorder.session_id(),
                seq,
                ts: event.ts,
                source: event.source,
                direction: None,
                socket_id: None,
                event_type: Some(event.event_type),
                text: event.details,
            });
        }
    }

    /// Appends until it is done, or until the capture is stopped and the disk still refuses.
    fn store(&mut self, record: &Record<'_>) -> Stored {
        let mut stopping_since = None;
        loop {
            let started = Instant::now();
            match self.recorder.append(record) {
                Ok(seq) => {
                    self.metrics.journal.appended(record.text.len(), started.elapsed());
                    return Stored::At(seq);
                }
                // No disk would take these.
                Err(StoreError::Refused(_)) => return Stored::TooLong,
                Err(StoreError::Closed) => {
                    self.gave_up_on += 1;
                    return Stored::GaveUp;
                }
                Err(error) => {
                    self.metrics.journal.stalls(&error);
                    if self.stopping.load(Relaxed) {
                        let since = *stopping_since.get_or_insert_with(Instant::now);
                        if self.gave_up_on > 0 || since.elapsed() >= LAST_TRIES {
                            self.gave_up_on += 1;
                            return Stored::GaveUp;
                        }
                    }
                    thread::sleep(RETRY);
                }
            }
        }
    }

    /// Keeps a frame that is longer than the journal takes: its bytes, in pieces. Credentials are out of it already.
    fn refused(&mut self, frame: Frame) {
        self.metrics.of(frame.source).as_bytes(1);
        let kept = AsBytes::whole(Why::TooLong, frame.text.into_bytes());
        for (event_type, details) in kept.events(frame.socket_id.as_deref(), frame.direction) {
            self.event(SystemEvent {
                ts: frame.ts,
                source: frame.source,
                event_type: event_type.to_owned(),
                details,
            });
        }
    }
}

enum Stored {
    At(u64),
    TooLong,
    GaveUp,
}

#[cfg(test)]
mod tests;
