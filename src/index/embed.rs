//! Stand-in until the module of the same name arrives: what turns texts into vectors.

/// Which model.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ModelInfo {
    /// Its name.
    pub id: String,
    /// Length of its vectors.
    pub dimension: usize,
    /// Digest of its files.
    pub digest: String,
}

/// Why no vectors came back.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub struct EmbedError(pub String);

/// Turns texts into vectors of length 1.
pub trait Embedder: Send + Sync {
    /// Which model it is.
    fn model(&self) -> &ModelInfo;

    /// One vector per text.
    ///
    /// # Errors
    /// When the model fails.
    fn embed(&self, texts: &[&str]) -> Result<Vec<Vec<f32>>, EmbedError>;
}
