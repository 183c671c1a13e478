#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

use super::*;
use arrow::array::{Float64Builder, Int64Array, ListBuilder, StringArray};
use arrow::datatypes::{DataType, Field, Schema};
use arrow::record_batch::RecordBatch;
use sha2::{Digest, Sha256};

fn args(value: Value) -> Args {
    serde_json::from_value(value).unwrap()
}

fn batch() -> RecordBatch {
    let mut prices = ListBuilder::new(Float64Builder::new());
    prices.append_value([Some(1.0), Some(1.02)]);
    prices.append_null();
    let prices = prices.finish();
    let schema = Schema::new(vec![
        Field::new("game_id", DataType::Utf8, true),
        Field::new("ticks", DataType::Int64, true),
        Field::new("prices", arrow::array::Array::data_type(&prices).clone(), true),
    ]);
    let columns: Vec<arrow::array::ArrayRef> = vec![
        Arc::new(StringArray::from(vec![Some("g,1"), None])),
        Arc::new(Int64Array::from(vec![Some(2), Some(3)])),
        Arc::new(prices),
    ];
    RecordBatch::try_new(Arc::new(schema), columns).unwrap()
}

fn encode(format: Format, batches: &[RecordBatch]) -> (Vec<u8>, Written) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("data");
    let mut encoder = Encoder::create(&path, format, batch().schema()).unwrap();
    for batch in batches {
        encoder.write(batch).unwrap();
    }
    let written = encoder.finish().unwrap();
    (std::fs::read(path).unwrap(), written)
}

#[test]
fn what_is_written_is_what_was_counted_and_digested() {
    for format in [Format::Jsonl, Format::Csv, Format::Parquet] {
        let (bytes, written) = encode(format, &[batch(), batch()]);
        assert_eq!((written.rows, written.bytes), (4, bytes.len() as u64), "{format:?}");
        let digest: String = Sha256::digest(&bytes).iter().map(|byte| format!("{byte:02x}")).collect();
        assert_eq!(written.sha256, digest, "{format:?}");
    }
}

#[test]
fn jsonl_leaves_null_out() {
    let (bytes, _) = encode(Format::Jsonl, &[batch()]);
    let lines: Vec<Value> =
        String::from_utf8(bytes).unwrap().lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert_eq!(lines, [json!({"game_id": "g,1", "ticks": 2, "prices": [1.0, 1.02]}), json!({"ticks": 3})]);
}

#[test]
fn csv_quotes_prints_lists_and_has_a_header_when_empty() {
    let (bytes, _) = encode(Format::Csv, &[batch()]);
    assert_eq!(String::from_utf8(bytes).unwrap(), "game_id,ticks,prices\n\"g,1\",2,\"[1.0, 1.02]\"\n,3,\n");
    let (bytes, _) = encode(Format::Csv, &[]);
    assert_eq!(String::from_utf8(bytes).unwrap(), "game_id,ticks,prices\n");
}

#[test]
fn a_dataset_becomes_a_query_with_bound_filters() {
    let plan = Plan::read(&args(json!({
        "format": "csv", "dataset": "ws_event", "game_id": "x' --", "from": "2026-02-01T00:00:00Z",
    })))
    .unwrap();
    assert_eq!(plan.sql, "SELECT * FROM ws_event WHERE game_id = $1 AND ts >= CAST($2 AS TIMESTAMPTZ)");
    assert_eq!(plan.params, [json!("x' --"), json!("2026-02-01T00:00:00Z")]);
    assert_eq!(plan.name, "ws_event");
}

#[test]
fn a_view_without_ts_is_filtered_by_its_beginning() {
    let plan = Plan::read(&args(json!({"format": "csv", "dataset": "games", "until": "2026-02-01"}))).unwrap();
    assert_eq!(plan.sql, "SELECT * FROM games WHERE first_ts < CAST($1 AS TIMESTAMPTZ)");
}

#[test]
fn bad_arguments_name_the_way_out() {
    for (bad, says) in [
        (json!({"format": "csv"}), "exactly one of dataset and sql"),
        (json!({"format": "csv", "dataset": "games", "sql": "SELECT 1"}), "exactly one of dataset and sql"),
        (json!({"format": "csv", "dataset": "gmaes"}), r#""dataset": "games""#),
        (json!({"format": "csv", "dataset": "/etc/passwd"}), "There is no dataset"),
        (json!({"format": "csv", "sql": "SELECT 1", "game_id": "g"}), "filters go with dataset"),
        (json!({"format": "csv", "dataset": "games", "event_name": "x"}), "has no column event_name"),
        (json!({"format": "csv", "dataset": "game_tick", "from": "yesterday"}), "which is no time"),
        (json!({"format": "csv", "dataset": "games", "name": "../../x"}), r#""name": "x""#),
        (json!({"format": "csv", "dataset": "games", "name": ""}), r#""name": "export""#),
    ] {
        let text = Plan::read(&args(bad)).unwrap_err().to_string();
        assert!(text.contains(says) && text.contains("next: export_dataset"), "{text}");
    }
}

#[test]
fn an_export_is_there_whole_or_not_at_all() {
    let folder = tempfile::tempdir().unwrap();
    let dropped = Making::begin(folder.path()).unwrap();
    std::fs::write(dropped.path("data.csv"), "x").unwrap();
    drop(dropped);
    assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 0);

    let first = Making::begin(folder.path()).unwrap().publish("t-name", &json!({"rows": 1})).unwrap();
    let second = Making::begin(folder.path()).unwrap().publish("t-name", &json!({"rows": 2})).unwrap();
    assert_eq!(first, folder.path().join("t-name"));
    assert_eq!(second, folder.path().join("t-name-2"));
    assert!(std::fs::read_to_string(first.join("manifest.json")).unwrap().contains("\"rows\": 1"));
    assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 2);
}
