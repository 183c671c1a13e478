//! What the default rules do where the predecessor had a defect, and that they say so.

use super::super::fill::Settlement;
use super::super::position::ClosedBy;
use super::super::{Difference, Rules};
use super::*;

#[test]
fn a_sale_tells_the_result_that_the_balance_has() {
    let mut account = right();
    buy(&mut account, "0.01", &at(1, "2.0")).unwrap();
    let fill = sell(&mut account, "1.0", &at(2, "3.0")).unwrap();
    let sale = fill.sale.unwrap();
    assert_eq!((sale.pnl_sol, sale.booked_pnl_sol), (d("0.01"), d("0.01")));
    assert_eq!(fill.differs_from_legacy, [Difference::PnlFormula]);
    assert_eq!(account.balance(), d("0.1") + sale.pnl_sol);
}

#[test]
fn nothing_is_named_where_nothing_differs() {
    let mut account = right();
    buy(&mut account, "0.01", &at(1, "1.0")).unwrap();
    let fill = sell(&mut account, "1.0", &at(2, "3.0")).unwrap();
    assert_eq!(fill.differs_from_legacy, []);
    assert_eq!(account.view(None, 5).differs_from_legacy, []);
}

#[test]
fn the_win_rate_is_a_rate() {
    let mut account = right();
    buy(&mut account, "0.02", &at(1, "1.0")).unwrap();
    sell(&mut account, "0.25", &at(2, "3.0")).unwrap();
    sell(&mut account, "0.5", &at(3, "0.5")).unwrap();
    sell(&mut account, "1.0", &at(4, "3.0")).unwrap();
    let view = account.view(None, 5);
    assert_eq!(view.statistics.win_rate, Some(d("0.6666666666666666666666666667")));
    assert_eq!(view.differs_from_legacy, [Difference::WinRate]);
}

#[test]
fn the_rug_sells_the_position_at_its_price() {
    let mut account = right();
    buy(&mut account, "0.01", &at(1, "1.0")).unwrap();
    let settled = account.observe(&rug(9, "0.02"));
    let [Settlement::RugSold { tick: 9, balance_change, pnl_sol, differs_from_legacy, .. }] = &settled[..] else {
        panic!("{settled:?}");
    };
    assert_eq!((*balance_change, *pnl_sol), (d("0.0002"), d("-0.0098")));
    assert_eq!(differs_from_legacy[..], [Difference::RugClosesPosition]);
    assert_eq!((account.balance(), account.position()), (d("0.0902"), None));
    assert_eq!(account.closed_positions()[0].closed_by, ClosedBy::Rug);
    assert_eq!(account.observe(&rug(11, "0.02")), [], "the second packet of the rug settles nothing more");
}

/// The settlement that protocol.md section 5 checks against a captured account.
#[test]
fn a_rug_settles_as_the_server_did() {
    let mut account = account(Rules::Right, "1");
    account.observe(&at(1, "1"));
    let held = ServerAccountOf { qty: "0.002273142", entry: "0.879838878" };
    held.into_account(&mut account);
    let settled = account.observe(&rug(9, "0.00925031"));
    let [Settlement::RugSold { pnl_sol, .. }] = &settled[..] else { panic!("{settled:?}") };
    assert_eq!(pnl_sol.round_dp(9), d("-0.001978972"));
}

struct ServerAccountOf {
    qty: &'static str,
    entry: &'static str,
}

impl ServerAccountOf {
    fn into_account(self, account: &mut LocalAccount) {
        let server = super::super::ServerAccount {
            cash: None,
            position_qty: Some(d(self.qty)),
            avg_cost: Some(d(self.entry)),
        };
        account.reconcile(&server, 1);
    }
}

#[test]
fn a_rug_on_the_last_tick_of_the_window_wins() {
    for (rug_tick, won, balance) in [(10, true, "0.140"), (50, true, "0.140"), (51, false, "0.090")] {
        let mut account = right();
        bet(&mut account, "0.01", &at(10, "1.0")).unwrap();
        let settled = account.observe(&rug(rug_tick, "0.01"));
        let [Settlement::SideBet { won: is_won, differs_from_legacy, .. }] = &settled[..] else {
            panic!("{settled:?}");
        };
        assert_eq!((*is_won, account.balance()), (won, d(balance)), "rug at {rug_tick}");
        assert_eq!(differs_from_legacy[..], [Difference::SideBetSettled]);
    }
}

#[test]
fn a_bet_is_open_to_the_end_of_its_window_and_lost_after_it() {
    let mut account = right();
    bet(&mut account, "0.01", &at(10, "1.0")).unwrap();
    assert_eq!(account.observe(&at(50, "2.0")), []);
    assert_eq!(account.observe(&at(51, "2.0")).len(), 1);
    assert_eq!((account.side_bet(), account.balance()), (None, d("0.090")));
    assert_eq!(account.statistics().side_bets_lost, 1);
    assert_eq!(words(bet(&mut account, "0.01", &at(51, "2.0"))), "Sidebet cooldown: 5 ticks remaining");
    assert!(bet(&mut account, "0.01", &at(56, "2.0")).is_ok());
}

#[test]
fn in_legacy_a_bet_stays_open_for_ever() {
    let mut account = legacy();
    bet(&mut account, "0.01", &at(10, "1.0")).unwrap();
    assert_eq!(account.observe(&at(500, "2.0")), []);
    assert_eq!(account.observe(&rug(501, "0.01")), []);
    assert!(account.side_bet().is_some());
}

#[test]
fn bet_and_position_are_both_settled_by_the_rug() {
    let mut account = right();
    buy(&mut account, "0.01", &at(5, "1.0")).unwrap();
    bet(&mut account, "0.01", &at(5, "1.0")).unwrap();
    assert_eq!(account.observe(&rug(9, "0.01")).len(), 2);
    assert_eq!(account.balance(), d("0.08") + d("0.05") + d("0.0001"));
}

#[test]
fn a_place_before_a_seen_rug_can_be_traded_at() {
    let (mut right, mut legacy) = (right(), legacy());
    for account in [&mut right, &mut legacy] {
        account.observe(&at(8, "1.0"));
        account.observe(&rug(9, "0.01"));
    }
    assert_eq!(words(buy(&mut right, "0.01", &rug(9, "0.01"))), "BUY not allowed: game has been rugged");
    let fill = buy(&mut right, "0.01", &at(8, "1.0")).unwrap();
    assert_eq!(fill.differs_from_legacy, [Difference::RugFlagNotSticky]);
    assert_eq!(words(buy(&mut legacy, "0.01", &at(8, "1.0"))), "BUY not allowed: game has been rugged");
    legacy.reset();
    assert!(buy(&mut legacy, "0.01", &at(8, "1.0")).is_ok());
}

#[test]
fn prices_keep_all_their_digits() {
    let mut account = account(Rules::Right, "10");
    buy(&mut account, "0.001", &at(1, "1.0")).unwrap();
    buy(&mut account, "0.002", &at(2, "1.1")).unwrap();
    let fill = sell(&mut account, "1.0", &at(3, "0.123456789012345678")).unwrap();
    assert_eq!(fill.price, d("0.123456789012345678"));
    assert_eq!(fill.new_balance, d("9.997170370367037037034"));
    assert_eq!(fill.differs_from_legacy, [Difference::ExactPrice, Difference::PnlFormula]);
}

#[test]
fn a_cost_above_the_balance_is_refused_with_both() {
    assert_eq!(
        words(buy(&mut right(), "0.05", &at(1, "3.0"))),
        "Failed to open position: it costs 0.15 SOL, the balance is 0.1 SOL"
    );
}

#[test]
fn another_game_starts_anew_and_says_what_was_left_open() {
    for mut account in [right(), legacy()] {
        buy(&mut account, "0.01", &at(1, "1.0")).unwrap();
        bet(&mut account, "0.002", &at(1, "1.0")).unwrap();
        let next = Market { game_id: "20260101-00000000000000bb", ..at(0, "1.0") };
        let settled = account.observe(&next);
        let [Settlement::GameChanged { dropped_position, dropped_bet, new_balance, .. }] = &settled[..] else {
            panic!("{settled:?}");
        };
        assert_eq!((*dropped_position, *dropped_bet), (Some(d("0.01")), Some(d("0.002"))));
        assert_eq!((*new_balance, account.statistics().games_played), (d("0.100"), 1));
        assert_eq!(account.observe(&next), [], "once");
    }
}

#[test]
fn an_order_in_a_game_that_was_not_shown_is_refused() {
    let mut account = right();
    account.observe(&at(1, "1.0"));
    let elsewhere = Market { game_id: "20260101-00000000000000bb", ..at(1, "1.0") };
    assert!(words(buy(&mut account, "0.01", &elsewhere)).contains("20260101-00000000000000bb"));
}

#[test]
fn a_rug_without_a_price_waits_for_one() {
    let mut account = right();
    buy(&mut account, "0.01", &at(1, "1.0")).unwrap();
    assert_eq!(account.observe(&Market { price: None, ..rug(9, "1") }), []);
    assert_eq!(account.observe(&rug(9, "0.02")).len(), 1);
}

#[test]
fn a_view_values_the_position_at_the_place() {
    let mut account = right();
    buy(&mut account, "0.01", &at(1, "2.0")).unwrap();
    let view = account.view(Some(&at(5, "3.0")), 5);
    let position = view.position.unwrap();
    assert_eq!((position.value, position.unrealised_pnl), (Some(d("0.03")), Some(d("0.01"))));
    assert_eq!((position.unrealised_percent, view.equity), (Some(d("50")), Some(d("0.11"))));
    assert_eq!(account.view(None, 5).equity, None, "without a place nothing is valued");
}

#[test]
fn a_clone_is_a_checkpoint() {
    let mut account = right();
    buy(&mut account, "0.01", &at(1, "1.0")).unwrap();
    let checkpoint = account.clone();
    sell(&mut account, "1.0", &at(2, "2.0")).unwrap();
    assert_eq!(checkpoint.closed_positions().len(), 0);
    assert_eq!(checkpoint.balance(), d("0.09"));
    assert_ne!(account.view(None, 5), checkpoint.view(None, 5));
}
