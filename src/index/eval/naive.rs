//! The first design's chunking, as a yardstick: one sentence per recorded event.

use std::collections::BTreeMap;

use arrow::array::{Array, AsArray, StringArray};
use serde_json::Value;
use serde_json::value::RawValue;

use super::super::embed::Embedder;
use super::super::error::IndexError;
use crate::protocol::line::{self, LineFormat};
use crate::store::root::DataRoot;
use crate::store::scan::{ScanFilter, scan};
use crate::store::schema::DocType;

/// Sentences of one event at most: enough that more of the same adds nothing, few enough to embed in a minute.
pub const PER_EVENT: usize = 200;

/// Top-level values that a sentence tells.
const VALUES: usize = 12;

/// Texts the model gets at once.
const TEXTS: usize = 32;

/// One sentence per recorded event; of events that were recorded often, every n-th.
///
/// # Errors
/// Those of the store.
pub fn sentences(root: &DataRoot) -> Result<Vec<String>, IndexError> {
    let mut kept: BTreeMap<String, Thinned> = BTreeMap::new();
    for batch in scan(root, DocType::WsEvent, &ScanFilter::default())? {
        let batch = batch?;
        let column = |name: &str| batch.column_by_name(name).and_then(|column| column.as_string_opt::<i32>());
        let names = column("event_name");
        let others = ["raw_json", "format", "direction", "source", "game_id", "phase"].map(column);
        for row in 0..batch.num_rows() {
            let Some(name) = cell(names, row) else { continue };
            let thinned = kept.entry(name.to_owned()).or_default();
            if thinned.wants() {
                let [raw, format, direction, source, game_id, phase] = others.map(|column| cell(column, row));
                let payload = payload(format, name, raw.unwrap_or_default());
                thinned.push(sentence(name, payload.as_ref(), [direction, source, game_id, phase]));
            }
        }
    }
    Ok(kept.into_values().flat_map(|thinned| thinned.kept).collect())
}

fn cell(column: Option<&StringArray>, row: usize) -> Option<&str> {
    column.filter(|column| column.is_valid(row)).map(|column| column.value(row))
}

/// Every n-th of a stream of unknown length, n growing so that at most [`PER_EVENT`] stay.
#[derive(Debug)]
struct Thinned {
    kept: Vec<String>,
    step: usize,
    seen: usize,
}

impl Default for Thinned {
    fn default() -> Self {
        Thinned { kept: Vec::new(), step: 1, seen: 0 }
    }
}

impl Thinned {
    fn wants(&mut self) -> bool {
        let wanted = self.seen.is_multiple_of(self.step);
        self.seen += 1;
        wanted
    }

    fn push(&mut self, text: String) {
        self.kept.push(text);
        if self.kept.len() > PER_EVENT {
            let mut odd = false;
            self.kept.retain(|_| {
                odd = !odd;
                odd
            });
            self.step *= 2;
        }
    }
}

/// The sentence of one event.
fn sentence(
    name: &str,
    payload: Option<&Value>,
    [direction, source, game_id, phase]: [Option<&str>; 4],
) -> String {
    let values: Vec<String> = payload
        .and_then(Value::as_object)
        .into_iter()
        .flatten()
        .filter(|(_, value)| !value.is_object() && !value.is_array())
        .take(VALUES)
        .map(|(key, value)| format!("{key} {value}"))
        .collect();
    let mut text =
        format!("Event {name} was {} via {}", direction.unwrap_or("received"), source.unwrap_or("unknown"));
    if let Some(game_id) = game_id {
        text.push_str(&format!(" in game {game_id}"));
    }
    if let Some(phase) = phase {
        text.push_str(&format!(" during phase {phase}"));
    }
    if !values.is_empty() {
        text.push_str(&format!(" with {}", values.join(", ")));
    }
    text.push('.');
    text
}

/// The payload of a stored text, whatever its format.
fn payload(format: Option<&str>, name: &str, raw: &str) -> Option<Value> {
    let format = format.and_then(LineFormat::from_name).unwrap_or(LineFormat::Wire);
    let parsed = |payload: Option<&RawValue>| serde_json::from_str(payload?.get()).ok();
    match line::inner(format, raw) {
        Some(inner) => parsed(line::decode(inner.format, inner.hint.as_deref(), &inner.text).payload),
        None => parsed(line::decode(format, Some(name), raw).payload),
    }
}

/// For each question the numbers of the sentences nearest in meaning.
///
/// # Errors
/// When the model fails.
pub fn by_meaning(
    embedder: &dyn Embedder,
    sentences: &[String],
    questions: &[String],
    limit: usize,
) -> Result<Vec<Vec<usize>>, IndexError> {
    let texts = embed(embedder, sentences)?;
    let asked = embed(embedder, questions)?;
    Ok(asked
        .iter()
        .map(|question| {
            let product = |text: &Vec<f32>| text.iter().zip(question).map(|(a, b)| f64::from(a * b)).sum::<f64>();
            let mut ranked: Vec<(usize, f64)> =
                texts.iter().enumerate().map(|(at, text)| (at, product(text))).collect();
            ranked.sort_by(|a, b| b.1.total_cmp(&a.1).then(a.0.cmp(&b.0)));
            ranked.into_iter().take(limit).map(|(at, _)| at).collect()
        })
        .collect())
}

fn embed(embedder: &dyn Embedder, texts: &[String]) -> Result<Vec<Vec<f32>>, IndexError> {
    let mut vectors = Vec::with_capacity(texts.len());
    for some in texts.chunks(TEXTS) {
        let some: Vec<&str> = some.iter().map(String::as_str).collect();
        vectors.extend(embedder.embed(&some).map_err(|error| IndexError::Embedding(error.to_string()))?);
    }
    Ok(vectors)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

    use super::*;

    #[test]
    fn a_sentence_tells_the_scalars_of_the_payload() {
        let raw = r#"42["standard/newTrade",{"__trace":true},{"type":"buy","qty":2.5,"list":[1]}]"#;
        let payload = payload(None, "standard/newTrade", raw);
        let text =
            sentence("standard/newTrade", payload.as_ref(), [Some("received"), Some("cdp"), Some("g1"), None]);
        assert_eq!(text, r#"Event standard/newTrade was received via cdp in game g1 with type "buy", qty 2.5."#);
        assert_eq!(sentence("x", None, [None; 4]), "Event x was received via unknown.");
    }

    #[test]
    fn often_recorded_events_are_thinned_evenly() {
        let mut thinned = Thinned::default();
        for at in 0..10_000 {
            if thinned.wants() {
                thinned.push(at.to_string());
            }
        }
        assert!((PER_EVENT / 2..=PER_EVENT).contains(&thinned.kept.len()), "{}", thinned.kept.len());
        let last: usize = thinned.kept.last().unwrap().parse().unwrap();
        assert!(last > 9_000, "{last}");
        assert_eq!(thinned.kept[0], "0");
    }
}
