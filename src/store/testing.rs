//! What tests of several modules need.

#![allow(clippy::unwrap_used, clippy::expect_used)]

use std::sync::Arc;

use arrow::array::AsArray;
use arrow::datatypes::Int64Type;
use replayer_simulator::SimulatedFrame;
use tempfile::TempDir;

use crate::Store;
use crate::record::{Direction, Record, Source};
use crate::recorder::{Recorder, RecorderOptions};
use crate::root::DataRoot;
use crate::scan::{ScanFilter, scan};
use crate::schema::DocType;

/// A simulated frame as a record. The simulator was built with the store, but not with the copy of it that is under
/// test: its directions are another type.
pub(crate) fn simulated(source: Source, frame: &SimulatedFrame) -> Record<'_> {
    let sent = frame.direction.as_str() == Direction::Sent.as_str();
    let direction = if sent { Direction::Sent } else { Direction::Received };
    Record::frame(frame.at_us, source, direction, &frame.text)
}

/// 2026-01-15, noon UTC.
pub(crate) const NOON_US: i64 = 1_768_478_400_000_000;
pub(crate) const DAY_US: i64 = 86_400_000_000;

pub(crate) fn root() -> (TempDir, DataRoot) {
    let folder = tempfile::tempdir().unwrap();
    let root = DataRoot::create(folder.path().join("root")).unwrap();
    (folder, root)
}

pub(crate) fn append(recorder: &Recorder, count: usize, ts: i64) {
    for n in 0..count {
        // Of several kinds of rows, so that several parts come of it.
        let text = format!(
            r#"42["gameStateUpdate",{{"gameId":"{ts}","active":true,"rugged":false,"price":1.0,"tickCount":{n}}}]"#
        );
        recorder.append(&Record::frame(ts, Source::PublicWs, Direction::Received, &text)).unwrap();
    }
}

/// Records frames as a session of their own, sealed when this returns.
pub(crate) fn record(root: &DataRoot, count: usize, ts: i64) {
    let store = Arc::new(Store::open(root, "test").unwrap());
    let recorder = Recorder::start(store, RecorderOptions::new("test")).unwrap();
    append(&recorder, count, ts);
    recorder.close().unwrap();
}

/// The frames that a reader finds: session and number of each.
pub(crate) fn frames(root: &DataRoot) -> Vec<(String, i64)> {
    let mut found = Vec::new();
    for batch in scan(root, DocType::WsEvent, &ScanFilter::default()).unwrap() {
        let batch = batch.unwrap();
        let sessions = batch.column_by_name("session_id").unwrap().as_string::<i32>();
        let seqs = batch.column_by_name("seq").unwrap().as_primitive::<Int64Type>();
        found.extend(
            sessions.iter().zip(seqs.iter()).map(|(session, seq)| (session.unwrap().to_owned(), seq.unwrap())),
        );
    }
    found.sort();
    found
}
