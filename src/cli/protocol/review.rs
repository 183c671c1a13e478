//! `replayer protocol review`: the queue, one subject at a time, decided on by the person at the terminal.

use std::io::{BufRead, IsTerminal};
use std::process::ExitCode;

use clap::Args;
use tokio_util::sync::CancellationToken;

use super::{CliError, Out};
use crate::cli::verify::with_desk;
use crate::store::root::DataRoot;
use crate::verify::desk::decide::{Prepared, Verdict};
use crate::verify::desk::queue::{Item, QueueFilter, Reason};
use crate::verify::desk::{Desk, DeskError};
use crate::verify::mark::{Actor, Authority, Role};

/// Go through what waits for a decision: facts, frames, the question; you decide.
///
/// Needs a terminal: what is decided here counts as decided by a person. Stale marks and open proposals come, the most
/// important first.
#[derive(Debug, Args)]
pub(super) struct ReviewArgs {
    /// Only about this event.
    #[arg(long, value_name = "EVENT")]
    event: Option<String>,
    /// Your name, kept with your decisions.
    #[arg(long, value_name = "NAME", env = "REPLAYER_REVIEWER")]
    name: Option<String>,
    /// Only list what waits.
    #[arg(long)]
    list: bool,
}

pub(super) fn run(args: &ReviewArgs, root: &DataRoot, out: &mut Out) -> Result<ExitCode, CliError> {
    if args.list {
        return list(args, root, out);
    }
    let terminal = std::io::stdin().is_terminal() && std::io::stdout().is_terminal();
    if !terminal {
        return Err(CliError::Failed(
            "a review needs a terminal: people decide, and a script or an agent is none. --list shows what waits; an agent \
             proposes with the tool verify"
                .into(),
        ));
    }
    let by = Actor {
        name: args.name.clone(),
        ..Actor::person(Authority::Tty, Some("replayer protocol review".into()))
    };
    let mut input = std::io::stdin().lock();
    let mut lines = || {
        let mut line = String::new();
        Ok::<_, std::io::Error>((input.read_line(&mut line)? > 0).then(|| line.trim().to_owned()))
    };
    with_desk(root, async |desk| {
        desk.recheck(None, &CancellationToken::new()).await?;
        review(desk, args, &by, out, &mut lines).await
    })?;
    Ok(ExitCode::SUCCESS)
}

fn filter(args: &ReviewArgs, reason: Reason) -> QueueFilter {
    QueueFilter { reason: Some(reason), event: args.event.clone() }
}

fn list(args: &ReviewArgs, root: &DataRoot, out: &mut Out) -> Result<ExitCode, CliError> {
    let waiting = with_desk(root, async |desk| {
        let mut waiting = desk.queue(&filter(args, Reason::Stale))?;
        waiting.extend(desk.queue(&filter(args, Reason::Proposal))?);
        Ok(waiting)
    })?;
    let rows: Vec<Vec<String>> = waiting
        .iter()
        .map(|item| {
            let reason = if item.reason == Reason::Stale { "stale" } else { "proposal" };
            vec![
                reason.to_owned(),
                item.subject.clone(),
                item.count.to_string(),
                item.tier.as_str().to_owned(),
                item.mark.clone(),
                item.statement.clone().unwrap_or_default(),
            ]
        })
        .collect();
    out.table(&["why", "subject", "seen", "tier", "mark", "statement"], &rows)?;
    out.line(format_args!("{} wait for a decision", rows.len()))?;
    Ok(ExitCode::SUCCESS)
}

/// The loop; `next` gives the person's next line, `None` at the end.
async fn review(
    desk: &Desk,
    args: &ReviewArgs,
    by: &Actor,
    out: &mut Out,
    next: &mut dyn FnMut() -> std::io::Result<Option<String>>,
) -> Result<(), DeskError> {
    let stop = CancellationToken::new();
    let tell = |out: &mut Out, text: &str| {
        // A terminal that is gone ends the review at the next question.
        let _ = out.line(text).and_then(|()| out.writer().flush());
    };
    for item in desk.queue(&filter(args, Reason::Stale))? {
        tell(out, &stale(&item));
    }
    let waiting = desk.queue(&filter(args, Reason::Proposal))?;
    let total = waiting.len();
    for (at, item) in waiting.iter().enumerate() {
        let Some(id) = &item.proposal_id else { continue };
        let prepared = match desk.prepare(id, &stop).await {
            Ok(prepared) => prepared,
            Err(error) => {
                tell(out, &format!("{}: {error}", item.subject));
                continue;
            }
        };
        tell(
            out,
            &format!("\n── {} of {total} ── seen {} times, mark in force: {}", at + 1, item.count, item.mark),
        );
        tell(out, &prepared.question);
        tell(out, &frames(&prepared));
        loop {
            tell(out, "[a]ccept, [r]eject, [s]kip, [q]uit? ");
            let Ok(Some(answer)) = next() else { return Ok(()) };
            let accept = match answer.to_lowercase().as_str() {
                "a" | "accept" => true,
                "r" | "reject" => false,
                "s" | "skip" | "" => break,
                "q" | "quit" => return Ok(()),
                _ => continue,
            };
            tell(out, "Why (one line, may be empty)? ");
            let Ok(Some(rationale)) = next() else { return Ok(()) };
            let verdict = Verdict { accept, rationale: Some(rationale), confidence: None };
            match desk.decide(id, verdict, by.clone(), &stop).await {
                Ok(decided) => tell(out, &format!("{} is now {}", decided.subject, decided.badge)),
                Err(error) => tell(out, &format!("nothing was written: {error}")),
            }
            break;
        }
    }
    tell(out, "that was all that waits");
    Ok(())
}

fn stale(item: &Item) -> String {
    format!(
        "STALE {}: {} cases contradict \"{}\"; see {}",
        item.subject,
        item.contradicts.unwrap_or(0),
        item.statement.as_deref().unwrap_or(""),
        item.frames.join(", ")
    )
}

/// The frames behind a proposal, those against it first.
fn frames(prepared: &Prepared) -> String {
    let mut frames: Vec<_> = prepared.evidence.iter().collect();
    frames.sort_by_key(|evidence| evidence.role != Role::Contradicts);
    let mut text = String::from("Frames:");
    for evidence in frames {
        let event = &evidence.event;
        let role = match evidence.role {
            Role::Contradicts => "against",
            Role::Supports => "for",
            Role::Example => "example",
        };
        text.push_str(&format!(
            "\n  {role:8} {}  {}{}{}",
            event.address(),
            event.event_name,
            event.phase.as_deref().map_or(String::new(), |phase| format!(", {phase}")),
            evidence
                .case_untrusted
                .as_deref()
                .or(event.value_untrusted.as_deref())
                .map_or(String::new(), |value| format!(": {value}"))
        ));
    }
    text
}

#[cfg(test)]
#[path = "review/tests.rs"]
mod tests;
