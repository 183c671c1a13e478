//! Values at given paths, cut out of a JSON text without reading the rest of it.
//!
//! Checks look at a few fields of millions of frames of several kilobytes each. A parser builds what nobody asks for;
//! this walk skips it. What it gives are pieces of the text itself, so a number has the digits that the sender wrote.
//!
//! The text has to be JSON (the store's column `frame` says so); on other texts it gives something or `None`, and never
//! reads past the end. Of two equal keys of an object the last one counts, as in JavaScript and for every other reader here
//! ([`json`](super::json)); DuckDB's own functions take the first.

use std::borrow::Cow;
use std::collections::BTreeMap;

use super::json::{self, leave, skip, space};
use super::path::{Path, Step};

/// Paths, made ready for a walk.
#[derive(Debug)]
pub struct Picker {
    root: Node,
    /// How many of the paths have no `[]` and no `.{}`.
    whole: usize,
    /// How many values each element has.
    element: usize,
}

/// Values of one text, `None` where it has none: JSON as it stands in the text; strings with escapes in one form.
///
/// First come the values of the paths without `[]` and `.{}`, in their order; then, for each element of the list that
/// the other paths are about, one value for each of those.
pub type Picked<'t> = Vec<Option<Cow<'t, [u8]>>>;

/// Paths that cannot be picked in one walk.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum BadPaths {
    /// Elements of different lists do not belong together.
    #[error("{0} and {1} are about the elements of different lists; ask for one list at a time")]
    Lists(Path, Path),
    /// The same path twice.
    #[error("{0} is asked for twice")]
    Twice(Path),
}

/// What is wanted at and below one place.
#[derive(Debug, Default)]
struct Node {
    keys: BTreeMap<Vec<u8>, Node>,
    indexes: BTreeMap<i64, Node>,
    elements: Option<Box<Node>>,
    values: Option<Box<Node>>,
    /// Which value this is: of the text, or of the element.
    output: Option<usize>,
    /// Whether each value here is an element.
    is_element: bool,
}

impl Picker {
    /// Makes paths ready.
    ///
    /// # Errors
    /// [`BadPaths`].
    pub fn new(paths: &[Path]) -> Result<Picker, BadPaths> {
        let mut picker = Picker { root: Node::default(), whole: 0, element: 0 };
        let mut list: Option<(&Path, &[Step])> = None;
        for path in paths {
            let depth = path.element_depth();
            if let Some(steps) = depth.and_then(|depth| path.0.get(..depth)) {
                let (first, known) = *list.get_or_insert((path, steps));
                if known != steps {
                    return Err(BadPaths::Lists(first.clone(), path.clone()));
                }
            }
            let count = if depth.is_some() { &mut picker.element } else { &mut picker.whole };
            let mut node = &mut picker.root;
            for (number, step) in path.0.iter().enumerate() {
                node = node.child(step);
                node.is_element |= depth == Some(number + 1);
            }
            if node.output.replace(*count).is_some() {
                return Err(BadPaths::Twice(path.clone()));
            }
            *count += 1;
        }
        Ok(picker)
    }

    /// The values in the JSON text that begins at `at`. `None` where it is not JSON as far as it was read.
    pub fn pick<'t>(&self, text: &'t [u8], at: usize) -> Option<Picked<'t>> {
        let found = vec![None; self.whole];
        let mut walk = Walk { text, found, row: None, of_element: self.element };
        walk.value(&self.root, space(text, at))?;
        Some(walk.found)
    }
}

impl Node {
    /// What is wanted one step further.
    fn child(&mut self, step: &Step) -> &mut Node {
        match step {
            Step::Key(key) => self.keys.entry(key.clone().into_bytes()).or_default(),
            Step::Index(index) => self.indexes.entry(*index).or_default(),
            Step::Elements => self.elements.get_or_insert_default(),
            Step::Values => self.values.get_or_insert_default(),
        }
    }
}

struct Walk<'t> {
    text: &'t [u8],
    found: Picked<'t>,
    /// Where the values of the element begin in `found`, inside of one.
    row: Option<usize>,
    /// Values of each element.
    of_element: usize,
}

impl<'t> Walk<'t> {
    fn byte(&self, at: usize) -> Option<u8> {
        self.text.get(at).copied()
    }

    /// Forgets the values that an earlier member of the same name gave. Its elements are cut off by the caller.
    fn forget(&mut self, node: &Node) {
        if let Some(output) = node.output
            && !node.is_element
            && let Some(place) = self.found.get_mut(self.row.unwrap_or(0) + output)
        {
            *place = None;
        }
        for child in node.keys.values().chain(node.indexes.values()) {
            self.forget(child);
        }
    }

    /// Takes what is wanted from the value at `at`, and gives its end.
    fn value(&mut self, node: &Node, at: usize) -> Option<usize> {
        let outside = self.row;
        if node.is_element {
            self.row = Some(self.found.len());
            self.found.resize(self.found.len() + self.of_element, None);
        }
        let end = match self.byte(at)? {
            b'{' if !node.keys.is_empty() || node.values.is_some() => self.object(node, at + 1)?,
            b'[' if !node.indexes.is_empty() || node.elements.is_some() => self.list(node, at + 1)?,
            _ => skip(self.text, at)?,
        };
        if let Some(output) = node.output {
            let value = self.text.get(at..end).map(in_one_form);
            if let Some(place) = self.found.get_mut(self.row.unwrap_or(0) + output) {
                *place = value;
            }
        }
        self.row = outside;
        Some(end)
    }

    /// Takes what is wanted of this one member and of each, and gives its end.
    fn member(&mut self, one: Option<&Node>, each: Option<&Node>, at: usize) -> Option<usize> {
        let mut end = None;
        for node in [one, each].into_iter().flatten() {
            end = Some(self.value(node, at)?);
        }
        end.or_else(|| skip(self.text, at))
    }

    /// The members of an object, from the first one on.
    fn object(&mut self, node: &Node, mut at: usize) -> Option<usize> {
        // Of the keys that came already: how much was found before.
        let mut seen = vec![None; node.keys.len()];
        loop {
            at = space(self.text, at);
            match self.byte(at)? {
                b'}' => return Some(at + 1),
                b',' => at = space(self.text, at + 1),
                _ => {}
            }
            let end = json::string(self.text, at)?;
            let key = self.text.get(at + 1..end - 1)?;
            let colon = space(self.text, end);
            if self.byte(colon)? != b':' {
                return None;
            }
            let value = space(self.text, colon + 1);
            let found = node.keys.iter().zip(&mut seen).find(|((known, _), _)| is_key(key, known));
            let child = found.map(|((_, child), before)| {
                match before {
                    Some(before) => {
                        self.found.truncate(*before);
                        self.forget(child);
                    }
                    None => *before = Some(self.found.len()),
                }
                child
            });
            at = self.member(child, node.values.as_deref(), value)?;
        }
    }

    /// The elements of a list, from the first one on.
    fn list(&mut self, node: &Node, mut at: usize) -> Option<usize> {
        let last = node.indexes.keys().max().copied().unwrap_or(-1);
        let from_end = node.indexes.keys().any(|index| *index < 0);
        let mut places = Vec::new();
        let mut number = 0_i64;
        loop {
            at = space(self.text, at);
            match self.byte(at)? {
                b']' => break,
                b',' => at = space(self.text, at + 1),
                _ => {}
            }
            let value = at;
            at = self.member(node.indexes.get(&number), node.elements.as_deref(), value)?;
            if from_end {
                places.push(value);
            }
            number += 1;
            if number > last && !from_end && node.elements.is_none() {
                return leave(self.text, at);
            }
        }
        for (index, child) in node.indexes.iter().filter(|(index, _)| **index < 0) {
            let place = usize::try_from(number + index).ok().and_then(|place| places.get(place));
            if let Some(place) = place {
                self.value(child, *place)?;
            }
        }
        Some(at + 1)
    }
}

/// Whether a key of the text, without its quotes, is the one that is meant. With an escape it is longer than its meaning.
fn is_key(written: &[u8], meant: &[u8]) -> bool {
    if written.len() == meant.len() {
        return written == meant && !meant.contains(&b'\\');
    }
    let escaped = written.len() > meant.len() && written.contains(&b'\\');
    escaped && std::str::from_utf8(written).is_ok_and(|key| json::unescape(key).as_bytes() == meant)
}

/// What stands there, in a form that every reader of JSON takes and in which the same characters are the same text.
///
/// A string with escapes is written anew. Half of a character that takes two escapes (`\ud83d` alone, where somebody cut an
/// emoji in two) is no text and DuckDB refuses all that it stands in: `\ufffd`, the sign for what cannot be read, takes its
/// place. So it does a number that no double holds (`1e400`): `null` takes its place. Everything else stays as it is.
fn in_one_form(value: &[u8]) -> Cow<'_, [u8]> {
    let numbered = without_endless_numbers(value);
    if memchr::memchr(b'\\', value).is_none() {
        return numbered;
    }
    match numbered {
        Cow::Borrowed(value) => with_escapes_in_one_form(value),
        Cow::Owned(value) => Cow::Owned(with_escapes_in_one_form(&value).into_owned()),
    }
}

/// The text with `null` for each number that no double holds.
fn without_endless_numbers(text: &[u8]) -> Cow<'_, [u8]> {
    // Three digits of an exponent are rare enough to be looked at closely.
    let may_be = |at: usize| {
        let digits = text.get(at + 1..).unwrap_or_default();
        let digits = digits.strip_prefix(b"+").unwrap_or(digits);
        let before = at.checked_sub(1).and_then(|before| text.get(before));
        before.is_some_and(u8::is_ascii_digit)
            && digits.get(..3).is_some_and(|three| three.iter().all(u8::is_ascii_digit))
    };
    if !memchr::memchr2_iter(b'e', b'E', text).any(may_be) {
        return Cow::Borrowed(text);
    }
    let (mut out, mut done, mut at) = (Vec::new(), 0, 0);
    while let Some(byte) = text.get(at) {
        let end = match byte {
            b'"' => json::string(text, at),
            b'-' | b'0'..=b'9' => skip(text, at),
            _ => Some(at + 1),
        };
        let Some(end) = end else { break };
        let number = text.get(at..end).and_then(|number| std::str::from_utf8(number).ok());
        if *byte != b'"' && number.is_some_and(|number| number.parse::<f64>().is_ok_and(f64::is_infinite)) {
            out.extend_from_slice(text.get(done..at).unwrap_or_default());
            out.extend_from_slice(b"null");
            done = end;
        }
        at = end;
    }
    if done == 0 {
        return Cow::Borrowed(text);
    }
    out.extend_from_slice(text.get(done..).unwrap_or_default());
    Cow::Owned(out)
}

fn with_escapes_in_one_form(value: &[u8]) -> Cow<'_, [u8]> {
    let whole = without_halves(value);
    if value.first() != Some(&b'"') {
        return whole;
    }
    let anew = serde_json::from_slice::<String>(&whole).ok().and_then(|text| serde_json::to_vec(&text).ok());
    anew.map_or(whole, Cow::Owned)
}

/// The text with `\ufffd` for each escape that is half of a pair.
fn without_halves(text: &[u8]) -> Cow<'_, [u8]> {
    let mut out = Cow::Borrowed(text);
    let mut at = 0;
    while let Some(found) = text.get(at..).and_then(|rest| memchr::memchr(b'\\', rest)) {
        let escape = at + found;
        at = match unit(text, escape) {
            Some(0xD800..=0xDBFF) if matches!(unit(text, escape + 6), Some(0xDC00..=0xDFFF)) => escape + 12,
            Some(0xD800..=0xDFFF) => {
                if let Some(digits) = out.to_mut().get_mut(escape + 2..escape + 6) {
                    digits.copy_from_slice(b"fffd");
                }
                escape + 6
            }
            Some(_) => escape + 6,
            None => escape + 2,
        };
    }
    out
}

/// The UTF-16 unit that the escape at `at` stands for, where it is one in digits.
fn unit(text: &[u8], at: usize) -> Option<u16> {
    let digits = text.get(at..at + 6)?.strip_prefix(b"\\u")?;
    u16::from_str_radix(std::str::from_utf8(digits).ok()?, 16).ok()
}

#[cfg(test)]
mod tests;
