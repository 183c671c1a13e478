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
        let elapsed = self.started.map_or(Duration::ZERO, |started| started.elapsed());
        self.start_us.saturating_add((elapsed.as_secs_f64() * self.speed * 1e6) as i64)
    }

    /// When it will show `due_us`; None before it was started.
    pub fn when(&self, due_us: i64) -> Option<Instant> {
        let seconds = due_us.saturating_sub(self.start_us).max(0) as f64 / 1e6 / self.speed;
        // A year is longer than any run; a longer sleep would overflow the timer.
        Some(self.started? + Duration::from_secs_f64(seconds.min(31_536_000.0)))
    }
}
