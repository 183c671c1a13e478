//! `replayer schema`: the layout of the stored rows.

use std::path::Path;
use std::process::ExitCode;

use clap::{Args, Subcommand};
use serde_json::json;

use super::out::count;
use super::{CliError, Out};
use crate::store::Store;
use crate::store::root::DataRoot;
use crate::store::schema::{DocType, SCHEMA_VERSION};

/// `replayer schema …`
#[derive(Debug, Args)]
pub struct SchemaArgs {
    #[command(subcommand)]
    command: SchemaCommand,
}

#[derive(Debug, Subcommand)]
enum SchemaCommand {
    /// The doc types and their columns.
    Show {
        /// Only this doc type, like game_tick.
        doc_type: Option<String>,
        /// Print JSON for programs.
        #[arg(long)]
        json: bool,
    },
    /// Take Parquet files of older layouts into this one, and read the frames of parts of an older schema again. The old
    /// files stay, renamed, until `data prune`.
    Migrate {
        /// Only count.
        #[arg(long)]
        dry_run: bool,
        /// Print JSON for programs.
        #[arg(long)]
        json: bool,
    },
}

/// Runs `replayer schema …`.
///
/// # Errors
/// An unknown doc type; those of the store.
pub fn run(args: SchemaArgs, path: &Path, out: &mut Out) -> Result<ExitCode, CliError> {
    match args.command {
        SchemaCommand::Show { doc_type, json } => show(doc_type.as_deref(), json, out),
        SchemaCommand::Migrate { dry_run, json } => migrate(path, dry_run, json, out),
    }
}

fn show(wanted: Option<&str>, as_json: bool, out: &mut Out) -> Result<ExitCode, CliError> {
    let doc_types = match wanted {
        None => DocType::ALL.to_vec(),
        Some(name) => vec![DocType::from_name(name).ok_or_else(|| {
            let names = DocType::ALL.map(DocType::as_str).join(", ");
            CliError::Failed(format!("there is no doc type {name:?}; there are: {names}"))
        })?],
    };
    if as_json {
        let columns = |doc_type: DocType| -> Vec<_> {
            doc_type
                .columns()
                .map(|c| json!({"name": c.name, "type": c.kind.as_str(), "about": c.about}))
                .collect()
        };
        let described: serde_json::Map<_, _> = doc_types
            .into_iter()
            .map(|doc| (doc.as_str().to_owned(), json!({"about": doc.about(), "columns": columns(doc)})))
            .collect();
        out.json(&json!({"schema_version": SCHEMA_VERSION, "doc_types": described}))?;
        return Ok(ExitCode::SUCCESS);
    }
    out.line(format_args!("schema {SCHEMA_VERSION}; every column may be NULL: absent is NULL, never a default"))?;
    for doc_type in doc_types {
        out.line(format_args!("\n{} — {}", doc_type.as_str(), doc_type.about()))?;
        let columns = if wanted.is_some() {
            doc_type.columns().collect()
        } else {
            doc_type.own_columns().iter().collect::<Vec<_>>()
        };
        let rows: Vec<_> = columns
            .into_iter()
            .map(|column| vec![column.name.to_owned(), column.kind.as_str().to_owned(), column.about.to_owned()])
            .collect();
        out.table(&["column", "type", "meaning"], &rows)?;
    }
    if wanted.is_none() {
        out.line("\nEvery kind also has the envelope: `replayer schema show game_tick` lists all of one kind.")?;
    }
    Ok(ExitCode::SUCCESS)
}

fn migrate(path: &Path, dry_run: bool, as_json: bool, out: &mut Out) -> Result<ExitCode, CliError> {
    let root = DataRoot::create(path)?;
    let store = Store::open(&root, "schema migrate")?;
    let migrated = store.migrate(dry_run)?;
    if as_json {
        out.json(&json!({"applied": !dry_run, "migrated": migrated}))?;
        return Ok(ExitCode::SUCCESS);
    }
    let reread = migrated.reread;
    if reread.parts > 0 {
        let done = if dry_run { "would be read again; nothing was written" } else { "read again" };
        out.line(format_args!(
            "{} parts of an older schema {done}: their frames give {} rows now, {} before",
            count(reread.parts as u64),
            count(reread.rows_after),
            count(reread.rows_before)
        ))?;
    }
    if reread.without_frames > 0 {
        out.line(format_args!(
            "{} parts stay as an older build read them: their frames are not all there any more",
            count(reread.without_frames as u64)
        ))?;
    }
    if migrated.files > 0 {
        let rows: Vec<_> = migrated.rows.iter().map(|(name, rows)| vec![name.clone(), count(*rows)]).collect();
        out.table(&["doc type", if dry_run { "rows to migrate" } else { "rows migrated" }], &rows)?;
        out.line(format_args!(
            "from {} older files{}",
            migrated.files,
            if dry_run { "; nothing was written" } else { "" }
        ))?;
    } else if reread.parts == 0 {
        out.line(format_args!("nothing to migrate: every part is of schema {SCHEMA_VERSION}"))?;
    }
    for (file, reason) in &migrated.skipped {
        out.line(format_args!("left alone: {file}: {reason}"))?;
    }
    Ok(ExitCode::SUCCESS)
}
