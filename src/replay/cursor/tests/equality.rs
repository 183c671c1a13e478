//! State by stepping = by seeking = by backward walk.

use std::path::PathBuf;

use super::*;
use crate::protocol::line::LineFormat;
use crate::real_captures::{self, time_of};
use crate::store::import::{FileCounts, ImportedFile};
use crate::store::record::Direction;

/// Walks a cursor forward and notes every place; seeks to each in an order that mixes far and near, on a cursor of its
/// own; walks back. All states are the same.
pub(super) fn same_by_every_way(archive: &Shared, covers: &Covers, unit: Unit) -> usize {
    let mut forward = Cursor::open(archive, covers.clone()).unwrap();
    let mut places = vec![(forward.position(), forward.place().unwrap().event_ref, state(&mut forward))];
    while step(&mut forward, archive, 1, unit).steps == 1 {
        places.push((forward.position(), forward.place().unwrap().event_ref, state(&mut forward)));
    }
    let mut seeking = Cursor::open(archive, covers.clone()).unwrap();
    let count = places.len();
    let stride = (count / 2 + 1..).find(|stride| gcd(*stride, count) == 1).unwrap();
    for n in 0..count {
        let (position, address, wanted) = &places[n * stride % count];
        seek(&mut seeking, archive, Target::Ref(address.parse().unwrap())).unwrap();
        assert_eq!(state(&mut seeking), *wanted, "by seeking, at {address}");
        assert_eq!(seeking.position(), *position);
    }
    for (position, address, wanted) in places.iter().rev().skip(1) {
        assert_eq!(back(&mut forward, archive, 1, unit).steps, 1);
        assert_eq!(forward.position(), *position, "at {address}");
        assert_eq!(state(&mut forward), *wanted, "by walking back, at {address}");
    }
    assert_eq!(back(&mut forward, archive, 1, unit).stopped, Stopped::Start);
    count
}

fn gcd(a: usize, b: usize) -> usize {
    if b == 0 { a } else { gcd(b, a % b) }
}

#[test]
fn three_hundred_games_are_the_same_at_every_tick_whichever_way_it_was_reached() {
    let mut places = 0;
    for seed in 0..6 {
        let (_root, archive, truths, _) = recorded(small(100 + seed, 50));
        for truth in &truths {
            places += same_by_every_way(&archive, &games(&[&truth.game_id]), Unit::Tick);
        }
        assert_eq!(truths.len(), 50);
    }
    eprintln!("{places} places in 300 games");
}

#[test]
fn every_event_of_a_logged_in_session_is_the_same_whichever_way_it_was_reached() {
    let (_root, archive, truths, session) = recorded(Config { logged_in: true, ..small(7, 3) });
    for truth in &truths {
        same_by_every_way(&archive, &games(&[&truth.game_id]), Unit::Event);
    }
    same_by_every_way(&archive, &Covers::Session(session), Unit::Event);
}

#[test]
fn the_state_of_a_game_is_the_fold_from_the_beginning() {
    let (frames, truths) = play(Config { logged_in: true, ..small(8, 6) });
    let root = Root::new();
    root.record(&frames);
    let archive = root.archive();
    let mut cursor = open(&archive, &truths[4].game_id);
    // Everything before, folded by the fold itself.
    let mut fold = crate::state::Fold::new();
    let until = cursor.place().unwrap().event_ref.parse::<crate::store::ids::EventRef>().unwrap().seq;
    let (mut seq, mut checked) = (0, 0);
    for frame in &frames {
        seq += 1;
        let event = crate::state::Event::wire("s", seq, frame.at_us, Source::Cdp, &frame.text);
        fold.apply(&crate::state::Event { direction: Some(frame.direction.as_str()), ..event });
        if seq < until {
            continue;
        }
        let here = cursor.place().unwrap().event_ref.parse::<crate::store::ids::EventRef>().unwrap();
        assert_eq!(here.seq, seq);
        let (whole, ours) = (fold.snapshot(frame.at_us), cursor.snapshot(false));
        let game = |snapshot: &Snapshot| {
            snapshot.game.as_ref().map(|game| (game.game_id.clone(), game.phase, game.tick, game.price, game.peak))
        };
        let previous = |snapshot: &Snapshot| snapshot.previous.clone();
        let money = |snapshot: &Snapshot| {
            snapshot.account.as_ref().map(|own| (own.cash, own.position_qty, own.pnl, own.drift.clone()))
        };
        assert_eq!(game(&whole), game(&ours), "at {seq}");
        assert_eq!(previous(&whole), previous(&ours), "at {seq}");
        assert_eq!(money(&whole), money(&ours), "at {seq}");
        checked += 1;
        if step(&mut cursor, &archive, 1, Unit::Event).steps == 0 {
            break;
        }
    }
    assert!(checked > 200, "{checked}");
}

fn import(root: &DataRoot, files: &[PathBuf], format: LineFormat) {
    let store = Store::open(root, "test").unwrap();
    let mut batch = store.import_batch().unwrap();
    for file in files {
        let name = file.file_name().unwrap().to_string_lossy().into_owned();
        batch.begin(ImportedFile { name, format: "test".into(), sha256: String::new(), bytes: 0 }).unwrap();
        for line in std::fs::read_to_string(file).unwrap().lines().filter(|line| !line.trim().is_empty()) {
            let frame = Record::frame(0, Source::Import, Direction::Received, line);
            batch.push(&Record { ts: time_of(line), format, ..frame }).unwrap();
        }
        batch.end(FileCounts::default()).unwrap();
    }
    batch.commit().unwrap();
}

#[test]
fn real_recordings_are_the_same_at_every_tick_whichever_way_it_was_reached() {
    let Some(data) = real_captures::folder() else { return };
    let mut files: Vec<PathBuf> = std::fs::read_dir(data.join("rugs_recordings"))
        .unwrap()
        .flatten()
        .map(|entry| entry.path())
        .filter(|path| path.file_name().is_some_and(|name| name.to_string_lossy().starts_with("game_")))
        .collect();
    files.sort();
    let root = Root::new();
    import(&root.root, &files, LineFormat::Recording);
    let archive = root.archive();
    let ids = archive.lock().all_games().unwrap();
    assert!(ids.len() > 250, "{}", ids.len());
    let places: usize = ids.iter().map(|id| same_by_every_way(&archive, &games(&[id]), Unit::Tick)).sum();
    eprintln!("{places} places in {} real games", ids.len());
}

#[test]
fn a_real_capture_is_the_same_at_every_event_whichever_way_it_was_reached() {
    let Some(data) = real_captures::folder() else { return };
    for (file, format) in [
        ("raw_captures/2025-12-12_17-16-58_raw.jsonl", LineFormat::RawCapture),
        ("raw_captures/2025-12-15_00-39-17_cdp.jsonl", LineFormat::CdpCapture),
    ] {
        let root = Root::new();
        import(&root.root, &[data.join(file)], format);
        let archive = root.archive();
        let session = archive.lock().sessions().keys().next().cloned().unwrap();
        let places = same_by_every_way(&archive, &Covers::Session(session), Unit::Event);
        assert!(places > 100, "{file}: {places}");
    }
}
