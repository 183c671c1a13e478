//! One field: everything that is known about it, and how it went from day to day.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::json;

use super::event::{by_phase, phases, range};
use super::marks::{Marks, Ruling};
use super::samples::{Sample, samples};
use super::table::{Table, digits, instant};
use super::tier::Support;
use super::written::written;
use crate::index::facts_store::{Digest, FactsStore};
use crate::protocol::catalogue::catalogue;
use crate::protocol::facts::{Field, Fields, JsonType, PHASES};
use crate::verify::mark::Correction;

/// One field of an event.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct FieldView {
    /// Its event.
    pub event: String,
    /// Its path: `$.rugpool.threshold`; `[]` is every element, `{tick}`, `{rank}` and `{id}` are keys that are data.
    pub path: String,
    /// What a value means; from the shipped catalogue.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub meaning: Option<String>,
    /// Its unit.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub unit: Option<String>,
    /// Types that documents claim.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub documented_types: Option<String>,
    /// theoretical, observed or corroborated.
    pub tier: String,
    /// What a person decided about it, and about its unit, values and formulas with that word before it (`verified; unit
    /// canonical`); absent while unverified.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub mark: Option<String>,
    /// The statement that was decided on.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub marked_statement: Option<String>,
    /// What people found wrong in what was written: kind, written, right. The other members show the right one.
    #[serde(skip_serializing_if = "Vec::is_empty", default)]
    pub corrections: Vec<Correction>,
    /// What was decided about its unit, its values, its formulas.
    #[serde(skip_serializing_if = "Vec::is_empty", default)]
    pub rulings: Vec<Ruling>,
    /// Whether the shipped catalogue does not know it.
    pub novel: bool,
    /// How often it occurred.
    pub count: u64,
    /// By JSON type; null is counted, and says nothing about the type.
    pub types: BTreeMap<String, u64>,
    /// How often it was null.
    pub null_count: u64,
    /// Objects that could have had it.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub parents: Option<u64>,
    /// Percent of them that have it.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub presence: Option<f64>,
    /// The same by phase; absent phases had no parent.
    #[serde(skip_serializing_if = "BTreeMap::is_empty", default)]
    pub presence_by_phase: BTreeMap<String, f64>,
    /// Occurrences by phase.
    pub phases: BTreeMap<String, u64>,
    /// Every value with its count, where there are few.
    #[serde(skip_serializing_if = "BTreeMap::is_empty", default)]
    pub values: BTreeMap<String, u64>,
    /// Smallest number.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub min: Option<f64>,
    /// Largest number.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub max: Option<f64>,
    /// Shortest and longest text, bytes.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub text_bytes: Option<(u64, u64)>,
    /// Longest list or largest map.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub longest: Option<u64>,
    /// Keys directly below it.
    #[serde(skip_serializing_if = "Vec::is_empty", default)]
    pub keys: Vec<String>,
    /// Games it was seen in; exact below 16.
    pub games: u64,
    /// Whether there may be more games than that.
    #[serde(skip_serializing_if = "std::ops::Not::not", default)]
    pub games_or_more: bool,
    /// Sessions it was seen in; exact below 16.
    pub sessions: u64,
    /// Whether there may be more sessions than that.
    #[serde(skip_serializing_if = "std::ops::Not::not", default)]
    pub sessions_or_more: bool,
    /// First seen, UTC.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub first: Option<String>,
    /// Last seen, UTC.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub last: Option<String>,
    /// Frames with its extremes and values; strings that name people are never shown.
    #[serde(skip_serializing_if = "Vec::is_empty", default)]
    pub samples: Vec<Sample>,
    /// Day by day, the latest ones: the protocol changes. null as a day is what is not sealed yet.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub history: Option<Table>,
    /// Where the same key also is.
    #[serde(skip_serializing_if = "Vec::is_empty", default)]
    pub elsewhere: Vec<String>,
}

/// Days of the history that are shown.
const DAYS: usize = 30;

/// Values shown.
const VALUES: usize = 24;

/// One field; `None` where neither data nor documents know it, and nothing was decided about it. What people decided about
/// a field that no frame has (that it never comes, say) is all there is to tell of it.
pub fn field(
    digest: &Digest,
    marks: &Marks,
    event: &str,
    path: &str,
    history: Option<Table>,
) -> Option<FieldView> {
    let doc = catalogue().event(event);
    let event = doc.map_or(event, |doc| doc.name.as_str());
    let seen = digest.facts.events.get(event);
    let known = doc.and_then(|doc| doc.field(path));
    let found = seen.and_then(|seen| seen.fields.get(path));
    if known.is_none() && found.is_none() && marks.field(event, path).is_none() {
        return None;
    }
    let empty = Field::default();
    let field = found.unwrap_or(&empty);
    let fields = seen.map(|seen| &seen.fields);
    let presence =
        |phase: usize| fields.filter(|_| found.is_some()).and_then(|fields| fields.presence_in(field, phase));
    let whole = |share: f64| digits(share * 100.0);
    let mark = marks.field(event, path);
    let right = written(marks, event, path, known);
    let key = path.rsplit('.').next().unwrap_or(path).trim_end_matches("[]");
    Some(FieldView {
        event: event.to_owned(),
        path: path.to_owned(),
        meaning: right.meaning.map(str::to_owned),
        unit: right.unit.map(str::to_owned),
        documented_types: right.types.map(str::to_owned),
        tier: Support::of_field(field).tier().to_owned(),
        mark: mark.map(super::marks::Shown::badge),
        marked_statement: mark.and_then(|mark| mark.statement.clone()),
        corrections: marks.corrections(event, path).cloned().collect(),
        rulings: marks.of_parts(event, path),
        novel: known.is_none() && found.is_some_and(super::is_named),
        count: field.count(),
        types: types(field),
        null_count: field.null_count(),
        parents: fields.filter(|_| found.is_some()).and_then(|fields| parents(fields, field)),
        presence: fields.filter(|_| found.is_some()).and_then(|fields| fields.presence(field)).map(whole),
        presence_by_phase: PHASES
            .iter()
            .enumerate()
            .take(4)
            .filter_map(|(at, name)| Some(((*name).to_owned(), whole(presence(at)?))))
            .collect(),
        phases: by_phase(&field.phases),
        values: if field.is_personal() {
            BTreeMap::new()
        } else {
            field
                .values
                .iter()
                .take(VALUES)
                .map(|(value, count)| (crate::sql::cells::visible(value), *count))
                .collect()
        },
        min: field.min,
        max: field.max,
        text_bytes: field.lengths,
        longest: field.longest,
        keys: fields
            .into_iter()
            .flat_map(|fields| fields.children(field))
            .map(|child| child.name.clone())
            .take(60)
            .collect(),
        games: field.games.count() as u64,
        games_or_more: field.games.is_full(),
        sessions: field.sessions.count() as u64,
        sessions_or_more: field.sessions.is_full(),
        first: instant(field.first_us),
        last: instant(field.last_us),
        samples: seen.map(|seen| samples(seen, Some(path), 5)).unwrap_or_default(),
        history,
        elsewhere: elsewhere(digest, event, path, key),
    })
}

/// Counts by type, those that are not zero.
pub fn types(field: &Field) -> BTreeMap<String, u64> {
    let all = JsonType::ALL.into_iter().map(|kind| (kind.as_str().to_owned(), field.count_of(kind)));
    all.filter(|(_, count)| *count > 0).collect()
}

/// Objects that could have had the key; `None` for elements and map values.
fn parents(fields: &Fields, field: &Field) -> Option<u64> {
    fields.presence(field)?;
    Some(fields.nodes.get(field.parent)?.objects.iter().sum())
}

fn elsewhere(digest: &Digest, event: &str, path: &str, key: &str) -> Vec<String> {
    let mut places = Vec::new();
    let suffix = format!(".{key}");
    let mut add = |name: &str, other: &str| {
        let place = format!("{name} {other}");
        let is_self = name == event && other == path;
        if !is_self && places.len() < 12 && other.ends_with(&suffix) && !places.contains(&place) {
            places.push(place);
        }
    };
    for (name, seen) in &digest.facts.events {
        seen.fields.iter().for_each(|field| add(name, &field.path));
    }
    for doc in &catalogue().events {
        doc.fields.iter().for_each(|field| add(&doc.name, &field.path));
    }
    places
}

/// The field day by day, from the facts of the parts.
pub fn history(store: &FactsStore, event: &str, path: &str) -> Option<Table> {
    let above = path.strip_suffix("[]").or_else(|| path.rsplit_once('.').map(|(above, _)| above)).unwrap_or("$");
    let mut days: BTreeMap<String, (u64, Fields)> = BTreeMap::new();
    for (date, slice) in store.slices() {
        let Some(seen) = slice.digest.facts.events.get(event) else { continue };
        let day = days.entry(date.unwrap_or("unsealed").to_owned()).or_default();
        day.0 += seen.count;
        day.1.take_in(seen.fields.get(path), seen.fields.get(above));
    }
    let mut table = Table::new(&["day", "frames", "count", "types", "presence", "phases", "range"]);
    for (day, (frames, fields)) in days.iter().rev().take(DAYS) {
        let Some(field) = fields.nodes.get(1) else {
            table.rows.push(vec![
                json!(day),
                json!(frames),
                json!(0),
                json!(null),
                json!(0),
                json!(null),
                json!(null),
            ]);
            continue;
        };
        table.rows.push(vec![
            json!(day),
            json!(frames),
            json!(field.count()),
            json!(field.type_name()),
            json!(fields.presence(field).map(|share| digits(share * 100.0))),
            phases(fields, field),
            range(field),
        ]);
    }
    (!table.rows.is_empty()).then_some(table)
}
