//! Where an export goes: a new folder under `exports/`, a folder that was named, or a file.

use std::path::{MAIN_SEPARATOR, Path, PathBuf};

use serde_json::Value;

use crate::server::errors::ToolError;
use crate::store::root::DataRoot;
use crate::tools::export_dataset::making::{MANIFEST, Making, taken};

/// Where an export goes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Destination {
    /// A new folder under `exports/` in the data root.
    Exports,
    /// Into this folder, a file for each thing that is exported.
    Folder {
        /// The folder, there or not.
        path: PathBuf,
        /// Whether files of the same names are replaced.
        overwrite: bool,
    },
    /// One file.
    File {
        /// The folder it is to be in.
        folder: PathBuf,
        /// Its name.
        name: String,
        /// Whether a file of the same name is replaced.
        overwrite: bool,
    },
}

/// What was made.
#[derive(Debug)]
pub struct Place {
    /// Holds the files.
    pub folder: PathBuf,
    /// The manifest.
    pub manifest: PathBuf,
}

/// Whether a path names a folder: it ends with a separator, or is one.
pub fn names_a_folder(path: &Path) -> bool {
    let text = path.as_os_str().to_string_lossy();
    text.ends_with(['/', MAIN_SEPARATOR]) || path.is_dir()
}

impl Destination {
    /// What `--output` means for one file, or for several.
    ///
    /// # Errors
    /// When it names a file where a folder is needed, or the other way round.
    pub fn read(path: &Path, one: bool, overwrite: bool) -> Result<Destination, ToolError> {
        let refused = |why: String, next: String| Err(ToolError::new("Nothing was exported", why, next));
        let shown = path.display();
        if names_a_folder(path) {
            // Without the separator at its end, with which no file is found.
            if path.components().as_path().is_file() {
                return refused(format!("{shown} is a file, not a folder"), "another --output".to_owned());
            }
            return Ok(Destination::Folder { path: path.to_owned(), overwrite });
        }
        let Some(name) = path.file_name().filter(|_| one) else {
            return refused(
                format!("several views do not go into one file, and {shown} names no folder"),
                format!("--output {shown}/ for a folder with a file per view, or --dataset VIEW for one of them"),
            );
        };
        let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
        Ok(Destination::File { folder: folder.to_owned(), name: name.to_string_lossy().into_owned(), overwrite })
    }

    /// Whether it is a folder that the user named.
    pub fn is_folder(&self) -> bool {
        matches!(self, Destination::Folder { .. })
    }

    /// The folder that the files end in, or below.
    pub fn above(&self, root: &DataRoot) -> PathBuf {
        match self {
            Destination::Exports => root.exports_dir(),
            Destination::Folder { path, .. } => path.clone(),
            Destination::File { folder, .. } => folder.clone(),
        }
    }

    /// Refuses the store's own folders: a file among the parts would be taken for one.
    ///
    /// # Errors
    /// When it is inside the data root and not in `exports/`.
    pub fn check(&self, root: &DataRoot) -> Result<(), ToolError> {
        let above = self.above(root);
        let absolute = std::path::absolute(&above).unwrap_or(above);
        // What is not there yet has no links in it.
        let real = absolute.ancestors().find_map(|there| {
            let real = std::fs::canonicalize(there).ok()?;
            Some(absolute.strip_prefix(there).map_or_else(|_| real.clone(), |rest| real.join(rest)))
        });
        let real = real.unwrap_or(absolute);
        if real.starts_with(root.path()) && !real.starts_with(root.exports_dir()) {
            return Err(ToolError::new(
                "Nothing was exported",
                format!("{} is inside the data root, whose folders are the store's own", real.display()),
                format!("leave --output out, or name a folder in {}", root.exports_dir().display()),
            ));
        }
        Ok(())
    }

    /// Refuses what is in the way, before anything is computed.
    ///
    /// # Errors
    /// When a file of these names, or the manifest, is there and may not be replaced.
    pub fn refuse_taken(&self, names: &[String]) -> Result<(), ToolError> {
        let (folder, overwrite) = match self {
            Destination::Exports => return Ok(()),
            Destination::Folder { path, overwrite } => (path, overwrite),
            Destination::File { folder, overwrite, .. } => (folder, overwrite),
        };
        let manifest = self.manifest_name();
        let mut targets =
            names.iter().map(String::as_str).chain([manifest.as_str()]).map(|name| folder.join(name));
        match targets.find(|target| target.exists()) {
            Some(target) if !overwrite => Err(taken(&target)),
            _ => Ok(()),
        }
    }

    /// Gives the files and their manifest their final place; `fresh` names the folder where a new one is made.
    ///
    /// # Errors
    /// When the system refuses, or a name was taken meanwhile.
    pub fn finish(
        &self,
        making: Making,
        names: &[String],
        fresh: &str,
        manifest: &Value,
    ) -> Result<Place, ToolError> {
        let name = self.manifest_name();
        let folder = match self {
            Destination::Exports => making.publish(fresh, manifest)?,
            Destination::Folder { path: folder, overwrite } | Destination::File { folder, overwrite, .. } => {
                making.deliver(names, &name, manifest, *overwrite)?;
                folder.clone()
            }
        };
        Ok(Place { manifest: folder.join(name), folder })
    }

    fn manifest_name(&self) -> String {
        match self {
            Destination::File { name, .. } => beside(name),
            _ => MANIFEST.to_owned(),
        }
    }
}

/// The manifest's name beside a file: games.jsonl has games.manifest.json.
fn beside(file: &str) -> String {
    let stem = Path::new(file).file_stem().unwrap_or_default().to_string_lossy();
    format!("{stem}.{MANIFEST}")
}
