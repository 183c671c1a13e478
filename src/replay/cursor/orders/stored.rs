//! Storing an action that was taken in a replay, as a row of its own.

use serde_json::{Map, Value, json};

use super::Orders;
use crate::protocol::line::LineFormat;
use crate::replay::cursor::game_span;
use crate::store::ids::{EventRef, SessionId};
use crate::store::journal::SegmentHead;
use crate::store::journal::writer::SegmentWriter;
use crate::store::open::SchemaManifest;
use crate::store::parts::BUILD;
use crate::store::record::{Record, Source, now_us};
use crate::store::root::DataRoot;
use crate::store::schema::{SCHEMA_VERSION, is_newer};
use crate::store::{StoreError, span};

impl Orders {
    /// Stores an action as a row of its own: as a whole segment of the journal, because another process may hold
    /// the lease. Readers see it at once; whoever writes next seals it.
    pub(super) fn store(
        &mut self,
        root: &DataRoot,
        told: &Map<String, Value>,
        game_id: &str,
        then_us: Option<i64>,
    ) -> Result<EventRef, StoreError> {
        if let Some(found) =
            SchemaManifest::load(root)?.filter(|found| is_newer(&found.schema_version, SCHEMA_VERSION))
        {
            return Err(StoreError::NewerSchema {
                root: root.path().to_owned(),
                found: found.schema_version,
                known: SCHEMA_VERSION,
            });
        }
        let (session_id, count) = self.stored.unwrap_or_else(|| (SessionId::start(), 0));
        let seq = count + 1;
        let mut row = told.clone();
        let number = |name: &str| told.get(name).and_then(Value::as_str).and_then(|text| text.parse::<f64>().ok());
        let sale = told.get("sale").and_then(Value::as_object);
        let part = sale.and_then(|sale| sale.get("percentage")).and_then(Value::as_str);
        let percentage = part.and_then(|part| part.parse::<f64>().ok()).map(|part| part * 100.0);
        if percentage.is_some_and(|percentage| percentage < 100.0) {
            row.insert("action".to_owned(), "PARTIAL_SELL".into());
        }
        row.insert("game_id".to_owned(), game_id.into());
        row.insert("outcome".to_owned(), "success".into());
        row.insert("percentage".to_owned(), json!(percentage));
        row.insert("amount".to_owned(), json!(number("amount")));
        row.insert("price".to_owned(), json!(number("price")));
        row.insert("replayed_ts".to_owned(), json!(then_us.map(game_span::time)));
        row.insert("rules".to_owned(), self.settings.rules.as_str().into());
        let (text, now) = (Value::Object(row).to_string(), now_us());
        let record = Record {
            seq,
            ts: Some(now),
            source: Source::Replay,
            direction: None,
            format: LineFormat::ReplayAction,
            hint: None,
            socket_id: None,
            offset: None,
            source_clock: None,
            text: &text,
        };
        let head = SegmentHead {
            session_id,
            number: seq,
            first_seq: seq,
            origin: span::REPLAY.to_owned(),
            started_us: now,
            build: BUILD.to_owned(),
            requests: Default::default(),
        };
        SegmentWriter::whole(root, &head, &[record])?;
        self.stored = Some((session_id, seq));
        Ok(EventRef { session_id, seq })
    }
}
