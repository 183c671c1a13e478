//! `replayer://manifest`: what kind of store this is and how much is in it.

use std::collections::BTreeMap;
use std::path::Path;

use rmcp::model::{ErrorData, Resource};
use serde_json::{Value, json};

/// Address.
pub const URI: &str = "replayer://manifest";

/// As it is listed.
pub fn listed() -> Resource {
    Resource::new(URI, "manifest")
        .with_title("Schema and contents of the store")
        .with_description("Schema version, embedding model, and per kind of row: parts, rows, bytes, time span.")
        .with_mime_type("application/json")
}

/// `manifests/schema_version.json` and a summary of `manifests/files.json`, as one JSON object. A file that is not
/// there is null: an empty data root is a store with nothing in it.
///
/// # Errors
/// Internal error when a file is there but cannot be read.
pub async fn read(root: &Path) -> Result<String, ErrorData> {
    let schema = json_file(root, "manifests/schema_version.json").await?;
    let files = json_file(root, "manifests/files.json").await?;
    let manifest = json!({"schema": schema, "files": files.as_ref().map(summary)});
    serde_json::to_string(&manifest).map_err(|error| ErrorData::internal_error(error.to_string(), None))
}

async fn json_file(root: &Path, name: &str) -> Result<Option<Value>, ErrorData> {
    let damaged = |reason: String| {
        ErrorData::internal_error(
            format!("{name} cannot be read: {reason}. `replayer data verify` says what to do"),
            None,
        )
    };
    match tokio::fs::read(root.join(name)).await {
        Ok(bytes) => serde_json::from_slice(&bytes).map(Some).map_err(|error| damaged(error.to_string())),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(damaged(error.to_string())),
    }
}

/// Totals of one kind of row.
#[derive(Default)]
struct Totals {
    parts: u64,
    rows: u64,
    bytes: u64,
    first: Option<i64>,
    last: Option<i64>,
}

/// Counts per kind of row, without the list of parts, which grows with the store.
fn summary(catalog: &Value) -> Value {
    let mut kinds: BTreeMap<&str, Totals> = BTreeMap::new();
    for part in list(catalog, "parts") {
        let totals = kinds.entry(part.get("doc_type").and_then(Value::as_str).unwrap_or("unknown")).or_default();
        let number = |key: &str| part.get(key).and_then(Value::as_u64).unwrap_or(0);
        let time = |key: &str| part.get(key).and_then(Value::as_i64);
        totals.parts += 1;
        totals.rows += number("rows");
        totals.bytes += number("bytes");
        totals.first = totals.first.into_iter().chain(time("ts_min")).min();
        totals.last = totals.last.into_iter().chain(time("ts_max")).max();
    }
    let kinds: serde_json::Map<String, Value> = kinds
        .into_iter()
        .map(|(kind, totals)| {
            let value = json!({
                "parts": totals.parts, "rows": totals.rows, "bytes": totals.bytes,
                "first_ts": totals.first.and_then(printed), "last_ts": totals.last.and_then(printed),
            });
            (kind.to_owned(), value)
        })
        .collect();
    json!({
        "generation": catalog.get("generation"),
        "sessions": list(catalog, "sessions").count(),
        "imported_files": list(catalog, "imports").count(),
        "sealed": kinds,
    })
}

fn list<'a>(catalog: &'a Value, key: &str) -> impl Iterator<Item = &'a Value> {
    catalog.get(key).and_then(Value::as_array).into_iter().flatten()
}

fn printed(micros: i64) -> Option<String> {
    jiff::Timestamp::from_microsecond(micros).ok().map(|time| time.to_string())
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

    use super::*;

    #[tokio::test]
    async fn an_empty_root_has_an_empty_manifest() {
        let root = tempfile::tempdir().unwrap();
        let manifest: Value = serde_json::from_str(&read(root.path()).await.unwrap()).unwrap();
        assert_eq!(manifest, json!({"schema": null, "files": null}));
    }

    #[test]
    fn parts_are_counted_by_kind() {
        let summary = summary(&json!({
            "generation": 7,
            "parts": [
                {"doc_type": "trade", "rows": 2, "bytes": 10, "ts_min": 5, "ts_max": 9},
                {"doc_type": "trade", "rows": 3, "bytes": 20, "ts_min": null, "ts_max": null},
                {"doc_type": "game", "rows": 1, "bytes": 5},
            ],
        }));
        assert_eq!(summary["generation"], 7);
        assert_eq!(summary["sealed"]["trade"]["rows"], 5);
        assert_eq!(summary["sealed"]["trade"]["first_ts"], "1970-01-01T00:00:00.000005Z");
        assert_eq!(summary["sealed"]["game"]["last_ts"], Value::Null);
    }

    #[tokio::test]
    async fn a_damaged_file_is_named() {
        let root = tempfile::tempdir().unwrap();
        std::fs::create_dir(root.path().join("manifests")).unwrap();
        std::fs::write(root.path().join("manifests/files.json"), "{").unwrap();
        assert!(read(root.path()).await.unwrap_err().message.contains("manifests/files.json cannot be read"));
    }
}
