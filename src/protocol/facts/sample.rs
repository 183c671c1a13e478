//! A payload made short enough to read: long lists keep their first element, long texts are cut, and what
//! strangers wrote is left out.

use std::fmt::Write as _;

use serde_json::value::RawValue;

use super::keys;
use crate::json::{Kind, Value};

/// Characters after which only the structure's end follows.
const MAX_CHARS: usize = 900;

/// The payload as short JSON-like text.
pub fn abbreviate(payload: &RawValue) -> String {
    let mut out = String::with_capacity(MAX_CHARS + 64);
    write_value(&mut out, "", Value::from(payload), 0);
    out
}

/// Writes a value that the member `key` has. Writing to a String cannot fail.
fn write_value(out: &mut String, key: &str, value: Value<'_>, depth: usize) {
    match value.kind() {
        Some(Kind::Array) => write_list(out, key, value, depth),
        Some(Kind::Object) => write_object(out, key, value, depth),
        Some(Kind::String) => write_text(out, key, &value.string().unwrap_or_default()),
        Some(Kind::Number) => {
            // As a double is written, where one holds it: `1.0` and `1` are one number.
            let text = value.text();
            let _ = match value.number().filter(|_| text.parse::<i64>().is_err()) {
                Some(number) => write!(out, "{number}"),
                None => write!(out, "{text}"),
            };
        }
        Some(Kind::Bool | Kind::Null) => out.push_str(value.text()),
        None => out.push('…'),
    }
}

fn write_text(out: &mut String, key: &str, text: &str) {
    let hidden = keys::is_personal(key, "") || text.starts_with("did:");
    if hidden {
        out.push_str("\"…\"");
    } else if keys::is_id(text) && text.len() > 32 {
        out.push_str("\"(id)\"");
    } else {
        let cut: String = text.chars().filter(|c| !c.is_control()).take(32).collect();
        let more = if cut.len() < text.len() { "…" } else { "" };
        let _ = write!(out, "{cut:?}{more}");
    }
}

fn write_list(out: &mut String, key: &str, list: Value<'_>, depth: usize) {
    out.push('[');
    let mut elements = list.elements();
    let mut length = 0;
    if depth < 4
        && out.len() < MAX_CHARS
        && let Some(first) = elements.next()
    {
        write_value(out, key, first, depth + 1);
        length += 1;
    }
    length += elements.count();
    if length > 1 {
        let _ = write!(out, ", … {length} in all");
    }
    out.push(']');
}

fn write_object(out: &mut String, of: &str, object: Value<'_>, depth: usize) {
    out.push('{');
    let (mut count, mut shown) = (0, 0);
    for (key, value) in object.members() {
        let key = key.name();
        let data = keys::kind(of, &key) != keys::KeyKind::Name;
        let hidden = out.len() > MAX_CHARS || depth > 4 || of == "replyTo" || (data && shown > 0);
        if !hidden {
            let comma = if shown > 0 { ", " } else { "" };
            let name = if data && keys::is_id(&key) { "(id)" } else { key.as_ref() };
            let _ = write!(out, "{comma}{name}: ");
            write_value(out, &key, value, depth + 1);
            shown += 1;
        }
        count += 1;
    }
    if count > shown {
        let _ = write!(out, ", … {count} keys in all");
    }
    out.push('}');
}
