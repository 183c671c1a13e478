//! Every operation on the disk fails once, in each way that disks fail in, under each of the five writers. Whatever fails:
//! the message is true, nothing stored is lost or there twice, and it goes on when the fault ends.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

mod half_records;

use arrow::array::AsArray;
use arrow::datatypes::Int64Type;
use tempfile::TempDir;

use crate::record::{Direction, Record, Source};
use crate::root::DataRoot;
use crate::scan::{ScanFilter, scan};
use crate::schema::DocType;

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
