//! One recording session: append to the journal, rotate segments, seal them in the background.

use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel};
use std::sync::{Arc, Condvar, Mutex, PoisonError};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use super::StoreError;
use super::fsio::{self, File};
use super::ids::SessionId;
use super::journal::writer::SegmentWriter;
use super::journal::{SegmentHead, SegmentPath, segment_path};
use super::open::{Store, lock};
use super::parts::BUILD;
use super::project::{Context, project};
use super::record::{Direction, Record, now_us};
use super::rows::{Cell, Envelope, RowSink};
use super::schema::DocType;
use super::seal::{Closed, SealedSoFar};
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
    /// What was appended survives a power cut after at most this long; on a machine that is short of time, after the first
    /// append behind twice as long.
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

/// What could not be sealed is tried again with the next segment, or after this long; each time after twice as long, since
/// all of it is read again, but at least so often.
const TRY_AGAIN: (Duration, Duration) = (Duration::from_secs(10), Duration::from_secs(300));

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
    unsealed: Mutex<Unsealed>,
}

/// What the sealer has to do. Its lock is held while it does; who holds [`Shared::state`] never waits for it.
#[derive(Default)]
struct Unsealed {
    segments: Vec<Closed>,
    so_far: SealedSoFar,
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
    to_seal: Option<Sender<Closed>>,
    /// When the oldest record was appended that nobody syncs yet.
    unsynced_since: Option<Instant>,
    /// The last segment that could not be synced; see [`Shared::distrust`].
    in_doubt: u64,
    /// The last segment that is sealed.
    sealed: u64,
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
            unsynced_since: None,
            in_doubt: 0,
            sealed: 0,
        };
        let session_id = SessionId::start_after(store.sessions());
        let shared = Arc::new(Shared {
            store,
            session_id,
            started_us: now_us(),
            options,
            state: Mutex::new(state),
            closing: Condvar::new(),
            unsealed: Mutex::default(),
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
            shared.rotate(&mut state);
        }
        if let Some(Err(error)) = state.writer.as_mut().map(SegmentWriter::cut) {
            // Behind half a record nothing can be read again, but another file may take what this one does not give up.
            tracing::warn!(%error, "the journal goes on in a new segment");
            shared.rotate(&mut state);
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
        state.unsynced_since.get_or_insert_with(Instant::now);
        if concerns_orders(&record) {
            project(shared.session_id, &record, &mut state.context, &mut Discard)?;
        }
        // On a machine with much else to do, the sync thread may not get its turn between two appends for seconds.
        if state.unsynced_since.is_some_and(|since| since.elapsed() > shared.options.sync_every * 2)
            && let Some((number, file)) = shared.to_sync(&mut state)
        {
            drop(state);
            if let Err(error) = file.sync_data() {
                shared.distrust(&mut lock(&shared.state), number, &error);
            }
        }
        Ok(seq)
    }

    /// Makes everything appended so far survive a power cut.
    ///
    /// # Errors
    /// When the disk cannot take it: a power cut may then take what was appended since the last success. It is written
    /// again, into parts, and this succeeds once that is done.
    pub fn sync(&self) -> Result<(), StoreError> {
        let mut state = lock(&self.shared.state);
        if let Some(Err(error)) = state.writer.as_ref().map(SegmentWriter::sync) {
            let number = state.segment_number;
            self.shared.distrust(&mut state, number, &error);
            return Err(error);
        }
        state.unsynced_since = None;
        if state.in_doubt > state.sealed {
            return Err(StoreError::Refused(format!(
                "segment {} of the journal in {} could not be synced and is being written again, into parts; until then \
                 a power cut may take the end of it. Sync again in some seconds",
                state.in_doubt,
                self.shared.folder().display()
            )));
        }
        Ok(())
    }

    /// Ends the session: everything is sealed when this returns. Closing again does what is left to do.
    ///
    /// # Errors
    /// When sealing failed: the journal then holds what is missing. Closing again seals it, or else the next start.
    pub fn close(&self) -> Result<(), StoreError> {
        {
            let mut state = lock(&self.shared.state);
            self.shared.rotate(&mut state);
            state.to_seal = None;
        }
        self.shared.closing.notify_all();
        for thread in [&self.sealer, &self.syncer] {
            let handle = thread.lock().unwrap_or_else(PoisonError::into_inner).take();
            if let Some(handle) = handle {
                let _ = handle.join();
            }
        }
        // Nothing where the sealer was able to.
        self.shared.seal(&mut lock(&self.shared.unsealed), true).map_err(|error| {
            StoreError::Refused(format!(
                "the session's journal could not be sealed: {error}. What is missing stays in {} and is sealed at the \
                 next start",
                self.shared.folder().display()
            ))
        })
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

    fn folder(&self) -> std::path::PathBuf {
        self.store.root().session_dir(self.session_id)
    }

    fn begin_segment(&self, state: &mut State) -> Result<(), StoreError> {
        let number = state.segment_number + 1;
        let head = SegmentHead {
            session_id: self.session_id,
            number,
            first_seq: state.next_seq,
            origin: self.options.origin.clone(),
            started_us: self.started_us,
            build: BUILD.to_owned(),
            requests: state.context.requests.clone(),
        };
        match SegmentWriter::create(self.store.root(), head) {
            Ok(writer) => {
                state.writer = Some(writer);
                state.segment_number = number;
                state.segment_started = Instant::now();
                Ok(())
            }
            Err(error) => {
                let path = segment_path(self.store.root(), self.session_id, number);
                // A disk that takes no segment may not give up what it took of it either. The next one then gets another
                // name, and the sealer clears this one away.
                if fsio::exists(&path).unwrap_or(true) {
                    state.segment_number = number;
                    self.hand_over(state, path, 0);
                }
                Err(error)
            }
        }
    }

    /// Closes the segment at hand and gives it to the sealer. Whether or not the disk does what it is asked to here: in the
    /// parts the segment is durable and without half a record, and frames do not wait for that.
    fn rotate(&self, state: &mut State) {
        let Some(mut writer) = state.writer.take() else {
            return;
        };
        if let Err(error) = writer.cut() {
            tracing::warn!(%error, "half a record stays at the end of this segment until it is sealed");
        }
        if let Err(error) = writer.sync() {
            let number = state.segment_number;
            self.distrust(state, number, &error);
        }
        state.unsynced_since = None;
        self.hand_over(state, writer.path().to_owned(), writer.length());
    }

    /// Gives a closed segment to the sealer; `length` of it, bytes, are whole.
    fn hand_over(&self, state: &mut State, path: std::path::PathBuf, length: u64) {
        let segment = SegmentPath { session_id: self.session_id, number: state.segment_number, path };
        if let Some(to_seal) = &state.to_seal {
            // The sealer only ends after this end of the channel is gone.
            let _ = to_seal.send(Closed { segment, length });
        }
    }

    /// After a sync that failed. What was appended since the last good one may not survive a power cut, and syncing once
    /// more would not help: the system gives up pages that it could not write, and calls the next sync a success. But until
    /// then they can be read. So the segment is closed and sealed at once: the sealer reads it, checks every record and
    /// writes it into new files, which are synced before the segment is removed.
    fn distrust(&self, state: &mut State, number: u64, error: &dyn std::fmt::Display) {
        tracing::error!(
            %error,
            segment = number,
            "a power cut may take what was appended since the last sync; it is written again, into parts, at once"
        );
        state.in_doubt = state.in_doubt.max(number);
        let at_hand = if number == state.segment_number { state.writer.take() } else { None };
        if let Some(writer) = at_hand {
            state.unsynced_since = None;
            self.hand_over(state, writer.path().to_owned(), writer.length());
        }
    }

    /// What the sync thread has to make durable now, and which segment it is.
    fn to_sync(&self, state: &mut State) -> Option<(u64, File)> {
        state.unsynced_since?;
        match state.writer.as_ref()?.handle() {
            Ok(file) => {
                state.unsynced_since = None;
                Some((state.segment_number, file))
            }
            Err(error) => {
                tracing::warn!(%error, "the journal cannot be synced just now");
                None
            }
        }
    }

    /// Seals what is waiting. `is_over` when no segment of the session is to come.
    fn seal(&self, unsealed: &mut Unsealed, is_over: bool) -> Result<(), StoreError> {
        let Unsealed { segments, so_far } = unsealed;
        if segments.is_empty() && !(is_over && so_far.has_damages()) {
            return Ok(());
        }
        self.store.seal_closed(self.session_id, segments, so_far, is_over)?;
        let last = segments.iter().map(|closed| closed.segment.number).max();
        segments.clear();
        let mut state = lock(&self.state);
        state.sealed = state.sealed.max(last.unwrap_or(0));
        Ok(())
    }
}

/// Seals closed segments until the recorder is closed. What cannot be sealed (a full disk) stays and is tried again.
fn seal_segments(shared: &Shared, segments: &Receiver<Closed>) {
    let mut pause = TRY_AGAIN.0;
    loop {
        let waits = !lock(&shared.unsealed).segments.is_empty();
        let next = if waits { segments.recv_timeout(pause) } else { segments.recv().map_err(Into::into) };
        if matches!(next, Err(RecvTimeoutError::Disconnected)) {
            return;
        }
        let mut unsealed = lock(&shared.unsealed);
        // Asked before the channel is emptied: when it is over, all of them are in the channel.
        let is_over = lock(&shared.state).to_seal.is_none();
        unsealed.segments.extend(next.into_iter().chain(segments.try_iter()));
        match shared.seal(&mut unsealed, is_over) {
            Ok(()) => pause = TRY_AGAIN.0,
            Err(error) => {
                let segments = unsealed.segments.len();
                tracing::error!(%error, segments, "sealing failed; the journal keeps them, and it is tried again");
                pause = (pause * 2).min(TRY_AGAIN.1);
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
        if shared.is_old(&state) {
            shared.rotate(&mut state);
        }
        if let Some((number, file)) = shared.to_sync(&mut state) {
            // Never with the lock held: the disk may take its time, frames must not wait for it.
            drop(state);
            let synced = file.sync_data();
            state = lock(&shared.state);
            if let Err(error) = synced {
                shared.distrust(&mut state, number, &error);
            }
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
