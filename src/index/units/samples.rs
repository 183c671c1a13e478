//! Samples: one packet per event, phase and set of keys, abbreviated, strangers' texts left out.

use super::text::{about, both, words};
use super::{MAX_WORDS, Tier, Unit, UnitKind};
use crate::protocol::facts::SchemaFacts;

/// Shapes of one event that are shown; rare ones beyond that are variations.
const SHAPES: usize = 12;

/// The samples of all events.
pub fn units(facts: &SchemaFacts) -> Vec<Unit> {
    let mut units = Vec::new();
    for (event, seen) in &facts.events {
        let mut shapes: Vec<_> = seen.shapes.iter().collect();
        shapes.sort_by(|a, b| b.1.count.cmp(&a.1.count).then(a.0.cmp(b.0)));
        for (id, shape) in shapes.into_iter().take(SHAPES) {
            let short = id.get(..8).unwrap_or(id);
            for (phase, sample) in &shape.samples {
                let in_phase =
                    if phase == "UNKNOWN" { "phase unknown".to_owned() } else { format!("phase {phase}") };
                let title = format!("Sample of {event}, {in_phase}, {} keys", shape.keys.len());
                let head = format!(
                    "A packet of {} in {in_phase}; seen {} times with these {} keys. ",
                    both(event),
                    about(shape.count),
                    shape.keys.len()
                );
                let keys = format!(" Keys: {}.", shape.keys.join(", "));
                let mut text = format!("{head}{}", sample.text);
                if words(&text) + words(&keys) + words(&title) <= MAX_WORDS {
                    text.push_str(&keys);
                }
                units.push(Unit {
                    event_name: Some(event.clone()),
                    doc_type: Some("ws_event".into()),
                    session_id: sample.event.split_once(':').map(|(session, _)| session.to_owned()),
                    evidence: vec![sample.event.clone()],
                    ..Unit::new(
                        UnitKind::Sample,
                        format!("sample:{event}:{phase}:{short}"),
                        title,
                        &text,
                        Tier::Observed,
                    )
                });
            }
        }
    }
    units
}
