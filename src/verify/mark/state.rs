//! The log folded: what is in force for each subject, and every proposal. Pure.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::{Actor, Correction, CorrectionKind, Evidence, Mark, MarkState, Proposal, ProposalStatus, Support};
use crate::verify::log::Entry;
use crate::verify::subject::{Subject, Tier};

/// Everything in force.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct State {
    /// By subject key: subjects that have been decided on.
    pub subjects: BTreeMap<String, SubjectState>,
    /// By id, those that are over too.
    pub proposals: BTreeMap<String, Proposal>,
}

/// What is in force for one subject.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct SubjectState {
    /// The subject.
    pub subject: Subject,
    /// The mark.
    pub state: MarkState,
    /// What was marked.
    pub statement: String,
    /// Whether the statement is prose.
    pub prose: bool,
    /// In plain words.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub meaning: Option<String>,
    /// Corrections in force, the newest of each kind.
    #[serde(default)]
    pub corrections: BTreeMap<CorrectionKind, Correction>,
    /// Frames behind the mark.
    pub evidence: Vec<Evidence>,
    /// How much data stands behind it, as of the last decision or recheck that changed something.
    pub support: Support,
    /// How well the subject is known, likewise.
    pub tier: Tier,
    /// Whether who decided is enough for the canonical badge.
    pub may_be_canonical: bool,
    /// Later data contradict it.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub stale: Option<Stale>,
    /// Who decided.
    pub actor: Actor,
    /// Why.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub rationale: Option<String>,
    /// When, UTC.
    pub decided_ts: String,
    /// The mark in force.
    pub mark_id: String,
    /// The proposal that it came of.
    pub proposal_id: String,
    /// Decisions so far.
    pub decisions: u64,
}

/// Why a mark is stale.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Stale {
    /// Since when, UTC.
    pub since: String,
    /// Cases that contradict.
    pub contradicts: u64,
    /// The first of them.
    pub counterexamples: Vec<Evidence>,
}

impl SubjectState {
    /// Verified by a person, and corroborated by the data.
    pub fn canonical(&self) -> bool {
        self.state == MarkState::Verified && self.may_be_canonical && self.tier == Tier::Corroborated
    }

    /// One word or a few: `canonical`, `verified`, `needs_correction`, `unverified`; with `relayed` and `stale` where they
    /// apply.
    pub fn badge(&self) -> String {
        let word = if self.canonical() { "canonical" } else { self.state.as_str() };
        let relayed = self.state != MarkState::Unverified && self.actor.authority == super::Authority::Relayed;
        let relayed = if relayed { " (relayed)" } else { "" };
        let stale = if self.stale.is_some() { ", stale" } else { "" };
        format!("{word}{relayed}{stale}")
    }
}

impl State {
    /// Takes in one entry. Entries that do not fit (a decision on a proposal that is over) change nothing: they cannot be
    /// written, but a log is read as it is.
    pub fn apply(&mut self, entry: Entry) {
        match entry {
            Entry::Proposed { proposal } => {
                self.proposals.entry(proposal.proposal_id.clone()).or_insert(*proposal);
            }
            Entry::Accepted { mark } => self.accept(*mark),
            Entry::Rejected { proposal_id, .. } => self.close(&proposal_id, ProposalStatus::Rejected, None),
            Entry::Withdrawn { proposal_id, .. } => self.close(&proposal_id, ProposalStatus::Withdrawn, None),
            Entry::Rechecked(recheck) => {
                let known = self.subjects.get_mut(&recheck.subject.key());
                let Some(subject) = known.filter(|subject| subject.mark_id == recheck.mark_id) else { return };
                subject.support.events = recheck.supports;
                subject.support.counterexamples = recheck.contradicts;
                subject.tier = recheck.tier;
                subject.stale = recheck.stale.then(|| Stale {
                    since: subject.stale.as_ref().map_or(recheck.ts, |stale| stale.since.clone()),
                    contradicts: recheck.contradicts,
                    counterexamples: recheck.counterexamples,
                });
            }
            Entry::Repaired { .. } => {}
        }
    }

    fn close(&mut self, proposal_id: &str, status: ProposalStatus, mark_id: Option<String>) {
        if let Some(proposal) = self.proposals.get_mut(proposal_id)
            && proposal.status == ProposalStatus::Open
        {
            proposal.status = status;
            proposal.decision_mark_id = mark_id;
        }
    }

    fn accept(&mut self, mark: Mark) {
        self.close(&mark.proposal_id, ProposalStatus::Accepted, Some(mark.mark_id.clone()));
        let key = mark.subject.key();
        let before = self.subjects.remove(&key);
        let (mut corrections, decisions) =
            before.map_or_else(Default::default, |before| (before.corrections, before.decisions));
        if mark.state == MarkState::Unverified {
            corrections.clear();
        }
        if let Some(correction) = mark.correction {
            corrections.insert(correction.kind, correction);
        }
        // Accepted although the data contradict it: said from the beginning.
        let contradicted = mark.state == MarkState::Verified && !mark.prose && mark.support.counterexamples > 0;
        let stale = contradicted.then(|| Stale {
            since: mark.created_ts.clone(),
            contradicts: mark.support.counterexamples,
            counterexamples: mark
                .evidence
                .iter()
                .filter(|evidence| evidence.role == super::Role::Contradicts)
                .cloned()
                .collect(),
        });
        let subject = SubjectState {
            subject: mark.subject,
            state: mark.state,
            statement: mark.statement,
            prose: mark.prose,
            meaning: mark.meaning,
            corrections,
            evidence: mark.evidence,
            support: mark.support,
            tier: mark.tier_at_decision,
            may_be_canonical: mark.may_be_canonical,
            stale,
            actor: mark.actor,
            rationale: mark.rationale,
            decided_ts: mark.created_ts,
            mark_id: mark.mark_id,
            proposal_id: mark.proposal_id,
            decisions: decisions + 1,
        };
        self.subjects.insert(key, subject);
    }

    /// The state of a subject that has been decided on.
    pub fn subject(&self, key: &str) -> Option<&SubjectState> {
        self.subjects.get(key)
    }

    /// Open proposals that have not gone out of date.
    pub fn open<'a>(&'a self, now: &'a str) -> impl Iterator<Item = &'a Proposal> {
        self.proposals.values().filter(move |proposal| status(proposal, now) == ProposalStatus::Open)
    }

    /// The rows of the SQL view `mark`: one per subject that was decided on or has an open proposal.
    pub fn rows(&self, now: &str) -> Vec<Value> {
        let mut waiting: BTreeMap<String, (u64, &Subject)> = BTreeMap::new();
        for proposal in self.open(now) {
            waiting.entry(proposal.subject.key()).or_insert((0, &proposal.subject)).0 += 1;
        }
        let mut rows: Vec<Value> = Vec::new();
        for (key, state) in &self.subjects {
            let open = waiting.remove(key).map_or(0, |(count, _)| count);
            rows.push(row(key, state, open));
        }
        for (key, (open, subject)) in waiting {
            rows.push(json!({
                "subject": key, "kind": subject.kind, "event_name": subject.event_name, "path": subject.path,
                "mark": "unverified", "badge": "unverified", "canonical": false, "stale": false,
                "decisions": 0, "open_proposals": open,
            }));
        }
        rows
    }
}

/// Where a proposal stands at this time: nobody writes that it went out of date.
pub fn status(proposal: &Proposal, now: &str) -> ProposalStatus {
    let over = proposal.expires_ts.as_deref().is_some_and(|expires| expires <= now);
    if proposal.status == ProposalStatus::Open && over { ProposalStatus::Expired } else { proposal.status }
}

fn row(key: &str, state: &SubjectState, open: u64) -> Value {
    let refs: Vec<String> = state.evidence.iter().map(|evidence| evidence.event.address()).collect();
    let corrections: Vec<&Correction> = state.corrections.values().collect();
    json!({
        "subject": key,
        "kind": state.subject.kind,
        "event_name": state.subject.event_name,
        "path": state.subject.path,
        "mark": state.state,
        "badge": state.badge(),
        "canonical": state.canonical(),
        "stale": state.stale.is_some(),
        "statement": state.statement,
        "prose": state.prose,
        "meaning": state.meaning,
        "corrections": (!corrections.is_empty()).then_some(corrections),
        "tier": state.tier,
        "supports": state.support.events,
        "contradicts": state.support.counterexamples,
        "games": state.support.games,
        "sessions": state.support.sessions,
        "evidence": refs,
        "decided_by": state.actor.name.as_deref().or(state.actor.client.as_deref()),
        "authority": state.actor.authority,
        "rationale_untrusted": state.rationale,
        "decided_at": state.decided_ts,
        "mark_id": state.mark_id,
        "decisions": state.decisions,
        "open_proposals": open,
    })
}
