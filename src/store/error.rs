//! What can go wrong with the data root, and what to do about it.

use std::io;
use std::path::{Path, PathBuf};

/// An error of the store. The message says what happened, why, and what to do next.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// Reading or writing a file failed.
    #[error("cannot {doing} {}: {source}{}", path.display(), hint(source))]
    Io {
        /// What was being done, as a verb: "write", "read", "create".
        doing: &'static str,
        /// The file or folder.
        path: PathBuf,
        /// The system's reason.
        #[source]
        source: io::Error,
    },
    /// Another process writes to this root.
    #[error(
        "another process writes to {}: {holder}. Stop it, or use another data root; reading works meanwhile",
        root.display()
    )]
    Leased {
        /// The data root.
        root: PathBuf,
        /// Who holds the lease, as far as it said.
        holder: String,
    },
    /// Another process writes the semantic index.
    #[error(
        "another process writes the semantic index of {}: {holder}. Wait until it is done; searching works meanwhile",
        root.display()
    )]
    Indexing {
        /// The data root.
        root: PathBuf,
        /// Who holds the lock, as far as it said.
        holder: String,
    },
    /// The disk knows no locks.
    #[error(
        "{} cannot be locked: {reason}. Without locks two processes could write at once, so nothing is written here: put \
         the data root on a local disk, or on one with locks (NFS 4, SMB 3); reading works",
        path.display()
    )]
    Unlockable {
        /// The file that was to be locked.
        path: PathBuf,
        /// The system's reason.
        reason: String,
    },
    /// The root was written by a newer version of this program.
    #[error(
        "{} was written with schema {found}, this build knows {known}: it can be read but not written. \
         Upgrade replayer to write to it",
        root.display()
    )]
    NewerSchema {
        /// The data root.
        root: PathBuf,
        /// The version found.
        found: String,
        /// The version of this build.
        known: &'static str,
    },
    /// A manifest is not what it should be.
    #[error("{} is damaged: {reason}. {advice}", path.display())]
    Manifest {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        reason: String,
        /// What to do.
        advice: &'static str,
    },
    /// A Parquet part cannot be read.
    #[error(
        "the part {} cannot be read: {reason}. The other parts are untouched, and answers leave this one out from \
         now on: ask again. `replayer data verify` lists what is affected",
        path.display()
    )]
    Part {
        /// The file.
        path: PathBuf,
        /// The reader's reason.
        reason: String,
    },
    /// Arrow refused a batch: a defect of this program.
    #[error("rows could not be built: {0}")]
    Arrow(#[from] arrow::error::ArrowError),
    /// A text that is no id.
    #[error("{0:?} is not {1}")]
    BadId(String, &'static str),
    /// Something was used after it was closed.
    #[error("the recorder is closed: start a new session to record again")]
    Closed,
    /// What was asked cannot be done, said in full.
    #[error("{0}")]
    Refused(String),
}

impl StoreError {
    /// Wraps an I/O error with what was being done to which path; for `map_err`.
    pub fn io(doing: &'static str, path: &Path) -> impl FnOnce(io::Error) -> StoreError {
        let path = path.to_owned();
        move |source| StoreError::Io { doing, path, source }
    }

    /// Wraps a Parquet error of one part; for `map_err`.
    pub fn part<E: std::fmt::Display>(path: &Path) -> impl FnOnce(E) -> StoreError {
        let path = path.to_owned();
        move |error| StoreError::Part { path, reason: error.to_string() }
    }

    /// Whether a file was not there when it was to be opened.
    pub fn is_not_found(&self) -> bool {
        matches!(self, StoreError::Io { source, .. } if source.kind() == io::ErrorKind::NotFound)
    }

    /// Whether a file was not there, or a part cannot be read: whoever looks at the catalog again may find other parts.
    pub fn is_of_a_part(&self) -> bool {
        self.is_not_found() || matches!(self, StoreError::Part { .. })
    }

    /// Whether the disk was full.
    pub fn is_disk_full(&self) -> bool {
        matches!(self, StoreError::Io { source, .. } if source.kind() == io::ErrorKind::StorageFull)
    }
}

/// Input/output error, on every Unix; it has no kind of its own.
const EIO: i32 = 5;

/// The next step for the I/O errors people meet.
fn hint(error: &io::Error) -> &'static str {
    match error.kind() {
        io::ErrorKind::PermissionDenied | io::ErrorKind::ReadOnlyFilesystem => {
            ". Check who owns the data root, or name another with --data or RUGS_DATA_DIR"
        }
        io::ErrorKind::StorageFull => ". Nothing stored was lost; free space (`replayer data prune`), then go on",
        _ if cfg!(unix) && error.raw_os_error() == Some(EIO) => {
            ". The disk or its cable may be failing: look at the system's log (`dmesg`). Nothing stored was removed; try again"
        }
        _ => "",
    }
}
