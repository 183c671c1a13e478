//! Places in a payload, as statements, schema facts and SQL write them: `$.leaderboard[].pnl`.

use std::fmt;
use std::str::FromStr;

/// A place in a payload. Its text, `$` and the steps, reads back as the same path.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Default)]
pub struct Path(pub Vec<Step>);

/// One step of a path.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Step {
    /// A key: `.key`, or `."a key"` where it is more than letters, digits and `_`.
    Key(String),
    /// One element of a list, below zero from its end: `[0]`, `[-1]`.
    Index(i64),
    /// Every element of a list: `[]`.
    Elements,
    /// Every value of an object whose keys are data: `.{}`.
    Values,
}

impl Path {
    /// The place behind its last step over every element, if there is one.
    pub fn element_depth(&self) -> Option<usize> {
        self.0.iter().rposition(|step| matches!(step, Step::Elements | Step::Values)).map(|at| at + 1)
    }

    /// Name of its last key.
    pub fn last_key(&self) -> &str {
        let key = |step: &Step| matches!(step, Step::Key(_));
        match self.0.iter().rfind(|step| key(step)) {
            Some(Step::Key(key)) => key,
            _ => "$",
        }
    }
}

/// Whether a key can be written without quotes.
fn is_plain(key: &str) -> bool {
    let mut chars = key.chars();
    chars.next().is_some_and(|first| first.is_alphabetic() || first == '_')
        && chars.all(|c| c.is_alphanumeric() || c == '_')
}

/// As a JSON string.
pub fn quoted(text: &str) -> String {
    serde_json::Value::String(text.to_owned()).to_string()
}

impl fmt::Display for Path {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("$")?;
        for step in &self.0 {
            match step {
                Step::Key(key) if is_plain(key) => write!(f, ".{key}")?,
                Step::Key(key) => write!(f, ".{}", quoted(key))?,
                Step::Index(index) => write!(f, "[{index}]")?,
                Step::Elements => f.write_str("[]")?,
                Step::Values => f.write_str(".{}")?,
            }
        }
        Ok(())
    }
}

/// A text that is no path.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "{text:?} is not a path: at byte {at} {expected} was expected. Write $, then .key, .\"a key\", [0], [-1], [] (every \
     element) or .{{}} (every value), for example $.leaderboard[].pnl"
)]
pub struct BadPath {
    /// The text.
    pub text: String,
    /// Bytes before what is not understood.
    pub at: usize,
    /// What could stand there.
    pub expected: &'static str,
}

impl FromStr for Path {
    type Err = BadPath;

    fn from_str(text: &str) -> Result<Path, BadPath> {
        let bad = |rest: &str, expected| BadPath { text: text.to_owned(), at: text.len() - rest.len(), expected };
        let mut rest = text.strip_prefix('$').ok_or_else(|| bad(text, "$"))?;
        let mut steps = Vec::new();
        while !rest.is_empty() {
            let step = if let Some(behind) = rest.strip_prefix("[]").or_else(|| rest.strip_prefix("[*]")) {
                rest = behind;
                Step::Elements
            } else if let Some(behind) = rest.strip_prefix('[') {
                let (index, behind) = behind.split_once(']').ok_or_else(|| bad(behind, "a number and ]"))?;
                let index = index.parse().map_err(|_| bad(rest, "[0], [-1] or []"))?;
                rest = behind;
                Step::Index(index)
            } else if let Some(behind) = rest.strip_prefix(".{}") {
                rest = behind;
                Step::Values
            } else if let Some(behind) = rest.strip_prefix('.') {
                let (key, behind) = key(behind).ok_or_else(|| bad(behind, "a key"))?;
                rest = behind;
                Step::Key(key)
            } else {
                return Err(bad(rest, "a point or a bracket"));
            };
            steps.push(step);
        }
        Ok(Path(steps))
    }
}

/// A key, plain or in quotes, and what stands behind it.
fn key(text: &str) -> Option<(String, &str)> {
    if text.starts_with('"') {
        let mut stream = serde_json::Deserializer::from_str(text).into_iter::<String>();
        let key = stream.next()?.ok()?;
        return Some((key, text.get(stream.byte_offset()..)?));
    }
    let length = text.find(|c: char| !(c.is_alphanumeric() || c == '_')).unwrap_or(text.len());
    let (key, rest) = text.split_at_checked(length)?;
    (!key.is_empty()).then(|| (key.to_owned(), rest))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    #[test]
    fn a_path_reads_back_as_it_is_written() {
        for text in [
            "$",
            "$.price",
            "$.leaderboard[].pnl",
            "$.leaderboard[0].pnl",
            "$.leaderboard[-1]",
            "$.partialPrices.values.{}",
            "$.\"a key.with \\\"signs\\\"\".b",
            "$[][].x",
            "$.prix_é",
        ] {
            assert_eq!(text.parse::<Path>().unwrap().to_string(), text);
        }
        assert_eq!("$.a[*].b".parse::<Path>().unwrap(), "$.a[].b".parse().unwrap());
    }

    #[test]
    fn what_is_no_path_is_refused_with_its_place() {
        for (text, at) in
            [("", 0), ("price", 0), ("$price", 1), ("$.", 2), ("$.a[x]", 3), ("$.a[1", 4), ("$.\"a", 2)]
        {
            let error = text.parse::<Path>().unwrap_err();
            assert_eq!(error.at, at, "{error}");
            assert!(error.to_string().contains("$.leaderboard[].pnl"));
        }
    }
}
