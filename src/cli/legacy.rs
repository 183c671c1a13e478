//! `replayer legacy import | follow | export | compare`: others' recordings in, rows out, and whether both agree.

mod export;
mod follow;

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use clap::{Args, Subcommand};

use super::out::{count, progress};
use super::{CliError, Out};
use crate::legacy::compare::{self, Comparison};
use crate::legacy::hosts::Hosts;
use crate::legacy::import::{self, Options};
use crate::legacy::mapping::Mapping;
use crate::legacy::report::{FileReport, Preview, Report, Status};
use crate::replay::proof::background::prove_imported;
use crate::store::root::DataRoot;
use export::ExportArgs;
use follow::FollowArgs;

/// Bring older recordings in, write rows out, compare both.
#[derive(Debug, Args)]
pub struct LegacyArgs {
    #[command(subcommand)]
    command: LegacyCommand,
}

#[derive(Debug, Subcommand)]
enum LegacyCommand {
    /// Import what other programs recorded: files, archives, or folders with everything below them. The format of each file
    /// is found from its content, whatever it is called: lines of JSON, frames with or without a time, HAR and DevTools'
    /// exports, mitmproxy's JSON, Socket.IO logs, finished games, CSV, Parquet, SQLite, pcap; also in .gz, .zst, .xz and
    /// .zip. The same content is imported once, of a file that has grown only what is new. Damaged lines are recovered, or
    /// kept as they are; credentials are taken out. Exit code 0 only when everything named was taken: 1 when a file is of no
    /// known format or could not be read, or a line of it was rejected (their numbers are printed).
    Import(ImportArgs),
    Export(ExportArgs),
    Follow(FollowArgs),
    /// Compare the events of older files with the store. Exit code 1 when they differ.
    Compare(CompareArgs),
}

#[derive(Debug, Args)]
struct ImportArgs {
    /// Files and folders.
    #[arg(required = true, value_name = "PATH")]
    paths: Vec<PathBuf>,
    /// The zone of times that name none: a name (Europe/Berlin) or an offset (+05:30). Without it the server's own clock in
    /// the packets decides, or the rule of the file's format.
    #[arg(long, value_name = "NAME")]
    zone: Option<String>,
    /// Report what would be imported, with the first three records of each file as they would be read; write nothing.
    #[arg(long)]
    dry_run: bool,
    /// Where the parts of a line are, for JSON lines of an unknown shape: ts=PATH,frame=PATH[,dir=PATH], or
    /// ts=PATH,event=PATH,data=PATH[,dir=PATH]. A path has dots: msg.raw.
    #[arg(long, value_name = "PART=PATH,…")]
    map: Option<String>,
    /// Take the sockets of this host too, out of a HAR file, a proxy's flows or a packet capture, besides rugs.fun's. May be
    /// given several times; * takes all.
    #[arg(long, value_name = "HOST")]
    host: Vec<String>,
    /// Print JSON for programs.
    #[arg(long)]
    json: bool,
}

#[derive(Debug, Args)]
struct CompareArgs {
    /// Files and folders.
    #[arg(required = true, value_name = "PATH")]
    paths: Vec<PathBuf>,
    /// The zone of times that name none, as for import.
    #[arg(long, value_name = "NAME")]
    zone: Option<String>,
    /// Print JSON for programs.
    #[arg(long)]
    json: bool,
}

/// Runs `replayer legacy …`.
///
/// # Errors
/// Those of the import, the export or the comparison.
pub fn run(args: LegacyArgs, path: &Path, out: &mut Out) -> Result<ExitCode, CliError> {
    match args.command {
        LegacyCommand::Import(args) => import_command(args, path, out),
        LegacyCommand::Export(args) => export::run(args, path, out),
        LegacyCommand::Follow(args) => follow::run(args, path, out),
        LegacyCommand::Compare(args) => compare_command(args, path, out),
    }
}

fn import_command(args: ImportArgs, path: &Path, out: &mut Out) -> Result<ExitCode, CliError> {
    let options = Options {
        paths: args.paths,
        mapping: args.map.as_deref().map(Mapping::parse).transpose()?,
        hosts: Hosts::and(&args.host),
        bar: Some(progress(0, "bytes")),
        zone: args.zone,
        ..Options::default()
    };
    let report = if args.dry_run {
        // A root that is not there yet knows of no earlier import, and a dry run does not make it.
        import::dry_run(DataRoot::open(path).ok().as_ref(), &options)?
    } else {
        let root = DataRoot::create(path)?;
        let report = import::run(&root, &options, prove_imported)?;
        super::context::refresh(&root)?;
        report
    };
    if args.json {
        out.json(&report)?
    } else {
        print_report(out, &report)?
    }
    // A script must notice that a file it named, or a line of it, could not be read.
    Ok(if report.is_whole() { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

fn compare_command(args: CompareArgs, path: &Path, out: &mut Out) -> Result<ExitCode, CliError> {
    let options =
        Options { paths: args.paths, bar: Some(progress(0, "bytes")), zone: args.zone, ..Options::default() };
    let comparison = compare::run(&DataRoot::open(path)?, &options)?;
    if args.json {
        out.json(&comparison)?
    } else {
        print_comparison(out, &comparison)?
    }
    Ok(if comparison.equal { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

/// How many files with something to say are listed; the JSON report has all of them.
const LISTED: usize = 50;

fn print_report(out: &mut Out, report: &Report) -> Result<(), CliError> {
    let needs_a_word = |file: &&FileReport| {
        let counts = &file.counts;
        let said_by_summary = matches!(file.status, Status::Imported | Status::AlreadyImported);
        !said_by_summary || counts.rejected + counts.damaged + counts.known > 0 || !file.notes.is_empty()
    };
    let noteworthy: Vec<_> = report.per_file.iter().filter(needs_a_word).collect();
    if !noteworthy.is_empty() {
        let rows: Vec<_> = noteworthy.iter().take(LISTED).map(|file| row_of(file)).collect();
        out.table(&["file", "lines", "rows", "extra", "rejected", "what"], &rows)?;
        if noteworthy.len() > LISTED {
            out.line(format!("… and {} more (--json lists all)", noteworthy.len() - LISTED))?;
        }
    }
    print_rejections(out, report)?;
    print_previews(out, report)?;
    if !report.events.is_empty() {
        let rows: Vec<_> =
            report.events.iter().map(|(name, records)| vec![name.clone(), count(*records)]).collect();
        out.table(&["event", "records"], &rows)?;
    }
    Ok(out.line(summary(report))?)
}

/// The rejected lines by their numbers.
fn print_rejections(out: &mut Out, report: &Report) -> Result<(), CliError> {
    let all = report.per_file.iter().flat_map(|file| file.rejections.iter().map(move |line| (file, line)));
    for (file, rejection) in all.take(LISTED) {
        out.line(format!("rejected: {}, line {}: {}", file.name, rejection.line, rejection.reason))?;
    }
    let more = report.totals.rejected.saturating_sub(LISTED as u64);
    if more > 0 {
        out.line(format!("… and {} more lines (--json names 1,000 of each file)", count(more)))?;
    }
    Ok(())
}

/// The first records of each file as they would be read: of a dry run.
fn print_previews(out: &mut Out, report: &Report) -> Result<(), CliError> {
    let row = |file: &FileReport, record: &Preview| {
        let or_none = |text: Option<&str>| text.unwrap_or("-").to_owned();
        vec![
            file.name.clone(),
            or_none(record.time.as_deref()),
            or_none(record.direction),
            record.event.clone(),
            or_none(record.game.as_deref()),
            record.tick.map_or_else(|| "-".to_owned(), |tick| tick.to_string()),
        ]
    };
    let all = report.per_file.iter().flat_map(|file| file.preview.iter().map(move |record| row(file, record)));
    let rows: Vec<_> = all.take(LISTED).collect();
    if rows.is_empty() {
        return Ok(());
    }
    Ok(out.table(&["file", "time", "direction", "event", "game", "tick"], &rows)?)
}

fn row_of(file: &FileReport) -> Vec<String> {
    let counts = &file.counts;
    let what = match (&file.reason, file.notes.is_empty()) {
        (Some(reason), _) => format!("{}: {reason}", file.fate()),
        (None, false) => file.notes.join("; "),
        (None, true) if counts.damaged > 0 => format!("{} damaged lines recovered", counts.damaged),
        (None, true) => {
            let mut reasons: Vec<_> = file.rejections.iter().map(|rejection| rejection.reason.as_str()).collect();
            reasons.dedup();
            reasons.join("; ")
        }
    };
    let numbers = [counts.lines, counts.rows, counts.extra_rows, counts.rejected].map(count);
    [vec![file.name.clone()], numbers.to_vec(), vec![what]].concat()
}

fn summary(report: &Report) -> String {
    let (files, totals) = (&report.files, &report.totals);
    let fates = [
        (files.imported, "imported"),
        (files.grown, "grown"),
        (files.already_imported, "already imported"),
        (files.empty, "empty"),
        (files.skipped - files.left_out, "skipped"),
        (files.left_out, "in folders or archives left out (no captures)"),
        (files.unsupported, "unsupported"),
        (files.failed, "failed"),
    ];
    let fates: Vec<_> =
        fates.iter().filter(|(files, _)| *files > 0).map(|(files, fate)| format!("{files} {fate}")).collect();
    let mut text = format!(
        "{} files: {}\n{} lines = {} rows + {} rejected; {} more rows recovered from the same lines",
        files.files,
        fates.join(", "),
        count(totals.lines),
        count(totals.rows),
        count(totals.rejected),
        count(totals.extra_rows),
    );
    let is_unconfirmed = |file: &&FileReport| file.zone.as_ref().is_some_and(|zone| zone.is_open);
    let unconfirmed = report.per_file.iter().filter(is_unconfirmed).count() as u64;
    let facts = [
        (totals.damaged, "damaged lines recovered and kept"),
        (totals.payload_lost, "payloads lost by the older recorder"),
        (
            totals.value_unread,
            "records with a value that cannot be read, NULL in its row (frame value_unread or payload_unread)",
        ),
        (totals.known, "records that are stored already, in another session: left out (--json: known_in)"),
        (totals.derived, "rows that come back from their frames"),
        (totals.comments, "blank lines and comments (comments are kept)"),
        (totals.left_out, "messages of other hosts, or no traffic, left out"),
        (totals.unproven, "finished games without their seed: nothing proves them"),
        (totals.redacted, "records of which credentials were taken out"),
        (totals.without_time, "records without a time"),
        (
            totals.impossible_times,
            "records with a time that cannot be (before 2024, after tomorrow): kept without it, it is in source_clock",
        ),
        (totals.doubtful_times, "times within a change of the clocks, read as the first pass"),
        (unconfirmed, "files with times without a zone that nothing in them confirms (--json: zone)"),
    ];
    for (records, what) in facts.iter().filter(|(records, _)| *records > 0) {
        text.push_str(&format!("\n{} {what}", count(*records)));
    }
    if report.dry_run {
        text.push_str("\nThis was a dry run: nothing was written");
    }
    text
}

fn print_comparison(out: &mut Out, comparison: &Comparison) -> Result<(), CliError> {
    let row = |row: &compare::Row| {
        let difference = if row.difference == 0 { "=".to_owned() } else { format!("{:+}", row.difference) };
        vec![row.event.clone(), count(row.in_files), count(row.in_store), difference]
    };
    let rows: Vec<_> = comparison.events.iter().map(row).collect();
    out.table(&["event", "in files", "in store", "difference"], &rows)?;
    for (name, reason) in comparison.left_out.iter().take(LISTED) {
        out.line(format!("left out: {name}: {reason}"))?;
    }
    if comparison.files_by_session > 0 {
        out.line(format!("{} files compared with the sessions they became", comparison.files_by_session))?;
    }
    if let (Some(from), Some(to)) = (&comparison.from, &comparison.to) {
        let files = comparison.files_by_time;
        out.line(format!("{files} files that were not imported compared with what was recorded {from} … {to}"))?;
    }
    out.line(format!(
        "{} records of the files are in the store, {} are not",
        count(comparison.known),
        count(comparison.new)
    ))?;
    Ok(out.line(if comparison.equal { "equal" } else { "they differ" })?)
}

#[cfg(test)]
mod tests;
