//! What is written about fields, put right: the shipped catalogue's unit, meaning and types with the corrections in force,
//! and the same in the texts of the index, which are made of the catalogue alone.

use super::marks::Marks;
use crate::index::units::text::both;
use crate::index::units::{Unit, UnitKind};
use crate::protocol::catalogue::{EventDoc, FieldDoc, catalogue};
use crate::verify::mark::CorrectionKind;

/// What is written about a field; absent is what nobody wrote.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Written<'a> {
    /// What a value means.
    pub meaning: Option<&'a str>,
    /// Its unit; absent where it has none.
    pub unit: Option<&'a str>,
    /// JSON types, `|` between them.
    pub types: Option<&'a str>,
}

/// What is written about a field of an event, with the corrections in force.
pub fn written<'a>(marks: &'a Marks, event: &str, path: &str, doc: Option<&'a FieldDoc>) -> Written<'a> {
    let corrected = |kind| marks.corrected(event, path, kind);
    Written {
        meaning: corrected(CorrectionKind::Meaning).or(doc.map(|doc| doc.meaning.as_str())),
        unit: corrected(CorrectionKind::Unit).or(doc.map(|doc| doc.unit.as_str())).filter(|unit| !unit.is_empty()),
        types: corrected(CorrectionKind::Type).or(doc.map(|doc| doc.types.as_str())),
    }
}

/// The text of a card of the index with the corrections in force. The index need not be made anew for them.
pub fn card(unit: &Unit, marks: &Marks) -> String {
    let Some(event) = unit.event_name.as_deref().filter(|_| !marks.0.is_empty()) else {
        return unit.text.clone();
    };
    let Some(doc) = catalogue().event(event) else { return unit.text.clone() };
    match (unit.kind, unit.field_path.as_deref()) {
        (UnitKind::FieldCard, Some(path)) => field_card(&unit.text, event, path, doc, marks),
        (UnitKind::EventCard, _) => event_card(&unit.text, event, doc, marks),
        _ => unit.text.clone(),
    }
}

fn field_card(text: &str, event: &str, path: &str, doc: &EventDoc, marks: &Marks) -> String {
    let known = doc.field(path);
    let right = written(marks, event, path, known);
    let mut text = text.to_owned();
    let (meaning, unit) = known.map_or(("", ""), |known| (known.meaning.as_str(), known.unit.as_str()));
    if let Some(new) = right.meaning.filter(|new| !meaning.is_empty() && *new != meaning) {
        text =
            text.replacen(&format!(": {meaning}."), &format!(": {new} (corrected; written was: {meaning})."), 1);
    }
    match right.unit {
        Some(new) if !unit.is_empty() && new != unit => {
            let put = format!(" Unit: {new} (corrected; written was: {unit}).");
            text.replacen(&format!(" Unit: {unit}."), &put, 1)
        }
        Some(new) if unit.is_empty() => format!("{text} Unit: {new} (corrected; none was written)."),
        _ => text,
    }
}

/// An event's card names the unit of amounts in SOL only.
fn event_card(text: &str, event: &str, doc: &EventDoc, marks: &Marks) -> String {
    let mut text = text.to_owned();
    for known in doc.fields.iter().filter(|field| field.unit == "SOL") {
        let Some(new) = written(marks, event, &known.path, Some(known)).unit.filter(|unit| *unit != "SOL") else {
            continue;
        };
        let Some(key) = known.path.strip_prefix("$.").filter(|key| !key.contains('.')) else { continue };
        let head = format!(" {} ", both(key));
        let Some(from) = text.find(&head).map(|at| at + head.len()) else { continue };
        let Some(end) = text.get(from..).and_then(|rest| rest.find(';')).map(|length| from + length) else {
            continue;
        };
        if let Some(types) = text.get(from..end).and_then(|item| item.strip_suffix(" SOL")).map(str::to_owned) {
            text.replace_range(from..end, &format!("{types} {new}"));
        }
    }
    text
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use crate::index::units::{events, fields};
    use crate::protocol::facts::SchemaFacts;
    use crate::verify::explore::marks::{Shown, field_key};
    use crate::verify::mark::Correction;

    fn corrected(kind: CorrectionKind, old: &str, new: &str) -> Marks {
        let correction = Correction { kind, old: old.into(), new: new.into() };
        let shown = Shown { mark: "verified".into(), corrections: vec![correction], ..Shown::default() };
        Marks::new([(field_key("playerUpdate", "$.cash"), shown)])
    }

    fn cash() -> Unit {
        let all = fields::units(&SchemaFacts::default());
        all.into_iter().find(|unit| unit.id == "field:playerUpdate:$.cash").unwrap()
    }

    #[test]
    fn a_card_tells_the_corrected_unit_and_what_was_written() {
        let marks = corrected(CorrectionKind::Unit, "SOL", "lamports");
        assert!(cash().text.contains("Unit: SOL."), "{}", cash().text);
        let text = card(&cash(), &marks);
        assert!(text.contains("Unit: lamports (corrected; written was: SOL)."), "{text}");
        let of_event = events::event(&SchemaFacts::default(), "playerUpdate").remove(0);
        assert!(of_event.text.contains(" cash number SOL;"), "{}", of_event.text);
        assert!(card(&of_event, &marks).contains(" cash number lamports;"), "{}", card(&of_event, &marks));
    }

    #[test]
    fn a_card_tells_the_corrected_meaning() {
        let known = catalogue().event("playerUpdate").unwrap().field("$.cash").unwrap();
        let marks = corrected(CorrectionKind::Meaning, &known.meaning, "what is left");
        assert!(card(&cash(), &marks).contains(": what is left (corrected; written was: "));
        assert_eq!(card(&cash(), &Marks::default()), cash().text);
    }
}
