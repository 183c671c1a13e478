//! `replayer protocol export`: the generated documents.

use std::fs;
use std::path::PathBuf;
use std::process::ExitCode;

use clap::Args;

use super::{CliError, Out, ScopeArgs, explorer, failed, never};
use crate::store::StoreError;
use crate::store::root::DataRoot;
use crate::verify::document::{Format, documents};

/// Write documents generated from the data, the shipped catalogue and the marks.
///
/// md: specification, field dictionary, phase matrix, coverage and difference reports. json: the same as data. schema:
/// a JSON Schema (draft 2020-12) per event. Without --output everything goes to the terminal.
#[derive(Debug, Args)]
pub(super) struct ExportArgs {
    /// In which form.
    #[arg(long, value_enum, default_value_t = Format::Md)]
    format: Format,
    /// Write the files into this folder, which is made where it is missing; files of the same name are replaced.
    #[arg(long, value_name = "DIR")]
    output: Option<PathBuf>,
    #[command(flatten)]
    scope: ScopeArgs,
}

pub(super) fn run(args: &ExportArgs, root: &DataRoot, out: &mut Out) -> Result<ExitCode, CliError> {
    let explorer = explorer(root);
    let digest = explorer.digest(&args.scope.scope(), &never).map_err(failed)?;
    let documents = documents(&digest, &explorer.marks(), args.format);
    let Some(folder) = &args.output else {
        for document in documents {
            out.line(document.text.trim_end())?;
        }
        return Ok(ExitCode::SUCCESS);
    };
    fs::create_dir_all(folder).map_err(StoreError::io("create", folder))?;
    let mut written = 0;
    for document in &documents {
        let path = folder.join(&document.name);
        // A file that did not change keeps its time.
        if fs::read_to_string(&path).is_ok_and(|known| known == document.text) {
            continue;
        }
        fs::write(&path, &document.text).map_err(StoreError::io("write", &path))?;
        written += 1;
    }
    out.line(format_args!("{} files in {}, {written} of them new or changed", documents.len(), folder.display()))?;
    Ok(ExitCode::SUCCESS)
}
