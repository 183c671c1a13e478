//! SQLite databases of collectors: the rows of every table that holds frames, events or finished games. Each row becomes a
//! JSON object of its columns and is then read as any other line.

mod file;

use std::fmt::Write as _;

use super::detect::LineKind;
use super::fields::Fields;
use super::formats;
use super::import::{Job, begin, end};
use super::ingest::{Ingest, Interrupted};
use super::report::{FileReport, Status};
use super::target::Target;
use super::unknown;
use file::{Database, Table, Value};

/// How many rows say what a table is.
const LOOKED_AT: i64 = 20;

/// Imports the tables; a database without any that is known is skipped.
///
/// # Errors
/// Those of the file and of the target.
pub(super) fn import<T: Target>(
    job: &Job<'_>,
    target: &mut T,
    report: &mut FileReport,
) -> Result<(), Interrupted> {
    let opened = if job.opened.input.is_plain() {
        Database::open(job.opened.input.path())
    } else {
        match job.whole()? {
            Some(bytes) => Database::in_memory(bytes),
            None => {
                report.status = Status::Unsupported;
                report.reason = Some("a packed SQLite database of more than 256 MiB. Unpack it first".to_owned());
                return Ok(());
            }
        }
    };
    let tables = opened.and_then(|mut database| Ok((database.tables()?, database)));
    let ((tables, mut left_out), mut database) = match tables {
        Ok(tables) => tables,
        // It was the first that was read of it: nothing is half.
        Err(error) => {
            report.status = Status::Failed;
            report.reason = Some(error.to_string());
            return Ok(());
        }
    };
    let (mut known, mut about) = (Vec::new(), None);
    for table in tables {
        match looks(&mut database, &table, job.state.mapping.is_some())? {
            Looks::Known => known.push(table),
            Looks::Empty => {}
            Looks::Unknown(what) => {
                about = about.or(Some(format!("table {}: {what}", table.name)));
                left_out.push(table.name);
            }
        }
    }
    if known.is_empty() {
        report.status = Status::Skipped;
        let about = about.unwrap_or_else(|| "its tables have no rows".to_owned());
        report.reason = Some(format!("a SQLite database without a table of frames, events or games. {about}"));
        return Ok(());
    }
    begin(target, job, "sqlite", report)?;
    for table in &known {
        let read = columns(table);
        report.notes.push(format!("read: SELECT {} FROM {} ORDER BY rowid", read.join(", "), table.name));
        let mut ingest = Ingest::new(target, job.clock, report, job.state, LineKind::Text, job.progress);
        let mut last = 0;
        let read = database.rows(table, |rowid, values| {
            let object = object(table, &values);
            (ingest.progress)(object.len() as u64);
            last = u64::try_from(rowid).unwrap_or(0);
            ingest.made(&object, last, 0).map(|()| true)
        });
        match read {
            // The rows before it are whole.
            Err(Interrupted::File(error)) => {
                ingest.refused(&format!("table {}: {error}; what follows was not read", table.name), last, 0)?;
            }
            read => read?,
        }
    }
    if !left_out.is_empty() {
        report.notes.push(format!("tables of nothing known, left out: {}", left_out.join(", ")));
    }
    if database.has_log() {
        report.notes.push(
            "its write-ahead log (-wal) was read too. A program that has it open may still write: close it, and import \
             again what is new"
                .to_owned(),
        );
    }
    end(target, report)
}

enum Looks {
    Known,
    Empty,
    Unknown(String),
}

/// What a table is, by its first rows.
fn looks(database: &mut Database, table: &Table, is_mapped: bool) -> Result<Looks, Interrupted> {
    let mut looks = Looks::Empty;
    let mut rows = 0;
    database.rows(table, |_, values| {
        rows += 1;
        let object = object(table, &values);
        let fields = Fields::parse(&object).ok();
        let is_known = |fields: &Fields| {
            formats::recognise(fields).is_some_and(|format| format.is_certain(fields)) || is_mapped
        };
        looks = match &fields {
            Some(fields) if is_known(fields) => Looks::Known,
            Some(fields) => Looks::Unknown(unknown::object(fields)),
            None => Looks::Unknown("its rows are no objects".to_owned()),
        };
        Ok::<_, std::io::Error>(!matches!(looks, Looks::Known) && rows < LOOKED_AT)
    })?;
    Ok(looks)
}

/// Whether this is the table of the rugs-feed: its `timestamp_ms` is shifted by the zone of the machine that recorded it,
/// its `timestamp` is UTC.
fn is_of_the_feed(table: &Table) -> bool {
    ["event_type", "timestamp", "timestamp_ms", "data"]
        .iter()
        .all(|name| table.columns.iter().any(|known| known == name))
}

/// The columns that are read.
fn columns(table: &Table) -> Vec<&str> {
    let is_of_the_feed = is_of_the_feed(table);
    let columns = table.columns.iter().map(String::as_str);
    columns.filter(|name| !(is_of_the_feed && *name == "timestamp_ms")).collect()
}

/// A row as a JSON object.
fn object(table: &Table, values: &[Value]) -> String {
    let is_of_the_feed = is_of_the_feed(table);
    let mut out = String::from("{");
    if is_of_the_feed {
        out.push_str("\"doc_type\":\"ws_event\",\"direction\":\"received\"");
    }
    for (name, value) in table.columns.iter().zip(values) {
        let name = match name.as_str() {
            "timestamp_ms" if is_of_the_feed => continue,
            "timestamp" if is_of_the_feed => "ts",
            "event_type" if is_of_the_feed => "event_name",
            "data" if is_of_the_feed => "raw_json",
            name => name,
        };
        let text = match value {
            Value::Null => continue,
            Value::Integer(number) => number.to_string(),
            Value::Real(number) if number.is_finite() => serde_json::Value::from(*number).to_string(),
            Value::Real(_) => continue,
            Value::Text(text) => serde_json::Value::from(text.as_str()).to_string(),
            Value::Blob(bytes) => match std::str::from_utf8(bytes) {
                Ok(text) => serde_json::Value::from(text).to_string(),
                Err(_) => continue,
            },
        };
        if out.len() > 1 {
            out.push(',');
        }
        let _ = write!(out, "{}:{text}", serde_json::Value::from(name));
    }
    out.push('}');
    out
}

#[cfg(test)]
mod tests;
