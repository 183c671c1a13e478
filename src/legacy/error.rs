//! What can go wrong with an import, an export or a comparison, and what to do about it.

use std::io;
use std::path::{Path, PathBuf};

use replayer_store::StoreError;

/// An error that ends the whole command. What concerns one file only is in its line of the report.
#[derive(Debug, thiserror::Error)]
pub enum LegacyError {
    /// A path that was named cannot be read.
    #[error("cannot read {}: {source}. Nothing was imported; check the path, or leave it out", path.display())]
    Path {
        /// As it was named.
        path: PathBuf,
        /// The system's reason.
        #[source]
        source: io::Error,
    },
    /// A file that could be read at first could not be read to its end.
    #[error(
        "reading {} broke off: {source}. Nothing of it was imported, nor of the files read shortly before; \
         import again when it is whole, or leave it out",
        path.display()
    )]
    Interrupted {
        /// The file.
        path: PathBuf,
        /// The system's reason.
        #[source]
        source: io::Error,
    },
    /// Writing the export failed.
    #[error(
        "cannot write the export: {0}. What was written so far is incomplete; free space or name another file, then export again"
    )]
    Write(#[source] io::Error),
    /// The store refused.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The time zone database is not what it should be: a defect of the build.
    #[error("the time zone rules of New York are missing from this build: {0}")]
    Zone(#[from] jiff::Error),
    /// An argument cannot be understood.
    #[error("{0}")]
    Argument(String),
}

impl LegacyError {
    /// Wraps an I/O error with the path it concerns; for `map_err`.
    pub fn path(path: &Path) -> impl FnOnce(io::Error) -> LegacyError {
        let path = path.to_owned();
        move |source| LegacyError::Path { path, source }
    }
}
