//! What people decided about subjects, as the explorer shows it beside the data.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::sql::cells::visible;
use crate::verify::mark::state::{State, SubjectState};
use crate::verify::mark::{Authority, Correction, CorrectionKind, MarkState};
use crate::verify::subject::{Subject, SubjectKind, Variant};

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
    /// How many cases of the data stand behind it, and against it.
    pub support: Cases,
    /// What is right instead of what is written, the newest of each kind.
    pub corrections: Vec<Correction>,
    /// Of a field: the marks on its unit, its values, its formulas, each with its kind: `unit canonical`.
    pub parts: Vec<String>,
}

/// How often the data bear a statement out.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Cases {
    /// Cases for which it holds; frames, where the statement is prose.
    pub supports: u64,
    /// Cases for which it does not.
    pub contradicts: u64,
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
            support: Cases { supports: state.support.events, contradicts: state.support.counterexamples },
            corrections: state.corrections.values().cloned().collect(),
            parts: Vec::new(),
        }
    }

    /// In one word or a few: `canonical`, `verified`, `needs_correction`, with `relayed` and `stale` where they apply; behind
    /// it the marks on parts of a field: `verified; unit canonical`.
    pub fn badge(&self) -> String {
        if self.parts.is_empty() {
            return self.own_badge();
        }
        let own = self.is_marked().then(|| self.own_badge());
        own.into_iter().chain(self.parts.iter().cloned()).collect::<Vec<_>>().join("; ")
    }

    fn own_badge(&self) -> String {
        let word = match self.mark.as_str() {
            _ if self.canonical => "canonical",
            "" => UNVERIFIED,
            word => word,
        };
        let relayed = if self.relayed { " (relayed)" } else { "" };
        let stale = if self.stale { ", stale" } else { "" };
        format!("{word}{relayed}{stale}")
    }

    /// Whether the subject itself, not only a part of it, is marked.
    fn is_marked(&self) -> bool {
        !self.mark.is_empty() && self.mark != UNVERIFIED
    }
}

/// What has no mark.
pub const UNVERIFIED: &str = "unverified";

/// A mark on a rule, a unit, a value: what has no row of its own, or none among those shown.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Ruling {
    /// The subject.
    pub subject: String,
    /// Its badge.
    pub mark: String,
    /// What was decided.
    pub statement: String,
    /// Cases of the data behind it and against it, as of the decision or the last recheck.
    pub cases: Cases,
    /// What it corrects: kind, written, right.
    #[serde(skip_serializing_if = "Vec::is_empty", default)]
    pub corrections: Vec<Correction>,
}

/// The marks by subject key. A field of which only a part is marked (its unit, a value) stands here too, itself unverified,
/// with that part: [`Marks::new`] sees to it.
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

/// Whether this is an event or a field as such, which the explorer shows in a row of its own.
fn is_plain(subject: &Subject) -> bool {
    matches!(subject.kind, SubjectKind::Event | SubjectKind::Field)
        && subject.direction.is_none()
        && subject.variant.is_none()
}

/// What of a field a subject is about, in a word or two: `unit`, `value short_open`, `formula payout`, `snapshot`.
fn part(subject: &Subject) -> String {
    let kind = match subject.kind {
        SubjectKind::EnumValue => "value",
        SubjectKind::Field => "",
        other => other.as_str(),
    };
    let name = subject.value.as_deref().or(subject.expr.as_deref()).unwrap_or_default();
    let name: String = visible(name).chars().take(NAME).collect();
    let form = subject.variant.map_or("", Variant::as_str);
    let words = [kind, name.as_str(), form, subject.direction.as_deref().unwrap_or_default()];
    words.into_iter().filter(|word| !word.is_empty()).collect::<Vec<_>>().join(" ")
}

/// Characters of a value or a rule's name that stand in a badge.
const NAME: usize = 24;

impl Marks {
    /// The marks of these subjects.
    pub fn new(subjects: impl IntoIterator<Item = (String, Shown)>) -> Marks {
        let mut marks: BTreeMap<String, Shown> = subjects.into_iter().collect();
        let mut parts = Vec::new();
        for (key, shown) in marks.iter().filter(|(_, shown)| shown.is_marked()) {
            let Ok(subject) = key.parse::<Subject>() else { continue };
            if let Some(path) = subject.path.as_deref().filter(|_| !is_plain(&subject)) {
                parts.push((
                    field_key(&subject.event_name, path),
                    format!("{} {}", part(&subject), shown.own_badge()),
                ));
            }
        }
        for (field, part) in parts {
            let unmarked = || Shown { mark: UNVERIFIED.to_owned(), ..Shown::default() };
            marks.entry(field).or_insert_with(unmarked).parts.push(part);
        }
        Marks(marks)
    }

    /// The mark of an event.
    pub fn event(&self, event: &str) -> Option<&Shown> {
        self.0.get(&event_key(event))
    }

    /// The mark of a field, and those on its unit, its values, its formulas.
    pub fn field(&self, event: &str, path: &str) -> Option<&Shown> {
        self.0.get(&field_key(event, path))
    }

    /// The marks in force.
    pub fn of(state: &State) -> Marks {
        Marks::new(state.subjects.iter().map(|(key, subject)| (key.clone(), Shown::of(subject))))
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

    /// The marks about an event that stand in no row: those of its rules, of units, values and formulas of its fields, and
    /// those of fields without a row, as data that never have a field have none for it. `rows` are the paths that have one.
    pub fn rulings(&self, event: &str, rows: &dyn Fn(&str) -> bool) -> Vec<Ruling> {
        self.about(event, |subject| match &subject.path {
            Some(path) => !is_plain(subject) || !rows(path),
            None => !is_plain(subject),
        })
    }

    /// The marks about a field besides its own: of its unit, its values, its formulas, of it in one form of the packet.
    pub fn of_parts(&self, event: &str, path: &str) -> Vec<Ruling> {
        self.about(event, |subject| subject.path.as_deref() == Some(path) && !is_plain(subject))
    }

    /// Every mark about an event and what belongs to it, those on fields among them.
    pub fn about(&self, event: &str, wanted: impl Fn(&Subject) -> bool) -> Vec<Ruling> {
        let ruling = |(key, shown): (&String, &Shown)| {
            // A field that stands here for its parts alone was not decided on.
            let decided = shown.is_marked() || shown.statement.is_some();
            let subject: Subject = key.parse().ok().filter(|_| decided)?;
            (subject.event_name == event && wanted(&subject)).then(|| Ruling {
                subject: key.clone(),
                mark: shown.own_badge(),
                statement: shown.statement.clone().unwrap_or_default(),
                cases: shown.support,
                corrections: shown.corrections.clone(),
            })
        };
        self.0.iter().filter_map(ruling).collect()
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
