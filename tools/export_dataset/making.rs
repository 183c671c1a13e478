//! How an export gets its final place: whole or not at all.
//!
//! Everything is written in a folder with a temporary name, beside or inside its target, so that the last step is a
//! rename. Dropped before that, the folder is removed.

use std::io;
use std::path::{Path, PathBuf};

use serde_json::Value;
use tempfile::TempPath;

use crate::server::errors::ToolError;

/// The name of a manifest in a folder of its own.
pub const MANIFEST: &str = "manifest.json";

/// A folder under a temporary name. Dropped before it is published, it is removed.
pub struct Making {
    above: PathBuf,
    /// Whether the folder above was made for this.
    made: bool,
    folder: PathBuf,
}

impl Making {
    /// Begins an export in the folder `above`, which is made when it is missing.
    ///
    /// # Errors
    /// When nothing can be written there.
    pub fn begin(above: &Path) -> Result<Self, ToolError> {
        let folder = above.join(format!(".making-{}", uuid::Uuid::now_v7().simple()));
        let made = !above.exists();
        std::fs::create_dir_all(&folder)
            .map_err(|error| ToolError::io(format!("The folder {} cannot be made", folder.display()), &error))?;
        Ok(Self { above: above.to_owned(), made, folder })
    }

    /// Where a file is to be written for now.
    pub fn path(&self, file: &str) -> PathBuf {
        self.folder.join(file)
    }

    /// Adds the manifest and renames the folder; a number is added to a name that is taken.
    ///
    /// # Errors
    /// When the system refuses; then nothing is left.
    pub fn publish(self, name: &str, manifest: &Value) -> Result<PathBuf, ToolError> {
        self.write_manifest(MANIFEST, manifest)?;
        for attempt in 1..100 {
            let target = self.above.join(if attempt == 1 { name.to_owned() } else { format!("{name}-{attempt}") });
            // Renaming onto an existing empty folder would succeed; nothing existing is overwritten.
            if target.exists() {
                continue;
            }
            return match std::fs::rename(&self.folder, &target) {
                Ok(()) => Ok(target),
                Err(_) if target.exists() => continue,
                Err(error) => Err(incomplete(&error)),
            };
        }
        Err(ToolError::new(
            "The export cannot be completed",
            format!("a hundred exports are named {name}"),
            "export_dataset with another name",
        ))
    }

    /// Adds the manifest and moves the files into the folder above; the manifest comes last, so that where it is,
    /// the files that it names are there. Unless `overwrite`, a name that is taken ends it.
    ///
    /// # Errors
    /// When a name is taken or the system refuses. Files that were moved by then stay.
    pub fn deliver(
        self,
        files: &[String],
        name: &str,
        manifest: &Value,
        overwrite: bool,
    ) -> Result<(), ToolError> {
        self.write_manifest(name, manifest)?;
        if overwrite {
            // The older manifest must not vouch for files that are being replaced.
            match std::fs::remove_file(self.above.join(name)) {
                Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(incomplete(&error)),
                _ => {}
            }
        }
        for file in files.iter().map(String::as_str).chain([name]) {
            let target = self.above.join(file);
            let from = TempPath::try_from_path(self.path(file)).map_err(|error| incomplete(&error))?;
            let moved = if overwrite { from.persist(&target) } else { from.persist_noclobber(&target) };
            moved.map_err(|error| match error.error.kind() {
                io::ErrorKind::AlreadyExists => taken(&target),
                _ => incomplete(&error.error),
            })?;
        }
        Ok(())
    }

    fn write_manifest(&self, name: &str, manifest: &Value) -> Result<(), ToolError> {
        let text = serde_json::to_string_pretty(manifest).unwrap_or_default() + "\n";
        std::fs::write(self.folder.join(name), text).map_err(|error| incomplete(&error))
    }
}

impl Drop for Making {
    fn drop(&mut self) {
        // After publishing there is nothing under this name any more.
        let _ = std::fs::remove_dir_all(&self.folder);
        if self.made {
            // Refused where something was published.
            let _ = std::fs::remove_dir(&self.above);
        }
    }
}

/// The refusal to write over a file.
pub fn taken(path: &Path) -> ToolError {
    ToolError::new(
        "Nothing was overwritten",
        format!("{} is there already", path.display()),
        "--overwrite replaces it; or name another --output",
    )
}

fn incomplete(error: &io::Error) -> ToolError {
    ToolError::io("The export cannot be completed", error)
}
