//! Tables that higher layers publish as files of rows, and the views over them: `mark` (from `manifests/verification.json`)
//! and `field` (from `manifests/field_manifest.json`).
//!
//! The files are derived from the log and from the facts, and are replaced as a whole. Before a query, a file that changed
//! is read again; one that is missing or damaged is an empty table. What the columns are called and mean stands here.

use std::path::{Path, PathBuf};
use std::time::SystemTime;

use duckdb::Connection;
use serde_json::Value;

use super::views::{ColumnDoc, column};

/// One table.
#[derive(Debug, Clone, Copy)]
pub struct Derived {
    /// Name of the view.
    pub view: &'static str,
    /// The file, relative to the data root.
    pub file: &'static str,
    /// Member of the file that holds the rows.
    pub member: &'static str,
    /// Columns: members of a row of the same name. Lists and objects come as JSON text.
    pub columns: &'static [ColumnDoc],
}

/// All of them.
pub const DERIVED: [Derived; 2] = [
    Derived { view: "mark", file: "manifests/verification.json", member: "marks", columns: MARK },
    Derived { view: "field", file: "manifests/field_manifest.json", member: "fields", columns: FIELD },
];

/// Columns of `mark`.
pub const MARK: &[ColumnDoc] = &[
    column("subject", "VARCHAR", "stable key, like field:playerUpdate#$.cash"),
    column("kind", "VARCHAR", "event, field, enum_value, phase_rule, sequence, formula or unit"),
    column("event_name", "VARCHAR", "its event"),
    column("path", "VARCHAR", "its field, NULL for events and rules"),
    column("mark", "VARCHAR", "verified, needs_correction or unverified"),
    column("badge", "VARCHAR", "the mark in words: canonical, relayed and stale where they apply"),
    column("canonical", "BOOLEAN", "verified by a person, and corroborated by the data"),
    column("stale", "BOOLEAN", "later data contradict it"),
    column("statement", "VARCHAR", "what was marked"),
    column("prose", "BOOLEAN", "nothing can check the statement"),
    column("meaning", "VARCHAR", "the statement in plain words"),
    column("corrections", "VARCHAR", "JSON list of kind, old, new: what was written wrongly, and what is right"),
    column("tier", "VARCHAR", "theoretical, observed or corroborated, when it was last looked at"),
    column("supports", "BIGINT", "cases that support it"),
    column("contradicts", "BIGINT", "cases that contradict it"),
    column("games", "BIGINT", "games of the cases"),
    column("sessions", "BIGINT", "sessions of the cases"),
    column("evidence", "VARCHAR", "JSON list of event refs, session:seq"),
    column("decided_by", "VARCHAR", "who, or with which client"),
    column("authority", "VARCHAR", "elicited (a form), tty (a terminal) or relayed (by an agent)"),
    column("rationale_untrusted", "VARCHAR", "why, in somebody's words"),
    column("decided_at", "VARCHAR", "when, UTC"),
    column("mark_id", "VARCHAR", "the decision in force"),
    column("decisions", "BIGINT", "decisions so far"),
    column("open_proposals", "BIGINT", "proposals that wait for a person"),
];

/// Columns of `field`.
pub const FIELD: &[ColumnDoc] = &[
    column("event_name", "VARCHAR", "its event"),
    column("path", "VARCHAR", "its path, like $.leaderboard[].id; {tick}, {rank}, {id} are keys that are data"),
    column("name", "VARCHAR", "its last key, or what a correction calls it"),
    column("subject", "VARCHAR", "its key in mark"),
    column("types", "VARCHAR", "JSON types seen, null last; NULL when never seen"),
    column("documented_types", "VARCHAR", "types that documents claim, corrected"),
    column("unit", "VARCHAR", "unit, corrected"),
    column("meaning", "VARCHAR", "what a value means, corrected"),
    column("count", "BIGINT", "how often it was seen"),
    column("null_count", "BIGINT", "how often it was null"),
    column("presence", "DOUBLE", "percent of its parent objects that have it"),
    column("min", "DOUBLE", "smallest number"),
    column("max", "DOUBLE", "largest number"),
    column("values", "VARCHAR", "JSON list of its values, where they are few"),
    column("tier", "VARCHAR", "theoretical, observed or corroborated"),
    column("mark", "VARCHAR", "verified, needs_correction or unverified"),
    column("badge", "VARCHAR", "the mark in words: canonical, relayed and stale where they apply"),
    column("statement", "VARCHAR", "what was marked"),
    column("corrections", "VARCHAR", "JSON list of kind, old, new: what was written wrongly, and what is right"),
    column("novel", "BOOLEAN", "the shipped catalogue does not know it"),
    column("first_ts", "VARCHAR", "first seen, UTC"),
    column("last_ts", "VARCHAR", "last seen, UTC"),
];

/// What the tables were read from.
#[derive(Debug, Default)]
pub(super) struct Loaded([Option<(SystemTime, u64)>; 2]);

/// Empty tables under the views.
pub(super) fn create(db: &Connection) -> duckdb::Result<()> {
    for derived in DERIVED {
        let columns: Vec<String> =
            derived.columns.iter().map(|column| format!("\"{}\" {}", column.name, column.sql_type)).collect();
        db.execute_batch(&format!(
            "CREATE OR REPLACE TABLE store.derived_{0} ({1}); CREATE OR REPLACE VIEW main.{0} AS SELECT * FROM \
             store.derived_{0}",
            derived.view,
            columns.join(", ")
        ))?;
    }
    Ok(())
}

/// Reads again what changed.
pub(super) fn refresh(db: &Connection, root: &Path, loaded: &mut Loaded) -> duckdb::Result<()> {
    for (derived, known) in DERIVED.iter().zip(&mut loaded.0) {
        let path: PathBuf = root.join(derived.file);
        let stamp = std::fs::metadata(&path).ok().and_then(|meta| Some((meta.modified().ok()?, meta.len())));
        if stamp == *known {
            continue;
        }
        let file: Option<Value> = std::fs::read(&path).ok().and_then(|bytes| serde_json::from_slice(&bytes).ok());
        let rows = file.as_ref().and_then(|file| file.get(derived.member)).and_then(Value::as_array);
        db.execute_batch(&format!("DELETE FROM store.derived_{}", derived.view))?;
        let mut appender = db.appender_to_db(&format!("derived_{}", derived.view), "store")?;
        for row in rows.into_iter().flatten() {
            let cells = derived.columns.iter().map(|column| cell(row.get(column.name), column.sql_type));
            appender.append_row(duckdb::appender_params_from_iter(cells.collect::<Vec<_>>()))?;
        }
        appender.flush()?;
        *known = stamp;
    }
    Ok(())
}

fn cell(value: Option<&Value>, sql_type: &str) -> duckdb::types::Value {
    use duckdb::types::Value as Cell;
    let Some(value) = value.filter(|value| !value.is_null()) else { return Cell::Null };
    match sql_type {
        "BOOLEAN" => value.as_bool().map_or(Cell::Null, Cell::Boolean),
        "BIGINT" => value.as_i64().map_or(Cell::Null, Cell::BigInt),
        "DOUBLE" => value.as_f64().map_or(Cell::Null, Cell::Double),
        _ => Cell::Text(value.as_str().map_or_else(|| value.to_string(), str::to_owned)),
    }
}
