//! Side bets: placed on a tick, won when the game rugs within the window.

use rust_decimal::Decimal;
use serde::Serialize;

use super::arithmetic::multiply;
use super::fill::{Fill, Settlement};
use super::market::Market;
use super::order::Action;
use super::refusal::Refusal;
use super::rules::{Difference, Rules, SIDE_BET_PAYOUT, SIDE_BET_WINDOW};
use super::{LocalAccount, checks, remember};

/// An open bet.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SideBet {
    /// SOL.
    pub amount: Decimal,
    /// The tick it was placed at.
    pub placed_tick: i64,
    /// The multiplier then.
    pub placed_price: Decimal,
}

impl SideBet {
    /// The last tick whose rug wins.
    pub fn end_tick(&self) -> i64 {
        self.placed_tick.saturating_add(SIDE_BET_WINDOW)
    }

    /// SOL paid out if it wins; `None` out of range.
    pub fn potential_win(&self) -> Option<Decimal> {
        multiply(self.amount, SIDE_BET_PAYOUT)
    }
}

/// A bet that ended.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct SettledBet {
    /// The game.
    pub game_id: String,
    /// SOL staked.
    pub amount: Decimal,
    /// The tick it was placed at.
    pub placed_tick: i64,
    /// The tick it was settled at.
    pub settled_tick: i64,
    /// Whether the game rugged in the window.
    pub won: bool,
    /// SOL received.
    pub payout: Decimal,
}

impl LocalAccount {
    pub(super) fn place_bet(&mut self, amount: Decimal, market: &Market<'_>) -> Result<Fill, Refusal> {
        let action = Action::SideBet;
        checks::permission(action, market, self.is_rugged(market))?;
        checks::amount(action, amount, self.balance)?;
        checks::side_bet(self.side_bet.is_some(), self.last_settled, market.tick)?;
        let (price, exact) = self.price(action, market)?;
        let bet = SideBet { amount, placed_tick: market.tick, placed_price: price };
        let out_of_range = || Refusal::OutOfRange(action);
        let potential_win = bet.potential_win().ok_or_else(out_of_range)?;
        self.side_bet = Some(bet);
        self.pay(-amount).ok_or_else(out_of_range)?;
        Ok(Fill {
            action,
            tick: market.tick,
            phase: market.phase.to_owned(),
            amount,
            price,
            balance_change: -amount,
            new_balance: self.balance,
            sale: None,
            potential_win: Some(potential_win),
            end_tick: Some(bet.end_tick()),
            differs_from_legacy: exact.then_some(Difference::ExactPrice).into_iter().collect(),
        })
    }

    /// Settles the open bet as won or lost, whatever the game did. [`LocalAccount::observe`] does it by the game;
    /// the legacy rules have no other way. `None` when no bet is open.
    pub fn settle_bet(&mut self, won: bool, tick: i64) -> Option<Settlement> {
        let bet = self.side_bet?;
        let payout = if won { bet.potential_win()? } else { Decimal::ZERO };
        let mut next = self.clone();
        next.side_bet = None;
        next.last_settled = Some(tick);
        next.statistics.bet_settled(won, payout, bet.amount)?;
        next.pay(payout)?;
        let differs = match next.settings.rules {
            Rules::Right => vec![Difference::SideBetSettled],
            Rules::Legacy => Vec::new(),
        };
        next.differences.extend(differs.iter().copied());
        let settled = SettledBet {
            game_id: next.game_id.as_deref().unwrap_or_default().to_owned(),
            amount: bet.amount,
            placed_tick: bet.placed_tick,
            settled_tick: tick,
            won,
            payout,
        };
        remember(&mut next.bets, settled);
        *self = next;
        Some(Settlement::SideBet {
            won,
            tick,
            placed_tick: bet.placed_tick,
            amount: bet.amount,
            payout,
            new_balance: self.balance,
            differs_from_legacy: differs,
        })
    }
}
