//! Chrome's monotonic time made wall time.
//!
//! Chrome stamps every frame with seconds of a clock that starts anywhere and never jumps. Differences between
//! frames are its, exactly; only where its zero lies on the wall clock has to be found. Requests carry both times
//! and tell it; until one is seen, the first frame's arrival does. The two clocks drift apart when the machine
//! sleeps or its time is set: that shows in the arrivals, and the zero is found anew.

/// Chrome's own times at or above it are seconds of the epoch already (some builds and tools write those).
const EPOCH: f64 = 1e9;
/// Arrivals looked at before the clocks are called apart.
const LOOKED_AT: u32 = 20;
/// For so long, microseconds: a browser that was stuck delivers many late frames, but all at once.
const LOOKED_FOR: i64 = 3_000_000;
/// How far apart they may be, microseconds: network and scheduling explain less.
const TOLERATED: i64 = 250_000;

/// Where Chrome's zero lies.
#[derive(Debug, Clone, Copy, PartialEq)]
struct Zero {
    /// Microseconds UTC.
    us: i64,
    /// BrowserMessage by Chrome, not guessed from an arrival.
    told: bool,
}

/// Maps the times of one browser process group.
#[derive(Debug, Default)]
pub struct Clock {
    zero: Option<Zero>,
    drift: Option<Drift>,
}

/// Arrivals one after the other that were all too late, or all too early.
#[derive(Debug, Clone, Copy)]
struct Drift {
    /// The smallest of them, microseconds.
    least: i64,
    count: u32,
    /// Arrival of the first, microseconds UTC.
    since_us: i64,
}

/// The zero moved by so many microseconds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Adjusted(pub i64);

fn micros(seconds: f64) -> i64 {
    (seconds * 1e6).round() as i64
}

impl Clock {
    /// Both times of one request: `monotonic` and `wall`, seconds. Tells when the zero moved by more than is
    /// tolerated.
    pub fn pair(&mut self, monotonic: f64, wall: f64) -> Option<Adjusted> {
        if !monotonic.is_finite() || monotonic <= 0.0 || monotonic >= EPOCH || !(EPOCH..1e11).contains(&wall) {
            return None;
        }
        let us = micros(wall) - micros(monotonic);
        let moved = self.zero.map_or(0, |zero| us - zero.us);
        // Two readings of the same clocks differ by microseconds; keep differences between frames exact.
        if self.zero.is_some_and(|zero| zero.told) && moved.abs() <= TOLERATED {
            return None;
        }
        self.zero = Some(Zero { us, told: true });
        self.drift = None;
        (moved.abs() > TOLERATED).then_some(Adjusted(moved))
    }

    /// The wall time of a frame, microseconds UTC. `seconds`: Chrome's time of it; `now_us`: when it arrived.
    pub fn wall_us(&mut self, seconds: f64, now_us: i64) -> i64 {
        // No time at all.
        if !seconds.is_finite() || seconds <= 0.0 {
            return now_us;
        }
        if seconds >= EPOCH {
            return micros(seconds);
        }
        let zero = *self.zero.get_or_insert(Zero { us: now_us - micros(seconds), told: false });
        zero.us + micros(seconds)
    }

    /// Looks at an arrival that did not wait in a queue of ours. Tells when the zero was found anew.
    pub fn arrived(&mut self, seconds: f64, now_us: i64) -> Option<Adjusted> {
        let zero = self.zero.filter(|_| seconds > 0.0 && seconds < EPOCH)?;
        let late = now_us - (zero.us + micros(seconds));
        if late.abs() <= TOLERATED {
            self.drift = None;
            return None;
        }
        let mut drift = match self.drift {
            Some(drift) if drift.least.signum() == late.signum() => drift,
            _ => Drift { least: late, count: 0, since_us: now_us },
        };
        drift.count += 1;
        if late.abs() < drift.least.abs() {
            drift.least = late;
        }
        self.drift = Some(drift);
        if drift.count < LOOKED_AT || now_us - drift.since_us < LOOKED_FOR {
            return None;
        }
        self.zero = Some(Zero { us: zero.us + drift.least, told: false });
        self.drift = None;
        Some(Adjusted(drift.least))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: i64 = 1_700_000_000_000_000;

    /// D7.
    #[test]
    fn frames_keep_their_distance_whatever_the_wall_clock_says() {
        let mut clock = Clock::default();
        let first = clock.wall_us(100.0, NOW);
        clock.arrived(100.0, NOW);
        let second = clock.wall_us(101.5, NOW);
        clock.arrived(101.5, NOW);
        assert_eq!((first, second - first), (NOW, 1_500_000));
    }

    /// D13, D14.
    #[test]
    fn epoch_seconds_stay_and_no_time_is_now() {
        let mut clock = Clock::default();
        assert_eq!(clock.wall_us(1_234_567_890.123, NOW), 1_234_567_890_123_000);
        assert_eq!(clock.wall_us(0.0, NOW), NOW);
        assert_eq!(clock.wall_us(f64::NAN, NOW), NOW);
        assert_eq!(clock.zero, None, "neither tells where zero lies");
    }

    #[test]
    fn a_request_tells_the_zero_and_beats_a_guess() {
        let mut clock = Clock::default();
        clock.wall_us(100.0, NOW);
        assert_eq!(clock.pair(101.0, (NOW - 2_000_000) as f64 / 1e6), Some(Adjusted(-3_000_000)));
        assert_eq!(clock.wall_us(101.0, NOW), NOW - 2_000_000);
        // The next pair of the same clocks changes nothing.
        assert_eq!(clock.pair(102.0, (NOW - 1_000_100) as f64 / 1e6), None);
        assert_eq!(clock.wall_us(101.0, NOW), NOW - 2_000_000);
        assert_eq!(clock.pair(103.0, 5.0), None, "no wall time");
    }

    #[test]
    fn a_machine_that_slept_is_noticed_by_late_arrivals() {
        let mut clock = Clock::default();
        clock.pair(100.0, NOW as f64 / 1e6);
        let hour = 3_600_000_000;
        let adjusted: Vec<_> = (0..40)
            .filter_map(|n| {
                let seconds = 101.0 + f64::from(n) * 0.25;
                clock.arrived(seconds, NOW + hour + micros(seconds - 100.0) + 30_000 - i64::from(n % 3) * 10_000)
            })
            .collect();
        assert_eq!(adjusted, [Adjusted(hour + 10_000)], "once, by the promptest arrival");
        assert_eq!(clock.wall_us(200.0, NOW), NOW + hour + 100_010_000);
    }

    #[test]
    fn a_burst_after_a_stall_moves_nothing() {
        let mut clock = Clock::default();
        clock.pair(100.0, NOW as f64 / 1e6);
        for n in 0..60 {
            assert_eq!(clock.arrived(100.0 + f64::from(n) * 0.1, NOW + 6_300_000 + i64::from(n)), None);
        }
    }

    #[test]
    fn single_late_frames_are_only_late() {
        let mut clock = Clock::default();
        clock.pair(100.0, NOW as f64 / 1e6);
        for n in 0..1000 {
            let late = if n % 10 == 0 { 0 } else { 900_000 };
            let seconds = 100.0 + f64::from(n);
            assert_eq!(clock.arrived(seconds, NOW + micros(f64::from(n)) + late), None);
        }
    }
}
