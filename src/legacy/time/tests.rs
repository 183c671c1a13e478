//! The zone rule, at its edges.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

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
    assert_eq!(moment.doubt, Some(Doubt::Fold));
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
