//! An order that the rules refuse at a place, with what shows the way on from there.

use rust_decimal::Decimal;

use super::market;
use crate::replay::account::rules::{MAX_BET, MIN_BET};
use crate::replay::account::{Action, LocalAccount, Market, Price, Refusal, Rules, checks};
use crate::replay::cursor::timeline::Timeline;

/// What was refused. Every surface makes its own words of the way on.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{refusal}. {}", .refusal.advice())]
pub struct RefusedOrder {
    /// Why.
    pub refusal: Refusal,
    /// What was to be done; `None` for a word that is no action, and a reset.
    pub action: Option<Action>,
    /// The address of the nearest place of the game at which something may be opened.
    pub open_at: Option<String>,
    /// The largest amount that the balance pays for here, to three places; `None` where it pays for none.
    pub affordable: Option<Decimal>,
    /// Ticks until the open side bet is settled; `None` where none is open, or the rules never settle it.
    pub bet_ends_in: Option<u64>,
}

impl RefusedOrder {
    /// What its words already show.
    pub fn by_words(refusal: Refusal, action: Option<Action>) -> RefusedOrder {
        RefusedOrder { refusal, action, open_at: None, affordable: None, bet_ends_in: None }
    }

    /// An order refused after event `index`, where the account stands as it does.
    pub(super) fn at(
        refusal: Refusal,
        action: Option<Action>,
        account: &LocalAccount,
        timeline: &Timeline,
        index: usize,
    ) -> RefusedOrder {
        let mark = timeline.mark_at(index);
        let here = market(timeline, &mark);
        let settles = account.settings().rules == Rules::Right;
        let bet_ends_in = account.side_bet().zip(here.as_ref()).filter(|_| settles).map(|(bet, here)| {
            let last = bet.end_tick().saturating_sub(here.tick).max(0);
            last.unsigned_abs() + 1
        });
        RefusedOrder {
            open_at: open_place(timeline, index, matches!(refusal, Refusal::Rugged(_) | Refusal::Phase { .. })),
            affordable: affordable(account.balance(), action, here.as_ref()),
            refusal,
            action,
            bet_ends_in,
        }
    }
}

/// The largest amount; the rules compare amount and cost with the balance.
fn affordable(balance: Decimal, action: Option<Action>, here: Option<&Market<'_>>) -> Option<Decimal> {
    let price = here.and_then(|here| here.price).and_then(Price::exact).filter(|price| *price > Decimal::ONE);
    let most = match (action, price) {
        (Some(Action::Buy), Some(price)) => balance.checked_div(price)?,
        _ => balance,
    };
    let most = most.min(MAX_BET).trunc_with_scale(MIN_BET.scale()).normalize();
    (most >= MIN_BET).then_some(most)
}

/// The nearest place of the game at which something may be opened: before it first, when the game is over.
fn open_place(timeline: &Timeline, index: usize, is_over: bool) -> Option<String> {
    let game = timeline.mark_at(index).game;
    let is_open = |place: &usize| {
        let mark = timeline.mark_at(*place);
        (game.is_none() || mark.game == game)
            && market(timeline, &mark).is_some_and(|there| {
                checks::permission(Action::Buy, &there, there.rugged).is_ok()
                    && (there.price.is_some() || there.phase == "PRESALE")
            })
    };
    let before = || (0..index).rev().find(is_open);
    let after = || (index + 1..timeline.len()).find(is_open);
    let found = if is_over { before().or_else(after) } else { after().or_else(before) };
    Some(timeline.step(found?)?.at.event_ref())
}
