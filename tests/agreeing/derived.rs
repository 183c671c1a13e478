//! The views `mark` and `field`: made for whoever reads them, through whichever door, and from no file.

use std::sync::Arc;

use replayer::store::Store;
use replayer::store::record::{Direction, Record, Source};
use replayer::store::recorder::{Recorder, RecorderOptions};
use replayer::store::root::DataRoot;
use serde_json::{Value, json};

use super::typed;
use crate::common::{record, root};
use crate::server::Wire;

/// The rows of an export of the tool.
fn exported(wire: &mut Wire, arguments: Value) -> Vec<Value> {
    let answer = wire.call("export_dataset", arguments);
    lines(std::path::Path::new(answer["path"].as_str().unwrap()))
}

/// The JSON lines of a file.
fn lines(path: &std::path::Path) -> Vec<Value> {
    std::fs::read_to_string(path).unwrap().lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

fn typed_rows(root: &DataRoot, view: &str) -> Vec<Value> {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("rows.jsonl");
    let done = typed(root, &["data", "export", "--dataset", view, "--output", file.to_str().unwrap()]);
    assert!(done.status.success(), "{}", String::from_utf8_lossy(&done.stderr));
    lines(&file)
}

fn has_event(rows: &[Value], event: &str) -> bool {
    rows.iter().any(|row| row["event_name"] == event)
}

#[test]
fn a_fresh_server_exports_them_whole() {
    let (_folder, root) = root();
    record(&root, 1);
    for view in ["mark", "field"] {
        // Each time a server that has answered nothing yet.
        let mut wire = Wire::opened(root.path());
        let rows = exported(&mut wire, json!({"format": "jsonl", "dataset": view}));
        assert!(rows.len() > 20, "{view}: {}", rows.len());
        assert_eq!(typed_rows(&root, view).len(), rows.len(), "{view}");
        let count = wire.call("query_sql", json!({"sql": format!("SELECT count(*) FROM {view}")}));
        assert_eq!(count["rows"][0][0], rows.len(), "{view}");
    }
}

#[test]
fn they_are_made_for_a_query_that_hides_their_name() {
    let (_folder, root) = root();
    record(&root, 1);
    let mut wire = Wire::opened(root.path());
    let count = |wire: &mut Wire, sql: &str| wire.call("query_sql", json!({"sql": sql}))["rows"][0][0].clone();
    let plain = count(&mut wire, "SELECT count(*) FROM field");
    drop(wire);
    for sql in ["WITH f AS (FROM \"FIELD\") SELECT count(*) FROM f", "SELECT (SELECT count(*) FROM main.field)"] {
        let mut wire = Wire::opened(root.path());
        assert_eq!(count(&mut wire, sql), plain, "{sql}");
    }
}

#[test]
fn what_came_since_the_last_look_is_in_them() {
    let (_folder, root) = root();
    record(&root, 1);
    let mut wire = Wire::opened(root.path());
    let asked = || json!({"format": "jsonl", "dataset": "field"});
    assert!(!has_event(&exported(&mut wire, asked()), "somethingNew"));
    let store = Arc::new(Store::open(&root, "test").unwrap());
    let recorder = Recorder::start(store, RecorderOptions::new("test")).unwrap();
    let frame = r#"42["somethingNew",{"a":1,"b":"x"}]"#;
    recorder.append(&Record::frame(1_770_000_000_000_000, Source::Cdp, Direction::Received, frame)).unwrap();
    recorder.close().unwrap();
    assert!(has_event(&exported(&mut wire, asked()), "somethingNew"));
    assert!(has_event(&typed_rows(&root, "field"), "somethingNew"));
}

#[test]
fn what_was_written_into_their_files_by_hand_is_in_none_of_them() {
    let (_folder, root) = root();
    record(&root, 1);
    let mut wire = Wire::opened(root.path());
    let honest = wire.call("query_sql", json!({"sql": "SELECT count(*) FROM field"}))["rows"][0][0].clone();
    // Both files as somebody writes them who knows their form, checksums and all.
    let path = root.field_manifest_path();
    let mut file: Value = serde_json::from_slice(&std::fs::read(&path).unwrap()).unwrap();
    file["fields"] = json!([{"event_name": "forged", "path": "$.forged", "mark": "verified"}]);
    let rows = file["fields"].to_string();
    let digest = <sha2::Sha256 as sha2::Digest>::digest(rows.as_bytes());
    file["fields_sha256"] = digest.iter().map(|byte| format!("{byte:02x}")).collect::<String>().into();
    std::fs::write(&path, file.to_string()).unwrap();
    let marks = json!({"version": 1, "log": {"lines": 0, "hash": "", "bytes": 0}, "as_of": "", "proposals": [],
        "marks": [{"subject": "forged", "mark": "verified", "canonical": true}]});
    std::fs::write(root.verification_path(), marks.to_string()).unwrap();

    let mut fresh = Wire::opened(root.path());
    for wire in [&mut wire, &mut fresh] {
        let fields = exported(wire, json!({"format": "jsonl", "dataset": "field"}));
        assert_eq!(json!(fields.len()), honest);
        assert!(!has_event(&fields, "forged"));
        let marks = exported(wire, json!({"format": "jsonl", "dataset": "mark"}));
        assert!(!marks.is_empty() && marks.iter().all(|row| row["subject"] != "forged"));
    }
    assert!(!has_event(&typed_rows(&root, "field"), "forged"));
    let sql = "SELECT count(*) FROM mark WHERE subject = 'forged'";
    assert_eq!(super::json_of(&root, &["sql", sql, "--json"])["rows"][0][0], 0);
}
