//! `replayer://manifest`: what kind of store this is and how much is in it.

use std::collections::BTreeMap;
use std::path::Path;

use rmcp::model::{ErrorData, Resource};
use serde_json::{Value, json};

use crate::store::catalog::Catalog;
use crate::store::record::time_text;
use crate::store::root::DataRoot;
use crate::store::schema::DocType;

/// Address.
pub const URI: &str = "replayer://manifest";

/// As it is listed.
pub fn listed() -> Resource {
    Resource::new(URI, "manifest")
        .with_title("Schema and contents of the store")
        .with_description("Schema version, embedding model, and per kind of row: parts, rows, bytes, time span.")
        .with_mime_type("application/json")
}

/// Lost parts that are listed one by one.
const MOST_LISTED: usize = 20;

/// `manifests/schema_version.json` and a summary of the catalog in force, as one JSON object. What is not there is null: an
/// empty data root is a store with nothing in it.
///
/// # Errors
/// Internal error when a file is there but cannot be read.
pub async fn read(root: &Path) -> Result<String, ErrorData> {
    let internal = |reason: String| ErrorData::internal_error(reason, None);
    let schema = json_file(root, "manifests/schema_version.json").await?;
    let root = root.to_owned();
    let loaded = tokio::task::spawn_blocking(move || match DataRoot::open(&root) {
        Ok(root) => Catalog::load_reporting(&root).map(Some),
        // Nobody has written to it yet.
        Err(_) => Ok(None),
    });
    let loaded = loaded.await.map_err(|error| internal(error.to_string()))?;
    let loaded = loaded.map_err(|error| internal(error.to_string()))?;
    let is_new =
        |catalog: &Catalog| catalog.generation == 0 && catalog.parts.is_empty() && catalog.lost.is_empty();
    let files = loaded.filter(|(catalog, _)| !is_new(catalog));
    let files = files.map(|(catalog, message)| summary(&catalog, message.as_deref()));
    let manifest = json!({"schema": schema, "files": files});
    serde_json::to_string(&manifest).map_err(|error| internal(error.to_string()))
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
}

/// Counts per kind of row, without the list of parts, which grows with the store; and what is missing from all answers.
fn summary(catalog: &Catalog, message: Option<&str>) -> Value {
    let mut kinds: BTreeMap<DocType, Totals> = BTreeMap::new();
    for part in &catalog.parts {
        let totals = kinds.entry(part.doc_type).or_default();
        totals.parts += 1;
        totals.rows += part.rows;
        totals.bytes += part.bytes;
    }
    let kinds: serde_json::Map<String, Value> = kinds
        .into_iter()
        .map(|(kind, totals)| {
            let (first, last) = catalog.span_of(kind).unzip();
            let value = json!({
                "parts": totals.parts, "rows": totals.rows, "bytes": totals.bytes,
                "first_ts": first.and_then(time_text), "last_ts": last.and_then(time_text),
            });
            (kind.as_str().to_owned(), value)
        })
        .collect();
    let mut summary = serde_json::Map::new();
    summary.insert("generation".to_owned(), catalog.generation.into());
    summary.insert("sessions".to_owned(), catalog.sessions.len().into());
    summary.insert("imported_files".to_owned(), catalog.imports.len().into());
    summary.insert("sealed".to_owned(), kinds.into());
    if let Some(message) = message {
        summary.insert("note".to_owned(), message.into());
    }
    if !catalog.lost.is_empty() {
        let listed = catalog.lost.iter().take(MOST_LISTED).map(|lost| {
            json!({
                "part": lost.part.path, "doc_type": lost.part.doc_type.as_str(), "date": lost.part.date,
                "rows": lost.part.rows, "reason": lost.reason,
            })
        });
        let rows: u64 = catalog.lost.iter().map(|lost| lost.part.rows).sum();
        let left_out = json!({
            "parts": catalog.lost.len(), "rows": rows, "listed": listed.collect::<Vec<_>>(),
            "next": "no answer holds these rows; the user can run `replayer data verify`, then `replayer data repair`",
        });
        summary.insert("left_out".to_owned(), left_out);
    }
    summary.into()
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

    fn part(doc_type: &str, rows: u64, bytes: u64, times: Option<(i64, i64)>) -> Value {
        let path = format!("events_parquet/doc_type={doc_type}/date=2026-01-15/part-{rows}.parquet");
        json!({
            "path": path, "doc_type": doc_type, "date": "2026-01-15", "rows": rows, "bytes": bytes,
            "ts_min": times.map(|times| times.0), "ts_max": times.map(|times| times.1), "sessions": [],
            "schema": "1.0", "lineage": {"made_by": "seal", "build": "test"},
        })
    }

    #[test]
    fn parts_are_counted_by_kind() {
        let catalog: Catalog = serde_json::from_value(json!({
            "generation": 7,
            "parts": [part("trade", 2, 10, Some((5, 9))), part("trade", 3, 20, None), part("game", 1, 5, None)],
        }))
        .unwrap();
        let summary = summary(&catalog, None);
        assert_eq!(summary["generation"], 7);
        assert_eq!(summary["sealed"]["trade"]["rows"], 5);
        assert_eq!(summary["sealed"]["trade"]["first_ts"], "1970-01-01T00:00:00.000005Z");
        assert_eq!(summary["sealed"]["game"]["last_ts"], Value::Null);
        assert_eq!(summary["left_out"], Value::Null);
    }

    #[tokio::test]
    async fn a_part_that_is_gone_is_named_with_its_rows() {
        let root = tempfile::tempdir().unwrap();
        std::fs::create_dir(root.path().join("manifests")).unwrap();
        let catalog = json!({"generation": 7, "parts": [part("trade", 2, 10, None)]});
        std::fs::write(root.path().join("manifests/files.json"), catalog.to_string()).unwrap();
        let manifest: Value = serde_json::from_str(&read(root.path()).await.unwrap()).unwrap();
        let left_out = &manifest["files"]["left_out"];
        assert_eq!((&left_out["parts"], &left_out["rows"]), (&json!(1), &json!(2)));
        assert_eq!(left_out["listed"][0]["reason"], "its file is gone");
    }

    #[tokio::test]
    async fn a_damaged_file_is_named() {
        let root = tempfile::tempdir().unwrap();
        std::fs::create_dir(root.path().join("manifests")).unwrap();
        std::fs::write(root.path().join("manifests/schema_version.json"), "{").unwrap();
        let error = read(root.path()).await.unwrap_err();
        assert!(error.message.contains("manifests/schema_version.json cannot be read"));
    }
}
