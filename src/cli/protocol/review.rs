//! `replayer protocol review`: the queue, one subject at a time, decided on by the person at the terminal.

#[path = "review/facts.rs"]
mod facts;

use std::io::{BufRead, IsTerminal};
use std::process::ExitCode;

use clap::Args;
use serde_json::Value;
use tokio_util::sync::CancellationToken;

use super::{CliError, Out};
use crate::cli::verify::with_reviews;
use crate::sql::cells::visible;
use crate::store::root::DataRoot;
use crate::verify::mark::{Actor, Authority, Evidence, MarkState, Role};
use crate::verify::reviews::decide::{Prepared, Verdict};
use crate::verify::reviews::propose::Draft;
use crate::verify::reviews::queue::{Item, QueueFilter, Reason};
use crate::verify::reviews::{ReviewError, ReviewService};

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
    with_reviews(root, async |reviews| {
        reviews.recheck(None, &CancellationToken::new()).await?;
        review(reviews, args, &by, out, &mut lines).await
    })?;
    Ok(ExitCode::SUCCESS)
}

fn filter(args: &ReviewArgs, reason: Reason) -> QueueFilter {
    QueueFilter { reason: Some(reason), event: args.event.clone() }
}

fn list(args: &ReviewArgs, root: &DataRoot, out: &mut Out) -> Result<ExitCode, CliError> {
    let waiting = with_reviews(root, async |reviews| {
        let mut waiting = reviews.queue(&filter(args, Reason::Stale))?;
        waiting.extend(reviews.queue(&filter(args, Reason::Proposal))?);
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
    reviews: &ReviewService,
    args: &ReviewArgs,
    by: &Actor,
    out: &mut Out,
    next: &mut dyn FnMut() -> std::io::Result<Option<String>>,
) -> Result<(), ReviewError> {
    let stop = CancellationToken::new();
    let tell = |out: &mut Out, text: &str| {
        // A terminal that is gone ends the review at the next question.
        let _ = out.line(text).and_then(|()| out.writer().flush());
    };
    for item in reviews.queue(&filter(args, Reason::Stale))? {
        tell(out, &format!("\n── a mark that later data contradict ──\n{}", stale(&item)));
        facts::of(reviews.explorer(), &item.subject).iter().for_each(|line| tell(out, line));
        loop {
            tell(out, "[k]eep it as stale, [t]ake the mark back, [f]rame N, [q]uit? ");
            let Ok(Some(answer)) = next() else { return Ok(()) };
            match words(&answer.to_lowercase()) {
                ("k" | "keep" | "", _) => break,
                ("q" | "quit", _) => return Ok(()),
                ("f" | "frame", which) => tell(out, &frame(reviews, &item.frames, which).await),
                ("t" | "take", _) => {
                    tell(out, &take_back(reviews, &item, by, &stop).await);
                    break;
                }
                _ => tell(out, HELP),
            }
        }
    }
    let waiting = reviews.queue(&filter(args, Reason::Proposal))?;
    let total = waiting.len();
    for (at, item) in waiting.iter().enumerate() {
        let Some(id) = &item.proposal_id else { continue };
        let prepared = match reviews.prepare(id, &stop).await {
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
        facts::of(reviews.explorer(), &item.subject).iter().for_each(|line| tell(out, line));
        let evidence = in_order(&prepared);
        tell(out, &frames(&evidence));
        let addresses: Vec<String> = evidence.iter().map(|evidence| evidence.event.address()).collect();
        loop {
            tell(out, "[a]ccept, [r]eject, [s]kip, [f]rame N, [q]uit, [?]? ");
            let Ok(Some(answer)) = next() else { return Ok(()) };
            let accept = match words(&answer.to_lowercase()) {
                ("a" | "accept", _) => true,
                ("r" | "reject", _) => false,
                ("s" | "skip" | "", _) => break,
                ("q" | "quit", _) => return Ok(()),
                ("f" | "frame", which) => {
                    tell(out, &frame(reviews, &addresses, which).await);
                    continue;
                }
                _ => {
                    tell(out, HELP);
                    continue;
                }
            };
            tell(out, "Why (one line, may be empty)? ");
            let Ok(Some(rationale)) = next() else { return Ok(()) };
            let verdict = Verdict { accept, rationale: Some(rationale), confidence: None };
            match reviews.decide(id, verdict, by.clone(), &stop).await {
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

/// What can be answered.
const HELP: &str = "\
a  accept: what is proposed is so; the mark is yours and has your reason
r  reject: it is not so; what was in force stays in force
s  skip: not now (an empty line too)
f  frame N: the whole payload of the frame with this number
q  quit; everything decided so far is kept";

/// Lines of a frame that are shown.
const FRAME_LINES: usize = 60;

/// The first word, and the second.
fn words(answer: &str) -> (&str, Option<&str>) {
    let mut words = answer.split_whitespace();
    (words.next().unwrap_or_default(), words.next())
}

/// The payload of one of the frames.
async fn frame(reviews: &ReviewService, addresses: &[String], which: Option<&str>) -> String {
    let number = which.unwrap_or("1").parse::<usize>().unwrap_or(0);
    let Some(address) = number.checked_sub(1).and_then(|at| addresses.get(at)) else {
        return format!("frame takes a number from 1 to {}", addresses.len());
    };
    match reviews.payload(address).await {
        Ok(Some(payload)) => {
            let payload = match serde_json::from_str(&payload) {
                Ok(payload) => serde_json::to_string_pretty(&shortened(payload)).unwrap_or_default(),
                Err(_) => payload,
            };
            let lines: Vec<String> = payload.lines().take(FRAME_LINES).map(visible).collect();
            let more = payload.lines().count().saturating_sub(FRAME_LINES);
            let more = if more > 0 { format!("\n… {more} more lines") } else { String::new() };
            format!("{address}\n{}{more}", lines.join("\n"))
        }
        Ok(None) => format!("{address} has no payload, or is not stored any more"),
        Err(error) => format!("{address} cannot be shown: {error}"),
    }
}

/// Elements of a list that are shown.
const ELEMENTS: usize = 6;

/// Long lists cut, so that a frame fits on a screen or two.
fn shortened(value: Value) -> Value {
    match value {
        Value::Array(list) => {
            let more = list.len().saturating_sub(ELEMENTS);
            let mut shown: Vec<Value> = list.into_iter().take(ELEMENTS).map(shortened).collect();
            if more > 0 {
                shown.push(format!("… {more} more").into());
            }
            Value::Array(shown)
        }
        Value::Object(members) => members.into_iter().map(|(key, value)| (key, shortened(value))).collect(),
        other => other,
    }
}

/// Takes a stale mark back, by the person's word.
async fn take_back(reviews: &ReviewService, item: &Item, by: &Actor, stop: &CancellationToken) -> String {
    let draft = Draft {
        subject: item.subject.clone(),
        target: MarkState::Unverified,
        statement: item.statement.clone().unwrap_or_else(|| "it is not verified".to_owned()),
        meaning: None,
        correction: None,
        evidence: Vec::new(),
        rationale: Some("later data contradict it".to_owned()),
        expires_days: None,
    };
    let done = async {
        let made = reviews.propose(draft, by.clone(), stop).await?;
        let verdict =
            Verdict { accept: true, rationale: Some("later data contradict it".into()), confidence: None };
        reviews.decide(&made.proposal.proposal_id, verdict, by.clone(), stop).await
    };
    match done.await {
        Ok(decided) => format!("{} is now {}", decided.subject, decided.badge),
        Err(error) => format!("nothing was decided: {error}"),
    }
}

/// The evidence, what speaks against first.
fn in_order(prepared: &Prepared) -> Vec<&Evidence> {
    let mut frames: Vec<&Evidence> = prepared.evidence.iter().collect();
    frames.sort_by_key(|evidence| evidence.role != Role::Contradicts);
    frames
}

/// The frames behind a proposal, numbered.
fn frames(evidence: &[&Evidence]) -> String {
    let mut text = String::from("Frames:");
    for (number, evidence) in evidence.iter().enumerate() {
        let event = &evidence.event;
        let role = match evidence.role {
            Role::Contradicts => "against",
            Role::Supports => "for",
            Role::Example => "example",
        };
        text.push_str(&format!(
            "\n  {:>2}  {role:8} {}  {}{}{}",
            number + 1,
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
