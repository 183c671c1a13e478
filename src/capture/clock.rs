//! The wall clock against the monotonic one.
//!
//! What is stored is stamped by the wall clock, which people and time servers set; how long something took is measured
//! by the monotonic one, which nobody sets. When the two part, readers must know: behind the jump, times are not
//! comparable with those before it, days and durations between them are wrong, and only `seq` says what came first. So
//! each jump becomes a system event, in its place among the frames.

use std::sync::{LazyLock, Mutex};
use std::time::{Duration, Instant};

use serde_json::{Value, json};
use tokio_util::sync::CancellationToken;

use super::metrics::lock;
use super::sink::Sink;
use crate::store::record::now_us;

/// A smaller jump is none, microseconds: time servers correct so much without a word, and no reader notices.
const TOLERATED: i64 = 2_000_000;

/// How often the clocks are compared while no frame comes.
const LOOK: Duration = Duration::from_millis(500);

/// Two readings of the monotonic clock closer than this belong to one moment, microseconds.
const ONE_MOMENT: i64 = 1_000;

/// The monotonic clock: microseconds since this process first asked. It goes on when the wall clock is set, and halts
/// while the machine sleeps.
pub(super) fn monotonic_us() -> i64 {
    static BEGAN: LazyLock<Instant> = LazyLock::new(Instant::now);
    BEGAN.elapsed().as_micros() as i64
}

/// Both clocks at one moment.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Moment {
    /// The wall clock, microseconds UTC.
    pub(super) wall_us: i64,
    /// The monotonic clock, microseconds.
    pub(super) monotonic_us: i64,
}

impl Moment {
    /// Now. A process that is held up between two readings reads again.
    pub(super) fn now() -> Moment {
        loop {
            let before = monotonic_us();
            let moment = Moment { wall_us: now_us(), monotonic_us: before };
            if monotonic_us() - before <= ONE_MOMENT {
                return moment;
            }
        }
    }

    /// How far the wall clock went ahead of the monotonic one since `earlier`, microseconds.
    fn ahead_of(self, earlier: Moment) -> i64 {
        (self.wall_us - earlier.wall_us).saturating_sub(self.monotonic_us - earlier.monotonic_us)
    }
}

/// The wall clock was set, or the machine slept.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Jump {
    before: Moment,
    after: Moment,
}

impl Jump {
    /// The details of the system event.
    pub(super) fn details(self) -> Value {
        json!({
            "wall_before_us": self.before.wall_us,
            "wall_after_us": self.after.wall_us,
            "elapsed_ms": (self.after.monotonic_us - self.before.monotonic_us) / 1000,
            "jump_ms": self.after.ahead_of(self.before) / 1000,
        })
    }
}

/// Compares the clocks.
pub(super) struct Clocks {
    read: Box<dyn Fn() -> Moment + Send + Sync>,
    last: Mutex<Moment>,
}

impl Default for Clocks {
    fn default() -> Clocks {
        Clocks::new(Moment::now)
    }
}

impl Clocks {
    /// Clocks that are read so: those of the machine, or a test's.
    pub(super) fn new(read: impl Fn() -> Moment + Send + Sync + 'static) -> Clocks {
        let last = Mutex::new(read());
        Clocks { read: Box::new(read), last }
    }

    /// Both at this moment.
    pub(super) fn now(&self) -> Moment {
        (self.read)()
    }

    /// Compares them now; a jump is given once, whoever looks. What they drift apart slowly is no jump.
    pub(super) fn look(&self) -> Option<Jump> {
        let mut last = lock(&self.last);
        let now = self.now();
        let jump = Jump { before: std::mem::replace(&mut *last, now), after: now };
        (now.ahead_of(jump.before).abs() > TOLERATED).then_some(jump)
    }

    /// The same for a frame that came at this moment: as good as free when nothing happened.
    pub(super) fn passed(&self, moment: Moment) -> Option<Jump> {
        let ahead = moment.ahead_of(*lock(&self.last));
        // The two times of a frame are not read as carefully as those that decide.
        if ahead.abs() > TOLERATED { self.look() } else { None }
    }
}

/// Looks now and then until told to stop: a jump is noticed within half a second, also when no frame comes.
pub(super) async fn watch(sink: Sink, stop: CancellationToken) {
    loop {
        tokio::select! {
            () = stop.cancelled() => return,
            () = tokio::time::sleep(LOOK) => {}
        }
        if sink.compare_clocks().await.is_err() {
            return;
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use std::sync::Arc;
    use std::sync::atomic::{AtomicI64, Ordering::Relaxed};

    use super::*;

    const SECOND: i64 = 1_000_000;

    /// Clocks that a test sets.
    #[derive(Clone, Default)]
    struct Set {
        wall: Arc<AtomicI64>,
        monotonic: Arc<AtomicI64>,
    }

    impl Set {
        fn clocks(&self) -> Clocks {
            let set = self.clone();
            Clocks::new(move || set.now())
        }

        fn now(&self) -> Moment {
            Moment { wall_us: self.wall.load(Relaxed), monotonic_us: self.monotonic.load(Relaxed) }
        }

        /// Lets time pass: so much by each clock, microseconds.
        fn pass(&self, wall: i64, monotonic: i64) {
            self.wall.fetch_add(wall, Relaxed);
            self.monotonic.fetch_add(monotonic, Relaxed);
        }
    }

    #[test]
    fn a_jump_either_way_is_given_once_with_both_times() {
        for jump in [-3600 * SECOND, 3 * SECOND] {
            let set = Set::default();
            let clocks = set.clocks();
            set.pass(SECOND / 2 + jump, SECOND / 2);
            let details = clocks.look().unwrap().details();
            let expected = json!({
                "wall_before_us": 0, "wall_after_us": SECOND / 2 + jump, "elapsed_ms": 500, "jump_ms": jump / 1000,
            });
            assert_eq!(details, expected);
            set.pass(SECOND, SECOND);
            assert_eq!(clocks.look(), None);
        }
    }

    #[test]
    fn what_a_time_server_corrects_is_no_jump_however_often() {
        let set = Set::default();
        let clocks = set.clocks();
        for _ in 0..100 {
            set.pass(2 * SECOND, SECOND);
            assert_eq!(clocks.look(), None);
        }
    }

    #[test]
    fn the_first_frame_behind_a_jump_shows_it_and_the_next_look_does_not_again() {
        let set = Set::default();
        let clocks = set.clocks();
        assert_eq!(clocks.passed(set.now()), None);
        set.pass(60 * SECOND, 0);
        assert!(clocks.passed(set.now()).is_some());
        assert_eq!((clocks.passed(set.now()), clocks.look()), (None, None));
    }

    #[test]
    fn a_frame_that_was_held_up_between_its_two_times_shows_none() {
        let set = Set::default();
        let clocks = set.clocks();
        let before = set.now();
        set.pass(5 * SECOND, 5 * SECOND);
        let torn = Moment { wall_us: set.now().wall_us, ..before };
        assert_eq!(clocks.passed(torn), None);
    }
}
