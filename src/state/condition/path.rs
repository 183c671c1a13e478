//! The path of a field in a payload: `leaderboard[0].pnl`.

use super::ConditionError;

/// A step into a payload.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Step {
    Key(String),
    Index(usize),
}

/// `leaderboard[0].pnl`, with or without a leading `$.`.
pub(super) fn path(text: &str) -> Result<Vec<Step>, ConditionError> {
    let failed = |at: usize| ConditionError::Path { path: text.to_owned(), at: at + 1 };
    let start = if text.starts_with("$.") { 2 } else { 0 };
    let mut steps = Vec::new();
    let mut rest = text.get(start..).unwrap_or_default();
    let place = |rest: &str| text.chars().count().saturating_sub(rest.chars().count());
    if rest.is_empty() {
        return Err(failed(place(rest)));
    }
    loop {
        let end = rest.find(['.', '[']).unwrap_or(rest.len());
        let (key, after) = rest.split_at(end);
        if key.is_empty() || key.contains(']') {
            return Err(failed(place(rest)));
        }
        steps.push(Step::Key(key.to_owned()));
        rest = after;
        while let Some(inside) = rest.strip_prefix('[') {
            let (index, after) = inside.split_once(']').ok_or_else(|| failed(place(inside)))?;
            steps.push(Step::Index(index.parse().map_err(|_| failed(place(inside)))?));
            rest = after;
        }
        match rest.strip_prefix('.') {
            Some(more) if !more.is_empty() => rest = more,
            None if rest.is_empty() => return Ok(steps),
            _ => return Err(failed(place(rest))),
        }
    }
}
