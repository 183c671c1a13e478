//! `live_state`, now and at a past moment.

use std::time::Instant;

use serde_json::{Value, json};

use super::{Recording, server, session, tick};
use crate::common::root;
use crate::common::waiting::until;

#[test]
fn the_newest_tick_of_another_process_is_shown_with_its_frame() {
    let (_folder, root) = root();
    let recording = Recording::start(&root);
    recording.receive(&tick("20260101-aaaaaaaaaaaaaaaa", 5, 1.25));
    let mut wire = server(root.path());
    assert_eq!(wire.call("live_state", json!({}))["game"]["price"], 1.25);
    let begun = Instant::now();
    let seq = recording.receive(&tick("20260101-aaaaaaaaaaaaaaaa", 6, 1.5));
    let mut state = Value::Null;
    until("tick 6 is shown", || {
        state = wire.call("live_state", json!({}));
        state["game"]["tick"] == 6
    });
    assert_eq!(state["game"]["price"], 1.5);
    assert_eq!(state["game"]["phase"], "ACTIVE");
    assert_eq!(state["status"], "live");
    assert!(state["game"]["ref"].as_str().unwrap().ends_with(&format!(":{seq}")), "{state}");
    let age_ms = state["game"]["age_ms"].as_i64().unwrap();
    assert!((0..=begun.elapsed().as_millis() as i64 + 1).contains(&age_ms), "{state}");
    assert_eq!(state["account"], Value::Null, "no account was seen");
}

#[test]
fn an_empty_store_has_no_state_and_says_what_to_do() {
    let (_folder, root) = root();
    let mut wire = server(root.path());
    let state = wire.call("live_state", json!({}));
    assert_eq!((&state["game"], &state["account"]), (&Value::Null, &Value::Null));
    assert!(state["next"].as_str().unwrap().contains("capture"), "{state}");
}

#[test]
fn a_past_moment_is_what_was_known_then() {
    let (_folder, root) = root();
    let recording = Recording::start(&root);
    let start_us = 1_767_225_600_000_000;
    let mut places: Vec<(i64, String, Value)> = Vec::new();
    for frame in session(2, start_us) {
        recording.append(&frame);
        let event = frame.text.strip_prefix("42").and_then(|text| serde_json::from_str::<Value>(text).ok());
        let Some(event) = event.filter(|event| event[0] == "gameStateUpdate") else { continue };
        if event[1]["active"] == true && event[1]["rugged"] == false {
            places.push((frame.at_us, event[1]["gameId"].as_str().unwrap().into(), event[1]["price"].clone()));
        }
    }
    recording.recorder.close().unwrap();
    let mut wire = server(root.path());
    for place in places.iter().step_by(places.len() / 7) {
        let at = jiff::Timestamp::from_microsecond(place.0).unwrap().to_string();
        let state = wire.call("live_state", json!({"at": at}));
        assert_eq!(state["game"]["game_id"], json!(place.1), "{state}");
        assert_eq!(state["game"]["price"].as_f64(), place.2.as_f64(), "{state}");
    }
    let before = wire.call("live_state", json!({"at": "2020-01-01T00:00:00Z"}));
    assert_eq!((&before["game"], &before["status"]), (&Value::Null, &Value::Null));
    assert!(before["next"].as_str().unwrap().contains("query_sql"), "{before}");
}

#[test]
fn a_moment_that_is_none_is_refused_with_an_example() {
    let (_folder, root) = root();
    let mut wire = server(root.path());
    assert!(wire.refused("live_state", json!({"at": "yesterday"})).contains("2026-"));
    assert!(wire.refused("live_state", json!({"at": "2999-01-01T00:00:00Z"})).contains("future"));
}
