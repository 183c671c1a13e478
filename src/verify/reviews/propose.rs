//! Proposing: anybody may, any number. A proposal carries its evidence, how much data stands behind it, and the exact
//! question for the person who is to decide.

use tokio_util::sync::CancellationToken;
use uuid::Uuid;

use super::facts::Known;
use super::{ReviewError, ReviewService, facts};
use crate::verify::check::{CheckResult, Statement};
use crate::verify::evidence::{self, EvidenceError};
use crate::verify::log::{Entry, now};
use crate::verify::mark::rules::{self, Violation};
use crate::verify::mark::state::status;
use crate::verify::mark::{
    Actor, Correction, Evidence, MarkState, Proposal, ProposalStatus, Role, SCHEMA_VERSION, Support,
};
use crate::verify::shipped;
use crate::verify::subject::{Subject, Tier};

/// Days until a proposal goes out of date.
pub const EXPIRES_DAYS: i64 = 30;

/// Frames of evidence at most.
pub const MOST_EVIDENCE: usize = 20;

/// What is proposed.
#[derive(Debug, Clone)]
pub struct Draft {
    /// The subject's key.
    pub subject: String,
    /// What the mark would be.
    pub target: MarkState,
    /// What would be marked.
    pub statement: String,
    /// In plain words.
    pub meaning: Option<String>,
    /// What it corrects.
    pub correction: Option<Correction>,
    /// Addresses of frames; none: they are found.
    pub evidence: Vec<String>,
    /// Why.
    pub rationale: Option<String>,
    /// Days until it goes out of date.
    pub expires_days: Option<i64>,
}

/// What came of it.
#[derive(Debug, Clone)]
pub struct Proposed {
    /// The proposal.
    pub proposal: Proposal,
    /// Whether it was there already.
    pub already: bool,
    /// How well the subject is known now.
    pub tier: Tier,
    /// What the check of its statement found; none for prose.
    pub checked: Option<CheckResult>,
    /// Why the statement is prose.
    pub prose_because: Option<String>,
    /// The question for the person.
    pub question: String,
}

/// Which evidence is wanted.
pub(super) struct Want<'a> {
    /// Addresses that somebody gave: they have to resolve.
    pub(super) given: &'a [String],
    /// The proposal that it is for.
    pub(super) proposal_id: Option<&'a str>,
    /// Whether frames are to be found where none are given.
    pub(super) find: bool,
}

/// A subject with everything that a proposal or a decision about it needs.
pub(super) struct Looked {
    pub(super) known: Known,
    pub(super) tier: Tier,
    pub(super) checked: Option<CheckResult>,
    pub(super) evidence: Vec<Evidence>,
    pub(super) support: Support,
}

impl ReviewService {
    /// Adds a proposal. The same proposal twice is one.
    ///
    /// # Errors
    /// [`ReviewError`]: an unknown subject, evidence that does not resolve, nothing stored that shows it.
    pub async fn propose(
        &self,
        draft: Draft,
        by: Actor,
        cancel: &CancellationToken,
    ) -> Result<Proposed, ReviewError> {
        let subject: Subject = draft.subject.parse()?;
        let statement = rules::text("the statement", &draft.statement)?;
        let meaning = draft.meaning.as_deref().map(|text| rules::text("meaning", text)).transpose()?;
        let rationale = draft.rationale.as_deref().map(|text| rules::text("rationale", text)).transpose()?;
        if let Some(correction) = &draft.correction {
            rules::text("correction.old", &correction.old)?;
            rules::text("correction.new", &correction.new)?;
        }
        let (parsed, prose_because) = match Statement::parse_about(&statement, Some(&subject.event_name)) {
            Ok(parsed) => (Some(parsed), None),
            // Prose has no signs of comparison: whoever writes one means a statement.
            Err(error) if looks_checkable(&statement) => return Err(ReviewError::Statement(error)),
            Err(error) => (None, Some(error.to_string())),
        };
        // The canonical text names its event: it is whole wherever it is read.
        let statement = parsed.as_ref().map_or(statement, ToString::to_string);
        let want = Want { given: &draft.evidence, proposal_id: None, find: true };
        let looked = self.look(&subject, parsed.as_ref(), &want, cancel).await?;
        if let Some(parsed) = &parsed {
            rules::about(&looked.known.subject, parsed)?;
        }
        rules::enough(draft.target, &looked.evidence, looked.tier)?;
        rules::supported(draft.target, looked.checked.as_ref())?;
        let created_ts = now();
        let days = draft.expires_days.unwrap_or(EXPIRES_DAYS).clamp(1, 3_650);
        let expires = jiff::Timestamp::now() + jiff::SignedDuration::from_hours(24 * days);
        let proposal = Proposal {
            proposal_id: Uuid::now_v7().to_string(),
            subject: looked.known.subject.clone(),
            target: draft.target,
            statement,
            prose: parsed.is_none(),
            meaning,
            correction: draft.correction,
            evidence: looked.evidence,
            support: looked.support,
            rationale,
            created_by: by,
            created_ts,
            expires_ts: Some(expires.strftime("%Y-%m-%dT%H:%M:%S.%3fZ").to_string()),
            status: ProposalStatus::Open,
            decision_mark_id: None,
            schema_version: SCHEMA_VERSION,
        };
        let (proposal, already) = self.explorer.ledger().add(|state| {
            rules::fits(state, &proposal.subject, proposal.target)?;
            let same = |known: &&Proposal| {
                known.subject == proposal.subject
                    && known.target == proposal.target
                    && known.statement == proposal.statement
                    && known.correction == proposal.correction
                    && status(known, &proposal.created_ts) == ProposalStatus::Open
            };
            if let Some(known) = state.proposals.values().find(same) {
                return Ok((Vec::new(), (known.clone(), true)));
            }
            let entry = Entry::Proposed { proposal: Box::new(proposal.clone()) };
            Ok::<_, ReviewError>((vec![entry], (proposal.clone(), false)))
        })?;
        if !already {
            self.publish_soon();
        }
        let question = question(&proposal, looked.tier, looked.checked.as_ref());
        Ok(Proposed { proposal, already, tier: looked.tier, checked: looked.checked, prose_because, question })
    }

    /// Looks at a subject: is it known, what does its statement's check find, which frames show it. Addresses that
    /// somebody gave have to resolve; those found here that do not are left out.
    pub(super) async fn look(
        &self,
        subject: &Subject,
        statement: Option<&Statement>,
        want: &Want<'_>,
        cancel: &CancellationToken,
    ) -> Result<Looked, ReviewError> {
        let explorer = self.explorer.clone();
        let wanted = subject.clone();
        let shown_by = want.proposal_id.and_then(shipped::evidence_of).cloned();
        let is_shipped =
            want.proposal_id.is_some_and(|id| shipped::proposals().iter().any(|one| one.proposal_id == id));
        let named = statement.cloned();
        let found = tokio::task::spawn_blocking(move || {
            let known = explorer.known(&wanted)?;
            // What comes with the program may speak of fields that the data, rightly, do not have.
            if let Some(statement) = named.filter(|_| !is_shipped) {
                explorer.knows_names(&statement)?;
            }
            let elsewhere = shown_by.and_then(|subject| explorer.known(&subject).ok());
            Ok::<_, ReviewError>((known, elsewhere))
        });
        let (known, elsewhere) = found
            .await
            .map_err(|error| crate::store::StoreError::Refused(format!("looking was stopped: {error}")))??;
        let checked = match statement {
            Some(statement) => Some(self.check(statement, cancel).await?),
            None => None,
        };
        let mut events: Vec<&str> = vec![&known.subject.event_name];
        events.extend(statement.map(Statement::events).unwrap_or_default());
        let mut evidence: Vec<Evidence> = Vec::new();
        for address in want.given.iter().take(MOST_EVIDENCE) {
            let role = Role::Example;
            let found = evidence::resolve(&self.sql, address, &known.subject, &events, role, cancel).await?;
            evidence.push(found);
        }
        // A list, not an iterator: its closures would be held across an await.
        let mut cases = Vec::new();
        if let Some(checked) = &checked {
            cases.extend(checked.examples.iter().map(|case| (case, Role::Supports)));
            cases.extend(checked.counterexamples.iter().map(|case| (case, Role::Contradicts)));
        }
        for (case, role) in cases {
            let there = |one: &Evidence| one.event.address() == case.event_ref() && one.role == role;
            if !evidence.iter().any(there) && evidence.len() < MOST_EVIDENCE {
                let found = evidence::of_case(&self.sql, case, &known.subject, role, cancel).await;
                evidence.extend(found_or_not(found)?);
            }
        }
        if want.find && evidence.is_empty() {
            for address in known.frames.iter().chain(elsewhere.iter().flat_map(|known| &known.frames)) {
                let role = Role::Example;
                let found = evidence::resolve(&self.sql, address, &known.subject, &[], role, cancel).await;
                evidence.extend(found_or_not(found)?);
            }
        }
        let tier = facts::tier(&known, checked.as_ref());
        let support = match &checked {
            Some(checked) => Support {
                events: checked.supports,
                counterexamples: checked.contradicts,
                games: checked.games,
                sessions: checked.sessions,
                first_ts: checked.first_ts.clone(),
                last_ts: checked.last_ts.clone(),
            },
            None => Support { events: known.count, ..Support::default() },
        };
        Ok(Looked { known, tier, checked, evidence, support })
    }

    /// Takes a proposal back. Only agents' and people's own doing; nothing is decided by it.
    ///
    /// # Errors
    /// [`Violation::UnknownProposal`], [`Violation::Over`].
    pub fn withdraw(&self, proposal_id: &str, by: Actor) -> Result<Proposal, ReviewError> {
        let withdrawn = self.explorer.ledger().add(|state| {
            let ts = now();
            let proposal = rules::decidable(state, proposal_id, &ts)?.clone();
            if proposal.proposal_id.starts_with("shipped-") {
                return Err(ReviewError::Rule(Violation::NoPerson(
                    "What comes with the program is decided on by a person, not withdrawn",
                )));
            }
            let subject = proposal.subject.clone();
            let entry = Entry::Withdrawn { proposal_id: proposal_id.to_owned(), subject, actor: by, ts };
            Ok((vec![entry], proposal))
        })?;
        self.publish_soon();
        Ok(withdrawn)
    }
}

/// Whether a text is written like a statement of the check language.
fn looks_checkable(text: &str) -> bool {
    let on_event = text.trim_start().strip_prefix("on ").is_some_and(|rest| {
        rest.split_once(':').is_some_and(|(event, _)| !event.trim().contains(char::is_whitespace))
    });
    on_event || ["==", "!=", "<", ">", "±"].iter().any(|sign| text.contains(sign))
}

/// What was found here and is gone by now (pruned meanwhile) is left out.
fn found_or_not(found: Result<Evidence, EvidenceError>) -> Result<Option<Evidence>, EvidenceError> {
    match found {
        Ok(found) => Ok(Some(found)),
        Err(EvidenceError::Sql(error)) => Err(EvidenceError::Sql(error)),
        Err(_) => Ok(None),
    }
}

/// The question for the person: what it is about, what would be marked, what speaks for and against it. Counter-examples
/// first.
pub fn question(proposal: &Proposal, tier: Tier, checked: Option<&CheckResult>) -> String {
    let mut text = match proposal.target {
        MarkState::Verified => format!("Mark {} as verified?", proposal.subject),
        MarkState::NeedsCorrection => format!("Mark {} as in need of correction?", proposal.subject),
        MarkState::Unverified => format!("Take back the mark of {}?", proposal.subject),
    };
    text.push_str(&format!("\nStatement: {}", proposal.statement));
    if let Some(meaning) = &proposal.meaning {
        text.push_str(&format!("\nIn plain words: {meaning}"));
    }
    if let Some(correction) = &proposal.correction {
        let kind = correction.kind.as_str();
        text.push_str(&format!(
            "\nCorrects ({kind}): written is \"{}\", right is \"{}\"",
            correction.old, correction.new
        ));
    }
    match checked {
        Some(checked) => {
            text.push_str(&format!("\nAgainst it: {} cases", checked.contradicts));
            for case in checked.counterexamples.iter().take(3) {
                text.push_str(&format!("\n  {}: {}", case.event_ref(), case.preview()));
            }
            text.push_str(&format!(
                "\nFor it: {} cases in {} games and {} sessions",
                checked.supports, checked.games, checked.sessions
            ));
        }
        None => text.push_str(&format!(
            "\nNothing can check this statement; {} frames stand behind it",
            proposal.evidence.len()
        )),
    }
    text.push_str(&format!("\nHow well it is known from the data: {}", tier.as_str()));
    text
}
