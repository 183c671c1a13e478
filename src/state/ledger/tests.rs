//! S1–S9: the two views of the account.

#![allow(clippy::unwrap_used, clippy::indexing_slicing, clippy::panic)]

use super::*;

fn number(text: &str) -> Decimal {
    exact::parse(text).unwrap()
}

fn holding(cash: &str, qty: &str, avg_cost: &str) -> Holding {
    Holding { cash: number(cash), qty: number(qty), avg_cost: number(avg_cost) }
}

fn ledger(cash: &str, qty: &str, avg_cost: &str) -> Ledger {
    let mut ledger = Ledger::default();
    ledger.check(&holding(cash, qty, avg_cost), Some(0));
    ledger
}

fn order(kind: OrderKind, amount: &str) -> PendingOrder {
    PendingOrder {
        kind,
        socket_id: None,
        ack_id: Some(1),
        trace_id: Some("t".into()),
        amount: Some(number(amount)),
        sent_us: Some(0),
        booked: false,
    }
}

// S1
#[test]
fn s1_equal_views_are_verified() {
    let mut ledger = ledger("1.5", "0.001", "1.234");
    assert_eq!(ledger.check(&holding("1.5", "0.001", "1.234"), Some(1)), None);
    assert_eq!((ledger.checks, ledger.drifted), (1, 0));
}

// S2
#[test]
fn s2_another_balance_is_flagged_with_both_values() {
    let mut ledger = ledger("1.5", "0", "0");
    let Some(Drift::Opened(fields)) = ledger.check(&holding("1.6", "0", "0"), Some(1)) else { panic!() };
    assert_eq!(fields, [FieldDrift { field: "cash", local: number("1.5"), server: number("1.6") }]);
    assert_eq!(ledger.drifted, 1);
}

// S3
#[test]
fn s3_every_differing_field_is_flagged() {
    let fields = compare(&holding("1", "0.001", "1.0"), &holding("1", "0.002", "1.5"), exact::TOLERANCE);
    assert_eq!(fields.iter().map(|field| field.field).collect::<Vec<_>>(), ["position_qty", "avg_cost"]);
}

// S4
#[test]
fn s4_a_tenth_of_the_tolerance_is_no_drift() {
    assert!(compare(&holding("1.0", "0", "0"), &holding("1.0000001", "0", "0"), exact::TOLERANCE).is_empty());
    assert_eq!(compare(&holding("1.0", "0", "0"), &holding("1.000002", "0", "0"), exact::TOLERANCE).len(), 1);
}

// S5
#[test]
fn s5_a_flat_position_has_no_entry_to_compare() {
    assert!(compare(&holding("1", "0", "1.5"), &holding("1", "0", "0"), exact::TOLERANCE).is_empty());
}

// S6
#[test]
fn s6_checks_are_counted_and_the_last_result_kept() {
    let mut ledger = ledger("1", "0", "0");
    ledger.check(&holding("1", "0", "0"), Some(1));
    ledger.check(&holding("1", "0", "0"), Some(2));
    ledger.check(&holding("2", "0", "0"), Some(3));
    assert_eq!((ledger.checks, ledger.drifted), (3, 1));
    assert_eq!(ledger.open.unwrap().fields[0].server, number("2"));
}

// S7
#[test]
fn s7_the_difference_is_exact() {
    let fields = compare(&holding("3.5", "0.3", "1"), &holding("3.967072345", "0.5", "1"), exact::TOLERANCE);
    assert_eq!(fields[1].difference(), number("0.2"));
    assert_eq!(fields[0].difference(), number("0.467072345"));
}

// S8
#[test]
fn s8_the_tolerance_can_be_wider() {
    let (local, server) = (holding("3.9670723", "0", "0"), holding("3.967072345", "0", "0"));
    assert!(compare(&local, &server, number("0.0001")).is_empty());
}

// S9
#[test]
fn s9_after_a_drift_the_servers_value_holds_and_one_note_is_given() {
    let mut ledger = ledger("1.0000", "0", "0");
    assert!(matches!(ledger.check(&holding("1.0500", "0", "0"), Some(1)), Some(Drift::Opened(_))));
    assert_eq!(ledger.holding().unwrap().cash, number("1.05"));
    assert_eq!(ledger.check(&holding("1.06", "0", "0"), Some(2)), None, "still open: no second note");
    assert_eq!(ledger.check(&holding("1.06", "0", "0"), Some(3)), Some(Drift::Closed(Some(1), "agrees")));
}

#[test]
fn a_trade_moves_cash_position_and_entry() {
    let mut ledger = ledger("1", "0", "0");
    let buy = |price: &str, qty: &str, cash: &str| OwnTrade {
        buys: true,
        qty: number(qty),
        cash: number(cash),
        price: number(price),
    };
    ledger.traded(&buy("1", "0.01", "0.01"), None, Some(1));
    ledger.traded(&buy("2", "0.01", "0.02"), None, Some(2));
    assert_eq!(ledger.holding().unwrap(), holding("0.97", "0.02", "1.5"));
    let sell = OwnTrade { buys: false, qty: number("0.005"), cash: number("0.015"), price: number("3") };
    ledger.traded(&sell, None, Some(3));
    assert_eq!(ledger.holding().unwrap(), holding("0.985", "0.015", "1.5"));
}

#[test]
fn an_order_explains_an_update_that_comes_before_its_confirmation() {
    let mut ledger = ledger("1", "0", "0");
    ledger.ordered(order(OrderKind::Buy, "0.1"));
    assert_eq!(ledger.check(&holding("0.9", "0.1", "1"), Some(1)), None);
    let trade = OwnTrade { buys: true, qty: number("0.1"), cash: number("0.1"), price: number("1") };
    ledger.traded(&trade, Some("t"), Some(2));
    assert_eq!(ledger.holding().unwrap().cash, number("0.9"), "booked once");
    assert_eq!(ledger.drifted, 0);
}

#[test]
fn a_refused_order_explains_nothing() {
    let mut ledger = ledger("1", "0", "0");
    ledger.ordered(order(OrderKind::Buy, "0.1"));
    ledger.answered(None, 1, Some(false));
    assert!(ledger.check(&holding("0.9", "0.1", "1"), Some(1)).is_some());
}

#[test]
fn a_trade_that_arrives_late_closes_the_drift_it_explains() {
    let mut ledger = ledger("1", "0.1", "1");
    assert!(matches!(ledger.check(&holding("1.2", "0", "0"), Some(1)), Some(Drift::Opened(_))));
    let sell = OwnTrade { buys: false, qty: number("0.1"), cash: number("0.2"), price: number("2") };
    assert_eq!(ledger.traded(&sell, None, Some(2)), Some(Drift::Closed(Some(1), "late_trade")));
    assert_eq!(ledger.holding().unwrap().cash, number("1.2"));
}

#[test]
fn two_sells_that_one_update_showed_are_booked_once() {
    let mut ledger = ledger("1", "0.3", "1");
    ledger.ordered(order(OrderKind::Sell, "0"));
    let sell =
        |qty: &str, cash: &str| OwnTrade { buys: false, qty: number(qty), cash: number(cash), price: number("2") };
    assert_eq!(ledger.check(&holding("1.6", "0", "0"), Some(1)), None, "explained by the order on its way");
    assert_eq!(ledger.traded(&sell("0.2", "0.4"), None, Some(2)), None, "the rug's");
    assert_eq!(ledger.traded(&sell("0.1", "0.2"), Some("t"), Some(3)), None, "the player's own");
    assert_eq!(ledger.check(&holding("1.6", "0", "0"), Some(4)), None);
    assert_eq!((ledger.checks, ledger.drifted), (2, 0));
}

#[test]
fn an_update_that_was_overtaken_by_a_trade_is_no_news() {
    let mut ledger = ledger("1", "0.1", "1");
    let sell = OwnTrade { buys: false, qty: number("0.1"), cash: number("0.2"), price: number("2") };
    ledger.bet(number("0.005"), false, None, Some(1));
    ledger.traded(&sell, None, Some(2));
    assert!(ledger.is_overtaken(&holding("1.005", "0.1", "1"), Some(3)), "made before the sell");
    assert!(ledger.is_overtaken(&holding("1.2", "0", "0"), Some(3)), "made before the payout");
    assert!(!ledger.is_overtaken(&holding("1.205", "0", "0"), Some(3)), "made after both");
    assert!(!ledger.is_overtaken(&holding("1.1", "0", "0"), Some(3)), "explained by neither");
    assert!(!ledger.is_overtaken(&holding("1.2", "0", "0"), Some(3_000_000)), "too late to be overtaken");
}

#[test]
fn one_of_two_orders_on_their_way_explains_an_update_alone() {
    let mut ledger = ledger("1", "0", "0");
    ledger.ordered(PendingOrder { trace_id: Some("u".into()), ..order(OrderKind::Sidebet, "0.002") });
    ledger.ordered(order(OrderKind::Buy, "0.1"));
    assert_eq!(ledger.check(&holding("0.9", "0.1", "1"), Some(1)), None);
    assert_eq!(ledger.check(&holding("0.898", "0.1", "1"), Some(2)), None, "then the bet");
    assert_eq!((ledger.checks, ledger.drifted), (2, 0));
}
