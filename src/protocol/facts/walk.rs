//! One payload into the facts of its fields, in one pass over its text.

use std::fmt;

use serde::de::{DeserializeSeed, Deserializer, MapAccess, SeqAccess, Visitor};
use serde_json::value::RawValue;

use super::field::{Example, Fields, JsonType, MAX_EXAMPLES, MAX_VALUE_LEN, least, most};
use super::keys::{self, KeyKind};
use super::{Seen, add_at, distinct};

/// After this many occurrences no more examples are looked for.
const EXAMPLE_TRIES: u64 = 48;

/// Adds the payload to `fields`; the hash of its set of top-level keys.
pub(super) fn walk(fields: &mut Fields, payload: &RawValue, seen: &Seen<'_>, phase: usize) -> u64 {
    let (game, session) = (distinct::hash(seen.game_id), distinct::hash(Some(seen.session_id)));
    let mut walk = Walk { fields, seen, phase, game, session, shape: 0 };
    let mut deserializer = serde_json::Deserializer::from_str(payload.get());
    // RawValue has been parsed before, so this fails only where nesting is too deep; what was seen counts.
    if let Err(error) = (Value { walk: &mut walk, node: Some(0) }).deserialize(&mut deserializer) {
        tracing::debug!(%error, "a payload was read in part only");
    }
    walk.shape
}

struct Walk<'a> {
    fields: &'a mut Fields,
    seen: &'a Seen<'a>,
    phase: usize,
    /// Hashes of the game and the session.
    game: u64,
    session: u64,
    shape: u64,
}

/// The value at one node; `None` where no node was left for it.
struct Value<'w, 'a> {
    walk: &'w mut Walk<'a>,
    node: Option<usize>,
}

/// A scalar, for the examples.
enum Text<'t> {
    Bool(bool),
    Number(f64),
    Integer(i64),
    Str(&'t str),
}

impl Walk<'_> {
    fn occurred(&mut self, node: usize, json_type: JsonType) {
        let phase = self.phase;
        let Some(field) = self.fields.nodes.get_mut(node) else { return };
        if let Some(count) = field.types.get_mut(json_type as usize) {
            *count += 1;
        }
        add_at(&mut field.phases, phase, 1);
        field.games.add(self.game);
        field.sessions.add(self.session);
        if let Some(ts) = self.seen.ts_us {
            field.first_us = Some(field.first_us.map_or(ts, |first| first.min(ts)));
            field.last_us = Some(field.last_us.map_or(ts, |last| last.max(ts)));
        }
        match json_type {
            JsonType::Null => add_at(&mut field.nulls, phase, 1),
            JsonType::Object => add_at(&mut field.objects, phase, 1),
            _ => {}
        }
    }

    fn number(&mut self, node: usize, value: f64, json_type: JsonType, text: &Text<'_>) {
        self.occurred(node, json_type);
        let phase = u8::try_from(self.phase).ok();
        if let Some(field) = self.fields.nodes.get_mut(node) {
            if field.min.is_none_or(|min| value < min) {
                field.min = least(field.min, Some(value));
                self.seen.write_ref(&mut field.min_event);
                field.min_phase = phase;
            }
            if field.max.is_none_or(|max| value > max) {
                field.max = most(field.max, Some(value));
                self.seen.write_ref(&mut field.max_event);
                field.max_phase = phase;
            }
        }
        self.example(node, text);
    }

    fn string(&mut self, node: usize, text: &str) {
        self.occurred(node, JsonType::String);
        let Some(field) = self.fields.nodes.get_mut(node) else { return };
        let length = text.len() as u64;
        field.lengths = Some(field.lengths.map_or((length, length), |(a, b)| (a.min(length), b.max(length))));
        let personal = match field.personal {
            Some(personal) => personal,
            None => {
                let personal = keys::is_personal(&field.name, &field.path);
                field.personal = Some(personal);
                personal
            }
        };
        if personal {
            field.open = true;
            return;
        }
        if !field.open {
            if text.len() > MAX_VALUE_LEN || keys::is_id(text) {
                field.open = true;
                field.values.clear();
            } else {
                field.add_value(text, 1);
            }
        }
        self.example(node, &Text::Str(text));
    }

    /// Keeps the value as an example while few are known and it is a new one, or where its phase has none yet.
    fn example(&mut self, node: usize, value: &Text<'_>) {
        let phase = u8::try_from(self.phase).ok();
        let Some(field) = self.fields.nodes.get_mut(node) else { return };
        // Asked for every value: almost always there are enough, of this phase too.
        let bit = 1_u8.checked_shl(self.phase as u32).unwrap_or(0);
        if field.examples.len() >= MAX_EXAMPLES || field.count() > EXAMPLE_TRIES {
            if field.example_phases & bit != 0 {
                return;
            }
            field.example_phases |= bit;
        }
        let text = match value {
            Text::Bool(value) => value.to_string(),
            Text::Number(value) => value.to_string(),
            Text::Integer(value) => value.to_string(),
            Text::Str(_) if field.is_personal() => return,
            Text::Str(text) if text.starts_with("did:") => return,
            Text::Str(text) => {
                let cut: String = text.chars().filter(|c| !c.is_control()).take(48).collect();
                if cut.len() < text.len() { format!("{cut:?}…") } else { format!("{cut:?}") }
            }
        };
        let known = field.examples.iter().any(|known| known.text == text && known.phase == phase);
        if !known {
            field.keep(Example { event: self.seen.event_ref(), text, phase });
        }
    }

    fn size(&mut self, node: usize, size: u64) {
        if let Some(field) = self.fields.nodes.get_mut(node) {
            field.longest = field.longest.max(Some(size));
        }
    }
}

impl<'de> DeserializeSeed<'de> for Value<'_, '_> {
    type Value = ();
    fn deserialize<D: Deserializer<'de>>(self, d: D) -> Result<(), D::Error> {
        d.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Value<'_, '_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter) -> fmt::Result {
        f.write_str("any JSON value")
    }
    fn visit_unit<E>(self) -> Result<(), E> {
        if let Some(node) = self.node {
            self.walk.occurred(node, JsonType::Null);
        }
        Ok(())
    }
    fn visit_bool<E>(self, value: bool) -> Result<(), E> {
        if let Some(node) = self.node {
            self.walk.occurred(node, JsonType::Boolean);
            if let Some(field) = self.walk.fields.nodes.get_mut(node) {
                field.add_value(if value { "true" } else { "false" }, 1);
            }
            self.walk.example(node, &Text::Bool(value));
        }
        Ok(())
    }
    fn visit_i64<E>(self, value: i64) -> Result<(), E> {
        if let Some(node) = self.node {
            self.walk.number(node, value as f64, JsonType::Integer, &Text::Integer(value));
        }
        Ok(())
    }
    fn visit_u64<E>(self, value: u64) -> Result<(), E> {
        if let Some(node) = self.node {
            let text = i64::try_from(value).map_or(Text::Number(value as f64), Text::Integer);
            self.walk.number(node, value as f64, JsonType::Integer, &text);
        }
        Ok(())
    }
    fn visit_f64<E>(self, value: f64) -> Result<(), E> {
        if let Some(node) = self.node {
            self.walk.number(node, value, JsonType::Number, &Text::Number(value));
        }
        Ok(())
    }
    fn visit_str<E>(self, text: &str) -> Result<(), E> {
        if let Some(node) = self.node {
            self.walk.string(node, text);
        }
        Ok(())
    }
    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<(), A::Error> {
        let mut element = None;
        let mut length = 0;
        if let Some(node) = self.node {
            self.walk.occurred(node, JsonType::Array);
        }
        loop {
            // The element's path exists only once an element does: an empty array says nothing about it.
            if length == 1 || element.is_none() {
                let known = self.node.and_then(|node| {
                    let children = &self.walk.fields.nodes.get(node)?.children;
                    children.iter().find(|(key, _)| key == "[]").map(|(_, index)| *index)
                });
                element = known.or(element);
            }
            let next = Element { walk: &mut *self.walk, parent: self.node, node: element };
            if seq.next_element_seed(next)?.is_none() {
                break;
            }
            length += 1;
        }
        if let Some(node) = self.node {
            self.walk.size(node, length);
        }
        Ok(())
    }
    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<(), A::Error> {
        if let Some(node) = self.node {
            self.walk.occurred(node, JsonType::Object);
        }
        let mut place = 0;
        let mut shape: u64 = 0xcbf2_9ce4_8422_2325;
        loop {
            let key = Key { walk: &mut *self.walk, parent: self.node, hint: place };
            let Some(child) = map.next_key_seed(key)? else { break };
            place += 1;
            if self.node == Some(0)
                && let Some(field) = child.and_then(|child| self.walk.fields.nodes.get_mut(child))
            {
                if field.hash == 0 {
                    field.hash = fnv(&field.name);
                }
                shape = if field.name.starts_with('{') { shape | 1 } else { shape.wrapping_add(field.hash) };
            }
            map.next_value_seed(Value { walk: &mut *self.walk, node: child })?;
        }
        match self.node {
            Some(0) => self.walk.shape = shape,
            Some(node) if self.walk.fields.nodes.get(node).is_some_and(super::Field::is_map) => {
                self.walk.size(node, place as u64);
            }
            _ => {}
        }
        Ok(())
    }
}

/// One element of an array: its path is made when the first one comes.
struct Element<'w, 'a> {
    walk: &'w mut Walk<'a>,
    parent: Option<usize>,
    node: Option<usize>,
}

impl<'de> DeserializeSeed<'de> for Element<'_, '_> {
    type Value = ();
    fn deserialize<D: Deserializer<'de>>(self, d: D) -> Result<(), D::Error> {
        let node = match (self.node, self.parent) {
            (Some(node), _) => Some(node),
            (None, Some(parent)) => self.walk.fields.child(parent, "[]", 0),
            (None, None) => None,
        };
        Value { walk: self.walk, node }.deserialize(d)
    }
}

/// The key of an object, found among those known without copying it.
struct Key<'w, 'a> {
    walk: &'w mut Walk<'a>,
    parent: Option<usize>,
    hint: usize,
}

impl<'de> DeserializeSeed<'de> for Key<'_, '_> {
    type Value = Option<usize>;
    fn deserialize<D: Deserializer<'de>>(self, d: D) -> Result<Option<usize>, D::Error> {
        d.deserialize_str(self)
    }
}

impl<'de> Visitor<'de> for Key<'_, '_> {
    type Value = Option<usize>;

    fn expecting(&self, f: &mut fmt::Formatter) -> fmt::Result {
        f.write_str("a key")
    }
    fn visit_str<E>(self, key: &str) -> Result<Option<usize>, E> {
        let Some(parent) = self.parent else { return Ok(None) };
        Ok(match self.walk.fields.key_kind(parent, key) {
            KeyKind::Name => {
                let key = key.char_indices().nth(120).and_then(|(end, _)| key.get(..end)).unwrap_or(key);
                self.walk.fields.child(parent, key, self.hint)
            }
            KeyKind::Data(name) => self.walk.fields.child(parent, name, 0),
        })
    }
}

/// FNV-1a.
pub(super) fn fnv(text: &str) -> u64 {
    text.bytes().fold(0xcbf2_9ce4_8422_2325, |hash, byte| (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3))
}
