//! What is taken from a store, and what is not.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

use std::sync::Arc;

use super::*;
use crate::{Config, Session, SimulatedFrame};
use replayer_store::Store;
use replayer_store::record::{Direction, Record, Source};
use replayer_store::recorder::{Recorder, RecorderOptions};

/// A root with `records` as one session each.
fn root(sessions: &[Vec<Record<'_>>]) -> (tempfile::TempDir, DataRoot) {
    let folder = tempfile::tempdir().unwrap();
    let root = DataRoot::create(folder.path().join("data")).unwrap();
    let store = Arc::new(Store::open(&root, "test").unwrap());
    for records in sessions {
        let recorder = Recorder::start(store.clone(), RecorderOptions::new("test")).unwrap();
        for record in records {
            recorder.append(record).unwrap();
        }
        recorder.close().unwrap();
    }
    (folder, root)
}

fn record(frame: &SimulatedFrame) -> Record<'_> {
    Record::frame(frame.at_us, Source::Cdp, frame.direction, &frame.text)
}

#[test]
fn all_events_that_were_received_come_back_byte_for_byte() {
    let session = Session::new(Config { games: 1, logged_in: true, full_snapshots: false, ..Config::default() });
    let frames: Vec<SimulatedFrame> = session.collect();
    let (_folder, root) = root(&[frames.iter().map(record).collect()]);
    let stored = of_all(&root).unwrap();
    let received: Vec<&SimulatedFrame> =
        frames.iter().filter(|frame| frame.direction == Direction::Received).collect();
    let events: Vec<StoredFrame> = received
        .iter()
        .filter(|frame| frame.text.starts_with("42"))
        .map(|frame| StoredFrame { ts_us: frame.at_us, text: frame.text.clone() })
        .collect();
    assert_eq!(stored.frames, events);
    assert_eq!((stored.rebuilt, stored.left_out), (0, received.len() - events.len()));
    assert!(stored.left_out > 0);
}

#[test]
fn a_game_comes_with_what_happened_between_its_frames_and_with_its_seed() {
    let mut session = Session::new(Config { games: 3, full_snapshots: false, ..Config::default() });
    let frames: Vec<SimulatedFrame> = session.by_ref().collect();
    let truth = &session.truths()[1];
    let (_folder, root) = root(&[frames.iter().map(record).collect()]);
    let stored = of_game(&root, &truth.game_id).unwrap();
    let texts: Vec<&str> = stored.frames.iter().map(|frame| frame.text.as_str()).collect();
    let ticks = texts.iter().filter(|text| {
        text.starts_with("42[\"gameStateUpdate\",{\"active\":true") && text.contains(&truth.game_id)
    });
    assert_eq!(ticks.count(), truth.prices.len());
    assert!(texts.iter().any(|text| text.contains("newChatMessage")));
    assert!(texts.iter().any(|text| text.contains(&truth.seed)));
    assert!(!texts.iter().any(|text| text.contains(&session.truths()[2].seed)));
    assert_eq!(of_game(&root, "20200101-0000000000000000").unwrap(), Stored::default());
}

#[test]
fn one_of_two_recordings_of_the_same_is_played() {
    let texts = ["42[1]", "42[2]", "42[3]"];
    let frame =
        |(at, text): (usize, &&'static str)| Record::frame(at as i64, Source::PublicWs, Direction::Received, text);
    let short: Vec<Record<'_>> = texts.iter().take(2).enumerate().map(frame).collect();
    let long: Vec<Record<'_>> = texts.iter().enumerate().map(frame).collect();
    let (_folder, root) = root(&[short, long]);
    let stored = of_all(&root).unwrap();
    assert_eq!(stored.frames.iter().map(|frame| frame.text.as_str()).collect::<Vec<_>>(), texts);
    assert_eq!(stored.other_recordings, 1);
}

#[test]
fn an_event_without_its_frame_is_written_anew_around_its_payload() {
    let lines = [
        (LineFormat::RawCapture, r#"{"seq":1,"event":"gameStateUpdate","data":{"price":1.50, "b":2}}"#),
        (
            LineFormat::RawCapture,
            r#"{"seq":2,"event":"standard/newTrade","data":[{"__trace":true,"traceparent":"00-a-b-01"},{"qty":1e-5}]}"#,
        ),
        (LineFormat::RawCapture, r#"{"seq":3,"event":"connect","data":null}"#),
        (
            LineFormat::CdpCapture,
            r#"{"seq":4,"event":"playerUpdate","data":{},"source":"cdp","direction":"received","raw":"42[\"playerUpdate\",{\"cash\": 1}]"}"#,
        ),
    ];
    let records = lines
        .map(|(format, text)| Record { format, ..Record::frame(1, Source::Import, Direction::Received, text) });
    let (_folder, root) = root(&[records.to_vec()]);
    let stored = of_all(&root).unwrap();
    let texts: Vec<&str> = stored.frames.iter().map(|frame| frame.text.as_str()).collect();
    assert_eq!(
        texts,
        [
            r#"42["gameStateUpdate",{"price":1.50, "b":2}]"#,
            r#"42["standard/newTrade",{"__trace":true,"traceparent":"00-a-b-01"},{"qty":1e-5}]"#,
            r#"42["playerUpdate",{"cash": 1}]"#,
        ]
    );
    assert_eq!((stored.rebuilt, stored.left_out), (2, 1));
}
