//! Files whose times say too little, imported.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

use crate::report::Status;
use crate::testing::wall::Recording;
use crate::testing::{Fixture, gzip, options};
use crate::zone::By;
use replayer_store::schema::DocType;

fn first_time(fixture: &Fixture) -> String {
    fixture.column(DocType::WsEvent, "ts").first().unwrap().clone().unwrap()
}

#[test]
fn local_times_of_another_zone_are_stored_as_the_instants_they_were() {
    let fixture = Fixture::new();
    let report = fixture.import_content("berlin.jsonl", Recording::in_zone("Europe/Berlin").lines());
    let zone = report.per_file[0].zone.as_ref().unwrap();
    assert_eq!((zone.name.as_str(), zone.by), ("Europe/Berlin", By::Evidence));
    assert!(first_time(&fixture).starts_with("2026-01-15T14:00:00"), "{}", first_time(&fixture));
    assert!(report.per_file[0].notes[0].contains("Europe/Berlin"));
}

#[test]
fn an_array_of_lines_is_looked_at_too() {
    let fixture = Fixture::new();
    let lines = Recording::in_zone("Asia/Tokyo").lines();
    let array = format!("[{}]", lines.trim().replace('\n', ","));
    let report = fixture.import_content("tokyo.json", array);
    assert_eq!(report.per_file[0].zone.as_ref().unwrap().name, "Asia/Tokyo");
    assert!(first_time(&fixture).starts_with("2026-01-15T14:00:00"), "{}", first_time(&fixture));
}

#[test]
fn a_file_that_needs_its_zone_is_not_imported_and_says_how_to() {
    let fixture = Fixture::new();
    let line = r#"{"seq": 1, "ts": "2026-01-15T15:00:00", "event": "newChatMessage", "data": {"timestamp": 1768485600000}}"#;
    let report = fixture.import_content("a.jsonl", line);
    let file = &report.per_file[0];
    assert_eq!((file.status, report.files.failed), (Status::Failed, 1));
    assert!(file.reason.as_ref().unwrap().contains("--zone"), "{file:?}");
    assert!(fixture.rows().is_empty());
    let path = fixture.files().join("a.jsonl");
    let options = crate::import::Options { zone: Some("Europe/Berlin".to_owned()), ..options(&path) };
    crate::import::run(&fixture.root, &options, |_, _| ()).unwrap();
    assert!(first_time(&fixture).starts_with("2026-01-15T14:00:00"));
}

#[test]
fn times_that_cannot_be_are_kept_counted_and_date_nothing() {
    let fixture = Fixture::new();
    let line = |ts: &str| format!(r#"{{"seq": 1, "ts": "{ts}", "event": "x", "data": {{}}}}"#);
    let lines = [line("1970-01-01T00:00:07Z"), line("2099-01-01T00:00:00Z"), line("2026-01-15T14:00:00Z")];
    let report = fixture.import_content("a.jsonl", lines.join("\n"));
    let counts = report.totals;
    assert_eq!((counts.rows, counts.impossible_times, counts.without_time), (3, 2, 0));
    assert_eq!(report.per_file[0].from, report.per_file[0].to);
    let mut times = fixture.column(DocType::WsEvent, "ts");
    times.sort();
    assert_eq!((times[0].is_none(), times[1].is_none(), times[2].is_some()), (true, true, true));
    assert!(fixture.column(DocType::WsEvent, "source_clock").contains(&Some("7.0".to_owned())));
    let catalog = replayer_store::catalog::Catalog::load(&fixture.root).unwrap();
    assert!(catalog.frames_span().is_some_and(|(from, to)| from == to), "{:?}", catalog.frames_span());
}

#[test]
fn both_passes_of_the_hour_that_happens_twice_follow_each_other() {
    let fixture = Fixture::new();
    let line = |ts: &str| format!(r#"{{"seq": 1, "ts": "{ts}", "event": "x", "data": {{}}}}"#);
    let times = ["00:59:59", "01:00:00", "01:30:00", "01:59:59", "01:00:00", "01:30:00", "01:59:59", "02:00:00"];
    let lines: Vec<String> = times.iter().map(|time| line(&format!("2025-11-02T{time}"))).collect();
    let report = fixture.import_content("a.jsonl", lines.join("\n"));
    let stored: Vec<String> = fixture.column(DocType::WsEvent, "ts").into_iter().flatten().collect();
    assert!(stored.is_sorted(), "{stored:?}");
    assert!(stored[4].contains("06:00:00") && stored[6].contains("06:59:59"), "{stored:?}");
    // Half an hour of silence within the hour: by order alone it is the first pass, and that is doubtful.
    assert_eq!(report.totals.doubtful_times, 2);
}

/// The trials' inputs and how many of each file's rows there are; only where that folder is.
#[test]
fn every_way_to_write_the_time_gives_the_controls_instants() {
    let Some(folder) = crate::needs::trials() else { return };
    let instants = |name: &str| {
        let fixture = Fixture::new();
        let report = fixture.import(&folder.join(name));
        assert_eq!(report.per_file[0].status, Status::Imported, "{name}: {:?}", report.per_file[0]);
        fixture.column(DocType::WsEvent, "ts")
    };
    let right = instants("control.jsonl");
    assert_eq!(right.len(), 81);
    for name in [
        "golden_hour.jsonl",
        "capture_named.log",
        "epoch_seconds.jsonl",
        "epoch_ms.jsonl",
        "k8_text_ms.jsonl",
        "berlin_local.jsonl",
    ] {
        let times = instants(name);
        let apart = right.iter().zip(&times).filter(|(right, other)| right != other).count();
        assert_eq!((times.len(), apart), (81, 0), "{name}: {:?}", times.first());
    }
    // HTTP dates are of whole seconds.
    let seconds = |times: &[Option<String>]| -> Vec<String> {
        times.iter().map(|time| time.as_deref().unwrap_or("NULL").get(..19).unwrap_or("NULL").to_owned()).collect()
    };
    assert_eq!(seconds(&instants("k8_http.jsonl")), seconds(&right));
}

/// The recording of another zone in shapes that are no plain lines of JSON: the evidence is found in each of them.
#[test]
fn packed_files_tables_and_text_are_looked_at_too() {
    let recording = Recording::in_zone("Asia/Tokyo");
    let lines = recording.lines();
    let frames: Vec<(String, String)> = lines
        .lines()
        .map(|line| {
            let line: serde_json::Value = serde_json::from_str(line).unwrap();
            let frame = format!(r#"42["gameStateUpdate",{}]"#, line["data"]);
            (line["ts"].as_str().unwrap().to_owned(), frame)
        })
        .collect();
    let table = frames.iter().map(|(ts, frame)| format!("{ts},\"{}\"\n", frame.replace('"', "\"\"")));
    let text = frames.iter().map(|(ts, frame)| format!("{ts} << {frame}\n"));
    let json = frames.iter().map(|(ts, frame)| format!("{{\"time\": \"{ts}\", \"frame\": {frame:?}}}\n"));
    let shapes: [(&str, Vec<u8>); 5] = [
        ("a.jsonl.gz", gzip(lines.as_bytes())),
        ("a.csv", format!("ts,frame\n{}", table.collect::<String>()).into_bytes()),
        ("a.txt", text.collect::<String>().into_bytes()),
        ("b.jsonl", json.clone().collect::<String>().into_bytes()),
        ("b.json", format!("[{}]", json.collect::<String>().trim().replace('\n', ",")).into_bytes()),
    ];
    for (name, content) in shapes {
        let fixture = Fixture::new();
        let report = fixture.import_content(name, content);
        let file = &report.per_file[0];
        assert_eq!((file.status, file.counts.rows), (Status::Imported, 7), "{name}: {file:?}");
        assert_eq!(file.zone.as_ref().unwrap().name, "Asia/Tokyo", "{name}");
        assert!(first_time(&fixture).starts_with("2026-01-15T14:00:00"), "{name}: {}", first_time(&fixture));
    }
}
