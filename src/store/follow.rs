//! What is new since the last look, read from files only: a reader needs no contact to the writer, and the
//! writer does not know of its readers.
//!
//! All followers of a process share one [`feed`]: the journal is read and projected once, whoever looks. [`reader`] is what
//! reads it.

mod feed;
mod reader;

use std::collections::HashMap;
use std::sync::Arc;

use arrow::array::{AsArray, BooleanArray, RecordBatch};
use arrow::compute::filter_record_batch;
use arrow::datatypes::Int64Type;

use super::StoreError;
use super::catalog::Catalog;
use super::ids::SessionId;
use super::root::DataRoot;
use super::schema::DocType;
use super::view::View;
pub(super) use feed::Feed;
pub(super) use reader::Reader;
pub use reader::{Narrow, Positions};

/// What changed since the last look. Apply in this order: add the rows, drop what is sealed, take the catalog.
#[derive(Debug, Default)]
pub struct Change {
    /// The catalog, on the first look and whenever it was replaced.
    pub catalog: Option<Arc<Catalog>>,
    /// New unsealed rows, each batch in the schema of its doc type. None of them stands in a part of the catalog at
    /// hand: rows that were sealed while they were read are left to the parts.
    pub rows: Vec<(DocType, RecordBatch)>,
    /// Sessions of which rows up to this `seq` are in parts now: drop them from the unsealed ones ([`drop_sealed`]).
    pub sealed: Vec<(String, u64)>,
}

/// Drops the rows that are in parts now from unsealed ones; batches that become empty go.
///
/// # Errors
/// Those of Arrow.
pub fn drop_sealed(rows: &mut Vec<(DocType, RecordBatch)>, sealed: &[(String, u64)]) -> Result<(), StoreError> {
    let sealed: HashMap<&str, u64> = sealed.iter().map(|(session, seq)| (session.as_str(), *seq)).collect();
    for (_, batch) in rows.iter_mut() {
        drop_up_to(batch, &sealed)?;
    }
    rows.retain(|(_, batch)| batch.num_rows() > 0);
    Ok(())
}

/// Drops the rows of each session up to this `seq`.
fn drop_up_to(batch: &mut RecordBatch, last: &HashMap<&str, u64>) -> Result<(), StoreError> {
    if last.is_empty() {
        return Ok(());
    }
    let sessions = batch.column_by_name("session_id").and_then(|column| column.as_string_opt::<i32>());
    let seqs = batch.column_by_name("seq").and_then(|column| column.as_primitive_opt::<Int64Type>());
    let (Some(sessions), Some(seqs)) = (sessions, seqs) else { return Ok(()) };
    let goes = |(session, seq): (Option<&str>, Option<i64>)| {
        let to = session.and_then(|session| last.get(session)).copied().unwrap_or(0);
        seq.and_then(|seq| u64::try_from(seq).ok()).is_some_and(|seq| seq <= to)
    };
    let keep: BooleanArray = sessions.iter().zip(seqs.iter()).map(|row| Some(!goes(row))).collect();
    if keep.false_count() > 0 {
        *batch = filter_record_batch(batch, &keep)?;
    }
    Ok(())
}

impl Change {
    /// Whether nothing changed.
    pub fn is_empty(&self) -> bool {
        self.catalog.is_none() && self.rows.is_empty() && self.sealed.is_empty()
    }
}

/// Follows a data root. Every row is handed out once as unsealed or stands in a part in force, never both and
/// never neither, whatever the writer does between two looks, and whoever else in this process looks meanwhile.
pub struct Follower {
    feed: Arc<Feed>,
    /// The kinds of rows that are handed out; all where none is named.
    kinds: Vec<DocType>,
    seen: Seen,
}

/// What a follower has seen of the feed.
#[derive(Default)]
struct Seen {
    /// The feed's look that was handed out last, from 1.
    look: u64,
    /// The catalog of that look.
    catalog: Arc<Catalog>,
    catalog_number: u64,
    /// How far the journal had been read then.
    positions: Positions,
    sessions: HashMap<SessionId, Handed>,
}

/// What a follower was handed of a session.
struct Handed {
    /// The last frame whose rows were handed out or left to the parts.
    last_seq: u64,
    /// Up to where it knows that rows are in parts.
    sealed: u64,
}

impl Follower {
    /// A follower that has seen nothing yet.
    ///
    /// # Errors
    /// None today; opening is where a future layout would be refused.
    pub fn open(root: &DataRoot) -> Result<Follower, StoreError> {
        Follower::of_kinds(root, Vec::new())
    }

    /// A follower that hands out only unsealed rows of some kinds.
    ///
    /// # Errors
    /// As [`Follower::open`].
    pub fn of_kinds(root: &DataRoot, kinds: Vec<DocType>) -> Result<Follower, StoreError> {
        Ok(Follower { feed: Feed::of(root), kinds, seen: Seen::default() })
    }

    /// Forgets what it has seen: the next look is as the first.
    pub fn start_over(&mut self) {
        self.feed.keep_all();
        self.seen = Seen::default();
    }

    /// How far the journal had been read at the last look.
    pub fn positions(&self) -> &Positions {
        &self.seen.positions
    }

    /// What it follows.
    pub fn root(&self) -> &DataRoot {
        self.feed.root()
    }

    /// The catalog of the last look.
    pub fn catalog(&self) -> &Arc<Catalog> {
        &self.seen.catalog
    }

    /// Has the next look read the catalog, whether it seems to have changed or not: for whoever met a part that cannot be
    /// read.
    pub fn look_again(&mut self) {
        self.feed.look_again();
    }

    /// Everything as of now: the parts and all unsealed rows, whatever was handed out before. The next look hands out what
    /// it would have without.
    ///
    /// # Errors
    /// As [`Follower::poll`].
    pub fn view(&self) -> Result<View, StoreError> {
        self.feed.keep_all();
        View::of_feed(&self.feed)
    }

    /// Looks again. Cheap when nothing changed: two `stat`s and one folder listing, and every few seconds a `stat` of each
    /// part.
    ///
    /// # Errors
    /// When the catalog is damaged or the journal cannot be read. Nothing is lost by it: what was read before the
    /// error is handed out by the next look.
    pub fn poll(&mut self) -> Result<Change, StoreError> {
        let mut change = self.feed.look(&mut self.seen)?;
        if !self.kinds.is_empty() {
            change.rows.retain(|(doc_type, _)| self.kinds.contains(doc_type));
        }
        Ok(change)
    }
}

#[cfg(test)]
mod tests;
