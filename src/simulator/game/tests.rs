#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

use super::super::bots::Bots;
use super::super::players::{local_player, roster};
use super::*;

/// A game played to its end by bots, without any frames.
fn finished(seed: u64) -> Round {
    let mut random = Prng::new(seed);
    let first = local_player(&mut random);
    let roster = roster(&mut random, &first, 30);
    let mut round = Round::new(&mut random, "20260101", roster.len());
    let bots = Bots { roster: &roster, first: 0 };
    for step in 0..100 {
        bots.before_the_game(&mut round, &mut random, step);
    }
    for tick in 0..round.path.rug_tick {
        round.settle(&mut random, tick, 0);
        bots.after_tick(&mut round, &mut random, tick, 0);
    }
    let rug_tick = round.path.rug_tick;
    round.settle(&mut random, rug_tick, 0);
    round.liquidate(&mut random, &roster);
    round
}

#[test]
fn bets_win_up_to_and_including_their_last_tick() {
    let mut decided = 0;
    for seed in 0..60 {
        let round = finished(seed);
        for bet in &round.bets {
            let outcome = bet.outcome.unwrap();
            assert_eq!(bet.end_tick, bet.start_tick + 40);
            assert_eq!(outcome.won, round.path.rug_tick <= bet.end_tick);
            assert_eq!(outcome.payout.0, if outcome.won { bet.stake.0 * 5 } else { 0 });
            decided += 1;
        }
    }
    assert!(decided > 100, "only {decided} bets");
}

#[test]
fn a_bet_whose_window_ends_on_the_rug_wins() {
    let mut random = Prng::new(1);
    let first = local_player(&mut random);
    let roster = roster(&mut random, &first, 2);
    let mut round = loop {
        let round = Round::new(&mut random, "20260101", 2);
        if round.path.rug_tick > 41 {
            break round;
        }
    };
    let start = round.path.rug_tick - BET_WINDOW;
    let seat = |seat: usize| Seat { seat, player: &roster[seat] };
    round.bet(&mut random, seat(0), Nano::milli(1), start - 1, 0).unwrap();
    round.bet(&mut random, seat(1), Nano::milli(1), start, 0).unwrap();
    for tick in start..=round.path.rug_tick {
        round.settle(&mut random, tick, 0);
    }
    let won: Vec<bool> = round.bets.iter().map(|bet| bet.outcome.unwrap().won).collect();
    assert_eq!(won, [false, true]);
}

#[test]
fn everything_is_sold_at_the_rug() {
    let round = finished(4);
    assert!(round.books.iter().all(|book| book.qty == Nano::ZERO && book.open_bet.is_none()));
    let rug_price = *round.path.prices.last().unwrap();
    assert!(round.trades.iter().filter(|trade| trade.forced).all(|trade| trade.price == rug_price));
}

#[test]
fn trades_have_the_price_of_their_tick() {
    let round = finished(5);
    for trade in &round.trades {
        assert_eq!(trade.price, round.path.prices[trade.tick]);
        if trade.side == Side::Buy {
            assert_eq!(trade.qty, trade.amount.over(trade.price));
        }
    }
}

#[test]
fn history_entry_is_json_with_both_kinds_of_records() {
    let entry = finished(6).history_entry(1);
    let value: serde_json::Value = serde_json::from_str(&entry).unwrap();
    let kinds: std::collections::BTreeSet<&str> = value["globalSidebets"]
        .as_array()
        .unwrap()
        .iter()
        .map(|record| record["type"].as_str().unwrap())
        .collect();
    assert!(kinds.contains("placed") && kinds.contains("payout"));
}
