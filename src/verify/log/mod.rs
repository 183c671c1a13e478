//! The log: everything that was proposed and decided, in order, hash-chained ([`crate::store::chain`]), in
//! `manifests/verification_log.jsonl`. Nothing in it is ever changed or taken out.
//!
//! * [`Entry`] — what a line says. [`ledger`] — what follows from all of them, kept up to date in memory and in
//!   `manifests/verification.json`; and the one way to add a line.
//! * [`publish`] — every line as a `system_event` in the store.

pub mod ledger;
pub mod publish;

#[cfg(test)]
mod tests;

use serde::{Deserialize, Serialize};

use super::mark::{Actor, Evidence, Mark, Proposal};
use super::subject::{Subject, Tier};
use crate::store::chain::Torn;

/// One line of the log.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "what", rename_all = "snake_case")]
pub enum Entry {
    /// Something was proposed.
    Proposed {
        /// The proposal.
        proposal: Box<Proposal>,
    },
    /// A person said yes.
    Accepted {
        /// What came of it.
        mark: Box<Mark>,
    },
    /// A person said no; what was in force before still is.
    Rejected {
        /// What they said no to.
        proposal_id: String,
        /// Its subject.
        subject: Subject,
        /// Who.
        actor: Actor,
        /// Why.
        #[serde(skip_serializing_if = "Option::is_none", default)]
        rationale: Option<String>,
        /// When, UTC.
        ts: String,
    },
    /// A proposal was taken back.
    Withdrawn {
        /// Which one.
        proposal_id: String,
        /// Its subject.
        subject: Subject,
        /// Who.
        actor: Actor,
        /// When, UTC.
        ts: String,
    },
    /// A marked statement was checked again, and stands otherwise than before.
    Rechecked(Recheck),
    /// The end of the log was torn by a crash and cut off.
    Repaired {
        /// What was cut.
        torn: Torn,
        /// When, UTC.
        ts: String,
    },
}

impl Entry {
    /// What it is about; none for what is about the log itself.
    pub fn subject(&self) -> Option<&Subject> {
        match self {
            Entry::Proposed { proposal } => Some(&proposal.subject),
            Entry::Accepted { mark } => Some(&mark.subject),
            Entry::Rejected { subject, .. } | Entry::Withdrawn { subject, .. } => Some(subject),
            Entry::Rechecked(recheck) => Some(&recheck.subject),
            Entry::Repaired { .. } => None,
        }
    }
}

/// A marked statement, checked again on newer data.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Recheck {
    /// The mark.
    pub mark_id: String,
    /// Its subject.
    pub subject: Subject,
    /// Whether the data contradict it now.
    pub stale: bool,
    /// Cases that support it.
    pub supports: u64,
    /// Cases that contradict it.
    pub contradicts: u64,
    /// How well the subject is known now.
    pub tier: Tier,
    /// The first cases that contradict it.
    #[serde(default)]
    pub counterexamples: Vec<Evidence>,
    /// Data up to this time was looked at, UTC.
    pub as_of: String,
    /// When, UTC.
    pub ts: String,
}

/// Now, as the log writes it: UTC, milliseconds.
pub fn now() -> String {
    jiff::Timestamp::now().strftime("%Y-%m-%dT%H:%M:%S.%3fZ").to_string()
}
