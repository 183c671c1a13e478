//! What is new since the last look, read from files only: a reader needs no contact to the writer, and the
//! writer does not know of its readers.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::sync::Arc;

use arrow::array::RecordBatch;

use super::StoreError;
use super::catalog::{Catalog, CatalogStamp};
use super::games::{GameFilter, Quality};
use super::ids::SessionId;
use super::journal::reader::SegmentReader;
use super::journal::{self, SegmentPath};
use super::project::{Context, project};
use super::root::DataRoot;
use super::rows::Tables;
use super::scan;
use super::schema::DocType;

/// What changed since the last look. Apply in this order: add the rows, drop what is sealed, take the catalog.
#[derive(Debug, Default)]
pub struct Change {
    /// The catalog, on the first look and whenever it was replaced.
    pub catalog: Option<Arc<Catalog>>,
    /// New unsealed rows, each batch in the schema of its doc type.
    pub rows: Vec<(DocType, RecordBatch)>,
    /// Sessions of which rows up to this `seq` are in parts now: drop them from the unsealed ones.
    pub sealed: Vec<(String, u64)>,
}

impl Change {
    /// Whether nothing changed.
    pub fn is_empty(&self) -> bool {
        self.catalog.is_none() && self.rows.is_empty() && self.sealed.is_empty()
    }
}

/// Follows a data root. Every row is handed out once as unsealed or stands in a part in force, never both and
/// never neither, whatever the writer does between two looks.
pub struct Follower {
    root: DataRoot,
    stamp: CatalogStamp,
    catalog: Arc<Catalog>,
    sessions: BTreeMap<SessionId, Session>,
    games: Games,
    started: bool,
    /// Sessions that had a journal at the last look.
    journaled: HashSet<SessionId>,
}

struct Session {
    context: Context,
    reader: Option<(u64, SegmentReader)>,
    last_seq: u64,
    told_sealed: u64,
}

/// The games of the parts, read once per part.
#[derive(Default)]
struct Games {
    parts: HashSet<String>,
    known: Arc<HashMap<String, Quality>>,
}

/// Looks at most this often within one poll when the writer replaces the catalog under our eyes.
const TRIES: usize = 16;

impl Follower {
    /// A follower that has seen nothing yet.
    ///
    /// # Errors
    /// None today; opening is where a future layout would be refused.
    pub fn open(root: &DataRoot) -> Result<Follower, StoreError> {
        Ok(Follower {
            root: root.clone(),
            stamp: CatalogStamp::default(),
            catalog: Arc::new(Catalog::default()),
            sessions: BTreeMap::new(),
            games: Games::default(),
            started: false,
            journaled: HashSet::new(),
        })
    }

    /// The catalog of the last look.
    pub fn catalog(&self) -> &Arc<Catalog> {
        &self.catalog
    }

    /// Looks again. Cheap when nothing changed: one `stat` and one folder listing.
    ///
    /// # Errors
    /// When the catalog is damaged or the journal cannot be read.
    pub fn poll(&mut self) -> Result<Change, StoreError> {
        let mut change = Change::default();
        let mut tables = Tables::default();
        for _ in 0..TRIES {
            let stamp = CatalogStamp::of(&self.root.catalog_path());
            if !self.started || stamp != self.stamp {
                self.catalog = Arc::new(Catalog::load(&self.root)?);
                self.stamp = stamp;
                self.started = true;
                self.learn_games()?;
                change.catalog = Some(self.catalog.clone());
            }
            let complete = self.read_journal(&mut tables)?;
            // A catalog replaced meanwhile may name rows that the journal no longer had when we looked.
            if complete && CatalogStamp::of(&self.root.catalog_path()) == self.stamp {
                break;
            }
        }
        change.rows = tables.finish()?;
        change.sealed = self.newly_sealed();
        Ok(change)
    }

    /// Tells the sessions which games are in the parts now: a segment that was sealed between two looks is never read
    /// here, and its games would be handed out once more with the next frame that repeats them.
    fn learn_games(&mut self) -> Result<(), StoreError> {
        if self.sessions.is_empty() {
            return Ok(());
        }
        let known = self.games.of(&self.root, &self.catalog)?;
        self.sessions.values_mut().for_each(|session| session.context.games.learn(known.clone()));
        Ok(())
    }

    /// Reads what the segments hold beyond the last look; `false` when one vanished meanwhile.
    fn read_journal(&mut self, tables: &mut Tables) -> Result<bool, StoreError> {
        let segments = journal::segments(&self.root)?;
        self.journaled = segments.iter().map(|segment| segment.session_id).collect();
        for segment in segments {
            match self.read_segment(&segment, tables) {
                Ok(()) => {}
                Err(StoreError::Io { source, .. }) if source.kind() == std::io::ErrorKind::NotFound => {
                    return Ok(false);
                }
                // A damaged head: the writer sets the segment aside at its next start.
                Err(StoreError::Manifest { path, reason, .. }) => {
                    tracing::warn!(path = %path.display(), reason, "passing over a damaged segment");
                }
                Err(error) => return Err(error),
            }
        }
        Ok(true)
    }

    fn read_segment(&mut self, segment: &SegmentPath, tables: &mut Tables) -> Result<(), StoreError> {
        let session_id = segment.session_id;
        let sealed = self.catalog.sealed.get(&session_id).copied().unwrap_or(0);
        let passed =
            |session: &Session| session.reader.as_ref().is_some_and(|(number, _)| *number > segment.number);
        if self.sessions.get(&session_id).is_some_and(passed) {
            return Ok(());
        }
        let known = self.sessions.get_mut(&session_id);
        let session = match known {
            Some(session) => session,
            None => {
                let mut reader = SegmentReader::open(&segment.path)?;
                let Some(head) = reader.head()? else {
                    return Ok(());
                };
                let requests = head.requests.clone();
                let games = GameFilter::new(self.games.of(&self.root, &self.catalog)?);
                let context = Context { requests, games };
                let session = Session {
                    context,
                    reader: Some((segment.number, reader)),
                    last_seq: sealed,
                    told_sealed: sealed,
                };
                self.sessions.entry(session_id).or_insert(session)
            }
        };
        if session.reader.as_ref().is_none_or(|(number, _)| *number < segment.number) {
            session.reader = Some((segment.number, SegmentReader::open(&segment.path)?));
        }
        let Session { context, reader, last_seq, .. } = session;
        let Some((_, reader)) = reader else {
            return Ok(());
        };
        reader.read(|record| {
            if record.seq <= *last_seq {
                return Ok(());
            }
            *last_seq = record.seq;
            project(session_id, record, context, tables)
        })?;
        Ok(())
    }

    /// Sessions that were sealed further, and those that ended: their journal is gone.
    fn newly_sealed(&mut self) -> Vec<(String, u64)> {
        let mut sealed = Vec::new();
        let mut ended = Vec::new();
        for (session_id, session) in &mut self.sessions {
            let to = match self.catalog.sealed.get(session_id) {
                Some(to) => *to,
                None if !self.journaled.contains(session_id) => u64::MAX,
                None => 0,
            };
            if to > session.told_sealed {
                session.told_sealed = to;
                sealed.push((session_id.to_string(), to));
            }
            if !self.journaled.contains(session_id) {
                ended.push(*session_id);
            }
        }
        for session_id in ended {
            self.sessions.remove(&session_id);
        }
        sealed
    }
}

impl Games {
    /// The games of the parts in force; parts seen before are not read again.
    fn of(&mut self, root: &DataRoot, catalog: &Catalog) -> Result<Arc<HashMap<String, Quality>>, StoreError> {
        for part in catalog.parts.iter().filter(|part| part.doc_type == DocType::Game) {
            if self.parts.insert(part.path.clone()) {
                scan::add_games(root, part, Arc::make_mut(&mut self.known))?;
            }
        }
        Ok(self.known.clone())
    }
}
