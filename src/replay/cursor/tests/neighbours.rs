//! Walking over many games takes their rows from what was read ahead: nothing of that may be out of date.

use super::equality::same_by_every_way;
use super::*;
use crate::replay::cursor::archive::Prefetch;
use crate::store::ids::EventRef;
use crate::store::import::{FileCounts, ImportedFile};

/// Imports games as recordings of their own, side by side in one part.
fn imported(root: &Root, seed: u64, games: usize) -> Vec<GameTruth> {
    let (frames, truths) = play(small(seed, games));
    let store = Store::open(&root.root, "test").unwrap();
    let mut batch = store.import_batch().unwrap();
    let begin = |truth: &GameTruth| frames.iter().position(|frame| frame.text.contains(&truth.game_id)).unwrap();
    let mut begins: Vec<usize> = truths.iter().map(begin).collect();
    begins.push(frames.len());
    for file in begins.windows(2) {
        let name = format!("from {}", file[0]);
        batch.begin(ImportedFile { name, format: "test".into(), sha256: String::new(), bytes: 0 }).unwrap();
        for frame in &frames[file[0]..file[1]] {
            batch.push(&Record::frame(frame.at_us, Source::Import, frame.direction, &frame.text)).unwrap();
        }
        batch.end(FileCounts::default()).unwrap();
    }
    batch.commit().unwrap();
    truths
}

fn all(truths: &[GameTruth]) -> Covers {
    games(&truths.iter().map(|truth| truth.game_id.as_str()).collect::<Vec<_>>())
}

fn kept(archive: &Shared) -> usize {
    archive.lock().kept_bytes()
}

/// Addresses of all events from the place on, and back again.
fn there_and_back(cursor: &mut Cursor, archive: &Shared) -> Vec<String> {
    let mut there = vec![cursor.place().unwrap().event_ref];
    while step(cursor, archive, 1, Unit::Event).steps == 1 {
        there.push(cursor.place().unwrap().event_ref);
    }
    let mut back_again = vec![cursor.place().unwrap().event_ref];
    while back(cursor, archive, 1, Unit::Event).steps == 1 {
        back_again.push(cursor.place().unwrap().event_ref);
    }
    back_again.reverse();
    assert_eq!(back_again, there);
    there
}

#[test]
fn games_that_were_read_ahead_are_the_same_whichever_way_they_were_reached() {
    let root = Root::new();
    let truths = imported(&root, 21, 12);
    let archive = root.archive();
    same_by_every_way(&archive, &all(&truths), Unit::Tick);
    assert!(kept(&archive) > 0, "nothing was read ahead");
}

#[test]
fn rows_that_were_read_ahead_are_those_read_singly() {
    let root = Root::new();
    let truths = imported(&root, 22, 12);
    let (archive, singly) = (root.archive(), root.archive());
    let spans = Cursor::open(&archive, all(&truths)).unwrap().outline().spans.clone();
    let there = spans.iter().map(|span| (span, Prefetch::Later));
    let back_again = spans.iter().rev().map(|span| (span, Prefetch::Earlier));
    for (span, prefetch) in there.chain(back_again) {
        let rows = |archive: &Shared, prefetch| {
            let rows = archive.lock().rows(&span.session_id, span.first, span.last, prefetch).unwrap();
            let mut lines = Vec::new();
            crate::state::rows::in_order(&rows, |row| lines.push(format!("{row:?}")));
            lines
        };
        assert_eq!(rows(&archive, prefetch), rows(&singly, Prefetch::Anywhere));
    }
    assert!(kept(&archive) > 0);
    assert_eq!(kept(&singly), 0, "who looks at one place reads one place");
}

#[test]
fn going_back_and_forth_while_recording_and_sealing_hides_nothing_that_came_later() {
    let (frames, _) = play(Config { logged_in: true, ..small(23, 5) });
    let root = Root::new();
    let store = Arc::new(Store::open(&root.root, "test").unwrap());
    let options = RecorderOptions { segment_bytes: 100_000, ..RecorderOptions::new("test") };
    let recorder = Recorder::start(store, options).unwrap();
    append(&recorder, &frames[..50]);
    let archive = root.archive();
    let session = recorder.session_id();
    let mut cursor = Cursor::open(&archive, Covers::Session(session.to_string())).unwrap();
    let mut appended = 50;
    for chunk in frames[50..].chunks(400) {
        append(&recorder, chunk);
        appended += chunk.len();
        let wanted: Vec<String> =
            (1..=appended).map(|seq| EventRef { session_id: session, seq: seq as u64 }.to_string()).collect();
        assert_eq!(there_and_back(&mut cursor, &archive), wanted);
    }
    recorder.close().unwrap();
    assert_eq!(there_and_back(&mut cursor, &archive).len(), frames.len());
    assert!(kept(&archive) > 0, "nothing was read ahead");
}

#[test]
fn parts_that_are_put_together_under_a_walk_are_read_from_where_they_went() {
    let root = Root::new();
    let mut truths = imported(&root, 24, 5);
    truths.extend(imported(&root, 25, 5));
    let archive = root.archive();
    let mut cursor = Cursor::open(&archive, all(&truths)).unwrap();
    let before = there_and_back(&mut cursor, &archive);
    assert!(kept(&archive) > 0, "nothing was read ahead");
    let compacted = Store::open(&root.root, "test").unwrap().compact(|_, _| {}).unwrap();
    assert!(compacted.parts_after < compacted.parts_before, "{compacted:?}");
    assert_eq!(there_and_back(&mut cursor, &archive), before);
    same_by_every_way(&archive, &all(&truths), Unit::Tick);
}

#[test]
fn what_was_pruned_is_not_shown_from_memory() {
    let root = Root::new();
    let truths = imported(&root, 26, 6);
    let archive = root.archive();
    let mut cursor = Cursor::open(&archive, all(&truths)).unwrap();
    there_and_back(&mut cursor, &archive);
    assert!(kept(&archive) > 0, "nothing was read ahead");
    let span = cursor.outline().spans[3].clone();
    Store::open(&root.root, "test").unwrap().prune("2100-01-01", false).unwrap();
    let rows = archive.lock().rows(&span.session_id, span.first, span.last, Prefetch::Later).unwrap();
    assert_eq!(rows.len(), 0);
    assert_eq!(kept(&archive), 0);
}
