//! What the account is played by: the rule book, its constants, and where it departs from the predecessor.

use rust_decimal::Decimal;
use serde::{Deserialize, Serialize};

use crate::protocol::sidebet;

/// Which rule book an account follows.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Rules {
    /// The rules as they were meant: bets are settled, the rug sells. Not the server's in every point: here a buy is
    /// in units and a bet waits five ticks for the one before, there it is in SOL and may follow at once.
    #[default]
    Right,
    /// The predecessor's desktop application with its defects, for exact comparison.
    Legacy,
}

impl Rules {
    /// The word in arguments and answers.
    pub fn as_str(self) -> &'static str {
        match self {
            Rules::Right => "right",
            Rules::Legacy => "legacy",
        }
    }
}

/// Smallest order, in units for a buy and SOL for a side bet.
pub const MIN_BET: Decimal = Decimal::from_parts(1, 0, 0, false, 3);
/// Largest order.
pub const MAX_BET: Decimal = Decimal::from_parts(10, 0, 0, false, 1);
/// Beyond this an amount is a mistake, not an order.
pub const SANITY_LIMIT: Decimal = Decimal::from_parts(1_000_000, 0, 0, false, 0);
/// What a won side bet pays, as a multiple of its stake.
pub const SIDE_BET_PAYOUT: Decimal = Decimal::from_parts(50, 0, 0, false, 1);
/// A side bet placed at tick `t` wins when the game rugs at `t + 40` or before.
pub const SIDE_BET_WINDOW: i64 = sidebet::WINDOW;
/// Ticks after a settlement before the next side bet.
pub const SIDE_BET_COOLDOWN: i64 = 5;
/// The parts of a position that can be sold.
pub const SELL_PERCENTAGES: [Decimal; 4] = [
    Decimal::from_parts(1, 0, 0, false, 1),
    Decimal::from_parts(25, 0, 0, false, 2),
    Decimal::from_parts(5, 0, 0, false, 1),
    Decimal::from_parts(10, 0, 0, false, 1),
];
/// Phases in which nothing may be opened, as the recordings and the feed name them.
pub const BLOCKED_PHASES: [&str; 4] = ["COOLDOWN", "RUG_EVENT", "RUG_EVENT_1", "UNKNOWN"];
/// Closed positions and settled bets that are kept.
pub const MOST_HISTORY: usize = 500;
/// SOL an account starts with when nothing else is said.
pub const INITIAL_BALANCE: Decimal = Decimal::from_parts(100, 0, 0, false, 3);

/// How an account starts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Settings {
    /// The rule book.
    pub rules: Rules,
    /// SOL at the start and after every reset.
    pub initial_balance: Decimal,
}

impl Default for Settings {
    fn default() -> Self {
        Settings { rules: Rules::default(), initial_balance: INITIAL_BALANCE }
    }
}

/// Where a result of [`Rules::Right`] is not what the predecessor would have shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Difference {
    /// The predecessor told a sale's result as `sold × (price / entry − 1)`, its balance followed another.
    PnlFormula,
    /// The predecessor's side bets never settled.
    SideBetSettled,
    /// The predecessor left positions open when the game rugged.
    RugClosesPosition,
    /// The predecessor kept refusing orders after a rug, also one that was stepped back over, until a reset.
    RugFlagNotSticky,
    /// The predecessor divided winning sales by opened positions, so that its win rate could exceed 1.
    WinRate,
    /// The predecessor read prices through a double and lost what is beyond 17 digits.
    ExactPrice,
}

impl Difference {
    /// One sentence for a reader who does not know the predecessor.
    pub fn explain(self) -> &'static str {
        match self {
            Difference::PnlFormula => {
                "a sale's result is sold × (price − entry), as in the balance; legacy told sold × (price / entry − 1)"
            }
            Difference::SideBetSettled => "the side bet was settled; in legacy it stayed open until a reset",
            Difference::RugClosesPosition => {
                "the rug closed the position at the rug price, as the server does; in legacy it stayed open"
            }
            Difference::RugFlagNotSticky => {
                "an order is allowed at a place before the rug; legacy refused until a reset"
            }
            Difference::WinRate => "win rate is winning sales of all sales; legacy divided by opened positions",
            Difference::ExactPrice => "the price is exact; legacy rounded it to a double",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_won_side_bet_pays_what_the_protocol_says() {
        assert_eq!(Decimal::try_from(sidebet::PAYOUT), Ok(SIDE_BET_PAYOUT));
    }
}
