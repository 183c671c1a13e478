//! Every operation on the disk fails once, in each way that disks fail in, under each of the writers. Whatever fails:
//! the message is true, nothing stored is lost or there twice, and it goes on when the fault ends.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

mod compacting;
mod half_records;
mod importing;
mod migrating;
mod pruning;
mod recording;
mod repairing;
mod sealing;
mod syncing;

use std::collections::BTreeMap;
use std::fs;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::Path;
use std::sync::Arc;

use arrow::array::AsArray;
use arrow::datatypes::Int64Type;
use tempfile::TempDir;

use crate::fsio::{Disk, Fault, Operation};
use crate::record::{Direction, Record, Source};
use crate::recorder::{Recorder, RecorderOptions};
use crate::root::DataRoot;
use crate::scan::{ScanFilter, scan};
use crate::schema::DocType;
use crate::verify::verify;
use crate::{Store, StoreError};

/// 2026-01-15, noon UTC.
const NOON_US: i64 = 1_768_478_400_000_000;

/// A folder in memory, where there is one: thousands of roots are made, and a real disk takes its time to sync each.
fn folder() -> TempDir {
    tempfile::tempdir_in("/dev/shm").or_else(|_| tempfile::tempdir()).unwrap()
}

fn root() -> (TempDir, DataRoot) {
    let folder = folder();
    let root = DataRoot::create(folder.path().join("root")).unwrap();
    (folder, root)
}

fn frame(text: &str) -> Record<'_> {
    Record::frame(NOON_US, Source::PublicWs, Direction::Received, text)
}

/// The frames that a reader finds: session, number and text of each, in order.
fn frames(root: &DataRoot) -> Vec<(String, i64, String)> {
    rows(root, DocType::WsEvent)
}

/// The rows of a kind that a reader finds: session, number and text of each, in order.
fn rows(root: &DataRoot, doc_type: DocType) -> Vec<(String, i64, String)> {
    let mut found = Vec::new();
    for batch in scan(root, doc_type, &ScanFilter::default()).unwrap() {
        let batch = batch.unwrap();
        let text = |name: &str| batch.column_by_name(name).unwrap().as_string::<i32>().clone();
        let seqs = batch.column_by_name("seq").unwrap().as_primitive::<Int64Type>();
        let (sessions, texts) = (text("session_id"), text("raw_json"));
        for row in 0..batch.num_rows() {
            found.push((sessions.value(row).to_owned(), seqs.value(row), texts.value(row).to_owned()));
        }
    }
    found.sort();
    found
}

/// The texts of the frames, in the order of their numbers.
fn texts(root: &DataRoot) -> Vec<String> {
    frames(root).into_iter().map(|(_, _, text)| text).collect()
}

/// The number and text of every row of every kind but two: the recorder's own, which tell the time; and games, which are
/// only told apart by what they are, since one may be stored twice after a part could not be read.
fn all(root: &DataRoot) -> Vec<(DocType, String, i64, String)> {
    let mut found = Vec::new();
    for doc_type in DocType::ALL.into_iter().filter(|doc_type| *doc_type != DocType::SystemEvent) {
        let mut rows = rows(root, doc_type);
        if doc_type == DocType::Game {
            rows.iter_mut().for_each(|row| (row.0, row.1) = (String::new(), 0));
            rows.dedup();
        }
        found.extend(rows.into_iter().map(|(session, seq, text)| (doc_type, session, seq, text)));
    }
    found
}

/// A frame of several kinds of rows, so that several parts come of it.
fn tick(number: u64) -> String {
    format!(
        r#"42["gameStateUpdate",{{"gameId":"g","active":true,"rugged":false,"price":1.5,"tickCount":{number},"gameHistory":[{{"id":"h","prices":[1,2]}}]}}]"#
    )
}

/// A frame of one kind of rows.
fn chat(number: u64) -> String {
    format!(r#"42["newChatMessage",{{"n":{number}}}]"#)
}

/// Records frames as a session of their own, sealed when this returns.
fn record(root: &DataRoot, numbers: std::ops::RangeInclusive<u64>) {
    record_as(root, numbers, tick);
}

fn record_as(root: &DataRoot, numbers: std::ops::RangeInclusive<u64>, text: fn(u64) -> String) {
    let recorder =
        Recorder::start(Arc::new(Store::open(root, "test").unwrap()), RecorderOptions::new("test")).unwrap();
    for number in numbers {
        recorder.append(&frame(&text(number))).unwrap();
    }
    recorder.close().unwrap();
}

/// Every part on the disk is in force, every row of it is there once, and no journal is left.
fn assert_in_order(root: &DataRoot) {
    assert_eq!(verify(root, |_, _| ()).unwrap().problems, []);
    assert_eq!(crate::journal::segments(root).unwrap(), []);
}

/// Starts once more, and expects nothing left of what failed.
fn restart(root: &DataRoot) {
    drop(Store::open(root, "test").unwrap());
    assert_in_order(root);
    assert_eq!(crate::parts::leftovers(root).unwrap(), Vec::<String>::new());
    let journals = fs::read_dir(root.journal_dir()).unwrap().count();
    assert_eq!(journals, 0, "no empty folder stays");
}

/// The message names the file, says the system's reason and what to do.
fn assert_helps(error: &StoreError, root: &DataRoot) {
    let text = error.to_string();
    assert!(text.contains(root.path().to_str().unwrap()), "names no file: {text}");
    assert!(text.contains("os error"), "gives no reason: {text}");
    let advice = ["free space", "try again", "data verify", "next start"];
    assert!(advice.iter().any(|advice| text.contains(advice)), "does not say what to do: {text}");
}

fn copy(from: &Path, to: &Path) {
    fs::create_dir_all(to).unwrap();
    for entry in fs::read_dir(from).unwrap().flatten() {
        let target = to.join(entry.file_name());
        match entry.file_type().unwrap().is_dir() {
            true => copy(&entry.path(), &target),
            false => {
                fs::copy(entry.path(), &target).unwrap();
                // Parts are believed as long as they look as they were written.
                let modified = entry.metadata().unwrap().modified().unwrap();
                fs::File::options().append(true).open(target).unwrap().set_modified(modified).unwrap();
            }
        }
    }
}

/// The root as a crash at this moment leaves it.
fn crashed(root: &DataRoot) -> (TempDir, DataRoot) {
    let folder = folder();
    copy(root.path(), folder.path());
    let root = DataRoot::open(folder.path()).unwrap();
    (folder, root)
}

/// One root on which one operation will fail.
struct Run<'r> {
    root: &'r DataRoot,
    disk: &'r Disk,
    at: usize,
    fault: Fault,
}

impl Run<'_> {
    /// From now on operations are counted, and the one whose turn it is fails.
    fn start(&self) {
        self.disk.fail(self.at, self.fault);
    }

    /// What a reader on a good disk finds now.
    fn reading<T>(&self, read: impl FnOnce(&DataRoot) -> T) -> T {
        self.disk.ignoring(|| read(self.root))
    }

    /// Does this with what a crash at this moment leaves; where more than reading failed, which leaves nothing behind.
    fn crashing<T>(&self, action: impl FnOnce(&DataRoot) -> T) -> Option<T> {
        let only_reading = |(operation, _): &(Operation, _)| {
            matches!(operation, Operation::Read | Operation::Look | Operation::List)
        };
        if self.disk.failed().iter().all(only_reading) {
            return None;
        }
        self.disk.ignoring(|| {
            let (_folder, root) = crashed(self.root);
            Some(action(&root))
        })
    }

    /// Expects the same after such a crash and a new start.
    fn assert_after_a_crash<T: PartialEq + std::fmt::Debug>(
        &self,
        read: impl FnOnce(&DataRoot) -> T,
        expected: &T,
    ) {
        let found = self.crashing(|root| {
            restart(root);
            read(root)
        });
        assert!(found.is_none_or(|found| found == *expected), "after a crash");
    }
}

const FAULTS: [(&str, Fault); 6] = [
    ("full", Fault::Full),
    ("broken", Fault::Broken),
    ("short write", Fault::Short),
    ("short write that cannot be cut", Fault::Uncut),
    ("broken for 3 operations", Fault::For(3)),
    ("broken until mended", Fault::For(10_000)),
];

/// Runs the scenario on a copy of the root once for each kind of fault and each operation that it can happen to, and prints
/// how many there were. Faults that last begin at every third operation only, and behind the sixtieth at every eleventh, unless
/// `REPLAYER_ALL_FAULTS` is set.
fn every_operation_fails_once(name: &str, template: &DataRoot, scenario: impl Fn(&Run<'_>)) {
    let mut wrong: BTreeMap<String, Vec<String>> = BTreeMap::new();
    let all = std::env::var_os("REPLAYER_ALL_FAULTS").is_some();
    for (kind, fault) in FAULTS {
        let after = |at: usize| match fault {
            Fault::For(_) if !all && at < 60 => Some(at + 3),
            Fault::For(_) if !all => Some(at + 11),
            _ => Some(at + 1),
        };
        for at in std::iter::successors(Some(1), |at| after(*at)) {
            let (_folder, root) = crashed(template);
            let disk = Disk::under(root.path());
            let ran = catch_unwind(AssertUnwindSafe(|| scenario(&Run { root: &root, disk: &disk, at, fault })));
            let failed = disk.failed();
            if let Err(panic) = ran {
                let said = panic.downcast_ref::<String>().cloned().unwrap_or_default();
                wrong.entry(kind.into()).or_default().push(format!("{at} {:?}: {said}", failed.first()));
            }
            if failed.is_empty() {
                eprintln!("{name}, {kind}: {} operations", at - 1);
                break;
            }
        }
    }
    assert!(wrong.is_empty(), "{name}: {wrong:#?}");
}
