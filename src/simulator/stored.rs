//! Frames of the store, to be played again by [`serve`](super::serve): those of one game, or all of them.
//!
//! Only what one connection received is taken: playing two recordings of the same game at once would show
//! everything twice. Of several, the one with the most frames is chosen.

use std::collections::HashMap;

use arrow::array::{Array, AsArray, RecordBatch, StringArray};
use arrow::datatypes::{Int64Type, TimestampMicrosecondType};

use super::serve::StoredFrame;
use replayer_protocol::frame::Packet;
use replayer_protocol::line::{self, Event, FrameStatus, LineFormat};
use replayer_store::StoreError;
use replayer_store::root::DataRoot;
use replayer_store::scan::{ScanFilter, scan};
use replayer_store::schema::DocType;

/// After the last frame of a game comes the one that reveals its seed.
const TAIL_US: i64 = 3_000_000;

/// Stored frames, in the order they were received.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Stored {
    /// What can be played.
    pub frames: Vec<StoredFrame>,
    /// How many of them were written anew, because an older recorder kept the event and not the frame. The
    /// payload's bytes are the original ones.
    pub rebuilt: usize,
    /// Received rows that were left out: handshakes, heartbeats, acknowledgements, and what holds no event.
    pub left_out: usize,
    /// Recordings of the same that were not taken.
    pub other_recordings: usize,
}

/// One connection of one recording.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
struct Connection {
    session_id: String,
    source: String,
    socket_id: Option<String>,
}

/// What a connection has of what is wanted.
#[derive(Debug, Clone, Copy)]
struct Extent {
    frames: usize,
    first_us: i64,
    last_us: i64,
}

/// The frames from the first to the last one of a game, with everything between them, and the three seconds after
/// it. Empty when the game is not stored.
///
/// # Errors
/// When the store cannot be read.
pub fn of_game(root: &DataRoot, game_id: &str) -> Result<Stored, StoreError> {
    let wanted = ScanFilter { game_id: Some(game_id.to_owned()), ..ScanFilter::default() };
    let found = connections(root, &wanted)?;
    let Some((connection, extent)) = most(&found) else { return Ok(Stored::default()) };
    let filter = ScanFilter {
        session_id: Some(connection.session_id.clone()),
        from_us: Some(extent.first_us),
        to_us: Some(extent.last_us + TAIL_US),
        ..ScanFilter::default()
    };
    collect(root, &filter, connection, found.len())
}

/// Everything that one connection of the store received.
///
/// # Errors
/// When the store cannot be read.
pub fn of_all(root: &DataRoot) -> Result<Stored, StoreError> {
    let found = connections(root, &ScanFilter::default())?;
    let Some((connection, _)) = most(&found) else { return Ok(Stored::default()) };
    let filter = ScanFilter { session_id: Some(connection.session_id.clone()), ..ScanFilter::default() };
    collect(root, &filter, connection, found.len())
}

fn most(found: &HashMap<Connection, Extent>) -> Option<(&Connection, &Extent)> {
    // The id decides between equals, so that the choice is always the same.
    found.iter().max_by(|a, b| a.1.frames.cmp(&b.1.frames).then_with(|| b.0.session_id.cmp(&a.0.session_id)))
}

fn connections(root: &DataRoot, filter: &ScanFilter) -> Result<HashMap<Connection, Extent>, StoreError> {
    let mut found = HashMap::new();
    for batch in scan(root, DocType::WsEvent, filter)? {
        let batch = batch?;
        let rows = Rows::of(&batch);
        for row in (0..batch.num_rows()).filter(|row| rows.is_received(*row)) {
            let Some(connection) = rows.connection(row) else { continue };
            let ts = rows.ts(row);
            let extent = found.entry(connection).or_insert(Extent {
                frames: 0,
                first_us: ts.unwrap_or(i64::MAX),
                last_us: ts.unwrap_or(i64::MIN),
            });
            extent.frames += 1;
            if let Some(ts) = ts {
                extent.first_us = extent.first_us.min(ts);
                extent.last_us = extent.last_us.max(ts);
            }
        }
    }
    Ok(found)
}

fn collect(
    root: &DataRoot,
    filter: &ScanFilter,
    wanted: &Connection,
    recordings: usize,
) -> Result<Stored, StoreError> {
    let mut stored = Stored { other_recordings: recordings.saturating_sub(1), ..Stored::default() };
    let mut numbered: Vec<(i64, Option<i64>, String)> = Vec::new();
    for batch in scan(root, DocType::WsEvent, filter)? {
        let batch = batch?;
        let rows = Rows::of(&batch);
        for row in (0..batch.num_rows()).filter(|row| rows.is_received(*row)) {
            if rows.connection(row).as_ref() != Some(wanted) {
                continue;
            }
            match rows.playable(row) {
                Some((text, rebuilt)) => {
                    stored.rebuilt += usize::from(rebuilt);
                    numbered.push((rows.seq(row), rows.ts(row), text));
                }
                None => stored.left_out += 1,
            }
        }
    }
    numbered.sort_by_key(|(seq, ..)| *seq);
    let mut latest = numbered.iter().find_map(|(_, ts, _)| *ts).unwrap_or_default();
    stored.frames = numbered
        .into_iter()
        .map(|(_, ts, text)| {
            latest = ts.unwrap_or(latest);
            StoredFrame { ts_us: latest, text }
        })
        .collect();
    Ok(stored)
}

/// The columns of a batch that matter here.
struct Rows<'a> {
    batch: &'a RecordBatch,
}

impl<'a> Rows<'a> {
    fn of(batch: &'a RecordBatch) -> Self {
        Self { batch }
    }

    fn text(&self, name: &str, row: usize) -> Option<&'a str> {
        let column: &StringArray = self.batch.column_by_name(name)?.as_string_opt::<i32>()?;
        column.is_valid(row).then(|| column.value(row))
    }

    fn is_received(&self, row: usize) -> bool {
        self.text("direction", row) == Some("received")
    }

    fn connection(&self, row: usize) -> Option<Connection> {
        Some(Connection {
            session_id: self.text("session_id", row)?.to_owned(),
            source: self.text("source", row)?.to_owned(),
            socket_id: self.text("socket_id", row).map(str::to_owned),
        })
    }

    fn ts(&self, row: usize) -> Option<i64> {
        let column = self.batch.column_by_name("ts")?.as_primitive_opt::<TimestampMicrosecondType>()?;
        column.is_valid(row).then(|| column.value(row))
    }

    fn seq(&self, row: usize) -> i64 {
        let column = self.batch.column_by_name("seq").and_then(|seq| seq.as_primitive_opt::<Int64Type>());
        column.filter(|seq| seq.is_valid(row)).map_or(0, |seq| seq.value(row))
    }

    /// The frame to play, and whether it had to be written anew.
    fn playable(&self, row: usize) -> Option<(String, bool)> {
        let text = self.text("raw_json", row)?;
        let format = LineFormat::from_name(self.text("format", row)?)?;
        let inner = line::inner(format, text);
        let (format, text) = inner.as_ref().map_or((format, text), |inner| (inner.format, inner.text.as_str()));
        if format == LineFormat::Wire {
            let frame = StoredFrame { ts_us: 0, text: text.to_owned() };
            return frame.is_playable().then_some((frame.text, false));
        }
        let hint = inner.as_ref().and_then(|inner| inner.hint.as_deref()).or(self.text("event_name", row));
        rebuild(&line::decode(format, hint, text)).map(|frame| (frame, true))
    }
}

/// The frame of an event whose frame was not kept.
fn rebuild(event: &Event<'_>) -> Option<String> {
    if event.status != FrameStatus::Ok || event.packet.is_some_and(|packet| packet != Packet::Event) {
        return None;
    }
    let name = serde_json::to_string(event.name.as_deref()?).ok()?;
    let trace =
        event.traceparent.as_deref().map(|trace| format!(r#",{{"__trace":true,"traceparent":"{trace}"}}"#));
    let payload = event.payload.map(|payload| format!(",{}", payload.get()));
    Some(format!("42[{name}{}{}]", trace.unwrap_or_default(), payload.unwrap_or_default()))
}

#[cfg(test)]
mod tests;
