//! From rows to facts.

use std::collections::HashMap;

use arrow::array::{Array, AsArray, RecordBatch, StringArray};
use arrow::datatypes::{Int64Type, TimestampMicrosecondType};

use super::slices::{Digest, FactsFilter, MAX_SESSION_EVENTS, SessionFacts, Slices};
use crate::protocol::facts::{self, Seen};
use crate::protocol::line::{self, LineFormat};
use crate::protocol::phase::Phase;
use crate::protocol::reading;
use crate::store::StoreError;
use crate::store::catalog::Part;
use crate::store::root::DataRoot;
use crate::store::scan;

/// The columns that facts are made from.
const COLUMNS: [&str; 11] = [
    "ts",
    "source",
    "session_id",
    "game_id",
    "seq",
    "direction",
    "raw_json",
    "event_name",
    "phase",
    "frame",
    "format",
];

/// Reads one part.
///
/// # Errors
/// When it cannot be read.
pub(super) fn read(root: &DataRoot, part: &Part, filter: &FactsFilter) -> Result<Slices, StoreError> {
    let mut slices = Slices::default();
    let mut reader = Reader::default();
    for batch in scan::batches(root, part, Some(&COLUMNS)) {
        reader.batch(&mut slices, &batch?, filter);
    }
    Ok(slices)
}

/// Reads rows in order. Events other than gameStateUpdate happen in the phase and the game that their session was last
/// seen in.
#[derive(Default)]
pub(super) struct Reader {
    moments: HashMap<String, Moment>,
}

/// Where a session stands.
#[derive(Default)]
struct Moment {
    phase: Option<Phase>,
    game: Option<String>,
}

impl Reader {
    pub(super) fn batch(&mut self, slices: &mut Slices, batch: &RecordBatch, filter: &FactsFilter) {
        let text = |name: &str| batch.column_by_name(name).and_then(|column| column.as_string_opt::<i32>());
        let (Some(sessions), Some(raws)) = (text("session_id"), text("raw_json")) else { return };
        let seqs = batch.column_by_name("seq").and_then(|column| column.as_primitive_opt::<Int64Type>());
        let times =
            batch.column_by_name("ts").and_then(|column| column.as_primitive_opt::<TimestampMicrosecondType>());
        let (sources, directions, names) = (text("source"), text("direction"), text("event_name"));
        let (phases, formats, games) = (text("phase"), text("format"), text("game_id"));
        let at = |column: Option<&StringArray>, row: usize| -> Option<String> {
            column.filter(|column| column.is_valid(row)).map(|column| column.value(row).to_owned())
        };
        for row in 0..batch.num_rows() {
            if !raws.is_valid(row) || !sessions.is_valid(row) {
                continue;
            }
            let session_id = sessions.value(row);
            let own = at(phases, row).and_then(|name| facts::phase_from_name(&name));
            let own_game = games.filter(|games| games.is_valid(row)).map(|games| games.value(row));
            let is_state = names.is_some_and(|names| names.is_valid(row) && names.value(row) == "gameStateUpdate");
            if !self.moments.contains_key(session_id) {
                self.moments.insert(session_id.to_owned(), Moment::default());
            }
            let Some(moment) = self.moments.get_mut(session_id) else { continue };
            if own.is_some() {
                moment.phase = own;
            }
            if is_state && own_game.is_some() && moment.game.as_deref() != own_game {
                moment.game = own_game.map(str::to_owned);
            }
            let phase = if is_state { own } else { own.or(moment.phase) };
            let game_id = own_game.or(moment.game.as_deref());
            let source =
                sources.filter(|sources| sources.is_valid(row)).map_or("unknown", |sources| sources.value(row));
            let ts_us = times.filter(|times| times.is_valid(row)).map(|times| times.value(row));
            if !filter.wants(session_id, source) || !filter.wants_time(ts_us) {
                continue;
            }
            let direction = at(directions, row);
            let seen = Seen {
                ts_us,
                session_id,
                seq: seqs
                    .filter(|seqs| seqs.is_valid(row))
                    .and_then(|seqs| u64::try_from(seqs.value(row)).ok())
                    .unwrap_or(0),
                source,
                direction: direction.as_deref(),
                phase,
                game_id,
            };
            let format =
                at(formats, row).and_then(|name| LineFormat::from_name(&name)).unwrap_or(LineFormat::Wire);
            let raw = raws.value(row);
            let name = at(names, row);
            let inner = line::inner(format, raw);
            let mut event = match &inner {
                Some(inner) => line::decode(inner.format, inner.hint.as_deref(), &inner.text),
                None => line::decode(format, name.as_deref(), raw),
            };
            event.status = reading::of(&event, direction.as_deref() == Some("sent")).status(event.status);
            let Some(digest) = slices.of(session_id, source) else { continue };
            digest.facts.observe(&event, &seen);
            session(digest, &seen, &event);
        }
    }
}

fn session(digest: &mut Digest, seen: &Seen<'_>, event: &line::Event<'_>) {
    if !digest.sessions.contains_key(seen.session_id) {
        let first = SessionFacts { first_seq: seen.seq, ..SessionFacts::default() };
        digest.sessions.insert(seen.session_id.to_owned(), first);
    }
    let Some(session) = digest.sessions.get_mut(seen.session_id) else { return };
    session.frames += 1;
    session.first_seq = session.first_seq.min(seen.seq);
    session.last_seq = session.last_seq.max(seen.seq);
    if let Some(ts) = seen.ts_us {
        session.first_us = Some(session.first_us.map_or(ts, |first| first.min(ts)));
        session.last_us = Some(session.last_us.map_or(ts, |last| last.max(ts)));
    }
    if !session.sources.contains(seen.source) {
        session.sources.insert(seen.source.to_owned());
    }
    match event.status {
        line::FrameStatus::PayloadLost => session.payload_lost += 1,
        line::FrameStatus::Unparsed | line::FrameStatus::BrokenJson => session.unreadable += 1,
        line::FrameStatus::PayloadUnread | line::FrameStatus::ValueUnread => session.value_unread += 1,
        line::FrameStatus::Ok => {}
    }
    let name = event.name.as_deref().unwrap_or("(no event)");
    if let Some(count) = session.events.get_mut(name) {
        *count += 1;
    } else if session.events.len() < MAX_SESSION_EVENTS {
        session.events.insert(name.to_owned(), 1);
    }
}
