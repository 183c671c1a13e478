//! `replayer serve`: the MCP server on stdin and stdout, as MCP clients start it.

use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::Duration;

use clap::{Args, ValueEnum};
use tracing_subscriber::EnvFilter;

use super::capture_args::SourceArgs;
use crate::server::run::{self, Config};
use crate::store::StoreError;
use crate::store::root::DataRoot;
use crate::verify::mark::rules::Policy;

/// Serves recorded games to AI agents over MCP on stdin and stdout.
///
/// An MCP client (Claude Desktop, Claude Code, Cursor, VS Code, Codex) starts this by itself; the README has the
/// configuration. Several copies on one data root are fine: the first one records the public feed in the background,
/// the others read along and take over when it ends. The log goes to stderr; RUST_LOG sets its level (default:
/// warn,replayer=info).
#[derive(Debug, Clone, Args)]
pub struct ServeArgs {
    /// Whether this copy may record.
    #[arg(long, value_enum, default_value_t = Switch::On, env = "REPLAYER_CAPTURE")]
    capture: Switch,
    #[command(flatten)]
    sources: SourceArgs,
    /// What an agent's word that the person decided counts for. noted: a mark, shown as relayed. canonical: enough for the
    /// canonical badge too.
    #[arg(long, value_enum, default_value_t = Relayed::Noted, env = "REPLAYER_RELAYED")]
    relayed: Relayed,
    /// While recording, do not keep the semantic index up to date: `replayer index build` does it later.
    #[arg(long)]
    no_index: bool,
}

/// On or off. Clients that fill in a form (MCP bundles) give `true` and `false`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Switch {
    #[value(alias = "true")]
    On,
    #[value(alias = "false")]
    Off,
}

/// What relayed decisions count for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Relayed {
    Noted,
    Canonical,
}

/// Runs until stdin ends or the process is asked to stop (SIGTERM, SIGINT); then exits with 0. Exits with 1 when it
/// could not serve.
pub fn run(args: ServeArgs, root: PathBuf) -> ExitCode {
    log_to_stderr();
    let root = match prepare(&root) {
        Ok(root) => root,
        Err(error) => {
            eprintln!("replayer serve: {error}");
            return ExitCode::FAILURE;
        }
    };
    let runtime = match tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build() {
        Ok(runtime) => runtime,
        Err(error) => {
            eprintln!("replayer serve: the system gave no threads: {error}");
            return ExitCode::FAILURE;
        }
    };
    let capture = (args.capture == Switch::On).then(|| args.sources.options("serve"));
    let policy = Policy { relayed_is_enough: args.relayed == Relayed::Canonical };
    let config = Config { capture, keep_index: !args.no_index, policy, ..Config::new(root) };
    let result = runtime.block_on(run::serve(config, run::stop_signal()));
    // A pending read of stdin cannot be cancelled; leaving main ends it with the process.
    runtime.shutdown_timeout(Duration::from_millis(100));
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("replayer serve: {error}");
            ExitCode::FAILURE
        }
    }
}

/// Makes the root and its CONTEXT.md where they are missing; a root that can only be read is served as it is.
fn prepare(path: &Path) -> Result<PathBuf, StoreError> {
    match DataRoot::create(path).and_then(|root| super::context::refresh(&root)) {
        Ok(()) => {}
        Err(error) => tracing::warn!(%error, "the data root cannot be written; serving what is there"),
    }
    Ok(DataRoot::open(path)?.path().to_owned())
}

/// Sends the log to stderr, unless the program has a log already. Never stdout: that is the protocol's.
fn log_to_stderr() {
    let filter = EnvFilter::try_from_default_env().unwrap_or_else(|_| EnvFilter::new("warn,replayer=info"));
    let _ =
        tracing_subscriber::fmt().with_writer(std::io::stderr).with_ansi(false).with_env_filter(filter).try_init();
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]
    use super::*;

    #[test]
    fn the_capture_can_be_switched_by_a_word_as_forms_give_it() {
        for (word, switch) in
            [("on", Switch::On), ("true", Switch::On), ("off", Switch::Off), ("false", Switch::Off)]
        {
            assert_eq!(Switch::from_str(word, false).unwrap(), switch, "{word}");
        }
    }
}
