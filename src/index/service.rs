//! The index inside a server: opened by the first search, never before; opened again when it was replaced.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use tokio::sync::{Mutex, OnceCell};

use super::checkpoint::Checkpoint;
use super::embed::{self, Embedder, Settings};
use super::error::IndexError;
use super::query::{Found, Question, Reader};
use super::units::Unit;
use crate::store::catalog::FileStamp;
use crate::store::root::DataRoot;

/// Gives the model in force, or says why there is none and what to do. Never fetches one.
pub type Models = Arc<dyn Fn() -> Result<Arc<dyn Embedder>, String> + Send + Sync>;

/// Search for the tools of a server.
pub struct Service {
    root: PathBuf,
    models: Models,
    model: OnceCell<Arc<dyn Embedder>>,
    reader: Mutex<Option<(FileStamp, Arc<Reader>)>>,
}

impl Service {
    /// Search on a data root. Does nothing yet.
    pub fn new(root: impl Into<PathBuf>, models: Models) -> Service {
        Service { root: root.into(), models, model: OnceCell::new(), reader: Mutex::new(None) }
    }

    /// Search with the model that the environment asks for.
    pub fn of_environment(root: &Path) -> Service {
        Service::new(
            root,
            Arc::new(|| {
                Settings::from_env().and_then(|wanted| embed::open(&wanted)).map_err(|error| error.to_string())
            }),
        )
    }

    /// The units that come with the program: all there is to search while there is no index.
    pub fn reference(&self) -> Vec<Unit> {
        super::units::reference::units()
    }

    /// The data root.
    pub fn root(&self) -> &Path {
        &self.root
    }

    /// Answers a question from the index as it stands now.
    ///
    /// # Errors
    /// As [`Reader::search`]; [`IndexError::Missing`] while there is no index.
    pub async fn search(&self, question: &Question) -> Result<Found, IndexError> {
        let reader = self.reader().await?;
        let (embedder, missing) = self.model().await;
        match reader.search(question, embedder.clone(), missing.as_deref()).await {
            // The table was replaced while it was read, or is really damaged: opening it again tells which.
            Err(IndexError::Damaged { .. }) => {
                *self.reader.lock().await = None;
                self.reader().await?.search(question, embedder, missing.as_deref()).await
            }
            other => other,
        }
    }

    /// The model in force, or why there is none. Asked again until there is one: it may be fetched meanwhile.
    pub async fn model(&self) -> (Option<Arc<dyn Embedder>>, Option<String>) {
        let load = || async {
            let models = Arc::clone(&self.models);
            tokio::task::spawn_blocking(move || models()).await.unwrap_or_else(|error| Err(error.to_string()))
        };
        match self.model.get_or_try_init(load).await {
            Ok(model) => (Some(Arc::clone(model)), None),
            Err(why) => (None, Some(why)),
        }
    }

    /// The index as it stands; the checkpoint file tells cheaply whether it has changed.
    pub async fn reader(&self) -> Result<Arc<Reader>, IndexError> {
        let root = DataRoot::open(&self.root)?;
        let stamp = FileStamp::of(&Checkpoint::path(&root));
        let mut open = self.reader.lock().await;
        if let Some((known, reader)) = open.as_ref()
            && *known == stamp
        {
            return Ok(Arc::clone(reader));
        }
        let reader = Arc::new(Reader::open(&root).await?);
        *open = Some((stamp, Arc::clone(&reader)));
        Ok(reader)
    }
}
