//! What a file is, found from its content; its name only decides where the content leaves it open.

use super::fields::Fields;
use super::formats::{self, samples};
use super::recover;
use replayer_protocol::line::LineFormat;

/// How much of a file is looked at first, bytes. The first packet of a raw capture is the largest and well
/// below this.
pub const HEAD: usize = 4 << 20;

/// The largest JSON document (as opposed to lines) that is read, bytes: it is held in memory whole.
pub const MAX_DOCUMENT: u64 = 256 << 20;

/// What a file is, as far as its beginning tells.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Shape {
    /// One JSON object per line, most of them of this format.
    Lines(LineFormat),
    /// Begins like one JSON array or object; [`document`] looks at the whole.
    Document,
    /// A Parquet file.
    Parquet,
    /// Known, but not read; what to do instead.
    Unsupported(&'static str),
    /// Not a capture; why.
    Skip(&'static str),
}

/// Advice for a rugs-feed database. The query gives rows that the import reads, with the right times: the
/// database's `timestamp_ms` is shifted by the recording machine's zone.
pub const SQLITE_ADVICE: &str = "a SQLite database. Export its events as JSON and import that: sqlite3 -json FILE \
     \"SELECT timestamp AS ts, 'ws_event' AS doc_type, 'received' AS direction, event_type AS event_name, game_id, \
     data AS raw_json FROM events ORDER BY rowid\" > events.json";

/// Looks at the beginning of a file; `complete` says that it is the whole file.
pub fn shape(head: &[u8], complete: bool, name: &str) -> Shape {
    if let Some(shape) = by_signature(head) {
        return shape;
    }
    let lower = name.to_ascii_lowercase();
    if [".md", ".txt", ".py", ".html", ".csv", ".log"].iter().any(|end| lower.ends_with(end)) {
        return Shape::Skip("not a capture (by its name)");
    }
    let head = head.strip_prefix(b"\xEF\xBB\xBF").unwrap_or(head);
    match head.trim_ascii_start().first() {
        None => return Shape::Skip("nothing but white space"),
        Some(b'[') => return Shape::Document,
        Some(_) => {}
    }
    if let Some(format) = by_lines(head, complete) {
        return Shape::Lines(format);
    }
    if head.trim_ascii_start().starts_with(b"{") {
        return Shape::Document;
    }
    Shape::Skip("no line of a known format")
}

fn by_signature(head: &[u8]) -> Option<Shape> {
    let known: [(&[u8], Shape); 6] = [
        (b"SQLite format 3\0", Shape::Unsupported(SQLITE_ADVICE)),
        (b"PAR1", Shape::Parquet),
        (b"\x1F\x8B", Shape::Unsupported("compressed with gzip. Unpack it first: gunzip --keep FILE")),
        (b"PK\x03\x04", Shape::Unsupported("a ZIP archive. Unpack it first: unzip FILE")),
        (b"\x28\xB5\x2F\xFD", Shape::Unsupported("compressed with zstd. Unpack it first: zstd -d FILE")),
        (b"\xFF\xFE", Shape::Unsupported("UTF-16 text. Convert it first: iconv -f UTF-16 -t UTF-8 FILE")),
    ];
    if let Some((_, shape)) = known.into_iter().find(|(signature, _)| head.starts_with(signature)) {
        return Some(shape);
    }
    let looked_at = head.get(..head.len().min(8192)).unwrap_or(head);
    memchr::memchr(0, looked_at).map(|_| Shape::Skip("a binary file of no known kind"))
}

/// The format that most lines have, when at least a quarter of the lines have any: damaged recordings keep
/// more than that, and a text that merely quotes a line does not.
fn by_lines(head: &[u8], complete: bool) -> Option<LineFormat> {
    let mut votes = [0_usize; 16];
    let mut lines = 0_usize;
    for line in whole_lines(head, complete).take(400) {
        if line.trim_ascii().is_empty() {
            continue;
        }
        lines += 1;
        if let Some(vote) = format_of(line).and_then(|format| votes.get_mut(format as usize)) {
            *vote += 1;
        }
    }
    if votes.iter().sum::<usize>() * 4 < lines.max(1) {
        return None;
    }
    let most = votes.iter().copied().max()?;
    let winner = votes.iter().position(|votes| *votes == most)?;
    LineFormat::from_u8(u8::try_from(winner).ok()?)
}

/// The lines of `head` without a last one that is cut, unless that is all there is.
fn whole_lines(head: &[u8], complete: bool) -> impl Iterator<Item = &[u8]> {
    let end = match memchr::memrchr(b'\n', head) {
        Some(at) if !complete => at,
        _ => head.len(),
    };
    head.get(..end).unwrap_or(head).split(|byte| *byte == b'\n')
}

/// The format of a line, damaged or not.
fn format_of(line: &[u8]) -> Option<LineFormat> {
    if let Some(fields) = std::str::from_utf8(line).ok().and_then(|text| Fields::parse(text).ok()) {
        return formats::recognise(&fields);
    }
    // Only formats whose first key is unmistakable are looked for inside a damaged line.
    [LineFormat::Recording, LineFormat::RawCapture, LineFormat::CdpCapture, LineFormat::Sandbox].into_iter().find(
        |format| {
            let accepts = |text: &str| formats::accepts_recovered(*format, text);
            !recover::objects(line, formats::first_keys(*format), accepts).is_empty()
        },
    )
}

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
    /// Not a capture; why.
    Skip(&'static str),
}

/// Looks at a whole JSON document. A damaged array is one still, as long as its first element is whole.
pub fn document(text: &str, name: &str) -> Document {
    if text.trim_start().starts_with('[') {
        return array(text, name);
    }
    let Ok(fields) = Fields::parse(text) else {
        return Document::Skip("neither lines of a known format nor valid JSON");
    };
    let is_sample = |value: &serde_json::value::RawValue| {
        Fields::parse(value.get()).is_ok_and(|sample| sample.has("event_type") && sample.has("data"))
    };
    if fields.has("meta") && fields.has("actions") {
        Document::Session
    } else if let Some(format) = formats::recognise(&fields) {
        Document::Whole(format)
    } else if fields.iter().next().is_some() && fields.iter().all(|(_, value)| is_sample(value)) {
        Document::Samples
    } else if is_analysis(&fields, name) {
        Document::Whole(LineFormat::Document)
    } else {
        Document::Skip("JSON, but of no known format")
    }
}

fn array(text: &str, name: &str) -> Document {
    let Some(first) = elements(text).next() else { return Document::Skip("an empty JSON array") };
    let Some(fields) = first.ok().and_then(|(_, element)| Fields::parse(element).ok()) else {
        return Document::Skip("a JSON array, but not of objects");
    };
    if formats::recognise(&fields).is_some() {
        return Document::Lines;
    }
    let file_name = name.rsplit(['/', '\\']).next().unwrap_or(name);
    match samples::payload_event(&fields, file_name) {
        Some(event) => Document::Payloads(event),
        None => Document::Skip("a JSON array of objects of no known format"),
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
        let mut values = serde_json::Deserializer::from_str(rest).into_iter::<&serde_json::value::RawValue>();
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
