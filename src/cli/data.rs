//! `replayer data`: what is stored, whether it is whole, giving space back.

use std::path::Path;
use std::process::ExitCode;

use clap::{Args, Subcommand};
use serde_json::json;

use super::export::{self, ExportArgs};
use super::out::{bytes, count, progress, time};
use super::{CliError, Out};
use crate::store::catalog::Catalog;
use crate::store::lease::Lease;
use crate::store::repair::{self, RepairOptions};
use crate::store::root::DataRoot;
use crate::store::schema::DocType;
use crate::store::verify::{self, Verified};
use crate::store::{Store, journal};

/// `replayer data …`
#[derive(Debug, Args)]
pub struct DataArgs {
    #[command(subcommand)]
    command: DataCommand,
}

#[derive(Debug, Subcommand)]
enum DataCommand {
    /// What is stored: rows, sizes, times, sessions, who writes.
    Status {
        /// Print JSON for programs.
        #[arg(long)]
        json: bool,
    },
    /// Read every part again and check it against the catalog and the journal. Exit code 1 when something is wrong.
    Verify {
        /// Make the catalog again from what the parts say about themselves, then check. A process that writes does so by
        /// itself where the catalog is gone or damaged.
        #[arg(long)]
        rebuild: bool,
        /// Print JSON for programs.
        #[arg(long)]
        json: bool,
    },
    /// Do what `data verify` advises: take in parts that no manifest names, seal what a crash left in the journal, and make
    /// the rows of damaged parts again from the frames. Only says what it would do, unless --apply is given.
    Repair {
        /// Really do it. Damaged files are kept beside the others, as ….parquet.damaged, until `data prune`.
        #[arg(long)]
        apply: bool,
        /// Name what cannot be made again no longer: its loss is accepted.
        #[arg(long)]
        give_up: bool,
        /// Print JSON for programs.
        #[arg(long)]
        json: bool,
    },
    Export(ExportArgs),
    /// Join the many small parts of closed days into few.
    Compact {
        /// Print JSON for programs.
        #[arg(long)]
        json: bool,
    },
    /// Remove frames from before a date; finished games, side bets, marks and manifests stay. Only says what
    /// would go, unless --apply is given.
    Prune {
        /// First UTC date to keep, like 2026-11-23.
        #[arg(long, value_name = "DATE")]
        before: String,
        /// Really remove.
        #[arg(long)]
        apply: bool,
        /// Print JSON for programs.
        #[arg(long)]
        json: bool,
    },
}

/// Runs `replayer data …`.
///
/// # Errors
/// Those of the store.
pub fn run(args: DataArgs, path: &Path, out: &mut Out) -> Result<ExitCode, CliError> {
    let root = DataRoot::open(path)?;
    match args.command {
        DataCommand::Status { json } => status(&root, json, out),
        DataCommand::Verify { rebuild, json } => check(&root, rebuild, json, out),
        DataCommand::Repair { apply, give_up, json } => {
            mend(&root, RepairOptions { dry_run: !apply, give_up }, json, out)
        }
        DataCommand::Export(args) => export::run(args, &root, out),
        DataCommand::Compact { json } => compact(&root, json, out),
        DataCommand::Prune { before, apply, json } => prune(&root, &before, apply, json, out),
    }
}

fn status(root: &DataRoot, as_json: bool, out: &mut Out) -> Result<ExitCode, CliError> {
    let (catalog, message) = Catalog::load_reporting(root)?;
    let segments = journal::segments(root)?;
    let journal_bytes: u64 =
        segments.iter().filter_map(|segment| std::fs::metadata(&segment.path).ok()).map(|meta| meta.len()).sum();
    let (first, last) = catalog.frames_span().unzip();
    let writer = Lease::holder(root);
    let per_type = DocType::ALL.map(|doc_type| {
        let parts = catalog.parts.iter().filter(|part| part.doc_type == doc_type);
        let (files, size) = parts.fold((0_u64, 0), |(files, size), part| (files + 1, size + part.bytes));
        (doc_type.as_str(), catalog.rows(doc_type), files, size)
    });
    if as_json {
        let doc_types: serde_json::Map<_, _> = per_type
            .iter()
            .map(|(name, rows, files, size)| {
                ((*name).to_owned(), json!({"rows": rows, "parts": files, "bytes": size}))
            })
            .collect();
        out.json(&json!({
            "root": root.path(), "generation": catalog.generation, "doc_types": doc_types,
            "sessions": catalog.sessions.len(), "imports": catalog.imports.len(),
            "first_us": first, "last_us": last,
            "journal": {"segments": segments.len(), "bytes": journal_bytes}, "writer": writer,
            "pruned_before": catalog.pruned_before,
            "note": message, "lost": catalog.lost, "given_up": catalog.given_up,
        }))?;
        return Ok(ExitCode::SUCCESS);
    }
    out.line(format_args!("{}  (catalog generation {})", root.path().display(), catalog.generation))?;
    let rows = per_type
        .map(|(name, rows, files, size)| vec![name.to_owned(), count(rows), files.to_string(), bytes(size)]);
    out.table(&["doc type", "rows", "parts", "size"], &rows)?;
    out.line(format_args!("frames     {} … {}", time(first), time(last)))?;
    out.line(format_args!(
        "sessions   {}, of which {} imported files",
        catalog.sessions.len(),
        catalog.imports.len()
    ))?;
    out.line(format_args!("journal    {} segments, {} not sealed yet", segments.len(), bytes(journal_bytes)))?;
    if let Some(message) = &message {
        out.line(format_args!("note       {message}"))?;
    }
    for lost in &catalog.lost {
        out.line(format_args!(
            "LOST       {} rows of {} in {}: {}",
            count(lost.part.rows),
            lost.part.doc_type.as_str(),
            lost.part.path,
            lost.reason
        ))?;
    }
    out.line(format_args!("writer     {}", writer.as_deref().unwrap_or("nobody writes at the moment")))?;
    Ok(ExitCode::SUCCESS)
}

/// Reads every part and the journal again, and shows how far it has come.
fn read_everything(root: &DataRoot) -> Result<Verified, CliError> {
    let bar = progress(0, "parts");
    let verified = verify::verify(root, |done, of| {
        bar.set_length(of as u64);
        bar.set_position(done as u64);
    })?;
    bar.finish_and_clear();
    Ok(verified)
}

fn rebuild_catalog(root: &DataRoot, purpose: &str) -> Result<(), CliError> {
    let _lease = Lease::take(root, purpose)?;
    let (mut catalog, unreadable) = Catalog::rebuild(root)?;
    catalog.save(root)?;
    for error in unreadable {
        eprintln!("replayer: left out: {error}");
    }
    Ok(())
}

fn check(root: &DataRoot, rebuild: bool, as_json: bool, out: &mut Out) -> Result<ExitCode, CliError> {
    if rebuild {
        rebuild_catalog(root, "data verify --rebuild")?;
    }
    let verified = read_everything(root)?;
    let sound = verified.problems.is_empty();
    if as_json {
        out.json(&verified)?;
    } else {
        out.line(format_args!(
            "{} rows in {} parts, {} records in {} journal segments, {} sessions",
            count(verified.rows),
            verified.parts,
            count(verified.journal_records),
            verified.segments,
            verified.sessions
        ))?;
        for (status, frames) in &verified.unread {
            out.line(format_args!(
                "{} frames could not be read completely: `replayer sql \"SELECT * FROM ws_event WHERE frame = '{status}'\"`",
                count(*frames)
            ))?;
        }
        for problem in &verified.problems {
            out.line(format_args!("WRONG  {}: {}. {}", problem.about, problem.problem, problem.advice))?;
        }
        out.line(if sound { "all is as it should be" } else { "see above" })?;
    }
    Ok(if sound { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

fn mend(root: &DataRoot, options: RepairOptions, as_json: bool, out: &mut Out) -> Result<ExitCode, CliError> {
    let store = if options.dry_run {
        None
    } else {
        // Taking in, setting aside and sealing is what opening for writing does.
        Some(Store::open(root, "data repair")?)
    };
    // Read to the last page first: damage that nobody has met yet is to be mended too.
    let verified = read_everything(root)?;
    let repaired = match store {
        None => repair::plan(root, options)?,
        Some(store) => {
            // What the reading has found counts from a fresh look at the catalog.
            drop(store);
            if verified.rebuild {
                rebuild_catalog(root, "data repair")?;
            }
            Store::open(root, "data repair")?.repair(options)?
        }
    };
    if as_json {
        out.json(&json!({"applied": !options.dry_run, "problems": verified.problems, "repaired": repaired}))?;
        return Ok(ExitCode::SUCCESS);
    }
    let (made, lost) =
        if options.dry_run { ("can be made again", "would be") } else { ("were made again", "are") };
    for part in &repaired.parts {
        out.line(format_args!("{}: {}", part.path, part.reason))?;
        let rest = part.rows.saturating_sub(part.restored);
        if part.restored > 0 {
            out.line(format_args!(
                "       {} of its {} rows of {} {made} from the frames",
                count(part.restored),
                count(part.rows),
                part.doc_type
            ))?;
        }
        if rest > 0 {
            let fate = if part.given_up {
                format!("{lost} given up: no answer names them any more")
            } else {
                "stay lost: restore the file from a backup, or accept the loss with --give-up".to_owned()
            };
            out.line(format_args!("       {} rows of {} {fate}", count(rest), part.doc_type))?;
        }
    }
    let others =
        verified.problems.iter().filter(|problem| repaired.parts.iter().all(|part| part.path != problem.about));
    for problem in others {
        out.line(format_args!("{}: {}. {}", problem.about, problem.problem, problem.advice))?;
    }
    out.line(match (verified.problems.is_empty(), options.dry_run) {
        (true, _) => "nothing to repair: all is as it should be",
        (false, true) => "nothing was changed: add --apply to do it",
        (false, false) => "done; `replayer data verify` shows what is left",
    })?;
    Ok(ExitCode::SUCCESS)
}

fn compact(root: &DataRoot, as_json: bool, out: &mut Out) -> Result<ExitCode, CliError> {
    let store = Store::open(root, "data compact")?;
    let bar = progress(0, "days");
    let compacted = store.compact(|done, of| {
        bar.set_length(of as u64);
        bar.set_position(done as u64);
    })?;
    bar.finish_and_clear();
    if as_json {
        out.json(&compacted)?;
    } else if compacted.parts_before == 0 {
        out.line("nothing to compact: every closed day has one part of each kind")?;
    } else {
        out.line(format_args!(
            "{} parts became {}, {} became {}",
            compacted.parts_before,
            compacted.parts_after,
            bytes(compacted.bytes_before),
            bytes(compacted.bytes_after)
        ))?;
    }
    Ok(ExitCode::SUCCESS)
}

fn prune(root: &DataRoot, before: &str, apply: bool, as_json: bool, out: &mut Out) -> Result<ExitCode, CliError> {
    let store = Store::open(root, "data prune")?;
    let pruned = store.prune(before, !apply)?;
    if as_json {
        out.json(&json!({"applied": apply, "before": before, "pruned": pruned}))?;
        return Ok(ExitCode::SUCCESS);
    }
    let rows: Vec<_> = pruned.rows.iter().map(|(name, rows)| vec![name.clone(), count(*rows)]).collect();
    out.table(&["doc type", if apply { "rows removed" } else { "rows that would go" }], &rows)?;
    out.line(format_args!(
        "{} in {} parts; finished games and side bets stay",
        bytes(pruned.bytes),
        pruned.parts
    ))?;
    if pruned.lost > 0 {
        out.line(format_args!("{} of the parts are damaged or gone already", pruned.lost))?;
    }
    if pruned.leftovers > 0 {
        out.line(format_args!(
            "{} in {} files that are in force no more (…parquet.orphan, .migrated, .damaged)",
            bytes(pruned.leftover_bytes),
            pruned.leftovers
        ))?;
    }
    if pruned.kept_rows > 0 {
        out.line(format_args!("{} rows stay: their game runs past {before}", count(pruned.kept_rows)))?;
    }
    if pruned.kept_by_order > 0 {
        out.line(format_args!(
            "{} parts stay, though their frames are stamped before {before}: they came after frames of that day or later in \
             the same session, so the clock had fallen back",
            pruned.kept_by_order
        ))?;
    }
    if !apply {
        out.line("nothing was removed: add --apply to do it")?;
    }
    Ok(ExitCode::SUCCESS)
}
