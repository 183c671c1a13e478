//! How the journal keeps up: appended entries, how long an append takes, whether the disk refuses.

use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering::Relaxed};
use std::time::{Duration, Instant};

use serde::{Deserialize, Serialize};

use super::lock;
use crate::store::StoreError;
use crate::store::record::now_us;

/// Counters of the journal, written by its thread.
#[derive(Debug, Default)]
pub(in crate::capture) struct JournalMetrics {
    appended: AtomicU64,
    bytes: AtomicU64,
    /// Appends that took less than 2^n microseconds, by n.
    times: [AtomicU64; BUCKETS],
    worst_us: AtomicU64,
    /// So that the common case takes no lock.
    is_stalled: AtomicBool,
    /// And since when by the monotonic clock.
    stall: Mutex<Option<(Stall, Instant)>>,
    stalled_ms: AtomicU64,
}

/// 2^23 µs, 8 seconds, and everything above in the last one.
const BUCKETS: usize = 24;

/// The disk refuses what the journal wants to write.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Stall {
    /// Since when, microseconds UTC.
    pub since_us: i64,
    /// The error, with the next step.
    pub reason: String,
}

/// The counters, read at one moment.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct JournalNumbers {
    /// Frames and system events stored by this holder.
    pub appended: u64,
    /// Bytes of their texts.
    pub appended_bytes: u64,
    /// Half of the appends took less, microseconds (to a factor of two).
    pub append_p50_us: Option<u64>,
    /// 99 of 100 appends took less, microseconds (to a factor of two).
    pub append_p99_us: Option<u64>,
    /// The longest append since the last look, microseconds.
    pub append_worst_us: Option<u64>,
    /// The disk refuses: nothing is stored at the moment, and nothing is lost: the sources wait.
    pub stalled: Option<Stall>,
    /// How long it did so altogether, milliseconds.
    pub stalled_ms: u64,
}

impl JournalMetrics {
    pub(in crate::capture) fn appended(&self, bytes: usize, took: Duration) {
        self.appended.fetch_add(1, Relaxed);
        self.bytes.fetch_add(bytes as u64, Relaxed);
        let us = took.as_micros() as u64;
        self.worst_us.fetch_max(us, Relaxed);
        let bucket = (64 - us.leading_zeros() as usize).min(BUCKETS - 1);
        if let Some(count) = self.times.get(bucket) {
            count.fetch_add(1, Relaxed);
        }
        if self.is_stalled.swap(false, Relaxed)
            && let Some((_, since)) = lock(&self.stall).take()
        {
            let lasted = since.elapsed().as_millis() as u64;
            self.stalled_ms.fetch_add(lasted, Relaxed);
            tracing::warn!(stalled_ms = lasted, "the disk takes frames again; none was lost");
        }
    }

    /// An append failed; it is tried again.
    pub(in crate::capture) fn stalls(&self, error: &StoreError) {
        self.is_stalled.store(true, Relaxed);
        let mut stall = lock(&self.stall);
        let reason = error.to_string();
        match stall.as_mut() {
            Some((stall, _)) => stall.reason = reason,
            None => {
                tracing::error!(%error, "the journal cannot write; the sources wait until it can");
                *stall = Some((Stall { since_us: now_us(), reason }, Instant::now()));
            }
        }
    }

    /// Reads everything, and begins a new look for `append_worst_us`.
    pub(in crate::capture) fn numbers(&self) -> JournalNumbers {
        let counts: Vec<u64> = self.times.iter().map(|count| count.load(Relaxed)).collect();
        let stalled = lock(&self.stall).clone();
        let stalling = stalled.as_ref().map_or(0, |(_, since)| since.elapsed().as_millis() as u64);
        let worst = self.worst_us.swap(0, Relaxed);
        JournalNumbers {
            appended: self.appended.load(Relaxed),
            appended_bytes: self.bytes.load(Relaxed),
            append_p50_us: percentile(&counts, 50),
            append_p99_us: percentile(&counts, 99),
            append_worst_us: (worst > 0).then_some(worst),
            stalled_ms: self.stalled_ms.load(Relaxed) + stalling,
            stalled: stalled.map(|(stall, _)| stall),
        }
    }
}

/// The upper bound of the bucket in which the percentile lies; `None` of nothing.
fn percentile(counts: &[u64], percent: u64) -> Option<u64> {
    let total: u64 = counts.iter().sum();
    let wanted = (total * percent).div_ceil(100).max(1);
    let mut seen = 0;
    for (bucket, count) in counts.iter().enumerate() {
        seen += count;
        if total > 0 && seen >= wanted {
            return Some(1 << bucket);
        }
    }
    None
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn append_times_are_told_to_a_factor_of_two() {
        let metrics = JournalMetrics::default();
        assert_eq!(metrics.numbers().append_p50_us, None);
        for _ in 0..98 {
            metrics.appended(1, Duration::from_micros(3));
        }
        metrics.appended(1, Duration::from_micros(900));
        metrics.appended(1, Duration::from_secs(100));
        let numbers = metrics.numbers();
        assert_eq!((numbers.append_p50_us, numbers.append_p99_us), (Some(4), Some(1024)));
        assert_eq!(numbers.append_worst_us, Some(100_000_000));
        assert_eq!(metrics.numbers().append_worst_us, None, "a new look");
    }

    #[test]
    fn a_stall_is_shown_until_something_is_stored_and_its_time_stays_counted() {
        let metrics = JournalMetrics::default();
        metrics.stalls(&StoreError::Refused("full".into()));
        let since = metrics.numbers().stalled.unwrap().since_us;
        metrics.stalls(&StoreError::Refused("still full".into()));
        let stalled = metrics.numbers().stalled.unwrap();
        assert_eq!((stalled.since_us, stalled.reason.as_str()), (since, "still full"));
        metrics.appended(1, Duration::ZERO);
        assert_eq!(metrics.numbers().stalled, None);
    }
}
