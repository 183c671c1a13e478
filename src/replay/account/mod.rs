//! The local account: what an own order at a place in a recorded game would have done.
//!
//! Pure: a [`Market`] says what the account sees of a place, [`LocalAccount::observe`] lets it know of the place
//! (rug, expired bets, another game), [`LocalAccount::act`] tries an order there. A refused order changes nothing.
//! The rules are the predecessor's (`reference/replay-rules.md`); where it had a defect, [`Rules::Right`] does
//! what was meant and the result names the [`Difference`], and [`Rules::Legacy`] has the defect.
//!
//! * [`rules`] — rule books, constants, differences. [`market`] — a place. [`order`] — orders and words for them.
//! * [`number`], [`arithmetic`] — exact texts, 28 digits half to even.
//! * [`checks`] — may this be done? [`refusal`] — why not. [`trade`], [`side_bet`] — it is done. [`fill`] — what
//!   it did. [`settle`] — what the game did. [`reconcile`] — what the server says.
//! * [`position`], [`statistics`], [`view`] — what there is, how it went, and both as an agent reads them.

use std::collections::{BTreeSet, VecDeque};
use std::sync::Arc;

use rust_decimal::Decimal;

pub mod arithmetic;
pub mod checks;
pub mod fill;
pub mod market;
pub mod number;
pub mod order;
pub mod position;
pub mod reconcile;
pub mod refusal;
pub mod rules;
pub mod settle;
pub mod side_bet;
pub mod statistics;
pub mod trade;
pub mod view;

#[cfg(test)]
mod tests;

pub use fill::{Fill, Settlement};
pub use market::{Market, Price};
pub use order::{Action, Order};
pub use position::{ClosedPosition, Position};
pub use reconcile::{Drifts, ServerAccount};
pub use refusal::Refusal;
pub use rules::{Difference, Rules, Settings};
pub use side_bet::{SettledBet, SideBet};
pub use statistics::Statistics;
pub use view::AccountView;

/// An account that trades in recorded games. Cloning shares the history, so a clone at every checkpoint is cheap.
#[derive(Debug, Clone)]
pub struct LocalAccount {
    settings: Settings,
    game_id: Option<Arc<str>>,
    balance: Decimal,
    position: Option<Position>,
    side_bet: Option<SideBet>,
    sell_percentage: Decimal,
    /// The tick of the last settlement of a side bet in this game.
    last_settled: Option<i64>,
    /// A rug was seen in this game. Only the legacy rules trade by it.
    rug_seen: bool,
    statistics: Statistics,
    closed: Arc<VecDeque<ClosedPosition>>,
    bets: Arc<VecDeque<SettledBet>>,
    differences: BTreeSet<Difference>,
}

impl LocalAccount {
    /// An account at its start.
    pub fn new(settings: Settings) -> Self {
        LocalAccount {
            settings,
            game_id: None,
            balance: settings.initial_balance,
            position: None,
            side_bet: None,
            sell_percentage: Decimal::ONE,
            last_settled: None,
            rug_seen: false,
            statistics: Statistics::new(settings.initial_balance),
            closed: Arc::default(),
            bets: Arc::default(),
            differences: BTreeSet::new(),
        }
    }

    /// The rule book and the initial balance.
    pub fn settings(&self) -> Settings {
        self.settings
    }

    /// SOL.
    pub fn balance(&self) -> Decimal {
        self.balance
    }

    /// The open position.
    pub fn position(&self) -> Option<&Position> {
        self.position.as_ref()
    }

    /// The open side bet.
    pub fn side_bet(&self) -> Option<&SideBet> {
        self.side_bet.as_ref()
    }

    /// How it went so far.
    pub fn statistics(&self) -> &Statistics {
        &self.statistics
    }

    /// The part that a sale without a percentage sells.
    pub fn sell_percentage(&self) -> Decimal {
        self.sell_percentage
    }

    /// Closed positions, oldest first, at most [`rules::MOST_HISTORY`].
    pub fn closed_positions(&self) -> &VecDeque<ClosedPosition> {
        &self.closed
    }

    /// Settled side bets, oldest first, at most [`rules::MOST_HISTORY`].
    pub fn settled_bets(&self) -> &VecDeque<SettledBet> {
        &self.bets
    }

    /// Tries an order at a place that the account has been shown (or at the first place it sees at all).
    ///
    /// # Errors
    /// [`Refusal`]; the account is then what it was.
    pub fn act(&mut self, order: &Order, market: &Market<'_>) -> Result<Fill, Refusal> {
        let mut next = self.clone();
        let fill = next.try_order(order, market)?;
        *self = next;
        Ok(fill)
    }

    fn try_order(&mut self, order: &Order, market: &Market<'_>) -> Result<Fill, Refusal> {
        let action = order.action();
        match self.game_id.as_deref() {
            Some(here) if here != market.game_id => {
                return Err(Refusal::OtherGame {
                    action,
                    here: here.to_owned(),
                    there: market.game_id.to_owned(),
                });
            }
            Some(_) => {}
            None => self.game_id = Some(market.game_id.into()),
        }
        let mut fill = match *order {
            Order::Buy { amount } => self.buy(amount, market)?,
            Order::Sell { percentage } => self.sell(percentage, market)?,
            Order::SideBet { amount } => self.place_bet(amount, market)?,
        };
        if self.settings.rules == Rules::Right && self.rug_seen && !market.rugged && action != Action::Sell {
            fill.differs_from_legacy.push(Difference::RugFlagNotSticky);
        }
        self.differences.extend(fill.differs_from_legacy.iter().copied());
        Ok(fill)
    }

    /// Sets the part that a sale without a percentage sells; gives the one before.
    ///
    /// # Errors
    /// [`Refusal::InvalidPercentage`] for anything but 0.1, 0.25, 0.5 and 1.
    pub fn set_percentage(&mut self, percentage: Decimal) -> Result<Decimal, Refusal> {
        checks::percentage(percentage)?;
        Ok(std::mem::replace(&mut self.sell_percentage, percentage))
    }

    /// Starts anew: initial balance, nothing open, no history, whole sales. What was open is dropped without being
    /// settled. The statistics stay, as a player's record does; `games_played` grows if a game was met.
    pub fn reset(&mut self) {
        let mut statistics = self.statistics;
        statistics.games_played += u64::from(self.game_id.is_some());
        *self =
            LocalAccount { statistics, differences: self.differences.clone(), ..LocalAccount::new(self.settings) };
    }

    /// Makes `balance` the one that result and drawdown are measured against; what is in the account stays.
    pub fn set_baseline(&mut self, balance: Decimal) {
        self.settings.initial_balance = balance;
        self.statistics.rebase(balance);
    }

    /// Changes the balance and what follows from it; `None` out of range.
    fn pay(&mut self, change: Decimal) -> Option<()> {
        self.balance = arithmetic::add(self.balance, change)?;
        self.statistics.balance_changed(change, self.balance)
    }

    /// The market's price by the account's rules, and whether it differs between them.
    fn price(&self, action: Action, market: &Market<'_>) -> Result<(Decimal, bool), Refusal> {
        let refuse = |why: String| Refusal::NoPrice { action, why };
        let price = match market.price {
            Some(price) => price,
            // Every game stands at 1 before its first tick; packets of the presale's timer carry no price.
            None if market.phase == "PRESALE" => Price::Exact(Decimal::ONE),
            None => return Err(refuse("no price is known at this place".into())),
        };
        let corrupted = || refuse(format!("the price at this place is corrupted ({price})"));
        if !price.is_plausible() {
            return Err(corrupted());
        }
        let exact = price.exact().ok_or_else(corrupted)?;
        let rounded = price.rounded().ok_or_else(corrupted)?;
        Ok(match self.settings.rules {
            Rules::Right => (exact, exact != rounded),
            Rules::Legacy => (rounded, false),
        })
    }
}

/// Keeps the newest entries.
fn remember<T: Clone>(history: &mut Arc<VecDeque<T>>, entry: T) {
    let history = Arc::make_mut(history);
    if history.len() >= rules::MOST_HISTORY {
        history.pop_front();
    }
    history.push_back(entry);
}
