//! The journal's thread: order, back-pressure, a disk that refuses, the end.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

use std::path::PathBuf;

use super::*;
use crate::capture::sink::SinkClosed;
use crate::capture::testing::{Recording, of_type, root, until};
use crate::store::record::{Direction, Source};

const SMALL: QueueLimits = QueueLimits { frames: 8, bytes: 4096 };

fn frame(text: &str) -> Frame {
    Frame {
        ts: now_us(),
        source: Source::PublicWs,
        direction: Direction::Received,
        socket_id: None,
        source_clock: None,
        text: text.to_owned(),
    }
}

/// Makes a root's disk refuse every new segment, by putting a file where the folder of journals belongs.
struct Refusing {
    journal: PathBuf,
    aside: PathBuf,
}

impl Refusing {
    fn begin(root: &crate::store::root::DataRoot) -> Refusing {
        let (journal, aside) = (root.journal_dir(), root.path().join("aside"));
        std::fs::rename(&journal, &aside).unwrap();
        std::fs::write(&journal, b"").unwrap();
        Refusing { journal, aside }
    }

    fn end(self) {
        std::fs::remove_file(&self.journal).unwrap();
        std::fs::rename(&self.aside, &self.journal).unwrap();
    }
}

#[tokio::test]
async fn what_is_published_is_in_the_journal_already_and_has_its_number() {
    let recording = Recording::start(QueueLimits::default());
    let mut bus = recording.bus.subscribe();
    let sink = recording.journaling.sink().clone();
    sink.frame(frame(r#"42["a"]"#)).await.unwrap();
    sink.system(Source::PublicWs, "note", serde_json::json!({"x": 1})).await.unwrap();
    let first = bus.recv().await.unwrap();
    let mut follower = crate::store::follow::Follower::open(&recording.root).unwrap();
    assert!(!follower.poll().unwrap().rows.is_empty());
    assert_eq!((first.seq, first.text.as_str(), first.direction), (1, r#"42["a"]"#, Some(Direction::Received)));
    let second = bus.recv().await.unwrap();
    assert_eq!((second.seq, second.event_type.as_deref(), second.text.as_str()), (2, Some("note"), r#"{"x":1}"#));
    recording.end().await;
}

#[tokio::test]
async fn a_slow_listener_is_told_what_it_missed_and_the_journal_does_not_wait_for_it() {
    let recording = Recording::start(QueueLimits::default());
    let mut bus = recording.bus.subscribe();
    let sink = recording.journaling.sink().clone();
    for n in 0..3000 {
        sink.frame(frame(&format!("42[{n}]"))).await.unwrap();
    }
    let (frames, _) = recording.end().await;
    assert_eq!(frames.len(), 3000);
    let missed = bus.recv().await.unwrap_err();
    assert!(matches!(missed, tokio::sync::broadcast::error::RecvError::Lagged(n) if n > 0), "{missed:?}");
}

#[tokio::test]
async fn a_disk_that_refuses_makes_the_sources_wait_and_costs_nothing() {
    let recording = Recording::start(SMALL);
    let refusing = Refusing::begin(&recording.root);
    let sink = recording.journaling.sink().clone();
    let sending = tokio::spawn(async move {
        for n in 0..100 {
            sink.frame(frame(&format!("42[\"{n}\",\"{}\"]", "x".repeat(300)))).await.unwrap();
        }
    });
    until("the journal is stalled", || recording.board.journal.numbers().stalled.is_some()).await;
    until("the source waits", || recording.numbers(Source::PublicWs).stalled_ms > 0).await;
    assert!(!sending.is_finished());
    let queue = recording.journaling.sink().queue_now();
    assert!(queue.bytes <= queue.capacity_bytes && queue.entries <= SMALL.frames, "{queue:?}");
    refusing.end();
    sending.await.unwrap();
    until("the stall is over", || recording.board.journal.numbers().stalled.is_none()).await;
    assert!(recording.board.journal.numbers().stalled_ms > 0);
    let (frames, _) = recording.end().await;
    let numbers: Vec<usize> =
        frames.iter().map(|frame| frame.text.split('"').nth(1).unwrap().parse().unwrap()).collect();
    assert_eq!(numbers, (0..100).collect::<Vec<_>>());
}

#[tokio::test]
async fn a_full_disk_is_such_a_disk() {
    let (_folder, root) = root();
    let journal = root.journal_dir();
    let Some(_disk) = crate::needs::small_disk(&journal, "1m") else { return };
    let ballast = journal.join("ballast");
    // Full to the last byte: not even a new segment's head fits.
    let _ = std::fs::write(&ballast, vec![0; 2 << 20]);
    // Not this folder, which can be removed only when the disk is gone from it.
    let recording = Recording::start_in(tempfile::tempdir().unwrap(), root, SMALL);
    recording.journaling.sink().frame(frame("42[1]")).await.unwrap();
    until("the journal is stalled", || recording.board.journal.numbers().stalled.is_some()).await;
    let reason = recording.board.journal.numbers().stalled.unwrap().reason;
    std::fs::remove_file(&ballast).unwrap();
    until("it is stored", || recording.numbers(Source::PublicWs).received == 1).await;
    let (frames, _) = recording.end().await;
    assert!(reason.contains("free space"), "{reason}");
    assert_eq!(frames.len(), 1);
}

#[tokio::test]
async fn a_frame_longer_than_the_queue_passes_alone() {
    let recording = Recording::start(SMALL);
    let sink = recording.journaling.sink().clone();
    let long = format!("42[\"{}\"]", "x".repeat(100_000));
    for text in ["42[1]", &long, "42[2]"] {
        sink.frame(frame(text)).await.unwrap();
    }
    let (frames, _) = recording.end().await;
    assert_eq!(frames.iter().map(|frame| frame.text.as_str()).collect::<Vec<_>>(), ["42[1]", &long, "42[2]"]);
}

#[tokio::test]
async fn a_frame_longer_than_the_journal_takes_is_told_with_its_digest_and_those_behind_it_are_stored() {
    let recording = Recording::start(QueueLimits::default());
    let sink = recording.journaling.sink().clone();
    sink.frame(frame(&"x".repeat(37 << 20))).await.unwrap();
    sink.frame(frame("42[2]")).await.unwrap();
    until("the second is stored", || recording.numbers(Source::PublicWs).received == 1).await;
    assert_eq!(recording.numbers(Source::PublicWs).dropped, 1);
    let (frames, events) = recording.end().await;
    assert_eq!(frames.len(), 1);
    let refused = &of_type(&events, events::FRAME_REFUSED)[0];
    assert_eq!(refused["bytes"], 37 << 20);
    assert_eq!(refused["sha256"].as_str().map(str::len), Some(64));
}

#[tokio::test]
async fn the_end_stores_what_was_handed_over_before_and_refuses_what_comes_after() {
    let recording = Recording::start(QueueLimits::default());
    let sink = recording.journaling.sink().clone();
    for n in 0..1000 {
        sink.frame(frame(&format!("42[{n}]"))).await.unwrap();
    }
    let (frames, _) = recording.end().await;
    assert_eq!(frames.len(), 1000);
    assert_eq!(sink.frame(frame("42[\"late\"]")).await, Err(SinkClosed));
}

#[tokio::test]
async fn the_end_does_not_wait_for_ever_for_a_disk_that_refuses() {
    let recording = Recording::start(SMALL);
    let refusing = Refusing::begin(&recording.root);
    let sink = recording.journaling.sink().clone();
    sink.frame(frame("42[1]")).await.unwrap();
    let error = recording.journaling.stop().await.unwrap_err().to_string();
    assert!(error.contains("1 frames could not be stored"), "{error}");
    refusing.end();
}
