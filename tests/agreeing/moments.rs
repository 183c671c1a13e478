//! A time that one answer prints leads another back to the same event.

use std::sync::Arc;

use replayer::store::Store;
use replayer::store::record::{Record, Source};
use replayer::store::recorder::{Recorder, RecorderOptions};
use replayer::store::root::DataRoot;
use serde_json::{Value, json};

use crate::common::{play, root};
use crate::server::Wire;

/// Simulated games, each frame at a microsecond that no millisecond is.
fn record_between_milliseconds(root: &DataRoot) -> Vec<String> {
    let (frames, truths) = play(2);
    let store = Arc::new(Store::open(root, "test").unwrap());
    let recorder = Recorder::start(store, RecorderOptions::new("test")).unwrap();
    let mut at_us = 0;
    for frame in &frames {
        at_us = (frame.at_us - frame.at_us % 1000 + 1).max(at_us + 1);
        recorder.append(&Record::frame(at_us, Source::Cdp, frame.direction, &frame.text)).unwrap();
    }
    recorder.close().unwrap();
    truths.into_iter().map(|truth| truth.game_id).collect()
}

#[test]
fn a_place_of_a_replay_is_found_again_by_its_time() {
    let (_folder, root) = root();
    let games = record_between_milliseconds(&root);
    let mut wire = Wire::opened(root.path());
    let cursor = wire.call("replay", json!({"action": "open", "game_id": games[1]}))["cursor"].clone();
    for _ in 0..40 {
        let place =
            wire.call("replay", json!({"action": "step", "cursor": cursor, "n": 1, "by": "event"}))["place"]
                .clone();
        let ts = place["ts"].clone();
        let sought = wire.call("replay", json!({"action": "seek", "cursor": cursor, "time": ts}))["place"].clone();
        assert_eq!(sought["ref"], place["ref"], "{place}");
        let state = wire.call("live_state", json!({"at": ts}));
        assert_eq!((&state["now"], &state["game"]["tick"]), (&ts, &place["tick"]), "{place}");
        assert_eq!(state["game"]["price"], place["price"], "{place}");
    }
}

#[test]
fn the_time_of_a_state_leads_back_to_it() {
    let (_folder, root) = root();
    let games = record_between_milliseconds(&root);
    let mut wire = Wire::opened(root.path());
    let sql =
        format!("SELECT ts FROM game_tick WHERE game_id = '{}' AND tick BETWEEN 5 AND 15 ORDER BY tick", games[1]);
    let times: Vec<Value> = wire.call("query_sql", json!({"sql": sql}))["rows"].as_array().unwrap().clone();
    assert_eq!(times.len(), 11);
    for row in times {
        let state = wire.call("live_state", json!({"at": row[0]}))["game"].clone();
        assert_eq!(state["as_of"], row[0]);
        let again = wire.call("live_state", json!({"at": state["as_of"]}))["game"].clone();
        assert_eq!((&again["ref"], &again["tick"]), (&state["ref"], &state["tick"]));
    }
}

#[test]
fn the_first_and_last_time_of_an_event_are_those_of_its_frames() {
    let (_folder, root) = root();
    record_between_milliseconds(&root);
    let mut wire = Wire::opened(root.path());
    let sql = "SELECT min(ts), max(ts) FROM ws_event WHERE event_name = 'playerUpdate'";
    let times = wire.call("query_sql", json!({"sql": sql}))["rows"][0].clone();
    let event = wire.call("describe_protocol", json!({"event": "playerUpdate"}))["event"].clone();
    assert_eq!(json!([event["first"], event["last"]]), times);
    let field = wire.call("describe_protocol", json!({"event": "playerUpdate", "field": "cash"}))["field"].clone();
    assert_eq!(json!([field["first"], field["last"]]), times);
    let all = wire.call("describe_protocol", json!({}))["overview"]["events"].clone();
    let rows = all["rows"].as_array().unwrap();
    let columns: Vec<&str> =
        all["columns"].as_array().unwrap().iter().map(|name| name.as_str().unwrap()).collect();
    let at = |name: &str| columns.iter().position(|column| *column == name).unwrap();
    let row = rows.iter().find(|row| row[0] == "playerUpdate").unwrap();
    assert_eq!(json!([row[at("first")], row[at("last")]]), times);
}
