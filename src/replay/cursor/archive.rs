//! Where the frames lie: parts in force and the unsealed tail, by session and `seq`, by game, by time.
//!
//! Each part's table of contents is read once; from then on a place costs the pages it stands on and no more, and
//! its neighbours nothing ([`windows`]).

mod filter;
mod windows;

use std::collections::{BTreeMap, HashMap};
use std::ops::Range;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use arrow::array::{AsArray, RecordBatch};

pub use filter::since;
use filter::{kept, recorded_ticks};
pub use windows::Prefetch;
use windows::{Piece, Windows};

use crate::state::past;
use crate::state::rows::Columns;
use crate::store::StoreError;
use crate::store::catalog::{Catalog, Part};
use crate::store::contents::{Contents, GameExtent};
use crate::store::follow::Follower;
use crate::store::ids::SessionId;
use crate::store::lease::Lease;
use crate::store::root::{DataRoot, NO_DATE};
use crate::store::scan;
use crate::store::schema::DocType;

/// Bytes of text that one look may bring into memory.
const MOST_BYTES: usize = 256 << 20;

/// Tables of contents kept: a day's are some hundred kilobytes.
const MOST_CONTENTS: usize = 256;

/// How often a look is repeated because a part went away under it (compaction).
const TRIES: usize = 4;

/// The kinds of rows that events are made from.
const KINDS: [DocType; 3] = [DocType::WsEvent, DocType::SystemEvent, DocType::GameTick];

/// A data root as a replay reads it.
pub struct Archive {
    root: DataRoot,
    follower: Follower,
    catalog: Arc<Catalog>,
    tail: Vec<(DocType, RecordBatch)>,
    contents: HashMap<String, Arc<Contents>>,
    windows: Windows,
}

/// One archive for all cursors: it is held only while something is read.
pub struct Shared(Mutex<Archive>);

impl Shared {
    /// Looks at a data root for the first time.
    ///
    /// # Errors
    /// As [`Archive::open`].
    pub fn open(root: &DataRoot) -> Result<Shared, StoreError> {
        Ok(Shared(Mutex::new(Archive::open(root)?)))
    }

    /// The archive. A thread that panicked while it read left it as far as it had come, which is a state.
    pub fn lock(&self) -> MutexGuard<'_, Archive> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// What one session has of one game.
#[derive(Debug, Clone, PartialEq)]
pub struct Recorded {
    /// The session.
    pub session_id: String,
    /// What it has; `session` in it means nothing here.
    pub extent: GameExtent,
}

impl Archive {
    /// Looks at a data root for the first time.
    ///
    /// # Errors
    /// When the catalog or the journal cannot be read.
    pub fn open(root: &DataRoot) -> Result<Archive, StoreError> {
        let mut archive = Archive {
            root: root.clone(),
            follower: Follower::open(root)?,
            catalog: Arc::new(Catalog::default()),
            tail: Vec::new(),
            contents: HashMap::new(),
            windows: Windows::default(),
        };
        archive.refresh()?;
        Ok(archive)
    }

    /// Bytes of rows that it keeps of neighbours.
    pub fn kept_bytes(&self) -> usize {
        self.windows.bytes()
    }

    /// The data root.
    pub fn root(&self) -> &DataRoot {
        &self.root
    }

    /// Takes in what is new. Cheap when nothing is.
    ///
    /// # Errors
    /// As [`Archive::open`].
    pub fn refresh(&mut self) -> Result<(), StoreError> {
        let view = self.follower.view()?;
        self.tail = view.tail().to_vec();
        if !Arc::ptr_eq(view.catalog(), &self.catalog) {
            let catalog = view.catalog().clone();
            let paths: std::collections::HashSet<&str> =
                catalog.parts.iter().map(|part| part.path.as_str()).collect();
            self.contents.retain(|path, _| paths.contains(path.as_str()));
            self.windows.retain(&paths);
            drop(paths);
            self.catalog = catalog;
        }
        Ok(())
    }

    /// Looks, and looks again at the newer catalog when a part went away meanwhile.
    fn looking<T>(&mut self, look: impl Fn(&mut Archive) -> Result<T, StoreError>) -> Result<T, StoreError> {
        for _ in 1..TRIES {
            match look(self) {
                Err(error) if error.is_of_a_part() => {
                    self.follower.look_again();
                    self.refresh()?;
                }
                other => return other,
            }
        }
        look(self)
    }

    fn contents_of(&mut self, part: &Part) -> Result<Arc<Contents>, StoreError> {
        if let Some(known) = self.contents.get(&part.path) {
            return Ok(known.clone());
        }
        if self.contents.len() >= MOST_CONTENTS {
            // Only who looks through years of parts comes here, and that is no step.
            self.contents.clear();
        }
        let contents = Arc::new(Contents::of_part(&self.root, part)?);
        self.contents.insert(part.path.clone(), contents.clone());
        Ok(contents)
    }

    /// What the sessions have of the games that `wanted` takes, in parts that `near` takes and in the tail.
    fn recorded(
        &mut self,
        near: &dyn Fn(&Part) -> bool,
        wanted: &dyn Fn(&str, &GameExtent) -> bool,
    ) -> Result<Vec<Recorded>, StoreError> {
        self.looking(|archive| {
            let mut found: BTreeMap<(String, String), GameExtent> = BTreeMap::new();
            let mut add = |contents: &Contents| {
                for extent in &contents.games {
                    let Some(session) = contents.sessions.get(extent.session as usize) else { continue };
                    if !wanted(session, extent) {
                        continue;
                    }
                    let key = (session.clone(), extent.game_id.clone());
                    match found.get_mut(&key) {
                        Some(known) => known.add(extent),
                        None => {
                            found.insert(key, extent.clone());
                        }
                    }
                }
            };
            let catalog = archive.catalog.clone();
            for part in catalog.parts.iter().filter(|part| part.doc_type == DocType::GameTick && near(part)) {
                add(&*archive.contents_of(part)?);
            }
            let tail = archive.tail.iter().filter(|(doc_type, _)| *doc_type == DocType::GameTick);
            add(&Contents::of_batches(DocType::GameTick, tail.map(|(_, batch)| batch)));
            let mut all: Vec<Recorded> =
                found.into_iter().map(|((session_id, _), extent)| Recorded { session_id, extent }).collect();
            all.sort_by_key(|recorded| recorded.extent.seq);
            Ok(all)
        })
    }

    /// What was recorded of a game. An id begins with the game's UTC date: the parts around it are looked at first.
    ///
    /// # Errors
    /// When a part cannot be read.
    pub fn game(&mut self, game_id: &str) -> Result<Vec<Recorded>, StoreError> {
        let wanted = |_: &str, extent: &GameExtent| extent.game_id == game_id;
        if let Some(dates) = dates_of(game_id) {
            let near = |part: &Part| part.date == NO_DATE || dates.contains(&part.date);
            let found = self.recorded(&near, &wanted)?;
            if !found.is_empty() {
                return Ok(found);
            }
        }
        self.recorded(&|_| true, &wanted)
    }

    /// The games of a session in the order in which they began in it.
    ///
    /// # Errors
    /// When a part cannot be read.
    pub fn games_of(&mut self, session_id: &str) -> Result<Vec<Recorded>, StoreError> {
        let Ok(id) = session_id.parse::<SessionId>() else { return Ok(Vec::new()) };
        let near = |part: &Part| part.sessions.iter().any(|range| range.session_id == id);
        self.recorded(&near, &|session, _| session == session_id)
    }

    /// The ids of all recorded games.
    ///
    /// # Errors
    /// When a part cannot be read.
    pub fn all_games(&mut self) -> Result<Vec<String>, StoreError> {
        let all = self.recorded(&|_| true, &|_, _| true)?;
        let mut ids: Vec<String> = all.into_iter().map(|recorded| recorded.extent.game_id).collect();
        ids.sort_unstable();
        ids.dedup();
        Ok(ids)
    }

    /// Whether the site's game history names the game.
    pub fn history_names(&self, game_id: &str) -> bool {
        let tail = self.tail.iter().filter(|(doc_type, _)| *doc_type == DocType::Game);
        let in_tail = tail.into_iter().any(|(_, batch)| {
            let ids = batch.column_by_name("game_id").and_then(|column| column.as_string_opt::<i32>());
            ids.is_some_and(|ids| ids.iter().flatten().any(|id| id == game_id))
        });
        in_tail || scan::stored_games(&self.root, &self.catalog).contains_key(game_id)
    }

    /// First and last `seq` of every session, in parts and tail, with its first and last time where known.
    pub fn sessions(&self) -> BTreeMap<String, Extent> {
        let mut found: BTreeMap<String, Extent> = BTreeMap::new();
        let mut add = |session: String, extent: Extent| match found.get_mut(&session) {
            Some(known) => known.add(extent),
            None => {
                found.insert(session, extent);
            }
        };
        for part in self.catalog.parts.iter().filter(|part| KINDS.contains(&part.doc_type)) {
            // A part of one session tells when it was; of several, only that all of them lie within.
            let ts = part.ts_min.zip(part.ts_max);
            for range in &part.sessions {
                add(range.session_id.to_string(), Extent { seq: (range.first, range.last), ts });
            }
        }
        for (doc_type, batch) in self.tail.iter().filter(|(doc_type, _)| KINDS.contains(doc_type)) {
            let columns = Columns::of(*doc_type, batch);
            for row in 0..columns.len() {
                let (seq, ts) = (columns.seq(row), columns.ts(row));
                add(columns.session(row).to_owned(), Extent { seq: (seq, seq), ts: ts.map(|ts| (ts, ts)) });
            }
        }
        found
    }

    /// Whether somebody is still recording into the session.
    pub fn is_live(&self, session_id: &str) -> bool {
        session_id.parse::<SessionId>().is_ok_and(|id| self.root.session_dir(id).exists())
            && Lease::holder(&self.root).is_some()
    }

    /// The rows of a session with a `seq` in `first ..= last`, for [`crate::state::rows`]. What is kept of their
    /// neighbours is bounded, whatever `prefetch` says.
    ///
    /// # Errors
    /// When a part cannot be read, or the rows are more than fit in memory.
    pub fn rows(
        &mut self,
        session_id: &str,
        first: u64,
        last: u64,
        prefetch: Prefetch,
    ) -> Result<Vec<(DocType, RecordBatch)>, StoreError> {
        self.looking(|archive| archive.rows_once(session_id, first, last, prefetch))
    }

    fn rows_once(
        &mut self,
        session_id: &str,
        first: u64,
        last: u64,
        prefetch: Prefetch,
    ) -> Result<Vec<(DocType, RecordBatch)>, StoreError> {
        let mut columns: Vec<&str> = past::event_columns().to_vec();
        columns.push("tick_source");
        let (mut found, mut bytes) = (Vec::new(), 0);
        let mut take = |doc_type: DocType, Piece { batch, rows }: &Piece| {
            let batch = kept(doc_type, batch, |columns, row| {
                rows.contains(&row)
                    && (first..=last).contains(&columns.seq(row))
                    && columns.session(row) == session_id
            })?;
            let batch = if doc_type == DocType::GameTick { recorded_ticks(&batch)? } else { batch };
            if batch.num_rows() > 0 {
                bytes += batch.column_by_name("raw_json").map_or(0, |texts| texts.get_array_memory_size());
                found.push((doc_type, batch));
            }
            if bytes > MOST_BYTES {
                return Err(StoreError::Refused(format!(
                    "the frames {first} to {last} of session {session_id} are more than {} MiB of text; open a \
                     narrower range",
                    MOST_BYTES >> 20
                )));
            }
            Ok(())
        };
        for part in self.parts_of(session_id, &KINDS, first, last) {
            let contents = self.contents_of(&part)?;
            let is_recording = |extent: &GameExtent| {
                let session = contents.sessions.get(extent.session as usize);
                extent.recorded && session.is_some_and(|session| session == session_id)
            };
            if part.doc_type == DocType::GameTick && !contents.games.iter().any(is_recording) {
                continue;
            }
            let ranges = contents.rows_of(session_id, first, last);
            if ranges.is_empty() {
                continue;
            }
            self.part_rows(&part, &columns, &ranges, prefetch, |piece| take(part.doc_type, &piece))?;
        }
        for (doc_type, batch) in self.tail.iter().filter(|(doc_type, _)| KINDS.contains(doc_type)) {
            take(*doc_type, &Piece::whole(batch.clone()))?;
        }
        Ok(found)
    }

    /// The rows in `ranges` of a part: kept ones, else read. A part is always read with the same `columns`.
    fn part_rows(
        &mut self,
        part: &Part,
        columns: &[&str],
        ranges: &[Range<usize>],
        prefetch: Prefetch,
        mut take: impl FnMut(Piece) -> Result<(), StoreError>,
    ) -> Result<(), StoreError> {
        let known = match self.windows.find(&self.root, part, ranges)? {
            None => self.windows.fetch(&self.root, part, columns, ranges, prefetch)?,
            known => known,
        };
        if let Some(pieces) = known {
            return pieces.into_iter().try_for_each(take);
        }
        for batch in past::selected(&self.root, part, columns, Some((ranges, rows_of(part))))? {
            let batch = batch?;
            self.windows.learn(part, &batch);
            take(Piece::whole(batch))?;
        }
        Ok(())
    }

    /// The `seq` of the last `playerUpdate` of a session before `before`.
    ///
    /// # Errors
    /// When a part cannot be read.
    pub fn last_update(
        &mut self,
        session_id: &str,
        before: u64,
        prefetch: Prefetch,
    ) -> Result<Option<u64>, StoreError> {
        let Some(last) = before.checked_sub(1) else { return Ok(None) };
        self.looking(|archive| {
            let mut newest: Option<u64> = None;
            let mut see = |batch: &RecordBatch, rows: Range<usize>| {
                let columns = Columns::of(DocType::ServerState, batch);
                let of = rows.filter(|row| columns.session(*row) == session_id);
                newest = of.map(|row| columns.seq(row)).filter(|seq| *seq <= last).max().max(newest);
            };
            let mut parts = archive.parts_of(session_id, &[DocType::ServerState], 0, last);
            let reach = |part: &Part| {
                let of = part.sessions.iter().filter(|range| range.session_id.to_string() == session_id);
                of.map(|range| range.last).max()
            };
            parts.sort_by_key(|part| std::cmp::Reverse(reach(part)));
            // The part that reaches furthest has it; one that straddles `before` may have only later ones.
            for part in parts.iter().take(2) {
                let contents = archive.contents_of(part)?;
                let Some(range) = contents.rows_of(session_id, 0, last).pop() else { continue };
                let tail = range.start.max(range.end.saturating_sub(2048))..range.end;
                archive.part_rows(part, &["session_id", "seq"], &[tail], prefetch, |piece| {
                    see(&piece.batch, piece.rows);
                    Ok(())
                })?;
            }
            let tail = archive.tail.iter().filter(|(kind, _)| *kind == DocType::ServerState);
            tail.for_each(|(_, batch)| see(batch, 0..batch.num_rows()));
            Ok(newest)
        })
    }

    fn parts_of(&self, session_id: &str, kinds: &[DocType], first: u64, last: u64) -> Vec<Part> {
        let Ok(id) = session_id.parse::<SessionId>() else { return Vec::new() };
        let holds = |part: &&Part| {
            let mut of = part.sessions.iter().filter(|range| range.session_id == id);
            kinds.contains(&part.doc_type) && of.any(|range| range.first <= last && range.last >= first)
        };
        self.catalog.parts.iter().filter(holds).cloned().collect()
    }
}

/// From where to where something goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Extent {
    /// First and last `seq`.
    pub seq: (u64, u64),
    /// First and last time, microseconds UTC.
    pub ts: Option<(i64, i64)>,
}

impl Extent {
    fn add(&mut self, other: Extent) {
        self.seq = (self.seq.0.min(other.seq.0), self.seq.1.max(other.seq.1));
        self.ts = match (self.ts, other.ts) {
            (Some(a), Some(b)) => Some((a.0.min(b.0), a.1.max(b.1))),
            (a, b) => a.or(b),
        };
    }
}

fn rows_of(part: &Part) -> usize {
    usize::try_from(part.rows).unwrap_or(usize::MAX)
}

/// The date that a game id begins with, the day before and the day after: recorders' clocks and zones differ.
fn dates_of(game_id: &str) -> Option<[String; 3]> {
    let digits = game_id.get(..8).filter(|digits| digits.bytes().all(|byte| byte.is_ascii_digit()))?;
    let number = |from: usize, to: usize| digits.get(from..to)?.parse::<i16>().ok();
    let (month, day) = (i8::try_from(number(4, 6)?).ok()?, i8::try_from(number(6, 8)?).ok()?);
    let date = jiff::civil::Date::new(number(0, 4)?, month, day).ok()?;
    Some([date.yesterday().ok()?, date, date.tomorrow().ok()?].map(|date| date.to_string()))
}
