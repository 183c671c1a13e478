//! Which zone is found, by what, and what is said about it.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

use super::*;
use crate::testing::wall::{Recording, history_line};
use crate::testing::witness;
use replayer_protocol::line::LineFormat;

fn decide(lines: &str, named: Option<&str>) -> Result<Settled, Unsettled> {
    let clock = Clock::new().unwrap();
    let witness = witness(lines, LineFormat::RawCapture);
    let named = named.map(|name| super::named(name).unwrap());
    settle(&witness, &clock, named.as_ref())
}

fn report(lines: &str) -> ZoneReport {
    decide(lines, None).unwrap().report.unwrap()
}

#[test]
fn the_servers_clock_confirms_the_rule_of_the_format() {
    let report = report(&Recording::in_zone("America/New_York").lines());
    assert_eq!((report.name.as_str(), report.by, report.doubt), ("America/New_York", By::Format, None));
    assert!(!report.is_remarkable);
}

#[test]
fn another_zone_is_found_by_the_servers_clock() {
    for (zone, expected) in [
        ("Europe/Berlin", "Europe/Berlin"),
        ("Asia/Kolkata", "Asia/Kolkata"),
        ("Asia/Kathmandu", "Asia/Kathmandu"),
        ("America/Los_Angeles", "America/Los_Angeles"),
        ("UTC", "UTC"),
        ("Pacific/Kiritimati", "Pacific/Kiritimati"),
        ("Africa/Lagos", "Europe/Berlin"),
    ] {
        let report = report(&Recording::in_zone(zone).lines());
        let has_offset = |name: &str| {
            let at = Timestamp::from_microsecond(Recording::START).unwrap();
            TimeZone::get(name).unwrap().to_offset(at)
        };
        assert_eq!(has_offset(&report.name), has_offset(expected), "{zone}: {report:?}");
        assert_eq!(report.by, By::Evidence);
        assert!(report.why.contains("America/New_York") && report.doubt.is_some(), "{report:?}");
    }
}

#[test]
fn a_recording_over_a_change_of_the_clocks_finds_the_zone_that_has_it() {
    // Both sides of the night in which Europe went back and New York had not yet.
    let before =
        Recording { start: "2025-10-25T12:00:00Z".parse().unwrap(), ..Recording::in_zone("Europe/Berlin") };
    let after =
        Recording { start: "2025-10-26T12:00:00Z".parse().unwrap(), ..Recording::in_zone("Europe/Berlin") };
    let report = report(&format!("{}{}", before.lines(), after.lines()));
    assert_eq!((report.name.as_str(), report.by), ("Europe/Berlin", By::Evidence), "{report:?}");
}

#[test]
fn one_packet_against_the_rule_is_too_little_and_the_import_asks() {
    let line = history_line("2026-01-15T15:00:20", &[("20260115-aaaaaaaaaaaaaaaa", 1_768_485_615_000)]);
    let Unsettled(reason) = decide(&line, None).unwrap_err();
    assert!(reason.contains("--zone Europe/Berlin") || reason.contains("--zone "), "{reason}");
    let settled = decide(&line, Some("Europe/Berlin")).unwrap();
    assert_eq!(settled.report.unwrap().by, By::Option);
}

#[test]
fn one_packet_that_agrees_leaves_the_rule_in_force() {
    let line = history_line("2026-01-15T09:00:20", &[("20260115-aaaaaaaaaaaaaaaa", 1_768_485_615_000)]);
    let report = report(&line);
    assert_eq!((report.name.as_str(), report.by), ("America/New_York", By::Format));
    assert!(report.doubt.unwrap().contains("only one packet"));
}

#[test]
fn without_evidence_the_rule_counts_and_the_doubt_is_said() {
    let report = report(r#"{"seq": 1, "ts": "2026-01-15T09:00:20", "event": "x", "data": {}}"#);
    assert_eq!(report.by, By::Format);
    assert!(report.doubt.unwrap().contains("nothing confirms"));
}

#[test]
fn what_the_user_names_counts_and_a_contradiction_is_said() {
    let lines = Recording::in_zone("Europe/Berlin").lines();
    let report = decide(&lines, Some("America/Chicago")).unwrap().report.unwrap();
    assert_eq!((report.name.as_str(), report.by), ("America/Chicago", By::Option));
    assert!(report.doubt.unwrap().contains("UTC+01:00"));
}

#[test]
fn the_times_of_a_copy_from_another_day_are_no_question_of_a_zone() {
    let line = history_line("2026-03-15T09:00:20", &[("20260115-aaaaaaaaaaaaaaaa", 1_768_485_615_000)]);
    let report = report(&line);
    assert_eq!((report.by, report.is_remarkable), (By::Format, true));
    assert!(report.doubt.unwrap().contains("no zone explains"));
}

#[test]
fn local_times_that_were_written_as_utc_are_corrected_and_that_is_said() {
    let recording = Recording { suffix: "Z", ..Recording::in_zone("Europe/Berlin") };
    let settled = decide(&recording.lines(), None).unwrap();
    let moment = settled.clock.read("2026-01-15T15:00:00Z", Zone::NewYork).unwrap();
    assert_eq!(moment.us, Recording::START);
    assert_eq!(settled.report.unwrap().by, By::Evidence);
}

#[test]
fn right_instants_need_no_word() {
    let recording = Recording { suffix: "Z", ..Recording::in_zone("UTC") };
    assert_eq!(decide(&recording.lines(), None).unwrap().report, None);
}

#[test]
fn a_clock_that_is_minutes_wrong_is_said_and_kept() {
    let recording = Recording { ahead: 180, ..Recording::in_zone("America/New_York") };
    let report = report(&recording.lines());
    assert_eq!((report.name.as_str(), report.is_remarkable), ("America/New_York", true));
    assert!(report.doubt.unwrap().contains("3 min ahead of"));
}

#[test]
fn zones_are_named_as_people_name_them() {
    for name in ["Europe/Berlin", "UTC", "utc", "+05:30", "-0500", "+00:00"] {
        assert!(named(name).is_ok(), "{name}");
    }
    let error = named("Berlin/Europe").unwrap_err().to_string();
    assert!(error.contains("Europe/Berlin"), "{error}");
}

/// Ticks of a recording, which carry nothing of the server's clock: local times, and the UTC day of the game.
fn ticks(lines: &[(&str, &str)]) -> Witness {
    let line = |(ts, day): &(&str, &str)| {
        format!(
            r#"{{"type": "tick", "timestamp": "{ts}", "game_id": "{day}-aaaaaaaaaaaaaaaa", "tick": 1, "price": 1.5}}"#
        )
    };
    let text = lines.iter().map(line).collect::<Vec<_>>().join("\n");
    witness(&text, LineFormat::Recording)
}

#[test]
fn the_days_in_the_ids_of_games_confirm_a_zone_or_contradict_it() {
    let clock = Clock::new().unwrap();
    // In New York the UTC day begins at 20:00 in October.
    let right = ticks(&[("2025-10-30T19:59:00", "20251030"), ("2025-10-30T20:00:10", "20251031")]);
    let report = settle(&right, &clock, None).unwrap().report.unwrap();
    assert_eq!((report.name.as_str(), report.is_remarkable), ("America/New_York", false));
    assert!(report.doubt.unwrap().contains("only the UTC days"));
    // In Berlin at 1:00.
    let berlin = ticks(&[("2025-10-31T00:59:00", "20251030"), ("2025-10-31T01:00:10", "20251031")]);
    let Unsettled(reason) = settle(&berlin, &clock, None).unwrap_err();
    assert!(reason.contains("--zone") && reason.contains("UTC+01:00"), "{reason}");
    let zone = named("Europe/Berlin").unwrap();
    assert_eq!(settle(&berlin, &clock, Some(&zone)).unwrap().report.unwrap().by, By::Option);
}

#[test]
fn a_game_that_runs_over_midnight_contradicts_nothing() {
    let lines = ticks(&[("2025-10-30T19:58:00", "20251030"), ("2025-10-30T20:05:00", "20251030")]);
    assert!(settle(&lines, &Clock::new().unwrap(), None).is_ok());
}

#[test]
fn a_recorder_that_hung_on_an_old_game_proves_nothing() {
    let lines = ticks(&[("2025-10-30T12:00:00", "20251030"), ("2025-11-01T02:00:00", "20251030")]);
    let report = settle(&lines, &Clock::new().unwrap(), None).unwrap().report.unwrap();
    assert!(report.doubt.unwrap().contains("contradict each other"));
}
