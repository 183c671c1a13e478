//! Why an order was not taken. The words are the predecessor's where it had some.

use rust_decimal::Decimal;
use thiserror::Error;

use super::order::Action;
use super::rules::{MAX_BET, MIN_BET, SANITY_LIMIT};

/// An order that changed nothing, and why.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum Refusal {
    /// No such action.
    #[error("Unknown action \"{0}\"")]
    UnknownAction(String),
    /// The order lacks its amount, or has one it does not take.
    #[error("{action} {what}")]
    Incomplete {
        /// What was asked.
        action: Action,
        /// What is wrong.
        what: &'static str,
    },
    /// The game does not run.
    #[error("{0} not allowed: game not active yet")]
    NotActive(Action),
    /// The game has rugged.
    #[error("{0} not allowed: game has been rugged")]
    Rugged(Action),
    /// A phase without trading.
    #[error("{action} not allowed in {phase} phase")]
    Phase {
        /// What was asked.
        action: Action,
        /// The phase's word.
        phase: String,
    },
    /// No finite number of at most 28 digits.
    #[error("Invalid {action} amount: {why}")]
    InvalidAmount {
        /// What was asked.
        action: Action,
        /// What is wrong with the text.
        why: String,
    },
    /// Zero or less.
    #[error("{0} amount below minimum (must be positive)")]
    NotPositive(Action),
    /// Above the sanity limit.
    #[error("{0} amount unreasonably large (limit {limit})", limit = SANITY_LIMIT)]
    Unreasonable(Action),
    /// Below the smallest order.
    #[error("{0} amount below minimum {least} SOL", least = MIN_BET)]
    BelowMinimum(Action),
    /// Above the largest order.
    #[error("{0} amount exceeds maximum {most} SOL", most = MAX_BET)]
    AboveMaximum(Action),
    /// The balance is negative, which only a server's word can make it.
    #[error("Invalid balance state: {0} SOL")]
    InvalidBalance(Decimal),
    /// The amount is more than the balance.
    #[error("Insufficient balance: have {}, need {need} SOL", four_places(.have))]
    InsufficientBalance {
        /// SOL in the account.
        have: Decimal,
        /// The amount asked for.
        need: Decimal,
    },
    /// The cost is more than the balance; [`super::Rules::Legacy`] names neither.
    #[error("Failed to open position{}", costs(.told))]
    CannotOpen {
        /// Cost and balance, SOL.
        told: Option<(Decimal, Decimal)>,
    },
    /// Nothing to sell.
    #[error("No active position to sell")]
    NoPosition,
    /// Not one of the four parts.
    #[error("Invalid sell percentage {0}: must be 0.1, 0.25, 0.5 or 1.0")]
    InvalidPercentage(String),
    /// One bet at a time.
    #[error("Sidebet already active")]
    BetActive,
    /// Too soon after the last one.
    #[error("Sidebet cooldown: {0} ticks remaining")]
    BetCooldown(i64),
    /// The place has no price that can be traded at.
    #[error("{action} not possible: {why}")]
    NoPrice {
        /// What was asked.
        action: Action,
        /// What is wrong with the price.
        why: String,
    },
    /// The place is in a game that the account has not been shown.
    #[error("{action} not possible: the account is in game {here}, the order in game {there}")]
    OtherGame {
        /// What was asked.
        action: Action,
        /// The account's game.
        here: String,
        /// The order's game.
        there: String,
    },
    /// A reset with more than its word.
    #[error("RESET {0}")]
    Reset(&'static str),
    /// A reset where no game has begun.
    #[error("RESET not possible: no game has begun at this place")]
    NothingToReset,
    /// A result that 28 digits cannot hold.
    #[error("{0} not possible: the result is out of range")]
    OutOfRange(Action),
}

impl Refusal {
    /// A short word for programs.
    pub fn code(&self) -> &'static str {
        match self {
            Refusal::UnknownAction(_) => "unknown_action",
            Refusal::Incomplete { .. } => "incomplete_order",
            Refusal::NotActive(_) => "game_not_active",
            Refusal::Rugged(_) => "game_rugged",
            Refusal::Phase { .. } => "phase",
            Refusal::InvalidAmount { .. } => "invalid_amount",
            Refusal::NotPositive(_) => "not_positive",
            Refusal::Unreasonable(_) => "unreasonably_large",
            Refusal::BelowMinimum(_) => "below_minimum",
            Refusal::AboveMaximum(_) => "above_maximum",
            Refusal::InvalidBalance(_) => "invalid_balance",
            Refusal::InsufficientBalance { .. } => "insufficient_balance",
            Refusal::CannotOpen { .. } => "cannot_open_position",
            Refusal::NoPosition => "no_position",
            Refusal::InvalidPercentage(_) => "invalid_percentage",
            Refusal::BetActive => "sidebet_active",
            Refusal::BetCooldown(_) => "sidebet_cooldown",
            Refusal::NoPrice { .. } => "no_price",
            Refusal::OtherGame { .. } => "other_game",
            Refusal::Reset(_) => "reset",
            Refusal::NothingToReset => "nothing_to_reset",
            Refusal::OutOfRange(_) => "out_of_range",
        }
    }

    /// What to do instead.
    pub fn advice(&self) -> String {
        match self {
            Refusal::UnknownAction(_) => "Use BUY, SELL, SIDEBET or RESET.".into(),
            Refusal::Incomplete { .. } => {
                "BUY and SIDEBET take an amount, SELL takes a percentage (0.1, 0.25, 0.5, 1.0) or none.".into()
            }
            Refusal::NotActive(_) | Refusal::Phase { .. } => {
                "Go to a place in the presale or while the price runs.".into()
            }
            Refusal::Rugged(_) => "Go back to a place before the rug.".into(),
            Refusal::InvalidAmount { .. } => {
                "Give a plain number of at most 28 digits, best as text: \"0.01\".".into()
            }
            Refusal::NotPositive(_)
            | Refusal::Unreasonable(_)
            | Refusal::BelowMinimum(_)
            | Refusal::AboveMaximum(_) => format!("Give an amount from {MIN_BET} to {MAX_BET}."),
            Refusal::InvalidBalance(_) => "Reset the account: RESET.".into(),
            Refusal::Reset(_) => "RESET stands alone.".into(),
            Refusal::NothingToReset => "Go to a place of a game.".into(),
            Refusal::InsufficientBalance { have, .. } => {
                format!("Give at most {}, sell first, or reset the account: RESET.", have.normalize())
            }
            Refusal::CannotOpen { .. } => {
                "A buy costs amount × price: give a smaller amount, or sell first.".into()
            }
            Refusal::NoPosition => "Buy first.".into(),
            Refusal::InvalidPercentage(_) => {
                "Give 0.1, 0.25, 0.5 or 1.0 (as a part), or \"10%\", \"25%\", \"50%\", \"100%\".".into()
            }
            Refusal::BetActive => "Go on until the open bet is settled.".into(),
            Refusal::BetCooldown(ticks) => format!("Step {ticks} ticks forward."),
            Refusal::NoPrice { .. } => "Go to a tick that has a price.".into(),
            Refusal::OtherGame { .. } => "Show the account the place first.".into(),
            Refusal::OutOfRange(_) => "Give an amount with fewer digits, or reset the account: RESET.".into(),
        }
    }
}

fn four_places(balance: &Decimal) -> String {
    format!("{:.4}", balance.round_dp(4))
}

fn costs(told: &Option<(Decimal, Decimal)>) -> String {
    told.as_ref().map_or_else(String::new, |(cost, balance)| {
        format!(": it costs {} SOL, the balance is {} SOL", cost.normalize(), balance.normalize())
    })
}
