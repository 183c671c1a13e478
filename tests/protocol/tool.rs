//! `describe_protocol` over MCP.

use serde_json::{Value, json};

use super::House;
use crate::server::Wire;

/// A generous guess of tokens: dense JSON has about three and a half characters in each.
fn tokens(value: &Value) -> usize {
    value.to_string().len() * 2 / 7
}

#[test]
fn the_overview_is_small_and_whole() {
    let house = House::played(2);
    let mut wire = Wire::opened(house.root.path());
    let answer = wire.call("describe_protocol", json!({}));
    assert!(tokens(&answer) <= 6_000, "{} tokens", tokens(&answer));
    assert_eq!(answer["truncated"], json!(false));
    assert!(answer["overview"]["events"]["rows"].as_array().unwrap().len() >= 53);
}

#[test]
fn an_event_a_field_and_a_difference_are_answered_within_the_limit() {
    let house = House::played(2);
    let mut wire = Wire::opened(house.root.path());
    let event = wire.call("describe_protocol", json!({"event": "gameStateUpdate"}));
    assert!(event.to_string().len() < 36_000, "{}", event.to_string().len());
    assert!(event["event"]["samples"].as_array().unwrap().len() == 4);
    assert!(event["event"]["sequences"].as_array().unwrap().len() >= 2);
    let field = wire.call("describe_protocol", json!({"event": "gameStateUpdate", "field": "rugpool.threshold"}));
    assert_eq!(field["field"]["path"], "$.rugpool.threshold");
    assert!(field["field"]["history"]["rows"].as_array().unwrap().len() == 1, "{field}");
    let diff = wire.call("describe_protocol", json!({"diff": {"a": "documentation", "b": "data"}}));
    assert!(diff.to_string().len() < 36_000);
    assert_eq!(diff["truncated"], json!(true));
    let rest = wire.call("describe_protocol", json!({"diff": {"a": "documentation", "b": "data"}, "offset": 100}));
    assert_ne!(rest["diff"]["rows"], diff["diff"]["rows"]);
}

#[test]
fn wrong_names_and_scopes_say_what_to_call_next() {
    let house = House::played(1);
    let mut wire = Wire::opened(house.root.path());
    let unknown = wire.refused("describe_protocol", json!({"event": "playerUpdat"}));
    assert!(unknown.contains(r#"next: describe_protocol {"event": "playerUpdate"}"#), "{unknown}");
    let field = wire.refused("describe_protocol", json!({"event": "playerUpdate", "field": "cahs"}));
    assert!(field.contains(r#""field": "$.cash""#), "{field}");
    let scope = wire.refused("describe_protocol", json!({"scope": {"from": "yesterday"}}));
    assert!(scope.contains("2026-01-31"), "{scope}");
    let empty = wire.refused("describe_protocol", json!({"scope": {"from": "1999-01-01", "to": "1999-12-31"}}));
    assert!(empty.contains("nothing is stored in this scope"), "{empty}");
    let alone = wire.refused("describe_protocol", json!({"field": "cash"}));
    assert!(alone.contains("needs its event"), "{alone}");
}
