//! Novelty, written down: events and fields that the shipped catalogue does not know, each told once by a system event,
//! as soon as it is captured. The protocol changes; this is how a recording says when.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use arrow::array::{Array, AsArray};
use serde_json::{Value, json};
use tokio::sync::broadcast::Receiver;
use tokio::sync::broadcast::error::RecvError;
use tokio_util::sync::CancellationToken;

use super::bus::Captured;
use super::events;
use super::sink::Sink;
use crate::protocol::catalogue::catalogue;
use crate::protocol::facts::{SchemaFacts, Seen};
use crate::protocol::line::{self, LineFormat};
use crate::store::record::{Direction, Source};
use crate::store::root::DataRoot;
use crate::store::scan::{ScanFilter, scan};
use crate::store::schema::DocType;

/// Things told at most; a server that makes up names must not fill the store.
const MOST: usize = 2_000;

/// When more than this waits, fields are not looked into: the names of events are enough to keep up.
const BEHIND: usize = 64;

/// Watches what one source brings until told to stop.
pub(super) async fn watch(
    source: Source,
    root: DataRoot,
    mut bus: Receiver<Arc<Captured>>,
    sink: Sink,
    stop: CancellationToken,
) {
    let known = tokio::task::spawn_blocking(move || told_before(&root)).await.unwrap_or_default();
    let mut novelty = Novelty { told: known, ..Novelty::default() };
    loop {
        let captured = tokio::select! {
            captured = bus.recv() => captured,
            () = stop.cancelled() => return,
        };
        let captured = match captured {
            Ok(captured) if captured.source == source && captured.event_type.is_none() => captured,
            // What was missed comes again: novelties last.
            Ok(_) | Err(RecvError::Lagged(_)) => continue,
            Err(RecvError::Closed) => return,
        };
        for (event_type, details) in novelty.see(&captured, bus.len() <= BEHIND) {
            if sink.system(source, event_type, details).await.is_err() {
                return;
            }
        }
    }
}

/// What is new, and what was told of it.
#[derive(Default)]
struct Novelty {
    /// `event` and `event path`.
    told: HashSet<String>,
    facts: SchemaFacts,
    /// Fields of an event that have been looked at.
    looked: HashMap<String, usize>,
}

impl Novelty {
    /// The system events that a frame calls for; `deep` looks into its fields.
    fn see(&mut self, captured: &Captured, deep: bool) -> Vec<(&'static str, Value)> {
        let event = line::decode(LineFormat::Wire, None, &captured.text);
        let Some(name) = event.name.as_deref() else { return Vec::new() };
        let session_id = captured.session_id.to_string();
        let at = format!("{session_id}:{}", captured.seq);
        let direction = captured.direction.map(Direction::as_str);
        let Some(doc) = catalogue().event(name) else {
            let details = json!({"event": name, "direction": direction, "at": at});
            return self.tell(name.to_owned()).then_some((events::NOVEL_EVENT, details)).into_iter().collect();
        };
        if !deep || doc.fields.is_empty() {
            return Vec::new();
        }
        let seen = Seen {
            ts_us: Some(captured.ts),
            session_id: &session_id,
            seq: captured.seq,
            source: captured.source.as_str(),
            direction,
            phase: None,
            game_id: None,
        };
        self.facts.observe(&event, &seen);
        let fields = self.facts.events.get(name).map(|seen| seen.fields.nodes.as_slice()).unwrap_or_default();
        let looked = self.looked.insert(name.to_owned(), fields.len()).unwrap_or(1);
        let new: Vec<(String, String)> = fields
            .iter()
            .skip(looked)
            .filter(|field| field.name != "[]" && !field.name.starts_with('{') && doc.field(&field.path).is_none())
            .map(|field| (field.path.clone(), field.type_name()))
            .collect();
        let mut told = Vec::new();
        for (path, types) in new {
            if self.tell(format!("{name} {path}")) {
                told.push((events::NOVEL_FIELD, json!({"event": name, "path": path, "type": types, "at": at})));
            }
        }
        told
    }

    /// Whether this is to be told: it was not before.
    fn tell(&mut self, what: String) -> bool {
        self.told.len() < MOST && self.told.insert(what)
    }
}

/// What earlier recordings told. A store that cannot be read is told again.
fn told_before(root: &DataRoot) -> HashSet<String> {
    let mut told = HashSet::new();
    let Ok(batches) = scan(root, DocType::SystemEvent, &ScanFilter::default()) else { return told };
    for batch in batches.flatten() {
        let text = |name: &str| batch.column_by_name(name).and_then(|column| column.as_string_opt::<i32>());
        let (Some(types), Some(details)) = (text("event_type"), text("details")) else { continue };
        for row in 0..batch.num_rows() {
            let novel =
                types.is_valid(row) && [events::NOVEL_EVENT, events::NOVEL_FIELD].contains(&types.value(row));
            if !novel || !details.is_valid(row) {
                continue;
            }
            let Ok(details) = serde_json::from_str::<Value>(details.value(row)) else { continue };
            let get = |key: &str| details.get(key).and_then(Value::as_str);
            if let Some(event) = get("event") {
                told.insert(get("path").map_or_else(|| event.to_owned(), |path| format!("{event} {path}")));
            }
        }
    }
    told
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

    use super::*;
    use crate::store::Store;
    use crate::store::ids::SessionId;
    use crate::store::record::Record;
    use crate::store::recorder::{Recorder, RecorderOptions};

    fn captured(seq: u64, text: &str) -> Captured {
        Captured {
            session_id: SessionId::from_u128(1),
            seq,
            ts: 1,
            source: Source::PublicWs,
            direction: Some(Direction::Received),
            socket_id: None,
            event_type: None,
            text: text.into(),
        }
    }

    #[test]
    fn a_new_event_and_a_new_field_are_told_once() {
        let mut novelty = Novelty::default();
        let known = r#"42["playerUpdate",{"cash":1}]"#;
        assert!(novelty.see(&captured(1, known), true).is_empty());
        let more = r#"42["playerUpdate",{"cash":1,"colour":"red","list":[1]}]"#;
        assert!(novelty.see(&captured(2, more), false).is_empty(), "fields wait until there is time");
        let told = novelty.see(&captured(3, more), true);
        assert_eq!(told.len(), 2);
        assert_eq!(told[0].0, events::NOVEL_FIELD);
        assert_eq!((&told[0].1["path"], &told[0].1["type"]), (&json!("$.colour"), &json!("string")));
        assert!(told[0].1["at"].as_str().unwrap().ends_with(":3"));
        assert!(novelty.see(&captured(4, more), true).is_empty());
        let new = r#"42["brandNew",{"a":1}]"#;
        assert_eq!(novelty.see(&captured(5, new), false)[0].0, events::NOVEL_EVENT);
        assert!(novelty.see(&captured(6, new), true).is_empty());
        assert!(novelty.see(&captured(7, "3"), true).is_empty());
    }

    #[test]
    fn what_an_earlier_recording_told_is_not_told_again() {
        let folder = tempfile::tempdir().unwrap();
        let root = DataRoot::create(folder.path().join("root")).unwrap();
        let recorder =
            Recorder::start(Arc::new(Store::open(&root, "test").unwrap()), RecorderOptions::new("test"));
        let recorder = recorder.unwrap();
        let details = r#"{"event":"brandNew","at":"x:1"}"#;
        recorder.append(&Record::system(1, Source::PublicWs, events::NOVEL_EVENT, details)).unwrap();
        recorder.close().unwrap();
        let mut novelty = Novelty { told: told_before(&root), ..Novelty::default() };
        assert!(novelty.see(&captured(1, r#"42["brandNew",{}]"#), true).is_empty());
        assert_eq!(novelty.see(&captured(2, r#"42["other",{}]"#), true).len(), 1);
    }
}
