//! All event types in one table: those in the data and those that only documents know.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::marks::Marks;
use super::table::{Table, digits, instant, percent};
use super::tier::Support;
use crate::index::facts_store::Digest;
use crate::index::units::events::names;
use crate::protocol::catalogue::{self, EventDoc, catalogue};
use crate::protocol::facts::EventFacts;

/// Which events are wanted.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct OverviewFilter {
    /// Seen at least this often; 0 takes in those that were never seen.
    pub min_count: u64,
    /// Of this tier: theoretical, observed, corroborated.
    pub tier: Option<String>,
    /// With a mark of this kind on it or on one of its fields: verified, needs_correction, unverified.
    pub mark: Option<String>,
    /// Only those that the shipped catalogue does not know.
    pub novel: bool,
}

/// The overview.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Overview {
    /// Frames in what was looked at.
    pub frames: u64,
    /// Hours of recording they are from.
    pub recorded_hours: f64,
    /// Event types that were seen.
    pub seen: u64,
    /// Event types that documents know and the data does not.
    pub documented_only: u64,
    /// Event types that the catalogue does not know.
    pub novel: u64,
    /// The events, the most frequent first. share in percent of all frames; per_minute of recording; auth: whether a
    /// login is needed, null where not known; fields: those seen and those that only documents know; marks: verified subjects / subjects to be corrected.
    pub events: Table,
}

/// Columns of the table.
const COLUMNS: [&str; 11] =
    ["event", "count", "share", "per_minute", "direction", "auth", "first", "last", "fields", "tier", "marks"];

/// The direction as it was seen, else as documents have it.
pub fn direction(seen: Option<&EventFacts>, doc: Option<&EventDoc>) -> String {
    match seen {
        Some(seen) if seen.sent > 0 && seen.received > 0 => "both".into(),
        Some(seen) if seen.sent > 0 => "sent".into(),
        Some(seen) if seen.received > 0 => "received".into(),
        _ => doc.map_or_else(|| "unknown".to_owned(), |doc| doc.direction.clone()),
    }
}

/// Hours of recording, session by session.
pub fn recorded_hours(digest: &Digest) -> f64 {
    let spans = digest.sessions.values().filter_map(|session| session.first_us.zip(session.last_us));
    spans.map(|(first, last)| (last - first) as f64 / 3.6e9).sum()
}

/// Whether an event is known to the shipped catalogue under this name, or is transport.
pub fn is_novel(name: &str) -> bool {
    catalogue().event(name).is_none() && !name.starts_with("transport:")
}

/// Makes the overview.
pub fn overview(digest: &Digest, marks: &Marks, filter: &OverviewFilter) -> Overview {
    let facts = &digest.facts;
    let total = facts.total();
    let hours = recorded_hours(digest);
    let mut all: Vec<(String, u64)> = names(facts, catalogue())
        .into_iter()
        .map(|name| {
            let count = facts.events.get(&name).map_or(0, |seen| seen.count);
            (name, count)
        })
        .collect();
    // The catalogue's own order, most important first, stays among equals.
    all.sort_by_key(|(_, count)| std::cmp::Reverse(*count));
    let seen = all.iter().filter(|(_, count)| *count > 0).count() as u64;
    let novel = all.iter().filter(|(name, _)| is_novel(name)).count() as u64;
    let documented_only = all.len() as u64 - seen;
    let mut events = Table::new(&COLUMNS);
    for (name, count) in all {
        let doc = catalogue().events.iter().find(|event| event.name == name);
        let seen = facts.events.get(&name);
        let tier = seen.map_or("theoretical", |seen| Support::of_event(seen).tier());
        let (verified, wrong) = marks.counts(&name);
        let wanted_mark = match filter.mark.as_deref() {
            None => true,
            Some("verified") => verified > 0,
            Some("needs_correction") => wrong > 0,
            Some(_) => verified == 0 && wrong == 0,
        };
        let wanted = count >= filter.min_count
            && filter.tier.as_deref().is_none_or(|wanted| wanted == tier)
            && wanted_mark
            && (!filter.novel || is_novel(&name));
        if !wanted {
            continue;
        }
        let fields = super::paths(seen.map(|seen| &seen.fields), doc).len();
        let rate = if hours > 0.0 && count > 0 { json!(digits(count as f64 / hours / 60.0)) } else { Value::Null };
        let tier = if is_novel(&name) { format!("{tier}, novel") } else { tier.to_owned() };
        events.rows.push(vec![
            name.clone().into(),
            count.into(),
            if count > 0 { json!(percent(count, total)) } else { json!(0) },
            rate,
            direction(seen, doc).into(),
            doc.and_then(|doc| doc.auth).map_or(Value::Null, Value::Bool),
            json!(instant(seen.and_then(|seen| seen.first_us))),
            json!(instant(seen.and_then(|seen| seen.last_us))),
            fields.into(),
            tier.into(),
            if verified + wrong > 0 { format!("{verified}/{wrong}").into() } else { Value::Null },
        ]);
    }
    Overview { frames: total, recorded_hours: digits(hours), seen, documented_only, novel, events }
}

/// Fields of known events that the catalogue does not know: event and path, most frequent events first.
pub fn novel_fields(digest: &Digest) -> Vec<(String, String)> {
    let mut events: Vec<(&String, &EventFacts)> = digest.facts.events.iter().collect();
    events.sort_by_key(|(_, seen)| std::cmp::Reverse(seen.count));
    let of = |(name, _): (&String, &EventFacts)| {
        let fields = catalogue::novel_fields(&digest.facts, name);
        fields.into_iter().map(|path| (name.clone(), path)).collect::<Vec<_>>()
    };
    events.into_iter().flat_map(of).collect()
}
