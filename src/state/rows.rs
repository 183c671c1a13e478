//! Rows of Arrow batches as events, in the order in which they happened.
//!
//! Within a session that is the order of `seq`; between sessions it is time. The texts stay where they are: what
//! is sorted are places.

use arrow::array::{Array, AsArray, Int64Array, RecordBatch, StringArray, TimestampMicrosecondArray};
use arrow::datatypes::{Int64Type, TimestampMicrosecondType};

use super::event::{Event, SystemEvent};
use crate::protocol::line::LineFormat;
use crate::store::schema::DocType;

/// A row for the fold.
#[derive(Debug, Clone, Copy)]
pub enum Row<'a> {
    /// A frame, or an imported line.
    Event(Event<'a>),
    /// The recorder's own word.
    System(SystemEvent<'a>),
}

impl Row<'_> {
    /// Its number in the session.
    pub fn seq(&self) -> u64 {
        match self {
            Row::Event(event) => event.seq,
            Row::System(event) => event.seq,
        }
    }

    /// When it happened, microseconds UTC.
    pub fn ts(&self) -> Option<i64> {
        match self {
            Row::Event(event) => event.ts,
            Row::System(event) => event.ts,
        }
    }
}

/// The columns of one batch that events are made from.
pub(crate) struct Columns<'b> {
    doc_type: DocType,
    rows: usize,
    ts: Option<&'b TimestampMicrosecondArray>,
    source: Option<&'b StringArray>,
    session_id: Option<&'b StringArray>,
    seq: Option<&'b Int64Array>,
    direction: Option<&'b StringArray>,
    socket_id: Option<&'b StringArray>,
    name: Option<&'b StringArray>,
    format: Option<&'b StringArray>,
    text: Option<&'b StringArray>,
}

fn text_at(column: Option<&StringArray>, row: usize) -> Option<&str> {
    column.filter(|column| column.is_valid(row)).map(|column| column.value(row))
}

impl<'b> Columns<'b> {
    pub(crate) fn of(doc_type: DocType, batch: &'b RecordBatch) -> Columns<'b> {
        let text = |name: &str| batch.column_by_name(name).and_then(|column| column.as_string_opt::<i32>());
        Columns {
            doc_type,
            rows: batch.num_rows(),
            ts: batch
                .column_by_name("ts")
                .and_then(|column| column.as_primitive_opt::<TimestampMicrosecondType>()),
            source: text("source"),
            session_id: text("session_id"),
            seq: batch.column_by_name("seq").and_then(|column| column.as_primitive_opt::<Int64Type>()),
            direction: text("direction"),
            socket_id: text("socket_id"),
            name: if doc_type == DocType::SystemEvent { text("event_type") } else { text("event_name") },
            format: text("format"),
            text: text("raw_json"),
        }
    }

    pub(crate) fn len(&self) -> usize {
        self.rows
    }

    pub(crate) fn ts(&self, row: usize) -> Option<i64> {
        self.ts.filter(|column| column.is_valid(row)).map(|column| column.value(row))
    }

    pub(crate) fn seq(&self, row: usize) -> u64 {
        let seq = self.seq.filter(|column| column.is_valid(row)).map(|column| column.value(row));
        seq.and_then(|seq| u64::try_from(seq).ok()).unwrap_or(0)
    }

    pub(crate) fn session(&self, row: usize) -> &'b str {
        text_at(self.session_id, row).unwrap_or_default()
    }

    /// `None` for a row without a text, and for ticks that are projections of a frame.
    fn row(&self, row: usize) -> Option<Row<'b>> {
        let (session_id, seq, ts) = (self.session(row), self.seq(row), self.ts(row));
        let source = text_at(self.source, row).unwrap_or_default();
        if self.doc_type == DocType::SystemEvent {
            let event_type = text_at(self.name, row)?;
            return Some(Row::System(SystemEvent { session_id, seq, ts, source, event_type }));
        }
        let format = match self.doc_type {
            DocType::GameTick => LineFormat::Recording,
            _ => text_at(self.format, row).and_then(LineFormat::from_name).unwrap_or(LineFormat::Wire),
        };
        Some(Row::Event(Event {
            session_id,
            seq,
            ts,
            source,
            direction: text_at(self.direction, row),
            socket_id: text_at(self.socket_id, row),
            event_name: text_at(self.name, row),
            format,
            text: text_at(self.text, row)?,
        }))
    }
}

/// Calls `take` with every row of the batches in order. Batches of `ws_event` and `system_event` are read, and
/// of `game_tick` the ticks of 2025 recordings, which have no frame; others are passed over.
pub fn in_order(batches: &[(DocType, RecordBatch)], mut take: impl FnMut(Row<'_>)) {
    in_order_with_places(batches, |row, _| take(row));
}

/// As [`in_order`], with the place of each row: the batch, and the row in it.
pub fn in_order_with_places(batches: &[(DocType, RecordBatch)], mut take: impl FnMut(Row<'_>, (usize, usize))) {
    let wanted =
        |doc_type: DocType| matches!(doc_type, DocType::WsEvent | DocType::SystemEvent | DocType::GameTick);
    let columns: Vec<Columns<'_>> =
        batches.iter().map(|(doc_type, batch)| Columns::of(*doc_type, batch)).collect();
    let mut places: Vec<(&str, u64, Option<i64>, usize, usize)> = Vec::new();
    for (batch, columns) in columns.iter().enumerate().filter(|(_, columns)| wanted(columns.doc_type)) {
        for row in 0..columns.len() {
            places.push((columns.session(row), columns.seq(row), columns.ts(row), batch, row));
        }
    }
    places.sort_unstable();
    // A session's time never falls for this purpose: its frames stay in the order of arrival.
    let mut last: Option<(&str, Option<i64>)> = None;
    for (session, _, ts, ..) in &mut places {
        let floor = last.filter(|(known, _)| known == session).and_then(|(_, ts)| ts);
        *ts = (*ts).max(floor);
        last = Some((*session, *ts));
    }
    places.sort_by_key(|(_, _, ts, ..)| *ts);
    for (_, _, _, batch, row) in places {
        if let Some(found) = columns.get(batch).and_then(|columns| columns.row(row)) {
            take(found, (batch, row));
        }
    }
}
