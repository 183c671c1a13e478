//! The desired state: what the sources should do. A small file, `run/capture.json`, replaced atomically; any process may
//! change it, and the holder of the lease follows it within a fifth of a second.
//!
//! ```json
//! {"version": 1, "sources": {"public_ws": {"on": true}, "cdp": {"on": true, "address": "http://127.0.0.1:9222"}},
//!  "set_by": "replayer record", "set_us": 1795435200000000}
//! ```
//!
//! What is absent is left to the process that captures. Fields that this build does not know are kept.

use std::fs::OpenOptions;
use std::path::PathBuf;

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::store::StoreError;
use crate::store::fsio;
use crate::store::record::{Source, now_us};
use crate::store::root::DataRoot;

/// What the sources should do.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct DesiredState {
    /// Version of the file's layout.
    #[serde(default = "version")]
    pub version: u32,
    /// The sources.
    #[serde(default)]
    pub sources: Sources,
    /// Who set it last, for people.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub set_by: Option<String>,
    /// When, microseconds UTC.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub set_us: Option<i64>,
    /// What a newer build wrote.
    #[serde(flatten)]
    pub other: Map<String, Value>,
}

/// The desired state for each source.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Sources {
    /// The public feed.
    #[serde(default)]
    pub public_ws: DesiredSource,
    /// The logged-in browser.
    #[serde(default)]
    pub cdp: DesiredSource,
    /// Sources of a newer build.
    #[serde(flatten)]
    pub other: Map<String, Value>,
}

/// The desired state for one source.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct DesiredSource {
    /// Whether it captures; absent: as the capturing process has it by default.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub on: Option<bool>,
    /// Where it connects to; absent: the default.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub address: Option<String>,
    /// What a newer build wrote.
    #[serde(flatten)]
    pub other: Map<String, Value>,
}

fn version() -> u32 {
    1
}

impl Default for DesiredState {
    fn default() -> DesiredState {
        DesiredState { version: 1, sources: Sources::default(), set_by: None, set_us: None, other: Map::new() }
    }
}

impl DesiredState {
    /// The file.
    pub fn path(root: &DataRoot) -> PathBuf {
        root.run_dir().join("capture.json")
    }

    /// Reads the desired state; the default where nobody has said anything yet.
    ///
    /// # Errors
    /// When the file cannot be read or is no desired state.
    pub fn load(root: &DataRoot) -> Result<DesiredState, StoreError> {
        let path = DesiredState::path(root);
        match std::fs::read(&path) {
            Ok(bytes) => DesiredState::parse(root, &bytes),
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(DesiredState::default()),
            Err(error) => Err(StoreError::io("read", &path)(error)),
        }
    }

    fn parse(root: &DataRoot, bytes: &[u8]) -> Result<DesiredState, StoreError> {
        serde_json::from_slice(bytes).map_err(|error| StoreError::Manifest {
            path: DesiredState::path(root),
            reason: error.to_string(),
            advice: "The capture goes on as it was. Remove the file, or start or stop the capture anew: that writes it",
        })
    }

    /// Changes the desired state and returns the new one. Changes of several processes do not get lost. A damaged file is
    /// replaced.
    ///
    /// # Errors
    /// When the root cannot be written to.
    pub fn change(
        root: &DataRoot,
        set_by: &str,
        change: impl FnOnce(&mut DesiredState),
    ) -> Result<DesiredState, StoreError> {
        let lock_path = root.run_dir().join("capture.lock");
        let lock = OpenOptions::new().write(true).create(true).truncate(false).open(&lock_path);
        let lock = lock.map_err(StoreError::io("open", &lock_path))?;
        lock.lock().map_err(StoreError::io("lock", &lock_path))?;
        let mut desired = DesiredState::load(root).unwrap_or_default();
        change(&mut desired);
        desired.set_by = Some(set_by.to_owned());
        desired.set_us = Some(now_us());
        let path = DesiredState::path(root);
        let bytes =
            serde_json::to_vec_pretty(&desired).map_err(|error| StoreError::io("write", &path)(error.into()))?;
        fsio::replace(&path, &bytes)?;
        Ok(desired)
    }

    /// The desired state for a source; `None` for sources that do not capture.
    pub fn source_mut(&mut self, source: Source) -> Option<&mut DesiredSource> {
        match source {
            Source::PublicWs => Some(&mut self.sources.public_ws),
            Source::Cdp => Some(&mut self.sources.cdp),
            Source::Replay | Source::Ui | Source::Import => None,
        }
    }
}

/// Follows the file.
#[derive(Debug)]
pub(super) struct Watch {
    root: DataRoot,
    seen: Option<Vec<u8>>,
    desired: DesiredState,
    problem: Option<String>,
}

impl Watch {
    pub(super) fn new(root: &DataRoot) -> Watch {
        let mut watch = Watch { root: root.clone(), seen: None, desired: DesiredState::default(), problem: None };
        watch.poll();
        watch
    }

    /// Looks at the file; the desired state stays as it was when the file is damaged. It is a few hundred bytes: reading it
    /// is as cheap as asking when it was changed, and cannot miss a change.
    pub(super) fn poll(&mut self) -> &DesiredState {
        let path = DesiredState::path(&self.root);
        let read = match std::fs::read(&path) {
            Ok(bytes) => Ok(bytes),
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(Vec::new()),
            Err(error) => Err(StoreError::io("read", &path)(error)),
        };
        let desired = match read {
            Ok(bytes) if self.seen.as_ref() == Some(&bytes) => return &self.desired,
            Ok(bytes) => {
                let desired = if bytes.is_empty() {
                    Ok(DesiredState::default())
                } else {
                    DesiredState::parse(&self.root, &bytes)
                };
                self.seen = Some(bytes);
                desired
            }
            Err(error) => Err(error),
        };
        match desired {
            Ok(desired) => (self.desired, self.problem) = (desired, None),
            Err(error) => {
                let problem = error.to_string();
                if self.problem.as_ref() != Some(&problem) {
                    tracing::warn!(%error, "the desired state for the capture cannot be read");
                }
                self.problem = Some(problem);
            }
        }
        &self.desired
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::indexing_slicing)]
    use super::*;

    fn root() -> (tempfile::TempDir, DataRoot) {
        let folder = tempfile::tempdir().unwrap();
        let root = DataRoot::create(folder.path().join("root")).unwrap();
        (folder, root)
    }

    #[test]
    fn fields_of_a_newer_build_survive_a_change() {
        let (_folder, root) = root();
        let newer = r#"{"version":7,"sources":{"public_ws":{"on":true,"burst":3},"phone":{"on":true}},"why":"x"}"#;
        std::fs::write(DesiredState::path(&root), newer).unwrap();
        DesiredState::change(&root, "test", |desired| desired.sources.public_ws.on = Some(false)).unwrap();
        let written: Value = serde_json::from_slice(&std::fs::read(DesiredState::path(&root)).unwrap()).unwrap();
        assert_eq!(written["version"], 7);
        assert_eq!(written["sources"]["public_ws"], serde_json::json!({"on": false, "burst": 3}));
        assert_eq!(written["sources"]["phone"]["on"], true);
        assert_eq!((written["why"].as_str(), written["set_by"].as_str()), (Some("x"), Some("test")));
    }

    #[test]
    fn changes_of_several_writers_do_not_get_lost() {
        let (_folder, root) = root();
        let changes = (0..8).map(|n| {
            let root = root.clone();
            std::thread::spawn(move || {
                DesiredState::change(&root, "test", |desired| {
                    desired.other.insert(format!("n{n}"), n.into());
                })
                .unwrap();
            })
        });
        let changes: Vec<_> = changes.collect();
        changes.into_iter().for_each(|change| change.join().unwrap());
        assert_eq!(DesiredState::load(&root).unwrap().other.len(), 8);
    }

    #[test]
    fn a_damaged_file_leaves_the_last_desired_state_in_force() {
        let (_folder, root) = root();
        DesiredState::change(&root, "test", |desired| desired.sources.public_ws.on = Some(false)).unwrap();
        let mut watch = Watch::new(&root);
        assert_eq!(watch.poll().sources.public_ws.on, Some(false));
        std::fs::write(DesiredState::path(&root), b"{\"sources\": ").unwrap();
        assert_eq!(watch.poll().sources.public_ws.on, Some(false));
        std::fs::remove_file(DesiredState::path(&root)).unwrap();
        assert_eq!(watch.poll().sources.public_ws.on, None, "nobody wishes any more");
    }
}
