//! A file under a temporary name.

use std::io;
use std::path::{Path, PathBuf};

/// A file that is on its way: given its name when it is complete, removed when this is dropped before. One that cannot be
/// removed either stays under its temporary name, which no reader looks at, until the next start.
#[derive(Debug)]
pub struct Temporary {
    path: PathBuf,
    is_named: bool,
}

impl Temporary {
    /// The temporary file at `path`, which is not made here.
    pub fn new(path: PathBuf) -> Temporary {
        Temporary { path, is_named: false }
    }

    /// Its temporary name.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Gives it its name, in place of whatever has it.
    ///
    /// # Errors
    /// Those of the system; the file is then removed.
    pub fn name(mut self, path: &Path) -> io::Result<()> {
        super::rename(&self.path, path)?;
        self.is_named = true;
        Ok(())
    }
}

impl Drop for Temporary {
    fn drop(&mut self) {
        if !self.is_named {
            let _ = super::remove_file(&self.path);
        }
    }
}
