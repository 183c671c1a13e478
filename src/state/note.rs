//! What an event changed, as typed notes: for notifications, the live index and `system_event`s.

use serde::Serialize;

use super::event::GameId;
use super::health::Mode;
use super::latency::{Grade, Leg};
use super::ledger::FieldDrift;
use super::prices::TickSource;
use crate::protocol::phase::Phase;

/// One thing that an event changed. A change that several sources tell is noted once.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(tag = "note", rename_all = "snake_case")]
pub enum Note {
    /// The current game's phase changed, or another game became current.
    Phase(Transition),
    /// The price of a game runs. `tick` is above 0 when the capture joined it later.
    GameStarted {
        /// The round.
        game_id: GameId,
        /// The first tick that was seen.
        tick: Option<u32>,
    },
    /// A game rugged.
    GameRugged {
        /// The round.
        game_id: GameId,
        /// The true rug tick.
        rug_tick: Option<u32>,
        /// The rug price, multiplier.
        rug_price: Option<f64>,
    },
    /// Another game took over, once per game.
    GameFinished {
        /// The round.
        game_id: GameId,
        /// The true rug tick; `None` when the rug was not seen.
        rug_tick: Option<u32>,
        /// The highest price known.
        peak: Option<f64>,
        /// Prices known, from any source.
        prices_known: usize,
        /// Whether every price from tick 0 to the rug is known.
        complete: bool,
    },
    /// The history told a finished game's seed.
    SeedRevealed {
        /// The round.
        game_id: GameId,
        /// Whether the seed has the published hash and every known price; `None` when it cannot be told.
        proven: Option<bool>,
        /// Prices that were missing and follow from the seed.
        filled: usize,
    },
    /// Two sources name different prices for one tick. The first one stays.
    PriceDisagreement(Disagreement),
    /// Ticks that no tick packet told.
    TickGap {
        /// The round.
        game_id: GameId,
        /// The last tick before.
        from: Option<u32>,
        /// The first tick after.
        to: u32,
        /// Ticks between them.
        missing: u32,
        /// How many of them other fields of the packet told.
        filled: u32,
    },
    /// A tick packet went back in time on its own connection.
    TickRegression {
        /// The round.
        game_id: GameId,
        /// The tick before.
        from: u32,
        /// The smaller tick after it.
        to: u32,
    },
    /// The capture has holes: see [`super::integrity`].
    IntegrityLost {
        /// Why, in words.
        reason: &'static str,
    },
    /// A clean game was observed after that.
    IntegrityRecovered,
    /// A god candle in the prices: exactly ×10 in one tick.
    GodCandle {
        /// The round that had it.
        game_id: GameId,
        /// The tick after the jump.
        tick: u32,
        /// The price before.
        before: f64,
        /// The price after.
        after: f64,
    },
    /// The day's god-candle record changed. What game it names is what the server says, and often the next one.
    GodCandleRecord {
        /// Tiers that are new: `2x`, `10x`, `50x`.
        tiers: Vec<&'static str>,
    },
    /// A trade of the own account.
    OwnTrade {
        /// The round.
        game_id: Option<GameId>,
        /// `buy`, `sell`, …
        side: String,
        /// SOL.
        amount: Option<f64>,
        /// Multiplier.
        price: Option<f64>,
        /// Sold by the rug.
        forced: bool,
        /// `real` or `practice`.
        money: Option<&'static str>,
    },
    /// One leg of a request's way was measured.
    Latency {
        /// `BUY`, `SELL`, `PARTIAL_SELL`, `SIDEBET`, or the event's name.
        kind: String,
        /// To the ack, or to the broadcast.
        leg: Leg,
        /// Milliseconds since the request.
        ms: f64,
        /// How bad that is.
        grade: Grade,
        /// More than the spike limit above usual.
        spike: bool,
    },
    /// The server's account and the recomputed one differ.
    DriftOpened {
        /// The fields that differ.
        fields: Vec<FieldDrift>,
    },
    /// They agree again.
    DriftClosed {
        /// How long they differed, milliseconds.
        after_ms: Option<i64>,
        /// `agrees`: a later update agreed; `late_trade`: the trade that explains it came after the update;
        /// `rebased`: the connection began anew.
        why: &'static str,
    },
    /// The health mode changed.
    Mode {
        /// Before.
        from: Mode,
        /// After.
        to: Mode,
    },
}

/// A change of the current phase.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Transition {
    /// When, microseconds UTC.
    pub ts: Option<i64>,
    /// The phase before.
    #[serde(serialize_with = "phase_name")]
    pub from: Option<Phase>,
    /// The phase now.
    #[serde(serialize_with = "phase_name")]
    pub to: Option<Phase>,
    /// The round now.
    pub game_id: GameId,
    /// The round before, when another game became current.
    pub previous_game: Option<GameId>,
}

impl Transition {
    /// Whether another game became current.
    pub fn is_new_game(&self) -> bool {
        self.previous_game.is_some()
    }
}

fn phase_name<S: serde::Serializer>(phase: &Option<Phase>, serializer: S) -> Result<S::Ok, S::Error> {
    phase.map(Phase::as_str).serialize(serializer)
}

/// Two values for one tick.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Disagreement {
    /// The round.
    pub game_id: GameId,
    /// The tick.
    pub tick: u32,
    /// The first value, which stays.
    pub kept: f64,
    /// Where it came from.
    pub kept_source: TickSource,
    /// The other value.
    pub other: f64,
    /// Where that came from.
    pub other_source: TickSource,
}
