//! One recording session: append to the journal, rotate segments, seal them in the background.

use std::fs::File;
use std::sync::mpsc::{Receiver, Sender, channel};
use std::sync::{Arc, Condvar, Mutex, PoisonError};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use super::StoreError;
use super::ids::SessionId;
use super::journal::writer::SegmentWriter;
use super::journal::{SegmentHead, SegmentPath};
use super::open::{Store, lock};
use super::parts::BUILD;
use super::project::{Context, project};
use super::record::{Direction, Record, now_us};
use super::rows::{Cell, Envelope, RowSink};
use super::schema::DocType;
use replayer_protocol::line::LineFormat;

/// When a segment is sealed, and how much a power cut can take.
#[derive(Debug, Clone)]
pub struct RecorderOptions {
    /// What started the session: `record`, `serve`, `demo`, …
    pub origin: String,
    /// A segment is sealed when it is this long, bytes.
    pub segment_bytes: u64,
    /// A segment is sealed when it is this old.
    pub segment_age: Duration,
    /// What was appended survives a power cut after at most this long.
    pub sync_every: Duration,
}

impl RecorderOptions {
    /// 64 MiB, a quarter of an hour, 200 ms.
    pub fn new(origin: &str) -> RecorderOptions {
        RecorderOptions {
            origin: origin.to_owned(),
            segment_bytes: 64 << 20,
            segment_age: Duration::from_secs(15 * 60),
            sync_every: Duration::from_millis(200),
        }
    }
}

/// A recording session. Appending may be done from several threads; the order of `seq` is the order of
/// arrival here. Closing (or dropping) it seals everything.
pub struct Recorder {
    shared: Arc<Shared>,
    sealer: Mutex<Option<JoinHandle<()>>>,
    syncer: Mutex<Option<JoinHandle<()>>>,
}

struct Shared {
    store: Arc<Store>,
    session_id: SessionId,
    started_us: i64,
    options: RecorderOptions,
    state: Mutex<State>,
    closing: Condvar,
}

struct State {
    /// `None` before the first record of a segment and after closing.
    writer: Option<SegmentWriter>,
    segment_number: u64,
    segment_started: Instant,
    segment_day: Option<i64>,
    next_seq: u64,
    /// Follows the orders, for the head of the next segment.
    context: Context,
    /// Closed segments on their way to the sealer; `None` once the recorder is closed.
    to_seal: Option<Sender<SegmentPath>>,
    dirty: bool,
}

impl Recorder {
    /// Starts a session.
    ///
    /// # Errors
    /// When the system gives no thread.
    pub fn start(store: Arc<Store>, options: RecorderOptions) -> Result<Recorder, StoreError> {
        let (to_seal, segments) = channel();
        let state = State {
            writer: None,
            segment_number: 0,
            segment_started: Instant::now(),
            segment_day: None,
            next_seq: 1,
            context: Context::default(),
            to_seal: Some(to_seal),
            dirty: false,
        };
        let shared = Arc::new(Shared {
            store,
            session_id: SessionId::start(),
            started_us: now_us(),
            options,
            state: Mutex::new(state),
            closing: Condvar::new(),
        });
        let spawn = |name: &str, run: Box<dyn FnOnce() + Send>| {
            let thread = thread::Builder::new().name(name.into()).spawn(run);
            thread.map(|handle| Mutex::new(Some(handle))).map_err(|error| {
                StoreError::Refused(format!("the system gives no thread to the recorder: {error}"))
            })
        };
        let (for_sealer, for_syncer) = (shared.clone(), shared.clone());
        let sealer = spawn("sealer", Box::new(move || seal_segments(&for_sealer, &segments)))?;
        let syncer = spawn("journal-sync", Box::new(move || sync_and_age(&for_syncer)))?;
        Ok(Recorder { shared, sealer, syncer })
    }

    /// The session's id.
    pub fn session_id(&self) -> SessionId {
        self.shared.session_id
    }

    /// Appends a record and returns its `seq`. When this returns, killing the process does not lose it.
    ///
    /// # Errors
    /// [`StoreError::Closed`] after closing; on a full disk nothing was appended, and it can be tried again.
    pub fn append(&self, record: &Record<'_>) -> Result<u64, StoreError> {
        let shared = &self.shared;
        let mut state = lock(&shared.state);
        if state.to_seal.is_none() {
            return Err(StoreError::Closed);
        }
        let day = record.ts.map(|ts| ts.div_euclid(86_400_000_000));
        if shared.is_full(&state) || (day.is_some() && state.segment_day.is_some() && day != state.segment_day) {
            shared.rotate(&mut state)?;
        }
        let seq = state.next_seq;
        let record = Record { seq, ..*record };
        if state.writer.is_none() {
            shared.begin_segment(&mut state)?;
            state.segment_day = day;
        }
        match state.writer.as_mut() {
            Some(writer) => writer.append(&record)?,
            None => return Err(StoreError::Closed),
        }
        state.next_seq += 1;
        state.dirty = true;
        if concerns_orders(&record) {
            project(shared.session_id, &record, &mut state.context, &mut Discard)?;
        }
        Ok(seq)
    }

    /// Makes everything appended so far survive a power cut.
    ///
    /// # Errors
    /// When the disk cannot take it.
    pub fn sync(&self) -> Result<(), StoreError> {
        let mut state = lock(&self.shared.state);
        state.dirty = false;
        state.writer.as_ref().map_or(Ok(()), SegmentWriter::sync)
    }

    /// Ends the session: everything is sealed when this returns. Closing twice is harmless.
    ///
    /// # Errors
    /// When sealing failed: the journal then holds what is missing, and the next start seals it.
    pub fn close(&self) -> Result<(), StoreError> {
        let rotated = {
            let mut state = lock(&self.shared.state);
            let rotated = self.shared.rotate(&mut state);
            state.to_seal = None;
            rotated
        };
        self.shared.closing.notify_all();
        for thread in [&self.sealer, &self.syncer] {
            let handle = thread.lock().unwrap_or_else(PoisonError::into_inner).take();
            if let Some(handle) = handle {
                let _ = handle.join();
            }
        }
        rotated?;
        let folder = self.shared.store.root().session_dir(self.shared.session_id);
        if folder.exists() {
            return Err(StoreError::Refused(format!(
                "the session's journal could not be sealed; it stays in {} and is sealed at the next start",
                folder.display()
            )));
        }
        Ok(())
    }
}

impl Drop for Recorder {
    fn drop(&mut self) {
        if let Err(error) = self.close() {
            tracing::error!(%error, "closing the recorder");
        }
    }
}

impl Shared {
    fn is_full(&self, state: &State) -> bool {
        state.writer.as_ref().is_some_and(|writer| writer.length() >= self.options.segment_bytes)
    }

    fn is_old(&self, state: &State) -> bool {
        state.writer.is_some() && state.segment_started.elapsed() >= self.options.segment_age
    }

    fn begin_segment(&self, state: &mut State) -> Result<(), StoreError> {
        let head = SegmentHead {
            session_id: self.session_id,
            number: state.segment_number + 1,
            first_seq: state.next_seq,
            origin: self.options.origin.clone(),
            started_us: self.started_us,
            build: BUILD.to_owned(),
            requests: state.context.requests.clone(),
        };
        state.writer = Some(SegmentWriter::create(self.store.root(), head)?);
        state.segment_number += 1;
        state.segment_started = Instant::now();
        Ok(())
    }

    /// Closes the segment at hand and gives it to the sealer.
    fn rotate(&self, state: &mut State) -> Result<(), StoreError> {
        let Some(writer) = &state.writer else {
            return Ok(());
        };
        writer.sync()?;
        let segment = SegmentPath {
            session_id: self.session_id,
            number: state.segment_number,
            path: writer.path().to_owned(),
        };
        state.writer = None;
        state.dirty = false;
        if let Some(to_seal) = &state.to_seal {
            // The sealer only ends after this end of the channel is gone.
            let _ = to_seal.send(segment);
        }
        Ok(())
    }

    /// What the sync thread has to make durable now.
    fn to_sync(&self, state: &mut State) -> Option<File> {
        if !std::mem::take(&mut state.dirty) {
            return None;
        }
        state.writer.as_ref().and_then(|writer| writer.handle().ok())
    }
}

/// Seals closed segments until the recorder is closed. A segment that cannot be sealed (a full disk) stays
/// and is tried again with the next one.
fn seal_segments(shared: &Shared, segments: &Receiver<SegmentPath>) {
    let mut waiting: Vec<SegmentPath> = Vec::new();
    while let Ok(segment) = segments.recv() {
        waiting.push(segment);
        waiting.extend(segments.try_iter());
        match shared.store.seal(shared.session_id, &waiting) {
            Ok(_) => waiting.clear(),
            Err(error) => {
                tracing::error!(%error, segments = waiting.len(), "sealing failed; the journal keeps them")
            }
        }
    }
}

/// The group commit, and the rotation of segments that are old but get no new frames.
fn sync_and_age(shared: &Shared) {
    let mut state = lock(&shared.state);
    while state.to_seal.is_some() {
        let waited = shared.closing.wait_timeout(state, shared.options.sync_every);
        state = waited.unwrap_or_else(PoisonError::into_inner).0;
        if shared.is_old(&state)
            && let Err(error) = shared.rotate(&mut state)
        {
            tracing::error!(%error, "rotating the journal");
        }
        if let Some(file) = shared.to_sync(&mut state) {
            // Never with the lock held: the disk may take its time, frames must not wait for it.
            drop(state);
            if let Err(error) = file.sync_data() {
                tracing::error!(%error, "syncing the journal");
            }
            state = lock(&shared.state);
        }
    }
}

/// Orders that ask for an ack, and acks.
fn concerns_orders(record: &Record<'_>) -> bool {
    record.format == LineFormat::Wire
        && (record.direction == Some(Direction::Sent) || record.text.starts_with("43"))
}

/// A sink for projecting only the context.
struct Discard;

impl RowSink for Discard {
    fn row(&mut self, _: DocType, _: &Envelope<'_>, _: &[Cell<'_>]) -> Result<(), StoreError> {
        Ok(())
    }
}
