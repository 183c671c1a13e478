//! How well something is known, from the data alone: computed, never set. One rule for everything that tells a tier: the
//! explorer, search, resources, marks.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{EventFacts, Field, JsonType};

/// How well something is known from the data: computed, never set by hand.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Tier {
    /// Documents only.
    Theoretical,
    /// At least one stored frame.
    Observed,
    /// Several frames in several games and sessions, of one type, in known phases.
    Corroborated,
}

impl Tier {
    /// Every tier, the least first.
    pub const ALL: [Tier; 3] = [Tier::Theoretical, Tier::Observed, Tier::Corroborated];

    /// Its name.
    pub fn as_str(self) -> &'static str {
        match self {
            Tier::Theoretical => "theoretical",
            Tier::Observed => "observed",
            Tier::Corroborated => "corroborated",
        }
    }

    /// The tier of this name; what is not known counts as not seen.
    pub fn from_name(name: &str) -> Tier {
        Tier::ALL.into_iter().find(|tier| tier.as_str() == name).unwrap_or(Tier::Theoretical)
    }

    /// Of an event, seen or not.
    pub fn of_event(seen: Option<&EventFacts>) -> Tier {
        seen.map_or(Tier::Theoretical, |seen| Support::of_event(seen).level())
    }

    /// Of a field, seen or not.
    pub fn of_field(seen: Option<&Field>) -> Tier {
        seen.map_or(Tier::Theoretical, |seen| Support::of_field(seen).level())
    }
}

/// Share of the values that are not null that one type must have, to be its only one for practical purposes.
const DOMINANT: f64 = 0.95;

/// What must have been seen for something to count as corroborated.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Thresholds {
    /// Frames.
    pub frames: u64,
    /// Games; at most [`super::distinct::MOST`] are told apart.
    pub games: usize,
    /// Sessions, likewise.
    pub sessions: usize,
}

impl Default for Thresholds {
    fn default() -> Thresholds {
        Thresholds { frames: 3, games: 2, sessions: 2 }
    }
}

/// What there is to decide a tier by.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct Support {
    /// Occurrences.
    pub frames: u64,
    /// Games, up to a few.
    pub games: usize,
    /// Sessions, up to a few.
    pub sessions: usize,
    /// Whether one type holds nearly all values.
    pub one_type: bool,
    /// Whether it is known in which phases it occurs.
    pub phases_known: bool,
}

impl Support {
    /// Of an event.
    pub fn of_event(seen: &EventFacts) -> Support {
        Support {
            frames: seen.count,
            games: seen.games.count(),
            sessions: seen.sessions.count(),
            one_type: true,
            phases_known: seen.phases.iter().take(4).any(|count| *count > 0),
        }
    }

    /// Of a field.
    pub fn of_field(field: &Field) -> Support {
        let whole = field.count() - field.null_count();
        // An integer is a number: whole floats are printed without a fraction.
        let numbers = field.count_of(JsonType::Integer) + field.count_of(JsonType::Number);
        let others = [JsonType::Boolean, JsonType::String, JsonType::Array, JsonType::Object];
        let most = others.into_iter().map(|one| field.count_of(one)).chain([numbers]).max().unwrap_or(0);
        Support {
            frames: field.count(),
            games: field.games.count(),
            sessions: field.sessions.count(),
            one_type: whole > 0 && most as f64 >= DOMINANT * whole as f64,
            phases_known: field.phases.iter().take(4).any(|count| *count > 0),
        }
    }

    /// Whether this is enough for corroborated.
    pub fn corroborates(&self, thresholds: &Thresholds) -> bool {
        self.frames >= thresholds.frames
            && self.games >= thresholds.games
            && self.sessions >= thresholds.sessions
            && self.one_type
            && self.phases_known
    }

    /// The tier.
    pub fn level(&self) -> Tier {
        if self.frames == 0 {
            Tier::Theoretical
        } else if self.corroborates(&Thresholds::default()) {
            Tier::Corroborated
        } else {
            Tier::Observed
        }
    }

    /// The tier's name: theoretical, observed or corroborated.
    pub fn tier(&self) -> &'static str {
        self.level().as_str()
    }
}
