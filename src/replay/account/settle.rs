//! What a place in the game does to the account: another game, the rug, an expired bet.

use rust_decimal::Decimal;

use super::LocalAccount;
use super::fill::Settlement;
use super::market::Market;
use super::order::Action;
use super::position::ClosedBy;
use super::rules::{Difference, Rules};

impl LocalAccount {
    /// Shows the account a place, and gives what that settled. Showing a place again does nothing more.
    ///
    /// Another game starts the account anew: no balance carries over. Under the right rules a rugged place settles
    /// the bet (won when it is within the window) and sells the position at the rug price, as the server does, and
    /// a bet whose window has passed is lost. Under the legacy rules neither happens.
    pub fn observe(&mut self, market: &Market<'_>) -> Vec<Settlement> {
        let mut settled = Vec::new();
        if self.game_id.as_deref() != Some(market.game_id) {
            settled.extend(self.meet(market.game_id));
        }
        self.rug_seen |= market.rugged;
        if self.settings.rules == Rules::Legacy {
            return settled;
        }
        if let Some(bet) = self.side_bet {
            let in_window = market.tick <= bet.end_tick();
            if market.rugged || !in_window {
                settled.extend(self.settle_bet(market.rugged && in_window, market.tick));
            }
        }
        if market.rugged && self.position.is_some() {
            settled.extend(self.sell_at_rug(market));
        }
        settled
    }

    fn meet(&mut self, game_id: &str) -> Option<Settlement> {
        let before = self.game_id.clone();
        let (position, bet) = (self.position, self.side_bet);
        if before.is_some() {
            self.reset();
        }
        self.game_id = Some(game_id.into());
        Some(Settlement::GameChanged {
            from: before?.as_ref().to_owned(),
            to: game_id.to_owned(),
            dropped_position: position.map(|position| position.amount),
            dropped_bet: bet.map(|bet| bet.amount),
            new_balance: self.balance,
        })
    }

    /// `None` while no price is known: the next packet of the rug may tell it.
    fn sell_at_rug(&mut self, market: &Market<'_>) -> Option<Settlement> {
        let position = self.position?;
        let (price, exact) = self.price(Action::Sell, market).ok()?;
        let mut next = self.clone();
        let sold = next.take_out(position, Decimal::ONE, price, market.tick, ClosedBy::Rug)?;
        let mut differs = vec![Difference::RugClosesPosition];
        differs.extend(exact.then_some(Difference::ExactPrice));
        next.differences.extend(differs.iter().copied());
        *self = next;
        Some(Settlement::RugSold {
            tick: market.tick,
            price,
            amount: sold.amount,
            entry_price: position.entry_price,
            balance_change: sold.proceeds,
            pnl_sol: sold.gain.pnl_sol,
            pnl_percent: sold.gain.pnl_percent,
            new_balance: self.balance,
            differs_from_legacy: differs,
        })
    }
}
