//! `replayer protocol check`: a statement against the data.

use std::process::ExitCode;

use clap::Args;

use super::{CliError, Out, ScopeArgs};
use crate::cli::out::spinner;
use crate::sql::Config;
use crate::store::root::DataRoot;
use crate::verify::check::{CheckResult, Sighting, Statement, check_blocking};
use crate::verify::explore::Explorer;

/// Check a statement against everything that is stored, or a part of it.
///
/// Exit code 0 when no case contradicts, 1 when one does. The language:
///
///   on gameStateUpdate: cooldownTimer unit ms from 0 to 15000
///   on gameStateUpdate: price is present in ACTIVE, RUGGED
///   on gameStatePlayerUpdate: pnl == regularPnl + sidebetPnl + shortPnl ± 1e-9
///   on gameStateUpdate: rugged == true implies active == true
///   on standard/newTrade: type in {"buy", "sell"}
///   on gameStateUpdate: gameHistory[].peakMultiplier >= 1
///   on gameStateUpdate: cooldownTimer never rises in the same game
///   standard/newTrade follows buyOrder within 2000 ms in the same trace
///   recompute fairness, recompute sidebet outcome
#[derive(Debug, Args)]
#[command(verbatim_doc_comment)]
pub(super) struct CheckArgs {
    /// The statement.
    statement: String,
    /// The event it is about, where it does not say so itself.
    #[arg(long, value_name = "EVENT")]
    event: Option<String>,
    /// Only in these phases: COOLDOWN, PRESALE, ACTIVE, RUGGED.
    #[arg(long, value_delimiter = ',', value_name = "PHASE", help_heading = "Scope")]
    phase: Vec<String>,
    /// Show the SQL that counts.
    #[arg(long)]
    sql: bool,
    /// Print JSON, for programs.
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    scope: ScopeArgs,
}

pub(super) fn run(args: &CheckArgs, root: &DataRoot, out: &mut Out) -> Result<ExitCode, CliError> {
    let statement = Statement::parse_about(&args.statement, args.event.as_deref())
        .map_err(|error| CliError::Failed(format!("{error}{}", pointer(&args.statement, error.position))))?;
    let mut scope = args.scope.scope();
    scope.phases.clone_from(&args.phase);
    Explorer::new(root.path()).knows_names(&statement).map_err(|error| CliError::Failed(error.to_string()))?;
    let waiting = spinner("checking");
    let result = check_blocking(Config::new(root.path()), &statement, &scope);
    waiting.finish_and_clear();
    let result = result.map_err(|error| CliError::Failed(error.to_string()))?;
    if args.json {
        out.json(&result)?
    } else {
        print(out, &result, args.sql)?
    }
    Ok(if result.contradicts > 0 { ExitCode::FAILURE } else { ExitCode::SUCCESS })
}

/// The statement with a mark below the place.
fn pointer(text: &str, position: usize) -> String {
    if text.contains('\n') || text.chars().count() > 200 {
        return String::new();
    }
    format!("\n  {text}\n  {}^", " ".repeat(position))
}

fn print(out: &mut Out, result: &CheckResult, sql: bool) -> std::io::Result<()> {
    out.line(&result.statement)?;
    let verdict = match (result.supports, result.contradicts) {
        (0, 0) => "no case: nothing can be said",
        (_, 0) => "holds in every case",
        (0, _) => "holds in no case",
        _ => "does not always hold",
    };
    out.line(format_args!(
        "{verdict}: {} support, {} contradict, {} undecided; {} games, {} sessions, {:.0} ms",
        result.supports, result.contradicts, result.undecided, result.games, result.sessions, result.elapsed_ms
    ))?;
    let case = |case: &Sighting| {
        let time = case.ts.as_deref().unwrap_or("no time");
        let phase = case.phase.as_deref().map_or(String::new(), |phase| format!(", {phase}"));
        let tick = case.tick.map_or(String::new(), |tick| format!(", tick {tick}"));
        format!("  {}  {time}{phase}{tick}: {}", case.event_ref(), case.preview())
    };
    if !result.counterexamples.is_empty() {
        out.line("against it:")?;
        for one in &result.counterexamples {
            out.line(case(one))?;
        }
    }
    if !result.examples.is_empty() {
        out.line("for it:")?;
        for one in &result.examples {
            out.line(case(one))?;
        }
    }
    if let Some(computed) = &result.computed {
        out.line(computed)?;
    }
    if let Some(text) = result.sql.as_ref().filter(|_| sql) {
        out.line(text)?;
    }
    Ok(())
}
