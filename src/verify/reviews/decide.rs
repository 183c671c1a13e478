//! Deciding: people only. The statement is checked once more, then the decision is written under the log's lock, by what
//! is in force at that moment: of two decisions on one proposal exactly one is written.

use tokio_util::sync::CancellationToken;
use uuid::Uuid;

use super::propose::{Looked, Want, question};
use super::{ReviewError, ReviewService};
use crate::store::StoreError;
use crate::verify::check::{CheckResult, Statement};
use crate::verify::explore::tier::Thresholds;
use crate::verify::log::{Entry, now};
use crate::verify::mark::rules;
use crate::verify::mark::{Actor, Evidence, Mark, MarkState, Proposal, SCHEMA_VERSION};
use crate::verify::subject::Tier;

/// What a person decided.
#[derive(Debug, Clone, Default)]
pub struct Verdict {
    /// Yes or no.
    pub accept: bool,
    /// Why.
    pub rationale: Option<String>,
    /// How sure they are, in their words.
    pub confidence: Option<String>,
}

/// A proposal as it is put before a person.
#[derive(Debug, Clone)]
pub struct Prepared {
    /// The proposal.
    pub proposal: Proposal,
    /// How well the subject is known now.
    pub tier: Tier,
    /// What the check of its statement finds now; none for prose.
    pub checked: Option<CheckResult>,
    /// Frames behind it, counter-examples among them.
    pub evidence: Vec<Evidence>,
    /// The question.
    pub question: String,
}

/// What came of a decision.
#[derive(Debug, Clone)]
pub struct Decided {
    /// The subject's key.
    pub subject: String,
    /// The mark, where the answer was yes.
    pub mark: Option<Mark>,
    /// The subject's badge now.
    pub badge: String,
}

impl ReviewService {
    /// What a person has to see before deciding: the proposal with the data of now.
    ///
    /// # Errors
    /// [`ReviewError`]: no such proposal, or it is over.
    pub async fn prepare(&self, proposal_id: &str, cancel: &CancellationToken) -> Result<Prepared, ReviewError> {
        let proposal = rules::decidable(&self.view()?.state, proposal_id, &now())?.clone();
        let looked = self.look_at(&proposal, cancel).await?;
        let question = question(&proposal, looked.tier, looked.checked.as_ref());
        Ok(Prepared { tier: looked.tier, checked: looked.checked, evidence: looked.evidence, question, proposal })
    }

    async fn look_at(&self, proposal: &Proposal, cancel: &CancellationToken) -> Result<Looked, ReviewError> {
        let statement = Statement::parse_about(&proposal.statement, Some(&proposal.subject.event_name)).ok();
        let want = Want {
            given: &[],
            proposal_id: Some(&proposal.proposal_id),
            // Prose says nothing that other frames could show better than those it was proposed with.
            find: statement.is_some() || proposal.evidence.is_empty(),
        };
        let mut looked = self.look(&proposal.subject, statement.as_ref(), &want, cancel).await?;
        // What was proposed with comes first; what spoke for it then may have been pruned meanwhile and still counts: its
        // bytes were read from the store.
        let fresh = std::mem::take(&mut looked.evidence);
        looked.evidence = proposal.evidence.clone();
        for one in fresh {
            let there = |known: &Evidence| known.event.address() == one.event.address() && known.role == one.role;
            if !looked.evidence.iter().any(there) {
                looked.evidence.push(one);
            }
        }
        Ok(looked)
    }

    /// Writes a person's decision.
    ///
    /// # Errors
    /// [`ReviewError::Rule`] when no person stands behind it, nothing stored shows it, or it was decided on before; then
    /// nothing was written.
    pub async fn decide(
        &self,
        proposal_id: &str,
        verdict: Verdict,
        by: Actor,
        cancel: &CancellationToken,
    ) -> Result<Decided, ReviewError> {
        rules::may_decide(&by)?;
        if let Some(quote) = &by.quote_untrusted {
            rules::text("human_quote", quote)?;
        }
        let rationale = verdict.rationale.as_deref().filter(|text| !text.trim().is_empty());
        let rationale = rationale.map(|text| rules::text("the rationale", text)).transpose()?;
        let proposal = rules::decidable(&self.view()?.state, proposal_id, &now())?.clone();
        let key = proposal.subject.key();
        if !verdict.accept {
            self.explorer.ledger().add(|state| {
                let ts = now();
                rules::decidable(state, proposal_id, &ts)?;
                let subject = proposal.subject.clone();
                let id = proposal_id.to_owned();
                Ok::<_, ReviewError>((
                    vec![Entry::Rejected { proposal_id: id, subject, actor: by, rationale, ts }],
                    (),
                ))
            })?;
            self.publish_soon();
            return Ok(Decided { badge: self.badge(&key)?, subject: key, mark: None });
        }
        let looked = self.look_at(&proposal, cancel).await?;
        rules::enough(proposal.target, &looked.evidence, looked.tier)?;
        rules::supported(proposal.target, looked.checked.as_ref())?;
        let enough = Thresholds::default();
        let may_be_canonical = self.policy.may_be_canonical(&by);
        let mark = self.explorer.ledger().add(|state| {
            let created_ts = now();
            rules::decidable(state, proposal_id, &created_ts)?;
            rules::fits(state, &proposal.subject, proposal.target)?;
            let before = state.subject(&key);
            let mark = Mark {
                mark_id: Uuid::now_v7().to_string(),
                subject: proposal.subject.clone(),
                state: proposal.target,
                previous_state: before.map_or(MarkState::Unverified, |before| before.state),
                statement: proposal.statement.clone(),
                prose: proposal.prose,
                meaning: proposal.meaning.clone(),
                correction: proposal.correction.clone(),
                evidence: looked.evidence,
                support: looked.support,
                tier_at_decision: looked.tier,
                thresholds: (enough.frames, enough.games as u64, enough.sessions as u64),
                actor: by,
                may_be_canonical,
                rationale,
                confidence: verdict.confidence,
                schema_version: SCHEMA_VERSION,
                created_ts,
                supersedes: before.map(|before| before.mark_id.clone()),
                proposal_id: proposal_id.to_owned(),
            };
            Ok::<_, ReviewError>((vec![Entry::Accepted { mark: Box::new(mark.clone()) }], mark))
        })?;
        self.publish_soon();
        Ok(Decided { badge: self.badge(&key)?, subject: key, mark: Some(mark) })
    }

    fn badge(&self, key: &str) -> Result<String, StoreError> {
        let view = self.view()?;
        Ok(view.state.subject(key).map_or_else(|| "unverified".to_owned(), |subject| subject.badge()))
    }
}
