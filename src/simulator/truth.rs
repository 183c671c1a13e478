//! What really happened in a game: trades, side bets and how they ended.
//!
//! A recording of the frames is compared with this.

use std::sync::Arc;

use uuid::Uuid;

use super::numbers::Nano;
use super::players::Player;
use replayer_protocol::fairness::GameVersion;
use replayer_protocol::sidebet;

/// Ticks that a side bet covers after the tick it was placed on. The last one counts.
pub const BET_WINDOW: usize = sidebet::WINDOW as usize;
/// What a won side bet pays, in stakes.
pub const BET_PAYOUT: i64 = sidebet::PAYOUT as i64;
/// The token address that stands for SOL.
pub const SOL: &str = "So11111111111111111111111111111111111111112";
/// The token address of practice money.
pub const PRACTICE: &str = "0xPractice";

/// Direction of a trade.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Side {
    /// SOL into units.
    Buy,
    /// Units into SOL.
    Sell,
}

/// An executed trade.
#[derive(Debug, Clone, PartialEq)]
pub struct Trade {
    /// `id` of the broadcast.
    pub id: Uuid,
    /// Who traded.
    pub player: Arc<Player>,
    /// Buy or sell.
    pub side: Side,
    /// Units.
    pub qty: Nano,
    /// SOL spent or received.
    pub amount: Nano,
    /// Price of `tick`.
    pub price: f64,
    /// Tick of execution; 0 for trades before the game.
    pub tick: usize,
    /// Sold by the rug, not by the player.
    pub forced: bool,
    /// Whether a spectator got to see it: broadcasts are throttled to one in two seconds.
    pub broadcast: bool,
}

/// A side bet: that the game rugs within [`BET_WINDOW`] ticks.
#[derive(Debug, Clone, PartialEq)]
pub struct SideBet {
    /// `id` of the placement record.
    pub id: Uuid,
    /// Who bet.
    pub player: Arc<Player>,
    /// SOL, or practice tokens.
    pub stake: Nano,
    /// Tick of placement; 0 for bets before the game.
    pub start_tick: usize,
    /// Last tick that wins.
    pub end_tick: usize,
    /// Unix time of placement, ms.
    pub placed_ms: i64,
    /// How it ended; None while it is open.
    pub outcome: Option<Outcome>,
}

/// How a side bet ended.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Outcome {
    /// The rug came in time.
    pub won: bool,
    /// Stake times five, or nothing.
    pub payout: Nano,
    /// Tick on which it was decided: the rug, or the end of the window.
    pub tick: usize,
    /// Unix time of the decision, ms.
    pub at_ms: i64,
}

impl SideBet {
    /// Token address that the bet was placed in.
    pub fn coin(&self) -> &'static str {
        if self.player.practice { PRACTICE } else { SOL }
    }

    /// Parts of the stake that came from bonus balance and from own SOL. Practice money is neither.
    pub fn portions(&self) -> (Nano, Nano) {
        match (self.player.practice, self.player.bonus) {
            (true, _) => (Nano::ZERO, Nano::ZERO),
            (_, true) => (self.stake, Nano::ZERO),
            _ => (Nano::ZERO, self.stake),
        }
    }
}

/// The truth about a finished game.
#[derive(Debug, Clone, PartialEq)]
pub struct GameTruth {
    /// `YYYYMMDD-` and 16 hex digits.
    pub game_id: String,
    /// The revealed seed.
    pub seed: String,
    /// The commitment to it.
    pub seed_hash: String,
    /// Rules that were played.
    pub version: GameVersion,
    /// Price per tick, the rug price last.
    pub prices: Vec<f64>,
    /// Tick of the rug.
    pub rug_tick: usize,
    /// Highest price.
    pub peak: f64,
    /// Ticks that multiplied the price by ten.
    pub god_candles: Vec<usize>,
    /// Every trade in the order of execution, whether or not it was broadcast.
    pub trades: Vec<Trade>,
    /// Every side bet in the order of placement.
    pub sidebets: Vec<SideBet>,
    /// `timestamp` of the game's entry in the history, unix ms.
    pub ended_ms: i64,
}
