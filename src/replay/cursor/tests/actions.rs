//! Actions and the local account: a function of the place.

use rust_decimal::Decimal;
use serde_json::json;

use super::super::orders::{Orders, ReplayAction, With};
use super::*;
use crate::replay::account::{Order, Refusal, Settings, Settlement};

fn order(side: &str, amount: &str) -> Order {
    match side {
        "SELL" => Order::from_words(side, None, Some(&json!(amount))).unwrap(),
        _ => Order::from_words(side, Some(&json!(amount)), None).unwrap(),
    }
}

/// A game long enough to trade in, with a cursor at its tick 5.
fn playing(seed: u64) -> (Root, Shared, GameTruth, Cursor, Orders) {
    let (root, archive, truths, _) = recorded(small(seed, 8));
    let truth = truths.iter().find(|truth| truth.prices.len() > 60).unwrap().clone();
    let mut cursor = open(&archive, &truth.game_id);
    seek(&mut cursor, &archive, Target::Tick { game_id: None, tick: 5 }).unwrap();
    (root, archive, truth, cursor, Orders::new(Settings::default()))
}

fn to(cursor: &mut Cursor, archive: &Shared, tick: u32) {
    seek(cursor, archive, Target::Tick { game_id: None, tick }).unwrap();
}

#[test]
fn going_back_undoes_an_action_and_going_forward_does_it_again() {
    let (_root, archive, _, mut cursor, mut orders) = playing(1);
    let start = orders.account(&cursor).balance();
    orders.act(&mut cursor, &archive, order("BUY", "0.01"), false).unwrap();
    let bought = orders.account(&cursor);
    assert!(bought.position().is_some() && bought.balance() < start);
    back(&mut cursor, &archive, 1, Unit::Event);
    assert_eq!(orders.account(&cursor).balance(), start);
    assert!(orders.account(&cursor).position().is_none());
    step(&mut cursor, &archive, 1, Unit::Event);
    assert_eq!(orders.account(&cursor).balance(), bought.balance());
    to(&mut cursor, &archive, 20);
    orders.act(&mut cursor, &archive, order("SELL", "1"), false).unwrap();
    let sold = orders.account(&cursor).balance();
    seek(&mut cursor, &archive, Target::End).unwrap();
    seek(&mut cursor, &archive, Target::Start).unwrap();
    assert_eq!(orders.account(&cursor).balance(), start);
    to(&mut cursor, &archive, 20);
    assert_eq!(orders.account(&cursor).balance(), sold);
}

#[test]
fn an_action_that_an_earlier_one_makes_impossible_is_removed_and_named() {
    let (_root, archive, _, mut cursor, mut orders) = playing(2);
    orders.act(&mut cursor, &archive, order("BUY", "0.01"), false).unwrap();
    to(&mut cursor, &archive, 20);
    orders.act(&mut cursor, &archive, order("SELL", "1"), false).unwrap();
    to(&mut cursor, &archive, 10);
    let told = orders.act(&mut cursor, &archive, order("SELL", "1"), false).unwrap();
    let removed = told["removed"].as_array().unwrap();
    assert!(removed[0].as_str().unwrap().starts_with("SELL at "), "{told:?}");
    assert_eq!(orders.len(), 2);
}

#[test]
fn what_the_rules_refuse_changes_nothing() {
    let (_root, archive, _, mut cursor, mut orders) = playing(3);
    let before = orders.account(&cursor).balance();
    for refused in [order("SELL", "1"), order("BUY", "5"), order("BUY", "0.0001")] {
        let error = orders.act(&mut cursor, &archive, refused, false).unwrap_err();
        assert!(matches!(error, CursorError::Order(_)), "{error}");
    }
    assert!(orders.is_empty());
    assert_eq!(orders.account(&cursor).balance(), before);
    seek(&mut cursor, &archive, Target::Start).unwrap();
    let error = orders.act(&mut cursor, &archive, order("BUY", "0.01"), false).unwrap_err();
    assert!(error.to_string().contains("not allowed"), "{error}");
}

#[test]
fn the_rug_settles_what_is_open_and_a_side_bet_pays_five_times() {
    let (_root, archive, truth, mut cursor, mut orders) = playing(4);
    let rug = truth.prices.len() as u32 - 1;
    to(&mut cursor, &archive, rug - 10);
    orders.act(&mut cursor, &archive, order("SIDEBET", "0.01"), false).unwrap();
    to(&mut cursor, &archive, rug);
    let account = orders.account(&cursor);
    assert!(account.side_bet().is_none());
    assert_eq!(account.balance(), Decimal::new(14, 2), "0.1 − 0.01 + 0.05");
    let view = orders.view(&cursor, false);
    assert_eq!(view["balance"], json!("0.140"), "{view:?}");
}

#[test]
fn an_own_action_stops_a_run_to_own_trades() {
    let (_root, archive, _, mut cursor, mut orders) = playing(5);
    orders.act(&mut cursor, &archive, order("BUY", "0.01"), false).unwrap();
    let here = cursor.position();
    seek(&mut cursor, &archive, Target::Start).unwrap();
    let until = serde_json::from_value(json!({"own_trade": true})).unwrap();
    let moved = cursor.run(&archive, &until, &orders.places(), &budget()).unwrap();
    assert_eq!((moved.stopped, cursor.position()), (Stopped::OwnAction, here));
}

#[test]
fn an_action_is_stored_only_when_asked_even_while_another_process_records() {
    let (root, archive, truth, mut cursor, mut orders) = playing(6);
    // Whoever records holds the lease.
    let recording = root.recorder();
    orders.act(&mut cursor, &archive, order("BUY", "0.01"), false).unwrap();
    let told = orders.act(&mut cursor, &archive, order("BUY", "0.02"), true).unwrap();
    let told_again = orders.act(&mut cursor, &archive, order("SELL", "0.25"), true).unwrap();
    assert_ne!(told["stored_as"], told_again["stored_as"]);
    let rows = |root: &DataRoot| {
        let filter = crate::store::scan::ScanFilter::default();
        let batches =
            crate::store::scan::scan(root, crate::store::schema::DocType::PlayerAction, &filter).unwrap();
        let mut found = Vec::new();
        for batch in batches.map(Result::unwrap) {
            use arrow::array::AsArray;
            let text = |name: &str| batch.column_by_name(name).unwrap().as_string::<i32>().clone();
            let (source, action, game) = (text("source"), text("action_type"), text("game_id"));
            for row in 0..batch.num_rows() {
                if source.value(row) == "replay" {
                    found.push((action.value(row).to_owned(), game.value(row).to_owned()));
                }
            }
        }
        found
    };
    let wanted =
        vec![("BUY".to_owned(), truth.game_id.clone()), ("PARTIAL_SELL".to_owned(), truth.game_id.clone())];
    assert_eq!(rows(&root.root), wanted, "readers see them at once");
    recording.close().unwrap();
    drop(recording);
    let _sealed = Store::open(&root.root, "test").unwrap();
    assert_eq!(rows(&root.root), wanted, "and the next writer seals them");
    assert!(crate::store::journal::segments(&root.root).unwrap().is_empty());
    // They are no frames: the state of the game knows nothing of them.
    let fresh = root.archive();
    assert_eq!(open(&fresh, &truth.game_id).timeline().len(), cursor.timeline().len());
}

#[test]
fn a_reset_drops_what_is_open_belongs_to_its_place_and_is_never_stored() {
    let (root, archive, _, mut cursor, mut orders) = playing(7);
    let start = orders.account(&cursor).balance();
    orders.act(&mut cursor, &archive, order("BUY", "0.01"), false).unwrap();
    orders.act(&mut cursor, &archive, order("SIDEBET", "0.01"), false).unwrap();
    to(&mut cursor, &archive, 9);
    let error = orders.act(&mut cursor, &archive, ReplayAction::Reset, true).unwrap_err();
    assert!(error.to_string().starts_with("RESET is not recorded"), "{error}");
    assert!(crate::store::journal::segments(&root.root).unwrap().is_empty());
    let told = orders.act(&mut cursor, &archive, ReplayAction::Reset, false).unwrap();
    assert_eq!((&told["action"], &told["dropped_position"]), (&json!("RESET"), &json!("0.01")), "{told:?}");
    assert_eq!(told["dropped_bet"], json!("0.01"));
    assert_eq!(orders.account(&cursor).balance(), start);
    assert!(orders.account(&cursor).position().is_none() && orders.account(&cursor).side_bet().is_none());
    // A new bet needs no pause after it.
    orders.act(&mut cursor, &archive, order("SIDEBET", "0.02"), false).unwrap();
    back(&mut cursor, &archive, 1, Unit::Event);
    assert!(orders.account(&cursor).position().is_some(), "before its place it has not happened");
}

#[test]
fn a_refusal_shows_the_way_on() {
    let (_root, archive, truth, mut cursor, mut orders) = playing(8);
    let refused = |orders: &mut Orders, cursor: &mut Cursor, order: Order| match orders
        .act(cursor, &archive, order, false)
        .unwrap_err()
    {
        CursorError::Order(refused) => *refused,
        other => panic!("{other}"),
    };
    orders.act(&mut cursor, &archive, order("SIDEBET", "0.01"), false).unwrap();
    to(&mut cursor, &archive, 7);
    let again = refused(&mut orders, &mut cursor, order("SIDEBET", "0.01"));
    assert_eq!((again.refusal, again.bet_ends_in), (Refusal::BetActive, Some(39)), "placed at 5, lost at 46");
    let most = refused(&mut orders, &mut cursor, order("BUY", "1")).affordable.unwrap();
    orders.act(&mut cursor, &archive, order("BUY", &most.to_string()), false).unwrap();
    to(&mut cursor, &archive, truth.prices.len() as u32 - 1);
    let over = refused(&mut orders, &mut cursor, order("BUY", "0.001"));
    assert!(matches!(over.refusal, Refusal::Rugged(_)), "{over}");
    seek(&mut cursor, &archive, Target::Ref(over.open_at.unwrap().parse().unwrap())).unwrap();
    assert_eq!(cursor.place().unwrap().phase.as_deref(), Some("ACTIVE"));
}

#[test]
fn a_move_tells_what_it_settled_and_a_move_back_nothing() {
    let (_root, archive, truth, mut cursor, mut orders) = playing(9);
    orders.act(&mut cursor, &archive, order("BUY", "0.01"), false).unwrap();
    let from = cursor.position();
    to(&mut cursor, &archive, truth.prices.len() as u32 - 2);
    assert_eq!(orders.settled(&mut cursor, &archive, from).unwrap(), []);
    let before = cursor.position();
    seek(&mut cursor, &archive, Target::End).unwrap();
    let settled = orders.settled(&mut cursor, &archive, before).unwrap();
    assert!(matches!(settled.as_slice(), [Settlement::RugSold { .. }, ..]), "{settled:?}");
    let end = cursor.position();
    to(&mut cursor, &archive, 6);
    assert_eq!(orders.settled(&mut cursor, &archive, end).unwrap(), []);
}

#[test]
fn a_comparison_tells_state_and_account_and_moves_nothing() {
    let (_root, archive, _, mut cursor, mut orders) = playing(10);
    let before = cursor.position();
    orders.act(&mut cursor, &archive, order("BUY", "0.01"), false).unwrap();
    to(&mut cursor, &archive, 8);
    let here = cursor.position();
    let with = With { target: None, before: Some(before), detailed: false };
    let compared = orders.compared(&mut cursor, &archive, with, &budget()).unwrap();
    assert_eq!((cursor.position(), compared.other.unwrap().tick), (here, Some(5)));
    let paths: Vec<&str> = compared.differences.iter().map(|one| one.path.as_str()).collect();
    assert!(paths.contains(&"game.tick") && paths.contains(&"local_account.equity"), "{paths:?}");
}
