//! Schema facts of the whole store, kept per part.
//!
//! Each `ws_event` part is read once; its facts, session by session, lie in `vectors/facts/<part>.json`, derived and safe to delete.
//! A restart reads those files only. Parts that are gone (compacted, pruned) are forgotten with their file, the
//! unsealed rows are followed. Everything stays within the bounds of [`SchemaFacts`].

mod reader;
mod slices;

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::PathBuf;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use crate::protocol::facts;
use crate::store::catalog::{Catalog, Part};
use crate::store::follow::Follower;
use crate::store::root::DataRoot;
use crate::store::schema::DocType;
use crate::store::view::View;
use crate::store::{StoreError, fsio};
use reader::{Reader, read};
use slices::Wanted;
pub use slices::{Digest, FactsFilter, SessionFacts, Slice, Slices};

/// The digest of one part, as it lies in its file.
#[derive(Debug, Serialize, Deserialize)]
struct Kept {
    version: u32,
    part: String,
    rows: u64,
    slices: Slices,
}

/// What a refresh did.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Refreshed {
    /// Parts read from Parquet.
    pub scanned: usize,
    /// Parts whose facts were in their file.
    pub reused: usize,
    /// Parts that are gone.
    pub forgotten: usize,
    /// Unsealed rows that came in.
    pub unsealed: usize,
}

/// Follows the facts of a data root.
pub struct FactsStore {
    root: DataRoot,
    follower: Follower,
    parts: BTreeMap<String, Slices>,
    tail: Slices,
    tail_reader: Reader,
    merged: Option<Arc<Digest>>,
    /// The parts alone, added up.
    sealed: Option<Arc<Digest>>,
    /// The last filtered digests, of the state of the store they were made from.
    filtered: Vec<(FactsFilter, Arc<Digest>)>,
}

/// How often it looks again when a part is gone or cannot be read.
const TRIES: usize = 16;

/// Filtered digests that are remembered.
const REMEMBERED: usize = 8;

impl FactsStore {
    /// Nothing is read until the first [`FactsStore::refresh`].
    ///
    /// # Errors
    /// When the root cannot be followed.
    pub fn open(root: &DataRoot) -> Result<FactsStore, StoreError> {
        Ok(FactsStore {
            root: root.clone(),
            follower: Follower::open(root)?,
            parts: BTreeMap::new(),
            tail: Slices::default(),
            tail_reader: Reader::default(),
            merged: None,
            sealed: None,
            filtered: Vec::new(),
        })
    }

    /// Takes in what is new: parts without facts are read, those that are gone forgotten, unsealed rows added.
    ///
    /// # Errors
    /// When the catalog, the journal or a part cannot be read. Facts that cannot be kept are made again.
    pub fn refresh(&mut self) -> Result<Refreshed, StoreError> {
        for _ in 1..TRIES {
            match self.refresh_once() {
                Err(error) if error.is_of_a_part() => self.follower.look_again(),
                other => return other,
            }
        }
        self.refresh_once()
    }

    fn refresh_once(&mut self) -> Result<Refreshed, StoreError> {
        let mut done = Refreshed::default();
        let mut change = self.follower.poll()?;
        if change.is_empty() {
            return Ok(done);
        }
        if !change.sealed.is_empty() {
            // Facts cannot be taken back, so what is left of the tail is read again; it is small.
            self.follower.start_over();
            self.tail = Slices::default();
            self.tail_reader = Reader::default();
            change = self.follower.poll()?;
        }
        for (_, batch) in change.rows.iter().filter(|(doc_type, _)| *doc_type == DocType::WsEvent) {
            done.unsealed += batch.num_rows();
            self.tail_reader.batch(&mut self.tail, batch, &FactsFilter::default());
        }
        let catalog = self.follower.catalog().clone();
        self.take_parts(&catalog, &mut done)?;
        self.merged = None;
        self.filtered.clear();
        Ok(done)
    }

    fn take_parts(&mut self, catalog: &Catalog, done: &mut Refreshed) -> Result<(), StoreError> {
        let wanted: BTreeMap<&str, &Part> = catalog
            .parts
            .iter()
            .filter(|part| part.doc_type == DocType::WsEvent)
            .map(|part| (part.path.as_str(), part))
            .collect();
        let gone: Vec<String> =
            self.parts.keys().filter(|path| !wanted.contains_key(path.as_str())).cloned().collect();
        for path in gone {
            self.parts.remove(&path);
            self.sealed = None;
            done.forgotten += 1;
        }
        for (path, part) in &wanted {
            if self.parts.contains_key(*path) {
                continue;
            }
            let slices = match self.kept(part) {
                Some(slices) => {
                    done.reused += 1;
                    slices
                }
                None => {
                    done.scanned += 1;
                    let slices = read(&self.root, part, &FactsFilter::default())?;
                    self.keep(part, &slices);
                    slices
                }
            };
            self.parts.insert((*path).to_owned(), slices);
            self.sealed = None;
        }
        self.sweep(&wanted);
        Ok(())
    }

    /// The facts of everything stored, up to the last refresh.
    pub fn digest(&mut self) -> Arc<Digest> {
        if let Some(merged) = &self.merged {
            return merged.clone();
        }
        // While a recording runs only the unsealed rows change: the parts are added up once.
        let sealed = self.sealed.take().unwrap_or_else(|| {
            let mut sealed = Digest::default();
            self.parts.values().flat_map(Slices::iter).for_each(|slice| sealed.merge(&slice.digest));
            Arc::new(sealed)
        });
        self.sealed = Some(sealed.clone());
        let merged = if self.tail.iter().next().is_none() {
            sealed
        } else {
            let mut merged = (*sealed).clone();
            self.tail.iter().for_each(|slice| merged.merge(&slice.digest));
            Arc::new(merged)
        };
        self.merged = Some(merged.clone());
        merged
    }

    /// The facts of a part of the store, up to the last refresh. Sessions, sources and whole parts are added up from
    /// what is kept; a part that a span of time cuts is read again, until `stop` says not to.
    ///
    /// # Errors
    /// When a part cannot be read, or the reading was stopped (`None`).
    pub fn filtered(
        &mut self,
        filter: &FactsFilter,
        stop: &dyn Fn() -> bool,
    ) -> Result<Option<Arc<Digest>>, StoreError> {
        if filter.is_all() {
            return Ok(Some(self.digest()));
        }
        if let Some((_, digest)) = self.filtered.iter().find(|(known, _)| known == filter) {
            return Ok(Some(digest.clone()));
        }
        let view = self.view_of_these_parts()?;
        let mut merged = Digest::default();
        for part in view.parts().iter().filter(|part| part.doc_type == DocType::WsEvent) {
            if stop() {
                return Ok(None);
            }
            let Some(slices) = self.parts.get(&part.path) else { continue };
            match filter.of_span(part.ts_min, part.ts_max) {
                Wanted::Nothing => {}
                Wanted::All if add(&mut merged, slices, filter) => {}
                _ => read(&self.root, part, filter)?.iter().for_each(|slice| merged.merge(&slice.digest)),
            }
        }
        let spans = self.tail.iter().flat_map(|slice| slice.digest.sessions.values());
        let span = spans.fold((None, None), |(first, last): (Option<i64>, Option<i64>), session| {
            (first.into_iter().chain(session.first_us).min(), last.max(session.last_us))
        });
        match filter.of_span(span.0, span.1) {
            Wanted::Nothing => {}
            Wanted::All if add(&mut merged, &self.tail, filter) => {}
            _ => {
                let mut slices = Slices::default();
                let mut reader = Reader::default();
                for (_, batch) in view.tail().iter().filter(|(doc_type, _)| *doc_type == DocType::WsEvent) {
                    reader.batch(&mut slices, batch, filter);
                }
                slices.iter().for_each(|slice| merged.merge(&slice.digest));
            }
        }
        let merged = Arc::new(merged);
        if self.filtered.len() >= REMEMBERED {
            self.filtered.remove(0);
        }
        self.filtered.push((filter.clone(), merged.clone()));
        Ok(Some(merged))
    }

    /// The unsealed rows as of the same moment as the parts whose facts are known: what was sealed since the last refresh
    /// would be in neither.
    fn view_of_these_parts(&mut self) -> Result<View, StoreError> {
        for _ in 1..TRIES {
            let view = self.follower.view()?;
            if Arc::ptr_eq(view.catalog(), self.follower.catalog()) {
                return Ok(view);
            }
            self.refresh()?;
        }
        self.follower.view()
    }

    /// The slices of all parts with their date, then the unsealed ones, which have none.
    pub fn slices(&self) -> impl Iterator<Item = (Option<&str>, &Slice)> {
        let dates: BTreeMap<&str, &str> =
            self.follower.catalog().parts.iter().map(|part| (part.path.as_str(), part.date.as_str())).collect();
        let sealed = self.parts.iter().flat_map(move |(path, slices)| {
            let date = dates.get(path.as_str()).copied();
            slices.iter().map(move |slice| (date, slice))
        });
        sealed.chain(self.tail.iter().map(|slice| (None, slice)))
    }

    fn folder(&self) -> PathBuf {
        self.root.vectors_dir().join("facts")
    }

    fn file(&self, part: &Part) -> PathBuf {
        let name = part.path.rsplit('/').next().unwrap_or(&part.path);
        self.folder().join(format!("{name}.json"))
    }

    /// The facts that were kept, if they are of this version and of this part.
    fn kept(&self, part: &Part) -> Option<Slices> {
        let bytes = fs::read(self.file(part)).ok()?;
        let kept: Kept = serde_json::from_slice(&bytes).ok()?;
        let same = kept.version == facts::VERSION && kept.part == part.path && kept.rows == part.rows;
        same.then_some(kept.slices)
    }

    fn keep(&self, part: &Part, slices: &Slices) {
        let kept =
            Kept { version: facts::VERSION, part: part.path.clone(), rows: part.rows, slices: slices.clone() };
        let written =
            fs::create_dir_all(self.folder()).map_err(StoreError::io("create", &self.folder())).and_then(|()| {
                let bytes = serde_json::to_vec(&kept)
                    .map_err(|error| StoreError::io("write", &self.file(part))(error.into()))?;
                fsio::replace(&self.file(part), &bytes)
            });
        if let Err(error) = written {
            tracing::warn!(%error, part = part.path, "the facts of a part are not kept and will be made again");
        }
    }

    /// Removes the files of parts that are not in force.
    fn sweep(&self, wanted: &BTreeMap<&str, &Part>) {
        let names: BTreeSet<PathBuf> = wanted.values().map(|part| self.file(part)).collect();
        let Ok(entries) = fs::read_dir(self.folder()) else { return };
        for path in entries.flatten().map(|entry| entry.path()) {
            let is_ours = path.extension().is_some_and(|extension| extension == "json");
            if is_ours && !names.contains(&path) {
                let _ = fsio::remove(&path);
            }
        }
    }
}

/// Adds the slices that a filter wants; `false`, and nothing added, where a shared slice holds more than it wants.
fn add(merged: &mut Digest, slices: &Slices, filter: &FactsFilter) -> bool {
    let by_slice = filter.session_id.is_some() || filter.source.is_some();
    if by_slice && slices.iter().any(|slice| slice.session_id.is_none()) {
        return false;
    }
    let wanted = |slice: &&Slice| match (&slice.session_id, &slice.source) {
        (Some(session_id), Some(source)) => filter.wants(session_id, source),
        _ => true,
    };
    slices.iter().filter(wanted).for_each(|slice| merged.merge(&slice.digest));
    true
}

#[cfg(test)]
#[path = "facts_store/tests.rs"]
mod tests;
