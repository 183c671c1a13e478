//! What goes and what stays when the clock that stamped the frames was wrong.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

use std::fs;
use std::sync::Arc;

use super::*;
use crate::ids::SessionId;
use crate::import::{FileCounts, ImportedFile};
use crate::journal::writer::SegmentWriter;
use crate::journal::{SegmentHead, segments};
use crate::record::{Direction, Record, Source};
use crate::recorder::{Recorder, RecorderOptions};
use crate::root::DataRoot;
use crate::testing::{DAY_US, NOON_US, append, frames, record, root};
use crate::verify::verify;

/// 2020-01-01, ten in the morning UTC: what a clock without a battery says.
const DEAD_US: i64 = 1_577_872_800_000_000;

/// Records one session: so many frames at each of these times.
fn session(root: &DataRoot, runs: &[(i64, usize)]) {
    let store = Arc::new(Store::open(root, "test").unwrap());
    let recorder = Recorder::start(store, RecorderOptions::new("test")).unwrap();
    runs.iter().for_each(|(ts, count)| append(&recorder, *count, *ts));
    recorder.close().unwrap();
}

/// How many frames are left after pruning, and what was said; a dry run says the same.
fn pruned(root: &DataRoot, date: &str) -> (usize, Pruned) {
    let store = Store::open(root, "test").unwrap();
    let planned = store.prune(date, true).unwrap();
    let pruned = store.prune(date, false).unwrap();
    assert_eq!(planned, pruned);
    // Frames that a session lacks are put down to pruning by when it started, which is today here.
    let problems = verify(root, |_, _| ()).unwrap().problems;
    let problems: Vec<_> = problems.into_iter().filter(|problem| !problem.about.starts_with("session")).collect();
    assert_eq!(problems, []);
    (frames(root).len(), pruned)
}

#[test]
fn frames_stamped_by_a_clock_that_fell_back_are_as_young_as_those_before_them() {
    let (_folder, root) = root();
    session(&root, &[(NOON_US, 5), (DEAD_US, 4)]);
    let (left, said) = pruned(&root, "2021-01-01");
    assert_eq!(left, 9);
    assert_eq!((said.parts, said.kept_by_order), (0, 2), "frames and ticks of 2020: {said:?}");
    let (left, said) = pruned(&root, "2026-01-16");
    assert_eq!(left, 0, "they go with the day that they were recorded on");
    assert_eq!((said.parts, said.kept_by_order), (4, 0), "{said:?}");
}

#[test]
fn a_clock_that_was_wrong_before_and_after_is_wrong_in_one_part_too() {
    let (_folder, root) = root();
    session(&root, &[(DEAD_US, 2), (NOON_US, 5), (DEAD_US, 3)]);
    Store::open(&root, "test").unwrap().compact(|_, _| {}).unwrap();
    assert_eq!(pruned(&root, "2021-01-01").0, 10);
    assert_eq!(pruned(&root, "2026-01-16").0, 0);
}

#[test]
fn another_session_does_not_make_one_younger() {
    let (_folder, root) = root();
    session(&root, &[(NOON_US, 5)]);
    session(&root, &[(DEAD_US, 4)]);
    session(&root, &[(DEAD_US, 3), (NOON_US, 2)]);
    let (left, said) = pruned(&root, "2021-01-01");
    assert_eq!((left, said.kept_by_order), (7, 0), "{said:?}");
}

#[test]
fn a_clock_that_jumps_ahead_keeps_what_follows_and_nothing_before() {
    let (_folder, root) = root();
    session(&root, &[(NOON_US, 5), (NOON_US + 20_000 * DAY_US, 1), (NOON_US + DAY_US, 4)]);
    let (left, said) = pruned(&root, "2026-02-01");
    assert_eq!((left, said.kept_by_order), (5, 2), "{said:?}");
}

#[test]
fn a_game_is_not_cut_between_what_goes_and_what_stays_by_order() {
    let (_folder, root) = root();
    let store = Arc::new(Store::open(&root, "test").unwrap());
    let recorder = Recorder::start(store.clone(), RecorderOptions::new("test")).unwrap();
    for (ts, game, tick) in [(0, "early", 1), (0, "across", 1), (9 * DAY_US, "jump", 1), (-DAY_US, "across", 2)] {
        let text =
            format!(r#"42["gameStateUpdate",{{"gameId":"{game}","active":true,"price":1.5,"tickCount":{tick}}}]"#);
        recorder.append(&Record::frame(NOON_US + ts, Source::PublicWs, Direction::Received, &text)).unwrap();
    }
    recorder.close().unwrap();
    let said = store.prune("2026-01-16", false).unwrap();
    assert_eq!((said.rows["game_tick"], said.kept_rows), (1, 2), "{said:?}");
    assert_eq!(store.catalog().rows(DocType::GameTick), 3);
}

#[test]
fn an_archive_whose_frames_are_in_any_order_is_pruned_by_their_dates() {
    let (_folder, root) = root();
    let store = Store::open(&root, "test").unwrap();
    let mut batch = store.import_batch().unwrap();
    let file =
        ImportedFile { name: "file.jsonl".into(), format: "wire".into(), sha256: "5a".repeat(32), bytes: 1 };
    batch.begin(file).unwrap();
    for ts in [NOON_US, DEAD_US + DAY_US, NOON_US + DAY_US, DEAD_US] {
        batch.push(&Record::frame(ts, Source::Import, Direction::Received, r#"42["newChatMessage",{}]"#)).unwrap();
    }
    batch.end(FileCounts { lines: 4, rows: 4, ..FileCounts::default() }).unwrap();
    batch.commit().unwrap();
    drop(store);
    let (left, said) = pruned(&root, "2021-01-01");
    assert_eq!((left, said.kept_by_order), (2, 0), "{said:?}");
}

/// Leaves a journal of 2020 behind in which this frame is damaged, as a crash does.
fn leave_damaged(root: &DataRoot, damaged: u64) {
    let head = SegmentHead {
        session_id: SessionId::start(),
        number: 1,
        first_seq: 1,
        origin: "test".into(),
        started_us: DEAD_US,
        build: "test".into(),
        requests: Default::default(),
    };
    let mut writer = SegmentWriter::create(root, head).unwrap();
    for seq in 1..=5 {
        let text = format!(r#"42["newChatMessage",{{"message":"number {seq}"}}]"#);
        let frame = Record::frame(DEAD_US, Source::PublicWs, Direction::Received, &text);
        writer.append(&Record { seq, ..frame }).unwrap();
    }
    let path = segments(root).unwrap().remove(0).path;
    let mut bytes = fs::read(&path).unwrap();
    let text = format!("number {damaged}");
    let place = bytes.windows(text.len()).position(|window| window == text.as_bytes()).unwrap();
    bytes[place] ^= 1;
    fs::write(&path, bytes).unwrap();
}

#[test]
fn what_was_noticed_later_does_not_make_a_session_younger() {
    let (_folder, root) = root();
    leave_damaged(&root, 2);
    let (left, said) = pruned(&root, "2021-01-01");
    assert_eq!((left, said.rows["ws_event"], said.kept_by_order), (0, 4, 0), "{said:?}");
}

#[test]
fn what_the_recorder_said_itself_counts_as_a_frame_does() {
    let (_folder, root) = root();
    let store = Arc::new(Store::open(&root, "test").unwrap());
    let recorder = Recorder::start(store, RecorderOptions::new("test")).unwrap();
    recorder.append(&Record::system(NOON_US, Source::Ui, "capture_started", "{}")).unwrap();
    append(&recorder, 4, DEAD_US);
    recorder.close().unwrap();
    drop(recorder);
    let (left, said) = pruned(&root, "2021-01-01");
    assert_eq!((left, said.kept_by_order), (4, 2), "{said:?}");
}

#[test]
fn a_lost_part_that_is_younger_than_its_date_stays_named() {
    let (_folder, root) = root();
    session(&root, &[(NOON_US, 5), (DEAD_US, 4)]);
    session(&root, &[(DEAD_US, 3)]);
    let lose = |rows: u64| {
        let parts = Catalog::load(&root).unwrap().parts;
        let part = parts.iter().find(|part| part.doc_type == DocType::WsEvent && part.rows == rows).unwrap();
        fs::remove_file(root.path().join(&part.path)).unwrap();
    };
    lose(4);
    lose(3);
    let store = Store::open(&root, "test").unwrap();
    let said = store.prune("2021-01-01", false).unwrap();
    assert_eq!((said.lost, said.kept_by_order), (1, 2), "{said:?}");
    let lost = store.catalog().lost;
    assert_eq!(lost.iter().map(|lost| lost.part.rows).collect::<Vec<_>>(), [4]);
}

#[test]
fn a_part_that_an_older_manifest_does_not_name_was_not_pruned_when_it_is_younger_than_its_date() {
    let (_folder, root) = root();
    record(&root, 3, DEAD_US);
    assert_eq!(pruned(&root, "2021-01-01").0, 0);
    let manifests = [root.catalog_path(), root.catalog_copy_path()];
    let older = manifests.clone().map(|path| fs::read(path).unwrap());
    session(&root, &[(NOON_US, 5), (DEAD_US, 4)]);
    manifests.iter().zip(&older).for_each(|(path, bytes)| fs::write(path, bytes).unwrap());
    drop(Store::open(&root, "test").unwrap());
    assert_eq!(frames(&root).len(), 9);
}
