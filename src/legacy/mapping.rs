//! `--map ts=time_ms,frame=msg.raw`: the user says where the parts of a line are, by paths with dots.

use std::fmt;

use serde_json::value::RawValue;

use super::error::LegacyError;
use super::fields::Fields;

/// A part of a line.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Part {
    /// When it happened.
    Time,
    /// Which way the frame went.
    Direction,
    /// The text of the frame.
    Frame,
    /// The event's name, where there is no frame.
    Event,
    /// The event's payload.
    Data,
}

const PARTS: [(&str, Part); 5] = [
    ("ts", Part::Time),
    ("dir", Part::Direction),
    ("frame", Part::Frame),
    ("event", Part::Event),
    ("data", Part::Data),
];

/// Where the parts of a line are.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Mapping(Vec<(Part, String)>);

impl Mapping {
    /// Reads `part=path,…`.
    ///
    /// # Errors
    /// What is wrong with it, and how it should look.
    pub fn parse(text: &str) -> Result<Mapping, LegacyError> {
        let wrong = |what: String| {
            let example = "for example --map ts=time_ms,frame=msg.raw or --map ts=at,event=name,data=body";
            LegacyError::Argument(format!("--map {text}: {what}; {example}"))
        };
        let mut parts: Vec<(Part, String)> = Vec::new();
        for pair in text.split(',') {
            let Some((name, path)) = pair.split_once('=') else {
                return Err(wrong(format!("\"{pair}\" is not of the form part=path")));
            };
            let (name, path) = (name.trim(), path.trim());
            let Some((_, part)) = PARTS.into_iter().find(|(known, _)| *known == name) else {
                return Err(wrong(format!(
                    "there is no part \"{name}\"; the parts are ts, dir, frame, event and data"
                )));
            };
            if path.is_empty() || path.split('.').any(str::is_empty) {
                return Err(wrong(format!("the path of {name} is empty")));
            }
            if parts.iter().any(|(known, _)| *known == part) {
                return Err(wrong(format!("{name} is there twice")));
            }
            parts.push((part, path.to_owned()));
        }
        let has = |part| parts.iter().any(|(known, _)| *known == part);
        match (has(Part::Frame), has(Part::Event), has(Part::Data)) {
            (false, false, _) => Err(wrong("frame or event is missing".to_owned())),
            (true, true, _) | (true, _, true) => Err(wrong("a frame holds its event and data already".to_owned())),
            _ => Ok(Mapping(parts)),
        }
    }

    /// The path of a part, where the user named one.
    pub fn path(&self, part: Part) -> Option<&str> {
        self.0.iter().find(|(known, _)| *known == part).map(|(_, path)| path.as_str())
    }

    /// The value of a part in a line.
    pub fn value<'a>(&self, part: Part, fields: &Fields<'a>) -> Option<&'a RawValue> {
        let path = self.path(part)?;
        // A key may hold a dot itself.
        if let Some(value) = fields.get(path) {
            return Some(value);
        }
        let (first, rest) = match path.split_once('.') {
            Some((first, rest)) => (first, rest),
            None => return None,
        };
        let mut value = fields.get(first)?;
        for step in rest.split('.') {
            value = match step.parse::<usize>() {
                Ok(index) if value.get().starts_with('[') => {
                    serde_json::from_str::<Vec<&RawValue>>(value.get()).ok()?.get(index).copied()?
                }
                _ => Fields::parse(value.get()).ok()?.get(step)?,
            };
        }
        Some(value)
    }
}

impl fmt::Display for Mapping {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        for (n, (part, path)) in self.0.iter().enumerate() {
            let name = PARTS.iter().find(|(_, known)| known == part).map_or("", |(name, _)| name);
            write!(f, "{}{name}={path}", if n == 0 { "" } else { "," })?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn paths_go_into_objects_and_lists() {
        let mapping = Mapping::parse("ts=time_ms, frame=msg.parts.1").unwrap();
        let fields = Fields::parse(r#"{"time_ms": 1, "msg": {"parts": ["a", "42[]"]}}"#).unwrap();
        assert_eq!(mapping.value(Part::Frame, &fields).unwrap().get(), "\"42[]\"");
        assert_eq!(mapping.value(Part::Time, &fields).unwrap().get(), "1");
        assert!(mapping.value(Part::Direction, &fields).is_none());
        assert_eq!(mapping.to_string(), "ts=time_ms,frame=msg.parts.1");
    }

    #[test]
    fn a_mapping_that_cannot_work_says_why_and_how_it_should_look() {
        for (text, why) in [
            ("frame", "part=path"),
            ("when=x,frame=y", "the parts are ts, dir, frame, event and data"),
            ("ts=x", "frame or event is missing"),
            ("frame=a,frame=b", "twice"),
            ("frame=a..b", "empty"),
            ("frame=a,event=b", "already"),
        ] {
            let error = Mapping::parse(text).unwrap_err().to_string();
            assert!(error.contains(why) && error.contains("for example --map"), "{error}");
        }
    }
}
