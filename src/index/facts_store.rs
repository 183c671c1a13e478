//! Schema facts of the whole store, kept per part.
//!
//! Each `ws_event` part is read once; its facts lie in `vectors/facts/<part>.json`, derived and safe to delete.
//! A restart reads those files only. Parts that are gone (compacted, pruned) are forgotten with their file, the
//! unsealed rows are followed. Everything stays within the bounds of [`SchemaFacts`].

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::fs;
use std::path::PathBuf;
use std::sync::Arc;

use arrow::array::{Array, AsArray, RecordBatch, StringArray};
use arrow::datatypes::{Int64Type, TimestampMicrosecondType};
use serde::{Deserialize, Serialize};

use crate::protocol::facts::{self, SchemaFacts, Seen};
use crate::protocol::line::{self, LineFormat};
use crate::protocol::phase::Phase;
use crate::store::StoreError;
use crate::store::catalog::{Catalog, Part};
use crate::store::follow::Follower;
use crate::store::root::DataRoot;
use crate::store::schema::DocType;
use crate::store::{fsio, scan};

/// What a part or the unsealed rows hold.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Digest {
    /// Events and their fields.
    pub facts: SchemaFacts,
    /// By session id.
    pub sessions: BTreeMap<String, SessionFacts>,
}

/// What is known of one session from its frames.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct SessionFacts {
    /// Frames.
    pub frames: u64,
    /// First and last frame number.
    pub first_seq: u64,
    /// Last frame number.
    pub last_seq: u64,
    /// First time, microseconds UTC.
    pub first_us: Option<i64>,
    /// Last time.
    pub last_us: Option<i64>,
    /// Sources.
    pub sources: BTreeSet<String>,
    /// Frames by event.
    pub events: BTreeMap<String, u64>,
    /// Frames whose payload an older recorder lost.
    pub payload_lost: u64,
    /// Frames that could not be read.
    pub unreadable: u64,
}

/// Event names kept per session.
const MAX_SESSION_EVENTS: usize = 64;

impl SessionFacts {
    fn merge(&mut self, other: &SessionFacts) {
        let empty = self.frames == 0;
        self.frames += other.frames;
        self.first_seq = if empty { other.first_seq } else { self.first_seq.min(other.first_seq) };
        self.last_seq = self.last_seq.max(other.last_seq);
        self.first_us = self.first_us.into_iter().chain(other.first_us).min();
        self.last_us = self.last_us.into_iter().chain(other.last_us).max();
        self.sources.extend(other.sources.iter().cloned());
        self.payload_lost += other.payload_lost;
        self.unreadable += other.unreadable;
        for (name, count) in &other.events {
            if self.events.len() < MAX_SESSION_EVENTS || self.events.contains_key(name) {
                *self.events.entry(name.clone()).or_default() += count;
            }
        }
    }
}

impl Digest {
    /// Adds another digest.
    pub fn merge(&mut self, other: &Digest) {
        self.facts.merge(&other.facts);
        for (id, theirs) in &other.sessions {
            self.sessions.entry(id.clone()).or_default().merge(theirs);
        }
    }
}

/// The digest of one part, as it lies in its file.
#[derive(Debug, Serialize, Deserialize)]
struct Kept {
    version: u32,
    part: String,
    rows: u64,
    digest: Digest,
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
    parts: BTreeMap<String, Digest>,
    tail: Digest,
    tail_reader: Reader,
    merged: Option<Arc<Digest>>,
}

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
            tail: Digest::default(),
            tail_reader: Reader::default(),
            merged: None,
        })
    }

    /// Takes in what is new: parts without facts are read, those that are gone forgotten, unsealed rows added.
    ///
    /// # Errors
    /// When the catalog, the journal or a part cannot be read. Facts that cannot be kept are made again.
    pub fn refresh(&mut self) -> Result<Refreshed, StoreError> {
        let mut done = Refreshed::default();
        let mut change = self.follower.poll()?;
        if change.is_empty() {
            return Ok(done);
        }
        if !change.sealed.is_empty() {
            // Facts cannot be taken back, so what is left of the tail is read again; it is small.
            self.follower = Follower::open(&self.root)?;
            self.tail = Digest::default();
            self.tail_reader = Reader::default();
            change = self.follower.poll()?;
        }
        for (_, batch) in change.rows.iter().filter(|(doc_type, _)| *doc_type == DocType::WsEvent) {
            done.unsealed += batch.num_rows();
            self.tail_reader.batch(&mut self.tail, batch);
        }
        let catalog = self.follower.catalog().clone();
        self.take_parts(&catalog, &mut done)?;
        self.merged = None;
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
            done.forgotten += 1;
        }
        for (path, part) in &wanted {
            if self.parts.contains_key(*path) {
                continue;
            }
            let digest = match self.kept(part) {
                Some(digest) => {
                    done.reused += 1;
                    digest
                }
                None => {
                    done.scanned += 1;
                    let digest = digest(&self.root, part)?;
                    self.keep(part, &digest);
                    digest
                }
            };
            self.parts.insert((*path).to_owned(), digest);
        }
        self.sweep(&wanted);
        Ok(())
    }

    /// The facts of everything stored, up to the last refresh.
    pub fn digest(&mut self) -> Arc<Digest> {
        if let Some(merged) = &self.merged {
            return merged.clone();
        }
        let mut merged = Digest::default();
        for part in self.parts.values() {
            merged.merge(part);
        }
        merged.merge(&self.tail);
        let merged = Arc::new(merged);
        self.merged = Some(merged.clone());
        merged
    }

    /// The facts of one part, by its path in the catalog.
    pub fn part(&self, path: &str) -> Option<&Digest> {
        self.parts.get(path)
    }

    fn folder(&self) -> PathBuf {
        self.root.vectors_dir().join("facts")
    }

    fn file(&self, part: &Part) -> PathBuf {
        let name = part.path.rsplit('/').next().unwrap_or(&part.path);
        self.folder().join(format!("{name}.json"))
    }

    /// The facts that were kept, if they are of this version and of this part.
    fn kept(&self, part: &Part) -> Option<Digest> {
        let bytes = fs::read(self.file(part)).ok()?;
        let kept: Kept = serde_json::from_slice(&bytes).ok()?;
        let same = kept.version == facts::VERSION && kept.part == part.path && kept.rows == part.rows;
        same.then_some(kept.digest)
    }

    fn keep(&self, part: &Part, digest: &Digest) {
        let kept =
            Kept { version: facts::VERSION, part: part.path.clone(), rows: part.rows, digest: digest.clone() };
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

/// The columns that facts are made from.
const COLUMNS: [&str; 10] =
    ["ts", "source", "session_id", "seq", "direction", "raw_json", "event_name", "phase", "frame", "format"];

/// Reads one part.
///
/// # Errors
/// When it cannot be read.
pub fn digest(root: &DataRoot, part: &Part) -> Result<Digest, StoreError> {
    let mut digest = Digest::default();
    let mut reader = Reader::default();
    for batch in scan::batches(root, part, Some(&COLUMNS)) {
        reader.batch(&mut digest, &batch?);
    }
    Ok(digest)
}

/// Reads rows in order. Events other than gameStateUpdate happen in the phase their session was last seen in.
#[derive(Default)]
struct Reader {
    phases: HashMap<String, Phase>,
}

impl Reader {
    fn batch(&mut self, digest: &mut Digest, batch: &RecordBatch) {
        let text = |name: &str| batch.column_by_name(name).and_then(|column| column.as_string_opt::<i32>());
        let (Some(sessions), Some(raws)) = (text("session_id"), text("raw_json")) else { return };
        let seqs = batch.column_by_name("seq").and_then(|column| column.as_primitive_opt::<Int64Type>());
        let times =
            batch.column_by_name("ts").and_then(|column| column.as_primitive_opt::<TimestampMicrosecondType>());
        let (sources, directions, names) = (text("source"), text("direction"), text("event_name"));
        let (phases, formats) = (text("phase"), text("format"));
        let at = |column: Option<&StringArray>, row: usize| -> Option<String> {
            column.filter(|column| column.is_valid(row)).map(|column| column.value(row).to_owned())
        };
        for row in 0..batch.num_rows() {
            if !raws.is_valid(row) || !sessions.is_valid(row) {
                continue;
            }
            let session_id = sessions.value(row);
            let own = at(phases, row).and_then(|name| facts::phase_from_name(&name));
            let phase = match own {
                Some(phase) => {
                    if self.phases.get(session_id) != Some(&phase) {
                        self.phases.insert(session_id.to_owned(), phase);
                    }
                    Some(phase)
                }
                None if at(names, row).as_deref() == Some("gameStateUpdate") => None,
                None => self.phases.get(session_id).copied(),
            };
            let source = at(sources, row);
            let direction = at(directions, row);
            let seen = Seen {
                ts_us: times.filter(|times| times.is_valid(row)).map(|times| times.value(row)),
                session_id,
                seq: seqs
                    .filter(|seqs| seqs.is_valid(row))
                    .and_then(|seqs| u64::try_from(seqs.value(row)).ok())
                    .unwrap_or(0),
                source: source.as_deref().unwrap_or("unknown"),
                direction: direction.as_deref(),
                phase,
            };
            let format =
                at(formats, row).and_then(|name| LineFormat::from_name(&name)).unwrap_or(LineFormat::Wire);
            let raw = raws.value(row);
            let name = at(names, row);
            let inner = line::inner(format, raw);
            let event = match &inner {
                Some(inner) => line::decode(inner.format, inner.hint.as_deref(), &inner.text),
                None => line::decode(format, name.as_deref(), raw),
            };
            digest.facts.observe(&event, &seen);
            session(digest, &seen, &event);
        }
    }
}

fn session(digest: &mut Digest, seen: &Seen<'_>, event: &line::Event<'_>) {
    if !digest.sessions.contains_key(seen.session_id) {
        let first = SessionFacts { first_seq: seen.seq, ..SessionFacts::default() };
        digest.sessions.insert(seen.session_id.to_owned(), first);
    }
    let Some(session) = digest.sessions.get_mut(seen.session_id) else { return };
    session.frames += 1;
    session.first_seq = session.first_seq.min(seen.seq);
    session.last_seq = session.last_seq.max(seen.seq);
    if let Some(ts) = seen.ts_us {
        session.first_us = Some(session.first_us.map_or(ts, |first| first.min(ts)));
        session.last_us = Some(session.last_us.map_or(ts, |last| last.max(ts)));
    }
    if !session.sources.contains(seen.source) {
        session.sources.insert(seen.source.to_owned());
    }
    match event.status {
        line::FrameStatus::PayloadLost => session.payload_lost += 1,
        line::FrameStatus::Unparsed | line::FrameStatus::BrokenJson => session.unreadable += 1,
        line::FrameStatus::Ok => {}
    }
    let name = event.name.as_deref().unwrap_or("(no event)");
    if let Some(count) = session.events.get_mut(name) {
        *count += 1;
    } else if session.events.len() < MAX_SESSION_EVENTS {
        session.events.insert(name.to_owned(), 1);
    }
}

#[cfg(test)]
#[path = "facts_store/tests.rs"]
mod tests;
