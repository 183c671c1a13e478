//! Event cards: what an event is for, who gets it and when, and its fields with their types.

use super::text::{about, both, days, pack, short_path, words};
use super::{Basis, MAX_WORDS, Tier, Unit, UnitKind};
use crate::protocol::catalogue::{Catalogue, EventDoc, catalogue};
use crate::protocol::facts::{EventFacts, Field, Fields, PHASES, SchemaFacts};

/// The cards of all events, those of the catalogue first.
pub fn units(facts: &SchemaFacts) -> Vec<Unit> {
    names(facts, catalogue()).into_iter().flat_map(|name| event(facts, &name)).collect()
}

/// Every event name, known or found.
pub fn names(facts: &SchemaFacts, catalogue: &Catalogue) -> Vec<String> {
    let mut names: Vec<String> = catalogue.events.iter().map(|event| event.name.clone()).collect();
    let found = facts.events.keys().filter(|name| !names.contains(name)).cloned().collect::<Vec<_>>();
    names.extend(found);
    names
}

/// The cards of one event; the first one names every top-level field that fits.
pub fn event(facts: &SchemaFacts, name: &str) -> Vec<Unit> {
    let doc = catalogue().events.iter().find(|event| event.name == name);
    let seen = facts.events.get(name);
    let head = head(name, doc, seen);
    let again = format!("{}, continued.", both(name));
    let title = |part: usize| match part {
        0 => format!("{name}: purpose and fields"),
        part => format!("{name}: more fields and notes ({})", part + 1),
    };
    let room = MAX_WORDS - words(&title(1));
    let texts = pack(&head, &again, &items(name, doc, seen), room);
    let card = |(part, text): (usize, String)| Unit {
        event_name: Some(name.to_owned()),
        doc_type: Some("ws_event".into()),
        ts_us: seen.and_then(|seen| seen.last_us),
        source: seen.filter(|seen| seen.sources.len() == 1).and_then(|seen| seen.sources.keys().next().cloned()),
        evidence: seen.map(|seen| seen.evidence.clone()).unwrap_or_default(),
        basis: doc.map(|doc| doc.basis),
        ..Unit::new(UnitKind::EventCard, format!("event:{name}#{part}"), title(part), &text, Tier::of_event(seen))
    };
    texts.into_iter().enumerate().map(card).collect()
}

fn head(name: &str, doc: Option<&EventDoc>, seen: Option<&EventFacts>) -> String {
    let mut head = format!("{}: ", both(name));
    match doc {
        Some(doc) => {
            head.push_str(&doc.purpose);
            head.push_str(match doc.direction.as_str() {
                "sent" => " Sent by the client; ",
                "both" => " Sent and received; ",
                _ => " Received from the server; ",
            });
            head.push_str(doc.auth_words());
            head.push('.');
            if !doc.phases.is_empty() {
                let all = doc.phases.len() == 4;
                let phases =
                    if all { "any phase".to_owned() } else { format!("phases {}", doc.phases.join(", ")) };
                head.push_str(&format!(" In {phases}."));
            }
        }
        None => head.push_str("An event that the shipped catalogue does not know; it is new."),
    }
    head.push(' ');
    head.push_str(&counts(doc, seen));
    head
}

fn counts(doc: Option<&EventDoc>, seen: Option<&EventFacts>) -> String {
    match (seen, doc) {
        (Some(seen), _) if seen.count > 0 => {
            let mut text = format!("Seen {} times {}", about(seen.count), days(seen.first_us, seen.last_us));
            if seen.payload_lost > 0 {
                text.push_str(&format!(
                    ", {} without payload (lost by an older recorder)",
                    about(seen.payload_lost)
                ));
            }
            text.push('.');
            if doc.is_none() {
                let phases: Vec<&str> = PHASES
                    .iter()
                    .zip(seen.phases)
                    .filter(|(_, count)| *count > 0)
                    .map(|(name, _)| *name)
                    .collect();
                text.push_str(&format!(" Phases {}.", phases.join(", ")));
            }
            text
        }
        (_, Some(doc)) if doc.basis == Basis::Documented => {
            "Known only from documents (documented-only); never seen on the wire.".into()
        }
        (_, Some(doc)) if doc.basis == Basis::Inferred => {
            "Inferred from how Socket.IO works; not in this data.".into()
        }
        _ => "Observed on the wire elsewhere; not in this data.".into(),
    }
}

fn items(name: &str, doc: Option<&EventDoc>, seen: Option<&EventFacts>) -> Vec<String> {
    let mut items = Vec::new();
    let fields = seen.map(|seen| &seen.fields).filter(|fields| fields.iter().next().is_some());
    match fields {
        Some(fields) => {
            items.push(format!("Observed fields of {name}:"));
            items.extend(observed(fields, doc));
        }
        None => {
            let top: Vec<String> = doc.into_iter().flat_map(|doc| documented(doc, |_| true)).collect();
            items.push(if top.is_empty() {
                "Its fields are unknown.".into()
            } else {
                format!("Known fields of {name}:")
            });
            items.extend(top);
        }
    }
    if let Some(doc) = doc {
        items.push(format!("How often: {}", doc.frequency));
        items.extend(doc.pairing.iter().map(|pairing| format!("Pairing: {pairing}")));
        if doc.traced == Some(true) {
            items.push("A trace argument (__trace, traceparent) stands before the payload.".into());
        }
        items.extend(doc.notes.iter().cloned());
    }
    match fields {
        Some(fields) => {
            items.extend(nested(fields));
            let unseen = |path: &str| fields.get(path).is_none();
            let missing: Vec<String> = doc.into_iter().flat_map(|doc| documented(doc, unseen)).collect();
            if !missing.is_empty() {
                items.push("Known, but not in this data:".into());
                items.extend(missing);
            }
        }
        None => items.extend(doc.into_iter().flat_map(documented_nested)),
    }
    items
}

fn observed(fields: &Fields, doc: Option<&EventDoc>) -> Vec<String> {
    let Some(root) = fields.root() else { return Vec::new() };
    let line = |field: &Field| {
        let unit = doc.and_then(|doc| doc.field(&field.path)).map_or("", |doc| doc.unit.as_str());
        let unit = if unit == "SOL" { " SOL" } else { "" };
        format!("{} {}{unit};", both(&field.name), field.type_name())
    };
    if root.children.iter().any(|(key, _)| key == "[]") {
        return vec![format!(
            "a list of {};",
            fields.children(root).map(Field::type_name).collect::<Vec<_>>().join("|")
        )];
    }
    fields.children(root).map(line).collect()
}

/// Groups of nested keys, by the object they stand in.
fn nested(fields: &Fields) -> Vec<String> {
    let mut items = Vec::new();
    for parent in fields.iter() {
        let keys: Vec<String> = fields
            .children(parent)
            .filter(|key| key.name != "[]")
            .map(|key| format!("{} {}", key.name, key.type_name()))
            .collect();
        for (part, keys) in keys.chunks(40).enumerate() {
            let more = if part > 0 { " (more)" } else { "" };
            items.push(format!("In {}{more}: {}.", short_path(&parent.path), keys.join(", ")));
        }
    }
    items
}

fn is_top(path: &str) -> bool {
    short_path(path).bytes().all(|byte| !matches!(byte, b'.' | b'[' | b'{'))
}

fn documented(doc: &EventDoc, wanted: impl Fn(&str) -> bool) -> Vec<String> {
    doc.fields
        .iter()
        .filter(|field| is_top(&field.path) && wanted(&field.path))
        .map(|field| {
            let unit = if field.unit == "SOL" { " SOL" } else { "" };
            format!("{} {}{unit};", both(short_path(&field.path)), field.types)
        })
        .collect()
}

fn documented_nested(doc: &EventDoc) -> Vec<String> {
    let nested = doc.fields.iter().filter(|field| !is_top(&field.path));
    nested.map(|field| format!("{} {};", short_path(&field.path), field.types)).collect()
}
