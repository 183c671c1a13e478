//! The same chart in words, for a reader who cannot see the picture or wants the numbers.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::line::{GameLine, Origin, Record};
use super::options::{Options, Scale};
use super::picture::Picture;

/// Ranges of missing ticks, and corrupted ticks, that are listed.
const MOST_RANGES: usize = 8;

/// What is on the picture.
#[derive(Debug, Default, Serialize, Deserialize, JsonSchema)]
pub struct Summary {
    /// Pixels.
    pub width: u32,
    /// Pixels.
    pub height: u32,
    /// Bytes of the PNG.
    pub bytes: u64,
    /// The price axis: linear or log.
    pub scale: String,
    /// The games in the order of their colours.
    pub games: Vec<GameSummary>,
    /// What is left out of a comparison.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub not_drawn: Option<String>,
}

/// One game on the picture. What is not known is absent.
#[derive(Debug, Default, Serialize, Deserialize, JsonSchema)]
pub struct GameSummary {
    /// The game.
    pub game_id: String,
    /// Highest multiplier before the rug, as get_game says it.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub peak: Option<f64>,
    /// Its tick; absent where the peak is only announced.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub peak_tick: Option<i64>,
    /// The rug's tick.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub rug_tick: Option<i64>,
    /// The price at the rug.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub rug_price: Option<f64>,
    /// Whether the seed reproduces the game: proven, differs, not_compared or no_seed.
    pub proof: String,
    /// Ticks that were captured when they were played: ticks_recorded in get_game.
    pub ticks_captured: u64,
    /// Ticks up to the rug that were not, before any repair; absent where the rug tick is unknown or no tick was captured.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub ticks_missing: Option<u64>,
    /// The first of them, and those before the last captured tick where the rug is unknown, as [from, to].
    #[serde(skip_serializing_if = "Vec::is_empty", default)]
    pub missing: Vec<(i64, i64)>,
    /// Whether every tick up to the rug was captured.
    pub complete: bool,
    /// Ticks drawn from the site's game history.
    pub ticks_from_history: u64,
    /// Ticks drawn from the seed.
    pub ticks_from_seed: u64,
    /// Ticks drawn that were repaired from elsewhere.
    pub ticks_repaired: u64,
    /// Ticks that are neither captured nor repaired, corrupted ones included: they are not drawn.
    pub ticks_unknown: u64,
    /// The first of them, as [from, to].
    #[serde(skip_serializing_if = "Vec::is_empty", default)]
    pub unknown: Vec<(i64, i64)>,
    /// Ticks of which a price was recorded that no game can have (not above 0, above 10^9, no number). It is not drawn:
    /// the tick is from another source, or missing.
    pub ticks_corrupted: u64,
    /// The first of them.
    #[serde(skip_serializing_if = "Vec::is_empty", default)]
    pub corrupted: Vec<i64>,
    /// Ticks on which the price became ten times the one before.
    #[serde(skip_serializing_if = "Vec::is_empty", default)]
    pub god_candles: Vec<i64>,
    /// Trades known, own ones included. The site announces only a sample.
    pub trades: u64,
    /// Own ones among them.
    pub own_trades: u64,
    /// Side bets known, own ones included.
    pub side_bets: u64,
    /// Own ones among them.
    pub own_side_bets: u64,
    /// Where the replay stands, if one was marked.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub cursor: Option<i64>,
}

impl Summary {
    /// Of a drawn picture.
    pub fn of(games: &[GameLine], options: &Options, picture: &Picture) -> Summary {
        let scale = match options.scale {
            Scale::Linear => "linear",
            Scale::Log => "log",
        };
        let marks = |game: &GameLine| !game.trades.is_empty() || !game.bets.is_empty();
        let left_out = games.len() > 1 && games.iter().any(marks);
        Summary {
            width: picture.width,
            height: picture.height,
            bytes: picture.png.len() as u64,
            scale: scale.to_owned(),
            games: games.iter().map(GameSummary::of).collect(),
            not_drawn: left_out
                .then(|| "trades and side bets: they are drawn on the chart of one game".to_owned()),
        }
    }
}

impl Record {
    /// Of a line that no store has: what is drawn is all that there is.
    fn of(game: &GameLine) -> Record {
        let holes = game.holes();
        let missing = holes.iter().map(|(from, to)| u64::try_from(to - from + 1).unwrap_or(0)).sum();
        Record {
            ticks_recorded: game.count(Origin::Captured) as u64,
            ticks_missing: game.rug_tick.map(|_| missing),
            complete: game.rug_tick.is_some() && missing == 0,
            holes,
            peak: game.peak().map(|point| point.price),
            peak_tick: game.peak().map(|point| point.tick),
            rug_price: game.rug().map(|point| point.price),
        }
    }
}

impl GameSummary {
    fn of(game: &GameLine) -> GameSummary {
        let unknown = game.unknown();
        let record = game.record.clone().unwrap_or_else(|| Record::of(game));
        let count = |origin: Origin| game.count(origin) as u64;
        let proof = serde_json::to_value(game.proof).ok();
        GameSummary {
            game_id: game.game_id.clone(),
            peak: record.peak,
            peak_tick: record.peak_tick,
            rug_tick: game.rug_tick,
            rug_price: record.rug_price,
            proof: proof.as_ref().and_then(|word| word.as_str()).unwrap_or_default().to_owned(),
            ticks_captured: record.ticks_recorded,
            ticks_missing: record.ticks_missing,
            missing: record.holes.into_iter().take(MOST_RANGES).collect(),
            complete: record.complete,
            ticks_from_history: count(Origin::History),
            ticks_from_seed: count(Origin::Seed),
            ticks_repaired: count(Origin::Repaired),
            ticks_unknown: unknown.iter().map(|(from, to)| u64::try_from(to - from + 1).unwrap_or(0)).sum(),
            unknown: unknown.into_iter().take(MOST_RANGES).collect(),
            ticks_corrupted: game.corrupted.len() as u64,
            corrupted: game.corrupted.iter().take(MOST_RANGES).copied().collect(),
            god_candles: game.god_candles(),
            trades: game.trades.len() as u64,
            own_trades: game.trades.iter().filter(|trade| trade.own).count() as u64,
            side_bets: game.bets.len() as u64,
            own_side_bets: game.bets.iter().filter(|bet| bet.own).count() as u64,
            cursor: game.cursor,
        }
    }
}
