//! Frames chosen to differ: by phase, by shape, by the extremes of their values.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::protocol::facts::field::phase_name;
use crate::protocol::facts::{EventFacts, Example, Field};

/// One frame and why it was chosen.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Sample {
    /// Its address, `session:seq`, for get_events.
    #[serde(rename = "ref")]
    pub event: String,
    /// Why it was chosen.
    pub why: String,
    /// The phase of the game then; UNKNOWN before the first gameStateUpdate of a recording.
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

/// The frames with the largest and the smallest value of a field, one of every phase it occurs in, then others: those far
/// from the ones before.
fn of_field(field: &Field) -> Vec<Sample> {
    let at = |event: &str, phase: Option<u8>, why: String, value: String| Sample {
        event: event.to_owned(),
        why,
        phase: phase_name(phase).map(str::to_owned),
        preview: format!("{} = {}", field.path.trim_start_matches("$."), crate::sql::cells::visible(&value)),
    };
    let mut out = Vec::new();
    if let Some(max) = field.max {
        let why = format!("largest {}", field.name);
        out.push(at(&field.max_event, field.max_phase, why, max.to_string()));
    }
    if let Some(min) = field.min.filter(|min| Some(*min) != field.max) {
        let why = format!("smallest {}", field.name);
        out.push(at(&field.min_event, field.min_phase, why, min.to_string()));
    }
    let mut left: Vec<&Example> = field.examples.iter().collect();
    while !left.is_empty() {
        let told = |one: &Example| out.iter().any(|sample: &Sample| sample.phase.as_deref() == one.phase_name());
        let best = |place: &usize| {
            let one = left.get(*place).copied();
            let distance = out.iter().map(|sample| one.map_or(0, |one| distance(&one.event, &sample.event))).min();
            // Of equals the first one.
            (one.is_some_and(|one| !told(one)), distance.unwrap_or(u64::MAX), std::cmp::Reverse(*place))
        };
        let Some(place) = (0..left.len()).max_by_key(best) else { break };
        let one = left.remove(place);
        let why = match one.phase_name().filter(|_| !told(one)) {
            Some(phase) => format!("{} in {phase}", field.name),
            None => format!("another {}", field.name),
        };
        out.push(at(&one.event, one.phase, why, one.text.clone()));
    }
    out
}

/// How far two frames are from each other: in frames, within a session.
fn distance(a: &str, b: &str) -> u64 {
    let parts =
        |event: &str| event.rsplit_once(':').and_then(|(id, seq)| Some((id.to_owned(), seq.parse().ok()?)));
    match (parts(a), parts(b)) {
        (Some((one, a)), Some((other, b))) if one == other => u64::abs_diff(a, b),
        _ => u64::MAX,
    }
}
