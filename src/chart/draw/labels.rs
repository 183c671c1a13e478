//! Texts in the plot, none over another.

use crate::chart::canvas::Area;
use crate::chart::font;

/// Where texts stand already.
pub(super) struct Labels {
    within: Area,
    taken: Vec<Area>,
}

impl Labels {
    /// None yet.
    pub fn within(area: Area) -> Labels {
        Labels { within: area, taken: Vec::new() }
    }

    /// A place for a text around a point: the first that is free of `above left`, `above right`, … and further away.
    /// `None` when all are taken.
    pub fn around(&mut self, text: &str, size: f32, (x, y): (f32, f32)) -> Option<Area> {
        let (width, height) = (font::width(text, size) + size * 0.7, size * 1.45);
        let gap = size * 0.8;
        let far = [0.0, height * 1.15, height * 2.3, height * 3.5];
        let sides = [x - gap - width, x + gap, x - width / 2.0];
        let places = far.into_iter().flat_map(|away| {
            let levels = [y - height / 2.0 - away, y - height / 2.0 + away];
            levels.into_iter().flat_map(move |top| sides.map(|left| (left, top)))
        });
        // Beside the point first; centred on it only above or below.
        let centred = move |left: f32, top: f32| {
            left == x - width / 2.0 && top < y + gap * 0.6 && top + height > y - gap * 0.6
        };
        let area = places
            .filter(|(left, top)| !centred(*left, *top))
            .map(|(left, top)| Area { left, top, right: left + width, bottom: top + height })
            .find(|area| self.within.holds(area) && !self.taken.iter().any(|taken| taken.meets(area)))?;
        self.taken.push(area);
        Some(area)
    }
}
