//! `replayer game …`: recorded games on the command line.

pub mod chart;

use std::path::Path;
use std::process::ExitCode;

use clap::{Args, Subcommand};

use super::{CliError, Out};

/// Look at recorded games.
#[derive(Debug, Args)]
pub struct GameArgs {
    #[command(subcommand)]
    command: GameCommand,
}

#[derive(Debug, Subcommand)]
enum GameCommand {
    Chart(chart::ChartArgs),
}

/// Runs `replayer game …`.
///
/// # Errors
/// The command's own.
pub fn run(args: GameArgs, path: &Path, out: &mut Out) -> Result<ExitCode, CliError> {
    match args.command {
        GameCommand::Chart(args) => chart::run(args, path, out),
    }
}
