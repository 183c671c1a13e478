//! The proposals that come with the program: what recordings have already shown, as statements to check and to decide on.
//!
//! They are proposals, not marks: each is unverified until a person decides, on the evidence of their own data. They stand
//! in `resources/protocol/proposals.json`, and in the log only once they are decided on.

use std::sync::LazyLock;

use serde::Deserialize;

use super::check::Statement;
use super::mark::{Actor, Correction, MarkState, Proposal, ProposalStatus, SCHEMA_VERSION, Support};
use super::subject::Subject;

const TEXT: &str = include_str!("../../resources/protocol/proposals.json");

#[derive(Deserialize)]
struct File {
    proposals: Vec<Written>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Written {
    id: String,
    subject: Subject,
    #[serde(default)]
    target: Option<MarkState>,
    statement: String,
    meaning: String,
    #[serde(default)]
    correction: Option<Correction>,
    /// Where frames are to be looked for, when the subject itself is something that must not be there.
    #[serde(default)]
    evidence_of: Option<Subject>,
}

/// When they were put together.
const WRITTEN: &str = "2026-11-25T00:00:00.000Z";

static FILE: LazyLock<Vec<Written>> = LazyLock::new(|| match serde_json::from_str::<File>(TEXT) {
    Ok(file) => file.proposals,
    Err(error) => {
        // A test reads the file.
        tracing::error!(%error, "the shipped proposals cannot be read");
        Vec::new()
    }
});

/// All of them.
pub fn proposals() -> &'static [Proposal] {
    static PROPOSALS: LazyLock<Vec<Proposal>> = LazyLock::new(|| FILE.iter().map(proposal).collect());
    &PROPOSALS
}

fn proposal(written: &Written) -> Proposal {
    Proposal {
        proposal_id: format!("shipped-{}", written.id),
        subject: written.subject.clone(),
        target: written.target.unwrap_or(MarkState::Verified),
        prose: Statement::parse(&written.statement).is_err(),
        statement: written.statement.clone(),
        meaning: Some(written.meaning.clone()),
        correction: written.correction.clone(),
        evidence: Vec::new(),
        support: Support::default(),
        rationale: None,
        created_by: Actor::system(),
        created_ts: WRITTEN.into(),
        expires_ts: None,
        status: ProposalStatus::Open,
        decision_mark_id: None,
        schema_version: SCHEMA_VERSION,
    }
}

/// Whether a subject is the subject of a shipped proposal: known, though neither data nor documents may have it.
pub fn knows(subject: &Subject) -> bool {
    FILE.iter().any(|written| written.subject == *subject)
}

/// Where to look for frames that show what a proposal says.
pub fn evidence_of(proposal_id: &str) -> Option<&'static Subject> {
    let id = proposal_id.strip_prefix("shipped-")?;
    FILE.iter().find(|written| written.id == id)?.evidence_of.as_ref()
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn the_shipped_proposals_are_whole() {
        let file: File = serde_json::from_str(TEXT).unwrap();
        assert_eq!(file.proposals.len(), proposals().len());
        let mut keys: Vec<String> = proposals().iter().map(|proposal| proposal.subject.key()).collect();
        keys.sort();
        keys.dedup();
        assert_eq!(keys.len(), proposals().len(), "one per subject");
        assert!(proposals().iter().all(|proposal| proposal.status == ProposalStatus::Open));
    }

    #[test]
    fn all_but_the_open_questions_can_be_checked() {
        let prose: Vec<&str> = proposals()
            .iter()
            .filter(|proposal| proposal.prose)
            .map(|proposal| proposal.proposal_id.as_str())
            .collect();
        assert_eq!(
            prose,
            ["shipped-god-candle", "shipped-counter-window", "shipped-trace-joins", "shipped-game-order"]
        );
    }
}
