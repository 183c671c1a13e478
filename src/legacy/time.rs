//! Time stamps of the older files, as microseconds UTC.
//!
//! A time is an *instant* when it carries its zone or counts from 1970 ([`text`] reads all of these), else it is what a
//! clock on a wall showed, and the zone has to come from elsewhere. Most older recorders wrote Python's
//! `datetime.now().isoformat()`: that the machine stood in New York, with daylight saving, is proven by the UTC dates in
//! the game ids (`reference/legacy-formats.md`, time rule). So a zone follows from the *format* of a file, unless the
//! user names one, or the server's own clock in the file's packets shows another ([`super::zone`]).

pub mod text;

use jiff::civil::DateTime;
use jiff::tz::{AmbiguousOffset, TimeZone};

use super::fields::Fields;
use super::formats::names;
use replayer_store::record::now_us;
use text::Written;

pub use text::{from_epoch_any, from_epoch_ms};

/// The zone in which a format wrote its zoneless time stamps.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Zone {
    /// The recording machine's own: `America/New_York`, with daylight saving, unless the file says otherwise.
    NewYork,
    /// UTC, written without a suffix.
    Utc,
}

/// Why a local time does not name exactly one moment.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Doubt {
    /// The hour that happens twice in autumn: read as its first pass.
    Fold {
        /// The same time in the second pass, microseconds UTC.
        second: i64,
    },
    /// The hour that does not happen in spring: read as if the clock had not jumped.
    Gap,
    /// No zone is known yet, and this is what the clock on the wall showed, as if it stood in UTC. Only
    /// [`Clock::without_zone`] gives these, for whoever looks for the zone.
    Unzoned(Zone),
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
    /// A moment without doubt, microseconds UTC.
    pub fn certain(us: i64) -> Moment {
        Moment { us, doubt: None }
    }
}

/// The keys under which programs write when a line happened, the likelier ones first, as [`names::is_called`] compares them.
/// Where a line has several, an instant outranks a time without a zone.
pub const KEYS: [&str; 28] = [
    "ts",
    "timestamp",
    "time",
    "at",
    "tsms",
    "timestampms",
    "timems",
    "atms",
    "tsus",
    "timestampus",
    "atus",
    "tsns",
    "timestampns",
    "t",
    "epoch",
    "epochms",
    "walltime",
    "wallclock",
    "datetime",
    "date",
    "iso",
    "when",
    "receivedat",
    "recvts",
    "createdat",
    "capturedat",
    "recordedat",
    "loggedat",
];

/// Microseconds of a day.
const DAY: i64 = 86_400_000_000;

/// The beginning of 2024, microseconds UTC: the game is younger.
const BEFORE_THE_GAME: i64 = 1_704_067_200_000_000;

/// Reads time stamps; holds the rules of the zones for the times that name none.
#[derive(Debug, Clone)]
pub struct Clock {
    local: TimeZone,
    naive_utc: TimeZone,
    /// Added to instants, microseconds: for writers that said UTC and meant the clock on the wall.
    shift: i64,
    is_without_zone: bool,
    /// Later than this nothing can have been recorded.
    latest: i64,
}

impl Clock {
    /// Loads the zones of the formats, which are compiled into the program.
    ///
    /// # Errors
    /// When the time zone database lacks New York: a defect of the build.
    pub fn new() -> Result<Clock, jiff::Error> {
        Ok(Clock {
            local: TimeZone::get("America/New_York")?,
            naive_utc: TimeZone::UTC,
            shift: 0,
            is_without_zone: false,
            latest: now_us().saturating_add(DAY),
        })
    }

    /// The same clock with this zone for zoneless times of this kind.
    #[must_use]
    pub fn with(mut self, kind: Zone, zone: TimeZone) -> Clock {
        match kind {
            Zone::NewYork => self.local = zone,
            Zone::Utc => self.naive_utc = zone,
        }
        self
    }

    /// The same clock for a writer whose instants are off: `shift` microseconds are added to them.
    #[must_use]
    pub fn shifted(mut self, shift: i64) -> Clock {
        self.shift = shift;
        self
    }

    /// The same clock for whoever looks for the zone: zoneless times are given as if in UTC, with [`Doubt::Unzoned`].
    #[must_use]
    pub fn without_zone(mut self) -> Clock {
        self.is_without_zone = true;
        self
    }

    /// The zone of zoneless times of this kind.
    pub fn zone(&self, kind: Zone) -> &TimeZone {
        match kind {
            Zone::NewYork => &self.local,
            Zone::Utc => &self.naive_utc,
        }
    }

    /// Whether something of this game can have been recorded then: from 2024 to tomorrow.
    pub fn is_possible(&self, us: i64) -> bool {
        (BEFORE_THE_GAME..=self.latest).contains(&us)
    }

    /// Reads a time written as text. A fold or gap is resolved the way RFC 5545 does ("compatible"), so that importing
    /// twice gives the same answer, and is marked as doubtful.
    pub fn read(&self, text: &str, zone: Zone) -> Option<Moment> {
        self.moment(text::read(text)?, zone)
    }

    /// Reads a time that is a JSON value: a number, or a text as by [`Clock::read`].
    pub fn value(&self, json: &str, zone: Zone) -> Option<Moment> {
        self.moment(text::read_json(json)?, zone)
    }

    /// Reads the time in the first of `keys` that holds one; an instant outranks a time without a zone.
    pub fn among(&self, fields: &Fields, keys: &[&str], zone: Zone) -> Option<Moment> {
        self.best(fields, |name| keys.iter().position(|key| *key == name), zone)
    }

    /// Reads the time of a line, under whatever of [`KEYS`] it is.
    pub fn of(&self, fields: &Fields, zone: Zone) -> Option<Moment> {
        self.best(fields, rank, zone)
    }

    fn best(&self, fields: &Fields, rank: impl Fn(&str) -> Option<usize>, zone: Zone) -> Option<Moment> {
        let mut best: Option<(bool, usize, Written)> = None;
        for (name, value) in fields.iter() {
            let Some(rank) = rank(name) else { continue };
            let Some(written) = text::read_json(value.get()) else { continue };
            let is_local = matches!(written, Written::Local(_));
            // Of a repeated key the last one counts, as in JavaScript.
            if best.is_none_or(|(local, at, _)| (is_local, rank) <= (local, at)) {
                best = Some((is_local, rank, written));
            }
        }
        self.moment(best?.2, zone)
    }

    fn moment(&self, written: Written, zone: Zone) -> Option<Moment> {
        match written {
            Written::Instant(us) => Some(Moment::certain(us.saturating_add(self.shift))),
            Written::Local(local) if self.is_without_zone => {
                let at = TimeZone::UTC.to_ambiguous_timestamp(local).compatible().ok()?;
                Some(Moment { us: at.as_microsecond(), doubt: Some(Doubt::Unzoned(zone)) })
            }
            Written::Local(local) => self.in_zone(local, zone),
        }
    }

    fn in_zone(&self, local: DateTime, zone: Zone) -> Option<Moment> {
        let ambiguous = self.zone(zone).to_ambiguous_timestamp(local);
        let doubt = match ambiguous.offset() {
            AmbiguousOffset::Unambiguous { .. } => None,
            AmbiguousOffset::Fold { .. } => Some(Doubt::Fold { second: ambiguous.later().ok()?.as_microsecond() }),
            AmbiguousOffset::Gap { .. } => Some(Doubt::Gap),
        };
        Some(Moment { us: ambiguous.compatible().ok()?.as_microsecond(), doubt })
    }
}

/// The place of a key among [`KEYS`].
fn rank(name: &str) -> Option<usize> {
    KEYS.iter().position(|key| names::is_called(name, key))
}

/// Whether a line says when it happened: one of [`KEYS`] holds a text or a number.
pub fn is_dated(fields: &Fields) -> bool {
    fields.iter().any(|(name, value)| {
        let is_time = value.get().starts_with(|first: char| first == '"' || first.is_ascii_digit());
        is_time && rank(name).is_some()
    })
}

#[cfg(test)]
mod tests;
