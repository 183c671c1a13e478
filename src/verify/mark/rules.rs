//! The rules of marking. Each is enforced here, where nothing can go round it, and quoted when it is broken.
//!
//! Rules 1 (one canon: documents are generated), 4 (examples are bytes of stored frames), 5 (everything is logged, in a
//! chain), 7 (an answer carries tier and mark) and 8 (what counts as a field) are kept by construction: see
//! [`crate::verify::document`] and [`crate::verify::reviews::manifest`], [`crate::verify::evidence`], [`crate::verify::log`], [`crate::verify::explore`] and
//! [`crate::protocol::facts`].

use super::state::{State, status};
use super::{Actor, ActorKind, Authority, Evidence, MarkState, Proposal, ProposalStatus};
use crate::verify::check::{CheckResult, Statement};
use crate::verify::explore::mentions::{leads_to, of_fact};
use crate::verify::subject::{Subject, Tier};

/// Rule 2.
pub const PEOPLE_DECIDE: &str = "Rule 2: no mark, and no canonical badge, without a person's authority. Agents may \
                                 propose any number of marks and decide none";

/// Rule 3.
pub const EVIDENCE: &str = "Rule 3: no mark without at least one stored frame as evidence. A theoretical claim stays \
                            unverified";

/// Why something may not be done.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Violation {
    /// Nobody who may decide has decided.
    #[error("{PEOPLE_DECIDE}. {0}")]
    NoPerson(&'static str),
    /// Nothing stored shows it.
    #[error("{EVIDENCE}. {0}")]
    NoEvidence(String),
    /// No such proposal.
    #[error("there is no proposal {id:?}{}", those_open(.open))]
    UnknownProposal {
        /// What was asked for.
        id: String,
        /// Some that are open.
        open: Vec<String>,
    },
    /// Somebody was faster, or it is too late.
    #[error("proposal {id} is {} already{}", .status.as_str(), by(.mark_id))]
    Over {
        /// The proposal.
        id: String,
        /// Where it stands.
        status: ProposalStatus,
        /// The mark that came of it.
        mark_id: Option<String>,
    },
    /// The statement is about something else than the subject.
    #[error("the statement does not look at {subject}: it looks at {}. A mark says something about its subject", .looks_at.join(", "))]
    Elsewhere {
        /// What the subject is: its event, or its field.
        subject: String,
        /// What the statement looks at.
        looks_at: Vec<String>,
    },
    /// No stored case agrees with the statement.
    #[error(
        "no stored case supports the statement ({contradicts} contradict it): what was never seen to hold is not verified"
    )]
    NoSupport {
        /// Cases that contradict it.
        contradicts: u64,
    },
    /// There is nothing to take back.
    #[error("{0} has no mark that could be taken back")]
    NothingToTakeBack(String),
    /// A text that has to say something is empty.
    #[error("{0} is empty")]
    Empty(&'static str),
    /// A text is too long to be stored.
    #[error("{what} has {length} characters, and {most} are kept at most: shorten it")]
    TooLong {
        /// Which text.
        what: &'static str,
        /// Its length.
        length: usize,
        /// The limit.
        most: usize,
    },
}

fn those_open(open: &[String]) -> String {
    if open.is_empty() { ", and none is open".into() } else { format!("; open are {}", open.join(", ")) }
}

fn by(mark_id: &Option<String>) -> String {
    mark_id.as_ref().map(|id| format!(" (mark {id})")).unwrap_or_default()
}

/// Characters of a statement, a rationale, a quote.
pub const MOST_TEXT: usize = 2_000;

/// Whether relayed words are enough for the canonical badge.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Policy {
    /// An agent's word that the person said so is enough. It is shown as relayed in any case.
    pub relayed_is_enough: bool,
}

impl Policy {
    /// Whether a decision by this actor may give the canonical badge.
    pub fn may_be_canonical(&self, actor: &Actor) -> bool {
        match (actor.kind, actor.authority) {
            (ActorKind::Human, Authority::Elicited | Authority::Tty) => true,
            (ActorKind::Human, Authority::Relayed) => self.relayed_is_enough,
            _ => false,
        }
    }
}

/// A text as it may be stored: something, and not endless.
///
/// # Errors
/// [`Violation::Empty`], [`Violation::TooLong`].
pub fn text(what: &'static str, text: &str) -> Result<String, Violation> {
    let text = text.trim();
    let length = text.chars().count();
    if length == 0 {
        return Err(Violation::Empty(what));
    }
    if length > MOST_TEXT {
        return Err(Violation::TooLong { what, length, most: MOST_TEXT });
    }
    Ok(text.to_owned())
}

/// Whether this actor may decide at all.
///
/// # Errors
/// [`Violation::NoPerson`].
pub fn may_decide(actor: &Actor) -> Result<(), Violation> {
    if actor.kind != ActorKind::Human {
        return Err(Violation::NoPerson("This decision names no person"));
    }
    let quote = actor.quote_untrusted.as_deref().unwrap_or("").trim();
    match actor.authority {
        Authority::Elicited | Authority::Tty => Ok(()),
        Authority::Relayed if quote.chars().filter(|character| character.is_alphanumeric()).count() < 2 => {
            Err(Violation::NoPerson("The person's own words are missing: human_quote has to hold them"))
        }
        Authority::Relayed => Ok(()),
        Authority::System => Err(Violation::NoPerson("This program does not decide")),
    }
}

/// The proposal, if it can still be decided on.
///
/// # Errors
/// [`Violation::UnknownProposal`], [`Violation::Over`].
pub fn decidable<'s>(state: &'s State, id: &str, now: &str) -> Result<&'s Proposal, Violation> {
    let proposal = state.proposals.get(id).ok_or_else(|| Violation::UnknownProposal {
        id: id.chars().take(80).collect(),
        open: state.open(now).take(5).map(|proposal| proposal.proposal_id.clone()).collect(),
    })?;
    match status(proposal, now) {
        ProposalStatus::Open => Ok(proposal),
        status => Err(Violation::Over { id: id.to_owned(), status, mark_id: proposal.decision_mark_id.clone() }),
    }
}

/// Whether there is enough for a mark of this kind.
///
/// # Errors
/// [`Violation::NoEvidence`].
pub fn enough(target: MarkState, evidence: &[Evidence], tier: Tier) -> Result<(), Violation> {
    if target == MarkState::Unverified {
        return Ok(());
    }
    if evidence.is_empty() {
        return Err(Violation::NoEvidence("No stored frame shows it".into()));
    }
    if tier == Tier::Theoretical {
        return Err(Violation::NoEvidence("Nothing of it was ever recorded here".into()));
    }
    Ok(())
}

/// Whether the data agree at all with a statement that is to be verified.
///
/// # Errors
/// [`Violation::NoSupport`].
pub fn supported(target: MarkState, checked: Option<&CheckResult>) -> Result<(), Violation> {
    match checked {
        Some(checked) if target == MarkState::Verified && checked.supports == 0 => {
            Err(Violation::NoSupport { contradicts: checked.contradicts })
        }
        _ => Ok(()),
    }
}

/// Whether a statement is about its subject: looks at its event, and at its field or what is in it.
///
/// # Errors
/// [`Violation::Elsewhere`].
pub fn about(subject: &Subject, statement: &Statement) -> Result<(), Violation> {
    let mentions = statement.mentions();
    // What is recomputed from games names no field.
    if mentions.is_empty() {
        return Ok(());
    }
    let field = subject.path.as_deref().and_then(of_fact);
    let there = mentions.iter().filter(|(event, _)| *event == subject.event_name).any(|(_, paths)| match &field {
        Some(field) => paths.iter().any(|path| leads_to(field, path) || leads_to(path, field)),
        None => true,
    });
    if there {
        return Ok(());
    }
    let subject = subject
        .path
        .as_ref()
        .map_or_else(|| subject.event_name.clone(), |path| format!("{path} of {}", subject.event_name));
    let looks_at = mentions.iter().flat_map(|(event, paths)| match paths.as_slice() {
        [] => vec![(*event).to_owned()],
        paths => paths.iter().map(|path| format!("{path} of {event}")).collect(),
    });
    Err(Violation::Elsewhere { subject, looks_at: looks_at.collect() })
}

/// Whether a mark of this kind makes sense for the subject now.
///
/// # Errors
/// [`Violation::NothingToTakeBack`].
pub fn fits(state: &State, subject: &Subject, target: MarkState) -> Result<(), Violation> {
    let key = subject.key();
    let before = state.subject(&key).map_or(MarkState::Unverified, |subject| subject.state);
    if target == MarkState::Unverified && before == MarkState::Unverified {
        return Err(Violation::NothingToTakeBack(key));
    }
    Ok(())
}
