//! `replayer protocol …`: the Protocol Explorer on a terminal. One file per command.

mod check;
mod diff;
mod events;
mod export;
mod review;
mod samples;
mod show;
mod table;

use std::path::Path;
use std::process::ExitCode;

use clap::{Args, Subcommand};

use super::{CliError, Out};
use crate::store::root::DataRoot;
use crate::verify::check::Scope;
use crate::verify::explore::{ExploreError, Explorer};

/// Explore the protocol: its events and fields, statements checked against the data, documents.
#[derive(Debug, Args)]
pub struct ProtocolArgs {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    Events(events::EventsArgs),
    Show(show::ShowArgs),
    Samples(samples::SamplesArgs),
    Check(check::CheckArgs),
    Diff(diff::DiffArgs),
    Export(export::ExportArgs),
    Review(review::ReviewArgs),
}

/// What part of the data to look at.
#[derive(Debug, Clone, Default, Args)]
struct ScopeArgs {
    /// Only this session.
    #[arg(long, value_name = "UUID", help_heading = "Scope")]
    session: Option<String>,
    /// Only this source: cdp, public_ws, replay, ui or import.
    #[arg(long, value_name = "NAME", help_heading = "Scope")]
    source: Option<String>,
    /// Only from this date or time on, UTC.
    #[arg(long, value_name = "WHEN", help_heading = "Scope")]
    from: Option<String>,
    /// Only up to this date, or before this time.
    #[arg(long, value_name = "WHEN", help_heading = "Scope")]
    to: Option<String>,
}

impl ScopeArgs {
    fn scope(&self) -> Scope {
        Scope {
            session_id: self.session.clone(),
            source: self.source.clone(),
            from: self.from.clone(),
            to: self.to.clone(),
            phases: Vec::new(),
        }
    }
}

/// Runs `replayer protocol …`.
///
/// # Errors
/// When the store cannot be read, or what was asked for is not there; the message says what is.
pub fn run(args: ProtocolArgs, path: &Path, out: &mut Out) -> Result<ExitCode, CliError> {
    let root = DataRoot::open(path)?;
    match args.command {
        Command::Events(args) => events::run(&args, &root, out),
        Command::Show(args) => show::run(&args, &root, out),
        Command::Samples(args) => samples::run(&args, &root, out),
        Command::Check(args) => check::run(&args, &root, out),
        Command::Diff(args) => diff::run(&args, &root, out),
        Command::Export(args) => export::run(&args, &root, out),
        Command::Review(args) => review::run(&args, &root, out),
    }
}

fn explorer(root: &DataRoot) -> Explorer {
    Explorer::new(root.path())
}

/// On a terminal a question is stopped by Ctrl-C, which ends the process.
fn never() -> bool {
    false
}

fn failed(error: ExploreError) -> CliError {
    CliError::Failed(error.to_string())
}
