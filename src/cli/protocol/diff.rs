//! `replayer protocol diff`: two sides compared.

use std::process::ExitCode;

use clap::Args;

use super::table::{Layout, print};
use super::{CliError, Out, explorer, failed, never};
use crate::store::root::DataRoot;
use crate::verify::explore::diff::Side;

/// Compare documents and data, two sessions, two dates or two sources.
#[derive(Debug, Args)]
pub(super) struct DiffArgs {
    /// documentation, data, session:UUID, source:NAME, date:2026-01-31 or date:2026-01-01..2026-01-31.
    #[arg(default_value = "documentation")]
    a: String,
    /// Likewise; new is what only this side has.
    #[arg(default_value = "data")]
    b: String,
    /// Only this event.
    #[arg(long, value_name = "EVENT")]
    event: Option<String>,
    /// Only changes of this kind: new_event, stale_event, new, stale, type, presence, enum.
    #[arg(long, value_name = "KIND")]
    change: Option<String>,
    /// Print JSON, for programs.
    #[arg(long)]
    json: bool,
}

/// What gives way on a narrow terminal.
const LAYOUT: Layout<'_> = Layout { whole: &["event", "change", "path"], drop: &["count_a", "count_b", "b", "a"] };

pub(super) fn run(args: &DiffArgs, root: &DataRoot, out: &mut Out) -> Result<ExitCode, CliError> {
    let side = |text: &str| text.parse::<Side>().map_err(|error| CliError::Failed(error.to_string()));
    let (a, b) = (side(&args.a)?, side(&args.b)?);
    let diff = explorer(root).diff((&args.a, &a), (&args.b, &b), args.event.as_deref(), &never);
    let mut diff = diff.map_err(failed)?;
    if let Some(kind) = &args.change {
        let rows = std::mem::take(&mut diff.rows.rows);
        diff.rows.rows =
            rows.into_iter().filter(|row| row.get(2).and_then(serde_json::Value::as_str) == Some(kind)).collect();
    }
    if args.json {
        out.json(&diff)?;
        return Ok(ExitCode::SUCCESS);
    }
    print(out, &diff.rows, &LAYOUT)?;
    let changes: Vec<String> = diff.changes.iter().map(|(kind, count)| format!("{count} {kind}")).collect();
    out.line(format_args!(
        "{} paths on both sides ({} % of {}); {}",
        diff.matched,
        diff.match_percent,
        diff.a,
        if changes.is_empty() { "no difference".to_owned() } else { changes.join(", ") }
    ))?;
    Ok(ExitCode::SUCCESS)
}
