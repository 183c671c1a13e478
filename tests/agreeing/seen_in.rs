//! In how many games and sessions a field was seen: the Explorer and a check over the same frames.

use serde_json::json;

use crate::common::{record, root};
use crate::server::Wire;

#[test]
fn the_explorer_and_a_check_count_the_same_games_and_sessions() {
    let (_folder, root) = root();
    for games in [2, 3, 2, 3, 2] {
        record(&root, games);
    }
    let mut wire = Wire::opened(root.path());
    // An event that names its game, and one that does not: it counts for the game that was on.
    for (event, field) in [("gameStateUpdate", "gameId"), ("gameStateUpdate", "price"), ("playerUpdate", "cash")] {
        let seen = wire.call("describe_protocol", json!({"event": event, "field": field}))["field"].clone();
        let statement = format!("on {event}: {field} is present when {field} is present");
        let checked = wire.call("verify", json!({"action": "check", "statement": statement}))["check"].clone();
        assert_eq!(checked["supports"], seen["count"], "{checked}");
        for counted in ["games", "sessions"] {
            assert_eq!(checked[counted], seen[counted], "{counted} of {event} {field}: {seen}");
        }
        assert_eq!(seen["sessions"], 5);
        assert!(seen["games_or_more"].is_null(), "{seen}");
    }
}

#[test]
fn more_than_can_be_counted_is_said() {
    let (_folder, root) = root();
    for _ in 0..17 {
        record(&root, 1);
    }
    let mut wire = Wire::opened(root.path());
    let seen =
        wire.call("describe_protocol", json!({"event": "gameStateUpdate", "field": "price"}))["field"].clone();
    assert_eq!((&seen["sessions"], &seen["sessions_or_more"]), (&json!(16), &json!(true)));
}
