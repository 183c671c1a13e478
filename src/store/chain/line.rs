//! One line of a chain: its exact form, and whether a text has it.

use sha2::{Digest, Sha256};

use super::Break;

/// One line.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Line {
    /// Its number, from 1.
    pub n: u64,
    /// The hash of the line before it.
    pub prev: String,
    /// Its own.
    pub hash: String,
    /// What it says: JSON, byte for byte.
    pub entry: String,
}

/// Length of a hash, hex digits.
const HASH: usize = 64;

impl Line {
    /// The line that follows one with the hash `prev`.
    pub fn new(n: u64, prev: &str, entry: &str) -> Line {
        Line { n, prev: prev.to_owned(), hash: hash(n, prev, entry), entry: entry.to_owned() }
    }

    /// As it stands in the file, without the line break.
    pub fn text(&self) -> String {
        format!(r#"{{"n":{},"prev":"{}","hash":"{}","entry":{}}}"#, self.n, self.prev, self.hash, self.entry)
    }

    /// Reads a line and checks that it is whole, whatever stands before it.
    pub fn alone(text: &str) -> Option<Line> {
        let line = parse(text)?;
        (line.hash == hash(line.n, &line.prev, &line.entry)).then_some(line)
    }

    /// Reads a line and checks it against its number and the hash of the one before it.
    ///
    /// # Errors
    /// What does not hold.
    pub fn read(text: &[u8], n: u64, prev: &str) -> Result<Line, Break> {
        let broken = |reason: &str, expected: String, actual: String| Break {
            line: n,
            reason: reason.to_owned(),
            expected,
            actual,
        };
        let form = || r#"{"n":…,"prev":"…","hash":"…","entry":…}"#.to_owned();
        let shown = || String::from_utf8_lossy(text).chars().take(80).collect::<String>();
        let Some(line) = std::str::from_utf8(text).ok().and_then(parse) else {
            return Err(broken("it is no line of this log", form(), shown()));
        };
        if line.n != n {
            return Err(broken("it has another number", n.to_string(), line.n.to_string()));
        }
        if line.prev != prev {
            return Err(broken("the hash of the line before it is another one", prev.to_owned(), line.prev));
        }
        let own = hash(n, prev, &line.entry);
        if line.hash != own {
            return Err(broken("its content does not have the hash that it says", line.hash, own));
        }
        if serde_json::from_str::<serde::de::IgnoredAny>(&line.entry).is_err() {
            return Err(broken("its entry is no JSON", form(), shown()));
        }
        Ok(line)
    }
}

fn hash(n: u64, prev: &str, entry: &str) -> String {
    format!("{:x}", Sha256::digest(format!("{n}\n{prev}\n{entry}")))
}

fn parse(text: &str) -> Option<Line> {
    let rest = text.strip_prefix(r#"{"n":"#)?;
    let (number, rest) = rest.split_once(r#","prev":""#)?;
    let (prev, rest) = rest.split_at_checked(HASH)?;
    let rest = rest.strip_prefix(r#"","hash":""#)?;
    let (hash, rest) = rest.split_at_checked(HASH)?;
    let entry = rest.strip_prefix(r#"","entry":"#)?.strip_suffix('}')?;
    let n: u64 = number.parse().ok()?;
    // `+1` and `01` are numbers too, but not as they are written here.
    (n.to_string() == number).then(|| Line { n, prev: prev.into(), hash: hash.into(), entry: entry.into() })
}
