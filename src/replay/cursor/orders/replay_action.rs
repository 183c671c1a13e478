//! What is done at a place: an order, or the account starts anew.

use rust_decimal::Decimal;
use serde_json::{Map, Value, json};

use crate::replay::account::{LocalAccount, Market, Order, Refusal};

/// Something done at a place.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ReplayAction {
    /// An order.
    Order(Order),
    /// The account starts anew: initial balance, nothing open, no history.
    Reset,
}

impl From<Order> for ReplayAction {
    fn from(order: Order) -> ReplayAction {
        ReplayAction::Order(order)
    }
}

impl ReplayAction {
    /// From arguments: as [`Order::from_words`], and `RESET`, which takes neither amount nor percentage.
    ///
    /// # Errors
    /// [`Refusal`] for what cannot be understood.
    pub fn from_words(
        side: &str,
        amount: Option<&Value>,
        percentage: Option<&Value>,
    ) -> Result<ReplayAction, Refusal> {
        if !side.trim().eq_ignore_ascii_case("RESET") {
            return Order::from_words(side, amount, percentage).map(ReplayAction::Order);
        }
        if amount.is_some() || percentage.is_some() {
            return Err(Refusal::Reset("takes no amount and no percentage"));
        }
        Ok(ReplayAction::Reset)
    }

    /// The word for it.
    pub fn word(&self) -> &'static str {
        match self {
            ReplayAction::Order(order) => order.action().as_str(),
            ReplayAction::Reset => "RESET",
        }
    }

    /// Does it, and tells what was done.
    ///
    /// # Errors
    /// [`Refusal`]; the account is then what it was.
    pub fn perform(&self, account: &mut LocalAccount, market: &Market<'_>) -> Result<Map<String, Value>, Refusal> {
        Ok(match self {
            ReplayAction::Order(order) => {
                let fill = account.act(order, market)?;
                let mut told = object(serde_json::to_value(&fill).unwrap_or_default());
                let explained: Vec<&str> = fill.differs_from_legacy.iter().map(|one| one.explain()).collect();
                if !explained.is_empty() {
                    told.insert("differs_from_legacy".to_owned(), json!(explained));
                }
                told
            }
            ReplayAction::Reset => reset(account, market),
        })
    }
}

fn object(value: Value) -> Map<String, Value> {
    match value {
        Value::Object(object) => object,
        _ => Map::new(),
    }
}

fn reset(account: &mut LocalAccount, market: &Market<'_>) -> Map<String, Value> {
    let position = account.position().map(|position| position.amount);
    let bet = account.side_bet().map(|bet| bet.amount);
    let before = account.balance();
    account.reset();
    let _settled = account.observe(market);
    let mut told = object(json!({
        "action": "RESET",
        "tick": market.tick,
        "phase": market.phase,
        "balance_before": before,
        "new_balance": account.balance(),
    }));
    let dropped: [(&str, Option<Decimal>); 2] = [("dropped_position", position), ("dropped_bet", bet)];
    for (name, amount) in dropped {
        if let Some(amount) = amount {
            told.insert(name.to_owned(), json!(amount));
        }
    }
    told
}
