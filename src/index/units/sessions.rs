//! Session summaries: what one recording or import holds.

use super::text::span;
use super::{Tier, Unit, UnitKind};
use crate::index::facts_store::Digest;
use crate::store::catalog::Catalog;

/// One unit per session that has frames.
pub fn units(digest: &Digest, catalog: &Catalog) -> Vec<Unit> {
    let unit = |(id, session): (&String, &crate::index::facts_store::SessionFacts)| {
        let origin = catalog.sessions.iter().find(|info| info.session_id.to_string() == *id);
        let origin = origin.map_or("unknown", |info| info.origin.as_str());
        let kind = match origin.split_once(':') {
            Some(("import", file)) => format!("import of the file {file}"),
            _ => format!("recording by {origin}"),
        };
        let mut events: Vec<(&String, &u64)> = session.events.iter().collect();
        events.sort_by(|a, b| b.1.cmp(a.1).then(a.0.cmp(b.0)));
        let events: Vec<String> = events.iter().take(20).map(|(name, count)| format!("{name} {count}")).collect();
        let sources: Vec<&str> = session.sources.iter().map(String::as_str).collect();
        let mut text = format!(
            "Session {id}, {kind}, {}: {} frames (seq {} to {}), source {}. Events: {}.",
            span(session.first_us, session.last_us),
            session.frames,
            session.first_seq,
            session.last_seq,
            sources.join(", "),
            events.join(", ")
        );
        if session.payload_lost > 0 {
            text.push_str(&format!(
                " {} frames lost their payload in the recorder that made them.",
                session.payload_lost
            ));
        }
        if session.unreadable > 0 {
            text.push_str(&format!(" {} frames cannot be read.", session.unreadable));
        }
        Unit {
            session_id: Some(id.clone()),
            doc_type: Some("ws_event".into()),
            source: (sources.len() == 1).then(|| sources.concat()),
            ts_us: session.last_us,
            evidence: vec![format!("{id}:{}", session.first_seq), format!("{id}:{}", session.last_seq)],
            ..Unit::new(
                UnitKind::Session,
                format!("session:{id}"),
                format!("Session {kind}"),
                &text,
                Tier::Observed,
            )
        }
    };
    digest.sessions.iter().map(unit).collect()
}
