//! How the time of some work grows with its input, for tests that hostile input costs no more than its length.
//!
//! A bound in seconds says more about the machine than about the work; the ratio of two runs says how the work grows. What
//! counts is the thread's time on a processor. (By the clock, a busy machine makes a long run longer more often than a
//! short one, which fits between two of its interruptions.)

use std::time::Duration;

/// Runs of each size. The quickest counts, which other work on the machine has disturbed least.
const RUNS: usize = 5;

/// What is quicker than this is counted as this: there, page faults and caches say more than the work does. Work that is
/// quadratic in 100 KB takes seconds.
const MEASURABLE: Duration = Duration::from_micros(500);

/// How many times longer `work` takes on an input of `4 * size` than on one of `size`: about 4 where it is linear, 16
/// where it is quadratic, less where it is too quick to measure. `input` makes the input of a size, which is not timed.
pub(crate) fn of<T>(size: usize, input: impl Fn(usize) -> T, work: impl Fn(&T)) -> f64 {
    let (small, large) = (input(size), input(4 * size));
    let time = |input: &T| {
        let begun = processor_time();
        work(input);
        processor_time().saturating_sub(begun)
    };
    let mut best = (Duration::MAX, Duration::MAX);
    // In turns, so that both meet the same moments.
    for _ in 0..RUNS {
        best = (best.0.min(time(&small)), best.1.min(time(&large)));
    }
    best.1.as_secs_f64() / best.0.max(MEASURABLE).as_secs_f64()
}

/// What this thread has spent on processors.
#[cfg(target_os = "linux")]
fn processor_time() -> Duration {
    let mut time = libc::timespec { tv_sec: 0, tv_nsec: 0 };
    #[expect(
        unsafe_code,
        reason = "a C function that fills what it is given; rustix's needs another of its features"
    )]
    // SAFETY: `time` is valid for writing, and nothing else holds it.
    let failed = unsafe { libc::clock_gettime(libc::CLOCK_THREAD_CPUTIME_ID, &raw mut time) };
    assert_eq!(failed, 0);
    Duration::new(time.tv_sec.unsigned_abs(), u32::try_from(time.tv_nsec).unwrap_or(0))
}

/// Elsewhere it is the clock.
#[cfg(not(target_os = "linux"))]
fn processor_time() -> Duration {
    static BEGUN: std::sync::OnceLock<std::time::Instant> = std::sync::OnceLock::new();
    BEGUN.get_or_init(std::time::Instant::now).elapsed()
}

/// Between linear and quadratic, on the side of doubt.
pub(crate) const LINEAR: f64 = 10.0;

#[test]
fn quadratic_work_is_told_from_linear_work() {
    let line = |size: usize| vec![1_u64; size];
    let linear = |numbers: &Vec<u64>| {
        std::hint::black_box(numbers.iter().map(|n| std::hint::black_box(*n)).sum::<u64>());
    };
    let quadratic = |numbers: &Vec<u64>| numbers.iter().step_by(16).for_each(|_| linear(numbers));
    let (linear, quadratic) = (of(1 << 20, line, linear), of(1 << 13, line, quadratic));
    assert!(linear < LINEAR && quadratic > LINEAR, "{linear} and {quadratic}");
}
