//! The shared game: snapshots, orders and their consequences, independence from who connects.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

use serde_json::Value;

use super::*;
use crate::truth::Side;
use replayer_protocol::fairness::play;

const SECOND: i64 = 1_000_000;
const TRACE: &str = r#"{"__trace":true,"traceparent":"00-00112233445566778899aabbccddeeff-0123456789abcdef-01"}"#;

fn config(games: usize) -> Config {
    Config { seed: 21, games, history_len: 2, full_snapshots: false, ..Config::default() }
}

fn run(world: &mut World, until_us: i64) -> Vec<WorldFrame> {
    std::iter::from_fn(|| world.next_until(until_us)).collect()
}

/// Lets time pass frame by frame until `wanted`; returns the game time and the frames.
fn run_until(world: &mut World, wanted: impl Fn(&Seen) -> bool) -> (i64, Vec<WorldFrame>) {
    let mut frames = Vec::new();
    loop {
        let now_us = world.due_us().expect("the games ended before it came");
        frames.extend(run(world, now_us));
        if wanted(&world.seen()) {
            return (now_us, frames);
        }
    }
}

/// A world with socket 1 logged in, on a tick with some game left.
fn with_player(games: usize) -> (World, i64) {
    let mut world = World::new(config(games));
    world.join(1, Config::default().start_us);
    world.take(1, Config::default().start_us, &format!(r#"42["authenticate",{TRACE},{{"token":"any"}}]"#));
    let (now_us, _) = run_until(&mut world, |seen| seen.tick.is_some_and(|tick| tick >= 2));
    assert!(world.is_player(1));
    assert!(world.session.round.path.rug_tick > 30, "choose another seed");
    (world, now_us)
}

fn payload(text: &str) -> Value {
    let arguments: Vec<Value> = serde_json::from_str(&text[text.find('[').unwrap()..]).unwrap();
    arguments.into_iter().next_back().unwrap()
}

/// What frames are, in order, without the public state and other people's trades.
fn own_story(frames: &[WorldFrame]) -> Vec<(i64, String)> {
    let own = frames.iter().filter(|frame| {
        frame.audience != Audience::Everyone || frame.text.contains("00112233445566778899aabbccddeeff")
    });
    own.map(|frame| (frame.at_us, frame.text.chars().take_while(|c| !matches!(c, ',' | '{')).collect())).collect()
}

#[test]
fn a_buy_has_its_consequences_in_the_measured_order() {
    let (mut world, now_us) = with_player(1);
    world.take(1, now_us, &format!(r#"4229["buyOrder",{TRACE},{{"amount":0.002}}]"#));
    let story: Vec<(i64, String)> = own_story(&run(&mut world, now_us + SECOND))
        .into_iter()
        .map(|(at_us, what)| ((at_us - now_us) / MS, what))
        // The private packet that follows every public one is not a consequence.
        .filter(|(at_ms, what)| what != "42[\"gameStatePlayerUpdate\"" || *at_ms == 213)
        .collect();
    let expected = [
        (69, "42[\"standard/newTrade\""),
        (198, "42[\"playerUpdate\""),
        (213, "42[\"gameStatePlayerUpdate\""),
        (219, "4329["),
    ];
    assert_eq!(story, expected.map(|(at_ms, what)| (at_ms, what.to_owned())));
}

#[test]
fn what_the_player_does_is_in_the_truth_and_in_the_account() {
    let (mut world, now_us) = with_player(1);
    world.take(1, now_us, r#"421["buyOrder",{"amount":0.01}]"#);
    run(&mut world, now_us + SECOND);
    world.take(1, now_us + SECOND, r#"422["sellOrder",{"percentage":50}]"#);
    world.take(1, now_us + SECOND, r#"423["requestSidebet",{"amount":0.003}]"#);
    let frames = run(&mut world, i64::MAX);
    let truth = &world.truths()[0];
    let own = &world.session.local_player.id;
    let trades: Vec<_> = truth.trades.iter().filter(|trade| &trade.player.id == own).collect();
    assert_eq!(
        trades.iter().map(|trade| (trade.side, trade.forced)).collect::<Vec<_>>(),
        [(Side::Buy, false), (Side::Sell, false), (Side::Sell, true)]
    );
    assert_eq!(trades[0].amount, Nano::milli(10));
    let bets: Vec<_> = truth.sidebets.iter().filter(|bet| &bet.player.id == own).collect();
    assert_eq!((bets.len(), bets[0].stake), (1, Nano::milli(3)));
    let earned: Nano =
        trades[1..].iter().map(|trade| trade.amount).sum::<Nano>() + bets[0].outcome.unwrap().payout;
    let cash = Nano::milli(2500) - trades[0].amount - bets[0].stake + earned;
    assert_eq!(world.cash(), cash.to_f64());
    let last = frames.iter().rfind(|frame| frame.text.starts_with("42[\"playerUpdate\"")).unwrap();
    assert_eq!(payload(&last.text)["cash"].as_f64(), Some(world.cash()));
}

#[test]
fn an_account_never_shows_an_older_state_after_a_newer_one() {
    let (mut world, _) = with_player(1);
    let last = world.session.round.path.rug_tick - 1;
    let (now_us, _) = run_until(&mut world, |seen| seen.tick == Some(last));
    // It is executed just after the tick, before the rug is settled.
    world.take(1, now_us - 64 * MS, r#"421["buyOrder",{"amount":0.01}]"#);
    let accounts: Vec<f64> = run(&mut world, now_us + SECOND / 2)
        .iter()
        .filter(|frame| frame.text.starts_with("42[\"playerUpdate\""))
        .map(|frame| payload(&frame.text)["positionQty"].as_f64().unwrap())
        .collect();
    assert!(
        world.session.round.trades.iter().any(|trade| trade.forced && trade.player == world.session.local_player)
    );
    assert!(accounts.len() >= 2 && accounts.iter().all(|qty| *qty == 0.0), "{accounts:?}");
}

#[test]
fn orders_that_cannot_be_executed_are_refused_with_a_reason() {
    let (mut world, now_us) = with_player(1);
    world.join(2, now_us);
    let mut answer = |socket: u64, at_us: i64, order: &str| {
        world.take(socket, at_us, &format!("427{order}"));
        let frames = run(&mut world, at_us + SECOND);
        let ack = frames.iter().find(|frame| frame.text.starts_with("437[")).unwrap();
        assert_eq!(ack.audience, Audience::Socket(socket));
        payload(&ack.text)["message"].as_str().unwrap_or_default().to_owned()
    };
    assert_eq!(answer(2, now_us, r#"["buyOrder",{"amount":0.002}]"#), "Not authenticated");
    assert_eq!(answer(1, now_us + SECOND, r#"["buyOrder",{"amount":0.0001}]"#), "Amount too small");
    assert_eq!(answer(1, now_us + 2 * SECOND, r#"["buyOrder",{"amount":100}]"#), "Insufficient balance");
    assert_eq!(answer(1, now_us + 3 * SECOND, r#"["sellOrder",{"percentage":100}]"#), "No position");
    assert_eq!(answer(1, now_us + 4 * SECOND, r#"["requestSidebet",{"amount":0.001}]"#), "Side bet placed");
    assert_eq!(answer(1, now_us + 5 * SECOND, r#"["requestSidebet",{"amount":0.001}]"#), "A side bet is open");
    let own = world.session.round.trades.iter().filter(|trade| trade.player == world.session.local_player);
    assert_eq!(own.count(), 0);
    let (now_us, _) = run_until(&mut world, |seen| seen.phase == "RUGGED");
    world.take(1, now_us, r#"428["buyOrder",{"amount":0.002}]"#);
    let frames = run(&mut world, now_us + SECOND / 2);
    assert!(frames.iter().any(|frame| frame.text.starts_with("438[") && frame.text.contains("closed")));
}

#[test]
fn the_games_do_not_depend_on_who_connects_and_trades() {
    let mut quiet = World::new(config(3));
    run(&mut quiet, i64::MAX);
    let (mut busy, mut now_us) = with_player(3);
    for id in 0..200 {
        busy.take(1, now_us, &format!(r#"42{id}["buyOrder",{{"amount":0.002}}]"#));
        busy.take(1, now_us, &format!(r#"42{id}["requestSidebet",{{"amount":0.001}}]"#));
        now_us += SECOND;
        run(&mut busy, now_us);
    }
    run(&mut busy, i64::MAX);
    let games = |world: &World| {
        world.truths().iter().map(|truth| (truth.game_id.clone(), truth.seed.clone())).collect::<Vec<_>>()
    };
    assert_eq!(games(&quiet).len(), 3);
    assert_eq!(games(&quiet), games(&busy));
    for truth in busy.truths() {
        let path = play(&truth.seed, &truth.game_id, truth.version);
        assert_eq!((&path.prices, path.rug_tick), (&truth.prices, truth.rug_tick));
    }
}

#[test]
fn a_snapshot_shows_the_moment_of_joining() {
    let mut world = World::new(config(1));
    let waiting = payload(&world.join(1, Config::default().start_us));
    assert_eq!((waiting["active"].as_bool(), waiting["tickCount"].as_u64()), (Some(false), Some(0)));
    let (now_us, _) = run_until(&mut world, |seen| seen.tick == Some(12));
    let text = world.join(2, now_us);
    let snapshot = payload(&text);
    let shown: Vec<f64> = snapshot["prices"].as_array().unwrap().iter().map(|p| p.as_f64().unwrap()).collect();
    assert_eq!(shown, world.session.round.path.prices[..=12]);
    assert_eq!((snapshot["active"].as_bool(), snapshot["rugged"].as_bool()), (Some(true), Some(false)));
    assert!(snapshot.get("partialPrices").is_none());
    let announced = run(&mut world, now_us + 100 * MS);
    let mine = announced.iter().filter(|frame| frame.audience == Audience::Socket(2));
    assert_eq!(mine.count(), 6);
    let (_, _) = run_until(&mut world, |seen| seen.phase == "RUGGED");
    let rugged = payload(&world.join(3, now_us));
    assert_eq!((rugged["active"].as_bool(), rugged["rugged"].as_bool()), (Some(true), Some(true)));
}

#[test]
fn private_frames_end_with_the_last_login() {
    let (mut world, now_us) = with_player(1);
    let private = |frames: &[WorldFrame]| frames.iter().filter(|frame| frame.audience == Audience::Player).count();
    assert!(private(&run(&mut world, now_us + SECOND)) > 2);
    world.leave(1);
    run(&mut world, now_us + 2 * SECOND);
    assert_eq!(private(&run(&mut world, now_us + 4 * SECOND)), 0);
}

#[test]
fn questions_are_answered_to_the_one_who_asked() {
    let (mut world, now_us) = with_player(1);
    for name in
        ["chatHistory", "getLeaderboard", "getPlayerCosmetics", "checkUsername", "getPlayerLeaderboardPosition"]
    {
        world.take(5, now_us, &format!(r#"42["{name}"]"#));
    }
    world.take(5, now_us, r#"4258["ping",{"lastPing":169.2}]"#);
    world.take(5, now_us, r#"4259["unheardOf"]"#);
    world.take(5, now_us, "42[broken");
    let frames = run(&mut world, now_us + SECOND);
    let mine = frames.iter().filter(|frame| frame.audience == Audience::Socket(5));
    let mut names: Vec<String> =
        mine.map(|frame| frame.text.split([',', '{']).next().unwrap().to_owned()).collect();
    names.sort();
    assert_eq!(
        names,
        [
            "42[\"chatHistory\"",
            "42[\"leaderboardData\"",
            "42[\"playerCosmetics\"",
            "42[\"playerLeaderboardPosition\"",
            "42[\"usernameStatus\"",
            "4358[]"
        ]
    );
}

#[test]
fn a_world_can_begin_in_the_middle_of_a_game() {
    let mut world = World::new(Config { join_tick: Some(10), ..config(1) });
    assert_eq!((world.seen().phase, world.seen().tick), ("ACTIVE", Some(10)));
    let frames = run(&mut world, Config::default().start_us + SECOND);
    let ticks = frames.iter().filter(|frame| frame.text.starts_with("42[\"gameStateUpdate\""));
    assert_eq!(payload(&ticks.map(|frame| frame.text.clone()).next().unwrap())["tickCount"].as_u64(), Some(11));
}
