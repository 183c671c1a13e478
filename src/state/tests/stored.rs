//! Past and live state from a store: the same state as the fold over everything.

use std::sync::Arc;

use tempfile::TempDir;

use super::*;
use crate::state::live::Live;
use crate::state::past;
use crate::store::Store;
use crate::store::record::{Direction, Record};
use crate::store::recorder::{Recorder, RecorderOptions};
use crate::store::root::DataRoot;

fn root() -> (TempDir, DataRoot) {
    let folder = tempfile::tempdir().unwrap();
    let root = DataRoot::create(folder.path().join("root")).unwrap();
    (folder, root)
}

fn recorder(root: &DataRoot) -> Recorder {
    let store = Arc::new(Store::open(root, "test").unwrap());
    let options = RecorderOptions { segment_bytes: 600_000, ..RecorderOptions::new("test") };
    Recorder::start(store, options).unwrap()
}

fn append(recorder: &Recorder, frames: &[SimulatedFrame]) {
    for frame in frames {
        recorder.append(&Record::frame(frame.at_us, Source::Cdp, frame.direction, &frame.text)).unwrap();
    }
}

/// What does not depend on where the folding began.
fn essence(snapshot: &Snapshot) -> serde_json::Value {
    let mut json = serde_json::to_value(snapshot).unwrap();
    let object = json.as_object_mut().unwrap();
    for other in ["folded_from", "requests", "capture"] {
        object.remove(other);
    }
    if let Some(account) = object.get_mut("account").and_then(|account| account.as_object_mut()) {
        account.remove("drift_checks");
    }
    // Refs name the session, which only the store knows.
    let text = serde_json::to_string(&json).unwrap();
    let cut: Vec<&str> =
        text.split("\"ref\":\"").map(|part| part.split_once(':').map_or(part, |(_, rest)| rest)).collect();
    serde_json::Value::String(cut.join("ref"))
}

fn folded_until(frames: &[SimulatedFrame], when: i64) -> Snapshot {
    let until: Vec<SimulatedFrame> = frames.iter().filter(|frame| frame.at_us <= when).cloned().collect();
    fold_all(&until, Source::Cdp).0.snapshot(when)
}

#[test]
fn the_state_at_any_past_moment_is_the_folds() {
    let (_folder, root) = root();
    let (frames, _) = play(Config { logged_in: true, ..small(21, 12) });
    let recorder = recorder(&root);
    append(&recorder, &frames);
    // Some sealed, the rest in the journal.
    for share in [1, 3, 5, 8, 10, 12, 15, 16] {
        let when = frames[(frames.len() - 1) * share / 16].at_us;
        let past = past::at(&root, when).unwrap();
        assert_eq!(essence(&past), essence(&folded_until(&frames, when)), "at {share}/16");
    }
    recorder.close().unwrap();
    let when = frames[frames.len() * 3 / 4].at_us;
    assert_eq!(essence(&past::at(&root, when).unwrap()), essence(&folded_until(&frames, when)), "all sealed");
}

#[test]
fn the_past_is_folded_from_the_game_before_and_not_from_the_beginning() {
    let (_folder, root) = root();
    let (frames, truths) = play(small(22, 12));
    let recorder = recorder(&root);
    append(&recorder, &frames);
    recorder.close().unwrap();
    let when = frames.last().unwrap().at_us - 1_000_000;
    let start = std::time::Instant::now();
    let past = past::at(&root, when).unwrap();
    eprintln!("the state at a past moment: {:?}", start.elapsed());
    let folded = past.folded_from.unwrap();
    assert!(folded.events < frames.len() as u64 / 3, "{} of {}", folded.events, frames.len());
    assert_eq!(past.previous.unwrap().game_id, truths[truths.len() - 2].game_id);
}

#[test]
fn before_the_first_event_nothing_is_known() {
    let (_folder, root) = root();
    assert!(past::at(&root, 1).unwrap().game.is_none());
    let (frames, _) = play(small(1, 1));
    let recorder = recorder(&root);
    append(&recorder, &frames);
    recorder.close().unwrap();
    let past = past::at(&root, frames[0].at_us - 1).unwrap();
    assert!(past.game.is_none() && past.folded_from.is_none());
    let long_after = past::at(&root, frames[0].at_us + 30 * 86_400_000_000).unwrap();
    assert!(long_after.game.unwrap().stamp.age_ms.unwrap() > 29 * 86_400_000, "old, and says how old");
}

#[test]
fn imported_recordings_have_a_past_too() {
    let (_folder, root) = root();
    let recorder = recorder(&root);
    for tick in 0..40_i64 {
        let text = format!(
            r#"{{"type":"tick","game_id":"20251030-a","tick":{tick},"price":1.{tick:02},"active":true,"rugged":false,"cooldown_timer":0,"trade_count":3}}"#
        );
        let record = Record {
            format: LineFormat::Recording,
            ..Record::frame(tick * 250_000, Source::Import, Direction::Received, &text)
        };
        recorder.append(&record).unwrap();
    }
    recorder.close().unwrap();
    let game = past::at(&root, 5_100_000).unwrap().game.unwrap();
    assert_eq!((game.game_id.as_str(), game.tick, game.price), ("20251030-a", Some(20), Some(1.2)));
}

#[test]
fn live_state_follows_the_journal() {
    let (_folder, root) = root();
    let (frames, _) = play(Config { logged_in: true, ..small(23, 6) });
    let recorder = recorder(&root);
    let mut live = Live::open(&root).unwrap();
    assert!(live.snapshot().game.is_none());
    for chunk in frames.chunks(97) {
        append(&recorder, chunk);
        live.poll().unwrap();
        let when = chunk.last().unwrap().at_us;
        let so_far = live.fold().snapshot(when);
        assert_eq!(
            so_far.game.map(|game| game.stamp.as_of),
            folded_until(&frames, when).game.map(|g| g.stamp.as_of)
        );
    }
    recorder.close().unwrap();
    live.poll().unwrap();
    let when = frames.last().unwrap().at_us;
    assert_eq!(live.fold().events(), frames.len() as u64, "each row once");
    assert_eq!(essence(&live.fold().snapshot(when)), essence(&folded_until(&frames, when)));
}

#[test]
fn rows_sealed_between_two_looks_are_not_missed() {
    let (_folder, root) = root();
    let (frames, _) = play(small(24, 4));
    let mut live = Live::open(&root).unwrap();
    let (first, second) = frames.split_at(frames.len() / 2);
    let one = recorder(&root);
    append(&one, first);
    // Everything is sealed and the journal gone before the first look.
    one.close().unwrap();
    drop(one);
    live.poll().unwrap();
    assert_eq!(live.fold().events(), first.len() as u64);
    let two = recorder(&root);
    append(&two, second);
    two.close().unwrap();
    live.poll().unwrap();
    assert_eq!(live.fold().events(), frames.len() as u64);
}

#[test]
fn a_fresh_process_knows_the_current_game_at_once() {
    let (_folder, root) = root();
    let (frames, _) = play(Config { logged_in: true, ..small(25, 5) });
    let recorder = recorder(&root);
    append(&recorder, &frames[..frames.len() - 40]);
    let when = frames[frames.len() - 41].at_us;
    let fresh = Live::open(&root).unwrap();
    assert_eq!(essence(&fresh.fold().snapshot(when)), essence(&folded_until(&frames, when)));
    assert!(fresh.fold().events() < frames.len() as u64 * 2 / 3, "seeded from the last games only");
    let mut fresh = fresh;
    append(&recorder, &frames[frames.len() - 40..]);
    fresh.poll().unwrap();
    let when = frames.last().unwrap().at_us;
    assert_eq!(essence(&fresh.fold().snapshot(when)), essence(&folded_until(&frames, when)));
}

#[test]
fn lost_connections_are_told_by_system_events() {
    let (_folder, root) = root();
    let (frames, _) = play(small(26, 1));
    let recorder = recorder(&root);
    append(&recorder, &frames[..200]);
    let mut live = Live::open(&root).unwrap();
    let at = frames[199].at_us + 1000;
    recorder.append(&Record::system(at, Source::Cdp, "connection_lost", "{}")).unwrap();
    let notes = live.poll().unwrap();
    assert!(
        notes.iter().any(|noted| noted.note == Note::IntegrityLost { reason: "connection_lost" }),
        "{notes:?}"
    );
    assert_eq!(live.fold().snapshot(at).status, Some(crate::state::health::Liveness::Offline));
}
