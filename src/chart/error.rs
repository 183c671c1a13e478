//! Why there is no chart.

use thiserror::Error;

use super::MOST_GAMES;
use super::options::{SIZES, WIDTH};
use crate::sql::SqlError;

/// Why there is no chart.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum ChartError {
    /// No game was named.
    #[error("no game was named: give at least one game id")]
    NoGames,
    /// More than can be told apart.
    #[error("{asked} games were named; one chart shows at most {most}", most = MOST_GAMES)]
    TooManyGames {
        /// How many.
        asked: usize,
    },
    /// A game is not in the store.
    #[error("there is no game {game_id:?}{}", nearest_words(.nearest))]
    UnknownGame {
        /// As asked for.
        game_id: String,
        /// The ids most like it.
        nearest: Vec<String>,
    },
    /// A game without a single price.
    #[error("no price of game {game_id} was recorded, neither tick by tick nor in the game history")]
    NoTicks {
        /// The game.
        game_id: String,
    },
    /// Every price that was recorded is one that no game can have.
    #[error("all {ticks} recorded prices of game {game_id} are corrupted: not above 0, above 10^9, or no numbers")]
    OnlyCorrupted {
        /// The game.
        game_id: String,
        /// Its ticks.
        ticks: usize,
    },
    /// A side out of bounds.
    #[error(
        "{side} {asked} is out of bounds: {least} to {most} pixels, {usual} is usual",
        least = SIZES.start(), most = SIZES.end(), usual = WIDTH
    )]
    Size {
        /// `width` or `height`.
        side: &'static str,
        /// As asked for.
        asked: u64,
    },
    /// The cursor's game is not on the chart.
    #[error("the cursor is in game {game_id}, which is not on this chart")]
    CursorElsewhere {
        /// The cursor's game.
        game_id: String,
    },
    /// The cursor is at a tick that its game does not have.
    #[error("game {game_id} has no tick {tick} for the cursor: its ticks are 0 … {last}")]
    CursorOutside {
        /// The cursor's game.
        game_id: String,
        /// As asked for.
        tick: i64,
        /// The last tick there is.
        last: i64,
    },
    /// The picture could not be made.
    #[error("the picture could not be made: {0}")]
    Picture(String),
    /// The store could not be asked.
    #[error(transparent)]
    Sql(#[from] SqlError),
}

fn nearest_words(nearest: &[String]) -> String {
    if nearest.is_empty() {
        return ": no games have been recorded or imported yet".to_owned();
    }
    format!("; the ids most like it are {}", nearest.join(", "))
}
