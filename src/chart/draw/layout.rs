//! Where everything stands, in pixels.

use super::lanes;
use crate::chart::canvas::Area;
use crate::chart::font;
use crate::chart::line::GameLine;
use crate::chart::options::Options;
use crate::chart::scale::{Axis, multiplier};

/// Captions of the strips, in the column of the price labels.
pub(super) const BETS: &str = "side bets";
/// The tick axis and the strip on it.
pub(super) const TICKS: &str = "tick";

/// Where everything stands.
pub(super) struct Layout {
    /// Size of usual text.
    pub font: f32,
    /// Room at the edges.
    pub pad: f32,
    /// Width of the picture.
    pub width: f32,
    /// The price plot.
    pub plot: Area,
    /// One lane per row of side bets, below the plot.
    pub bets: Option<Area>,
    /// Lanes that are shown.
    pub lanes: usize,
    /// The strip of captured and missing ticks.
    pub coverage: Option<Area>,
    /// Ticks to pixels.
    pub x: Axis,
    /// Prices to pixels.
    pub y: Axis,
    /// Prices that are written.
    pub prices: Vec<f64>,
    /// Ticks that are written.
    pub ticks: Vec<f64>,
}

/// Size of usual text for a picture: small enough to leave room, never too small to read.
pub(super) fn font_size(options: &Options) -> f32 {
    (options.width as f32 / 90.0).min(options.height as f32 / 36.0).clamp(11.0, 18.0)
}

/// Height of one lane of side bets.
pub(super) fn lane_height(font: f32) -> f32 {
    (font * 0.45).round()
}

impl Layout {
    /// For these games, below a head of `head` pixels.
    pub fn of(games: &[GameLine], options: &Options, head: f32) -> Layout {
        let font = font_size(options);
        let (width, height) = (options.width as f32, options.height as f32);
        let pad = (font * 0.9).round();
        let alone = match games {
            [game] => Some(game),
            _ => None,
        };
        let needed = alone.map_or(0, |game| lanes(game).1);
        let most = ((height * 0.16 / lane_height(font)) as usize).max(3);
        let shown = needed.min(most);

        // From the bottom up: tick numbers, coverage, side bets; the plot takes the rest.
        let foot = height - pad * 0.5 - font * 1.5;
        let coverage_height = if alone.is_some() { (font * 0.55).round() } else { 0.0 };
        let bets_height = if shown > 0 { shown as f32 * lane_height(font) + font * 0.5 } else { 0.0 };
        let (top, bottom) = (head, (foot - coverage_height - bets_height - font * 0.35).max(head + font * 3.0));

        let prices = games.iter().flat_map(|game| game.points.iter().map(|point| point.price));
        let highest = prices.clone().fold(f64::MIN, f64::max);
        let lowest = prices.filter(|price| *price > 0.0).fold(f64::MAX, f64::min);
        let y = Axis::prices(lowest, highest, options.scale, bottom, top);
        let written = y.round_values(((bottom - top) / (font * 2.6)) as usize);
        let captions = [BETS].into_iter().filter(|_| shown > 0).chain([TICKS]);
        let column = written
            .iter()
            .map(|price| font::width(&multiplier(*price), font))
            .chain(captions.map(|caption| font::width(caption, font * 0.9)))
            .fold(0.0, f32::max);

        let (left, right) = ((pad + column + font * 0.6).round(), width - pad);
        let last = games.iter().map(GameLine::last_tick).max().unwrap_or(0);
        let x = Axis::ticks(last, left, right);
        let digits = font::width(&last.to_string(), font);
        let area = |top: f32, bottom: f32| Area { left, top: top.round(), right, bottom: bottom.round() };
        Layout {
            font,
            pad,
            width,
            plot: area(top, bottom),
            bets: (shown > 0).then(|| area(bottom + font * 0.35, bottom + font * 0.35 + bets_height)),
            lanes: shown,
            coverage: alone.map(|_| area(foot - coverage_height, foot)),
            x,
            y,
            prices: written,
            ticks: x.round_values(((right - left) / (digits + font * 2.5)) as usize),
        }
    }
}
