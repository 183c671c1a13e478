//! What is known of a subject from the data, in a few lines for the person who is to decide.

use std::collections::BTreeMap;

use crate::sql::cells::visible;
use crate::verify::check::Scope;
use crate::verify::explore::Explorer;
use crate::verify::explore::field::FieldView;
use crate::verify::subject::Subject;

/// Values shown of a field that has few.
const VALUES: usize = 12;

/// The facts of a subject's field; nothing for rules without one, and for fields that the data do not have.
pub(super) fn of(explorer: &Explorer, subject: &str) -> Vec<String> {
    let Ok(subject) = subject.parse::<Subject>() else { return Vec::new() };
    let Some(path) = subject.path else { return Vec::new() };
    match explorer.field(&Scope::default(), &subject.event_name, &path, &|| false) {
        Ok(field) if field.count > 0 => lines(&field),
        _ => vec![format!("Facts: no stored {} has {path}", subject.event_name)],
    }
}

fn lines(field: &FieldView) -> Vec<String> {
    let mut lines = Vec::new();
    let presence =
        field.presence.map_or(String::new(), |percent| format!(", in {percent} % of the objects it can be in"));
    lines.push(format!("Facts: {} times{presence}; {}", field.count, counted(&field.types)));
    if !field.presence_by_phase.is_empty() {
        let phases: Vec<String> =
            field.presence_by_phase.iter().map(|(phase, percent)| format!("{phase} {percent} %")).collect();
        lines.push(format!("  there by phase: {}", phases.join(", ")));
    }
    if let (Some(min), Some(max)) = (field.min, field.max) {
        lines.push(format!("  from {min} to {max}"));
    }
    if !field.values.is_empty() {
        let mut values: Vec<(&String, &u64)> = field.values.iter().collect();
        values.sort_by_key(|(_, count)| std::cmp::Reverse(**count));
        let more = values.len().saturating_sub(VALUES);
        let shown: Vec<String> =
            values.iter().take(VALUES).map(|(value, count)| format!("{} ({count})", visible(value))).collect();
        let more = if more > 0 { format!(", and {more} more") } else { String::new() };
        lines.push(format!("  values: {}{more}", shown.join(", ")));
    }
    if let (Some(first), Some(last)) = (&field.first, &field.last) {
        lines.push(format!("  seen from {first} to {last}"));
    }
    if let Some(meaning) = &field.meaning {
        let unit = field.unit.as_ref().map_or(String::new(), |unit| format!(" [{unit}]"));
        lines.push(format!("  documents say: {meaning}{unit}"));
    }
    lines
}

/// `number 12, null 3`.
fn counted(counts: &BTreeMap<String, u64>) -> String {
    counts.iter().map(|(name, count)| format!("{name} {count}")).collect::<Vec<_>>().join(", ")
}
