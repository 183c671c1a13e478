//! Files that grow, are renamed, cut and rotated while they are followed.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

use std::fs::{self, OpenOptions};
use std::io::Write;
use std::path::Path;

use super::*;
use crate::testing::wall::Recording;
use crate::testing::{Fixture, raw};
use replayer_store::catalog::Catalog;
use replayer_store::lease::Lease;
use replayer_store::schema::DocType;

fn follower(fixture: &Fixture) -> FolderFollower {
    // New York by the user: most of these files have nothing that would show it.
    let zone = Some("America/New_York".to_owned());
    let options = FollowOptions { zone, every: Duration::ZERO, ..FollowOptions::new(fixture.files()) };
    FolderFollower::new(&fixture.root, options).unwrap()
}

fn look(follower: &mut FolderFollower) -> Look {
    follower.look(true, &mut |_, _| ()).unwrap()
}

fn append(path: &Path, text: &str) {
    let mut file = OpenOptions::new().create(true).append(true).open(path).unwrap();
    file.write_all(text.as_bytes()).unwrap();
}

fn line(seq: u32) -> String {
    raw(seq, "x", &format!(r#"{{"n": {seq}}}"#))
}

fn stored(fixture: &Fixture) -> usize {
    fixture.rows().get("ws_event").copied().unwrap_or_default()
}

fn sessions(fixture: &Fixture) -> BTreeSet<String> {
    fixture.column(DocType::WsEvent, "session_id").into_iter().flatten().collect()
}

#[test]
fn only_whole_lines_are_taken_each_once_into_one_session() {
    let fixture = Fixture::new();
    let mut follower = follower(&fixture);
    let path = fixture.files().join("bot.jsonl");
    append(&path, &format!("{}\n{}", line(1), &line(2)[..20]));
    assert!(matches!(look(&mut follower), Look::Taken(_)));
    assert_eq!(stored(&fixture), 1);
    assert!(matches!(look(&mut follower), Look::Nothing));
    append(&path, &format!("{}\n{}\n", &line(2)[20..], line(3)));
    look(&mut follower);
    append(&path, &format!("{}\n", line(4)));
    look(&mut follower);
    assert_eq!(
        fixture.column(DocType::WsEvent, "raw_json").into_iter().flatten().collect::<Vec<_>>(),
        [1, 2, 3, 4].map(line)
    );
    assert_eq!(
        fixture.column(DocType::WsEvent, "seq").into_iter().flatten().collect::<Vec<_>>(),
        ["1", "2", "3", "4"]
    );
    assert_eq!(sessions(&fixture).len(), 1);
    let catalog = Catalog::load(&fixture.root).unwrap();
    assert_eq!((catalog.imports.len(), catalog.sessions.len(), catalog.imports[0].rows), (1, 1, 4));
    assert_eq!(catalog.imports[0].bytes, fs::metadata(&path).unwrap().len());
    assert_eq!(follower.status().files["bot.jsonl"].new, 4);
}

#[test]
fn after_a_restart_it_goes_on_where_it_was() {
    let fixture = Fixture::new();
    let path = fixture.files().join("bot.jsonl");
    append(&path, &format!("{}\n", line(1)));
    look(&mut follower(&fixture));
    append(&path, &format!("{}\n", line(2)));
    let mut again = follower(&fixture);
    look(&mut again);
    assert!(matches!(look(&mut again), Look::Nothing));
    assert_eq!((stored(&fixture), sessions(&fixture).len()), (2, 1));
    assert!(matches!(look(&mut follower(&fixture)), Look::Nothing));
    assert_eq!(stored(&fixture), 2);
}

#[test]
fn a_catalog_that_is_made_from_the_parts_knows_how_far_a_file_was_read() {
    let fixture = Fixture::new();
    let path = fixture.files().join("bot.jsonl");
    for seq in 1..4 {
        append(&path, &format!("{}\n", line(seq)));
        look(&mut follower(&fixture));
    }
    let (rebuilt, unreadable) = Catalog::rebuild(&fixture.root).unwrap();
    assert!(unreadable.is_empty());
    assert_eq!((rebuilt.imports.len(), rebuilt.imports[0].rows), (1, 3));
}

#[test]
fn a_renamed_file_is_no_new_one_and_what_follows_it_is() {
    let fixture = Fixture::new();
    let mut follower = follower(&fixture);
    let path = fixture.files().join("bot.jsonl");
    append(&path, &format!("{}\n", line(1)));
    look(&mut follower);
    fs::rename(&path, fixture.files().join("bot.1.jsonl")).unwrap();
    append(&path, &format!("{}\n", line(2)));
    look(&mut follower);
    assert_eq!((stored(&fixture), sessions(&fixture).len()), (2, 2));
}

#[test]
fn a_file_that_was_cut_and_begun_again_is_another_and_known_records_are_left_out() {
    let fixture = Fixture::new();
    let mut follower = follower(&fixture);
    let path = fixture.files().join("bot.jsonl");
    append(&path, &format!("{}\n{}\n", line(1), line(2)));
    look(&mut follower);
    fs::write(&path, format!("{}\n{}\n", line(2), line(3))).unwrap();
    look(&mut follower);
    let file = &follower.status().files["bot.jsonl"];
    assert_eq!((stored(&fixture), file.new, file.known), (3, 3, 1));
}

#[test]
fn where_a_recorder_holds_the_store_the_files_wait_and_that_is_said() {
    let fixture = Fixture::new();
    let mut follower = follower(&fixture);
    append(&fixture.files().join("bot.jsonl"), &format!("{}\n", line(1)));
    let lease = Lease::take(&fixture.root, "record").unwrap();
    assert!(matches!(look(&mut follower), Look::Waiting(holder) if holder.contains("record")));
    let status = FollowStatus::load(&fixture.root).unwrap();
    assert_eq!(status.state, State::Waiting);
    assert!(status.note.unwrap().contains("nothing is lost"));
    drop(lease);
    assert!(matches!(look(&mut follower), Look::Taken(_)));
    assert_eq!((stored(&fixture), FollowStatus::load(&fixture.root).unwrap().state), (1, State::Following));
}

#[test]
fn the_store_is_free_between_looks() {
    let fixture = Fixture::new();
    append(&fixture.files().join("bot.jsonl"), &format!("{}\n", line(1)));
    let mut follower = follower(&fixture);
    look(&mut follower);
    assert_eq!(Lease::holder(&fixture.root), None);
}

#[test]
fn a_file_whose_zone_is_open_waits_for_the_servers_clock() {
    let fixture = Fixture::new();
    let options = FollowOptions { every: Duration::ZERO, ..FollowOptions::new(fixture.files()) };
    let mut follower = FolderFollower::new(&fixture.root, options).unwrap();
    let path = fixture.files().join("bot.jsonl");
    let lines = Recording::in_zone("Asia/Tokyo").lines();
    let first = lines.find('\n').unwrap() + 1;
    append(&path, &lines[..first]);
    look(&mut follower);
    assert_eq!(stored(&fixture), 0);
    assert!(follower.status().files["bot.jsonl"].note.contains("--zone"), "{:?}", follower.status());
    append(&path, &lines[first..]);
    look(&mut follower);
    assert_eq!(stored(&fixture), 7);
    assert!(fixture.column(DocType::WsEvent, "ts")[0].as_ref().unwrap().starts_with("2026-01-15T14:00:00"));
}

#[test]
fn a_file_that_has_been_quiet_is_taken_with_its_last_line_as_it_is() {
    let fixture = Fixture::new();
    let mut follower = follower(&fixture);
    let path = fixture.file("bot.jsonl", format!("{}\n{}", line(1), line(2)));
    look(&mut follower);
    assert_eq!(stored(&fixture), 1);
    let before = SystemTime::now() - 2 * growing::QUIET;
    fs::File::options().append(true).open(&path).unwrap().set_modified(before).unwrap();
    look(&mut follower);
    assert_eq!((stored(&fixture), sessions(&fixture).len()), (2, 1));
}

#[test]
fn a_growing_file_is_left_alone_for_a_while_after_it_was_taken() {
    let fixture = Fixture::new();
    let options = FollowOptions {
        zone: Some("UTC".to_owned()),
        every: Duration::from_secs(3600),
        ..FollowOptions::new(fixture.files())
    };
    let mut follower = FolderFollower::new(&fixture.root, options).unwrap();
    let path = fixture.files().join("bot.jsonl");
    append(&path, &format!("{}\n", line(1)));
    follower.look(false, &mut |_, _| ()).unwrap();
    append(&path, &format!("{}\n", line(2)));
    assert!(matches!(follower.look(false, &mut |_, _| ()).unwrap(), Look::Nothing));
    // Stopping takes what there is.
    look(&mut follower);
    assert_eq!(stored(&fixture), 2);
}

#[test]
fn it_ends_when_it_is_asked_to_and_says_so() {
    let fixture = Fixture::new();
    let path = fixture.files().join("bot.jsonl");
    append(&path, &format!("{}\n", line(1)));
    let mut looks = 0;
    let mut wait = |_| {
        looks += 1;
        append(&path, &format!("{}\n", line(looks + 1)));
        looks == 3
    };
    let options = FollowOptions { zone: Some("UTC".to_owned()), ..FollowOptions::new(fixture.files()) };
    let status = run(&fixture.root, options, &mut wait, &mut |_, _| (), &mut |_| ()).unwrap();
    assert_eq!((status.state, stored(&fixture)), (State::Ended, 4));
    assert_eq!(FollowStatus::load(&fixture.root).unwrap().state, State::Ended);
}

#[test]
fn once_is_one_look_and_an_error_where_the_store_is_held() {
    let fixture = Fixture::new();
    append(&fixture.files().join("bot.jsonl"), &format!("{}\n", line(1)));
    let options =
        || FollowOptions { once: true, zone: Some("UTC".to_owned()), ..FollowOptions::new(fixture.files()) };
    let lease = Lease::take(&fixture.root, "record").unwrap();
    assert!(run(&fixture.root, options(), &mut |_| true, &mut |_, _| (), &mut |_| ()).is_err());
    drop(lease);
    run(&fixture.root, options(), &mut |_| true, &mut |_, _| (), &mut |_| ()).unwrap();
    assert_eq!(stored(&fixture), 1);
}

#[test]
fn a_file_is_no_folder_and_the_error_says_what_to_do() {
    let fixture = Fixture::new();
    let path = fixture.file("a.jsonl", line(1));
    let error = FolderFollower::new(&fixture.root, FollowOptions::new(path)).unwrap_err().to_string();
    assert!(error.contains("legacy import"), "{error}");
}

#[test]
fn what_is_no_plain_file_of_lines_waits_until_it_is_whole() {
    let fixture = Fixture::new();
    let mut follower = follower(&fixture);
    let lines = format!("{}\n", line(1));
    for (name, content) in [
        ("a.jsonl.gz", crate::testing::gzip(lines.as_bytes())),
        ("a.csv", b"ts,frame\n1768485600000,\"42[\"\"x\"\",{}]\"\n".to_vec()),
        ("a.json", format!("[{}]", line(1)).into_bytes()),
    ] {
        fixture.file(name, content);
        assert!(matches!(look(&mut follower), Look::Nothing), "{name}");
        assert!(follower.status().files[name].note.contains("still being written"), "{name}");
    }
    assert_eq!(stored(&fixture), 0);
    let hour_ago = SystemTime::now() - Duration::from_secs(3600);
    for name in ["a.jsonl.gz", "a.csv", "a.json"] {
        let file = OpenOptions::new().append(true).open(fixture.files().join(name)).unwrap();
        file.set_modified(hour_ago).unwrap();
    }
    assert!(matches!(look(&mut follower), Look::Taken(_)));
    // The array holds the packed file's line.
    assert_eq!(stored(&fixture), 2);
}

#[test]
fn times_of_day_wait_for_a_frame_that_tells_the_date() {
    let fixture = Fixture::new();
    let mut follower = follower(&fixture);
    let path = fixture.files().join("pane.txt");
    append(&path, "↓ 42[\"x\",{}]\t7\t14:00:05.000\n");
    assert!(matches!(look(&mut follower), Look::Nothing));
    append(&path, "↓ 42[\"standard/newTrade\",{\"timestamp\":1768485605000}]\t51\t14:00:05.040\n");
    assert!(matches!(look(&mut follower), Look::Taken(_)));
    let times: Vec<_> = fixture.column(DocType::WsEvent, "ts").into_iter().flatten().collect();
    assert_eq!(times, ["2026-01-15T14:00:05Z", "2026-01-15T14:00:05.04Z"]);
}
