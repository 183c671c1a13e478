//! How long requests take: to their ack (matched by ack id) and to the broadcast they cause (matched by trace
//! id), over a window of the last samples. Never first-in-first-out: answers overtake each other.

use std::collections::VecDeque;

use serde::Serialize;

/// Which way was measured.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Leg {
    /// Request → its ack.
    Ack,
    /// Request → the broadcast with its trace id.
    Broadcast,
}

/// How bad a latency is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "UPPERCASE")]
pub enum Grade {
    /// Below two seconds.
    Ok,
    /// From two seconds.
    Warning,
    /// From five.
    Error,
    /// From ten.
    Critical,
}

impl Grade {
    /// The grade of a latency in milliseconds.
    pub fn of(ms: f64) -> Grade {
        match ms {
            ms if ms >= 10_000.0 => Grade::Critical,
            ms if ms >= 5_000.0 => Grade::Error,
            ms if ms >= 2_000.0 => Grade::Warning,
            _ => Grade::Ok,
        }
    }
}

/// A single sample above this is a spike when the usual ones are below it, milliseconds.
pub const SPIKE_MS: f64 = 5_000.0;
/// Samples kept.
const WINDOW: usize = 256;

/// The last samples of one leg.
#[derive(Debug, Clone)]
pub struct Window {
    samples: VecDeque<f64>,
    spike_ms: f64,
    /// Samples ever.
    pub total: u64,
    /// Spikes ever.
    pub spikes: u64,
}

impl Default for Window {
    fn default() -> Window {
        Window::with_limit(SPIKE_MS)
    }
}

/// What a window says.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct Summary {
    /// Samples in the window.
    pub n: usize,
    /// Median, milliseconds.
    pub p50_ms: f64,
    /// 95th percentile.
    pub p95_ms: f64,
    /// 99th percentile.
    pub p99_ms: f64,
    /// The largest.
    pub max_ms: f64,
    /// The last one.
    pub last_ms: f64,
    /// How bad the last one is.
    pub grade: Grade,
    /// Spikes ever.
    pub spikes: u64,
}

impl Window {
    /// An empty window; a sample above `spike_ms` is a spike unless the median is too.
    pub fn with_limit(spike_ms: f64) -> Window {
        Window { samples: VecDeque::new(), spike_ms, total: 0, spikes: 0 }
    }

    /// Adds a sample, milliseconds; whether it is a spike.
    pub fn add(&mut self, ms: f64) -> bool {
        let usual = self.percentile(0.5);
        let spike = ms > self.spike_ms && usual.is_none_or(|usual| usual <= self.spike_ms);
        if self.samples.len() >= WINDOW {
            self.samples.pop_front();
        }
        self.samples.push_back(ms);
        self.total += 1;
        self.spikes += u64::from(spike);
        spike
    }

    /// The nearest-rank percentile of the window; `None` without samples.
    pub fn percentile(&self, share: f64) -> Option<f64> {
        let mut sorted: Vec<f64> = self.samples.iter().copied().collect();
        sorted.sort_by(f64::total_cmp);
        let rank = (share * sorted.len() as f64).ceil() as usize;
        sorted.get(rank.max(1) - 1).copied()
    }

    /// Percentiles of the window; `None` without samples.
    pub fn summary(&self) -> Option<Summary> {
        let last = *self.samples.back()?;
        Some(Summary {
            n: self.samples.len(),
            p50_ms: self.percentile(0.5)?,
            p95_ms: self.percentile(0.95)?,
            p99_ms: self.percentile(0.99)?,
            max_ms: self.percentile(1.0)?,
            last_ms: last,
            grade: Grade::of(last),
            spikes: self.spikes,
        })
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    // S19
    #[test]
    fn s19_a_latency_has_a_grade() {
        let grades = [500.0, 2500.0, 6000.0, 15_000.0].map(Grade::of);
        assert_eq!(grades, [Grade::Ok, Grade::Warning, Grade::Error, Grade::Critical]);
    }

    // S20
    #[test]
    fn s20_one_slow_answer_among_fast_ones_is_a_spike() {
        let mut window = Window::with_limit(5000.0);
        assert!((0..20).all(|_| !window.add(100.0)));
        assert!(window.add(6000.0));
        assert_eq!(window.spikes, 1);
    }

    #[test]
    fn percentiles_are_over_the_last_samples_only() {
        let mut window = Window::default();
        (0..1000).for_each(|_| {
            window.add(9000.0);
        });
        (1..=256).for_each(|ms| {
            window.add(f64::from(ms));
        });
        let summary = window.summary().unwrap();
        assert_eq!((summary.n, summary.p50_ms, summary.p99_ms, summary.max_ms), (256, 128.0, 254.0, 256.0));
        assert_eq!(window.total, 1256);
        assert_eq!(Window::default().summary(), None);
    }
}
