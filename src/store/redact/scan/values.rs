//! A secret's name was found: which value belongs to it, and what of the value is taken out.

use std::ops::Range;

use super::super::names::Kind;
use super::super::{digest, shapes};
use super::{Edit, Scan, decoded};

/// Shortest value behind `name=` that is taken for a secret, bytes.
const SHORTEST: usize = 4;

/// Where a string ends whose inside begins at `at` or reaches it: its closing quote, or the end of the text.
pub fn string_end(bytes: &[u8], mut at: usize) -> usize {
    while let Some(rest) = bytes.get(at..) {
        let Some(next) = memchr::memchr2(b'"', b'\\', rest) else { break };
        if rest.get(next) == Some(&b'"') {
            return at + next;
        }
        at += next + 2;
    }
    bytes.len()
}

fn blank(byte: u8) -> bool {
    byte.is_ascii_whitespace()
}

impl Scan<'_> {
    fn byte(&self, at: usize) -> Option<u8> {
        self.bytes.get(at).copied()
    }

    fn starts(&self, at: usize, with: &str) -> bool {
        self.bytes.get(at..).is_some_and(|rest| rest.starts_with(with.as_bytes()))
    }

    fn skip_blanks(&self, at: usize) -> usize {
        at + shapes::run(self.bytes, at, blank)
    }

    /// Whether the string whose opening quote is at `at` is a key.
    fn is_key(&self, at: usize) -> bool {
        let end = string_end(self.bytes, at + 1);
        self.byte(self.skip_blanks(end + 1)) == Some(b':')
    }

    /// What belongs to the name at `start..end`. `None`: the name names nothing here.
    pub(super) fn named(&mut self, kind: Kind, start: usize, end: usize) -> Option<usize> {
        let quoted = self.byte(end) == Some(b'"');
        let behind = match self.byte(end) {
            Some(b'"' | b'\'') => end + 1,
            _ if self.starts(end, "%22") => end + 3,
            _ => end,
        };
        let mark = self.skip_blanks(behind);
        let value = match self.byte(mark)? {
            b':' | b'=' => mark + 1,
            b'%' if self.starts(mark, "%3A") || self.starts(mark, "%3D") => mark + 3,
            b',' if quoted => return self.named_by_neighbour(kind, start, mark + 1),
            _ => return None,
        };
        let assigned = self.byte(mark) == Some(b'=') || self.starts(mark, "%3D");
        self.value(kind, self.skip_blanks(value), behind > end, assigned)
    }

    /// The name is itself a value: the first of a list (`["authenticate", {…}]`, `["accessToken", "…"]`), or
    /// beside its value (`{"name": "cookie", "value": "…"}`).
    fn named_by_neighbour(&mut self, kind: Kind, start: usize, next: usize) -> Option<usize> {
        let before = self.bytes.get(..start)?.strip_suffix(b"\"")?.trim_ascii_end();
        let next = self.skip_blanks(next);
        if before.ends_with(b"[") {
            let items = if kind == Kind::Login { usize::MAX } else { 1 };
            return Some(self.nested(next, kind, items));
        }
        if self.byte(next) != Some(b'"') {
            return None;
        }
        let end = string_end(self.bytes, next + 1);
        let key = self.text.get(next + 1..end)?;
        let beside = matches!(key, "value" | "data" | "payload" | "args" | "params");
        let colon = self.skip_blanks(end + 1);
        if !before.ends_with(b":") || !beside || self.byte(colon) != Some(b':') {
            return None;
        }
        self.value(kind, self.skip_blanks(colon + 1), true, false)
    }

    /// The value at `at`. `quoted`: its name stood in quotes, so this is JSON; `assigned`: by `=`.
    fn value(&mut self, kind: Kind, at: usize, quoted: bool, assigned: bool) -> Option<usize> {
        match self.byte(at)? {
            // A string with a colon behind it is the next name.
            b'"' => (!self.is_key(at)).then(|| self.string(kind, at)),
            b'\'' => {
                let inside = self.bytes.get(at + 1..)?;
                let len = memchr::memchr(b'\'', inside).unwrap_or(inside.len());
                Some(self.secret(kind, at + 1..at + 1 + len, at + 1 + len))
            }
            b'%' if self.starts(at, "%22") => {
                let inside = self.bytes.get(at + 3..)?;
                let len = memchr::memmem::find(inside, b"%22").unwrap_or(inside.len());
                Some(self.secret(kind, at + 3..at + 3 + len, at + 3 + len))
            }
            _ if assigned => self.assigned(kind, at),
            b'{' | b'[' if quoted => Some(self.nested(at, kind, 1)),
            _ if quoted => Some(self.bare(kind, at)),
            _ => self.header(kind, at),
        }
    }

    /// `name=value`, as in a query or a cookie.
    fn assigned(&mut self, kind: Kind, at: usize) -> Option<usize> {
        let ends = |byte: u8| {
            blank(byte)
                || matches!(byte, b';' | b'&' | b',' | b'"' | b'\'' | b'<' | b'>' | b')' | b'}' | b'#' | b'|')
        };
        let end = at + shapes::run(self.bytes, at, |byte| !ends(byte));
        let text = self.text.get(at..end)?;
        let address = kind == Kind::Token && shapes::is_coin_address(text);
        if text.len() < SHORTEST || text.starts_with('=') || address || kind == Kind::Login {
            return None;
        }
        Some(self.secret(kind, at..end, end))
    }

    /// `Name: value` without quotes: a header line, or a sentence. Only what looks like a credential is taken.
    fn header(&mut self, kind: Kind, at: usize) -> Option<usize> {
        let word_end = at + shapes::run(self.bytes, at, |byte| !blank(byte) && byte != b'"');
        let word = self.text.get(at..word_end)?;
        let scheme = ["bearer", "basic", "digest"].iter().any(|scheme| word.eq_ignore_ascii_case(scheme));
        match kind {
            Kind::Password if !word.is_empty() => Some(self.secret(kind, at..word_end, word_end)),
            Kind::Secret if scheme || word.contains('=') => {
                let end = at + shapes::run(self.bytes, at, |byte| !matches!(byte, b'"' | b'\n' | b'\r'));
                Some(self.secret(kind, at..end, end))
            }
            Kind::Secret | Kind::Token if shapes::looks_random(word) && !shapes::is_coin_address(word) => {
                Some(self.secret(kind, at..word_end, word_end))
            }
            _ => None,
        }
    }

    /// JSON from `at` on: every text in it is a secret, and every number unless only tokens are meant. Ends behind
    /// `items` values of this level, at the end of the level, or with the text. Gives where it ended.
    pub(super) fn nested(&mut self, mut at: usize, kind: Kind, items: usize) -> usize {
        let mut level = 0_usize;
        let mut values = 0;
        while let Some(byte) = self.byte(at) {
            match byte {
                b'"' => {
                    at = if self.is_key(at) { self.key(at + 1) } else { self.string(kind, at) };
                }
                b'{' | b'[' => {
                    level += 1;
                    at += 1;
                }
                b'}' | b']' => {
                    let Some(outer) = level.checked_sub(1) else { return at };
                    level = outer;
                    at += 1;
                }
                b',' if level == 0 => {
                    values += 1;
                    if values >= items {
                        return at;
                    }
                    at += 1;
                }
                b':' | b',' => at += 1,
                blank if blank.is_ascii_whitespace() => at += 1,
                _ => at = self.bare(kind, at),
            }
        }
        at.min(self.bytes.len())
    }

    /// A key among secrets is kept, unless it is one itself.
    fn key(&mut self, start: usize) -> usize {
        let inside = start..string_end(self.bytes, start);
        let Some(text) = self.text.get(inside.clone()) else { return inside.end + 1 };
        for edit in super::scan(text, self.direction, self.depth.saturating_add(1)) {
            let range = inside.start + edit.range.start..inside.start + edit.range.end;
            self.edits.push(Edit { range, with: edit.with });
        }
        inside.end + 1
    }

    /// A number, a literal, or, where the JSON is broken, any word.
    fn bare(&mut self, kind: Kind, at: usize) -> usize {
        let ends = |byte: u8| blank(byte) || matches!(byte, b'"' | b',' | b':' | b'{' | b'}' | b'[' | b']');
        let end = at + shapes::run(self.bytes, at, |byte| !ends(byte));
        let Some(word) = self.text.get(at..end) else { return end };
        let count = kind == Kind::Token && word.parse::<f64>().is_ok();
        if !count && !matches!(word, "" | "true" | "false" | "null") {
            self.edits.push(Edit { range: at..end, with: format!("\"{}\"", digest::placeholder(word, true)) });
        }
        end
    }

    /// The string whose opening quote is at `at`.
    fn string(&mut self, kind: Kind, at: usize) -> usize {
        let end = string_end(self.bytes, at + 1);
        self.secret(kind, at + 1..end, end + 1)
    }

    /// Takes the raw text out, unless it is known to be none. `Bearer` and the like stay in front of it.
    fn secret(&mut self, kind: Kind, range: Range<usize>, done: usize) -> usize {
        let Some(raw) = self.text.get(range.clone()) else { return done };
        let value = decoded(raw);
        let coin = kind == Kind::Token && shapes::is_coin(&value);
        if coin || shapes::is_public_id(&value) {
            return done;
        }
        let scheme = ["Bearer ", "Basic ", "bearer ", "basic "].iter().find(|scheme| raw.starts_with(**scheme));
        let start = range.start + scheme.map_or(0, |scheme| scheme.len());
        self.replace(start..range.end, kind == Kind::Password, done)
    }
}
