//! The reader of a data root: the catalog in force and what the journal holds beyond the last look, as of one moment.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::sync::Arc;

use super::{Change, drop_sealed};
use crate::StoreError;
use crate::catalog::{Catalog, CatalogStamp};
use crate::damage::FileWatch;
use crate::games::{GameFilter, Quality};
use crate::ids::SessionId;
use crate::journal::reader::SegmentReader;
use crate::journal::{self, SegmentPath};
use crate::project::{Context, project};
use crate::root::DataRoot;
use crate::rows::{Cell, Envelope, RowSink, Tables};
use crate::scan;
use crate::schema::DocType;
use crate::steps::{Step, reached};

/// Reads a data root again and again. Every row is handed out once as unsealed or stands in a part in force, never both
/// and never neither, whatever the writer does between two looks.
pub(crate) struct Reader {
    root: DataRoot,
    stamp: CatalogStamp,
    catalog: Arc<Catalog>,
    sessions: BTreeMap<SessionId, Session>,
    games: Games,
    started: bool,
    watch: FileWatch,
    /// What was read and not yet handed out: when a look ends in an error, the next one hands it out.
    read: Tables,
    /// Whether the catalog is to be handed out.
    catalog_is_new: bool,
    /// Sessions that had a journal at the last look.
    journaled: HashSet<SessionId>,
    narrow: Option<Narrow>,
    /// Where in the journal it begins; what was sealed since is in parts.
    from: Positions,
}

/// How far the journal was read: of each session, the segment's number and the bytes read of it.
pub type Positions = BTreeMap<SessionId, (u64, u64)>;

/// Which unsealed rows are handed out, for whoever wants few: a journal may hold 64 MiB, and whoever reads
/// beside the recorder must not hold all of it.
#[derive(Debug, Clone)]
pub struct Narrow {
    /// Rows of these kinds.
    pub doc_types: Vec<DocType>,
    /// Of records whose text holds one of these; empty for all. Whatever else makes a row (an order's ack) is not looked
    /// at then.
    pub containing: Vec<String>,
}

impl Narrow {
    fn wants(&self, text: &str) -> bool {
        let holds = |needle: &String| memchr::memmem::find(text.as_bytes(), needle.as_bytes()).is_some();
        self.containing.is_empty() || self.containing.iter().any(holds)
    }
}

/// A sink that leaves out rows of other kinds.
struct Kinds<'s> {
    sink: &'s mut Tables,
    wanted: &'s [DocType],
}

impl RowSink for Kinds<'_> {
    fn row(&mut self, doc_type: DocType, envelope: &Envelope<'_>, own: &[Cell<'_>]) -> Result<(), StoreError> {
        if self.wanted.contains(&doc_type) { self.sink.row(doc_type, envelope, own) } else { Ok(()) }
    }
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
const TRIES: usize = 256;

impl Reader {
    /// A reader that has seen nothing yet.
    pub(crate) fn new(root: &DataRoot) -> Reader {
        Reader {
            root: root.clone(),
            stamp: CatalogStamp::default(),
            catalog: Arc::new(Catalog::default()),
            sessions: BTreeMap::new(),
            games: Games::default(),
            started: false,
            watch: FileWatch::default(),
            read: Tables::default(),
            catalog_is_new: false,
            journaled: HashSet::new(),
            narrow: None,
            from: Positions::new(),
        }
    }

    /// A reader that hands out only some of the unsealed rows, and none that stands in the journal before these positions:
    /// for whoever knows that what it looks for came later, and does not want to read 64 MiB for it.
    pub(crate) fn narrow(root: &DataRoot, narrow: Narrow, from: Positions) -> Reader {
        Reader { narrow: Some(narrow), from, ..Reader::new(root) }
    }

    /// How far it has come in the journal.
    pub(super) fn positions(&self) -> Positions {
        let read = |(id, session): (&SessionId, &Session)| {
            let (number, reader) = session.reader.as_ref()?;
            Some((*id, (*number, reader.position())))
        };
        self.sessions.iter().filter_map(read).collect()
    }

    /// The last frame that was read of each session, or was sealed before it was read.
    pub(super) fn sessions(&self) -> impl Iterator<Item = (SessionId, u64)> + '_ {
        self.sessions.iter().map(|(id, session)| (*id, session.last_seq))
    }

    /// Sessions that had a journal at the last look.
    pub(super) fn journaled(&self) -> &HashSet<SessionId> {
        &self.journaled
    }

    /// The catalog of the last look.
    pub(crate) fn catalog(&self) -> &Arc<Catalog> {
        &self.catalog
    }

    /// Has the next look read the catalog, whether it seems to have changed or not: for whoever met a part that cannot be
    /// read.
    pub(super) fn look_again(&mut self) {
        self.started = false;
    }

    /// Looks again. Cheap when nothing changed: two `stat`s and one folder listing, and every few seconds a `stat` of each
    /// part.
    ///
    /// # Errors
    /// When the catalog is damaged or the journal cannot be read. Nothing is lost by it: what was read before the
    /// error is handed out by the next look.
    pub(crate) fn poll(&mut self) -> Result<Change, StoreError> {
        for _ in 0..TRIES {
            let stamp = CatalogStamp::of(&self.root);
            let glanced = self.started && self.watch.sees_change(&self.root, &self.catalog);
            if !self.started || stamp != self.stamp || glanced {
                self.catalog = Arc::new(Catalog::load(&self.root)?);
                self.stamp = stamp;
                self.started = true;
                self.catalog_is_new = true;
                reached(Step::CatalogRead);
            }
            let complete = self.learn_games()? && self.read_journal()?;
            // A catalog replaced meanwhile may name rows that the journal no longer had when we looked.
            if complete && self.catalog_is_in_force() {
                return self.seen();
            }
        }
        Err(StoreError::Refused(format!(
            "the store at {} changed {TRIES} times while it was read, so no moment of it could be seen; try again",
            self.root.path().display()
        )))
    }

    /// What the look saw, once it saw one moment.
    fn seen(&mut self) -> Result<Change, StoreError> {
        let mut rows = self.read.finish()?;
        let sealed = self.newly_sealed();
        drop_sealed(&mut rows, &sealed)?;
        let catalog = std::mem::take(&mut self.catalog_is_new).then(|| self.catalog.clone());
        Ok(Change { catalog, rows, sealed })
    }

    fn catalog_is_in_force(&self) -> bool {
        CatalogStamp::of(&self.root) == self.stamp
    }

    /// Tells the sessions which games are in the parts now: a segment that was sealed between two looks is never read
    /// here, and its games would be handed out once more with the next frame that repeats them. `false` when the catalog
    /// was replaced meanwhile.
    fn learn_games(&mut self) -> Result<bool, StoreError> {
        if self.sessions.is_empty() || !self.catalog_is_new {
            return Ok(true);
        }
        let Some(known) = self.known_games() else {
            return Ok(false);
        };
        self.sessions.values_mut().for_each(|session| session.context.games.learn(known.clone()));
        Ok(true)
    }

    /// The games of the parts in force; `None` when one cannot be read because another catalog replaced it. One that
    /// cannot be read though it is in force is passed over: it must not keep the other rows from being read.
    fn known_games(&mut self) -> Option<Arc<HashMap<String, Quality>>> {
        let catalog = self.catalog.clone();
        for part in catalog.parts.iter().filter(|part| part.doc_type == DocType::Game) {
            if self.games.parts.contains(&part.path) {
                continue;
            }
            if let Err(error) = scan::add_games(&self.root, part, Arc::make_mut(&mut self.games.known)) {
                if !self.catalog_is_in_force() {
                    return None;
                }
                tracing::warn!(%error, "passing over the games of this part");
            }
            self.games.parts.insert(part.path.clone());
        }
        Some(self.games.known.clone())
    }

    /// Reads what the segments hold beyond the last look; `false` when one went away meanwhile.
    fn read_journal(&mut self) -> Result<bool, StoreError> {
        let segments = journal::segments(&self.root)?;
        reached(Step::JournalListed);
        self.journaled = segments.iter().map(|segment| segment.session_id).collect();
        for segment in segments {
            match self.read_segment(&segment) {
                Ok(true) => {}
                Ok(false) => return Ok(false),
                // It was sealed and removed: the catalog says so by now.
                Err(error) if error.is_not_found() => return Ok(false),
                // Nothing of it can be read: whoever seals it sets it aside.
                Err(StoreError::Manifest { path, reason, .. }) => {
                    tracing::warn!(path = %path.display(), reason, "passing over a damaged segment");
                }
                Err(error) => return Err(error),
            }
            reached(Step::SegmentRead);
        }
        Ok(true)
    }

    /// Reads what one segment holds beyond the last look; `false` when the catalog was replaced meanwhile.
    fn read_segment(&mut self, segment: &SegmentPath) -> Result<bool, StoreError> {
        let session_id = segment.session_id;
        let sealed = self.catalog.sealed.get(&session_id).copied().unwrap_or(0);
        let passed =
            |session: &Session| session.reader.as_ref().is_some_and(|(number, _)| *number > segment.number);
        if self.sessions.get(&session_id).is_some_and(passed) {
            return Ok(true);
        }
        let from = self.from.get(&session_id).copied();
        if from.is_some_and(|(number, _)| segment.number < number) {
            return Ok(true);
        }
        let known = self.sessions.get_mut(&session_id);
        let session = match known {
            Some(session) => session,
            None => {
                let mut reader = SegmentReader::open(&segment.path)?;
                let Some(head) = reader.head()? else {
                    return Ok(true);
                };
                let requests = head.requests.clone();
                if let Some((_, position)) = from.filter(|(number, _)| *number == segment.number) {
                    reader.go_to(position)?;
                }
                let Some(games) = self.known_games() else {
                    return Ok(false);
                };
                let context = Context { requests, games: GameFilter::new(games) };
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
        let (narrow, tables) = (self.narrow.as_ref(), &mut self.read);
        let Some((_, reader)) = reader else {
            return Ok(true);
        };
        reader.read(|record| {
            if record.seq <= *last_seq {
                return Ok(());
            }
            *last_seq = record.seq;
            match narrow {
                None => project(session_id, record, context, tables),
                Some(narrow) if narrow.wants(record.text) => {
                    project(session_id, record, context, &mut Kinds { sink: tables, wanted: &narrow.doc_types })
                }
                Some(_) => Ok(()),
            }
        })?;
        Ok(true)
    }

    /// What was sealed since the last look; sessions that ended are forgotten.
    fn newly_sealed(&mut self) -> Vec<(String, u64)> {
        let Reader { catalog, journaled, sessions, .. } = self;
        let known = sessions.iter_mut().map(|(session_id, session)| (session_id, &mut session.told_sealed));
        let sealed = newly_sealed(catalog, journaled, known);
        sessions.retain(|session_id, _| journaled.contains(session_id));
        sealed
    }
}

/// Sessions that were sealed further than they are known to be, and those that ended: their journal is gone. What is known of
/// them is brought up to date.
pub(super) fn newly_sealed<'s>(
    catalog: &Catalog,
    journaled: &HashSet<SessionId>,
    known: impl Iterator<Item = (&'s SessionId, &'s mut u64)>,
) -> Vec<(String, u64)> {
    let mut newly = Vec::new();
    for (session_id, sealed) in known {
        let to = match catalog.sealed.get(session_id) {
            Some(to) => *to,
            None if !journaled.contains(session_id) => u64::MAX,
            None => 0,
        };
        if to > *sealed {
            *sealed = to;
            newly.push((session_id.to_string(), to));
        }
    }
    newly
}
