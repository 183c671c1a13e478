//! Every byte on stdout is a JSON-RPC message, whoever else writes to "stdout".

use super::*;

/// Writes to a process's file descriptor 1 as code inside it would. Linux shows it under /proc.
#[cfg(target_os = "linux")]
fn print_inside(pid: u32, text: &str) -> bool {
    let opened = std::fs::OpenOptions::new().write(true).open(format!("/proc/{pid}/fd/1"));
    opened.is_ok_and(|mut stdout| stdout.write_all(text.as_bytes()).is_ok())
}

#[test]
#[cfg(target_os = "linux")]
fn what_a_library_prints_goes_to_the_log() {
    let (root, _) = three_games();
    let mut wire = Wire::opened(root.path());
    assert!(print_inside(wire.child.id(), "50% ▕██████      ▏ (server)\n"));
    assert_eq!(wire.call("query_sql", json!({"sql": "SELECT 42 AS n"}))["rows"], json!([[42]]));

    let workers = wire.children();
    assert!(!workers.is_empty(), "a worker is there after the first query");
    for worker in workers {
        // A worker's stdout is no terminal and no part of ours; where it goes is its own business.
        print_inside(worker, "terminate called after throwing\n");
    }
    assert_eq!(wire.call("query_sql", json!({"sql": "SELECT 43 AS n"}))["rows"], json!([[43]]));
    until("it is in the log", || wire.log().contains("(server)"));
    // Whatever else is in the pipe must be JSON-RPC too: reading it checks that.
    wire.rest();
}

#[test]
fn a_talkative_log_stays_off_stdout() {
    let (root, _) = three_games();
    let mut command = replayer();
    let mut wire = Wire::of(command.args(["serve", "--data"]).arg(root.path()).env("RUST_LOG", "trace"));
    wire.initialize();
    wire.call("get_game", json!({"limit": 2}));
    wire.refused("query_sql", json!({"sql": "COPY games TO '/tmp/x'"}));
    wire.rest();
    until("the log is on stderr", || wire.log().contains("TRACE"));
}

#[test]
#[cfg(target_os = "linux")]
fn a_worker_that_dies_costs_its_query_and_nothing_else() {
    let (root, _) = three_games();
    let mut wire = Wire::opened(root.path());
    let id = wire.start_endless();
    for worker in wire.children() {
        let pid = rustix::process::Pid::from_raw(i32::try_from(worker).unwrap()).unwrap();
        rustix::process::kill_process(pid, rustix::process::Signal::KILL).unwrap();
    }
    let answer = wire.answer(id);
    assert_eq!(answer["result"]["isError"], json!(true), "{answer}");
    let text = answer["result"]["content"][0]["text"].as_str().unwrap();
    assert!(text.contains("worker") && text.contains("next: "), "{text}");
    assert_eq!(wire.call("query_sql", json!({"sql": "SELECT 42 AS n"}))["rows"], json!([[42]]));
}
