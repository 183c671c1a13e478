//! What a file is, found from its content; its name only decides where the content leaves it open.

use std::borrow::Cow;

use super::csv;
use super::documents;
use super::fields::Fields;
use super::formats::{self, Format, text};
use super::input::Layer;
use super::mapping::Mapping;
use super::recover;
use super::unknown;
use replayer_protocol::line::LineFormat;

/// How much of a file is looked at first, bytes. The first packet of a raw capture is the largest and well
/// below this.
pub const HEAD: usize = 4 << 20;

/// The largest JSON document (as opposed to lines) that is read, bytes: it is held in memory whole.
pub const MAX_DOCUMENT: u64 = 256 << 20;

/// How many lines decide.
const LOOKED_AT: usize = 400;

/// What a file is, as far as its beginning tells.
#[derive(Debug, Clone)]
pub enum Shape {
    /// One record per line, most of them of this kind.
    Lines(LineKind),
    /// Begins like one JSON array or object; [`documents::document`] looks at the whole.
    Document,
    /// A table as text, with this between its columns.
    Csv(u8),
    /// A Parquet file.
    Parquet,
    /// An SQLite database.
    Sqlite,
    /// Packets of a network (pcap, pcapng).
    Packets,
    /// Packed; what is inside is to be looked at.
    Packed(Layer),
    /// A ZIP archive; its members are files.
    Archive,
    /// Known, but not read; what to do instead.
    Unsupported(Cow<'static, str>),
    /// Not a capture; what it looks like, and how to make one of it.
    Skip(String),
}

/// What most lines of a file are.
#[derive(Clone, Copy)]
pub enum LineKind {
    /// Lines of a format.
    Format(&'static dyn Format),
    /// Frames, bare or with words around them.
    Text,
    /// What the user described.
    Mapped,
}

impl LineKind {
    /// For the report.
    pub fn name(self) -> &'static str {
        match self {
            LineKind::Format(format) => format.name(),
            LineKind::Text => text::NAME,
            LineKind::Mapped => "mapped",
        }
    }
}

impl std::fmt::Debug for LineKind {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.name())
    }
}

/// What is known about a file besides its content.
#[derive(Debug, Clone, Copy)]
pub struct Hints<'h> {
    /// Its name.
    pub name: &'h str,
    /// Whether the user named it: then it is no text that only quotes lines.
    pub named: bool,
    /// Whether it may be larger than a document that is held in memory.
    pub is_large: bool,
    /// How the user said that its lines are to be read.
    pub mapping: Option<&'h Mapping>,
}

/// Endings of texts that quote lines. They matter for files that were only found in a folder.
const TEXTS: [&str; 12] =
    [".md", ".py", ".html", ".js", ".ts", ".rs", ".rst", ".ipynb", ".tex", ".css", ".go", ".java"];

/// Looks at the beginning of a file; `complete` says that it is the whole file.
pub fn shape(head: &[u8], complete: bool, hints: &Hints<'_>) -> Shape {
    if let Some(shape) = by_signature(head) {
        return shape;
    }
    let head = head.strip_prefix(b"\xEF\xBB\xBF").unwrap_or(head);
    let Some(start) = first_of_content(head) else {
        return Shape::Skip("nothing but white space and comments".to_owned());
    };
    if hints.mapping.is_some() {
        return Shape::Lines(LineKind::Mapped);
    }
    let is_found_text = !hints.named && TEXTS.iter().any(|end| hints.name.to_ascii_lowercase().ends_with(end));
    let share = if is_found_text { 90 } else { 25 };
    let is_list = start.first() == Some(&b'[')
        && start
            .get(1..)
            .and_then(|rest| rest.trim_ascii_start().first())
            .is_none_or(|next| b"{[]".contains(next));
    let is_document = is_list || is_one_object(start, complete);
    if !is_document || hints.is_large {
        match (by_lines(head, complete, share), csv::delimiter(start)) {
            // A row of a table is also a frame with words around it.
            (Some(LineKind::Text), Some(delimiter)) => return Shape::Csv(delimiter),
            (Some(kind), _) => return Shape::Lines(kind),
            (None, _) => {}
        }
    }
    match start.first() {
        Some(b'{' | b'[') => Shape::Document,
        _ => match csv::delimiter(start) {
            Some(delimiter) => Shape::Csv(delimiter),
            None => Shape::Skip(unknown::text(start)),
        },
    }
}

/// Whether a text is one object over several lines, whose elements may have a line each.
fn is_one_object(start: &[u8], complete: bool) -> bool {
    let is_cut = |text: &[u8]| {
        serde_json::from_slice::<serde::de::IgnoredAny>(text).err().is_some_and(|error| error.is_eof())
    };
    let first = start.split(|byte| *byte == b'\n').next().unwrap_or_default();
    if !start.starts_with(b"{") || first.len() == start.len() || !is_cut(first) {
        return false;
    }
    match complete {
        true => serde_json::from_slice::<serde::de::IgnoredAny>(start).is_ok(),
        false => is_cut(start),
    }
}

/// The text from its first line on that is neither blank nor a comment.
fn first_of_content(head: &[u8]) -> Option<&[u8]> {
    let mut rest = head;
    loop {
        rest = rest.trim_ascii_start();
        if rest.is_empty() {
            return None;
        }
        if !is_comment(rest) {
            return Some(rest);
        }
        let end = memchr::memchr(b'\n', rest)?;
        rest = rest.get(end..)?;
    }
}

/// Whether a line, without blanks before it, is a comment.
pub fn is_comment(line: &[u8]) -> bool {
    line.starts_with(b"#") || line.starts_with(b"//")
}

fn by_signature(head: &[u8]) -> Option<Shape> {
    if let Some(layer) = Layer::by_signature(head) {
        return Some(Shape::Packed(layer));
    }
    let known: [(&[u8], Shape); 9] = [
        (b"SQLite format 3\0", Shape::Sqlite),
        (b"PAR1", Shape::Parquet),
        (b"PK\x03\x04", Shape::Archive),
        (b"PK\x05\x06", Shape::Archive),
        (b"\xD4\xC3\xB2\xA1", Shape::Packets),
        (b"\xA1\xB2\xC3\xD4", Shape::Packets),
        (b"\x4D\x3C\xB2\xA1", Shape::Packets),
        (b"\xA1\xB2\x3C\x4D", Shape::Packets),
        (b"\x0A\x0D\x0D\x0A", Shape::Packets),
    ];
    if let Some((_, shape)) = known.into_iter().find(|(signature, _)| head.starts_with(signature)) {
        return Some(shape);
    }
    if let Some(advice) = unknown::packed(head) {
        return Some(Shape::Unsupported(advice.into()));
    }
    let looked_at = head.get(..head.len().min(8192)).unwrap_or(head);
    memchr::memchr(0, looked_at).map(|_| Shape::Skip(unknown::binary(head)))
}

/// The kind that most lines have, when at least `share` per cent of the lines have any: damaged recordings keep
/// more than that, and a text that merely quotes a line does not.
fn by_lines(head: &[u8], complete: bool, share: usize) -> Option<LineKind> {
    let mut votes: Vec<(LineKind, usize)> = Vec::new();
    let (mut lines, mut voted, mut containers) = (0_usize, 0_usize, 0_usize);
    for line in whole_lines(head, complete).take(LOOKED_AT) {
        let line = line.trim_ascii();
        if line.is_empty() || is_comment(line) {
            continue;
        }
        lines += 1;
        match kind_of(line) {
            Vote::For(kind) => {
                voted += 1;
                match votes.iter_mut().find(|(known, _)| known.name() == kind.name()) {
                    Some((_, votes)) => *votes += 1,
                    None => votes.push((kind, 1)),
                }
            }
            Vote::Container => containers += 1,
            Vote::Open => lines -= 1,
            Vote::Against => {}
        }
    }
    if containers > 1 || voted > 0 {
        voted += containers;
        votes.push((LineKind::Format(&formats::frames::Frames), containers));
    }
    if voted * 100 < lines.max(1) * share {
        return None;
    }
    // Of several with as many votes, the first seen.
    votes.into_iter().rev().max_by_key(|(_, votes)| *votes).map(|(kind, _)| kind)
}

/// The lines of `head` without a last one that is cut, unless that is all there is.
fn whole_lines(head: &[u8], complete: bool) -> impl Iterator<Item = &[u8]> {
    let end = match memchr::memrchr(b'\n', head) {
        Some(at) if !complete => at,
        _ => head.len(),
    };
    head.get(..end).unwrap_or(head).split(|byte| *byte == b'\n')
}

/// What a line says about its file.
enum Vote {
    For(LineKind),
    /// It is an object with a list of records: several of them are lines, one alone is a document.
    Container,
    /// It might be a line of a known kind, and proves nothing.
    Open,
    Against,
}

/// The kind of a line, damaged or not.
fn kind_of(line: &[u8]) -> Vote {
    if let Ok(text) = std::str::from_utf8(line) {
        let object = text.strip_suffix(',').filter(|text| text.ends_with('}')).unwrap_or(text);
        if let Ok(fields) = Fields::parse(object) {
            return match formats::recognise(&fields) {
                Some(format) if format.is_certain(&fields) => Vote::For(LineKind::Format(format)),
                Some(_) => Vote::Open,
                None if documents::inside(&fields).is_some() => Vote::Container,
                None => Vote::Against,
            };
        }
        if !text.starts_with('{') {
            if text.starts_with('[') && text::is_certain_value(object_or_list(text)) {
                return Vote::For(LineKind::Text);
            }
            match text::find(text) {
                Some(found) if text::is_certain(&found) => return Vote::For(LineKind::Text),
                Some(_) => return Vote::Open,
                None => {}
            }
        }
    }
    // Only formats whose first key is unmistakable are looked for inside a damaged line.
    const DAMAGED: [LineFormat; 4] =
        [LineFormat::Recording, LineFormat::RawCapture, LineFormat::CdpCapture, LineFormat::Sandbox];
    let mut damaged = DAMAGED.into_iter().filter_map(formats::of_lines).filter(|format| {
        let accepts = |text: &str| formats::accepts_recovered(*format, text);
        !recover::objects(line, format.first_keys(), accepts).is_empty()
    });
    damaged.next().map_or(Vote::Against, |format| Vote::For(LineKind::Format(format)))
}

fn object_or_list(text: &str) -> &str {
    text.strip_suffix(',').unwrap_or(text)
}

#[cfg(test)]
mod tests;
