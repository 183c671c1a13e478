//! The price line of one game: put together from several sources, cut to a part, thinned out.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::Point;
use crate::protocol::fairness::is_god_candle;
use crate::protocol::price::is_plausible;

/// Where a price may be from; points name it by its place here.
pub const ORIGINS: [&str; 4] = ["frame", "recording", "history", "seed"];

const HISTORY: usize = 2;
const SEED: usize = 3;

/// The stored row of one tick.
#[derive(Debug, Deserialize)]
pub struct Stored {
    pub tick: u64,
    pub price: f64,
    pub origin: String,
    pub session_id: Option<String>,
    pub seq: Option<u64>,
}

/// A jump to ten times.
#[derive(Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct GodCandle {
    /// The tick after the jump.
    pub tick: u64,
    /// Price before.
    pub before: f64,
    /// Price after.
    pub after: f64,
}

/// All ticks of a game that have a price.
#[derive(Debug)]
pub struct Line {
    points: Vec<Point>,
    /// What points name by index.
    pub sessions: Vec<String>,
}

impl Line {
    /// Stored ticks, and what only the site's list has. The site counts on after the rug; those are not ticks of the
    /// game.
    pub fn new(stored: Vec<Stored>, listed: &[Option<f64>], rug_tick: Option<i64>) -> Line {
        let last = rug_tick.map_or(u64::MAX, |tick| u64::try_from(tick).unwrap_or(0));
        let mut sessions: Vec<String> = Vec::new();
        let mut ticks: BTreeMap<u64, Point> = BTreeMap::new();
        for row in stored.into_iter().filter(|row| row.tick <= last) {
            let origin = ORIGINS.iter().position(|name| *name == row.origin).unwrap_or(0);
            let session = row.session_id.map(|id| {
                sessions.iter().position(|known| *known == id).unwrap_or_else(|| {
                    sessions.push(id);
                    sessions.len() - 1
                })
            });
            ticks.insert(row.tick, (row.tick, row.price, origin, session, row.seq));
        }
        // As in `chart::load`: what was captured, and what the seed gives bit for bit, goes before the site's list.
        for (tick, price) in (0..=last).zip(listed) {
            if let Some(price) = price.filter(|price| is_plausible(*price)) {
                ticks.entry(tick).or_insert((tick, price, HISTORY, None, None));
            }
        }
        Line { points: ticks.into_values().collect(), sessions }
    }

    /// First tick.
    pub fn first(&self) -> Option<u64> {
        self.points.first().map(|point| point.0)
    }

    /// Last tick.
    pub fn last(&self) -> Option<u64> {
        self.points.last().map(|point| point.0)
    }

    /// Ticks that come from the seed alone.
    pub fn repaired(&self) -> u64 {
        self.points.iter().filter(|point| point.2 == SEED).count() as u64
    }

    /// Jumps to ten times between neighbouring ticks.
    pub fn god_candles(&self) -> Vec<GodCandle> {
        let pairs = self.points.iter().zip(self.points.iter().skip(1));
        let jumps = pairs.filter(|(before, after)| after.0 == before.0 + 1 && is_god_candle(before.1, after.1));
        jumps.map(|(before, after)| GodCandle { tick: after.0, before: before.1, after: after.1 }).collect()
    }

    /// The points from one tick to another, at most `most` of them, and whether any were left out: the first and the
    /// last, and the lowest and the highest of each of as many pieces as fit.
    pub fn part(&self, from: u64, to: u64, most: usize) -> (Vec<Point>, bool) {
        let part: Vec<Point> =
            self.points.iter().filter(|point| (from..=to).contains(&point.0)).copied().collect();
        if part.len() <= most {
            return (part, false);
        }
        let pieces = (most.saturating_sub(2) / 2).max(1);
        let mut keep = vec![0, part.len() - 1];
        let indexed: Vec<(usize, f64)> = part.iter().map(|point| point.1).enumerate().collect();
        for piece in indexed.chunks(indexed.len().div_ceil(pieces)) {
            let by_price = |a: &&(usize, f64), b: &&(usize, f64)| a.1.total_cmp(&b.1);
            keep.extend(
                [piece.iter().min_by(by_price), piece.iter().max_by(by_price)]
                    .into_iter()
                    .flatten()
                    .map(|kept| kept.0),
            );
        }
        keep.sort_unstable();
        keep.dedup();
        (keep.into_iter().filter_map(|index| part.get(index).copied()).collect(), true)
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

    use super::*;

    fn row(tick: u64, price: f64, origin: &str) -> Stored {
        Stored { tick, price, origin: origin.into(), session_id: Some("s".into()), seq: Some(tick + 1) }
    }

    fn long() -> Line {
        let mut rows: Vec<Stored> = (0..5000).map(|tick| row(tick, 1.0, "frame")).collect();
        rows[1234].price = 77.0;
        rows[4321].price = 0.5;
        Line::new(rows, &[], None)
    }

    #[test]
    fn a_tick_has_its_best_source() {
        let stored =
            vec![row(0, 1.0, "frame"), row(2, 1.2, "recording"), row(3, 1.3, "seed"), row(5, 1.5, "seed")];
        let line = Line::new(stored, &[1.0, 1.1, 1.2, 1.3].map(Some), Some(5));
        let (points, _) = line.part(0, 99, 100);
        let origins: Vec<(u64, &str)> = points.iter().map(|point| (point.0, ORIGINS[point.2])).collect();
        assert_eq!(origins, [(0, "frame"), (1, "history"), (2, "recording"), (3, "seed"), (5, "seed")]);
        assert_eq!(line.repaired(), 2);
    }

    #[test]
    fn ticks_after_the_rug_are_none() {
        let line = Line::new((0..10).map(|tick| row(tick, 1.0, "frame")).collect(), &[], Some(6));
        assert_eq!((line.first(), line.last()), (Some(0), Some(6)));
    }

    #[test]
    fn a_thinned_line_keeps_its_ends_and_extremes() {
        let (points, decimated) = long().part(0, u64::MAX, 200);
        assert!(decimated && points.len() <= 200, "{}", points.len());
        assert_eq!((points[0].0, points.last().unwrap().0), (0, 4999));
        assert!(points.iter().any(|point| point.1 == 77.0) && points.iter().any(|point| point.1 == 0.5));
        assert!(points.windows(2).all(|pair| pair[0].0 < pair[1].0));
    }

    #[test]
    fn a_part_that_fits_is_whole() {
        let (points, decimated) = long().part(1200, 1300, 200);
        assert!(!decimated);
        assert_eq!(points.len(), 101);
        assert_eq!(points[34], (1234, 77.0, 0, Some(0), Some(1235)));
    }

    #[test]
    fn a_god_candle_is_exactly_ten_times_from_one_tick_to_the_next() {
        let prices = [1.0, 0.7317, 7.317, 7.5, 80.0];
        let line = Line::new(Vec::new(), &prices.map(Some), None);
        assert_eq!(line.god_candles(), [GodCandle { tick: 2, before: 0.7317, after: 7.317 }]);
        let gap = Line::new(vec![row(1, 1.0, "frame"), row(3, 10.0, "frame")], &[], None);
        assert!(gap.god_candles().is_empty());
    }
}
