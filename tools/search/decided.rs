//! What people decided about the text of a hit.

use crate::index::units::{Unit, UnitKind};
use crate::sql::cells::visible;
use crate::verify::explore::marks::{Marks, Ruling, Shown, UNVERIFIED};
use crate::verify::mark::Correction;

/// Marks on parts of what a hit is about that are told, and characters of the statement of each.
const MARKED: usize = 6;
const STATEMENT: usize = 120;

/// What people decided about what a text is about, as it is in force now: the index need not be made anew for it.
#[derive(Default)]
pub(super) struct Decided {
    /// The badge.
    pub(super) mark: Option<String>,
    /// Marks on parts of it, a line each.
    pub(super) marked: Vec<String>,
    /// What is right instead of what is written.
    pub(super) corrections: Vec<Correction>,
}

/// Looks it up.
pub(super) fn decided(unit: &Unit, marks: &Marks) -> Decided {
    let badge = |shown: Option<&Shown>| Some(shown.map_or_else(|| UNVERIFIED.to_owned(), Shown::badge));
    match (&unit.event_name, &unit.field_path, unit.kind) {
        (Some(event), Some(path), _) => Decided {
            mark: badge(marks.field(event, path)),
            marked: told(&marks.of_parts(event, path)),
            corrections: marks.corrections(event, path).cloned().collect(),
        },
        (Some(event), None, UnitKind::EventCard | UnitKind::Sample | UnitKind::Anomaly) => {
            let about = marks.rulings(event, &|_| false);
            Decided { mark: badge(marks.event(event)), marked: told(&about), corrections: corrected(about) }
        }
        // A chapter of the reference says many things: marked is what of it somebody decided on, never the whole.
        (_, _, UnitKind::Reference) => {
            let about = unit.event_name.as_deref().map_or_else(Vec::new, |event| named(unit, event, marks));
            let mark = if about.is_empty() { UNVERIFIED } else { "partly marked" };
            Decided { mark: Some(mark.to_owned()), marked: told(&about), corrections: corrected(about) }
        }
        _ => Decided::default(),
    }
}

/// The marks on an event's fields and rules that a text names.
fn named(unit: &Unit, event: &str, marks: &Marks) -> Vec<Ruling> {
    let text = unit.text.as_str();
    let names = |name: &str| {
        text.match_indices(name).any(|(at, name)| {
            let part_of_a_word = |c: char| c.is_alphanumeric() || c == '_';
            let before = text.get(..at).and_then(|text| text.chars().next_back());
            let behind = text.get(at + name.len()..).and_then(|text| text.chars().next());
            !before.is_some_and(part_of_a_word) && !behind.is_some_and(part_of_a_word)
        })
    };
    let last = |path: &str| path.rsplit('.').next().unwrap_or(path).trim_end_matches("[]").to_owned();
    marks.about(event, |subject| {
        subject.path.as_deref().map(last).or(subject.expr.clone()).is_some_and(|n| names(&n))
    })
}

/// Marks in a line each, so many as fit into a hit.
fn told(about: &[Ruling]) -> Vec<String> {
    let line = |one: &Ruling| {
        let statement: String = visible(&one.statement).chars().take(STATEMENT).collect();
        format!("{} [{}]: {statement}", one.subject, one.mark)
    };
    let mut lines: Vec<String> = about.iter().take(MARKED).map(line).collect();
    if about.len() > MARKED {
        lines.push(format!("and {} more: describe_protocol with the event tells all", about.len() - MARKED));
    }
    lines
}

fn corrected(about: Vec<Ruling>) -> Vec<Correction> {
    about.into_iter().take(MARKED).flat_map(|one| one.corrections).collect()
}
