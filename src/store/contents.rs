//! A part's table of contents: at which row which frame stands, and which games are in it.
//!
//! Rows of one game are a few hundred of hundreds of thousands, and game ids are random, so that no statistics of
//! pages or row groups lead to them. The table stands in the part's own metadata, some kilobytes; parts that were
//! written without one are read for it, only their light columns.

use std::ops::Range;

use arrow::array::{Array, AsArray, BooleanArray, Float64Array, Int64Array, RecordBatch, StringArray};
use arrow::datatypes::{Float64Type, Int64Type, TimestampMicrosecondType};
use parquet::arrow::ProjectionMask;
use parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder;
use serde::{Deserialize, Serialize};

use super::StoreError;
use super::catalog::Part;
use super::damage;
use super::root::DataRoot;
use super::runs::add_run;
use super::schema::{DocType, META_CONTENTS};

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
    /// Rows of the part.
    pub rows: u64,
}

/// A row, its session (a place in [`Contents::sessions`]) and its `seq`, which does not fall up to the next mark.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Mark(pub u64, pub u32, pub u64);

/// What a session has of a game.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct GameExtent {
    /// The round.
    #[serde(rename = "g")]
    pub game_id: String,
    /// The session, a place in [`Contents::sessions`].
    #[serde(rename = "s")]
    pub session: u32,
    /// Packets.
    #[serde(rename = "n")]
    pub packets: u64,
    /// Packets with a price.
    #[serde(rename = "p")]
    pub priced: u64,
    /// The lowest tick; `None` where no packet has one.
    #[serde(rename = "t", default, skip_serializing_if = "Option::is_none")]
    pub first_tick: Option<i64>,
    /// Ticks of the running game that have a price, as inclusive runs: none of the rug and after it.
    #[serde(rename = "k", default, skip_serializing_if = "Vec::is_empty")]
    pub ran: Vec<(i64, i64)>,
    /// The lowest tick of a packet that shows its rug: later ones count on.
    #[serde(rename = "e", default, skip_serializing_if = "Option::is_none")]
    pub rug_tick: Option<i64>,
    /// Whether a packet shows its rug.
    #[serde(rename = "r", default, skip_serializing_if = "is_false")]
    pub rugged: bool,
    /// Whether the rows are lines of an older recording, which have no frame.
    #[serde(rename = "o", default, skip_serializing_if = "is_false")]
    pub recorded: bool,
    /// First and last `seq`.
    #[serde(rename = "q")]
    pub seq: (u64, u64),
    /// First and last time, microseconds UTC; `None` where no row has one.
    #[serde(rename = "u", default, skip_serializing_if = "Option::is_none")]
    pub ts: Option<(i64, i64)>,
}

fn is_false(flag: &bool) -> bool {
    !flag
}

impl GameExtent {
    /// Takes in what another part has of the same.
    pub fn add(&mut self, other: &GameExtent) {
        self.packets += other.packets;
        self.priced += other.priced;
        self.first_tick = [self.first_tick, other.first_tick].into_iter().flatten().min();
        other.ran.iter().for_each(|run| add_run(&mut self.ran, *run));
        self.rug_tick = [self.rug_tick, other.rug_tick].into_iter().flatten().min();
        self.rugged |= other.rugged;
        self.recorded |= other.recorded;
        self.seq = (self.seq.0.min(other.seq.0), self.seq.1.max(other.seq.1));
        self.ts = match (self.ts, other.ts) {
            (Some(a), Some(b)) => Some((a.0.min(b.0), a.1.max(b.1))),
            (a, b) => a.or(b),
        };
    }

    /// Whether every tick was recorded, from the first (0 or 1) to the rug, none missing between: as the view `games`
    /// says it of all recordings together.
    pub fn is_complete(&self) -> bool {
        match (self.rug_tick, self.ran.first()) {
            (Some(rug), Some((first, last))) => *first <= 1 && *last + 1 >= rug,
            (Some(rug), None) => rug <= 1,
            (None, _) => false,
        }
    }
}

/// The columns that a table of contents is made from.
const LIGHT: [&str; 9] = ["session_id", "seq", "ts", "game_id", "tick", "price", "rugged", "phase", "tick_source"];

impl Contents {
    /// Whether parts of this kind carry one.
    pub fn is_kept(doc_type: DocType) -> bool {
        matches!(doc_type, DocType::WsEvent | DocType::GameTick | DocType::ServerState | DocType::SystemEvent)
    }

    /// The table of a part: its own, else made from its light columns.
    ///
    /// # Errors
    /// When the part cannot be read.
    pub fn of_part(root: &DataRoot, part: &Part) -> Result<Contents, StoreError> {
        let file = damage::open(root, part)?;
        let builder = ParquetRecordBatchReaderBuilder::try_new(file).map_err(damage::undecodable(root, part))?;
        let pairs = builder.metadata().file_metadata().key_value_metadata();
        let own = pairs
            .and_then(|pairs| pairs.iter().find(|pair| pair.key == META_CONTENTS))
            .and_then(|pair| pair.value.as_deref())
            .and_then(|text| serde_json::from_str::<Contents>(text).ok());
        if let Some(own) = own {
            return Ok(own);
        }
        let mask = ProjectionMask::columns(builder.parquet_schema(), LIGHT);
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
    /// The extent that the row before belongs to.
    game: Option<usize>,
}

impl ContentsMaker {
    /// An empty one.
    pub fn new(doc_type: DocType) -> ContentsMaker {
        ContentsMaker { doc_type, made: Contents::default(), last: None, game: None }
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
            if self.doc_type == DocType::GameTick {
                self.game(&columns, row, session, seq);
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

    fn game(&mut self, columns: &Columns<'_>, row: usize, session: u32, seq: u64) {
        let Some(game_id) = text(columns.game, row) else { return };
        if text(columns.source, row) == Some("seed") {
            // Recomputed, not recorded.
            return;
        }
        let tick = columns.tick.filter(|column| column.is_valid(row)).map(|column| column.value(row));
        let ts = columns.ts.filter(|column| column.is_valid(row)).map(|column| column.value(row));
        let priced = columns.price.is_some_and(|column| column.is_valid(row));
        let rugged = columns.rugged.is_some_and(|column| column.is_valid(row) && column.value(row));
        // What stands in packets before the game belongs to the start of one.
        let runs = !rugged && !matches!(text(columns.phase, row), Some("COOLDOWN" | "PRESALE"));
        let extent = GameExtent {
            game_id: String::new(),
            session,
            packets: 1,
            priced: u64::from(priced),
            first_tick: tick,
            ran: tick.filter(|_| runs && priced).map(|tick| (tick, tick)).into_iter().collect(),
            rug_tick: tick.filter(|_| rugged && priced),
            rugged,
            recorded: text(columns.source, row) == Some("recording"),
            seq: (seq, seq),
            ts: ts.map(|ts| (ts, ts)),
        };
        let is = |known: &GameExtent| known.session == session && known.game_id == game_id;
        let games = &mut self.made.games;
        // Around a rug the old game's packets alternate with the new one's: look a few back.
        let place = self.game.filter(|place| games.get(*place).is_some_and(is)).or_else(|| {
            let from = games.len().saturating_sub(8);
            games.iter().skip(from).position(is).map(|place| from + place)
        });
        match place.and_then(|place| games.get_mut(place)) {
            Some(known) => known.add(&extent),
            None => games.push(GameExtent { game_id: game_id.to_owned(), ..extent }),
        }
        self.game = place.or(Some(games.len() - 1));
    }

    /// The table of the rows taken so far.
    pub fn so_far(&self) -> &Contents {
        &self.made
    }

    /// The table.
    pub fn finish(self) -> Contents {
        self.made
    }

    /// The table as a part's metadata carries it; `None` when it is too long for that.
    pub fn to_metadata(&self) -> Option<String> {
        let entries = self.made.marks.len() + self.made.games.len() + self.made.sessions.len();
        (entries <= MOST_ENTRIES).then(|| serde_json::to_string(&self.made).ok()).flatten()
    }
}

struct Columns<'b> {
    session: Option<&'b StringArray>,
    game: Option<&'b StringArray>,
    source: Option<&'b StringArray>,
    phase: Option<&'b StringArray>,
    seq: Option<&'b Int64Array>,
    tick: Option<&'b Int64Array>,
    price: Option<&'b Float64Array>,
    rugged: Option<&'b BooleanArray>,
    ts: Option<&'b arrow::array::TimestampMicrosecondArray>,
}

impl<'b> Columns<'b> {
    fn of(batch: &'b RecordBatch) -> Columns<'b> {
        let text = |name: &str| batch.column_by_name(name).and_then(|column| column.as_string_opt::<i32>());
        let integer =
            |name: &str| batch.column_by_name(name).and_then(|column| column.as_primitive_opt::<Int64Type>());
        Columns {
            session: text("session_id"),
            game: text("game_id"),
            source: text("tick_source"),
            phase: text("phase"),
            seq: integer("seq"),
            tick: integer("tick"),
            price: batch.column_by_name("price").and_then(|column| column.as_primitive_opt::<Float64Type>()),
            rugged: batch.column_by_name("rugged").and_then(|column| column.as_boolean_opt()),
            ts: batch
                .column_by_name("ts")
                .and_then(|column| column.as_primitive_opt::<TimestampMicrosecondType>()),
        }
    }

    fn seq(&self, row: usize) -> Option<u64> {
        let seq = self.seq.filter(|column| column.is_valid(row)).map(|column| column.value(row))?;
        u64::try_from(seq).ok()
    }
}

fn text(column: Option<&StringArray>, row: usize) -> Option<&str> {
    column.filter(|column| column.is_valid(row)).map(|column| column.value(row))
}

#[cfg(test)]
mod tests;
