//! What holds when, and what cannot be asked.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

use serde_json::json;

use super::*;
use crate::protocol::line::{LineFormat, decode};

fn watcher(condition: Json) -> Result<Watcher, ConditionError> {
    Watcher::new(serde_json::from_value(condition).unwrap())
}

fn matches(watcher: &mut Watcher, frame: &str) -> bool {
    let event = decode(LineFormat::Wire, None, frame);
    watcher.matches(&Seen { event: &event, direction: Some("received") })
}

fn tick(price: f64) -> String {
    format!(r#"42["gameStateUpdate",{{"gameId":"g","active":true,"rugged":false,"price":{price},"tickCount":1}}]"#)
}

const TRADE: &str = r#"42["standard/newTrade",{"__trace":true},{"type":"buy","amount":0.5,"list":[{"x":"7"}]}]"#;

#[test]
fn a_price_is_crossed_at_a_game_state() {
    let mut watcher = watcher(json!({"price_above": 2.0})).unwrap();
    assert!(!matches(&mut watcher, &tick(2.0)));
    assert!(matches(&mut watcher, &tick(2.1)));
    assert!(!matches(&mut watcher, TRADE), "asked at game states only");
}

#[test]
fn an_event_is_seen_at_the_price_of_its_moment() {
    let mut watcher = watcher(json!({"event_name": "standard/newTrade", "price_above": 2})).unwrap();
    assert!(!matches(&mut watcher, TRADE));
    matches(&mut watcher, &tick(3.0));
    assert!(matches(&mut watcher, TRADE));
}

#[test]
fn a_phase_holds_by_the_packet_that_shows_it() {
    let mut watcher = watcher(json!({"phase": "presale"})).unwrap();
    assert!(!matches(&mut watcher, &tick(1.0)));
    assert!(matches(&mut watcher, r#"42["gameStateUpdate",{"allowPreRoundBuys":true,"cooldownTimer":100}]"#));
}

#[test]
fn fields_are_found_by_path_and_tested() {
    for (condition, holds) in [
        (json!({"field": "amount", "above": 0.4}), true),
        (json!({"field": "amount", "above": 0.4, "below": 0.45}), false),
        (json!({"field": "$.type", "equals": "buy"}), true),
        (json!({"field": "list[0].x", "equals": 7}), true),
        (json!({"field": "list[1].x"}), false),
        (json!({"field": "nothing"}), false),
        (json!({"field": "type", "above": 1}), false),
    ] {
        let mut watcher = watcher(condition.clone()).unwrap();
        assert_eq!(matches(&mut watcher, TRADE), holds, "{condition}");
    }
}

#[test]
fn a_condition_that_cannot_be_meant_is_refused() {
    for (condition, says) in [
        (json!({}), "at least one"),
        (json!({"phase": "ACTIV"}), "COOLDOWN, PRESALE, ACTIVE or RUGGED"),
        (json!({"direction": "in"}), "received or sent"),
        (json!({"above": 1}), "give field too"),
        (json!({"price_above": 3, "price_below": 2}), "can never hold"),
        (json!({"field": "a..b"}), "at character 3"),
        (json!({"field": "a[x]"}), "at character 3"),
        (json!({"field": ""}), "at character 1"),
    ] {
        let error = watcher(condition.clone()).unwrap_err().to_string();
        assert!(error.contains(says), "{condition}: {error}");
    }
}

#[test]
fn the_direction_can_be_asked_for() {
    let mut watcher = watcher(json!({"direction": "sent"})).unwrap();
    let event = decode(LineFormat::Wire, None, TRADE);
    assert!(!watcher.matches(&Seen { event: &event, direction: Some("received") }));
    assert!(watcher.matches(&Seen { event: &event, direction: Some("sent") }));
}

fn rugged(game: &str) -> String {
    format!(
        r#"42["gameStateUpdate",{{"gameId":"{game}","active":true,"rugged":true,"price":0.02,"tickCount":9}}]"#
    )
}

#[test]
fn a_rug_is_shown_once_however_often_it_is_broadcast() {
    let mut watcher = watcher(json!({"rug": true})).unwrap();
    assert!(!matches(&mut watcher, &tick(2.0)));
    assert!(matches(&mut watcher, &rugged("g")));
    assert!(!matches(&mut watcher, r#"42["gameStateUpdate",{"gameId":"h","cooldownTimer":14900}]"#));
    assert!(!matches(&mut watcher, &rugged("g")), "the second broadcast, after the next game's first packet");
    assert!(matches(&mut watcher, &rugged("h")));
}

#[test]
fn a_drawdown_is_measured_from_the_peak_so_far() {
    let mut watcher = watcher(json!({"drawdown_above": 0.5})).unwrap();
    for (price, holds) in [(1.0, false), (4.0, false), (2.0, false), (1.9, true), (3.0, false)] {
        assert_eq!(matches(&mut watcher, &tick(price)), holds, "{price}");
    }
    let mut joined = super::Watcher::new(watcher.condition().clone()).unwrap().in_game("g", Some(10.0));
    assert!(matches(&mut joined, &tick(4.0)), "the peak from before counts");
}

#[test]
fn own_trades_are_those_of_the_account_that_logged_in() {
    let trade =
        |player: &str| format!(r#"42["standard/newTrade",{{"type":"buy","playerId":"{player}","amount":1}}]"#);
    let mut watcher = watcher(json!({"own_trade": true})).unwrap();
    assert!(!matches(&mut watcher, &trade("me")), "nobody is logged in yet");
    assert!(!matches(&mut watcher, r#"42["usernameStatus",{"id":"me"}]"#));
    assert!(matches(&mut watcher, &trade("me")));
    assert!(!matches(&mut watcher, &trade("you")));
    assert!(matches(&mut watcher, r#"42["currentSidebet",{"betAmount":0.01}]"#));
}

#[test]
fn what_no_game_can_show_is_refused() {
    for condition in [
        json!({"phase": "PRESALE", "price_above": 0.5}),
        json!({"price_below": 0}),
        json!({"drawdown_above": 1}),
        json!({"rug": true, "phase": "ACTIVE"}),
    ] {
        let error = watcher(condition.clone()).unwrap_err().to_string();
        assert!(error.contains("can never hold"), "{condition}: {error}");
    }
    assert!(watcher(json!({"rug": false})).unwrap_err().to_string().contains("left out"));
}
