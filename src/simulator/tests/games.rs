//! What the frames tell about a game is what was played.

use std::collections::{BTreeMap, BTreeSet};

use super::*;
use replayer_protocol::fairness::{hash_seed, play};

#[test]
fn every_game_verifies_from_its_seed() {
    let mut session = Session::new(config(8));
    let frames: Vec<SimulatedFrame> = session.by_ref().collect();
    let mut truths = session.prior_games().to_vec();
    truths.extend_from_slice(session.truths());
    assert_eq!(truths.len(), 3 + 4);
    for truth in &truths {
        let path = play(&truth.seed, &truth.game_id, truth.version);
        assert_eq!(hash_seed(&truth.seed), truth.seed_hash);
        assert_eq!((&path.prices, path.rug_tick), (&truth.prices, truth.rug_tick));
    }
    let mut revealed = BTreeSet::new();
    for state in states(&frames) {
        for entry in state.get("gameHistory").and_then(Value::as_array).into_iter().flatten() {
            let truth = truths.iter().find(|truth| entry["id"] == truth.game_id.as_str()).unwrap();
            let prices: Vec<f64> =
                entry["prices"].as_array().unwrap().iter().map(|p| p.as_f64().unwrap()).collect();
            assert_eq!(prices, truth.prices);
            assert_eq!(entry["provablyFair"]["serverSeed"], truth.seed.as_str());
            assert_eq!(entry["provablyFair"]["serverSeedHash"], truth.seed_hash.as_str());
            revealed.insert(truth.game_id.clone());
        }
    }
    assert_eq!(revealed.len(), truths.len());
}

#[test]
fn ticks_show_the_prices_of_the_truth() {
    let mut session = Session::new(config(9));
    let frames: Vec<SimulatedFrame> = session.by_ref().collect();
    for truth in session.truths() {
        let of_game = states(&frames).into_iter().filter(|state| state["gameId"] == truth.game_id.as_str());
        let ticks = of_game
            .filter(|state| state.get("active") == Some(&Value::Bool(true)) && !state.contains_key("gameHistory"));
        let seen: BTreeMap<u64, f64> =
            ticks.map(|state| (state["tickCount"].as_u64().unwrap(), state["price"].as_f64().unwrap())).collect();
        let first = *seen.keys().next().unwrap() as usize;
        assert_eq!(seen.values().copied().collect::<Vec<_>>(), truth.prices[first..]);
        assert!(first <= 1, "a golden game has a full packet for tick 0, others a start packet");
    }
}

#[test]
fn the_seed_comes_with_the_second_broadcast_only() {
    let mut session = Session::new(config(10));
    let frames: Vec<SimulatedFrame> = session.by_ref().collect();
    let states = states(&frames);
    for truth in session.truths() {
        let rug = states.iter().position(|state| {
            state.get("rugged") == Some(&Value::Bool(true)) && state["gameId"] == truth.game_id.as_str()
        });
        let [tick, first, second] = &states[rug.unwrap()..rug.unwrap() + 3] else { panic!("three packets") };
        assert_eq!(
            (tick["active"].as_bool(), tick["tickCount"].as_u64()),
            (Some(true), Some(truth.rug_tick as u64))
        );
        assert!(!tick.contains_key("gameHistory"));
        let late = first["tickCount"].as_u64().unwrap() - truth.rug_tick as u64;
        assert!((1..=3).contains(&late));
        assert_eq!(first["partialPrices"]["endTick"].as_u64(), Some(truth.rug_tick as u64));
        assert_eq!(
            (first["rugged"].as_bool(), first["gameId"].as_str()),
            (Some(true), Some(truth.game_id.as_str()))
        );
        assert_ne!(first["gameHistory"][0]["id"], truth.game_id.as_str());
        assert_eq!((second["active"].as_bool(), second["rugged"].as_bool()), (Some(false), Some(false)));
        assert_eq!((second["cooldownTimer"].as_i64(), second["price"].as_f64()), (Some(15_000), Some(1.0)));
        assert_ne!(second["gameId"], truth.game_id.as_str());
        assert_eq!(second["gameHistory"][0]["id"], truth.game_id.as_str());
    }
}

#[test]
fn timers_run_down_as_on_the_server() {
    let frames = frames(config(11));
    let game = states(&frames).iter().find(|state| state["cooldownTimer"] == 15_000).unwrap()["gameId"].clone();
    let of_game: Vec<_> = states(&frames).into_iter().filter(|state| state["gameId"] == game).collect();
    let timers: Vec<i64> =
        of_game.iter().map(|state| state["cooldownTimer"].as_i64().unwrap()).take_while(|t| *t > 0).collect();
    let mut expected: Vec<i64> = (1..=150).rev().map(|step| step * 100).collect();
    expected.insert(50, 10_000);
    assert_eq!(timers, expected);
    for state in &of_game {
        let timer = state["cooldownTimer"].as_i64().unwrap();
        assert_eq!(state["allowPreRoundBuys"].as_bool(), Some((1..=10_000).contains(&timer)));
    }
}

#[test]
fn broadcast_trades_are_throttled_and_true() {
    let mut session = Session::new(Config { games: 8, ..config(12) });
    let frames: Vec<SimulatedFrame> = session.by_ref().collect();
    let times: Vec<i64> =
        frames.iter().filter(|f| f.text.starts_with("42[\"standard/newTrade\"")).map(|f| f.at_us).collect();
    assert!(times.len() > 20);
    assert!(times.windows(2).all(|pair| pair[1] - pair[0] > 1_900_000));
    let played: BTreeMap<String, &Trade> = session
        .truths()
        .iter()
        .flat_map(|truth| &truth.trades)
        .map(|trade| (trade.id.to_string(), trade))
        .collect();
    for seen in payloads(&frames, "standard/newTrade") {
        let trade = played[seen["id"].as_str().unwrap()];
        assert!(trade.broadcast);
        assert_eq!(seen["price"].as_f64(), Some(trade.price));
        assert_eq!(seen["qty"].as_f64(), Some(trade.qty.to_f64()));
        assert_eq!(seen["playerId"], trade.player.id.as_str());
    }
    assert_eq!(times.len(), played.values().filter(|trade| trade.broadcast).count());
}

#[test]
fn a_join_in_mid_game_gets_the_whole_path() {
    let longer = (0..).find(|seed| Session::new(config(*seed)).round.path.rug_tick > 20).unwrap();
    let mut session = Session::new(Config { join_tick: Some(12), ..config(longer) });
    let frames: Vec<SimulatedFrame> = session.by_ref().collect();
    let first = &states(&frames)[0];
    let prices: Vec<f64> =
        first["prices"].as_array().unwrap().iter().map(|price| price.as_f64().unwrap()).collect();
    assert_eq!(prices, session.truths()[0].prices[..=12]);
    assert_eq!((first["tickCount"].as_u64(), first.contains_key("partialPrices")), (Some(12), false));
}

#[test]
fn games_without_truths_are_the_same_games() {
    let mut session = Session::new(Config { keep_truths: false, ..config(15) });
    assert_eq!(session.by_ref().collect::<Vec<_>>(), frames(config(15)));
    assert!(session.truths().is_empty());
}
