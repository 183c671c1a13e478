//! One payload into the facts of its fields, in one pass over its text.

use serde_json::value::RawValue;

use super::field::{Example, Fields, JsonType, MAX_EXAMPLES, MAX_VALUE_LEN, least, most};
use super::keys::{self, KeyKind};
use super::{Seen, add_at, distinct};
use crate::json::{Kind, Value};

/// After this many occurrences no more examples are looked for.
const EXAMPLE_TRIES: u64 = 48;

/// A longer key is cut: it is no name that anyone gave a field.
const MAX_KEY_CHARS: usize = 120;

/// Adds the payload to `fields`; the hash of its set of top-level keys.
pub(super) fn walk(fields: &mut Fields, payload: &RawValue, seen: &Seen<'_>, phase: usize) -> u64 {
    let (game, session) = (distinct::hash(seen.game_id), distinct::hash(Some(seen.session_id)));
    let mut walk = Walk { fields, seen, phase, game, session, shape: 0 };
    walk.value(Some(0), Value::from(payload), 0);
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

/// An object or list deeper than this is counted, and not entered.
const MAX_DEPTH: usize = 128;

impl Walk<'_> {
    /// Adds the value at one node; `None` where no node was left for it.
    fn value(&mut self, node: Option<usize>, value: Value<'_>, depth: usize) {
        match value.kind() {
            Some(Kind::Array) => self.list(node, value, depth),
            Some(Kind::Object) => self.object(node, value, depth),
            Some(scalar) => {
                if let Some(node) = node {
                    self.scalar(node, scalar, value);
                }
            }
            None => {}
        }
    }

    fn scalar(&mut self, node: usize, kind: Kind, value: Value<'_>) {
        match kind {
            Kind::Null => self.occurred(node, JsonType::Null),
            Kind::Bool => {
                self.occurred(node, JsonType::Boolean);
                let value = value.boolean() == Some(true);
                if let Some(field) = self.fields.nodes.get_mut(node) {
                    field.add_value(if value { "true" } else { "false" }, 1);
                }
                self.example(node, &Text::Bool(value));
            }
            Kind::Number => {
                let text = value.text();
                // `-0` is a whole number that only a double can say.
                let whole = text.parse::<i64>().ok().filter(|number| *number != 0 || text == "0");
                match (whole, value.number()) {
                    (Some(whole), Some(number)) => {
                        self.number(node, number, JsonType::Integer, &Text::Integer(whole));
                    }
                    (None, Some(number)) => {
                        let json_type =
                            if text.parse::<u64>().is_ok() { JsonType::Integer } else { JsonType::Number };
                        self.number(node, number, json_type, &Text::Number(number));
                    }
                    // No double holds it: it was there, and has no value to compare.
                    (_, None) => self.occurred(node, JsonType::Number),
                }
            }
            Kind::String => {
                if let Some(text) = value.string() {
                    self.string(node, &text);
                }
            }
            Kind::Array | Kind::Object => {}
        }
    }

    fn list(&mut self, node: Option<usize>, list: Value<'_>, depth: usize) {
        let Some(node) = node else { return };
        self.occurred(node, JsonType::Array);
        // The element's path exists only once an element does: an empty list says nothing about it.
        let mut element = None;
        let mut length = 0;
        for value in list.elements() {
            if length == 0 {
                element = self.fields.child(node, "[]", 0);
            }
            length += 1;
            if depth < MAX_DEPTH {
                self.value(element, value, depth + 1);
            }
        }
        self.size(node, length);
    }

    fn object(&mut self, node: Option<usize>, object: Value<'_>, depth: usize) {
        let Some(node) = node else { return };
        self.occurred(node, JsonType::Object);
        let members = object.distinct_members();
        let count = members.len() as u64;
        let mut shape: u64 = 0xcbf2_9ce4_8422_2325;
        for (place, (key, value)) in members.into_iter().enumerate() {
            let child = self.child(node, &key.name(), place);
            if node == 0
                && let Some(field) = child.and_then(|child| self.fields.nodes.get_mut(child))
            {
                if field.hash == 0 {
                    field.hash = fnv(&field.name);
                }
                shape = if field.name.starts_with('{') { shape | 1 } else { shape.wrapping_add(field.hash) };
            }
            if depth < MAX_DEPTH {
                self.value(child, value, depth + 1);
            }
        }
        if node == 0 {
            self.shape = shape;
        } else if self.fields.nodes.get(node).is_some_and(super::Field::is_map) {
            self.size(node, count);
        }
    }

    /// The node of a key.
    fn child(&mut self, parent: usize, key: &str, hint: usize) -> Option<usize> {
        match self.fields.key_kind(parent, key) {
            KeyKind::Name => {
                let cut = key.char_indices().nth(MAX_KEY_CHARS).and_then(|(end, _)| key.get(..end));
                self.fields.child(parent, cut.unwrap_or(key), hint)
            }
            KeyKind::Data(name) => self.fields.child(parent, name, 0),
        }
    }
}

/// FNV-1a.
pub(super) fn fnv(text: &str) -> u64 {
    text.bytes().fold(0xcbf2_9ce4_8422_2325, |hash, byte| (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3))
}
