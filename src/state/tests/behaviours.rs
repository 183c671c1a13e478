//! F6 and F8 where they need the whole fold: S14–S17, G6–G20. The rest of them stands beside the code it tests.

use super::*;
use crate::protocol::phase::Phase;

fn transitions(notes: &[Note]) -> Vec<&crate::state::note::Transition> {
    notes.iter().filter_map(|note| if let Note::Phase(change) = note { Some(change) } else { None }).collect()
}

fn trade(feed: &mut Feed, id: &str, kind: &str, price: f64) -> Vec<Note> {
    feed.event(
        "standard/newTrade",
        &format!(
            r#"{{"id":"{id}","gameId":"g","playerId":"p","type":"{kind}","qty":1,"amount":{price},"price":{price},"coin":"solana","bonusPortion":0,"realPortion":{price}}}"#
        ),
    )
}

// S14
#[test]
fn s14_a_new_game_is_no_gap() {
    let mut feed = Feed::new();
    feed.tick("g", 100, 1.0);
    let notes = feed.tick("h", 0, 1.0);
    assert!(!notes.iter().any(|note| matches!(note, Note::TickGap { .. })));
}

// S10, S13 in the fold
#[test]
fn s13_a_gap_beyond_the_window_is_lost_integrity() {
    let mut feed = Feed::new();
    feed.tick("g", 0, 1.0);
    let notes = feed.tick("g", 10, 1.0);
    assert!(notes.contains(&Note::TickGap { game_id: "g".into(), from: Some(0), to: 10, missing: 9, filled: 0 }));
    assert!(notes.contains(&Note::IntegrityLost { reason: "tick_gap" }));
    let again = feed.tick("g", 40, 1.0);
    assert!(!again.iter().any(|note| matches!(note, Note::IntegrityLost { .. })));
    assert_eq!(feed.snapshot().capture.integrity_lost, Some("tick_gap"));
}

// S15, S16 in the fold
#[test]
fn s15_s16_a_lost_connection_needs_a_clean_game() {
    let mut feed = Feed::new();
    feed.tick("g", 0, 1.0);
    let lost =
        SystemEvent { session_id: "s", seq: 2, ts: Some(300_000), source: "cdp", event_type: "connection_lost" };
    let notes = feed.fold.system(&lost);
    assert!(notes.contains(&Note::IntegrityLost { reason: "connection_lost" }), "{notes:?}");
    feed.seq = 1;
    assert!(feed.tick("g", 1, 1.0).iter().any(|note| matches!(note, Note::Mode { .. })));
    assert_eq!(feed.snapshot().capture.integrity_lost, Some("connection_lost"), "coming back is not enough");
    feed.timer("h", 14_900);
    feed.tick("h", 0, 1.0);
    feed.rug("h", 1, 0.02);
    assert!(feed.timer("i", 14_900).contains(&Note::IntegrityRecovered));
    assert_eq!(feed.snapshot().capture.integrity_lost, None);
}

#[test]
fn a_lost_source_is_no_hole_while_another_is_heard() {
    let mut feed = Feed::new();
    feed.tick("g", 0, 1.0);
    feed.source = Source::PublicWs;
    feed.tick("g", 1, 1.0);
    let lost =
        SystemEvent { session_id: "s", seq: 3, ts: Some(600_000), source: "cdp", event_type: "disconnected" };
    assert!(feed.fold.system(&lost).is_empty());
    assert_eq!(feed.snapshot().capture.integrity_lost, None);
}

// S17 in the fold
#[test]
fn s17_games_without_their_rug_are_abnormal() {
    let mut feed = Feed::new();
    feed.tick("a", 0, 1.0);
    assert!(!feed.tick("b", 0, 1.0).iter().any(|note| matches!(note, Note::IntegrityLost { .. })));
    assert!(feed.tick("c", 0, 1.0).contains(&Note::IntegrityLost { reason: "abnormal_games" }));
}

// S21, S22 in the fold
#[test]
fn s22_frames_that_cannot_be_read_lower_the_mode() {
    use crate::state::health::Mode;
    let mut feed = Feed::new();
    feed.tick("g", 0, 1.0);
    (0..3).for_each(|_| {
        feed.frame("42[\"gameStateUpdate\",{");
    });
    assert_eq!(feed.snapshot().capture.mode, Mode::Degraded);
    (0..3).for_each(|_| {
        feed.frame("nonsense");
    });
    assert_eq!(feed.snapshot().capture.mode, Mode::Minimal);
    assert_eq!(feed.snapshot().game.unwrap().tick, Some(0), "the next frames are read all the same");
}

// G6
#[test]
fn g6_each_change_of_phase_is_one_transition() {
    let mut feed = Feed::new();
    let mut notes = feed.timer("g", 14_900);
    notes.extend(feed.timer("g", 9_900));
    notes.extend(feed.tick("g", 0, 1.0));
    notes.extend(feed.tick("g", 1, 1.1));
    notes.extend(feed.rug("g", 2, 0.02));
    notes.extend(feed.timer("h", 15_000));
    let changes = transitions(&notes);
    let to: Vec<_> = changes.iter().filter_map(|change| change.to).collect();
    assert_eq!(to, [Phase::Cooldown, Phase::Presale, Phase::Active, Phase::Rugged, Phase::Cooldown]);
    let last = changes.last().unwrap();
    assert_eq!((last.previous_game.as_deref(), &*last.game_id), (Some("g"), "h"));
    assert!(changes[..4].iter().all(|change| !change.is_new_game()));
    assert_eq!(feed.fold.counts().0, 1);
}

// G7
#[test]
fn g7_another_game_in_the_same_phase_is_a_transition() {
    let mut feed = Feed::new();
    feed.tick("g", 5, 1.0);
    let notes = feed.tick("h", 5, 1.0);
    let changes = transitions(&notes);
    assert_eq!((changes[0].from, changes[0].to), (Some(Phase::Active), Some(Phase::Active)));
    assert!(changes[0].is_new_game());
}

/// A full packet with these finished games.
fn history(feed: &mut Feed, ids: std::ops::Range<u32>) -> (u64, u64) {
    let before = (feed.fold.histories().new, feed.fold.histories().repeated);
    let entries: Vec<String> = ids.rev().map(|id| format!(r#"{{"id":"game-{id}"}}"#)).collect();
    feed.state(&format!(
        r#"{{"gameId":"now","active":true,"rugged":false,"tickCount":1,"price":1,"gameHistory":[{}]}}"#,
        entries.join(",")
    ));
    let after = feed.fold.histories();
    (after.new - before.0, after.repeated - before.1)
}

// G12 (Δ G14: every history frame is looked at, so there is no collector interval)
#[test]
fn g12_games_of_the_history_are_new_once() {
    let mut feed = Feed::new();
    assert_eq!(history(&mut feed, 0..10), (10, 0));
    assert_eq!(history(&mut feed, 0..10), (0, 10));
    assert_eq!(history(&mut feed, 5..15), (5, 5));
}

// G13
#[test]
fn g13_entries_without_an_id_and_empty_histories_are_passed_over() {
    let mut feed = Feed::new();
    feed.state(
        r#"{"gameId":"g","active":true,"rugged":true,"tickCount":5,"price":0.02,"gameHistory":[{"prices":[1]},{"id":"a"}]}"#,
    );
    assert_eq!((feed.fold.histories().new, feed.fold.histories().nameless), (1, 1));
    for empty in ["null", "[]"] {
        feed.state(&format!(
            r#"{{"gameId":"g","active":true,"rugged":true,"tickCount":6,"price":0.02,"gameHistory":{empty}}}"#
        ));
    }
    assert_eq!(feed.fold.histories().new, 1);
    assert_eq!(feed.fold.counts().0, 1, "the rug is counted");
}

// G15 in the fold; the rule itself is tested beside `money_kind`.
#[test]
fn g15_own_trades_say_whose_money_it_was() {
    let mut feed = Feed::new();
    feed.player(r#"{"id":"p","cash":1,"positionQty":0,"avgCost":0}"#);
    let notes = trade(&mut feed, "t", "buy", 1.0);
    assert!(matches!(&notes[..], [Note::OwnTrade { money: Some("real"), .. }]), "{notes:?}");
}

// G16
#[test]
fn g16_a_sell_is_forced_when_the_game_has_rugged() {
    let mut feed = Feed::new();
    feed.player(r#"{"id":"p","cash":1,"positionQty":3,"avgCost":1}"#);
    feed.tick("g", 1, 1.0);
    let forced = |notes: Vec<Note>| notes.iter().any(|note| matches!(note, Note::OwnTrade { forced: true, .. }));
    assert!(!forced(trade(&mut feed, "a", "sell", 1.0)), "a sell in a running game is the player's");
    feed.rug("g", 2, 0.02);
    assert!(forced(trade(&mut feed, "b", "sell", 0.02)));
    assert!(!forced(trade(&mut feed, "c", "buy", 0.02)));
    assert!(!forced(trade(&mut feed, "d", "short_close", 0.02)));
    assert_eq!(feed.fold.game().unwrap().forced_sells, 1);
}

// G17 and G18 are the store's: what is known is asked there (`store::games`), nothing is forgotten or reloaded
// here. A trade that comes twice within the bounded window counts once.
#[test]
fn g17_a_repeated_trade_counts_once() {
    let mut feed = Feed::new();
    feed.tick("g", 1, 1.0);
    trade(&mut feed, "a", "buy", 1.0);
    trade(&mut feed, "a", "buy", 1.0);
    trade(&mut feed, "b", "buy", 1.0);
    assert_eq!(feed.fold.game().unwrap().trades_seen, 2);
}

// G19
#[test]
fn g19_a_tick_that_goes_back_is_flagged_and_changes_nothing() {
    let mut feed = Feed::new();
    feed.tick("g", 50, 1.5);
    let notes = feed.tick("g", 40, 1.4);
    assert!(notes.contains(&Note::TickRegression { game_id: "g".into(), from: 50, to: 40 }));
    let game = feed.snapshot().game.unwrap();
    assert_eq!((game.tick, game.price), (Some(50), Some(1.5)));
    assert_eq!(feed.fold.game().unwrap().prices.get(40).map(|(price, _)| price), Some(1.4), "its price is kept");
}

// G19: two connections overtake each other, that is no regression.
#[test]
fn g19_another_connection_may_be_behind() {
    let mut feed = Feed::new();
    feed.tick("g", 50, 1.5);
    feed.source = Source::PublicWs;
    assert!(feed.tick("g", 49, 1.4).is_empty());
    assert!(feed.tick("g", 50, 1.5).is_empty());
    assert_eq!(feed.fold.counts().1, 0);
}

// G20
#[test]
fn g20_transitions_are_bounded() {
    let mut feed = Feed::new();
    for game in 0..30 {
        feed.timer(&format!("g{game}"), 14_900);
        feed.tick(&format!("g{game}"), 0, 1.0);
    }
    assert_eq!(feed.fold.transitions().len(), 20);
    assert_eq!(&*feed.fold.transitions().back().unwrap().game_id, "g29");
}

#[test]
fn a_god_candle_is_found_in_the_prices() {
    let mut feed = Feed::new();
    feed.tick("g", 364, 22.484799217692508);
    let notes = feed.tick("g", 365, 224.8479921769251);
    let told =
        Note::GodCandle { game_id: "g".into(), tick: 365, before: 22.484799217692508, after: 224.8479921769251 };
    assert!(notes.contains(&told), "{notes:?}");
    assert!(!feed.tick("g", 366, 225.0).iter().any(|note| matches!(note, Note::GodCandle { .. })));
}

#[test]
fn a_record_of_the_day_is_told_once() {
    let mut feed = Feed::new();
    let full = r#"{"gameId":"g","active":true,"rugged":false,"tickCount":1,"price":1,"gameHistory":[],"godCandle50x":57.9,"godCandle50xTimestamp":1,"godCandle2x":null}"#;
    assert!(feed.state(full).contains(&Note::GodCandleRecord { tiers: vec!["50x"] }));
    assert!(feed.state(full).is_empty());
}
