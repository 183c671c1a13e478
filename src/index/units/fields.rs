//! Field cards: what one field means, its types, when it is there, its values.

use std::collections::BTreeMap;

use super::text::{about, both, number, percent, rough, short_path, split};
use super::{Basis, Tier, Unit, UnitKind};
use crate::protocol::catalogue::{EventDoc, FieldDoc, catalogue};
use crate::protocol::facts::{EventFacts, Field, JsonType, PHASES, SchemaFacts};

/// Where a key occurs, over all events: `rugpoolAmount` → the events and paths that have it.
type Elsewhere<'a> = BTreeMap<&'a str, Vec<(&'a str, &'a str)>>;

/// One card per field path, seen or known.
pub fn units(facts: &SchemaFacts) -> Vec<Unit> {
    let mut elsewhere: Elsewhere<'_> = BTreeMap::new();
    let mut add = |event, path| {
        let places = elsewhere.entry(last(path)).or_default();
        if !places.contains(&(event, path)) {
            places.push((event, path));
        }
    };
    for event in &catalogue().events {
        event.fields.iter().for_each(|field| add(event.name.as_str(), field.path.as_str()));
    }
    for (event, seen) in &facts.events {
        seen.fields
            .iter()
            .filter(|field| is_named(field))
            .for_each(|field| add(event.as_str(), field.path.as_str()));
    }
    let mut units = Vec::new();
    for event in &catalogue().events {
        let seen = facts.events.get(&event.name);
        for doc in event.fields.iter().filter(|field| !last(&field.path).starts_with('{')) {
            let field = seen.and_then(|seen| seen.fields.get(&doc.path));
            units.push(card(&event.name, &doc.path, Some((event, doc)), seen.zip(field), &elsewhere));
        }
    }
    for (name, seen) in &facts.events {
        let doc = catalogue().events.iter().find(|event| event.name == *name);
        let known = |path: &str| doc.is_some_and(|doc| doc.field(path).is_some());
        for field in seen.fields.iter().filter(|field| is_named(field) && !known(&field.path)) {
            units.push(card(name, &field.path, None, Some((seen, field)), &elsewhere));
        }
    }
    units
}

fn is_named(field: &Field) -> bool {
    field.name != "[]" && !field.name.starts_with('{')
}

fn last(path: &str) -> &str {
    path.rsplit('.').next().unwrap_or(path).trim_end_matches("[]")
}

fn card(
    event: &str,
    path: &str,
    doc: Option<(&EventDoc, &FieldDoc)>,
    seen: Option<(&EventFacts, &Field)>,
    elsewhere: &Elsewhere<'_>,
) -> Unit {
    let key = last(path);
    let short = short_path(path);
    let mut text = format!("{} of {}", both(key), both(event));
    if short != key {
        text.push_str(&format!(", at {short}"));
    }
    match doc {
        Some((_, doc)) => text.push_str(&format!(": {}.", doc.meaning)),
        None => text.push_str(": a field that the shipped catalogue does not know."),
    }
    if let Some((_, doc)) = doc.filter(|(_, doc)| !doc.unit.is_empty()) {
        text.push_str(&format!(" Unit: {}.", doc.unit));
    }
    match seen {
        Some((seen, field)) => observed(&mut text, seen, field),
        None => {
            if let Some((event, doc)) = doc {
                let origin = match event.basis {
                    Basis::Wire => "not in this data",
                    Basis::Documented => "known only from documents",
                    Basis::Inferred => "inferred",
                };
                text.push_str(&format!(" Type {}; {origin}.", doc.types));
            }
        }
    }
    let others = elsewhere.get(key).map(Vec::as_slice).unwrap_or_default();
    let others: Vec<String> = others
        .iter()
        .filter(|place| **place != (event, path))
        .take(8)
        .map(|(event, path)| format!("{event} {}", short_path(path)))
        .collect();
    if !others.is_empty() {
        text.push_str(&format!(" The same key is also in: {}.", others.join("; ")));
    }
    let tier = Tier::of_field(seen.map(|(_, field)| field));
    let title = if short == key { format!("{event}.{key} ({})", split(key)) } else { format!("{event}: {short}") };
    let evidence = seen.map(|(seen, field)| {
        let own: Vec<String> = field.examples.iter().map(|example| example.event.clone()).take(3).collect();
        if own.is_empty() { seen.evidence.clone() } else { own }
    });
    let mut evidence = evidence.unwrap_or_default();
    evidence.dedup();
    Unit {
        event_name: Some(event.to_owned()),
        field_path: Some(path.to_owned()),
        doc_type: Some("ws_event".into()),
        ts_us: seen.and_then(|(seen, _)| seen.last_us),
        basis: doc.map(|(event, _)| event.basis),
        evidence,
        ..Unit::new(UnitKind::FieldCard, format!("field:{event}:{path}"), title, &text, tier)
    }
}

fn observed(text: &mut String, seen: &EventFacts, field: &Field) {
    let count = field.count();
    text.push_str(&format!(" Type {}, seen {} times.", field.type_name(), about(count)));
    if let Some(presence) = seen.fields.presence(field) {
        text.push_str(&format!(" Present in {} of its parents", percent(presence)));
        let by_phase: Vec<(&str, f64)> = PHASES
            .iter()
            .enumerate()
            .take(4)
            .filter_map(|(phase, name)| Some((*name, seen.fields.presence_in(field, phase)?)))
            .collect();
        let differs = by_phase.iter().any(|(_, share)| (share - presence).abs() > 0.005);
        if differs && by_phase.len() > 1 {
            let phases: Vec<String> =
                by_phase.iter().map(|(name, share)| format!("{name} {}", percent(*share))).collect();
            text.push_str(&format!(" ({})", phases.join(", ")));
        }
        text.push('.');
    }
    if field.null_count() > 0 && count > 0 {
        text.push_str(&format!(" Null in {}.", percent(field.null_count() as f64 / count as f64)));
    }
    if let Some((min, max)) = field.min.zip(field.max) {
        let range = if min == max {
            format!("always {}", number(min))
        } else {
            format!("{} to {}", rough(min), rough(max))
        };
        text.push_str(&format!(" Range: {range}."));
    }
    if !field.values.is_empty() && !field.is_personal() {
        let quoted = |value: &String| {
            if field.count_of(JsonType::String) > 0 { format!("{value:?}") } else { value.clone() }
        };
        let values: Vec<String> = field.values.keys().take(12).map(quoted).collect();
        text.push_str(&format!(" Values: {}.", values.join(", ")));
    } else if let Some((short, long)) = field.lengths {
        let length = if short == long { short.to_string() } else { format!("{short} to {long}") };
        text.push_str(&format!(" Text of {length} bytes."));
    }
    if let Some(longest) = field.longest {
        let what = if field.count_of(JsonType::Array) > 0 { "list" } else { "map" };
        text.push_str(&format!(" A {what} of up to {longest}."));
    }
    let keys: Vec<&str> =
        seen.fields.children(field).filter(|key| is_named(key)).map(|key| key.name.as_str()).collect();
    if !keys.is_empty() {
        let shown = keys.get(..keys.len().min(40)).unwrap_or(&keys);
        text.push_str(&format!(" Keys: {}.", shown.join(", ")));
    }
    for element in seen.fields.children(field).filter(|child| !is_named(child)) {
        let keys: Vec<&str> =
            seen.fields.children(element).filter(|key| is_named(key)).map(|key| key.name.as_str()).collect();
        let shown = keys.get(..keys.len().min(40)).unwrap_or(&keys);
        let with = if shown.is_empty() { String::new() } else { format!(" with {}", shown.join(", ")) };
        text.push_str(&format!(" Elements: {}{with}.", element.type_name()));
    }
    if field.values.is_empty() && !field.examples.is_empty() {
        let mut examples: Vec<&str> = Vec::new();
        for example in &field.examples {
            if examples.len() < 3 && !examples.contains(&example.text.as_str()) {
                examples.push(&example.text);
            }
        }
        text.push_str(&format!(" Examples: {}.", examples.join(", ")));
    }
}
