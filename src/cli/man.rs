//! `replayer man`: the manual pages, from the same definition as `--help`.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use clap::Args;
use clap_mangen::Man;

use super::{CliError, Out, documented};

/// Print the manual page, or write one page per command into a folder.
///
/// `replayer man | man -l -` shows it. With --output, replayer.1, replayer-serve.1 and so on are written, for a folder
/// man1 of $MANPATH.
#[derive(Debug, Args)]
pub struct ManArgs {
    /// Write the pages of all commands into this folder instead; it is made if it is missing.
    #[arg(long, value_name = "FOLDER")]
    output: Option<PathBuf>,
}

/// Runs `replayer man`.
///
/// # Errors
/// When printing fails or the folder cannot be written.
pub fn run(args: ManArgs, out: &mut Out) -> Result<ExitCode, CliError> {
    match args.output {
        None => Man::new(documented()).render(out.writer())?,
        Some(folder) => {
            let pages = write_pages(&folder).map_err(|error| {
                CliError::Failed(format!(
                    "the manual pages cannot be written to {}: {error}. Name another folder",
                    folder.display()
                ))
            })?;
            out.line(format_args!("{pages} pages in {}", folder.display()))?;
        }
    }
    Ok(ExitCode::SUCCESS)
}

/// Writes a page for every command and subcommand, and counts them.
fn write_pages(folder: &Path) -> std::io::Result<usize> {
    fn write(command: clap::Command, folder: &Path) -> std::io::Result<usize> {
        let mut pages = 1;
        for inner in command.get_subcommands().filter(|inner| !inner.is_hide_set()) {
            pages += write(inner.clone(), folder)?;
        }
        Man::new(command).generate_to(folder)?;
        Ok(pages)
    }
    fs::create_dir_all(folder)?;
    // Building gives each subcommand the name of its page: replayer-game-show.
    let mut command = documented().disable_help_subcommand(true);
    command.build();
    write(command, folder)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]
    use super::*;

    /// The names of the pages that ought to be there.
    fn expected(command: &clap::Command, name: &str) -> Vec<String> {
        let mut names = vec![format!("{name}.1")];
        for inner in command.get_subcommands().filter(|inner| !inner.is_hide_set()) {
            names.extend(expected(inner, &format!("{name}-{}", inner.get_name())));
        }
        names.sort();
        names
    }

    #[test]
    fn every_command_has_a_page() {
        let folder = tempfile::tempdir().unwrap();
        let pages = write_pages(&folder.path().join("man1")).unwrap();
        let mut found = fs::read_dir(folder.path().join("man1"))
            .unwrap()
            .map(|entry| entry.unwrap().file_name().into_string().unwrap())
            .collect::<Vec<_>>();
        found.sort();
        assert_eq!(found, expected(&documented(), "replayer"));
        assert_eq!(pages, found.len());
    }

    #[test]
    fn a_page_has_the_options_of_its_command() {
        let folder = tempfile::tempdir().unwrap();
        write_pages(folder.path()).unwrap();
        let page = fs::read_to_string(folder.path().join("replayer-serve.1")).unwrap();
        assert!(page.contains("\\-\\-capture") && page.contains("\\-\\-data"), "{page}");
    }

    #[test]
    fn a_folder_that_cannot_be_made_is_named_in_the_error() {
        let file = tempfile::NamedTempFile::new().unwrap();
        let args = ManArgs { output: Some(file.path().join("man1")) };
        let error = run(args, &mut Out::to(std::io::sink())).unwrap_err().to_string();
        assert!(error.contains(&file.path().display().to_string()), "{error}");
    }
}
