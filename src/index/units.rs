//! Stand-in until the module of the same name arrives: a knowledge text and its kinds.

use serde::{Deserialize, Serialize};

/// What a unit is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum UnitKind {
    /// One event type.
    EventCard,
    /// One field of an event.
    FieldCard,
    /// One payload.
    Sample,
    /// One game.
    Game,
    /// One session.
    Session,
    /// Something out of the ordinary.
    Anomaly,
    /// A piece of the shipped reference.
    Reference,
}

impl UnitKind {
    /// All kinds.
    pub const ALL: [UnitKind; 7] = [
        UnitKind::EventCard,
        UnitKind::FieldCard,
        UnitKind::Sample,
        UnitKind::Game,
        UnitKind::Session,
        UnitKind::Anomaly,
        UnitKind::Reference,
    ];

    /// Its name.
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
}

/// One text of the index.
#[derive(Debug, Clone, PartialEq)]
pub struct Unit {
    /// Stable id.
    pub id: String,
    /// What it is about.
    pub kind: UnitKind,
    /// One line.
    pub title: String,
    /// The text an agent reads.
    pub text: String,
    /// The event it is about.
    pub event_name: Option<String>,
    /// The field it is about.
    pub field_path: Option<String>,
    /// The kind of row it is about.
    pub doc_type: Option<String>,
    /// The game it is about.
    pub game_id: Option<String>,
    /// The session it is from.
    pub session_id: Option<String>,
    /// Where the frames behind it are from.
    pub source: Option<String>,
    /// Time it is about, microseconds UTC.
    pub ts_us: Option<i64>,
    /// How it is known.
    pub tier: Tier,
    /// Addresses of frames.
    pub evidence: Vec<String>,
    /// Digest of what is embedded.
    pub hash: String,
}

/// How well a thing is known.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Tier {
    /// Seen on the wire.
    Observed,
    /// Claimed by documents only.
    Documented,
    /// Concluded.
    Inferred,
}

impl Tier {
    /// Its name.
    pub fn as_str(self) -> &'static str {
        match self {
            Tier::Observed => "observed",
            Tier::Documented => "documented",
            Tier::Inferred => "inferred",
        }
    }
}

/// The units that come with the program.
pub fn shipped() -> Vec<Unit> {
    Vec::new()
}
