//! The parts of a chart, from the ground up: axes, strips, lines, marks, head.

mod axes;
mod head;
mod labels;
mod layout;
mod marks;
mod price;
mod strips;

use super::canvas::Canvas;
use super::line::GameLine;
use super::options::Options;
use labels::Labels;
use layout::Layout;

pub(super) use strips::lanes;

/// Draws it all.
pub(super) fn chart(games: &[GameLine], options: &Options) -> Canvas {
    let colours = options.theme.colours();
    let mut canvas = Canvas::new(options.width, options.height, colours.ground);
    let head = head::Head::of(games, options, colours);
    let layout = Layout::of(games, options, head.height());
    head.draw(&mut canvas, &layout);
    axes::draw(&mut canvas, &layout, colours);
    if let [game] = games {
        strips::draw(&mut canvas, &layout, game, colours);
        price::one(&mut canvas, &layout, game, colours);
        marks::draw(&mut canvas, &layout, game, colours);
        // Texts last: nothing is drawn over them.
        let line = game.points.iter().map(|point| price::place(&layout, point)).collect();
        let mut labels = Labels::within(layout.plot, line);
        marks::name(&mut canvas, &layout, game, colours, &mut labels);
        price::name(&mut canvas, &layout, game, colours, &mut labels);
    } else {
        price::several(&mut canvas, &layout, games, colours);
        let lines = games.iter().flat_map(|game| game.points.iter().map(|point| price::place(&layout, point)));
        let mut labels = Labels::within(layout.plot, lines.collect());
        for game in games {
            marks::name(&mut canvas, &layout, game, colours, &mut labels);
        }
    }
    canvas
}
