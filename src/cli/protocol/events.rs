//! `replayer protocol events`: all event types.

use std::process::ExitCode;

use clap::Args;

use super::table::{Layout, print};
use super::{CliError, Out, ScopeArgs, explorer, failed, never};
use crate::store::root::DataRoot;
use crate::verify::explore::overview::OverviewFilter;

/// List all event types: counts, share, rate, direction, login, tier, marks.
#[derive(Debug, Args)]
pub(super) struct EventsArgs {
    /// Only events seen at least this often; 1 leaves out those that only documents know.
    #[arg(long, default_value_t = 0, value_name = "N")]
    min_count: u64,
    /// Only events of this tier.
    #[arg(long, value_parser = ["theoretical", "observed", "corroborated"], value_name = "TIER")]
    tier: Option<String>,
    /// Only events with such a mark on them or their fields.
    #[arg(long, value_parser = ["verified", "needs_correction", "unverified"], value_name = "MARK")]
    mark: Option<String>,
    /// Only events that the shipped catalogue does not know.
    #[arg(long)]
    novel: bool,
    /// Print JSON, for programs.
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    scope: ScopeArgs,
}

/// What gives way on a narrow terminal.
const LAYOUT: Layout<'_> =
    Layout { whole: &["event"], drop: &["first", "per_minute", "auth", "last", "direction", "share", "fields"] };

pub(super) fn run(args: &EventsArgs, root: &DataRoot, out: &mut Out) -> Result<ExitCode, CliError> {
    let filter = OverviewFilter {
        min_count: args.min_count,
        tier: args.tier.clone(),
        mark: args.mark.clone(),
        novel: args.novel,
    };
    let view = explorer(root).overview(&args.scope.scope(), &filter, &never).map_err(failed)?;
    if args.json {
        out.json(&view)?;
        return Ok(ExitCode::SUCCESS);
    }
    print(out, &view.events, &LAYOUT)?;
    out.line(format_args!(
        "{} frames in {} hours; {} event types seen, {} from documents only, {} novel. share in percent; marks: \
         verified/to be corrected",
        view.frames, view.recorded_hours, view.seen, view.documented_only, view.novel
    ))?;
    Ok(ExitCode::SUCCESS)
}
