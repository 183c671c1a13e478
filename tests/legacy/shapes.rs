//! `legacy import` of files that other programs wrote: what it prints, and what its exit code says.

use std::fs;
use std::path::Path;
use std::process::Output;

use serde_json::Value;

use crate::common::replayer;

const FRAME: &str =
    r#"42["gameStateUpdate",{"gameId":"20260115-aaaabbbbccccdddd","active":true,"tickCount":7,"price":1.5}]"#;

fn import(root: &Path, files: &[&Path], more: &[&str]) -> Output {
    replayer().arg("--data").arg(root).args(["legacy", "import"]).args(files).args(more).output().unwrap()
}

fn json(output: &Output) -> Value {
    serde_json::from_slice(&output.stdout).unwrap()
}

fn text(output: &Output) -> String {
    String::from_utf8_lossy(&output.stdout).into_owned()
}

#[test]
fn the_exit_code_is_zero_only_when_everything_named_was_taken() {
    let folder = tempfile::tempdir().unwrap();
    let root = folder.path().join("root");
    let good = folder.path().join("frames.log");
    fs::write(&good, format!("# mine\n2026-01-15T14:00:00Z << {FRAME}\n")).unwrap();
    let notes = folder.path().join("notes.txt");
    fs::write(&notes, "This is no recording.\n").unwrap();
    assert_eq!(import(&root, &[&good], &[]).status.code(), Some(0));
    assert_eq!(import(&root, &[&good], &[]).status.code(), Some(0), "already imported");
    let both = import(&root, &[&good, &notes], &["--json"]);
    assert_eq!(both.status.code(), Some(1));
    let report = json(&both);
    assert_eq!(report["per_file"][0]["status"], "already_imported");
    assert_eq!(report["per_file"][1]["status"], "skipped");
    assert!(report["per_file"][1]["reason"].as_str().unwrap().contains("one frame a line"), "{report}");
    // The same file, found in a folder, is left out.
    let inside = folder.path().join("inside");
    fs::create_dir(&inside).unwrap();
    fs::copy(&good, inside.join("a.log")).unwrap();
    fs::copy(&notes, inside.join("README.md")).unwrap();
    assert_eq!(import(&root, &[&inside], &[]).status.code(), Some(0));
}

#[test]
fn a_dry_run_shows_the_first_records_and_a_mapping_decides_them() {
    let folder = tempfile::tempdir().unwrap();
    let root = folder.path().join("root");
    let file = folder.path().join("bot.jsonl");
    let line = format!(r#"{{"time_ms": 1768485600500, "odd": {{"deep": {}}}}}"#, Value::from(FRAME));
    fs::write(&file, format!("{line}\n")).unwrap();
    let unknown = import(&root, &[&file], &["--dry-run"]);
    assert_eq!(unknown.status.code(), Some(1));
    assert!(text(&unknown).contains("--map ts=time_ms,frame=odd.deep"), "{}", text(&unknown));
    let mapped = import(&root, &[&file], &["--dry-run", "--json", "--map", "ts=time_ms,frame=odd.deep"]);
    assert_eq!(mapped.status.code(), Some(0));
    let first = &json(&mapped)["per_file"][0]["preview"][0];
    assert_eq!(first["time"], "2026-01-15T14:00:00.5Z");
    assert_eq!((&first["event"], &first["tick"]), (&"gameStateUpdate".into(), &7.into()));
    let shown = text(&import(&root, &[&file], &["--dry-run", "--map", "ts=time_ms,frame=odd.deep"]));
    assert!(shown.contains("20260115-aaaabbbbccccdddd"), "{shown}");
    assert!(!root.exists(), "a dry run writes nothing");
    let wrong = import(&root, &[&file], &["--map", "frame"]);
    assert!(!wrong.status.success());
    assert!(String::from_utf8_lossy(&wrong.stderr).contains("for example --map"));
}
