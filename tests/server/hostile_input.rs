//! Bad input costs the bad line, not the session.

use super::*;

fn still_there(wire: &mut Wire) {
    assert!(!wire.ask("tools/list", json!({}))["result"]["tools"].as_array().unwrap().is_empty());
}

#[test]
fn lines_that_are_no_messages_do_not_end_the_session() {
    let root = tempfile::tempdir().unwrap();
    let mut wire = Wire::opened(root.path());
    let bad: [&[u8]; 7] = [
        b"garbage\n",
        b"\n\r\n",
        b"\xff\xfe\x00\x01\n",
        b"{\"jsonrpc\":\"2.0\",\"id\":1\n",
        b"[]\n",
        b"{\"jsonrpc\":\"2.0\"}\n",
        b"{\"jsonrpc\":\"1.0\",\"id\":7,\"method\":\"tools/list\"}\n",
    ];
    for line in bad {
        wire.send_bytes(line);
        still_there(&mut wire);
    }
}

#[test]
fn garbage_before_the_handshake_does_not_prevent_it() {
    let root = tempfile::tempdir().unwrap();
    let mut wire = Wire::start(root.path());
    wire.send_bytes(b"hello?\n\n");
    wire.initialize();
    still_there(&mut wire);
}

#[test]
fn a_line_over_the_limit_is_dropped_and_the_next_one_read() {
    let root = tempfile::tempdir().unwrap();
    let mut wire = Wire::opened(root.path());
    let piece = vec![b'x'; 1 << 20];
    wire.send_bytes(b"{\"jsonrpc\":\"2.0\",\"id\":99,\"method\":\"");
    for _ in 0..20 {
        wire.send_bytes(&piece);
    }
    wire.send_bytes(b"\"}\n");
    still_there(&mut wire);
}

#[test]
fn a_long_query_within_the_limit_is_refused_in_words() {
    let root = tempfile::tempdir().unwrap();
    let mut wire = Wire::opened(root.path());
    let sql = format!("SELECT '{}'", "x".repeat(2 << 20));
    let text = wire.refused("query_sql", json!({"sql": sql}));
    assert!(text.len() < 4096 && text.contains("next: "), "{}", &text[..200.min(text.len())]);
}

#[test]
fn arguments_of_the_wrong_kind_are_answered_in_words() {
    let (root, _) = three_games();
    let mut wire = Wire::opened(root.path());
    for (tool, arguments) in [
        ("query_sql", json!({"sql": 5})),
        ("query_sql", json!({"sql": "SELECT 1", "max_rows": -1})),
        ("query_sql", json!({"sql": ""})),
        ("query_sql", json!({"sql": "SELECT 1; COPY games TO '/tmp/x'"})),
        ("query_sql", json!({"sql": "SELECT pric FROM game_tick"})),
        ("get_events", json!({"refs": [{"session_id": "x", "seq": 1}]})),
        ("get_events", json!({"refs": "x"})),
        ("get_game", json!({"game_id": "game-0001"})),
        ("export_dataset", json!({"format": "xml", "dataset": "games"})),
        ("export_dataset", json!({"format": "csv", "dataset": "games", "name": "../x"})),
    ] {
        let text = wire.refused(tool, arguments.clone());
        assert!(text.contains("next: "), "{tool} {arguments}: {text}");
    }
}
