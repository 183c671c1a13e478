//! `get_events` with `wait`.

use std::time::{Duration, Instant};

use replayer::server::limits;
use serde_json::{Value, json};

use super::{Recording, server, tick};
use crate::common::root;
use crate::common::waiting::TIMEOUT;
use crate::server::Wire;

const GAME: &str = "20260101-aaaaaaaaaaaaaaaa";

/// Sends the call and returns when the server listens: a first call has been answered after it began.
fn begin(wire: &mut Wire, arguments: Value) -> u64 {
    wire.call("live_state", json!({}));
    let id = wire.request("tools/call", json!({"name": "get_events", "arguments": arguments}));
    // Answered out of order: the wait goes on while this is served.
    wire.call("live_state", json!({}));
    id
}

#[test]
fn a_price_that_is_crossed_ends_the_wait_with_its_frame() {
    let (_folder, root) = root();
    let recording = Recording::start(&root);
    let first = recording.receive(&tick(GAME, 1, 1.1));
    let mut wire = server(root.path());
    let session = recording.recorder.session_id();
    // From a cursor on, nothing can fall between two calls.
    let after = format!("{session}:{first}");
    recording.receive(&tick(GAME, 2, 1.9));
    let seq = recording.receive(&tick(GAME, 3, 2.5));
    recording.receive(&tick(GAME, 4, 3.0));
    let found = wire.call("get_events", json!({"wait": {"price_above": 2.0}, "after": after}));
    assert_eq!(found["waited"]["met"], true);
    assert_eq!(found["events"][0]["seq"], json!(seq), "{found}");
    assert_eq!(found["cursor"], json!(format!("{session}:{seq}")));
}

#[test]
fn what_comes_later_ends_the_wait_at_once() {
    let (_folder, root) = root();
    let recording = Recording::start(&root);
    recording.receive(&tick(GAME, 1, 1.1));
    let mut wire = server(root.path());
    let id = begin(
        &mut wire,
        json!({"wait": {"event_name": "standard/newTrade", "field": "amount", "above": 1}, "timeout_s": 20}),
    );
    let trade =
        |amount: f64| format!(r#"42["standard/newTrade",{{"__trace":true}},{{"amount":{amount},"type":"buy"}}]"#);
    recording.receive(&trade(0.5));
    let seq = recording.receive(&trade(1.5));
    let answer = wire.answer(id);
    let found = &answer["result"]["structuredContent"];
    assert_eq!(found["waited"]["met"], true, "not the time ended it: {answer}");
    assert_eq!(found["events"][0]["seq"], json!(seq), "{answer}");
}

#[test]
fn a_wait_in_vain_ends_in_time_and_says_how_to_go_on() {
    let (_folder, root) = root();
    let recording = Recording::start(&root);
    recording.receive(&tick(GAME, 1, 1.1));
    let mut wire = server(root.path());
    let began = Instant::now();
    let found = wire.call("get_events", json!({"wait": {"phase": "RUGGED"}, "timeout_s": 1}));
    assert_eq!(found["waited"]["met"], false);
    assert!(began.elapsed() >= Duration::from_millis(1_000), "{:?}", began.elapsed());
    assert!(found["next"].as_str().unwrap().contains("RUGGED"), "{found}");
}

#[test]
fn a_wait_can_be_cancelled() {
    let (_folder, root) = root();
    let recording = Recording::start(&root);
    recording.receive(&tick(GAME, 1, 1.1));
    let mut wire = server(root.path());
    // As many as there are slots: were they not given back, nothing else would be answered before the waits are over.
    let waits = (0..limits::CONCURRENT_CALLS).map(|_| {
        let arguments = json!({"wait": {"phase": "RUGGED"}, "timeout_s": 50});
        json!(wire.request("tools/call", json!({"name": "get_events", "arguments": arguments})))
    });
    let waits: Vec<Value> = waits.collect();
    for id in &waits {
        wire.send(&json!({"jsonrpc": "2.0", "method": "notifications/cancelled", "params": {"requestId": id}}));
    }
    let asked = json!(wire.request("tools/call", json!({"name": "live_state", "arguments": {}})));
    let answer = wire.message(TIMEOUT).unwrap();
    assert_eq!((&answer["id"], &answer["result"]["isError"]), (&asked, &json!(false)), "{answer}");
}

#[test]
fn a_condition_that_cannot_hold_is_refused_at_once() {
    let (_folder, root) = root();
    let _recording = Recording::start(&root);
    let mut wire = server(root.path());
    for (wait, says) in [
        (json!({}), "at least one"),
        (json!({"phase": "RUNNING"}), "COOLDOWN"),
        (json!({"price_above": 3, "price_below": 2}), "never hold"),
        (json!({"field": "a[", "equals": 1}), "character"),
    ] {
        let error = wire.refused("get_events", json!({"wait": wait}));
        assert!(error.contains(says) && error.contains("next: "), "{error}");
    }
    let error = wire.refused("get_events", json!({"timeout_s": 5}));
    assert!(error.contains("wait"), "{error}");
}
