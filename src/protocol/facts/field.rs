//! The facts of one field path, and the tree of them.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::keys::KeyKind;
use super::{ByPhase, Distinct, add};

/// Field paths kept per event.
const MAX_FIELDS: usize = 2_000;
/// Keys kept per object.
const MAX_KEYS: usize = 400;
/// Distinct values kept as an enumeration.
pub const MAX_VALUES: usize = 24;
/// Characters of a value that may be one of an enumeration.
pub const MAX_VALUE_LEN: usize = 32;
/// Examples kept per path.
pub const MAX_EXAMPLES: usize = 5;

/// A JSON type. Integers and other numbers are told apart, though the wire prints whole floats as integers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(usize)]
pub enum JsonType {
    /// `null`.
    Null,
    /// `true` or `false`.
    Boolean,
    /// A number without a fraction.
    Integer,
    /// Any other number.
    Number,
    /// A string.
    String,
    /// An array.
    Array,
    /// An object.
    Object,
}

impl JsonType {
    /// All types, in the order of the counts.
    pub const ALL: [JsonType; 7] = [
        JsonType::Null,
        JsonType::Boolean,
        JsonType::Integer,
        JsonType::Number,
        JsonType::String,
        JsonType::Array,
        JsonType::Object,
    ];

    /// Its name in cards.
    pub fn as_str(self) -> &'static str {
        match self {
            JsonType::Null => "null",
            JsonType::Boolean => "boolean",
            JsonType::Integer => "integer",
            JsonType::Number => "number",
            JsonType::String => "string",
            JsonType::Array => "array",
            JsonType::Object => "object",
        }
    }
}

/// A value and where it stands.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Example {
    /// The event ref, `session:seq`.
    pub event: String,
    /// The value as JSON text, cut.
    pub text: String,
    /// The phase of the game then, as index into [`super::PHASES`].
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub phase: Option<u8>,
}

impl Example {
    /// The name of its phase.
    pub fn phase_name(&self) -> Option<&'static str> {
        phase_name(self.phase)
    }
}

/// The name of the phase at an index into [`super::PHASES`].
pub fn phase_name(phase: Option<u8>) -> Option<&'static str> {
    super::PHASES.get(usize::from(phase?)).copied()
}

/// What is known about one path.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Field {
    /// `$.leaderboard[].id`; keys that are data are `{tick}`, `{rank}` or `{id}`.
    pub path: String,
    /// Last element of the path.
    pub name: String,
    /// Index of the parent; the root has itself.
    pub parent: usize,
    /// By key, in the order first seen.
    pub children: Vec<(String, usize)>,
    /// Counts in the order of [`JsonType::ALL`].
    pub types: [u64; 7],
    /// Occurrences by phase.
    pub phases: ByPhase,
    /// Occurrences as an object by phase: what the presence of its keys is a share of.
    pub objects: ByPhase,
    /// Nulls by phase.
    pub nulls: ByPhase,
    /// Distinct short strings and booleans with counts; empty once [`Field::open`].
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub values: BTreeMap<String, u64>,
    /// Too many, too long or too personal to be an enumeration.
    #[serde(default)]
    pub open: bool,
    /// Smallest number.
    pub min: Option<f64>,
    /// Largest number.
    pub max: Option<f64>,
    /// Event ref of the smallest number.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub min_event: String,
    /// Event ref of the largest number.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub max_event: String,
    /// Phase of the smallest number, as index into [`super::PHASES`].
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub min_phase: Option<u8>,
    /// Phase of the largest number, likewise.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub max_phase: Option<u8>,
    /// First seen, microseconds UTC.
    #[serde(default)]
    pub first_us: Option<i64>,
    /// Last seen.
    #[serde(default)]
    pub last_us: Option<i64>,
    /// Games it was seen in.
    #[serde(default)]
    pub games: Distinct,
    /// Sessions it was seen in.
    #[serde(default)]
    pub sessions: Distinct,
    /// Shortest and longest string, bytes.
    pub lengths: Option<(u64, u64)>,
    /// Longest array or largest map.
    pub longest: Option<u64>,
    /// A few values: the first ones, and one of every phase.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub examples: Vec<Example>,
    /// Phases that need no example any more, a bit each.
    #[serde(skip)]
    pub(super) example_phases: u8,
    /// Keys that no longer fitted.
    #[serde(default)]
    pub key_overflow: u64,
    /// FNV hash of the key, for the shape.
    #[serde(skip)]
    pub(super) hash: u64,
    /// Its text is somebody's: no values, no examples.
    #[serde(skip)]
    pub(super) personal: Option<bool>,
}

impl Field {
    /// How often it occurred.
    pub fn count(&self) -> u64 {
        self.types.iter().sum()
    }

    /// How often it was null.
    pub fn null_count(&self) -> u64 {
        self.count_of(JsonType::Null)
    }

    /// How often it had this type.
    pub fn count_of(&self, json_type: JsonType) -> u64 {
        self.types.get(json_type as usize).copied().unwrap_or(0)
    }

    /// The types seen, null last: `integer|number|null`.
    pub fn type_name(&self) -> String {
        let seen = |json_type: &&JsonType| self.count_of(**json_type) > 0;
        let mut names: Vec<&str> =
            JsonType::ALL.iter().skip(1).filter(seen).map(|json_type| json_type.as_str()).collect();
        if self.null_count() > 0 {
            names.push("null");
        }
        names.join("|")
    }

    /// Whether its own keys are data (`{tick}`, `{id}`) instead of names.
    pub fn is_map(&self) -> bool {
        self.children.iter().any(|(key, _)| key.starts_with('{'))
    }

    /// Whether the value is text written by strangers, or names a person: never quoted.
    pub fn is_personal(&self) -> bool {
        self.personal.unwrap_or_else(|| super::keys::is_personal(&self.name, &self.path))
    }

    /// Adds the facts of the same path of another place.
    pub fn merge(&mut self, other: &Field) {
        for (ours, theirs) in self.types.iter_mut().zip(&other.types) {
            *ours += theirs;
        }
        add(&mut self.phases, &other.phases);
        add(&mut self.objects, &other.objects);
        add(&mut self.nulls, &other.nulls);
        self.key_overflow += other.key_overflow;
        if other.min.is_some_and(|theirs| self.min.is_none_or(|ours| theirs < ours)) {
            self.min_event.clone_from(&other.min_event);
            self.min_phase = other.min_phase;
        }
        if other.max.is_some_and(|theirs| self.max.is_none_or(|ours| theirs > ours)) {
            self.max_event.clone_from(&other.max_event);
            self.max_phase = other.max_phase;
        }
        self.min = least(self.min, other.min);
        self.max = most(self.max, other.max);
        self.first_us = self.first_us.into_iter().chain(other.first_us).min();
        self.last_us = self.last_us.max(other.last_us);
        self.games.merge(&other.games);
        self.sessions.merge(&other.sessions);
        self.longest = self.longest.max(other.longest);
        self.lengths = match (self.lengths, other.lengths) {
            (Some((a, b)), Some((c, d))) => Some((a.min(c), b.max(d))),
            (ours, theirs) => ours.or(theirs),
        };
        self.open |= other.open;
        for (value, count) in &other.values {
            self.add_value(value, *count);
        }
        if self.open {
            self.values.clear();
        }
        for example in &other.examples {
            self.keep(example.clone());
        }
    }

    /// Keeps an example: of a new value while there is room; where there is none, of a phase that has none yet, instead of the
    /// last one whose phase has another.
    pub(super) fn keep(&mut self, example: Example) {
        let of_phase = |one: &Example| one.phase == example.phase;
        let is_new_phase = !self.examples.iter().any(of_phase);
        if self.examples.len() < MAX_EXAMPLES {
            if is_new_phase || !self.examples.iter().any(|known| known.text == example.text) {
                self.examples.push(example);
            }
            return;
        }
        if !is_new_phase {
            return;
        }
        let has_another = |at: &usize| {
            let phase = self.examples.get(*at).map(|one| one.phase);
            self.examples.iter().filter(|one| Some(one.phase) == phase).count() > 1
        };
        let least = (0..self.examples.len()).rev().find(has_another);
        if let Some(place) = least.and_then(|at| self.examples.get_mut(at)) {
            *place = example;
        }
    }

    /// Counts a value of an enumeration; one too many opens it.
    pub(super) fn add_value(&mut self, value: &str, count: u64) {
        if self.open {
            return;
        }
        if let Some(known) = self.values.get_mut(value) {
            *known += count;
        } else if self.values.len() < MAX_VALUES {
            self.values.insert(value.to_owned(), count);
        } else {
            self.open = true;
            self.values.clear();
        }
    }
}

pub(super) fn least(a: Option<f64>, b: Option<f64>) -> Option<f64> {
    a.into_iter().chain(b).reduce(f64::min)
}

pub(super) fn most(a: Option<f64>, b: Option<f64>) -> Option<f64> {
    a.into_iter().chain(b).reduce(f64::max)
}

/// The tree of fields of one event; index 0 is the payload itself.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Fields {
    /// Parents before children.
    pub nodes: Vec<Field>,
    /// Occurrences of paths that no longer fitted.
    pub overflow: u64,
}

impl Default for Fields {
    fn default() -> Fields {
        let root = Field { path: "$".into(), name: "$".into(), ..Field::default() };
        Fields { nodes: vec![root], overflow: 0 }
    }
}

impl Fields {
    /// Every path below the payload that occurred, parents first.
    pub fn iter(&self) -> impl Iterator<Item = &Field> {
        self.nodes.iter().skip(1)
    }

    /// The payload itself.
    pub fn root(&self) -> Option<&Field> {
        self.nodes.first()
    }

    /// The field at this path.
    pub fn get(&self, path: &str) -> Option<&Field> {
        self.nodes.iter().find(|field| field.path == path)
    }

    /// The keys directly below a field, in the order first seen.
    pub fn children<'a>(&'a self, field: &'a Field) -> impl Iterator<Item = &'a Field> {
        field.children.iter().filter_map(|(_, index)| self.nodes.get(*index))
    }

    /// Share of the parent objects that hold this key, 0 to 1; `None` for elements and map values.
    pub fn presence(&self, field: &Field) -> Option<f64> {
        self.share(field, |counts| counts.iter().sum())
    }

    /// The same within one phase; `None` also where the parent never occurred in it.
    pub fn presence_in(&self, field: &Field, phase: usize) -> Option<f64> {
        self.share(field, |counts| counts.get(phase).copied().unwrap_or(0))
    }

    fn share(&self, field: &Field, of: impl Fn(&ByPhase) -> u64) -> Option<f64> {
        if field.name.starts_with('{') || field.name == "[]" || field.path == "$" {
            return None;
        }
        let parent = of(&self.nodes.get(field.parent)?.objects);
        (parent > 0).then(|| of(&field.phases) as f64 / parent as f64)
    }

    /// Adds one field of another tree, with what its presence is a share of: node 1 is the field, node 0 its parent.
    pub fn take_in(&mut self, field: Option<&Field>, parent: Option<&Field>) {
        if let (Some(root), Some(parent)) = (self.nodes.first_mut(), parent) {
            add(&mut root.objects, &parent.objects);
        }
        let Some(field) = field else { return };
        if self.nodes.len() < 2 {
            let (path, name) = (field.path.clone(), field.name.clone());
            self.nodes.push(Field { path, name, parent: 0, ..Field::default() });
        }
        if let Some(ours) = self.nodes.get_mut(1) {
            ours.merge(field);
        }
    }

    /// The child of `parent` under this key, made when it is new; `None` where no more fit.
    pub(super) fn child(&mut self, parent: usize, key: &str, hint: usize) -> Option<usize> {
        let node = self.nodes.get(parent)?;
        if let Some((known, index)) = node.children.get(hint)
            && known == key
        {
            return Some(*index);
        }
        if let Some((_, index)) = node.children.iter().find(|(known, _)| known == key) {
            return Some(*index);
        }
        self.insert(parent, key)
    }

    #[cold]
    fn insert(&mut self, parent: usize, key: &str) -> Option<usize> {
        let index = self.nodes.len();
        let node = self.nodes.get_mut(parent)?;
        if index >= MAX_FIELDS || node.children.len() >= MAX_KEYS {
            node.key_overflow += 1;
            self.overflow += 1;
            return None;
        }
        let path = if key == "[]" { format!("{}[]", node.path) } else { format!("{}.{key}", node.path) };
        node.children.push((key.to_owned(), index));
        self.nodes.push(Field { path, name: key.to_owned(), parent, ..Field::default() });
        Some(index)
    }

    /// What a key of this object stands for: itself, or one of many like it.
    pub(super) fn key_kind(&self, parent: usize, key: &str) -> KeyKind {
        let name = self.nodes.get(parent).map_or("", |node| node.name.as_str());
        super::keys::kind(name, key)
    }

    pub(super) fn merge(&mut self, other: &Fields) {
        self.overflow += other.overflow;
        let mut places: Vec<Option<usize>> = Vec::with_capacity(other.nodes.len());
        for (index, theirs) in other.nodes.iter().enumerate() {
            let place = if index == 0 {
                Some(0)
            } else {
                let parent = places.get(theirs.parent).copied().flatten();
                parent.and_then(|parent| self.child(parent, &theirs.name, usize::MAX))
            };
            places.push(place);
            if let Some(ours) = place.and_then(|place| self.nodes.get_mut(place)) {
                ours.merge(theirs);
            }
        }
    }
}
