//! A cancelled query stops, its worker goes on, and the session does not notice.

use super::*;

#[test]
#[cfg(target_os = "linux")]
fn cancelling_a_query_leaves_the_server_responsive() {
    let (root, _) = three_games();
    let mut wire = Wire::opened(root.path());
    // More than there are workers or slots: were a cancelled one to keep its place, the last question would wait for
    // ever.
    let mut cancelled = Vec::new();
    for _ in 0..12 {
        let id = wire.start_endless();
        wire.send(&json!({"jsonrpc": "2.0", "method": "notifications/cancelled", "params": {"requestId": id, "reason": "enough"}}));
        cancelled.push(json!(id));
    }
    let last = wire.request("tools/call", json!({"name": "query_sql", "arguments": {"sql": "SELECT 42 AS n"}}));
    let said = wire.rest();
    let answered: Vec<&Value> = said.iter().filter(|message| message["id"] == json!(last)).collect();
    assert_eq!(answered[0]["result"]["structuredContent"]["rows"], json!([[42]]));
    // A cancelled request gets no answer.
    assert!(said.iter().all(|message| !cancelled.contains(&message["id"])), "{said:?}");
}

#[test]
#[cfg(target_os = "linux")]
fn a_slow_query_does_not_hold_up_the_others() {
    let (root, _) = three_games();
    let mut wire = Wire::opened(root.path());
    wire.start_endless();
    assert_eq!(wire.call("query_sql", json!({"sql": "SELECT count(*) AS n FROM games"}))["rows"], json!([[3]]));
}

#[test]
fn a_query_over_its_time_is_stopped_and_says_so() {
    let (root, _) = three_games();
    let mut wire = Wire::opened(root.path());
    let text = wire.refused("query_sql", json!({"sql": ENDLESS, "timeout_s": 1}));
    assert!(text.contains("1000 ms") && text.contains("next: "), "{text}");
    assert_eq!(wire.call("query_sql", json!({"sql": "SELECT 42 AS n"}))["rows"], json!([[42]]));
}
