//! How the account fared.

use rust_decimal::Decimal;

use super::arithmetic::{add, divide, subtract};

/// Counts and sums; kept across resets, as the predecessor keeps them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Statistics {
    /// Positions opened.
    pub total_trades: u64,
    /// Sales, also of parts, with a result above 0.
    pub winning_trades: u64,
    /// Sales, also of parts, with a result of 0 or below.
    pub losing_trades: u64,
    /// SOL: the sum of all changes of the balance; what is in an open position counts as lost.
    pub total_pnl: Decimal,
    /// SOL: results of sales and settled bets.
    pub realised_pnl: Decimal,
    /// SOL: the highest balance.
    pub peak_balance: Decimal,
    /// The deepest fall below the peak, 0 … 1, money in open positions counting as fallen.
    pub max_drawdown: Decimal,
    /// Games that were left by a reset.
    pub games_played: u64,
    /// Side bets won.
    pub side_bets_won: u64,
    /// Side bets lost.
    pub side_bets_lost: u64,
    won: Decimal,
    lost: Decimal,
}

impl Statistics {
    /// Of an account that has done nothing.
    pub fn new(balance: Decimal) -> Self {
        Statistics {
            total_trades: 0,
            winning_trades: 0,
            losing_trades: 0,
            total_pnl: Decimal::ZERO,
            realised_pnl: Decimal::ZERO,
            peak_balance: balance,
            max_drawdown: Decimal::ZERO,
            games_played: 0,
            side_bets_won: 0,
            side_bets_lost: 0,
            won: Decimal::ZERO,
            lost: Decimal::ZERO,
        }
    }

    /// Winning sales of all sales, 0 … 1; `None` before the first.
    pub fn win_rate(&self) -> Option<Decimal> {
        ratio(self.winning_trades, self.winning_trades.checked_add(self.losing_trades)?)
    }

    /// Winning sales per opened position, as the predecessor told it: can exceed 1.
    pub fn legacy_win_rate(&self) -> Option<Decimal> {
        ratio(self.winning_trades, self.total_trades)
    }

    /// Mean result of the winning sales, SOL; `None` before the first.
    pub fn average_win(&self) -> Option<Decimal> {
        divide(self.won, Decimal::from(self.winning_trades))
    }

    /// Mean loss of the losing sales, SOL, as a positive number; `None` before the first.
    pub fn average_loss(&self) -> Option<Decimal> {
        divide(self.lost, Decimal::from(self.losing_trades))
    }

    /// Sum of all changes per initial balance; `None` for an account that started with nothing.
    pub fn roi(&self, initial_balance: Decimal) -> Option<Decimal> {
        divide(self.total_pnl, initial_balance)
    }

    /// Takes a change of the balance; `None` out of range.
    pub(super) fn balance_changed(&mut self, change: Decimal, balance: Decimal) -> Option<()> {
        self.total_pnl = add(self.total_pnl, change)?;
        self.peak_balance = self.peak_balance.max(balance);
        if self.peak_balance > Decimal::ZERO {
            let drawdown = divide(subtract(self.peak_balance, balance)?, self.peak_balance)?;
            self.max_drawdown = self.max_drawdown.max(drawdown);
        }
        Some(())
    }

    /// Takes the result of a sale; `None` out of range.
    pub(super) fn sold(&mut self, pnl: Decimal) -> Option<()> {
        self.realised_pnl = add(self.realised_pnl, pnl)?;
        if pnl > Decimal::ZERO {
            self.winning_trades += 1;
            self.won = add(self.won, pnl)?;
        } else {
            self.losing_trades += 1;
            self.lost = subtract(self.lost, pnl)?;
        }
        Some(())
    }

    /// Takes the end of a side bet; `None` out of range.
    pub(super) fn bet_settled(&mut self, won: bool, payout: Decimal, stake: Decimal) -> Option<()> {
        self.realised_pnl = add(self.realised_pnl, subtract(payout, stake)?)?;
        let count = if won { &mut self.side_bets_won } else { &mut self.side_bets_lost };
        *count += 1;
        Some(())
    }

    /// Measures result and drawdown against `balance` from now on.
    pub(super) fn rebase(&mut self, balance: Decimal) {
        self.total_pnl = Decimal::ZERO;
        self.peak_balance = balance;
        self.max_drawdown = Decimal::ZERO;
    }
}

fn ratio(part: u64, whole: u64) -> Option<Decimal> {
    divide(Decimal::from(part), Decimal::from(whole))
}
