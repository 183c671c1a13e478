//! `replayer://protocol`: the events of the protocol, one line each; `replayer://protocol/{event}`: one event's card.
//! Made from the shipped catalogue and from the schema facts of the store.

use std::fmt::Write as _;
use std::sync::Arc;
use std::time::Duration;

use rmcp::model::{ErrorData, Resource, ResourceTemplate};
use serde_json::json;

use crate::index::facts_store::Digest;
use crate::index::units::{events, reference};
use crate::protocol::catalogue::{EventDoc, catalogue};
use crate::protocol::facts::SchemaFacts;
use crate::protocol::facts::tier::Tier;
use crate::server::App;
use crate::verify::check::Scope;
use crate::verify::explore::marks::{Marks, Shown};
use crate::verify::explore::written;

/// Address of the index of events.
pub const URI: &str = "replayer://protocol";

/// Address of one event's card, with its parameter.
pub const TEMPLATE: &str = "replayer://protocol/{event}";

const PREFIX: &str = "replayer://protocol/";

/// As the index is listed.
pub fn listed() -> Resource {
    Resource::new(URI, "protocol")
        .with_title("The protocol: every event")
        .with_description(
            "Index of the rugs.fun events: direction, login needed, how well known (theoretical, observed, \
             corroborated), mark, times seen, purpose. Subscribe to be told when an event or a field comes that was not there before.",
        )
        .with_mime_type("text/markdown")
}

/// As the cards are listed.
pub fn template() -> ResourceTemplate {
    ResourceTemplate::new(TEMPLATE, "protocol_event")
        .with_title("One event of the protocol")
        .with_description(
            "An event's card: purpose, direction, login, phases, observed fields with types and meaning, notes, \
             event refs as evidence.",
        )
        .with_mime_type("text/markdown")
}

/// The event of an address of this form, percent-decoded. Names hold slashes (`standard/newTrade`), so the rest of
/// the address is the name.
pub fn event(uri: &str) -> Option<String> {
    uri.strip_prefix(PREFIX).and_then(super::game::decoded)
}

/// The facts of the store. A store that cannot be read costs the counts, not the reference.
async fn digest(app: &Arc<App>) -> Arc<Digest> {
    let explorer = Arc::clone(&app.explorer);
    let read = tokio::task::spawn_blocking(move || explorer.digest(&Scope::default(), &|| false)).await;
    match read {
        Ok(Ok(digest)) => digest,
        Ok(Err(error)) => {
            tracing::warn!(%error, "no schema facts");
            Arc::default()
        }
        Err(error) => {
            tracing::warn!(%error, "reading the schema facts ended early");
            Arc::default()
        }
    }
}

/// The marks in force.
async fn marks(app: &Arc<App>) -> Marks {
    let explorer = Arc::clone(&app.explorer);
    tokio::task::spawn_blocking(move || explorer.marks()).await.unwrap_or_default()
}

/// For subscribers, the protocol is looked at after changes at most this often.
pub const LOOKED_EVERY: Duration = Duration::from_secs(2);

/// Event types and fields that are known: when one comes, the protocol has changed.
pub async fn version(app: &Arc<App>) -> (usize, usize) {
    let digest = digest(app).await;
    let events = &digest.facts.events;
    (events.len(), events.values().map(|event| event.fields.nodes.len()).sum())
}

/// The index.
pub async fn index(app: &Arc<App>) -> String {
    let marks = marks(app).await;
    render_index(&digest(app).await.facts, &marks)
}

/// One event's card.
///
/// # Errors
/// Resource not found for an event that is neither known nor seen; the message names the nearest.
pub async fn card(app: &Arc<App>, event: &str) -> Result<String, ErrorData> {
    let (facts, marks) = (digest(app).await, marks(app).await);
    render_card(&facts.facts, &marks, event).ok_or_else(|| {
        let names = events::names(&facts.facts, catalogue());
        let nearest = names.iter().max_by(|a, b| {
            let near = |name: &str| strsim::jaro_winkler(&name.to_lowercase(), &event.to_lowercase());
            near(a).total_cmp(&near(b))
        });
        let nearest = nearest.map_or("", String::as_str);
        ErrorData::resource_not_found(
            format!("There is no event {event}. The nearest name is {nearest}; {URI} lists all"),
            Some(json!({"event": event, "nearest": nearest})),
        )
    })
}

/// Names that begin with what was typed, the shipped ones first.
pub async fn complete(app: &Arc<App>, typed: &str) -> Vec<String> {
    let typed = typed.to_lowercase();
    let facts = digest(app).await;
    let mut names = events::names(&facts.facts, catalogue());
    names.retain(|name| name.to_lowercase().starts_with(&typed));
    names
}

fn render_index(facts: &SchemaFacts, marks: &Marks) -> String {
    let mut out = String::from(
        "# Events of the rugs.fun protocol\n\nOne card per event: `replayer://protocol/{event}`. Tier, from \
         the data: theoretical (documents only), observed, corroborated. Basis of what is written: wire (its authors \
         saw it), documented, inferred. Mark: what a person decided.\n\n\
         | event | direction | login | tier | basis | mark | seen here | purpose |\n|---|---|---|---|---|---|---|---|\n",
    );
    for name in events::names(facts, catalogue()) {
        let doc = known(&name);
        let seen = facts.events.get(&name);
        let auth = match doc.and_then(|doc| doc.auth) {
            Some(true) => "yes",
            Some(false) => "no",
            None => "?",
        };
        let _ = writeln!(
            out,
            "| {} | {} | {auth} | {} | {} | {} | {} | {} |",
            cell(&name),
            doc.map_or("?", |doc| doc.direction.as_str()),
            Tier::of_event(seen).as_str(),
            doc.map_or("", |doc| doc.basis.as_str()),
            marks.event(&name).map_or_else(unverified, Shown::badge),
            seen.map_or(0, |seen| seen.count),
            cell(doc.map_or("not in the shipped catalogue", |doc| doc.purpose.as_str()))
        );
    }
    out.push_str("\n# Chapters of the reference\n\n");
    for section in reference::sections() {
        let _ = writeln!(out, "* {}: {}", section.chapter, section.title);
    }
    out
}

fn render_card(facts: &SchemaFacts, marks: &Marks, event: &str) -> Option<String> {
    let doc = catalogue().event(event);
    let event = doc.map_or(event, |doc| doc.name.as_str());
    let seen = facts.events.get(event);
    if doc.is_none() && seen.is_none() {
        return None;
    }
    let cards = events::event(facts, event);
    let mark = marks.event(event).map_or_else(unverified, Shown::badge);
    let basis = doc.map_or(String::new(), |doc| format!(" Basis of what is written: {}.", doc.basis.as_str()));
    let mut out = format!("# {event}\n\nTier: {}.{basis} Mark: {mark}.\n\n", Tier::of_event(seen).as_str());
    for card in &cards {
        let _ = writeln!(out, "{}\n", written::card(card, marks));
    }
    if let Some(doc) = doc.filter(|doc| !doc.fields.is_empty()) {
        out.push_str("| field | type | unit | meaning | mark |\n|---|---|---|---|---|\n");
        for field in &doc.fields {
            let observed = seen.and_then(|seen| seen.fields.get(&field.path)).map(|field| field.type_name());
            let right = written::written(marks, event, &field.path, Some(field));
            let types = observed.as_deref().or(right.types).unwrap_or_default();
            let _ = writeln!(
                out,
                "| {} | {} | {} | {} | {} |",
                cell(&field.path),
                cell(types),
                cell(right.unit.unwrap_or_default()),
                cell(right.meaning.unwrap_or_default()),
                marks.field(event, &field.path).map_or_else(unverified, Shown::badge)
            );
        }
        out.push('\n');
    }
    let has_row = |path: &str| doc.is_some_and(|doc| doc.field(path).is_some());
    for ruling in marks.rulings(event, &has_row) {
        let _ = writeln!(out, "* {} [{}]: {}", ruling.subject, ruling.mark, ruling.statement);
        for one in &ruling.corrections {
            let _ = writeln!(out, "  Wrong ({}): {}. Right: {}", one.kind.as_str(), one.old, one.new);
        }
    }
    let evidence = cards.first().map(|card| card.evidence.join(", ")).unwrap_or_default();
    if !evidence.is_empty() {
        let _ = writeln!(out, "Evidence (get_events): {evidence}\n");
    }
    let about =
        reference::sections().into_iter().filter(|section| section.events.iter().any(|name| name == event));
    for section in about.take(12) {
        let _ = writeln!(out, "## {}: {}\n\n{}\n", section.chapter, section.title, section.text);
    }
    Some(out)
}

fn unverified() -> String {
    "unverified".into()
}

fn known(name: &str) -> Option<&'static EventDoc> {
    catalogue().events.iter().find(|event| event.name == name)
}

fn cell(text: &str) -> String {
    text.replace('|', "\\|")
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

    use super::*;

    #[test]
    fn the_index_has_every_event() {
        let text = render_index(&SchemaFacts::default(), &Marks::default());
        for event in &catalogue().events {
            assert!(text.contains(&format!("| {} | ", event.name)), "{}", event.name);
        }
        assert!(text.contains("| playerUpdate | received | yes | theoretical | wire | unverified | 0 |"));
    }

    #[test]
    fn a_card_tells_fields_and_tier() {
        let text = render_card(&SchemaFacts::default(), &Marks::default(), "standard/newTrade").unwrap();
        assert!(text.contains("| $.tickIndex | integer | tick |"), "{text}");
        let documented = render_card(&SchemaFacts::default(), &Marks::default(), "sellOrder").unwrap();
        assert!(
            documented.contains("Tier: theoretical. Basis of what is written: documented. Mark: unverified.")
                && documented.contains("only from documents")
        );
        assert!(render_card(&SchemaFacts::default(), &Marks::default(), "noSuchEvent").is_none());
    }

    #[test]
    fn an_address_gives_its_event() {
        assert_eq!(event("replayer://protocol/standard/newTrade").as_deref(), Some("standard/newTrade"));
        assert_eq!(event("replayer://protocol/standard%2FnewTrade").as_deref(), Some("standard/newTrade"));
        assert_eq!(event("replayer://protocol"), None);
        assert_eq!(event("replayer://protocol/"), None);
    }
}
