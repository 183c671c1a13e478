//! The facts of the rules' sections 2, 3, 8 and 11: what the predecessor's own tests fixed about trading.

use super::super::position::PositionError;
use super::super::reconcile::ServerAccount;
use super::super::rules::MOST_HISTORY;
use super::super::{Action, Position, Rules, checks};
use super::*;

#[test]
fn a_new_account_has_its_balance_and_nothing_else() {
    for (balance, account) in
        [("0.100", LocalAccount::new(Settings::default())), ("0.500", account(Rules::Right, "0.500"))]
    {
        assert_eq!((account.balance(), account.settings().initial_balance), (d(balance), d(balance)));
        assert_eq!(account.statistics().total_pnl, Decimal::ZERO);
        assert!(account.position().is_none() && account.side_bet().is_none());
    }
}

#[test]
fn the_result_is_the_sum_of_all_changes_of_the_balance() {
    let mut account = legacy();
    account.pay(d("-0.005")).unwrap();
    assert_eq!((account.balance(), account.statistics().total_pnl), (d("0.095"), d("-0.005")));
    account.pay(d("0.010")).unwrap();
    assert_eq!((account.balance(), account.statistics().total_pnl), (d("0.105"), d("0.005")));
}

#[test]
fn a_closed_position_is_one_entry_of_the_history() {
    let mut account = legacy();
    buy(&mut account, "0.01", &at(1, "1.0")).unwrap();
    sell(&mut account, "1.0", &at(10, "1.5")).unwrap();
    assert_eq!(account.closed_positions().len(), 1);
    let closed = &account.closed_positions()[0];
    assert_eq!((closed.exit_price, closed.exit_tick), (d("1.5"), 10));
    assert_eq!((closed.pnl_sol, closed.pnl_percent), (d("0.005"), d("50.0")));
}

#[test]
fn means_of_wins_and_losses_are_both_positive() {
    let mut account = legacy();
    buy(&mut account, "0.01", &at(1, "1.0")).unwrap();
    sell(&mut account, "1.0", &at(2, "1.5")).unwrap();
    buy(&mut account, "0.01", &at(3, "2.0")).unwrap();
    sell(&mut account, "1.0", &at(4, "1.0")).unwrap();
    assert_eq!(account.statistics().average_win(), Some(d("0.005")));
    assert_eq!(account.statistics().average_loss(), Some(d("0.01")));
    assert_eq!(account.closed_positions().len(), 2);
}

#[test]
fn a_reset_forgets_the_game_its_rug_and_the_last_settlement() {
    let mut account = legacy();
    bet(&mut account, "0.01", &at(1, "1.0")).unwrap();
    account.settle_bet(false, 2).unwrap();
    account.observe(&rug(9, "0.02"));
    account.set_percentage(d("0.25")).unwrap();
    account.reset();
    assert!(!account.rug_seen && account.game_id.is_none() && account.last_settled.is_none());
    assert_eq!(account.sell_percentage(), Decimal::ONE);
    assert!(account.settled_bets().is_empty() && account.closed_positions().is_empty());
}

#[test]
fn a_view_shows_decimals_as_texts_and_nothing_as_null() {
    let json = serde_json::to_value(LocalAccount::new(Settings::default()).view(None, 5)).unwrap();
    assert_eq!(json["balance"], "0.100");
    assert_eq!(json["position"], serde_json::Value::Null);
    assert_eq!(json["side_bet"], serde_json::Value::Null);
    assert_eq!(json["statistics"]["win_rate"], serde_json::Value::Null);
    assert_eq!((&json["rules"], &json["source"]), (&"right".into(), &"local".into()));
}

#[test]
fn buys_add_up_and_leave_the_balance() {
    let mut account = legacy();
    assert_eq!(buy(&mut account, "0.005", &at(1, "1")).unwrap().balance_change, d("-0.005"));
    buy(&mut account, "0.005", &at(2, "1")).unwrap();
    assert_eq!(account.position().unwrap().amount, d("0.010"));
    assert_eq!(account.balance(), d("0.090"));
}

#[test]
fn amounts_are_checked_in_order() {
    let check = |amount: &str, balance: &str| {
        checks::amount(Action::Buy, d(amount), d(balance)).map_err(|refusal| refusal.to_string())
    };
    for (amount, balance) in [("0.005", "0.1"), ("0.001", "0.1"), ("1.0", "1.0"), ("0.1", "0.1")] {
        assert_eq!(check(amount, balance), Ok(()), "{amount} of {balance}");
    }
    for (amount, expected) in [
        ("0", "BUY amount below minimum (must be positive)"),
        ("-0.01", "BUY amount below minimum (must be positive)"),
        ("1000000.1", "BUY amount unreasonably large (limit 1000000)"),
        ("1000000", "BUY amount exceeds maximum 1.0 SOL"),
        ("0.0001", "BUY amount below minimum 0.001 SOL"),
        ("2.0", "BUY amount exceeds maximum 1.0 SOL"),
        ("0.5", "Insufficient balance: have 0.1000, need 0.5 SOL"),
    ] {
        assert_eq!(check(amount, "0.1"), Err(expected.to_owned()), "{amount}");
    }
    assert_eq!(check("0.5", "-1"), Err("Invalid balance state: -1 SOL".to_owned()));
}

#[test]
fn a_refused_buy_says_why() {
    for (amount, expected) in
        [("1.0", "Insufficient balance"), ("0.0001", "below minimum"), ("10.0", "exceeds maximum")]
    {
        assert!(words(buy(&mut legacy(), amount, &at(1, "1"))).contains(expected));
    }
}

#[test]
fn permission_goes_by_presale_activity_rug_and_phase() {
    let allowed = |market: Market<'_>| {
        checks::permission(Action::Buy, &market, market.rugged).map_err(|refusal| refusal.to_string())
    };
    for market in [
        phase("PRESALE", false),
        phase("PRESALE", true),
        Market { rugged: true, ..phase("PRESALE", true) },
        phase("ACTIVE", true),
        phase("ACTIVE_GAMEPLAY", true),
        phase("GAME_ACTIVATION", true),
        phase("RUG_EVENT_2", true),
        phase("SOMETHING_NEW", true),
    ] {
        assert_eq!(allowed(market), Ok(()), "{market:?}");
    }
    let inactive = "BUY not allowed: game not active yet";
    for word in ["ACTIVE", "UNKNOWN", "COOLDOWN"] {
        assert_eq!(allowed(phase(word, false)), Err(inactive.to_owned()));
    }
    for word in ["UNKNOWN", "COOLDOWN", "RUG_EVENT", "RUG_EVENT_1"] {
        assert_eq!(allowed(phase(word, true)), Err(format!("BUY not allowed in {word} phase")));
    }
    let rugged = Market { rugged: true, ..phase("COOLDOWN", true) };
    assert_eq!(allowed(rugged), Err("BUY not allowed: game has been rugged".to_owned()));
}

#[test]
fn a_side_bet_pays_five_times_and_stands_alone() {
    let mut account = legacy();
    let fill = bet(&mut account, "0.01", &at(1, "1")).unwrap();
    assert_eq!((fill.balance_change, fill.potential_win), (d("-0.01"), Some(d("0.05"))));
    assert_eq!(words(bet(&mut account, "0.002", &at(2, "1"))), "Sidebet already active");
    buy(&mut account, "0.01", &at(2, "1")).unwrap();
    assert!(account.position().is_some() && account.side_bet().is_some());
}

#[test]
fn the_cooldown_counts_from_the_settlement() {
    let at_tick = |tick| checks::side_bet(false, Some(100), tick).map_err(|refusal| refusal.to_string());
    assert_eq!(at_tick(101), Err("Sidebet cooldown: 4 ticks remaining".to_owned()));
    assert_eq!(at_tick(104), Err("Sidebet cooldown: 1 ticks remaining".to_owned()));
    assert_eq!((at_tick(105), at_tick(106)), (Ok(()), Ok(())));
    assert_eq!(checks::side_bet(false, None, 0), Ok(()));
}

#[test]
fn the_sell_percentage_is_one_of_four() {
    let mut account = legacy();
    for part in ["0.05", "0.33", "0.75", "2.0"] {
        assert!(account.set_percentage(d(part)).is_err());
        assert_eq!(account.sell_percentage(), Decimal::ONE);
    }
    for (part, before) in [("0.5", "1.0"), ("0.1", "0.5"), ("0.25", "0.1"), ("1.0", "0.25")] {
        assert_eq!(account.set_percentage(d(part)), Ok(d(before)));
        assert_eq!(account.sell_percentage(), d(part));
    }
}

#[test]
fn a_sale_without_a_percentage_sells_the_set_part() {
    let mut account = legacy();
    buy(&mut account, "0.020", &at(1, "1.0")).unwrap();
    account.set_percentage(d("0.25")).unwrap();
    let fill = account.act(&Order::Sell { percentage: None }, &at(2, "1.5")).unwrap();
    let sale = fill.sale.unwrap();
    assert_eq!((fill.amount, sale.remaining, sale.partial), (d("0.005"), d("0.015"), true));
}

#[test]
fn a_position_is_reduced_by_a_part_and_not_by_the_whole() {
    for (amount, part, taken, left) in [
        ("0.010", "0.1", "0.001", "0.009"),
        ("0.020", "0.25", "0.005", "0.015"),
        ("0.100", "0.5", "0.050", "0.050"),
    ] {
        let mut position = Position::new(d(amount), d("1.0"), 0).unwrap();
        assert_eq!(position.reduce(d(part)), Ok(d(taken)));
        assert_eq!(position.amount, d(left));
    }
    let mut position = Position::new(d("0.01"), d("1.0"), 0).unwrap();
    assert!(position.reduce(d("0.33")).unwrap_err().to_string().starts_with("Invalid percentage"));
    assert!(position.reduce(d("1.0")).unwrap_err().to_string().starts_with("Cannot reduce by 100%"));
    assert_eq!(position.amount, d("0.01"));
}

#[test]
fn a_position_needs_a_price_an_amount_and_a_tick() {
    assert_eq!(Position::new(d("0.01"), d("0"), 0), Err(PositionError::EntryPrice));
    assert_eq!(Position::new(d("0"), d("1"), 0), Err(PositionError::Amount));
    assert_eq!(Position::new(d("0.01"), d("1"), -1), Err(PositionError::EntryTick));
}

#[test]
fn partial_sales_take_their_part_and_its_gain() {
    for (part, price, sold, left, pnl, percent) in [
        ("0.1", "2.0", "0.001", "0.009", "0.001", "100"),
        ("0.5", "1.5", "0.005", "0.005", "0.0025", "50"),
        ("0.25", "2.0", "0.0025", "0.0075", "0.0025", "100"),
    ] {
        let mut account = legacy();
        buy(&mut account, "0.01", &at(1, "1.0")).unwrap();
        let fill = sell(&mut account, part, &at(2, price)).unwrap();
        let sale = fill.sale.unwrap();
        assert_eq!((fill.amount, sale.remaining), (d(sold), d(left)));
        assert_eq!((sale.pnl_sol, sale.pnl_percent), (d(pnl), d(percent)));
        assert_eq!(account.balance(), d("0.090") + d(sold) * d(price));
    }
}

#[test]
fn a_chain_of_sales_ends_with_nothing() {
    let mut account = account(Rules::Legacy, "1");
    buy(&mut account, "0.100", &at(1, "1.0")).unwrap();
    for (part, price, left) in
        [("0.25", "1.5", Some("0.075")), ("0.5", "2.0", Some("0.0375")), ("1.0", "2.5", None)]
    {
        sell(&mut account, part, &at(2, price)).unwrap();
        assert_eq!(account.position().map(|position| position.amount), left.map(d));
    }
}

#[test]
fn selling_needs_only_a_position() {
    for market in [presale(), phase("COOLDOWN", false), phase("UNKNOWN", false), rug(9, "0.02")] {
        let mut account = legacy();
        buy(&mut account, "0.01", &at(1, "1.0")).unwrap();
        assert!(sell(&mut account, "1.0", &market).is_ok(), "{market:?}");
        assert_eq!(words(sell(&mut account, "1.0", &market)), "No active position to sell");
    }
}

#[test]
fn the_history_is_bounded() {
    let mut account = legacy();
    for tick in 0..i64::try_from(MOST_HISTORY).unwrap() + 3 {
        buy(&mut account, "0.01", &at(tick, "1.0")).unwrap();
        sell(&mut account, "1.0", &at(tick, "1.0")).unwrap();
    }
    assert_eq!(account.closed_positions().len(), MOST_HISTORY);
    assert_eq!(account.closed_positions()[0].entry_tick, 3);
    assert_eq!(account.view(None, 2).closed_positions.len(), 2);
}

#[test]
fn the_baseline_moves_and_the_balance_stays() {
    let mut account = legacy();
    buy(&mut account, "0.01", &at(1, "1.0")).unwrap();
    account.set_baseline(d("0.5"));
    assert_eq!(account.balance(), d("0.090"));
    let statistics = account.statistics();
    assert_eq!((account.settings().initial_balance, statistics.peak_balance), (d("0.5"), d("0.5")));
    assert_eq!((statistics.total_pnl, statistics.max_drawdown), (Decimal::ZERO, Decimal::ZERO));
}

fn said(cash: &str, qty: &str, avg_cost: &str) -> ServerAccount {
    ServerAccount { cash: Some(d(cash)), position_qty: Some(d(qty)), avg_cost: Some(d(avg_cost)) }
}

#[test]
fn the_servers_cash_wins() {
    let mut account = account(Rules::Right, "1.00");
    let drifts = account.reconcile(&said("1.05", "0", "0"), 5);
    let drift = drifts.balance.unwrap();
    assert_eq!((drift.local, drift.server), (Some(d("1.00")), Some(d("1.05"))));
    assert_eq!(account.balance(), d("1.05"));
}

#[test]
fn agreement_is_no_drift() {
    let mut account = account(Rules::Right, "1.00");
    assert!(account.reconcile(&said("1.0", "0", "0"), 5).is_empty());
    assert!(account.reconcile(&ServerAccount::default(), 5).is_empty());
}

#[test]
fn the_servers_units_and_entry_win() {
    let mut account = account(Rules::Right, "1.00");
    buy(&mut account, "0.001", &at(1, "1.5")).unwrap();
    let drifts = account.reconcile(&ServerAccount { cash: None, ..said("0", "0.002", "1.8") }, 5);
    assert!(drifts.position_qty.is_some() && drifts.entry_price.is_some() && drifts.position.is_none());
    let position = account.position().unwrap();
    assert_eq!((position.amount, position.entry_price, position.entry_tick), (d("0.002"), d("1.8"), 1));
    account.reconcile(&ServerAccount { cash: None, ..said("0", "0.002", "0") }, 6);
    assert_eq!(account.position().unwrap().entry_price, d("1.8"), "an avgCost of 0 is no entry");
}

#[test]
fn a_position_that_only_one_side_knows() {
    let mut account = account(Rules::Right, "1.00");
    let opened = account.reconcile(&said("1.00", "0.001", "2.0"), 7);
    assert_eq!(opened.position.unwrap().local, None);
    let position = account.position().unwrap();
    assert_eq!((position.amount, position.entry_price, position.entry_tick), (d("0.001"), d("2.0"), 7));
    let closed = account.reconcile(&said("1.00", "0", "0"), 8);
    assert_eq!(closed.position.unwrap().server, None);
    assert_eq!(account.position(), None);
    assert_eq!(
        (account.statistics().losing_trades, account.closed_positions().len()),
        (0, 0),
        "nothing is booked"
    );
}
