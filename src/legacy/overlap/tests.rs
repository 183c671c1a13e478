//! The same recording again, in its many disguises.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

use super::sieve::KNOWN;
use crate::import::{self, Options};
use crate::report::{FileReport, Status};
use crate::testing::wall::Recording;
use crate::testing::{Fixture, options, raw, tick};
use replayer_store::schema::DocType;

fn lines() -> String {
    Recording::in_zone("America/New_York").lines()
}

fn counts(file: &FileReport) -> (Status, u64, u64) {
    (file.status, file.counts.new, file.counts.known)
}

fn import(fixture: &Fixture, name: &str, content: &str) -> FileReport {
    fixture.import_content(name, content).per_file.remove(0)
}

#[test]
fn a_file_of_hours_that_no_other_is_about_is_new() {
    let fixture = Fixture::new();
    assert_eq!(counts(&import(&fixture, "a.jsonl", &lines())), (Status::Imported, 7, 0));
}

#[test]
fn an_edited_copy_is_known_by_its_records() {
    let fixture = Fixture::new();
    let first = import(&fixture, "a.jsonl", &lines());
    let disguises = [
        ("comment.jsonl", format!("# mine\n{}", lines())),
        ("crlf.jsonl", lines().replace('\n', "\r\n")),
        ("blanks.jsonl", lines().replace(": ", ":").replace(", ", ",")),
        ("part.jsonl", lines().lines().skip(2).take(3).collect::<Vec<_>>().join("\n")),
        ("backwards.jsonl", lines().lines().rev().collect::<Vec<_>>().join("\n")),
    ];
    for (name, content) in disguises {
        let again = import(&fixture, name, &content);
        assert_eq!((again.status, again.counts.new), (Status::AlreadyImported, 0), "{name}: {again:?}");
        assert_eq!(again.known_in.keys().collect::<Vec<_>>(), [first.session_id.as_ref().unwrap()], "{name}");
        assert!(again.reason.unwrap().contains("stored already"), "{name}");
    }
    assert_eq!(fixture.rows()["ws_event"], 7);
}

#[test]
fn of_a_file_that_overlaps_the_new_records_are_stored_and_the_others_named() {
    let fixture = Fixture::new();
    let all = lines();
    let all: Vec<&str> = all.lines().collect();
    let first = import(&fixture, "first.jsonl", &all[..5].join("\n"));
    let second = import(&fixture, "second.jsonl", &all[3..].join("\n"));
    assert_eq!(counts(&second), (Status::Imported, 2, 2));
    assert!(second.notes[0].contains("2 are new"), "{:?}", second.notes);
    assert_eq!(fixture.rows()["ws_event"], 7);
    assert_eq!(fixture.column(DocType::SystemEvent, "event_type"), [Some(KNOWN.to_owned())]);
    let details = fixture.column(DocType::SystemEvent, "details").remove(0).unwrap();
    assert!(details.contains(first.session_id.as_ref().unwrap()) && details.contains("second.jsonl"), "{details}");
}

#[test]
fn known_files_are_known_as_imported() {
    let fixture = Fixture::new();
    import(&fixture, "a.jsonl", &lines());
    let crlf = lines().replace('\n', "\r\n");
    import(&fixture, "crlf.jsonl", &crlf);
    let again = import(&fixture, "crlf.jsonl", &crlf);
    assert!(again.reason.unwrap().contains("already imported as session"));
}

#[test]
fn another_recorders_file_of_the_same_minutes_is_known_by_what_the_server_sent() {
    let fixture = Fixture::new();
    import(&fixture, "a.jsonl", &lines());
    // Chrome's recorder wrote UTC, a direction, and had its clock two seconds ahead.
    let other = Recording { suffix: "Z", ahead: 2, ..Recording::in_zone("UTC") }.lines();
    let other =
        other.replace("\"event\"", "\"source\": \"cdp_intercept\", \"direction\": \"received\", \"event\"");
    let report = import(&fixture, "b_cdp.jsonl", &other);
    assert_eq!(counts(&report), (Status::AlreadyImported, 0, 7));
}

#[test]
fn a_clock_that_is_some_seconds_wrong_does_not_hide_a_known_game() {
    let fixture = Fixture::new();
    import(&fixture, "a.jsonl", &lines());
    let other = Recording { suffix: "Z", ahead: 20, ..Recording::in_zone("UTC") }.lines();
    assert_eq!(counts(&import(&fixture, "b.jsonl", &other)), (Status::AlreadyImported, 0, 7));
}

#[test]
fn what_came_twice_is_there_twice_and_a_third_is_new() {
    let fixture = Fixture::new();
    let ping = |seq: u32| raw(seq, "battleEventUpdate", "{}");
    import(&fixture, "a.jsonl", &[ping(1), ping(2)].join("\n"));
    // Not with the same first bytes: that would be the same file, grown.
    let report = import(&fixture, "b.jsonl", &[ping(3), ping(2), ping(1)].join("\n"));
    assert_eq!(counts(&report), (Status::Imported, 1, 2));
}

#[test]
fn the_same_words_at_another_time_are_new() {
    let fixture = Fixture::new();
    let chat = |second: u32| raw(second, "newChatMessage", r#"{"message": "well played", "username": "owl"}"#);
    import(&fixture, "a.jsonl", &chat(1));
    assert_eq!(counts(&import(&fixture, "b.jsonl", &chat(30))), (Status::Imported, 1, 0));
}

#[test]
fn the_lines_that_a_grown_file_adds_are_not_compared_with_its_own_beginning() {
    let fixture = Fixture::new();
    let ping = |seq: u32| raw(seq, "battleEventUpdate", "{}");
    import(&fixture, "a.jsonl", &[ping(1), ping(2)].join("\n"));
    let report = import(&fixture, "a.jsonl", &[ping(1), ping(2), ping(3)].join("\n"));
    assert_eq!(counts(&report), (Status::Grown, 1, 0));
    assert_eq!(fixture.rows()["ws_event"], 3);
}

#[test]
fn a_recordings_ticks_are_known_too() {
    let fixture = Fixture::new();
    import(&fixture, "a.jsonl", &format!("{}\n{}\n", tick(1), tick(2)));
    let report = import(&fixture, "b.jsonl", &format!("{}\n{}\n", tick(2), tick(3)));
    assert_eq!(counts(&report), (Status::Imported, 1, 1));
    assert_eq!(fixture.rows()["game_tick"], 3);
}

#[test]
fn files_of_one_import_are_compared_with_each_other() {
    let fixture = Fixture::new();
    fixture.file("a.jsonl", lines());
    fixture.file("b.jsonl", lines().replace('\n', "\r\n"));
    let report = fixture.import(&fixture.files());
    assert_eq!((report.totals.new, report.totals.known), (7, 7));
    assert_eq!(fixture.rows()["ws_event"], 7);
    let dry = import::dry_run(None, &options(&fixture.files())).unwrap();
    assert_eq!(dry.totals.known, 0, "without a store nothing is compared");
    let other = Fixture::new();
    let dry = import::dry_run(Some(&other.root), &options(&fixture.files())).unwrap();
    assert_eq!((dry.totals.new, dry.totals.known), (7, 7));
}

#[test]
fn a_dry_run_says_how_much_would_be_new() {
    let fixture = Fixture::new();
    import(&fixture, "a.jsonl", &lines());
    let path = fixture.file("b.jsonl", lines().replace('\n', "\r\n"));
    let report = import::dry_run(Some(&fixture.root), &options(&path)).unwrap();
    assert_eq!((report.totals.new, report.totals.known), (0, 7));
}

#[test]
fn an_event_whose_payload_was_lost_is_known_by_its_trace() {
    let fixture = Fixture::new();
    let trace = r#"{"__trace": true, "traceparent": "00-00000000000000000000000000000001-0000000000000002-01"}"#;
    let line = |data: &str| {
        format!(r#"{{"seq": 1, "ts": "2026-01-15T14:00:00Z", "event": "standard/newTrade", "data": {data}}}"#)
    };
    import(&fixture, "raw.jsonl", &line(&format!(r#"[{trace}, {{"id": "t", "qty": 1}}]"#)));
    let lost =
        line(trace).replace("\"event\"", "\"source\": \"cdp_intercept\", \"direction\": \"received\", \"event\"");
    let report = import(&fixture, "lost_cdp.jsonl", &lost);
    assert_eq!(counts(&report), (Status::AlreadyImported, 0, 1));
    // The other way round the payload is new.
    let other = Fixture::new();
    import(&other, "lost_cdp.jsonl", &lost);
    let whole = import(&other, "raw.jsonl", &line(&format!(r#"[{trace}, {{"id": "t", "qty": 1}}]"#)));
    assert_eq!(counts(&whole), (Status::Imported, 1, 0));
}

#[test]
fn records_without_times_are_known_by_the_servers_names_for_them() {
    let fixture = Fixture::new();
    let update = |extra: &str| {
        raw(
            1,
            "gameStateUpdate",
            &format!(r#"{{"gameId": "20251212-aaaaaaaaaaaaaaaa", "tickCount": 7, "price": 1.5{extra}}}"#),
        )
    };
    import(&fixture, "a.jsonl", &update(""));
    let untimed = update("").replace("\"ts\": \"2025-12-12T17:00:01.5\", ", "");
    assert_eq!(counts(&import(&fixture, "b.jsonl", &untimed)), (Status::AlreadyImported, 0, 1));
    let other = update(r#", "x": 1"#).replace("\"ts\": \"2025-12-12T17:00:01.5\", ", "");
    assert_eq!(counts(&import(&fixture, "c.jsonl", &other)), (Status::Imported, 1, 0));
}

/// The trials' files that are the control with one thing changed; only where that folder is.
#[test]
fn every_way_to_write_the_control_is_known_after_it() {
    let Some(folder) = crate::needs::trials() else { return };
    let fixture = Fixture::new();
    let one = |name: &str| {
        let report = import::run(
            &fixture.root,
            &Options { paths: vec![folder.join(name)], ..Options::default() },
            |_, _| (),
        );
        report.unwrap().per_file.remove(0)
    };
    assert_eq!(counts(&one("control.jsonl")), (Status::Imported, 81, 0));
    for name in [
        "golden_hour.jsonl",
        "epoch_seconds.jsonl",
        "epoch_ms.jsonl",
        "k8_text_ms.jsonl",
        "k8_http.jsonl",
        "berlin_local.jsonl",
    ] {
        assert_eq!(counts(&one(name)), (Status::AlreadyImported, 0, 81), "{name}");
    }
    // The very bytes, under another name and packed.
    assert_eq!(counts(&one("capture_named.log")), (Status::AlreadyImported, 0, 0));
    let packed = crate::testing::gzip(&std::fs::read(folder.join("control.jsonl")).unwrap());
    assert_eq!(counts(&fixture.import_content("control.jsonl.gz", packed).per_file[0]).0, Status::AlreadyImported);
    assert_eq!(fixture.rows()["ws_event"], 81);
    // Other shapes have the handshake and an order besides.
    for name in ["devtools.har", "devtools_messages.json", "ws_pane.txt"] {
        let file = one(name);
        assert_eq!((file.counts.rows, file.counts.new + file.counts.known), (86, 86), "{name}");
        assert!(file.counts.known >= 81, "{name}: {:?}", file.counts);
    }
    assert_eq!(fixture.rows()["ws_event"], 86);
    // Without times, a heartbeat may be any other.
    let file = one("frames_only.jsonl");
    assert!(file.counts.known >= 81 && file.counts.known + file.counts.new == 86, "{:?}", file.counts);
}
