//! Which faults happen and when: the configuration, its text form, and the dice of one connection.

use std::fmt;
use std::str::FromStr;
use std::time::Duration;

use tokio::time::Instant;

use crate::prng::Prng;

/// What can go wrong.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum FaultKind {
    /// The TCP connection ends without a WebSocket close; what was sent arrives.
    Drop,
    /// The TCP connection is reset; what was sent last may be lost.
    Reset,
    /// The server disconnects the client (`41`) and closes the WebSocket.
    Kick,
    /// Nothing is sent for a time, heartbeats included; then everything comes at once.
    Stall,
    /// Nothing is sent or read any more, and nothing is closed.
    HalfOpen,
    /// The server does not read for a time.
    SlowReader,
    /// A full packet comes after the smaller packet that should follow it, as in real captures.
    Reorder,
    /// A frame that is no packet, or whose JSON is broken.
    Garbage,
    /// A frame of 20 MB.
    Oversized,
    /// A binary frame; every second one begins like gzip.
    Binary,
    /// HTTP answers HTML instead of a handshake.
    Html,
    /// A server that speaks Engine.IO 3.
    Eio3,
}

impl FaultKind {
    /// Every kind.
    pub const ALL: [Self; 12] = [
        Self::Drop,
        Self::Reset,
        Self::Kick,
        Self::Stall,
        Self::HalfOpen,
        Self::SlowReader,
        Self::Reorder,
        Self::Garbage,
        Self::Oversized,
        Self::Binary,
        Self::Html,
        Self::Eio3,
    ];

    /// The name on the command line.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Drop => "drop",
            Self::Reset => "reset",
            Self::Kick => "kick",
            Self::Stall => "stall",
            Self::HalfOpen => "half-open",
            Self::SlowReader => "slow-reader",
            Self::Reorder => "reorder",
            Self::Garbage => "garbage",
            Self::Oversized => "oversized",
            Self::Binary => "binary",
            Self::Html => "html",
            Self::Eio3 => "eio3",
        }
    }

    /// Whether the fault befalls a connection as a whole, when it is accepted.
    pub fn is_of_connection(self) -> bool {
        matches!(self, Self::Html | Self::Eio3)
    }
}

/// When a fault happens.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Trigger {
    /// After every so much real time of a connection.
    Every(Duration),
    /// On every so manieth event that a connection is sent; for [`Reorder`](FaultKind::Reorder) every so manieth
    /// full packet, for faults of a whole connection every so manieth connection.
    Nth(u64),
    /// On each of these with this probability.
    Chance(f64),
}

/// A fault with its trigger.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Fault {
    /// What.
    pub kind: FaultKind,
    /// When.
    pub trigger: Trigger,
    /// How long it lasts, real time; only for [`Stall`](FaultKind::Stall) and [`SlowReader`](FaultKind::SlowReader).
    pub lasts: Duration,
}

impl Fault {
    /// A fault that lasts two seconds, if it lasts at all.
    pub fn new(kind: FaultKind, trigger: Trigger) -> Self {
        Self { kind, trigger, lasts: Duration::from_secs(2) }
    }
}

/// The faults of a server.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Faults {
    /// Decides what [`Trigger::Chance`] decides.
    pub seed: u64,
    /// All of them; the order decides which comes first on one frame.
    pub all: Vec<Fault>,
}

impl Faults {
    /// One fault.
    pub fn one(kind: FaultKind, trigger: Trigger) -> Self {
        Self { seed: 1, all: vec![Fault::new(kind, trigger)] }
    }
}

/// Why a text is no fault.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "`{text}` is no fault: {reason}. Write KIND=WHEN or KIND=WHEN,DURATION, for example drop=30s, stall=1%,2s, garbage=500th or html=always; kinds: {}",
    kinds()
)]
pub struct FaultError {
    text: String,
    reason: &'static str,
}

fn kinds() -> String {
    FaultKind::ALL.map(FaultKind::as_str).join(", ")
}

impl FromStr for Fault {
    type Err = FaultError;

    fn from_str(text: &str) -> Result<Self, FaultError> {
        let failed = |reason| FaultError { text: text.to_owned(), reason };
        let (name, when) = text.split_once('=').unwrap_or((text, "always"));
        let kind = FaultKind::ALL.into_iter().find(|kind| kind.as_str() == name.trim());
        let kind = kind.ok_or_else(|| failed("there is no such kind"))?;
        let (when, lasts) = when.split_once(',').map_or((when, None), |(when, lasts)| (when, Some(lasts)));
        let trigger = trigger(when.trim())
            .ok_or_else(|| failed("WHEN is a time (30s, 500ms), a share (1%), a count (500th) or `always`"))?;
        let mut fault = Self::new(kind, trigger);
        if let Some(lasts) = lasts {
            fault.lasts =
                duration(lasts.trim()).ok_or_else(|| failed("DURATION is a time such as 2s or 500ms"))?;
        }
        Ok(fault)
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} ", self.kind.as_str())?;
        match self.trigger {
            Trigger::Every(period) => write!(f, "every {period:?}")?,
            Trigger::Nth(1) => write!(f, "always")?,
            Trigger::Nth(count) => write!(f, "every {count}th time")?,
            Trigger::Chance(share) => write!(f, "with {}% chance", share * 100.0)?,
        }
        match self.kind {
            FaultKind::Stall | FaultKind::SlowReader => write!(f, " for {:?}", self.lasts),
            _ => Ok(()),
        }
    }
}

fn trigger(when: &str) -> Option<Trigger> {
    if when == "always" {
        return Some(Trigger::Nth(1));
    }
    if let Some(share) = when.strip_suffix('%') {
        let share: f64 = share.parse().ok()?;
        return (0.0..=100.0).contains(&share).then_some(Trigger::Chance(share / 100.0));
    }
    if let Some(count) = when.strip_suffix("th") {
        return count.parse().ok().filter(|count| *count > 0).map(Trigger::Nth);
    }
    duration(when).map(Trigger::Every)
}

fn duration(text: &str) -> Option<Duration> {
    let (number, unit) = match text.strip_suffix("ms") {
        Some(number) => (number, 0.001),
        None => (text.strip_suffix('s')?, 1.0),
    };
    let seconds = number.parse::<f64>().ok()? * unit;
    Duration::try_from_secs_f64(seconds).ok().filter(|duration| !duration.is_zero())
}

/// Decides when the faults of one connection, or of the listener, happen.
#[derive(Debug)]
pub struct Dice {
    random: Prng,
    faults: Vec<(Fault, Instant, u64)>,
}

impl Dice {
    /// The dice of connection `number`; 0 for those of the listener.
    pub fn new(faults: &Faults, number: u64) -> Self {
        let now = Instant::now();
        Self {
            random: Prng::new(faults.seed ^ number.wrapping_mul(0x9e37_79b9_7f4a_7c15)),
            faults: faults.all.iter().map(|fault| (*fault, now, 0)).collect(),
        }
    }

    /// Which of the faults that `concern` the occasion happen now.
    pub fn roll(&mut self, concerns: impl Fn(FaultKind) -> bool) -> Vec<Fault> {
        let mut due = Vec::new();
        for (fault, last, count) in self.faults.iter_mut().filter(|(fault, ..)| concerns(fault.kind)) {
            *count += 1;
            let happens = match fault.trigger {
                Trigger::Every(period) => last.elapsed() >= period,
                Trigger::Nth(each) => count.is_multiple_of(each.max(1)),
                Trigger::Chance(share) => self.random.chance(share),
            };
            if happens {
                *last = Instant::now();
                due.push(*fault);
            }
        }
        due
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]
    use super::*;

    #[test]
    fn faults_are_read_from_text() {
        let read = |text: &str| text.parse::<Fault>().unwrap();
        assert_eq!(read("drop=30s"), Fault::new(FaultKind::Drop, Trigger::Every(Duration::from_secs(30))));
        assert_eq!(read("garbage=500th"), Fault::new(FaultKind::Garbage, Trigger::Nth(500)));
        assert_eq!(read("html"), Fault::new(FaultKind::Html, Trigger::Nth(1)));
        let stall = read("stall=0.5%,250ms");
        assert_eq!((stall.trigger, stall.lasts), (Trigger::Chance(0.005), Duration::from_millis(250)));
    }

    #[test]
    fn a_text_that_is_no_fault_is_explained() {
        for (text, reason) in [
            ("fire=1s", "no such kind"),
            ("drop=often", "WHEN"),
            ("stall=1s,long", "DURATION"),
            ("drop=0th", "WHEN"),
        ] {
            let message = text.parse::<Fault>().unwrap_err().to_string();
            assert!(message.contains(reason) && message.contains("half-open"), "{message}");
        }
    }

    #[test]
    fn equal_seeds_roll_equally() {
        let faults = Faults::one(FaultKind::Drop, Trigger::Chance(0.3));
        let rolls = |number| {
            let mut dice = Dice::new(&faults, number);
            (0..200).map(|_| dice.roll(|_| true).len()).collect::<Vec<_>>()
        };
        assert_eq!(rolls(1), rolls(1));
        assert_ne!(rolls(1), rolls(2));
        assert!(rolls(1).contains(&1) && rolls(1).contains(&0));
    }
}
