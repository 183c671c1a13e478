//! What counts as evidence, and how much of it is enough.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

use super::*;
use crate::testing::wall::{Recording, history_line};
use crate::testing::witness;

const HOUR: i64 = 3_600_000_000;

fn pieces(lines: &str) -> Vec<Piece> {
    let witness = witness(lines, LineFormat::RawCapture);
    witness.pieces(Kind::Zoneless(Zone::NewYork))
}

fn piece(hours: i64, rest: i64, closeness: Closeness) -> Piece {
    Piece { written: 1_768_485_600_000_000 + hours * HOUR + rest, server: 1_768_485_600_000_000, closeness }
}

#[test]
fn a_game_that_just_ended_gives_two_close_pieces_and_one_seen_first_a_loose_one() {
    let found = pieces(&Recording::in_zone("UTC").lines());
    assert!(found.iter().filter(|piece| piece.closeness == Closeness::Seconds).count() >= 2, "{found:?}");
    let first = history_line("2026-01-15T09:00:20", &[("20260115-aaaaaaaaaaaaaaaa", 1_768_485_615_000)]);
    assert_eq!(pieces(&first).iter().map(|piece| piece.closeness).collect::<Vec<_>>(), [Closeness::OneGame]);
}

#[test]
fn a_chat_lines_time_is_evidence() {
    let line = r#"{"seq": 1, "ts": "2026-01-15T15:00:00", "event": "newChatMessage", "data": [{"__trace": true, "traceparent": "00-1-2-01"}, {"message": "hi", "timestamp": 1768485600000}]}"#;
    assert_eq!(pieces(line), [piece(1, 0, Closeness::Seconds)]);
}

#[test]
fn the_end_of_the_last_game_lies_up_to_one_game_back() {
    let long_ago = piece(1, 300_000_000, Closeness::OneGame);
    assert_eq!(long_ago.offset().0, Some(4));
    let too_long_ago = piece(1, 600_000_000, Closeness::OneGame);
    assert_eq!(too_long_ago.offset().0, None);
}

#[test]
fn two_close_pieces_are_enough_and_one_is_not() {
    let close = piece(1, 500_000, Closeness::Seconds);
    assert!(!Agreement::of(&[close]).unwrap().is_enough);
    let agreement = Agreement::of(&[close, close]).unwrap();
    assert_eq!((agreement.quarters, agreement.is_enough, agreement.ahead), (4, true, 500_000));
}

#[test]
fn pieces_that_disagree_are_not_enough() {
    let close = piece(1, 0, Closeness::Seconds);
    let other = piece(2, 0, Closeness::Seconds);
    assert!(!Agreement::of(&[close, close, other, other]).unwrap().is_enough);
}

#[test]
fn no_more_pieces_are_kept_than_needed_however_long_the_file() {
    let mut witness = Witness::default();
    for at in 0..5000 {
        witness.add(Kind::Instant, at, at, Closeness::Seconds);
    }
    let kept = witness.pieces(Kind::Instant);
    assert_eq!((kept.len(), kept[0].written, kept.last().unwrap().written), (2 * ENOUGH_PIECES, 0, 4999));
}
