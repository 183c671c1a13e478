//! A data root that this process may not write to: it is read like any other, and recording says why it does not.

use std::fs::{self, Permissions};
use std::os::unix::fs::PermissionsExt;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::json;

use crate::common::waiting::until;
use crate::common::{REPLAYER, record, replayer, root};
use crate::server::Wire;

/// The user that owns nothing.
const NOBODY: u32 = 65_534;

/// Takes the right to write away, for everything below a folder.
fn protect(path: &Path) {
    let is_dir = path.is_dir();
    if is_dir {
        fs::read_dir(path).unwrap().flatten().for_each(|entry| protect(&entry.path()));
    }
    fs::set_permissions(path, Permissions::from_mode(if is_dir { 0o555 } else { 0o444 })).unwrap();
}

/// The program as somebody else would run it: root may write everywhere, so it has to be another user, who cannot
/// reach into root's home.
fn as_somebody_else(place: &Path) -> Command {
    if !rustix::process::geteuid().is_root() {
        return replayer();
    }
    fs::set_permissions(place, Permissions::from_mode(0o755)).unwrap();
    let program: PathBuf = place.join("replayer");
    fs::copy(REPLAYER, &program).unwrap();
    for entry in fs::read_dir(Path::new(REPLAYER).parent().unwrap()).unwrap().flatten() {
        if entry.file_name().to_string_lossy().starts_with("libduckdb") {
            fs::copy(entry.path(), place.join(entry.file_name())).unwrap();
        }
    }
    let mut command = Command::new(program);
    command.uid(NOBODY).gid(NOBODY).env("HOME", place).current_dir(place);
    command
}

#[test]
fn a_root_of_somebody_else_is_read_and_not_recorded_into() {
    let (folder, root) = root();
    let truths = record(&root, 2);
    let place = tempfile::tempdir().unwrap();
    let mut command = as_somebody_else(place.path());
    fs::set_permissions(folder.path(), Permissions::from_mode(0o755)).unwrap();
    protect(root.path());
    command
        .args(["serve", "--no-index", "--feed", "ws://127.0.0.1:9", "--data"])
        .arg(root.path())
        .env("REPLAYER_CAPTURE", "on");
    let mut wire = Wire::of(&mut command);
    wire.initialize();
    let counted = wire.call("query_sql", json!({"sql": "SELECT count(DISTINCT game_id) FROM game"}));
    assert!(counted["rows"][0][0].as_u64().unwrap() > 0, "{counted}");
    let card = wire.call("get_game", json!({"game_id": truths[0].game_id}));
    assert!(card.to_string().contains(&truths[0].game_id));
    assert!(wire.call("live_state", json!({}))["game"].is_object());
    assert!(!wire.call("get_events", json!({"limit": 2}))["events"].as_array().unwrap().is_empty());
    let mut status = json!(null);
    until("the capture says why it does not record", || {
        status = wire.call("capture", json!({}));
        status["note"].as_str().is_some_and(|note| note.contains("written"))
    });
    assert_ne!(status["capture"], "capturing", "{status}");
    let refused = wire.refused("export_dataset", json!({"view": "games", "format": "csv", "name": "x"}));
    assert!(refused.contains("next: "), "{refused}");
    // So that the folder can be removed.
    for entry in [root.path().to_owned(), root.path().join("run")] {
        fs::set_permissions(entry, Permissions::from_mode(0o755)).unwrap();
    }
}
