//! Plot ground, grid, prices on the left, ticks below.

use super::layout::{BETS, Layout, TICKS};
use crate::chart::canvas::{Anchor, Canvas, baseline};
use crate::chart::scale::multiplier;
use crate::chart::theme::Colours;

pub(super) fn draw(canvas: &mut Canvas, layout: &Layout, colours: &Colours) {
    let (plot, font) = (layout.plot, layout.font);
    canvas.rect(plot, colours.plot, 255);
    let column = plot.left - font * 0.5;
    for price in &layout.prices {
        // On whole pixels, or a thin line becomes two pale ones.
        let y = layout.y.at(*price).round() + 0.5;
        if y < plot.top || y > plot.bottom + 1.0 {
            continue;
        }
        let start = (*price - 1.0).abs() < f64::EPSILON;
        let (colour, alpha) = if start { (colours.muted, 150) } else { (colours.grid, 255) };
        canvas.line((plot.left, y), (plot.right, y), colour, alpha, 1.0);
        canvas.text(&multiplier(*price), (column, y + font * 0.36), font, Anchor::End, colours.muted);
    }
    let foot = layout.coverage.map_or(plot.bottom, |strip| strip.bottom);
    for tick in &layout.ticks {
        let x = layout.x.at(*tick).round() + 0.5;
        if x < plot.left || x > plot.right {
            continue;
        }
        canvas.line((x, plot.top), (x, plot.bottom), colours.grid, 140, 1.0);
        canvas.text(&format!("{tick:.0}"), (x, foot + font * 1.2), font, Anchor::Middle, colours.muted);
    }
    canvas.text(TICKS, (column, foot + font * 1.2), font * 0.9, Anchor::End, colours.muted);
    if let Some(bets) = &layout.bets {
        canvas.text(BETS, (column, baseline(bets, font * 0.9)), font * 0.9, Anchor::End, colours.muted);
    }
}
