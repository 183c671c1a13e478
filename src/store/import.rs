//! Many files into the store, all or nothing.
//!
//! An imported file is durable already, so it needs no journal: its rows go straight into temporary parts, and
//! one replacement of the catalog puts the rows and the memory of the import in force together. A crash loses
//! the batch, and importing again does it.

use std::collections::BTreeMap;

use super::StoreError;
use super::catalog::{About, Catalog, ImportEntry, SessionInfo};
use super::games::GameFilter;
use super::ids::SessionId;
use super::open::Store;
use super::parts::PartWriter;
use super::project::{Context, project};
use super::record::{Record, now_us};

/// A file about to be imported.
#[derive(Debug, Clone)]
pub struct ImportedFile {
    /// Its name, without folders.
    pub name: String,
    /// The format it is read as.
    pub format: String,
    /// SHA-256 of its bytes, hex.
    pub sha256: String,
    /// Its size.
    pub bytes: u64,
}

/// What became of the lines of a file: `lines == rows + rejected`.
#[derive(Debug, Clone, Copy, Default)]
pub struct FileCounts {
    /// Lines in it.
    pub lines: u64,
    /// Lines that became at least one row.
    pub rows: u64,
    /// Further rows recovered from the same lines.
    pub extra_rows: u64,
    /// Lines that became none.
    pub rejected: u64,
}

/// Files on their way into the store. Dropped without [`ImportBatch::commit`], it leaves nothing behind.
pub struct ImportBatch<'s> {
    store: &'s Store,
    writer: PartWriter,
    context: Context,
    known: Vec<ImportEntry>,
    new: Vec<ImportEntry>,
    sessions: Vec<SessionInfo>,
    current: Option<(SessionId, ImportedFile)>,
    seq: u64,
    /// Sessions of earlier imports that are continued, with the last `seq` in each.
    resumed: BTreeMap<SessionId, u64>,
    /// Whether a record could not be stored, or only some of its rows.
    is_incomplete: bool,
}

/// The last `seq` of a session that any part holds or held.
fn last_seq(catalog: &Catalog, session_id: SessionId) -> u64 {
    let gone = catalog.lost.iter().chain(&catalog.given_up).map(|lost| &lost.part);
    let ranges = catalog.parts.iter().chain(gone).flat_map(|part| &part.sessions);
    ranges.filter(|range| range.session_id == session_id).map(|range| range.last).max().unwrap_or_default()
}

/// What a batch put in force.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Committed {
    /// Files.
    pub files: usize,
    /// Parts written.
    pub parts: usize,
}

impl Store {
    /// Begins a batch.
    ///
    /// # Errors
    /// None today.
    pub fn import_batch(&self) -> Result<ImportBatch<'_>, StoreError> {
        Ok(ImportBatch {
            store: self,
            writer: PartWriter::new(self.root(), "import", Vec::new(), self.known_rows(&[])),
            context: Context { games: GameFilter::new(self.stored_games()), ..Context::default() },
            known: self.with_catalog(|catalog| catalog.imports.clone()),
            new: Vec::new(),
            sessions: Vec::new(),
            current: None,
            seq: 0,
            resumed: BTreeMap::new(),
            is_incomplete: false,
        })
    }
}

impl ImportBatch<'_> {
    /// What was imported before this batch.
    pub fn known(&self) -> &[ImportEntry] {
        &self.known
    }

    /// Begins a file: a session of its own.
    ///
    /// # Errors
    /// When the file before it was neither ended nor abandoned.
    pub fn begin(&mut self, file: ImportedFile) -> Result<SessionId, StoreError> {
        if let Some((_, open)) = &self.current {
            return Err(StoreError::Refused(format!("the import of {} is not ended", open.name)));
        }
        let session_id = SessionId::start();
        let origin = format!("import:{}", file.name);
        self.sessions.push(SessionInfo { session_id, origin, started_us: now_us() });
        self.current = Some((session_id, file));
        self.seq = 0;
        self.context.requests = Default::default();
        Ok(session_id)
    }

    /// Begins a file that has grown since an earlier import: what is new goes on in the session of that one, which the
    /// catalog then knows for all of the file.
    ///
    /// # Errors
    /// When the file before it was neither ended nor abandoned.
    pub fn resume(&mut self, file: ImportedFile, session_id: SessionId) -> Result<(), StoreError> {
        if let Some((_, open)) = &self.current {
            return Err(StoreError::Refused(format!("the import of {} is not ended", open.name)));
        }
        let stored = self.store.with_catalog(|catalog| last_seq(catalog, session_id));
        self.seq = self.resumed.get(&session_id).copied().unwrap_or_default().max(stored);
        self.resumed.insert(session_id, self.seq);
        self.current = Some((session_id, file));
        self.context.requests = Default::default();
        Ok(())
    }

    /// Stores one record of the file at hand, and returns the `seq` it got: 1, 2, …
    ///
    /// # Errors
    /// When no file is begun, or a part cannot be written: the batch can then not be committed.
    pub fn push(&mut self, record: &Record<'_>) -> Result<u64, StoreError> {
        let (session_id, _) = self.current.as_ref().ok_or(StoreError::Closed)?;
        self.seq += 1;
        let record = Record { seq: self.seq, ..*record };
        let pushed = project(*session_id, &record, &mut self.context, &mut self.writer);
        self.is_incomplete |= pushed.is_err();
        pushed.map(|()| self.seq)
    }

    /// Ends the file at hand.
    ///
    /// # Errors
    /// When no file is begun.
    pub fn end(&mut self, counts: FileCounts) -> Result<(), StoreError> {
        let (session_id, file) = self.current.take().ok_or(StoreError::Closed)?;
        let mut before = FileCounts::default();
        if let Some(seq) = self.resumed.get_mut(&session_id) {
            *seq = self.seq;
            let mut earlier = self.new.iter().rev().chain(self.known.iter().rev());
            if let Some(earlier) = earlier.find(|entry| entry.session_id == session_id) {
                let ImportEntry { lines, rows, extra_rows, rejected, .. } = *earlier;
                before = FileCounts { lines, rows, extra_rows, rejected };
            }
        }
        self.new.retain(|entry| entry.session_id != session_id);
        self.new.push(ImportEntry {
            sha256: file.sha256,
            bytes: file.bytes,
            name: file.name,
            format: file.format,
            session_id,
            lines: before.lines + counts.lines,
            rows: before.rows + counts.rows,
            extra_rows: before.extra_rows + counts.extra_rows,
            rejected: before.rejected + counts.rejected,
            imported_us: now_us(),
        });
        Ok(())
    }

    /// Bytes of text in the batch so far.
    pub fn bytes(&self) -> u64 {
        self.writer.bytes()
    }

    /// Puts all ended files in force at once.
    ///
    /// # Errors
    /// When a file is still open, or a part or the catalog cannot be written: nothing is then in force. When only the
    /// folder of the catalog cannot be synced, all of it is in force, but may not survive a power cut before the next change.
    pub fn commit(mut self) -> Result<Committed, StoreError> {
        if let Some((_, open)) = &self.current {
            return Err(StoreError::Refused(format!("the import of {} is not ended", open.name)));
        }
        if self.is_incomplete {
            return Err(StoreError::Refused(
                "the import is not put in force, since the disk did not take all of it; import again".into(),
            ));
        }
        if self.new.is_empty() {
            return Ok(Committed::default());
        }
        let _one_at_a_time = self.store.sealing();
        self.store.settle()?;
        let resumed = self.store.with_catalog(|catalog| {
            let infos = catalog.sessions.iter().filter(|info| self.resumed.contains_key(&info.session_id));
            infos.cloned().collect::<Vec<_>>()
        });
        let sessions = [self.sessions.clone(), resumed].concat();
        self.writer.know(About { sessions, imports: self.new.clone() });
        // Proofs may have been sealed since the batch was begun.
        self.writer.know_ticks(self.store.known_ticks());
        let mut committed = Committed { files: self.new.len(), parts: 0 };
        let (new, sessions) = (self.new, self.sessions);
        let in_force = self.store.put_in_force(self.writer.finish()?, |catalog, parts| {
            committed.parts = parts.len();
            catalog.parts.extend(parts);
            // Of a file that has grown only the whole of it is known from now on.
            catalog.imports.retain(|known| !new.iter().any(|new| new.session_id == known.session_id));
            catalog.imports.extend(new);
            sessions.into_iter().for_each(|session| catalog.add_session(session));
        })?;
        self.store.set_stored_games(self.context.games.into_stored());
        in_force.durable()?;
        Ok(committed)
    }
}
