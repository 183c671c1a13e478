//! What an import stores, counts and refuses.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

use super::*;
use crate::ingest::{COMMENT, DAMAGED, REJECTED};
use crate::testing::{Fixture, options, raw, tick};
use replayer_store::StoreError;
use replayer_store::schema::DocType;

fn texts(values: &[Option<String>]) -> Vec<&str> {
    values.iter().map(|value| value.as_deref().unwrap_or("NULL")).collect()
}

#[test]
fn each_line_is_stored_byte_for_byte() {
    let fixture = Fixture::new();
    // Odd spacing and a number's odd spelling must survive.
    let lines = [raw(1, "connect", "null"), raw(2, "x", r#"{ "a" :1.50e0}"#)];
    let report = fixture.import_content("a.jsonl", lines.join("\n"));
    assert_eq!(report.per_file[0].status, Status::Imported);
    assert_eq!(texts(&fixture.column(DocType::WsEvent, "raw_json")), lines);
    assert_eq!(texts(&fixture.column(DocType::WsEvent, "format")), ["raw_capture"; 2]);
    let second = (lines[0].len() + 1).to_string();
    assert_eq!(texts(&fixture.column(DocType::WsEvent, "import_offset")), ["0", second.as_str()]);
}

#[test]
fn r13_a_raw_capture_is_counted_by_name_and_numbered_from_one() {
    let fixture = Fixture::new();
    let lines = [raw(1, "connect", "null"), raw(2, "x", "{}"), raw(3, "x", "{}")];
    let report = fixture.import_content("a.jsonl", lines.join("\n"));
    let file = &report.per_file[0];
    assert_eq!((file.events["connect"], file.events["x"]), (1, 2));
    assert_eq!(file.from.as_deref(), Some("2025-12-12T22:00:01.5Z"));
    assert_eq!(file.to.as_deref(), Some("2025-12-12T22:00:03.5Z"));
    assert_eq!(texts(&fixture.column(DocType::WsEvent, "seq")), ["1", "2", "3"]);
}

#[test]
fn r10_markers_of_a_recording_are_no_ticks() {
    let fixture = Fixture::new();
    let start = r#"{"type": "game_start", "timestamp": "2025-10-30T10:00:00", "game_id": "g"}"#;
    fixture.import_content("a.jsonl", format!("{start}\n{}\n{}\n", tick(1), tick(2)));
    assert_eq!(fixture.rows(), [("game_tick", 2), ("system_event", 1)].into());
}

#[test]
fn k7_k16_a_bad_line_costs_only_itself_and_is_kept_with_its_number() {
    let fixture = Fixture::new();
    let report =
        fixture.import_content("a.jsonl", format!("{}\n- a note\n{}\n", raw(1, "x", "{}"), raw(2, "x", "{}")));
    let file = &report.per_file[0];
    assert_eq!((file.counts.lines, file.counts.rows, file.counts.rejected), (3, 2, 1));
    assert_eq!((file.rejections[0].line, file.rejections[0].reason.as_str()), (2, "not JSON: hand-written note"));
    assert_eq!(texts(&fixture.column(DocType::SystemEvent, "event_type")), [REJECTED]);
    let details = fixture.column(DocType::SystemEvent, "details").remove(0).unwrap();
    let details: serde_json::Value = serde_json::from_str(&details).unwrap();
    assert_eq!(
        (&details["text"], &details["line"], &details["file"]),
        (&"- a note".into(), &2.into(), &"a.jsonl".into())
    );
}

#[test]
fn blank_lines_and_comments_are_no_rejections() {
    let fixture = Fixture::new();
    let text = format!(
        "\u{FEFF}# session 1\r\n\r\n{}\r\n// between\r\n \r\n{}\r\n\r\n",
        raw(1, "x", "{}"),
        raw(2, "x", "{}")
    );
    let report = fixture.import_content("a.txt", text);
    let counts = report.totals;
    assert_eq!((counts.lines, counts.rows, counts.rejected, counts.comments), (2, 2, 0, 5));
    assert!(report.is_whole());
    assert_eq!(texts(&fixture.column(DocType::SystemEvent, "event_type")), [COMMENT; 2]);
}

#[test]
fn a_rejected_line_is_dated_by_the_record_before_it() {
    let fixture = Fixture::new();
    fixture.import_content("a.jsonl", format!("{}\n- a note\n", raw(1, "x", "{}")));
    assert_eq!(fixture.column(DocType::SystemEvent, "ts"), fixture.column(DocType::WsEvent, "ts"));
}

#[test]
fn whole_objects_in_a_damaged_line_become_rows_and_the_line_is_kept() {
    let fixture = Fixture::new();
    let damaged = format!("{}{}{}", &tick(1)[..90], tick(2), tick(3));
    let report = fixture.import_content("a.jsonl", format!("{}\n{damaged}\n", tick(0)));
    let counts = report.totals;
    assert_eq!((counts.lines, counts.rows, counts.extra_rows, counts.rejected, counts.damaged), (2, 2, 1, 0, 1));
    assert_eq!(texts(&fixture.column(DocType::GameTick, "raw_json")), [tick(0), tick(2), tick(3)]);
    assert_eq!(texts(&fixture.column(DocType::SystemEvent, "event_type")), [DAMAGED]);
    let details = fixture.column(DocType::SystemEvent, "details").remove(0).unwrap();
    assert!(details.contains("2 whole objects, and 90 bytes of fragments"), "{details}");
}

#[test]
fn bytes_that_are_no_utf8_are_kept_in_hexadecimal() {
    let fixture = Fixture::new();
    let mut content = raw(1, "x", "{}").into_bytes();
    content.extend_from_slice(b"\nab\xFFcd\n");
    let report = fixture.import_content("a.jsonl", content);
    assert_eq!(report.per_file[0].rejections[0].reason, "invalid UTF-8 at byte 2");
    let details = fixture.column(DocType::SystemEvent, "details").remove(0).unwrap();
    assert!(details.contains(r#""hex":"6162ff6364""#), "{details}");
}

#[test]
fn a_payload_that_the_recorder_dropped_is_counted_as_lost() {
    let fixture = Fixture::new();
    let line = r#"{"seq": 1, "ts": "2025-12-15T05:00:00+00:00", "event": "x", "data": {"__trace": true, "traceparent": "00-1-2-01"}, "source": "cdp_intercept", "direction": "sent"}"#;
    let report = fixture.import_content("a_cdp.jsonl", line);
    assert_eq!(report.totals.payload_lost, 1);
    assert_eq!(texts(&fixture.column(DocType::WsEvent, "frame")), ["payload_lost"]);
}

#[test]
fn the_same_content_is_imported_once_under_whatever_name() {
    let fixture = Fixture::new();
    let first = fixture.import_content("a.jsonl", tick(1));
    let again = fixture.import_content("b.jsonl", tick(1));
    assert_eq!(again.per_file[0].status, Status::AlreadyImported);
    assert_eq!(again.per_file[0].session_id, first.per_file[0].session_id);
    assert!(again.per_file[0].reason.as_ref().unwrap().contains("a.jsonl"));
    assert_eq!(fixture.rows()["game_tick"], 1);
}

#[test]
fn the_same_content_twice_in_one_import_is_imported_once() {
    let fixture = Fixture::new();
    fixture.file("a.jsonl", tick(1));
    fixture.file("b.jsonl", tick(1));
    let report = fixture.import(&fixture.files());
    assert_eq!((report.files.imported, report.files.already_imported), (1, 1));
    assert_eq!(fixture.rows()["game_tick"], 1);
}

#[test]
fn of_a_file_that_has_grown_only_the_new_lines_are_imported() {
    let fixture = Fixture::new();
    fixture.import_content("a.jsonl", format!("{}\n{}\n", tick(1), tick(2)));
    let report = fixture.import_content("a.jsonl", format!("{}\n{}\n{}\nbad\n", tick(1), tick(2), tick(3)));
    let file = &report.per_file[0];
    assert_eq!((file.status, file.counts.lines, file.counts.rows), (Status::Grown, 2, 1));
    assert_eq!(file.rejections[0].line, 4);
    assert_eq!(file.rejections[0].offset, 3 * (tick(1).len() as u64 + 1));
    assert_eq!(texts(&fixture.column(DocType::GameTick, "tick")), ["1", "2", "3"]);
    let same = fixture.import_content("a.jsonl", format!("{}\n{}\n{}\nbad\n", tick(1), tick(2), tick(3)));
    assert_eq!(same.per_file[0].status, Status::AlreadyImported);
}

#[test]
fn a_last_line_that_only_lacked_its_ending_is_not_imported_twice() {
    let fixture = Fixture::new();
    fixture.import_content("a.jsonl", tick(1));
    let report = fixture.import_content("a.jsonl", format!("{}\n{}\n", tick(1), tick(2)));
    assert_eq!((report.per_file[0].status, report.totals.lines), (Status::Grown, 1));
    assert_eq!(texts(&fixture.column(DocType::GameTick, "tick")), ["1", "2"]);
}

#[test]
fn a_last_line_that_was_cut_is_read_again_from_its_beginning() {
    let fixture = Fixture::new();
    let whole = format!("{}\n{}\n", tick(1), tick(2));
    let cut = fixture.import_content("a.jsonl", &whole[..whole.len() - 30]);
    assert_eq!(cut.per_file[0].rejections[0].reason, "not JSON: cut at end of file");
    let report = fixture.import_content("a.jsonl", &whole);
    assert_eq!((report.per_file[0].status, report.totals.lines, report.totals.rows), (Status::Grown, 1, 1));
    assert!(report.per_file[0].reason.as_ref().unwrap().contains("cut"));
    assert_eq!(texts(&fixture.column(DocType::GameTick, "tick")), ["1", "2"]);
}

#[test]
fn a_dry_run_reports_the_same_and_writes_nothing() {
    let fixture = Fixture::new();
    fixture.file("a.jsonl", format!("{}\nbad\n", tick(1)));
    fixture.file("b.jsonl", format!("{}\nbad\n", tick(1)));
    let dry = dry_run(Some(&fixture.root), &options(&fixture.files())).unwrap();
    assert!(fixture.rows().is_empty());
    let real = fixture.import(&fixture.files());
    assert_eq!((dry.totals, dry.files), (real.totals, real.files));
    assert!(dry.dry_run && dry.per_file[0].session_id.is_none());
}

#[test]
fn a_dry_run_knows_what_was_imported() {
    let fixture = Fixture::new();
    let path = fixture.file("a.jsonl", tick(1));
    fixture.import(&path);
    let dry = dry_run(Some(&fixture.root), &options(&path)).unwrap();
    assert_eq!(dry.per_file[0].status, Status::AlreadyImported);
}

#[test]
fn empty_files_documents_and_strangers_are_told_apart() {
    let fixture = Fixture::new();
    for (name, content) in [
        ("a.jsonl", ""),
        ("b_events.json", r#"{"generated": "x", "source": "y", "total_events": 1, "event_types": {}}"#),
        ("c.md", "# Notes"),
        ("d.db", "SQLite format 3\0"),
        ("e.json", r#"{"name": "something else"}"#),
    ] {
        fixture.file(name, content);
    }
    let report = fixture.import(&fixture.files());
    let statuses: Vec<_> = report.per_file.iter().map(|file| file.status).collect();
    assert_eq!(statuses, [Status::Empty, Status::Imported, Status::Skipped, Status::Failed, Status::Skipped]);
    assert_eq!((report.totals.lines, report.totals.rows), (1, 1));
    assert_eq!(texts(&fixture.column(DocType::SystemEvent, "event_type")), ["imported_document"]);
}

#[test]
fn the_advised_export_of_a_database_can_be_imported() {
    let fixture = Fixture::new();
    let rows = r#"[{"ts":"2026-01-05T10:00:00.5","doc_type":"ws_event","direction":"received","event_name":"x","game_id":"g","data":null,"raw_json":"{\"a\":1}"}]"#;
    let report = fixture.import_content("events.json", rows);
    assert_eq!((report.totals.rows, report.events["x"]), (1, 1));
    assert_eq!(texts(&fixture.column(DocType::WsEvent, "event_name")), ["x"]);
    assert_eq!(report.per_file[0].from.as_deref(), Some("2026-01-05T10:00:00.5Z"));
}

#[test]
fn bare_payloads_are_stored_with_their_event_and_without_a_time() {
    let fixture = Fixture::new();
    let text =
        "[\n  {\n    \"gameId\": \"g\",\n    \"rugpool\": {}\n  },\n  {\"gameId\": \"h\", \"rugpool\": {}}\n]\n";
    let report = fixture.import_content("gameStatePlayerUpdate_schema_samples.json", text);
    assert_eq!((report.totals.lines, report.totals.rows, report.totals.without_time), (2, 2, 2));
    assert_eq!(texts(&fixture.column(DocType::WsEvent, "event_name")), ["gameStatePlayerUpdate"; 2]);
    assert_eq!(texts(&fixture.column(DocType::WsEvent, "ts")), ["NULL"; 2]);
    let raw = fixture.column(DocType::WsEvent, "raw_json");
    let offsets = fixture.column(DocType::WsEvent, "import_offset");
    for (raw, offset) in texts(&raw).into_iter().zip(texts(&offsets)) {
        let offset: usize = offset.parse().unwrap();
        assert_eq!(&text[offset..offset + raw.len()], raw);
    }
}

#[test]
fn a_browser_log_cut_at_its_end_gives_its_whole_entries() {
    let fixture = Fixture::new();
    let entry = r#"{"timestamp": 1766000000123, "iso": "x", "type": "OUTGOING", "event": "buyOrder", "args": [{"amount": 1}]}"#;
    let report = fixture.import_content("log.json", format!("[{entry}, {entry}, {{\"timestamp\": 17660"));
    assert_eq!((report.totals.lines, report.totals.rows, report.totals.rejected), (3, 2, 1));
    assert_eq!(report.per_file[0].rejections[0].reason, "not JSON: cut at end of file");
    assert_eq!(texts(&fixture.column(DocType::WsEvent, "direction")), ["sent"; 2]);
}

#[test]
fn a_session_document_gives_its_actions() {
    let fixture = Fixture::new();
    let text = r#"{"meta": {"player_id": "p", "username": "u", "session_start": "2025-12-20T12:00:00", "session_end": null}, "actions": [{"game_id": "g", "tick": 1, "timestamp": "2025-12-20T12:00:01", "action": "BUY", "amount": "0.5", "price": "1.5", "balance_after": "1", "position_qty_after": "1", "entry_price": null, "pnl": null}]}"#;
    let report = fixture.import_content("x_demo.json", text);
    assert_eq!((report.totals.lines, report.totals.rows), (2, 2));
    assert_eq!(texts(&fixture.column(DocType::PlayerAction, "action_type")), ["BUY"]);
}

#[test]
fn named_samples_are_lines() {
    let fixture = Fixture::new();
    let text = r#"{"first": {"_meta": {"index": 0}, "event_type": "x", "timestamp_ms": 1766000000123, "data": {}}, "second": {"_meta": {"index": 1}, "event_type": "y", "timestamp_ms": 1766000000124, "data": {}}}"#;
    let report = fixture.import_content("key-samples.json", text);
    assert_eq!((report.totals.rows, report.events["x"], report.events["y"]), (2, 1, 1));
}

#[test]
fn a_game_document_is_a_game() {
    let fixture = Fixture::new();
    let text = "{\n  \"meta\": {\"game_id\": \"g\", \"start_time\": \"2025-12-20T12:00:00\", \"peak_multiplier\": \"2\"},\n  \"prices\": [\"1\", \"2\", \"0.02\"]\n}\n";
    let report = fixture.import_content("x.game.json", text);
    assert_eq!((report.totals.lines, report.totals.rows), (1, 1));
    assert_eq!(texts(&fixture.column(DocType::Game, "game_id")), ["g"]);
}

#[test]
fn recorder_sink_files_are_read_with_header_and_footer() {
    let fixture = Fixture::new();
    let lines = [
        r#"{"_metadata": {"game_id": "g", "start_time": "2025-11-20T12:00:00", "version": "1.0"}}"#,
        r#"{"game_id": "g", "tick": 0, "timestamp": "2025-11-20T12:00:01", "price": 1.0, "phase": "ACTIVE", "active": true, "rugged": false, "cooldown_timer": 0, "trade_count": 1}"#,
        r#"{"_metadata": {"end_time": "2025-11-20T12:00:02", "tick_count": 1, "total_bytes": 1}}"#,
    ];
    let report = fixture.import_content("game_20251120_120000.jsonl", lines.join("\n"));
    assert_eq!((report.events["tick"], report.events["marker"]), (1, 2));
    assert_eq!(fixture.rows(), [("game_tick", 1), ("system_event", 2)].into());
}

#[test]
fn a_local_time_that_happened_twice_is_counted_as_doubtful() {
    let fixture = Fixture::new();
    let report = fixture.import_content(
        "a.jsonl",
        r#"{"type": "tick", "timestamp": "2025-11-02T01:30:00", "tick": 1, "price": 1.5}"#,
    );
    assert_eq!((report.totals.doubtful_times, report.totals.rows), (1, 1));
}

#[test]
fn a_path_that_is_not_there_imports_nothing() {
    let fixture = Fixture::new();
    let good = fixture.file("a.jsonl", tick(1));
    let paths = vec![good, fixture.files().join("missing.jsonl")];
    let error = run(&fixture.root, &Options { paths, ..Options::default() }, |_, _| ()).unwrap_err();
    assert!(error.to_string().contains("missing.jsonl"), "{error}");
    assert!(fixture.rows().is_empty());
}

#[test]
fn a_second_writer_is_told_who_writes() {
    let fixture = Fixture::new();
    let path = fixture.file("a.jsonl", tick(1));
    let _store = Store::open(&fixture.root, "a test").unwrap();
    assert!(matches!(
        run(&fixture.root, &options(&path), |_, _| ()),
        Err(LegacyError::Store(StoreError::Leased { .. }))
    ));
}

#[test]
fn utf16_is_read_as_any_other_text() {
    let fixture = Fixture::new();
    let text = format!("\u{FEFF}{}\r\n", raw(1, "x", r#"{"name": "füchsin 🦊"}"#));
    for big_endian in [false, true] {
        let units = text.encode_utf16();
        let bytes: Vec<u8> =
            units.flat_map(|unit| if big_endian { unit.to_be_bytes() } else { unit.to_le_bytes() }).collect();
        let report = fixture.import_content("a.jsonl", bytes);
        // The second file holds the same text.
        let expected = if big_endian { Status::AlreadyImported } else { Status::Imported };
        assert_eq!(report.per_file[0].status, expected);
    }
    assert!(fixture.column(DocType::WsEvent, "raw_json")[0].as_ref().unwrap().contains("füchsin 🦊"));
}

// Counts of the shared captures, from their MANIFEST.md and from an independent script (Python's json and
// raw_decode over every `{"type":`).
/// Three comments and a blank line in one file are beside these.
const RECORDING_LINES: u64 = 99_560;
const RECORDING_COMMENTS: u64 = 4;
const RECORDING_PARSABLE: u64 = 99_368;
const RECORDING_TICKS: u64 = 98_760;
const RECORDING_BAD_FILES: usize = 11;
/// 195 unparsable lines: 187 hold at least one whole object, 265 in all; 3 are comments, and 5 hold none.
const RECORDING_DAMAGED: u64 = 187;
const RECORDING_RECOVERED: u64 = 265;
const RECORDING_REJECTED: u64 = 5;
/// Lines of the 170 whose `data` is a trace object and nothing else.
const CDP_PAYLOAD_LOST: u64 = 16;

#[test]
fn real_recordings_are_imported_to_the_last_line() {
    let Some(data) = crate::real_captures::folder() else { return };
    let fixture = Fixture::new();
    let report = fixture.import(&data.join("rugs_recordings"));
    let counts = report.totals;
    assert_eq!((report.files.files, report.files.imported), (300, 300));
    assert!(counts.is_balanced());
    assert_eq!(counts.lines, RECORDING_LINES);
    assert_eq!(counts.rows, RECORDING_PARSABLE + RECORDING_DAMAGED);
    assert_eq!((counts.rejected, counts.comments), (RECORDING_REJECTED, RECORDING_COMMENTS));
    assert_eq!(counts.extra_rows, RECORDING_RECOVERED - RECORDING_DAMAGED);
    assert_eq!((counts.without_time, counts.doubtful_times), (0, 0));
    assert_eq!(report.events["tick"], RECORDING_TICKS + RECORDING_RECOVERED);
    assert_eq!(
        (report.events["game_start"], report.events["game_end"], report.events["game_complete"]),
        (305, 299, 2)
    );
    let bad = |file: &&FileReport| file.counts.damaged > 0 || file.counts.rejected > 0;
    assert_eq!(report.per_file.iter().filter(bad).count(), RECORDING_BAD_FILES);
    assert!(report.per_file.iter().all(|file| file.counts.is_balanced()));
    let rows = fixture.rows();
    // Eight ticks stand, to the microsecond, in two files: they are stored once, and one note says so.
    assert_eq!(counts.known, 8);
    assert_eq!(rows["game_tick"] as u64, RECORDING_TICKS + RECORDING_RECOVERED - counts.known);
    assert_eq!(
        rows["system_event"] as u64,
        305 + 299 + 2 + 1 + 1 + RECORDING_REJECTED + RECORDING_COMMENTS - 1 + RECORDING_DAMAGED + 1
    );
}

#[test]
fn real_recordings_carry_the_utc_date_in_their_game_ids() {
    let Some(data) = crate::real_captures::folder() else { return };
    let fixture = Fixture::new();
    fixture.import(&data.join("rugs_recordings"));
    let ids = fixture.column(DocType::GameTick, "game_id");
    let times = fixture.column(DocType::GameTick, "ts");
    let (mut same, mut other) = (0, 0);
    for (id, ts) in ids.iter().zip(&times) {
        let (Some(id), Some(ts)) = (id, ts) else { continue };
        if ts[..10].replace('-', "") == id[..8] { same += 1 } else { other += 1 }
    }
    // A game may begin before midnight and end after it, and one file goes on over night; a wrong zone
    // would misdate thousands.
    assert!(same > 95_000 && other < 1_000, "{same} {other}");
}

#[test]
fn real_captures_are_imported_to_the_last_line() {
    let Some(data) = crate::real_captures::folder() else { return };
    let fixture = Fixture::new();
    let report = fixture.import(&data.join("raw_captures"));
    let by_name = |end: &str| report.per_file.iter().find(|file| file.name.ends_with(end)).unwrap();
    let raw = by_name("17-16-58_raw.jsonl");
    assert_eq!((raw.counts.lines, raw.counts.rows, raw.counts.payload_lost), (554, 554, 0));
    assert_eq!((raw.events["gameStateUpdate"], raw.events["standard/newTrade"]), (510, 31));
    assert_eq!(raw.from.as_deref(), Some("2025-12-12T22:16:58.624285Z"));
    let cdp = by_name("00-39-17_cdp.jsonl");
    assert_eq!((cdp.counts.lines, cdp.counts.rows), (170, 170));
    assert_eq!(cdp.counts.payload_lost, CDP_PAYLOAD_LOST);
    assert_eq!(cdp.from.as_deref(), Some("2025-12-15T05:39:20.267811Z"));
    assert_eq!((report.files.empty, report.files.imported), (2, 3));
    assert_eq!(by_name("_events.json").format.as_deref(), Some("document"));
}

#[test]
fn real_samples_are_imported_to_the_last_line() {
    let Some(data) = crate::real_captures::folder() else { return };
    let fixture = Fixture::new();
    let sandbox = fixture.import(&data.join("sandbox"));
    assert_eq!((sandbox.totals.lines, sandbox.totals.rows, sandbox.events["gameStateUpdate"]), (200, 200, 176));
    let samples = fixture.import(&data.join("cdp_captures"));
    assert_eq!((samples.totals.lines, samples.totals.rows), (31, 31));
    assert_eq!((samples.events["gameStatePlayerUpdate"], samples.events["document"]), (30, 1));
    assert_eq!(samples.totals.without_time, 31);
}

#[test]
fn real_data_is_imported_once() {
    let Some(data) = crate::real_captures::folder() else { return };
    let fixture = Fixture::new();
    let first = fixture.import(&data);
    // Nothing of the real files contradicts its zone, and only the eight ticks stand in two of them.
    assert_eq!((first.files.failed, first.totals.known, first.totals.impossible_times), (0, 8, 0));
    let rows = fixture.rows();
    let again = fixture.import(&data);
    assert_eq!(again.files.already_imported, first.files.imported + first.files.already_imported);
    assert_eq!((again.totals.lines, fixture.rows()), (0, rows));
}
