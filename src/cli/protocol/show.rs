//! `replayer protocol show`: one event, or one field of it.

use std::process::ExitCode;

use clap::Args;

use super::table::{Layout, print};
use super::{CliError, Out, ScopeArgs, explorer, failed, never};
use crate::store::root::DataRoot;
use crate::verify::explore::event::{EventFilter, EventView};
use crate::verify::explore::field::FieldView;
use crate::verify::explore::path_of;

/// Show one event with its fields, or everything about one field.
#[derive(Debug, Args)]
pub(super) struct ShowArgs {
    /// The event: gameStateUpdate.
    event: String,
    /// One of its fields: rugpool.threshold.
    field: Option<String>,
    /// Only fields below this path.
    #[arg(long, value_name = "PATH")]
    below: Option<String>,
    /// Keys within keys; 0 for all.
    #[arg(long, default_value_t = 2, value_name = "N")]
    depth: usize,
    /// Only fields that are there in this phase, with their presence in it.
    #[arg(long, value_parser = ["COOLDOWN", "PRESALE", "ACTIVE", "RUGGED"], ignore_case = true, value_name = "PHASE")]
    phase: Option<String>,
    /// Print JSON, for programs.
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    scope: ScopeArgs,
}

pub(super) fn run(args: &ShowArgs, root: &DataRoot, out: &mut Out) -> Result<ExitCode, CliError> {
    let (explorer, scope) = (explorer(root), args.scope.scope());
    if let Some(path) = &args.field {
        let view = explorer.field(&scope, &args.event, path, &never).map_err(failed)?;
        if args.json {
            out.json(&view)?
        } else {
            field(out, &view)?
        }
        return Ok(ExitCode::SUCCESS);
    }
    let filter = EventFilter {
        below: args.below.as_deref().map(path_of),
        depth: args.depth,
        phase: args.phase.clone(),
        limit: usize::MAX,
        ..EventFilter::default()
    };
    let view = explorer.event(&scope, &args.event, &filter, &never).map_err(failed)?;
    if args.json {
        out.json(&view)?
    } else {
        event(out, &view)?
    }
    Ok(ExitCode::SUCCESS)
}

/// What gives way on a narrow terminal.
const FIELDS: Layout<'_> =
    Layout { whole: &["path"], drop: &["phases", "tier", "range", "presence", "unit", "types"] };
const HISTORY: Layout<'_> = Layout { whole: &["day"], drop: &["phases", "range", "types"] };

fn event(out: &mut Out, view: &EventView) -> std::io::Result<()> {
    let mark = view.mark.as_deref().unwrap_or("unverified");
    let novel = if view.novel { ", novel" } else { "" };
    out.line(format_args!("{}  [{}{novel}; {mark}]", view.event, view.tier))?;
    if let Some(purpose) = &view.purpose {
        out.line(purpose)?;
    }
    out.line(format_args!(
        "{}; {}. Seen {} times ({} %, {} a minute), {} to {}",
        view.direction,
        view.auth,
        view.count,
        view.share,
        view.per_minute,
        view.first.as_deref().unwrap_or("never"),
        view.last.as_deref().unwrap_or("never")
    ))?;
    if !view.phases.is_empty() {
        let phases: Vec<String> = view.phases.iter().map(|(name, count)| format!("{name} {count}")).collect();
        out.line(format_args!("phases: {}", phases.join(", ")))?;
    }
    print(out, &view.fields, &FIELDS)?;
    for ruling in &view.rulings {
        out.line(format_args!("mark {} [{}]: {}", ruling.subject, ruling.mark, ruling.statement))?;
    }
    for sample in &view.samples {
        let phase = sample.phase.as_deref().map_or(String::new(), |phase| format!(", {phase}"));
        out.line(format_args!("sample {}: {}{phase}", sample.event, sample.why))?;
    }
    if let Some(pairing) = &view.pairing {
        out.line(format_args!("pairing: {pairing}"))?;
    }
    for sequence in &view.sequences {
        out.line(format_args!("sequence: {}\n  check: {}", sequence.meaning, sequence.statement))?;
    }
    for note in &view.notes {
        out.line(format_args!("note: {note}"))?;
    }
    Ok(())
}

fn field(out: &mut Out, view: &FieldView) -> std::io::Result<()> {
    let mark = view.mark.as_deref().unwrap_or("unverified");
    let unit = view.unit.as_ref().map_or(String::new(), |unit| format!(" ({unit})"));
    out.line(format_args!("{} of {}{unit}  [{}; {mark}]", view.path, view.event, view.tier))?;
    if let Some(meaning) = &view.meaning {
        out.line(meaning)?;
    }
    let counts = |counts: &std::collections::BTreeMap<String, u64>| {
        counts.iter().map(|(name, count)| format!("{name} {count}")).collect::<Vec<_>>().join(", ")
    };
    let many = |count: u64, or_more: bool| if or_more { format!("{count} or more") } else { count.to_string() };
    let games = many(view.games, view.games_or_more);
    let sessions = many(view.sessions, view.sessions_or_more);
    let mut rows = vec![
        vec!["seen".to_owned(), view.count.to_string()],
        vec!["types".to_owned(), counts(&view.types)],
        vec!["null".to_owned(), view.null_count.to_string()],
        vec!["phases".to_owned(), counts(&view.phases)],
        vec!["games, sessions".to_owned(), format!("{games}, {sessions}")],
    ];
    if let (Some(presence), Some(parents)) = (view.presence, view.parents) {
        rows.push(vec!["presence".into(), format!("{presence} % of {parents}")]);
        let by: Vec<String> =
            view.presence_by_phase.iter().map(|(name, share)| format!("{name} {share} %")).collect();
        rows.push(vec!["presence by phase".into(), by.join(", ")]);
    }
    if !view.values.is_empty() {
        rows.push(vec!["values".into(), counts(&view.values)]);
    }
    if let (Some(min), Some(max)) = (view.min, view.max) {
        rows.push(vec!["range".into(), format!("{min} to {max}")]);
    }
    if !view.keys.is_empty() {
        rows.push(vec!["keys".into(), view.keys.join(", ")]);
    }
    let from_to = [&view.first, &view.last].map(|time| time.as_deref().unwrap_or("never"));
    rows.push(vec!["first, last".into(), from_to.join(", ")]);
    out.table(&["", ""], &rows)?;
    for sample in &view.samples {
        let phase = sample.phase.as_deref().map_or(String::new(), |phase| format!(", {phase}"));
        out.line(format_args!("sample {}: {}{phase}: {}", sample.event, sample.why, sample.preview))?;
    }
    for ruling in &view.rulings {
        out.line(format_args!("mark {} [{}]: {}", ruling.subject, ruling.mark, ruling.statement))?;
    }
    if let Some(history) = &view.history {
        print(out, history, &HISTORY)?;
    }
    Ok(())
}
