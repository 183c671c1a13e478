//! The documents as JSON.

use serde_json::{Map, Value, json};

use super::{Document, GENERATED, events};
use crate::index::facts_store::Digest;
use crate::verify::explore::diff::{Facts, diff, phase_matrix};
use crate::verify::explore::marks::Marks;
use crate::verify::explore::overview::{OverviewFilter, novel_fields, overview};

/// All of them.
pub(super) fn documents(digest: &Digest, marks: &Marks) -> Vec<Document> {
    let events = events(digest, marks);
    let against = diff(("documentation", &Facts::Documentation), ("data", &Facts::Data(digest)), None);
    let view = overview(digest, marks, &OverviewFilter::default());
    let dictionary: Map<String, Value> = events
        .iter()
        .map(|event| {
            let field = |row: &Vec<Value>| {
                let cells = event.fields.columns.iter().cloned().zip(row.iter().cloned());
                Value::Object(cells.filter(|(_, value)| !value.is_null()).collect())
            };
            (event.event.clone(), event.fields.rows.iter().map(field).collect())
        })
        .collect();
    let facts = &digest.facts;
    let coverage = json!({
        "overview": view, "documented_and_seen": against.matched, "match_percent": against.match_percent,
        "sessions": digest.sessions.len(), "unparsed": facts.unparsed, "broken_json": facts.broken_json,
        "lines_without_event": facts.without_event, "novel_fields": novel_fields(digest),
    });
    [
        ("protocol.json", json!({"events": events})),
        ("field_dictionary.json", json!({"events": dictionary})),
        ("phase_matrix.json", json!({"events": phase_matrix(digest)})),
        ("coverage.json", coverage),
        ("diff.json", json!({"diff": against})),
    ]
    .into_iter()
    .map(|(name, body)| Document { name: name.to_owned(), text: text(body) })
    .collect()
}

/// Indented, with the notice first.
fn text(body: Value) -> String {
    let mut whole = Map::new();
    whole.insert("_generated".into(), GENERATED.into());
    if let Value::Object(members) = body {
        whole.extend(members);
    }
    serde_json::to_string_pretty(&Value::Object(whole)).unwrap_or_default() + "\n"
}
