//! What an order did, and what the game did to the account.

use rust_decimal::Decimal;
use serde::Serialize;

use super::order::Action;
use super::rules::Difference;

/// An order that was taken.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Fill {
    /// What was done.
    pub action: Action,
    /// The game's tick.
    pub tick: i64,
    /// The phase's word.
    pub phase: String,
    /// Units bought or sold; SOL staked.
    pub amount: Decimal,
    /// The multiplier.
    pub price: Decimal,
    /// SOL, negative for what was paid.
    pub balance_change: Decimal,
    /// SOL afterwards.
    pub new_balance: Decimal,
    /// A sale's result.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub sale: Option<Sale>,
    /// A side bet's payout if it wins, SOL.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub potential_win: Option<Decimal>,
    /// The last tick whose rug wins the side bet.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub end_tick: Option<i64>,
    /// Where the predecessor would have answered otherwise.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub differs_from_legacy: Vec<Difference>,
}

/// A sale's result.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Sale {
    /// The part of the position that was sold, 0 … 1.
    pub percentage: Decimal,
    /// Whether something is left.
    pub partial: bool,
    /// Units left.
    pub remaining: Decimal,
    /// The entry it is measured against.
    pub entry_price: Decimal,
    /// SOL as the rule book tells it.
    pub pnl_sol: Decimal,
    /// SOL as the balance has it; under the right rules the same.
    pub booked_pnl_sol: Decimal,
    /// Percent.
    pub pnl_percent: Decimal,
}

/// What a place in the game did to the account.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum Settlement {
    /// The rug sold the position.
    RugSold {
        /// The rug's tick.
        tick: i64,
        /// The rug's multiplier.
        price: Decimal,
        /// Units.
        amount: Decimal,
        /// What they were bought at.
        entry_price: Decimal,
        /// SOL received.
        balance_change: Decimal,
        /// SOL won or lost.
        pnl_sol: Decimal,
        /// Percent.
        pnl_percent: Decimal,
        /// SOL afterwards.
        new_balance: Decimal,
        /// Where the predecessor would have done otherwise.
        differs_from_legacy: Vec<Difference>,
    },
    /// A side bet ended.
    SideBet {
        /// Whether the game rugged in the window.
        won: bool,
        /// The tick it was settled at.
        tick: i64,
        /// The tick it was placed at.
        placed_tick: i64,
        /// SOL staked.
        amount: Decimal,
        /// SOL received.
        payout: Decimal,
        /// SOL afterwards.
        new_balance: Decimal,
        /// Where the predecessor would have done otherwise.
        differs_from_legacy: Vec<Difference>,
    },
    /// Another game began: the account started anew.
    GameChanged {
        /// The game before.
        from: String,
        /// The game now.
        to: String,
        /// Units that were still held when the place moved on: the rug was not seen.
        dropped_position: Option<Decimal>,
        /// A stake that was still open.
        dropped_bet: Option<Decimal>,
        /// SOL now.
        new_balance: Decimal,
    },
}
