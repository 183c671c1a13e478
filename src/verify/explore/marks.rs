//! What people decided about subjects, as the explorer shows it beside the data.

use std::collections::BTreeMap;

/// The state of one subject.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Shown {
    /// verified, needs_correction or unverified.
    pub mark: String,
    /// Verified by a person, and corroborated by the data.
    pub canonical: bool,
    /// Later data contradict it.
    pub stale: bool,
    /// What was decided about it.
    pub statement: Option<String>,
}

impl Shown {
    /// In one word or two: `canonical`, `verified`, `needs_correction`, with `stale` where it applies.
    pub fn badge(&self) -> String {
        let word = if self.canonical { "canonical" } else { self.mark.as_str() };
        if self.stale { format!("{word}, stale") } else { word.to_owned() }
    }
}

/// The marks by subject key.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Marks(pub BTreeMap<String, Shown>);

/// The key of an event.
pub fn event_key(event: &str) -> String {
    format!("event:{event}")
}

/// The key of a field.
pub fn field_key(event: &str, path: &str) -> String {
    format!("field:{event}#{path}")
}

impl Marks {
    /// The mark of an event.
    pub fn event(&self, event: &str) -> Option<&Shown> {
        self.0.get(&event_key(event))
    }

    /// The mark of a field.
    pub fn field(&self, event: &str, path: &str) -> Option<&Shown> {
        self.0.get(&field_key(event, path))
    }

    /// Marked subjects of an event, the event itself among them: how many verified, how many to be corrected.
    pub fn counts(&self, event: &str) -> (u64, u64) {
        let own = event_key(event);
        let infix = format!(":{event}#");
        let of_event = self.0.iter().filter(|(key, _)| **key == own || key.contains(&infix));
        of_event.fold((0, 0), |(verified, wrong), (_, shown)| match shown.mark.as_str() {
            "verified" => (verified + 1, wrong),
            "needs_correction" => (verified, wrong + 1),
            _ => (verified, wrong),
        })
    }
}
