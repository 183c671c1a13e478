//! `replayer legacy follow`: files that another program is writing, taken in as they grow.

use std::cell::Cell;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::mpsc::{self, RecvTimeoutError};
use std::time::Duration;

use clap::Args;

use crate::cli::out::count;
use crate::cli::{CliError, Out};
use crate::legacy::follow::{self, FollowOptions, FollowStatus, Look};
use crate::legacy::report::{FileReport, Status};
use crate::replay::proof::background::prove_imported;
use crate::server::run::stop_signal;
use crate::store::root::DataRoot;

/// Take in the files of a folder as another program writes them, until Ctrl-C: whole lines only, each once, also after a
/// restart. The data root is held only for the moments of taking. What it does is in run/follow.json in the data root.
#[derive(Debug, Args)]
pub struct FollowArgs {
    /// The folder; everything below it.
    #[arg(value_name = "DIR")]
    folder: PathBuf,
    /// How often to look: 500ms, 2s, 1m.
    #[arg(long, value_name = "TIME", default_value = "2s", value_parser = duration)]
    poll: Duration,
    /// How long to leave a growing file alone after it was taken in.
    #[arg(long, value_name = "TIME", default_value = "10s", value_parser = duration)]
    every: Duration,
    /// The zone of times that name none, as for import.
    #[arg(long, value_name = "NAME")]
    zone: Option<String>,
    /// Look once and end. Exit code 1 when another process holds the data root.
    #[arg(long)]
    once: bool,
    /// Print the status as JSON at the end.
    #[arg(long)]
    json: bool,
}

/// Runs `replayer legacy follow`.
///
/// # Errors
/// Those of following.
pub fn run(args: FollowArgs, path: &Path, out: &mut Out) -> Result<ExitCode, CliError> {
    let root = DataRoot::create(path)?;
    let options = FollowOptions {
        poll: args.poll,
        every: args.every,
        zone: args.zone,
        once: args.once,
        ..FollowOptions::new(args.folder)
    };
    let stop = stopping();
    // Where nobody reads along any more, following ends.
    let unread = Cell::new(false);
    let mut wait =
        |time: Duration| unread.get() || !matches!(stop.recv_timeout(time), Err(RecvTimeoutError::Timeout));
    let mut last_said = Vec::new();
    let mut say = |look: &Look| {
        let lines = lines_of(look);
        // What goes on is said once.
        if !args.json && lines != last_said {
            let written = lines.iter().try_for_each(|line| out.line(line));
            unread.set(unread.get() || written.is_err());
        }
        last_said = lines;
    };
    let mut imported = prove_imported;
    let status = follow::run(&root, options, &mut wait, &mut imported, &mut say)?;
    super::super::context::refresh(&root)?;
    if args.json {
        out.json(&status)?
    } else {
        out.line(summary(&status))?
    }
    Ok(ExitCode::SUCCESS)
}

fn lines_of(look: &Look) -> Vec<String> {
    match look {
        Look::Taken(report) => report.per_file.iter().filter(|file| has_news(file)).map(line_of).collect(),
        Look::Waiting(holder) => vec![follow::waiting(holder)],
        Look::Failed(reason) => vec![format!("{reason}; the next look tries again")],
        Look::Nothing => Vec::new(),
    }
}

fn has_news(file: &FileReport) -> bool {
    file.counts.lines > 0 || file.status == Status::Failed
}

fn line_of(file: &FileReport) -> String {
    let counts = &file.counts;
    match (&file.reason, file.status) {
        (Some(reason), Status::Failed) => format!("{}: {reason}", file.name),
        _ => format!(
            "{}: {} records, {} known, {} lines rejected",
            file.name,
            count(counts.new),
            count(counts.known),
            count(counts.rejected)
        ),
    }
}

fn summary(status: &FollowStatus) -> String {
    let total = |of: fn(&follow::FollowedFile) -> u64| status.files.values().map(of).sum::<u64>();
    format!(
        "{} files followed: {} records, {} known already, {} lines rejected",
        status.files.len(),
        count(total(|file| file.new)),
        count(total(|file| file.known)),
        count(total(|file| file.rejected))
    )
}

/// Hears when the process is asked to stop (Ctrl-C, SIGTERM). Where the system gives no way to hear that, never: the
/// process then ends as processes do, and what was taken in is durable.
fn stopping() -> mpsc::Receiver<()> {
    let (stop, stopped) = mpsc::channel();
    std::thread::spawn(move || {
        match tokio::runtime::Builder::new_current_thread().enable_all().build() {
            Ok(runtime) => runtime.block_on(stop_signal()),
            Err(error) => {
                tracing::warn!(%error, "Ctrl-C cannot be heard; it ends this program at once");
                loop {
                    std::thread::park();
                }
            }
        }
        let _ = stop.send(());
    });
    stopped
}

/// A duration: a number with ms, s, m or h.
fn duration(text: &str) -> Result<Duration, String> {
    let advice = || format!("{text:?} is no time: write 500ms, 2s or 1m");
    let at = text.find(|letter: char| !letter.is_ascii_digit()).unwrap_or(text.len());
    let (number, unit) = text.split_at(at);
    let number: u64 = number.parse().map_err(|_| advice())?;
    let ms = match unit {
        "ms" => 1,
        "s" | "" => 1000,
        "m" => 60_000,
        "h" => 3_600_000,
        _ => return Err(advice()),
    };
    number.checked_mul(ms).filter(|ms| *ms >= 10).map(Duration::from_millis).ok_or_else(advice)
}
