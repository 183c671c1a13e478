//! The one door to the disk. Every operation on a file or a folder of the store passes through here, so that a test can
//! let any one of them fail ([`faults`]); outside of tests the functions are those of [`std::fs`] and cost the same.
//!
//! * [`File`] — an open file.
//! * [`replace`], [`exchange`] — a file replaced as a whole. [`sync_folder`] — a folder that remembers it.
//! * [`Temporary`] — a file that goes away unless it is given its name.

mod faults;
mod file;
mod temporary;

use std::fs;
use std::io::{self, Write};
use std::path::{Path, PathBuf};

pub use std::fs::{Metadata, TryLockError};

pub use file::File;
pub use temporary::Temporary;

use super::StoreError;
#[cfg(not(test))]
use faults::Operation;
use faults::reached;

#[cfg(test)]
pub(crate) use faults::{Disk, Fault, Operation};

/// Replaces `path` with `bytes`: when this returns, the new content is durable; whenever it is interrupted,
/// the old content is whole.
///
/// # Errors
/// When the folder cannot be written to; the old content is then in place. When only the folder cannot be synced, the new
/// content is in place, and a power cut may bring the old one back; writing it once more makes sure.
pub fn replace(path: &Path, bytes: &[u8]) -> Result<(), StoreError> {
    exchange(path, bytes)?;
    sync_folder(path.parent().unwrap_or(Path::new(".")))
}

/// As [`replace`], without syncing the folder: the new content is in place when this returns, and a power cut brings back
/// the old content or the new one, each whole.
///
/// # Errors
/// When the folder cannot be written to; the old content is then in place.
pub fn exchange(path: &Path, bytes: &[u8]) -> Result<(), StoreError> {
    let temporary = Temporary::new(path.with_extension(format!("tmp-{}", std::process::id())));
    File::create(temporary.path())
        .and_then(|mut file| {
            file.write_all(bytes)?;
            file.sync_all()
        })
        .and_then(|()| temporary.name(path))
        .map_err(StoreError::io("write", path))
}

/// Makes renames and deletions in `folder` durable.
///
/// # Errors
/// When the folder cannot be opened or synced.
pub fn sync_folder(folder: &Path) -> Result<(), StoreError> {
    File::open(folder).and_then(|file| file.sync_all()).map_err(StoreError::io("sync", folder))
}

/// Removes a file; one that is already gone is fine.
///
/// # Errors
/// When the system refuses.
pub fn remove(path: &Path) -> Result<(), StoreError> {
    match remove_file(path) {
        Ok(()) => Ok(()),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
        Err(error) => Err(StoreError::io("remove", path)(error)),
    }
}

/// The whole content of a file.
///
/// # Errors
/// Those of the system.
pub fn read(path: &Path) -> io::Result<Vec<u8>> {
    reached(Operation::Read, path)?;
    fs::read(path)
}

/// What the system knows of a file: its size, when it was written.
///
/// # Errors
/// Those of the system.
pub fn metadata(path: &Path) -> io::Result<Metadata> {
    reached(Operation::Look, path)?;
    fs::metadata(path)
}

/// Whether something is at this path. A disk that does not answer is an error, not a "no".
///
/// # Errors
/// Those of the system.
pub fn exists(path: &Path) -> io::Result<bool> {
    reached(Operation::Look, path)?;
    path.try_exists()
}

/// The path without links, absolute.
///
/// # Errors
/// When nothing is there.
pub fn canonicalize(path: &Path) -> io::Result<PathBuf> {
    reached(Operation::Look, path)?;
    fs::canonicalize(path)
}

/// What is in a folder, in no order. All of it or an error: a listing that ends early would hide what is stored.
///
/// # Errors
/// Those of the system.
pub fn entries(folder: &Path) -> io::Result<Vec<Entry>> {
    reached(Operation::List, folder)?;
    fs::read_dir(folder)?
        .filter_map(|entry| {
            let listed = entry.and_then(|entry| {
                let is_folder = entry.file_type()?.is_dir();
                Ok(Entry { path: entry.path(), is_folder })
            });
            match listed {
                // Gone since the folder was listed.
                Err(error) if error.kind() == io::ErrorKind::NotFound => None,
                listed => Some(listed),
            }
        })
        .collect()
}

/// One thing in a folder.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry {
    /// Where it is.
    pub path: PathBuf,
    /// Whether it is a folder itself.
    pub is_folder: bool,
}

/// Creates a folder and those above it; one that is there is fine.
///
/// # Errors
/// Those of the system.
pub fn create_dir_all(folder: &Path) -> io::Result<()> {
    reached(Operation::Create, folder)?;
    fs::create_dir_all(folder)
}

/// Gives a file another name, in place of whatever has it.
///
/// # Errors
/// Those of the system; both names are then as they were.
pub fn rename(from: &Path, to: &Path) -> io::Result<()> {
    reached(Operation::Rename, to)?;
    fs::rename(from, to)
}

/// Removes a file that is there.
///
/// # Errors
/// Those of the system.
pub fn remove_file(path: &Path) -> io::Result<()> {
    reached(Operation::Remove, path)?;
    fs::remove_file(path)
}

/// Removes an empty folder.
///
/// # Errors
/// When something is in it, and those of the system.
pub fn remove_dir(folder: &Path) -> io::Result<()> {
    reached(Operation::Remove, folder)?;
    fs::remove_dir(folder)
}

/// Lets only the owner into a folder; nothing on systems without such rights.
///
/// # Errors
/// Those of the system.
#[cfg(unix)]
pub fn restrict(folder: &Path) -> io::Result<()> {
    use std::os::unix::fs::PermissionsExt;
    reached(Operation::Create, folder)?;
    fs::set_permissions(folder, fs::Permissions::from_mode(0o700))
}

/// Lets only the owner into a folder; nothing on systems without such rights.
///
/// # Errors
/// None here.
#[cfg(not(unix))]
pub fn restrict(_folder: &Path) -> io::Result<()> {
    Ok(())
}

#[cfg(test)]
mod tests;
