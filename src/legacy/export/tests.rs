//! What is written, and that it comes back.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

use serde_json::Value;

use super::*;
use crate::testing::{Fixture, raw, tick};

fn export(fixture: &Fixture, options: &Options) -> (Exported, String) {
    let mut out = Vec::new();
    let exported = run(&fixture.root, options, &mut out).unwrap();
    (exported, String::from_utf8(out).unwrap())
}

fn objects(text: &str) -> Vec<Value> {
    text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

/// Everything that a row says, except where it is stored (session, seq) — sorted.
fn contents(fixture: &Fixture) -> Vec<String> {
    let (_, text) = export(fixture, &Options::default());
    let mut rows: Vec<String> = objects(&text)
        .into_iter()
        .map(|mut row| {
            let row = row.as_object_mut().unwrap();
            row.remove("session_id");
            row.remove("seq");
            serde_json::to_string(row).unwrap()
        })
        .collect();
    rows.sort();
    rows
}

/// A store with every kind of line that the import knows from real files.
fn mixed() -> Fixture {
    let fixture = Fixture::new();
    let history = r#"{"gameId": "h", "active": false, "rugged": false, "cooldownTimer": 14900, "gameHistory": [{"id": "g", "timestamp": 1765577802974, "prices": [1, 1.5, 0.02], "peakMultiplier": 1.5, "globalSidebets": [{"id": "s", "type": "placed", "betAmount": 0.1, "startedAtTick": 1, "end": 41}], "provablyFair": {"serverSeed": "made up", "serverSeedHash": "x"}}]}"#;
    let trade = r#"[{"__trace": true, "traceparent": "00-0123456789abcdef0123456789abcdef-0123456789abcdef-01"}, {"id": "t", "gameId": "g", "type": "buy", "qty": 1.25, "price": 1.1, "username": "naïve \"quoted\" 名"}]"#;
    fixture.import_content(
        "raw.jsonl",
        [raw(1, "connect", "null"), raw(2, "gameStateUpdate", history), raw(3, "standard/newTrade", trade)]
            .join("\n"),
    );
    let start = r#"{"type": "game_start", "timestamp": "2025-10-30T10:00:00", "game_id": "g"}"#;
    fixture
        .import_content("game.jsonl", format!("{start}\n{}\n{}{}\n- a note\n", tick(1), &tick(2)[..50], tick(3)));
    fixture.import_content("x_samples.json", r#"[{"gameId": "g", "rugpool": {"a": 1}}]"#);
    fixture.import_content("a.json", r#"{"total_samples": 1, "fields": {}}"#);
    fixture.import_content(
        "player.jsonl",
        r#"{"type": "action", "action_id": "a", "game_id": "g", "category": "TRADE_BUY", "button": "BUY", "amount": "0.5", "timestamp_pressed": 1766000000123}"#,
    );
    fixture
}

#[test]
fn exporting_and_importing_gives_the_same_rows() {
    let fixture = mixed();
    let (exported, text) = export(&fixture, &Options::default());
    let copy = Fixture::new();
    let report = copy.import_content("export.jsonl", &text);
    assert_eq!((report.totals.lines, report.totals.rejected), (exported.rows, 0));
    assert!(report.totals.is_balanced() && report.totals.derived > 0);
    assert_eq!(copy.rows(), fixture.rows());
    assert_eq!(contents(&copy), contents(&fixture));
}

#[test]
fn a_row_has_all_columns_of_its_kind() {
    let fixture = mixed();
    let (_, text) = export(&fixture, &Options { doc_types: vec![DocType::Game], ..Options::default() });
    let rows = objects(&text);
    let names: Vec<_> = DocType::Game.columns().map(|column| column.name).collect();
    assert_eq!(rows.len(), 1);
    assert!(names.iter().all(|name| rows[0].get(name).is_some()), "{text}");
    assert_eq!(rows[0]["prices"], serde_json::json!([1.0, 1.5, 0.02]));
    assert_eq!(rows[0]["ended_at"], "2025-12-12T22:16:42.974Z");
}

#[test]
fn q16_all_one_session_one_kind_and_both() {
    let fixture = Fixture::new();
    let three = [raw(1, "x", "{}"), raw(2, "x", "{}"), raw(3, "x", "{}")].join("\n");
    let first = fixture.import_content("a.jsonl", three).per_file[0].session_id.clone();
    fixture.import_content("b.jsonl", format!("{}\n{}\n", tick(1), tick(2)));
    for layout in [Layout::V1, Layout::V2] {
        let rows = |session: Option<&String>, doc_types: Vec<DocType>| {
            let filter = ScanFilter { session_id: session.cloned(), ..ScanFilter::default() };
            let (exported, text) = export(&fixture, &Options { layout, doc_types, filter });
            let rows = objects(&text);
            assert_eq!(rows.len() as u64, exported.rows);
            assert!(
                rows.iter().all(|row| ["ts", "doc_type", "session_id"].iter().all(|key| row.get(key).is_some()))
            );
            rows.len()
        };
        assert_eq!(rows(None, vec![]), 5);
        assert_eq!(rows(first.as_ref(), vec![]), 3);
        assert_eq!(rows(None, vec![DocType::GameTick]), 2);
        assert_eq!(rows(first.as_ref(), vec![DocType::GameTick]), 0);
    }
}

#[test]
fn a_time_range_begins_with_its_start_and_ends_before_its_end() {
    let fixture = Fixture::new();
    fixture.import_content("b.jsonl", (0..8).map(|n| tick(n) + "\n").collect::<String>());
    let at = |text: &str| Some(text.parse::<jiff::Timestamp>().unwrap().as_microsecond());
    let filter = ScanFilter {
        from_us: at("2025-10-30T14:00:00.5Z"),
        to_us: at("2025-10-30T14:00:01Z"),
        ..ScanFilter::default()
    };
    let (_, text) = export(&fixture, &Options { filter, ..Options::default() });
    assert_eq!(objects(&text).iter().map(|row| row["tick"].as_i64().unwrap()).collect::<Vec<_>>(), [2, 3]);
}

#[test]
fn layout_v1_has_the_payload_and_the_older_columns() {
    let fixture = Fixture::new();
    fixture.import_content("a.jsonl", raw(1, "x", r#"{"gameId": "g", "n": 1.50}"#));
    let (_, text) = export(&fixture, &Options { layout: Layout::V1, ..Options::default() });
    let row = &objects(&text)[0];
    assert_eq!(row["raw_json"], r#"{"gameId": "g", "n": 1.50}"#);
    assert_eq!((&row["event_name"], &row["source"], &row["seq"]), (&"x".into(), &"import".into(), &1.into()));
    assert!(row.get("format").is_none() && row.get("ordinal").is_none());
    assert!(text.starts_with(r#"{"ts":"2025-12-12T22:00:01.5Z","doc_type":"ws_event","session_id":""#), "{text}");
}

#[test]
fn layout_v1_can_be_imported() {
    let fixture = Fixture::new();
    fixture.import_content("a.jsonl", raw(1, "standard/newTrade", r#"{"id": "t", "gameId": "g", "type": "buy"}"#));
    let (_, text) =
        export(&fixture, &Options { layout: Layout::V1, doc_types: vec![DocType::WsEvent], ..Options::default() });
    let copy = Fixture::new();
    let report = copy.import_content("v1.jsonl", &text);
    assert_eq!((report.totals.rows, report.events["standard/newTrade"]), (1, 1));
    assert_eq!(copy.column(DocType::Trade, "trade_id"), [Some("t".to_owned())]);
    assert_eq!(copy.column(DocType::WsEvent, "ts"), fixture.column(DocType::WsEvent, "ts"));
}

#[test]
fn projected_rows_alone_are_kept_as_they_are() {
    let fixture = mixed();
    let (_, text) = export(&fixture, &Options { doc_types: vec![DocType::Trade], ..Options::default() });
    let copy = Fixture::new();
    let report = copy.import_content("trades.jsonl", &text);
    assert_eq!((report.totals.rows, report.totals.derived), (1, 0));
    assert_eq!(copy.column(DocType::WsEvent, "raw_json"), [Some(text.trim_end().to_owned())]);
}

#[test]
fn an_empty_store_exports_nothing() {
    let (exported, text) = export(&Fixture::new(), &Options::default());
    assert_eq!((exported.rows, text.as_str()), (0, ""));
}

#[test]
fn real_data_comes_back_from_its_export() {
    let Some(data) = crate::real_captures::folder() else { return };
    let fixture = Fixture::new();
    // Several thousand rows of every format; all 300 recordings would only repeat the same.
    for folder in ["raw_captures", "sandbox", "cdp_captures"] {
        fixture.import(&data.join(folder));
    }
    fixture.import(&data.join("rugs_recordings/game_20251031_151222.jsonl"));
    let (_, text) = export(&fixture, &Options::default());
    let copy = Fixture::new();
    let report = copy.import_content("export.jsonl", &text);
    assert_eq!(report.totals.rejected, 0);
    assert_eq!(copy.rows(), fixture.rows());
    assert!(contents(&copy) == contents(&fixture), "the rows differ");
}

#[test]
fn an_export_is_not_imported_into_the_store_it_came_from() {
    let fixture = mixed();
    let rows = fixture.rows();
    let (_, text) = export(&fixture, &Options::default());
    let report = fixture.import_content("export.jsonl", &text);
    assert_eq!(report.files.skipped, 1);
    assert!(report.per_file[0].reason.as_ref().unwrap().contains("this very store"));
    assert_eq!(fixture.rows(), rows);
}
