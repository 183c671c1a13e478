//! A game's price path as a picture: price, rug, trades, side bets, what was captured and what was proven.
//!
//! Pure from the data on: [`GameLine`]s in, a [`Picture`] (PNG) out; the same input is the same bytes. The font
//! is in the binary, nothing of the system is used.
//!
//! * [`line`] — what is drawn of a game. [`load`] — reading it from the store, [`own`] — the own orders among it.
//!   [`summary`] — the same in words.
//! * [`options`] — size, scale, theme. [`scale`] — axes: values to pixels, round numbers.
//! * [`canvas`], [`font`], [`theme`] — shapes, text, colours. [`draw`] — the parts of a chart.
//! * [`picture`] — PNG within its limit.

pub mod canvas;
pub mod draw;
pub mod error;
pub mod font;
pub mod line;
pub mod load;
pub mod options;
pub mod own;
pub mod picture;
pub mod scale;
pub mod summary;
pub mod theme;

#[cfg(test)]
mod tests;

pub use error::ChartError;
pub use line::GameLine;
pub use options::{Options, Scale, Theme};
pub use picture::Picture;
pub use summary::Summary;

/// Most games on one chart: as many as there are colours that can be told apart.
pub const MOST_GAMES: usize = 6;

/// Draws one game with everything that is known of it, or several to be compared.
///
/// # Errors
/// [`ChartError`] when a size is out of bounds, when there are no games or too many, when a game has no prices.
pub fn render(games: &[GameLine], options: &Options) -> Result<Picture, ChartError> {
    options.check()?;
    if games.is_empty() {
        return Err(ChartError::NoGames);
    }
    if games.len() > MOST_GAMES {
        return Err(ChartError::TooManyGames { asked: games.len() });
    }
    if let Some(empty) = games.iter().find(|game| game.points.is_empty()) {
        return Err(ChartError::NoTicks { game_id: empty.game_id.clone() });
    }
    picture::encode(&draw::chart(games, options))
}
