#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

use super::*;
use crate::replay::proof::evidence::{HistoryEntry, Place, TickRow};
use crate::state::fact::Tick;

const SECOND: i64 = 1_000_000;

fn place(session: &str, seq: u64) -> Place {
    Place { session_id: Arc::from(session), seq }
}

/// Ticks that one session captured, four a second from `start_us`.
fn captured(evidence: &mut Evidence, session: &str, ticks: impl IntoIterator<Item = i64>, start_us: i64) {
    for tick in ticks {
        let row =
            TickRow { tick: Some(tick), price: Some(1.0), phase: Some("ACTIVE"), tick_source: Some("frame") };
        evidence.row(&place(session, tick.unsigned_abs() + 1), Some(start_us + tick * 250_000), &row);
    }
}

fn window(evidence: &mut Evidence, session: &str, ticks: &[u32]) {
    let window = ticks.iter().map(|tick| (*tick, 1.0)).collect();
    let end = ticks.last().map(|tick| i64::from(*tick));
    let packet = Tick { active: Some(true), rugged: Some(false), window, window_end: end, ..Tick::default() };
    evidence.frame(&place(session, 999), None, &packet);
}

fn history(evidence: &mut Evidence, prices: usize, ended_us: Option<i64>) {
    evidence.history(HistoryEntry {
        place: place("a", 1000),
        prices: vec![1.0; prices],
        seed: None,
        hash: None,
        version: None,
        peak: None,
        ended_us,
    });
}

fn spans(spans: &[(i64, i64)], lasted: (i64, i64)) -> Connected {
    Connected { spans: spans.to_vec(), lasted: Some(lasted), openings: spans.len() as u64, told: true }
}

fn run(evidence: Evidence, sessions: &[(&str, Connected)]) -> Audit {
    let games = BTreeMap::from([("g".to_owned(), evidence)]);
    let sessions = sessions.iter().map(|(name, connected)| (Arc::from(*name), connected.clone())).collect();
    audit(&games, &BTreeMap::new(), &sessions)
}

#[test]
fn a_missed_tick_counts_where_the_recorder_was_when_it_was_played() {
    let mut evidence = Evidence::default();
    // Ticks 0–99: 20–39 were lost with the connection, 60 and 61 while it was there.
    captured(&mut evidence, "a", (0..20).chain(40..60).chain(62..100), 0);
    window(&mut evidence, "a", &[61, 62]);
    history(&mut evidence, 100, None);
    let connected = spans(&[(0, 4_900_000), (9_900_000, 30 * SECOND)], (0, 30 * SECOND));
    let audit = run(evidence, &[("a", connected)]);
    let total = audit.total;
    assert_eq!((total.connected.played, total.connected.captured), (80, 78));
    assert_eq!((total.connected.from_partial_prices, total.connected.from_game_history), (1, 1));
    assert_eq!((total.disconnected.played, total.disconnected.from_game_history), (20, 20));
    assert_eq!((total.outside.played, total.all().played), (0, 100));
    assert_eq!(total.connected.captured + total.connected.repaired() + total.connected.unknown, 80);
    assert_eq!((audit.captured_percent, audit.known_percent), (Some(97.5), Some(100.0)));
}

#[test]
fn what_nothing_tells_is_unknown() {
    let mut evidence = Evidence::default();
    captured(&mut evidence, "a", (0..10).chain(15..20), 0);
    let audit = run(evidence, &[("a", spans(&[(0, 60 * SECOND)], (0, 60 * SECOND)))]);
    assert_eq!((audit.total.connected.played, audit.total.connected.unknown), (20, 5));
}

#[test]
fn the_beginning_of_a_game_that_was_joined_was_played_outside() {
    let mut evidence = Evidence::default();
    captured(&mut evidence, "a", 40..100, 0);
    history(&mut evidence, 100, None);
    let audit = run(evidence, &[("a", spans(&[(10 * SECOND, 90 * SECOND)], (10 * SECOND, 90 * SECOND)))]);
    assert_eq!((audit.total.connected.played, audit.total.connected.captured), (60, 60));
    assert_eq!((audit.total.outside.played, audit.total.outside.from_game_history), (40, 40));
}

#[test]
fn a_game_that_a_running_session_saw_nothing_of_counts_by_the_servers_clock() {
    let mut during = Evidence::default();
    history(&mut during, 41, Some(20 * SECOND));
    let connected = spans(&[(0, 5 * SECOND), (30 * SECOND, 90 * SECOND)], (0, 90 * SECOND));
    let total = run(during, &[("a", connected.clone())]).total;
    assert_eq!((total.disconnected.played, total.disconnected.from_game_history), (41, 41));
    let mut before = Evidence::default();
    history(&mut before, 41, Some(-20 * SECOND));
    assert_eq!(run(before, &[("a", connected)]).total.all().played, 0);
}

#[test]
fn a_tick_that_two_sessions_saw_counts_once_in_total() {
    let mut evidence = Evidence::default();
    captured(&mut evidence, "a", 0..50, 0);
    captured(&mut evidence, "b", 40..100, 0);
    history(&mut evidence, 100, None);
    let whole = || spans(&[(0, 60 * SECOND)], (0, 60 * SECOND));
    let audit = run(evidence, &[("a", whole()), ("b", whole())]);
    assert_eq!((audit.total.connected.played, audit.total.connected.captured), (100, 100));
    assert_eq!(audit.sessions.len(), 2);
    assert_eq!(audit.sessions[0].ticks.connected.from_game_history, 50);
    assert_eq!(audit.sessions[1].ticks.connected.captured, 60);
}

#[test]
fn audits_of_other_games_add_up() {
    let mut first = Evidence::default();
    captured(&mut first, "a", 0..10, 0);
    let mut second = Evidence::default();
    captured(&mut second, "a", 0..5, 20 * SECOND);
    let whole = [("a", spans(&[(0, 60 * SECOND)], (0, 60 * SECOND)))];
    let mut audit = run(first, &whole);
    audit.absorb(run(second, &whole));
    assert_eq!((audit.games, audit.total.connected.captured, audit.sessions.len()), (2, 15, 1));
    assert_eq!(audit.sessions[0].ticks.connected.captured, 15);
}

#[test]
fn a_missed_game_is_placed_between_the_games_around_it_whatever_the_servers_clock_says() {
    let mut games = BTreeMap::new();
    // The server's clock is an hour ahead. Games a and c were captured, b was missed with the connection.
    for (id, start) in [("a", 0), ("c", 60)] {
        let mut evidence = Evidence::default();
        captured(&mut evidence, "s", 0..20, start * SECOND);
        let row = TickRow { tick: Some(20), price: Some(0.02), phase: Some("RUGGED"), tick_source: Some("frame") };
        evidence.row(&place("s", 50), Some((start + 5) * SECOND), &row);
        history(&mut evidence, 21, Some((3600 + start + 5) * SECOND));
        games.insert(id.to_owned(), evidence);
    }
    let mut missed = Evidence::default();
    history(&mut missed, 21, Some((3600 + 35) * SECOND));
    games.insert("b".to_owned(), missed);
    let connected = spans(&[(0, 10 * SECOND), (50 * SECOND, 90 * SECOND)], (0, 90 * SECOND));
    let total = audit(&games, &BTreeMap::new(), &BTreeMap::from([(Arc::from("s"), connected)])).total;
    assert_eq!((total.connected.played, total.connected.captured), (42, 42));
    assert_eq!((total.disconnected.played, total.disconnected.from_game_history), (21, 21));
}
