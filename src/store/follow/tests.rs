//! What a reader sees between any two steps of the writer, and that an error costs it nothing.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::sync::{Arc, Mutex};
use std::thread::JoinHandle;

use arrow::array::{AsArray, RecordBatch};
use arrow::datatypes::Int64Type;
use tempfile::TempDir;

use super::*;
use crate::Store;
use crate::journal::writer::SegmentWriter;
use crate::journal::{SegmentHead, SegmentPath};
use crate::record::{Direction, Record, Source};
use crate::scan;
use crate::steps::{Step, at_each};
use crate::view::View;
use replayer_protocol::requests::RequestTracker;

mod damaged;
mod shared;

const SEGMENTS: u64 = 3;
const FRAMES_EACH: u64 = 3;
const FRAMES: u64 = SEGMENTS * FRAMES_EACH;

struct Journal {
    _folder: TempDir,
    root: DataRoot,
    store: Arc<Store>,
    session_id: SessionId,
}

impl Journal {
    fn new() -> Journal {
        let folder = tempfile::tempdir().unwrap();
        let root = DataRoot::create(folder.path().join("root")).unwrap();
        let store = Arc::new(Store::open(&root, "test").unwrap());
        Journal { _folder: folder, root, store, session_id: SessionId::start() }
    }

    /// Writes whole segments, as a recorder leaves them for its sealer.
    fn write(&self, numbers: std::ops::RangeInclusive<u64>) -> Vec<SegmentPath> {
        numbers.map(|number| self.segment(number)).collect()
    }

    fn segment(&self, number: u64) -> SegmentPath {
        self.segment_from(number, (number - 1) * FRAMES_EACH + 1)
    }

    fn segment_from(&self, number: u64, first_seq: u64) -> SegmentPath {
        let head = SegmentHead {
            session_id: self.session_id,
            number,
            first_seq,
            origin: "test".into(),
            started_us: 0,
            build: "test".into(),
            requests: RequestTracker::default(),
        };
        let mut writer = SegmentWriter::create(&self.root, head).unwrap();
        for seq in first_seq..first_seq + FRAMES_EACH {
            let text = format!(r#"42["newChatMessage",{{"n":{seq}}}]"#);
            // All at one instant: order may come from `seq` alone.
            let frame = Record::frame(1_700_000_000_000_000, Source::PublicWs, Direction::Received, &text);
            writer.append(&Record { seq, ..frame }).unwrap();
        }
        SegmentPath { session_id: self.session_id, number, path: writer.path().to_owned() }
    }

    /// Seals on another thread, which waits at each of its steps.
    fn seal(&self, segments: Vec<SegmentPath>) -> Sealer {
        let (arrived, arrivals) = channel();
        let (go_on, may_go_on) = channel::<()>();
        let (store, session_id) = (self.store.clone(), self.session_id);
        let thread = std::thread::spawn(move || {
            let hook = move |_| {
                arrived.send(()).unwrap();
                // The other end is gone once nobody holds the sealer back any more.
                let _ = may_go_on.recv();
            };
            at_each(hook, || store.seal(session_id, &segments)).unwrap();
        });
        Sealer { arrivals, go_on: Some(go_on), thread: Some(thread), at: 0 }
    }
}

struct Sealer {
    arrivals: Receiver<()>,
    go_on: Option<Sender<()>>,
    thread: Option<JoinHandle<()>>,
    /// At which of its steps it waits, from 1; 0 before the first is known of.
    at: usize,
}

impl Sealer {
    /// Lets it go on until it waits at this step, or is done. Whether it is not done.
    fn run_to(&mut self, step: usize) -> bool {
        while self.at < step {
            if self.at > 0 {
                let _ = self.go_on.as_ref().map(|go_on| go_on.send(()));
            }
            if self.arrivals.recv().is_err() {
                return false;
            }
            self.at += 1;
        }
        true
    }

    fn finish(&mut self) {
        self.go_on = None;
        if let Some(thread) = self.thread.take() {
            thread.join().unwrap();
        }
    }
}

#[test]
fn a_new_root_is_read_while_its_first_segments_are_sealed() {
    let journal = Journal::new();
    let segments = journal.write(1..=SEGMENTS);
    let (store, session_id) = (journal.store.clone(), journal.session_id);
    let sealed = Arc::new(AtomicUsize::new(0));
    let counted = sealed.clone();
    let hook = move |step| {
        if step == Step::JournalsListed && counted.fetch_add(1, Ordering::SeqCst) == 0 {
            store.seal(session_id, &segments).unwrap();
        }
    };
    let seen = at_each(hook, || Held::of_a_first_look(&journal.root));
    assert!(sealed.load(Ordering::SeqCst) > 0, "nobody looked into the journal");
    assert_eq!(seen, (1..=FRAMES).collect::<Vec<_>>());
}

/// What a consumer holds that follows the rules of [`Change`]: the unsealed rows, and the parts of the catalog.
#[derive(Default)]
struct Held {
    tail: Vec<(DocType, RecordBatch)>,
    catalog: Arc<Catalog>,
}

impl Held {
    /// What whoever comes now holds.
    fn of_a_first_look(root: &DataRoot) -> Vec<u64> {
        let mut held = Held::default();
        held.take(Follower::open(root).unwrap().poll().unwrap());
        held.seqs(root)
    }

    fn take(&mut self, change: Change) {
        self.tail.extend(change.rows);
        drop_sealed(&mut self.tail, &change.sealed).unwrap();
        self.catalog = change.catalog.unwrap_or_else(|| self.catalog.clone());
    }

    /// The frames it knows of, each as often as it stands there.
    fn seqs(&self, root: &DataRoot) -> Vec<u64> {
        let frames = |(doc_type, _): &&(DocType, RecordBatch)| *doc_type == DocType::WsEvent;
        let mut seqs: Vec<u64> = self.tail.iter().filter(frames).flat_map(|(_, batch)| seqs_of(batch)).collect();
        for part in self.catalog.parts.iter().filter(|part| part.doc_type == DocType::WsEvent) {
            seqs.extend(scan::batches(root, part, None).flat_map(|batch| seqs_of(&batch.unwrap())));
        }
        seqs.sort_unstable();
        seqs
    }
}

fn seqs_of(batch: &RecordBatch) -> Vec<u64> {
    let column = batch.column_by_name("seq").unwrap().as_primitive::<Int64Type>();
    column.values().iter().map(|seq| u64::try_from(*seq).unwrap()).collect()
}

/// Looks with `follower`; at its step `reader_step` the sealer is let go to `sealer_step`, and `ends` steps later to its
/// end. `None` when the look has fewer steps.
fn look(
    follower: &mut Follower,
    sealer: &Arc<Mutex<Sealer>>,
    reader_step: usize,
    sealer_step: usize,
    ends: Option<usize>,
) -> Option<Change> {
    let (steps, sealer) = (Arc::new(AtomicUsize::new(0)), sealer.clone());
    let counted = steps.clone();
    let hook = move |_| {
        let step = counted.fetch_add(1, Ordering::Relaxed) + 1;
        let mut sealer = sealer.lock().unwrap();
        if step == reader_step {
            sealer.run_to(sealer_step);
        } else if ends.is_some_and(|ends| step == reader_step + ends) {
            sealer.finish();
        }
    };
    let change = at_each(hook, || follower.poll()).unwrap();
    (steps.load(Ordering::Relaxed) >= reader_step).then_some(change)
}

/// Who looked before the look that is tried.
#[derive(Clone, Copy, PartialEq)]
enum Before {
    Nobody,
    /// The same follower.
    Itself,
    /// The same follower, and then another one of this process, which saw all frames.
    Another,
}

/// Every step of the look against every step of the sealer, which stays there or ends a little later.
fn every_frame_once(before: Before) {
    for reader_step in 1.. {
        let mut reader_has_this_step = false;
        for sealer_step in 1.. {
            let mut sealer_has_this_step = false;
            for ends in [None, Some(1), Some(2)] {
                let tried = look_while_sealing(before, reader_step, sealer_step, ends);
                reader_has_this_step |= tried.reader_reached;
                sealer_has_this_step |= tried.sealer_reached;
            }
            if !sealer_has_this_step || !reader_has_this_step {
                break;
            }
        }
        if !reader_has_this_step {
            assert!(reader_step > SEGMENTS as usize, "a look has a step for each segment");
            break;
        }
    }
}

struct Tried {
    reader_reached: bool,
    sealer_reached: bool,
}

fn look_while_sealing(before: Before, reader_step: usize, sealer_step: usize, ends: Option<usize>) -> Tried {
    let all: Vec<u64> = (1..=FRAMES).collect();
    let journal = Journal::new();
    let mut held = Held::default();
    let mut follower = Follower::open(&journal.root).unwrap();
    let mut segments = journal.write(1..=1);
    if before != Before::Nobody {
        held.take(follower.poll().unwrap());
    }
    segments.extend(journal.write(2..=SEGMENTS));
    if before == Before::Another {
        assert_eq!(Held::of_a_first_look(&journal.root), all);
    }
    // The last segment stays open.
    segments.pop();
    let sealer = Arc::new(Mutex::new(journal.seal(segments)));
    let change = look(&mut follower, &sealer, reader_step, sealer_step, ends);
    let reader_reached = change.is_some();
    let case = format!("reader at {reader_step}, sealer at {sealer_step}, ends {ends:?}");
    let mut sealer = sealer.lock().unwrap();
    if let Some(change) = change {
        held.take(change);
        assert_eq!(held.seqs(&journal.root), all, "{case}");
    }
    let sealer_reached = sealer.run_to(sealer_step);
    sealer.finish();
    if reader_reached {
        held.take(follower.poll().unwrap());
        assert_eq!(held.seqs(&journal.root), all, "afterwards, {case}");
    }
    Tried { reader_reached, sealer_reached }
}

#[test]
fn a_first_look_between_any_two_steps_of_the_sealer_sees_each_frame_once() {
    every_frame_once(Before::Nobody);
}

#[test]
fn a_later_look_between_any_two_steps_of_the_sealer_sees_each_frame_once() {
    every_frame_once(Before::Itself);
}

#[test]
fn a_look_behind_another_follower_between_any_two_steps_of_the_sealer_sees_each_frame_once() {
    every_frame_once(Before::Another);
}

#[test]
fn rows_read_and_sealed_within_one_look_are_not_unsealed_rows() {
    let journal = Journal::new();
    let mut sealer = journal.seal(journal.write(1..=SEGMENTS));
    let mut segments_read = 0;
    let hook = move |step| {
        segments_read += usize::from(step == Step::SegmentRead);
        if segments_read == SEGMENTS as usize {
            sealer.finish();
        }
    };
    let view = at_each(hook, || View::now(&journal.root)).unwrap();
    assert_eq!(view.tail().len(), 0, "they are in the part that the view names");
    assert_eq!(view.parts().iter().map(|part| part.rows).sum::<u64>(), FRAMES);
}

#[test]
fn a_look_that_ends_in_an_error_loses_nothing() {
    let journal = Journal::new();
    let mut follower = Follower::open(&journal.root).unwrap();
    journal.write(1..=2);
    // A folder where a file is expected: the second segment is read, the third cannot be.
    let third = crate::journal::segment_path(&journal.root, journal.session_id, 3);
    std::fs::create_dir(&third).unwrap();
    assert!(follower.poll().is_err());
    std::fs::remove_dir(&third).unwrap();
    let mut held = Held::default();
    held.take(follower.poll().unwrap());
    assert_eq!(held.seqs(&journal.root), (1..=2 * FRAMES_EACH).collect::<Vec<_>>());
}

#[test]
fn a_part_of_games_that_is_lost_does_not_hide_the_journal() {
    let journal = Journal::new();
    let history = r#"42["gameStateUpdate",{"gameId":"20260101-a","gameHistory":[{"id":"20260101-b","rugged":true,"peakMultiplier":2.5,"prices":[1,2.5,0.02]}]}]"#;
    let recorder =
        crate::recorder::Recorder::start(journal.store.clone(), crate::recorder::RecorderOptions::new("test"))
            .unwrap();
    let frame = Record::frame(1_700_000_000_000_000, Source::PublicWs, Direction::Received, history);
    recorder.append(&frame).unwrap();
    recorder.close().unwrap();
    let games: Vec<String> = journal
        .store
        .catalog()
        .parts
        .into_iter()
        .filter(|part| part.doc_type == DocType::Game)
        .map(|part| part.path)
        .collect();
    assert_eq!(games.len(), 1, "the fixture makes a part of games");
    std::fs::remove_file(journal.root.path().join(&games[0])).unwrap();
    journal.write(1..=1);
    let change = Follower::open(&journal.root).unwrap().poll().unwrap();
    let tail: Vec<u64> = change.rows.iter().flat_map(|(_, batch)| seqs_of(batch)).collect();
    assert_eq!(tail, [1, 2, 3]);
}
