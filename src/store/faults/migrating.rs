//! Migrating an older store.

use std::sync::Arc;

use arrow::array::{ArrayRef, Int64Array, RecordBatch, StringArray, TimestampMicrosecondArray};
use parquet::arrow::ArrowWriter;

use super::*;

/// Writes a part as the older store did.
fn write_older(root: &DataRoot, doc_type: &str, texts: [&str; 2]) {
    let folder = root.parts_dir().join(format!("doc_type={doc_type}/date=2025-12-20"));
    fs::create_dir_all(&folder).unwrap();
    let text = |values: [&str; 2]| -> ArrayRef { Arc::new(StringArray::from(values.to_vec())) };
    let times = TimestampMicrosecondArray::from(vec![1_766_188_800_123_000, 1_766_188_800_373_000]);
    let columns: [(&str, ArrayRef); 5] = [
        ("ts", Arc::new(times.with_timezone("UTC"))),
        ("doc_type", text([doc_type; 2])),
        ("session_id", text(["older"; 2])),
        ("seq", Arc::new(Int64Array::from(vec![1, 2]))),
        ("raw_json", text(texts)),
    ];
    let batch = RecordBatch::try_from_iter(columns).unwrap();
    let file = fs::File::create(folder.join("part-0123.parquet")).unwrap();
    let mut writer = ArrowWriter::try_new(file, batch.schema(), None).unwrap();
    writer.write(&batch).unwrap();
    writer.close().unwrap();
}

fn assert_migrated(root: &DataRoot, expected: &[(DocType, String, i64, String)]) {
    assert_eq!(all(root), expected);
    assert_in_order(root);
}

#[test]
fn migrating_survives_every_fault() {
    let (_folder, template) = root();
    record(&template, 1..=2);
    let before = all(&template);
    write_older(&template, "ws_event", ["{\"a\":1}", "{\"a\":2}"]);
    write_older(&template, "game_tick", ["{\"price\":1}", "{\"price\":2}"]);
    let expected = {
        let (_folder, root) = crashed(&template);
        assert_eq!(Store::open(&root, "test").unwrap().migrate(false).unwrap().files, 2);
        all(&root)
    };
    every_operation_fails_once("migrate", &template, |run| {
        let store = Store::open(run.root, "test").unwrap();
        run.start();
        let migrated = store.migrate(false);
        if let Err(error) = &migrated {
            assert_helps(error, run.root);
        }
        let found = run.reading(all);
        assert!(found == expected || (migrated.is_err() && found == before), "all or nothing: {migrated:?}");
        run.crashing(|root| {
            Store::open(root, "test").unwrap().migrate(false).unwrap();
            assert_migrated(root, &expected);
        });
        run.disk.mend();
        store.migrate(false).unwrap();
        assert_migrated(run.root, &expected);
        assert_eq!(store.migrate(false).unwrap().files, 0);
        drop(store);
        assert_eq!(Store::open(run.root, "test").unwrap().migrate(false).unwrap().files, 0);
        assert_migrated(run.root, &expected);
    });
}
