//! Deciding through a client: by a form in both protocol eras, and where the client has none.

use std::path::Path;

use serde_json::{Value, json};

use super::{CASH, frame_of};
use crate::common::waiting::TIMEOUT;
use crate::common::{record, root};
use crate::server::Wire;

/// A client of the older era that can show forms.
fn elicits(root: &Path) -> Wire {
    let mut wire = Wire::start(root);
    wire.ask(
        "initialize",
        json!({"protocolVersion": "2025-11-25", "capabilities": {"elicitation": {}},
            "clientInfo": {"name": "form", "version": "1"}}),
    );
    wire.send(&json!({"jsonrpc": "2.0", "method": "notifications/initialized"}));
    wire
}

fn proposed(wire: &mut Wire) -> String {
    let made = wire.call("verify", json!({"action": "propose", "subject": CASH, "statement": "cash >= 0"}));
    made["proposal"]["proposal_id"].as_str().unwrap().to_owned()
}

/// Decides, answering the form that the server sends; the question and the result.
fn answered(wire: &mut Wire, arguments: Value, answer: Value) -> (String, Value) {
    let id = wire.request("tools/call", json!({"name": "verify", "arguments": arguments}));
    let mut question = String::new();
    loop {
        let message = wire.message(TIMEOUT).expect("a message");
        if message["method"] == "elicitation/create" {
            question = message["params"]["message"].as_str().unwrap().to_owned();
            assert_eq!(message["params"]["requestedSchema"]["required"], json!(["decision"]), "{message}");
            wire.send(&json!({"jsonrpc": "2.0", "id": message["id"], "result": answer}));
        } else if message["id"] == json!(id) {
            return (question, message["result"].clone());
        }
    }
}

#[test]
fn in_the_older_era_the_client_shows_a_form_and_the_persons_answer_counts() {
    let (_folder, root) = root();
    record(&root, 2);
    record(&root, 2);
    let mut wire = elicits(root.path());
    let id = proposed(&mut wire);
    let accept = json!({"action": "accept", "content": {"decision": "accept", "rationale": "looked at it"}});
    let decide = json!({"action": "decide", "proposal_id": id, "accept": false, "human_quote": "made up"});
    let (question, result) = answered(&mut wire, decide, accept);
    assert!(question.contains(CASH) && question.contains("Against it: 0 cases"), "{question}");
    let decision = &result["structuredContent"]["decision"];
    // The form beats what the agent says.
    assert_eq!(
        (decision["accepted"].as_bool(), decision["badge"].as_str()),
        (Some(true), Some("canonical")),
        "{result}"
    );
    assert_eq!(decision["authority"], "elicited");
    let history = wire.call("verify", json!({"action": "history", "subject": CASH}));
    assert_eq!(history["history"][1]["rationale_untrusted"], "looked at it");
    assert_eq!(history["history"][1]["actor"]["client"], "form 1");
}

#[test]
fn a_form_that_is_closed_decides_nothing() {
    let (_folder, root) = root();
    record(&root, 1);
    let mut wire = elicits(root.path());
    let id = proposed(&mut wire);
    for action in ["decline", "cancel"] {
        let decide = json!({"action": "decide", "proposal_id": id});
        let (_, result) = answered(&mut wire, decide, json!({"action": action}));
        assert_eq!(result["isError"], true, "{result}");
        assert!(result["content"][0]["text"].as_str().unwrap().contains("stays open"), "{result}");
    }
    let queue = wire.call("verify", json!({"action": "queue", "event": "playerUpdate", "reason": "proposal"}));
    assert_eq!(queue["queue"][0]["proposal_id"], json!(id));
}

#[test]
fn without_a_form_the_agent_is_given_the_question_and_the_rule() {
    let (_folder, root) = root();
    record(&root, 1);
    let mut wire = Wire::opened(root.path());
    let id = proposed(&mut wire);
    let refused = wire.refused("verify", json!({"action": "decide", "proposal_id": id, "accept": true}));
    for told in ["Rule 2", "word for word", "Mark field:playerUpdate", "human_quote", "replayer protocol review"] {
        assert!(refused.contains(told), "{told}: {refused}");
    }
    let unknown = wire.refused(
        "verify",
        json!({"action": "decide", "proposal_id": "nope", "accept": true, "human_quote": "yes yes"}),
    );
    assert!(unknown.contains("no proposal") && unknown.contains("queue"), "{unknown}");
}

fn modern(arguments: &Value, more: Value) -> Value {
    let meta = json!({"io.modelcontextprotocol/protocolVersion": "2026-07-28",
        "io.modelcontextprotocol/clientInfo": {"name": "modern", "version": "2"},
        "io.modelcontextprotocol/clientCapabilities": {"elicitation": {"form": {}}}});
    let mut params = json!({"_meta": meta, "name": "verify", "arguments": arguments});
    params.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    params
}

#[test]
fn in_the_newer_era_the_client_asks_and_calls_again() {
    let (_folder, root) = root();
    record(&root, 2);
    record(&root, 2);
    let mut wire = Wire::start(root.path());
    let propose = json!({"action": "propose", "subject": CASH, "statement": "cash >= 0"});
    let made = wire.ask("tools/call", modern(&propose, json!({})));
    let id = made["result"]["structuredContent"]["proposal"]["proposal_id"]
        .as_str()
        .unwrap_or_else(|| panic!("{made}"));
    let decide = json!({"action": "decide", "proposal_id": id});
    let asked = wire.ask("tools/call", modern(&decide, json!({})));
    assert_eq!(asked["result"]["resultType"], "input_required", "{asked}");
    let question = &asked["result"]["inputRequests"]["decision"];
    assert!(question["params"]["message"].as_str().unwrap().contains("Mark field:playerUpdate"), "{asked}");
    let state = asked["result"]["requestState"].as_str().unwrap();
    let answer = json!({"decision": {"action": "accept", "content": {"decision": "accept"}}});
    // An answer to a question that was never put.
    let forged = wire.ask(
        "tools/call",
        modern(&decide, json!({"inputResponses": answer, "requestState": "00000000-0000-7000-8000-000000000000"})),
    );
    assert_eq!(forged["result"]["isError"], true, "{forged}");
    let given = json!({"inputResponses": answer, "requestState": state});
    let decided = wire.ask("tools/call", modern(&decide, given.clone()));
    assert_eq!(decided["result"]["structuredContent"]["decision"]["badge"], "canonical", "{decided}");
    assert_eq!(decided["result"]["structuredContent"]["decision"]["authority"], "elicited");
    // The same answer a second time.
    let again = wire.ask("tools/call", modern(&decide, given));
    assert_eq!(again["result"]["isError"], true, "{again}");
}

#[test]
fn evidence_is_looked_up_before_anything_is_written() {
    let (_folder, root) = root();
    record(&root, 1);
    let mut wire = Wire::opened(root.path());
    let tick = frame_of(&mut wire, "gameStateUpdate");
    let args = json!({"action": "propose", "subject": CASH, "statement": "cash >= 0", "evidence": [tick]});
    let refused = wire.refused("verify", args);
    assert!(refused.contains("Nothing was written") && refused.contains("is a gameStateUpdate"), "{refused}");
    let unknown = wire
        .refused("verify", json!({"action": "propose", "subject": "field:playerUpdate#$.csh", "statement": "x"}));
    assert!(unknown.contains("next: the same call with the subject \"field:playerUpdate#$.cash\""), "{unknown}");
    let broken = wire.refused("verify", json!({"action": "check", "statement": "on playerUpdate: cash >>> 0"}));
    assert!(broken.contains("Nothing was checked"), "{broken}");
    for (statement, told) in [
        ("on playerUpdate: csh is absent", "next: the same check with $.cash"),
        ("on playrUpdate: cash >= 0", "next: the same check on playerUpdate"),
    ] {
        let unknown = wire.refused("verify", json!({"action": "check", "statement": statement}));
        assert!(unknown.contains("Nothing was checked") && unknown.contains(told), "{unknown}");
    }
    let args = json!({"action": "check", "statement": "recompute fairness", "scope": {"phases": ["ACTIVE"]}});
    let phases = wire.refused("verify", args);
    assert!(phases.contains("leave phases out") && phases.contains("Nothing was checked"), "{phases}");
    assert_eq!(root.verification_log().length(), 0);
}
