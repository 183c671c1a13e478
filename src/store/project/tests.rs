//! What each kind of frame becomes.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

use std::collections::BTreeMap;

use super::*;
use crate::record::Source;
use replayer_protocol::line::LineFormat;

/// Rows as text, one map per row, NULLs left out: easy to compare.
#[derive(Default)]
struct Collected(Vec<(DocType, BTreeMap<String, String>)>);

impl RowSink for Collected {
    fn row(&mut self, doc_type: DocType, envelope: &Envelope<'_>, own: &[Cell<'_>]) -> Result<(), StoreError> {
        assert_eq!(own.len(), doc_type.own_columns().len(), "{doc_type:?}");
        let mut row = BTreeMap::new();
        for (column, cell) in doc_type.own_columns().iter().zip(own) {
            use crate::schema::Kind;
            let text = match (cell, column.kind) {
                (Cell::Null, _) => continue,
                (Cell::Text(v), Kind::Text) => (*v).to_owned(),
                (Cell::Int(v), Kind::Int) | (Cell::Time(v), Kind::Time) => v.to_string(),
                (Cell::Float(v), Kind::Float) => v.to_string(),
                (Cell::Bool(v), Kind::Bool) => v.to_string(),
                (Cell::Floats(v), Kind::Floats) => format!("{v:?}"),
                (cell, kind) => panic!("{}: {cell:?} in a column of {kind:?}", column.name),
            };
            row.insert(column.name.to_owned(), text);
        }
        for (name, value) in
            [("game_id", envelope.game_id), ("player_id", envelope.player_id), ("raw_json", envelope.raw_json)]
        {
            value.map(|value| row.insert(name.to_owned(), value.to_owned()));
        }
        row.insert("ordinal".to_owned(), envelope.ordinal.to_string());
        self.0.push((doc_type, row));
        Ok(())
    }
}

fn rows_of(records: &[Record<'_>]) -> Vec<(DocType, BTreeMap<String, String>)> {
    let mut sink = Collected::default();
    let mut context = Context::default();
    for (index, record) in records.iter().enumerate() {
        let record = Record { seq: index as u64 + 1, ..*record };
        project(SessionId::from_u128(1), &record, &mut context, &mut sink).unwrap();
    }
    sink.0
}

fn received(text: &str) -> Record<'_> {
    Record::frame(1_000_000, Source::PublicWs, Direction::Received, text)
}

fn sent(text: &str) -> Record<'_> {
    Record::frame(1_000_000, Source::Cdp, Direction::Sent, text)
}

fn only(rows: Vec<(DocType, BTreeMap<String, String>)>, doc_type: DocType) -> Vec<BTreeMap<String, String>> {
    rows.into_iter().filter(|(kind, _)| *kind == doc_type).map(|(_, row)| row).collect()
}

#[test]
fn a_timer_packet_is_a_tick_without_price() {
    let frame = r#"42["gameStateUpdate",{"gameId":"g","cooldownTimer":14900,"allowPreRoundBuys":false}]"#;
    let ticks = only(rows_of(&[received(frame)]), DocType::GameTick);
    assert_eq!(ticks[0]["phase"], "COOLDOWN");
    assert_eq!(ticks[0]["game_id"], "g");
    assert!(!ticks[0].contains_key("price") && !ticks[0].contains_key("tick") && !ticks[0].contains_key("active"));
}

#[test]
fn the_raw_row_keeps_the_text_byte_for_byte_whatever_it_is() {
    for text in ["", "garbage \u{0}", "42[\"x\",{", r#"42["a",  {"b" : 1.0}]"#] {
        let rows = rows_of(&[received(text)]);
        assert_eq!(rows.len(), 1);
        assert_eq!(rows[0].1["raw_json"], text);
    }
}

#[test]
fn an_unreadable_field_does_not_cost_the_tick() {
    let frame =
        r#"42["gameStateUpdate",{"gameId":"g","active":true,"rugged":false,"price":{"odd":1},"tickCount":7}]"#;
    let ticks = only(rows_of(&[received(frame)]), DocType::GameTick);
    assert_eq!((ticks[0]["tick"].as_str(), ticks[0].get("price")), ("7", None));
}

#[test]
fn a_value_that_no_parser_takes_costs_that_value_and_the_frame_says_so() {
    let frame = r#"42["standard/newTrade",{"id":"t","gameId":"g","username":"cut \ud83e","qty":1e400,"amount":0.5,"amount":0.25,"type":"buy","level":9007199254740993}]"#;
    let rows = rows_of(&[received(frame)]);
    let raw = only(rows.clone(), DocType::WsEvent);
    assert_eq!((raw[0]["frame"].as_str(), raw[0]["raw_json"].as_str()), ("value_unread", frame));
    let trades = only(rows, DocType::Trade);
    assert_eq!((trades[0]["trade_id"].as_str(), trades[0].get("qty")), ("t", None));
    assert_eq!(trades[0]["amount"], "0.25", "of two equal keys the last one counts");
    assert_eq!(trades[0]["level"], "9007199254740993");
}

#[test]
fn a_cut_name_costs_nothing() {
    let frame = r#"42["newSideBet",{"id":"b","gameId":"g","username":"\ud83e","betAmount":0.01,"startTick":2,"endTick":42}]"#;
    let rows = rows_of(&[received(frame)]);
    assert_eq!(only(rows.clone(), DocType::WsEvent)[0]["frame"], "ok");
    assert_eq!(only(rows, DocType::Sidebet)[0]["stake"], "0.01");
}

#[test]
fn a_payload_that_is_a_list_makes_no_row() {
    let frame = r#"42["gameStateUpdate",["g",true,false,999.0,6]]"#;
    let rows = rows_of(&[received(frame)]);
    assert_eq!(rows.len(), 1);
    assert_eq!((rows[0].1["frame"].as_str(), rows[0].1["raw_json"].as_str()), ("payload_unread", frame));
}

#[test]
fn a_history_with_an_odd_value_keeps_its_game_and_its_bets() {
    let odd = HISTORY.replace(r#""peakMultiplier":2,"#, r#""peakMultiplier":2,"peakMultiplier":3,"odd":1e400,"#);
    let rows = rows_of(&[received(&odd)]);
    let games = only(rows.clone(), DocType::Game);
    assert_eq!((games[0]["peak"].as_str(), games[0]["server_seed"].as_str()), ("3", "s"));
    assert_eq!(only(rows, DocType::Sidebet).len(), 2);
}

#[test]
fn an_order_is_of_the_game_and_the_tick_that_were_shown() {
    let rows = rows_of(&[
        received(r#"42["gameStateUpdate",{"gameId":"g","active":true,"rugged":false,"price":1.5,"tickCount":7}]"#),
        sent(r#"421["buyOrder",{"amount":0.002}]"#),
        received(r#"42["gameStateUpdate",{"gameId":"g","active":true,"rugged":false,"price":1.6,"tickCount":8}]"#),
        received(r#"431[{"success":true}]"#),
        received(r#"42["gameStateUpdate",{"gameId":"h","cooldownTimer":9000,"allowPreRoundBuys":true}]"#),
        sent(r#"422["buyOrder",{"amount":0.003}]"#),
    ]);
    let actions = only(rows, DocType::PlayerAction);
    let place = |row: usize| (actions[row]["game_id"].as_str(), actions[row].get("tick").map(String::as_str));
    assert_eq!((place(0), place(1)), (("g", Some("7")), ("g", Some("7"))));
    assert_eq!(place(2), ("h", None), "before the first tick there is none");
}

#[test]
fn an_order_and_its_ack_are_two_actions_with_latency_and_outcome() {
    let order = sent(
        r#"4229["buyOrder",{"__trace":true,"traceparent":"00-0123456789abcdef0123456789abcdef-0-01"},{"amount":0.002}]"#,
    );
    let ack = Record { ts: Some(1_219_000), ..received(r#"4329[{"success":true}]"#) };
    let actions = only(rows_of(&[order, ack]), DocType::PlayerAction);
    assert_eq!((actions[0]["stage"].as_str(), actions[0]["amount"].as_str()), ("request", "0.002"));
    assert_eq!((actions[1]["stage"].as_str(), actions[1]["outcome"].as_str()), ("ack", "success"));
    assert_eq!(actions[1]["latency_ms"], "219");
    assert_eq!(actions[1]["trace_id"], "0123456789abcdef0123456789abcdef");
}

#[test]
fn an_ack_of_something_else_is_no_action() {
    let rows = rows_of(&[sent(r#"4258["ping",{"lastPing":1}]"#), received("4358[]")]);
    assert!(only(rows, DocType::PlayerAction).is_empty());
}

#[test]
fn a_refused_order_says_why() {
    let rows = rows_of(&[
        sent(r#"421["sellOrder",{"percentage":25}]"#),
        received(r#"431[{"success":false,"error":"no position"}]"#),
    ]);
    let actions = only(rows, DocType::PlayerAction);
    assert_eq!(
        (actions[1]["action_type"].as_str(), actions[1]["outcome"].as_str()),
        ("PARTIAL_SELL", "no position")
    );
}

const HISTORY: &str = r#"42["gameStateUpdate",{"gameId":"n","gameHistory":[
    {"id":"a","timestamp":1765577802974,"prices":[1,2,0.02],"peakMultiplier":2,
     "globalSidebets":[{"type":"placed","startedAtTick":2,"end":42,"betAmount":0.01,"id":"x","playerId":"p"},
                       {"type":"payout","startTick":2,"endTick":42,"payout":0,"id":"y"}],
     "provablyFair":{"serverSeed":"s","serverSeedHash":"h"},"gameVersion":"v3"},
    {"prices":[1]}]}]"#;

#[test]
fn w28_a_finished_game_is_stored_with_its_bets_and_prices() {
    let rows = rows_of(&[received(HISTORY)]);
    let games = only(rows.clone(), DocType::Game);
    assert_eq!(games.len(), 1, "an entry without id cannot be keyed (G13)");
    assert_eq!((games[0]["ticks"].as_str(), games[0]["rug_price"].as_str()), ("2", "0.02"));
    assert_eq!(games[0]["prices"], "[1.0, 2.0, 0.02]");
    assert_eq!(games[0]["ended_at"], "1765577802974000");
    assert_eq!(games[0]["proven"], "false", "the seed does not have this hash");
    let bets = only(rows, DocType::Sidebet);
    assert_eq!((bets[0]["start_tick"].as_str(), bets[0]["game_id"].as_str()), ("2", "a"));
    assert_eq!((bets[1]["outcome"].as_str(), bets[1]["ordinal"].as_str()), ("lost", "1"));
}

#[test]
fn the_version_of_an_old_entry_is_read_where_it_is() {
    let entry = |fields: &str| {
        let frame = format!(
            r#"42["gameStateUpdate",{{"gameId":"n","gameHistory":[{{"id":"a","prices":[1,0.02],{fields}}}]}}]"#
        );
        only(rows_of(&[received(&frame)]), DocType::Game).remove(0).get("game_version").cloned()
    };
    for fields in [
        r#""gameVersion":"v2""#,
        r#""version":"v2""#,
        r#""provablyFair":{"version":"v2"}"#,
        r#""gameVersion":"v2","version":"v1","provablyFair":{"version":"v1"}"#,
        r#""gameVersion":null,"version":7,"provablyFair":{"version":"v2"}"#,
    ] {
        assert_eq!(entry(fields).as_deref(), Some("v2"), "{fields}");
    }
    assert_eq!(entry(r#""rugged":true"#), None);
}

#[test]
fn a_manipulated_price_is_not_proven_whatever_the_entry_says_of_its_version() {
    let (seed, id) = (format!("{:064x}", 0xa), "20260101-00000000000000ab");
    let played = replayer_protocol::fairness::play(&seed, id, replayer_protocol::fairness::GameVersion::V3);
    let mut wrong = played.prices.clone();
    wrong[12] += 1e-9;
    let proven = |prices: &[f64], label: Option<&str>| {
        let prices = serde_json::to_string(prices).unwrap();
        let label = label.map(|label| format!(r#","version":"{label}""#)).unwrap_or_default();
        let frame = format!(
            r#"42["gameStateUpdate",{{"gameId":"n","gameHistory":[{{"id":"{id}","prices":{prices},"provablyFair":{{"serverSeed":"{seed}"}}{label}}}]}}]"#
        );
        only(rows_of(&[received(&frame)]), DocType::Game).remove(0).get("proven").cloned()
    };
    for label in [None, Some("v3"), Some("v1"), Some("v9")] {
        assert_eq!(proven(&played.prices, label).as_deref(), Some("true"), "{label:?}");
        assert_eq!(proven(&wrong, label).as_deref(), Some("false"), "{label:?}");
    }
    assert_eq!(proven(&[], None), None);
}

#[test]
fn w30_a_repeated_history_adds_no_game_and_no_bet() {
    let rows = rows_of(&[received(HISTORY), received(HISTORY)]);
    assert_eq!(only(rows.clone(), DocType::Game).len(), 1);
    assert_eq!(only(rows, DocType::Sidebet).len(), 2);
}

#[test]
fn d15_own_account_packets_make_server_states() {
    let frames = [
        received(r#"42["gameStateUpdate",{"gameId":"game123","price":1.5}]"#),
        received(r#"42["usernameStatus",{"id":"did:x","username":"N"}]"#),
        received(r#"42["playerUpdate",{"gameId":"game123","cash":"1.5","positionQty":0,"cumulativePnL":0.25}]"#),
    ];
    let rows = rows_of(&frames);
    let raw = only(rows.clone(), DocType::WsEvent);
    assert_eq!(raw.len(), 3);
    assert_eq!((raw[0]["game_id"].as_str(), raw[2]["game_id"].as_str()), ("game123", "game123"));
    let states = only(rows, DocType::ServerState);
    assert_eq!((states[0]["cash"].as_str(), states[0]["pnl"].as_str()), ("1.5", "0.25"));
}

#[test]
fn a_recordings_defaults_become_null() {
    let line = |text| Record { format: LineFormat::Recording, direction: None, ..received(text) };
    let timer = line(
        r#"{"type":"tick","game_id":"g","tick":0,"price":1.0,"phase":"UNKNOWN","active":false,"rugged":false,"cooldown_timer":14900,"trade_count":0}"#,
    );
    let tick = line(
        r#"{"type":"tick","game_id":"g","tick":7,"price":1.25,"active":true,"rugged":false,"cooldown_timer":0,"trade_count":80}"#,
    );
    let end = line(r#"{"type":"game_end","game_id":"g","total_ticks":2}"#);
    let rows = rows_of(&[timer, tick, end]);
    let ticks = only(rows.clone(), DocType::GameTick);
    assert!(!ticks[0].contains_key("price") && !ticks[0].contains_key("trade_count"));
    assert_eq!(ticks[0]["phase"], "COOLDOWN");
    assert_eq!((ticks[1]["price"].as_str(), ticks[1]["tick_source"].as_str()), ("1.25", "recording"));
    assert_eq!(only(rows, DocType::SystemEvent)[0]["event_type"], "recording_game_end");
}

#[test]
fn a_recordings_lines_before_a_game_have_neither_tick_nor_price() {
    let line = |text| Record { format: LineFormat::Recording, direction: None, ..received(text) };
    let texts = [
        // The server's own full packet, a price as text, and the tick that the game before stopped at.
        r#"{"type":"tick","game_id":"g","tick":0,"price":1,"active":false,"rugged":false,"cooldown_timer":15000,"trade_count":0}"#,
        r#"{"type":"tick","game_id":"g","tick":0,"price":"1.0","active":false,"rugged":false,"cooldown_timer":9000,"trade_count":0}"#,
        r#"{"type":"tick","game_id":"g","tick":95,"price":1.0,"active":false,"rugged":false,"cooldown_timer":39600,"trade_count":5}"#,
    ];
    for text in texts {
        let ticks = only(rows_of(&[line(text)]), DocType::GameTick);
        assert!(!ticks[0].contains_key("price") && !ticks[0].contains_key("tick"), "{text}: {ticks:?}");
    }
    let first = r#"{"type":"tick","game_id":"g","tick":0,"price":1.0,"active":true,"rugged":false,"cooldown_timer":0,"trade_count":0}"#;
    let ticks = only(rows_of(&[line(first)]), DocType::GameTick);
    assert_eq!((ticks[0]["tick"].as_str(), ticks[0]["price"].as_str()), ("0", "1"), "the game's own first tick");
}

#[test]
fn a_lost_payload_is_flagged_and_not_an_empty_event() {
    let text = r#"{"seq":3,"event":"newChatMessage","data":{"__trace":true,"traceparent":"00-0123456789abcdef0123456789abcdef-0-01"}}"#;
    let rows = rows_of(&[Record { format: LineFormat::CdpCapture, ..received(text) }]);
    assert_eq!(rows[0].1["frame"], "payload_lost");
    assert_eq!(rows[0].1["event_name"], "newChatMessage");
}

#[test]
fn every_simulated_game_is_proven_and_every_frame_read() {
    use replayer_simulator::{Config, Session};
    let mut session = Session::new(Config { games: 3, logged_in: true, ..Config::default() });
    let frames: Vec<_> = session.by_ref().collect();
    let records: Vec<_> = frames.iter().map(|frame| crate::testing::simulated(Source::Cdp, frame)).collect();
    let rows = rows_of(&records);
    let raw = only(rows.clone(), DocType::WsEvent);
    assert_eq!(raw.len(), frames.len());
    assert!(raw.iter().all(|row| row["frame"] == "ok"));
    let games = only(rows.clone(), DocType::Game);
    for truth in session.truths() {
        let game = games.iter().find(|game| game["game_id"] == truth.game_id).unwrap();
        assert_eq!(game["proven"], "true");
        assert_eq!(game["ticks"], truth.rug_tick.to_string());
    }
    for doc_type in
        [DocType::GameTick, DocType::Trade, DocType::Sidebet, DocType::ServerState, DocType::PlayerAction]
    {
        assert!(!only(rows.clone(), doc_type).is_empty(), "{doc_type:?}");
    }
}
