//! Finds the secrets in a text: a list of places and what to put there.
//!
//! Nothing here needs the text to be valid JSON: a cut-off or broken frame keeps its secrets no better. The sieve
//! says where to look, and the surroundings of that place decide. Text between two quotes that holds escapes is
//! decoded and scanned as a text of its own, as deep as it goes (JSON in JSON strings in JSON strings), and what
//! is found is carried back to the raw bytes.

mod values;

use std::borrow::Cow;
use std::ops::Range;

use super::names::{self, Kind};
use super::shapes::{self, Jwt};
use super::unescape::unescape;
use super::{digest, sieve};
use crate::record::Direction;

/// How deep JSON strings in JSON strings are followed; what is suspicious below is taken out whole.
const DEEPEST: u8 = 8;

/// One piece of the text that is replaced.
pub struct Edit {
    /// Bytes of the text.
    pub range: Range<usize>,
    /// What stands there instead.
    pub with: String,
}

/// All secrets of a text, in order, none overlapping.
pub fn edits(text: &str, direction: Direction) -> Vec<Edit> {
    scan(text, direction, 0)
}

fn scan(text: &str, direction: Direction, depth: u8) -> Vec<Edit> {
    let mut scan = Scan::new(text, direction, depth);
    scan.run();
    scan.edits
}

/// Whether a name of a secret stands anywhere in the text, with or without a value.
pub fn names_a_secret(text: &str) -> bool {
    let scan = Scan::new(text, Direction::Received, 0);
    let mut at = 0;
    while let Some(hit) = sieve::next(scan.bytes, at) {
        if text.get(scan.word_around(hit)).and_then(names::kind).is_some() {
            return true;
        }
        at = hit + 1;
    }
    false
}

/// Whether the frame is a login as a whole: an event of such a name, or a connect packet that we send.
pub fn has_login_head(text: &str, direction: Direction) -> bool {
    login_head(text, direction).is_some()
}

/// Where the credentials of a login frame begin: behind the event's name, or at the body of a connect packet.
fn login_head(text: &str, direction: Direction) -> Option<usize> {
    let bytes = text.as_bytes();
    if bytes.first() != Some(&b'4') {
        return None;
    }
    let kind = *bytes.get(1)?;
    let mut at = 2;
    if kind == b'5' {
        at += memchr::memchr(b'-', bytes.get(at..at + 8)?)? + 1;
    }
    if bytes.get(at) == Some(&b'/') {
        at += memchr::memchr(b',', bytes.get(at..bytes.len().min(at + 256))?)? + 1;
    }
    match kind {
        b'0' if direction == Direction::Sent => (at < bytes.len()).then_some(at),
        b'2' | b'5' => {
            at += shapes::run(bytes, at, |byte| byte.is_ascii_digit());
            let quote = at + 1;
            if bytes.get(at) != Some(&b'[') || bytes.get(quote) != Some(&b'"') {
                return None;
            }
            // Six bytes are the longest escape of one letter; a longer name is none of those looked for.
            let end = values::string_end(bytes, quote + 1);
            let name = text.get(quote + 1..end.min(quote + 1 + 6 * names::LONGEST))?;
            names::is_login_event(&decoded(name)).then_some(end + 1)
        }
        _ => None,
    }
}

fn decoded(raw: &str) -> Cow<'_, str> {
    if raw.contains('\\') { Cow::Owned(unescape(raw).text) } else { Cow::Borrowed(raw) }
}

/// The text between two quotes (or the ends of the text).
#[derive(Clone, Copy)]
struct Chunk {
    start: usize,
    end: usize,
    escaped: bool,
}

struct Scan<'t> {
    text: &'t str,
    bytes: &'t [u8],
    direction: Direction,
    depth: u8,
    /// Everything before it is done.
    at: usize,
    chunk: Chunk,
    /// No JWT begins before it.
    no_jwt_before: usize,
    edits: Vec<Edit>,
}

impl<'t> Scan<'t> {
    fn new(text: &'t str, direction: Direction, depth: u8) -> Scan<'t> {
        Scan {
            text,
            bytes: text.as_bytes(),
            direction,
            depth,
            at: 0,
            chunk: Chunk { start: 0, end: 0, escaped: false },
            no_jwt_before: 0,
            edits: Vec::new(),
        }
    }

    fn run(&mut self) {
        if let Some(body) = login_head(self.text, self.direction) {
            self.at = self.nested(body, Kind::Login, usize::MAX);
        }
        while let Some(hit) = sieve::next(self.bytes, self.at) {
            let chunk = self.chunk_around(hit);
            let done = if chunk.escaped { self.decode(chunk) } else { self.look(hit) };
            self.at = done.max(hit + 1);
        }
    }

    /// The chunk a place stands in. Places only grow, so that a text without quotes is walked once.
    fn chunk_around(&mut self, hit: usize) -> Chunk {
        if hit >= self.chunk.end {
            let floor = self.at.max(self.chunk.end);
            let before = self.bytes.get(floor..hit).unwrap_or_default();
            let start = memchr::memrchr(b'"', before).map_or(floor, |quote| floor + quote + 1);
            let end = values::string_end(self.bytes, hit);
            let inside = self.bytes.get(start..end).unwrap_or_default();
            self.chunk = Chunk { start, end, escaped: memchr::memchr(b'\\', inside).is_some() };
        }
        self.chunk
    }

    /// A chunk with escapes, decoded: a name of a secret, or a text with secrets in it.
    fn decode(&mut self, chunk: Chunk) -> usize {
        let start = chunk.start.max(self.at);
        let Some(raw) = self.text.get(start..chunk.end) else { return chunk.end };
        let inner = unescape(raw);
        if self.depth >= DEEPEST {
            let plain = inner.text.replace('\\', "");
            if sieve::next(plain.as_bytes(), 0).is_some() {
                self.edits.push(Edit { range: start..chunk.end, with: digest::placeholder(&inner.text, true) });
            }
            return chunk.end;
        }
        for edit in scan(&inner.text, self.direction, self.depth + 1) {
            let range = start + inner.raw(edit.range.start)..start + inner.raw(edit.range.end);
            // Quotes around a replaced number stand inside a string here.
            let with = edit.with.replace('\\', "\\\\").replace('"', "\\\"");
            self.edits.push(Edit { range, with });
        }
        let in_word = |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | '-' | ':');
        let name = inner.text.rsplit(|c| !in_word(c)).next().and_then(names::kind);
        name.and_then(|kind| self.named(kind, start, chunk.end)).unwrap_or(chunk.end)
    }

    /// A closer look at a place the sieve found, in a chunk without escapes. Gives where to go on.
    fn look(&mut self, hit: usize) -> usize {
        if hit >= self.no_jwt_before && self.bytes.get(hit..).is_some_and(|rest| rest.starts_with(b"eyJ")) {
            match shapes::jwt(self.bytes, hit) {
                Jwt::UpTo(end) => return self.replace(hit..end, false, end),
                Jwt::NotBefore(end) => self.no_jwt_before = end,
            }
        }
        if let Some(token) = shapes::bearer(self.bytes, hit) {
            let end = token.end;
            return self.replace(token, false, end);
        }
        let word = self.word_around(hit);
        let Some(kind) = self.text.get(word.clone()).and_then(names::kind) else { return hit + 1 };
        self.named(kind, word.start, word.end).unwrap_or(hit + 1)
    }

    /// The word a place stands in; longer ones than any name are cut.
    fn word_around(&self, hit: usize) -> Range<usize> {
        let in_word = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-');
        // `privy:pat`
        let inner = if self.bytes.get(hit + 1) == Some(&b':') { hit + 2 } else { hit };
        let floor = hit.saturating_sub(names::LONGEST);
        let before = self.bytes.get(floor..hit).unwrap_or_default();
        let left = before.iter().rev().take_while(|byte| in_word(**byte)).count();
        let ahead = self.bytes.get(..self.bytes.len().min(hit + names::LONGEST)).unwrap_or_default();
        hit - left..inner + shapes::run(ahead, inner, in_word)
    }

    /// Puts a digest in the place of a secret, unless there is one already. Gives `done`.
    fn replace(&mut self, range: Range<usize>, guessable: bool, done: usize) -> usize {
        if let Some(secret) = self.text.get(range.clone())
            && !secret.is_empty()
            && !digest::is_placeholder(secret)
        {
            self.edits.push(Edit { range, with: digest::placeholder(&decoded(secret), guessable) });
        }
        done
    }
}
