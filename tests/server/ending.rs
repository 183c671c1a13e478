//! The server ends when its client leaves or it is asked to, soon, and with its workers.

use super::*;

/// Nothing a client waits for may take longer.
const BOUND: Duration = Duration::from_secs(6);

fn gone(pid: u32) -> bool {
    // A zombie that nobody has collected is gone too.
    std::fs::read_to_string(format!("/proc/{pid}/stat")).map_or(true, |stat| stat.contains(") Z "))
}

fn all_gone(pids: &[u32]) -> bool {
    let begun = Instant::now();
    while begun.elapsed() < Duration::from_secs(3) {
        if pids.iter().all(|pid| gone(*pid)) {
            return true;
        }
        std::thread::sleep(Duration::from_millis(20));
    }
    false
}

fn signal(wire: &Wire, signal: rustix::process::Signal) {
    let pid = rustix::process::Pid::from_raw(i32::try_from(wire.child.id()).unwrap()).unwrap();
    rustix::process::kill_process(pid, signal).unwrap();
}

#[test]
fn the_end_of_input_ends_an_idle_server_at_once() {
    let (root, _) = three_games();
    let mut wire = Wire::opened(root.path());
    wire.call("query_sql", json!({"sql": "SELECT 1"}));
    let workers = wire.children();
    let begun = Instant::now();
    wire.stdin = None;
    let status = wire.ends_within(BOUND).expect("the server ends");
    assert!(status.success(), "{status}");
    assert!(begun.elapsed() < Duration::from_secs(2), "{:?}", begun.elapsed());
    assert!(all_gone(&workers), "workers outlived the server");
}

#[test]
fn the_end_of_input_before_a_word_was_said_is_no_failure() {
    let root = tempfile::tempdir().unwrap();
    let mut wire = Wire::start(root.path());
    wire.stdin = None;
    assert!(wire.ends_within(BOUND).expect("the server ends").success(), "{}", wire.log());
}

#[test]
fn questions_sent_before_the_end_of_input_are_answered() {
    let (root, _) = three_games();
    let mut wire = Wire::opened(root.path());
    let id = wire.request(
        "tools/call",
        json!({"name": "query_sql", "arguments": {"sql": "SELECT count(*) AS n FROM games"}}),
    );
    wire.stdin = None;
    let answer = wire.answer(id);
    assert_eq!(answer["result"]["structuredContent"]["rows"], json!([[3]]), "{answer}");
    assert!(wire.ends_within(BOUND).expect("the server ends").success());
}

#[test]
fn an_endless_query_does_not_keep_a_server_whose_client_left() {
    let (root, _) = three_games();
    let mut wire = Wire::opened(root.path());
    wire.start_query(ENDLESS);
    std::thread::sleep(Duration::from_millis(500));
    let workers = wire.children();
    wire.stdin = None;
    assert!(wire.ends_within(BOUND).expect("the server ends").success());
    assert!(all_gone(&workers), "workers outlived the server");
}

#[test]
fn sigterm_in_the_middle_of_a_query_ends_the_server_soon() {
    let (root, _) = three_games();
    for sent in [rustix::process::Signal::TERM, rustix::process::Signal::INT] {
        let mut wire = Wire::opened(root.path());
        wire.start_query(ENDLESS);
        std::thread::sleep(Duration::from_millis(500));
        let workers = wire.children();
        let begun = Instant::now();
        signal(&wire, sent);
        // stdin stays open: its pending read must not hold the process.
        let status = wire.ends_within(BOUND).expect("the server ends");
        assert!(status.success(), "{status}");
        assert!(begun.elapsed() < Duration::from_secs(4), "{:?}", begun.elapsed());
        assert!(all_gone(&workers), "workers outlived the server");
    }
}

#[test]
#[cfg(target_os = "linux")]
fn a_killed_server_leaves_no_worker() {
    let (root, _) = three_games();
    let mut wire = Wire::opened(root.path());
    wire.start_query(ENDLESS);
    std::thread::sleep(Duration::from_millis(500));
    let workers = wire.children();
    assert!(!workers.is_empty());
    signal(&wire, rustix::process::Signal::KILL);
    wire.ends_within(BOUND).expect("it was killed");
    assert!(all_gone(&workers), "workers outlived the server");
}
