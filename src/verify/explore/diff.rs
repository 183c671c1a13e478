//! What differs between two sides: documents and data, two sessions, two spans of time, two sources.

use std::collections::BTreeMap;
use std::str::FromStr;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::table::{Table, digits};
use crate::index::facts_store::{Digest, FactsFilter};
use crate::protocol::catalogue::catalogue;
use crate::protocol::facts::{EventFacts, Field, PHASES};
use crate::verify::check::Scope;

/// One side of a comparison.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Side {
    /// The shipped catalogue.
    Documentation,
    /// A part of what is stored.
    Data(Scope),
}

/// A side that cannot be meant.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "the side {0:?} is not understood: documentation, data, session:<uuid>, source:<cdp|public_ws|replay|ui|import>, \
     date:2026-01-31 or date:2026-01-01..2026-01-31"
)]
pub struct BadSide(pub String);

impl FromStr for Side {
    type Err = BadSide;

    fn from_str(text: &str) -> Result<Side, BadSide> {
        let bad = || BadSide(text.to_owned());
        let text = text.trim();
        let scope = match text.split_once(':') {
            None if text == "documentation" => return Ok(Side::Documentation),
            None if text == "data" => Scope::default(),
            None => return Err(bad()),
            Some(("session", id)) => Scope { session_id: Some(id.to_owned()), ..Scope::default() },
            Some(("source", name)) => Scope { source: Some(name.to_owned()), ..Scope::default() },
            Some(("date", span)) => {
                let (from, to) = span.split_once("..").unwrap_or((span, span));
                Scope { from: Some(from.to_owned()), to: Some(to.to_owned()), ..Scope::default() }
            }
            Some(_) => return Err(bad()),
        };
        scope.bounds().map_err(|_| bad())?;
        Ok(Side::Data(scope))
    }
}

impl Side {
    /// The facts it stands for; `None` for documents.
    pub fn filter(&self) -> Option<FactsFilter> {
        match self {
            Side::Documentation => None,
            Side::Data(scope) => super::filter_of(scope).ok(),
        }
    }
}

/// What is compared.
pub enum Facts<'a> {
    /// The shipped catalogue.
    Documentation,
    /// A digest.
    Data(&'a Digest),
}

/// Differences, and how many of each kind.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Diff {
    /// The one side.
    pub a: String,
    /// The other one.
    pub b: String,
    /// Paths that both have.
    pub matched: u64,
    /// Share of a's paths that b also has, percent; events whose fields one of the sides does not know do not count.
    pub match_percent: f64,
    /// Changes by kind: new_event, stale_event, new, stale, type, presence, enum.
    pub changes: BTreeMap<String, u64>,
    /// event; path (null for the event itself); change: new is in b only, stale in a only; a and b: types, presence in
    /// percent, or values; count_a, count_b: occurrences.
    pub rows: Table,
}

/// Least difference of presence that is told, percent points.
const PRESENCE: f64 = 5.0;

/// Fewest parents on both sides for a difference of presence to say anything.
const PARENTS: u64 = 20;

/// One field as both kinds of side have it.
#[derive(Default)]
struct Known {
    types: Vec<String>,
    count: u64,
    /// Percent, and of how many.
    presence: Option<(f64, u64)>,
    values: Vec<String>,
}

type Paths = BTreeMap<String, Known>;
type Events = BTreeMap<String, (u64, Paths)>;

/// Compares two sides; `event` narrows to one.
pub fn diff(a: (&str, &Facts<'_>), b: (&str, &Facts<'_>), event: Option<&str>) -> Diff {
    let documents = matches!(a.1, Facts::Documentation) || matches!(b.1, Facts::Documentation);
    let event = event.map(|name| if documents { stored_name(name) } else { name });
    let (ours, theirs) = (events(a.1, event, documents), events(b.1, event, documents));
    let mut out = Diff {
        a: a.0.to_owned(),
        b: b.0.to_owned(),
        matched: 0,
        match_percent: 0.0,
        changes: BTreeMap::new(),
        rows: Table::new(&["event", "path", "change", "a", "b", "count_a", "count_b"]),
    };
    let mut of_a = 0;
    for (name, (count, paths)) in &ours {
        let Some((_, others)) = theirs.get(name) else {
            of_a += paths.len() as u64;
            out.add(name, None, "stale_event", Value::Null, Value::Null, *count, 0);
            continue;
        };
        // An event of which only the name is documented, or whose payload was never kept, says nothing about fields.
        if documents && (paths.is_empty() || others.is_empty()) {
            continue;
        }
        of_a += paths.len() as u64;
        for (path, known) in paths {
            match others.get(path) {
                None => out.add(name, Some(path), "stale", types(known), Value::Null, known.count, 0),
                Some(found) => {
                    out.matched += 1;
                    out.compare(name, path, known, found, documents);
                }
            }
        }
        for (path, found) in others.iter().filter(|(path, _)| !paths.contains_key(*path)) {
            out.add(name, Some(path), "new", Value::Null, types(found), 0, found.count);
        }
    }
    // Packets of the transport are a matter of Engine.IO: none of them is new.
    let known = |name: &str| ours.contains_key(name) || name.starts_with(TRANSPORT);
    for (name, (count, _)) in theirs.iter().filter(|(name, _)| !known(name)) {
        out.add(name, None, "new_event", Value::Null, Value::Null, 0, *count);
    }
    out.match_percent = if of_a == 0 { 100.0 } else { digits(out.matched as f64 * 100.0 / of_a as f64) };
    out
}

fn types(known: &Known) -> Value {
    known.types.join("|").into()
}

impl Diff {
    #[expect(clippy::too_many_arguments, reason = "a row has as many cells")]
    fn add(
        &mut self,
        event: &str,
        path: Option<&str>,
        change: &str,
        a: Value,
        b: Value,
        count_a: u64,
        count_b: u64,
    ) {
        *self.changes.entry(change.to_owned()).or_default() += 1;
        let path = path.map_or(Value::Null, Value::from);
        self.rows.rows.push(vec![event.into(), path, change.into(), a, b, count_a.into(), count_b.into()]);
    }

    fn compare(&mut self, event: &str, path: &str, a: &Known, b: &Known, documents: bool) {
        // Whole floats are printed as integers, so number takes integer in; null does not define a type.
        let plain = |known: &Known| -> Vec<String> {
            let has_number = known.types.iter().any(|name| name == "number");
            let keep = |name: &&String| *name != "null" && !(has_number && *name == "integer");
            let mut names: Vec<String> = known.types.iter().filter(keep).cloned().collect();
            names.sort();
            names
        };
        let (ours, theirs) = (plain(a), plain(b));
        // Data that happen to be whole do not contradict a documented number.
        let fits = |one: &Vec<String>, other: &Vec<String>| {
            one.iter().all(|name| {
                other.contains(name) || (name == "integer" && other.iter().any(|name| name == "number"))
            })
        };
        let told = !ours.is_empty() && !theirs.is_empty();
        let changed = if documents {
            !fits(&ours, &theirs) && !fits(&theirs, &ours)
        } else {
            !fits(&ours, &theirs) || !fits(&theirs, &ours)
        };
        let only_whole = fits(&ours, &theirs) || fits(&theirs, &ours);
        if told && changed && !(documents && only_whole) {
            self.add(event, Some(path), "type", types(a), types(b), a.count, b.count);
        }
        if let (Some((ours, of_a)), Some((theirs, of_b))) = (a.presence, b.presence)
            && of_a >= PARENTS
            && of_b >= PARENTS
            && (ours - theirs).abs() >= PRESENCE
        {
            self.add(event, Some(path), "presence", json!(digits(ours)), json!(digits(theirs)), a.count, b.count);
        }
        if !a.values.is_empty() && !b.values.is_empty() && a.values != b.values {
            let only = |one: &Known, other: &Known| -> Value {
                let values = one.values.iter().filter(|value| !other.values.contains(value)).take(12);
                values.cloned().collect::<Vec<_>>().into()
            };
            self.add(event, Some(path), "enum", only(a, b), only(b, a), a.count, b.count);
        }
    }
}

/// What packets without an event's name are stored as begins like this.
const TRANSPORT: &str = "transport:";

/// The name under which the store has what documents call so: marks of a recorder (`connect`) are packets of the transport,
/// names of answers (`buyOrderResponse`) are acks, which have no name on the wire.
fn stored_name(written: &str) -> &str {
    let entry = catalogue().events.iter().find(|doc| doc.name == written);
    if entry.is_some_and(|doc| doc.category == "TRANSPORT") {
        let stored = catalogue().events.iter().find(|doc| doc.name.strip_prefix(TRANSPORT) == Some(written));
        let alone = MARKS.iter().find(|(name, _)| *name == written).map(|(_, stored)| *stored);
        return stored.map(|doc| doc.name.as_str()).or(alone).unwrap_or(written);
    }
    let answer = catalogue().events.iter().find(|doc| doc.aliases.iter().any(|alias| alias == written));
    answer.map_or(written, |doc| doc.name.as_str())
}

/// Marks of recorders whose packets the catalogue has no entry for.
const MARKS: [(&str, &str); 2] =
    [("disconnect", "transport:disconnect"), ("connect_error", "transport:connect_error")];

/// Names and fields of one side. Two sides of data are compared without the transport: it says nothing about the protocol.
fn events(facts: &Facts<'_>, event: Option<&str>, documents: bool) -> Events {
    let wanted =
        |name: &str| event.is_none_or(|event| event == name) && (documents || !name.starts_with(TRANSPORT));
    match facts {
        Facts::Documentation => {
            let mut documented = Events::new();
            for doc in &catalogue().events {
                let name = stored_name(&doc.name);
                if !wanted(name) {
                    continue;
                }
                let (_, paths) = documented.entry(name.to_owned()).or_default();
                for field in &doc.fields {
                    let types = field.types.split('|').map(str::to_owned).collect();
                    paths.insert(field.path.clone(), Known { types, ..Known::default() });
                }
            }
            documented
        }
        Facts::Data(digest) => {
            let mut stored = Events::new();
            for (name, seen) in &digest.facts.events {
                // Imported recordings have a recorder's marks as events.
                let name = if documents { stored_name(name) } else { name };
                if wanted(name) {
                    let (count, known) = stored.entry(name.to_owned()).or_default();
                    *count += seen.count;
                    known.extend(paths(seen));
                }
            }
            stored
        }
    }
}

fn paths(seen: &EventFacts) -> Paths {
    let known = |field: &Field| {
        let parents = seen.fields.nodes.get(field.parent).map_or(0, |parent| parent.objects.iter().sum());
        let values = if field.is_personal() { Vec::new() } else { field.values.keys().cloned().collect() };
        Known {
            types: field.type_name().split('|').filter(|name| !name.is_empty()).map(str::to_owned).collect(),
            count: field.count(),
            presence: seen.fields.presence(field).map(|share| (share * 100.0, parents)),
            values,
        }
    };
    // Keys that are data (`{tick}`) have paths of their own, in documents too; elements belong to their list.
    let keys = seen.fields.iter().filter(|field| field.name != "[]");
    keys.map(|field| (field.path.clone(), known(field))).collect()
}

/// Presence of fields by phase: which fields of an event come in which phase only.
pub fn phase_matrix(digest: &Digest) -> Table {
    let mut table = Table::new(&["event", "COOLDOWN", "PRESALE", "ACTIVE", "RUGGED", "UNKNOWN"]);
    for (name, seen) in &digest.facts.events {
        let mut row: Vec<Value> = vec![name.clone().into()];
        row.extend(PHASES.iter().zip(seen.phases).map(|(_, count)| Value::from(count)));
        table.rows.push(row);
    }
    table
}
