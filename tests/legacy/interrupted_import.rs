//! An import that is killed leaves a store that is whole, and importing again does the rest, once.

use std::fs;
use std::process::Stdio;
use std::time::Duration;

use crate::common::{self, replayer};

/// Enough lines that no machine is done before the kill.
fn write_captures(folder: &std::path::Path) -> u64 {
    let (frames, _) = common::play(3);
    let mut lines = 0;
    for copy in 0..40 {
        let mut text = String::new();
        for (seq, frame) in frames.iter().enumerate() {
            // The name and the payload of `42["name",payload]`, as the old recorder wrote them down.
            let Some(args) = frame.text.strip_prefix("42[") else { continue };
            let Some((name, payload)) = args.trim_end_matches(']').split_once(',') else { continue };
            let Ok(payload) = serde_json::from_str::<serde_json::Value>(payload) else { continue };
            text.push_str(&format!(
                "{{\"seq\": {seq}, \"ts\": \"2025-12-12T17:{copy:02}:00\", \"event\": {name}, \"data\": {payload}}}\n"
            ));
            lines += 1;
        }
        fs::write(folder.join(format!("{copy:02}_raw.jsonl")), text).unwrap();
    }
    lines
}

#[test]
fn killed_imports_are_finished_by_importing_again() {
    let folder = tempfile::tempdir().unwrap();
    let captures = folder.path().join("captures");
    fs::create_dir(&captures).unwrap();
    let lines = write_captures(&captures);
    let import = |root: &std::path::Path| {
        let mut command = replayer();
        command.arg("--data").arg(root).args(["legacy", "import", "--json"]).arg(&captures);
        command
    };
    let root = folder.path().join("root");
    for milliseconds in [20, 60, 150] {
        let mut child = import(&root).stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
        std::thread::sleep(Duration::from_millis(milliseconds));
        child.kill().unwrap();
        child.wait().unwrap();
    }
    let output = import(&root).output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let exported =
        replayer().arg("--data").arg(&root).args(["legacy", "export", "--doc-type", "ws_event"]).output().unwrap();
    assert_eq!(exported.stdout.iter().filter(|byte| **byte == b'\n').count() as u64, lines);
    let verified = replayer().arg("--data").arg(&root).args(["data", "verify"]).output().unwrap();
    assert!(verified.status.success(), "{}", String::from_utf8_lossy(&verified.stdout));
}
