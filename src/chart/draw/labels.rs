//! Texts in the plot: none over another, and over the line only where there is no other place.

use crate::chart::canvas::Area;
use crate::chart::font;

/// Where texts stand already.
pub(super) struct Labels {
    within: Area,
    line: Vec<(f32, f32)>,
    taken: Vec<Area>,
}

impl Labels {
    /// None yet, in a plot with a line through these points.
    pub fn within(area: Area, line: Vec<(f32, f32)>) -> Labels {
        Labels { within: area, line, taken: Vec::new() }
    }

    /// A place for a text near a point: of the free ones that which covers least of the line, and of those the
    /// nearest. `None` when all are taken.
    pub fn around(&mut self, text: &str, size: f32, (x, y): (f32, f32)) -> Option<Area> {
        let (width, height) = (font::width(text, size) + size * 0.7, size * 1.45);
        let gap = size * 0.8;
        let mut best: Option<(usize, Area)> = None;
        for away in [0.0, height * 1.15, height * 2.3, height * 3.5] {
            for top in [y - height / 2.0 - away, y - height / 2.0 + away] {
                for left in [x - gap - width, x + gap, x - width / 2.0] {
                    let area = Area { left, top, right: left + width, bottom: top + height };
                    // Over its own point a text would hide what it names.
                    let hides = left < x && x < area.right && top < y + gap * 0.6 && y - gap * 0.6 < area.bottom;
                    let free = self.within.holds(&area) && !self.taken.iter().any(|taken| taken.meets(&area));
                    if hides || !free {
                        continue;
                    }
                    let covered = self.line.iter().filter(|(x, y)| area.has(*x, *y)).count();
                    if best.is_none_or(|(least, _)| covered < least) {
                        best = Some((covered, area));
                    }
                }
            }
        }
        let (_, area) = best?;
        self.taken.push(area);
        Some(area)
    }
}
