//! One reader of a data root for all who follow it in this process. Whoever looks has it read on, and gets what came since
//! their own last look.
//!
//! Unsealed rows are kept as soon as somebody else may ask for them: a second follower, or a view. A process with a single
//! follower (`record`, the worker for SQL) holds none of them.

use std::collections::{BTreeMap, HashMap};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};

use arrow::array::RecordBatch;
use arrow::compute::concat_batches;

use super::reader::{Reader, newly_sealed};
use super::{Change, Handed, Seen, drop_up_to};
use crate::StoreError;
use crate::catalog::Catalog;
use crate::root::DataRoot;
use crate::schema::DocType;

/// Unsealed rows, each batch in the schema of its doc type.
type Rows = Vec<(DocType, RecordBatch)>;

/// The feeds of this process.
static FEEDS: Mutex<Vec<Weak<Feed>>> = Mutex::new(Vec::new());

/// What this process knows of the end of a data root.
pub(crate) struct Feed {
    root: DataRoot,
    state: Mutex<State>,
}

struct State {
    reader: Reader,
    /// Looks that saw something new.
    look: u64,
    /// Catalogs that were read.
    catalog_number: u64,
    kept: Kept,
    /// Whether rows that were handed out to one follower stay for others.
    keep: bool,
}

impl Feed {
    /// The feed of this root, which lives as long as somebody holds it.
    pub(crate) fn of(root: &DataRoot) -> Arc<Feed> {
        let mut feeds = FEEDS.lock().unwrap_or_else(PoisonError::into_inner);
        feeds.retain(|feed| feed.strong_count() > 0);
        let known = feeds.iter().filter_map(Weak::upgrade).find(|feed| feed.root.path() == root.path());
        if let Some(feed) = known {
            drop(feeds);
            feed.keep_all();
            return feed;
        }
        let state = State {
            reader: Reader::new(root),
            look: 0,
            catalog_number: 0,
            kept: Kept { is_complete: true, pieces: BTreeMap::new() },
            keep: false,
        };
        let feed = Arc::new(Feed { root: root.clone(), state: Mutex::new(state) });
        feeds.push(Arc::downgrade(&feed));
        feed
    }

    pub(crate) fn root(&self) -> &DataRoot {
        &self.root
    }

    /// A thread that panicked while it read left behind what it had read, which is a state.
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Keeps unsealed rows from now on; those that were handed out already are read once more, by the next look.
    pub(super) fn keep_all(&self) {
        let mut state = self.lock();
        state.keep = true;
        if !state.kept.is_complete {
            state.reader = Reader::new(&self.root);
            state.kept = Kept { is_complete: true, pieces: BTreeMap::new() };
        }
    }

    pub(crate) fn look_again(&self) {
        self.lock().reader.look_again();
    }

    /// Reads on, and hands out what is new to whoever has `seen` this much.
    pub(super) fn look(&self, seen: &mut Seen) -> Result<Change, StoreError> {
        let mut state = self.lock();
        state.read_on()?;
        let change = state.since(seen)?;
        if !state.keep {
            state.kept.clear();
        }
        Ok(change)
    }

    /// The catalog and all unsealed rows, as of now.
    pub(crate) fn all(&self) -> Result<(Arc<Catalog>, Rows), StoreError> {
        let mut state = self.lock();
        state.read_on()?;
        Ok((state.reader.catalog().clone(), state.kept.rows_since(0, &HashMap::new())?))
    }
}

impl State {
    fn read_on(&mut self) -> Result<(), StoreError> {
        let change = self.reader.poll()?;
        if change.is_empty() {
            return Ok(());
        }
        self.look += 1;
        self.catalog_number += u64::from(change.catalog.is_some());
        self.kept.drop_sealed(&change.sealed)?;
        for (doc_type, batch) in change.rows {
            self.kept.add(doc_type, batch, self.look)?;
        }
        Ok(())
    }

    fn since(&self, seen: &mut Seen) -> Result<Change, StoreError> {
        if seen.look == self.look {
            return Ok(Change::default());
        }
        let handed: HashMap<String, u64> =
            seen.sessions.iter().map(|(session, handed)| (session.to_string(), handed.last_seq)).collect();
        let handed = handed.iter().map(|(session, seq)| (session.as_str(), *seq)).collect();
        let rows = self.kept.rows_since(seen.look, &handed)?;
        let catalog = self.reader.catalog();
        let journaled = self.reader.journaled();
        let known = seen.sessions.iter_mut().map(|(session_id, handed)| (session_id, &mut handed.sealed));
        let sealed = newly_sealed(catalog, journaled, known);
        seen.sessions.retain(|session_id, _| journaled.contains(session_id));
        for (session_id, last_seq) in self.reader.sessions() {
            let sealed = catalog.sealed.get(&session_id).copied().unwrap_or(0);
            seen.sessions.entry(session_id).or_insert(Handed { last_seq, sealed }).last_seq = last_seq;
        }
        let is_new = seen.catalog_number < self.catalog_number;
        seen.look = self.look;
        seen.catalog_number = self.catalog_number;
        seen.catalog = catalog.clone();
        seen.positions = self.reader.positions();
        Ok(Change { catalog: is_new.then(|| catalog.clone()), rows, sealed })
    }
}

/// Unsealed rows.
struct Kept {
    /// Whether these are all that there are.
    is_complete: bool,
    pieces: BTreeMap<DocType, Vec<Piece>>,
}

/// Rows that came with these looks.
struct Piece {
    batch: RecordBatch,
    first_look: u64,
    last_look: u64,
}

/// A piece is not made longer than this: rows, and bytes.
const LONGEST: (usize, usize) = (8192, 4 << 20);

impl Kept {
    /// A look every half second brings batches of a few rows, whose columns weigh more than what is in them: they are put
    /// together, each row a few times until its piece is long enough.
    fn add(&mut self, doc_type: DocType, batch: RecordBatch, look: u64) -> Result<(), StoreError> {
        let pieces = self.pieces.entry(doc_type).or_default();
        let mut new = Piece { batch, first_look: look, last_look: look };
        while let Some(before) = pieces.pop_if(|before| before.takes(&new)) {
            let batch = concat_batches(&new.batch.schema(), [&before.batch, &new.batch])?;
            new = Piece { batch, first_look: before.first_look, last_look: look };
        }
        pieces.push(new);
        Ok(())
    }

    fn drop_sealed(&mut self, sealed: &[(String, u64)]) -> Result<(), StoreError> {
        let sealed = sealed.iter().map(|(session, seq)| (session.as_str(), *seq)).collect();
        for pieces in self.pieces.values_mut() {
            for piece in pieces.iter_mut() {
                drop_up_to(&mut piece.batch, &sealed)?;
            }
            pieces.retain(|piece| piece.batch.num_rows() > 0);
        }
        Ok(())
    }

    /// The rows that came after this look; `handed` says how far each session was handed out by then.
    fn rows_since(&self, look: u64, handed: &HashMap<&str, u64>) -> Result<Rows, StoreError> {
        let mut rows = Vec::new();
        for (doc_type, pieces) in &self.pieces {
            for piece in pieces.iter().filter(|piece| piece.last_look > look) {
                let mut batch = piece.batch.clone();
                drop_up_to(&mut batch, handed)?;
                if batch.num_rows() > 0 {
                    rows.push((*doc_type, batch));
                }
            }
        }
        Ok(rows)
    }

    fn clear(&mut self) {
        self.is_complete &= self.pieces.is_empty();
        self.pieces.clear();
    }
}

impl Piece {
    /// Whether a newer one is put to it.
    fn takes(&self, newer: &Piece) -> bool {
        let (rows, bytes) = LONGEST;
        let together = self.batch.num_rows() + newer.batch.num_rows();
        self.batch.num_rows() < 2 * newer.batch.num_rows()
            && together <= rows
            && self.batch.get_array_memory_size() + newer.batch.get_array_memory_size() <= bytes
    }
}
