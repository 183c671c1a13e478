//! JSON Schemas of the payloads, as they were observed: types with their alternatives, keys that were always there,
//! enumerations that are known to be some ([`super::values`]). Extremes, shares and other values that were seen are
//! annotations, not rules: tomorrow's price may be higher.

use serde_json::{Map, Value, json};

use super::values::{self, Values};
use super::{Document, GENERATED};
use crate::index::facts_store::Digest;
use crate::index::units::events::names;
use crate::protocol::catalogue::{EventDoc, catalogue};
use crate::protocol::facts::{EventFacts, Field, Fields, JsonType};
use crate::verify::explore::marks::{Marks, Shown, UNVERIFIED};
use crate::verify::explore::tier::Support;
use crate::verify::explore::written::{Written, written};

/// The draft.
const DRAFT: &str = "https://json-schema.org/draft/2020-12/schema";

/// One schema per event that was seen or whose fields are documented.
pub(super) fn documents(digest: &Digest, marks: &Marks) -> Vec<Document> {
    let facts = &digest.facts;
    let events = names(facts, catalogue()).into_iter().filter(|name| !name.starts_with("transport:"));
    let schema = |name: String| {
        let doc = catalogue().events.iter().find(|event| event.name == name);
        let schema = schema(&name, facts.events.get(&name), doc, marks)?;
        let text = serde_json::to_string_pretty(&schema).unwrap_or_default() + "\n";
        Some(Document { name: format!("{}.schema.json", file_name(&name)), text })
    };
    events.filter_map(schema).collect()
}

/// An event's name as part of a file's.
fn file_name(event: &str) -> String {
    event.chars().map(|c| if c.is_ascii_alphanumeric() || c == '-' { c } else { '_' }).take(80).collect()
}

/// The schema of an event's payload; `None` where nothing is known of it.
pub fn schema(event: &str, seen: Option<&EventFacts>, doc: Option<&EventDoc>, marks: &Marks) -> Option<Value> {
    // A payload that was lost says nothing about fields; that the event was seen, it says all the same.
    let mut schema = match (seen.filter(|seen| seen.with_payload > 0), doc) {
        (Some(seen), _) => node(event, seen.fields.root()?, &seen.fields, doc, marks),
        (None, Some(doc)) if !doc.fields.is_empty() => documented(doc, marks),
        _ => return None,
    };
    schema.insert("$schema".into(), DRAFT.into());
    schema.insert("$comment".into(), GENERATED.into());
    schema.insert("title".into(), event.into());
    if let Some(doc) = doc {
        schema.insert("description".into(), doc.purpose.clone().into());
    }
    let tier = seen.map_or("theoretical", |seen| Support::of_event(seen).tier());
    schema.insert("x-tier".into(), tier.into());
    schema.insert("x-count".into(), seen.map_or(0, |seen| seen.count).into());
    schema.insert("x-payloads".into(), seen.map_or(0, |seen| seen.with_payload).into());
    let mark = marks.event(event).map_or_else(|| UNVERIFIED.to_owned(), |mark| mark.badge());
    schema.insert("x-mark".into(), mark.into());
    let rules: Vec<Value> = marks.about(event, |_| true).iter().map(|ruling| json!(ruling)).collect();
    if !rules.is_empty() {
        schema.insert("x-rules".into(), rules.into());
    }
    Some(Value::Object(schema))
}

fn node(event: &str, field: &Field, fields: &Fields, doc: Option<&EventDoc>, marks: &Marks) -> Map<String, Value> {
    let mut out = Map::new();
    let has = |kind: JsonType| field.count_of(kind) > 0;
    // A number that happened to be whole so far may come with a fraction where others of its kind did.
    let mut types: Vec<&str> = JsonType::ALL
        .into_iter()
        .filter(|kind| has(*kind) && !(*kind == JsonType::Integer && has(JsonType::Number)))
        .map(JsonType::as_str)
        .collect();
    types.sort_unstable();
    match types.as_slice() {
        [] => {}
        [one] => drop(out.insert("type".into(), (*one).into())),
        many => drop(out.insert("type".into(), many.into())),
    }
    match values::of(event, field, marks) {
        Some(Values::All(values)) => drop(out.insert("enum".into(), values.into())),
        Some(Values::Seen(values)) => drop(out.insert("examples".into(), values.into())),
        None => {}
    }
    object(event, field, fields, doc, marks, &mut out);
    if let Some(element) = fields.children(field).find(|child| child.name == "[]") {
        out.insert("items".into(), node(event, element, fields, doc, marks).into());
    }
    if let Some((min, max)) = field.min.zip(field.max) {
        out.insert("x-observed-range".into(), json!([min, max]));
    }
    if field.path != "$" && super::super::explore::is_named(field) {
        annotate(&mut out, event, field, fields, doc, marks);
    }
    out
}

fn object(
    event: &str,
    field: &Field,
    fields: &Fields,
    doc: Option<&EventDoc>,
    marks: &Marks,
    out: &mut Map<String, Value>,
) {
    let keys: Vec<&Field> = fields.children(field).filter(|child| child.name != "[]").collect();
    if keys.is_empty() {
        return;
    }
    let (data, named): (Vec<&Field>, Vec<&Field>) = keys.into_iter().partition(|key| key.name.starts_with('{'));
    let schema = |key: &Field| Value::Object(node(event, key, fields, doc, marks));
    if !named.is_empty() {
        let properties: Map<String, Value> = named.iter().map(|key| (key.name.clone(), schema(key))).collect();
        out.insert("properties".into(), properties.into());
    }
    // Keys that are data have no names: every other key is one of them.
    match data.as_slice() {
        [] => {}
        [one] => drop(out.insert("additionalProperties".into(), schema(one))),
        many => {
            let any: Vec<Value> = many.iter().map(|key| schema(key)).collect();
            out.insert("additionalProperties".into(), json!({ "anyOf": any }));
        }
    }
    let objects: u64 = field.objects.iter().sum();
    let always: Vec<&str> =
        named.iter().filter(|key| objects > 0 && key.count() == objects).map(|key| key.name.as_str()).collect();
    if !always.is_empty() {
        out.insert("required".into(), always.into());
    }
}

fn annotate(
    out: &mut Map<String, Value>,
    event: &str,
    field: &Field,
    fields: &Fields,
    doc: Option<&EventDoc>,
    marks: &Marks,
) {
    describe(out, &written(marks, event, &field.path, doc.and_then(|doc| doc.field(&field.path))));
    if let Some(presence) = fields.presence(field) {
        out.insert("x-presence".into(), json!((presence * 1e4).round() / 1e4));
    }
    out.insert("x-tier".into(), Support::of_field(field).tier().into());
    if let Some(mark) = marks.field(event, &field.path) {
        out.insert("x-mark".into(), mark.badge().into());
    }
}

/// What is written about a field, corrections in force.
fn describe(out: &mut Map<String, Value>, written: &Written<'_>) {
    if let Some(meaning) = written.meaning {
        out.insert("description".into(), meaning.into());
    }
    if let Some(unit) = written.unit {
        out.insert("x-unit".into(), unit.into());
    }
}

/// The schema of an event whose payload only documents know.
fn documented(doc: &EventDoc, marks: &Marks) -> Map<String, Value> {
    #[derive(Default)]
    struct Tree<'a> {
        written: Written<'a>,
        mark: Option<String>,
        children: Vec<(String, Tree<'a>)>,
    }
    impl<'a> Tree<'a> {
        fn child(&mut self, key: &str) -> &mut Tree<'a> {
            let at = self.children.iter().position(|(name, _)| name == key).unwrap_or_else(|| {
                self.children.push((key.to_owned(), Tree::default()));
                self.children.len() - 1
            });
            // The index was just found or made.
            #[expect(clippy::indexing_slicing, reason = "the index was just found or made")]
            &mut self.children[at].1
        }

        fn schema(&self) -> Map<String, Value> {
            let mut out = Map::new();
            let known = ["null", "boolean", "integer", "number", "string", "array", "object"];
            let types = self.written.types.unwrap_or_default().split('|').map(str::trim);
            let types: Vec<&str> = types.filter(|name| known.contains(name)).collect();
            if !types.is_empty() {
                out.insert("type".into(), types.into());
            }
            describe(&mut out, &self.written);
            if let Some(mark) = &self.mark {
                out.insert("x-mark".into(), mark.clone().into());
            }
            let mut properties = Map::new();
            for (key, child) in &self.children {
                let schema = Value::Object(child.schema());
                match key.as_str() {
                    "[]" => drop(out.insert("items".into(), schema)),
                    key if key.starts_with('{') => drop(out.insert("additionalProperties".into(), schema)),
                    key => drop(properties.insert(key.to_owned(), schema)),
                }
            }
            if !properties.is_empty() {
                out.insert("properties".into(), properties.into());
            }
            out
        }
    }
    let mut root = Tree::default();
    for field in &doc.fields {
        let spaced = field.path.replace("[]", ".[]");
        let mut tree = &mut root;
        for key in spaced.split('.').skip(1) {
            tree = tree.child(key);
        }
        tree.written = written(marks, &doc.name, &field.path, Some(field));
        tree.mark = marks.field(&doc.name, &field.path).map(Shown::badge);
    }
    root.schema()
}
