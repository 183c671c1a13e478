//! Files against the store.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

use std::sync::Arc;

use super::*;
use crate::testing::{Fixture, options, raw, tick};
use replayer_store::Store;
use replayer_store::record::{Direction, Record, Source};
use replayer_store::recorder::{Recorder, RecorderOptions};

fn compare(fixture: &Fixture) -> Comparison {
    run(&fixture.root, &options(&fixture.files())).unwrap()
}

/// A live recording of one frame of `x` at each of these times.
fn record(fixture: &Fixture, times: &[&str]) {
    let store = Arc::new(Store::open(&fixture.root, "a test").unwrap());
    let recorder = Recorder::start(store, RecorderOptions::new("test")).unwrap();
    for time in times {
        let at = time.parse::<jiff::Timestamp>().unwrap().as_microsecond();
        let frame = Record::frame(at, Source::PublicWs, Direction::Received, r#"42["x",{}]"#);
        recorder.append(&frame).unwrap();
    }
    recorder.close().unwrap();
}

fn row<'c>(comparison: &'c Comparison, event: &str) -> (u64, u64, i64) {
    let row: &'c Row = comparison.events.iter().find(|row| row.event == event).unwrap();
    (row.in_files, row.in_store, row.difference)
}

#[test]
fn imported_files_are_equal_to_their_sessions() {
    let fixture = Fixture::new();
    fixture.file("a.jsonl", [raw(1, "connect", "null"), raw(2, "x", "{}")].join("\n"));
    fixture.file("b.jsonl", format!("{}\n{}{}\n# note\n", tick(1), &tick(2)[..40], tick(3)));
    fixture.import(&fixture.files());
    let comparison = compare(&fixture);
    assert!(comparison.equal, "{comparison:?}");
    assert_eq!((comparison.files_by_session, comparison.files_by_time), (2, 0));
    assert_eq!((row(&comparison, "tick"), row(&comparison, "x")), ((2, 2, 0), (1, 1, 0)));
}

#[test]
fn other_sessions_do_not_count() {
    let fixture = Fixture::new();
    let path = fixture.file("a.jsonl", tick(1));
    fixture.import_content("b.jsonl", tick(2));
    fixture.import(&path);
    let comparison = run(&fixture.root, &options(&path)).unwrap();
    assert!(comparison.equal, "{comparison:?}");
}

#[test]
fn a_grown_file_is_compared_with_all_sessions_that_hold_it() {
    let fixture = Fixture::new();
    fixture.import_content("a.jsonl", format!("{}\n", tick(1)));
    fixture.import_content("a.jsonl", format!("{}\n{}\n", tick(1), tick(2)));
    let comparison = compare(&fixture);
    assert_eq!((comparison.equal, row(&comparison, "tick")), (true, (2, 2, 0)));
}

#[test]
fn a_file_that_was_not_imported_is_compared_with_what_was_recorded_in_its_time() {
    let fixture = Fixture::new();
    record(
        &fixture,
        &["2025-12-12T22:00:00Z", "2025-12-12T22:00:01.5Z", "2025-12-12T22:00:02.5Z", "2025-12-12T22:05:00Z"],
    );
    // 17:00 in New York is 22:00 UTC: two of the four frames lie in the file's time.
    fixture.file("a.jsonl", [raw(1, "x", "{}"), raw(2, "x", "{}")].join("\n"));
    let comparison = compare(&fixture);
    assert_eq!((comparison.equal, row(&comparison, "x")), (true, (2, 2, 0)));
    assert_eq!((comparison.files_by_session, comparison.files_by_time), (0, 1));
    assert_eq!(comparison.from.as_deref(), Some("2025-12-12T22:00:01.5Z"));
}

#[test]
fn what_the_new_recorder_missed_is_a_difference() {
    let fixture = Fixture::new();
    record(&fixture, &["2025-12-12T22:00:01.5Z"]);
    fixture.file("a.jsonl", [raw(1, "x", "{}"), raw(2, "x", "{}")].join("\n"));
    let comparison = compare(&fixture);
    assert_eq!((comparison.equal, row(&comparison, "x")), (false, (2, 1, -1)));
}

#[test]
fn other_imports_of_the_same_time_do_not_count_as_recorded() {
    let fixture = Fixture::new();
    fixture.import_content("b.jsonl", raw(1, "x", r#"{"b": 1}"#));
    let path = fixture.file("a.jsonl", raw(1, "x", "{}"));
    let comparison = run(&fixture.root, &options(&path)).unwrap();
    assert_eq!((comparison.equal, row(&comparison, "x")), (false, (1, 0, -1)));
}

#[test]
fn files_that_are_no_captures_are_named_and_left_out() {
    let fixture = Fixture::new();
    fixture.file("README.md", "# Notes");
    let comparison = compare(&fixture);
    assert_eq!((comparison.equal, comparison.left_out.len()), (true, 1));
}

#[test]
fn comparing_writes_nothing() {
    let fixture = Fixture::new();
    fixture.file("a.jsonl", tick(1));
    let comparison = compare(&fixture);
    assert_eq!((comparison.equal, row(&comparison, "tick")), (false, (1, 0, -1)));
    assert!(fixture.rows().is_empty());
}

#[test]
fn real_data_is_equal_to_its_import() {
    let Some(data) = crate::real_captures::folder() else { return };
    let fixture = Fixture::new();
    fixture.import(&data);
    let comparison = run(&fixture.root, &options(&data)).unwrap();
    assert!(comparison.equal, "{:?}", comparison.events);
    assert_eq!(row(&comparison, "tick").0, 98_760 + 265);
}
