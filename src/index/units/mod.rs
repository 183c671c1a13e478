//! Knowledge units: the texts that search finds. Not one per tick (ticks are SQL's business) but what an agent
//! would want to read: an event, a field, a sample, a game, a session, an anomaly, a section of the reference.
//!
//! Every unit has a stable id, a hash of its content (an unchanged text is never embedded twice) and evidence:
//! event refs that lead to the frames. Making units is pure; [`games::read`] alone reads the store.
//!
//! One file per kind: [`events`], [`fields`], [`samples`], [`games`], [`sessions`], [`anomalies`], [`reference`].
//! [`text`] keeps them short.

pub mod anomalies;
pub mod events;
pub mod fields;
pub mod games;
pub mod reference;
pub mod samples;
pub mod sessions;
pub mod text;

#[cfg(test)]
mod tests;

use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};

use super::facts_store::Digest;
pub use crate::protocol::catalogue::Basis;
pub use crate::protocol::facts::tier::Tier;
use crate::store::catalog::Catalog;

/// Words a unit may have: what the embedding model reads of a text.
pub const MAX_WORDS: usize = 220;

/// What a unit is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum UnitKind {
    /// One event of the protocol.
    EventCard,
    /// One field path of an event.
    FieldCard,
    /// One packet of a shape in a phase.
    Sample,
    /// One game.
    Game,
    /// One recording or import.
    Session,
    /// Something that is not as expected.
    Anomaly,
    /// A section of the shipped protocol reference.
    Reference,
}

impl UnitKind {
    /// Every kind.
    pub const ALL: [UnitKind; 7] = [
        UnitKind::EventCard,
        UnitKind::FieldCard,
        UnitKind::Sample,
        UnitKind::Game,
        UnitKind::Session,
        UnitKind::Anomaly,
        UnitKind::Reference,
    ];

    /// Its name in filters and results.
    pub fn as_str(self) -> &'static str {
        match self {
            UnitKind::EventCard => "event_card",
            UnitKind::FieldCard => "field_card",
            UnitKind::Sample => "sample",
            UnitKind::Game => "game",
            UnitKind::Session => "session",
            UnitKind::Anomaly => "anomaly",
            UnitKind::Reference => "reference",
        }
    }

    /// The kind of this name.
    pub fn from_name(name: &str) -> Option<UnitKind> {
        UnitKind::ALL.into_iter().find(|kind| kind.as_str() == name)
    }
}

/// One knowledge text.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Unit {
    /// Stable: `event:playerUpdate#0`, `field:playerUpdate:$.cash`, `game:<id>`, `ref:side-bets/settlement`.
    pub id: String,
    /// What it is about.
    pub kind: UnitKind,
    /// A line to show.
    pub title: String,
    /// The text, at most [`MAX_WORDS`] words with the title.
    pub text: String,
    /// The event it is about; the first where there are several.
    pub event_name: Option<String>,
    /// The field it is about.
    pub field_path: Option<String>,
    /// The doc type whose rows hold more.
    pub doc_type: Option<String>,
    /// The game it is about.
    pub game_id: Option<String>,
    /// The session it is about.
    pub session_id: Option<String>,
    /// Where the rows came from: the only source, or none where there are several.
    pub source: Option<String>,
    /// When, microseconds UTC; the latest moment it speaks of.
    pub ts_us: Option<i64>,
    /// How well it is known from the data.
    pub tier: Tier,
    /// What the shipped statements in it rest on; none where it says only what the data say.
    pub basis: Option<Basis>,
    /// Event refs, `session:seq`.
    pub evidence: Vec<String>,
    /// SHA-256 of title and text, hex.
    pub hash: String,
}

impl Unit {
    /// Whether neither the data nor who wrote it saw what it is about.
    pub fn is_documented_only(tier: Tier, basis: Option<Basis>) -> bool {
        tier == Tier::Theoretical && matches!(basis, Some(Basis::Documented | Basis::Inferred))
    }

    /// A unit with its text cut to the cap and its hash made.
    pub fn new(kind: UnitKind, id: String, title: String, text: &str, tier: Tier) -> Unit {
        let text = text::cut(text, MAX_WORDS.saturating_sub(text::words(&title)));
        let hash = format!("{:x}", Sha256::digest(format!("{title}\0{text}").as_bytes()));
        Unit {
            id,
            kind,
            title,
            text,
            event_name: None,
            field_path: None,
            doc_type: None,
            game_id: None,
            session_id: None,
            source: None,
            ts_us: None,
            tier,
            basis: None,
            evidence: Vec::new(),
            hash,
        }
    }
}

/// Every unit that is made from the schema facts, the sessions and the shipped reference. Its number depends on
/// the protocol and the sessions, not on the games; those come from [`games`].
pub fn knowledge(digest: &Digest, catalog: &Catalog) -> Vec<Unit> {
    let mut units = reference::units();
    units.extend(events::units(&digest.facts));
    units.extend(fields::units(&digest.facts));
    units.extend(samples::units(&digest.facts));
    units.extend(sessions::units(digest, catalog));
    units.extend(anomalies::units(digest));
    units
}
