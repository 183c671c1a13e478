//! The verification log, in the store too: whoever holds the lease follows the log and writes each line of it as a
//! `system_event`, so that it stands in Parquet, can be queried, and can be made anew from there.
//!
//! Any process may add to the log (it has a lock of its own), but only the holder of the lease writes rows. So the holder
//! follows the file. Which lines the store has is told by their hashes: a line is stored once, whoever died when.

use std::collections::HashSet;
use std::time::Duration;

use arrow::array::{Array, AsArray};
use serde_json::{Value, json};
use tokio_util::sync::CancellationToken;

use super::events;
use super::sink::Sink;
use crate::store::StoreError;
use crate::store::chain::{Line, Tip};
use crate::store::record::Source;
use crate::store::root::DataRoot;
use crate::store::scan::{ScanFilter, scan};
use crate::store::schema::DocType;

/// How often the log is looked at.
const LOOK: Duration = Duration::from_millis(500);

/// Follows the log until told to stop.
pub(super) async fn follow(root: DataRoot, sink: Sink, stop: CancellationToken) {
    let from = root.clone();
    let stored = tokio::task::spawn_blocking(move || stored(&from)).await;
    // Without knowing what is stored, lines would be stored twice: the next holder does it.
    let Ok(Ok(mut stored)) = stored else { return };
    let chain = root.verification_log();
    let mut tip = Tip::default();
    let mut looked_at = 0;
    loop {
        let length = chain.length();
        if length != looked_at
            && let Ok(contents) = chain.read(&tip)
        {
            looked_at = length;
            for line in &contents.lines {
                if !stored.insert(line.hash.clone()) {
                    continue;
                }
                if sink.own(Source::Ui, events::VERIFICATION, details(line).to_string()).await.is_err() {
                    return;
                }
            }
            // A log that was put back or made anew is read from its beginning.
            tip = if contents.broken.is_some() { Tip::default() } else { contents.tip };
        }
        tokio::select! {
            () = stop.cancelled() => return,
            () = tokio::time::sleep(LOOK) => {}
        }
    }
}

/// A line as the details of a system event: what one asks for, and the line itself, byte for byte.
pub fn details(line: &Line) -> Value {
    let entry: Value = serde_json::from_str(&line.entry).unwrap_or_default();
    let about = ["mark", "proposal"].iter().find_map(|name| entry.get(*name)).unwrap_or(&entry);
    json!({
        "n": line.n,
        "hash": line.hash,
        "what": entry.get("what"),
        "subject": about.get("subject"),
        "mark": about.get("state"),
        "mark_id": about.get("mark_id"),
        "proposal_id": about.get("proposal_id"),
        "line": line.text(),
    })
}

/// The hashes of the lines that the store has, whole: a row in which a line was altered is none.
///
/// # Errors
/// When the store cannot be read.
pub fn stored(root: &DataRoot) -> Result<HashSet<String>, StoreError> {
    let mut hashes = HashSet::new();
    each(root, |details| {
        hashes.extend(details.get("line").and_then(Value::as_str).and_then(Line::alone).map(|line| line.hash));
    })?;
    Ok(hashes)
}

/// The lines that the store has, in order, each once.
///
/// # Errors
/// When the store cannot be read.
pub fn stored_lines(root: &DataRoot) -> Result<Vec<(u64, String)>, StoreError> {
    let mut lines = Vec::new();
    each(root, |details| {
        let line = details.get("line").and_then(Value::as_str);
        if let (Some(n), Some(line)) = (details.get("n").and_then(Value::as_u64), line) {
            lines.push((n, line.to_owned()));
        }
    })?;
    lines.sort();
    lines.dedup();
    Ok(lines)
}

fn each(root: &DataRoot, mut see: impl FnMut(&Value)) -> Result<(), StoreError> {
    for batch in scan(root, DocType::SystemEvent, &ScanFilter::default())? {
        let batch = batch?;
        let text = |name: &str| batch.column_by_name(name).and_then(|column| column.as_string_opt::<i32>());
        let (Some(types), Some(details)) = (text("event_type"), text("details")) else { continue };
        for row in 0..batch.num_rows() {
            let wanted = types.is_valid(row) && types.value(row) == events::VERIFICATION && details.is_valid(row);
            if wanted && let Ok(details) = serde_json::from_str::<Value>(details.value(row)) {
                see(&details);
            }
        }
    }
    Ok(())
}
