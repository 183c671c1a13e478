//! The zone rule, at its edges.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

use jiff::Timestamp;

use super::*;

fn new_york(text: &str) -> String {
    let moment = Clock::new().unwrap().read(text, Zone::NewYork).unwrap();
    Timestamp::from_microsecond(moment.us).unwrap().to_string()
}

#[test]
fn october_is_four_hours_behind_utc() {
    assert_eq!(new_york("2025-10-30T20:00:00"), "2025-10-31T00:00:00Z");
}

#[test]
fn after_the_clocks_went_back_it_is_five() {
    assert_eq!(new_york("2025-11-02T19:00:00.5"), "2025-11-03T00:00:00.5Z");
}

#[test]
fn december_is_five_hours_behind_utc() {
    assert_eq!(new_york("2025-12-12T17:16:58.624285"), "2025-12-12T22:16:58.624285Z");
}

#[test]
fn the_hour_that_happens_twice_is_its_first_pass_and_marked() {
    let clock = Clock::new().unwrap();
    let moment = clock.read("2025-11-02T01:30:00", Zone::NewYork).unwrap();
    assert_eq!(moment.doubt, Some(Doubt::Fold { second: moment.us + 3_600_000_000 }));
    assert_eq!(new_york("2025-11-02T01:30:00"), "2025-11-02T05:30:00Z");
    assert_eq!(clock.read("2025-11-02T02:00:00", Zone::NewYork).unwrap().doubt, None);
}

#[test]
fn the_hour_that_does_not_happen_is_read_as_if_the_clock_had_not_jumped_and_marked() {
    let moment = Clock::new().unwrap().read("2026-03-08T02:30:00", Zone::NewYork).unwrap();
    assert_eq!(moment.doubt, Some(Doubt::Gap));
    assert_eq!(new_york("2026-03-08T02:30:00"), "2026-03-08T07:30:00Z");
}

#[test]
fn an_offset_in_the_text_outranks_the_zone_of_the_format() {
    assert_eq!(new_york("2025-12-15T05:39:20.267811+00:00"), "2025-12-15T05:39:20.267811Z");
    assert_eq!(new_york("2025-12-15T05:39:20Z"), "2025-12-15T05:39:20Z");
    assert_eq!(new_york("2025-12-15 05:39:20-01:00"), "2025-12-15T06:39:20Z");
}

#[test]
fn naive_utc_is_utc() {
    let clock = Clock::new().unwrap();
    assert_eq!(
        clock.read("2025-12-17T21:34:00", Zone::Utc),
        clock.read("2025-12-17T21:34:00+00:00", Zone::NewYork)
    );
}

#[test]
fn what_is_no_time_is_none() {
    let clock = Clock::new().unwrap();
    for text in ["", "yesterday", "20251029_174640", "2025-13-01T00:00:00", "2025-10-29T25:00:00Z"] {
        assert_eq!(clock.read(text, Zone::NewYork), None, "{text}");
    }
}

#[test]
fn epoch_milliseconds_become_microseconds_and_counters_stay_out() {
    assert_eq!(from_epoch_ms(1_765_577_802_974.0), Some(1_765_577_802_974_000));
    assert_eq!(from_epoch_ms(42.0), None);
    assert_eq!(from_epoch_any(1_765_577_802.5), Some(1_765_577_802_500_000));
    assert_eq!(from_epoch_any(1_765_577_802_974_000.0), Some(1_765_577_802_974_000));
}

fn instant(text: &str) -> Option<String> {
    match text::read(text)? {
        Written::Instant(us) => Some(Timestamp::from_microsecond(us).unwrap().to_string()),
        Written::Local(local) => Some(local.to_string()),
    }
}

#[test]
fn every_way_to_write_the_same_instant_is_read() {
    for text in [
        "1768485600",
        "1768485600.0",
        "1768485600000",
        "1768485600000000",
        "1768485600000000000",
        "1.7684856e9",
        "2026-01-15T14:00:00Z",
        "2026-01-15t14:00:00z",
        "2026-01-15T15:00:00+01:00",
        "2026-01-15T15:00:00+0100",
        "2026-01-15 15:00:00 +0100",
        "2026-01-15 14:00:00 UTC",
        "2026/01/15 14:00:00Z",
        "2026-01-15T15:00:00[Europe/Berlin]",
        "2026-01-15T15:00:00+01:00[Europe/Berlin]",
        "[2026-01-15T14:00:00Z]",
        "Thu, 15 Jan 2026 14:00:00 GMT",
        "Tue, 15 Jan 2026 14:00:00 GMT",
        "Thu, 15 Jan 2026 15:00:00 +0100",
        "15 Jan 2026 14:00:00 GMT",
        "Thu Jan 15 2026 15:00:00 GMT+0100 (Central European Standard Time)",
        "Thu Jan 15 14:00:00 2026",
    ] {
        assert_eq!(instant(text).as_deref(), Some("2026-01-15T14:00:00Z"), "{text}");
    }
}

#[test]
fn fractions_are_exact_and_may_have_a_comma() {
    assert_eq!(instant("1768485600.123456").unwrap(), "2026-01-15T14:00:00.123456Z");
    assert_eq!(instant("1768485600123.5").unwrap(), "2026-01-15T14:00:00.1235Z");
    assert_eq!(instant("1768485600123456789").unwrap(), "2026-01-15T14:00:00.123457Z");
    assert_eq!(instant("2026-01-15 14:00:00,123").unwrap(), "2026-01-15T14:00:00.123");
    assert_eq!(instant("2026-01-15T14:00:00,5Z").unwrap(), "2026-01-15T14:00:00.5Z");
}

#[test]
fn a_time_without_a_zone_stays_one() {
    for text in ["2026-01-15T14:00:00", "2026-01-15 14:00:00", "2026/01/15 14:00:00.0"] {
        assert_eq!(instant(text).as_deref(), Some("2026-01-15T14:00:00"), "{text}");
    }
}

#[test]
fn counters_dates_and_words_are_no_times() {
    for text in ["42", "12345678901", "now", "May", "-1768485600", "1768485600x", "14:00:00"] {
        assert_eq!(instant(text), None, "{text}");
    }
}

fn of_line(line: &str) -> Option<String> {
    let clock = Clock::new().unwrap();
    let moment = clock.of(&Fields::parse(line).unwrap(), Zone::NewYork)?;
    Some(Timestamp::from_microsecond(moment.us).unwrap().to_string())
}

#[test]
fn a_date_alone_is_midnight_and_no_time_of_a_line() {
    assert_eq!(instant("2026-01-15").as_deref(), Some("2026-01-15T00:00:00"));
    assert_eq!(of_line(r#"{"date": "2026-01-15"}"#), None);
}

#[test]
fn the_time_of_a_line_stands_under_any_of_the_usual_keys() {
    for line in [
        r#"{"ts": 1768485600.0}"#,
        r#"{"timestamp": "1768485600000"}"#,
        r#"{"ts_ms": 1768485600000}"#,
        r#"{"time": "2026-01-15T14:00:00Z"}"#,
        r#"{"at": "2026-01-15T09:00:00"}"#,
        r#"{"ts": null, "timestamp_ms": 1768485600000}"#,
    ] {
        assert_eq!(of_line(line).as_deref(), Some("2026-01-15T14:00:00Z"), "{line}");
    }
}

#[test]
fn an_instant_outranks_a_time_without_a_zone() {
    let line = r#"{"ts": "2026-01-15T15:00:00.000000", "ts_ms": 1768485600000}"#;
    assert_eq!(of_line(line).as_deref(), Some("2026-01-15T14:00:00Z"));
}

#[test]
fn what_the_game_cannot_have_seen_is_not_possible() {
    let clock = Clock::new().unwrap();
    let us = |text: &str| text.parse::<Timestamp>().unwrap().as_microsecond();
    assert!(clock.is_possible(us("2025-10-29T17:46:40Z")));
    assert!(!clock.is_possible(us("2023-12-31T23:59:59Z")));
    assert!(!clock.is_possible(us("1970-01-01T00:00:00Z")));
    assert!(!clock.is_possible(now_us() + 2 * DAY));
}
