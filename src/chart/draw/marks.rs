//! Trades and the cursor: what somebody did, and where a replay stands.

use super::head::cursor_words;
use super::labels::Labels;
use super::layout::Layout;
use super::price::label;
use crate::chart::canvas::Canvas;
use crate::chart::line::{GameLine, Side, Trade};
use crate::chart::theme::Colours;

pub(super) fn draw(canvas: &mut Canvas, layout: &Layout, game: &GameLine, colours: &Colours) {
    if let Some(tick) = game.cursor {
        let (plot, font) = (layout.plot, layout.font);
        let x = layout.x.at(tick as f64);
        canvas.line((x, plot.top), (x, plot.bottom), colours.cursor, 255, font / 8.0);
        if let Some(price) = game.price_at(tick) {
            canvas.circle((x, layout.y.at(price)), font * 0.32, colours.cursor, Some((colours.plot, font / 8.0)));
        }
    }
    // Own ones last, over the others.
    for own in [false, true] {
        for trade in game.trades.iter().filter(|trade| trade.own == own) {
            mark(canvas, layout, game, trade, colours);
        }
    }
}

/// The cursor's name.
pub(super) fn name(canvas: &mut Canvas, layout: &Layout, game: &GameLine, colours: &Colours, labels: &mut Labels) {
    let Some(tick) = game.cursor else { return };
    let text = cursor_words(game, tick);
    let x = layout.x.at(tick as f64);
    let top = layout.plot.top + layout.font * 1.1;
    label(canvas, labels, &text, layout.font, (x, top), colours.cursor, colours);
}

/// A buy points up from below the line, a sell down from above it; shorts are diamonds. Own ones are larger and
/// have an edge.
fn mark(canvas: &mut Canvas, layout: &Layout, game: &GameLine, trade: &Trade, colours: &Colours) {
    let Some(price) = trade.price.or_else(|| game.price_at(trade.tick)) else { return };
    if trade.tick > game.last_tick() {
        return;
    }
    let font = layout.font;
    let (radius, alpha) = if trade.own { (font * 0.5, 255) } else { (font * 0.27, 170) };
    let edge = trade.own.then_some((colours.text, font / 10.0));
    let (x, y) = (layout.x.at(trade.tick as f64), layout.y.at(price));
    let (tip, base) = (radius * 0.4, radius * 2.0);
    match trade.side {
        Side::Buy => {
            let shape = [(x, y + tip), (x + radius, y + base), (x - radius, y + base)];
            canvas.polygon(&inside(shape, layout), colours.buy, alpha, edge);
        }
        Side::Sell => {
            let shape = [(x, y - tip), (x + radius, y - base), (x - radius, y - base)];
            canvas.polygon(&inside(shape, layout), colours.sell, alpha, edge);
        }
        Side::ShortOpen | Side::ShortClose => {
            let shape = [(x, y - radius), (x + radius, y), (x, y + radius), (x - radius, y)];
            canvas.polygon(&shape, colours.short, alpha, edge);
        }
    }
}

/// Moved up or down as a whole until it is in the plot: a buy at the lowest price stays visible.
fn inside(shape: [(f32, f32); 3], layout: &Layout) -> [(f32, f32); 3] {
    let lowest = shape.iter().map(|(_, y)| *y).fold(f32::MIN, f32::max);
    let highest = shape.iter().map(|(_, y)| *y).fold(f32::MAX, f32::min);
    let shift = if lowest > layout.plot.bottom {
        layout.plot.bottom - lowest
    } else {
        (layout.plot.top - highest).max(0.0)
    };
    shape.map(|(x, y)| (x, y + shift))
}
