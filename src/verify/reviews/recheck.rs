//! Rechecking: the statements of marks, run again on newer data. What the data contradict becomes stale, with the frames
//! that do; what they no longer contradict is fresh again. Only what changed is written to the log.
//!
//! [`ReviewService::recheck`] looks at everything. [`ReviewService::recheck_due`] is what happens by itself when new data came: it looks at
//! the new data only, for a bounded time, and at everything only where the new data contradict. How far it has come is kept
//! in `run/rechecks.json`; without that file everything is looked at once more.

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;
use std::time::{Duration, Instant};

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use tokio_util::sync::CancellationToken;

use super::{ReviewError, ReviewService, facts};
use crate::store::fsio;
use crate::store::root::DataRoot;
use crate::store::{StoreError, record::now_us};
use crate::verify::check::{CheckError, CheckResult, Scope, Statement, check};
use crate::verify::evidence;
use crate::verify::log::{Entry, Recheck, now};
use crate::verify::mark::state::SubjectState;
use crate::verify::mark::{MarkState, Role};
use crate::verify::subject::Tier;

/// How long one pass of what happens by itself may take.
const BUDGET: Duration = Duration::from_secs(5);

/// How often it happens at most.
pub const EVERY: Duration = Duration::from_secs(60);

/// Counter-examples that are kept.
const KEPT: usize = 5;

/// What a recheck found for one subject.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Rechecked {
    /// The subject.
    pub subject: String,
    /// Its statement.
    pub statement: String,
    /// Cases that support it.
    pub supports: u64,
    /// Cases that contradict it.
    pub contradicts: u64,
    /// Whether it is stale now.
    pub stale: bool,
    /// Whether that is new.
    pub changed: bool,
    /// The first frames that contradict it, session:seq.
    #[serde(skip_serializing_if = "Vec::is_empty", default)]
    pub counterexamples: Vec<String>,
}

/// How far the rechecks have come.
#[derive(Debug, Default, Serialize, Deserialize)]
struct Progress {
    /// When the last pass was, microseconds UTC.
    passed_us: i64,
    /// Frames that were stored then.
    frames: u64,
    /// Sessions that were known then.
    sessions: BTreeSet<String>,
    /// By mark: data up to this time was looked at, UTC.
    marks: BTreeMap<String, String>,
}

impl Progress {
    fn path(root: &DataRoot) -> PathBuf {
        root.run_dir().join("rechecks.json")
    }

    fn load(root: &DataRoot) -> Progress {
        let bytes = std::fs::read(Progress::path(root)).unwrap_or_default();
        serde_json::from_slice(&bytes).unwrap_or_default()
    }

    fn save(&self, root: &DataRoot) -> Result<(), StoreError> {
        let path = Progress::path(root);
        let bytes = serde_json::to_vec(self).map_err(|error| StoreError::io("write", &path)(error.into()))?;
        fsio::replace(&path, &bytes)
    }
}

/// Marks whose statement can be checked.
fn checkable(subjects: &BTreeMap<String, SubjectState>) -> impl Iterator<Item = (&SubjectState, Statement)> {
    subjects.values().filter(|subject| subject.state != MarkState::Unverified && !subject.prose).filter_map(
        |subject| {
            let statement = Statement::parse_about(&subject.statement, Some(&subject.subject.event_name)).ok()?;
            Some((subject, statement))
        },
    )
}

impl ReviewService {
    /// Checks marked statements again on everything that is stored: those of one subject, or all.
    ///
    /// # Errors
    /// [`ReviewError`]; what was found before is written.
    pub async fn recheck(
        &self,
        subject: Option<&str>,
        cancel: &CancellationToken,
    ) -> Result<Vec<Rechecked>, ReviewError> {
        let view = self.view()?;
        let mut found = Vec::new();
        for (state, statement) in checkable(&view.state.subjects) {
            if subject.is_none_or(|wanted| state.subject.key() == wanted) {
                let result = self.check(&statement, cancel).await?;
                found.push(self.write(state, result, cancel).await?);
            }
        }
        Ok(found)
    }

    /// What happens by itself when new data came: cheap where nothing did. How many marks became stale or fresh.
    ///
    /// # Errors
    /// [`ReviewError`]; the next pass goes on.
    pub async fn recheck_due(&self, cancel: &CancellationToken) -> Result<usize, ReviewError> {
        let view = self.view()?;
        if checkable(&view.state.subjects).next().is_none() {
            return Ok(0);
        }
        let root = DataRoot::open(self.root())?;
        let mut progress = Progress::load(&root);
        let every = i64::try_from(EVERY.as_micros()).unwrap_or(i64::MAX);
        if now_us().saturating_sub(progress.passed_us) < every {
            return Ok(0);
        }
        let explorer = self.explorer.clone();
        let digest = tokio::task::spawn_blocking(move || explorer.digest(&Scope::default(), &|| false)).await;
        let digest = digest.map_err(|error| StoreError::Refused(format!("looking was stopped: {error}")))??;
        let frames = digest.facts.total();
        if frames == progress.frames {
            return Ok(0);
        }
        // An import brings old times: what is new is not only what is late.
        let late = progress.marks.values().min().and_then(|time| time.parse::<jiff::Timestamp>().ok());
        let brings_old = digest.sessions.iter().any(|(id, session)| {
            let is_old =
                late.is_none_or(|late| session.first_us.is_none_or(|first| first < late.as_microsecond()));
            is_old && !progress.sessions.contains(id)
        });
        let began = Instant::now();
        let mut changed = 0;
        let mut all: Vec<(&SubjectState, Statement)> = checkable(&view.state.subjects).collect();
        // Those that were looked at longest ago first: a pass that runs out of time goes on there.
        all.sort_by_key(|(state, _)| progress.marks.get(&state.mark_id).cloned());
        let mut complete = true;
        for (state, statement) in all {
            if began.elapsed() >= BUDGET || cancel.is_cancelled() {
                complete = false;
                break;
            }
            let from = progress.marks.get(&state.mark_id).filter(|_| !brings_old).cloned();
            let scope = Scope { from, ..Scope::default() };
            let mut result = check(&self.sql, &statement, &scope, cancel.clone()).await?;
            let as_of = result.as_of.clone();
            // New cases may be what is missing for the next tier, or speak against the mark: then all of it counts.
            let matters = result.contradicts > 0 || state.stale.is_some() || state.tier != Tier::Corroborated;
            if matters && result.decided() > 0 && !scope.is_all() {
                result = self.check(&statement, cancel).await?;
            }
            if matters && result.scope.is_all() {
                changed += usize::from(self.write(state, result, cancel).await?.changed);
            }
            progress.marks.insert(state.mark_id.clone(), as_of);
        }
        progress.passed_us = now_us();
        if complete {
            progress.frames = frames;
            progress.sessions = digest.sessions.keys().cloned().collect();
        }
        progress.save(&root)?;
        Ok(changed)
    }

    /// Writes what a check of everything found, where it is news.
    async fn write(
        &self,
        state: &SubjectState,
        result: CheckResult,
        cancel: &CancellationToken,
    ) -> Result<Rechecked, ReviewError> {
        let (explorer, subject) = (self.explorer.clone(), state.subject.clone());
        let known = tokio::task::spawn_blocking(move || explorer.known(&subject)).await;
        // Where all of its data were pruned, the subject may not be known any more.
        let tier = match known {
            Ok(Ok(known)) => facts::tier(&known, Some(&result)),
            _ => state.tier,
        };
        let stale = result.contradicts > 0;
        let news = stale != state.stale.is_some()
            || tier != state.tier
            || state.stale.as_ref().is_some_and(|before| before.contradicts != result.contradicts);
        if news {
            let mut counterexamples = Vec::new();
            for case in result.counterexamples.iter().take(KEPT) {
                let found = evidence::of_case(&self.sql, case, &state.subject, Role::Contradicts, cancel).await;
                counterexamples.extend(found.ok());
            }
            let recheck = Recheck {
                mark_id: state.mark_id.clone(),
                subject: state.subject.clone(),
                stale,
                supports: result.supports,
                contradicts: result.contradicts,
                tier,
                counterexamples,
                as_of: result.as_of.clone(),
                ts: now(),
            };
            self.explorer.ledger().add(|now| {
                // Decided anew, or rechecked by another process, meanwhile: theirs stands.
                let same = now.subject(&recheck.subject.key()) == Some(state);
                let entries = if same { vec![Entry::Rechecked(recheck)] } else { Vec::new() };
                Ok::<_, ReviewError>((entries, ()))
            })?;
            self.publish_soon();
        }
        Ok(Rechecked {
            subject: state.subject.key(),
            statement: state.statement.clone(),
            supports: result.supports,
            contradicts: result.contradicts,
            stale,
            changed: stale != state.stale.is_some(),
            counterexamples: result.counterexamples.iter().map(|case| case.event_ref()).collect(),
        })
    }
}

impl ReviewError {
    /// Whether it was stopped by whoever asked.
    pub fn is_cancelled(&self) -> bool {
        matches!(
            self,
            ReviewError::Check(CheckError::Sql(crate::sql::SqlError::Cancelled))
                | ReviewError::Evidence(evidence::EvidenceError::Sql(crate::sql::SqlError::Cancelled))
        )
    }
}
