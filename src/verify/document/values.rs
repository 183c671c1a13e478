//! When the values seen of a field are all there are.
//!
//! A short recording repeats what happened to be so: one event's start, one message, one person's name, in a thousand
//! frames. That few values were seen therefore says nothing, however often; it makes examples. An enumeration is known
//! where people marked each of the values, or where the values look like words of a vocabulary (`long`, `short_open`), more
//! than one of them, each seen often, under a name that is not one of a person, a time, a text or an address.

use serde_json::Value;

use crate::protocol::facts::{Field, JsonType};
use crate::verify::explore::marks::Marks;
use crate::verify::subject::{Subject, SubjectKind};

/// Values that make an enumeration, at most.
const MOST: usize = 8;

/// Occurrences before words are taken for all there are, and of each of them.
const ENOUGH: u64 = 200;
const EACH: u64 = 10;

/// Letters of a word of a vocabulary, at most.
const WORD: usize = 24;

/// Ends of names, in small letters, whose values somebody makes up: persons, places, times, texts, versions.
const MADE_UP: [&str; 21] = [
    "by",
    "name",
    "user",
    "id",
    "at",
    "time",
    "date",
    "message",
    "text",
    "title",
    "description",
    "uri",
    "url",
    "link",
    "address",
    "ticker",
    "symbol",
    "version",
    "seed",
    "hash",
    "reason",
];

/// The values of a field.
pub(super) enum Values {
    /// All there are.
    All(Vec<Value>),
    /// Some, as they were seen.
    Seen(Vec<Value>),
}

/// What is known of a field's values; `None` where nothing is to be told: numbers, long texts, texts of persons.
pub(super) fn of(event: &str, field: &Field, marks: &Marks) -> Option<Values> {
    let only = |kind: JsonType| matches!(kind, JsonType::String | JsonType::Null) || field.count_of(kind) == 0;
    if field.is_personal() || !JsonType::ALL.into_iter().all(only) {
        return None;
    }
    let marked = marked(event, &field.path, marks);
    if field.values.is_empty() && marked.is_empty() {
        return None;
    }
    let all_marked = !field.open && !marked.is_empty() && field.values.keys().all(|value| marked.contains(value));
    let null = (field.null_count() > 0).then_some(Value::Null);
    let list = |values: Vec<String>| values.into_iter().map(Value::from).chain(null.clone()).collect();
    let mut seen: Vec<String> = field.values.keys().cloned().collect();
    if all_marked {
        return Some(Values::All(list(marked)));
    }
    if is_vocabulary(field) {
        return Some(Values::All(list(seen)));
    }
    seen.truncate(MOST);
    let seen: Vec<Value> = seen.into_iter().map(Value::from).collect();
    (!seen.is_empty()).then_some(Values::Seen(seen))
}

/// Values that people marked as such.
fn marked(event: &str, path: &str, marks: &Marks) -> Vec<String> {
    let key = format!("enum_value:{event}#{path}=");
    let of_path = marks.0.range(key.clone()..).take_while(|(subject, _)| subject.starts_with(&key));
    let verified = of_path.filter(|(_, shown)| shown.mark == "verified" && !shown.stale);
    let subjects = verified.filter_map(|(subject, _)| subject.parse::<Subject>().ok());
    subjects.filter(|one| one.kind == SubjectKind::EnumValue).filter_map(|one| one.value).collect()
}

fn is_vocabulary(field: &Field) -> bool {
    let count: u64 = field.values.values().sum();
    let few = !field.open && (2..=MOST).contains(&field.values.len());
    let name = field.name.to_lowercase();
    few && count >= ENOUGH
        && field.values.iter().all(|(value, count)| *count >= EACH && is_word(value))
        && !MADE_UP.iter().any(|end| name.ends_with(end))
}

/// `long`, `short_open`, `PENDING`, `golden-hour`: a letter, then letters, digits, `_` and `-`.
fn is_word(value: &str) -> bool {
    value.len() <= WORD
        && value.starts_with(|first: char| first.is_ascii_alphabetic())
        && value.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-'))
        && value.bytes().filter(u8::is_ascii_digit).count() <= 2
}
