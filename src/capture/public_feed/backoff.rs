//! How long to wait before the next attempt: growing, with jitter, without an end.

use std::hash::{BuildHasher, Hasher, RandomState};
use std::time::Duration;

/// The bounds of the waiting.
#[derive(Debug, Clone, Copy)]
pub(super) struct Bounds {
    /// The first wait.
    pub(super) first: Duration,
    /// The longest wait.
    pub(super) longest: Duration,
}

/// Counts failures in a row.
#[derive(Debug, Clone)]
pub(super) struct Backoff {
    bounds: Bounds,
    failures: u32,
    /// The last connection was a good one.
    was_stable: bool,
}

impl Backoff {
    pub(super) fn new(bounds: Bounds) -> Backoff {
        Backoff { bounds, failures: 0, was_stable: false }
    }

    /// Failures in a row.
    pub(super) fn failures(&self) -> u32 {
        self.failures
    }

    /// A connection was up long enough to believe in the next one.
    pub(super) fn stable(&mut self) {
        self.failures = 0;
        self.was_stable = true;
    }

    /// Counts a failure, and tells how long to wait. `jitter` is evenly spread over 0 … 1.
    ///
    /// The loss of a good connection is answered almost at once: the server repeats the last five ticks (1.25 s)
    /// with every tick, so a gap shorter than that costs none.
    pub(super) fn failed(&mut self, jitter: f64) -> Duration {
        self.failures = self.failures.saturating_add(1);
        if std::mem::take(&mut self.was_stable) {
            return self.bounds.first.mul_f64(0.2 * jitter);
        }
        let doubled = self.bounds.first.saturating_mul(1 << (self.failures - 1).min(16));
        doubled.min(self.bounds.longest).mul_f64(0.5 + 0.5 * jitter)
    }
}

/// A number between 0 and 1. Need not be good: it only keeps clients of one server from marching in step.
pub(super) fn jitter() -> f64 {
    let random = RandomState::new().build_hasher().finish();
    (random >> 11) as f64 / (1u64 << 53) as f64
}

#[cfg(test)]
mod tests {
    use super::*;

    const BOUNDS: Bounds = Bounds { first: Duration::from_secs(1), longest: Duration::from_secs(30) };

    #[test]
    fn waits_double_up_to_the_longest_and_never_end() {
        let mut backoff = Backoff::new(BOUNDS);
        let waits: Vec<u64> = (0..8).map(|_| backoff.failed(1.0).as_secs()).collect();
        assert_eq!(waits, [1, 2, 4, 8, 16, 30, 30, 30]);
        let mut later = (0..100_000).map(|_| backoff.failed(1.0));
        assert!(later.all(|wait| wait == BOUNDS.longest));
    }

    #[test]
    fn jitter_spreads_a_wait_over_its_upper_half() {
        let wait = |jitter| {
            let mut backoff = Backoff::new(BOUNDS);
            backoff.failed(jitter);
            backoff.failed(jitter)
        };
        assert_eq!((wait(0.0), wait(1.0)), (Duration::from_secs(1), Duration::from_secs(2)));
        assert!((0..100).all(|_| (0.0..1.0).contains(&super::jitter())));
        assert_ne!(super::jitter(), super::jitter());
    }

    #[test]
    fn a_lost_stable_connection_is_tried_again_at_once_and_counts_anew() {
        let mut backoff = Backoff::new(BOUNDS);
        (0..9).for_each(|_| _ = backoff.failed(1.0));
        backoff.stable();
        assert!(backoff.failed(1.0) <= Duration::from_millis(200));
        assert_eq!(backoff.failures(), 1);
        assert_eq!(backoff.failed(1.0).as_secs(), 2);
    }
}
