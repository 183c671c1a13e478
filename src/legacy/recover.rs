//! Whole objects inside damaged lines.
//!
//! In October 2025 several threads wrote to one file, so that lines overwrite and interrupt each other:
//! `…"trade_count": 0{"{"type": "tick", …}`. A strict reader rejects the file; this one looks for every
//! place where an object of the file's format can begin and keeps those that are complete. It never repairs:
//! a recovered object is an exact piece of the line, with its place.

use std::fmt;
use std::ops::Range;

use serde::de::{Deserialize, Deserializer, Error, MapAccess, SeqAccess, Visitor};

use super::fields::Fields;

/// The places of the complete objects in `line` whose first key is one of `first_keys` and that `accept`
/// takes. They do not overlap and come in order.
///
/// Objects nested deeper than 128 levels are not found, which keeps the work linear: a place where an object
/// begins is read at most once per level around it.
pub fn objects(line: &[u8], first_keys: &[&str], accept: impl Fn(&str) -> bool) -> Vec<Range<usize>> {
    let mut found = Vec::new();
    let mut from = 0;
    while let Some(rest) = line.get(from..) {
        let Some(step) = memchr::memchr(b'{', rest) else { break };
        let start = from + step;
        match object_at(line, start, first_keys).filter(|text| accept(text)) {
            Some(text) => {
                from = start + text.len();
                found.push(start..from);
            }
            None => from = start + 1,
        }
    }
    found
}

/// The complete object that begins at `start`, when its first key is one of `first_keys`.
fn object_at<'a>(line: &'a [u8], start: usize, first_keys: &[&str]) -> Option<&'a str> {
    let rest = line.get(start..)?;
    let inside = rest.get(1..)?.trim_ascii_start().strip_prefix(b"\"")?;
    let opens = |key: &&str| inside.strip_prefix(key.as_bytes()).is_some_and(|after| after.first() == Some(&b'"'));
    if !first_keys.iter().any(opens) {
        return None;
    }
    let mut values = serde_json::Deserializer::from_slice(rest).into_iter::<Complete>();
    values.next()?.ok()?;
    std::str::from_utf8(rest.get(..values.byte_offset())?).ok()
}

/// Any JSON value, checked and thrown away. Unlike `IgnoredAny` it keeps serde_json's limit on nesting and
/// its check of UTF-8.
struct Complete;

impl<'de> Deserialize<'de> for Complete {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Complete, D::Error> {
        deserializer.deserialize_any(Complete)
    }
}

impl<'de> Visitor<'de> for Complete {
    type Value = Complete;

    fn expecting(&self, f: &mut fmt::Formatter) -> fmt::Result {
        f.write_str("a JSON value")
    }
    fn visit_bool<E: Error>(self, _: bool) -> Result<Complete, E> {
        Ok(Complete)
    }
    fn visit_i64<E: Error>(self, _: i64) -> Result<Complete, E> {
        Ok(Complete)
    }
    fn visit_u64<E: Error>(self, _: u64) -> Result<Complete, E> {
        Ok(Complete)
    }
    fn visit_f64<E: Error>(self, _: f64) -> Result<Complete, E> {
        Ok(Complete)
    }
    fn visit_str<E: Error>(self, _: &str) -> Result<Complete, E> {
        Ok(Complete)
    }
    fn visit_unit<E: Error>(self) -> Result<Complete, E> {
        Ok(Complete)
    }
    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Complete, A::Error> {
        while seq.next_element::<Complete>()?.is_some() {}
        Ok(Complete)
    }
    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Complete, A::Error> {
        while map.next_entry::<Complete, Complete>()?.is_some() {}
        Ok(Complete)
    }
}

/// Why nothing of a line could be imported. The line itself is kept.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Reason {
    /// Only white space.
    Blank,
    /// The byte at this place, from 0 in the line, is no UTF-8.
    InvalidUtf8(usize),
    /// More than [`super::lines::MAX_LINE`] bytes; only the beginning is kept.
    TooLong(u64),
    /// The file ends within the line.
    CutAtEnd,
    /// Prose.
    Note,
    /// Part of an object, such as an interrupted or overwritten line leaves.
    Fragment,
    /// JSON, but a number, a text, an array.
    NotAnObject,
    /// An object without the fields of any known format.
    Unknown,
    /// A line of a known format of which nothing can be made; why.
    Refused(String),
}

impl fmt::Display for Reason {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        match self {
            Reason::Blank => f.write_str("blank line"),
            Reason::InvalidUtf8(at) => write!(f, "invalid UTF-8 at byte {at}"),
            Reason::TooLong(bytes) => write!(f, "longer than 64 MiB ({bytes} bytes)"),
            Reason::CutAtEnd => f.write_str("not JSON: cut at end of file"),
            Reason::Note => f.write_str("not JSON: hand-written note"),
            Reason::Fragment => f.write_str("not JSON: fragment of an object"),
            Reason::NotAnObject => f.write_str("JSON, but not an object"),
            Reason::Unknown => f.write_str("JSON, but not a line of a known format"),
            Reason::Refused(reason) => f.write_str(reason),
        }
    }
}

/// Says why a line in which nothing was found is none.
pub fn reason(bytes: &[u8], ended: bool) -> Reason {
    if bytes.trim_ascii().is_empty() {
        return Reason::Blank;
    }
    let text = match std::str::from_utf8(bytes) {
        Ok(text) => text,
        // A cut may fall inside a character.
        Err(error) if !ended && error.error_len().is_none() => return Reason::CutAtEnd,
        Err(error) => return Reason::InvalidUtf8(error.valid_up_to()),
    };
    if Fields::parse(text).is_ok() {
        return Reason::Unknown;
    }
    match serde_json::from_str::<serde::de::IgnoredAny>(text) {
        Ok(_) => Reason::NotAnObject,
        Err(error) if !ended && error.is_eof() => Reason::CutAtEnd,
        Err(_) if looks_like_json(text) => Reason::Fragment,
        Err(_) => Reason::Note,
    }
}

/// Whether a text that is not JSON is a piece of it: it begins or ends like an object, or holds `"key":`.
fn looks_like_json(text: &str) -> bool {
    let text = text.trim();
    let prose = text.starts_with(['#', '-', '*', '>', '/']);
    !prose
        && (text.starts_with(['{', '}', '[', ']', '"', ',', ':']) || text.ends_with('}') || text.contains("\":"))
}

#[cfg(test)]
mod tests;
