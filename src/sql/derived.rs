//! Views whose rows a higher layer makes: `mark` (from the verification log) and `field` (from the facts and the marks).
//!
//! A worker cannot make them, and no file is asked for them: a file may be missing, older than the data, or edited. The
//! gate tells which views a text really reads. If one of these is among them, the worker asks its parent for the rows
//! before the query runs, naming the revision that it holds ([`WantedView`]); the parent has them made by its [`Derive`]
//! and sends them, unless they are the same ([`DerivedRows`]). So whoever asks, through whichever tool or command, reads
//! what the log and the data say at that moment. What the columns are called and mean is defined here.

use std::collections::HashMap;
use std::fmt::Debug;

use duckdb::Connection;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::error::SqlError;
use super::views::{ColumnDoc, column};

/// One table.
#[derive(Debug, Clone, Copy)]
pub struct Derived {
    /// Name of the view.
    pub view: &'static str,
    /// Columns: members of a row of the same name. Lists and objects come as JSON text.
    pub columns: &'static [ColumnDoc],
}

/// All of them.
pub const DERIVED: [Derived; 2] =
    [Derived { view: "mark", columns: MARK }, Derived { view: "field", columns: FIELD }];

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

/// A derived view that a query reads.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct WantedView {
    /// Its name.
    pub view: String,
    /// The revision that the worker holds, if any.
    pub revision: Option<String>,
}

/// The rows of a derived view.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct DerivedRows {
    /// Its name.
    pub view: String,
    /// Equal revisions are equal rows.
    pub revision: String,
    /// The rows; `None` where the asker holds this revision.
    pub rows: Option<Vec<Value>>,
}

/// Makes the rows of the derived views.
pub trait Derive: Debug + Send + Sync {
    /// The rows of `wanted.view` as the log and the data are now. Blocking.
    ///
    /// # Errors
    /// Why they cannot be made; the query then fails with it, because older rows would be taken for the present ones.
    fn rows(&self, wanted: &WantedView) -> Result<DerivedRows, SqlError>;
}

/// The views among `read` that are derived, with the revisions that are loaded.
pub(super) fn wanted(read: &[&str], loaded: &Loaded) -> Vec<WantedView> {
    let derived = read.iter().filter(|view| DERIVED.iter().any(|derived| derived.view == **view));
    derived.map(|view| WantedView { view: (*view).to_owned(), revision: loaded.0.get(*view).cloned() }).collect()
}

/// The revision of each table.
#[derive(Debug, Default)]
pub(super) struct Loaded(HashMap<&'static str, String>);

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

/// Replaces the rows of the tables that changed.
pub(super) fn load(db: &Connection, tables: Vec<DerivedRows>, loaded: &mut Loaded) -> duckdb::Result<()> {
    for table in tables {
        let Some(derived) = DERIVED.iter().find(|derived| derived.view == table.view) else { continue };
        let Some(rows) = table.rows else { continue };
        loaded.0.remove(derived.view);
        db.execute_batch(&format!("DELETE FROM store.derived_{}", derived.view))?;
        let mut appender = db.appender_to_db(&format!("derived_{}", derived.view), "store")?;
        for row in &rows {
            let cells = derived.columns.iter().map(|column| cell(row.get(column.name), column.sql_type));
            appender.append_row(duckdb::appender_params_from_iter(cells.collect::<Vec<_>>()))?;
        }
        appender.flush()?;
        loaded.0.insert(derived.view, table.revision);
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
