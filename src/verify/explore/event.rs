//! One event: what it is for, its tree of fields, samples that differ, sequences it is part of.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::marks::{Marks, Ruling};
use super::overview::{direction, is_novel, recorded_hours};
use super::samples::{Sample, samples};
use super::sequences;
use super::table::{Table, digits, instant, percent};
use super::tier::Support;
use super::written::written;
use crate::index::facts_store::Digest;
use crate::protocol::catalogue::{EventDoc, FieldDoc, catalogue};
use crate::protocol::facts::{Field, Fields, JsonType, PHASES, phase_from_name, phase_index};

/// What of an event is wanted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EventFilter {
    /// Fields below this path only.
    pub below: Option<String>,
    /// Keys within keys, from 1; 0 for all.
    pub depth: usize,
    /// Only fields that are there in this phase; presence is then that phase's.
    pub phase: Option<String>,
    /// Fields to pass over.
    pub offset: usize,
    /// Most fields.
    pub limit: usize,
    /// Most samples.
    pub samples: usize,
}

impl Default for EventFilter {
    fn default() -> EventFilter {
        EventFilter { below: None, depth: 2, phase: None, offset: 0, limit: 60, samples: 4 }
    }
}

/// One event.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct EventView {
    /// Its name.
    pub event: String,
    /// What it is for; from the shipped catalogue.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub purpose: Option<String>,
    /// Group of events.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub category: Option<String>,
    /// received, sent or both.
    pub direction: String,
    /// Who may see or send it.
    pub auth: String,
    /// theoretical (documents only), observed, or corroborated (several frames, games and sessions).
    pub tier: String,
    /// What a person decided about the event; absent while unverified.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub mark: Option<String>,
    /// What was decided about its rules and sequences, about units, values and formulas of its fields, and about fields
    /// that have no row here: no frame may ever have had them.
    #[serde(skip_serializing_if = "Vec::is_empty", default)]
    pub rulings: Vec<Ruling>,
    /// Whether the shipped catalogue does not know it.
    pub novel: bool,
    /// How often it was seen.
    pub count: u64,
    /// Share of all frames, percent.
    pub share: f64,
    /// Per minute of recording.
    pub per_minute: f64,
    /// Of these without payload, because an older recorder lost it.
    #[serde(skip_serializing_if = "is_zero", default)]
    pub payload_lost: u64,
    /// Of these with a value, or a whole payload, that cannot be read (frame value_unread or payload_unread in ws_event).
    #[serde(skip_serializing_if = "is_zero", default)]
    pub value_unread: u64,
    /// With a trace argument.
    pub traced: u64,
    /// First seen, UTC.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub first: Option<String>,
    /// Last seen, UTC.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub last: Option<String>,
    /// By phase of the game; UNKNOWN before the first gameStateUpdate of a recording.
    pub phases: BTreeMap<String, u64>,
    /// By source.
    pub sources: BTreeMap<String, u64>,
    /// The fields, parents before their keys. presence: percent of the parent objects that have the key; phases: the same
    /// by phase (C cooldown, P presale, A active, R rugged), where it differs; range: values or extremes seen, else
    /// lengths of texts and lists. A path in documents only has count 0. mark: of the field, and of its unit, values and
    /// formulas with that word before it.
    pub fields: Table,
    /// Fields the event has, nested ones and those that only documents know among them, whatever the filter.
    pub fields_total: u64,
    /// Of these, fields that pass below, depth and phase: what the table has, page by page.
    pub fields_selected: u64,
    /// Sets of top-level keys, the most frequent first: packets, number of keys, and what tells it from the first one.
    #[serde(skip_serializing_if = "Vec::is_empty", default)]
    pub shapes: Vec<Shape>,
    /// Frames chosen to differ; get_events with the ref gives the whole frame.
    #[serde(skip_serializing_if = "Vec::is_empty", default)]
    pub samples: Vec<Sample>,
    /// What it answers, or is answered by; from the shipped catalogue.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub pairing: Option<String>,
    /// Known sequences it is part of, each with the statement that says so.
    #[serde(skip_serializing_if = "Vec::is_empty", default)]
    pub sequences: Vec<SequenceView>,
    /// What one has to know besides; from the shipped catalogue.
    #[serde(skip_serializing_if = "Vec::is_empty", default)]
    pub notes: Vec<String>,
}

/// A set of top-level keys.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Shape {
    /// Packets that have it.
    pub count: u64,
    /// How many keys.
    pub keys: u64,
    /// By phase.
    pub phases: BTreeMap<String, u64>,
    /// Keys that the most frequent shape lacks.
    #[serde(skip_serializing_if = "Vec::is_empty", default)]
    pub more: Vec<String>,
    /// Keys of the most frequent shape that it lacks.
    #[serde(skip_serializing_if = "Vec::is_empty", default)]
    pub less: Vec<String>,
}

/// A known sequence.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct SequenceView {
    /// What happens.
    pub meaning: String,
    /// The statement that says so: to be checked with verify or `replayer protocol check`.
    pub statement: String,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde hands out references")]
fn is_zero(number: &u64) -> bool {
    *number == 0
}

/// Columns of the table of fields.
pub const COLUMNS: [&str; 10] =
    ["path", "types", "count", "presence", "phases", "range", "unit", "meaning", "tier", "mark"];

/// Counts by phase, those that are not zero.
pub fn by_phase(counts: &[u64; 5]) -> BTreeMap<String, u64> {
    let named = PHASES.iter().zip(counts).filter(|(_, count)| **count > 0);
    named.map(|(name, count)| ((*name).to_owned(), *count)).collect()
}

/// One event; `None` where neither data nor documents know it.
pub fn event(digest: &Digest, marks: &Marks, name: &str, filter: &EventFilter) -> Option<EventView> {
    let facts = &digest.facts;
    let doc = catalogue().event(name);
    let name = doc.map_or(name, |doc| doc.name.as_str());
    let seen = facts.events.get(name);
    if doc.is_none() && seen.is_none() {
        return None;
    }
    let count = seen.map_or(0, |seen| seen.count);
    let minutes = recorded_hours(digest) * 60.0;
    let rows = fields(seen.map(|seen| &seen.fields), doc, name, marks, filter);
    let mut table = Table::new(&COLUMNS);
    let selected = rows.len() as u64;
    table.rows = rows.into_iter().skip(filter.offset).take(filter.limit).collect();
    let has_row = |path: &str| table.rows.iter().any(|row| row.first().is_some_and(|cell| cell == path));
    let rulings = marks.rulings(name, &has_row);
    Some(EventView {
        event: name.to_owned(),
        purpose: doc.map(|doc| doc.purpose.clone()),
        category: doc.map(|doc| doc.category.clone()),
        direction: direction(seen, doc),
        auth: doc.map_or("not known whether a login is needed", EventDoc::auth_words).to_owned(),
        tier: seen.map_or("theoretical", |seen| Support::of_event(seen).tier()).to_owned(),
        mark: marks.event(name).map(super::marks::Shown::badge),
        rulings,
        novel: is_novel(name),
        count,
        share: percent(count, facts.total()),
        per_minute: if minutes > 0.0 { digits(count as f64 / minutes) } else { 0.0 },
        payload_lost: seen.map_or(0, |seen| seen.payload_lost),
        value_unread: seen.map_or(0, |seen| seen.value_unread),
        traced: seen.map_or(0, |seen| seen.traced),
        first: seen.and_then(|seen| instant(seen.first_us)),
        last: seen.and_then(|seen| instant(seen.last_us)),
        phases: seen.map(|seen| by_phase(&seen.phases)).unwrap_or_default(),
        sources: seen.map(|seen| seen.sources.clone()).unwrap_or_default(),
        fields: table,
        fields_total: super::paths(seen.map(|seen| &seen.fields), doc).len() as u64,
        fields_selected: selected,
        shapes: seen.map(|seen| shapes(&seen.shapes)).unwrap_or_default(),
        samples: seen.map(|seen| samples(seen, None, filter.samples)).unwrap_or_default(),
        pairing: doc.and_then(|doc| doc.pairing.clone()),
        sequences: sequences::of(name)
            .map(|one| SequenceView { meaning: one.meaning.into(), statement: one.statement.into() })
            .collect(),
        notes: doc.map(|doc| doc.notes.clone()).unwrap_or_default(),
    })
}

/// Shapes that are told.
const SHAPES: usize = 6;

fn shapes(shapes: &BTreeMap<String, crate::protocol::facts::Shape>) -> Vec<Shape> {
    let mut sorted: Vec<&crate::protocol::facts::Shape> = shapes.values().collect();
    sorted.sort_by(|a, b| b.count.cmp(&a.count).then_with(|| a.keys.cmp(&b.keys)));
    let first = sorted.first().map(|shape| shape.keys.clone()).unwrap_or_default();
    let lacking = |of: &[String], from: &[String]| -> Vec<String> {
        of.iter().filter(|key| !from.contains(key)).take(12).cloned().collect()
    };
    let told = sorted.into_iter().take(SHAPES).map(|shape| Shape {
        count: shape.count,
        keys: shape.keys.len() as u64,
        phases: by_phase(&shape.phases),
        more: lacking(&shape.keys, &first),
        less: lacking(&first, &shape.keys),
    });
    let told: Vec<Shape> = told.collect();
    // An event with one shape has nothing to tell apart.
    if told.len() > 1 { told } else { Vec::new() }
}

/// How deep a path lies: `$.a` is 1, `$.a.b` and `$.a[].b` are 2.
fn depth(path: &str) -> usize {
    path.matches('.').count()
}

/// The rows of the table of fields: what the data has in its order, then what only documents know.
fn fields(
    seen: Option<&Fields>,
    doc: Option<&EventDoc>,
    event: &str,
    marks: &Marks,
    filter: &EventFilter,
) -> Vec<Vec<Value>> {
    let phase = filter.phase.as_deref().and_then(|name| phase_from_name(&name.to_uppercase()));
    let phase = phase.map(|phase| phase_index(Some(phase)));
    let base = filter.below.as_deref().map_or(0, depth);
    let wanted = |path: &str| {
        let below = filter.below.as_deref().is_none_or(|below| {
            path == below || path.strip_prefix(below).is_some_and(|rest| rest.starts_with(['.', '[']))
        });
        below && (filter.depth == 0 || depth(path) <= base + filter.depth)
    };
    let mut rows = Vec::new();
    for path in super::paths(seen, doc).into_iter().filter(|path| wanted(path)) {
        let known = doc.and_then(|doc| doc.field(path));
        if let Some((fields, field)) = seen.and_then(|seen| Some((seen, seen.get(path)?))) {
            if phase.is_some_and(|phase| field.phases.get(phase).is_none_or(|count| *count == 0)) {
                continue;
            }
            let presence = match phase {
                Some(phase) => fields.presence_in(field, phase),
                None => fields.presence(field),
            };
            rows.push(row(fields, field, known, presence, event, marks));
        } else if phase.is_none() {
            rows.push(unseen_row(path, known, event, marks));
        }
    }
    rows
}

/// A field that no frame has.
fn unseen_row(path: &str, doc: Option<&FieldDoc>, event: &str, marks: &Marks) -> Vec<Value> {
    let right = written(marks, event, path, doc);
    vec![
        path.into(),
        right.types.into(),
        0.into(),
        Value::Null,
        Value::Null,
        Value::Null,
        right.unit.into(),
        right.meaning.into(),
        "theoretical".into(),
        marks.field(event, path).map_or(Value::Null, |mark| mark.badge().into()),
    ]
}

fn row(
    fields: &Fields,
    field: &Field,
    doc: Option<&FieldDoc>,
    presence: Option<f64>,
    event: &str,
    marks: &Marks,
) -> Vec<Value> {
    let right = written(marks, event, &field.path, doc);
    let mut types = field.type_name();
    // A list says what its elements are.
    if let Some(element) = fields.children(field).find(|child| child.name == "[]") {
        types = types.replace("array", &format!("array of {}", element.type_name()));
    }
    vec![
        field.path.clone().into(),
        types.into(),
        field.count().into(),
        presence.map_or(Value::Null, |share| json!(digits(share * 100.0))),
        phases(fields, field),
        range(field),
        right.unit.into(),
        right.meaning.into(),
        Support::of_field(field).tier().into(),
        marks.field(event, &field.path).map_or(Value::Null, |mark| mark.badge().into()),
    ]
}

/// Presence by phase as `C0 P0 A100 R100`; null where it is the same in all.
pub fn phases(fields: &Fields, field: &Field) -> Value {
    let shares: Vec<(char, f64)> = PHASES
        .iter()
        .enumerate()
        .take(4)
        .filter_map(|(at, name)| Some((name.chars().next()?, fields.presence_in(field, at)?)))
        .collect();
    let same = shares.windows(2).all(|pair| match pair {
        [(_, a), (_, b)] => (a - b).abs() < 0.005,
        _ => true,
    });
    if same {
        return Value::Null;
    }
    let texts: Vec<String> =
        shares.iter().map(|(name, share)| format!("{name}{}", digits(share * 100.0))).collect();
    texts.join(" ").into()
}

/// Values or extremes in a few words.
pub fn range(field: &Field) -> Value {
    let strings = field.count_of(JsonType::String) > 0;
    if !field.values.is_empty() && !field.is_personal() {
        let quoted = |value: &String| if strings { format!("{value:?}") } else { value.clone() };
        let shown: Vec<String> = field.values.keys().take(8).map(quoted).collect();
        let more =
            if field.values.len() > 8 { format!(" and {} more", field.values.len() - 8) } else { String::new() };
        return format!("{}{more}", shown.join(" ")).into();
    }
    if let Some((min, max)) = field.min.zip(field.max) {
        let text = if min == max { format!("always {min}") } else { format!("{} to {}", short(min), short(max)) };
        return text.into();
    }
    if let Some((short, long)) = field.lengths {
        let length = if short == long { short.to_string() } else { format!("{short} to {long}") };
        return format!("text of {length} bytes").into();
    }
    field.longest.map_or(Value::Null, |longest| format!("up to {longest}").into())
}

/// A number with at most six digits behind the point.
fn short(number: f64) -> String {
    if number == number.trunc() || number.abs() < 1e-6 {
        number.to_string()
    } else {
        ((number * 1e6).round() / 1e6).to_string()
    }
}
