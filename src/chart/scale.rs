//! Axes: values to pixels, and the round numbers written beside them.

use super::options::Scale;

/// A stretch of values on a stretch of pixels. Pixels may run downwards.
#[derive(Debug, Clone, Copy)]
pub struct Axis {
    low: f64,
    high: f64,
    from: f32,
    to: f32,
    log: bool,
    /// Only whole numbers are values.
    whole: bool,
}

impl Axis {
    /// Ticks of the games, with a little room at both ends.
    pub fn ticks(last: i64, from: f32, to: f32) -> Axis {
        let last = (last.max(1)) as f64;
        Axis { low: -last * 0.01, high: last * 1.02, from, to, log: false, whole: true }
    }

    /// Prices between `lowest` and `highest`.
    pub fn prices(lowest: f64, highest: f64, scale: Scale, from: f32, to: f32) -> Axis {
        match scale {
            Scale::Linear => {
                // A flat line at 0 would have no height.
                let high = if highest > 0.0 { highest * 1.08 } else { 1.0 };
                Axis { low: 0.0, high, from, to, log: false, whole: false }
            }
            Scale::Log => {
                // A game of zeros has no lowest price above them.
                let low = if lowest > 0.0 && lowest < f64::MAX { lowest } else { 1e-4 };
                let high = if highest > low { highest } else { low * 10.0 };
                Axis { low: low / 1.3, high: high * 1.3, from, to, log: true, whole: false }
            }
        }
    }

    /// The pixel of a value; what has none (0 on a log axis) is at the low end.
    pub fn at(&self, value: f64) -> f32 {
        let (low, high, value) = if self.log {
            (self.low.ln(), self.high.ln(), value.max(self.low).ln())
        } else {
            (self.low, self.high, value)
        };
        let part = ((value - low) / (high - low)) as f32;
        self.from + part * (self.to - self.from)
    }

    /// At most `most` round values within the axis.
    pub fn round_values(&self, most: usize) -> Vec<f64> {
        if self.log { self.round_ratios(most) } else { self.round_steps(most) }
    }

    fn round_steps(&self, most: usize) -> Vec<f64> {
        let most = most.max(2) as f64;
        let rough = (self.high - self.low) / most;
        // There is nothing between two ticks.
        let rough = if self.whole { rough.max(1.0) } else { rough };
        let decade = 10_f64.powf(rough.log10().floor());
        let step = [1.0, 2.0, 5.0, 10.0]
            .into_iter()
            .map(|factor| factor * decade)
            .find(|step| *step >= rough)
            .unwrap_or(10.0 * decade);
        let first = (self.low / step).ceil() as i64;
        let last = (self.high / step).floor() as i64;
        (first..=last).map(|count| count as f64 * step).collect()
    }

    fn round_ratios(&self, most: usize) -> Vec<f64> {
        let (first, last) = (self.low.log10().floor() as i32, self.high.log10().ceil() as i32);
        let values = |factors: &[f64], every: usize| -> Vec<f64> {
            (first..=last)
                .step_by(every)
                .flat_map(|decade| factors.iter().map(move |factor| factor * 10_f64.powi(decade)))
                .filter(|value| (self.low..=self.high).contains(value))
                .collect()
        };
        let grids = [(&[1.0, 2.0, 5.0][..], 1), (&[1.0, 3.0][..], 1), (&[1.0][..], 1), (&[1.0][..], 2)];
        grids
            .into_iter()
            .map(|(factors, every)| values(factors, every))
            .find(|values| values.len() <= most.max(2))
            .unwrap_or_else(|| {
                // Corrupted prices may span hundreds of decades.
                let decades = usize::try_from(last.saturating_sub(first)).unwrap_or(0);
                values(&[1.0], decades / most.max(2) + 1)
            })
    }
}

/// A multiplier as it is written: enough digits to tell it from its neighbours, and no more.
pub fn multiplier(price: f64) -> String {
    // Corrupted prices: hundreds of digits would leave no room for the plot.
    if price.abs() >= 1e6 || (price != 0.0 && price.abs() < 5e-5) {
        return format!("{price:.0e}×");
    }
    let digits = match price.abs() {
        size if size >= 100.0 => 0,
        size if size >= 10.0 => 1,
        size if size >= 0.1 => 2,
        0.0 => 0,
        _ => 4,
    };
    let text = format!("{price:.digits$}");
    let text = if text.contains('.') { text.trim_end_matches('0').trim_end_matches('.') } else { &text };
    format!("{text}×")
}
