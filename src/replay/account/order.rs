//! Orders, and orders from an agent's words.

use std::fmt;

use rust_decimal::Decimal;
use serde::Serialize;
use serde_json::Value;

use super::number::{self, NumberError};
use super::refusal::Refusal;
use super::rules::SELL_PERCENTAGES;

/// What an order does; the words of the `player_action` rows.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "UPPERCASE")]
pub enum Action {
    /// Opens or adds to the position.
    Buy,
    /// Sells a part of the position or all of it.
    Sell,
    /// Bets that the game rugs within the window.
    SideBet,
}

impl Action {
    /// The word.
    pub fn as_str(self) -> &'static str {
        match self {
            Action::Buy => "BUY",
            Action::Sell => "SELL",
            Action::SideBet => "SIDEBET",
        }
    }

    /// The action that an agent's word means, in any case.
    pub fn of_word(word: &str) -> Option<Action> {
        Some(match word.trim().to_ascii_uppercase().as_str() {
            "BUY" => Action::Buy,
            "SELL" | "PARTIAL_SELL" => Action::Sell,
            "SIDEBET" | "SIDE_BET" | "SIDE" => Action::SideBet,
            _ => return None,
        })
    }
}

impl fmt::Display for Action {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// One order.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Order {
    /// Buys units; they cost `amount × price` SOL.
    Buy {
        /// Units.
        amount: Decimal,
    },
    /// Sells a part of the position.
    Sell {
        /// One of [`SELL_PERCENTAGES`]; `None` is the account's own setting.
        percentage: Option<Decimal>,
    },
    /// Stakes SOL.
    SideBet {
        /// SOL.
        amount: Decimal,
    },
}

impl Order {
    /// What it does.
    pub fn action(&self) -> Action {
        match self {
            Order::Buy { .. } => Action::Buy,
            Order::Sell { .. } => Action::Sell,
            Order::SideBet { .. } => Action::SideBet,
        }
    }

    /// An order from arguments: `action` in any case (`PARTIAL_SELL` is a SELL), `amount` and `percentage` as
    /// JSON numbers or texts. Text keeps every digit.
    ///
    /// # Errors
    /// [`Refusal`] for an unknown action, what is missing or does not belong, and what is no number.
    pub fn from_words(action: &str, amount: Option<&Value>, percentage: Option<&Value>) -> Result<Order, Refusal> {
        let amount = amount.filter(|value| !value.is_null());
        let percentage = percentage.filter(|value| !value.is_null());
        let Some(action) = Action::of_word(action) else {
            return Err(Refusal::UnknownAction(action.chars().take(40).collect()));
        };
        match (action, amount, percentage) {
            (Action::Sell, Some(_), _) => Err(Refusal::Incomplete { action, what: "takes no amount" }),
            (Action::Sell, None, part) => Ok(Order::Sell { percentage: part.map(parse_percentage).transpose()? }),
            (_, _, Some(_)) => Err(Refusal::Incomplete { action, what: "takes no percentage" }),
            (_, None, None) => Err(Refusal::Incomplete { action, what: "needs an amount" }),
            (Action::Buy, Some(value), None) => Ok(Order::Buy { amount: parse_amount(action, value)? }),
            (Action::SideBet, Some(value), None) => Ok(Order::SideBet { amount: parse_amount(action, value)? }),
        }
    }
}

/// An amount from a JSON number or text, all digits kept.
///
/// # Errors
/// [`Refusal`] in the words of the amount check: no number, not finite, too large for any order.
pub fn parse_amount(action: Action, value: &Value) -> Result<Decimal, Refusal> {
    let text = match value {
        Value::Number(number) => number.to_string(),
        Value::String(text) => text.clone(),
        _ => return Err(Refusal::InvalidAmount { action, why: "it is neither a number nor a text".into() }),
    };
    number::parse(&text).map_err(|error| match error {
        NumberError::TooLarge { negative: false } => Refusal::Unreasonable(action),
        NumberError::TooLarge { negative: true } => Refusal::NotPositive(action),
        NumberError::TooSmall { negative: false } => Refusal::BelowMinimum(action),
        NumberError::TooSmall { negative: true } => Refusal::NotPositive(action),
        error => Refusal::InvalidAmount { action, why: error.to_string() },
    })
}

/// A sell percentage from `0.25`, `"0.25"` or `"25%"`.
///
/// # Errors
/// [`Refusal::InvalidPercentage`] for anything that is not one of the four parts.
pub fn parse_percentage(value: &Value) -> Result<Decimal, Refusal> {
    let text = match value {
        Value::String(text) => text.trim().to_owned(),
        other => other.to_string(),
    };
    let refuse = || Refusal::InvalidPercentage(text.chars().take(60).collect());
    let part = match text.strip_suffix('%') {
        Some(percent) => {
            number::parse(percent.trim_end()).ok().and_then(|percent| percent.checked_div(Decimal::ONE_HUNDRED))
        }
        None => number::parse(&text).ok(),
    };
    part.filter(|part| SELL_PERCENTAGES.contains(part)).ok_or_else(refuse)
}
