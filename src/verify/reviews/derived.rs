//! The rows of the SQL views `mark` and `field`, made for whoever reads them: from the log and the facts as they are, never
//! from a file, which may be missing, older than the data, or edited.
//!
//! Other programs do read the files (`verification.json`, `field_manifest.json`). They are brought up to date beside it,
//! when the rows changed; nothing depends on that.

use std::collections::HashMap;
use std::fmt::{self, Debug};
use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};

use serde_json::Value;
use sha2::{Digest as _, Sha256};

use super::{ReviewError, ReviewService, manifest};
use crate::sql::SqlError;
use crate::sql::derived::{Derive, DerivedRows, WantedView};
use crate::verify::explore::Explorer;
use crate::verify::log::now;

/// Makes the rows from what an explorer knows.
pub struct DerivedViews {
    explorer: Arc<Explorer>,
    /// The revisions that the files have, by view.
    published: Mutex<HashMap<String, String>>,
}

impl DerivedViews {
    /// For the data root of `explorer`, whose facts it shares.
    pub fn of(explorer: Arc<Explorer>) -> Arc<DerivedViews> {
        Arc::new(DerivedViews { explorer, published: Mutex::default() })
    }

    /// For a data root that nothing else in this process explores.
    pub fn at(root: impl Into<PathBuf>) -> Arc<DerivedViews> {
        DerivedViews::of(Arc::new(Explorer::new(root)))
    }

    fn make(&self, view: &str) -> Result<Vec<Value>, ReviewError> {
        match view {
            "mark" => Ok(self.explorer.ledger().view()?.state.rows(&now())),
            _ => manifest::present(&self.explorer),
        }
    }

    /// Has the view's file say the same, once per revision.
    fn publish(&self, view: &str, revision: &str) {
        let mut published = self.published.lock().unwrap_or_else(PoisonError::into_inner);
        if published.get(view).is_some_and(|known| known == revision) {
            return;
        }
        let written = match view {
            "mark" => self.explorer.ledger().keep_file().map_err(ReviewError::from),
            _ => manifest::write(&self.explorer),
        };
        if let Err(error) = written {
            tracing::warn!(%error, view, "the file of the view is older than the data and the log");
        }
        published.insert(view.to_owned(), revision.to_owned());
    }
}

impl Debug for DerivedViews {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("DerivedViews").field(&self.explorer.root()).finish()
    }
}

impl Derive for DerivedViews {
    fn rows(&self, wanted: &WantedView) -> Result<DerivedRows, SqlError> {
        let failed = |error: &dyn fmt::Display| SqlError::Failed {
            message: format!("the rows of the view {} cannot be made: {error}", wanted.view),
        };
        let rows = self.make(&wanted.view).map_err(|error| failed(&error))?;
        let text = serde_json::to_vec(&rows).map_err(|error| failed(&error))?;
        let revision = format!("{:x}", Sha256::digest(text));
        self.publish(&wanted.view, &revision);
        let is_known = wanted.revision.as_ref() == Some(&revision);
        Ok(DerivedRows { view: wanted.view.clone(), revision, rows: (!is_known).then_some(rows) })
    }
}

impl ReviewService {
    /// Makes the rows of `mark` and `field` from what this service knows.
    pub(super) fn derived_views(&self) -> Arc<DerivedViews> {
        DerivedViews::of(self.explorer.clone())
    }
}
