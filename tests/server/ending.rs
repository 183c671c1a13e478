//! The server ends when its client leaves or it is asked to, soon, and with its workers.

use super::*;

fn all_gone(pids: &[u32]) {
    until("the workers end with the server", || pids.iter().all(|pid| is_gone(*pid)));
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
    let status = wire.ends();
    assert!(status.success(), "{status}");
    // Here time is the behaviour. Calls under way would be given this long; an idle server needs a hundredth of it.
    assert!(begun.elapsed() < replayer::server::run::DRAIN, "{:?}", begun.elapsed());
    all_gone(&workers);
}

#[test]
fn the_end_of_input_before_a_word_was_said_is_no_failure() {
    let root = tempfile::tempdir().unwrap();
    let mut wire = Wire::start(root.path());
    wire.stdin = None;
    assert!(wire.ends().success(), "{}", wire.log());
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
    assert!(wire.ends().success());
}

// The endless queries below may run for 300 seconds: a server that waited for them would be found out on any machine.

#[test]
#[cfg(target_os = "linux")]
fn an_endless_query_does_not_keep_a_server_whose_client_left() {
    let (root, _) = three_games();
    let mut wire = Wire::opened(root.path());
    wire.start_endless();
    let workers = wire.children();
    wire.stdin = None;
    assert!(wire.ends().success());
    all_gone(&workers);
}

#[test]
#[cfg(target_os = "linux")]
fn sigterm_in_the_middle_of_a_query_ends_the_server_soon() {
    let (root, _) = three_games();
    for sent in [rustix::process::Signal::TERM, rustix::process::Signal::INT] {
        let mut wire = Wire::opened(root.path());
        wire.start_endless();
        let workers = wire.children();
        signal(&wire, sent);
        // stdin stays open: its pending read must not hold the process.
        let status = wire.ends();
        assert!(status.success(), "{status}");
        all_gone(&workers);
    }
}

#[test]
#[cfg(target_os = "linux")]
fn a_killed_server_leaves_no_worker() {
    let (root, _) = three_games();
    let mut wire = Wire::opened(root.path());
    wire.start_endless();
    let workers = wire.children();
    assert!(!workers.is_empty());
    signal(&wire, rustix::process::Signal::KILL);
    wire.ends();
    all_gone(&workers);
}
