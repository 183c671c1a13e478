//! `replayer legacy export`: rows of the store as JSON lines, to a file or to the standard output.

use std::io::BufWriter;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use clap::{ArgGroup, Args, ValueEnum};
use serde::Serialize;
use serde_json::json;

use crate::cli::export::Destination;
use crate::cli::out::{bytes, count};
use crate::cli::{CliError, Out};
use crate::legacy::error::LegacyError;
use crate::legacy::export::{self, Exported, Layout};
use crate::legacy::time::{Clock, Zone};
use crate::server::errors::ToolError;
use crate::store::root::DataRoot;
use crate::store::scan::ScanFilter;
use crate::store::schema::DocType;
use crate::tools::export_dataset::encode::{Digested, Written};
use crate::tools::export_dataset::making::Making;
use crate::tools::export_dataset::{folder_name, manifest};

/// Write rows of the store as JSON lines, in one file for all kinds.
///
/// With --format they go to a new folder under exports/ in the data root, with a manifest, or to --output. With neither,
/// or with --layout, they go to the standard output.
#[derive(Debug, Args)]
#[command(group = ArgGroup::new("to a file").args(["format", "output"]).multiple(true))]
pub struct ExportArgs {
    /// Write a file. v1: the older store's columns, with the payload alone in raw_json, as its notebooks read them. v2:
    /// every column, can be imported again.
    #[arg(long, value_enum)]
    format: Option<LayoutArg>,
    /// The same layouts, to the standard output when no --output is given [default: v2].
    #[arg(long, value_enum, conflicts_with = "format")]
    layout: Option<LayoutArg>,
    /// Only rows of this session.
    #[arg(long, value_name = "ID")]
    session: Option<String>,
    /// Only rows of this kind (ws_event, game_tick, …); may be repeated.
    #[arg(long = "doc-type", value_name = "KIND", value_parser = doc_type)]
    doc_types: Vec<DocType>,
    /// Only rows of this game.
    #[arg(long, value_name = "ID")]
    game: Option<String>,
    /// Only rows from this time on: 2025-12-12 or 2025-12-12T17:00:00 (UTC).
    #[arg(long, value_name = "TIME")]
    from: Option<String>,
    /// Only rows before this time.
    #[arg(long, value_name = "TIME")]
    to: Option<String>,
    /// The file to write; or a folder, made when it is missing, for legacy-v1.jsonl (or -v2) and its manifest: it ends
    /// with / or is one; or - for the standard output.
    #[arg(long, short, visible_alias = "out", value_name = "PATH")]
    output: Option<PathBuf>,
    /// Replace files of the same names in --output. Otherwise nothing is written when one is there.
    #[arg(long, requires = "output")]
    overwrite: bool,
    /// Print what was written, as JSON for programs.
    #[arg(long, requires = "to a file")]
    json: bool,
}

#[derive(Debug, Clone, Copy, ValueEnum)]
enum LayoutArg {
    V1,
    V2,
}

impl From<LayoutArg> for Layout {
    fn from(layout: LayoutArg) -> Self {
        match layout {
            LayoutArg::V1 => Layout::V1,
            LayoutArg::V2 => Layout::V2,
        }
    }
}

fn doc_type(name: &str) -> Result<DocType, String> {
    DocType::from_name(name).ok_or_else(|| {
        let known: Vec<_> = DocType::ALL.iter().map(|doc_type| doc_type.as_str()).collect();
        format!("no such kind; known are {}", known.join(", "))
    })
}

/// What was written to a file.
#[derive(Debug, Serialize)]
struct Report {
    path: PathBuf,
    manifest: PathBuf,
    #[serde(flatten)]
    exported: Exported,
    bytes: u64,
    sha256: String,
}

/// Runs `replayer legacy export`.
///
/// # Errors
/// When a time cannot be understood, a file is in the way, or the disk is full; then nothing is left behind.
pub fn run(args: ExportArgs, path: &Path, out: &mut Out) -> Result<ExitCode, CliError> {
    let root = DataRoot::open(path)?;
    let options = export::Options {
        layout: args.format.or(args.layout).map(Layout::from).unwrap_or_default(),
        doc_types: args.doc_types.clone(),
        filter: ScanFilter {
            session_id: args.session.clone(),
            game_id: args.game.clone(),
            from_us: args.from.as_deref().map(time).transpose()?,
            to_us: args.to.as_deref().map(time).transpose()?,
        },
    };
    let destination = match &args.output {
        Some(path) if path.as_os_str() == "-" => None,
        Some(path) => Some(Destination::read(path, true, args.overwrite).map_err(said)?),
        None => args.format.map(|_| Destination::Exports),
    };
    let Some(destination) = destination else {
        if args.json {
            return Err(CliError::Failed(
                "--json says what was written to a file, and the rows go to the standard output: name a file with \
                 --output"
                    .to_owned(),
            ));
        }
        return to_stdout(&root, &options, out);
    };
    let report = to_file(&root, &options, &destination, &args)?;
    if args.json {
        out.json(&report)?;
        return Ok(ExitCode::SUCCESS);
    }
    let kinds: Vec<_> = report.exported.doc_types.iter().map(|(kind, rows)| format!("{rows} {kind}")).collect();
    let kinds = if kinds.is_empty() { "no row matched".to_owned() } else { kinds.join(", ") };
    let (rows, path) = (count(report.exported.rows), report.path.display());
    out.line(format_args!("{rows} rows to {path} ({kinds}), {}", bytes(report.bytes)))?;
    out.line(format_args!("manifest: {}", report.manifest.display()))?;
    Ok(ExitCode::SUCCESS)
}

fn to_stdout(root: &DataRoot, options: &export::Options, out: &mut Out) -> Result<ExitCode, CliError> {
    let mut writer = BufWriter::new(out.writer());
    match export::run(root, options, &mut writer) {
        Ok(_) => Ok(ExitCode::SUCCESS),
        Err(LegacyError::Write(error)) => Err(CliError::Print(error)),
        Err(error) => Err(error.into()),
    }
}

/// Writes one file: the rows' order matters to a later import, which makes the others from the frames.
fn to_file(
    root: &DataRoot,
    options: &export::Options,
    destination: &Destination,
    args: &ExportArgs,
) -> Result<Report, CliError> {
    let layout = match options.layout {
        Layout::V1 => "v1",
        Layout::V2 => "v2",
    };
    let name = match destination {
        Destination::File { name, .. } => name.clone(),
        _ => format!("legacy-{layout}.jsonl"),
    };
    let names = [name];
    destination.check(root).and_then(|()| destination.refuse_taken(&names)).map_err(said)?;
    let created = jiff::Timestamp::now();
    let making = Making::begin(&destination.above(root)).map_err(said)?;
    let [name] = &names;
    let mut file = Digested::create(&making.path(name)).map_err(said)?;
    let exported = export::run(root, options, &mut file)?;
    let Written { rows, bytes, sha256 } = file.finish(exported.rows).map_err(LegacyError::Write)?;
    let content = json!({
        "format": "jsonl", "layout": layout, "file": name, "rows": rows, "doc_types": &exported.doc_types,
        "bytes": bytes, "sha256": &sha256,
        "asked": {
            "session_id": &args.session, "game_id": &args.game, "from": &args.from, "to": &args.to,
            "doc_types": args.doc_types.iter().map(|doc_type| doc_type.as_str()).collect::<Vec<_>>(),
        },
    });
    let content = manifest(root.path(), created, &content);
    let fresh = folder_name(created, &format!("legacy-{layout}"));
    let place = destination.finish(making, &names, &fresh, &content).map_err(said)?;
    Ok(Report { path: place.folder.join(name), manifest: place.manifest, exported, bytes, sha256 })
}

fn said(error: ToolError) -> CliError {
    CliError::Failed(error.at_the_command_line())
}

/// A date or a time, UTC unless it says otherwise, as microseconds.
fn time(text: &str) -> Result<i64, LegacyError> {
    let clock = Clock::new()?;
    clock.read(text, Zone::Utc).map(|moment| moment.us).ok_or_else(|| {
        LegacyError::Argument(format!("{text:?} is no time: write 2025-12-12 or 2025-12-12T17:00:00, in UTC"))
    })
}
