//! An open position, and what is kept of a closed one.

use rust_decimal::Decimal;
use serde::Serialize;
use thiserror::Error;

use super::arithmetic::{add, divide, multiply, subtract};
use super::rules::SELL_PERCENTAGES;

/// Units held.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Position {
    /// Units, above 0.
    pub amount: Decimal,
    /// Weighted mean of the buys' prices.
    pub entry_price: Decimal,
    /// The tick of the first buy.
    pub entry_tick: i64,
}

/// What cannot be a position, or be done to one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum PositionError {
    /// A price of zero or less.
    #[error("Invalid entry price: must be positive")]
    EntryPrice,
    /// No units.
    #[error("Invalid amount: must be positive")]
    Amount,
    /// A tick below 0.
    #[error("Invalid entry tick: must not be negative")]
    EntryTick,
    /// Not one of the parts.
    #[error("Invalid percentage: must be 0.1, 0.25 or 0.5")]
    Percentage,
    /// The whole is closed, not reduced.
    #[error("Cannot reduce by 100%: close the position")]
    Whole,
    /// A result out of range.
    #[error("the result is out of range")]
    OutOfRange,
}

/// How a price stands against an entry.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Gain {
    /// SOL: `amount × (price − entry)`, which is what the balance gets beyond what was paid.
    pub pnl_sol: Decimal,
    /// `(price / entry − 1) × 100`.
    pub pnl_percent: Decimal,
    /// `amount × (price / entry − 1)`: the predecessor's answer to a sale.
    pub legacy_pnl: Decimal,
}

impl Position {
    /// A new position.
    ///
    /// # Errors
    /// [`PositionError`] when price or amount are not positive or the tick is negative.
    pub fn new(amount: Decimal, entry_price: Decimal, entry_tick: i64) -> Result<Self, PositionError> {
        if entry_price <= Decimal::ZERO {
            return Err(PositionError::EntryPrice);
        }
        if amount <= Decimal::ZERO {
            return Err(PositionError::Amount);
        }
        if entry_tick < 0 {
            return Err(PositionError::EntryTick);
        }
        Ok(Position { amount, entry_price, entry_tick })
    }

    /// Adds a buy; the entry becomes the weighted mean, the entry's tick stays.
    ///
    /// # Errors
    /// [`PositionError`] as for [`Position::new`].
    pub fn add(&mut self, amount: Decimal, price: Decimal) -> Result<(), PositionError> {
        let bought = Position::new(amount, price, self.entry_tick)?;
        let mean = || {
            let cost = add(multiply(self.amount, self.entry_price)?, multiply(amount, price)?)?;
            let total = add(self.amount, bought.amount)?;
            Some((total, divide(cost, total)?))
        };
        (self.amount, self.entry_price) = mean().ok_or(PositionError::OutOfRange)?;
        Ok(())
    }

    /// Takes a part out; gives the units taken.
    ///
    /// # Errors
    /// [`PositionError::Percentage`], [`PositionError::Whole`]; the position is then what it was.
    pub fn reduce(&mut self, percentage: Decimal) -> Result<Decimal, PositionError> {
        if !SELL_PERCENTAGES.contains(&percentage) {
            return Err(PositionError::Percentage);
        }
        if percentage == Decimal::ONE {
            return Err(PositionError::Whole);
        }
        let taken = multiply(self.amount, percentage).ok_or(PositionError::OutOfRange)?;
        self.amount = subtract(self.amount, taken).ok_or(PositionError::OutOfRange)?;
        Ok(taken)
    }

    /// What `amount` of its units gain at `price`; `None` out of range.
    pub fn gain(&self, amount: Decimal, price: Decimal) -> Option<Gain> {
        let relative = subtract(divide(price, self.entry_price)?, Decimal::ONE)?;
        Some(Gain {
            pnl_sol: multiply(amount, subtract(price, self.entry_price)?)?,
            pnl_percent: multiply(relative, Decimal::ONE_HUNDRED)?,
            legacy_pnl: multiply(amount, relative)?,
        })
    }
}

/// What ended a position.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum ClosedBy {
    /// An own order.
    Sell,
    /// The game's rug.
    Rug,
}

/// A position that was sold to the end. Parts sold before are not in it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct ClosedPosition {
    /// The game.
    pub game_id: String,
    /// Units of the last sale.
    pub amount: Decimal,
    /// Weighted entry multiplier.
    pub entry_price: Decimal,
    /// The tick of the first buy.
    pub entry_tick: i64,
    /// The multiplier it was sold at.
    pub exit_price: Decimal,
    /// The tick it was sold at.
    pub exit_tick: i64,
    /// SOL: `amount × (exit − entry)`.
    pub pnl_sol: Decimal,
    /// `(exit / entry − 1) × 100`.
    pub pnl_percent: Decimal,
    /// What ended it.
    pub closed_by: ClosedBy,
}
