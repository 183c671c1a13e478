//! A decision shows at once, wherever the protocol is told: search, the explorer, resources, prompts, SQL; and subscribers
//! are told.

use serde_json::{Value, json};

use super::CASH;
use crate::common::waiting::TIMEOUT;
use crate::common::{record, root};
use crate::server::Wire;

/// Marks cash as verified, with a correction of its unit.
fn decide(wire: &mut Wire) {
    let made = wire.call(
        "verify",
        json!({"action": "propose", "subject": CASH, "statement": "cash >= 0",
            "correction": {"kind": "unit", "old": "SOL", "new": "lamports"}}),
    );
    let id = made["proposal"]["proposal_id"].as_str().unwrap();
    let decided = wire.call(
        "verify",
        json!({"action": "decide", "proposal_id": id, "accept": true, "human_quote": "yes, mark it"}),
    );
    assert_eq!(decided["decision"]["badge"], "verified (relayed)", "{decided}");
    assert_eq!(decided["decision"]["affects"][0], "field (SQL view)");
}

fn resource(wire: &mut Wire, uri: &str) -> String {
    let answer = wire.ask("resources/read", json!({"uri": uri}));
    answer["result"]["contents"][0]["text"].as_str().unwrap_or_else(|| panic!("{answer}")).to_owned()
}

#[test]
fn rule_7_every_answer_carries_tier_and_mark_at_once() {
    let (_folder, root) = root();
    record(&root, 2);
    let mut wire = Wire::opened(root.path());
    let search = json!({"query": "playerUpdate cash"});
    let before = wire.call("search", search.clone());
    for hit in before["hits"].as_array().unwrap() {
        assert!(hit["tier"].is_string(), "{hit}");
        let of_the_protocol = ["event_card", "field_card", "reference"].contains(&hit["kind"].as_str().unwrap());
        assert!(!of_the_protocol || hit["mark"] == "unverified", "{hit}");
    }
    decide(&mut wire);

    let field = wire.call("describe_protocol", json!({"event": "playerUpdate", "field": "cash"}));
    assert_eq!(field["field"]["mark"], "verified (relayed)", "{field}");
    assert_eq!(
        (&field["field"]["unit"], &field["field"]["corrections"][0]["old"]),
        (&json!("lamports"), &json!("SOL"))
    );
    let event = wire.call("describe_protocol", json!({"event": "playerUpdate"}));
    let columns = event["event"]["fields"]["columns"].as_array().unwrap();
    let at = |name: &str| columns.iter().position(|column| column == name).unwrap();
    let rows = event["event"]["fields"]["rows"].as_array().unwrap();
    let row = rows.iter().find(|row| row[at("path")] == "$.cash").unwrap();
    assert_eq!((&row[at("mark")], &row[at("unit")]), (&json!("verified (relayed)"), &json!("lamports")));

    let state: Value = serde_json::from_str(&resource(&mut wire, "replayer://verification")).unwrap();
    assert_eq!(state["marks"][0]["subject"], CASH, "{state}");
    assert_eq!(state["log"]["whole"], true);
    let card = resource(&mut wire, "replayer://protocol/playerUpdate");
    assert!(card.contains("verified (relayed)") && card.contains("lamports"), "{card}");

    let prompt =
        wire.ask("prompts/get", json!({"name": "rugs-expert", "arguments": {"question": "what is cash"}}));
    let text = prompt["result"]["messages"].to_string();
    assert!(text.contains(CASH) && text.contains("verified (relayed)"), "{text}");

    let rows =
        wire.call("query_sql", json!({"sql": "SELECT mark, authority FROM mark WHERE subject LIKE '%cash'"}));
    assert_eq!(rows["rows"], json!([["verified", "relayed"]]));
    let rows = wire.call(
        "query_sql",
        json!({"sql": "SELECT unit, badge FROM field WHERE event_name = 'playerUpdate' AND path = '$.cash'"}),
    );
    assert_eq!(rows["rows"], json!([["lamports", "verified (relayed)"]]));
}

/// Accepts a shipped proposal.
fn accept(wire: &mut Wire, id: &str) -> Value {
    let said = json!({"action": "decide", "proposal_id": id, "accept": true, "human_quote": "yes, mark it"});
    wire.call("verify", said)
}

#[test]
fn a_decided_proposal_shows_on_its_event_though_no_frame_has_the_field() {
    let (_folder, root) = root();
    record(&root, 2);
    let mut wire = Wire::opened(root.path());
    accept(&mut wire, "shipped-seed-location");
    accept(&mut wire, "shipped-cooldown-unit");
    let seed =
        wire.call("describe_protocol", json!({"event": "gameStateUpdate", "field": "provablyFair.serverSeed"}));
    assert_eq!(seed["field"]["mark"], "verified (relayed)", "{seed}");
    assert_eq!(seed["field"]["count"], 0);
    let event = wire.call("describe_protocol", json!({"event": "gameStateUpdate"}));
    let rulings = event["event"]["rulings"].to_string();
    for subject in ["field:gameStateUpdate#$.provablyFair.serverSeed", "unit:gameStateUpdate#$.cooldownTimer"] {
        assert!(rulings.contains(subject), "{subject} in {rulings}");
    }
    let timer = wire.call("describe_protocol", json!({"event": "gameStateUpdate", "field": "cooldownTimer"}));
    assert_eq!(timer["field"]["mark"], "unit verified (relayed)", "{timer}");
    let rows = wire.call(
        "query_sql",
        json!({"sql": "SELECT badge FROM field WHERE event_name = 'gameStateUpdate' AND path = '$.cooldownTimer'"}),
    );
    assert_eq!(rows["rows"], json!([["unit verified (relayed)"]]));
    let found = wire.call("search", json!({"query": "where is the serverSeed revealed"}));
    assert!(found["hits"].to_string().contains("$.provablyFair.serverSeed [verified (relayed)]"), "{found}");
}

#[test]
fn a_subscriber_is_told_of_a_decision_of_another_process() {
    let (_folder, root) = root();
    record(&root, 1);
    let mut subscriber = Wire::opened(root.path());
    let answer = subscriber.ask("resources/subscribe", json!({"uri": "replayer://verification"}));
    assert!(answer.get("result").is_some(), "{answer}");
    // The look that the subscription began with is over when this one is.
    resource(&mut subscriber, "replayer://verification");
    decide(&mut Wire::opened(root.path()));
    loop {
        let message = subscriber.message(TIMEOUT).expect("a notification");
        if message["method"] == "notifications/resources/updated" {
            assert_eq!(message["params"]["uri"], "replayer://verification");
            return;
        }
    }
}

#[test]
fn the_queue_has_what_was_shipped_and_what_is_novel() {
    let (_folder, root) = root();
    record(&root, 1);
    let mut wire = Wire::opened(root.path());
    let queue = wire.call("verify", json!({"action": "queue", "limit": 100}));
    let reasons: Vec<&str> =
        queue["queue"].as_array().unwrap().iter().map(|item| item["reason"].as_str().unwrap()).collect();
    assert!(reasons.iter().filter(|reason| **reason == "proposal").count() >= 16, "{reasons:?}");
    let few = wire.call("verify", json!({"action": "queue", "limit": 2}));
    assert_eq!((few["queue"].as_array().unwrap().len(), &few["truncated"]), (2, &json!(true)));
    assert!(few["next"].as_str().unwrap().contains("offset"));
}
