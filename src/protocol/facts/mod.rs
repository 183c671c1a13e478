//! Schema facts: what the decoded events really look like, per event and per field path.
//!
//! Pure and incremental. [`SchemaFacts::observe`] takes one event, [`SchemaFacts::merge`] joins the facts of two
//! places, so facts can be kept per Parquet part and be added up. Memory is bounded whatever arrives: names,
//! paths, shapes, values and examples are capped, and what no longer fits is counted.
//!
//! A payload is walked once, in a stream ([`walk`]); no tree of values is built.

pub mod distinct;
pub mod field;
pub mod keys;
pub mod sample;
pub mod tier;
mod walk;

#[cfg(test)]
mod tests;

use std::collections::BTreeMap;
use std::fmt::Write as _;

use serde::{Deserialize, Serialize};

use super::frame::Packet;
use super::line::{Event, FrameStatus};
use super::phase::Phase;
pub use distinct::Distinct;
pub use field::{Example, Field, Fields, JsonType};

/// Version of the serialised form; facts kept by another version are made anew.
pub const VERSION: u32 = 4;

/// Events with a name of their own; more are counted in [`SchemaFacts::nameless_overflow`].
const MAX_EVENTS: usize = 512;
/// Characters of an event name that are kept.
const MAX_NAME: usize = 80;
/// Shapes kept per event.
const MAX_SHAPES: usize = 48;

/// The phases, and one more for "not known": index into per-phase counts.
pub const PHASES: [&str; 5] = ["COOLDOWN", "PRESALE", "ACTIVE", "RUGGED", "UNKNOWN"];

/// One count per phase, in the order of [`PHASES`].
pub type ByPhase = [u64; 5];

/// The place of a phase in [`PHASES`].
pub fn phase_index(phase: Option<Phase>) -> usize {
    match phase {
        Some(Phase::Cooldown) => 0,
        Some(Phase::Presale) => 1,
        Some(Phase::Active) => 2,
        Some(Phase::Rugged) => 3,
        None => 4,
    }
}

/// The phase of this name.
pub fn phase_from_name(name: &str) -> Option<Phase> {
    [Phase::Cooldown, Phase::Presale, Phase::Active, Phase::Rugged]
        .into_iter()
        .find(|phase| phase.as_str() == name)
}

/// Where and when an event was seen.
#[derive(Debug, Clone, Copy)]
pub struct Seen<'a> {
    /// When, microseconds UTC.
    pub ts_us: Option<i64>,
    /// The session of the frame.
    pub session_id: &'a str,
    /// The number of the frame in it.
    pub seq: u64,
    /// `cdp`, `public_ws`, `replay`, `ui` or `import`.
    pub source: &'a str,
    /// `received` or `sent`, where known.
    pub direction: Option<&'a str>,
    /// The phase of the game at that moment, where known.
    pub phase: Option<Phase>,
    /// The game, where known.
    pub game_id: Option<&'a str>,
}

impl Seen<'_> {
    /// The event ref, `session:seq`.
    pub fn event_ref(&self) -> String {
        format!("{}:{}", self.session_id, self.seq)
    }

    /// The same into a text that is there, to save the allocation.
    fn write_ref(&self, out: &mut String) {
        out.clear();
        // Writing to a String cannot fail.
        let _ = write!(out, "{}:{}", self.session_id, self.seq);
    }
}

/// What is known about all events.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct SchemaFacts {
    /// By event name. Acks are `ack`, transport packets `transport:<packet>`.
    pub events: BTreeMap<String, EventFacts>,
    /// Texts that are no frame, or no line of their format.
    #[serde(default)]
    pub unparsed: u64,
    /// Frames whose JSON is broken.
    #[serde(default)]
    pub broken_json: u64,
    /// Lines that hold no event (recordings, the recorder's own).
    #[serde(default)]
    pub without_event: u64,
    /// Events whose name no longer fitted.
    #[serde(default)]
    pub nameless_overflow: u64,
}

/// What is known about one event.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct EventFacts {
    /// How often it was seen.
    pub count: u64,
    /// Of these received.
    pub received: u64,
    /// Of these sent.
    pub sent: u64,
    /// With a payload.
    pub with_payload: u64,
    /// With a trace argument.
    pub traced: u64,
    /// Where an older recorder kept the trace argument and dropped the payload.
    pub payload_lost: u64,
    /// Packets with a value that cannot be read where a row is made of it, or with a payload that is not the object that
    /// the event has.
    #[serde(default)]
    pub value_unread: u64,
    /// Asking for an ack, or answering one.
    pub with_ack_id: u64,
    /// First seen, microseconds UTC.
    pub first_us: Option<i64>,
    /// Last seen.
    pub last_us: Option<i64>,
    /// By source.
    pub sources: BTreeMap<String, u64>,
    /// By phase.
    pub phases: ByPhase,
    /// Games it was seen in.
    #[serde(default)]
    pub games: Distinct,
    /// Sessions it was seen in.
    #[serde(default)]
    pub sessions: Distinct,
    /// Where to look, at most a few event refs; the first one is where it was first seen.
    pub evidence: Vec<String>,
    /// Event ref of where it was last seen.
    #[serde(default)]
    pub last_event: String,
    /// Sets of top-level keys.
    pub shapes: BTreeMap<String, Shape>,
    /// Packets whose shape no longer fitted.
    pub shape_overflow: u64,
    /// Its fields; the root is the payload.
    pub fields: Fields,
}

/// One set of top-level keys.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Shape {
    /// The keys, in the order first seen.
    pub keys: Vec<String>,
    /// Packets of this shape.
    pub count: u64,
    /// By phase.
    pub phases: ByPhase,
    /// One sample per phase it was seen in, abbreviated, without strangers' texts.
    pub samples: BTreeMap<String, Example>,
}

impl SchemaFacts {
    /// Adds one event.
    pub fn observe(&mut self, event: &Event<'_>, seen: &Seen<'_>) {
        match event.status {
            FrameStatus::Unparsed => {
                self.unparsed += 1;
                return;
            }
            FrameStatus::BrokenJson => {
                self.broken_json += 1;
                return;
            }
            FrameStatus::Ok | FrameStatus::PayloadLost | FrameStatus::PayloadUnread | FrameStatus::ValueUnread => {
            }
        }
        let facts = match (event.name.as_deref(), event.packet) {
            (Some(name), _) => self.event(name),
            (None, Some(Packet::Ack | Packet::BinaryAck)) => self.event("ack"),
            (None, Some(packet)) => self.event(&format!("transport:{}", packet.as_str())),
            (None, None) => {
                self.without_event += 1;
                return;
            }
        };
        match facts {
            Some(facts) => facts.observe(event, seen),
            None => self.nameless_overflow += 1,
        }
    }

    fn event(&mut self, name: &str) -> Option<&mut EventFacts> {
        let name: &str =
            name.char_indices().nth(MAX_NAME).map_or(name, |(end, _)| name.get(..end).unwrap_or(name));
        if !self.events.contains_key(name) {
            if self.events.len() >= MAX_EVENTS {
                return None;
            }
            self.events.insert(name.to_owned(), EventFacts::default());
        }
        self.events.get_mut(name)
    }

    /// Adds the facts of another place.
    pub fn merge(&mut self, other: &SchemaFacts) {
        self.unparsed += other.unparsed;
        self.broken_json += other.broken_json;
        self.without_event += other.without_event;
        self.nameless_overflow += other.nameless_overflow;
        for (name, theirs) in &other.events {
            match self.event(name) {
                Some(ours) => ours.merge(theirs),
                None => self.nameless_overflow += theirs.count,
            }
        }
    }

    /// All events together.
    pub fn total(&self) -> u64 {
        self.events.values().map(|event| event.count).sum()
    }

    /// Share of the events that have this name, percent.
    pub fn share(&self, name: &str) -> f64 {
        let count = self.events.get(name).map_or(0, |event| event.count);
        if self.total() == 0 { 0.0 } else { count as f64 * 100.0 / self.total() as f64 }
    }
}

impl EventFacts {
    fn observe(&mut self, event: &Event<'_>, seen: &Seen<'_>) {
        let phase = phase_index(seen.phase);
        self.count += 1;
        match seen.direction {
            Some("sent") => self.sent += 1,
            Some("received") => self.received += 1,
            _ => {}
        }
        self.with_payload += u64::from(event.payload.is_some());
        self.traced += u64::from(event.traceparent.is_some());
        self.payload_lost += u64::from(event.status == FrameStatus::PayloadLost);
        let unread = matches!(event.status, FrameStatus::PayloadUnread | FrameStatus::ValueUnread);
        self.value_unread += u64::from(unread);
        self.with_ack_id += u64::from(event.ack_id.is_some());
        self.seen_at(seen.ts_us, seen.ts_us);
        if let Some(count) = self.sources.get_mut(seen.source) {
            *count += 1;
        } else if self.sources.len() < 16 {
            self.sources.insert(seen.source.to_owned(), 1);
        }
        add_at(&mut self.phases, phase, 1);
        self.games.add(distinct::hash(seen.game_id));
        self.sessions.add(distinct::hash(Some(seen.session_id)));
        if self.evidence.len() < 3 {
            self.evidence.push(seen.event_ref());
        }
        seen.write_ref(&mut self.last_event);
        let Some(payload) = event.payload else { return };
        let shape = walk::walk(&mut self.fields, payload, seen, phase);
        let id = format!("{shape:016x}");
        if !self.shapes.contains_key(&id) {
            if self.shapes.len() >= MAX_SHAPES {
                self.shape_overflow += 1;
                return;
            }
            let keys = keys::top_level(payload);
            self.shapes.insert(id.clone(), Shape { keys, ..Shape::default() });
        }
        let Some(shape) = self.shapes.get_mut(&id) else { return };
        shape.count += 1;
        add_at(&mut shape.phases, phase, 1);
        let name = PHASES.get(phase).copied().unwrap_or("UNKNOWN");
        if !shape.samples.contains_key(name) {
            let at = u8::try_from(phase).ok();
            let example = Example { event: seen.event_ref(), text: sample::abbreviate(payload), phase: at };
            shape.samples.insert(name.to_owned(), example);
        }
    }

    fn seen_at(&mut self, first: Option<i64>, last: Option<i64>) {
        self.first_us = self.first_us.into_iter().chain(first).min();
        self.last_us = self.last_us.into_iter().chain(last).max();
    }

    fn merge(&mut self, other: &EventFacts) {
        self.count += other.count;
        self.received += other.received;
        self.sent += other.sent;
        self.with_payload += other.with_payload;
        self.traced += other.traced;
        self.payload_lost += other.payload_lost;
        self.value_unread += other.value_unread;
        self.with_ack_id += other.with_ack_id;
        self.shape_overflow += other.shape_overflow;
        self.games.merge(&other.games);
        self.sessions.merge(&other.sessions);
        if other.last_us >= self.last_us && !other.last_event.is_empty() {
            self.last_event.clone_from(&other.last_event);
        }
        if other.first_us.is_some() && other.first_us < self.first_us {
            self.evidence.splice(0..0, other.evidence.first().cloned());
            self.evidence.dedup();
            self.evidence.truncate(3);
        }
        self.seen_at(other.first_us, other.last_us);
        for (source, count) in &other.sources {
            *self.sources.entry(source.clone()).or_default() += count;
        }
        add(&mut self.phases, &other.phases);
        for evidence in &other.evidence {
            if self.evidence.len() < 3 && !self.evidence.contains(evidence) {
                self.evidence.push(evidence.clone());
            }
        }
        self.fields.merge(&other.fields);
        for (id, theirs) in &other.shapes {
            if !self.shapes.contains_key(id) && self.shapes.len() >= MAX_SHAPES {
                self.shape_overflow += theirs.count;
                continue;
            }
            let ours = self.shapes.entry(id.clone()).or_default();
            if ours.keys.is_empty() {
                ours.keys.clone_from(&theirs.keys);
            }
            ours.count += theirs.count;
            add(&mut ours.phases, &theirs.phases);
            for (phase, example) in &theirs.samples {
                ours.samples.entry(phase.clone()).or_insert_with(|| example.clone());
            }
        }
    }
}

/// Adds `n` at `index`; an index outside is ignored.
pub(super) fn add_at(counts: &mut ByPhase, index: usize, n: u64) {
    if let Some(count) = counts.get_mut(index) {
        *count += n;
    }
}

fn add(ours: &mut ByPhase, theirs: &ByPhase) {
    for (ours, theirs) in ours.iter_mut().zip(theirs) {
        *ours += theirs;
    }
}
