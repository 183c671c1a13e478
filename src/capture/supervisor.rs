//! Waits for the lease, holds it, runs what is wished for, reports.
//!
//! Every fifth of a second: read the desired state; without the lease try to take it; with it, start and stop sources as
//! wished; twice a second write the report. When nothing is wished for, the lease is given back, so that an import
//! can run.

use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
use std::thread::JoinHandle as Thread;
use std::time::Duration;

use futures::FutureExt;
use serde_json::json;
use tokio::sync::watch;
use tokio::task::JoinHandle;
use tokio::time::{Instant, sleep, timeout};
use tokio_util::sync::{CancellationToken, DropGuard};

use super::bus::Bus;
use super::clock::{self, Clocks};
use super::control::{DesiredState, Watch};
use super::journaling::Journaling;
use super::metrics::{Metrics, SourceState};
use super::public_feed::{self, Gap};
use super::report::{self, Report, Reporter, SOURCES};
use super::sink::Sink;
use super::{Options, Role, events};
use crate::store::journal;
use crate::store::journal::reader::SegmentReader;
use crate::store::parts::BUILD;
use crate::store::record::Source;
use crate::store::recorder::{Recorder, RecorderOptions};
use crate::store::root::DataRoot;
use crate::store::seal::LeftBehind;
use crate::store::{Store, StoreError};

/// How often the desired state is read and the lease tried for.
const TURN: Duration = Duration::from_millis(200);

/// How often the report is written.
const REPORT: Duration = Duration::from_millis(500);

/// A store that cannot be opened for another reason than the lease is tried this often.
const TRY_AGAIN: Duration = Duration::from_secs(10);

/// How long stopped sources may take: they say goodbye to their servers and store what still comes.
const SOURCES_END: Duration = Duration::from_secs(3);

/// A source that ended by itself (a defect) is started again after this.
const RESTART: Duration = Duration::from_secs(1);

/// How often sealing what a crash left is tried again when the disk does not take it.
const SEAL_AGAIN: Duration = Duration::from_secs(30);

/// The process that recorded before this one.
struct Previous {
    report: Report,
    /// When the last frame of each source came that its journal still holds, microseconds UTC.
    last_frames: Vec<(Source, i64)>,
}

impl Previous {
    /// What is known of it, before anything is sealed.
    fn new(root: &DataRoot, report: Report) -> Previous {
        let last_frames = if report.ended { Vec::new() } else { last_frames(root, &report) };
        Previous { report, last_frames }
    }

    /// When the source was last heard of. The report is half a second old when its process is killed, so the journal is
    /// asked first. It says nothing when its last segment was sealed in that half second.
    fn last_frame_us(&self, source: Source) -> Option<i64> {
        let in_journal = self.last_frames.iter().find(|(of, _)| *of == source).map(|(_, ts)| *ts);
        in_journal.or_else(|| self.report.last_frame_us(source))
    }
}

/// The last frames in the last segment of a report's session. One that cannot be read costs a gap its sharpness, and
/// keeps nobody from recording.
fn last_frames(root: &DataRoot, report: &Report) -> Vec<(Source, i64)> {
    let segments = journal::segments(root).unwrap_or_default();
    let last = segments.iter().rfind(|segment| segment.session_id == report.session_id);
    let mut found: Vec<(Source, i64)> = Vec::new();
    let read = last.map(|segment| {
        SegmentReader::open(&segment.path)?.read(|record| {
            if let (Some(ts), Some(_)) = (record.ts, record.direction) {
                match found.iter_mut().find(|(source, _)| *source == record.source) {
                    Some((_, last)) => *last = ts,
                    None => found.push((record.source, ts)),
                }
            }
            Ok(())
        })
    });
    if let Some(Err(error)) = read {
        tracing::debug!(%error, "the journal of the process before cannot be read to its end");
    }
    found
}

/// Where the sources connect to, of those that are wished for.
#[derive(Debug, Clone, Default, PartialEq)]
struct Plan {
    public_ws: Option<String>,
    cdp: Option<String>,
}

impl Plan {
    fn new(desired: &DesiredState, options: &Options) -> Plan {
        let address = |desired: &super::control::DesiredSource, on: bool, address: &str| {
            desired.on.unwrap_or(on).then(|| desired.address.clone().unwrap_or_else(|| address.to_owned()))
        };
        let sources = &desired.sources;
        Plan {
            public_ws: address(&sources.public_ws, options.public_feed, &options.feed_address),
            cdp: address(&sources.cdp, options.browser, &options.browser_address),
        }
    }

    fn is_empty(&self) -> bool {
        self.public_ws.is_none() && self.cdp.is_none()
    }

    fn address(&self, source: Source) -> Option<&String> {
        match source {
            Source::PublicWs => self.public_ws.as_ref(),
            Source::Cdp => self.cdp.as_ref(),
            Source::Replay | Source::Ui | Source::Import => None,
        }
    }
}

pub(super) struct Supervisor {
    pub(super) root: DataRoot,
    pub(super) options: Options,
    pub(super) bus: Bus,
    pub(super) role: watch::Sender<Role>,
    /// The way into the journal while it is held.
    pub(super) journal: watch::Sender<Option<Sink>>,
}

impl Supervisor {
    /// Runs until stopped; then everything is stored and sealed.
    pub(super) async fn run(self, stop: CancellationToken) -> Result<(), StoreError> {
        let mut desired = Watch::new(&self.root);
        let mut holding: Option<Holding> = None;
        let mut next_try = Instant::now();
        loop {
            let plan = Plan::new(desired.poll(), &self.options);
            if let Some(held) = holding.take_if(|held| plan.is_empty() || held.journaling.is_dead()) {
                let reason = if plan.is_empty() { "switched off" } else { "the journal failed" };
                self.journal.send_replace(None);
                self.tell_end(held.end(reason).await);
            }
            if plan.is_empty() {
                self.set_role(Role::Off);
            } else if holding.is_none() && Instant::now() >= next_try {
                match self.take().await {
                    Ok(held) => {
                        self.set_role(Role::Capturing { session_id: held.journaling.session_id() });
                        self.journal.send_replace(Some(held.journaling.sink().clone()));
                        holding = Some(held);
                    }
                    Err(StoreError::Leased { holder, .. }) => self.set_role(Role::Following { holder }),
                    Err(error) => {
                        next_try = Instant::now() + TRY_AGAIN;
                        self.set_role(Role::Unable { reason: error.to_string() });
                    }
                }
            }
            if let Some(held) = &mut holding {
                held.follow(&plan);
                held.report().await;
            }
            tokio::select! {
                () = stop.cancelled() => break,
                () = sleep(TURN) => {}
            }
        }
        self.journal.send_replace(None);
        match holding {
            Some(held) => held.end("asked to stop").await,
            None => Ok(()),
        }
    }

    fn set_role(&self, role: Role) {
        self.role.send_if_modified(|current| {
            let changed = *current != role;
            if changed {
                match &role {
                    Role::Unable { reason } => tracing::warn!(reason, "cannot capture"),
                    role => tracing::info!(?role, "capture"),
                }
                *current = role;
            }
            changed
        });
    }

    fn tell_end(&self, ended: Result<(), StoreError>) {
        if let Err(error) = ended {
            tracing::error!(%error, "ending the capture");
        }
    }

    /// Takes the lease and starts recording.
    async fn take(&self) -> Result<Holding, StoreError> {
        let (root, purpose) = (self.root.clone(), self.options.purpose.clone());
        let opened = tokio::task::spawn_blocking(move || {
            if !root.run_dir().is_dir() {
                DataRoot::create(root.path())?;
            }
            let (store, left_behind) = Store::open_at_once(&root, &purpose)?;
            // With the lease: nobody writes it any more.
            let previous = Report::load(&root).map(|report| Previous::new(&root, report));
            let store = Arc::new(store);
            let recorder = Recorder::start(store.clone(), RecorderOptions::new(&purpose))?;
            Ok::<_, StoreError>((store, left_behind, recorder, previous))
        });
        let (store, left_behind, recorder, previous) = opened.await.map_err(|error| {
            StoreError::Refused(format!("opening the store failed: {error}. This is a defect; please report it"))
        })??;
        let metrics = Arc::new(Metrics::default());
        let session_id = recorder.session_id();
        let journaling =
            Journaling::start(recorder, self.options.queue, Clocks::default(), metrics.clone(), self.bus.clone())?;
        let details = json!({
            "origin": self.options.purpose, "pid": std::process::id(), "build": BUILD,
            "previous": previous.as_ref().map(|Previous { report, .. }| json!({
                "pid": report.pid, "purpose": report.purpose, "session_id": report.session_id,
                "ended": report.ended, "last_report_us": report.written_us,
            })),
        });
        // Nothing has been handed over yet: this cannot wait, and comes first. It is ours alone, no word of it came over
        // a socket: looked through for secrets it would lose the session's id, by which take-overs are joined.
        let _ = journaling.sink().own(Source::Ui, events::CAPTURE_STARTED, details.to_string()).await;
        let following = CancellationToken::new();
        let follow = super::verification::follow(self.root.clone(), journaling.sink().clone(), following.clone());
        tokio::spawn(guarded(follow));
        tokio::spawn(guarded(clock::watch(journaling.sink().clone(), following.clone())));
        Ok(Holding {
            root: self.root.clone(),
            reporter: Reporter::new(&self.options.purpose, BUILD, session_id),
            timeouts: self.options.timeouts,
            recovery: Recovery::start(store, left_behind),
            metrics,
            bus: self.bus.clone(),
            journaling,
            previous,
            following: following.drop_guard(),
            tasks: Vec::new(),
            next_report: Instant::now(),
            writing: None,
        })
    }
}

/// Everything that exists while the lease is held.
struct Holding {
    root: DataRoot,
    metrics: Arc<Metrics>,
    bus: Bus,
    journaling: Journaling,
    recovery: Recovery,
    reporter: Reporter,
    timeouts: public_feed::Timeouts,
    /// Whoever held the lease before.
    previous: Option<Previous>,
    /// Ends the follower of the verification log, and the one of the clocks.
    following: DropGuard,
    tasks: Vec<Task>,
    next_report: Instant,
    /// A report that the disk has not taken yet.
    writing: Option<JoinHandle<()>>,
}

/// A running source.
struct Task {
    source: Source,
    address: String,
    stop: CancellationToken,
    handle: JoinHandle<()>,
    /// When it was found to have ended by itself.
    failed: Option<Instant>,
}

impl Holding {
    /// Stops sources that are not wished for as they are, starts those that are.
    fn follow(&mut self, plan: &Plan) {
        for task in &mut self.tasks {
            if plan.address(task.source) != Some(&task.address) {
                task.stop.cancel();
            } else if task.handle.is_finished() && task.failed.is_none() {
                tracing::error!(source = task.source.as_str(), "a source ended by itself; it is started again");
                task.failed = Some(Instant::now());
            }
        }
        self.tasks.retain(|task| {
            let over = task.stop.is_cancelled() || task.failed.is_some_and(|since| since.elapsed() >= RESTART);
            !(over && task.handle.is_finished())
        });
        for source in SOURCES {
            // An old task of the source has to be gone first.
            if let Some(address) = plan.address(source)
                && self.tasks.iter().all(|task| task.source != source)
            {
                let task = self.start(source, address.clone());
                self.tasks.push(task);
            }
        }
    }

    fn start(&mut self, source: Source, address: String) -> Task {
        let stop = CancellationToken::new();
        let sink = self.journaling.sink().clone();
        let (root, bus) = (self.root.clone(), self.bus.subscribe());
        tokio::spawn(super::novelty::watch(source, root, bus, sink.clone(), stop.clone()));
        let handle = match source {
            Source::PublicWs => {
                let gap = self.gap(source);
                let run = public_feed::run(sink, address.clone(), gap, self.timeouts, stop.clone());
                tokio::spawn(guarded(run))
            }
            _ => {
                tokio::spawn(super::drift::watch(self.bus.subscribe(), sink.clone(), stop.clone()));
                let run = super::browser::run(sink, address.clone(), stop.clone());
                tokio::spawn(guarded(run))
            }
        };
        Task { source, address, stop, handle, failed: None }
    }

    /// What was not captured before this source starts.
    fn gap(&mut self, source: Source) -> Option<Gap> {
        if let Some((from_us, at_us)) = self.metrics.of(source).last_frame() {
            let reason = "the source was switched off".into();
            return Some(Gap { from_us, since_us: Some(at_us), reason, attempts: 0 });
        }
        let previous = self.previous.as_ref()?;
        let ended = if previous.report.ended { "ended" } else { "did not end properly" };
        let reason = format!("process {} captured before and {ended}", previous.report.pid);
        Some(Gap { from_us: previous.last_frame_us(source)?, since_us: None, reason, attempts: 0 })
    }

    async fn report(&mut self) {
        if Instant::now() < self.next_report {
            return;
        }
        self.next_report = Instant::now() + REPORT;
        self.write_report(false).await;
    }

    async fn write_report(&mut self, ended: bool) {
        let tasks = &self.tasks;
        let address = |source| tasks.iter().find(|task| task.source == source).map(|task| task.address.clone());
        let is_recovering = self.recovery.is_running();
        let report = self.reporter.look(&self.metrics, self.journaling.sink(), is_recovering, address);
        report.ended = ended;
        let (root, report) = (self.root.clone(), report.clone());
        // The disk may take its time: what takes longer than a report is worth is not waited for, and while it lasts
        // no other one is begun.
        if self.writing.as_ref().is_none_or(JoinHandle::is_finished) {
            let mut written = tokio::task::spawn_blocking(move || report::write(&root, &report));
            if timeout(REPORT, &mut written).await.is_err() {
                self.writing = Some(written);
            }
        }
    }

    /// Stops the sources, stores what they handed over, seals, and gives the lease back.
    async fn end(mut self, reason: &str) -> Result<(), StoreError> {
        for task in &self.tasks {
            task.stop.cancel();
        }
        let all = futures::future::join_all(self.tasks.iter_mut().map(|task| &mut task.handle));
        // A source that waits for a disk that does not take anything ends when the journal gives up.
        let _ = timeout(SOURCES_END, all).await;
        let said = self.journaling.sink().system(Source::Ui, events::CAPTURE_STOPPED, json!({"reason": reason}));
        let _ = timeout(Duration::from_secs(1), said).await;
        for source in SOURCES {
            self.journaling.sink().state(source, SourceState::Off);
        }
        self.write_report(true).await;
        let Holding { journaling, recovery, tasks, following, .. } = self;
        drop(following);
        let stopped = journaling.stop().await;
        tasks.iter().for_each(|task| task.handle.abort());
        recovery.stop().await;
        stopped
    }
}

/// A source that panics must be seen to have ended, and say why.
async fn guarded(run: impl Future<Output = ()>) {
    if let Err(panic) = AssertUnwindSafe(run).catch_unwind().await {
        let text = panic.downcast_ref::<String>().map(String::as_str);
        let text = text.or_else(|| panic.downcast_ref::<&str>().copied()).unwrap_or_default();
        tracing::error!(text, "a source failed: this is a defect, please report it");
    }
}

/// Seals what a crash left behind, beside the recording.
struct Recovery {
    stop: Arc<AtomicBool>,
    thread: Option<Thread<()>>,
}

impl Recovery {
    fn start(store: Arc<Store>, left_behind: LeftBehind) -> Recovery {
        let stop = Arc::new(AtomicBool::new(false));
        if left_behind.is_empty() {
            return Recovery { stop, thread: None };
        }
        let stopping = stop.clone();
        let run = move || {
            let is_stopping = || stopping.load(Relaxed);
            while let Err(error) = left_behind.seal(&store, is_stopping) {
                tracing::error!(%error, "sealing what a crash left failed; it stays in the journal and is tried again");
                let since = std::time::Instant::now();
                while since.elapsed() < SEAL_AGAIN && !is_stopping() {
                    std::thread::sleep(TURN);
                }
                if is_stopping() {
                    return;
                }
            }
        };
        match std::thread::Builder::new().name("recovery".into()).spawn(run) {
            Ok(thread) => Recovery { stop, thread: Some(thread) },
            Err(error) => {
                tracing::error!(%error, "no thread for sealing what a crash left; the next start does it");
                Recovery { stop, thread: None }
            }
        }
    }

    fn is_running(&self) -> bool {
        self.thread.as_ref().is_some_and(|thread| !thread.is_finished())
    }

    /// Waits for the session at hand only; the next start does the rest.
    async fn stop(self) {
        self.stop.store(true, Relaxed);
        if let Some(thread) = self.thread {
            let joined = tokio::task::spawn_blocking(move || thread.join());
            let _ = timeout(SOURCES_END, joined).await;
        }
    }
}

#[cfg(test)]
mod tests;
