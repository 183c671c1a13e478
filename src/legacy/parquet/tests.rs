//! Rows of Parquet files.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

use std::sync::Arc;

use arrow::array::{ArrayRef, Int64Array, TimestampNanosecondArray};
use parquet::arrow::ArrowWriter;

use super::*;
use crate::testing::{Fixture, raw};
use replayer_store::schema::DocType;

/// A file as the older store wrote it: naive nanoseconds, text columns.
fn older(doc_types: [&str; 2]) -> Vec<u8> {
    let columns: Vec<(&str, ArrayRef)> = vec![
        (
            "ts",
            Arc::new(TimestampNanosecondArray::from(vec![1_765_577_802_974_000_000, 1_765_577_803_974_000_000])),
        ),
        ("source", Arc::new(StringArray::from(vec!["cdp", "public_ws"]))),
        ("doc_type", Arc::new(StringArray::from(doc_types.to_vec()))),
        ("session_id", Arc::new(StringArray::from(vec!["s", "s"]))),
        ("seq", Arc::new(Int64Array::from(vec![1, 2]))),
        ("direction", Arc::new(StringArray::from(vec!["received", "sent"]))),
        ("raw_json", Arc::new(StringArray::from(vec![r#"{"a": 1.50}"#, r#"42["y",{}]"#]))),
        ("event_name", Arc::new(StringArray::from(vec![Some("x"), None]))),
    ];
    let batch = RecordBatch::try_from_iter(columns).unwrap();
    let mut bytes = Vec::new();
    let mut writer = ArrowWriter::try_new(&mut bytes, batch.schema(), None).unwrap();
    writer.write(&batch).unwrap();
    writer.close().unwrap();
    bytes
}

#[test]
fn frames_of_the_older_store_keep_text_time_source_and_direction() {
    let fixture = Fixture::new();
    let report = fixture.import_content("part.parquet", older(["ws_event", "ws_event"]));
    assert_eq!((report.totals.lines, report.totals.rows), (2, 2));
    assert_eq!((report.events["x"], report.events["y"]), (1, 1));
    let column = |name| {
        let values = fixture.column(DocType::WsEvent, name);
        values.into_iter().map(Option::unwrap).collect::<Vec<_>>()
    };
    assert_eq!(column("raw_json"), [r#"{"a": 1.50}"#, r#"42["y",{}]"#]);
    assert_eq!(column("source"), ["cdp", "public_ws"]);
    assert_eq!(column("direction"), ["received", "sent"]);
    assert_eq!(column("format"), ["payload", "wire"]);
    assert_eq!(report.per_file[0].from.as_deref(), Some("2025-12-12T22:16:42.974Z"));
}

#[test]
fn projections_beside_frames_are_left_out_and_counted() {
    let report = Fixture::new().import_content("part.parquet", older(["ws_event", "game_tick"]));
    assert_eq!(report.totals.rows, 1);
    assert!(report.per_file[0].notes[0].starts_with("1 rows of other kinds"));
}

#[test]
fn a_file_of_projections_is_skipped_with_a_reason() {
    let report = Fixture::new().import_content("part.parquet", older(["game_tick", "game_tick"]));
    assert_eq!(report.per_file[0].status, Status::Skipped);
    assert!(report.per_file[0].reason.as_ref().unwrap().contains("ws_event"));
}

#[test]
fn a_damaged_file_fails_alone() {
    let fixture = Fixture::new();
    fixture.file("a.parquet", b"PAR1 and then nothing");
    fixture.file("b.jsonl", raw(1, "x", "{}"));
    let report = fixture.import(&fixture.files());
    assert_eq!((report.files.failed, report.files.imported), (1, 1));
}

#[test]
fn our_own_parts_are_taken_apart_again() {
    let fixture = Fixture::new();
    let line = raw(1, "x", "{}");
    fixture.import_content("a.jsonl", &line);
    let copy = Fixture::new();
    let report = copy.import(&fixture.root.path().join("events_parquet"));
    assert_eq!(report.totals.rows, 1);
    assert_eq!(copy.column(DocType::WsEvent, "format"), [Some("raw_capture".to_owned())]);
    assert_eq!(copy.column(DocType::WsEvent, "raw_json"), [Some(line)]);
}
