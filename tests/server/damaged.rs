//! Parts that are damaged while a server runs: every tool goes on, and names what is missing.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use super::*;
use crate::common;
use replayer::store::catalog::{Catalog, Part};
use replayer::store::schema::DocType;

/// A call of each tool that reads the store.
fn calls(game_id: &str, session: &str) -> Vec<(&'static str, Value)> {
    vec![
        ("query_sql", json!({"sql": "SELECT game_id, peak, rug_tick FROM games ORDER BY game_id"})),
        ("get_game", json!({})),
        ("get_game", json!({"game_id": game_id})),
        ("get_events", json!({"refs": [format!("{session}:5")]})),
        ("check_fairness", json!({})),
        ("live_state", json!({})),
        ("live_state", json!({"at": "2026-01-01T00:01:00Z"})),
        ("describe_protocol", json!({})),
        ("search", json!({"query": "rug"})),
        ("replay", json!({"action": "open", "game_id": game_id})),
        ("export_dataset", json!({"format": "csv", "dataset": "trade"})),
        ("show_chart", json!({"game_id": game_id})),
    ]
}

/// The ways in which a file is damaged; `None` is a file that is gone.
fn damages(whole: &[u8]) -> [(&'static str, Option<Vec<u8>>); 4] {
    let mut flipped = whole.to_vec();
    // Among the values: a small part is footer from its middle on, and one that names a column otherwise is another case.
    flipped[whole.len() / 8] ^= 0x40;
    [
        ("flipped", Some(flipped)),
        ("gone", None),
        ("zeroed", Some(vec![0; whole.len()])),
        ("cut", Some(whole[..whole.len() / 2].to_vec())),
    ]
}

fn put(path: &Path, bytes: Option<&[u8]>) {
    // It may be gone already.
    let _ = fs::remove_file(path);
    if let Some(bytes) = bytes {
        fs::write(path, bytes).unwrap();
    }
}

/// How many rows of a kind a query counts, and what it says is left out.
fn rows(wire: &mut Wire, kind: DocType) -> (u64, Value) {
    // Not from the footers alone.
    let sql = format!("SELECT count(session_id || seq) FROM {}", kind.as_str());
    let answer = wire.call("query_sql", json!({"sql": sql}));
    (answer["rows"][0][0].as_u64().unwrap(), answer["left_out"].clone())
}

/// Has every tool answer, and says how many of them name the part.
fn naming(wire: &mut Wire, part: &Part, game_id: &str, session: &str) -> usize {
    let mut naming = 0;
    for (tool, args) in calls(game_id, session) {
        let result = wire.ask("tools/call", json!({"name": tool, "arguments": args}))["result"].clone();
        // Whoever asks for the lost rows alone gets an error that says so.
        assert!(
            result["isError"] == false || result["content"].to_string().contains(&part.path),
            "{tool} {args}: {result}"
        );
        naming += usize::from(result["content"].to_string().contains(&part.path));
    }
    naming
}

#[test]
fn each_part_damaged_in_turn_costs_its_own_rows_and_the_tools_say_so() {
    let (_folder, root) = common::root();
    let truths = common::record(&root, 2);
    let catalog = Catalog::load(&root).unwrap();
    let session = catalog.parts[0].sessions[0].session_id.to_string();
    let all: BTreeMap<DocType, u64> = DocType::ALL.into_iter().map(|kind| (kind, catalog.rows(kind))).collect();
    let views = [DocType::WsEvent, DocType::GameTick, DocType::Trade, DocType::Sidebet, DocType::ServerState];
    // It runs while the files change, with what it has read before.
    let mut wire = Wire::opened(root.path());
    for (number, part) in catalog.parts.iter().enumerate() {
        let path = root.path().join(&part.path);
        let whole = fs::read(&path).unwrap();
        // Every part in two ways; all four of every kind are tried in the store's own tests.
        for (how, bytes) in damages(&whole).into_iter().cycle().skip(number).take(2) {
            put(&path, bytes.as_deref());
            let what = format!("{how} {}", part.path);
            until(&format!("{what} is noticed"), || {
                rows(&mut wire, part.doc_type).1.to_string().contains(&part.path)
            });
            for kind in views {
                let (count, left_out) = rows(&mut wire, kind);
                let lost = if kind == part.doc_type { part.rows } else { 0 };
                assert_eq!(count, all[&kind] - lost, "{} after {what}", kind.as_str());
                assert_eq!(left_out.is_array(), lost > 0, "{} after {what}: {left_out}", kind.as_str());
            }
            assert!(naming(&mut wire, part, &truths[0].game_id, &session) > 0, "{what}: no tool names it");
            put(&path, Some(&whole));
            until(&format!("{what} is back"), || rows(&mut wire, part.doc_type) == (part.rows, Value::Null));
        }
    }
}
