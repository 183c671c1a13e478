//! `replayer legacy import | export | compare`: older recordings in, rows out, and whether both agree.

use std::fs::File;
use std::io::{BufWriter, Write};
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use super::{CliError, Out};
use clap::{Args, Subcommand, ValueEnum};
use comfy_table::{CellAlignment, Table, presets};

use crate::legacy::compare::{self, Comparison};
use crate::legacy::error::LegacyError;
use crate::legacy::export::{self, Layout};
use crate::legacy::import::{self, Options};
use crate::legacy::report::{Report, Status};
use crate::legacy::time::{Clock, Zone};
use crate::store::root::DataRoot;
use crate::store::scan::ScanFilter;
use crate::store::schema::DocType;

/// Import, export and compare older recordings.
#[derive(Debug, Args)]
pub struct LegacyArgs {
    #[command(subcommand)]
    command: LegacyCommand,
}

#[derive(Debug, Subcommand)]
enum LegacyCommand {
    /// Import older recordings and captures: files, or folders with everything below them
    ///
    /// The format of each file is found from its content. The same content is imported once, of a file that
    /// has grown only what is new. Damaged lines are recovered or kept as they are; nothing is lost.
    Import(ImportArgs),
    /// Write rows of the store as JSON lines
    Export(ExportArgs),
    /// Compare the events of older files with the store; exit code 1 when they differ
    Compare(CompareArgs),
}

#[derive(Debug, Args)]
struct ImportArgs {
    /// Files and folders
    #[arg(required = true, value_name = "PATH")]
    paths: Vec<PathBuf>,
    /// Report what would be imported; write nothing
    #[arg(long)]
    dry_run: bool,
    /// Print the report as one JSON object
    #[arg(long)]
    json: bool,
}

#[derive(Debug, Args)]
struct ExportArgs {
    /// v2: every column, can be imported again; v1: the older store's columns
    #[arg(long, value_enum, default_value = "v2")]
    layout: LayoutArg,
    /// Only rows of this session
    #[arg(long, value_name = "ID")]
    session: Option<String>,
    /// Only rows of this kind (ws_event, game_tick, …); may be repeated
    #[arg(long = "doc-type", value_name = "KIND", value_parser = doc_type)]
    doc_types: Vec<DocType>,
    /// Only rows of this game
    #[arg(long, value_name = "ID")]
    game: Option<String>,
    /// Only rows from this time on: 2025-12-12 or 2025-12-12T17:00:00 (UTC)
    #[arg(long, value_name = "TIME")]
    from: Option<String>,
    /// Only rows before this time
    #[arg(long, value_name = "TIME")]
    to: Option<String>,
    /// The file to write, which must not exist yet; standard output when left out
    #[arg(long, short, value_name = "FILE")]
    out: Option<PathBuf>,
    /// Print what was written as one JSON object (with --out)
    #[arg(long, requires = "out")]
    json: bool,
}

#[derive(Debug, Args)]
struct CompareArgs {
    /// Files and folders
    #[arg(required = true, value_name = "PATH")]
    paths: Vec<PathBuf>,
    /// Print the result as one JSON object
    #[arg(long)]
    json: bool,
}

#[derive(Debug, Clone, Copy, ValueEnum)]
enum LayoutArg {
    V1,
    V2,
}

fn doc_type(name: &str) -> Result<DocType, String> {
    DocType::from_name(name).ok_or_else(|| {
        let known: Vec<_> = DocType::ALL.iter().map(|doc_type| doc_type.as_str()).collect();
        format!("no such kind; known are {}", known.join(", "))
    })
}

/// Runs `replayer legacy …` on the root at `path`, which importing creates.
///
/// # Errors
/// As [`run`].
pub fn main(args: &LegacyArgs, path: &Path, out: &mut Out) -> Result<ExitCode, CliError> {
    let imports = matches!(&args.command, LegacyCommand::Import(import) if !import.dry_run);
    let root = if imports || !path.exists() { DataRoot::create(path)? } else { DataRoot::open(path)? };
    let code = run(args, &root, out.writer())?;
    if imports {
        super::context::refresh(&root)?;
    }
    Ok(code)
}

/// Runs the command; `out` is standard output.
///
/// # Errors
/// Those of the import, export or comparison, and of writing to `out`.
pub fn run(args: &LegacyArgs, root: &DataRoot, out: &mut dyn Write) -> Result<ExitCode, LegacyError> {
    match &args.command {
        LegacyCommand::Import(args) => import_command(args, root, out),
        LegacyCommand::Export(args) => export_command(args, root, out),
        LegacyCommand::Compare(args) => compare_command(args, root, out),
    }
}

fn import_command(args: &ImportArgs, root: &DataRoot, out: &mut dyn Write) -> Result<ExitCode, LegacyError> {
    let options = Options { paths: args.paths.clone(), dry_run: args.dry_run, progress: true };
    let report = import::run(root, &options)?;
    if args.json {
        print_json(out, &report)?
    } else {
        print_report(out, &report)?
    }
    // A script must notice that a file it named could not be read.
    Ok(if report.files.failed > 0 { ExitCode::FAILURE } else { ExitCode::SUCCESS })
}

fn export_command(args: &ExportArgs, root: &DataRoot, out: &mut dyn Write) -> Result<ExitCode, LegacyError> {
    let options = export::Options {
        layout: match args.layout {
            LayoutArg::V1 => Layout::V1,
            LayoutArg::V2 => Layout::V2,
        },
        doc_types: args.doc_types.clone(),
        filter: ScanFilter {
            session_id: args.session.clone(),
            game_id: args.game.clone(),
            from_us: args.from.as_deref().map(time).transpose()?,
            to_us: args.to.as_deref().map(time).transpose()?,
        },
    };
    let Some(path) = &args.out else {
        export::run(root, &options, &mut BufWriter::new(out))?;
        return Ok(ExitCode::SUCCESS);
    };
    let exported = export_to(path, root, &options)?;
    if args.json {
        print_json(out, &exported)?;
    } else {
        let kinds: Vec<_> = exported.doc_types.iter().map(|(kind, rows)| format!("{rows} {kind}")).collect();
        let kinds = if kinds.is_empty() { "no row matched".to_owned() } else { kinds.join(", ") };
        writeln!(out, "{} rows to {} ({kinds})", exported.rows, path.display()).map_err(LegacyError::Write)?;
    }
    Ok(ExitCode::SUCCESS)
}

/// Writes the export under a temporary name, so that the file named is complete as soon as it is there.
fn export_to(path: &Path, root: &DataRoot, options: &export::Options) -> Result<export::Exported, LegacyError> {
    if path.exists() {
        return Err(LegacyError::Exists(path.to_owned()));
    }
    let mut name = path.as_os_str().to_owned();
    name.push(".part");
    let temporary = PathBuf::from(name);
    let written = File::create(&temporary).map_err(LegacyError::Write).and_then(|file| {
        let mut file = BufWriter::with_capacity(1 << 20, file);
        let exported = export::run(root, options, &mut file)?;
        file.get_ref().sync_all().and_then(|()| std::fs::rename(&temporary, path)).map_err(LegacyError::Write)?;
        Ok(exported)
    });
    if written.is_err() {
        let _ = std::fs::remove_file(&temporary);
    }
    written
}

/// A date or a time, UTC unless it says otherwise, as microseconds.
fn time(text: &str) -> Result<i64, LegacyError> {
    let clock = Clock::new()?;
    clock.read(text, Zone::Utc).map(|moment| moment.us).ok_or_else(|| {
        LegacyError::Argument(format!("{text:?} is no time: write 2025-12-12 or 2025-12-12T17:00:00, in UTC"))
    })
}

fn compare_command(args: &CompareArgs, root: &DataRoot, out: &mut dyn Write) -> Result<ExitCode, LegacyError> {
    let options = Options { paths: args.paths.clone(), dry_run: true, progress: true };
    let comparison = compare::run(root, &options)?;
    if args.json {
        print_json(out, &comparison)?
    } else {
        print_comparison(out, &comparison)?
    }
    Ok(if comparison.equal { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

fn print_json(out: &mut dyn Write, value: &impl serde::Serialize) -> Result<(), LegacyError> {
    serde_json::to_writer(&mut *out, value).map_err(|error| LegacyError::Write(error.into()))?;
    writeln!(out).map_err(LegacyError::Write)
}

fn table(header: &[&str], numbers: std::ops::Range<usize>) -> Table {
    let mut table = Table::new();
    table.load_preset(presets::UTF8_HORIZONTAL_ONLY).set_header(header);
    for index in numbers {
        if let Some(column) = table.column_mut(index) {
            column.set_cell_alignment(CellAlignment::Right);
        }
    }
    table
}

/// How many files with something to say are listed; the JSON report has all of them.
const LISTED: usize = 50;

fn print_report(out: &mut dyn Write, report: &Report) -> Result<(), LegacyError> {
    let needs_a_word = |file: &&crate::legacy::report::FileReport| {
        file.status != Status::Imported
            || file.counts.rejected > 0
            || file.counts.damaged > 0
            || !file.notes.is_empty()
    };
    let noteworthy: Vec<_> = report.per_file.iter().filter(needs_a_word).collect();
    if !noteworthy.is_empty() {
        let mut files = table(&["file", "lines", "rows", "extra", "rejected", "what"], 1..5);
        for file in noteworthy.iter().take(LISTED) {
            let counts = &file.counts;
            let what = match (&file.reason, file.notes.is_empty()) {
                (Some(reason), _) => format!("{}: {reason}", file.status.as_str()),
                (None, false) => file.notes.join("; "),
                (None, true) => format!("{} damaged lines recovered", counts.damaged),
            };
            files.add_row([
                file.name.clone(),
                counts.lines.to_string(),
                counts.rows.to_string(),
                counts.extra_rows.to_string(),
                counts.rejected.to_string(),
                what,
            ]);
        }
        writeln!(out, "{files}").map_err(LegacyError::Write)?;
        if noteworthy.len() > LISTED {
            writeln!(out, "… and {} more (--json lists all)", noteworthy.len() - LISTED)
                .map_err(LegacyError::Write)?;
        }
    }
    let mut events = table(&["event", "records"], 1..2);
    for (name, count) in &report.events {
        events.add_row([name.clone(), count.to_string()]);
    }
    if !report.events.is_empty() {
        writeln!(out, "{events}").map_err(LegacyError::Write)?;
    }
    writeln!(out, "{}", summary(report)).map_err(LegacyError::Write)
}

fn summary(report: &Report) -> String {
    let (files, totals) = (&report.files, &report.totals);
    let fates = [
        (files.imported, "imported"),
        (files.grown, "grown"),
        (files.already_imported, "already imported"),
        (files.empty, "empty"),
        (files.skipped, "skipped"),
        (files.unsupported, "unsupported"),
        (files.failed, "failed"),
    ];
    let fates: Vec<_> =
        fates.iter().filter(|(count, _)| *count > 0).map(|(count, fate)| format!("{count} {fate}")).collect();
    let mut text = format!(
        "{} files: {}\n{} lines = {} rows + {} rejected; {} more rows recovered from the same lines",
        files.files,
        fates.join(", "),
        totals.lines,
        totals.rows,
        totals.rejected,
        totals.extra_rows,
    );
    let facts = [
        (totals.damaged, "damaged lines recovered and kept"),
        (totals.payload_lost, "payloads lost by the older recorder"),
        (totals.derived, "rows that come back from their frames"),
        (totals.without_time, "records without a time"),
        (totals.doubtful_times, "times within a change of the clocks, read as the first pass"),
    ];
    for (count, what) in facts.iter().filter(|(count, _)| *count > 0) {
        text.push_str(&format!("\n{count} {what}"));
    }
    if report.dry_run {
        text.push_str("\nThis was a dry run: nothing was written");
    }
    text
}

fn print_comparison(out: &mut dyn Write, comparison: &Comparison) -> Result<(), LegacyError> {
    let mut events = table(&["event", "in files", "in store", "difference"], 1..4);
    for row in &comparison.events {
        let difference = if row.difference == 0 { "=".to_owned() } else { format!("{:+}", row.difference) };
        events.add_row([row.event.clone(), row.in_files.to_string(), row.in_store.to_string(), difference]);
    }
    let write = |out: &mut dyn Write, text: String| writeln!(out, "{text}").map_err(LegacyError::Write);
    write(out, events.to_string())?;
    for (name, reason) in comparison.left_out.iter().take(LISTED) {
        write(out, format!("left out: {name}: {reason}"))?;
    }
    if comparison.files_by_session > 0 {
        write(out, format!("{} files compared with the sessions they became", comparison.files_by_session))?;
    }
    if let (Some(from), Some(to)) = (&comparison.from, &comparison.to) {
        let files = comparison.files_by_time;
        write(out, format!("{files} files that were not imported compared with what was recorded {from} … {to}"))?;
    }
    write(out, if comparison.equal { "equal".to_owned() } else { "they differ".to_owned() })
}

#[cfg(test)]
mod tests;
