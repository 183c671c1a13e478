//! `replayer export`, which is also `replayer data export`: views, or a query's rows, into files.

mod destination;

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use clap::{Args, ValueEnum};
use serde::Serialize;
use serde_json::json;
use tokio_util::sync::CancellationToken;

use super::out::{bytes, count, spinner};
use super::{CliError, Out};
use crate::server::errors::ToolError;
use crate::sql::{self, SqlClient, views};
use crate::store::root::DataRoot;
use crate::tools::export_dataset::{self as exporting, DataFile, Format, Plan, as_of, folder_name, making};
use crate::verify::reviews::derived::DerivedViews;
pub use destination::Destination;

/// Write rows to files, with a manifest: all views, some of them, or the result of a query.
///
/// Without --dataset or --sql every view is exported, a file each: `replayer export --format jsonl --output ./export/`
/// writes export/games.jsonl, export/game_tick.jsonl and so on, and export/manifest.json, which says for each file its
/// query, rows, columns and SHA-256. Without --output a new folder under exports/ in the data root is made. `replayer sql
/// "SHOW TABLES"` lists the views. Everything recorded so far is included, also while something records.
#[derive(Debug, Args)]
pub struct ExportArgs {
    /// The files' format [default: that of --output's name, else parquet].
    #[arg(long, value_enum)]
    format: Option<FormatArg>,
    /// Only this view, like game_tick or games; may be repeated.
    #[arg(long = "dataset", visible_alias = "view", value_name = "VIEW", conflicts_with = "sql")]
    datasets: Vec<String>,
    /// One SELECT instead of views.
    #[arg(long, value_name = "QUERY", conflicts_with_all = ["game", "session", "from", "until"])]
    sql: Option<String>,
    /// Only rows of this game.
    #[arg(long, value_name = "ID")]
    game: Option<String>,
    /// Only rows of this session.
    #[arg(long, value_name = "ID")]
    session: Option<String>,
    /// Only rows from this time on, like 2026-11-23T00:00:00Z.
    #[arg(long, value_name = "TIME")]
    from: Option<String>,
    /// Only rows before this time.
    #[arg(long, value_name = "TIME")]
    until: Option<String>,
    /// A folder for a file per view, made when it is missing: it ends with / or is one. Or, for one view, the file.
    #[arg(long, short, value_name = "PATH")]
    output: Option<PathBuf>,
    /// Replace files of the same names in --output. Otherwise nothing is written when one is there.
    #[arg(long, requires = "output")]
    overwrite: bool,
    /// Print what was written, as JSON for programs.
    #[arg(long)]
    json: bool,
}

/// Formats of files.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum FormatArg {
    /// One JSON object per line, NULL left out.
    Jsonl,
    /// Comma-separated, with a header.
    Csv,
    /// Parquet, zstd.
    Parquet,
}

impl FormatArg {
    /// The format of a file with this extension.
    fn of(path: &Path) -> Option<FormatArg> {
        let extension = path.extension()?.to_str()?;
        FormatArg::from_str(extension, true).ok()
    }
}

impl From<FormatArg> for Format {
    fn from(format: FormatArg) -> Self {
        match format {
            FormatArg::Jsonl => Format::Jsonl,
            FormatArg::Csv => Format::Csv,
            FormatArg::Parquet => Format::Parquet,
        }
    }
}

/// What was written.
#[derive(Debug, Serialize)]
struct Report {
    /// The folder with the files; where there is one file, the file.
    path: String,
    manifest: String,
    rows: u64,
    bytes: u64,
    files: Vec<Written>,
    /// Views that the filters do not fit.
    left_out: Vec<LeftOut>,
    as_of: String,
}

#[derive(Debug, Serialize)]
struct Written {
    path: String,
    #[serde(flatten)]
    data: DataFile,
}

#[derive(Debug, Serialize)]
struct LeftOut {
    dataset: &'static str,
    why: String,
}

/// Runs `replayer export`.
///
/// # Errors
/// When a view is not known, a file is in the way, the query fails or the disk is full; then nothing is left behind.
pub fn run(args: ExportArgs, root: &DataRoot, out: &mut Out) -> Result<ExitCode, CliError> {
    let as_json = args.json;
    let report = export(args, root).map_err(|error| CliError::Failed(error.at_the_command_line()))?;
    if as_json {
        out.json(&report)?;
        return Ok(ExitCode::SUCCESS);
    }
    if let [file] = report.files.as_slice() {
        out.line(format_args!("{} rows, {}: {}", count(file.data.rows), bytes(file.data.bytes), file.path))?;
    } else {
        let row = |file: &Written| vec![file.data.file.clone(), count(file.data.rows), bytes(file.data.bytes)];
        out.table(&["file", "rows", "size"], &report.files.iter().map(row).collect::<Vec<_>>())?;
        out.line(format_args!("{} rows, {} in {}", count(report.rows), bytes(report.bytes), report.path))?;
    }
    for left in &report.left_out {
        out.line(format_args!("left out: {}, {}", left.dataset, left.why))?;
    }
    out.line(format_args!("manifest: {}", report.manifest))?;
    Ok(ExitCode::SUCCESS)
}

fn export(args: ExportArgs, root: &DataRoot) -> Result<Report, ToolError> {
    let Selection { plans, left_out, whole } = select(&args)?;
    let destination = match &args.output {
        None => Destination::Exports,
        Some(path) => Destination::read(path, plans.len() == 1 && !whole, args.overwrite)?,
    };
    destination.check(root)?;

    let created = jiff::Timestamp::now();
    let names = names(&plans, &destination);
    destination.refuse_taken(&names)?;
    let making = making::Making::begin(&destination.above(root))?;
    let data = fetch(root, &plans, &names, &making)?;
    let content = match data.as_slice() {
        // The same as the agents' tool writes.
        [only] if !destination.is_folder() && !whole => exporting::manifest(root.path(), created, only),
        files => exporting::manifest(root.path(), created, &json!({"files": files, "left_out": left_out})),
    };
    let single = plans.first().filter(|_| plans.len() == 1 && !whole).map(|plan| plan.name.as_str());
    let place = destination.finish(making, &names, &folder_name(created, single.unwrap_or("all")), &content)?;
    let (rows, size) = data.iter().fold((0, 0), |(rows, size), file| (rows + file.rows, size + file.bytes));
    let files: Vec<_> =
        data.into_iter().map(|data| Written { path: shown(&place.folder.join(&data.file)), data }).collect();
    let path = match files.as_slice() {
        [file] => file.path.clone(),
        _ => shown(&place.folder),
    };
    Ok(Report {
        path,
        manifest: shown(&place.manifest),
        rows,
        bytes: size,
        files,
        left_out,
        as_of: as_of(created),
    })
}

/// What is to be exported.
struct Selection {
    plans: Vec<Plan>,
    left_out: Vec<LeftOut>,
    /// Every view, because none was named.
    whole: bool,
}

fn select(args: &ExportArgs) -> Result<Selection, ToolError> {
    let format = args.format.or_else(|| FormatArg::of(args.output.as_deref()?)).unwrap_or(FormatArg::Parquet);
    let asked = |dataset: Option<&str>| exporting::Args {
        format: format.into(),
        dataset: dataset.map(str::to_owned),
        sql: args.sql.clone(),
        name: None,
        game_id: args.game.clone(),
        session_id: args.session.clone(),
        event_name: None,
        from: args.from.clone(),
        until: args.until.clone(),
    };
    if args.sql.is_some() {
        return Ok(Selection { plans: vec![Plan::read(&asked(None))?], left_out: Vec::new(), whole: false });
    }
    if !args.datasets.is_empty() {
        let mut names: Vec<&str> = args.datasets.iter().map(String::as_str).collect();
        names.sort_unstable();
        names.dedup();
        let plans = names.into_iter().map(|name| Plan::read(&asked(Some(name)))).collect::<Result<_, _>>()?;
        return Ok(Selection { plans, left_out: Vec::new(), whole: false });
    }
    let mut selection = Selection { plans: Vec::new(), left_out: Vec::new(), whole: true };
    for view in views::catalogue() {
        let asked = asked(Some(view.name));
        // A view without games is no part of a game; its rows would be everybody's.
        match exporting::unfit(view, &asked) {
            Some(filter) => {
                selection.left_out.push(LeftOut { dataset: view.name, why: format!("which has no {filter}") });
            }
            None => selection.plans.push(Plan::read(&asked)?),
        }
    }
    Ok(selection)
}

/// The files' names, in the order of the plans.
fn names(plans: &[Plan], destination: &Destination) -> Vec<String> {
    match destination {
        Destination::File { name, .. } => vec![name.clone()],
        // As the agents' tool names it.
        Destination::Exports if plans.len() == 1 => plans.iter().map(|plan| plan.file("data")).collect(),
        _ => plans.iter().map(|plan| plan.file(&plan.name)).collect(),
    }
}

/// Runs the plans one after the other, each into its file.
fn fetch(
    root: &DataRoot,
    plans: &[Plan],
    names: &[String],
    making: &making::Making,
) -> Result<Vec<DataFile>, ToolError> {
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build();
    let runtime = runtime.map_err(|error| ToolError::io("The system gave no threads", &error))?;
    let bar = spinner("exporting");
    let exported = runtime.block_on(async {
        let cancel = CancellationToken::new();
        let stop = cancel.clone();
        tokio::spawn(async move {
            // So that what was written so far is removed, as after any other failure.
            if tokio::signal::ctrl_c().await.is_ok() {
                stop.cancel();
            }
        });
        let sql = SqlClient::new(sql::Config::new(root.path()));
        sql.derive_with(DerivedViews::at(root.path()));
        let mut files = Vec::new();
        let mut outcome = Ok(());
        for (plan, name) in plans.iter().zip(names) {
            bar.set_message(format!("exporting {}", plan.name));
            match one(&sql, plan, &making.path(name), cancel.clone()).await {
                Ok(file) => files.push(file),
                Err(error) => {
                    outcome = Err(if cancel.is_cancelled() { interrupted() } else { error });
                    break;
                }
            }
        }
        sql.shutdown().await;
        outcome.map(|()| files)
    });
    bar.finish_and_clear();
    exported
}

async fn one(sql: &SqlClient, plan: &Plan, path: &Path, cancel: CancellationToken) -> Result<DataFile, ToolError> {
    let rows = exporting::rows(sql, plan, cancel).await?;
    exporting::write(plan, rows, path).await
}

fn interrupted() -> ToolError {
    ToolError::new("The export was interrupted", "nothing of it is left", "the same command again")
}

fn shown(path: &Path) -> String {
    path.display().to_string()
}

#[cfg(test)]
mod tests;
