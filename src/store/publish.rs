//! New parts put in force, and parts that they replace removed; and what is left to do where the disk failed in between.
//!
//! A change is decided when the catalog is replaced. Before that it is taken back when the disk refuses a step. After
//! that it is in force, and what the disk refused is owed: it is done before the next change, or by the next start
//! ([`super::reconcile`]).

use std::collections::BTreeSet;
use std::sync::MutexGuard;

use super::catalog::{Catalog, InForce, Part};
use super::error::StoreError;
use super::open::{Store, lock};
use super::parts::PendingParts;
use super::steps::{Step, reached};
use super::{fsio, reconcile};

/// What the disk refused when it was decided already.
#[derive(Debug, Default)]
pub(super) struct Owed {
    /// Whether a power cut may bring the catalog before the one in force back.
    catalog: bool,
    /// Files to be removed, relative to the root: no catalog names them.
    files: BTreeSet<String>,
    /// Damaged files to be set aside, likewise.
    damaged: BTreeSet<String>,
}

impl Store {
    fn owed(&self) -> MutexGuard<'_, Owed> {
        lock(&self.owed)
    }

    /// Gives parts their names, and puts them in force by this change of the catalog.
    ///
    /// # Errors
    /// When they do not come in force. Nothing of them is then left; what cannot be removed, later.
    pub(super) fn put_in_force(
        &self,
        pending: PendingParts,
        change: impl FnOnce(&mut Catalog, Vec<Part>),
    ) -> Result<InForce, StoreError> {
        reached(Step::PartsWritten);
        let mut named = Vec::new();
        let done = pending.publish(&mut named).and_then(|parts| {
            reached(Step::PartsNamed);
            self.update_catalog(|catalog| change(catalog, parts))
        });
        match done {
            Ok(in_force) => {
                reached(Step::CatalogReplaced);
                Ok(in_force)
            }
            Err(error) => {
                self.take_back(&named);
                Err(error)
            }
        }
    }

    /// Removes parts that have their names and did not come in force: their rows are where they came from.
    fn take_back(&self, named: &[String]) {
        let path = |part: &String| self.root().path().join(part);
        let left: Vec<String> = named.iter().filter(|part| fsio::remove(&path(part)).is_err()).cloned().collect();
        let folders: BTreeSet<_> = named.iter().filter_map(|part| Some(path(part).parent()?.to_owned())).collect();
        // The note says that they are not to be taken in. It goes when they cannot come back.
        if left.is_empty() && folders.iter().all(|folder| fsio::sync_folder(folder).is_ok()) {
            reconcile::withdraw(self.root(), named);
        }
        self.owed().files.extend(left);
    }

    /// Changes the catalog. An error means that nothing has changed.
    ///
    /// # Errors
    /// When it cannot be written.
    pub(super) fn update_catalog(&self, change: impl FnOnce(&mut Catalog)) -> Result<InForce, StoreError> {
        let mut catalog = lock(&self.catalog);
        let mut next = catalog.clone();
        change(&mut next);
        // Kept as long as a reader may still find the session's segments; also when the disk does not say.
        next.sealed.retain(|session_id, _| fsio::exists(&self.root().session_dir(*session_id)).unwrap_or(true));
        let in_force = next.put_in_force(self.root())?;
        self.owed().catalog = !in_force.is_durable();
        if in_force.is_durable() {
            reconcile::fulfil(self.root(), &next);
        }
        *catalog = next;
        Ok(in_force)
    }

    /// Puts new parts in force in place of `old`, with something else in the same change of the catalog, and removes the old
    /// files. A reader that has one of them open goes on reading it; one that comes too late looks at the catalog again.
    ///
    /// # Errors
    /// When the new ones do not come in force. When they do and the disk refuses what follows, the old files are removed
    /// before the next change.
    pub(super) fn replace_parts(
        &self,
        old: &[String],
        new: PendingParts,
        also: impl FnOnce(&mut Catalog, &[Part]),
    ) -> Result<(), StoreError> {
        let in_force = self.put_in_force(new, |catalog, new| {
            also(catalog, &new);
            catalog.parts.retain(|part| !old.contains(&part.path));
            catalog.parts.extend(new);
        })?;
        self.owed().files.extend(old.iter().cloned());
        // With the catalog before, the old ones would be in force again.
        in_force.durable()?;
        self.settle_files()
    }

    /// Has a damaged file that no catalog names any more set aside by whoever settles next.
    pub(super) fn owe_setting_aside(&self, path: &str) {
        self.owed().damaged.insert(path.to_owned());
    }

    /// Makes the catalog in force durable, where the disk refused to.
    ///
    /// # Errors
    /// When it refuses again.
    pub(super) fn settle_catalog(&self) -> Result<(), StoreError> {
        let is_owed = self.owed().catalog;
        // Written again and not only synced again: the system may have given up what it could not write.
        if is_owed { self.update_catalog(|_| ())?.durable() } else { Ok(()) }
    }

    /// Does what is owed.
    ///
    /// # Errors
    /// When the disk refuses again.
    pub(super) fn settle(&self) -> Result<(), StoreError> {
        self.settle_catalog()?;
        self.settle_files()
    }

    /// Removes the files that no catalog names any more, and sets the damaged ones aside, where the disk refused to.
    ///
    /// # Errors
    /// When it refuses again.
    pub(super) fn settle_files(&self) -> Result<(), StoreError> {
        let mut owed = self.owed();
        let mut refused = Ok(());
        owed.files.retain(|part| match fsio::remove(&self.root().path().join(part)) {
            Ok(()) => {
                reached(Step::FileRemoved);
                false
            }
            Err(error) => {
                refused = Err(error);
                true
            }
        });
        owed.damaged.retain(|part| match reconcile::set_damaged_aside(self.root(), part) {
            Ok(_) => false,
            Err(error) => {
                refused = Err(error);
                true
            }
        });
        refused
    }
}
