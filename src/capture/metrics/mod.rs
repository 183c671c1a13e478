//! How the sources and the journal stand right now: counters that are written from everywhere and read by the
//! status file, twice a second.

pub(super) mod journal;

use std::sync::atomic::{AtomicI64, AtomicU64, Ordering::Relaxed};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Instant;

use serde::{Deserialize, Serialize};

use super::clock::monotonic_us;
use super::sink::Frame;
use crate::store::record::{Direction, Source, now_us};
use journal::JournalMetrics;
pub use journal::{JournalNumbers, Stall};

/// How a source stands.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(tag = "state", rename_all = "snake_case")]
pub enum SourceState {
    /// Not wanted.
    #[default]
    Off,
    /// On its way: resolving, connecting, shaking hands.
    Connecting {
        /// Attempts in a row, from 1.
        attempt: u32,
    },
    /// Frames can arrive.
    Connected {
        /// Since when, microseconds UTC.
        since_us: i64,
        /// The socket, where the source has a single one.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        socket_id: Option<String>,
        /// What a person may want to know: "3 pages, 1 socket of rugs.fun".
        #[serde(default, skip_serializing_if = "Option::is_none")]
        note: Option<String>,
    },
    /// Not connected; tries again by itself.
    Failed {
        /// What happened and why.
        reason: String,
        /// What the user can do.
        next_step: String,
        /// Failures in a row, from 1.
        attempt: u32,
        /// When it tries again, microseconds UTC; `None` when only a new desired state can help.
        next_try_us: Option<i64>,
    },
}

/// The counters of one source.
#[derive(Debug, Default)]
pub(super) struct SourceMetrics {
    state: Mutex<State>,
    received: AtomicU64,
    sent: AtomicU64,
    bytes: AtomicU64,
    events: AtomicU64,
    redacted: AtomicU64,
    as_bytes: AtomicU64,
    dropped: AtomicU64,
    stalled_us: AtomicU64,
    /// When it began to wait for the journal, microseconds of the monotonic clock, and 1; 0 when it does not wait.
    waits_since_us: AtomicI64,
    last_frame_us: AtomicI64,
    /// The same moment by the monotonic clock.
    last_frame_at_us: AtomicI64,
    lag_us: AtomicI64,
    worst_lag_us: AtomicI64,
}

#[derive(Debug, Default)]
struct State {
    state: SourceState,
    since_us: i64,
    connections: u64,
}

/// The counters of one source, read at one moment.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct SourceNumbers {
    /// How it stands.
    pub connection: SourceState,
    /// In this state since, microseconds UTC.
    pub since_us: Option<i64>,
    /// Frames received and stored.
    pub received: u64,
    /// Frames sent and stored.
    pub sent: u64,
    /// Bytes of their texts.
    pub bytes: u64,
    /// System events stored.
    pub system_events: u64,
    /// Frames in which something secret was replaced.
    pub redacted: u64,
    /// Messages that are no frames (binary, not UTF-8, too long): their bytes are in system events.
    pub as_bytes: u64,
    /// Messages that were received and could not be stored, or only in part; each has a system event.
    pub dropped: u64,
    /// Connections after the first.
    pub reconnects: u64,
    /// Time of the last stored frame, microseconds UTC.
    pub last_frame_us: Option<i64>,
    /// From receipt to the journal, of the last frame, microseconds.
    pub lag_us: Option<i64>,
    /// The longest such time since the last look, microseconds.
    pub worst_lag_us: Option<i64>,
    /// How long it waited for the journal altogether, milliseconds.
    pub stalled_ms: u64,
}

impl SourceMetrics {
    pub(super) fn set_state(&self, state: SourceState) {
        let mut metrics = lock(&self.state);
        if matches!(state, SourceState::Connected { .. })
            && !matches!(metrics.state, SourceState::Connected { .. })
        {
            metrics.connections += 1;
        }
        if std::mem::discriminant(&state) != std::mem::discriminant(&metrics.state) {
            metrics.since_us = now_us();
        }
        metrics.state = state;
    }

    pub(super) fn redacted(&self, count: u64) {
        self.redacted.fetch_add(count, Relaxed);
    }

    pub(super) fn as_bytes(&self, count: u64) {
        self.as_bytes.fetch_add(count, Relaxed);
    }

    pub(super) fn dropped(&self, count: u64) {
        self.dropped.fetch_add(count, Relaxed);
    }

    /// Counts the time until the value is dropped as stalled.
    pub(super) fn waits(&self) -> Waiting<'_> {
        self.waits_since_us.store(monotonic_us() + 1, Relaxed);
        Waiting { metrics: self, since: Instant::now() }
    }

    /// Counts a stored frame.
    pub(super) fn stored(&self, frame: &Frame) {
        let count = if frame.direction == Direction::Sent { &self.sent } else { &self.received };
        count.fetch_add(1, Relaxed);
        self.bytes.fetch_add(frame.text.len() as u64, Relaxed);
        self.last_frame_us.store(frame.ts, Relaxed);
        self.last_frame_at_us.store(frame.at_us, Relaxed);
        let lag_us = monotonic_us() - frame.at_us;
        self.lag_us.store(lag_us, Relaxed);
        self.worst_lag_us.fetch_max(lag_us, Relaxed);
    }

    pub(super) fn stored_event(&self) {
        self.events.fetch_add(1, Relaxed);
    }

    /// When the last frame that was stored came: microseconds UTC, and the same by the monotonic clock.
    pub(super) fn last_frame(&self) -> Option<(i64, i64)> {
        let wall_us = self.last_frame_us.load(Relaxed);
        (wall_us != 0).then(|| (wall_us, self.last_frame_at_us.load(Relaxed)))
    }

    /// Reads everything, and begins a new look for `worst_lag_us`.
    pub(super) fn numbers(&self) -> SourceNumbers {
        let state = lock(&self.state);
        let seen = self.last_frame_us.load(Relaxed);
        let has_frames = seen != 0;
        let waits_since = self.waits_since_us.load(Relaxed);
        let waiting_us = if waits_since == 0 { 0 } else { (monotonic_us() + 1 - waits_since).max(0) };
        let worst = self.worst_lag_us.swap(0, Relaxed);
        SourceNumbers {
            connection: state.state.clone(),
            since_us: (state.since_us != 0).then_some(state.since_us),
            received: self.received.load(Relaxed),
            sent: self.sent.load(Relaxed),
            bytes: self.bytes.load(Relaxed),
            system_events: self.events.load(Relaxed),
            redacted: self.redacted.load(Relaxed),
            as_bytes: self.as_bytes.load(Relaxed),
            dropped: self.dropped.load(Relaxed),
            reconnects: state.connections.saturating_sub(1),
            last_frame_us: has_frames.then_some(seen),
            lag_us: has_frames.then(|| self.lag_us.load(Relaxed)),
            worst_lag_us: (has_frames && worst > 0).then_some(worst),
            stalled_ms: (self.stalled_us.load(Relaxed) + waiting_us as u64) / 1000,
        }
    }
}

/// A source waits for the journal while this lives.
pub(super) struct Waiting<'a> {
    metrics: &'a SourceMetrics,
    since: Instant,
}

impl Drop for Waiting<'_> {
    fn drop(&mut self) {
        self.metrics.stalled_us.fetch_add(self.since.elapsed().as_micros() as u64, Relaxed);
        self.metrics.waits_since_us.store(0, Relaxed);
    }
}

/// All counters of a capture.
#[derive(Debug, Default)]
pub(super) struct Metrics {
    cdp: SourceMetrics,
    public_ws: SourceMetrics,
    /// The recorder's own events.
    own: SourceMetrics,
    pub(super) journal: JournalMetrics,
}

impl Metrics {
    pub(super) fn of(&self, source: Source) -> &SourceMetrics {
        match source {
            Source::Cdp => &self.cdp,
            Source::PublicWs => &self.public_ws,
            Source::Replay | Source::Ui | Source::Import => &self.own,
        }
    }
}

pub(super) fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
