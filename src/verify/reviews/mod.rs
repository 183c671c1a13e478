//! The review service: where marks are proposed, decided, looked up and checked again. Tools and commands are thin over this.
//!
//! * [`propose`] — anybody may. [`decide`] — people only. [`queue`] — what is to be looked at next.
//! * [`history`] — what was decided about a subject, and by whom. [`recheck`] — marked statements on newer data.
//! * [`facts`] — subjects against what is known: is there such a thing, how well is it known, which frames show it.
//! * [`manifest`] — every field with its mark. [`derived`] — the rows of the SQL views `mark` and `field`.

pub mod decide;
pub mod derived;
pub mod facts;
pub mod history;
pub mod manifest;
pub mod propose;
pub mod queue;
pub mod recheck;

#[cfg(test)]
mod tests;

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use tokio_util::sync::CancellationToken;

use super::check::{CheckError, CheckResult, ParseError, Scope, Statement, check};
use super::evidence::EvidenceError;
use super::explore::{ExploreError, Explorer};
use super::log::ledger::View;
use super::log::publish::publish;
use super::mark::rules::{Policy, Violation};
use super::subject::BadSubject;
use crate::sql::{Query, SqlClient};
use crate::store::StoreError;
use crate::store::root::DataRoot;

/// Why something could not be done. Nothing was written then.
#[derive(Debug, thiserror::Error)]
pub enum ReviewError {
    /// The log or the store.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// There is no such subject.
    #[error(transparent)]
    Unknown(#[from] ExploreError),
    /// It is no subject at all.
    #[error(transparent)]
    Subject(#[from] BadSubject),
    /// A piece of evidence does not resolve.
    #[error("the evidence does not hold: {0}")]
    Evidence(#[from] EvidenceError),
    /// A rule is in the way.
    #[error(transparent)]
    Rule(#[from] Violation),
    /// The statement could not be checked.
    #[error(transparent)]
    Check(#[from] CheckError),
    /// The statement cannot be read.
    #[error("the statement cannot be read, and it is not prose either: {0}")]
    Statement(ParseError),
}

/// The review service of one data root.
pub struct ReviewService {
    explorer: Arc<Explorer>,
    sql: SqlClient,
    policy: Policy,
    publishing: Arc<AtomicBool>,
}

/// After something was added to the log, it is written to the store this much later, with what was added meanwhile.
const PUBLISH_AFTER: Duration = Duration::from_secs(2);

impl ReviewService {
    /// A review service over what the explorer knows. From now on the client's views `mark` and `field` show what it knows.
    pub fn new(explorer: Arc<Explorer>, sql: SqlClient, policy: Policy) -> ReviewService {
        let reviews = ReviewService { explorer, sql, policy, publishing: Arc::default() };
        reviews.sql.derive_with(reviews.derived_views());
        reviews
    }

    /// The data root.
    pub fn root(&self) -> &Path {
        self.explorer.root()
    }

    /// The explorer.
    pub fn explorer(&self) -> &Arc<Explorer> {
        &self.explorer
    }

    /// By which rules decisions count.
    pub fn policy(&self) -> Policy {
        self.policy
    }

    /// What is in force.
    ///
    /// # Errors
    /// As [`super::log::ledger::Ledger::view`].
    pub fn view(&self) -> Result<View, StoreError> {
        self.explorer.ledger().view()
    }

    /// Bytes of the log: when that changes, something was added.
    pub fn log_length(&self) -> u64 {
        DataRoot::open(self.root()).map_or(0, |root| root.verification_log().length())
    }

    /// Checks a statement over everything that is stored.
    async fn check(&self, statement: &Statement, cancel: &CancellationToken) -> Result<CheckResult, ReviewError> {
        Ok(check(&self.sql, statement, &Scope::default(), cancel.clone()).await?)
    }

    /// The payload of a stored frame, as indented JSON; `None` where there is none.
    ///
    /// # Errors
    /// When the store cannot be asked.
    pub async fn payload(&self, address: &str) -> Result<Option<String>, ReviewError> {
        let Some((session_id, seq)) = address.rsplit_once(':') else { return Ok(None) };
        let sql = "SELECT json_pretty(payload) FROM ws_event WHERE session_id = $1 AND seq = CAST($2 AS BIGINT)";
        let query = Query { max_cell: 1 << 20, ..Query::new(sql) }.bind(vec![session_id.into(), seq.into()]);
        let answer = self.sql.query(query, CancellationToken::new()).await.map_err(CheckError::Sql)?;
        let cell = answer.rows.first().and_then(|row| row.first());
        Ok(cell.and_then(|cell| cell.as_str()).map(str::to_owned))
    }

    /// Has what was added to the log written to the store, soon, unless another process does it; and the field manifest
    /// made anew.
    fn publish_soon(&self) {
        if self.publishing.swap(true, Ordering::AcqRel) {
            return;
        }
        let (publishing, explorer) = (self.publishing.clone(), self.explorer.clone());
        tokio::spawn(async move {
            tokio::time::sleep(PUBLISH_AFTER).await;
            publishing.store(false, Ordering::Release);
            let published = tokio::task::spawn_blocking(move || {
                if let Err(error) = manifest::write(&explorer) {
                    tracing::warn!(%error, "the field manifest is older than the marks");
                }
                publish(&DataRoot::open(explorer.root())?)
            });
            match published.await {
                Ok(Ok(_)) => {}
                Ok(Err(error)) => {
                    tracing::warn!(%error, "what was decided is in the log and not yet in the store")
                }
                Err(error) => tracing::warn!(%error, "writing what was decided to the store ended early"),
            }
        });
    }

    /// Writes to the store what it lacks of the log, now. For programs that end.
    ///
    /// # Errors
    /// As [`publish`].
    pub fn publish_now(&self) -> Result<bool, StoreError> {
        publish(&DataRoot::open(self.root())?)
    }
}
