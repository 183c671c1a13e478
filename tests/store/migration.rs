//! A 0.9 store (the Python one: payloads only, decimals as text, sessions named freely) taken into this layout.

use std::sync::Arc;

use arrow::array::{ArrayRef, AsArray, Int64Array, RecordBatch, StringArray, TimestampMillisecondArray};
use arrow::datatypes::{Float64Type, Int64Type, TimestampMicrosecondType};
use parquet::arrow::ArrowWriter;
use replayer::store::root::DataRoot;
use replayer::store::scan::{ScanFilter, scan};
use replayer::store::schema::DocType;
use replayer::store::{Store, verify};

use crate::common;

fn text(values: &[Option<&str>]) -> ArrayRef {
    Arc::new(StringArray::from(values.to_vec()))
}

/// Writes a part as the older store did: `part-….parquet` in the same folders, no metadata of ours.
fn write_old_part(root: &DataRoot, doc_type: &str, own: Vec<(&str, ArrayRef)>) -> std::path::PathBuf {
    let folder = root.parts_dir().join(format!("doc_type={doc_type}/date=2025-12-20"));
    std::fs::create_dir_all(&folder).unwrap();
    let mut columns: Vec<(&str, ArrayRef)> = vec![
        ("ts", Arc::new(TimestampMillisecondArray::from(vec![1_766_188_800_123, 1_766_188_800_373]))),
        ("source", text(&[Some("public_ws"); 2])),
        ("doc_type", text(&[Some(doc_type); 2])),
        ("session_id", text(&[Some("session-abc"); 2])),
        ("seq", Arc::new(Int64Array::from(vec![1, 2]))),
        ("direction", text(&[Some("received"); 2])),
        ("raw_json", text(&[Some(r#"{"price": 1.5}"#), Some(r#"{"price": 1.6}"#)])),
        ("game_id", text(&[Some("20251220-sim"), None])),
    ];
    columns.extend(own);
    let batch = RecordBatch::try_from_iter(columns).unwrap();
    let path = folder.join("part-0123.parquet");
    let mut writer = ArrowWriter::try_new(std::fs::File::create(&path).unwrap(), batch.schema(), None).unwrap();
    writer.write(&batch).unwrap();
    writer.close().unwrap();
    path
}

#[test]
fn an_older_store_is_taken_in_row_by_row_and_its_files_stay() {
    let (_folder, root) = common::root();
    let events = write_old_part(&root, "ws_event", vec![("event_name", text(&[Some("gameStateUpdate"); 2]))]);
    write_old_part(
        &root,
        "game_tick",
        vec![
            ("tick", Arc::new(Int64Array::from(vec![7, 8]))),
            ("price", text(&[Some("1.0200000000000000177"), Some("no number")])),
        ],
    );
    let store = Store::open(&root, "test").unwrap();
    assert!(events.exists(), "opening the store does not touch foreign files");
    let counted = store.migrate(true).unwrap();
    let migrated = store.migrate(false).unwrap();
    assert_eq!(counted, migrated, "the dry run says what will happen");
    assert_eq!((migrated.files, migrated.rows["ws_event"], migrated.rows["game_tick"]), (2, 2, 2));
    assert!(events.with_extension("parquet.migrated").exists());

    let rows: Vec<_> =
        scan(&root, DocType::GameTick, &ScanFilter::default()).unwrap().map(Result::unwrap).collect();
    let batch = &rows[0];
    let column = |name: &str| batch.column_by_name(name).unwrap();
    assert_eq!(column("ts").as_primitive::<TimestampMicrosecondType>().value(1), 1_766_188_800_373_000);
    assert_eq!(column("tick").as_primitive::<Int64Type>().value(0), 7);
    let prices = column("price").as_primitive::<Float64Type>();
    assert_eq!(prices.value(0).to_bits(), 1.02_f64.to_bits());
    assert!(column("price").is_null(1), "a price that is no number is NULL");
    assert!(column("game_id").is_null(1));

    let rows: Vec<_> =
        scan(&root, DocType::WsEvent, &ScanFilter::default()).unwrap().map(Result::unwrap).collect();
    let texts = rows[0].column_by_name("raw_json").unwrap().as_string::<i32>();
    assert_eq!(texts.value(0), r#"{"price": 1.5}"#);
    let formats = rows[0].column_by_name("format").unwrap().as_string::<i32>();
    assert_eq!(formats.value(0), "payload");
    let verified = verify::verify(&root, |_, _| ()).unwrap();
    assert!(verified.problems.is_empty(), "{:?}", verified.problems);
    assert_eq!(store.migrate(false).unwrap().files, 0, "a second time there is nothing to do");
}

#[test]
fn a_migration_that_ended_before_it_renamed_the_old_file_is_not_done_twice() {
    let (_folder, root) = common::root();
    let events = write_old_part(&root, "ws_event", vec![("event_name", text(&[Some("gameStateUpdate"); 2]))]);
    let store = Store::open(&root, "test").unwrap();
    store.migrate(false).unwrap();
    drop(store);
    std::fs::rename(events.with_extension("parquet.migrated"), &events).unwrap();
    let store = Store::open(&root, "test").unwrap();
    assert!(!events.exists(), "it was put away");
    assert_eq!(store.migrate(false).unwrap().files, 0);
    let rows: usize = scan(&root, DocType::WsEvent, &ScanFilter::default())
        .unwrap()
        .map(|batch| batch.unwrap().num_rows())
        .sum();
    assert_eq!(rows, 2);
}

#[test]
fn a_migration_that_ended_before_the_catalog_leaves_the_old_file_for_the_next_one() {
    let (_folder, root) = common::root();
    let events = write_old_part(&root, "ws_event", vec![("event_name", text(&[Some("gameStateUpdate"); 2]))]);
    let before = std::fs::read(&events).unwrap();
    // The catalog cannot be replaced: its temporary file is a folder.
    let temporary = root.catalog_path().with_extension(format!("tmp-{}", std::process::id()));
    let store = Store::open(&root, "test").unwrap();
    std::fs::create_dir(&temporary).unwrap();
    store.migrate(false).unwrap_err();
    drop(store);
    assert_eq!(std::fs::read(&events).unwrap(), before);
    std::fs::remove_dir(&temporary).unwrap();
    let store = Store::open(&root, "test").unwrap();
    assert_eq!(store.migrate(false).unwrap().rows["ws_event"], 2);
    let verified = verify::verify(&root, |_, _| ()).unwrap();
    assert!(verified.problems.is_empty(), "{:?}", verified.problems);
}
