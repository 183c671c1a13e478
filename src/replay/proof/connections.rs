//! When a session's recorder was connected, from what it said itself: its system events. A recording that says nothing
//! about connections (an older one, an import) is taken as connected from its first row to its last, and that is told.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

use crate::capture::browser::events as browser;
use crate::capture::events;

/// One system event of a session.
#[derive(Debug, Clone)]
pub struct Happened {
    /// Its number in the session.
    pub seq: u64,
    /// When, microseconds UTC.
    pub ts: i64,
    /// The source that said it.
    pub source: String,
    /// What.
    pub event_type: String,
    /// Its details.
    pub details: Value,
}

/// Spans of time, microseconds UTC, sorted and apart.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Connected {
    /// Spans with at least one connection.
    pub spans: Vec<(i64, i64)>,
    /// First and last row of the session with a time.
    pub lasted: Option<(i64, i64)>,
    /// Connections that were opened.
    pub openings: u64,
    /// Whether the session told its connections itself.
    pub told: bool,
}

impl Connected {
    /// What the events of one session tell, in the order of `seq`. `lasted` is the time of its first and last row.
    pub fn of(events: &[Happened], lasted: Option<(i64, i64)>) -> Connected {
        let mut sources: BTreeMap<&str, Source> = BTreeMap::new();
        for event in events {
            let source = sources.entry(&event.source).or_default();
            let socket = event.details.get("socket_id").and_then(Value::as_str).unwrap_or_default();
            match event.event_type.as_str() {
                events::CONNECTED | browser::SOCKET_OPENED | browser::SOCKET_ADOPTED => {
                    source.open(socket, event.ts)
                }
                events::CONNECTION_LOST | browser::SOCKET_CLOSED => source.close(socket, event.ts),
                browser::BROWSER_LOST => source.end(event.ts),
                events::GAP => {
                    let time = |name| event.details.get(name).and_then(Value::as_i64);
                    source.gaps.extend(time("from_us").zip(time("to_us")));
                }
                events::CAPTURE_STOPPED => sources.values_mut().for_each(|source| source.end(event.ts)),
                _ => {}
            }
        }
        let openings = sources.values().map(|source| source.openings).sum();
        if openings == 0 {
            return Connected { spans: lasted.into_iter().collect(), lasted, openings: 0, told: false };
        }
        let mut spans = Vec::new();
        for source in sources.values_mut() {
            // A process that was killed said nothing at its end.
            source.end(lasted.map_or(i64::MAX, |(_, last)| last));
            spans.extend(without(&source.spans, &source.gaps));
        }
        Connected { spans: union(spans), lasted, openings, told: true }
    }

    /// Whether a recorder was connected at this time.
    pub fn at(&self, ts: i64) -> bool {
        let behind = self.spans.partition_point(|(from, _)| *from <= ts);
        behind.checked_sub(1).and_then(|place| self.spans.get(place)).is_some_and(|(_, to)| ts <= *to)
    }

    /// Whether the session was recording at this time, connected or not.
    pub fn lasted_at(&self, ts: i64) -> bool {
        self.lasted.is_some_and(|(first, last)| (first..=last).contains(&ts))
    }

    /// How long it was connected, milliseconds.
    pub fn connected_ms(&self) -> u64 {
        let us: i64 = self.spans.iter().map(|(from, to)| (to - from).max(0)).sum();
        us.unsigned_abs() / 1000
    }
}

#[derive(Default)]
struct Source {
    open: BTreeSet<String>,
    since: Option<i64>,
    spans: Vec<(i64, i64)>,
    gaps: Vec<(i64, i64)>,
    openings: u64,
}

impl Source {
    fn open(&mut self, socket: &str, ts: i64) {
        self.openings += 1;
        self.open.insert(socket.to_owned());
        self.since.get_or_insert(ts);
    }

    fn close(&mut self, socket: &str, ts: i64) {
        self.open.remove(socket);
        if self.open.is_empty() {
            self.end(ts);
        }
    }

    fn end(&mut self, ts: i64) {
        self.open.clear();
        self.spans.extend(self.since.take().map(|since| (since, ts.max(since))));
    }
}

/// Spans that touch become one.
fn union(mut spans: Vec<(i64, i64)>) -> Vec<(i64, i64)> {
    spans.sort_unstable();
    let mut union: Vec<(i64, i64)> = Vec::new();
    for (from, to) in spans {
        match union.last_mut() {
            Some((_, end)) if from <= *end => *end = (*end).max(to),
            _ => union.push((from, to)),
        }
    }
    union
}

/// What is left of `spans` without the inside of `gaps`.
fn without(spans: &[(i64, i64)], gaps: &[(i64, i64)]) -> Vec<(i64, i64)> {
    let mut left = spans.to_vec();
    for (from, to) in gaps.iter().copied().filter(|(from, to)| from < to) {
        left = left
            .into_iter()
            .flat_map(|(begin, end)| {
                let before = (begin <= from).then_some((begin, end.min(from)));
                let after = (end >= to).then_some((begin.max(to), end));
                let untouched = end < from || begin > to;
                if untouched { [Some((begin, end)), None] } else { [before, after] }
            })
            .flatten()
            .collect();
    }
    left
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn event(ts: i64, source: &str, event_type: &str, details: Value) -> Happened {
        Happened { seq: 0, ts, source: source.into(), event_type: event_type.into(), details }
    }

    #[test]
    fn a_feed_is_connected_until_it_was_last_heard() {
        let events = [
            event(10, "public_ws", "connected", json!({"socket_id": "a"})),
            event(90, "public_ws", "connection_lost", json!({"socket_id": "a"})),
            event(100, "public_ws", "connected", json!({"socket_id": "b"})),
            // Nothing had been heard since 60: what came between was missed.
            event(100, "public_ws", "gap", json!({"from_us": 60, "to_us": 100})),
            event(150, "ui", "capture_stopped", json!({})),
        ];
        let connected = Connected::of(&events, Some((0, 200)));
        assert_eq!(connected.spans, [(10, 60), (100, 150)]);
        assert_eq!((connected.openings, connected.told), (2, true));
        let at = [5, 10, 60, 61, 99, 100, 150, 151].map(|ts| connected.at(ts));
        assert_eq!(at, [false, true, true, false, false, true, true, false]);
        assert_eq!((connected.lasted_at(5), connected.lasted_at(201)), (true, false));
    }

    #[test]
    fn a_killed_process_was_connected_to_its_last_row() {
        let events = [event(10, "public_ws", "connected", json!({"socket_id": "a"}))];
        assert_eq!(Connected::of(&events, Some((0, 70))).spans, [(10, 70)]);
    }

    #[test]
    fn two_sockets_of_a_browser_are_one_connection_while_either_is_open() {
        let events = [
            event(10, "cdp", "socket_opened", json!({"socket_id": "1"})),
            event(20, "cdp", "socket_adopted", json!({"socket_id": "2"})),
            event(30, "cdp", "socket_closed", json!({"socket_id": "1"})),
            event(50, "cdp", "browser_lost", json!({})),
            event(5, "public_ws", "connected", json!({"socket_id": "f"})),
            event(15, "public_ws", "connection_lost", json!({"socket_id": "f"})),
        ];
        assert_eq!(Connected::of(&events, Some((0, 70))).spans, [(5, 50)]);
    }

    #[test]
    fn a_recording_without_connections_lasted_from_its_first_row_to_its_last() {
        let connected = Connected::of(&[], Some((5, 9)));
        assert_eq!((connected.spans.as_slice(), connected.told), ([(5, 9)].as_slice(), false));
        assert!(Connected::of(&[], None).spans.is_empty());
    }
}
