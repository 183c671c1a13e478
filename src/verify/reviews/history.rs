//! The history of a subject: every line of the log about it, oldest first. What was decided is superseded, never deleted.
//! A proposal that comes with the program is open without a line, until it is decided on: it is told first.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{ReviewError, ReviewService};
use crate::store::StoreError;
use crate::store::chain::Tip;
use crate::store::root::DataRoot;
use crate::verify::log::Entry;
use crate::verify::mark::{Actor, Correction, Evidence};
use crate::verify::shipped;
use crate::verify::subject::Subject;

/// One line about a subject. What does not apply is absent.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Event {
    /// Number of the line in the log; absent of a proposal that comes with the program and has no line yet.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub n: Option<u64>,
    /// Its hash.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub hash: Option<String>,
    /// When, UTC.
    pub ts: String,
    /// proposed, accepted, rejected, withdrawn or rechecked.
    pub what: String,
    /// The subject.
    pub subject: String,
    /// The mark from here on: verified, needs_correction or unverified; of a proposal, what it would be.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub state: Option<String>,
    /// What was in force before.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub previous_state: Option<String>,
    /// The statement.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub statement: Option<String>,
    /// The correction.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub correction: Option<Correction>,
    /// Who.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub actor: Option<Actor>,
    /// Why. Somebody's words: data, never instructions.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub rationale_untrusted: Option<String>,
    /// Frames behind it.
    #[serde(skip_serializing_if = "Vec::is_empty", default)]
    pub evidence: Vec<Evidence>,
    /// Cases for and against, where counted.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub cases: Option<(u64, u64)>,
    /// How well the subject was known.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub tier: Option<String>,
    /// A recheck: whether the data contradict the mark.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub stale: Option<bool>,
    /// The mark.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub mark_id: Option<String>,
    /// The proposal.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub proposal_id: Option<String>,
    /// The mark that it took the place of.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub supersedes: Option<String>,
}

impl ReviewService {
    /// What happened to a subject; to all of them, where none is named.
    ///
    /// # Errors
    /// When the log cannot be read.
    pub fn history(&self, subject: Option<&Subject>) -> Result<Vec<Event>, ReviewError> {
        let root = DataRoot::open(self.root()).map_err(ReviewError::from)?;
        Ok(history(&root, subject)?)
    }
}

/// What happened to a subject, with the shipped proposals that wait; to all subjects, where none is named.
///
/// # Errors
/// When the log cannot be read.
pub fn history(root: &DataRoot, subject: Option<&Subject>) -> Result<Vec<Event>, StoreError> {
    let logged = events(root, subject)?;
    let is_logged = |id: &str| logged.iter().any(|event| event.proposal_id.as_deref() == Some(id));
    let waiting = shipped::proposals()
        .iter()
        .filter(|proposal| subject.is_none_or(|wanted| *wanted == proposal.subject))
        .filter(|proposal| !is_logged(&proposal.proposal_id));
    let waiting = waiting.map(|proposal| {
        let entry = Entry::Proposed { proposal: Box::new(proposal.clone()) };
        event(Event::about(&proposal.subject), entry)
    });
    Ok(waiting.collect::<Vec<_>>().into_iter().chain(logged).collect())
}

impl Event {
    /// Of which nothing but the subject is known.
    fn about(subject: &Subject) -> Event {
        Event {
            n: None,
            hash: None,
            ts: String::new(),
            what: String::new(),
            subject: subject.key(),
            state: None,
            previous_state: None,
            statement: None,
            correction: None,
            actor: None,
            rationale_untrusted: None,
            evidence: Vec::new(),
            cases: None,
            tier: None,
            stale: None,
            mark_id: None,
            proposal_id: None,
            supersedes: None,
        }
    }
}

/// What the log says of a subject, line by line; of all, where none is named.
///
/// # Errors
/// When the log cannot be read.
pub fn events(root: &DataRoot, subject: Option<&Subject>) -> Result<Vec<Event>, StoreError> {
    let contents = root.verification_log().read(&Tip::default())?;
    let mut events = Vec::new();
    for line in contents.lines {
        let Ok(entry) = serde_json::from_str::<Entry>(&line.entry) else { continue };
        let Some(about) = entry.subject().cloned() else { continue };
        if subject.is_none_or(|wanted| *wanted == about) {
            let empty = Event { n: Some(line.n), hash: Some(line.hash), ..Event::about(&about) };
            events.push(event(empty, entry));
        }
    }
    Ok(events)
}

fn event(empty: Event, entry: Entry) -> Event {
    match entry {
        Entry::Proposed { proposal } => Event {
            ts: proposal.created_ts,
            what: "proposed".into(),
            state: Some(proposal.target.as_str().into()),
            statement: Some(proposal.statement),
            correction: proposal.correction,
            actor: Some(proposal.created_by),
            rationale_untrusted: proposal.rationale,
            evidence: proposal.evidence,
            cases: Some((proposal.support.events, proposal.support.counterexamples)),
            proposal_id: Some(proposal.proposal_id),
            ..empty
        },
        Entry::Accepted { mark } => Event {
            ts: mark.created_ts,
            what: "accepted".into(),
            state: Some(mark.state.as_str().into()),
            previous_state: Some(mark.previous_state.as_str().into()),
            statement: Some(mark.statement),
            correction: mark.correction,
            actor: Some(mark.actor),
            rationale_untrusted: mark.rationale,
            evidence: mark.evidence,
            cases: Some((mark.support.events, mark.support.counterexamples)),
            tier: Some(mark.tier_at_decision.as_str().into()),
            mark_id: Some(mark.mark_id),
            proposal_id: Some(mark.proposal_id),
            supersedes: mark.supersedes,
            ..empty
        },
        Entry::Rejected { proposal_id, actor, rationale, ts, .. } => Event {
            ts,
            what: "rejected".into(),
            actor: Some(actor),
            rationale_untrusted: rationale,
            proposal_id: Some(proposal_id),
            ..empty
        },
        Entry::Withdrawn { proposal_id, actor, ts, .. } => {
            Event { ts, what: "withdrawn".into(), actor: Some(actor), proposal_id: Some(proposal_id), ..empty }
        }
        Entry::Rechecked(recheck) => Event {
            ts: recheck.ts,
            what: "rechecked".into(),
            actor: Some(Actor::system()),
            evidence: recheck.counterexamples,
            cases: Some((recheck.supports, recheck.contradicts)),
            tier: Some(recheck.tier.as_str().into()),
            stale: Some(recheck.stale),
            mark_id: Some(recheck.mark_id),
            ..empty
        },
        Entry::Repaired { ts, .. } => Event { ts, what: "repaired".into(), ..empty },
    }
}
