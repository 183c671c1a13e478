//! Rows from the journal to parts to compacted parts: each exactly once, unchanged.

use std::collections::BTreeMap;
use std::sync::Arc;

use arrow::array::{AsArray, RecordBatch};
use arrow::datatypes::Int64Type;
use replayer::store::catalog::Catalog;
use replayer::store::follow::Follower;
use replayer::store::record::{Direction, Record, Source};
use replayer::store::recorder::{Recorder, RecorderOptions};
use replayer::store::root::DataRoot;
use replayer::store::scan::{ScanFilter, scan};
use replayer::store::schema::DocType;
use replayer::store::{Store, verify};

use crate::common;

/// (session, seq) → text of every frame the store shows.
pub fn frames(root: &DataRoot) -> BTreeMap<(String, i64), String> {
    let mut found = BTreeMap::new();
    for batch in scan(root, DocType::WsEvent, &ScanFilter::default()).unwrap() {
        collect(&batch.unwrap(), &mut found);
    }
    found
}

fn collect(batch: &RecordBatch, found: &mut BTreeMap<(String, i64), String>) {
    let sessions = batch.column_by_name("session_id").unwrap().as_string::<i32>();
    let seqs = batch.column_by_name("seq").unwrap().as_primitive::<Int64Type>();
    let texts = batch.column_by_name("raw_json").unwrap().as_string::<i32>();
    for row in 0..batch.num_rows() {
        let key = (sessions.value(row).to_owned(), seqs.value(row));
        assert!(found.insert(key.clone(), texts.value(row).to_owned()).is_none(), "{key:?} stands twice");
    }
}

#[test]
fn w12_every_frame_comes_back_byte_for_byte_and_in_order() {
    let (_folder, root) = common::root();
    common::record(&root, 2);
    let stored: Vec<String> = frames(&root).into_values().collect();
    let played: Vec<String> = common::play(2).0.into_iter().map(|frame| frame.text).collect();
    assert_eq!(stored, played);
}

#[test]
fn w18_every_doc_type_whose_frames_are_there_has_rows_in_its_partition() {
    let (_folder, root) = common::root();
    common::record(&root, 2);
    let catalog = Catalog::load(&root).unwrap();
    for doc_type in DocType::ALL.into_iter().filter(|doc_type| *doc_type != DocType::SystemEvent) {
        assert!(catalog.rows(doc_type) > 0, "{doc_type:?}");
        let part = catalog.parts.iter().find(|part| part.doc_type == doc_type).unwrap();
        assert!(part.path.contains(&format!("doc_type={}/date=2026-01-01/", doc_type.as_str())), "{}", part.path);
        assert!(root.path().join(&part.path).exists());
    }
}

#[test]
fn w14_nothing_temporary_is_left_after_closing() {
    let (_folder, root) = common::root();
    common::record(&root, 1);
    assert!(replayer::store::parts::leftovers(&root).unwrap().is_empty());
    assert!(replayer::store::journal::segments(&root).unwrap().is_empty());
}

#[test]
fn w19_five_threads_get_a_hundred_different_numbers() {
    let (_folder, root) = common::root();
    let store = Arc::new(Store::open(&root, "test").unwrap());
    let recorder = Recorder::start(store, RecorderOptions::new("test")).unwrap();
    std::thread::scope(|scope| {
        for _ in 0..5 {
            scope.spawn(|| {
                for _ in 0..20 {
                    recorder
                        .append(&Record::frame(1, Source::PublicWs, Direction::Received, "42[\"x\"]"))
                        .unwrap();
                }
            });
        }
    });
    recorder.close().unwrap();
    let seqs: Vec<i64> = frames(&root).into_keys().map(|(_, seq)| seq).collect();
    assert_eq!(seqs, (1..=100).collect::<Vec<_>>());
}

#[test]
fn w16_w17_closing_twice_is_harmless_and_appending_afterwards_is_an_error() {
    let (_folder, root) = common::root();
    let store = Arc::new(Store::open(&root, "test").unwrap());
    let recorder = Recorder::start(store, RecorderOptions::new("test")).unwrap();
    recorder.close().unwrap();
    recorder.close().unwrap();
    let error = recorder.append(&Record::frame(1, Source::Ui, Direction::Received, "2")).unwrap_err();
    assert!(error.to_string().contains("closed"), "{error}");
}

#[test]
fn a_follower_sees_each_row_once_while_segments_are_sealed_under_it() {
    let (_folder, root) = common::root();
    let (played, _) = common::play(1);
    let store = Arc::new(Store::open(&root, "test").unwrap());
    let options = RecorderOptions { segment_bytes: 200_000, ..RecorderOptions::new("test") };
    let recorder = Recorder::start(store, options).unwrap();
    let mut follower = Follower::open(&root).unwrap();
    let mut tail: BTreeMap<(String, i64), String> = BTreeMap::new();
    for (index, frame) in played.iter().enumerate() {
        recorder.append(&Record::frame(frame.at_us, Source::Cdp, frame.direction, &frame.text)).unwrap();
        if index % 7 != 0 {
            continue;
        }
        let change = follower.poll().unwrap();
        for (doc_type, batch) in &change.rows {
            if *doc_type == DocType::WsEvent {
                collect(batch, &mut tail);
            }
        }
        for (session, to) in change.sealed {
            tail.retain(|(of, seq), _| *of != session || *seq as u64 > to);
        }
        let sealed = follower.catalog().rows(DocType::WsEvent);
        assert_eq!(sealed + tail.len() as u64, index as u64 + 1, "after frame {index}");
    }
    recorder.close().unwrap();
    assert!(follower.catalog().parts.len() > 1, "the test never saw a sealed segment");
}

#[test]
fn compaction_keeps_every_row_and_its_ref() {
    let (_folder, root) = common::root();
    common::record(&root, 1);
    common::record(&root, 1);
    let before = frames(&root);
    let store = Store::open(&root, "test").unwrap();
    let compacted = store.compact(|_, _| ()).unwrap();
    assert!(compacted.parts_before > compacted.parts_after, "{compacted:?}");
    assert_eq!(frames(&root), before);
    let verified = verify::verify(&root, |_, _| ()).unwrap();
    assert!(verified.problems.is_empty(), "{:?}", verified.problems);
    assert_eq!(store.compact(|_, _| ()).unwrap().parts_before, 0, "a second time there is nothing to do");
}

#[test]
fn a_clock_that_jumps_backwards_costs_nothing() {
    let (_folder, root) = common::root();
    let store = Arc::new(Store::open(&root, "test").unwrap());
    let recorder = Recorder::start(store, RecorderOptions::new("test")).unwrap();
    let day = 86_400_000_000_i64;
    for ts in [20_000 * day, 20_001 * day, 19_000 * day, 20_001 * day + 1] {
        recorder.append(&Record::frame(ts, Source::PublicWs, Direction::Received, "2")).unwrap();
    }
    recorder.close().unwrap();
    assert_eq!(frames(&root).len(), 4);
    let dates: std::collections::BTreeSet<_> =
        Catalog::load(&root).unwrap().parts.into_iter().map(|part| part.date).collect();
    assert_eq!(dates.len(), 3);
}
