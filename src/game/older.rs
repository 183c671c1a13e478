//! Parts that were written before parts said anything of games. Each is read once, its light columns; what it says is
//! remembered in `manifests/games-of-older-parts.json`, by name and size of the part, for the next process.
//!
//! The file is derived: losing it costs the time to read those parts again. A process that may not write (the worker for
//! SQL) reads them itself as long as no other has; [`prepare`] is for one that may.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use replayer_store::StoreError;
use replayer_store::catalog::{Catalog, Part};
use replayer_store::contents::Contents;
use replayer_store::fsio;
use replayer_store::root::DataRoot;

/// The form of the file: another one counts as none.
const FORM: u32 = 1;

/// What is remembered of parts without a table of their own.
pub(crate) struct Older {
    root: DataRoot,
    /// Read when the first part needs it.
    known: Option<BTreeMap<String, Remembered>>,
    is_new: bool,
}

#[derive(Serialize, Deserialize)]
struct Remembered {
    bytes: u64,
    contents: Contents,
}

#[derive(Serialize, Deserialize)]
struct File {
    form: u32,
    parts: BTreeMap<String, Remembered>,
}

impl Older {
    pub(crate) fn new(root: &DataRoot) -> Older {
        Older { root: root.clone(), known: None, is_new: false }
    }

    /// What a part says: itself, as remembered, or read.
    pub(crate) fn contents_of(&mut self, part: &Part) -> Result<Contents, StoreError> {
        if let Some(own) = Contents::own_of_part(&self.root, part)? {
            return Ok(own);
        }
        let root = &self.root;
        let known = self.known.get_or_insert_with(|| load(root));
        if let Some(known) = known.get(&part.path).filter(|known| known.bytes == part.bytes) {
            return Ok(known.contents.clone());
        }
        let mut contents = Contents::of_part(root, part)?;
        // Where which row is, is not asked here.
        contents.marks = Vec::new();
        self.is_new = true;
        known.insert(part.path.clone(), Remembered { bytes: part.bytes, contents: contents.clone() });
        Ok(contents)
    }

    /// Writes down what was read, for those parts that are in force.
    pub(crate) fn remember(self, catalog: &Catalog) {
        let Some(mut parts) = self.known.filter(|_| self.is_new) else { return };
        let there: std::collections::HashSet<&str> = catalog.parts.iter().map(|part| part.path.as_str()).collect();
        parts.retain(|path, _| there.contains(path.as_str()));
        let written = serde_json::to_vec(&File { form: FORM, parts })
            .map_err(|error| StoreError::Refused(error.to_string()))
            .and_then(|bytes| fsio::exchange(&self.root.older_games_path(), &bytes));
        if let Err(error) = written {
            tracing::debug!(%error, "what older parts say of games is read again by the next process");
        }
    }
}

/// Reads the parts that say nothing of games themselves and are not remembered yet, and remembers them.
///
/// # Errors
/// When the catalog cannot be read. A part that cannot be read is passed over.
pub fn prepare(root: &DataRoot) -> Result<(), StoreError> {
    let catalog = Catalog::load(root)?;
    let mut older = Older::new(root);
    for part in catalog.parts.iter().filter(|part| replayer_store::contents::of_games(part.doc_type).is_some()) {
        if let Err(error) = older.contents_of(part) {
            tracing::debug!(%error, part = part.path, "passing over the games of this part");
        }
    }
    older.remember(&catalog);
    Ok(())
}

fn load(root: &DataRoot) -> BTreeMap<String, Remembered> {
    let file =
        fsio::read(&root.older_games_path()).ok().and_then(|bytes| serde_json::from_slice::<File>(&bytes).ok());
    file.filter(|file| file.form == FORM).map(|file| file.parts).unwrap_or_default()
}
