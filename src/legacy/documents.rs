//! JSON that is one value, as opposed to lines: lists of records at any place, HAR files, flows of a proxy, sessions, single
//! records, and several values one after the other.

use serde_json::value::RawValue;

use super::fields::Fields;
use super::formats::{self, samples};
use super::hosts::Hosts;
use replayer_protocol::line::LineFormat;

pub mod har;

/// How a whole JSON document is imported.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Document {
    /// An array whose elements are lines.
    Lines,
    /// An array of bare payloads of this event.
    Payloads(String),
    /// A session: its `meta` and each of its `actions` are lines.
    Session,
    /// Named samples: each value is a line.
    Samples,
    /// One record.
    Whole(LineFormat),
    /// Several values one after the other; each is a line.
    Values,
    /// An HTTP archive: the messages of its WebSockets.
    Har,
    /// An object with a list of records at this path.
    List(String),
    /// Not a capture; why.
    Skip(&'static str),
}

/// How many elements of a list are looked at: the first may be a header.
const LOOKED_AT: usize = 20;

/// Looks at a whole JSON document. A damaged array is one still, as long as its first element is whole.
pub fn document(text: &str, name: &str) -> Document {
    if text.trim_start().starts_with('[') {
        return array(text, name);
    }
    let Ok(fields) = Fields::parse(text) else {
        return several(text).unwrap_or(Document::Skip("neither lines of a known format nor valid JSON"));
    };
    let is_sample = |value: &RawValue| {
        Fields::parse(value.get()).is_ok_and(|sample| sample.has("event_type") && sample.has("data"))
    };
    if har::is_har(&fields) {
        Document::Har
    } else if fields.has("meta") && fields.has("actions") {
        Document::Session
    } else if let Some(format) = formats::recognise(&fields).filter(|format| format.is_certain(&fields)) {
        Document::Whole(format.stored())
    } else if let Some((path, _)) = inside(&fields) {
        Document::List(path)
    } else if fields.iter().next().is_some() && fields.iter().all(|(_, value)| is_sample(value)) {
        Document::Samples
    } else if is_analysis(&fields, name) {
        Document::Whole(LineFormat::Document)
    } else {
        Document::Skip("JSON, but of no known format")
    }
}

fn array(text: &str, name: &str) -> Document {
    let mut firsts = elements(text).take(LOOKED_AT).map_while(Result::ok).map(|(_, element)| element).peekable();
    let Some(first) = firsts.peek().copied() else {
        return Document::Skip(
            if text.trim_start().strip_prefix('[').is_some_and(|rest| rest.trim_start() == "]") {
                "an empty JSON array"
            } else {
                "a JSON array without a whole element"
            },
        );
    };
    if firsts.any(is_record) {
        return Document::Lines;
    }
    let Ok(fields) = Fields::parse(first) else { return Document::Skip("a JSON array, but not of objects") };
    let file_name = name.rsplit(['/', '\\']).next().unwrap_or(name);
    match samples::payload_event(&fields, file_name) {
        Some(event) => Document::Payloads(event),
        None => Document::Skip("a JSON array of objects of no known format"),
    }
}

/// Whether a JSON value is a record, or holds a list of some.
fn is_record(value: &str) -> bool {
    match Fields::parse(value) {
        Ok(fields) => {
            formats::recognise(&fields).is_some_and(|format| format.is_certain(&fields))
                || inside(&fields).is_some()
        }
        Err(_) => formats::text::is_certain_value(value),
    }
}

/// Several values one after the other, as `jq` prints them.
fn several(text: &str) -> Option<Document> {
    let mut values = serde_json::Deserializer::from_str(text).into_iter::<&RawValue>();
    let mut firsts = values.by_ref().take(LOOKED_AT).map_while(Result::ok);
    firsts.any(|value| is_record(value.get())).then_some(Document::Values)
}

/// The list of records in an object, and its path: `websocket.messages`, `games`, `log.frames`.
pub fn inside<'a>(fields: &Fields<'a>) -> Option<(String, &'a RawValue)> {
    list_in(fields, 0)
}

fn list_in<'a>(fields: &Fields<'a>, depth: u8) -> Option<(String, &'a RawValue)> {
    for (key, value) in fields.iter() {
        if value.get().starts_with('[') {
            let mut firsts = elements(value.get()).take(LOOKED_AT).map_while(Result::ok);
            let is_of_records = firsts.any(|(_, element)| {
                let fields = Fields::parse(element).ok();
                let format = fields.as_ref().and_then(formats::recognise);
                format.zip(fields.as_ref()).is_some_and(|(format, fields)| format.is_certain(fields))
                    || (fields.is_none() && formats::text::is_certain_value(element))
            });
            if is_of_records {
                return Some((key.to_owned(), value));
            }
        } else if value.get().starts_with('{')
            && depth < 2
            && let Ok(inner) = Fields::parse(value.get())
            && let Some((path, list)) = list_in(&inner, depth + 1)
        {
            return Some((format!("{key}.{path}"), list));
        }
    }
    None
}

/// Whether the messages in a flow of a proxy are of a host whose sockets are taken; `true` where it names no host.
pub fn is_of_hosts(fields: &Fields, hosts: &Hosts) -> bool {
    let request = fields.object("request");
    let address = |fields: &Fields| {
        ["url", "pretty_url", "pretty_host", "host", "address"]
            .into_iter()
            .find_map(|key| fields.text(key).map(String::from))
    };
    match request.as_ref().and_then(address).or_else(|| address(fields)) {
        Some(address) => hosts.has_address(&address),
        None => true,
    }
}

/// The analyses that the older tools wrote beside their captures.
fn is_analysis(fields: &Fields, name: &str) -> bool {
    (fields.has("event_types") && fields.has("total_events"))
        || (fields.has("total_samples") && fields.has("fields"))
        || (fields.has("date") && fields.has("games") && fields.has("sessions"))
        || name.ends_with("field_analysis.json")
}

/// The elements of the JSON array in `text`, with their places. An element that is not whole ends the
/// array: `Err` with the place from which on nothing could be read.
pub fn elements(text: &str) -> impl Iterator<Item = Result<(usize, &str), usize>> {
    let mut at = text.find('[').map(|at| at + 1);
    std::iter::from_fn(move || {
        let rest = text.get(at?..)?;
        let blank = rest.len() - rest.trim_start_matches(|c: char| c.is_ascii_whitespace() || c == ',').len();
        let start = at? + blank;
        let rest = text.get(start..)?;
        at = None;
        if rest.is_empty() {
            // The closing bracket is missing.
            return Some(Err(start));
        }
        if rest.starts_with(']') {
            return None;
        }
        let mut values = serde_json::Deserializer::from_str(rest).into_iter::<&RawValue>();
        match values.next() {
            Some(Ok(value)) => {
                at = Some(start + values.byte_offset());
                Some(Ok((start, value.get())))
            }
            _ => Some(Err(start)),
        }
    })
}

/// The values of a text that are one after the other, with their places; `Err` with the place of what is not whole.
pub fn values(text: &str) -> impl Iterator<Item = Result<(usize, &str), usize>> {
    let mut at = Some(0);
    std::iter::from_fn(move || {
        let rest = text.get(at?..)?;
        let start = at? + rest.len() - rest.trim_start().len();
        let rest = text.get(start..).filter(|rest| !rest.is_empty())?;
        at = None;
        let mut values = serde_json::Deserializer::from_str(rest).into_iter::<&RawValue>();
        match values.next() {
            Some(Ok(value)) => {
                at = Some(start + values.byte_offset());
                Some(Ok((start, value.get())))
            }
            _ => Some(Err(start)),
        }
    })
}

#[cfg(test)]
mod tests;
