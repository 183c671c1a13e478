//! Live state: the fold at the end of the journal, in any process, read from files only.
//!
//! At the start it is seeded from what is stored last, so that a fresh process knows the current game at once;
//! from then on it follows the journal. A row that was sealed between two looks is read from its part.

use std::collections::HashMap;

use arrow::array::RecordBatch;

use super::event::At;
use super::fold::Fold;
use super::note::Note;
use super::past;
use super::rows::{self, Columns, Row};
use super::snapshot::Snapshot;
use crate::store::StoreError;
use crate::store::catalog::Catalog;
use crate::store::follow::{Change, Follower};
use crate::store::record::now_us;
use crate::store::root::DataRoot;
use crate::store::schema::DocType;
use crate::store::view::View;

/// A note with the row that caused it.
#[derive(Debug, Clone, PartialEq)]
pub struct Noted {
    /// The row.
    pub at: At,
    /// What it changed.
    pub note: Note,
}

/// Follows a data root.
pub struct Live {
    root: DataRoot,
    follower: Follower,
    fold: Fold,
    /// The last row taken of each session, or known to be older than what matters.
    applied: HashMap<String, u64>,
}

impl Live {
    /// The state as it is stored now.
    ///
    /// # Errors
    /// When the catalog, the journal or a part cannot be read.
    pub fn open(root: &DataRoot) -> Result<Live, StoreError> {
        let mut follower = Follower::open(root)?;
        let (view, batches) = loop {
            let view = View::of(&mut follower)?;
            match past::gather(&view, i64::MAX - 1) {
                // A part went away meanwhile: another one replaced it.
                Err(error) if error.is_of_a_part() && view.is_replaced()? => follower.start_over(),
                gathered => break (view, gathered?),
            }
        };
        let mut live = Live { root: root.clone(), follower, fold: Fold::new(), applied: HashMap::new() };
        for range in view.parts().iter().flat_map(|part| &part.sessions) {
            live.has(&range.session_id.to_string(), range.last);
        }
        live.note_seqs(view.tail());
        rows::in_order(&batches, |row| {
            apply(&mut live.fold, row);
        });
        Ok(live)
    }

    /// Takes in what is new; returns what it changed. Cheap when nothing is.
    ///
    /// # Errors
    /// As [`Live::open`]. What could be read is taken in.
    pub fn poll(&mut self) -> Result<Vec<Noted>, StoreError> {
        let mut notes = Vec::new();
        self.poll_rows(|_, at, told| {
            notes.extend(told.into_iter().filter_map(|note| Some(Noted { at: at?.clone(), note })));
        })?;
        Ok(notes)
    }

    /// As [`Live::poll`], and shows every row as it is taken in: the row, its address, what it changed. Whether
    /// there was anything new.
    ///
    /// # Errors
    /// As [`Live::open`].
    pub fn poll_rows(&mut self, mut see: impl FnMut(Row<'_>, Option<&At>, Vec<Note>)) -> Result<bool, StoreError> {
        let change = self.follower.poll()?;
        if change.is_empty() {
            return Ok(false);
        }
        let Change { catalog, rows: mut batches, .. } = change;
        if let Some(catalog) = catalog {
            batches.extend(self.sealed_unseen(&catalog, &batches)?);
        }
        self.note_seqs(&batches);
        let fold = &mut self.fold;
        rows::in_order(&batches, |row| {
            let told = apply(fold, row);
            see(row, fold.last(), told);
        });
        Ok(true)
    }

    /// The state now; small.
    pub fn snapshot(&self) -> Snapshot {
        self.fold.snapshot(now_us())
    }

    /// The state now with everything that is known.
    pub fn detailed(&self) -> Snapshot {
        self.fold.detailed(now_us())
    }

    /// The fold.
    pub fn fold(&self) -> &Fold {
        &self.fold
    }

    fn has(&mut self, session_id: &str, seq: u64) {
        match self.applied.get_mut(session_id) {
            Some(held) => *held = seq.max(*held),
            None => {
                self.applied.insert(session_id.to_owned(), seq);
            }
        }
    }

    /// Remembers the last row of each session in these batches.
    fn note_seqs(&mut self, batches: &[(DocType, RecordBatch)]) {
        for (doc_type, batch) in batches {
            let columns = Columns::of(*doc_type, batch);
            for row in 0..columns.len() {
                self.has(columns.session(row), columns.seq(row));
            }
        }
    }

    /// Rows that went from the journal into a part between two looks. Imports are not live and are left out.
    fn sealed_unseen(
        &self,
        catalog: &Catalog,
        fresh: &[(DocType, RecordBatch)],
    ) -> Result<Vec<(DocType, RecordBatch)>, StoreError> {
        // What a look hands out as unsealed lies behind what was sealed meanwhile.
        let mut first_fresh: HashMap<&str, u64> = HashMap::new();
        for (doc_type, batch) in fresh {
            let columns = Columns::of(*doc_type, batch);
            for row in 0..columns.len() {
                let first = first_fresh.entry(columns.session(row)).or_insert(u64::MAX);
                *first = columns.seq(row).min(*first);
            }
        }
        let imported = |session_id: &crate::store::ids::SessionId| {
            let info = catalog.sessions.iter().find(|info| info.session_id == *session_id);
            info.is_some_and(|info| info.origin.starts_with("import:"))
        };
        let mut found = Vec::new();
        let told = |doc_type: DocType| matches!(doc_type, DocType::WsEvent | DocType::SystemEvent);
        for part in catalog.parts.iter().filter(|part| told(part.doc_type)) {
            let unseen = part.sessions.iter().any(|range| {
                let applied = self.applied.get(&range.session_id.to_string()).copied().unwrap_or(0);
                range.last > applied && !imported(&range.session_id)
            });
            if !unseen {
                continue;
            }
            for batch in past::selected(&self.root, part, past::event_columns(), None)? {
                let batch = batch?;
                let columns = Columns::of(part.doc_type, &batch);
                let mut ranges = Vec::new();
                for row in 0..columns.len() {
                    let session = columns.session(row);
                    let applied = self.applied.get(session).copied().unwrap_or(0);
                    let fresh = first_fresh.get(session).copied().unwrap_or(u64::MAX);
                    if columns.seq(row) > applied && columns.seq(row) < fresh {
                        past::extend(&mut ranges, row);
                    }
                }
                found.extend(
                    ranges.into_iter().map(|range| (part.doc_type, batch.slice(range.start, range.len()))),
                );
            }
        }
        Ok(found)
    }
}

fn apply(fold: &mut Fold, row: Row<'_>) -> Vec<Note> {
    match row {
        Row::Event(event) => fold.apply(&event),
        Row::System(event) => fold.system(&event),
    }
}
