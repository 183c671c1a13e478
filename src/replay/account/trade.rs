//! Buying and selling.

use rust_decimal::Decimal;

use super::arithmetic::{multiply, subtract};
use super::fill::{Fill, Sale};
use super::market::Market;
use super::order::Action;
use super::position::{ClosedBy, ClosedPosition, Gain, Position, PositionError};
use super::refusal::Refusal;
use super::rules::{Difference, Rules};
use super::{LocalAccount, checks, remember};

impl LocalAccount {
    /// Whether the rule book calls the game rugged at this place.
    pub(super) fn is_rugged(&self, market: &Market<'_>) -> bool {
        market.rugged || (self.settings.rules == Rules::Legacy && self.rug_seen)
    }

    pub(super) fn buy(&mut self, amount: Decimal, market: &Market<'_>) -> Result<Fill, Refusal> {
        let action = Action::Buy;
        checks::permission(action, market, self.is_rugged(market))?;
        checks::amount(action, amount, self.balance)?;
        let (price, exact) = self.price(action, market)?;
        let out_of_range = || Refusal::OutOfRange(action);
        let cost = multiply(amount, price).ok_or_else(out_of_range)?;
        if cost > self.balance {
            let told = (self.settings.rules == Rules::Right).then_some((cost, self.balance));
            return Err(Refusal::CannotOpen { told });
        }
        let refuse = |error| match error {
            PositionError::OutOfRange => Refusal::OutOfRange(action),
            error => Refusal::NoPrice { action, why: error.to_string() },
        };
        match &mut self.position {
            Some(position) => position.add(amount, price).map_err(refuse)?,
            None => {
                self.position = Some(Position::new(amount, price, market.tick).map_err(refuse)?);
                self.statistics.total_trades += 1;
            }
        }
        self.pay(-cost).ok_or_else(out_of_range)?;
        Ok(Fill {
            action,
            tick: market.tick,
            phase: market.phase.to_owned(),
            amount,
            price,
            balance_change: -cost,
            new_balance: self.balance,
            sale: None,
            potential_win: None,
            end_tick: None,
            differs_from_legacy: exact.then_some(Difference::ExactPrice).into_iter().collect(),
        })
    }

    pub(super) fn sell(&mut self, percentage: Option<Decimal>, market: &Market<'_>) -> Result<Fill, Refusal> {
        let action = Action::Sell;
        let percentage = percentage.unwrap_or(self.sell_percentage);
        checks::percentage(percentage)?;
        let position = self.position.ok_or(Refusal::NoPosition)?;
        let (price, exact) = self.price(action, market)?;
        let sold = self.take_out(position, percentage, price, market.tick, ClosedBy::Sell);
        let sold = sold.ok_or(Refusal::OutOfRange(action))?;
        let (pnl_sol, differs) = match self.settings.rules {
            Rules::Right => (sold.gain.pnl_sol, sold.gain.pnl_sol != sold.gain.legacy_pnl),
            Rules::Legacy => (sold.gain.legacy_pnl, false),
        };
        let differences = [exact.then_some(Difference::ExactPrice), differs.then_some(Difference::PnlFormula)];
        Ok(Fill {
            action,
            tick: market.tick,
            phase: market.phase.to_owned(),
            amount: sold.amount,
            price,
            balance_change: sold.proceeds,
            new_balance: self.balance,
            sale: Some(Sale {
                percentage,
                partial: percentage != Decimal::ONE,
                remaining: self.position.map_or(Decimal::ZERO, |position| position.amount),
                entry_price: position.entry_price,
                pnl_sol,
                booked_pnl_sol: sold.gain.pnl_sol,
                pnl_percent: sold.gain.pnl_percent,
            }),
            potential_win: None,
            end_tick: None,
            differs_from_legacy: differences.into_iter().flatten().collect(),
        })
    }

    /// Sells a part of `position`, which is the account's own; `None` out of range.
    pub(super) fn take_out(
        &mut self,
        position: Position,
        percentage: Decimal,
        price: Decimal,
        tick: i64,
        closed_by: ClosedBy,
    ) -> Option<Sold> {
        let amount = multiply(position.amount, percentage)?;
        let proceeds = multiply(amount, price)?;
        let gain = position.gain(amount, price)?;
        if percentage == Decimal::ONE {
            self.position = None;
            let closed = ClosedPosition {
                game_id: self.game_id.as_deref().unwrap_or_default().to_owned(),
                amount,
                entry_price: position.entry_price,
                entry_tick: position.entry_tick,
                exit_price: price,
                exit_tick: tick,
                pnl_sol: gain.pnl_sol,
                pnl_percent: gain.pnl_percent,
                closed_by,
            };
            remember(&mut self.closed, closed);
        } else {
            self.position = Some(Position { amount: subtract(position.amount, amount)?, ..position });
        }
        self.statistics.sold(gain.pnl_sol)?;
        self.pay(proceeds)?;
        Some(Sold { amount, proceeds, gain })
    }
}

/// What a sale moved.
pub(super) struct Sold {
    /// Units.
    pub amount: Decimal,
    /// SOL received.
    pub proceeds: Decimal,
    /// Against the entry.
    pub gain: Gain,
}
