//! Nothing heavy happens before the first query.

use super::*;

/// What the whole start may cost: a hundred times less than opening the engine or a model does. Time on a processor, so
/// that other work on the machine does not count; the benchmark measures the time that a client sees.
const LITTLE: Duration = Duration::from_secs(1);

#[test]
fn initialize_is_answered_and_no_worker_is_started() {
    let root = tempfile::tempdir().unwrap();
    let mut wire = Wire::start(root.path());
    let answer = wire.initialize();
    assert_eq!(answer["result"]["protocolVersion"], "2025-11-25");
    assert_eq!(answer["result"]["serverInfo"]["name"], "replayer");
    let cost = processor_time(wire.child.id());
    assert!(cost < LITTLE, "{cost:?}");
    if cfg!(target_os = "linux") {
        assert!(wire.children().is_empty());
        let status = std::fs::read_to_string(format!("/proc/{}/status", wire.child.id())).unwrap();
        let rss = status.lines().find(|line| line.starts_with("VmRSS")).unwrap();
        let kib: u64 = rss.split_whitespace().nth(1).unwrap().parse().unwrap();
        assert!(kib < 80 * 1024, "{kib} KiB before the first query");
    }
}

/// An upgrade replaces the file under a running server, which starts its SQL worker only later.
#[cfg(target_os = "linux")]
#[test]
fn a_server_whose_binary_was_replaced_still_answers() {
    let folder = tempfile::tempdir().unwrap();
    let installed = folder.path().join("replayer");
    std::fs::copy(REPLAYER, &installed).unwrap();
    let library = Path::new(REPLAYER).with_file_name("libduckdb.so");
    if library.exists() {
        std::fs::copy(library, folder.path().join("libduckdb.so")).unwrap();
    }
    let root = folder.path().join("root");
    let mut wire = Wire::of(Command::new(&installed).args(["serve", "--data"]).arg(&root));
    wire.initialize();
    std::fs::remove_file(&installed).unwrap();
    let answer = wire.call("query_sql", json!({"sql": "SELECT 41 + 1 AS answer"}));
    assert_eq!(answer["rows"], json!([[42]]));
}

#[test]
fn a_root_that_is_not_there_is_made() {
    let folder = tempfile::tempdir().unwrap();
    let root = folder.path().join("not/there");
    let mut wire = Wire::opened(&root);
    assert!(!wire.ask("tools/list", json!({}))["result"]["tools"].as_array().unwrap().is_empty());
    assert_eq!(wire.call("get_game", json!({}))["games"], json!([]));
    assert!(root.join("CONTEXT.md").is_file());
}

#[test]
fn the_modern_era_opens_without_a_handshake() {
    let root = tempfile::tempdir().unwrap();
    let mut wire = Wire::start(root.path());
    let meta = json!({"io.modelcontextprotocol/protocolVersion": "2026-07-28", "io.modelcontextprotocol/clientCapabilities": {}});
    let found = wire.ask("server/discover", json!({"_meta": meta}));
    assert!(found["result"]["supportedVersions"].as_array().unwrap().contains(&json!("2026-07-28")), "{found}");
    let tools = wire.ask("tools/list", json!({"_meta": meta}));
    assert!(!tools["result"]["tools"].as_array().unwrap().is_empty());
    assert_eq!(tools["result"]["resultType"], "complete");
}
