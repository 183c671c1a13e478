//! F7, price history: H1–H11.

use super::*;
use crate::state::prices::TickSource;

fn prices(feed: &Feed) -> Vec<Option<f64>> {
    feed.fold.game().unwrap().prices.iter().map(|told| told.map(|(price, _)| price)).collect()
}

fn with_window(game: &str, tick: u32, price: f64, values: &str) -> String {
    format!(
        r#"{{"active":true,"price":{price},"rugged":false,"tickCount":{tick},"gameId":"{game}","partialPrices":{{"startTick":0,"endTick":{tick},"values":{{{values}}}}}}}"#
    )
}

fn next_game(game: &str, history: &str) -> String {
    format!(
        r#"{{"gameId":"{game}","active":false,"rugged":false,"price":1,"tickCount":0,"cooldownTimer":15000,"allowPreRoundBuys":false,"partialPrices":{{"startTick":0,"endTick":0,"values":{{"0":1}}}},"gameHistory":[{history}]}}"#
    )
}

fn ends(notes: &[Note]) -> Vec<String> {
    notes
        .iter()
        .filter_map(|note| match note {
            Note::GameFinished { game_id, .. } => Some(game_id.to_string()),
            _ => None,
        })
        .collect()
}

// H1
#[test]
fn h1_each_tick_has_its_price() {
    let mut feed = Feed::new();
    for (tick, price) in (0..).zip([1.0, 1.01, 1.03]) {
        feed.tick("g", tick, price);
    }
    assert_eq!(prices(&feed), [Some(1.0), Some(1.01), Some(1.03)]);
}

// H2
#[test]
fn h2_the_peak_is_the_highest_price() {
    let mut feed = Feed::new();
    for (tick, price) in (0..).zip([1.0, 2.5, 1.8]) {
        feed.tick("g", tick, price);
    }
    assert_eq!(feed.snapshot().game.unwrap().peak, Some(2.5));
}

// H3
#[test]
fn h3_missing_ticks_are_unknown() {
    let mut feed = Feed::new();
    feed.tick("g", 0, 1.0);
    feed.tick("g", 3, 1.3);
    assert_eq!(prices(&feed), [Some(1.0), None, None, Some(1.3)]);
    assert_eq!(feed.snapshot().game.unwrap().unknown_prices, 2);
}

// H4
#[test]
fn h4_the_window_fills_gaps_and_is_named_as_their_source() {
    let mut feed = Feed::new();
    feed.tick("g", 0, 1.0);
    let notes = feed.state(&with_window("g", 3, 1.4, r#""0":1,"1":1.1,"2":1.3,"3":1.4"#));
    assert_eq!(prices(&feed), [Some(1.0), Some(1.1), Some(1.3), Some(1.4)]);
    let game = feed.fold.game().unwrap();
    assert_eq!(game.prices.get(1), Some((1.1, TickSource::Partial)));
    assert_eq!(game.prices.get(3), Some((1.4, TickSource::Tick)));
    let gap = Note::TickGap { game_id: "g".into(), from: Some(0), to: 3, missing: 2, filled: 2 };
    assert!(notes.contains(&gap), "{notes:?}");
}

// H5 (Δ: the disagreement is noted)
#[test]
fn h5_the_first_value_stays_and_the_disagreement_is_noted() {
    let mut feed = Feed::new();
    feed.tick("g", 0, 1.0);
    feed.tick("g", 1, 1.1);
    let notes = feed.state(&with_window("g", 2, 1.2, r#""1":9.9,"2":1.2"#));
    assert_eq!(prices(&feed)[1], Some(1.1));
    let [Note::PriceDisagreement(told)] = notes.as_slice() else { panic!("{notes:?}") };
    assert_eq!((told.tick, told.kept, told.other), (1, 1.1, 9.9));
    assert_eq!((told.kept_source, told.other_source), (TickSource::Tick, TickSource::Partial));
    assert_eq!(feed.snapshot().capture.disagreements, 1);
}

// H6
#[test]
fn h6_a_games_end_is_told_once_with_prices_and_peak() {
    let mut feed = Feed::new();
    feed.tick("g", 0, 1.0);
    feed.tick("g", 1, 1.2);
    feed.rug("g", 2, 0.02);
    let notes = feed.timer("next", 14_900);
    let told = Note::GameFinished {
        game_id: "g".into(),
        rug_tick: Some(2),
        peak: Some(1.2),
        prices_known: 3,
        complete: true,
    };
    assert!(notes.contains(&told), "{notes:?}");
    assert!(ends(&feed.timer("next", 14_800)).is_empty());
}

// H7
#[test]
fn h7_the_seed_of_the_matching_entry_is_attached() {
    let mut feed = Feed::new();
    feed.tick("g", 0, 1.0);
    feed.rug("g", 1, 0.02);
    let entry =
        r#"{"id":"g","prices":[1,0.02],"provablyFair":{"serverSeed":"abc123","serverSeedHash":"hash456"}}"#;
    let notes = feed.state(&next_game("next", entry));
    assert_eq!(feed.fold.game_by_id("g").unwrap().seed.as_deref(), Some("abc123"));
    assert!(notes.iter().any(|note| matches!(note, Note::SeedRevealed { game_id, .. } if &**game_id == "g")));
    assert_eq!(ends(&notes), ["g"]);
}

// H8 (Δ: another game's seed is not attached)
#[test]
fn h8_the_seed_of_another_game_is_not_attached() {
    let mut feed = Feed::new();
    feed.tick("g", 0, 1.0);
    feed.rug("g", 1, 0.02);
    let notes = feed.state(&next_game("next", r#"{"id":"before","provablyFair":{"serverSeed":"abc123"}}"#));
    assert_eq!(feed.fold.game_by_id("g").unwrap().seed, None);
    assert!(!notes.iter().any(|note| matches!(note, Note::SeedRevealed { .. })));
}

// H9
#[test]
fn h9_the_first_tick_of_another_game_ends_the_one_before() {
    let mut feed = Feed::new();
    feed.tick("g", 0, 1.0);
    assert_eq!(ends(&feed.tick("h", 0, 1.0)), ["g"]);
}

// H10
#[test]
fn h10_another_games_end_and_a_second_end_are_no_end() {
    let mut feed = Feed::new();
    feed.tick("g", 0, 1.0);
    assert!(ends(&feed.tick("g", 1, 1.1)).is_empty());
    assert_eq!(ends(&feed.timer("h", 14_900)), ["g"]);
    // The old game's late packet, and the history that names it, end nothing again.
    assert!(ends(&feed.rug("g", 2, 0.02)).is_empty());
    assert!(ends(&feed.state(&next_game("h", r#"{"id":"g"}"#))).is_empty());
}

// H11
#[test]
fn h11_what_a_caller_does_to_its_list_changes_nothing() {
    let mut feed = Feed::new();
    feed.tick("g", 0, 1.0);
    let mut list = prices(&feed);
    list[0] = Some(99.0);
    assert_eq!(prices(&feed), [Some(1.0)]);
}

#[test]
fn the_rug_tick_is_the_windows_end_not_the_count_that_runs_on() {
    let mut feed = Feed::new();
    feed.tick("g", 228, 0.5);
    // The rug's own tick packet was lost; the full packet's count is two ahead.
    feed.state(
        r#"{"active":true,"price":0.01,"rugged":true,"tickCount":231,"gameId":"g","partialPrices":{"startTick":228,"endTick":229,"values":{"228":0.5,"229":0.01}},"gameHistory":[]}"#,
    );
    let game = feed.fold.game().unwrap();
    assert_eq!((game.rug_tick, game.tick, game.prices.len()), (Some(229), Some(229), 230));
    assert_eq!(game.prices.get(229), Some((0.01, TickSource::Partial)));
}

#[test]
fn an_absurd_tick_is_ignored() {
    let mut feed = Feed::new();
    feed.tick("g", 1, 1.0);
    feed.state(
        r#"{"active":true,"price":2,"rugged":false,"tickCount":4000000000,"gameId":"g","partialPrices":{"values":{"4000000000":1}}}"#,
    );
    assert_eq!(feed.fold.game().unwrap().prices.len(), 2);
}
