//! The queue: what a person should look at next. Stale marks first, then proposals, then what the protocol brought anew,
//! then what nobody has looked at; within each by traffic and by how well the data know it.

use std::collections::BTreeSet;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{ReviewError, ReviewService, facts};
use crate::index::facts_store::Digest;
use crate::protocol::catalogue::{novel_events, novel_fields};
use crate::verify::check::Scope;
use crate::verify::log::now;
use crate::verify::mark::Correction;
use crate::verify::mark::state::State;
use crate::verify::subject::{Subject, Tier};

/// Why something is in the queue.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Reason {
    /// It is marked, and later data contradict it.
    Stale,
    /// Somebody proposed a mark.
    Proposal,
    /// The shipped catalogue does not know it.
    Novel,
    /// It is often seen, and nobody has decided anything about it.
    Unmarked,
}

impl Reason {
    fn weight(self) -> f64 {
        match self {
            Reason::Stale => 8.0,
            Reason::Proposal => 4.0,
            Reason::Novel => 2.0,
            Reason::Unmarked => 1.0,
        }
    }
}

/// One thing to look at. What does not apply is absent.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Item {
    /// Why it is here: stale, proposal, novel or unmarked.
    pub reason: Reason,
    /// What it is about.
    pub subject: String,
    /// theoretical, observed or corroborated.
    pub tier: Tier,
    /// How often it was seen.
    pub count: u64,
    /// The mark in force: unverified, verified, needs_correction or canonical.
    pub mark: String,
    /// The proposal, for decide.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub proposal_id: Option<String>,
    /// What the mark would be.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub target: Option<String>,
    /// The statement.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub statement: Option<String>,
    /// Whether nothing can check it.
    #[serde(skip_serializing_if = "std::ops::Not::not", default)]
    pub prose: bool,
    /// In plain words.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub meaning: Option<String>,
    /// What it corrects.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub correction: Option<Correction>,
    /// Cases that contradict a stale mark.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub contradicts: Option<u64>,
    /// Frames to look at, session:seq: of a stale mark those that contradict it.
    #[serde(skip_serializing_if = "Vec::is_empty", default)]
    pub frames: Vec<String>,
    /// When the proposal goes out of date, UTC.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub expires: Option<String>,
    /// Place in the queue: reason, traffic and tier in one number.
    pub score: f64,
}

/// What is wanted of the queue.
#[derive(Debug, Clone, Default)]
pub struct QueueFilter {
    /// Only for this reason.
    pub reason: Option<Reason>,
    /// Only about this event.
    pub event: Option<String>,
}

impl ReviewService {
    /// The queue, the first thing to look at first. Blocking.
    ///
    /// # Errors
    /// When the store or the log cannot be read.
    pub fn queue(&self, filter: &QueueFilter) -> Result<Vec<Item>, ReviewError> {
        let view = self.view()?;
        let digest = self.explorer.digest(&Scope::default(), &|| false)?;
        if let Some(event) = &filter.event {
            facts::known(&digest, &Subject::event(event))?;
        }
        Ok(queue(&view.state, &digest, filter))
    }
}

/// Puts the queue together.
pub fn queue(state: &State, digest: &std::sync::Arc<Digest>, filter: &QueueFilter) -> Vec<Item> {
    let now = now();
    let mut items = Vec::new();
    let mut there: BTreeSet<String> = BTreeSet::new();
    let make = |reason: Reason, subject: &Subject| -> Item {
        let known = facts::known(digest, subject).ok();
        let tier = known.as_ref().map_or(Tier::Theoretical, |known| known.tier);
        let count = known.as_ref().map_or(0, |known| known.count);
        let key = subject.key();
        let certainty = match tier {
            Tier::Theoretical => 0.5,
            Tier::Observed => 1.0,
            Tier::Corroborated => 1.5,
        };
        let score = reason.weight() * (1.0 + (count as f64).ln_1p() / 10.0) * certainty;
        Item {
            reason,
            tier,
            count,
            mark: state.subject(&key).map_or_else(|| "unverified".into(), |subject| subject.badge()),
            subject: key,
            proposal_id: None,
            target: None,
            statement: None,
            prose: false,
            meaning: None,
            correction: None,
            contradicts: None,
            frames: known.map(|known| known.frames).unwrap_or_default(),
            expires: None,
            score: (score * 100.0).round() / 100.0,
        }
    };
    for subject in state.subjects.values() {
        there.insert(subject.subject.key());
        let Some(stale) = &subject.stale else { continue };
        items.push(Item {
            statement: Some(subject.statement.clone()),
            contradicts: Some(stale.contradicts),
            frames: stale.counterexamples.iter().map(|evidence| evidence.event.address()).collect(),
            ..make(Reason::Stale, &subject.subject)
        });
    }
    for proposal in state.open(&now) {
        there.insert(proposal.subject.key());
        let own = proposal.evidence.iter().map(|evidence| evidence.event.address());
        let mut item = make(Reason::Proposal, &proposal.subject);
        let mut frames: Vec<String> = own.chain(std::mem::take(&mut item.frames)).collect();
        frames.dedup();
        frames.truncate(3);
        items.push(Item {
            proposal_id: Some(proposal.proposal_id.clone()),
            target: Some(proposal.target.as_str().into()),
            statement: Some(proposal.statement.clone()),
            prose: proposal.prose,
            meaning: proposal.meaning.clone(),
            correction: proposal.correction.clone(),
            expires: proposal.expires_ts.clone(),
            frames,
            ..item
        });
    }
    for name in novel_events(&digest.facts) {
        let subject = Subject::event(name);
        if there.insert(subject.key()) {
            items.push(make(Reason::Novel, &subject));
        }
    }
    for name in digest.facts.events.keys() {
        for path in novel_fields(&digest.facts, name) {
            // Keys that are data have no name that could be marked.
            let subject = Subject::field(name, &path);
            if !path.ends_with('}') && there.insert(subject.key()) {
                items.push(make(Reason::Novel, &subject));
            }
        }
    }
    for name in digest.facts.events.keys().filter(|name| !name.starts_with("transport:")) {
        let subject = Subject::event(name);
        if there.insert(subject.key()) {
            items.push(make(Reason::Unmarked, &subject));
        }
    }
    items.retain(|item| {
        let event = |wanted: &String| item.subject.parse::<Subject>().is_ok_and(|it| it.event_name == *wanted);
        filter.reason.is_none_or(|reason| item.reason == reason) && filter.event.as_ref().is_none_or(event)
    });
    items.sort_by(|a, b| b.score.total_cmp(&a.score).then_with(|| a.subject.cmp(&b.subject)));
    items
}
