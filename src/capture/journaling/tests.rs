//! The journal's thread: order, back-pressure, a disk that refuses, the end.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

use super::*;
use crate::capture::as_bytes;
use crate::capture::clock::{Moment, monotonic_us};
use crate::capture::events;
use crate::capture::sink::SinkClosed;
use crate::capture::testing::{Recording, Refusing, of_type, root, until};
use crate::store::record::{Direction, Source, now_us};

const SMALL: QueueLimits = QueueLimits { frames: 8, bytes: 4096 };

fn frame(text: &str) -> Frame {
    Frame {
        ts: now_us(),
        at_us: monotonic_us(),
        source: Source::PublicWs,
        direction: Direction::Received,
        socket_id: None,
        source_clock: None,
        text: text.to_owned(),
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
    until("the journal is stalled", || recording.metrics.journal.numbers().stalled.is_some()).await;
    until("the source waits", || recording.numbers(Source::PublicWs).stalled_ms > 0).await;
    assert!(!sending.is_finished());
    let queue = recording.journaling.sink().queue_now();
    assert!(queue.bytes <= queue.capacity_bytes && queue.entries <= SMALL.frames, "{queue:?}");
    refusing.end();
    sending.await.unwrap();
    until("the stall is over", || recording.metrics.journal.numbers().stalled.is_none()).await;
    assert!(recording.metrics.journal.numbers().stalled_ms > 0);
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
    until("the journal is stalled", || recording.metrics.journal.numbers().stalled.is_some()).await;
    let reason = recording.metrics.journal.numbers().stalled.unwrap().reason;
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
async fn a_frame_longer_than_the_journal_takes_is_kept_as_bytes_and_those_behind_it_are_stored() {
    let recording = Recording::start(QueueLimits::default());
    let sink = recording.journaling.sink().clone();
    let long = "x".repeat(37 << 20);
    sink.frame(frame(&long)).await.unwrap();
    sink.frame(frame("42[2]")).await.unwrap();
    until("the second is stored", || recording.numbers(Source::PublicWs).received == 1).await;
    let numbers = recording.numbers(Source::PublicWs);
    assert_eq!((numbers.as_bytes, numbers.dropped), (1, 0));
    let (frames, events) = recording.end().await;
    assert_eq!(frames.len(), 1);
    let mut kept = of_type(&events, events::MESSAGE_AS_BYTES);
    assert_eq!((kept.len(), &kept[0]["bytes"]), (1, &serde_json::json!(37 << 20)));
    kept.extend(of_type(&events, events::MESSAGE_PIECE));
    assert!(as_bytes::join(&kept).unwrap() == long.as_bytes());
}

#[tokio::test]
async fn a_jump_of_the_wall_clock_is_stored_before_the_first_frame_behind_it() {
    let ahead = Arc::new(std::sync::atomic::AtomicI64::new(0));
    let moment = {
        let ahead = ahead.clone();
        move || Moment { wall_us: now_us() + ahead.load(Relaxed), monotonic_us: monotonic_us() }
    };
    let recording = Recording::start_by(Clocks::new(moment.clone()), QueueLimits::default());
    let mut bus = recording.bus.subscribe();
    let sink = recording.journaling.sink().clone();
    let stamped = |text: &str| Frame { ts: moment().wall_us, ..frame(text) };
    sink.frame(stamped("42[1]")).await.unwrap();
    ahead.store(-3_600_000_000, Relaxed);
    sink.frame(stamped("42[2]")).await.unwrap();
    sink.compare_clocks().await.unwrap();
    let mut seen = Vec::new();
    for _ in 0..3 {
        seen.push(bus.recv().await.unwrap());
    }
    assert_eq!([seen[0].text.as_str(), seen[2].text.as_str()], ["42[1]", "42[2]"]);
    assert_eq!(seen[1].event_type.as_deref(), Some(events::CLOCK_JUMPED));
    let details: serde_json::Value = serde_json::from_str(&seen[1].text).unwrap();
    assert!((details["jump_ms"].as_i64().unwrap() + 3_600_000).abs() < 1000, "{details}");
    let (_, events) = recording.end().await;
    assert_eq!(of_type(&events, events::CLOCK_JUMPED).len(), 1);
}

#[tokio::test]
async fn a_mark_is_passed_when_what_was_handed_over_before_it_is_in_the_journal() {
    let recording = Recording::start(QueueLimits::default());
    let sink = recording.journaling.sink().clone();
    for n in 0..300 {
        sink.frame(frame(&format!("42[{n}]"))).await.unwrap();
    }
    sink.mark(Source::PublicWs).await.unwrap().await.unwrap();
    assert_eq!(recording.metrics.journal.numbers().appended, 300);
    recording.end().await;
}

#[tokio::test]
async fn a_mark_is_not_passed_while_the_disk_refuses_nor_when_something_was_given_up() {
    let recording = Recording::start(SMALL);
    let refusing = Refusing::begin(&recording.root);
    let sink = recording.journaling.sink().clone();
    sink.frame(frame("42[1]")).await.unwrap();
    let mut mark = sink.mark(Source::PublicWs).await.unwrap();
    until("the journal is stalled", || recording.metrics.journal.numbers().stalled.is_some()).await;
    assert!(futures::poll!(&mut mark).is_pending());
    recording.journaling.stop().await.unwrap_err();
    assert_eq!(mark.await, Err(SinkClosed));
    refusing.end();
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
