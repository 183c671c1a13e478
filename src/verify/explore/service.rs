//! The facts of a data root in memory: opened by the first question, brought up to date by each.

use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use super::diff::{self, Diff, Facts, Side};
use super::event::{self, EventFilter, EventView};
use super::field::{self, FieldView};
use super::marks::Marks;
use super::nearest;
use super::overview::{self, Overview, OverviewFilter};
use crate::index::facts_store::{Digest, FactsStore};
use crate::protocol::catalogue::catalogue;
use crate::store::StoreError;
use crate::store::root::DataRoot;
use crate::verify::check::{BadScope, Scope};
use crate::verify::log::ledger::Ledger;

/// Why a question has no answer.
#[derive(Debug, thiserror::Error)]
pub enum ExploreError {
    /// The store cannot be read.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The scope cannot be meant.
    #[error(transparent)]
    Scope(#[from] BadScope),
    /// No such event.
    #[error("there is no event {name:?}, neither in the data nor in the documents; the nearest names are {}", .nearest.join(", "))]
    UnknownEvent {
        /// What was asked for.
        name: String,
        /// Names near to it.
        nearest: Vec<String>,
    },
    /// No such field.
    #[error(
        "{event} has no field {path:?}, neither in the data nor in the documents; {}",
        near(.nearest)
    )]
    UnknownField {
        /// The event.
        event: String,
        /// What was asked for.
        path: String,
        /// Paths near to it.
        nearest: Vec<String>,
    },
    /// The field never had the value.
    #[error("{path} of {event} never had the value {value:?}; it has {}", .values.join(", "))]
    UnknownValue {
        /// The event.
        event: String,
        /// The field.
        path: String,
        /// What was asked for.
        value: String,
        /// Values that it has.
        values: Vec<String>,
    },
    /// Nothing is stored in the scope.
    #[error("nothing is stored in this scope; the view session lists what is there")]
    EmptyScope,
    /// Nothing is stored in one side of a comparison.
    #[error("nothing is stored in {side}, one of the two sides; the view session lists what is there")]
    EmptySide {
        /// The side as it was written.
        side: String,
    },
    /// The asker does not want the answer any more.
    #[error("the exploration was stopped")]
    Stopped,
}

fn near(nearest: &[String]) -> String {
    if nearest.is_empty() {
        "it has no fields".to_owned()
    } else {
        format!("the nearest are {}", nearest.join(", "))
    }
}

/// Answers questions about the protocol. Blocking: a server asks from a thread that may wait.
pub struct Explorer {
    root: PathBuf,
    store: Mutex<Option<FactsStore>>,
    ledger: Ledger,
}

impl Explorer {
    /// An explorer of a data root. Does nothing yet.
    pub fn new(root: impl Into<PathBuf>) -> Explorer {
        let root = root.into();
        Explorer { ledger: Ledger::new(&root), root, store: Mutex::new(None) }
    }

    /// The data root.
    pub fn root(&self) -> &Path {
        &self.root
    }

    fn store(&self) -> Result<Open<'_>, StoreError> {
        let mut guard = self.store.lock().unwrap_or_else(PoisonError::into_inner);
        if guard.is_none() {
            *guard = Some(FactsStore::open(&DataRoot::open(&self.root)?)?);
        }
        let refreshed = guard.as_mut().map_or(Ok(()), |store| store.refresh().map(|_| ()));
        if let Err(error) = refreshed {
            // What was taken in half is taken in again by the next question.
            *guard = None;
            return Err(error);
        }
        Ok(Open(guard))
    }

    /// The facts of a part of the store.
    ///
    /// # Errors
    /// [`ExploreError`]; `stop` saying so gives [`ExploreError::Stopped`].
    pub fn digest(&self, scope: &Scope, stop: &dyn Fn() -> bool) -> Result<Arc<Digest>, ExploreError> {
        let filter = super::filter_of(scope)?;
        let mut open = self.store()?;
        let Some(store) = open.0.as_mut() else { return Err(ExploreError::Stopped) };
        store.filtered(&filter, stop)?.ok_or(ExploreError::Stopped)
    }

    /// What was proposed and decided.
    pub fn ledger(&self) -> &Ledger {
        &self.ledger
    }

    /// The marks in force. A log that cannot be read costs the marks, not the facts.
    pub fn marks(&self) -> Marks {
        match self.ledger.view() {
            Ok(view) => Marks::of(&view.state),
            Err(error) => {
                tracing::warn!(%error, "no marks");
                Marks::default()
            }
        }
    }

    /// All events.
    ///
    /// # Errors
    /// [`ExploreError`].
    pub fn overview(
        &self,
        scope: &Scope,
        filter: &OverviewFilter,
        stop: &dyn Fn() -> bool,
    ) -> Result<Overview, ExploreError> {
        let digest = self.digest(scope, stop)?;
        if !scope.is_all() && digest.facts.total() == 0 {
            return Err(ExploreError::EmptyScope);
        }
        Ok(overview::overview(&digest, &self.marks(), filter))
    }

    /// One event.
    ///
    /// # Errors
    /// [`ExploreError`].
    pub fn event(
        &self,
        scope: &Scope,
        name: &str,
        filter: &EventFilter,
        stop: &dyn Fn() -> bool,
    ) -> Result<EventView, ExploreError> {
        let digest = self.digest(scope, stop)?;
        let known = |name: &str| ExploreError::UnknownEvent {
            name: name.to_owned(),
            nearest: nearest::events(&digest, name),
        };
        let view = event::event(&digest, &self.marks(), name, filter).ok_or_else(|| known(name))?;
        if view.fields_selected == 0
            && let Some(below) = &filter.below
        {
            let nearest = nearest::paths(&digest, &view.event, below);
            return Err(ExploreError::UnknownField { event: view.event, path: below.clone(), nearest });
        }
        Ok(view)
    }

    /// One field.
    ///
    /// # Errors
    /// [`ExploreError`].
    pub fn field(
        &self,
        scope: &Scope,
        event: &str,
        path: &str,
        stop: &dyn Fn() -> bool,
    ) -> Result<FieldView, ExploreError> {
        let digest = self.digest(scope, stop)?;
        let doc = catalogue().event(event);
        let event = doc.map_or(event, |doc| doc.name.as_str());
        if doc.is_none() && !digest.facts.events.contains_key(event) {
            let nearest = nearest::events(&digest, event);
            return Err(ExploreError::UnknownEvent { name: event.to_owned(), nearest });
        }
        let path = super::path_of(path);
        let history = if scope.is_all() { self.history(event, &path)? } else { None };
        let view = field::field(&digest, &self.marks(), event, &path, history);
        view.ok_or_else(|| ExploreError::UnknownField {
            event: event.to_owned(),
            path: path.clone(),
            nearest: nearest::paths(&digest, event, &path),
        })
    }

    fn history(&self, event: &str, path: &str) -> Result<Option<super::table::Table>, ExploreError> {
        let open = self.store()?;
        Ok(open.0.as_ref().and_then(|store| field::history(store, event, path)))
    }

    /// Two sides compared.
    ///
    /// # Errors
    /// [`ExploreError`]; [`ExploreError::EmptySide`] where a side holds nothing.
    pub fn diff(
        &self,
        a: (&str, &Side),
        b: (&str, &Side),
        event: Option<&str>,
        stop: &dyn Fn() -> bool,
    ) -> Result<Diff, ExploreError> {
        let facts = |(name, side): (&str, &Side)| match side {
            Side::Documentation => Ok(None),
            Side::Data(scope) => {
                let digest = self.digest(scope, stop)?;
                if digest.facts.total() == 0 {
                    return Err(ExploreError::EmptySide { side: name.to_owned() });
                }
                Ok(Some(digest))
            }
        };
        let (ours, theirs) = (facts(a)?, facts(b)?);
        if let Some(name) = event {
            let seen = [&ours, &theirs].into_iter().flatten().any(|digest| digest.facts.events.contains_key(name));
            if !seen && catalogue().event(name).is_none() {
                let everything = self.digest(&Scope::default(), stop)?;
                let nearest = nearest::events(&everything, name);
                return Err(ExploreError::UnknownEvent { name: name.to_owned(), nearest });
            }
        }
        let view = |digest: &Option<Arc<Digest>>| match digest {
            Some(digest) => DigestOr::Data(digest.clone()),
            None => DigestOr::Documentation,
        };
        let (ours, theirs) = (view(&ours), view(&theirs));
        Ok(diff::diff((a.0, &ours.facts()), (b.0, &theirs.facts()), event))
    }
}

enum DigestOr {
    Documentation,
    Data(Arc<Digest>),
}

impl DigestOr {
    fn facts(&self) -> Facts<'_> {
        match self {
            DigestOr::Documentation => Facts::Documentation,
            DigestOr::Data(digest) => Facts::Data(digest),
        }
    }
}

/// The store, open and up to date.
struct Open<'a>(MutexGuard<'a, Option<FactsStore>>);
