//! Texts into vectors.
//!
//! * [`settings`] — what the user's environment asks for. [`files`] — the pinned files and their digests.
//! * [`locate`] — what is in force, told from the files alone: nothing is loaded and nothing is fetched.
//! * [`fetch`] — brings what is missing, when a person or a command asks for it; never inside a tool call.
//! * [`local`] — all-MiniLM-L6-v2 in ONNX Runtime. [`http`] — `openai:…` and `voyage:…`.
//! * [`telemetry`] — how ONNX Runtime is kept from reporting to its maker.
//!
//! ```no_run
//! use replayer::index::embed::{self, ModelState, Settings};
//! let settings = Settings::from_env()?;
//! if let ModelState::Ready(info, _) = embed::state(&settings) {
//!     let embedder = embed::open(&settings)?;
//!     assert_eq!(embedder.embed(&["rug pull"])?[0].len(), info.dimension);
//! }
//! # Ok::<(), embed::EmbedError>(())
//! ```

pub mod error;
pub mod fetch;
pub mod files;
pub mod http;
pub mod local;
pub mod locate;
pub mod settings;
pub mod telemetry;

use std::path::PathBuf;
use std::sync::Arc;

use serde::Serialize;

pub use error::EmbedError;
pub use locate::state;
pub use settings::Settings;

/// Turns texts into vectors of one model.
pub trait Embedder: Send + Sync {
    /// The model whose vectors these are. Vectors of two models whose digests differ must not be compared.
    fn model(&self) -> &ModelInfo;

    /// One vector of length 1 (L2) per text, in the order of the texts. The first call may load the model.
    ///
    /// It computes, or waits for a service: call it from a thread that may block.
    ///
    /// # Errors
    /// When the model cannot be loaded, or the service cannot be reached, refuses, or answers nonsense.
    fn embed(&self, texts: &[&str]) -> Result<Vec<Vec<f32>>, EmbedError>;
}

/// Which model, so that an index can refuse another one's vectors.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct ModelInfo {
    /// `all-MiniLM-L6-v2-int8`, `openai:text-embedding-3-small`, …
    pub id: String,
    /// How many numbers a vector has. 0 in a [`ModelState`] only: an HTTP model that is not in our table, whose
    /// first answer will tell; [`open`] asks for that answer.
    pub dimension: usize,
    /// SHA-256 (lower-case hex) over the digests of the model's files; over the name for an HTTP model.
    pub digest: String,
}

/// Whether vectors can be had now.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ModelState {
    /// Everything is in place.
    Ready(ModelInfo, Origin),
    /// Search by meaning is not possible; search by keywords is.
    Missing {
        /// What is not there, or not whole.
        reason: String,
        /// The command or the setting that mends it.
        how: String,
    },
}

/// Where a model is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Origin {
    /// On this disk.
    Files(ModelFiles),
    /// Behind an URL.
    Service {
        /// The base URL, without the key.
        url: String,
    },
}

/// The files of a local model.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct ModelFiles {
    /// Holds `model.onnx` and the tokenizer's four files.
    pub folder: PathBuf,
    /// ONNX Runtime's library; none in a build that has it linked in.
    pub runtime: Option<PathBuf>,
    /// Whether one text's vector depends on the other texts of its batch. Some quantised exports scale
    /// activations over the whole batch: those are run text by text.
    pub alone: bool,
}

/// The embedder that the settings ask for. A local model is loaded by the first `embed`; keep the embedder, so
/// that it stays warm. An HTTP model that is not in our table is asked for one vector, to learn the dimension.
///
/// # Errors
/// [`EmbedError::Missing`] when [`state`] says so, or when the service does not answer.
pub fn open(settings: &Settings) -> Result<Arc<dyn Embedder>, EmbedError> {
    match state(settings) {
        ModelState::Missing { reason, how } => Err(EmbedError::Missing { reason, how }),
        ModelState::Ready(info, Origin::Files(files)) => Ok(Arc::new(local::LocalEmbedder::new(info, files))),
        ModelState::Ready(info, Origin::Service { url }) => {
            Ok(Arc::new(http::HttpEmbedder::connect(info, url, settings.key())?))
        }
    }
}

/// The vector at length 1; a vector of zeros stays as it is.
fn normalised(mut vector: Vec<f32>) -> Vec<f32> {
    let norm = vector.iter().map(|x| f64::from(*x) * f64::from(*x)).sum::<f64>().sqrt();
    if norm > 0.0 {
        for x in &mut vector {
            *x = (f64::from(*x) / norm) as f32;
        }
    }
    vector
}
