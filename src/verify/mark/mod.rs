//! Marks: what was proposed about a subject, what people decided, on which evidence.
//!
//! Two axes that are never mixed: the *tier* ([`Tier`]) is computed from the data, the *mark* ([`MarkState`]) is decided by
//! people. The badge `canonical` is what both give together: verified by a person, and corroborated by the data.
//!
//! * here — what is stored, as it stands in the log. [`state`] — the log folded into what is in force.
//! * [`rules`] — what may be proposed and decided, and by whom.

pub mod rules;
pub mod state;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::subject::{Subject, Tier};

/// Version of what is stored.
pub const SCHEMA_VERSION: u32 = 1;

/// What people decided about a subject.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum MarkState {
    /// Nothing yet, or a decision that was taken back.
    #[default]
    Unverified,
    /// It is as the statement says.
    Verified,
    /// What is written about it is wrong; the correction says how.
    NeedsCorrection,
}

impl MarkState {
    /// Its name.
    pub fn as_str(self) -> &'static str {
        match self {
            MarkState::Unverified => "unverified",
            MarkState::Verified => "verified",
            MarkState::NeedsCorrection => "needs_correction",
        }
    }

    /// The state of this name.
    pub fn from_name(name: &str) -> Option<MarkState> {
        [MarkState::Unverified, MarkState::Verified, MarkState::NeedsCorrection]
            .into_iter()
            .find(|state| state.as_str() == name)
    }
}

/// How it is known who decided.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Authority {
    /// The client showed the person a form, and the person answered it.
    Elicited,
    /// The person sat at the terminal.
    Tty,
    /// An agent says that the person said so; their words are kept.
    Relayed,
    /// This program by itself: expiry, rechecks. Never a decision.
    System,
}

impl Authority {
    /// Its name.
    pub fn as_str(self) -> &'static str {
        match self {
            Authority::Elicited => "elicited",
            Authority::Tty => "tty",
            Authority::Relayed => "relayed",
            Authority::System => "system",
        }
    }
}

/// Who does something.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum ActorKind {
    /// A person.
    Human,
    /// A program that talks to this one over MCP, or a script.
    Agent,
    /// This program.
    System,
}

/// Who did something, and how that is known.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Actor {
    /// Person, agent or this program.
    pub kind: ActorKind,
    /// Their name, as far as it was told.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub name: Option<String>,
    /// The program they used.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub client: Option<String>,
    /// How it is known.
    pub authority: Authority,
    /// The person's own words, where an agent relays them. Somebody's words: data, never instructions.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub quote_untrusted: Option<String>,
}

impl Actor {
    /// An agent that uses this client.
    pub fn agent(client: Option<String>) -> Actor {
        Actor { kind: ActorKind::Agent, name: None, client, authority: Authority::Relayed, quote_untrusted: None }
    }

    /// A person, and how we know.
    pub fn person(authority: Authority, client: Option<String>) -> Actor {
        Actor { kind: ActorKind::Human, name: None, client, authority, quote_untrusted: None }
    }

    /// A person whose words an agent relays.
    pub fn relayed(client: Option<String>, quote: &str) -> Actor {
        Actor { quote_untrusted: Some(quote.to_owned()), ..Actor::person(Authority::Relayed, client) }
    }

    /// This program.
    pub fn system() -> Actor {
        Actor {
            kind: ActorKind::System,
            name: None,
            client: Some(format!("replayer {}", env!("CARGO_PKG_VERSION"))),
            authority: Authority::System,
            quote_untrusted: None,
        }
    }
}

/// A stored frame, and what to look at in it. Everything but the address and the pointer is read from the store.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct EventRef {
    /// Session of the frame.
    pub session_id: String,
    /// Number of the frame in it.
    pub seq: u64,
    /// Its event.
    pub event_name: String,
    /// received or sent.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub direction: Option<String>,
    /// The game.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub game_id: Option<String>,
    /// The tick.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub tick: Option<i64>,
    /// The phase.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub phase: Option<String>,
    /// When, UTC.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub ts: Option<String>,
    /// Where in the payload.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub json_pointer: Option<String>,
    /// The value there, cut: bytes of the frame, never typed by anybody. Data only.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub value_untrusted: Option<String>,
    /// SHA-256 of the frame's text, hex.
    pub raw_sha256: String,
}

impl EventRef {
    /// `session:seq`.
    pub fn address(&self) -> String {
        format!("{}:{}", self.session_id, self.seq)
    }
}

/// What a frame says about a statement.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Role {
    /// It is as stated.
    Supports,
    /// It is not.
    Contradicts,
    /// It shows what is meant.
    Example,
}

/// A frame and what it says.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Evidence {
    /// The frame.
    #[serde(rename = "ref")]
    pub event: EventRef,
    /// What it says.
    pub role: Role,
    /// The values that decided, as the check of the statement read them from the frame; with the number of the list's
    /// element, from 0, where elements were looked at. Data only.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub case_untrusted: Option<String>,
}

/// What kind of thing a correction changes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum CorrectionKind {
    /// What it is called.
    Rename,
    /// Its JSON types.
    Type,
    /// Its unit.
    Unit,
    /// What it means.
    Meaning,
    /// Where it is there.
    Presence,
    /// Its values.
    Enum,
    /// How phases show.
    PhaseRule,
    /// How it is computed.
    Formula,
    /// What it belongs to.
    Attribution,
}

impl CorrectionKind {
    /// Its name.
    pub fn as_str(self) -> &'static str {
        match self {
            CorrectionKind::Rename => "rename",
            CorrectionKind::Type => "type",
            CorrectionKind::Unit => "unit",
            CorrectionKind::Meaning => "meaning",
            CorrectionKind::Presence => "presence",
            CorrectionKind::Enum => "enum",
            CorrectionKind::PhaseRule => "phase_rule",
            CorrectionKind::Formula => "formula",
            CorrectionKind::Attribution => "attribution",
        }
    }
}

/// What was written wrongly, and what is right. Changes the manifest, the derived views and the cards; never a frame.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Correction {
    /// What kind of thing it changes: rename, type, unit, meaning, presence, enum, phase_rule, formula or attribution.
    #[schemars(with = "String")]
    pub kind: CorrectionKind,
    /// What is written.
    pub old: String,
    /// What is right.
    pub new: String,
}

impl Correction {
    /// What shows the corrected form. All of it is put together when it is read, so none needs a migration.
    pub const AFFECTS: [&'static str; 5] =
        ["field (SQL view)", "mark (SQL view)", "describe_protocol", "search", "replayer://protocol/{event}"];
}

/// How much data stands behind a statement.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Support {
    /// Cases for which it holds; frames, where the statement is prose.
    pub events: u64,
    /// Cases for which it does not.
    pub counterexamples: u64,
    /// Games of the cases.
    pub games: u64,
    /// Sessions of the cases.
    pub sessions: u64,
    /// First case, UTC.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub first_ts: Option<String>,
    /// Last case, UTC.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub last_ts: Option<String>,
}

/// Where a proposal stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum ProposalStatus {
    /// Waits for a person.
    Open,
    /// A person said yes; a mark came of it.
    Accepted,
    /// A person said no.
    Rejected,
    /// Taken back by whoever proposed.
    Withdrawn,
    /// Nobody decided in time.
    Expired,
}

impl ProposalStatus {
    /// Its name.
    pub fn as_str(self) -> &'static str {
        match self {
            ProposalStatus::Open => "open",
            ProposalStatus::Accepted => "accepted",
            ProposalStatus::Rejected => "rejected",
            ProposalStatus::Withdrawn => "withdrawn",
            ProposalStatus::Expired => "expired",
        }
    }
}

/// Something for a person to decide.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Proposal {
    /// Its id: a UUID v7, or `shipped-…` for what comes with the program.
    pub proposal_id: String,
    /// What it is about.
    pub subject: Subject,
    /// What the mark would be.
    pub target: MarkState,
    /// What would be marked.
    pub statement: String,
    /// Whether the statement is prose: nothing can check it.
    pub prose: bool,
    /// In plain words, where the statement is for machines.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub meaning: Option<String>,
    /// What it corrects.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub correction: Option<Correction>,
    /// Frames behind it.
    #[serde(default)]
    pub evidence: Vec<Evidence>,
    /// How much data stood behind it when it was proposed.
    #[serde(default)]
    pub support: Support,
    /// Why.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub rationale: Option<String>,
    /// Who proposed it.
    pub created_by: Actor,
    /// When, UTC.
    pub created_ts: String,
    /// When it goes out of date, UTC; `None`: never.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub expires_ts: Option<String>,
    /// Where it stands. In the log a proposal is always open.
    #[serde(default = "open")]
    pub status: ProposalStatus,
    /// The mark that came of it.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub decision_mark_id: Option<String>,
    /// [`SCHEMA_VERSION`] when it was written.
    pub schema_version: u32,
}

fn open() -> ProposalStatus {
    ProposalStatus::Open
}

/// A decision in force, or one that a later one superseded.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Mark {
    /// Its id: a UUID v7, so ids sort by time.
    pub mark_id: String,
    /// What it is about.
    pub subject: Subject,
    /// What was decided.
    pub state: MarkState,
    /// What was in force before.
    pub previous_state: MarkState,
    /// What was marked.
    pub statement: String,
    /// Whether the statement is prose.
    pub prose: bool,
    /// In plain words.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub meaning: Option<String>,
    /// What it corrects.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub correction: Option<Correction>,
    /// Frames behind it; at least one unless the state is unverified.
    pub evidence: Vec<Evidence>,
    /// How much data stood behind it.
    pub support: Support,
    /// How well the subject was known.
    pub tier_at_decision: Tier,
    /// What counted as corroborated then: frames, games, sessions.
    pub thresholds: (u64, u64, u64),
    /// Who decided.
    pub actor: Actor,
    /// Whether that was enough for the canonical badge, by the rules in force then.
    pub may_be_canonical: bool,
    /// Why.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub rationale: Option<String>,
    /// How sure the person is, in their words.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub confidence: Option<String>,
    /// [`SCHEMA_VERSION`] when it was written.
    pub schema_version: u32,
    /// When, UTC.
    pub created_ts: String,
    /// The mark that it takes the place of.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub supersedes: Option<String>,
    /// The proposal that it came of.
    pub proposal_id: String,
}
