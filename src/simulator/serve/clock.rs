//! Game time out of real time.

use std::time::Duration;

use tokio::time::Instant;

/// A clock that runs `speed` times as fast as the real one, from its start on.
#[derive(Debug, Clone, Copy)]
pub struct Clock {
    started: Option<Instant>,
    start_us: i64,
    speed: f64,
}

impl Clock {
    /// A clock that shows `start_us` until it is started.
    pub fn new(start_us: i64, speed: f64) -> Self {
        Self { started: None, start_us, speed }
    }

    /// Starts it, once.
    pub fn start(&mut self) {
        self.started.get_or_insert_with(Instant::now);
    }

    /// Whether it was started.
    pub fn is_running(&self) -> bool {
        self.started.is_some()
    }

    /// Game time, µs.
    pub fn now_us(&self) -> i64 {
        self.after(self.started.map_or(Duration::ZERO, |started| started.elapsed()))
    }

    /// When it will show `due_us`; None before it was started.
    pub fn when(&self, due_us: i64) -> Option<Instant> {
        Some(self.started? + self.until(due_us))
    }

    /// What it shows so long after its start, µs.
    fn after(&self, elapsed: Duration) -> i64 {
        self.start_us.saturating_add((elapsed.as_secs_f64() * self.speed * 1e6) as i64)
    }

    /// How long after its start it shows `due_us`, or a moment more: never less, because whoever waits for the time and
    /// finds it not yet come would ask again and again, and for ever where time goes on in steps.
    fn until(&self, due_us: i64) -> Duration {
        let micros = due_us.saturating_sub(self.start_us).max(0) as f64 / self.speed;
        // A year is longer than any run; a longer sleep would overflow the timer.
        Duration::from_micros(micros.ceil().min(31_536_000e6) as u64 + 1)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Prng;

    #[test]
    fn who_waits_for_a_time_finds_that_it_has_come() {
        let mut dice = Prng::new(7);
        for _ in 0..100_000 {
            let start_us = dice.between(0, 2_000_000_000_000_000);
            let clock = Clock::new(start_us, 0.1 + 5.0 * dice.unit());
            let due_us = start_us + dice.between(0, 40_000_000_000);
            let shown = clock.after(clock.until(due_us));
            assert!((due_us..due_us + 20).contains(&shown), "{clock:?} shows {shown} instead of {due_us}");
        }
    }
}
