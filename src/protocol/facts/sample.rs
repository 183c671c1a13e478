//! A payload made short enough to read: long lists keep their first element, long texts are cut, and what
//! strangers wrote is left out.

use std::fmt::{self, Write as _};

use serde::de::{DeserializeSeed, Deserializer, IgnoredAny, MapAccess, SeqAccess, Visitor};
use serde_json::value::RawValue;

use super::keys;

/// Characters after which only the structure's end follows.
const MAX_CHARS: usize = 900;

/// The payload as short JSON-like text.
pub fn abbreviate(payload: &RawValue) -> String {
    let mut out = String::with_capacity(MAX_CHARS + 64);
    let mut deserializer = serde_json::Deserializer::from_str(payload.get());
    let writer = Writer { out: &mut out, key: "", depth: 0 };
    if writer.deserialize(&mut deserializer).is_err() {
        out.push('…');
    }
    out
}

struct Writer<'a> {
    out: &'a mut String,
    key: &'a str,
    depth: usize,
}

impl Writer<'_> {
    fn push(self, value: impl fmt::Display) {
        // Writing to a String cannot fail.
        let _ = write!(self.out, "{value}");
    }
}

impl<'de> DeserializeSeed<'de> for Writer<'_> {
    type Value = ();
    fn deserialize<D: Deserializer<'de>>(self, d: D) -> Result<(), D::Error> {
        d.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Writer<'_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter) -> fmt::Result {
        f.write_str("any JSON value")
    }
    fn visit_unit<E>(self) -> Result<(), E> {
        self.push("null");
        Ok(())
    }
    fn visit_bool<E>(self, value: bool) -> Result<(), E> {
        self.push(value);
        Ok(())
    }
    fn visit_i64<E>(self, value: i64) -> Result<(), E> {
        self.push(value);
        Ok(())
    }
    fn visit_u64<E>(self, value: u64) -> Result<(), E> {
        self.push(value);
        Ok(())
    }
    fn visit_f64<E>(self, value: f64) -> Result<(), E> {
        self.push(value);
        Ok(())
    }
    fn visit_str<E>(self, text: &str) -> Result<(), E> {
        let hidden = keys::is_personal(self.key, "") || text.starts_with("did:");
        if hidden {
            self.push("\"…\"");
        } else if keys::is_id(text) && text.len() > 32 {
            self.push("\"(id)\"");
        } else {
            let cut: String = text.chars().filter(|c| !c.is_control()).take(32).collect();
            let more = if cut.len() < text.len() { "…" } else { "" };
            self.push(format_args!("{cut:?}{more}"));
        }
        Ok(())
    }
    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<(), A::Error> {
        self.out.push('[');
        let mut length = 0;
        if self.depth < 4 && self.out.len() < MAX_CHARS {
            let first = Writer { out: &mut *self.out, key: self.key, depth: self.depth + 1 };
            length += usize::from(seq.next_element_seed(first)?.is_some());
        }
        while seq.next_element::<IgnoredAny>()?.is_some() {
            length += 1;
        }
        if length > 1 {
            let _ = write!(self.out, ", … {length} in all");
        }
        self.out.push(']');
        Ok(())
    }
    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<(), A::Error> {
        self.out.push('{');
        let mut count = 0;
        let mut shown = 0;
        while let Some(key) = map.next_key::<String>()? {
            let data = keys::kind(self.key, &key) != keys::KeyKind::Name;
            let hidden =
                self.out.len() > MAX_CHARS || self.depth > 4 || self.key == "replyTo" || (data && shown > 0);
            if hidden {
                map.next_value::<IgnoredAny>()?;
            } else {
                let comma = if shown > 0 { ", " } else { "" };
                let name = if data && keys::is_id(&key) { "(id)" } else { key.as_str() };
                let _ = write!(self.out, "{comma}{name}: ");
                map.next_value_seed(Writer { out: &mut *self.out, key: &key, depth: self.depth + 1 })?;
                shown += 1;
            }
            count += 1;
        }
        if count > shown {
            let _ = write!(self.out, ", … {count} keys in all");
        }
        self.out.push('}');
        Ok(())
    }
}
