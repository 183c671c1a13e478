//! Below the plot, on the same ticks: the windows of the side bets, and which ticks were captured.

use super::layout::{Layout, lane_height};
use crate::chart::canvas::{Area, Canvas};
use crate::chart::line::{Bet, GameLine};
use crate::chart::theme::Colours;

pub(super) fn draw(canvas: &mut Canvas, layout: &Layout, game: &GameLine, colours: &Colours) {
    if let Some(strip) = layout.coverage {
        coverage(canvas, layout, game, strip, colours);
    }
    if let Some(strip) = layout.bets {
        bets(canvas, layout, game, strip, colours);
    }
}

/// Own bets first, then by start: each on the first lane that is free. Gives the lane of each bet in the order of
/// `bets`, and how many lanes there are.
pub(crate) fn lanes(game: &GameLine) -> (Vec<(usize, Bet)>, usize) {
    let mut order: Vec<Bet> = game.bets.clone();
    order.sort_by_key(|bet| (!bet.own, bet.start, bet.end));
    let mut ends: Vec<Vec<(i64, i64)>> = Vec::new();
    let mut placed = Vec::new();
    for bet in order {
        let free = |lane: &Vec<(i64, i64)>| lane.iter().all(|(start, end)| bet.start > *end || bet.end < *start);
        let lane = ends.iter().position(free).unwrap_or(ends.len());
        match ends.get_mut(lane) {
            Some(taken) => taken.push((bet.start, bet.end)),
            None => ends.push(vec![(bet.start, bet.end)]),
        }
        placed.push((lane, bet));
    }
    (placed, ends.len())
}

fn bets(canvas: &mut Canvas, layout: &Layout, game: &GameLine, strip: Area, colours: &Colours) {
    let height = lane_height(layout.font);
    for (lane, bet) in lanes(game).0.into_iter().filter(|(lane, _)| *lane < layout.lanes) {
        let end = bet.end.min(game.last_tick());
        let top = strip.top + layout.font * 0.25 + lane as f32 * height;
        let left = layout.x.at(bet.start as f64);
        let area = Area {
            left,
            top: top + 1.0,
            right: layout.x.at(end as f64).clamp(left + 2.0, layout.plot.right.max(left + 2.0)),
            bottom: top + height - 1.0,
        };
        let colour = match bet.won {
            Some(true) => colours.won,
            Some(false) => colours.lost,
            None => colours.open,
        };
        if bet.own {
            let edge = Area {
                left: area.left - 1.5,
                top: area.top - 1.5,
                right: area.right + 1.5,
                bottom: area.bottom + 1.5,
            };
            canvas.rect(edge, colours.text, 255);
        }
        canvas.rect(area, colour, if bet.own { 255 } else { 150 });
    }
}

fn coverage(canvas: &mut Canvas, layout: &Layout, game: &GameLine, strip: Area, colours: &Colours) {
    // A tick stands for the stretch up to the next one. Stretches of one origin are drawn at once, so that no seams
    // show; what is rare is drawn last and at least two pixels wide, so that one missing tick in 5000 is seen.
    let mut stretch = |from: i64, to: i64, colour, least: f32| {
        let (left, right) = (layout.x.at(from as f64 - 0.5), layout.x.at(to as f64 + 0.5));
        let (left, right) = (left.max(strip.left), right.min(strip.right));
        let right = if right - left < least { left + least } else { right };
        canvas.rect(Area { left, right, ..strip }, colour, 255);
    };
    let mut rare = Vec::new();
    for run in game.points.chunk_by(|a, b| a.origin == b.origin && b.tick == a.tick + 1) {
        let (Some(first), Some(last)) = (run.first(), run.last()) else { continue };
        stretch(first.tick, last.tick, colours.origin(first.origin), 0.0);
        if first.origin != crate::chart::line::Origin::Captured {
            rare.push((first.tick, last.tick, colours.origin(first.origin)));
        }
    }
    for (from, to, colour) in rare {
        stretch(from, to, colour, 2.0);
    }
    for (from, to) in game.unknown() {
        stretch(from, to, colours.missing, 2.0);
    }
}
