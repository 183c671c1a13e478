//! The rules' worked examples and tables, for both rule books; bad input; arithmetic against Python's.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

mod arithmetic;
mod bad_input;
mod examples;
mod facts;
mod right;

use rust_decimal::Decimal;

use super::{Fill, LocalAccount, Market, Order, Price, Refusal, Rules, Settings};

/// A decimal from its text.
fn d(text: &str) -> Decimal {
    super::number::parse(text).expect("a decimal")
}

/// A running game at `tick` and `price`.
fn at(tick: i64, price: &str) -> Market<'static> {
    Market {
        game_id: "20260101-00000000000000aa",
        tick,
        price: Some(Price::Exact(d(price))),
        phase: "ACTIVE",
        active: true,
        rugged: false,
    }
}

/// The rug of the same game.
fn rug(tick: i64, price: &str) -> Market<'static> {
    Market { rugged: true, ..at(tick, price) }
}

/// The presale of the same game.
fn presale() -> Market<'static> {
    Market { phase: "PRESALE", active: false, ..at(0, "1.0") }
}

/// A phase's word without anything else.
fn phase(word: &'static str, active: bool) -> Market<'static> {
    Market { phase: word, active, ..at(10, "1.0") }
}

fn account(rules: Rules, balance: &str) -> LocalAccount {
    LocalAccount::new(Settings { rules, initial_balance: d(balance) })
}

fn legacy() -> LocalAccount {
    account(Rules::Legacy, "0.100")
}

fn right() -> LocalAccount {
    account(Rules::Right, "0.100")
}

fn buy(account: &mut LocalAccount, amount: &str, market: &Market<'_>) -> Result<Fill, Refusal> {
    account.act(&Order::Buy { amount: d(amount) }, market)
}

fn sell(account: &mut LocalAccount, percentage: &str, market: &Market<'_>) -> Result<Fill, Refusal> {
    account.act(&Order::Sell { percentage: Some(d(percentage)) }, market)
}

fn bet(account: &mut LocalAccount, amount: &str, market: &Market<'_>) -> Result<Fill, Refusal> {
    account.act(&Order::SideBet { amount: d(amount) }, market)
}

/// The words an agent reads.
fn words(result: Result<Fill, Refusal>) -> String {
    result.expect_err("a refusal").to_string()
}
