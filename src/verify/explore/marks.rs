//! What people decided about subjects, as the explorer shows it beside the data.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::verify::mark::state::{State, SubjectState};
use crate::verify::mark::{Authority, Correction, CorrectionKind, MarkState};
use crate::verify::subject::{Subject, SubjectKind};

/// The state of one subject.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Shown {
    /// verified, needs_correction or unverified.
    pub mark: String,
    /// Verified by a person, and corroborated by the data.
    pub canonical: bool,
    /// An agent says that the person said so.
    pub relayed: bool,
    /// Later data contradict it.
    pub stale: bool,
    /// What was decided about it.
    pub statement: Option<String>,
    /// What is right instead of what is written, the newest of each kind.
    pub corrections: Vec<Correction>,
}

impl Shown {
    /// As it is in force.
    pub fn of(state: &SubjectState) -> Shown {
        Shown {
            mark: state.state.as_str().to_owned(),
            canonical: state.canonical(),
            relayed: state.state != MarkState::Unverified && state.actor.authority == Authority::Relayed,
            stale: state.stale.is_some(),
            statement: Some(state.statement.clone()),
            corrections: state.corrections.values().cloned().collect(),
        }
    }

    /// In one word or a few: `canonical`, `verified`, `needs_correction`, with `relayed` and `stale` where they apply.
    pub fn badge(&self) -> String {
        let word = if self.canonical { "canonical" } else { self.mark.as_str() };
        let relayed = if self.relayed { " (relayed)" } else { "" };
        let stale = if self.stale { ", stale" } else { "" };
        format!("{word}{relayed}{stale}")
    }
}

/// A mark on a rule, a unit, a value: what has no row of its own.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Ruling {
    /// The subject.
    pub subject: String,
    /// Its badge.
    pub mark: String,
    /// What was decided.
    pub statement: String,
    /// What it corrects: kind, written, right.
    #[serde(skip_serializing_if = "Vec::is_empty", default)]
    pub corrections: Vec<Correction>,
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

    /// The marks in force.
    pub fn of(state: &State) -> Marks {
        Marks(state.subjects.iter().map(|(key, subject)| (key.clone(), Shown::of(subject))).collect())
    }

    /// The corrections in force for a field: of the field, of its unit, of its values and formulas.
    pub fn corrections<'m>(&'m self, event: &str, path: &str) -> impl Iterator<Item = &'m Correction> + use<'m> {
        let key = field_key(event, path);
        let at = key.strip_prefix("field").unwrap_or_default().to_owned();
        let own = ["field", "unit"].into_iter().filter_map({
            let at = at.clone();
            move |kind| self.0.get(&format!("{kind}{at}"))
        });
        let named = ["enum_value", "formula", "phase_rule"].into_iter().flat_map(move |kind| {
            let prefix = format!("{kind}{at}");
            let of_path = prefix.clone();
            self.0
                .range(prefix..)
                .take_while(move |(key, _)| key.starts_with(&of_path))
                .filter({
                    let length = kind.len() + at.len();
                    move |(key, _)| key.get(length..).is_some_and(|rest| rest.starts_with(['=', '?']))
                })
                .map(|(_, shown)| shown)
        });
        own.chain(named).flat_map(|shown| &shown.corrections)
    }

    /// What a correction says instead of what is written.
    pub fn corrected<'m>(&'m self, event: &str, path: &str, kind: CorrectionKind) -> Option<&'m str> {
        let mut of_kind = self.corrections(event, path).filter(|correction| correction.kind == kind);
        of_kind.next().map(|correction| correction.new.as_str())
    }

    /// The marks about an event, or about one of its fields, that stand in no row of the table of fields.
    pub fn rulings(&self, event: &str, path: Option<&str>) -> Vec<Ruling> {
        let of_event = |(key, shown): (&String, &Shown)| {
            let subject: Subject = key.parse().ok()?;
            let own = match path {
                Some(path) => subject.path.as_deref() == Some(path),
                None => subject.path.is_none() || !matches!(subject.kind, SubjectKind::Field | SubjectKind::Unit),
            };
            let is_row = matches!(subject.kind, SubjectKind::Event | SubjectKind::Field);
            let is_plain = subject.direction.is_none() && subject.variant.is_none();
            (subject.event_name == event && own && !(is_row && is_plain)).then(|| Ruling {
                subject: key.clone(),
                mark: shown.badge(),
                statement: shown.statement.clone().unwrap_or_default(),
                corrections: shown.corrections.clone(),
            })
        };
        self.0.iter().filter_map(of_event).collect()
    }

    /// Marked subjects of an event, the event itself among them: how many verified, how many to be corrected.
    pub fn counts(&self, event: &str) -> (u64, u64) {
        let names = |key: &str| {
            let rest = key.split_once(':').map_or("", |(_, rest)| rest);
            rest.strip_prefix(event).is_some_and(|rest| rest.is_empty() || rest.starts_with(['#', '?', '@', '~']))
        };
        let of_event = self.0.iter().filter(|(key, _)| names(key));
        of_event.fold((0, 0), |(verified, wrong), (_, shown)| match shown.mark.as_str() {
            "verified" => (verified + 1, wrong),
            "needs_correction" => (verified, wrong + 1),
            _ => (verified, wrong),
        })
    }
}
