//! Time stamps of the older files, as microseconds UTC.
//!
//! Most older recorders wrote Python's `datetime.now().isoformat()`: local time without a zone. That the
//! machine stood in New York, with daylight saving, is proven by the UTC dates in the game ids
//! (`reference/legacy-formats.md`, time rule). The zone follows from the *format* of a file, never from the
//! look of a string; only an offset that a string carries itself (`+00:00`, `Z`) outranks it.

use jiff::Timestamp;
use jiff::civil::DateTime;
use jiff::tz::{AmbiguousOffset, TimeZone};

/// The zone in which a format wrote its zoneless time stamps.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Zone {
    /// `America/New_York`, with daylight saving.
    NewYork,
    /// UTC, written without a suffix.
    Utc,
}

/// Why a local time does not name exactly one moment.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Doubt {
    /// The hour that happens twice in autumn: read as its first pass.
    Fold,
    /// The hour that does not happen in spring: read as if the clock had not jumped.
    Gap,
}

/// A moment read from a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Moment {
    /// Microseconds UTC.
    pub us: i64,
    /// Set where the local time named two moments, or none.
    pub doubt: Option<Doubt>,
}

impl Moment {
    fn certain(us: i64) -> Moment {
        Moment { us, doubt: None }
    }
}

/// Reads time stamps; holds the zone's rules.
#[derive(Debug, Clone)]
pub struct Clock {
    new_york: TimeZone,
}

impl Clock {
    /// Loads the zone's rules, which are compiled into the program.
    ///
    /// # Errors
    /// When the time zone database lacks New York: a defect of the build.
    pub fn new() -> Result<Clock, jiff::Error> {
        Ok(Clock { new_york: TimeZone::get("America/New_York")? })
    }

    /// Reads an ISO 8601 date and time. A fold or gap is resolved the way RFC 5545 does ("compatible"), so
    /// that importing twice gives the same answer, and is marked as doubtful.
    pub fn read(&self, text: &str, zone: Zone) -> Option<Moment> {
        let text = text.trim();
        if has_offset(text) {
            return text.parse::<Timestamp>().ok().map(|at| Moment::certain(at.as_microsecond()));
        }
        let local: DateTime = text.parse().ok()?;
        if zone == Zone::Utc {
            let at = TimeZone::UTC.to_ambiguous_timestamp(local).compatible().ok()?;
            return Some(Moment::certain(at.as_microsecond()));
        }
        let ambiguous = self.new_york.to_ambiguous_timestamp(local);
        let doubt = match ambiguous.offset() {
            AmbiguousOffset::Unambiguous { .. } => None,
            AmbiguousOffset::Fold { .. } => Some(Doubt::Fold),
            AmbiguousOffset::Gap { .. } => Some(Doubt::Gap),
        };
        Some(Moment { us: ambiguous.compatible().ok()?.as_microsecond(), doubt })
    }
}

/// Whether the time part ends in `Z` or `±hh:mm`. The date's own hyphens lie before the `T` or the blank.
fn has_offset(text: &str) -> bool {
    let time = text.split_once(['T', ' ']).map_or("", |(_, time)| time);
    time.ends_with(['Z', 'z']) || time.contains(['+', '-'])
}

/// Unix milliseconds as microseconds; `None` for what no recorder of this game can have written (before
/// 2001 or after 2286), so that a counter is never taken for a time.
pub fn from_epoch_ms(ms: f64) -> Option<i64> {
    (1e12..1e13).contains(&ms).then(|| (ms * 1000.0).round() as i64)
}

/// Unix time in the unit that its magnitude tells: data frame libraries export seconds, milliseconds,
/// microseconds or nanoseconds, and between 2001 and 2286 these ranges do not meet.
pub fn from_epoch_any(number: f64) -> Option<i64> {
    let factor = match number {
        n if (1e9..1e10).contains(&n) => 1e6,
        n if (1e12..1e13).contains(&n) => 1e3,
        n if (1e15..1e16).contains(&n) => 1.0,
        n if (1e18..1e19).contains(&n) => 1e-3,
        _ => return None,
    };
    Some((number * factor).round() as i64)
}

#[cfg(test)]
mod tests;
