//! What waits for a decision: the queue, the resource, the view `mark` and the history say the same.

use serde_json::{Value, json};

use crate::common::{record, root};
use crate::server::Wire;

fn open_by_subject(wire: &mut Wire) -> Vec<Value> {
    let sql = "SELECT subject, open_proposals FROM mark WHERE open_proposals > 0 ORDER BY subject";
    wire.call("query_sql", json!({"sql": sql, "max_rows": 1000}))["rows"].as_array().unwrap().clone()
}

#[test]
fn a_proposal_that_comes_with_the_program_is_open_everywhere() {
    let (_folder, root) = root();
    record(&root, 1);
    let mut wire = Wire::opened(root.path());
    let queue = wire.call("verify", json!({"action": "queue", "reason": "proposal", "limit": 200}));
    let mut queued: Vec<Value> =
        queue["queue"].as_array().unwrap().iter().map(|item| json!([item["subject"], 1])).collect();
    queued.sort_by_key(ToString::to_string);
    assert!(queued.len() > 10, "{queue}");
    let mut open = open_by_subject(&mut wire);
    open.sort_by_key(ToString::to_string);
    assert_eq!(open, queued);
    for item in queue["queue"].as_array().unwrap().iter().take(5) {
        let history =
            wire.call("verify", json!({"action": "history", "subject": item["subject"]}))["history"].clone();
        let told = history.as_array().unwrap().iter().find(|one| one["proposal_id"] == item["proposal_id"]);
        let told = told.unwrap_or_else(|| panic!("{item}: {history}"));
        assert_eq!((&told["what"], &told["statement"]), (&json!("proposed"), &item["statement"]));
        assert!(told["n"].is_null(), "it has no line in the log: {told}");
    }
    let resource = wire.ask("resources/read", json!({"uri": "replayer://verification"}));
    let resource: Value =
        serde_json::from_str(resource["result"]["contents"][0]["text"].as_str().unwrap()).unwrap();
    let first = resource["queue"].as_array().unwrap().iter().find(|item| item["reason"] == "proposal").unwrap();
    assert!(queued.iter().any(|row| row[0] == first["subject"]));
}

#[test]
fn a_proposal_that_somebody_made_is_open_everywhere_too() {
    let (_folder, root) = root();
    record(&root, 1);
    let mut wire = Wire::opened(root.path());
    let subject = "field:playerUpdate#$.cash";
    let before = open_by_subject(&mut wire).iter().filter(|row| row[0] == subject).count();
    assert_eq!(before, 0);
    let made = wire.call(
        "verify",
        json!({"action": "propose", "subject": subject, "statement": "on playerUpdate: cash >= 0"}),
    );
    let id = made["proposal"]["proposal_id"].clone();
    assert!(id.is_string(), "{made}");
    let open = open_by_subject(&mut wire);
    assert!(open.contains(&json!([subject, 1])), "{open:?}");
    let history = wire.call("verify", json!({"action": "history", "subject": subject}))["history"].clone();
    assert_eq!((&history[0]["proposal_id"], &history[0]["n"]), (&id, &json!(1)), "{history}");
}
