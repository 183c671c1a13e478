//! An agent's questions, over MCP, on an index of recorded games.

use std::sync::{Arc, Mutex, Weak};

use replayer::store::root::DataRoot;
use serde_json::{Value, json};
use tempfile::TempDir;

use super::{Model, build, real_model, serve};
use crate::common::{record, root};

/// Two games, indexed with the real model, which takes long: once for all tests that ask at the same time.
fn indexed() -> Arc<(TempDir, DataRoot)> {
    static SHARED: Mutex<Weak<(TempDir, DataRoot)>> = Mutex::new(Weak::new());
    let mut shared = SHARED.lock().unwrap();
    shared.upgrade().unwrap_or_else(|| {
        let made = root();
        record(&made.1, 2);
        build(&made.1, Model::Real, &[]);
        let made = Arc::new(made);
        *shared = Arc::downgrade(&made);
        made
    })
}

#[test]
fn what_fields_are_in_player_update_is_answered_by_the_first_hit() {
    if !real_model() {
        return;
    }
    let indexed = indexed();
    let mut wire = serve(indexed.1.path(), Model::Real);
    let found = wire.call("search", json!({"query": "What fields are in playerUpdate?"}));
    assert_eq!(found["mode"], "hybrid");
    let first = &found["hits"][0];
    assert_eq!((&first["kind"], &first["event_name"]), (&json!("event_card"), &json!("playerUpdate")));
    assert_eq!(first["tier"], "observed");
    let text =
        wire.call("search", json!({"query": "What fields are in playerUpdate?", "detailed": true, "limit": 1}));
    let text = text["hits"][0]["text"].as_str().unwrap();
    // The fields of the frames that were recorded, with their types.
    for field in ["cash", "positionQty", "avgCost", "cumulativePnL", "totalInvested"] {
        // After the name as it is on the wire comes the name split into words, then the type.
        let after = text.split_once(&format!("{field} ")).unwrap_or_else(|| panic!("{field} in: {text}")).1;
        let kind = if after.starts_with('(') { after.split_once(") ").unwrap().1 } else { after };
        assert!(kind.starts_with("number") || kind.starts_with("integer"), "{field} with its type in: {text}");
    }
    assert!(!first["evidence"].as_array().unwrap().is_empty());
}

#[test]
fn a_question_in_other_words_finds_what_is_meant() {
    if !real_model() {
        return;
    }
    let indexed = indexed();
    let mut wire = serve(indexed.1.path(), Model::Real);
    let found = wire.call("search", json!({"query": "how much money do I have left", "limit": 5}));
    let hits = found["hits"].to_string();
    assert!(hits.contains("cash") || hits.contains("playerUpdate"), "{hits}");
    let filtered = json!({"query": "price", "doc_type": "ws_event", "limit": 10});
    let found = wire.call("search", filtered);
    assert!(!found["hits"].as_array().unwrap().is_empty());
}

#[test]
fn filters_are_applied_before_the_best_are_taken() {
    let (_folder, root) = root();
    let truths = record(&root, 3);
    build(&root, Model::None, &[]);
    let mut wire = serve(root.path(), Model::None);
    let game = &truths[1].game_id;
    let found = wire.call("search", json!({"query": "rugged at tick", "game_id": game, "limit": 50}));
    let hits = found["hits"].as_array().unwrap().clone();
    assert!(!hits.is_empty());
    assert!(hits.iter().all(|hit| hit["game_id"] == json!(game)), "{hits:?}");
    let found = wire.call("search", json!({"query": "tick", "kind": "game", "doc_type": "game", "limit": 50}));
    assert!(found["hits"].as_array().unwrap().iter().all(|hit| hit["kind"] == "game"));
}

#[test]
fn an_unknown_filter_value_is_told_with_the_nearest() {
    let (_folder, root) = root();
    record(&root, 1);
    build(&root, Model::None, &[]);
    let mut wire = serve(root.path(), Model::None);
    let error = wire.refused("search", json!({"query": "cash", "event_name": "playerUpdat"}));
    assert!(error.contains("playerUpdate"), "{error}");
    let error = wire.refused("search", json!({"query": "cash", "doc_type": "wsevent"}));
    assert!(error.contains("ws_event"), "{error}");
    let error = wire.refused("search", json!({"query": "  "}));
    assert!(error.contains("next: "), "{error}");
}

#[test]
fn a_question_of_100_kb_is_answered_from_its_beginning() {
    let (_folder, root) = root();
    record(&root, 1);
    build(&root, Model::None, &[]);
    let mut wire = serve(root.path(), Model::None);
    let long = format!("cooldownTimer {}", "x".repeat(100_000));
    let found = wire.call("search", json!({"query": long, "limit": 3}));
    assert!(found["note"].as_str().unwrap().contains("characters"), "{found}");
    assert!(!found["hits"].as_array().unwrap().is_empty());
}

#[test]
fn pages_follow_on_each_other() {
    let (_folder, root) = root();
    record(&root, 2);
    build(&root, Model::None, &[]);
    let mut wire = serve(root.path(), Model::None);
    let ids = |found: &Value| -> Vec<String> {
        let hits = found["hits"].as_array().unwrap();
        hits.iter().map(|hit| hit["id"].as_str().unwrap().to_owned()).collect()
    };
    let all = ids(&wire.call("search", json!({"query": "trade price", "limit": 12})));
    let first = wire.call("search", json!({"query": "trade price", "limit": 6}));
    let second = wire.call("search", json!({"query": "trade price", "limit": 6, "offset": first["offset"]}));
    assert_eq!([ids(&first), ids(&second)].concat(), all);
}
