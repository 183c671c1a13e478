//! Anomalies of the protocol as it was seen: lost payloads, unreadable frames, events and fields that are new.
//! Those of games (gaps, frames out of order) come with the games.

use super::text::{both, short_path};
use super::{Tier, Unit, UnitKind};
use crate::index::facts_store::Digest;
use crate::protocol::catalogue;

/// The anomalies in the facts.
pub fn units(digest: &Digest) -> Vec<Unit> {
    let facts = &digest.facts;
    let mut units = Vec::new();
    units.extend(payload_lost(digest));
    units.extend(value_unread(digest));
    for name in catalogue::novel_events(facts) {
        let Some(seen) = facts.events.get(name) else { continue };
        let keys: Vec<&str> = seen
            .fields
            .root()
            .into_iter()
            .flat_map(|root| seen.fields.children(root))
            .map(|field| field.name.as_str())
            .take(40)
            .collect();
        let text = format!(
            "A novel event: {} was seen {} times and is not in the shipped catalogue. Keys: {}.",
            both(name),
            seen.count,
            if keys.is_empty() { "none".to_owned() } else { keys.join(", ") }
        );
        units.push(of_event("novel-event", name, format!("Novel event: {name}"), &text, seen.evidence.clone()));
    }
    for (name, seen) in &facts.events {
        let novel = catalogue::novel_fields(facts, name);
        if novel.is_empty() {
            continue;
        }
        let fields: Vec<String> = novel
            .iter()
            .take(40)
            .map(|path| {
                let types = seen.fields.get(path).map(|field| field.type_name()).unwrap_or_default();
                format!("{} {types}", short_path(path))
            })
            .collect();
        let text = format!(
            "{} fields of {} are novel, not in the shipped catalogue: {}. The protocol changes over time.",
            novel.len(),
            both(name),
            fields.join(", ")
        );
        units.push(of_event("novel-fields", name, format!("Novel fields: {name}"), &text, seen.evidence.clone()));
    }
    let unreadable = facts.unparsed + facts.broken_json;
    if unreadable > 0 {
        let text = format!(
            "{unreadable} stored texts cannot be read: {} are no frame or no line of their format (unparsed), {} are \
             frames with broken JSON. They are kept byte for byte in ws_event.",
            facts.unparsed, facts.broken_json
        );
        let title = "Frames that cannot be read".to_owned();
        units.push(Unit {
            doc_type: Some("ws_event".into()),
            ..Unit::new(UnitKind::Anomaly, "anomaly:unreadable".into(), title, &text, Tier::Observed)
        });
    }
    units
}

/// One unit for all events: many alike would bury what else is known of them.
fn payload_lost(digest: &Digest) -> Option<Unit> {
    let lost: Vec<_> = digest.facts.events.iter().filter(|(_, seen)| seen.payload_lost > 0).collect();
    if lost.is_empty() {
        return None;
    }
    let events: Vec<String> = lost
        .iter()
        .take(60)
        .map(|(name, seen)| format!("{name} ({} of {})", seen.payload_lost, seen.count))
        .collect();
    let text = format!(
        "Frames that lost their payload: an older recorder kept only the trace argument and dropped what followed. \
         Their frame status in ws_event is payload_lost; the payload cannot be recovered from this data. Events: {}.",
        events.join(", ")
    );
    let evidence = lost.iter().filter_map(|(_, seen)| seen.evidence.first().cloned()).take(5).collect();
    Some(Unit {
        doc_type: Some("ws_event".into()),
        evidence,
        ..Unit::new(
            UnitKind::Anomaly,
            "anomaly:payload-lost".into(),
            "Payloads lost".into(),
            &text,
            Tier::Observed,
        )
    })
}

/// Values that a reader refuses.
fn value_unread(digest: &Digest) -> Option<Unit> {
    let unread: Vec<_> = digest.facts.events.iter().filter(|(_, seen)| seen.value_unread > 0).collect();
    if unread.is_empty() {
        return None;
    }
    let events: Vec<String> = unread
        .iter()
        .take(60)
        .map(|(name, seen)| format!("{name} ({} of {})", seen.value_unread, seen.count))
        .collect();
    let text = format!(
        "Frames with a value that cannot be read, like 1e400 or a list where a number belongs. The value is NULL in its row \
         and the others are there; of a payload that is not an object no row is made. Their frame status in ws_event is \
         value_unread or payload_unread, the frame itself is kept byte for byte. Events: {}.",
        events.join(", ")
    );
    let title = "Values that cannot be read".to_owned();
    Some(Unit {
        doc_type: Some("ws_event".into()),
        ..Unit::new(UnitKind::Anomaly, "anomaly:value-unread".into(), title, &text, Tier::Observed)
    })
}

fn of_event(what: &str, event: &str, title: String, text: &str, evidence: Vec<String>) -> Unit {
    Unit {
        event_name: Some(event.to_owned()),
        doc_type: Some("ws_event".into()),
        evidence,
        ..Unit::new(UnitKind::Anomaly, format!("anomaly:{what}:{event}"), title, text, Tier::Observed)
    }
}
