//! `manifests/files.json`: which parts are in force. Replaced as a whole, so a reader sees a row once, never
//! twice and never not at all, however sealing, compaction or an import is interrupted.
//!
//! The catalog can be rebuilt: each part carries its own entry and what is known of its sessions in its Parquet metadata,
//! and `files.copy.json` is the last catalog once more. Whoever loads the catalog gets the newer
//! of the two; where both are lost, one made from the parts. The next writer takes in what no catalog names
//! ([`super::reconcile`]).

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};

use serde::{Deserialize, Serialize};

use super::StoreError;
use super::damage::{self, Written};
use super::fsio::{self, Metadata};
use super::ids::SessionId;
use super::reconcile;
use super::root::DataRoot;
use super::schema::DocType;

/// The parts in force, and what is known about where they come from.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Catalog {
    /// Counts up with every change.
    pub generation: u64,
    /// The parts in force.
    pub parts: Vec<Part>,
    /// Sessions whose journal may still hold segments: rows up to this `seq` are in parts.
    #[serde(default)]
    pub sealed: BTreeMap<SessionId, u64>,
    /// The sessions.
    #[serde(default)]
    pub sessions: Vec<SessionInfo>,
    /// Files that were imported.
    #[serde(default)]
    pub imports: Vec<ImportEntry>,
    /// Parts that are lost: they would be in force, but their files are gone or are not what was written. Answers leave
    /// them out. One whose file is restored is in force again.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub lost: Vec<LostPart>,
    /// Lost parts whose loss a person has accepted (`data repair --give-up`), or that were pruned: no answer names them any
    /// more. One whose file is restored is in force again, unless it was pruned.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub given_up: Vec<LostPart>,
    /// Frames before this UTC date were pruned: sessions from before then may have gaps.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub pruned_before: Option<String>,
}

/// One sealed Parquet file.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Part {
    /// Its file, relative to the root.
    pub path: String,
    /// The kind of its rows.
    pub doc_type: DocType,
    /// Its partition: `2026-11-23`, or the name for rows without a time.
    pub date: String,
    /// Rows in it.
    pub rows: u64,
    /// Its size; 0 in the copy inside the part itself, which cannot know it.
    pub bytes: u64,
    /// Time of the earliest row, microseconds UTC.
    pub ts_min: Option<i64>,
    /// Time of the latest row.
    pub ts_max: Option<i64>,
    /// Which frames its rows come from.
    pub sessions: Vec<SeqRange>,
    /// The schema version it was written with.
    pub schema: String,
    /// Its file as it was written; `None` in parts of older builds and in the copy inside the part itself.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub written: Option<Written>,
    /// How it is laid out inside, [`LAYOUT`] being the newest; 0 in parts of older builds. All layouts hold the same rows.
    #[serde(default)]
    pub layout: u32,
    /// What ticks it holds; `None` for other kinds of rows, and where it is not known: of older builds, which kept filled
    /// ticks among recorded ones.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ticks: Option<Ticks>,
    /// Whether its rows count; `None` for other kinds than trades and side bets, and in parts of older builds.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ids: Option<Ids>,
    /// How it came to be.
    pub lineage: Lineage,
}

/// Whether the rows of a part of trades or side bets are the first of their events that were stored.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Ids {
    /// They are: they count.
    First,
    /// They repeat rows that were stored before: views leave them out.
    Repeated,
}

/// The newest layout of parts. 1: row groups of limited size, and ticks filled from seeds in parts of their own. 2: also what
/// was received again in parts of its own, and no defaults of older recorders.
pub const LAYOUT: u32 = 2;

/// What a part of `game_tick` holds. A tick that was filled from a seed steps back where a recording of it exists. Which ones
/// do is found out when parts are written, so that readers need not compare every filled tick with every recorded one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Ticks {
    /// Recorded ticks. None of them was filled in another part when this one was written.
    Recorded,
    /// Recorded ticks, some of which were filled in another part when this one was written.
    Superseding,
    /// Ticks filled from seeds. None of them was recorded in a part when this one was written.
    Filled,
}

/// A part whose rows are lost unless its file comes back.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct LostPart {
    /// What it was.
    pub part: Part,
    /// What is wrong with its file.
    pub reason: String,
}

/// A range of frames of one session.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct SeqRange {
    /// The session.
    pub session_id: SessionId,
    /// First `seq`.
    pub first: u64,
    /// Last `seq`.
    pub last: u64,
}

/// How a part came to be.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Lineage {
    /// `seal`, `import`, `compact`, `prune` or `migrate`.
    pub made_by: String,
    /// The parts it replaces, relative to the root.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub replaces: Vec<String>,
    /// The build that wrote it.
    pub build: String,
}

/// One session, as far as its recorder or import told.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct SessionInfo {
    /// Its id.
    pub session_id: SessionId,
    /// What started it: `record`, `serve`, `demo`, or `import:<file name>`.
    pub origin: String,
    /// When it started, microseconds UTC; for an import, when that ran.
    pub started_us: i64,
}

/// One file that was imported.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ImportEntry {
    /// SHA-256 of the file's bytes, hex.
    pub sha256: String,
    /// Its size.
    pub bytes: u64,
    /// Its name, without folders.
    pub name: String,
    /// The format it was read as.
    pub format: String,
    /// The session its rows are in.
    pub session_id: SessionId,
    /// Lines in it.
    pub lines: u64,
    /// Lines that became at least one row.
    pub rows: u64,
    /// Further rows recovered from the same lines.
    pub extra_rows: u64,
    /// Lines that became none.
    pub rejected: u64,
    /// When, microseconds UTC.
    pub imported_us: i64,
}

/// What a part says of the sessions in it, so that the parts alone are enough to make a catalog from.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct About {
    /// The sessions.
    #[serde(default)]
    pub sessions: Vec<SessionInfo>,
    /// The files that were imported into them.
    #[serde(default)]
    pub imports: Vec<ImportEntry>,
}

impl About {
    /// What of it is about a part's sessions; of a part of very many sessions only some, because every reader of the part
    /// reads this too.
    pub fn of_part(&self, part: &Part) -> About {
        const MOST: usize = 1000;
        let ids: BTreeSet<SessionId> = part.sessions.iter().map(|range| range.session_id).collect();
        let sessions = self.sessions.iter().filter(|info| ids.contains(&info.session_id)).take(MOST);
        let imports = self.imports.iter().filter(|entry| ids.contains(&entry.session_id)).take(MOST);
        About { sessions: sessions.cloned().collect(), imports: imports.cloned().collect() }
    }
}

impl Catalog {
    /// Reads the catalog; an empty root has an empty one.
    ///
    /// # Errors
    /// When the root cannot be read. A catalog that is gone, damaged or older than its copy is no error: see
    /// [`Catalog::load_reporting`].
    pub fn load(root: &DataRoot) -> Result<Catalog, StoreError> {
        Ok(Catalog::load_reporting(root)?.0)
    }

    /// As [`Catalog::load`], with a sentence where it is not simply the one in `files.json`: the copy counts where it is
    /// newer or `files.json` is gone or damaged; without both the parts' own entries count.
    ///
    /// # Errors
    /// When the root cannot be read.
    pub fn load_reporting(root: &DataRoot) -> Result<(Catalog, Option<String>), StoreError> {
        let (mut catalog, mut message) = found(root)?;
        if looks_for_unnamed(root, &catalog) {
            message = take_in_unnamed(root, &mut catalog).or(message);
        }
        // Files that are gone may have been replaced since the catalog was read.
        for _ in 0..3 {
            if !catalog.separate_lost(root) {
                break;
            }
            let (again, message_again) = found(root)?;
            if again.generation == catalog.generation {
                break;
            }
            (catalog, message) = (again, message_again);
        }
        Ok((catalog, message))
    }

    /// Moves parts whose files are not what they were to [`Catalog::lost`], and those that are whole again back. Whether
    /// any was lost by this.
    fn separate_lost(&mut self, root: &DataRoot) -> bool {
        let named = self.parts.len();
        let known = std::mem::take(&mut self.lost);
        let all: Vec<Part> =
            std::mem::take(&mut self.parts).into_iter().chain(known.into_iter().map(|lost| lost.part)).collect();
        let defects = damage::defects(root, &all);
        let mut any = false;
        for (place, (mut part, defect)) in all.into_iter().zip(defects).enumerate() {
            match defect {
                None => {
                    part.written = damage::renewed(root, &part).or(part.written);
                    self.parts.push(part);
                }
                Some(reason) => {
                    any |= place < named;
                    self.lost.push(LostPart { part, reason });
                }
            }
        }
        any
    }

    /// Makes this the catalog in force. It is durable when this returns.
    ///
    /// # Errors
    /// When it cannot be written; the one before is then in force. When only its folder cannot be synced, this one is in
    /// force, but may not survive a power cut.
    pub fn save(&mut self, root: &DataRoot) -> Result<(), StoreError> {
        self.put_in_force(root)?.durable()
    }

    /// As [`Catalog::save`], for whoever has to know which catalog is in force.
    ///
    /// # Errors
    /// When it cannot be written; the one before is then in force.
    pub(super) fn put_in_force(&mut self, root: &DataRoot) -> Result<InForce, StoreError> {
        self.generation += 1;
        self.parts.sort_by(|a, b| a.path.cmp(&b.path));
        let path = root.catalog_path();
        let bytes =
            serde_json::to_vec_pretty(self).map_err(|error| StoreError::io("write", &path)(error.into()))?;
        fsio::exchange(&path, &bytes)?;
        if let Err(error) = fsio::exchange(&root.catalog_copy_path(), &bytes) {
            // The catalog itself is in force; its copy is one change behind.
            tracing::warn!(%error, "the copy of the catalog could not be written");
        }
        Ok(InForce { synced: fsio::sync_folder(&root.manifests_dir()) })
    }

    /// Adds a session unless it is known.
    pub fn add_session(&mut self, info: SessionInfo) {
        if !self.sessions.iter().any(|known| known.session_id == info.session_id) {
            self.sessions.push(info);
        }
    }

    /// Adds what a part says of its sessions, unless it is known.
    pub fn learn(&mut self, about: About) {
        about.sessions.into_iter().for_each(|info| self.add_session(info));
        for entry in about.imports {
            match self.imports.iter_mut().find(|known| known.session_id == entry.session_id) {
                // The same file when it had grown.
                Some(known) if known.bytes < entry.bytes => *known = entry,
                Some(_) => {}
                None => self.imports.push(entry),
            }
        }
    }

    /// What is known of sessions and imports, for new parts to carry.
    pub fn about(&self) -> About {
        About { sessions: self.sessions.clone(), imports: self.imports.clone() }
    }

    /// Rows of a doc type in the parts.
    pub fn rows(&self, doc_type: DocType) -> u64 {
        self.parts.iter().filter(|part| part.doc_type == doc_type).map(|part| part.rows).sum()
    }

    /// Makes the catalog again from what the parts say of themselves; what they do not know of sessions and imports (parts of
    /// older builds) is taken from the old catalog or else from its copy. Parts that the old catalog named and that cannot be read are lost ones then.
    ///
    /// # Errors
    /// When the folder cannot be read. Parts that cannot be read are left out and returned.
    pub fn rebuild(root: &DataRoot) -> Result<(Catalog, Vec<StoreError>), StoreError> {
        let copy = || read(&root.catalog_copy_path()).ok().flatten();
        let known = read(&root.catalog_path()).ok().flatten().or_else(copy).unwrap_or_default();
        let named = known.parts.clone();
        let mut catalog = Catalog { parts: Vec::new(), sealed: BTreeMap::new(), lost: Vec::new(), ..known };
        let unreadable = reconcile::take_in(root, &mut catalog)?.strange;
        let replaced: BTreeSet<&String> = catalog.parts.iter().flat_map(|part| &part.lineage.replaces).collect();
        let found: BTreeSet<&String> = catalog.parts.iter().map(|part| &part.path).collect();
        let missing = |part: &Part| !found.contains(&part.path) && !replaced.contains(&part.path);
        let lost = |part: Part| {
            let reason = part.defect(root).unwrap_or_else(|| "its file cannot be read".to_owned());
            LostPart { part, reason }
        };
        let lost: Vec<LostPart> = named.into_iter().filter(missing).map(lost).collect();
        catalog.lost = lost;
        catalog.parts.sort_by(|a, b| a.path.cmp(&b.path));
        Ok((catalog, unreadable))
    }
}

/// A catalog that is in force.
#[must_use = "a power cut may bring the one before back"]
#[derive(Debug)]
pub(super) struct InForce {
    synced: Result<(), StoreError>,
}

impl InForce {
    /// Whether it survives a power cut.
    pub(super) fn is_durable(&self) -> bool {
        self.synced.is_ok()
    }

    /// Nothing, where it survives a power cut.
    ///
    /// # Errors
    /// Why it may not.
    pub(super) fn durable(self) -> Result<(), StoreError> {
        self.synced
    }
}

impl Part {
    /// Whether it holds ticks filled from seeds and nothing else.
    pub fn is_filled(&self) -> bool {
        self.ticks == Some(Ticks::Filled)
    }

    /// Whether it holds rows that are kept apart from the others of their kind and day: filled ticks, or what was received
    /// again.
    pub fn is_apart(&self) -> bool {
        self.is_filled() || self.ids == Some(Ids::Repeated)
    }

    /// Whether rows of one frame may be in both: some are kept apart.
    pub(super) fn may_share_frames(&self, other: &Part) -> bool {
        let says = |part: &Part| part.ticks.is_some() || part.ids.is_some();
        let told_apart = says(self) && says(other) && self.is_apart() != other.is_apart();
        self.doc_type == other.doc_type && self.date == other.date && !told_apart
    }

    /// When its file was begun, microseconds UTC, by its name; `None` for a name that is not ours.
    pub fn begun_us(&self) -> Option<i64> {
        let id = self.path.rsplit('/').next()?.strip_prefix("part-")?.strip_suffix(".parquet")?;
        let (seconds, nanos) = uuid::Uuid::parse_str(id).ok()?.get_timestamp()?.to_unix();
        i64::try_from(seconds).ok()?.checked_mul(1_000_000)?.checked_add(i64::from(nanos) / 1000)
    }

    /// What is wrong with the part's file; see [`damage::defect`].
    pub fn defect(&self, root: &DataRoot) -> Option<String> {
        damage::defect(root, self)
    }
}

/// What this process saw of a root: the generation of its catalog, and whether parts lay beside it that it did not name.
static SEEN: Mutex<BTreeMap<PathBuf, (u64, bool)>> = Mutex::new(BTreeMap::new());

/// Whether the folder is to be searched for parts that the catalog does not name: at a process's first look, when an older
/// catalog came in the place of a newer one, and as long as there are such parts. Not each time: a store of years has
/// thousands of folders.
fn looks_for_unnamed(root: &DataRoot, catalog: &Catalog) -> bool {
    let mut seen = SEEN.lock().unwrap_or_else(PoisonError::into_inner);
    let before = seen.insert(root.path().to_owned(), (catalog.generation, false));
    before.is_none_or(|(generation, any)| any || catalog.generation < generation)
}

/// Puts parts in force that no catalog names and that hold what is nowhere else: in this catalog, not on the disk, so that
/// whoever only reads sees them too.
fn take_in_unnamed(root: &DataRoot, catalog: &mut Catalog) -> Option<String> {
    let named = catalog.parts.len();
    // Whoever writes says what stands in the way.
    reconcile::take_in(root, catalog).ok()?;
    let taken = catalog.parts.get(named..).filter(|taken| !taken.is_empty())?;
    let rows: u64 = taken.iter().map(|part| part.rows).sum();
    let message = format!(
        "{} parts with {rows} rows are named by no manifest and hold what is nowhere else: they are in force again",
        taken.len()
    );
    let mut seen = SEEN.lock().unwrap_or_else(PoisonError::into_inner);
    seen.insert(root.path().to_owned(), (catalog.generation, true));
    Some(message)
}

/// Looks at most this often while segments are sealed under our eyes.
const TRIES: usize = 16;

/// The catalog that counts, before its parts are looked at, and why it does where that is not plain.
fn found(root: &DataRoot) -> Result<(Catalog, Option<String>), StoreError> {
    for _ in 1..TRIES {
        match found_once(root) {
            // Without a manifest parts and journal say what there is, and while they are read a segment may be sealed: a new
            // root's first one, for one. Then there is a manifest.
            Err(error) if error.is_not_found() => {}
            other => return other,
        }
    }
    found_once(root)
}

fn found_once(root: &DataRoot) -> Result<(Catalog, Option<String>), StoreError> {
    let (main, copy) = (read(&root.catalog_path()), read(&root.catalog_copy_path()).ok().flatten());
    let trouble = match &main {
        Ok(Some(main)) if copy.as_ref().is_none_or(|copy| copy.generation <= main.generation) => None,
        Ok(Some(main)) => Some(format!("manifests/files.json is an older one (generation {})", main.generation)),
        Ok(None) => Some("manifests/files.json is gone".to_owned()),
        Err(StoreError::Manifest { reason, .. }) => Some(format!("manifests/files.json is damaged ({reason})")),
        Err(_) => None,
    };
    let Some(trouble) = trouble else {
        return Ok((main?.unwrap_or_default(), None));
    };
    if let Some(copy) = copy {
        let message = format!("{trouble}; manifests/files.copy.json (generation {}) counts", copy.generation);
        return Ok((copy, Some(message)));
    }
    let (catalog, _) = Catalog::rebuild(root)?;
    if catalog.parts.is_empty() && matches!(main, Ok(None)) {
        // A root that holds nothing yet.
        return Ok((catalog, None));
    }
    let message = format!(
        "{trouble}, and so is its copy: the {} parts say themselves what they hold, {} imported files among it",
        catalog.parts.len(),
        catalog.imports.len()
    );
    Ok((catalog, Some(message)))
}

fn read(path: &Path) -> Result<Option<Catalog>, StoreError> {
    match fsio::read(path) {
        Ok(bytes) => serde_json::from_slice(&bytes).map(Some).map_err(|error| damaged(path, error.to_string())),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(StoreError::io("read", path)(error)),
    }
}

fn damaged(path: &Path, reason: String) -> StoreError {
    StoreError::Manifest {
        path: path.to_owned(),
        reason,
        advice: "Every part carries its own entry: the next process that writes makes the catalog again from them",
    }
}

/// Tells cheaply whether a file was replaced since the last look.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct FileStamp(Option<(u64, u64, std::time::SystemTime)>);

impl FileStamp {
    /// The stamp of the file as it is now.
    pub fn of(path: &Path) -> FileStamp {
        FileStamp(
            fsio::metadata(path).ok().and_then(|meta| Some((inode(&meta), meta.len(), meta.modified().ok()?))),
        )
    }
}

/// Tells cheaply whether other parts are in force since the last look: because the catalog was replaced, or because one
/// was found damaged.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct CatalogStamp(FileStamp, FileStamp);

impl CatalogStamp {
    /// The stamp as it is now.
    pub fn of(root: &DataRoot) -> CatalogStamp {
        CatalogStamp(FileStamp::of(&root.catalog_path()), FileStamp::of(&root.checked_parts_path()))
    }
}

#[cfg(unix)]
fn inode(meta: &Metadata) -> u64 {
    std::os::unix::fs::MetadataExt::ino(meta)
}

#[cfg(not(unix))]
fn inode(_meta: &Metadata) -> u64 {
    0
}
