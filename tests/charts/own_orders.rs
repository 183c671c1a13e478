//! Own orders and side bets on a chart: captured with their answers, captured apart from the ticks, and replayed.

use std::sync::Arc;

use replayer::store::Store;
use replayer::store::record::{Direction, Record, Source};
use replayer::store::recorder::{Recorder, RecorderOptions};
use replayer::store::root::DataRoot;
use serde_json::{Value, json};

use super::draw;
use crate::common::{play, root};
use crate::server::Wire;

/// Orders and answers, each with the tick after whose packet it passed.
const ORDERS: [(u64, Direction, &str); 6] = [
    (5, Direction::Sent, r#"421["buyOrder",{"amount":0.01}]"#),
    (5, Direction::Received, r#"431[{"success":true,"executedPrice":1.25}]"#),
    (8, Direction::Sent, r#"422["requestSidebet",{"amount":0.02}]"#),
    (8, Direction::Received, r#"432[{"success":true}]"#),
    (11, Direction::Sent, r#"423["sellOrder",{"percentage":100}]"#),
    (12, Direction::Received, r#"433[{"success":false,"error":"no position"}]"#),
];

/// Records a game's ticks; the orders in the same session, or in one of their own. Gives the game.
fn recorded(root: &DataRoot, together: bool) -> String {
    let (frames, truths) = play(1);
    let store = Arc::new(Store::open(root, "test").unwrap());
    let (mut ticks, mut orders) = (Vec::new(), Vec::new());
    let mut waiting = ORDERS.iter().peekable();
    for frame in frames.iter().filter(|frame| frame.text.contains("\"gameStateUpdate\"")) {
        ticks.push((frame.at_us, Direction::Received, frame.text.as_str()));
        let passed = |tick: u64| frame.text.contains(&format!("\"tickCount\":{tick},"));
        while let Some((_, direction, text)) = waiting.next_if(|(tick, ..)| passed(*tick)) {
            let order = (frame.at_us + 1_000, *direction, *text);
            if together { &mut ticks } else { &mut orders }.push(order);
        }
    }
    assert!(waiting.next().is_none(), "the game is long enough");
    for session in [ticks, orders] {
        let recorder = Recorder::start(store.clone(), RecorderOptions::new("test")).unwrap();
        for (at_us, direction, text) in session {
            recorder.append(&Record::frame(at_us, Source::Cdp, direction, text)).unwrap();
        }
        recorder.close().unwrap();
    }
    truths[0].game_id.clone()
}

fn own(list: &Value) -> Vec<&Value> {
    list.as_array().unwrap().iter().filter(|one| one["own"] == true).collect()
}

#[test]
fn captured_orders_are_on_the_picture_and_on_the_page() {
    for together in [true, false] {
        let (_folder, root) = root();
        let game_id = recorded(&root, together);
        let mut wire = Wire::opened(root.path());
        let (summary, _) = draw(&mut wire, json!({"game_id": game_id}));
        let game = &summary["games"][0];
        // The order that the server refused is no trade.
        assert_eq!((&game["own_trades"], &game["own_side_bets"]), (&json!(1), &json!(1)), "{together}: {game}");
        let page = wire.call("app_chart_points", json!({"game_id": game_id}));
        let trades = own(&page["trades"]);
        assert_eq!(trades.len(), 1, "{page}");
        assert_eq!((&trades[0]["tick"], &trades[0]["side"]), (&json!(5), &json!("buy")));
        assert_eq!((&trades[0]["price"], &trades[0]["amount"]), (&json!(1.25), &json!(0.01)));
        let bets = own(&page["sidebets"]);
        assert_eq!((&bets[0]["start_tick"], &bets[0]["end_tick"]), (&json!(8), &json!(48)), "{together}");
        assert_eq!(bets[0]["stake"], 0.02);
        let rug = page["rug"]["tick"].as_i64().unwrap();
        assert_eq!(bets[0]["outcome"], if rug <= 48 { "won" } else { "lost" });
        // The order leads back to its frame.
        let frame = format!("{}:{}", trades[0]["session_id"].as_str().unwrap(), trades[0]["seq"]);
        let frame = wire.call("get_events", json!({"refs": [frame]}))["events"][0].clone();
        assert_eq!(frame["event_name"], "buyOrder", "{frame}");
    }
}

#[test]
fn an_order_that_was_replayed_and_stored_is_on_both() {
    let (_folder, root) = root();
    let game_id = recorded(&root, true);
    let mut wire = Wire::opened(root.path());
    let opened = wire.call("replay", json!({"action": "open", "game_id": game_id, "tick": 20}));
    let cursor = opened["cursor"].clone();
    for side in ["BUY", "SIDEBET"] {
        let acted = wire.call(
            "replay",
            json!({"action": "act", "cursor": cursor, "side": side, "amount": "0.01", "record": true}),
        );
        assert!(acted["acted"]["stored_as"].is_string(), "{acted}");
    }
    let (summary, _) = draw(&mut wire, json!({"game_id": game_id}));
    let game = &summary["games"][0];
    assert_eq!((&game["own_trades"], &game["own_side_bets"]), (&json!(2), &json!(2)), "{game}");
    let page = wire.call("app_chart_points", json!({"game_id": game_id}));
    let ticks: Vec<_> = own(&page["trades"]).into_iter().map(|trade| trade["tick"].clone()).collect();
    assert_eq!(ticks, [json!(5), json!(20)], "{page}");
    assert_eq!(own(&page["sidebets"]).len(), 2);
}
