//! Subjects: what a statement, a proposal or a mark is about. An event, a field, a value of a field, a rule of phases, a
//! sequence, a formula, a unit.
//!
//! A subject has a stable key, which is how people and agents write it and how the log stores it:
//!
//! ```text
//! key = KIND ":" EVENT [ "@" direction ] [ "~" variant ] [ "#" path ] [ "=" value | "?" name ]
//!
//! event:playerUpdate
//! field:gameStateUpdate#$.rugpool.threshold
//! enum_value:standard/newTrade#$.type=short_open
//! unit:gameStateUpdate#$.cooldownTimer
//! phase_rule:gameStateUpdate?presale
//! sequence:gameStateUpdate?rug
//! formula:gameStateUpdate?provably-fair
//! ```
//!
//! Paths are in the form of the schema facts (`$.leaderboard[].id`, keys that are data as `{tick}`), whatever form they
//! were typed in; so two ways to write a field are one subject.

use std::fmt;
use std::str::FromStr;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::protocol::facts::keys::{KeyKind, kind as key_kind, normalise_path};
pub use crate::protocol::facts::tier::Tier;

/// What kind of thing a subject is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum SubjectKind {
    /// An event type.
    Event,
    /// A field of an event.
    Field,
    /// One value of a field that has few.
    EnumValue,
    /// How phases show in an event.
    PhaseRule,
    /// What follows what.
    Sequence,
    /// How values depend on each other.
    Formula,
    /// The unit of a field.
    Unit,
}

impl SubjectKind {
    /// Every kind.
    pub const ALL: [SubjectKind; 7] = [
        SubjectKind::Event,
        SubjectKind::Field,
        SubjectKind::EnumValue,
        SubjectKind::PhaseRule,
        SubjectKind::Sequence,
        SubjectKind::Formula,
        SubjectKind::Unit,
    ];

    /// Its name in keys.
    pub fn as_str(self) -> &'static str {
        match self {
            SubjectKind::Event => "event",
            SubjectKind::Field => "field",
            SubjectKind::EnumValue => "enum_value",
            SubjectKind::PhaseRule => "phase_rule",
            SubjectKind::Sequence => "sequence",
            SubjectKind::Formula => "formula",
            SubjectKind::Unit => "unit",
        }
    }

    /// The kind of this name.
    pub fn from_name(name: &str) -> Option<SubjectKind> {
        SubjectKind::ALL.into_iter().find(|kind| kind.as_str() == name)
    }
}

/// Which form of a packet is meant, where there are several.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Variant {
    /// With a trace argument.
    Traced,
    /// Without one.
    Untraced,
    /// The first packet after connecting.
    Snapshot,
}

impl Variant {
    const ALL: [(&'static str, Variant); 3] =
        [("traced", Variant::Traced), ("untraced", Variant::Untraced), ("snapshot", Variant::Snapshot)];

    /// Its name in keys.
    pub fn as_str(self) -> &'static str {
        Variant::ALL.iter().find(|(_, variant)| *variant == self).map_or("traced", |(name, _)| name)
    }
}

/// What something is about.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Subject {
    /// What kind of thing.
    pub kind: SubjectKind,
    /// Its event.
    pub event_name: String,
    /// `received` or `sent`, where only one of them is meant.
    pub direction: Option<String>,
    /// The field, as the schema facts write it; none for events and rules.
    pub path: Option<String>,
    /// The form of the packet, where only one of them is meant.
    pub variant: Option<Variant>,
    /// The value, of an enum value.
    pub value: Option<String>,
    /// The name of a rule, a sequence or a formula.
    pub expr: Option<String>,
}

/// A text that is no subject.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{text:?} is no subject: {why}. A subject is written like {example}")]
pub struct BadSubject {
    /// What was given.
    pub text: String,
    /// Why it is none.
    pub why: String,
    /// One that is.
    pub example: &'static str,
}

const EXAMPLE: &str = "field:gameStateUpdate#$.rugpool.threshold or event:playerUpdate";

impl Subject {
    /// An event.
    pub fn event(name: &str) -> Subject {
        Subject {
            kind: SubjectKind::Event,
            event_name: name.to_owned(),
            direction: None,
            path: None,
            variant: None,
            value: None,
            expr: None,
        }
    }

    /// A field of an event; the path may be written in any form that [`canonical_path`] knows.
    pub fn field(event: &str, path: &str) -> Subject {
        Subject { kind: SubjectKind::Field, path: Some(canonical_path(path)), ..Subject::event(event) }
    }

    /// The stable key.
    pub fn key(&self) -> String {
        self.to_string()
    }
}

/// Brings a path into the form of the facts: `rugpool.threshold`, `leaderboard[0].id`, `partialPrices.values.231` are
/// `$.rugpool.threshold`, `$.leaderboard[].id`, `$.partialPrices.values.{tick}`.
pub fn canonical_path(written: &str) -> String {
    let normal = normalise_path(written);
    let mut path = String::from("$");
    let mut parent = "";
    for key in normal.trim_start_matches('$').split('.').filter(|key| !key.is_empty()) {
        let (name, elements) = key.find('[').map_or((key, ""), |at| key.split_at(at));
        let name = match (name, key_kind(parent, name)) {
            ("{}", _) => "{tick}",
            (_, KeyKind::Data(data)) => data,
            (name, KeyKind::Name) => name,
        };
        if !name.is_empty() {
            path.push('.');
            path.push_str(name);
        }
        path.push_str(elements);
        parent = name;
    }
    path
}

/// Characters that have a meaning in keys.
const SPECIAL: &str = "%@~#=?";

fn escape(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for character in text.chars() {
        if SPECIAL.contains(character) {
            out.push_str(&format!("%{:02X}", u32::from(character)));
        } else {
            out.push(character);
        }
    }
    out
}

fn unescape(text: &str) -> String {
    let mut out = text.to_owned();
    // `%` last: what it brings forth is not read again.
    for character in SPECIAL.chars().rev() {
        out = out.replace(&format!("%{:02X}", u32::from(character)), &character.to_string());
    }
    out
}

impl fmt::Display for Subject {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        write!(f, "{}:{}", self.kind.as_str(), escape(&self.event_name))?;
        if let Some(direction) = &self.direction {
            write!(f, "@{direction}")?;
        }
        if let Some(variant) = self.variant {
            write!(f, "~{}", variant.as_str())?;
        }
        if let Some(path) = &self.path {
            write!(f, "#{path}")?;
        }
        if let Some(value) = &self.value {
            write!(f, "={value}")?;
        }
        if let Some(expr) = &self.expr {
            write!(f, "?{expr}")?;
        }
        Ok(())
    }
}

impl FromStr for Subject {
    type Err = BadSubject;

    fn from_str(text: &str) -> Result<Subject, BadSubject> {
        let text = text.trim();
        let bad = |why: String| BadSubject { text: text.chars().take(200).collect(), why, example: EXAMPLE };
        let kinds = || SubjectKind::ALL.map(SubjectKind::as_str).join(", ");
        let (kind, rest) =
            text.split_once(':').ok_or_else(|| bad(format!("it begins with none of {}", kinds())))?;
        let kind = SubjectKind::from_name(kind).ok_or_else(|| bad(format!("{kind:?} is none of {}", kinds())))?;
        // The value or the name first: a path cannot hold `=` or `?`, a value may hold anything.
        let head_end = rest.find(['=', '?']).unwrap_or(rest.len());
        let (head, tail) = rest.split_at(head_end);
        let (value, expr) = match tail.chars().next() {
            Some('=') => (tail.get(1..), None),
            Some(_) => (None, tail.get(1..)),
            None => (None, None),
        };
        let given = |text: Option<&str>| text.filter(|text| !text.is_empty()).map(str::to_owned);
        let (head, path) = match head.split_once('#') {
            Some((head, path)) => (head, Some(canonical_path(path))),
            None => (head, None),
        };
        let (head, variant) = match head.split_once('~') {
            Some((head, name)) => {
                let known = Variant::ALL.iter().find(|(known, _)| *known == name);
                let (_, variant) =
                    known.ok_or_else(|| bad(format!("~{name} is none of ~traced, ~untraced, ~snapshot")))?;
                (head, Some(*variant))
            }
            None => (head, None),
        };
        let (event, direction) = match head.split_once('@') {
            Some((event, direction @ ("sent" | "received"))) => (event, Some(direction.to_owned())),
            Some((_, other)) => return Err(bad(format!("@{other} is neither @sent nor @received"))),
            None => (head, None),
        };
        if event.is_empty() {
            return Err(bad("it names no event".into()));
        }
        let subject = Subject {
            kind,
            event_name: unescape(event),
            direction,
            path: path.filter(|path| path != "$"),
            variant,
            value: given(value),
            expr: given(expr),
        };
        match kind {
            SubjectKind::Field | SubjectKind::Unit if subject.path.is_none() => {
                Err(bad("it needs a field behind #".into()))
            }
            SubjectKind::EnumValue if subject.path.is_none() || subject.value.is_none() => {
                Err(bad("it needs a field behind # and a value behind =".into()))
            }
            SubjectKind::PhaseRule | SubjectKind::Sequence | SubjectKind::Formula if subject.expr.is_none() => {
                Err(bad("it needs a short name behind ?".into()))
            }
            SubjectKind::Event if subject.path.is_some() || subject.value.is_some() || subject.expr.is_some() => {
                Err(bad("an event has no field, value or name; use field:…#$.… for a field".into()))
            }
            _ => Ok(subject),
        }
    }
}

impl Serialize for Subject {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Subject {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Subject, D::Error> {
        String::deserialize(deserializer)?.parse().map_err(serde::de::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn a_key_comes_back_as_it_was_written() {
        for key in [
            "event:playerUpdate",
            "event:playerUpdate@sent",
            "field:gameStateUpdate#$.rugpool.threshold",
            "field:gameStateUpdate~snapshot#$.prices",
            "enum_value:standard/newTrade#$.type=short_open",
            "enum_value:x#$.mark==?#",
            "unit:gameStateUpdate#$.cooldownTimer",
            "phase_rule:gameStateUpdate?presale",
            "sequence:gameStateUpdate@received?rug",
            "formula:gameStateUpdate?provably-fair",
        ] {
            assert_eq!(key.parse::<Subject>().unwrap().key(), key);
        }
    }

    #[test]
    fn a_name_with_special_characters_survives() {
        for name in ["50% off?", "a#b=c~d@e", "%23"] {
            let subject = Subject::event(name);
            assert_eq!(subject.key().parse::<Subject>().unwrap(), subject);
        }
    }

    #[test]
    fn rule_8_all_ways_to_write_a_path_are_one_subject() {
        let same = |a: &str, b: &str| assert_eq!(canonical_path(a), canonical_path(b), "{a} and {b}");
        same("rugpool.threshold", "$.rugpool.threshold");
        same("leaderboard[3].id", "$.leaderboard[*].id");
        same("partialPrices.values.231", "$.partialPrices.values.{tick}");
        same("partialPrices.values.{}", "$.partialPrices.values.{tick}");
        let numbered: Subject = "field:gameStateUpdate#$.partialPrices.values.17".parse().unwrap();
        assert_eq!(numbered.key(), "field:gameStateUpdate#$.partialPrices.values.{tick}");
    }

    #[test]
    fn what_is_no_subject_says_why() {
        for (text, why) in [
            ("cooldownTimer", "begins with none of event, field"),
            ("thing:x", "none of event"),
            ("field:playerUpdate", "needs a field"),
            ("event:", "names no event"),
            ("event:playerUpdate#$.cash", "an event has no field"),
            ("phase_rule:gameStateUpdate", "needs a short name"),
            ("event:x@up", "neither @sent"),
        ] {
            let error = text.parse::<Subject>().unwrap_err().to_string();
            assert!(error.contains(why) && error.contains("event:playerUpdate"), "{text}: {error}");
        }
    }
}
