//! A part's table of contents: at which row which frame stands, and what the rows say of games ([`games`], [`histories`]).
//!
//! Rows of one game are a few hundred of hundreds of thousands, and game ids are random, so that no statistics of
//! pages or row groups lead to them. The table stands in the part's own metadata, some kilobytes; parts that were
//! written without one are read for it, only their light columns.

use std::ops::Range;

use arrow::array::{
    Array, ArrowPrimitiveType, AsArray, BooleanArray, Float64Array, Int64Array, PrimitiveArray, RecordBatch,
    StringArray, TimestampMicrosecondArray,
};
use arrow::datatypes::{Float64Type, Int64Type, TimestampMicrosecondType};
use parquet::arrow::ProjectionMask;
use parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder;
use serde::{Deserialize, Serialize};

use super::StoreError;
use super::catalog::Part;
use super::damage;
use super::fsio::File;
use super::root::DataRoot;
use super::schema::{DocType, META_CONTENTS};

pub mod games;
pub mod histories;

pub use games::{GameExtent, Reached, Rug};
pub use histories::{HistoryExtent, Path, ProofExtent};

use games::GamesMaker;

/// Rows between two marks.
const MARK_ROWS: u64 = 512;

/// A table with more entries than this is not written: it would weigh on every reader of the part.
const MOST_ENTRIES: usize = 50_000;

/// Where what stands in a part.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Contents {
    /// The sessions, in the order of their first row.
    pub sessions: Vec<String>,
    /// Some rows with their frames, in the order of rows.
    pub marks: Vec<Mark>,
    /// The games whose `gameStateUpdate`s the part holds; in parts of `game_tick` only.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub games: Vec<GameExtent>,
    /// The history entries; in parts of `game` only.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub histories: Vec<HistoryExtent>,
    /// The stored proofs; in parts of `system_event` only.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub proofs: Vec<ProofExtent>,
    /// Rows of the part.
    pub rows: u64,
}

/// A row, its session (a place in [`Contents::sessions`]) and its `seq`, which does not fall up to the next mark.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Mark(pub u64, pub u32, pub u64);

fn is_false(flag: &bool) -> bool {
    !flag
}

/// The columns that a table of contents is made from, as far as a kind has them and its parts are asked for them.
fn light(doc_type: DocType) -> &'static [&'static str] {
    match doc_type {
        DocType::GameTick => &[
            "session_id",
            "seq",
            "ts",
            "source",
            "game_id",
            "tick",
            "price",
            "rugged",
            "phase",
            "trade_count",
            "tick_source",
        ],
        DocType::Game => &[
            "session_id",
            "seq",
            "ts",
            "source",
            "game_id",
            "peak",
            "ticks",
            "rug_price",
            "ended_at",
            "server_seed",
            "game_version",
            "prices",
            "proven",
            "quality",
        ],
        DocType::SystemEvent => &["session_id", "seq", "ts", "event_type", "details"],
        _ => &["session_id", "seq"],
    }
}

/// The columns that tell of games, of the kinds of rows that do; `None` for other kinds.
pub fn of_games(doc_type: DocType) -> Option<&'static [&'static str]> {
    matches!(doc_type, DocType::GameTick | DocType::Game | DocType::SystemEvent).then(|| light(doc_type))
}

impl Contents {
    /// Whether parts of this kind carry one.
    pub fn is_kept(doc_type: DocType) -> bool {
        use DocType::{Game, GameTick, ServerState, SystemEvent, WsEvent};
        matches!(doc_type, WsEvent | GameTick | ServerState | SystemEvent | Game)
    }

    /// The table of a part: its own, else made from its light columns.
    ///
    /// # Errors
    /// When the part cannot be read.
    pub fn of_part(root: &DataRoot, part: &Part) -> Result<Contents, StoreError> {
        let (builder, own) = opened(root, part)?;
        if let Some(own) = own {
            return Ok(own);
        }
        let mask = ProjectionMask::columns(builder.parquet_schema(), light(part.doc_type).iter().copied());
        let reader = builder
            .with_projection(mask)
            .with_batch_size(8192)
            .build()
            .map_err(damage::undecodable(root, part))?;
        let mut maker = ContentsMaker::new(part.doc_type);
        for batch in reader {
            maker.take(&batch.map_err(damage::undecodable(root, part))?);
        }
        Ok(maker.finish())
    }

    /// The table that a part carries; `None` where it was written without one.
    ///
    /// # Errors
    /// When the part cannot be read.
    pub fn own_of_part(root: &DataRoot, part: &Part) -> Result<Option<Contents>, StoreError> {
        Ok(opened(root, part)?.1)
    }

    /// The table of rows that are not in a part yet.
    pub fn of_batches<'b>(doc_type: DocType, batches: impl IntoIterator<Item = &'b RecordBatch>) -> Contents {
        let mut maker = ContentsMaker::new(doc_type);
        batches.into_iter().for_each(|batch| maker.take(batch));
        maker.finish()
    }

    /// The rows among which all frames of `session` with a `seq` in `first ..= last` are, and some others.
    pub fn rows_of(&self, session: &str, first: u64, last: u64) -> Vec<Range<usize>> {
        let Some(session) = self.sessions.iter().position(|known| known == session) else { return Vec::new() };
        let mut ranges: Vec<Range<usize>> = Vec::new();
        for (place, mark) in self.marks.iter().enumerate() {
            let next = self.marks.get(place + 1);
            let end = next.map_or(self.rows, |next| next.0);
            let alone = end == mark.0 + 1;
            let beyond = match next.filter(|next| next.1 == mark.1) {
                _ if alone => mark.2 < first,
                // `seq` rises up to the next mark, whose own is beyond the rows between.
                next => next.is_some_and(|next| next.2 < first),
            };
            if mark.1 as usize != session || mark.2 > last || beyond {
                continue;
            }
            let (start, end) = (place_of(mark.0), place_of(end));
            match ranges.last_mut() {
                Some(range) if range.end == start => range.end = end,
                _ => ranges.push(start..end),
            }
        }
        ranges
    }
}

/// Opens a part, and reads the table that it carries.
fn opened(
    root: &DataRoot,
    part: &Part,
) -> Result<(ParquetRecordBatchReaderBuilder<File>, Option<Contents>), StoreError> {
    let file = damage::open(root, part)?;
    let builder = ParquetRecordBatchReaderBuilder::try_new(file).map_err(damage::undecodable(root, part))?;
    let pairs = builder.metadata().file_metadata().key_value_metadata();
    let own = pairs
        .and_then(|pairs| pairs.iter().find(|pair| pair.key == META_CONTENTS))
        .and_then(|pair| pair.value.as_deref())
        .and_then(|text| serde_json::from_str::<Contents>(text).ok());
    Ok((builder, own))
}

fn place_of(row: u64) -> usize {
    usize::try_from(row).unwrap_or(usize::MAX)
}

/// Makes a table of contents of the rows of one part, batch by batch.
#[derive(Debug)]
pub struct ContentsMaker {
    doc_type: DocType,
    made: Contents,
    /// The row before: its session, `seq` and place.
    last: Option<(u32, u64, u64)>,
    games: GamesMaker,
}

impl ContentsMaker {
    /// An empty one.
    pub fn new(doc_type: DocType) -> ContentsMaker {
        ContentsMaker { doc_type, made: Contents::default(), last: None, games: GamesMaker::default() }
    }

    /// Takes the rows that follow.
    pub fn take(&mut self, batch: &RecordBatch) {
        let first = self.made.rows;
        self.made.rows += batch.num_rows() as u64;
        let columns = Columns::of(batch);
        for row in 0..batch.num_rows() {
            let (Some(session), Some(seq)) = (text(columns.session, row), columns.seq(row)) else { continue };
            let session = self.session(session);
            let place = first + row as u64;
            // A mark where the session changes, where `seq` falls (parts put together), and now and then.
            let marked = self.made.marks.last().map_or(0, |mark| mark.0);
            let follows = self.last.is_some_and(|(known, before, _)| known == session && before <= seq);
            if let Some((known, before, row)) = self.last.filter(|(_, _, row)| !follows && *row > marked) {
                // The last row before a fall has a mark of its own, so that the rows before it are bounded.
                self.made.marks.push(Mark(row, known, before));
            }
            if !follows || place - marked >= MARK_ROWS {
                self.made.marks.push(Mark(place, session, seq));
            }
            self.last = Some((session, seq, place));
            match self.doc_type {
                DocType::GameTick => self.games.row(&columns, row, session, seq),
                DocType::Game => self.made.histories.extend(histories::entry(&columns, row, session, seq)),
                DocType::SystemEvent => self.made.proofs.extend(histories::proof(&columns, row, session, seq)),
                _ => {}
            }
        }
    }

    fn session(&mut self, id: &str) -> u32 {
        let same = |known: &u32| self.made.sessions.get(*known as usize).is_some_and(|known| known == id);
        if let Some((last, ..)) = self.last.filter(|(last, ..)| same(last)) {
            return last;
        }
        let place = self.made.sessions.iter().position(|known| known == id).unwrap_or_else(|| {
            self.made.sessions.push(id.to_owned());
            self.made.sessions.len() - 1
        });
        u32::try_from(place).unwrap_or(u32::MAX)
    }

    /// The table.
    pub fn finish(&self) -> Contents {
        Contents { games: self.games.finish(), ..self.made.clone() }
    }

    /// The sessions so far, and what their rows of `game_tick` say of games: for whoever goes on taking rows. Checksums of
    /// prices are only made at the end.
    pub fn so_far(&self) -> (&Contents, &[GameExtent]) {
        (&self.made, &self.games.games)
    }

    /// The table as a part's metadata carries it; `None` when it is too long for that.
    pub fn to_metadata(&self) -> Option<String> {
        let made = self.finish();
        let runs =
            made.games.iter().map(|extent| extent.ran.len() + extent.damaged.len() + extent.differing.len());
        let games = made.games.len() + runs.sum::<usize>() + made.histories.len() + made.proofs.len();
        let entries = made.marks.len() + games + made.sessions.len();
        (entries <= MOST_ENTRIES).then(|| serde_json::to_string(&made).ok()).flatten()
    }
}

/// The columns of a batch, as far as it has them.
struct Columns<'b> {
    batch: &'b RecordBatch,
    session: Option<&'b StringArray>,
    source: Option<&'b StringArray>,
    game: Option<&'b StringArray>,
    tick_source: Option<&'b StringArray>,
    phase: Option<&'b StringArray>,
    seq: Option<&'b Int64Array>,
    tick: Option<&'b Int64Array>,
    trades: Option<&'b Int64Array>,
    price: Option<&'b Float64Array>,
    rugged: Option<&'b BooleanArray>,
    ts: Option<&'b TimestampMicrosecondArray>,
}

impl<'b> Columns<'b> {
    fn of(batch: &'b RecordBatch) -> Columns<'b> {
        let bare = Columns {
            batch,
            session: None,
            source: None,
            game: None,
            tick_source: None,
            phase: None,
            seq: None,
            tick: None,
            trades: None,
            price: None,
            rugged: None,
            ts: None,
        };
        Columns {
            session: bare.text("session_id"),
            source: bare.text("source"),
            game: bare.text("game_id"),
            tick_source: bare.text("tick_source"),
            phase: bare.text("phase"),
            seq: bare.integer("seq"),
            tick: bare.integer("tick"),
            trades: bare.integer("trade_count"),
            price: bare.float("price"),
            rugged: batch.column_by_name("rugged").and_then(|column| column.as_boolean_opt()),
            ts: bare.time("ts"),
            ..bare
        }
    }

    fn text(&self, name: &str) -> Option<&'b StringArray> {
        self.batch.column_by_name(name)?.as_string_opt::<i32>()
    }

    fn integer(&self, name: &str) -> Option<&'b Int64Array> {
        self.batch.column_by_name(name)?.as_primitive_opt::<Int64Type>()
    }

    fn float(&self, name: &str) -> Option<&'b Float64Array> {
        self.batch.column_by_name(name)?.as_primitive_opt::<Float64Type>()
    }

    fn time(&self, name: &str) -> Option<&'b TimestampMicrosecondArray> {
        self.batch.column_by_name(name)?.as_primitive_opt::<TimestampMicrosecondType>()
    }

    fn seq(&self, row: usize) -> Option<u64> {
        u64::try_from(value(self.seq?, row)?).ok()
    }
}

fn text(column: Option<&StringArray>, row: usize) -> Option<&str> {
    column.filter(|column| column.is_valid(row)).map(|column| column.value(row))
}

fn value<T: ArrowPrimitiveType>(column: &PrimitiveArray<T>, row: usize) -> Option<T::Native> {
    column.is_valid(row).then(|| column.value(row))
}

fn flag(column: &BooleanArray, row: usize) -> bool {
    column.is_valid(row) && column.value(row)
}

#[cfg(test)]
mod tests;
