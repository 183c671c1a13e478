//! `manifests/vector_index_checkpoint.json`: which table is in force, what its vectors were made with, and what it
//! was made from. Replaced as a whole; a table that it does not name does not count, so a rebuild can be
//! interrupted anywhere.

use std::collections::BTreeMap;
use std::fs;
use std::path::PathBuf;

use serde::{Deserialize, Serialize};

use super::embed::ModelInfo;
use super::error::IndexError;
use crate::store::open::SchemaManifest;
use crate::store::root::DataRoot;
use crate::store::{StoreError, fsio};

/// Layout of the table this build reads and writes.
pub const LAYOUT: u32 = 1;

/// The table's name: its folder is `vectors/events.lance`.
pub const TABLE: &str = "events";

/// Name of a table while it is being built, and for a moment after it was put in force.
pub const NEXT_TABLE: &str = "events-next";

/// The state of the index.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Checkpoint {
    /// Layout of the table.
    pub layout: u32,
    /// The table in force, see [`Checkpoint::table_name`].
    pub table: String,
    /// Length of the vectors in the table.
    pub dimension: usize,
    /// The model of the vectors; `None` while there are none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub model: Option<ModelStamp>,
    /// Units in the table.
    pub units: u64,
    /// What the units were made from: a part or a set of units, and the hash of its state then.
    #[serde(default)]
    pub sources: BTreeMap<String, String>,
    /// Whether an update was begun and not finished: the sources then say nothing.
    #[serde(default)]
    pub unfinished: bool,
    /// When, microseconds UTC.
    pub updated_us: i64,
}

/// Identity of an embedding model.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ModelStamp {
    /// Name.
    pub id: String,
    /// Length of its vectors.
    pub dimension: usize,
    /// Digest of its files.
    pub digest: String,
}

impl std::fmt::Display for ModelStamp {
    fn fmt(&self, f: &mut std::fmt::Formatter) -> std::fmt::Result {
        let digest: String = self.digest.trim_start_matches("sha256:").chars().take(12).collect();
        write!(f, "{} ({} dimensions, digest {digest})", self.id, self.dimension)
    }
}

impl From<&ModelInfo> for ModelStamp {
    fn from(model: &ModelInfo) -> Self {
        ModelStamp { id: model.id.to_string(), dimension: model.dimension, digest: model.digest.to_string() }
    }
}

impl Checkpoint {
    /// Where it lies.
    pub fn path(root: &DataRoot) -> PathBuf {
        root.manifests_dir().join("vector_index_checkpoint.json")
    }

    /// Reads it; `None` where there is no index yet.
    ///
    /// # Errors
    /// When it is damaged or a newer version's.
    pub fn load(root: &DataRoot) -> Result<Option<Checkpoint>, IndexError> {
        let path = Checkpoint::path(root);
        let bytes = match fs::read(&path) {
            Ok(bytes) => bytes,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(StoreError::io("read", &path)(error).into()),
        };
        let damaged = |reason: String| IndexError::Damaged { path: path.clone(), reason };
        let checkpoint: Checkpoint = serde_json::from_slice(&bytes).map_err(|error| damaged(error.to_string()))?;
        if checkpoint.layout > LAYOUT {
            return Err(IndexError::Newer { found: checkpoint.layout, known: LAYOUT });
        }
        // The name becomes a path.
        if checkpoint.table.is_empty()
            || !checkpoint.table.chars().all(|c| c.is_ascii_alphanumeric() || c == '-' || c == '_')
        {
            return Err(damaged(format!("{:?} is no name of a table", checkpoint.table)));
        }
        Ok(Some(checkpoint))
    }

    /// Makes this the state in force, and tells the schema manifest the model. Durable when it returns.
    ///
    /// # Errors
    /// When it cannot be written; the one before then stands.
    pub fn save(&self, root: &DataRoot) -> Result<(), IndexError> {
        let path = Checkpoint::path(root);
        let bytes =
            serde_json::to_vec_pretty(self).map_err(|error| StoreError::io("write", &path)(error.into()))?;
        fsio::replace(&path, &bytes)?;
        if let Some(mut manifest) = SchemaManifest::load(root)? {
            let model = self.model.as_ref().and_then(|model| serde_json::to_value(model).ok());
            if manifest.embedding != model {
                manifest.embedding = model;
                manifest.save(root)?;
            }
        }
        Ok(())
    }

    /// The folder of the table in force.
    pub fn table_dir(&self, root: &DataRoot) -> PathBuf {
        root.vectors_dir().join(format!("{}.lance", self.table_name(root)))
    }

    /// The name under which the table in force lies: a new table gets its lasting name after it was put in force.
    pub fn table_name(&self, root: &DataRoot) -> &str {
        let lies = |name: &str| root.vectors_dir().join(format!("{name}.lance")).is_dir();
        if self.table == NEXT_TABLE && !lies(NEXT_TABLE) && lies(TABLE) { TABLE } else { &self.table }
    }
}
