//! A capture with everything that goes along with it: games are proven when their seed comes, and a process keeps the
//! index up to date. Whoever records starts it here: `serve` and `record`.

use std::time::Duration;

use tokio::sync::watch;

use super::index_supervisor::{self, Supervised};
use crate::capture::{Capture, Options, Role};
use crate::replay::proof::background::{self, Proving};
use crate::store::StoreError;
use crate::store::root::DataRoot;

/// A capture and its company.
#[derive(Debug)]
pub struct Recording {
    capture: Capture,
    proving: Proving,
    index: Option<Supervised>,
}

impl Recording {
    /// Starts it, within a Tokio runtime. Returns at once.
    pub fn start(root: &DataRoot, options: Options, keep_index: bool) -> Recording {
        let capture = Capture::start(root.clone(), options);
        let proving = background::supervise(root.clone(), capture.journal());
        let index = keep_index.then(|| index_supervisor::supervise(root.path(), capture.role()));
        let index = index.and_then(|kept| {
            kept.map_err(|error| tracing::warn!(%error, "the index is not kept up to date while recording")).ok()
        });
        Recording { capture, proving, index }
    }

    /// The capture.
    pub fn capture(&self) -> &Capture {
        &self.capture
    }

    /// What this process does for the capture.
    pub fn role(&self) -> watch::Receiver<Role> {
        self.capture.role()
    }

    /// Proves what can be proven by now, stops and seals the capture, and lets the index take in what was sealed: the last
    /// game need not wait for the next run. Whether all is sealed by then: false when `limit` ended first. Frames are
    /// safe in any case; what is not sealed, proven or indexed is left to the next run.
    ///
    /// # Errors
    /// As [`Capture::stop`].
    pub async fn stop(self, limit: Duration) -> Result<bool, StoreError> {
        self.proving.finish().await;
        let stopped = tokio::time::timeout(limit, self.capture.stop()).await;
        if let (Some(index), Ok(Ok(()))) = (self.index, &stopped) {
            index.finish().await;
        }
        stopped.map_or(Ok(false), |stopped| stopped.map(|()| true))
    }
}
