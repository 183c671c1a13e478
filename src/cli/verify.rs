//! `replayer verify …`: the log of what was proposed and decided about the protocol, and proposing from a script.

use std::path::Path;
use std::process::ExitCode;
use std::sync::Arc;

use clap::{Args, Subcommand};
use serde_json::json;
use tokio_util::sync::CancellationToken;

use super::{CliError, Out};
use crate::capture::verification;
use crate::sql::{Config, SqlClient};
use crate::store::chain::{Line, Tip};
use crate::store::fsio;
use crate::store::root::DataRoot;
use crate::verify::explore::Explorer;
use crate::verify::log::ledger::{self, Ledger};
use crate::verify::log::now;
use crate::verify::mark::rules::Policy;
use crate::verify::mark::{Actor, ActorKind, MarkState};
use crate::verify::reviews::propose::Draft;
use crate::verify::reviews::{ReviewError, ReviewService, history};
use crate::verify::subject::Subject;

/// What was proposed and decided about the protocol: its log, and proposals from scripts.
#[derive(Debug, Args)]
pub struct VerifyArgs {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    Log(LogArgs),
    Propose(ProposeArgs),
}

/// Show the log, and whether its chain holds.
///
/// Every line carries the hash of the one before it; a changed, missing or inserted line is found, and said with its number.
/// Exit code 1 when the chain does not hold.
#[derive(Debug, Args)]
struct LogArgs {
    /// Only lines about this subject, like field:playerUpdate#$.cash.
    #[arg(long, value_name = "KEY")]
    subject: Option<String>,
    /// The latest lines only.
    #[arg(long, default_value_t = 20, value_name = "N")]
    last: usize,
    /// Make a log that does not hold anew, from the rows that the store has of it and what is whole of the file. The damaged
    /// file is kept beside it.
    #[arg(long, conflicts_with_all = ["subject", "json"])]
    restore: bool,
    /// Restore also where lines are lost for good.
    #[arg(long, requires = "restore")]
    even_incomplete: bool,
    /// Print JSON, for programs.
    #[arg(long)]
    json: bool,
}

/// Propose a mark; a person decides on it with `replayer protocol review`.
#[derive(Debug, Args)]
struct ProposeArgs {
    /// What it is about, like field:playerUpdate#$.cash.
    subject: String,
    /// The statement, like "on playerUpdate: cash >= 0".
    statement: String,
    /// What the mark would be: verified, needs_correction, unverified.
    #[arg(long, default_value = "verified", value_name = "MARK")]
    target: String,
    /// Why.
    #[arg(long, value_name = "TEXT")]
    rationale: Option<String>,
    /// A frame behind it, session_id:seq; several times. Left out: they are found.
    #[arg(long, value_name = "REF")]
    evidence: Vec<String>,
}

/// Runs `replayer verify …`.
///
/// # Errors
/// When the log or the store cannot be read or written; the message says what to do.
pub fn run(args: VerifyArgs, path: &Path, out: &mut Out) -> Result<ExitCode, CliError> {
    let root = DataRoot::open(path)?;
    match args.command {
        Command::Log(args) if args.restore => restore(&root, args.even_incomplete, out),
        Command::Log(args) => log(&args, &root, out),
        Command::Propose(args) => propose(args, &root, out),
    }
}

fn log(args: &LogArgs, root: &DataRoot, out: &mut Out) -> Result<ExitCode, CliError> {
    let subject = args.subject.as_deref().map(str::parse::<Subject>).transpose();
    let subject = subject.map_err(|error| CliError::Failed(error.to_string()))?;
    let contents = root.verification_log().read(&Tip::default())?;
    let missed = ledger::remembered(root).and_then(|tip| ledger::missed(&contents.lines, &tip));
    let broken = contents.broken.clone().or(missed);
    // Without a subject the log itself is wanted; of a subject also a shipped proposal that waits without a line.
    let events = match &subject {
        Some(subject) => history::history(root, Some(subject))?,
        None => history::events(root, None)?,
    };
    let shown = events.get(events.len().saturating_sub(args.last)..).unwrap_or_default();
    let stored = verification::stored(root)?;
    let unpublished = contents.lines.iter().filter(|line| !stored.contains(&line.hash)).count();
    if args.json {
        out.json(&json!({
            "file": root.verification_log().path(), "lines": contents.tip.lines, "hash": contents.tip.hash,
            "whole": broken.is_none(), "broken": broken, "torn": contents.torn, "not_in_store": unpublished,
            "entries": shown,
        }))?;
    } else {
        let rows: Vec<Vec<String>> = shown
            .iter()
            .map(|event| {
                let who = event.actor.as_ref();
                let who = who.and_then(|actor| actor.name.clone().or_else(|| actor.client.clone()));
                // An agent that proposes speaks for itself; what it relays is a person's decision.
                let authority = event.actor.as_ref().map_or("", |actor| match actor.kind {
                    ActorKind::Agent => "agent",
                    _ => actor.authority.as_str(),
                });
                vec![
                    event.n.map_or_else(|| "–".to_owned(), |n| n.to_string()),
                    event.ts.clone(),
                    event.what.clone(),
                    event.subject.clone(),
                    event
                        .state
                        .clone()
                        .or(event.stale.map(|stale| if stale { "stale" } else { "holds" }.into()))
                        .unwrap_or_default(),
                    format!("{} {authority}", who.unwrap_or_default()).trim().to_owned(),
                ]
            })
            .collect();
        if !rows.is_empty() {
            out.table(&["line", "time", "what", "subject", "mark", "by"], &rows)?;
        }
        out.line(format_args!(
            "{} lines, {} of them not yet in the store; last hash {}",
            contents.tip.lines, unpublished, contents.tip.hash
        ))?;
        if let Some(torn) = &contents.torn {
            out.line(format_args!(
                "line {} has no end ({} bytes): somebody writes it now, or a crash tore it; the next who writes cuts it off",
                torn.line, torn.bytes
            ))?;
        }
    }
    if let Some(broken) = broken {
        if !args.json {
            out.line(format_args!("THE CHAIN DOES NOT HOLD. {broken}"))?;
            out.line("What stands behind that line is not in force, and nothing is added. Put the file back from a backup,")?;
            out.line("or make it anew from the store: replayer verify log --restore")?;
        }
        return Ok(ExitCode::FAILURE);
    }
    if !args.json {
        out.line("the chain holds")?;
    }
    Ok(ExitCode::SUCCESS)
}

/// Makes the log anew.
fn restore(root: &DataRoot, even_incomplete: bool, out: &mut Out) -> Result<ExitCode, CliError> {
    let chain = root.verification_log();
    let held = chain.lock()?;
    // Lines of both that continue the chain: what is whole in the damaged file may be newer than what the store has.
    let file = std::fs::read(chain.path()).unwrap_or_default();
    let file = String::from_utf8_lossy(&file);
    let stored = verification::stored_lines(root)?;
    let known: Vec<&str> = stored.iter().map(|(_, text)| text.as_str()).chain(file.lines()).collect();
    let mut lines: Vec<Line> = Vec::new();
    let mut hash = crate::store::chain::GENESIS.to_owned();
    loop {
        let next = lines.len() as u64 + 1;
        let number = format!("{{\"n\":{next},");
        let fits = |text: &&&str| text.starts_with(&number);
        let found = known.iter().filter(fits).find_map(|text| Line::read(text.as_bytes(), next, &hash).ok());
        let Some(line) = found else { break };
        hash.clone_from(&line.hash);
        lines.push(line);
    }
    if lines.is_empty() {
        return Err(CliError::Failed(
            "neither the store nor the file has a line that could be put back. Take the file from a backup".into(),
        ));
    }
    let there = known.iter().filter_map(|text| Line::alone(text)).map(|line| line.n).max();
    let there = there.max(ledger::remembered(root).map(|tip| tip.lines)).unwrap_or(0);
    let lost = there.saturating_sub(lines.len() as u64);
    if lost > 0 && !even_incomplete {
        return Err(CliError::Failed(format!(
            "only lines 1 to {} of {there} can be put back: line {} is whole neither in the store nor in the file, and the {lost} \
             from there on would be lost, decisions among them. Nothing was changed. Take the file from a backup, or give \
             --even-incomplete too",
            lines.len(),
            lines.len() + 1
        )));
    }
    let damaged = chain.path().with_extension(format!("damaged-{}.jsonl", now().replace(':', "-")));
    std::fs::copy(chain.path(), &damaged)?;
    let text: String = lines.iter().map(|line| line.text() + "\n").collect();
    fsio::replace(chain.path(), text.as_bytes())?;
    fsio::remove(&root.verification_path())?;
    drop(held);
    let view = Ledger::new(root.path()).rebuild()?;
    let without = if lost > 0 { format!(", {lost} are lost") } else { String::new() };
    out.line(format_args!(
        "{} lines are back{without}; the damaged file is {}",
        view.tip.lines,
        damaged.display()
    ))?;
    Ok(ExitCode::SUCCESS)
}

fn propose(args: ProposeArgs, root: &DataRoot, out: &mut Out) -> Result<ExitCode, CliError> {
    let target = MarkState::from_name(&args.target).ok_or_else(|| {
        CliError::Failed(format!("{:?} is none of verified, needs_correction, unverified", args.target))
    })?;
    let draft = Draft {
        subject: args.subject,
        target,
        statement: args.statement,
        meaning: None,
        correction: None,
        evidence: args.evidence,
        rationale: args.rationale,
        expires_days: None,
    };
    let made = with_reviews(root, async |reviews| {
        reviews
            .propose(draft, Actor::agent(Some("replayer verify propose".into())), &CancellationToken::new())
            .await
    })?;
    out.line(&made.question)?;
    if let Some(because) = made.prose_because {
        out.line(format_args!("kept as prose, nothing can check it: {because}"))?;
    }
    let already = if made.already { " (it was open already)" } else { "" };
    out.line(format_args!("proposal {}{already}", made.proposal.proposal_id))?;
    Ok(ExitCode::SUCCESS)
}

/// Runs work with a review service that has a SQL worker of its own; what it added to the log is written to the store at its end.
///
/// # Errors
/// Those of the work.
pub(super) fn with_reviews<T>(
    root: &DataRoot,
    work: impl AsyncFnOnce(&ReviewService) -> Result<T, ReviewError>,
) -> Result<T, CliError> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let sql = SqlClient::new(Config::new(root.path()));
    let reviews = ReviewService::new(Arc::new(Explorer::new(root.path())), sql.clone(), Policy::default());
    let made = runtime.block_on(async {
        let made = work(&reviews).await;
        sql.shutdown().await;
        made
    });
    // Whoever holds the lease writes it otherwise; it is in the log in any case.
    if let Err(error) = reviews.publish_now() {
        eprintln!("replayer: what was added to the log is not in the store yet: {error}");
    }
    made.map_err(|error| CliError::Failed(error.to_string()))
}
