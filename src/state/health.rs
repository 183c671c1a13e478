//! How well the capture does: is it live, and how bad were the last frames.

use serde::Serialize;

/// Whether what is shown is what happens now.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Liveness {
    /// A frame of a live source within the last seconds.
    Live,
    /// Connected, as far as known, and silent for longer than the server usually is.
    Stale,
    /// Not connected, or silent for a minute.
    Offline,
}

/// Silence after which a connection is stale, µs. The server sends several packets a second; a silence of this
/// length is one of its rare stalls (the longest on record took 14.6 s) or a dead connection.
pub const STALE_US: i64 = 5_000_000;
/// Silence after which it counts as gone, µs.
pub const OFFLINE_US: i64 = 60_000_000;

/// Tells liveness from the last live frame and whether a connection is known to be lost.
pub fn liveness(now_us: i64, last_frame_us: Option<i64>, lost: bool) -> Liveness {
    let Some(silent) = last_frame_us.map(|last| now_us.saturating_sub(last)) else { return Liveness::Offline };
    if lost || silent > OFFLINE_US {
        Liveness::Offline
    } else if silent > STALE_US {
        Liveness::Stale
    } else {
        Liveness::Live
    }
}

/// One word on the whole.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "UPPERCASE")]
pub enum Health {
    /// Never connected, or lost.
    Disconnected,
    /// No signal for too long.
    Stale,
    /// Slow, or many frames could not be read.
    Degraded,
    /// All is well.
    Healthy,
}

/// What [`Health::of`] looks at.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct Signs {
    /// A connection is open, as far as known.
    pub connected: bool,
    /// Microseconds since the last frame.
    pub silent_us: Option<i64>,
    /// The last latency, milliseconds.
    pub latency_ms: Option<f64>,
    /// Share of the last frames that could not be read, 0 to 1.
    pub error_rate: f64,
}

/// Latency above which the capture is degraded, milliseconds.
const SLOW_MS: f64 = 5_000.0;
/// Share of unreadable frames above which it is.
const ERROR_RATE: f64 = 0.05;

impl Health {
    /// The word for these signs.
    pub fn of(signs: &Signs) -> Health {
        match signs {
            Signs { connected: false, .. } => Health::Disconnected,
            Signs { silent_us: None, .. } => Health::Disconnected,
            Signs { silent_us: Some(silent), .. } if *silent > STALE_US => Health::Stale,
            Signs { latency_ms: Some(ms), .. } if *ms > SLOW_MS => Health::Degraded,
            Signs { error_rate, .. } if *error_rate > ERROR_RATE => Health::Degraded,
            _ => Health::Healthy,
        }
    }
}

/// How much of the stream can be relied on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "UPPERCASE")]
pub enum Mode {
    /// All of it.
    Normal,
    /// Some frames could not be read, or the connection is just back.
    Degraded,
    /// Many could not.
    Minimal,
    /// No connection.
    Offline,
}

/// Errors that make the mode [`Mode::Degraded`]; twice as many make it [`Mode::Minimal`].
pub const ERRORS: u32 = 3;
/// Without an error for this long, everything is well again, µs.
pub const QUIET_US: i64 = 60_000_000;

/// Follows the mode.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Modes {
    mode: Mode,
    errors: u32,
    last_trouble_us: i64,
}

impl Default for Modes {
    fn default() -> Modes {
        Modes { mode: Mode::Normal, errors: 0, last_trouble_us: 0 }
    }
}

impl Modes {
    /// The mode.
    pub fn mode(&self) -> Mode {
        self.mode
    }

    /// A frame could not be read.
    pub fn error(&mut self, now_us: i64) -> Option<(Mode, Mode)> {
        self.errors = self.errors.saturating_add(1);
        self.last_trouble_us = now_us;
        match self.errors {
            _ if self.mode == Mode::Offline => None,
            errors if errors >= 2 * ERRORS => self.set(Mode::Minimal),
            errors if errors >= ERRORS => self.set(Mode::Degraded),
            _ => None,
        }
    }

    /// The connection was lost.
    pub fn disconnected(&mut self, now_us: i64) -> Option<(Mode, Mode)> {
        self.last_trouble_us = now_us;
        self.set(Mode::Offline)
    }

    /// A connection is back: it has to prove itself.
    pub fn connected(&mut self, now_us: i64) -> Option<(Mode, Mode)> {
        if self.mode != Mode::Offline {
            return None;
        }
        self.errors = 0;
        self.last_trouble_us = now_us;
        self.set(Mode::Degraded)
    }

    /// A frame was read. There is no recovery while offline.
    pub fn fine(&mut self, now_us: i64) -> Option<(Mode, Mode)> {
        let quiet = now_us.saturating_sub(self.last_trouble_us) >= QUIET_US;
        if self.mode == Mode::Offline || !quiet {
            return None;
        }
        self.errors = 0;
        self.set(Mode::Normal)
    }

    fn set(&mut self, to: Mode) -> Option<(Mode, Mode)> {
        let from = std::mem::replace(&mut self.mode, to);
        (from != to).then_some((from, to))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    // S21
    #[test]
    fn s21_health_is_the_worst_of_the_signs() {
        let fine = Signs { connected: true, silent_us: Some(100_000), latency_ms: Some(219.0), error_rate: 0.0 };
        assert_eq!(Health::of(&Signs::default()), Health::Disconnected);
        assert_eq!(Health::of(&fine), Health::Healthy);
        assert_eq!(Health::of(&Signs { silent_us: Some(STALE_US + 1), ..fine }), Health::Stale);
        assert_eq!(Health::of(&Signs { latency_ms: Some(6000.0), ..fine }), Health::Degraded);
        assert_eq!(Health::of(&Signs { error_rate: 0.06, ..fine }), Health::Degraded);
        assert_eq!(Health::of(&Signs { error_rate: 0.05, ..fine }), Health::Healthy);
    }

    // S22
    #[test]
    fn s22_the_mode_falls_with_errors_and_rises_with_quiet() {
        let mut modes = Modes::default();
        (1..=3).for_each(|at| {
            modes.error(at);
        });
        assert_eq!(modes.mode(), Mode::Degraded);
        (4..=6).for_each(|at| {
            modes.error(at);
        });
        assert_eq!(modes.mode(), Mode::Minimal);
        assert_eq!(modes.disconnected(7), Some((Mode::Minimal, Mode::Offline)));
        assert_eq!(modes.fine(7 + 10 * QUIET_US), None, "no recovery while offline");
        assert_eq!(modes.connected(8), Some((Mode::Offline, Mode::Degraded)));
        assert_eq!(modes.fine(9), None);
        assert_eq!(modes.fine(8 + QUIET_US), Some((Mode::Degraded, Mode::Normal)));
    }

    #[test]
    fn a_capture_is_live_stale_then_offline() {
        let at = |silent| liveness(silent, Some(0), false);
        assert_eq!(at(STALE_US), Liveness::Live);
        assert_eq!(at(STALE_US + 1), Liveness::Stale);
        assert_eq!(at(OFFLINE_US + 1), Liveness::Offline);
        assert_eq!(liveness(1, Some(0), true), Liveness::Offline);
        assert_eq!(liveness(1, None, false), Liveness::Offline);
    }
}
