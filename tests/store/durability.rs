//! `kill -9`: whatever was handed to the journal is there afterwards, once.
//!
//! The child is this test binary again, running [`child_appends_frames`]; it prints the number of each frame
//! after appending it, so the parent knows what was handed over.

use std::io::{BufRead, BufReader};
use std::process::{Command, Stdio};
use std::sync::Arc;

use replayer::store::record::{Direction, Record, Source};
use replayer::store::recorder::{Recorder, RecorderOptions};
use replayer::store::root::DataRoot;
use replayer::store::{Store, verify};

use super::life_of_a_row::frames;
use crate::common;

const ROOT: &str = "REPLAYER_TEST_CHILD_ROOT";
/// How many frames the child appends before it only waits for its end.
const FRAMES: &str = "REPLAYER_TEST_CHILD_FRAMES";

fn text(number: u64) -> String {
    format!(r#"42["frame",{{"number":{number},"filling":"{}"}}]"#, "x".repeat((number % 700) as usize))
}

#[test]
#[ignore = "not a test of its own: the process that the next one kills"]
fn child_appends_frames() {
    let path = std::env::var(ROOT).expect("the parent names the root");
    let root = DataRoot::open(path).unwrap();
    let store = Arc::new(Store::open(&root, "test child").unwrap());
    let options = RecorderOptions { segment_bytes: 60_000, ..RecorderOptions::new("child") };
    let recorder = Recorder::start(store, options).unwrap();
    let most = std::env::var(FRAMES).ok().and_then(|most| most.parse().ok()).unwrap_or(u64::MAX);
    for number in 1..=most {
        let text = text(number);
        let seq =
            recorder.append(&Record::frame(number as i64, Source::PublicWs, Direction::Received, &text)).unwrap();
        println!("handed over {seq}");
    }
    loop {
        std::thread::park();
    }
}

/// Lets a child append, kills it when it said that it had handed over so many, in the middle of appending more, and
/// returns the last frame that it said it had handed over.
fn killed_after(root: &DataRoot, frames: u64) -> u64 {
    killed(root, frames, u64::MAX)
}

/// Kills a child that has appended exactly so many: it does not run ahead of a busy machine into the next segment.
fn killed_behind(root: &DataRoot, frames: u64) {
    assert_eq!(killed(root, frames, frames), frames);
}

fn killed(root: &DataRoot, frames: u64, most: u64) -> u64 {
    let mut child = Command::new(std::env::current_exe().unwrap())
        .args(["store::durability::child_appends_frames", "--exact", "--ignored", "--nocapture"])
        .env(ROOT, root.path())
        .env(FRAMES, most.to_string())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    let mut last = 0;
    let lines = BufReader::new(child.stdout.take().unwrap()).lines();
    for line in lines.map_while(Result::ok) {
        // The test harness prints its own lines, and the first of ours may follow one of them.
        let Some(number) = line.rsplit("handed over ").next().and_then(|n| n.parse().ok()) else { continue };
        last = number;
        if last == frames {
            child.kill().unwrap();
        }
    }
    child.wait().unwrap();
    last
}

#[test]
fn nothing_handed_over_is_lost_when_the_process_is_killed() {
    let moments: u64 = std::env::var("REPLAYER_KILLS").ok().and_then(|n| n.parse().ok()).unwrap_or(25);
    let (_folder, root) = common::root();
    let mut handed_over = Vec::new();
    for moment in 0..moments {
        // Anywhere between the first frame and several sealed segments.
        handed_over.push(killed_after(&root, 1 + (moment * 7919) % 1500));
    }
    drop(Store::open(&root, "test").unwrap());
    let mut sessions: std::collections::BTreeMap<String, u64> = Default::default();
    for ((session, seq), stored) in frames(&root) {
        assert_eq!(stored, text(seq as u64), "frame {seq}");
        let last = sessions.entry(session).or_default();
        assert_eq!(seq as u64, *last + 1, "a gap");
        *last = seq as u64;
    }
    // Session ids sort by time, so the sessions stand in the order they were killed.
    let stored: Vec<u64> = sessions.into_values().collect();
    assert_eq!(stored.len(), handed_over.len());
    for (stored, told) in stored.iter().zip(&handed_over) {
        assert!(stored >= told, "{told} were handed over, {stored} are stored");
    }
    let verified = verify::verify(&root, |_, _| ()).unwrap();
    assert!(verified.problems.is_empty(), "{:?}", verified.problems);
}

#[test]
fn a_torn_tail_is_cut_at_the_last_whole_record_and_told() {
    let (_folder, root) = common::root();
    killed_behind(&root, 40);
    let segment = replayer::store::journal::segments(&root).unwrap().pop().unwrap();
    let whole = frames(&root).len();
    let length = std::fs::metadata(&segment.path).unwrap().len();
    std::fs::OpenOptions::new().write(true).open(&segment.path).unwrap().set_len(length - 3).unwrap();
    drop(Store::open(&root, "test").unwrap());
    assert_eq!(frames(&root).len(), whole - 1);
    let events = system_events(&root);
    assert_eq!(events.len(), 1);
    assert_eq!(events[0].0, "journal_cut");
    assert!(events[0].1.contains("\"torn_tail\":true"), "{}", events[0].1);
}

#[test]
fn a_flipped_byte_costs_one_record_and_not_those_behind_it() {
    let (_folder, root) = common::root();
    killed_behind(&root, 40);
    let segment = replayer::store::journal::segments(&root).unwrap().pop().unwrap();
    let whole = frames(&root).len();
    let mut bytes = std::fs::read(&segment.path).unwrap();
    let at = bytes.windows(11).position(|window| window == b"\"number\":10").expect("frame 10");
    bytes[at] ^= 1;
    std::fs::write(&segment.path, bytes).unwrap();
    drop(Store::open(&root, "test").unwrap());
    assert_eq!(frames(&root).len(), whole - 1);
    assert!(system_events(&root)[0].1.contains("\"torn_tail\":false"));
}

#[test]
fn a_hole_in_the_journal_leaves_no_number_that_nothing_is_known_of() {
    let (_folder, root) = common::root();
    killed_behind(&root, 40);
    let segment = replayer::store::journal::segments(&root).unwrap().pop().unwrap();
    let mut bytes = std::fs::read(&segment.path).unwrap();
    // A power cut kept what was written last, and zeros before it.
    let at = |number: u64| {
        let text = format!("\"number\":{number},");
        bytes.windows(text.len()).position(|window| window == text.as_bytes()).unwrap()
    };
    let (from, to) = (at(10), at(20));
    bytes[from..to].fill(0);
    std::fs::write(&segment.path, bytes).unwrap();
    drop(Store::open(&root, "test").unwrap());
    assert_eq!(frames(&root).len(), 40 - 11);
    let events = system_events(&root);
    assert_eq!(events.len(), 11, "one for each frame that is lost");
    assert!(events.iter().all(|(kind, _)| kind == "journal_cut"));
    let verified = verify::verify(&root, |_, _| ()).unwrap();
    assert!(verified.problems.is_empty(), "{:?}", verified.problems);
}

pub fn system_events(root: &DataRoot) -> Vec<(String, String)> {
    use arrow::array::AsArray;
    use replayer::store::scan::{ScanFilter, scan};
    use replayer::store::schema::DocType;
    let mut found = Vec::new();
    for batch in scan(root, DocType::SystemEvent, &ScanFilter::default()).unwrap() {
        let batch = batch.unwrap();
        let text = |name: &str| batch.column_by_name(name).unwrap().as_string::<i32>().clone();
        let (kinds, details) = (text("event_type"), text("details"));
        found
            .extend((0..batch.num_rows()).map(|row| (kinds.value(row).to_owned(), details.value(row).to_owned())));
    }
    found
}

#[test]
fn a_crash_between_publishing_and_deleting_the_segment_leaves_each_row_once() {
    let (_folder, root) = common::root();
    killed_behind(&root, 30);
    let segment = replayer::store::journal::segments(&root).unwrap().pop().unwrap();
    let bytes = std::fs::read(&segment.path).unwrap();
    let before = frames(&root);
    // Seal, then put the segment back, as if the process had died before deleting it.
    drop(Store::open(&root, "test").unwrap());
    std::fs::create_dir_all(segment.path.parent().unwrap()).unwrap();
    std::fs::write(&segment.path, &bytes).unwrap();
    assert_eq!(frames(&root), before, "a reader sees each row once");
    drop(Store::open(&root, "test").unwrap());
    assert_eq!(frames(&root), before, "and so does the next start");
    assert!(!segment.path.exists());
}

#[test]
fn a_crash_before_the_catalog_leaves_the_part_aside_and_the_rows_in_the_journal() {
    let (_folder, root) = common::root();
    killed_behind(&root, 30);
    let segment = replayer::store::journal::segments(&root).unwrap().pop().unwrap();
    let bytes = std::fs::read(&segment.path).unwrap();
    assert!(!root.catalog_path().exists(), "nothing was sealed before");
    let before = frames(&root);
    drop(Store::open(&root, "test").unwrap());
    // Undo the catalog and the deletion: the parts were renamed, nothing more.
    std::fs::remove_file(root.catalog_path()).unwrap();
    std::fs::remove_file(root.catalog_copy_path()).unwrap();
    std::fs::create_dir_all(segment.path.parent().unwrap()).unwrap();
    std::fs::write(&segment.path, &bytes).unwrap();
    drop(Store::open(&root, "test").unwrap());
    assert_eq!(frames(&root), before);
    let verified = verify::verify(&root, |_, _| ()).unwrap();
    assert!(verified.problems.is_empty(), "{:?}", verified.problems);
}
