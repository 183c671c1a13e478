//! `replayer protocol samples`: frames of an event that differ.

use std::process::ExitCode;

use clap::Args;

use super::{CliError, Out, ScopeArgs, explorer, failed, never};
use crate::store::root::DataRoot;
use crate::verify::explore::event::EventFilter;

/// Show frames of an event chosen to differ: by phase, by shape, by extremes.
///
/// Payloads are shortened, and what strangers wrote is left out. The whole frame: replayer sql "SELECT raw_json FROM
/// ws_event WHERE session_id = '…' AND seq = …".
#[derive(Debug, Args)]
pub(super) struct SamplesArgs {
    /// The event.
    event: String,
    /// One of its fields: frames with its extremes and values.
    field: Option<String>,
    /// How many.
    #[arg(short, default_value_t = 8, value_name = "N")]
    n: usize,
    /// Print JSON, for programs.
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    scope: ScopeArgs,
}

pub(super) fn run(args: &SamplesArgs, root: &DataRoot, out: &mut Out) -> Result<ExitCode, CliError> {
    let (explorer, scope) = (explorer(root), args.scope.scope());
    let samples = match &args.field {
        Some(path) => explorer.field(&scope, &args.event, path, &never).map_err(failed)?.samples,
        None => {
            let filter = EventFilter { samples: args.n, ..EventFilter::default() };
            explorer.event(&scope, &args.event, &filter, &never).map_err(failed)?.samples
        }
    };
    let samples: Vec<_> = samples.into_iter().take(args.n).collect();
    if args.json {
        out.json(&samples)?;
        return Ok(ExitCode::SUCCESS);
    }
    if samples.is_empty() {
        out.line("no frame of it is stored in this scope")?;
    }
    for sample in samples {
        let phase = sample.phase.map_or(String::new(), |phase| format!(", {phase}"));
        out.line(format_args!("{}  ({}{phase})\n  {}", sample.event, sample.why, sample.preview))?;
    }
    Ok(ExitCode::SUCCESS)
}
