//! The account as an agent reads it: decimals as texts, absent is null.

use rust_decimal::Decimal;
use serde::Serialize;

use super::LocalAccount;
use super::arithmetic::{add, multiply};
use super::market::Market;
use super::order::Action;
use super::position::ClosedPosition;
use super::rules::{Difference, Rules};
use super::side_bet::SettledBet;

/// The whole account at a place.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct AccountView {
    /// Whose word the values are: `local`, this account's own rules.
    pub source: &'static str,
    /// The rule book.
    pub rules: Rules,
    /// The game the account is in.
    pub game_id: Option<String>,
    /// SOL.
    pub balance: Decimal,
    /// SOL at the start.
    pub initial_balance: Decimal,
    /// SOL with the open position at this place's price; null without a price.
    pub equity: Option<Decimal>,
    /// The open position.
    pub position: Option<PositionView>,
    /// The open side bet.
    pub side_bet: Option<SideBetView>,
    /// The part that a sale without a percentage sells.
    pub sell_percentage: Decimal,
    /// Where the next side bet may be placed, if a settlement holds it up.
    pub next_side_bet_tick: Option<i64>,
    /// How it went.
    pub statistics: StatisticsView,
    /// The newest closed positions, oldest first.
    pub closed_positions: Vec<ClosedPosition>,
    /// How many are kept in all.
    pub closed_positions_kept: usize,
    /// The newest settled bets, oldest first.
    pub settled_bets: Vec<SettledBet>,
    /// How many are kept in all.
    pub settled_bets_kept: usize,
    /// Where this account has left the predecessor's way so far.
    pub differs_from_legacy: Vec<Difference>,
}

/// An open position at a place.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct PositionView {
    /// Units.
    pub amount: Decimal,
    /// Weighted mean of the buys' prices.
    pub entry_price: Decimal,
    /// The tick of the first buy.
    pub entry_tick: i64,
    /// SOL at this place's price.
    pub value: Option<Decimal>,
    /// SOL above what was paid.
    pub unrealised_pnl: Option<Decimal>,
    /// Percent.
    pub unrealised_percent: Option<Decimal>,
}

/// An open side bet.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct SideBetView {
    /// SOL.
    pub amount: Decimal,
    /// The tick it was placed at.
    pub placed_tick: i64,
    /// The multiplier then.
    pub placed_price: Decimal,
    /// The last tick whose rug wins.
    pub end_tick: i64,
    /// SOL paid out if it wins.
    pub potential_win: Option<Decimal>,
}

/// [`super::Statistics`] with what is computed from them.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[allow(missing_docs)]
pub struct StatisticsView {
    pub total_trades: u64,
    pub winning_trades: u64,
    pub losing_trades: u64,
    pub win_rate: Option<Decimal>,
    pub average_win: Option<Decimal>,
    pub average_loss: Option<Decimal>,
    pub total_pnl: Decimal,
    pub realised_pnl: Decimal,
    pub roi: Option<Decimal>,
    pub peak_balance: Decimal,
    pub max_drawdown: Decimal,
    pub games_played: u64,
    pub side_bets_won: u64,
    pub side_bets_lost: u64,
}

impl LocalAccount {
    /// The account at `market` (without one, nothing is valued), with at most `history` entries of each kind.
    pub fn view(&self, market: Option<&Market<'_>>, history: usize) -> AccountView {
        let here = market.filter(|market| self.game_id.as_deref() == Some(market.game_id));
        let price = here.and_then(|market| Some(self.price(Action::Sell, market).ok()?.0));
        let position = self.position.map(|position| {
            let value = price.and_then(|price| multiply(position.amount, price));
            let gain = price.and_then(|price| position.gain(position.amount, price));
            PositionView {
                amount: position.amount,
                entry_price: position.entry_price,
                entry_tick: position.entry_tick,
                value,
                unrealised_pnl: gain.map(|gain| gain.pnl_sol),
                unrealised_percent: gain.map(|gain| gain.pnl_percent),
            }
        });
        let equity = match &position {
            Some(position) => position.value.and_then(|value| add(self.balance, value)),
            None => Some(self.balance),
        };
        let mut differences = self.differences.clone();
        let statistics = self.statistics_view();
        if self.settings.rules == Rules::Right && statistics.win_rate != self.statistics.legacy_win_rate() {
            differences.insert(Difference::WinRate);
        }
        AccountView {
            source: "local",
            rules: self.settings.rules,
            game_id: self.game_id.as_deref().map(str::to_owned),
            balance: self.balance,
            initial_balance: self.settings.initial_balance,
            equity,
            position,
            side_bet: self.side_bet.map(|bet| SideBetView {
                amount: bet.amount,
                placed_tick: bet.placed_tick,
                placed_price: bet.placed_price,
                end_tick: bet.end_tick(),
                potential_win: bet.potential_win(),
            }),
            sell_percentage: self.sell_percentage,
            next_side_bet_tick: self
                .last_settled
                .map(|tick| tick.saturating_add(super::rules::SIDE_BET_COOLDOWN))
                .filter(|next| here.is_none_or(|market| market.tick < *next)),
            statistics,
            closed_positions: newest(&self.closed, history),
            closed_positions_kept: self.closed.len(),
            settled_bets: newest(&self.bets, history),
            settled_bets_kept: self.bets.len(),
            differs_from_legacy: differences.into_iter().collect(),
        }
    }

    fn statistics_view(&self) -> StatisticsView {
        let statistics = &self.statistics;
        StatisticsView {
            total_trades: statistics.total_trades,
            winning_trades: statistics.winning_trades,
            losing_trades: statistics.losing_trades,
            win_rate: match self.settings.rules {
                Rules::Right => statistics.win_rate(),
                Rules::Legacy => statistics.legacy_win_rate(),
            },
            average_win: statistics.average_win(),
            average_loss: statistics.average_loss(),
            total_pnl: statistics.total_pnl,
            realised_pnl: statistics.realised_pnl,
            roi: statistics.roi(self.settings.initial_balance),
            peak_balance: statistics.peak_balance,
            max_drawdown: statistics.max_drawdown,
            games_played: statistics.games_played,
            side_bets_won: statistics.side_bets_won,
            side_bets_lost: statistics.side_bets_lost,
        }
    }
}

fn newest<T: Clone>(history: &std::collections::VecDeque<T>, most: usize) -> Vec<T> {
    history.iter().skip(history.len().saturating_sub(most)).cloned().collect()
}
