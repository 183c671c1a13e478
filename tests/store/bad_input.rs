//! Bad input: a clear error that names the cause and the next step, and nothing stored is lost.

use std::sync::Arc;

use replayer::store::catalog::Catalog;
use replayer::store::record::{Direction, Record, Source};
use replayer::store::recorder::{Recorder, RecorderOptions};
use replayer::store::root::DataRoot;
use replayer::store::{Store, StoreError, verify};

use super::life_of_a_row::frames;
use crate::common::{self, needs};

#[test]
fn a_second_writer_is_told_who_the_first_is() {
    let (_folder, root) = common::root();
    let _first = Store::open(&root, "record").unwrap();
    let error = Store::open(&root, "import").err().unwrap();
    let text = error.to_string();
    assert!(text.contains("replayer record") && text.contains(&std::process::id().to_string()), "{text}");
}

#[test]
fn a_newer_schema_is_readable_and_not_writable() {
    let (_folder, root) = common::root();
    common::record(&root, 1);
    let manifest = r#"{"schema_version":"99.0","writer_build":"replayer 99"}"#;
    std::fs::write(root.schema_version_path(), manifest).unwrap();
    let error = Store::open(&root, "test").err().unwrap();
    assert!(matches!(error, StoreError::NewerSchema { .. }) && error.to_string().contains("99.0"), "{error}");
    assert!(!frames(&root).is_empty());
}

#[test]
fn a_corrupt_catalog_hides_nothing_and_is_made_again() {
    let (_folder, root) = common::root();
    common::record(&root, 1);
    common::record(&root, 1);
    Store::open(&root, "test").unwrap().compact(|_, _| ()).unwrap();
    let before = frames(&root);
    let parts = Catalog::load(&root).unwrap().parts;
    std::fs::write(root.catalog_path(), b"{\"generation\": 7, \"par").unwrap();
    let (catalog, message) = Catalog::load_reporting(&root).unwrap();
    let message = message.unwrap();
    assert!(message.contains("files.json is damaged") && message.contains("files.copy.json"), "{message}");
    assert_eq!(catalog.parts, parts);
    std::fs::write(root.catalog_copy_path(), b"").unwrap();
    assert_eq!(frames(&root), before, "the parts themselves say it");
    drop(Store::open(&root, "test").unwrap());
    let (catalog, message) = Catalog::load_reporting(&root).unwrap();
    assert_eq!((catalog.parts, message), (parts, None));
}

#[test]
fn a_catalog_made_anew_still_knows_what_was_imported() {
    let (folder, root) = common::root();
    let file = folder.path().join("game_20251030_120000.jsonl");
    let line = r#"{"type": "tick", "timestamp": "2025-10-30T12:00:00.000001", "game_id": "20251030-aaaaaaaaaaaaaaaa", "tick": 3, "price": 1.5, "phase": "ACTIVE_GAMEPLAY", "active": true, "rugged": false, "cooldown_timer": 0, "trade_count": 4}"#;
    std::fs::write(&file, format!("{line}\n")).unwrap();
    let import = || {
        let options = replayer::legacy::import::Options { paths: vec![file.clone()], ..Default::default() };
        replayer::legacy::import::run(&root, &options, |_, _| ()).unwrap().files
    };
    assert_eq!(import().imported, 1);
    std::fs::write(root.catalog_path(), b"not a catalog").unwrap();
    Catalog::rebuild(&root).unwrap().0.save(&root).unwrap();
    let again = import();
    assert_eq!((again.imported, again.already_imported), (0, 1));
}

#[test]
fn a_catalog_that_is_gone_is_not_an_empty_store() {
    let (_folder, root) = common::root();
    common::record(&root, 1);
    let before = frames(&root);
    std::fs::remove_file(root.catalog_path()).unwrap();
    let message = Catalog::load_reporting(&root).unwrap().1.unwrap();
    assert!(message.contains("files.json is gone") && message.contains("files.copy.json"), "{message}");
    assert_eq!(frames(&root), before);
    drop(Store::open(&root, "test").unwrap());
    assert!(root.catalog_path().exists(), "the writer has made it again");
    assert_eq!(frames(&root), before);
}

#[test]
fn a_row_that_stands_in_two_parts_is_found() {
    let (_folder, root) = common::root();
    common::record(&root, 1);
    let mut catalog = Catalog::load(&root).unwrap();
    let mut twin = catalog.parts[0].clone();
    twin.path = twin.path.replace("part-", "part-twin-");
    std::fs::copy(root.path().join(&catalog.parts[0].path), root.path().join(&twin.path)).unwrap();
    catalog.parts.push(twin);
    catalog.save(&root).unwrap();
    let verified = verify::verify(&root, |_, _| ()).unwrap();
    let twice: Vec<_> =
        verified.problems.iter().filter(|problem| problem.problem.contains("in another part")).collect();
    assert_eq!(twice.len(), 1, "{:?}", verified.problems);
}

#[test]
fn a_truncated_part_is_found_and_the_others_are_read() {
    let (_folder, root) = common::root();
    common::record(&root, 1);
    let catalog = Catalog::load(&root).unwrap();
    let path = root.path().join(&catalog.parts[0].path);
    let length = std::fs::metadata(&path).unwrap().len();
    std::fs::OpenOptions::new().write(true).open(&path).unwrap().set_len(length / 2).unwrap();
    let verified = verify::verify(&root, |_, _| ()).unwrap();
    assert!(
        verified.problems.iter().any(|problem| problem.about == catalog.parts[0].path),
        "{:?}",
        verified.problems
    );
    assert_eq!(verified.parts, catalog.parts.len() - 1);
}

#[test]
fn a_root_that_cannot_be_created_says_so() {
    let file = tempfile::NamedTempFile::new().unwrap();
    let error = DataRoot::create(file.path().join("root")).unwrap_err().to_string();
    assert!(error.contains("create the data root"), "{error}");
    assert!(DataRoot::open("/nowhere/at/all").is_err());
}

/// A full disk, for real: a tmpfs of 4 MiB.
#[test]
fn a_full_disk_refuses_the_frame_and_keeps_the_others() {
    let folder = tempfile::tempdir().unwrap();
    let Some(_disk) = needs::small_disk(folder.path(), "4m") else { return };
    fill_the_disk(folder.path());
}

fn fill_the_disk(folder: &std::path::Path) {
    let root = DataRoot::create(folder.join("root")).unwrap();
    let store = Arc::new(Store::open(&root, "test").unwrap());
    let recorder = Recorder::start(store.clone(), RecorderOptions::new("test")).unwrap();
    let text = format!("42[\"x\",\"{}\"]", "y".repeat(100_000));
    let frame = Record::frame(1, Source::PublicWs, Direction::Received, &text);
    let ballast = folder.join("root/exports/ballast");
    std::fs::write(&ballast, vec![0; 1 << 20]).unwrap();
    let mut stored = 0;
    let mut fill = || loop {
        match recorder.append(&frame) {
            Ok(_) => stored += 1,
            Err(error) => break (error, stored),
        }
    };
    let (error, before) = fill();
    assert!(error.is_disk_full(), "{error}");
    assert!(error.to_string().contains("free space"), "{error}");
    assert_eq!(frames(&root).len(), before);
    // With space again, recording goes on behind the last whole frame.
    std::fs::remove_file(&ballast).unwrap();
    let (_, stored) = fill();
    assert!(stored > before);
    assert_eq!(frames(&root).len(), stored);
    // There is no room for a part either: closing says where the frames are, and they are still there.
    let _ = std::fs::write(&ballast, vec![0; 64 << 10]);
    let _ = recorder.close();
    assert_eq!(frames(&root).len(), stored);
    drop(recorder);
    drop(store);
    let _ = std::fs::remove_file(&ballast);
    let _ = Store::open(&root, "test");
    assert_eq!(frames(&root).len(), stored);
}
