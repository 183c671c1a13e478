//! One player's account in one game: position, average cost, results.
//!
//! The rules are measured ones: quantities round down to nine decimals, the average cost is the weighted
//! mean of the entry prices and does not change on a sell, what was invested never decreases.

use super::numbers::Nano;

/// What a player did and holds in the running game.
#[derive(Debug, Clone, Default)]
pub struct Book {
    /// Units held; zero is flat.
    pub qty: Nano,
    /// Weighted mean entry price of the open position; zero when flat.
    pub avg_cost: f64,
    /// All buys plus all stakes of side bets.
    pub invested: Nano,
    /// Result of what was sold.
    pub realised: Nano,
    /// Result of settled side bets; an open stake is not in it.
    pub sidebet_pnl: Nano,
    /// The open side bet, as an index into the game's bets.
    pub open_bet: Option<usize>,
    /// Took part in this game, and so has a place in its ranking.
    pub entered: bool,
}

impl Book {
    /// Spends `amount` at `price`; returns the units bought.
    pub fn buy(&mut self, amount: Nano, price: f64) -> Nano {
        let qty = amount.over(price);
        let total = self.qty + qty;
        if total > Nano::ZERO {
            let cost = self.avg_cost * self.qty.to_f64() + price * qty.to_f64();
            self.avg_cost = nine_decimals(cost / total.to_f64());
        }
        self.qty = total;
        self.invested += amount;
        self.entered = true;
        qty
    }

    /// Sells `percentage` of the position at `price`; returns units sold and SOL received.
    pub fn sell(&mut self, percentage: i64, price: f64) -> (Nano, Nano) {
        let qty = if percentage >= 100 { self.qty } else { self.qty.times(percentage as f64 / 100.0) };
        let amount = qty.times(price);
        self.realised += gain(qty, price, self.avg_cost);
        self.qty -= qty;
        if self.qty == Nano::ZERO {
            self.avg_cost = 0.0;
        }
        (qty, amount)
    }

    /// Result of the long position with what is held valued at `mark`.
    pub fn regular_pnl(&self, mark: f64) -> Nano {
        self.realised + gain(self.qty, mark, self.avg_cost)
    }

    /// Total result of the game.
    pub fn pnl(&self, mark: f64) -> Nano {
        self.regular_pnl(mark) + self.sidebet_pnl
    }

    /// Total result in percent of what was invested.
    pub fn pnl_percent(&self, mark: f64) -> f64 {
        if self.invested == Nano::ZERO { 0.0 } else { self.pnl(mark).to_f64() / self.invested.to_f64() * 100.0 }
    }
}

fn gain(qty: Nano, price: f64, cost: f64) -> Nano {
    Nano((qty.0 as f64 * (price - cost)).round() as i64)
}

fn nine_decimals(value: f64) -> f64 {
    (value * 1e9).floor() / 1e9
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]
    use super::*;

    #[test]
    fn average_cost_is_weighted_and_survives_partial_sells() {
        let mut book = Book::default();
        book.buy(Nano::milli(10), 1.0);
        book.buy(Nano::milli(20), 2.0);
        assert_eq!(book.avg_cost, 1.5);
        let (qty, amount) = book.sell(25, 3.0);
        assert_eq!((qty, amount), (Nano::milli(5), Nano::milli(15)));
        assert_eq!(book.avg_cost, 1.5);
        assert_eq!(book.regular_pnl(3.0), Nano(30_000_000));
        book.sell(100, 3.0);
        assert_eq!((book.qty, book.avg_cost, book.invested), (Nano::ZERO, 0.0, Nano::milli(30)));
        assert_eq!(book.pnl_percent(1.0), 100.0);
    }
}
