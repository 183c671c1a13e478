//! `replayer://live`: read, subscribed to, and told of changes, in both protocol eras.

use std::time::{Duration, Instant};

use serde_json::{Value, json};

use super::{Recording, server, tick};
use crate::common::root;
use crate::common::waiting::TIMEOUT;
use crate::server::Wire;

const GAME: &str = "20260101-aaaaaaaaaaaaaaaa";

/// The next notification of this method.
fn notification(wire: &mut Wire, method: &str, limit: Duration) -> Option<Value> {
    let began = Instant::now();
    while began.elapsed() < limit {
        let message = wire.message(limit.saturating_sub(began.elapsed()))?;
        if message["method"] == method {
            return Some(message);
        }
    }
    None
}

#[test]
fn the_resource_is_the_state() {
    let (_folder, root) = root();
    let recording = Recording::start(&root);
    recording.receive(&tick(GAME, 7, 1.75));
    let mut wire = server(root.path());
    let answer = wire.ask("resources/read", json!({"uri": "replayer://live"}));
    let text = answer["result"]["contents"][0]["text"].as_str().unwrap_or_else(|| panic!("{answer}"));
    let state: Value = serde_json::from_str(text).unwrap();
    assert_eq!(state["game"]["price"], 1.75);
}

#[test]
fn a_subscriber_of_the_older_era_is_told_until_it_unsubscribes() {
    let (_folder, root) = root();
    let recording = Recording::start(&root);
    recording.receive(&tick(GAME, 1, 1.1));
    let mut wire = server(root.path());
    let answer = wire.ask("resources/subscribe", json!({"uri": "replayer://live"}));
    assert!(answer.get("result").is_some(), "{answer}");
    recording.receive(&tick(GAME, 2, 1.2));
    let told = notification(&mut wire, "notifications/resources/updated", TIMEOUT);
    assert_eq!(told.unwrap()["params"]["uri"], "replayer://live");
    wire.ask("resources/unsubscribe", json!({"uri": "replayer://live"}));
    recording.receive(&tick(GAME, 3, 1.3));
    assert!(notification(&mut wire, "notifications/resources/updated", Duration::from_secs(2)).is_none());
}

#[test]
fn a_listener_of_the_newer_era_is_told() {
    let (_folder, root) = root();
    let recording = Recording::start(&root);
    recording.receive(&tick(GAME, 1, 1.1));
    let mut wire = Wire::start(root.path());
    let meta = json!({"io.modelcontextprotocol/protocolVersion": "2026-07-28",
        "io.modelcontextprotocol/clientInfo": {"name": "test", "version": "0"},
        "io.modelcontextprotocol/clientCapabilities": {}});
    wire.request(
        "subscriptions/listen",
        json!({"_meta": meta, "notifications": {"resourceSubscriptions": ["replayer://live", "replayer://manifest"]}}),
    );
    let accepted =
        notification(&mut wire, "notifications/subscriptions/acknowledged", TIMEOUT).expect("acknowledged");
    assert_eq!(
        accepted["params"]["notifications"]["resourceSubscriptions"],
        json!(["replayer://live"]),
        "{accepted}"
    );
    recording.receive(&tick(GAME, 2, 1.2));
    let told = notification(&mut wire, "notifications/resources/updated", TIMEOUT);
    assert_eq!(told.unwrap()["params"]["uri"], "replayer://live");
}

#[test]
fn a_new_field_is_a_change_of_the_protocol_and_another_frame_is_none() {
    let (_folder, root) = root();
    let recording = Recording::start(&root);
    recording.receive(&tick(GAME, 1, 1.1));
    let mut wire = server(root.path());
    let answer = wire.ask("resources/subscribe", json!({"uri": "replayer://protocol"}));
    assert!(answer.get("result").is_some(), "{answer}");
    // The reading that the subscription began with is over when this one is.
    wire.ask("resources/read", json!({"uri": "replayer://protocol"}));
    recording.receive(&tick(GAME, 2, 1.2));
    assert!(notification(&mut wire, "notifications/resources/updated", Duration::from_secs(4)).is_none());
    recording.receive(r#"42["brandNewThing",{"a":1}]"#);
    let told = notification(&mut wire, "notifications/resources/updated", TIMEOUT);
    assert_eq!(told.unwrap()["params"]["uri"], "replayer://protocol");
}

#[test]
fn what_does_not_change_cannot_be_subscribed_to() {
    let (_folder, root) = root();
    let mut wire = server(root.path());
    let answer = wire.ask("resources/subscribe", json!({"uri": "replayer://context"}));
    assert!(answer["error"]["message"].as_str().unwrap().contains("replayer://live"), "{answer}");
}
