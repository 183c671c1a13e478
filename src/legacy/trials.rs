//! What other people's files look like: one recording in many shapes (`../shared/trials`), each read as its control is.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

use std::collections::BTreeMap;
use std::path::Path;

use crate::report::{Report, Status};
use crate::testing::Fixture;
use replayer_store::schema::DocType;

/// Imports one input into a root of its own.
fn import(inputs: &Path, name: &str) -> (Fixture, Report) {
    let fixture = Fixture::new();
    let report = fixture.import(&inputs.join(name));
    (fixture, report)
}

fn column(fixture: &Fixture, doc_type: DocType, name: &str) -> Vec<String> {
    fixture.column(doc_type, name).into_iter().map(|value| value.unwrap_or_else(|| "NULL".into())).collect()
}

/// What the recording is, whatever shape it came in: events, ticks, trades, bets, games.
fn content(fixture: &Fixture) -> BTreeMap<String, usize> {
    let mut counts = BTreeMap::new();
    for name in column(fixture, DocType::WsEvent, "event_name").into_iter().filter(|name| name != "NULL") {
        *counts.entry(name).or_default() += 1;
    }
    for (doc_type, name) in [
        (DocType::GameTick, "price"),
        (DocType::Trade, "price"),
        (DocType::Sidebet, "stake"),
        (DocType::Game, "game_id"),
    ] {
        let values = column(fixture, doc_type, name);
        let known = values.iter().filter(|value| *value != "NULL").count();
        counts.insert(format!("{}.{name}", doc_type.as_str()), known);
        counts.insert(format!("{} without {name}", doc_type.as_str()), values.len() - known);
    }
    counts
}

fn span(report: &Report) -> (Option<&str>, Option<&str>) {
    (report.per_file[0].from.as_deref(), report.per_file[0].to.as_deref())
}

const SPAN: (Option<&str>, Option<&str>) = (Some("2026-01-15T14:00:00Z"), Some("2026-01-15T14:00:26Z"));

/// Shapes that hold nothing but the control's frames.
#[test]
fn every_shape_of_the_recording_is_read_as_the_control() {
    let Some(inputs) = crate::needs::trials() else { return };
    let (control, report) = import(&inputs, "control.jsonl");
    assert_eq!((span(&report), report.totals.rows, report.is_whole()), (SPAN, 81, true));
    let control = content(&control);
    assert_eq!((control["gameStateUpdate"], control["standard/newTrade"], control["newChatMessage"]), (73, 6, 2));
    for name in
        ["golden_hour.jsonl", "capture_named.log", "epoch_seconds.jsonl", "epoch_ms.jsonl", "k8_text_ms.jsonl"]
    {
        let (fixture, report) = import(&inputs, name);
        assert_eq!((report.totals.rejected, report.is_whole()), (0, true), "{name}");
        assert_eq!(content(&fixture), control, "{name}");
        if name == "golden_hour.jsonl" || name.starts_with("epoch") {
            assert_eq!(span(&report), SPAN, "{name}");
        }
    }
    let (fixture, report) = import(&inputs, "frames_only.jsonl");
    let mut frames = content(&fixture);
    assert_eq!(frames.remove("buyOrder"), Some(1));
    assert_eq!(
        (frames, report.is_whole(), report.totals.rows, report.totals.without_time),
        (control, true, 86, 86)
    );
}

#[test]
fn devtools_exports_keep_directions_orders_and_no_secret() {
    let Some(inputs) = crate::needs::trials() else { return };
    let (control, _) = import(&inputs, "control.jsonl");
    for name in ["devtools.har", "devtools_messages.json", "ws_pane.txt"] {
        let (fixture, report) = import(&inputs, name);
        assert!(report.is_whole() && report.totals.rows == 86, "{name}: {report:?}");
        let mut counts = content(&fixture);
        assert_eq!(counts.remove("buyOrder"), Some(1), "{name}");
        assert_eq!(counts, content(&control), "{name}");
        let directions = column(&fixture, DocType::WsEvent, "direction");
        assert_eq!(directions.iter().filter(|way| *way == "sent").count(), 2, "{name}");
        assert_eq!(column(&fixture, DocType::WsEvent, "format"), vec!["wire"; 86], "{name}");
        assert_eq!(span(&report), (Some("2026-01-15T13:59:59.8Z"), SPAN.1), "{name}");
        let actions = column(&fixture, DocType::PlayerAction, "outcome");
        assert_eq!(actions, ["NULL", "success"], "{name}");
        assert_eq!(column(&fixture, DocType::PlayerAction, "game_id")[0], "20260115-f21b0ef89d8ee5da", "{name}");
        fixture.assert_nowhere("INVENTED");
    }
}

#[test]
fn finished_games_alone_are_games_that_their_seeds_prove() {
    let Some(inputs) = crate::needs::trials() else { return };
    for name in ["history_plain.jsonl", "history_plain_array.json"] {
        let (fixture, report) = import(&inputs, name);
        assert!(report.is_whole() && report.totals.rows == 3 && report.totals.unproven == 0, "{name}: {report:?}");
        assert_eq!(column(&fixture, DocType::Game, "proven"), ["true", "true", "true"], "{name}");
        assert_eq!(column(&fixture, DocType::Game, "ticks"), ["40", "22", "42"], "{name}");
        assert!(column(&fixture, DocType::Sidebet, "game_id").len() >= 4, "{name}");
    }
}

#[test]
fn lines_that_are_no_json_are_rejected_by_their_number() {
    let Some(inputs) = crate::needs::trials() else { return };
    let (_, report) = import(&inputs, "nan_infinity.jsonl");
    assert_eq!((report.totals.rejected, report.is_whole()), (3, false));
    assert_eq!(report.per_file[0].rejections.len(), 3);
}

#[test]
fn odd_values_reject_no_line() {
    let Some(inputs) = crate::needs::trials() else { return };
    for name in [
        "lone_surrogate.jsonl",
        "huge_numbers.jsonl",
        "k_tick1e400.jsonl",
        "duplicate_keys.jsonl",
        "k_hist_dup.jsonl",
        "k_own.jsonl",
        "positional.jsonl",
        "b4_price.jsonl",
        "b4_peak.jsonl",
        "berlin_local.jsonl",
        "k8_http.jsonl",
        "own_orders.jsonl",
        "deep_nesting.jsonl",
    ] {
        let (_, report) = import(&inputs, name);
        assert!(report.is_whole() && report.totals.rejected == 0, "{name}: {:?}", report.totals);
        assert_eq!(report.per_file[0].status, Status::Imported, "{name}");
    }
}

/// Prints what becomes of each input; for a person to look at.
#[test]
#[ignore = "a table to look at: cargo test -p replayer-legacy --lib -- --ignored --nocapture what_becomes"]
fn what_becomes_of_each_input() {
    let Some(inputs) = crate::needs::trials() else { return };
    let mut names: Vec<_> = std::fs::read_dir(&inputs).unwrap().map(|entry| entry.unwrap().file_name()).collect();
    names.sort();
    for name in names {
        let name = name.to_string_lossy().into_owned();
        let (_, report) = import(&inputs, &name);
        let file = &report.per_file[0];
        let counts = &file.counts;
        eprintln!(
            "{name}: {} as {}, {} rows, {} rejected, {} without time, {} value unread, {} … {}, exit code {}",
            file.fate(),
            file.format.as_deref().unwrap_or("-"),
            counts.rows,
            counts.rejected,
            counts.without_time,
            counts.value_unread,
            file.from.as_deref().unwrap_or("-"),
            file.to.as_deref().unwrap_or("-"),
            i32::from(!report.is_whole()),
        );
    }
}
