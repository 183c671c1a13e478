//! Where a cursor is, as an agent reads it, and how two places differ.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::game_span::time;
use super::timeline::Timeline;
use crate::state::Note;

/// A place: after an event.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Place {
    /// The round.
    pub game_id: Option<String>,
    /// COOLDOWN, PRESALE, ACTIVE or RUGGED.
    pub phase: Option<String>,
    /// The last tick; null before tick 0.
    pub tick: Option<u32>,
    /// Multiplier at that tick.
    pub price: Option<f64>,
    /// The event that was reached: its name, or what kind of frame it is.
    pub event: String,
    /// sent, where the browser sent it.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub direction: Option<String>,
    /// Its address, for get_events.
    #[serde(rename = "ref")]
    pub event_ref: String,
    /// When it passed the recorder (UTC); null where no one knows.
    pub ts: Option<String>,
    /// Its number among the events of this game (or stretch), from 1.
    pub event_number: usize,
    /// Events of this game (or stretch).
    pub events: usize,
    /// Share of them up to here, 0 to 1.
    pub progress: f64,
    /// Which game of several, "2 of 57".
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub game: Option<String>,
    /// start, end, or live_end: the game is still being recorded, and more comes.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub at: Option<String>,
}

/// The place after event `index` of a span.
pub fn of(timeline: &Timeline, index: usize) -> Option<Place> {
    let step = timeline.step(index)?;
    let mark = timeline.mark_at(index);
    Some(Place {
        game_id: timeline.game(&mark).map(ToString::to_string),
        phase: mark.phase.map(|phase| phase.as_str().to_owned()),
        tick: mark.tick,
        price: mark.price,
        event: step.name.to_string(),
        direction: step.sent.then(|| "sent".to_owned()),
        event_ref: step.at.event_ref(),
        ts: step.at.ts.map(time),
        event_number: index + 1,
        events: timeline.len(),
        progress: (index + 1) as f64 / timeline.len().max(1) as f64,
        game: None,
        at: None,
    })
}

/// What an event changed, with its address.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Changed {
    /// The event.
    #[serde(rename = "ref")]
    pub event_ref: String,
    /// What: phase, game_started, game_rugged, seed_revealed, own_trade, drift_opened, tick_gap, …, with its values; what is not
    /// known is absent.
    #[serde(flatten)]
    pub note: Map<String, Value>,
}

impl Changed {
    /// A note of the event with this address.
    pub fn of(event_ref: String, note: &Note) -> Changed {
        let mut note = match serde_json::to_value(note) {
            Ok(Value::Object(note)) => note,
            _ => Map::new(),
        };
        note.retain(|_, value| !value.is_null());
        if let Some(us) = note.get("ts").and_then(Value::as_i64) {
            note.insert("ts".to_owned(), time(us).into());
        }
        Changed { event_ref, note }
    }
}

/// One value that differs between two places.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Difference {
    /// Where in the state, like game.price.
    pub path: String,
    /// The value at the first place.
    pub before: Value,
    /// The value at the second place.
    pub after: Value,
}

/// Values that only say when something was looked at.
const CLOCKS: [&str; 3] = ["now", "age_ms", "as_of"];

/// Every value that differs between two states, in the order of their paths. Whole lists (prices, ranking) are
/// compared entry by entry.
pub fn differences(before: &Value, after: &Value) -> Vec<Difference> {
    let mut found = Vec::new();
    compare(String::new(), before, after, &mut found);
    found
}

fn compare(path: String, before: &Value, after: &Value, found: &mut Vec<Difference>) {
    let below = |key: &str| if path.is_empty() { key.to_owned() } else { format!("{path}.{key}") };
    match (before, after) {
        (Value::Object(a), Value::Object(b)) => {
            let mut keys: Vec<&String> = a.keys().chain(b.keys().filter(|key| !a.contains_key(*key))).collect();
            keys.retain(|key| !CLOCKS.contains(&key.as_str()));
            for key in keys {
                let (a, b) = (a.get(key).unwrap_or(&Value::Null), b.get(key).unwrap_or(&Value::Null));
                compare(below(key), a, b, found);
            }
        }
        (Value::Array(a), Value::Array(b)) => {
            for place in 0..a.len().max(b.len()) {
                let (a, b) = (a.get(place).unwrap_or(&Value::Null), b.get(place).unwrap_or(&Value::Null));
                compare(format!("{path}[{place}]"), a, b, found);
            }
        }
        (a, b) if a == b => {}
        (a, b) => found.push(Difference { path, before: a.clone(), after: b.clone() }),
    }
}
