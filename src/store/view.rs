//! One moment of the store: the parts in force and the unsealed rows, each row once. Whoever reads the store reads it
//! through a view; whoever wants to stay up to date takes a [`super::follow::Follower`], from which views are made.

use std::sync::Arc;

use arrow::array::RecordBatch;

use super::StoreError;
use super::catalog::{Catalog, LostPart, Part};
use super::follow::{Feed, Follower, Narrow, Positions, Reader};
use super::root::DataRoot;
use super::schema::DocType;

/// Looks at most this often when parts go away under our eyes.
const TRIES: usize = 16;

/// The parts in force and the unsealed rows at one moment. Sealing, compaction and pruning go on meanwhile: they may
/// remove files that the view names, and [`View::read`] then looks again.
#[derive(Debug, Clone)]
pub struct View {
    root: DataRoot,
    catalog: Arc<Catalog>,
    tail: Vec<(DocType, RecordBatch)>,
}

impl View {
    /// The store now.
    ///
    /// # Errors
    /// When the catalog or the journal cannot be read.
    pub fn now(root: &DataRoot) -> Result<View, StoreError> {
        View::of_feed(&Feed::of(root))
    }

    pub(super) fn of_feed(feed: &Feed) -> Result<View, StoreError> {
        let (catalog, tail) = feed.all()?;
        Ok(View { root: feed.root().clone(), catalog, tail })
    }

    /// The store now, with only some of the unsealed rows, and none that stands in the journal before these positions. Of the
    /// journal nothing else is held in memory.
    ///
    /// # Errors
    /// As [`View::now`].
    pub fn narrow(root: &DataRoot, narrow: Narrow, from: Positions) -> Result<View, StoreError> {
        let mut reader = Reader::narrow(root, narrow, from);
        let tail = reader.poll()?.rows;
        Ok(View { root: root.clone(), catalog: reader.catalog().clone(), tail })
    }

    /// What a follower sees at its first look; it goes on from here.
    ///
    /// # Errors
    /// As [`View::now`].
    pub fn of(follower: &mut Follower) -> Result<View, StoreError> {
        let change = follower.poll()?;
        Ok(View { root: follower.root().clone(), catalog: follower.catalog().clone(), tail: change.rows })
    }

    /// The parts of a catalog alone, for whoever keeps the unsealed rows elsewhere.
    pub fn of_parts(root: &DataRoot, catalog: Arc<Catalog>) -> View {
        View { root: root.clone(), catalog, tail: Vec::new() }
    }

    /// Looks now and reads; looks and reads again when a part that the view names went away meanwhile because another
    /// one replaced it, or cannot be read and is left out from then on.
    ///
    /// # Errors
    /// Those of looking and of `read`.
    pub fn read<T>(root: &DataRoot, read: impl FnMut(&View) -> Result<T, StoreError>) -> Result<T, StoreError> {
        View::read_with(root, |error| Some(error), read)
    }

    /// As [`View::read`], for a reading with errors of its own: `of_store` says which of them are the store's.
    ///
    /// # Errors
    /// As [`View::read`].
    pub fn read_with<T, E: From<StoreError>>(
        root: &DataRoot,
        of_store: impl Fn(&E) -> Option<&StoreError>,
        mut read: impl FnMut(&View) -> Result<T, E>,
    ) -> Result<T, E> {
        let feed = Feed::of(root);
        for _ in 1..TRIES {
            let view = View::of_feed(&feed)?;
            let result = read(&view);
            let is_of_a_part = result.as_ref().err().and_then(&of_store).is_some_and(StoreError::is_of_a_part);
            if !is_of_a_part || !view.is_replaced()? {
                return result;
            }
            // Damage that was met while reading leaves the manifest as it is.
            feed.look_again();
        }
        read(&View::of_feed(&feed)?)
    }

    /// Where it was seen.
    pub fn root(&self) -> &DataRoot {
        &self.root
    }

    /// The catalog in force.
    pub fn catalog(&self) -> &Arc<Catalog> {
        &self.catalog
    }

    /// The parts in force.
    pub fn parts(&self) -> &[Part] {
        &self.catalog.parts
    }

    /// The unsealed rows, each batch in the schema of its doc type. None of them stands in a part.
    pub fn tail(&self) -> &[(DocType, RecordBatch)] {
        &self.tail
    }

    /// Parts whose rows are in no answer, because their files are gone or damaged.
    pub fn lost(&self) -> &[LostPart] {
        &self.catalog.lost
    }

    /// Whether other parts are in force by now.
    ///
    /// # Errors
    /// When the catalog cannot be read.
    pub fn is_replaced(&self) -> Result<bool, StoreError> {
        let now = Catalog::load(&self.root)?;
        Ok(now.generation != self.catalog.generation || now.parts.len() != self.catalog.parts.len())
    }
}

#[cfg(test)]
mod tests;
