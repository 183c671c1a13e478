//! `replayer game`: the recorded games, for people and scripts. Each subcommand is the agents' tool of the same purpose
//! called with the same arguments, so that both say the same.

use std::path::Path;
use std::process::ExitCode;
use std::sync::Arc;

use clap::{Args, Subcommand};
use tokio_util::sync::CancellationToken;

use super::{CliError, Out};
use crate::server::App;
use crate::sql::{self, SqlClient};
use crate::store::root::DataRoot;
use crate::tools::AgentTool;
use crate::verify::mark::rules::Policy;

pub mod chart;
mod list;
mod show;
mod verify;

/// `replayer game …`
#[derive(Debug, Args)]
pub struct GameArgs {
    #[command(subcommand)]
    command: GameCommand,
}

#[derive(Debug, Subcommand)]
enum GameCommand {
    List(list::ListArgs),
    Show(show::ShowArgs),
    Verify(verify::VerifyArgs),
    Chart(chart::ChartArgs),
}

/// Runs `replayer game …`.
///
/// # Errors
/// Those of the tool behind it, in its words.
pub fn run(args: GameArgs, path: &Path, out: &mut Out) -> Result<ExitCode, CliError> {
    if let GameCommand::Chart(args) = args.command {
        return chart::run(args, path, out);
    }
    let root = DataRoot::open(path)?;
    match args.command {
        GameCommand::List(args) => list::run(&args, &root, out),
        GameCommand::Show(args) => show::run(&args, &root, out),
        GameCommand::Verify(args) => verify::run(&args, &root, out),
        GameCommand::Chart(_) => Ok(ExitCode::SUCCESS),
    }
}

/// An agent's tools, called by this process.
struct Tools {
    app: Arc<App>,
    runtime: tokio::runtime::Runtime,
}

impl Tools {
    fn new(root: &DataRoot) -> Result<Tools, CliError> {
        let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build()?;
        let client = SqlClient::new(sql::Config::new(root.path()));
        let app = Arc::new(App::new(root.path().to_owned(), client, Policy::default(), CancellationToken::new()));
        Ok(Tools { app, runtime })
    }

    fn call<T: AgentTool>(&self, args: T::Args) -> Result<T::Output, CliError> {
        let called = self.runtime.block_on(T::call(self.app.clone(), args, CancellationToken::new()));
        called.map_err(|error| CliError::Failed(error.at_the_command_line()))
    }
}

impl Drop for Tools {
    fn drop(&mut self) {
        self.runtime.block_on(self.app.sql.shutdown());
    }
}

/// A number that may be unknown.
fn number<T: ToString>(value: Option<T>) -> String {
    value.map_or_else(String::new, |value| value.to_string())
}

/// A multiplier that may be unknown, with four digits.
fn price(value: Option<f64>) -> String {
    value.map_or_else(String::new, |value| format!("{value:.4}"))
}

/// Yes, no, or not known.
fn told(value: Option<bool>) -> String {
    value.map_or("", |value| if value { "yes" } else { "no" }).to_owned()
}
