//! The thirteen worked examples of the rules' section 9, as the predecessor played them.

use super::super::Rules;
use super::*;

/// Examples 1 … 3: what the later ones start from.
fn after_two_buys() -> LocalAccount {
    let mut account = legacy();
    buy(&mut account, "0.01", &at(1, "1.0")).unwrap();
    buy(&mut account, "0.01", &at(2, "2.0")).unwrap();
    account
}

#[test]
fn example_1_a_buy_costs_amount_times_price() {
    let mut account = legacy();
    let fill = buy(&mut account, "0.01", &at(1, "1.0")).unwrap();
    assert_eq!((fill.balance_change, fill.new_balance), (d("-0.01"), d("0.090")));
    let position = account.position().unwrap();
    assert_eq!((position.amount, position.entry_price), (d("0.01"), d("1.0")));
}

#[test]
fn example_2_a_second_buy_moves_the_entry_to_the_weighted_mean() {
    let account = after_two_buys();
    assert_eq!(account.balance(), d("0.070"));
    let position = account.position().unwrap();
    assert_eq!((position.amount, position.entry_price, position.entry_tick), (d("0.02"), d("1.5"), 1));
    assert_eq!(account.statistics().total_trades, 1);
}

#[test]
fn example_3_a_partial_sale_tells_one_result_and_books_another() {
    let mut account = after_two_buys();
    let fill = sell(&mut account, "0.25", &at(3, "3.0")).unwrap();
    let sale = fill.sale.unwrap();
    assert_eq!((fill.amount, fill.new_balance), (d("0.005"), d("0.085")));
    assert_eq!((sale.pnl_sol, sale.booked_pnl_sol), (d("0.0050"), d("0.0075")));
    assert_eq!((sale.remaining, sale.entry_price, sale.partial), (d("0.0150"), d("1.5"), true));
    assert!(account.closed_positions().is_empty());
}

#[test]
fn example_4_the_rest_is_sold_and_the_win_rate_exceeds_one() {
    let mut account = after_two_buys();
    sell(&mut account, "0.25", &at(3, "3.0")).unwrap();
    let fill = sell(&mut account, "1.0", &at(4, "3.0")).unwrap();
    assert_eq!((fill.new_balance, fill.sale.unwrap().pnl_sol), (d("0.130"), d("0.01500")));
    assert_eq!(account.closed_positions().back().unwrap().pnl_sol, d("0.02250"));
    assert_eq!(account.position(), None);
    let view = account.view(None, 10).statistics;
    assert_eq!((view.total_pnl, view.total_trades, view.winning_trades), (d("0.030"), 1, 2));
    assert_eq!((view.win_rate, view.roi, view.max_drawdown), (Some(d("2")), Some(d("0.30")), d("0.3")));
}

#[test]
fn example_5_a_cost_above_the_balance_is_refused_without_a_reason() {
    let mut account = legacy();
    assert_eq!(words(buy(&mut account, "0.05", &at(1, "3.0"))), "Failed to open position");
    assert_eq!(account.balance(), d("0.100"));
}

#[test]
fn example_6_below_one_a_buy_costs_less_than_its_amount() {
    let mut account = legacy();
    assert_eq!(buy(&mut account, "0.1", &at(1, "0.5")).unwrap().new_balance, d("0.050"));
}

#[test]
fn example_7_the_amount_is_compared_and_not_the_cost() {
    let mut account = legacy();
    assert_eq!(
        words(buy(&mut account, "0.15", &at(1, "0.5"))),
        "Insufficient balance: have 0.1000, need 0.15 SOL"
    );
}

#[test]
fn example_8_28_digits_and_a_price_that_went_through_a_double() {
    let mut account = account(Rules::Legacy, "10");
    buy(&mut account, "0.001", &at(1, "1.0")).unwrap();
    buy(&mut account, "0.002", &at(2, "1.1")).unwrap();
    assert_eq!(account.position().unwrap().entry_price, d("1.066666666666666666666666667"));
    let fill = sell(&mut account, "1.0", &at(3, "0.123456789012345678")).unwrap();
    assert_eq!(fill.price, d("0.12345678901234568"));
    assert_eq!(fill.new_balance, d("9.99717037036703703704"));
    let sale = fill.sale.unwrap();
    assert_eq!(sale.pnl_sol, d("-0.002652777780902777775"));
    assert_eq!(sale.pnl_percent, d("-88.4259260300925925"));
}

#[test]
fn example_9_a_side_bet_settled_by_hand_and_its_cooldown() {
    let mut account = legacy();
    assert_eq!(bet(&mut account, "0.01", &at(10, "1.0")).unwrap().new_balance, d("0.090"));
    account.settle_bet(true, 20).unwrap();
    assert_eq!(account.balance(), d("0.140"));
    for tick in 20..25 {
        let left = 25 - tick;
        let refused = words(bet(&mut account, "0.01", &at(tick, "1.0")));
        assert_eq!(refused, format!("Sidebet cooldown: {left} ticks remaining"));
    }
    assert!(bet(&mut account, "0.01", &at(25, "1.0")).is_ok());
}

#[test]
fn example_10_a_position_is_sold_by_hand_after_the_rug() {
    let mut account = legacy();
    buy(&mut account, "0.01", &at(1, "1.0")).unwrap();
    let rug = rug(9, "0.02");
    assert_eq!(account.observe(&rug), []);
    let fill = sell(&mut account, "1.0", &rug).unwrap();
    let sale = fill.sale.unwrap();
    assert_eq!((fill.new_balance, sale.pnl_sol, sale.pnl_percent), (d("0.0902"), d("-0.0098"), d("-98")));
}

#[test]
fn example_11_a_reset_keeps_the_statistics() {
    let mut account = legacy();
    buy(&mut account, "0.01", &at(1, "1.0")).unwrap();
    account.reset();
    assert_eq!((account.balance(), account.position()), (d("0.100"), None));
    assert_eq!((account.statistics().total_pnl, account.statistics().games_played), (d("-0.010"), 1));
}

#[test]
fn example_12_a_side_bet_of_everything_leaves_nothing_to_buy_with() {
    let mut account = legacy();
    assert_eq!(bet(&mut account, "0.1", &at(1, "1.0")).unwrap().new_balance, d("0.000"));
    assert_eq!(
        words(buy(&mut account, "0.001", &at(2, "1.0"))),
        "Insufficient balance: have 0.0000, need 0.001 SOL"
    );
}

/// The real file's rug price; [`example_13_in_a_recorded_game`] plays the same orders in any recording there is.
#[test]
fn example_13_presale_buys_a_side_bet_and_the_rug() {
    let mut account = legacy();
    buy(&mut account, "0.01", &presale()).unwrap();
    buy(&mut account, "0.01", &presale()).unwrap();
    let position = account.position().unwrap();
    assert_eq!((position.amount, position.entry_price), (d("0.02"), d("1.0")));
    assert_eq!(bet(&mut account, "0.002", &presale()).unwrap().new_balance, d("0.078"));
    let rug = Market { price: Some(Price::Double(0.017115390755027767)), ..rug(160, "1") };
    assert_eq!(account.observe(&rug), []);
    assert_eq!(sell(&mut account, "1.0", &rug).unwrap().new_balance, d("0.07834230781510055534"));
    assert!(account.side_bet().is_some());
}

/// The lines of a recording that have a price: phase, tick, active, rugged, price.
fn recorded(text: &str) -> Vec<(String, i64, bool, bool, Option<f64>)> {
    let tick = |line: &str| {
        let line: serde_json::Value = serde_json::from_str(line).ok()?;
        Some((
            line.get("phase")?.as_str()?.to_owned(),
            line.get("tick")?.as_i64()?,
            line.get("active")?.as_bool()?,
            line.get("rugged")?.as_bool()?,
            line.get("price").and_then(serde_json::Value::as_f64),
        ))
    };
    text.lines().filter_map(tick).collect()
}

#[test]
fn example_13_in_a_recorded_game() {
    let Some(folder) = crate::real_captures::folder() else { return };
    let files = std::fs::read_dir(folder.join("rugs_recordings")).unwrap();
    let mut played = 0;
    for file in files.flatten().map(|file| file.path()).filter(|path| path.extension().is_some()) {
        let ticks = recorded(&std::fs::read_to_string(&file).unwrap_or_default());
        let market = |(phase, tick, active, rugged, price): &'_ (String, i64, bool, bool, Option<f64>)| {
            let phase: &'static str = Box::leak(phase.clone().into_boxed_str());
            Market {
                game_id: "recorded",
                tick: *tick,
                price: price.map(Price::Double),
                phase,
                active: *active,
                rugged: *rugged,
            }
        };
        let before = ticks.iter().find(|(phase, _, _, rugged, price)| {
            phase == "PRESALE" && !rugged && price.is_some_and(|price| price == 1.0)
        });
        let after = ticks.iter().find(|(_, _, _, rugged, price)| *rugged && price.is_some());
        let (Some(before), Some(after)) = (before.map(market), after.map(market)) else { continue };
        let mut account = legacy();
        buy(&mut account, "0.01", &before).unwrap();
        buy(&mut account, "0.01", &before).unwrap();
        bet(&mut account, "0.002", &before).unwrap();
        account.observe(&after);
        let price = after.price.and_then(Price::exact).unwrap();
        let sold = sell(&mut account, "1.0", &after).unwrap();
        assert_eq!(sold.new_balance, d("0.078") + d("0.02") * price, "{}", file.display());
        assert!(account.side_bet().is_some());
        played += 1;
    }
    assert!(played > 0, "no recording with a presale and a rug");
}
