//! A folder that is followed while another program writes into it.

use std::fs::{self, OpenOptions};
use std::io::Write;
use std::path::Path;
use std::process::{Command, Stdio};

use replayer::legacy::follow::{FollowStatus, State};
use replayer::store::lease::Lease;

use crate::common::waiting::until;
use crate::common::{printed, replayer, root, typed};

fn line(number: u32) -> String {
    format!(r#"{{"seq": {number}, "ts": "2026-01-15T14:00:00Z", "event": "x", "data": {{"n": {number}}}}}"#)
}

fn append(path: &Path, text: &str) {
    let mut file = OpenOptions::new().create(true).append(true).open(path).unwrap();
    file.write_all(text.as_bytes()).unwrap();
}

#[test]
#[cfg(unix)]
fn lines_are_taken_in_as_they_come_and_it_ends_cleanly() {
    let (folder, root) = root();
    let bots = folder.path().join("bots");
    fs::create_dir(&bots).unwrap();
    let log = bots.join("bot.jsonl");
    append(&log, &format!("{}\n", line(1)));
    let mut child = replayer()
        .args(["legacy", "follow", "--poll", "20ms", "--every", "20ms"])
        .arg(&bots)
        .env("RUGS_DATA_DIR", root.path())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    let taken = |records: u64| {
        FollowStatus::load(&root)
            .is_some_and(|status| status.files.get("bot.jsonl").is_some_and(|file| file.new == records))
    };
    until("the first line is taken in", || taken(1));
    append(&log, &format!("{}\n{}", line(2), &line(3)[..10]));
    until("the second one is", || taken(2));
    append(&log, &format!("{}\n", &line(3)[10..]));
    until("the third one is, once it is whole", || taken(3));
    assert!(Command::new("kill").args(["-INT", &child.id().to_string()]).status().unwrap().success());
    assert!(child.wait().unwrap().success());
    assert_eq!(FollowStatus::load(&root).unwrap().state, State::Ended);
    let exported = printed(&typed("replayer legacy export --doc-type ws_event", &root, folder.path()));
    assert_eq!(exported.lines().count(), 3);
}

#[test]
fn once_takes_what_is_there_and_says_who_holds_the_store() {
    let (folder, root) = root();
    fs::create_dir(folder.path().join("bots")).unwrap();
    append(&folder.path().join("bots/bot.jsonl"), &format!("{}\n", line(1)));
    let lease = Lease::take(&root, "record").unwrap();
    let refused = typed("replayer legacy follow bots --once", &root, folder.path());
    assert!(!refused.status.success());
    assert!(String::from_utf8_lossy(&refused.stderr).contains("replayer record"), "{refused:?}");
    drop(lease);
    printed(&typed("replayer legacy follow bots --once", &root, folder.path()));
    printed(&typed("replayer legacy follow bots --once", &root, folder.path()));
    let exported = printed(&typed("replayer legacy export --doc-type ws_event", &root, folder.path()));
    assert_eq!(exported.lines().count(), 1);
}
