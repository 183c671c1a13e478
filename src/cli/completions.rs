//! `replayer completions`: a script that completes the command line in a shell.

use std::process::ExitCode;

use clap::Args;
use clap_complete::{Generator, Shell};

use super::{CliError, Out, documented};

/// Print a script that completes replayer's commands and options in a shell.
///
/// bash: replayer completions bash > ~/.local/share/bash-completion/completions/replayer
/// zsh: replayer completions zsh > a folder of $fpath, as _replayer
/// fish: replayer completions fish > ~/.config/fish/completions/replayer.fish
#[derive(Debug, Args)]
#[command(verbatim_doc_comment)]
pub struct CompletionsArgs {
    /// The shell that is to complete.
    shell: Shell,
}

/// Runs `replayer completions`.
///
/// # Errors
/// Only when printing fails.
pub fn run(args: CompletionsArgs, out: &mut Out) -> Result<ExitCode, CliError> {
    let mut command = documented();
    command.set_bin_name("replayer");
    command.build();
    args.shell.try_generate(&command, out.writer())?;
    Ok(ExitCode::SUCCESS)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]
    use clap::ValueEnum;

    use super::*;

    fn script(shell: Shell) -> String {
        let mut command = documented();
        command.set_bin_name("replayer");
        command.build();
        let mut text = Vec::new();
        shell.try_generate(&command, &mut text).unwrap();
        String::from_utf8(text).unwrap()
    }

    #[test]
    fn every_shells_script_names_every_command() {
        for shell in Shell::value_variants() {
            let text = script(*shell);
            for command in documented().get_subcommands() {
                assert!(text.contains(command.get_name()), "{shell}: {}", command.get_name());
                for inner in command.get_subcommands() {
                    assert!(
                        text.contains(inner.get_name()),
                        "{shell}: {} {}",
                        command.get_name(),
                        inner.get_name()
                    );
                }
            }
        }
    }

    #[test]
    fn what_only_the_program_itself_runs_is_not_offered() {
        for shell in Shell::value_variants() {
            assert!(!script(*shell).contains("sql-worker"), "{shell}");
        }
    }
}
