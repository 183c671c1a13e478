//! Commands in pipes: a reader that has seen enough is no error, and progress never mixes with data.

use std::fs;
use std::io::{BufRead, BufReader};
use std::process::Stdio;

use crate::common::{self, replayer};

#[test]
fn a_reader_that_closes_early_is_no_failure() {
    let (_folder, root) = common::root();
    common::record(&root, 2);
    let mut child = replayer()
        .arg("--data")
        .arg(root.path())
        .args(["legacy", "export"])
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut first = String::new();
    BufReader::new(child.stdout.take().unwrap()).read_line(&mut first).unwrap();
    assert!(serde_json::from_str::<serde_json::Value>(&first).is_ok(), "{first}");
    let output = child.wait_with_output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
}

#[test]
fn a_report_for_programs_is_one_json_object_and_nothing_else() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("a.jsonl");
    fs::write(&file, "{\"type\": \"tick\", \"timestamp\": \"2025-10-30T10:00:00\"}\n").unwrap();
    let output = replayer()
        .arg("--data")
        .arg(folder.path().join("root"))
        .args(["legacy", "import", "--json"])
        .arg(&file)
        .output()
        .unwrap();
    let report: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(report["totals"]["rows"], 1);
    assert!(output.stderr.is_empty(), "{}", String::from_utf8_lossy(&output.stderr));
}

#[test]
fn live_frames_come_back_from_their_export() {
    let (folder, root) = common::root();
    common::record(&root, 2);
    let export = |root: &std::path::Path| {
        let output = replayer().arg("--data").arg(root).args(["legacy", "export"]).output().unwrap();
        let rows = String::from_utf8(output.stdout).unwrap();
        let mut rows: Vec<String> = rows
            .lines()
            // An import proves its games; that is its own word, not the export's.
            .filter(|line| !line.contains("game_proven"))
            // The capture takes the token out of the login, and so does an import; this test stores it as it is.
            .filter(|line| !line.contains(r#""event_name":"authenticate""#))
            .map(|line| {
                let mut row: serde_json::Value = serde_json::from_str(line).unwrap();
                let row = row.as_object_mut().unwrap();
                row.remove("session_id");
                row.remove("seq");
                serde_json::to_string(row).unwrap()
            })
            .collect();
        rows.sort();
        rows
    };
    let file = folder.path().join("export.jsonl");
    let written =
        replayer().arg("--data").arg(root.path()).args(["legacy", "export", "--out"]).arg(&file).output();
    assert!(written.unwrap().status.success());
    let copy = folder.path().join("copy");
    let imported = replayer().arg("--data").arg(&copy).args(["legacy", "import"]).arg(&file).output().unwrap();
    assert!(imported.status.success(), "{}", String::from_utf8_lossy(&imported.stderr));
    let (original, copied) = (export(root.path()), export(&copy));
    assert_eq!(original.len(), copied.len());
    for (original, copied) in original.iter().zip(&copied) {
        assert_eq!(original, copied);
    }
}
