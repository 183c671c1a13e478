//! A cancelled query stops, its worker goes on, and the session does not notice.

use super::*;

#[test]
fn cancelling_a_query_leaves_the_server_responsive() {
    let (root, _) = three_games();
    let mut wire = Wire::opened(root.path());
    wire.call("query_sql", json!({"sql": "SELECT 1"}));
    // More than there are workers or slots: were a cancelled one to keep its place, the last question would wait.
    for _ in 0..12 {
        let id = wire.start_query(ENDLESS);
        std::thread::sleep(Duration::from_millis(60));
        wire.send(&json!({"jsonrpc": "2.0", "method": "notifications/cancelled", "params": {"requestId": id, "reason": "enough"}}));
    }
    let begun = Instant::now();
    assert_eq!(wire.call("query_sql", json!({"sql": "SELECT 42 AS n"}))["rows"], json!([[42]]));
    assert!(begun.elapsed() < Duration::from_secs(10), "{:?}", begun.elapsed());
    // A cancelled request gets no answer.
    assert!(wire.message(Duration::from_millis(300)).is_none());
}

#[test]
fn a_slow_query_does_not_hold_up_the_others() {
    let (root, _) = three_games();
    let mut wire = Wire::opened(root.path());
    wire.start_query(ENDLESS);
    std::thread::sleep(Duration::from_millis(200));
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
