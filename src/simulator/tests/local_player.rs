//! The logged-in player: order, acknowledgements, a consistent account, nothing real.

use replayer_store::record::Direction;
use std::collections::BTreeSet;

use super::*;

/// A session long enough for every kind of own request.
fn pilot_session() -> (Session, Vec<SimulatedFrame>) {
    let mut session = Session::new(Config { logged_in: true, games: 12, ..config(13) });
    let frames: Vec<SimulatedFrame> = session.by_ref().collect();
    (session, frames)
}

#[test]
fn every_request_is_acknowledged_once() {
    let (_, frames) = pilot_session();
    let id = |text: &str, kind: &str| -> Option<u64> {
        text.strip_prefix(kind)?.split_once('[').and_then(|(id, _)| id.parse().ok())
    };
    let sent: Vec<u64> =
        frames.iter().filter(|f| f.direction == Direction::Sent).filter_map(|f| id(&f.text, "42")).collect();
    let acked: Vec<u64> =
        frames.iter().filter(|f| f.direction == Direction::Received).filter_map(|f| id(&f.text, "43")).collect();
    assert_eq!(sent, (0..sent.len() as u64).collect::<Vec<_>>());
    assert_eq!(acked.iter().collect::<BTreeSet<_>>(), sent.iter().collect());
    let names: BTreeSet<String> = frames
        .iter()
        .filter(|f| f.direction == Direction::Sent)
        .filter_map(|f| event(&f.text))
        .map(|(n, _)| n)
        .collect();
    for name in ["authenticate", "buyOrder", "sellOrder", "requestSidebet", "ping", "getLeaderboard"] {
        assert!(names.contains(name), "no {name}");
    }
}

#[test]
fn the_consequences_of_a_buy_come_in_order() {
    let (_, frames) = pilot_session();
    let trace = |text: &str| text.split_once("\"00-").map(|(_, rest)| rest[..32].to_owned());
    let mut checked = 0;
    for (place, frame) in frames.iter().enumerate().filter(|(_, f)| f.text.contains("[\"buyOrder\"")) {
        let id = frame.text[2..].split_once('[').unwrap().0;
        let after: Vec<&str> = frames[place..]
            .iter()
            .take_while(|f| f.at_us <= frame.at_us + 219_000)
            .map(|f| f.text.as_str())
            .collect();
        let find = |start: &str| after.iter().position(|text| text.starts_with(start));
        let Some(broadcast) =
            after.iter().position(|t| t.starts_with("42[\"standard/newTrade\"") && trace(t) == trace(&frame.text))
        else {
            continue;
        };
        let update = find("42[\"playerUpdate\"").unwrap();
        let ack = find(&format!("43{id}[{{\"success\":true}}]")).unwrap();
        assert!(broadcast < update && update < ack);
        checked += 1;
    }
    assert!(checked > 0);
}

#[test]
fn the_own_account_adds_up() {
    let (session, frames) = pilot_session();
    let own = &session.players()[0].id;
    let mut cash = Nano::milli(2500);
    for truth in session.truths() {
        for trade in truth.trades.iter().filter(|trade| &trade.player.id == own) {
            cash = if trade.side == Side::Buy { cash - trade.amount } else { cash + trade.amount };
        }
        for bet in truth.sidebets.iter().filter(|bet| &bet.player.id == own) {
            cash = cash - bet.stake + bet.outcome.unwrap().payout;
        }
    }
    assert_eq!(session.own_cash(), Some(cash.to_f64()));
    let last = payloads(&frames, "playerUpdate").pop().unwrap();
    assert_eq!(last["cash"].as_f64(), session.own_cash());
    assert!(last["cash"].as_f64() != Some(2.5));
}

#[test]
fn private_consequences_come_before_the_public_rug() {
    let (session, frames) = pilot_session();
    let own = &session.players()[0].id;
    let mut seen = 0;
    for truth in session.truths() {
        let Some(forced) = truth.trades.iter().find(|trade| trade.forced && &trade.player.id == own) else {
            continue;
        };
        let place = |wanted: &str, and: &str| {
            frames.iter().position(|f| f.text.contains(wanted) && f.text.contains(and)).unwrap()
        };
        let sale = place("standard/newTrade", &forced.id.to_string());
        let rug = frames
            .iter()
            .position(|f| {
                f.text.starts_with("42[\"gameStateUpdate\",{\"active\":true")
                    && f.text.contains("\"rugged\":true")
                    && f.text.contains(&truth.game_id)
            })
            .unwrap();
        assert!(sale < rug);
        seen += 1;
    }
    assert!(seen > 0);
}

#[test]
fn private_frames_need_a_login() {
    let private = ["gameStatePlayerUpdate", "playerUpdate", "authenticate", "usernameStatus", "currentSidebet"];
    let names: BTreeSet<String> =
        frames(config(14)).iter().filter_map(|f| event(&f.text)).map(|(name, _)| name).collect();
    assert!(private.iter().all(|name| !names.contains(*name)));
    let (session, frames) = pilot_session();
    let token = session.token().unwrap();
    assert_eq!(frames.iter().filter(|frame| frame.text.contains(token)).count(), 1);
}

#[test]
fn nobody_is_taken_for_a_real_player() {
    let (session, frames) = pilot_session();
    assert!(session.players().iter().all(|player| player.id.starts_with("did:privy:sim")));
    for frame in &frames {
        assert_eq!(frame.text.matches("did:privy:").count(), frame.text.matches("did:privy:sim").count());
    }
}
