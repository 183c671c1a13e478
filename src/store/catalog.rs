//! `manifests/files.json`: which parts are in force. Replaced as a whole, so a reader sees a row once, never
//! twice and never not at all, however sealing, compaction or an import is interrupted.
//!
//! The catalog can be rebuilt: each part carries its own entry in its Parquet metadata, and `files.copy.json` is the
//! last catalog once more, for what no part knows (which files were imported).

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::Path;

use serde::{Deserialize, Serialize};

use super::StoreError;
use super::fsio;
use super::ids::SessionId;
use super::parts;
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
    /// How it came to be.
    pub lineage: Lineage,
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

impl Catalog {
    /// Reads the catalog; an empty root has an empty one.
    ///
    /// # Errors
    /// [`StoreError::Manifest`] when the file is damaged, or gone while its copy is there: [`Catalog::rebuild`]
    /// mends both.
    pub fn load(root: &DataRoot) -> Result<Catalog, StoreError> {
        match read(&root.catalog_path())? {
            Some(catalog) => Ok(catalog),
            None if root.catalog_copy_path().exists() => {
                Err(damaged(&root.catalog_path(), "it is gone".to_owned()))
            }
            None => Ok(Catalog::default()),
        }
    }

    /// Makes this the catalog in force. It is durable when this returns.
    ///
    /// # Errors
    /// When it cannot be written; the one before then stands.
    pub fn save(&mut self, root: &DataRoot) -> Result<(), StoreError> {
        self.generation += 1;
        self.parts.sort_by(|a, b| a.path.cmp(&b.path));
        let path = root.catalog_path();
        let bytes =
            serde_json::to_vec_pretty(self).map_err(|error| StoreError::io("write", &path)(error.into()))?;
        fsio::replace(&path, &bytes)?;
        if let Err(error) = fsio::replace(&root.catalog_copy_path(), &bytes) {
            // The catalog itself is in force; its copy is one change behind.
            tracing::warn!(%error, "the copy of the catalog could not be written");
        }
        Ok(())
    }

    /// Adds a session unless it is known.
    pub fn add_session(&mut self, info: SessionInfo) {
        if !self.sessions.iter().any(|known| known.session_id == info.session_id) {
            self.sessions.push(info);
        }
    }

    /// Rows of a doc type in the parts.
    pub fn rows(&self, doc_type: DocType) -> u64 {
        self.parts.iter().filter(|part| part.doc_type == doc_type).map(|part| part.rows).sum()
    }

    /// Makes the catalog anew: the parts from their own entries, less those that another one replaces; sessions
    /// and imports, which no part knows, from the old catalog or else from its copy.
    ///
    /// # Errors
    /// When the folder cannot be read. Parts that cannot be read are left out and returned.
    pub fn rebuild(root: &DataRoot) -> Result<(Catalog, Vec<StoreError>), StoreError> {
        let copy = || read(&root.catalog_copy_path()).ok().flatten();
        let known = read(&root.catalog_path()).ok().flatten().or_else(copy).unwrap_or_default();
        let mut catalog = Catalog { parts: Vec::new(), sealed: BTreeMap::new(), ..known };
        let mut unreadable = Vec::new();
        for path in parts::files_on_disk(root)? {
            match parts::own_entry(root, &path) {
                Ok(part) => catalog.parts.push(part),
                Err(error) => unreadable.push(error),
            }
        }
        let replaced: BTreeSet<String> =
            catalog.parts.iter().flat_map(|part| part.lineage.replaces.iter().cloned()).collect();
        catalog.parts.retain(|part| !replaced.contains(&part.path));
        let journaled: BTreeSet<SessionId> =
            super::journal::segments(root)?.into_iter().map(|segment| segment.session_id).collect();
        for range in catalog.parts.iter().flat_map(|part| &part.sessions) {
            if journaled.contains(&range.session_id) {
                let sealed = catalog.sealed.entry(range.session_id).or_default();
                *sealed = range.last.max(*sealed);
            }
        }
        Ok((catalog, unreadable))
    }
}

fn read(path: &Path) -> Result<Option<Catalog>, StoreError> {
    match fs::read(path) {
        Ok(bytes) => serde_json::from_slice(&bytes).map(Some).map_err(|error| damaged(path, error.to_string())),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(StoreError::io("read", path)(error)),
    }
}

fn damaged(path: &Path, reason: String) -> StoreError {
    StoreError::Manifest {
        path: path.to_owned(),
        reason,
        advice: "Every part carries its own entry: `replayer data verify --rebuild` makes the catalog anew",
    }
}

/// Tells cheaply whether the catalog was replaced since the last look.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct CatalogStamp(Option<(u64, u64, std::time::SystemTime)>);

impl CatalogStamp {
    /// The stamp of the file as it is now.
    pub fn of(path: &Path) -> CatalogStamp {
        CatalogStamp(
            fs::metadata(path).ok().and_then(|meta| Some((inode(&meta), meta.len(), meta.modified().ok()?))),
        )
    }
}

#[cfg(unix)]
fn inode(meta: &fs::Metadata) -> u64 {
    std::os::unix::fs::MetadataExt::ino(meta)
}

#[cfg(not(unix))]
fn inode(_meta: &fs::Metadata) -> u64 {
    0
}
