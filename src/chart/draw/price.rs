//! Price lines, and what is seen on them: gaps, peak, rug, god candles.

use super::labels::Labels;
use super::layout::Layout;
use crate::chart::canvas::{Area, Canvas};
use crate::chart::line::{GameLine, Point};
use crate::chart::scale::multiplier;
use crate::chart::theme::{Colours, Rgb};

/// A single game.
pub(super) fn one(canvas: &mut Canvas, layout: &Layout, game: &GameLine, colours: &Colours) {
    let (plot, font) = (layout.plot, layout.font);
    for tick in game.god_candles() {
        let (left, right) = (layout.x.at(tick as f64 - 1.0), layout.x.at(tick as f64));
        let band = Area { left: left - 1.5, top: plot.top, right: right + 1.5, bottom: plot.bottom };
        canvas.rect(band, colours.god, 255);
    }
    line(canvas, layout, game, colours.line, colours);
    if let Some(rug) = game.rug_tick {
        let x = layout.x.at(rug as f64);
        canvas.dashed((x, plot.top), (x, plot.bottom), colours.rug, 190, (font / 11.0).max(1.0));
    }
    if let Some(peak) = game.peak() {
        canvas.circle(place(layout, peak), font * 0.28, colours.plot, Some((colours.text, font / 8.0)));
    }
    if let Some(rug) = game.rug() {
        canvas.cross(place(layout, rug), font * 0.4, colours.rug, font / 5.0);
    }
}

/// The names of peak, rug and god candles.
pub(super) fn name(canvas: &mut Canvas, layout: &Layout, game: &GameLine, colours: &Colours, labels: &mut Labels) {
    let font = layout.font;
    if let Some(rug) = game.rug() {
        let text = format!("rug {} at {}", rug.tick, multiplier(rug.price));
        label(canvas, labels, &text, font, place(layout, rug), colours.rug, colours);
    }
    if let Some(peak) = game.peak() {
        let text = format!("peak {}", multiplier(peak.price));
        label(canvas, labels, &text, font, place(layout, peak), colours.text, colours);
    }
    for tick in game.god_candles() {
        let Some(after) = game.at(tick) else { continue };
        let (x, y) = place(layout, after);
        let middle = (x, (y + layout.y.at(after.price / 10.0)) / 2.0);
        label(canvas, labels, "god candle ×10", font, middle, colours.god, colours);
    }
}

/// Several games, aligned by tick.
pub(super) fn several(canvas: &mut Canvas, layout: &Layout, games: &[GameLine], colours: &Colours) {
    for (index, game) in games.iter().enumerate() {
        line(canvas, layout, game, colours.game(index), colours);
    }
    for (index, game) in games.iter().enumerate() {
        if let Some(rug) = game.rug() {
            canvas.cross(place(layout, rug), layout.font * 0.42, colours.plot, layout.font / 2.6);
            canvas.cross(place(layout, rug), layout.font * 0.4, colours.game(index), layout.font / 5.0);
        }
        let Some(tick) = game.cursor else { continue };
        let x = layout.x.at(tick as f64);
        canvas.line((x, layout.plot.top), (x, layout.plot.bottom), colours.cursor, 255, layout.font / 8.0);
        if let Some(price) = game.price_at(tick) {
            let point = (x, layout.y.at(price));
            canvas.circle(point, layout.font * 0.4, colours.cursor, Some((colours.text, layout.font / 9.0)));
        }
    }
}

/// The line: whole where every tick is known, dashed over those that are not.
fn line(canvas: &mut Canvas, layout: &Layout, game: &GameLine, colour: Rgb, colours: &Colours) {
    let width = layout.font / 7.0;
    let mut run: Vec<(f32, f32)> = Vec::new();
    let mut last: Option<&Point> = None;
    for point in &game.points {
        if let Some(before) = last.filter(|before| point.tick > before.tick + 1) {
            canvas.polyline(&run, colour, 255, width, None);
            run.clear();
            canvas.dashed(place(layout, before), place(layout, point), colours.missing, 200, width);
        }
        run.push(place(layout, point));
        last = Some(point);
    }
    if let [single] = run.as_slice() {
        canvas.circle(*single, width, colour, None);
    }
    canvas.polyline(&run, colour, 255, width, None);
}

/// Where a tick is.
pub(super) fn place(layout: &Layout, point: &Point) -> (f32, f32) {
    (layout.x.at(point.tick as f64), layout.y.at(point.price))
}

/// A text near a point, unless there is no room for it: the head has the same facts.
pub(super) fn label(
    canvas: &mut Canvas,
    labels: &mut Labels,
    text: &str,
    size: f32,
    point: (f32, f32),
    colour: Rgb,
    colours: &Colours,
) {
    if let Some(area) = labels.around(text, size, point) {
        canvas.label(text, area, size, colour, colours.plot);
    }
}
