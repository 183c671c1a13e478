//! The store as the place where an import puts its records: files are published in batches.

use std::collections::HashSet;

use super::error::LegacyError;
use super::report::Counts;
use super::target::{Known, NewFile, Target};
use replayer_store::catalog::ImportEntry;
use replayer_store::ids::SessionId;
use replayer_store::import::{FileCounts, ImportBatch, ImportedFile};
use replayer_store::record::Record;
use replayer_store::{Store, StoreError};

/// Files are published when this much text was read since the last time, bytes.
const BATCH: u64 = 256 << 20;

/// Puts records into the store, in batches.
pub(super) struct StoreTarget<'s> {
    store: &'s Store,
    batch: Option<ImportBatch<'s>>,
    known: Vec<Known>,
    sessions: HashSet<String>,
    open: Option<Known>,
    generation: u64,
}

impl<'s> StoreTarget<'s> {
    /// A target in front of this store.
    ///
    /// # Errors
    /// When the store cannot be written to.
    pub fn new(store: &'s Store) -> Result<StoreTarget<'s>, LegacyError> {
        let batch = store.import_batch()?;
        let known = batch.known().iter().map(known_of).collect();
        let sessions = store.catalog().sessions.iter().map(|session| session.session_id.to_string()).collect();
        Ok(StoreTarget { store, batch: Some(batch), known, sessions, open: None, generation: 0 })
    }

    fn batch(&mut self) -> Result<&mut ImportBatch<'s>, LegacyError> {
        self.batch.as_mut().ok_or(LegacyError::Store(StoreError::Closed))
    }
}

/// An earlier import as targets know it.
pub(super) fn known_of(entry: &ImportEntry) -> Known {
    Known {
        sha256: entry.sha256.clone(),
        bytes: entry.bytes,
        name: entry.name.clone(),
        session_id: Some(entry.session_id.to_string()),
    }
}

impl Target for StoreTarget<'_> {
    fn known(&self) -> &[Known] {
        &self.known
    }

    fn has_session(&self, session_id: &str) -> bool {
        self.sessions.contains(session_id)
    }

    fn generation(&self) -> u64 {
        self.generation
    }

    fn begin(&mut self, file: &NewFile<'_>) -> Result<Option<String>, LegacyError> {
        let imported = ImportedFile {
            name: file.name.to_owned(),
            format: file.format.to_owned(),
            sha256: file.sha256.to_owned(),
            bytes: file.bytes,
        };
        let earlier = file.earlier.last().filter(|_| file.continues).and_then(|session| session.parse().ok());
        let session_id: SessionId = match earlier {
            Some(session_id) => {
                self.batch()?.resume(imported, session_id)?;
                session_id
            }
            None => self.batch()?.begin(imported)?,
        };
        let session_id = session_id.to_string();
        self.open = Some(Known {
            sha256: file.sha256.to_owned(),
            bytes: file.bytes,
            name: file.name.to_owned(),
            session_id: Some(session_id.clone()),
        });
        Ok(Some(session_id))
    }

    fn push(&mut self, record: &Record<'_>) -> Result<(), LegacyError> {
        self.batch()?.push(record)?;
        Ok(())
    }

    fn end(&mut self, counts: &Counts) -> Result<(), LegacyError> {
        let counts = FileCounts {
            lines: counts.lines,
            rows: counts.rows,
            extra_rows: counts.extra_rows,
            rejected: counts.rejected,
        };
        self.batch()?.end(counts)?;
        self.known.extend(self.open.take());
        Ok(())
    }

    fn publish(&mut self, last: bool) -> Result<(), LegacyError> {
        if !last && self.batch()?.bytes() < BATCH {
            return Ok(());
        }
        if let Some(batch) = self.batch.take() {
            batch.commit()?;
            self.generation += 1;
        }
        if !last {
            self.batch = Some(self.store.import_batch()?);
        }
        Ok(())
    }
}
