//! Recording as it is done: the real binary, several processes on one data root, and a simulated rugs.fun.

mod answered;
#[cfg(unix)]
mod audited;
mod foreign_root;
#[cfg(unix)]
mod last_moment;
mod nothing_lost;
mod secrets;
mod serving;

use std::collections::BTreeMap;
use std::path::Path;
use std::process::{Child, Stdio};
use std::time::Duration;

use arrow::array::{Array, AsArray};
use arrow::datatypes::Int64Type;
use replayer::capture::report::Report;
use replayer::store::root::DataRoot;
use replayer::store::scan::{ScanFilter, scan};
use replayer::store::schema::DocType;

use crate::common::replayer;
use crate::common::site::Site;
use crate::common::waiting::until;

/// `replayer record` on a root.
fn recorder(root: &DataRoot, feed: &str) -> Child {
    replayer()
        .arg("--data")
        .arg(root.path())
        .args(["record", "--no-index", "--feed", feed])
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .unwrap()
}

/// Asks a process to end, as a service manager does, and waits for it.
fn end(child: &mut Child) {
    let pid = i32::try_from(child.id()).unwrap();
    let pid = rustix::process::Pid::from_raw(pid).unwrap();
    rustix::process::kill_process(pid, rustix::process::Signal::TERM).unwrap();
    until("it ends", || child.try_wait().unwrap().is_some());
}

/// A take-over is seen at the lease, which the system frees with its holder's end, and looked for five times a second. A
/// follower that waited for the last report to become stale would take longer than this, which an unburdened machine
/// needs a tenth of. (The time is what `replayer serve` promises: one of the others takes over within a second.)
const TAKE_OVER: Duration = Duration::from_secs(3);

/// The process that records, by its own report.
fn holder(root: &DataRoot) -> Option<u32> {
    let report = Report::load(root).filter(|report| !report.ended && report.age() < Duration::from_secs(2))?;
    Some(report.pid)
}

/// Received frames of the public feed as they are stored, by session and socket, in the order of `seq`.
fn stored(root: &DataRoot) -> BTreeMap<(String, String), Vec<String>> {
    let mut rows: BTreeMap<(String, i64), (String, String)> = BTreeMap::new();
    for batch in scan(root, DocType::WsEvent, &ScanFilter::default()).unwrap() {
        let batch = batch.unwrap();
        let text = |name: &str| batch.column_by_name(name).unwrap().as_string::<i32>().clone();
        let (sessions, sockets, texts, directions) =
            (text("session_id"), text("socket_id"), text("raw_json"), text("direction"));
        let seqs = batch.column_by_name("seq").unwrap().as_primitive::<Int64Type>().clone();
        for row in 0..batch.num_rows() {
            if directions.value(row) == "received" && sockets.is_valid(row) {
                let key = (sessions.value(row).to_owned(), seqs.value(row));
                let twice = rows.insert(key, (sockets.value(row).to_owned(), texts.value(row).to_owned()));
                assert!(twice.is_none(), "a row is there twice");
            }
        }
    }
    let mut sockets: BTreeMap<(String, String), Vec<String>> = BTreeMap::new();
    for ((session, _), (socket, text)) in rows {
        sockets.entry((session, socket)).or_default().push(text);
    }
    sockets
}

/// Every stored frame in the order of session and `seq`: direction and text.
pub fn stored_both(root: &DataRoot) -> Vec<(String, String)> {
    let mut rows = BTreeMap::new();
    for batch in scan(root, DocType::WsEvent, &ScanFilter::default()).unwrap() {
        let batch = batch.unwrap();
        let text = |name: &str| batch.column_by_name(name).unwrap().as_string::<i32>().clone();
        let (sessions, texts, directions) = (text("session_id"), text("raw_json"), text("direction"));
        let seqs = batch.column_by_name("seq").unwrap().as_primitive::<Int64Type>().clone();
        for row in 0..batch.num_rows() {
            let key = (sessions.value(row).to_owned(), seqs.value(row));
            rows.insert(key, (directions.value(row).to_owned(), texts.value(row).to_owned()));
        }
    }
    rows.into_values().collect()
}

/// Every file under a folder, with its bytes.
fn files(folder: &Path) -> Vec<(std::path::PathBuf, Vec<u8>)> {
    let mut found = Vec::new();
    for entry in std::fs::read_dir(folder).unwrap().flatten() {
        let path = entry.path();
        if path.is_dir() {
            found.extend(files(&path));
        } else if let Ok(bytes) = std::fs::read(&path) {
            found.push((path, bytes));
        }
    }
    found
}
