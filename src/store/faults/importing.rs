//! Importing.

use super::*;
use crate::import::{FileCounts, ImportedFile};

const FRAMES: u64 = 3;

/// Imports a file, unless it is imported already.
fn import(store: &Store) -> Result<(), StoreError> {
    let sha256 = "5a".repeat(32);
    let mut batch = store.import_batch()?;
    if batch.known().iter().any(|known| known.sha256 == sha256) {
        return Ok(());
    }
    batch.begin(ImportedFile { name: "file.jsonl".into(), format: "wire".into(), sha256, bytes: 1 })?;
    for number in 1..=FRAMES {
        batch.push(&frame(&tick(100 + number)))?;
    }
    batch.end(FileCounts { lines: FRAMES, rows: FRAMES, ..FileCounts::default() })?;
    batch.commit().map(drop)
}

/// All rows without their session, whose id is a new one each time.
fn imported(root: &DataRoot) -> Vec<(DocType, i64, String)> {
    let mut rows: Vec<_> = all(root).into_iter().map(|(doc_type, _, seq, text)| (doc_type, seq, text)).collect();
    rows.sort();
    rows
}

#[test]
fn importing_survives_every_fault() {
    let (_folder, template) = root();
    record(&template, 1..=2);
    let before = imported(&template);
    let expected = {
        let (_folder, root) = crashed(&template);
        import(&Store::open(&root, "test").unwrap()).unwrap();
        imported(&root)
    };
    every_operation_fails_once("import", &template, |run| {
        let store = Store::open(run.root, "test").unwrap();
        run.start();
        let done = import(&store);
        if let Err(error) = &done {
            assert_helps(error, run.root);
        }
        let found = run.reading(imported);
        assert!(found == expected || (done.is_err() && found == before), "all or nothing: {done:?}");
        let again = |root: &DataRoot| {
            import(&Store::open(root, "test").unwrap()).unwrap();
            assert_in_order(root);
            imported(root)
        };
        run.assert_after_a_crash(again, &expected);
        run.disk.mend();
        import(&store).unwrap();
        assert_eq!(imported(run.root), expected);
        drop(store);
        restart(run.root);
        assert_eq!(imported(run.root), expected);
        assert_in_order(run.root);
    });
}

#[test]
fn an_import_that_the_disk_did_not_take_all_of_is_not_committed() {
    let (_folder, root) = root();
    let store = Store::open(&root, "test").unwrap();
    let mut batch = store.import_batch().unwrap();
    let file =
        ImportedFile { name: "file.jsonl".into(), format: "wire".into(), sha256: "5a".repeat(32), bytes: 1 };
    batch.begin(file).unwrap();
    batch.push(&frame(&tick(1))).unwrap();
    let disk = Disk::under(root.path());
    disk.fail(1, Fault::Full);
    batch.push(&Record { ts: Some(NOON_US + 86_400_000_000), ..frame(&tick(2)) }).unwrap_err();
    disk.mend();
    batch.end(FileCounts::default()).unwrap();
    let error = batch.commit().unwrap_err().to_string();
    assert!(error.contains("import again"), "{error}");
    assert_eq!(all(&root), []);
    assert_in_order(&root);
}
