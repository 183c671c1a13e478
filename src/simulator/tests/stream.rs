//! The stream as a whole: deterministic, in order, valid, opened like Socket.IO.

use super::*;
use replayer_store::record::Direction;

#[test]
fn same_seed_gives_the_same_bytes() {
    let logged_in = Config { logged_in: true, ..config(5) };
    assert_eq!(frames(logged_in.clone()), frames(logged_in));
    assert_ne!(frames(config(5)), frames(config(6)));
}

#[test]
fn every_frame_parses_and_time_never_falls() {
    for logged_in in [false, true] {
        let frames = frames(Config { logged_in, ..config(7) });
        assert!(frames.is_sorted_by_key(|frame| frame.at_us));
        for frame in &frames {
            let body = frame.text.trim_start_matches(|digit: char| digit.is_ascii_digit());
            assert!(body.is_empty() || serde_json::from_str::<Value>(body).is_ok(), "{}", frame.text);
        }
    }
}

#[test]
fn a_connection_opens_like_socket_io() {
    let frames = frames(config(1));
    assert!(frames[0].text.starts_with("0{\"sid\":"));
    assert_eq!((frames[1].text.as_str(), frames[1].direction), ("40", Direction::Sent));
    assert!(frames[2].text.starts_with("40{\"sid\":"));
    let heartbeats =
        |text, direction| frames.iter().filter(|f| f.text == text && f.direction == direction).count();
    assert!(heartbeats("2", Direction::Received) > 2);
    assert_eq!(heartbeats("2", Direction::Received), heartbeats("3", Direction::Sent));
    let names: Vec<String> =
        frames.iter().filter_map(|frame| event(&frame.text)).map(|(name, _)| name).take(7).collect();
    let expected = [
        "gameStateUpdate",
        "goldenHourUpdate",
        "battleEventUpdate",
        "rugRoyaleUpdate",
        "sidebetEventUpdate",
        "battleEventUpdate",
        "maintenanceUpdate",
    ];
    assert_eq!(names, expected);
}
