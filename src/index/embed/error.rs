//! Why texts could not be embedded, and what to do next.

use std::path::{Path, PathBuf};

/// Each message says what happened, why, and the next step.
#[derive(Debug, thiserror::Error)]
pub enum EmbedError {
    /// The model or a part of it is not there, or not whole.
    #[error("no embedding model is ready: {reason}. {how}")]
    Missing {
        /// What is not there.
        reason: String,
        /// What mends it.
        how: String,
    },
    /// A setting has a value that means nothing.
    #[error("{name} is \"{value}\": {why}")]
    Setting {
        /// The environment variable.
        name: &'static str,
        /// Its value.
        value: String,
        /// What it should be.
        why: String,
    },
    /// The file system refused.
    #[error("cannot {doing} {}: {source}", path.display())]
    Io {
        /// What was being done.
        doing: &'static str,
        /// To which file.
        path: PathBuf,
        /// The system's reason.
        source: std::io::Error,
    },
    /// No source had the files.
    #[error("{what} could not be fetched:{reasons}\n{how}")]
    Fetch {
        /// What was wanted.
        what: &'static str,
        /// A line for each source with its reason.
        reasons: String,
        /// How to go on without any source.
        how: String,
    },
    /// ONNX Runtime or the model failed.
    #[error("the embedding model does not run: {why}. {how}")]
    Model {
        /// The runtime's reason.
        why: String,
        /// What mends it.
        how: String,
    },
    /// The service cannot be reached or refuses.
    #[error("{id} does not embed: {why}. {how}")]
    Service {
        /// The model.
        id: String,
        /// The service's reason, or the network's.
        why: String,
        /// What to try.
        how: String,
    },
    /// Vectors of another length than the model's.
    #[error(
        "{id} returned a vector of {found} numbers where {expected} were expected: it is not the model it was. \
         Name the right model in REPLAYER_EMBEDDER, or rebuild the index (`replayer index build --full`)"
    )]
    Dimension {
        /// The model.
        id: String,
        /// The model's dimension.
        expected: usize,
        /// What came.
        found: usize,
    },
}

impl EmbedError {
    /// Names the file that the system refused.
    pub fn io(doing: &'static str, path: &Path) -> impl FnOnce(std::io::Error) -> EmbedError {
        move |source| EmbedError::Io { doing, path: path.to_path_buf(), source }
    }
}
