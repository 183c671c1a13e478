//! Frames chosen to differ: by phase, by shape, by the extremes of their values.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::protocol::facts::{EventFacts, Field};

/// One frame and why it was chosen.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Sample {
    /// Its address, `session:seq`, for get_events.
    #[serde(rename = "ref")]
    pub event: String,
    /// Why it was chosen.
    pub why: String,
    /// Its phase, where the reason is one.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub phase: Option<String>,
    /// The payload made short: first elements of lists, cut texts, without what strangers wrote.
    pub preview: String,
}

/// Frames of an event. With a path, those that show its extremes and values come first.
pub fn samples(seen: &EventFacts, path: Option<&str>, most: usize) -> Vec<Sample> {
    let mut chosen: Vec<Sample> = Vec::new();
    let mut add = |sample: Sample| {
        let known = chosen.iter().any(|known| known.event == sample.event);
        if chosen.len() < most && !known && !sample.event.is_empty() {
            chosen.push(sample);
        }
    };
    match path {
        Some(path) => {
            if let Some(field) = seen.fields.get(path) {
                of_field(field).into_iter().for_each(&mut add);
            }
        }
        None => {
            of_shapes(seen).into_iter().for_each(&mut add);
            extremes(seen).into_iter().for_each(&mut add);
        }
    }
    chosen
}

/// One frame per phase, each of another shape where there is one; then the other shapes.
fn of_shapes(seen: &EventFacts) -> Vec<Sample> {
    let mut shapes: Vec<_> = seen.shapes.values().collect();
    shapes.sort_by(|a, b| b.count.cmp(&a.count).then_with(|| a.keys.cmp(&b.keys)));
    let mut phases: Vec<&str> = Vec::new();
    let mut first = Vec::new();
    let mut later = Vec::new();
    for (at, shape) in shapes.iter().enumerate() {
        for (phase, example) in &shape.samples {
            let sample = Sample {
                event: example.event.clone(),
                why: format!(
                    "shape {} of {}: {} keys, {} packets",
                    at + 1,
                    shapes.len(),
                    shape.keys.len(),
                    shape.count
                ),
                phase: Some(phase.clone()),
                preview: crate::sql::cells::visible(&example.text),
            };
            if phases.contains(&phase.as_str()) {
                later.push((at, sample));
            } else {
                phases.push(phase);
                first.push((at, sample));
            }
        }
    }
    // Of each further shape one frame before a second one of any.
    let mut told: Vec<usize> = first.iter().map(|(at, _)| *at).collect();
    let (mut new, mut rest) = (Vec::new(), Vec::new());
    for (at, sample) in later {
        if told.contains(&at) {
            rest.push(sample);
        } else {
            told.push(at);
            new.push(sample);
        }
    }
    first.into_iter().map(|(_, sample)| sample).chain(new).chain(rest).collect()
}

/// The largest values of the top-level numbers that vary.
fn extremes(seen: &EventFacts) -> Vec<Sample> {
    let Some(root) = seen.fields.root() else { return Vec::new() };
    let varies = |field: &&Field| field.min.zip(field.max).is_some_and(|(min, max)| min < max);
    seen.fields.children(root).filter(varies).flat_map(|field| of_field(field).into_iter().take(2)).collect()
}

/// The frames with the largest, the smallest and other values of a field.
fn of_field(field: &Field) -> Vec<Sample> {
    let at = |event: &str, why: String, value: String| Sample {
        event: event.to_owned(),
        why,
        phase: None,
        preview: format!("{} = {}", field.path.trim_start_matches("$."), crate::sql::cells::visible(&value)),
    };
    let mut out = Vec::new();
    if let Some(max) = field.max {
        out.push(at(&field.max_event, format!("largest {}", field.name), max.to_string()));
    }
    if let Some(min) = field.min.filter(|min| Some(*min) != field.max) {
        out.push(at(&field.min_event, format!("smallest {}", field.name), min.to_string()));
    }
    let values =
        field.examples.iter().map(|one| at(&one.event, format!("a value of {}", field.name), one.text.clone()));
    out.extend(values);
    out
}
