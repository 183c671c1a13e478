//! The documents as Markdown.

use std::fmt::Write as _;

use serde_json::Value;

use super::{Document, GENERATED, events};
use crate::index::facts_store::Digest;
use crate::sql::cells::visible;
use crate::verify::explore::diff::{Diff, Facts, diff, phase_matrix};
use crate::verify::explore::event::EventView;
use crate::verify::explore::marks::Marks;
use crate::verify::explore::overview::{OverviewFilter, novel_fields, overview};
use crate::verify::explore::table::Table;

/// All of them.
pub(super) fn documents(digest: &Digest, marks: &Marks) -> Vec<Document> {
    let events = events(digest, marks);
    let against = diff(("documentation", &Facts::Documentation), ("data", &Facts::Data(digest)), None);
    let document = |name: &str, title: &str, body: String| Document {
        name: name.to_owned(),
        text: format!("<!-- {GENERATED} -->\n\n# {title}\n\n{body}"),
    };
    vec![
        document("PROTOCOL.md", "The rugs.fun protocol, as observed", specification(digest, marks, &events)),
        document("FIELD_DICTIONARY.md", "Field dictionary", dictionary(&events)),
        document("PHASE_MATRIX.md", "Events and fields by phase", matrix(digest, &events)),
        document("COVERAGE.md", "Coverage", coverage(digest, marks, &against)),
        document("DIFF.md", "Documentation against data", difference(digest, &against)),
    ]
}

/// A text in a line: neither a line break nor a tag of it reaches the document.
fn text(text: &str) -> String {
    visible(text).split_whitespace().collect::<Vec<_>>().join(" ").replace('<', "&lt;")
}

/// A text between backticks.
fn code(text: &str) -> String {
    visible(text).split_whitespace().collect::<Vec<_>>().join(" ").replace('`', "'")
}

/// A value as a cell of a table.
fn cell(value: &Value) -> String {
    let whole = match value {
        Value::Null => String::new(),
        Value::String(text) => text.clone(),
        Value::Array(items) => return items.iter().map(cell).collect::<Vec<_>>().join(", "),
        other => other.to_string(),
    };
    text(&whole).replace('|', "\\|")
}

/// An event's name, which strangers may have made up, as a cell.
fn name(event: &EventView) -> String {
    cell(&event.event.as_str().into())
}

fn table(out: &mut String, table: &Table) {
    let _ = writeln!(out, "| {} |", table.columns.join(" | "));
    let _ = writeln!(out, "|{}", "---|".repeat(table.columns.len()));
    for row in &table.rows {
        let _ = writeln!(out, "| {} |", row.iter().map(cell).collect::<Vec<_>>().join(" | "));
    }
    out.push('\n');
}

fn specification(digest: &Digest, marks: &Marks, events: &[EventView]) -> String {
    let mut out = String::from(
        "Tiers are computed: theoretical (documents only), observed (at least one frame), corroborated (several frames, \
         games and sessions, one type, phases known). Marks are decided by people; what has none is unverified. presence \
         is percent of the parent objects, phases the same by phase (C cooldown, P presale, A active, R rugged) where it \
         differs.\n\n",
    );
    table(&mut out, &overview(digest, marks, &OverviewFilter::default()).events);
    for event in events {
        let mark = event.mark.as_deref().unwrap_or("unverified");
        let _ = writeln!(out, "## {}\n\nTier: {}. Mark: {mark}.", text(&event.event), event.tier);
        if event.novel {
            out.push_str("Not in the shipped catalogue.\n");
        }
        if let Some(purpose) = &event.purpose {
            let _ = writeln!(out, "\n{purpose}");
        }
        let _ = writeln!(
            out,
            "\n{}; {}. Seen {} times ({} % of all frames), {} to {}.\n",
            event.direction,
            event.auth,
            event.count,
            event.share,
            event.first.as_deref().unwrap_or("never"),
            event.last.as_deref().unwrap_or("never")
        );
        if let Some(pairing) = &event.pairing {
            let _ = writeln!(out, "Pairing: {pairing}\n");
        }
        if !event.fields.rows.is_empty() {
            table(&mut out, &event.fields);
        }
        for note in &event.notes {
            let _ = writeln!(out, "* {note}");
        }
        for sequence in &event.sequences {
            let _ = writeln!(out, "* Sequence: {} `{}`", sequence.meaning, sequence.statement);
        }
        rules(&mut out, event);
        for sample in &event.samples {
            let _ = writeln!(out, "* Evidence: `{}` ({})", sample.event, cell(&sample.why.clone().into()));
        }
        out.push('\n');
    }
    out
}

/// What people decided about an event: rules, sequences, formulas, units, fields.
fn rules(out: &mut String, event: &EventView) {
    if event.rulings.is_empty() {
        return;
    }
    out.push_str("\n### Rules\n\n");
    for one in &event.rulings {
        let _ = writeln!(
            out,
            "* `{}` [{}]: {}. For it {} cases, against it {}.",
            code(&one.subject),
            one.mark,
            text(one.statement.trim_end_matches('.')),
            one.cases.supports,
            one.cases.contradicts
        );
        for correction in &one.corrections {
            let (old, new) = (text(&correction.old), text(&correction.new));
            let _ = writeln!(out, "  Corrected ({}): {old} → {new}", correction.kind.as_str());
        }
    }
    out.push('\n');
}

fn dictionary(events: &[EventView]) -> String {
    let mut rows: Vec<(String, String)> = Vec::new();
    for event in events {
        for row in &event.fields.rows {
            let get = |column: &str| cell(event.fields.cell(row, column));
            let path = get("path");
            let key = path.rsplit('.').next().unwrap_or(&path).to_owned();
            rows.push((
                key.to_lowercase(),
                format!(
                    "| {key} | {} | {path} | {} | {} | {} | {} | {} |",
                    name(event),
                    get("types"),
                    get("unit"),
                    get("meaning"),
                    get("tier"),
                    get("mark")
                ),
            ));
        }
    }
    rows.sort();
    let mut out = String::from(
        "| field | event | path | types | unit | meaning | tier | mark |\n|---|---|---|---|---|---|---|---|\n",
    );
    for (_, row) in rows {
        let _ = writeln!(out, "{row}");
    }
    out
}

fn matrix(digest: &Digest, events: &[EventView]) -> String {
    let mut out = String::from("Frames of each event by the phase of the game.\n\n");
    table(&mut out, &phase_matrix(digest));
    out.push_str("## Fields that depend on the phase\n\nPercent of the parent objects that have the key.\n\n");
    out.push_str("| event | field | by phase |\n|---|---|---|\n");
    for event in events {
        for row in &event.fields.rows {
            let phases = event.fields.cell(row, "phases");
            if !phases.is_null() {
                let _ = writeln!(
                    out,
                    "| {} | {} | {} |",
                    name(event),
                    cell(event.fields.cell(row, "path")),
                    cell(phases)
                );
            }
        }
    }
    out
}

fn coverage(digest: &Digest, marks: &Marks, against: &Diff) -> String {
    let view = overview(digest, marks, &OverviewFilter::default());
    let mut out = String::new();
    let _ = writeln!(
        out,
        "* {} frames, {} hours of recording, {} sessions",
        view.frames,
        view.recorded_hours,
        digest.sessions.len()
    );
    let _ = writeln!(
        out,
        "* {} event types seen, {} known from documents only, {} novel",
        view.seen, view.documented_only, view.novel
    );
    let _ = writeln!(
        out,
        "* {} paths both documented and seen, {} % of the documented ones; events whose payload was never kept do not count",
        against.matched, against.match_percent
    );
    let facts = &digest.facts;
    let _ = writeln!(
        out,
        "* not readable: {} texts that are no frame, {} with broken JSON; {} lines hold no event\n",
        facts.unparsed, facts.broken_json, facts.without_event
    );
    table(&mut out, &view.events);
    let novel = novel_fields(digest);
    if !novel.is_empty() {
        let _ = writeln!(out, "## Fields that the catalogue does not know\n\n| event | path |\n|---|---|");
        for (event, path) in novel {
            let _ = writeln!(out, "| {} | {} |", cell(&event.into()), cell(&path.into()));
        }
    }
    out
}

fn difference(digest: &Digest, against: &Diff) -> String {
    let mut out = String::from(
        "new: in the data only. stale: in the documents only. type, presence, enum: both have it, and differ.\n\n",
    );
    if digest.facts.total() == 0 {
        out.push_str("The data side is empty: nothing is stored.\n\n");
    }
    for (change, count) in &against.changes {
        let _ = writeln!(out, "* {change}: {count}");
    }
    out.push('\n');
    table(&mut out, &against.rows);
    out
}
