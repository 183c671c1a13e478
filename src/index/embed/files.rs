//! The files a local model consists of, each pinned by its size and SHA-256, and how they are checked.
//!
//! Hashing 60 MB at every start would be felt, so a digest once computed is kept with the file's size and time
//! ([`Stamps`]); a file whose size or time differs is hashed again.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::{self, Read};
use std::path::{Path, PathBuf};
use std::time::UNIX_EPOCH;

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use crate::store::fsio;

/// A file that must be exactly this one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PinnedFile {
    /// Its name in our folders.
    pub name: &'static str,
    /// Its size in bytes.
    pub bytes: u64,
    /// Lower-case hex.
    pub sha256: &'static str,
}

/// One export of all-MiniLM-L6-v2 that was tried.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Build {
    /// Names the model in the index's manifest, and its folder in the cache.
    pub id: &'static str,
    /// `model.onnx`.
    pub model: PinnedFile,
}

/// How many numbers a vector of all-MiniLM-L6-v2 has.
pub const DIMENSION: usize = 384;

/// The graph's file name.
pub const MODEL: &str = "model.onnx";

/// Weights in int8, activations in f32: a text's vector does not depend on its neighbours in a batch, the file
/// is a quarter of the size, and it runs as fast or faster. From the Python packages.
pub const INT8: Build = Build {
    id: "all-MiniLM-L6-v2-int8",
    model: PinnedFile {
        name: MODEL,
        bytes: 22_928_619,
        sha256: "8199be6f699a395f99f89df973f9dc5285fbcfcdb2ae1a4e1201dab014f3d2a6",
    },
};

/// The authors' own export in f32, from the model hub. (The hub's int8 exports scale activations over the whole
/// batch, so the same text gives different vectors in different company.)
pub const F32: Build = Build {
    id: "all-MiniLM-L6-v2",
    model: PinnedFile {
        name: MODEL,
        bytes: 90_405_214,
        sha256: "6fd5d72fe4589f189f8ebc006442dbb529bb7ce38f8082112682524616046452",
    },
};

/// The builds in the order in which the cache is asked for them.
pub const BUILDS: [Build; 2] = [INT8, F32];

/// The tokenizer, the same for every build.
pub const TOKENIZER: [PinnedFile; 4] = [
    PinnedFile {
        name: "tokenizer.json",
        bytes: 466_247,
        sha256: "be50c3628f2bf5bb5e3a7f17b1f74611b2561a3a27eeab05e5aa30f411572037",
    },
    PinnedFile {
        name: "config.json",
        bytes: 612,
        sha256: "953f9c0d463486b10a6871cc2fd59f223b2c70184f49815e7efbcab5d8908b41",
    },
    PinnedFile {
        name: "special_tokens_map.json",
        bytes: 112,
        sha256: "303df45a03609e4ead04bc3dc1536d0ab19b5358db685b6f3da123d05ec200e3",
    },
    PinnedFile {
        name: "tokenizer_config.json",
        bytes: 350,
        sha256: "acb92769e8195aabd29b7b2137a9e6d6e25c476a4f15aa4355c233426c61576b",
    },
];

/// ONNX Runtime's version; the name of its folder in the cache.
pub const RUNTIME_VERSION: &str = "1.32.0";

/// ONNX Runtime's library for a platform.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Runtime {
    /// The library.
    pub library: PinnedFile,
    /// The platform's name among Python packages.
    pub platform: &'static str,
    /// The size of the package, for progress.
    pub package_bytes: u64,
}

/// The library for the platform this was built for; none where we have not pinned one.
pub const fn runtime() -> Option<Runtime> {
    if cfg!(all(target_os = "linux", target_arch = "x86_64", target_env = "gnu")) {
        Some(Runtime {
            library: PinnedFile {
                name: "libonnxruntime.so.1.32.0",
                bytes: 34_824_680,
                sha256: "6c1585d1bbf45b0712ea4a21b705c5fcb4ba04ff2e30f1fbf81a49faf658638f",
            },
            platform: "manylinux_2_28_x86_64",
            package_bytes: 27_780_211,
        })
    } else if cfg!(all(target_os = "linux", target_arch = "aarch64", target_env = "gnu")) {
        Some(Runtime {
            library: PinnedFile {
                name: "libonnxruntime.so.1.32.0",
                bytes: 27_165_936,
                sha256: "49852228a93995158b2a813d4df487d47a1b76b0eaa894507ef49e91b6d7954a",
            },
            platform: "manylinux_2_28_aarch64",
            package_bytes: 23_196_724,
        })
    } else if cfg!(all(target_os = "macos", target_arch = "aarch64")) {
        Some(Runtime {
            library: PinnedFile {
                name: "libonnxruntime.1.32.0.dylib",
                bytes: 35_272_344,
                sha256: "fa585fabbea65b823b9a8f7e27d46aee3989d1be7e36b528203d3a1fd613aae7",
            },
            platform: "macosx_14_0_arm64",
            package_bytes: 22_519_308,
        })
    } else {
        None
    }
}

/// Where a build lies in the cache.
pub fn model_folder(cache: &Path, build: &Build) -> PathBuf {
    cache.join("models").join(build.id)
}

/// Where ONNX Runtime lies in the cache.
pub fn runtime_folder(cache: &Path) -> PathBuf {
    cache.join("onnxruntime").join(RUNTIME_VERSION)
}

/// The digest that names a model: SHA-256 over its files' digests.
pub fn model_digest<'a>(files: impl IntoIterator<Item = (&'a str, &'a str)>) -> String {
    let mut hasher = Sha256::new();
    for (name, sha256) in files {
        hasher.update(format!("{name} {sha256}\n"));
    }
    hex(hasher)
}

/// SHA-256 of a text.
pub fn text_digest(text: &str) -> String {
    let mut hasher = Sha256::new();
    hasher.update(text);
    hex(hasher)
}

fn hex(hasher: Sha256) -> String {
    format!("{:x}", hasher.finalize())
}

/// What is wrong with a file.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Fault {
    /// It is not there.
    #[error("{} is not there", .0.display())]
    Absent(PathBuf),
    /// It is not the pinned one, or cannot be read.
    #[error("{} {why}", path.display())]
    Damaged {
        /// Which file.
        path: PathBuf,
        /// How that showed.
        why: String,
    },
}

/// Digests computed before, each with the size and the time of the file it was computed from.
#[derive(Debug, Default)]
pub struct Stamps {
    path: PathBuf,
    known: BTreeMap<String, Stamp>,
    changed: bool,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
struct Stamp {
    bytes: u64,
    modified_ns: u64,
    sha256: String,
}

impl Stamps {
    /// Reads what is known; an unreadable file means that everything is hashed again.
    pub fn load(cache: &Path) -> Stamps {
        let path = cache.join("stamps.json");
        let known =
            std::fs::read(&path).ok().and_then(|bytes| serde_json::from_slice(&bytes).ok()).unwrap_or_default();
        Stamps { path, known, changed: false }
    }

    /// The file's SHA-256, from its stamp where size and time still agree.
    ///
    /// # Errors
    /// When the file cannot be read.
    pub fn sha256(&mut self, path: &Path) -> io::Result<String> {
        let metadata = std::fs::metadata(path)?;
        let modified_ns = metadata
            .modified()
            .ok()
            .and_then(|time| time.duration_since(UNIX_EPOCH).ok())
            .and_then(|since| u64::try_from(since.as_nanos()).ok())
            .unwrap_or_default();
        let key = std::path::absolute(path)?.to_string_lossy().into_owned();
        if let Some(stamp) = self.known.get(&key)
            && (stamp.bytes, stamp.modified_ns) == (metadata.len(), modified_ns)
        {
            return Ok(stamp.sha256.clone());
        }
        let sha256 = hash(path)?;
        self.known.insert(key, Stamp { bytes: metadata.len(), modified_ns, sha256: sha256.clone() });
        self.changed = true;
        Ok(sha256)
    }

    /// Whether the file is the pinned one. The size alone tells a file that was cut short.
    ///
    /// # Errors
    /// What is wrong with it.
    pub fn check(&mut self, pinned: &PinnedFile, path: &Path) -> Result<(), Fault> {
        let damaged = |why: String| Fault::Damaged { path: path.to_path_buf(), why };
        match std::fs::metadata(path) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                return Err(Fault::Absent(path.to_path_buf()));
            }
            Err(error) => return Err(damaged(format!("cannot be read: {error}"))),
            Ok(metadata) if metadata.len() != pinned.bytes => {
                let word = if metadata.len() < pinned.bytes { "cut short" } else { "another file" };
                return Err(damaged(format!(
                    "is {word}: it has {} bytes where {} are right",
                    metadata.len(),
                    pinned.bytes
                )));
            }
            Ok(_) => {}
        }
        let sha256 = self.sha256(path).map_err(|error| damaged(format!("cannot be read: {error}")))?;
        if sha256 == pinned.sha256 {
            Ok(())
        } else {
            Err(damaged(format!("is not the pinned file: its SHA-256 is {sha256}, not {}", pinned.sha256)))
        }
    }

    /// Keeps what was learned. Best effort: without it, files are hashed again.
    pub fn save(&self) {
        if self.changed
            && self.path.parent().is_some_and(|folder| std::fs::create_dir_all(folder).is_ok())
            && let Ok(bytes) = serde_json::to_vec_pretty(&self.known)
            && let Err(error) = fsio::replace(&self.path, &bytes)
        {
            tracing::debug!(%error, "stamps of model files were not kept");
        }
    }
}

/// The SHA-256 of a file's content, in lower-case hex.
///
/// # Errors
/// When it cannot be read.
pub fn hash(path: &Path) -> io::Result<String> {
    let mut file = File::open(path)?;
    let mut hasher = Sha256::new();
    let mut buffer = vec![0; 1 << 18];
    loop {
        let read = file.read(&mut buffer)?;
        match buffer.get(..read) {
            None | Some([]) => return Ok(hex(hasher)),
            Some(bytes) => hasher.update(bytes),
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]
    use super::*;

    const HELLO: PinnedFile = PinnedFile {
        name: "hello",
        bytes: 5,
        sha256: "2cf24dba5fb0a30e26e83b2ac5b9e29e1b161e5c1fa7425e73043362938b9824",
    };

    #[test]
    fn the_pinned_file_passes_and_every_other_is_named() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("hello");
        let mut stamps = Stamps::load(folder.path());
        assert_eq!(stamps.check(&HELLO, &path), Err(Fault::Absent(path.clone())));
        std::fs::write(&path, "hel").unwrap();
        assert!(stamps.check(&HELLO, &path).unwrap_err().to_string().contains("cut short"));
        std::fs::write(&path, "jello").unwrap();
        assert!(stamps.check(&HELLO, &path).unwrap_err().to_string().contains("not the pinned file"));
        std::fs::write(&path, "hello").unwrap();
        assert_eq!(stamps.check(&HELLO, &path), Ok(()));
    }

    #[test]
    fn a_stamp_saves_the_hashing_until_size_or_time_change() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("hello");
        std::fs::write(&path, "hello").unwrap();
        let mut stamps = Stamps::load(folder.path());
        stamps.check(&HELLO, &path).unwrap();
        stamps.save();
        let mut again = Stamps::load(folder.path());
        again.check(&HELLO, &path).unwrap();
        assert!(!again.changed, "hashed again");
        // The same size at another time: hashed again, and found out.
        std::fs::write(&path, "jello").unwrap();
        let later = std::time::SystemTime::now() + std::time::Duration::from_secs(5);
        File::options().write(true).open(&path).unwrap().set_modified(later).unwrap();
        assert!(again.check(&HELLO, &path).is_err());
        // A damaged file of stamps is no trouble.
        std::fs::write(folder.path().join("stamps.json"), "{").unwrap();
        std::fs::write(&path, "hello").unwrap();
        assert_eq!(Stamps::load(folder.path()).check(&HELLO, &path), Ok(()));
    }

    #[test]
    fn the_models_digest_depends_on_every_file() {
        let digest = model_digest([("a", "1"), ("b", "2")]);
        assert_eq!(digest.len(), 64);
        assert_ne!(digest, model_digest([("a", "1"), ("b", "3")]));
    }
}
