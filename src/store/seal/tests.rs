#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

use std::io::Write;

use arrow::array::AsArray;
use arrow::datatypes::Int64Type;

use super::*;
use crate::journal::writer::SegmentWriter;
use crate::record::Direction;
use crate::root::DataRoot;
use crate::scan::{ScanFilter, scan};
use crate::schema::DocType;
use crate::testing::{NOON_US, root};
use crate::verify::verify;

/// A session in two segments, five frames and three, as its recorder leaves them while it goes on.
fn two_segments(root: &DataRoot) -> (SessionId, Vec<Closed>) {
    let session_id = SessionId::start();
    for (number, seqs) in [(1, 1..=5), (2, 6..=8)] {
        let head = SegmentHead {
            session_id,
            number,
            first_seq: *seqs.start(),
            started_us: NOON_US,
            origin: "test".into(),
            build: "test".into(),
            requests: Default::default(),
        };
        let mut writer = SegmentWriter::create(root, head).unwrap();
        for seq in seqs {
            let text = format!(r#"42["newChatMessage",{{"message":"number {seq}"}}]"#);
            let frame = Record::frame(NOON_US, Source::PublicWs, Direction::Received, &text);
            writer.append(&Record { seq, ..frame }).unwrap();
        }
    }
    let closed = |segment: SegmentPath| Closed { length: segment.path.metadata().unwrap().len(), segment };
    (session_id, journal::segments(root).unwrap().into_iter().map(closed).collect())
}

/// Seals as a recorder does whose session goes on until the last segment.
fn seal_one_by_one(store: &Store, session_id: SessionId, segments: Vec<Closed>) {
    let mut so_far = SealedSoFar::default();
    let last = segments.len() - 1;
    for (place, segment) in segments.into_iter().enumerate() {
        store.seal_closed(session_id, &[segment], &mut so_far, place == last).unwrap();
    }
}

fn seqs(root: &DataRoot, kind: DocType) -> Vec<i64> {
    let batches = scan(root, kind, &ScanFilter::default()).unwrap().map(Result::unwrap);
    let mut seqs: Vec<i64> = batches
        .flat_map(|batch| {
            let column = batch.column_by_name("seq").unwrap().clone();
            column.as_primitive::<Int64Type>().values().to_vec()
        })
        .collect();
    seqs.sort_unstable();
    seqs
}

#[test]
fn damage_in_a_session_that_goes_on_takes_no_number_of_a_frame() {
    let (_folder, root) = root();
    let store = Store::open(&root, "test").unwrap();
    let (session_id, segments) = two_segments(&root);
    let mut bytes = std::fs::read(&segments[0].segment.path).unwrap();
    let place = bytes.windows(8).position(|window| window == b"number 3").unwrap();
    bytes[place] ^= 1;
    std::fs::write(&segments[0].segment.path, bytes).unwrap();
    seal_one_by_one(&store, session_id, segments);
    assert_eq!(seqs(&root, DocType::WsEvent), [1, 2, 4, 5, 6, 7, 8]);
    assert_eq!(seqs(&root, DocType::SystemEvent), [3], "what is said of the damage has the lost frame's number");
    assert_eq!(verify(&root, |_, _| ()).unwrap().problems, []);
}

#[test]
fn half_a_record_behind_which_the_session_goes_on_is_no_loss() {
    let (_folder, root) = root();
    let store = Store::open(&root, "test").unwrap();
    let (session_id, segments) = two_segments(&root);
    let mut file = std::fs::OpenOptions::new().append(true).open(&segments[0].segment.path).unwrap();
    file.write_all(&[7; 11]).unwrap();
    seal_one_by_one(&store, session_id, segments);
    assert_eq!(seqs(&root, DocType::WsEvent), [1, 2, 3, 4, 5, 6, 7, 8]);
    assert_eq!(seqs(&root, DocType::SystemEvent), [] as [i64; 0]);
}
