//! Values that a strict parser refuses, in the lines of an older recorder: each costs itself and nothing else.

use std::fs;

use replayer::protocol::frame;
use replayer::store::root::DataRoot;
use serde_json::Value;

use crate::common::{play, printed, root, typed};

/// A recorder's lines of two simulated games.
fn lines() -> Vec<String> {
    let (frames, _) = play(2);
    let start: jiff::Timestamp = "2026-01-15T09:00:00Z".parse().unwrap();
    let events = frames.iter().enumerate().filter_map(|(number, simulated)| {
        let frame = frame::parse(&simulated.text).ok()?;
        let (name, payload) = (frame.event_name.as_deref()?, frame.payload()?);
        let ts = start + jiff::SignedDuration::from_millis(250 * i64::try_from(number).ok()?);
        let direction = simulated.direction.as_str();
        Some(format!(
            r#"{{"seq":{number},"ts":"{ts}","event":"{name}","data":{},"direction":"{direction}"}}"#,
            payload.get()
        ))
    });
    events.collect()
}

/// Imports lines, and what the root then has: rows of each kind, frames by how they were read.
fn imported(lines: &[String]) -> (tempfile::TempDir, DataRoot, Value) {
    let (folder, root) = root();
    fs::write(folder.path().join("old.jsonl"), lines.join("\n") + "\n").unwrap();
    let report = printed(&typed("replayer legacy import old.jsonl --json", &root, folder.path()));
    (folder, root, serde_json::from_str(&report).unwrap())
}

fn number(root: &DataRoot, folder: &tempfile::TempDir, sql: &str) -> i64 {
    let output = crate::common::replayer()
        .args(["sql", sql, "--json"])
        .env("RUGS_DATA_DIR", root.path())
        .current_dir(folder.path())
        .output()
        .unwrap();
    let answer: Value = serde_json::from_str(&printed(&output)).unwrap();
    answer["rows"][0][0].as_i64().unwrap_or_else(|| panic!("{answer}"))
}

const KINDS: [&str; 5] = ["game_tick", "trade", "sidebet", "server_state", "game"];

fn rows(root: &DataRoot, folder: &tempfile::TempDir) -> Vec<i64> {
    KINDS.iter().map(|kind| number(root, folder, &format!("SELECT count(*) FROM {kind}"))).collect()
}

#[test]
fn odd_values_cost_no_row_and_are_counted() {
    let control = lines();
    let (folder, root, _) = imported(&control);
    let right = rows(&root, &folder);
    assert!(right.iter().all(|rows| *rows > 0), "{right:?}");
    // A name that was cut inside an emoji, a number that no double holds, a key that comes twice.
    let kinds: [(&str, &str, bool); 3] = [
        (r#""odd":"x\ud83e","#, "", false),
        ("", r#","tickCount":1e400,"amount":1e400,"cash":1e400"#, true),
        (r#""gameId":"g","#, "", false),
    ];
    for (front, back, counted) in kinds {
        let odd: Vec<String> = control
            .iter()
            .map(|line| {
                let line = line.replacen(r#""data":{"#, &format!(r#""data":{{{front}"#), 1);
                match line.rfind(r#"},"direction""#) {
                    Some(end) => format!("{}{back}{}", &line[..end], &line[end..]),
                    None => line,
                }
            })
            .collect();
        let (folder, root, report) = imported(&odd);
        assert_eq!(rows(&root, &folder), right, "{front}{back}");
        let unread = number(&root, &folder, "SELECT count(*) FROM ws_event WHERE frame = 'value_unread'");
        assert_eq!(unread > 0, counted, "{front}{back}");
        assert_eq!(report["totals"]["value_unread"], unread, "the import says how many");
    }
}

#[test]
fn a_list_is_never_read_by_position() {
    let mut odd = lines();
    let right = odd.len();
    odd.push(
        r#"{"seq":99999,"ts":"2026-01-15T10:00:00Z","event":"gameStateUpdate","data":["g",true,false,999.0,6]}"#
            .into(),
    );
    let (folder, root, _) = imported(&odd);
    assert_eq!(number(&root, &folder, "SELECT count(*) FROM game_tick WHERE price = 999"), 0);
    assert_eq!(number(&root, &folder, "SELECT count(*) FROM ws_event WHERE frame = 'payload_unread'"), 1);
    assert_eq!(number(&root, &folder, "SELECT count(*) FROM ws_event"), right as i64 + 1);
}
