//! The table finds every row, and says of each game what there is.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

use std::collections::BTreeMap;
use std::sync::Arc;

use super::*;
use crate::Store;
use crate::catalog::Catalog;
use crate::record::Source;
use crate::recorder::{Recorder, RecorderOptions};
use crate::scan;
use crate::testing::simulated;
use replayer_simulator::{Config, Session};

fn recorded(seed: u64) -> (tempfile::TempDir, DataRoot) {
    let folder = tempfile::tempdir().unwrap();
    let root = DataRoot::create(folder.path().join("root")).unwrap();
    let store = Arc::new(Store::open(&root, "test").unwrap());
    let recorder = Recorder::start(store, RecorderOptions::new("test")).unwrap();
    for frame in Session::new(Config { seed, games: 3, full_snapshots: false, ..Config::default() }) {
        recorder.append(&simulated(Source::PublicWs, &frame)).unwrap();
    }
    recorder.close().unwrap();
    (folder, root)
}

fn seqs(root: &DataRoot, part: &Part) -> Vec<u64> {
    let batches = scan::batches(root, part, Some(&["seq"])).map(Result::unwrap);
    batches
        .flat_map(|batch| {
            let column = batch.column(0).as_primitive::<Int64Type>();
            column.values().iter().map(|seq| *seq as u64).collect::<Vec<_>>()
        })
        .collect()
}

#[test]
fn every_row_of_a_range_of_frames_is_among_the_rows_named() {
    let (_folder, root) = recorded(3);
    for part in Catalog::load(&root).unwrap().parts.iter().filter(|part| Contents::is_kept(part.doc_type)) {
        let contents = Contents::of_part(&root, part).unwrap();
        assert_eq!(contents.rows, part.rows);
        let all = seqs(&root, part);
        let session = contents.sessions[0].clone();
        for (first, last) in [(1, 10), (700, 700), (500, 1600), (0, u64::MAX)] {
            let ranges = contents.rows_of(&session, first, last);
            let named: Vec<usize> = ranges.iter().cloned().flatten().collect();
            let wanted = (0..all.len()).filter(|row| (first..=last).contains(&all[*row]));
            assert!(wanted.clone().all(|row| named.contains(&row)), "{first}..={last}");
            assert!(named.len() <= wanted.count() + 2 * 512, "and few others");
        }
        assert!(contents.rows_of("nobody", 0, u64::MAX).is_empty());
    }
}

#[test]
fn a_part_without_a_table_is_read_for_the_same_one() {
    let (_folder, root) = recorded(4);
    for part in Catalog::load(&root).unwrap().parts.iter().filter(|part| Contents::is_kept(part.doc_type)) {
        let own = Contents::of_part(&root, part).unwrap();
        let batches: Vec<RecordBatch> = scan::batches(&root, part, None).map(Result::unwrap).collect();
        assert_eq!(own, Contents::of_batches(part.doc_type, &batches), "{}", part.path);
        // The same rows in a file without any metadata of ours, as older builds wrote it.
        let older = Part { path: "older.parquet".into(), bytes: 0, written: None, ..part.clone() };
        let file = std::fs::File::create(root.path().join(&older.path)).unwrap();
        let mut writer = parquet::arrow::ArrowWriter::try_new(file, batches[0].schema(), None).unwrap();
        batches.iter().for_each(|batch| writer.write(batch).unwrap());
        writer.close().unwrap();
        assert_eq!(Contents::of_part(&root, &older).unwrap(), own, "{}", part.path);
    }
}

#[test]
fn each_game_is_there_once_with_what_was_recorded_of_it() {
    let (_folder, root) = recorded(5);
    let catalog = Catalog::load(&root).unwrap();
    let part = catalog.parts.iter().find(|part| part.doc_type == DocType::GameTick).unwrap();
    let contents = Contents::of_part(&root, part).unwrap();
    let mut counted: BTreeMap<String, (u64, u64)> = BTreeMap::new();
    for batch in scan::batches(&root, part, None).map(Result::unwrap) {
        let columns = Columns::of(&batch);
        for row in 0..batch.num_rows() {
            let entry = counted.entry(text(columns.game, row).unwrap().to_owned()).or_default();
            entry.0 += 1;
            entry.1 += u64::from(columns.price.unwrap().is_valid(row));
        }
    }
    assert_eq!(contents.games.len(), counted.len());
    for extent in &contents.games {
        assert_eq!((extent.packets, extent.priced), counted[&extent.game_id], "{}", extent.game_id);
    }
    assert!(contents.games.iter().filter(|extent| extent.rugged).count() >= 3);
}

#[test]
fn parts_put_together_are_marked_where_another_begins() {
    let (_folder, root) = recorded(6);
    let catalog = Catalog::load(&root).unwrap();
    let part = catalog.parts.iter().find(|part| part.doc_type == DocType::WsEvent).unwrap();
    let batches: Vec<RecordBatch> = scan::batches(&root, part, None).map(Result::unwrap).collect();
    // The same rows twice: `seq` falls in between.
    let twice: Vec<&RecordBatch> = batches.iter().chain(&batches).collect();
    let contents = Contents::of_batches(DocType::WsEvent, twice);
    let ranges = contents.rows_of(&contents.sessions[0].clone(), 1, 1);
    assert_eq!(ranges.len(), 2, "{ranges:?}");
    assert_eq!(ranges[1].start as u64, part.rows);
}

#[test]
fn a_recording_is_complete_when_no_tick_up_to_the_rug_is_missing() {
    let (_folder, root) = recorded(5);
    let catalog = Catalog::load(&root).unwrap();
    let part = catalog.parts.iter().find(|part| part.doc_type == DocType::GameTick).unwrap();
    let rugged = |contents: Contents| contents.games.into_iter().filter(|extent| extent.rugged);
    let whole: Vec<GameExtent> = rugged(Contents::of_part(&root, part).unwrap()).collect();
    assert!(whole.len() >= 3 && whole.iter().all(GameExtent::is_complete), "{whole:?}");
    // The same rows without those of one tick in the middle.
    let batches = scan::batches(&root, part, None).map(Result::unwrap).map(|batch| {
        let ticks = Columns::of(&batch).tick.unwrap();
        let kept: BooleanArray = ticks.iter().map(|tick| Some(tick != Some(3))).collect();
        arrow::compute::filter_record_batch(&batch, &kept).unwrap()
    });
    let batches: Vec<RecordBatch> = batches.collect();
    let holed: Vec<GameExtent> = rugged(Contents::of_batches(DocType::GameTick, &batches)).collect();
    for extent in holed.iter().filter(|extent| extent.rug_tick() > Some(3)) {
        assert!(!extent.is_complete(), "{extent:?}");
        assert_eq!(extent.first_tick, Some(0));
        let mut both = extent.clone();
        both.add(whole.iter().find(|whole| whole.game_id == extent.game_id).unwrap());
        assert!(both.is_complete(), "another part has the tick");
    }
    assert!(!holed.is_empty());
}
