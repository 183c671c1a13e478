//! Whether an order may be taken: the checks in the predecessor's order.

use rust_decimal::Decimal;

use super::market::Market;
use super::order::Action;
use super::refusal::Refusal;
use super::rules::{BLOCKED_PHASES, MAX_BET, MIN_BET, SANITY_LIMIT, SELL_PERCENTAGES, SIDE_BET_COOLDOWN};

/// Whether something may be opened here: presale always; then the game must run, not have rugged (`rugged` is what
/// the rule book goes by), and the phase must not be blocked. Unknown words of phases are allowed.
///
/// # Errors
/// The first [`Refusal`] that applies.
pub fn permission(action: Action, market: &Market<'_>, rugged: bool) -> Result<(), Refusal> {
    if market.phase == "PRESALE" {
        return Ok(());
    }
    if !market.active {
        return Err(Refusal::NotActive(action));
    }
    if rugged {
        return Err(Refusal::Rugged(action));
    }
    if BLOCKED_PHASES.contains(&market.phase) {
        return Err(Refusal::Phase { action, phase: market.phase.to_owned() });
    }
    Ok(())
}

/// Whether the amount is in bounds and not above the balance. It is the **amount** that is compared, not what it
/// costs.
///
/// # Errors
/// The first [`Refusal`] that applies.
pub fn amount(action: Action, amount: Decimal, balance: Decimal) -> Result<(), Refusal> {
    if amount <= Decimal::ZERO {
        return Err(Refusal::NotPositive(action));
    }
    if amount > SANITY_LIMIT {
        return Err(Refusal::Unreasonable(action));
    }
    if amount < MIN_BET {
        return Err(Refusal::BelowMinimum(action));
    }
    if amount > MAX_BET {
        return Err(Refusal::AboveMaximum(action));
    }
    if balance < Decimal::ZERO {
        return Err(Refusal::InvalidBalance(balance));
    }
    if amount > balance {
        return Err(Refusal::InsufficientBalance { have: balance, need: amount });
    }
    Ok(())
}

/// Whether a side bet may be placed beside what is open and was settled.
///
/// # Errors
/// [`Refusal::BetActive`], [`Refusal::BetCooldown`].
pub fn side_bet(open: bool, last_settled: Option<i64>, tick: i64) -> Result<(), Refusal> {
    if open {
        return Err(Refusal::BetActive);
    }
    let since = last_settled.map(|settled| tick.saturating_sub(settled));
    match since.filter(|since| *since < SIDE_BET_COOLDOWN) {
        Some(since) => Err(Refusal::BetCooldown(SIDE_BET_COOLDOWN.saturating_sub(since))),
        None => Ok(()),
    }
}

/// Whether this part can be sold.
///
/// # Errors
/// [`Refusal::InvalidPercentage`].
pub fn percentage(percentage: Decimal) -> Result<(), Refusal> {
    if SELL_PERCENTAGES.contains(&percentage) {
        Ok(())
    } else {
        Err(Refusal::InvalidPercentage(percentage.to_string()))
    }
}
