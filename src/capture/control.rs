//! The wish: what the sources should do. A small file, `run/capture.json`, replaced atomically; any process may
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
pub struct Wish {
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

/// The wish for each source.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Sources {
    /// The public feed.
    #[serde(default)]
    pub public_ws: SourceWish,
    /// The logged-in browser.
    #[serde(default)]
    pub cdp: SourceWish,
    /// Sources of a newer build.
    #[serde(flatten)]
    pub other: Map<String, Value>,
}

/// The wish for one source.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct SourceWish {
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

impl Default for Wish {
    fn default() -> Wish {
        Wish { version: 1, sources: Sources::default(), set_by: None, set_us: None, other: Map::new() }
    }
}

impl Wish {
    /// The file.
    pub fn path(root: &DataRoot) -> PathBuf {
        root.run_dir().join("capture.json")
    }

    /// Reads the wish; the default where nobody has wished yet.
    ///
    /// # Errors
    /// When the file cannot be read or is no wish.
    pub fn load(root: &DataRoot) -> Result<Wish, StoreError> {
        let path = Wish::path(root);
        match std::fs::read(&path) {
            Ok(bytes) => Wish::parse(root, &bytes),
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(Wish::default()),
            Err(error) => Err(StoreError::io("read", &path)(error)),
        }
    }

    fn parse(root: &DataRoot, bytes: &[u8]) -> Result<Wish, StoreError> {
        serde_json::from_slice(bytes).map_err(|error| StoreError::Manifest {
            path: Wish::path(root),
            reason: error.to_string(),
            advice: "The capture goes on as it was. Remove the file, or start or stop the capture anew: that writes it",
        })
    }

    /// Changes the wish and returns the new one. Changes of several processes do not get lost. A damaged file is
    /// replaced.
    ///
    /// # Errors
    /// When the root cannot be written to.
    pub fn change(root: &DataRoot, set_by: &str, change: impl FnOnce(&mut Wish)) -> Result<Wish, StoreError> {
        let lock_path = root.run_dir().join("capture.lock");
        let lock = OpenOptions::new().write(true).create(true).truncate(false).open(&lock_path);
        let lock = lock.map_err(StoreError::io("open", &lock_path))?;
        lock.lock().map_err(StoreError::io("lock", &lock_path))?;
        let mut wish = Wish::load(root).unwrap_or_default();
        change(&mut wish);
        wish.set_by = Some(set_by.to_owned());
        wish.set_us = Some(now_us());
        let path = Wish::path(root);
        let bytes =
            serde_json::to_vec_pretty(&wish).map_err(|error| StoreError::io("write", &path)(error.into()))?;
        fsio::replace(&path, &bytes)?;
        Ok(wish)
    }

    /// The wish for a source; `None` for sources that do not capture.
    pub fn source_mut(&mut self, source: Source) -> Option<&mut SourceWish> {
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
    wish: Wish,
    problem: Option<String>,
}

impl Watch {
    pub(super) fn new(root: &DataRoot) -> Watch {
        let mut watch = Watch { root: root.clone(), seen: None, wish: Wish::default(), problem: None };
        watch.poll();
        watch
    }

    /// Looks at the file; the wish stays as it was when the file is damaged. It is a few hundred bytes: reading it
    /// is as cheap as asking when it was changed, and cannot miss a change.
    pub(super) fn poll(&mut self) -> &Wish {
        let path = Wish::path(&self.root);
        let read = match std::fs::read(&path) {
            Ok(bytes) => Ok(bytes),
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(Vec::new()),
            Err(error) => Err(StoreError::io("read", &path)(error)),
        };
        let wish = match read {
            Ok(bytes) if self.seen.as_ref() == Some(&bytes) => return &self.wish,
            Ok(bytes) => {
                let wish = if bytes.is_empty() { Ok(Wish::default()) } else { Wish::parse(&self.root, &bytes) };
                self.seen = Some(bytes);
                wish
            }
            Err(error) => Err(error),
        };
        match wish {
            Ok(wish) => (self.wish, self.problem) = (wish, None),
            Err(error) => {
                let problem = error.to_string();
                if self.problem.as_ref() != Some(&problem) {
                    tracing::warn!(%error, "the wish for the capture cannot be read");
                }
                self.problem = Some(problem);
            }
        }
        &self.wish
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
        std::fs::write(Wish::path(&root), newer).unwrap();
        Wish::change(&root, "test", |wish| wish.sources.public_ws.on = Some(false)).unwrap();
        let written: Value = serde_json::from_slice(&std::fs::read(Wish::path(&root)).unwrap()).unwrap();
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
                Wish::change(&root, "test", |wish| {
                    wish.other.insert(format!("n{n}"), n.into());
                })
                .unwrap();
            })
        });
        let changes: Vec<_> = changes.collect();
        changes.into_iter().for_each(|change| change.join().unwrap());
        assert_eq!(Wish::load(&root).unwrap().other.len(), 8);
    }

    #[test]
    fn a_damaged_file_leaves_the_last_wish_in_force() {
        let (_folder, root) = root();
        Wish::change(&root, "test", |wish| wish.sources.public_ws.on = Some(false)).unwrap();
        let mut watch = Watch::new(&root);
        assert_eq!(watch.poll().sources.public_ws.on, Some(false));
        std::fs::write(Wish::path(&root), b"{\"sources\": ").unwrap();
        assert_eq!(watch.poll().sources.public_ws.on, Some(false));
        std::fs::remove_file(Wish::path(&root)).unwrap();
        assert_eq!(watch.poll().sources.public_ws.on, None, "nobody wishes any more");
    }
}
