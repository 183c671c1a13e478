//! Where things lie under the data root. Every path of the store is made here.

use std::path::{Path, PathBuf};

use super::StoreError;
use super::chain::Chain;
use super::fsio;
use super::ids::SessionId;
use super::schema::DocType;

/// The folder that holds everything: `RUGS_DATA_DIR`, else `~/rugs_data`.
#[derive(Debug, Clone)]
pub struct DataRoot {
    path: PathBuf,
}

/// The partition of rows whose time is not known, by the convention of Hive and DuckDB.
pub const NO_DATE: &str = "__HIVE_DEFAULT_PARTITION__";

impl DataRoot {
    /// The root a person means: the flag if given, else `RUGS_DATA_DIR`, else `~/rugs_data`.
    ///
    /// # Errors
    /// When none of them is there, because `HOME` is not set.
    pub fn resolve(flag: Option<&Path>) -> Result<PathBuf, StoreError> {
        if let Some(path) = flag {
            return Ok(path.to_owned());
        }
        if let Some(path) = std::env::var_os("RUGS_DATA_DIR").filter(|path| !path.is_empty()) {
            return Ok(path.into());
        }
        match std::env::var_os("HOME").filter(|home| !home.is_empty()) {
            Some(home) => Ok(Path::new(&home).join("rugs_data")),
            None => Err(StoreError::Refused(
                "no data root: HOME is not set. Name one with --data PATH or RUGS_DATA_DIR".into(),
            )),
        }
    }

    /// Opens the root for reading; it need not be writable, and may be empty.
    ///
    /// # Errors
    /// When the folder does not exist.
    pub fn open(path: impl Into<PathBuf>) -> Result<DataRoot, StoreError> {
        let path = path.into();
        let path = fsio::canonicalize(&path).map_err(StoreError::io("open the data root", &path))?;
        Ok(DataRoot { path })
    }

    /// Opens the root, creating it (readable by its owner only) when it is not there. Its folders are durable when this
    /// returns: what is synced inside them later can be found again after a power cut.
    ///
    /// # Errors
    /// When it cannot be created or written to.
    pub fn create(path: impl Into<PathBuf>) -> Result<DataRoot, StoreError> {
        let path = path.into();
        if !fsio::exists(&path).map_err(StoreError::io("create the data root", &path))? {
            let made: Vec<&Path> =
                path.ancestors().take_while(|folder| !fsio::exists(folder).unwrap_or(true)).collect();
            fsio::create_dir_all(&path).map_err(StoreError::io("create the data root", &path))?;
            // Captures name real people; nobody else on the machine needs to read them.
            fsio::restrict(&path).map_err(StoreError::io("restrict", &path))?;
            for folder in made {
                // A folder above that may be entered but not read cannot be synced either; the system does it in its time.
                let _ = fsio::sync_folder(folder.parent().filter(|above| *above != "").unwrap_or(Path::new(".")));
            }
        }
        let root = DataRoot::open(path)?;
        for folder in
            [root.parts_dir(), root.journal_dir(), root.exports_dir(), root.manifests_dir(), root.run_dir()]
        {
            fsio::create_dir_all(&folder).map_err(StoreError::io("create", &folder))?;
        }
        // Every time: whoever made them may have been killed before this.
        fsio::sync_folder(root.path())?;
        Ok(root)
    }

    /// The folder itself, absolute and without links.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// `events_parquet/`.
    pub fn parts_dir(&self) -> PathBuf {
        self.path.join("events_parquet")
    }

    /// The folder of one partition, relative to the root.
    pub fn partition(doc_type: DocType, date: &str) -> String {
        format!("events_parquet/doc_type={}/date={date}", doc_type.as_str())
    }

    /// `journal/`.
    pub fn journal_dir(&self) -> PathBuf {
        self.path.join("journal")
    }

    /// The journal of one session.
    pub fn session_dir(&self, session_id: SessionId) -> PathBuf {
        self.journal_dir().join(session_id.to_string())
    }

    /// `exports/`.
    pub fn exports_dir(&self) -> PathBuf {
        self.path.join("exports")
    }

    /// `vectors/`, derived and safe to delete.
    pub fn vectors_dir(&self) -> PathBuf {
        self.path.join("vectors")
    }

    /// `manifests/`.
    pub fn manifests_dir(&self) -> PathBuf {
        self.path.join("manifests")
    }

    /// `manifests/files.json`: the parts in force.
    pub fn catalog_path(&self) -> PathBuf {
        self.manifests_dir().join("files.json")
    }

    /// `manifests/files.copy.json`: the catalog once more, for when the first is damaged.
    pub fn catalog_copy_path(&self) -> PathBuf {
        self.manifests_dir().join("files.copy.json")
    }

    /// `manifests/checked-parts.json`: what reading parts again has found; derived.
    pub fn checked_parts_path(&self) -> PathBuf {
        self.manifests_dir().join("checked-parts.json")
    }

    /// `manifests/games-of-older-parts.json`: what parts say of games that were written before they said it themselves;
    /// derived.
    pub fn older_games_path(&self) -> PathBuf {
        self.manifests_dir().join("games-of-older-parts.json")
    }

    /// `manifests/schema_version.json`.
    pub fn schema_version_path(&self) -> PathBuf {
        self.manifests_dir().join("schema_version.json")
    }

    /// The log of what was proposed and decided: `manifests/verification_log.jsonl`.
    pub fn verification_log(&self) -> Chain {
        Chain::new(self.manifests_dir().join("verification_log.jsonl"), self.run_dir().join("verification.lock"))
    }

    /// `manifests/verification.json`: the marks in force, made from the log.
    pub fn verification_path(&self) -> PathBuf {
        self.manifests_dir().join("verification.json")
    }

    /// `manifests/field_manifest.json`: every field with what is known of it, derived.
    pub fn field_manifest_path(&self) -> PathBuf {
        self.manifests_dir().join("field_manifest.json")
    }

    /// `run/`: locks.
    pub fn run_dir(&self) -> PathBuf {
        self.path.join("run")
    }

    /// `CONTEXT.md`, for whoever reads the data without this program.
    pub fn context_path(&self) -> PathBuf {
        self.path.join("CONTEXT.md")
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn q17_a_flag_beats_everything() {
        assert_eq!(DataRoot::resolve(Some(Path::new("/x"))).unwrap(), Path::new("/x"));
    }

    #[test]
    #[cfg(unix)]
    fn a_new_root_is_private_and_has_its_folders() {
        use std::os::unix::fs::PermissionsExt;
        let folder = tempfile::tempdir().unwrap();
        let root = DataRoot::create(folder.path().join("new")).unwrap();
        assert_eq!(std::fs::metadata(root.path()).unwrap().permissions().mode() & 0o777, 0o700);
        assert!(root.parts_dir().is_dir() && root.run_dir().is_dir());
    }
}
