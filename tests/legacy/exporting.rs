//! `replayer legacy export` to files.

use std::fs;

use replayer::store::root::DataRoot;
use serde_json::Value;

use crate::common::{printed, record, root, typed};

fn json(text: &str) -> Value {
    serde_json::from_str(text).unwrap()
}

#[test]
fn legacy_export_of_the_first_design_document() {
    let (folder, root) = root();
    record(&root, 1);
    let text = printed(&typed("replayer legacy export --format v1", &root, folder.path()));
    let made: Vec<_> = fs::read_dir(root.exports_dir()).unwrap().map(|entry| entry.unwrap().path()).collect();
    let [made] = made.as_slice() else { panic!("{made:?}") };
    let file = made.join("legacy-v1.jsonl");
    assert!(text.contains(file.to_str().unwrap()), "it says where the rows are: {text}");
    let rows: Vec<Value> = fs::read_to_string(&file).unwrap().lines().map(json).collect();
    assert!(!rows.is_empty());
    for row in &rows {
        // The older store's columns: the payload alone, and nothing that it did not have.
        assert!(json(row["raw_json"].as_str().unwrap()).is_object() || row["doc_type"] != "ws_event", "{row}");
        assert!(row.get("frame").is_none() && row.get("ordinal").is_none(), "{row}");
    }
    let manifest = json(&fs::read_to_string(made.join("manifest.json")).unwrap());
    assert_eq!(manifest["rows"], rows.len());
    assert_eq!(manifest["layout"], "v1");
}

#[test]
fn a_folder_gets_the_file_and_its_manifest() {
    let (folder, root) = root();
    record(&root, 1);
    let line = "replayer legacy export --format v2 --output ./old/ --json";
    let report = json(&printed(&typed(line, &root, folder.path())));
    assert_eq!(report["path"], "./old/legacy-v2.jsonl");
    let rows = fs::read_to_string(folder.path().join("old/legacy-v2.jsonl")).unwrap().lines().count();
    assert_eq!(report["rows"], rows);
    let manifest = json(&fs::read_to_string(folder.path().join("old/manifest.json")).unwrap());
    assert_eq!(manifest["sha256"], report["sha256"]);
}

#[test]
fn the_folder_of_an_export_can_be_imported() {
    let (folder, root) = root();
    record(&root, 1);
    printed(&typed("replayer legacy export --format v2 --output ./old/", &root, folder.path()));
    let other = DataRoot::create(folder.path().join("other")).unwrap();
    let report = json(&printed(&typed("replayer legacy import ./old/ --json", &other, folder.path())));
    assert_eq!(report["files"]["failed"], 0, "{report}");
    assert_eq!(report["files"]["imported"], 1, "the manifest is no recording: {report}");
}

#[test]
fn what_is_there_is_not_written_over() {
    let (folder, root) = root();
    record(&root, 1);
    let line = "replayer legacy export --format v1 --output ./old/";
    printed(&typed(line, &root, folder.path()));
    let again = typed(line, &root, folder.path());
    let why = String::from_utf8_lossy(&again.stderr);
    assert!(!again.status.success() && why.contains("--overwrite"), "{why}");
    printed(&typed(&format!("{line} --overwrite"), &root, folder.path()));
}
