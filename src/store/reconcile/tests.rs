//! Manifests that are gone, older or another root's, parts that are damaged, and crashes between any two steps: nothing is
//! hidden, nothing is removed, nothing is there twice.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

use std::fs;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;

use super::*;
use crate::Store;
use crate::record::{Direction, Record, Source};
use crate::recorder::{Recorder, RecorderOptions};
use crate::schema::DocType;
use crate::steps::{Step, at_each};
use crate::testing::{DAY_US, NOON_US, append, frames, record, root};

fn manifests(root: &DataRoot) -> [PathBuf; 2] {
    [root.catalog_path(), root.catalog_copy_path()]
}

fn orphans(root: &DataRoot) -> Vec<String> {
    parts::all_files(root).unwrap().into_iter().filter(|path| path.ends_with(".orphan")).collect()
}

/// Opens the root as a writer, and expects the same frames before and after.
fn assert_whole(root: &DataRoot, expected: &[(String, i64)]) {
    drop(Store::open(root, "test").unwrap());
    assert_eq!(frames(root), expected);
    assert_eq!(orphans(root), Vec::<String>::new(), "nothing is set aside");
}

#[test]
fn without_manifests_the_parts_say_what_they_hold() {
    let (_folder, root) = root();
    record(&root, 5, NOON_US);
    record(&root, 7, NOON_US + DAY_US);
    let expected = frames(&root);
    manifests(&root).iter().for_each(|path| fs::remove_file(path).unwrap());
    assert_eq!(frames(&root), expected, "a reader sees them before any writer comes");
    assert_whole(&root, &expected);
    assert!(manifests(&root).iter().all(|path| path.exists()), "the writer has made them again");
}

#[test]
fn the_folder_of_parts_alone_is_a_store() {
    let (_folder, from) = root();
    record(&from, 5, NOON_US);
    let expected = frames(&from);
    let other = tempfile::tempdir().unwrap();
    fs::rename(from.parts_dir(), other.path().join("events_parquet")).unwrap();
    let to = DataRoot::open(other.path().to_path_buf()).unwrap();
    assert_eq!(frames(&to), expected, "for a reader, who makes no folders");
    assert_whole(&DataRoot::create(other.path().to_path_buf()).unwrap(), &expected);
}

#[test]
fn older_manifests_hide_nothing() {
    let (_folder, root) = root();
    record(&root, 5, NOON_US);
    let older = manifests(&root).map(|path| fs::read(path).unwrap());
    record(&root, 7, NOON_US);
    let expected = frames(&root);
    manifests(&root).iter().zip(&older).for_each(|(path, bytes)| fs::write(path, bytes).unwrap());
    assert_eq!(frames(&root), expected, "a reader sees them before any writer comes");
    let message = Catalog::load_reporting(&root).unwrap().1.unwrap();
    assert!(message.contains("named by no manifest"), "{message}");
    assert_whole(&root, &expected);
    assert_eq!(Catalog::load_reporting(&root).unwrap().1, None, "the writer has made the manifest again");
}

#[test]
fn an_older_manifest_beside_its_newer_copy_does_not_count() {
    let (_folder, root) = root();
    record(&root, 5, NOON_US);
    let older = fs::read(root.catalog_path()).unwrap();
    record(&root, 7, NOON_US);
    let expected = frames(&root);
    fs::write(root.catalog_path(), older).unwrap();
    assert_eq!(frames(&root), expected, "a reader takes the newer one");
    assert_whole(&root, &expected);
}

#[test]
fn a_damaged_manifest_is_replaced_by_its_copy() {
    let (_folder, root) = root();
    record(&root, 5, NOON_US);
    let expected = frames(&root);
    fs::write(root.catalog_path(), "{").unwrap();
    assert_eq!(frames(&root), expected);
    assert_whole(&root, &expected);
}

#[test]
fn manifests_of_another_root_hide_nothing() {
    let ((_one, other), (_two, root)) = (crate::testing::root(), crate::testing::root());
    record(&other, 3, NOON_US);
    record(&other, 3, NOON_US);
    record(&root, 5, NOON_US);
    let expected = frames(&root);
    for (from, to) in manifests(&other).iter().zip(&manifests(&root)) {
        fs::copy(from, to).unwrap();
    }
    assert_whole(&root, &expected);
    let lost = Catalog::load(&root).unwrap().lost;
    assert!(lost.iter().all(|lost| lost.reason.contains("gone")) && !lost.is_empty(), "what it names is not here");
}

#[test]
fn an_older_manifest_after_compaction_loses_and_doubles_nothing() {
    let (_folder, root) = root();
    record(&root, 5, NOON_US);
    record(&root, 7, NOON_US);
    let older = manifests(&root).map(|path| fs::read(path).unwrap());
    let expected = frames(&root);
    Store::open(&root, "test").unwrap().compact(|_, _| {}).unwrap();
    manifests(&root).iter().zip(&older).for_each(|(path, bytes)| fs::write(path, bytes).unwrap());
    assert_whole(&root, &expected);
    assert!(Catalog::load(&root).unwrap().lost.is_empty(), "what was compacted is not lost");
}

#[test]
fn a_lost_part_costs_its_own_rows_until_it_is_restored() {
    let (_folder, root) = root();
    record(&root, 5, NOON_US);
    record(&root, 7, NOON_US);
    let expected = frames(&root);
    let part = Catalog::load(&root)
        .unwrap()
        .parts
        .into_iter()
        .find(|part| part.doc_type == DocType::WsEvent && part.rows == 5)
        .unwrap();
    let path = root.path().join(&part.path);
    let whole = fs::read(&path).unwrap();
    let damages: [&dyn Fn(); 2] =
        [&|| fs::write(&path, &whole[..whole.len() - 100]).unwrap(), &|| fs::remove_file(&path).unwrap()];
    for (before, damage) in damages.into_iter().enumerate() {
        damage();
        assert_eq!(frames(&root).len(), 7 + 2 * before, "the others are read");
        record(&root, 2, NOON_US);
        let lost = Catalog::load(&root).unwrap().lost;
        assert_eq!(lost.len(), 1, "recording went on, and the loss is known: {lost:?}");
        assert_eq!(lost[0].part.rows, 5);
        let problems = crate::verify::verify(&root, |_, _| ()).unwrap().problems;
        assert!(problems.iter().any(|problem| problem.about == part.path), "verify names it: {problems:?}");
        fs::write(&path, &whole).unwrap();
        assert!(expected.iter().all(|frame| frames(&root).contains(frame)), "restored, it is in force again");
    }
    assert_whole(&root, &frames(&root));
}

/// Runs an action of the writer that ends at this step, as a crash would.
fn crash_at(step: Step, action: impl FnOnce()) {
    let hook = move |reached| {
        if reached == step {
            panic!("a crash at {step:?}");
        }
    };
    assert!(catch_unwind(AssertUnwindSafe(|| at_each(hook, action))).is_err(), "{step:?} is reached");
}

const SEALING: [Step; 4] = [Step::PartsWritten, Step::PartNamed, Step::PartsNamed, Step::CatalogReplaced];

#[test]
fn a_crash_while_sealing_loses_and_doubles_nothing() {
    for step in SEALING {
        let (_folder, root) = root();
        let store = Arc::new(Store::open(&root, "test").unwrap());
        let recorder = Recorder::start(store.clone(), RecorderOptions::new("test")).unwrap();
        append(&recorder, 5, NOON_US);
        let expected = frames(&root);
        let segments = journal::segments(&root).unwrap();
        let session_id = recorder.session_id();
        crash_at(step, || drop(store.seal(session_id, &segments)));
        // What a killed process does not do either.
        std::mem::forget(recorder);
        assert_eq!(frames(&root), expected, "for readers, at {step:?}");
        let crashed = tempfile::tempdir().unwrap();
        copy(root.path(), crashed.path());
        let crashed = DataRoot::open(crashed.path().to_path_buf()).unwrap();
        drop(Store::open(&crashed, "test").unwrap());
        assert_eq!(frames(&crashed), expected, "after {step:?}");
    }
}

#[test]
fn a_crash_while_compacting_loses_and_doubles_nothing() {
    for step in [Step::PartsWritten, Step::PartNamed, Step::PartsNamed, Step::CatalogReplaced, Step::FileRemoved] {
        let (_folder, root) = root();
        record(&root, 5, NOON_US);
        record(&root, 7, NOON_US);
        let expected = frames(&root);
        crash_at(step, || drop(Store::open(&root, "test").unwrap().compact(|_, _| {})));
        assert_eq!(frames(&root), expected, "for readers, at {step:?}");
        drop(Store::open(&root, "test").unwrap());
        assert_eq!(frames(&root), expected, "after {step:?}");
    }
}

#[test]
fn what_was_pruned_does_not_come_back_after_a_crash() {
    for step in [Step::CatalogReplaced, Step::FileRemoved] {
        let (_folder, root) = root();
        record(&root, 5, NOON_US);
        record(&root, 6, NOON_US);
        record(&root, 7, NOON_US + DAY_US);
        crash_at(step, || drop(Store::open(&root, "test").unwrap().prune("2026-01-16", false)));
        drop(Store::open(&root, "test").unwrap());
        assert_eq!(frames(&root).len(), 7, "after {step:?}");
    }
}

#[test]
fn half_an_import_is_not_taken_in() {
    let (_folder, root) = root();
    record(&root, 3, NOON_US);
    let expected = frames(&root);
    let import = || {
        let store = Store::open(&root, "test").unwrap();
        let mut batch = store.import_batch().unwrap();
        let file = crate::import::ImportedFile {
            sha256: "00".repeat(32),
            bytes: 1,
            name: "file.jsonl".into(),
            format: "wire".into(),
        };
        batch.begin(file).unwrap();
        batch
            .push(&Record::frame(NOON_US, Source::Import, Direction::Received, r#"42["newChatMessage",{}]"#))
            .unwrap();
        batch.end(Default::default()).unwrap();
        batch.commit().unwrap();
    };
    crash_at(Step::PartNamed, import);
    drop(Store::open(&root, "test").unwrap());
    assert_eq!(frames(&root), expected);
    assert_eq!(orphans(&root).len(), 1, "it is kept, and prune lists it");
}

fn copy(from: &std::path::Path, to: &std::path::Path) {
    fs::create_dir_all(to).unwrap();
    for entry in fs::read_dir(from).unwrap().flatten() {
        let target = to.join(entry.file_name());
        match entry.file_type().unwrap().is_dir() {
            true => copy(&entry.path(), &target),
            false => drop(fs::copy(entry.path(), target).unwrap()),
        }
    }
}
