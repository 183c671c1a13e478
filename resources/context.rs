//! `replayer://context`: CONTEXT.md, what a reader of the data must know. Generated, so that it is true; one
//! section belongs to the user and survives.

use std::fmt::Write as _;
use std::path::Path;

use rmcp::model::Resource;

use crate::sql::functions::FUNCTIONS;
use crate::sql::views::{self, ColumnDoc, ViewDoc};
use crate::store::schema;

/// Address.
pub const URI: &str = "replayer://context";

/// What the user's own section begins and ends with. Everything outside is generated anew.
const BEGIN: &str = "<!-- yours: begin. What stands here is kept when this file is generated again. -->";
const END: &str = "<!-- yours: end -->";

/// The part that does not depend on the views.
const INTRODUCTION: &str = include_str!("context.md");

/// As it is listed.
pub fn listed() -> Resource {
    Resource::new(URI, "context")
        .with_title("What is in the data and how to ask")
        .with_description("Read before query_sql: the views with their columns and example queries, and the conventions of the data.")
        .with_mime_type("text/markdown")
}

/// The data root's CONTEXT.md, or the generated text where it has none.
pub async fn read(root: &Path) -> String {
    match tokio::fs::read_to_string(root.join("CONTEXT.md")).await {
        Ok(text) => text,
        Err(_) => generate(None),
    }
}

/// The text of CONTEXT.md. The user's section of `existing` is kept; without one it is empty.
pub fn generate(existing: Option<&str>) -> String {
    let mut out = String::from(INTRODUCTION);
    out.push_str("\n## Views\n\n");
    out.push_str("Each view with a query that works. Those marked *envelope* begin with these columns:\n\n");
    columns(&mut out, &envelope());
    for view in views::catalogue() {
        describe(&mut out, view);
    }
    out.push_str("\n## Functions\n\nBeside DuckDB's own:\n\n");
    for function in FUNCTIONS {
        let _ = writeln!(out, "* `{}({})`: {}.", function.name, function.arguments, function.meaning);
    }
    out.push_str("\n## Notes of the owner\n\n");
    let notes = existing.and_then(notes).unwrap_or("\n");
    let _ = writeln!(out, "{BEGIN}{notes}{END}");
    out
}

/// The user's section with its line breaks.
fn notes(text: &str) -> Option<&str> {
    let (_, rest) = text.split_once(BEGIN)?;
    // The last end mark counts: the user may have written one.
    rest.rsplit_once(END).map(|(notes, _)| notes)
}

/// The columns that the view of every doc type begins with.
fn envelope() -> Vec<ColumnDoc> {
    let all = views::catalogue().iter().find(|view| view.doc_type.is_some()).map(ViewDoc::columns);
    all.into_iter().flatten().take(schema::ENVELOPE.len()).collect()
}

fn describe(out: &mut String, view: &ViewDoc) {
    let all = view.columns();
    let (mark, own) = match view.doc_type {
        Some(_) => (" (envelope)", all.get(schema::ENVELOPE.len()..).unwrap_or_default()),
        None => ("", all.as_slice()),
    };
    let _ = writeln!(out, "\n### {}{mark}\n\n{}.\n", view.name, capital(view.description));
    columns(out, own);
    let _ = writeln!(out, "\n```sql\n{}\n```", view.example);
}

fn columns(out: &mut String, columns: &[ColumnDoc]) {
    out.push_str("| column | type | meaning |\n|---|---|---|\n");
    for column in columns {
        let _ =
            writeln!(out, "| {} | {} | {} |", column.name, column.sql_type, column.meaning.replace('|', "\\|"));
    }
}

fn capital(text: &str) -> String {
    let mut chars = text.chars();
    chars.next().map_or_else(String::new, |first| first.to_uppercase().chain(chars).collect())
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

    use super::*;

    #[test]
    fn every_view_column_and_function_is_described() {
        let text = generate(None);
        for view in views::catalogue() {
            assert!(text.contains(&format!("### {}", view.name)), "{}", view.name);
            assert!(text.contains(view.example));
            for column in view.columns() {
                assert!(text.contains(&format!("| {} |", column.name)), "{}.{}", view.name, column.name);
            }
        }
        for function in FUNCTIONS {
            assert!(text.contains(&format!("* `{}(", function.name)), "{}", function.name);
        }
    }

    #[test]
    fn the_owners_notes_survive() {
        let first = generate(None);
        let noted = first.replace(BEGIN, &format!("{BEGIN}\nMy games.\n{END} inside\n"));
        let again = generate(Some(&noted));
        assert!(again.contains("\nMy games.\n"));
        assert_eq!(generate(Some(&again)), again, "generating is idempotent");
    }

    #[test]
    fn a_file_without_the_section_is_replaced() {
        assert_eq!(generate(Some("something else")), generate(None));
    }

    #[tokio::test]
    async fn the_file_of_the_root_is_served() {
        let root = tempfile::tempdir().unwrap();
        assert_eq!(read(root.path()).await, generate(None));
        std::fs::write(root.path().join("CONTEXT.md"), "mine").unwrap();
        assert_eq!(read(root.path()).await, "mine");
    }

    #[test]
    fn the_repository_has_the_same_text() {
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("CONTEXT.md");
        if std::env::var_os("REPLAYER_BLESS").is_some() {
            std::fs::write(&path, generate(None)).unwrap();
        }
        let text = std::fs::read_to_string(path).unwrap();
        assert!(
            text == generate(None),
            "CONTEXT.md is out of date: REPLAYER_BLESS=1 cargo test --release the_repository_has"
        );
    }
}
