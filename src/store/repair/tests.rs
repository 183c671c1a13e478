#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

use std::fs;

use replayer_simulator::{Config, Session};

use super::*;
use crate::recorder::{Recorder, RecorderOptions};
use crate::testing::{root, simulated};
use crate::verify::verify;

const APPLY: RepairOptions = RepairOptions { dry_run: false, give_up: false };

/// Three games of a logged-in browser in two sessions, so that the second repeats games of the first.
fn recorded() -> (tempfile::TempDir, DataRoot) {
    let (folder, root) = root();
    for seed in [3, 3] {
        let store = Arc::new(Store::open(&root, "test").unwrap());
        let recorder = Recorder::start(store, RecorderOptions::new("test")).unwrap();
        for frame in Session::new(Config { seed, games: 3, logged_in: true, ..Config::default() }) {
            recorder.append(&simulated(Source::Cdp, &frame)).unwrap();
        }
        recorder.close().unwrap();
    }
    (folder, root)
}

/// Every row of a kind, printed, in an order of its own.
fn rows(root: &DataRoot, kind: DocType) -> Vec<String> {
    let mut all = Vec::new();
    for batch in scan::scan(root, kind, &scan::ScanFilter::default()).unwrap() {
        let batch = batch.unwrap();
        // Arrow prints no time with a zone without its tables of zones.
        let schema = batch.schema();
        let columns = batch.columns().iter().zip(schema.fields()).map(|(column, field)| {
            let column = match field.data_type() {
                arrow::datatypes::DataType::Timestamp(..) => {
                    arrow::compute::cast(column, &arrow::datatypes::DataType::Int64).unwrap()
                }
                _ => column.clone(),
            };
            (field.name().clone(), column)
        });
        let batch = RecordBatch::try_from_iter(columns.collect::<Vec<_>>()).unwrap();
        let mut writer = arrow::json::LineDelimitedWriter::new(Vec::new());
        writer.write(&batch).unwrap();
        all.extend(String::from_utf8(writer.into_inner()).unwrap().lines().map(str::to_owned));
    }
    all.sort();
    all
}

fn lose(root: &DataRoot, kind: DocType) -> Vec<Part> {
    let parts = Catalog::load(root).unwrap().parts;
    let of_kind: Vec<Part> = parts.into_iter().filter(|part| part.doc_type == kind).collect();
    of_kind.iter().for_each(|part| fs::remove_file(root.path().join(&part.path)).unwrap());
    of_kind
}

#[test]
fn every_row_that_was_taken_out_of_a_frame_comes_back_as_it_was() {
    let (_folder, root) = recorded();
    for kind in DocType::ALL.into_iter().filter(|kind| is_derived(*kind)) {
        let before = rows(&root, kind);
        assert!(!before.is_empty(), "{kind:?}");
        lose(&root, kind);
        assert_eq!(rows(&root, kind), Vec::<String>::new());
        let repaired = Store::open(&root, "test").unwrap().repair(APPLY).unwrap();
        assert!(repaired.parts.iter().all(|part| part.restored == part.rows), "{repaired:?}");
        assert_eq!(rows(&root, kind), before, "{kind:?}");
        assert!(Catalog::load(&root).unwrap().lost.is_empty());
    }
    assert_eq!(verify(&root, |_, _| ()).unwrap().problems, []);
}

#[test]
fn a_dry_run_says_the_same_and_changes_nothing() {
    let (_folder, root) = recorded();
    lose(&root, DocType::Trade);
    let before = fs::read(root.catalog_path()).unwrap();
    let planned = plan(&root, RepairOptions { dry_run: true, give_up: false }).unwrap();
    assert_eq!(fs::read(root.catalog_path()).unwrap(), before);
    let done = Store::open(&root, "test").unwrap().repair(APPLY).unwrap();
    assert_eq!(planned, done);
}

#[test]
fn a_damaged_file_is_kept_until_it_is_pruned() {
    let (_folder, root) = recorded();
    let parts = Catalog::load(&root).unwrap().parts;
    let part = parts.iter().find(|part| part.doc_type == DocType::GameTick).unwrap();
    let path = root.path().join(&part.path);
    fs::write(&path, vec![0; fs::read(&path).unwrap().len()]).unwrap();
    let store = Store::open(&root, "test").unwrap();
    store.repair(APPLY).unwrap();
    assert!(!path.exists());
    assert!(path.with_extension("parquet.damaged").exists());
    let pruned = store.prune("2020-01-01", false).unwrap();
    assert_eq!(pruned.leftovers, 1);
    assert!(!path.with_extension("parquet.damaged").exists());
}

#[test]
fn frames_cannot_be_made_again_and_stay_named_until_they_are_given_up() {
    let (_folder, root) = recorded();
    let lost = lose(&root, DocType::WsEvent);
    let frames: u64 = lost.iter().map(|part| part.rows).sum();
    let store = Store::open(&root, "test").unwrap();
    let repaired = store.repair(APPLY).unwrap();
    assert!(repaired.parts.iter().all(|part| part.restored == 0 && !part.given_up), "{repaired:?}");
    let problems = verify(&root, |_, _| ()).unwrap().problems;
    let missing: u64 = problems
        .iter()
        .filter(|problem| problem.about.starts_with("session"))
        .map(|problem| problem.problem.split(' ').next().unwrap().parse::<u64>().unwrap())
        .sum();
    assert_eq!(missing, frames, "a frame's ticks and trades do not stand for the frame: {problems:?}");
    store.repair(RepairOptions { dry_run: false, give_up: true }).unwrap();
    assert_eq!(verify(&root, |_, _| ()).unwrap().problems, []);
    assert!(Catalog::load(&root).unwrap().lost.is_empty());
}

/// Damages a part of frames so that it can still say what it is, gives it up, and gives its file its name back, as a crash
/// does that came before it was set aside; at a place where nobody has looked at it yet. The part, and its bytes before.
fn give_up_and_crash() -> (tempfile::TempDir, DataRoot, Part, Vec<u8>) {
    let (folder, root) = recorded();
    let parts = Catalog::load(&root).unwrap().parts;
    let part = parts.into_iter().find(|part| part.doc_type == DocType::WsEvent).unwrap();
    let path = root.path().join(&part.path);
    let whole = fs::read(&path).unwrap();
    let mut bytes = whole.clone();
    bytes[whole.len() / 4] ^= 1;
    fs::write(&path, bytes).unwrap();
    let store = Store::open(&root, "test").unwrap();
    let repaired = store.repair(RepairOptions { dry_run: false, give_up: true }).unwrap();
    assert!(repaired.parts.len() == 1 && repaired.parts[0].given_up, "{repaired:?}");
    drop(store);
    fs::rename(path.with_extension("parquet.damaged"), &path).unwrap();
    fs::remove_file(root.checked_parts_path()).unwrap();
    let moved = folder.path().join("moved");
    fs::rename(root.path(), &moved).unwrap();
    (folder, DataRoot::open(moved).unwrap(), part, whole)
}

#[test]
fn what_was_given_up_does_not_come_back_after_a_crash() {
    let (_folder, root, part, _) = give_up_and_crash();
    let names = |catalog: &Catalog| catalog.parts.iter().any(|known| known.path == part.path);
    assert!(!names(&Catalog::load(&root).unwrap()), "for whoever only reads");
    let store = Store::open(&root, "test").unwrap();
    assert!(!names(&store.catalog()));
    assert_eq!(store.catalog().given_up.len(), 1);
    let path = root.path().join(&part.path);
    assert!(!path.exists() && path.with_extension("parquet.damaged").exists());
    assert_eq!(verify(&root, |_, _| ()).unwrap().problems, []);
}

#[test]
fn what_was_given_up_and_is_restored_is_in_force_again() {
    let (_folder, root, part, whole) = give_up_and_crash();
    fs::write(root.path().join(&part.path), whole).unwrap();
    let store = Store::open(&root, "test").unwrap();
    assert!(store.catalog().parts.iter().any(|known| known.path == part.path && known.rows == part.rows));
    assert!(store.catalog().given_up.is_empty());
    assert_eq!(verify(&root, |_, _| ()).unwrap().problems, []);
}
