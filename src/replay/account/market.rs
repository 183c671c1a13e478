//! What the account sees of a place in a game.

use std::fmt;

use rust_decimal::Decimal;
use rust_decimal::prelude::ToPrimitive;

use super::number;
use crate::protocol::phase::Phase;
use crate::protocol::price;

/// A price as it was read: the store's doubles, or a text's exact decimal.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Price {
    /// A double; its decimal is the shortest that reads back as it, which is the wire's text.
    Double(f64),
    /// All digits.
    Exact(Decimal),
}

impl From<f64> for Price {
    fn from(price: f64) -> Self {
        Price::Double(price)
    }
}

impl From<Decimal> for Price {
    fn from(price: Decimal) -> Self {
        Price::Exact(price)
    }
}

impl fmt::Display for Price {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            // `{:?}` of a double is short: 1e308, not 309 digits.
            Price::Double(price) => write!(f, "{price:?}"),
            Price::Exact(price) => write!(f, "{price}"),
        }
    }
}

impl Price {
    /// Whether a game can have had it.
    pub fn is_plausible(self) -> bool {
        match self {
            Price::Double(price) => price::is_plausible(price),
            Price::Exact(price) => price.to_f64().is_some_and(price::is_plausible),
        }
    }

    /// All its digits; `None` for a double that is no number or beyond a decimal's range.
    pub fn exact(self) -> Option<Decimal> {
        match self {
            Price::Double(price) => number::from_double(price),
            Price::Exact(price) => Some(price),
        }
    }

    /// The same after a journey through a double.
    pub fn rounded(self) -> Option<Decimal> {
        match self {
            Price::Double(price) => number::from_double(price),
            Price::Exact(price) => number::through_double(price),
        }
    }
}

/// A place in a game, as far as trading depends on it.
#[derive(Debug, Clone, Copy)]
pub struct Market<'a> {
    /// The game.
    pub game_id: &'a str,
    /// The game's own tick, 0 before it starts. On the rug it is the tick of the first rugged packet: later
    /// packets count on although the game has ended.
    pub tick: i64,
    /// The multiplier. `None` when nothing told it; an order at such a place is refused, except in the presale,
    /// where every game stands at 1.
    pub price: Option<Price>,
    /// The phase's word: the feed's (`PRESALE`, `ACTIVE`, …) or an older recording's (`RUG_EVENT_1`, …).
    pub phase: &'a str,
    /// Whether the price runs.
    pub active: bool,
    /// Whether the game has rugged at this place.
    pub rugged: bool,
}

impl<'a> Market<'a> {
    /// A place whose phase is known, none counting as `UNKNOWN`.
    pub fn in_phase(game_id: &'a str, tick: i64, price: Option<f64>, phase: Option<Phase>) -> Market<'a> {
        Market {
            game_id,
            tick,
            price: price.map(Price::Double),
            phase: phase.map_or("UNKNOWN", Phase::as_str),
            // The server keeps `active` up while it shows the rug.
            active: matches!(phase, Some(Phase::Active | Phase::Rugged)),
            rugged: phase == Some(Phase::Rugged),
        }
    }
}
