//! What the capturing process reports to all others: `run/capture_status.json`, replaced twice a second.

use std::collections::{BTreeMap, VecDeque};
use std::fs::OpenOptions;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use serde::{Deserialize, Serialize};

use super::metrics::{JournalNumbers, Metrics, SourceNumbers};
use super::sink::Sink;
use crate::store::ids::SessionId;
use crate::store::record::{Source, now_us};
use crate::store::root::DataRoot;

/// The report of the process that captures.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Report {
    /// Version of the layout.
    pub version: u32,
    /// The process.
    pub pid: u32,
    /// Its build.
    pub build: String,
    /// What it was started as: `serve`, `record`.
    pub purpose: String,
    /// The session that it records.
    pub session_id: SessionId,
    /// Since when it holds the lease, microseconds UTC.
    pub started_us: i64,
    /// When this was written, microseconds UTC.
    pub written_us: i64,
    /// It ended in good order: this is its last report.
    pub ended: bool,
    /// Sessions of others that it still seals, left by a crash.
    pub is_recovering: bool,
    /// What waits for the journal.
    pub queue: Queue,
    /// The journal.
    pub journal: JournalNumbers,
    /// The sources, by the name of their `source` column.
    pub sources: BTreeMap<String, SourceReport>,
}

/// What stands in front of the journal.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize, Deserialize)]
pub struct Queue {
    /// Frames and events.
    pub entries: usize,
    /// Their bytes.
    pub bytes: usize,
    /// As many bytes fit; then the sources wait.
    pub capacity_bytes: usize,
}

/// One source.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct SourceReport {
    /// Where it connects to.
    #[serde(default)]
    pub address: Option<String>,
    /// State and counters.
    #[serde(flatten)]
    pub numbers: SourceNumbers,
    /// Frames per second, both directions, over the last five seconds.
    pub frames_per_s: f64,
    /// Bytes per second likewise.
    pub bytes_per_s: f64,
}

/// A report older than this is stale: whoever wrote it does so no more.
pub(super) const STALE: Duration = Duration::from_secs(3);

impl Report {
    /// The file.
    pub fn path(root: &DataRoot) -> PathBuf {
        root.run_dir().join("capture_status.json")
    }

    /// Reads the last report, whoever wrote it; `None` where there is none that can be read.
    pub fn load(root: &DataRoot) -> Option<Report> {
        // It may be written in place just now, when the disk is full.
        (0..3).find_map(|_| serde_json::from_slice(&std::fs::read(Report::path(root)).ok()?).ok())
    }

    /// Its age now.
    pub fn age(&self) -> Duration {
        Duration::from_micros((now_us() - self.written_us).max(0) as u64)
    }

    /// When the source was last heard of; for the gap that its successor writes.
    pub(super) fn last_frame_us(&self, source: Source) -> Option<i64> {
        self.sources.get(source.as_str())?.numbers.last_frame_us
    }
}

/// The sources that a report speaks of.
pub(super) const SOURCES: [Source; 2] = [Source::PublicWs, Source::Cdp];

/// Makes the reports of one holder.
pub(super) struct Reporter {
    report: Report,
    rates: BTreeMap<&'static str, Rate>,
}

impl Reporter {
    pub(super) fn new(purpose: &str, build: &str, session_id: SessionId) -> Reporter {
        let now = now_us();
        let report = Report {
            version: 1,
            pid: std::process::id(),
            build: build.to_owned(),
            purpose: purpose.to_owned(),
            session_id,
            started_us: now,
            written_us: now,
            ended: false,
            is_recovering: false,
            queue: Queue::default(),
            journal: JournalNumbers::default(),
            sources: BTreeMap::new(),
        };
        Reporter { report, rates: BTreeMap::new() }
    }

    /// Looks at everything. `address` tells where a source connects to.
    pub(super) fn look(
        &mut self,
        metrics: &Metrics,
        sink: &Sink,
        is_recovering: bool,
        address: impl Fn(Source) -> Option<String>,
    ) -> &mut Report {
        let report = &mut self.report;
        report.written_us = now_us();
        report.is_recovering = is_recovering;
        report.queue = sink.queue_now();
        report.journal = metrics.journal.numbers();
        for source in SOURCES {
            let numbers = metrics.of(source).numbers();
            let rate = self.rates.entry(source.as_str()).or_default();
            let (frames_per_s, bytes_per_s) =
                rate.look(Instant::now(), numbers.received + numbers.sent, numbers.bytes);
            let address = address(source);
            report
                .sources
                .insert(source.as_str().to_owned(), SourceReport { address, numbers, frames_per_s, bytes_per_s });
        }
        report
    }
}

/// Writes the report. It is no data: it need not survive a power cut, so the disk is not made to wait for it.
pub(super) fn write(root: &DataRoot, report: &Report) {
    let path = Report::path(root);
    let Ok(bytes) = serde_json::to_vec_pretty(report) else {
        return;
    };
    // Only the holder of the lease writes here: a fixed name leaves nothing behind when it is killed.
    let temporary = path.with_extension("tmp");
    let replaced = std::fs::write(&temporary, &bytes).and_then(|()| std::fs::rename(&temporary, &path));
    if replaced.is_err() {
        let _ = std::fs::remove_file(&temporary);
        // A full disk has no room for a new file, but the old one's room can be used: just now the report matters.
        let _ = overwrite(&path, &bytes);
    }
}

fn overwrite(path: &Path, bytes: &[u8]) -> std::io::Result<()> {
    let mut file = OpenOptions::new().write(true).open(path)?;
    file.write_all(bytes)?;
    file.set_len(bytes.len() as u64)
}

/// Counts per second over the last five seconds.
#[derive(Debug, Default)]
struct Rate {
    looks: VecDeque<(Instant, u64, u64)>,
}

impl Rate {
    fn look(&mut self, now: Instant, frames: u64, bytes: u64) -> (f64, f64) {
        self.looks.push_back((now, frames, bytes));
        while self.looks.get(1).is_some_and(|(at, ..)| now - *at >= Duration::from_secs(5)) {
            self.looks.pop_front();
        }
        let Some((at, first_frames, first_bytes)) = self.looks.front() else {
            return (0.0, 0.0);
        };
        let seconds = (now - *at).as_secs_f64();
        if seconds <= 0.0 {
            return (0.0, 0.0);
        }
        let per_second = |count: u64| (count as f64 / seconds * 10.0).round() / 10.0;
        (per_second(frames.saturating_sub(*first_frames)), per_second(bytes.saturating_sub(*first_bytes)))
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use crate::capture::SourceState;

    #[test]
    fn a_report_reads_back_as_it_was_written() {
        let folder = tempfile::tempdir().unwrap();
        let root = DataRoot::create(folder.path().join("root")).unwrap();
        let metrics = Metrics::default();
        let connected =
            |since_us| SourceState::Connected { since_us, socket_id: Some("feed-1".into()), note: None };
        metrics.of(Source::PublicWs).set_state(connected(7));
        let failed = SourceState::Failed {
            reason: "no".into(),
            next_step: "wait".into(),
            attempt: 3,
            next_try_us: Some(9),
        };
        metrics.of(Source::Cdp).set_state(failed);
        let mut reporter = Reporter::new("test", "build", SessionId::start());
        let mut report = reporter.report.clone();
        for source in SOURCES {
            let numbers = metrics.of(source).numbers();
            let source_report = SourceReport { numbers, frames_per_s: 1.5, ..SourceReport::default() };
            report.sources.insert(source.as_str().to_owned(), source_report);
        }
        reporter.report = report;
        write(&root, &reporter.report);
        assert_eq!(Report::load(&root), Some(reporter.report));
    }

    #[test]
    fn a_report_that_cannot_be_replaced_is_written_in_place() {
        let folder = tempfile::tempdir().unwrap();
        let root = DataRoot::create(folder.path().join("root")).unwrap();
        let mut report = Reporter::new("a longer purpose than the next", "build", SessionId::start()).report;
        write(&root, &report);
        // A folder in the way of the temporary file.
        let path = Report::path(&root);
        std::fs::create_dir(path.with_extension("tmp")).unwrap();
        report.purpose = "short".into();
        write(&root, &report);
        assert_eq!(Report::load(&root), Some(report));
    }

    #[test]
    fn a_rate_is_that_of_the_last_five_seconds() {
        let mut rate = Rate::default();
        let start = Instant::now();
        let at = |seconds: u64| start + Duration::from_secs(seconds);
        assert_eq!(rate.look(at(0), 0, 0), (0.0, 0.0));
        assert_eq!(rate.look(at(2), 20, 200), (10.0, 100.0));
        assert_eq!(rate.look(at(5), 50, 500), (10.0, 100.0));
        assert_eq!(rate.look(at(10), 50, 500), (0.0, 0.0), "nothing came in the last five");
    }
}
