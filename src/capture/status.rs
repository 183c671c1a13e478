//! How the capture stands, as any process can tell it from files: desired state, lease, report, disk.

use serde::Serialize;

use super::control::DesiredState;
use super::report::{Report, STALE};
use crate::store::journal;
use crate::store::lease::Lease;
use crate::store::open::SchemaManifest;
use crate::store::root::DataRoot;
use crate::store::schema::{SCHEMA_VERSION, is_newer};

/// What the files say at one moment.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Status {
    /// In a word.
    pub capture: CaptureState,
    /// What is to know or to do, where the word does not say it all.
    pub note: Option<String>,
    /// Who holds the writer lease, in its own words; `None` when nobody does.
    pub holder: Option<String>,
    /// What the sources should do.
    pub desired: DesiredState,
    /// The report of the process that captures, or the last one of a process that did.
    pub report: Option<Report>,
    /// Age of the report, milliseconds.
    pub report_age_ms: Option<u64>,
    /// Bytes in the journal that are not yet sealed.
    pub journal_bytes: u64,
    /// Bytes that can still be written to the disk.
    pub disk_free_bytes: Option<u64>,
}

/// Whether frames are being captured.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum CaptureState {
    /// A process records, and the disk takes it.
    Capturing,
    /// A process records, but the disk refuses at the moment: the sources wait.
    Stalled,
    /// A process holds the lease and has not reported for some seconds: it hangs, or is being stopped.
    Unresponsive,
    /// Another kind of writer holds the lease: an import, say. The capture begins when it ends.
    OtherWriter,
    /// Nobody records, and nobody wants it.
    Off,
    /// Nobody records, although it is wanted: no process is there to do it, or the root cannot be written to.
    Idle,
}

impl Status {
    /// Reads the files. What cannot be read counts as absent.
    pub fn read(root: &DataRoot) -> Status {
        let (desired, desired_problem) = match DesiredState::load(root) {
            Ok(desired) => (desired, None),
            Err(error) => (DesiredState::default(), Some(error.to_string())),
        };
        let report = Report::load(root);
        let holder = Lease::holder(root);
        let (capture, note) = judge(&desired, holder.as_deref(), report.as_ref());
        let note = match capture {
            CaptureState::Idle => unwritable(root).or(note),
            _ => note,
        };
        Status {
            capture,
            note: desired_problem.or(note),
            holder,
            desired,
            report_age_ms: report.as_ref().map(|report| report.age().as_millis() as u64),
            report,
            journal_bytes: journal_bytes(root),
            disk_free_bytes: disk_free(root),
        }
    }
}

fn judge(desired: &DesiredState, holder: Option<&str>, report: Option<&Report>) -> (CaptureState, Option<String>) {
    let running = report.filter(|report| !report.ended);
    let is_fresh = |report: &&Report| report.age() < STALE;
    match (holder, running) {
        (Some(_), Some(report)) if is_fresh(&report) => match &report.journal.stalled {
            Some(stall) => (CaptureState::Stalled, Some(stall.reason.clone())),
            None => (CaptureState::Capturing, None),
        },
        (Some(holder), Some(report)) if holder.contains(&format!("process {},", report.pid)) => {
            let seconds = report.age().as_secs();
            let note = format!("{holder} has not reported for {seconds} s. If it does not recover, stop it");
            (CaptureState::Unresponsive, Some(note))
        }
        (Some(holder), _) => {
            let note = format!("{holder} writes to the data root; the capture begins when it is done");
            (CaptureState::OtherWriter, Some(note))
        }
        (None, _) if desired.sources.public_ws.on == Some(false) && desired.sources.cdp.on != Some(true) => {
            (CaptureState::Off, None)
        }
        (None, _) => {
            let note =
                "no process captures. Start `replayer record`, or a server (`replayer serve`) with capture on";
            (CaptureState::Idle, Some(note.to_owned()))
        }
    }
}

/// Why nobody can capture here, if so.
fn unwritable(root: &DataRoot) -> Option<String> {
    if let Ok(Some(manifest)) = SchemaManifest::load(root)
        && is_newer(&manifest.schema_version, SCHEMA_VERSION)
    {
        return Some(format!(
            "the data was written with schema {}, this build knows {SCHEMA_VERSION}: upgrade replayer to capture",
            manifest.schema_version
        ));
    }
    let is_writable = is_writable(root);
    (!is_writable).then(|| {
        format!(
            "{} cannot be written to by this user: reading works, capturing needs another data root (--data) or its \
             owner",
            root.path().display()
        )
    })
}

#[cfg(unix)]
fn is_writable(root: &DataRoot) -> bool {
    let access = rustix::fs::Access::WRITE_OK | rustix::fs::Access::EXEC_OK;
    rustix::fs::access(root.path(), access).is_ok()
}

#[cfg(not(unix))]
fn is_writable(_root: &DataRoot) -> bool {
    true
}

#[cfg(unix)]
fn disk_free(root: &DataRoot) -> Option<u64> {
    let disk = rustix::fs::statvfs(root.path()).ok()?;
    Some(disk.f_bavail.saturating_mul(disk.f_frsize))
}

#[cfg(not(unix))]
fn disk_free(_root: &DataRoot) -> Option<u64> {
    None
}

fn journal_bytes(root: &DataRoot) -> u64 {
    let segments = journal::segments(root).unwrap_or_default();
    segments.iter().filter_map(|segment| Some(segment.path.metadata().ok()?.len())).sum()
}
