//! The command line: one file per command family. What is printed goes through [`Out`].

pub mod capture_args;
pub mod completions;
pub mod context;
pub mod data;
pub mod demo;
pub mod doctor;
pub mod export;
pub mod game;
mod heap;
pub mod index;
pub mod legacy;
pub mod man;
pub mod model;
pub mod out;
pub mod protocol;
pub mod record;
pub mod replay;
pub mod schema;
pub mod serve;
pub mod simulate;
pub mod sql;
pub mod verify;
pub mod watch;

use std::path::PathBuf;
use std::process::ExitCode;

use clap::{CommandFactory, Parser, Subcommand};

use crate::index::embed::EmbedError;
use crate::legacy::error::LegacyError;
use crate::sql::{SqlError, worker};
use crate::store::StoreError;
use crate::store::root::DataRoot;
pub use out::Out;

/// Records the rugs.fun game protocol into Parquet and serves it to AI agents over MCP.
#[derive(Debug, Parser)]
#[command(name = "replayer", version, arg_required_else_help = true, propagate_version = true)]
pub struct Cli {
    /// The data root [default: $RUGS_DATA_DIR, else ~/rugs_data].
    #[arg(long, global = true, value_name = "PATH")]
    data: Option<PathBuf>,
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    Serve(serve::ServeArgs),
    Record(record::RecordArgs),
    Demo(demo::DemoArgs),
    Doctor(doctor::DoctorArgs),
    Sql(sql::SqlArgs),
    Watch(watch::WatchArgs),
    Replay(replay::ReplayArgs),
    Simulate(simulate::SimulateArgs),
    /// Look after the stored data: what is there, whether it is whole, how to give space back.
    Data(data::DataArgs),
    Export(export::ExportArgs),
    /// The layout of the stored rows: show it, or take older layouts in.
    Schema(schema::SchemaArgs),
    Legacy(legacy::LegacyArgs),
    Game(game::GameArgs),
    Model(model::ModelArgs),
    Index(index::IndexArgs),
    Protocol(protocol::ProtocolArgs),
    Verify(verify::VerifyArgs),
    Completions(completions::CompletionsArgs),
    Man(man::ManArgs),
    /// The child process that runs SQL; started by the server.
    #[command(hide = true)]
    SqlWorker(worker::WorkerArgs),
}

/// Why a command failed. The message says what happened, why, and what to do next.
#[derive(Debug, thiserror::Error)]
pub enum CliError {
    /// The store's reason.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// Printing failed.
    #[error("cannot print: {0}")]
    Print(#[from] std::io::Error),
    /// Importing, exporting or comparing failed.
    #[error(transparent)]
    Legacy(#[from] LegacyError),
    /// A query failed.
    #[error(transparent)]
    Sql(#[from] SqlError),
    /// The embedding model's reason.
    #[error(transparent)]
    Embed(#[from] EmbedError),
    /// The command's own reason, said in full.
    #[error("{0}")]
    Failed(String),
}

/// The command line as people see it, for completions and manual pages: without what only the program itself runs.
fn documented() -> clap::Command {
    let whole = Cli::command();
    let shown = whole.get_subcommands().filter(|command| !command.is_hide_set()).cloned().collect::<Vec<_>>();
    // clap cannot take a subcommand out again, so the outermost command is put together without the hidden ones.
    clap::Command::new("replayer")
        .version(env!("CARGO_PKG_VERSION"))
        .propagate_version(true)
        .subcommand_required(true)
        .about(whole.get_about().cloned().unwrap_or_default())
        .args(whole.get_arguments().cloned())
        .subcommands(shown)
}

/// Runs the command that the arguments name, and returns its exit code: 0 done, 1 failed or found something
/// wrong, 2 wrong usage.
pub fn main() -> ExitCode {
    let cli = Cli::parse();
    match run(cli) {
        Ok(code) => code,
        // The reader of our output has seen enough (`replayer … | head`).
        Err(CliError::Print(error)) if error.kind() == std::io::ErrorKind::BrokenPipe => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("replayer: {error}");
            ExitCode::FAILURE
        }
    }
}

fn run(cli: Cli) -> Result<ExitCode, CliError> {
    if let Command::SqlWorker(args) = cli.command {
        return Ok(worker::main(args));
    }
    if let Command::Demo(args) = cli.command {
        return demo::run(args, &mut Out::stdout());
    }
    if let Command::Model(args) = cli.command {
        return model::run(args, &mut Out::stdout());
    }
    if let Command::Completions(args) = cli.command {
        return completions::run(args, &mut Out::stdout());
    }
    if let Command::Man(args) = cli.command {
        return man::run(args, &mut Out::stdout());
    }
    let path = DataRoot::resolve(cli.data.as_deref())?;
    if let Command::Serve(args) = cli.command {
        heap::return_large_buffers();
        // Its stdout belongs to the protocol.
        return Ok(serve::run(args, path));
    }
    if let Command::Simulate(args) = cli.command {
        return simulate::run(args, &path, &mut Out::stdout());
    }
    if let Command::Record(args) = cli.command {
        heap::return_large_buffers();
        return Ok(record::run(args, &path));
    }
    let mut out = Out::stdout();
    match cli.command {
        Command::Doctor(args) => doctor::run(args, &path, &mut out),
        Command::Sql(args) => sql::run(args, &path, &mut out),
        Command::Watch(args) => watch::run(args, &path, &mut out),
        Command::Replay(args) => replay::run(args, &path, &mut out),
        Command::Data(args) => data::run(args, &path, &mut out),
        Command::Export(args) => export::run(args, &DataRoot::open(&path)?, &mut out),
        Command::Schema(args) => schema::run(args, &path, &mut out),
        Command::Legacy(args) => legacy::run(args, &path, &mut out),
        Command::Game(args) => game::run(args, &path, &mut out),
        Command::Index(args) => index::run(args, &path, &mut out),
        Command::Protocol(args) => protocol::run(args, &path, &mut out),
        Command::Verify(args) => verify::run(args, &path, &mut out),
        Command::Serve(_)
        | Command::Record(_)
        | Command::Simulate(_)
        | Command::Demo(_)
        | Command::Model(_)
        | Command::Completions(_)
        | Command::Man(_)
        | Command::SqlWorker(_) => Ok(ExitCode::SUCCESS),
    }
}
