//! The shipped catalogue: what is known about every event before any of the user's own data was read.
//!
//! `resources/protocol/catalogue.json` holds one entry per event, its sentences ours. What was seen on the wire is
//! told from what only documents claim ([`Basis`]).

use std::collections::BTreeSet;
use std::sync::LazyLock;

use serde::{Deserialize, Serialize};

use super::facts::SchemaFacts;
use super::facts::keys::normalise_path;

/// What a shipped statement rests on. How well something is known from the user's own data is another question, and its
/// tier ([`super::facts::tier`]).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Basis {
    /// Seen in bytes of the wire by those who wrote it.
    Wire,
    /// Claimed by documents only.
    Documented,
    /// Concluded, never seen.
    Inferred,
}

impl Basis {
    /// Every basis.
    pub const ALL: [Basis; 3] = [Basis::Wire, Basis::Documented, Basis::Inferred];

    /// Its name.
    pub fn as_str(self) -> &'static str {
        match self {
            Basis::Wire => "wire",
            Basis::Documented => "documented",
            Basis::Inferred => "inferred",
        }
    }

    /// The basis of this name.
    pub fn from_name(name: &str) -> Option<Basis> {
        Basis::ALL.into_iter().find(|basis| basis.as_str() == name)
    }
}

/// Everything shipped.
#[derive(Debug, Clone, Deserialize)]
pub struct Catalogue {
    /// Version of the file.
    pub version: u32,
    /// The events, the most important ones first.
    pub events: Vec<EventDoc>,
}

/// One event.
#[derive(Debug, Clone, Deserialize)]
pub struct EventDoc {
    /// Its name on the wire; `ack` and `transport:…` have none there.
    pub name: String,
    /// Other names documents use.
    #[serde(default)]
    pub aliases: Vec<String>,
    /// Group of events.
    pub category: String,
    /// `received`, `sent` or `both`.
    pub direction: String,
    /// Whether it needs a logged-in socket; `None`: not known.
    pub auth: Option<bool>,
    /// Phases it occurs in.
    pub phases: Vec<String>,
    /// What the entry rests on.
    pub basis: Basis,
    /// What it was seen in: `capture`, `report`, `transcript` or `none`.
    pub seen: String,
    /// Whether a trace argument stands before the payload; `None`: not known.
    pub traced: Option<bool>,
    /// What it answers, or is answered by.
    pub pairing: Option<String>,
    /// How often it comes.
    pub frequency: String,
    /// What it is for, in a sentence.
    pub purpose: String,
    /// What one has to know besides.
    #[serde(default)]
    pub notes: Vec<String>,
    /// Its fields.
    #[serde(default)]
    pub fields: Vec<FieldDoc>,
}

/// One field: path, types, meaning, unit.
#[derive(Debug, Clone, Deserialize)]
#[serde(from = "(String, String, String, String)")]
pub struct FieldDoc {
    /// `$.leaderboard[].id`.
    pub path: String,
    /// JSON types, `|` between them.
    pub types: String,
    /// What a value means.
    pub meaning: String,
    /// Unit, empty where it has none.
    pub unit: String,
}

impl From<(String, String, String, String)> for FieldDoc {
    fn from((path, types, meaning, unit): (String, String, String, String)) -> FieldDoc {
        FieldDoc { path, types, meaning, unit }
    }
}

impl EventDoc {
    /// The field at this path.
    pub fn field(&self, path: &str) -> Option<&FieldDoc> {
        self.fields.iter().find(|field| field.path == path)
    }

    /// Who may see or send it, in a few words.
    pub fn auth_words(&self) -> &'static str {
        match self.auth {
            Some(true) => "needs a logged-in socket (private)",
            Some(false) => "public, no login needed",
            None => "not known whether a login is needed",
        }
    }
}

const TEXT: &str = include_str!("../../resources/protocol/catalogue.json");

/// The shipped catalogue. A test proves that it parses.
pub fn catalogue() -> &'static Catalogue {
    static CATALOGUE: LazyLock<Catalogue> = LazyLock::new(|| {
        serde_json::from_str(TEXT).unwrap_or_else(|error| {
            tracing::error!(%error, "the shipped catalogue cannot be read");
            Catalogue { version: 0, events: Vec::new() }
        })
    });
    &CATALOGUE
}

impl Catalogue {
    /// The event of this name or alias.
    pub fn event(&self, name: &str) -> Option<&EventDoc> {
        let by_name = self.events.iter().find(|event| event.name == name);
        by_name.or_else(|| self.events.iter().find(|event| event.aliases.iter().any(|alias| alias == name)))
    }
}

/// How what was found compares with what is written.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Coverage {
    /// Found, not written.
    pub new: BTreeSet<String>,
    /// Written, not found.
    pub stale: BTreeSet<String>,
    /// Share of what was found that is written, percent; 100 when nothing was found.
    pub percent: f64,
}

/// Compares field paths, in whatever form documents write them.
pub fn coverage<'a>(
    found: impl IntoIterator<Item = &'a str>,
    written: impl IntoIterator<Item = &'a str>,
) -> Coverage {
    let found: BTreeSet<String> = found.into_iter().map(normalise_path).collect();
    let written: BTreeSet<String> = written.into_iter().map(normalise_path).collect();
    let both = found.intersection(&written).count();
    Coverage {
        new: found.difference(&written).cloned().collect(),
        stale: written.difference(&found).cloned().collect(),
        percent: if found.is_empty() { 100.0 } else { both as f64 * 100.0 / found.len() as f64 },
    }
}

/// Events in the facts that the catalogue does not know, each once.
pub fn novel_events(facts: &SchemaFacts) -> BTreeSet<&str> {
    let catalogue = catalogue();
    let known = |name: &str| catalogue.event(name).is_some() || name.starts_with("transport:");
    facts.events.keys().map(String::as_str).filter(|name| !known(name)).collect()
}

/// Field paths of a known event that the catalogue does not know; elements of lists count with their list.
pub fn novel_fields(facts: &SchemaFacts, event: &str) -> Vec<String> {
    let (Some(seen), Some(doc)) = (facts.events.get(event), catalogue().event(event)) else {
        return Vec::new();
    };
    if doc.fields.is_empty() {
        return Vec::new();
    }
    let known: BTreeSet<&str> = doc.fields.iter().map(|field| field.path.as_str()).collect();
    seen.fields
        .iter()
        .filter(|field| field.name != "[]" && !known.contains(field.path.as_str()))
        .map(|field| field.path.clone())
        .collect()
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]
    use super::*;

    #[test]
    fn the_shipped_catalogue_is_whole() {
        let read: Catalogue = serde_json::from_str(TEXT).unwrap();
        assert_eq!(read.events.len(), 53);
        let names: BTreeSet<&str> = read.events.iter().map(|event| event.name.as_str()).collect();
        assert_eq!(names.len(), read.events.len(), "names are unique");
        for event in &read.events {
            assert!(!event.purpose.is_empty() && !event.frequency.is_empty(), "{}", event.name);
            assert!(["received", "sent", "both"].contains(&event.direction.as_str()));
            let paths: BTreeSet<&str> = event.fields.iter().map(|field| field.path.as_str()).collect();
            assert_eq!(paths.len(), event.fields.len(), "{}", event.name);
            for field in &event.fields {
                assert!(
                    field.path.starts_with("$.") && !field.types.is_empty() && !field.meaning.is_empty(),
                    "{field:?}"
                );
            }
        }
        assert_eq!(catalogue().event("buyOrderResponse").unwrap().basis, Basis::Documented);
        assert_eq!(catalogue().event("playerUpdate").unwrap().field("$.cash").unwrap().unit, "SOL");
    }

    #[test]
    fn nobody_is_named_in_it() {
        assert!(!TEXT.contains("did:privy:c"));
        let words = TEXT.split(|c: char| !c.is_ascii_hexdigit());
        assert!(words.into_iter().all(|word| word.len() < 20), "a seed or an id stands in the catalogue");
    }

    #[test]
    fn k11_new_and_stale_are_told_apart() {
        let more = coverage(["price", "active", "new"], ["price", "active"]);
        assert_eq!((more.new.len(), more.stale.len()), (1, 0));
        assert!(more.new.contains("$.new"));
        let less = coverage(["price", "active"], ["$.price", "active", "old"]);
        assert_eq!((less.new.len(), less.stale.len(), less.percent), (0, 1, 100.0));
    }
}
