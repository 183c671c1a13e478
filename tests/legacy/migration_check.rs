//! `legacy compare` answers by its exit code, for scripts.

use std::fs;

use crate::common::replayer;

const LINE: &str =
    r#"{"type": "tick", "timestamp": "2025-10-30T10:00:00", "game_id": "g", "tick": 1, "price": 1.5}"#;

#[test]
fn it_is_one_before_the_import_and_zero_after_it() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("game.jsonl");
    fs::write(&file, format!("{LINE}\n")).unwrap();
    let root = folder.path().join("root");
    fs::create_dir(&root).unwrap();
    let legacy = |command: &str| {
        let output = replayer().arg("--data").arg(&root).args(["legacy", command]).arg(&file).output();
        output.unwrap().status.code()
    };
    assert_eq!(legacy("compare"), Some(1));
    assert_eq!(legacy("import"), Some(0));
    assert_eq!(legacy("compare"), Some(0));
}
