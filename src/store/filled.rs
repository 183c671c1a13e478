//! Ticks filled from seeds, and which of them were recorded after all.
//!
//! A proof fills the ticks that nothing had recorded. When a recording of one comes later (an import, a late frame), the
//! filled tick steps back. Readers must not compare every filled tick with every recorded one for that: whoever writes a
//! part finds out, and the part says so ([`Ticks`]). The rules:
//!
//! * Filled ticks lie in parts of their own.
//! * A part of recorded ticks that are filled in a part in force, or are filled by the same change, is
//!   [`Ticks::Superseding`]: readers compare filled ticks with its rows.
//! * A filled tick that is recorded in a part already is not stored. The proof saw all parts there were; so only those that
//!   were begun since ([`since`]) are looked at.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use arrow::array::{Array, AsArray, BooleanArray, RecordBatch, StringArray};
use arrow::compute::filter_record_batch;
use arrow::datatypes::{Float64Type, Int64Type};
use parquet::file::reader::{FileReader, SerializedFileReader};
use parquet::file::statistics::Statistics;

use super::StoreError;
use super::catalog::{Part, Ticks};
use super::contents::{Contents, GameExtent};
use super::damage;
use super::root::DataRoot;
use super::runs::{MAX_RUNS, add_run, add_tick};
use super::scan::{self, Only};
use super::schema::DocType;

/// The `tick_source` of a filled tick.
pub const SEED: &str = "seed";

/// How long before a proof's time the file of a part may have been begun that the proof did not see, microseconds: a large
/// import is in force hours after.
const MARGIN_US: i64 = 6 * 3_600_000_000;

/// From when on parts may hold recordings that a proof of this time did not see.
pub fn since(proof_us: Option<i64>) -> i64 {
    proof_us.map_or(i64::MIN, |us| us.saturating_sub(MARGIN_US))
}

/// Whether a part may hold recordings that came after this time.
pub fn may_be_since(part: &Part, since_us: i64) -> bool {
    !part.is_filled() && part.begun_us().is_none_or(|begun| begun >= since_us)
}

/// Ticks by game, as inclusive runs.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct TicksByGame(HashMap<String, Vec<(i64, i64)>>);

impl TicksByGame {
    /// Adds one.
    pub fn add(&mut self, game_id: &str, tick: i64) {
        match self.0.get_mut(game_id) {
            Some(runs) => add_tick(runs, tick),
            None => {
                self.0.insert(game_id.to_owned(), vec![(tick, tick)]);
            }
        }
    }

    /// Adds all of another.
    pub fn absorb(&mut self, other: &TicksByGame) {
        for (game_id, runs) in &other.0 {
            let known = self.0.entry(game_id.clone()).or_default();
            runs.iter().for_each(|run| add_run(known, *run));
        }
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Whether it is one of them.
    pub fn holds(&self, game_id: &str, tick: i64) -> bool {
        self.0.get(game_id).is_some_and(|runs| runs.iter().any(|(first, last)| (*first..=*last).contains(&tick)))
    }

    /// Whether some tick is in both.
    pub(super) fn shares(&self, other: &TicksByGame) -> bool {
        self.0.iter().any(|(game_id, runs)| {
            let others = other.0.get(game_id).into_iter().flatten();
            others.into_iter().any(|(from, to)| runs.iter().any(|(first, last)| first <= to && from <= last))
        })
    }

    /// Whether some tick that a part has of a game is one of them.
    fn meets(&self, extent: &GameExtent) -> bool {
        let Some(runs) = self.0.get(&extent.game_id) else { return false };
        if runs.len().max(extent.ran.len()) >= MAX_RUNS {
            // Not all of them are kept. That readers compare a part for nothing costs them time and no more.
            return true;
        }
        let mut ran = extent.ran.iter().copied().chain(extent.rugs.iter().map(|rug| rug.ticks));
        ran.any(|(first, last)| runs.iter().any(|(from, to)| first <= *to && *from <= last))
    }

    /// Adds the filled ticks of a batch.
    pub fn add_filled(&mut self, batch: &RecordBatch) {
        let columns = Columns::of(batch);
        for row in 0..batch.num_rows() {
            if let (true, Some((game_id, tick))) = (columns.is_filled(row), columns.tick(row)) {
                self.add(game_id, tick);
            }
        }
    }
}

/// What whoever writes parts knows of the store's ticks.
#[derive(Debug, Clone, Default)]
pub struct KnownTicks {
    /// Those filled in parts in force.
    pub filled: Arc<TicksByGame>,
    /// The parts of ticks in force.
    pub parts: Vec<Part>,
}

impl KnownTicks {
    /// What a part of recorded ticks is: `also` are ticks that are filled by the same change.
    pub(super) fn kind_of(&self, games: &[GameExtent], also: &TicksByGame) -> Ticks {
        let any = games.iter().any(|extent| self.filled.meets(extent) || also.meets(extent));
        if any { Ticks::Superseding } else { Ticks::Recorded }
    }

    /// The ticks of a game that were recorded in parts begun since.
    ///
    /// # Errors
    /// When such a part cannot be read.
    pub(super) fn recorded_since(
        &self,
        root: &DataRoot,
        game_id: &str,
        since_us: i64,
    ) -> Result<TicksByGame, StoreError> {
        let mut found = TicksByGame::default();
        for part in self.parts.iter().filter(|part| may_be_since(part, since_us)) {
            if !Contents::of_part(root, part)?.games.iter().any(|extent| extent.game_id == game_id) {
                continue;
            }
            let only = Only { column: "game_id", texts: Arc::new(HashSet::from([game_id.to_owned()])) };
            for batch in scan::batches_of(root, part, &COLUMNS, &[only]) {
                let batch = batch?;
                let columns = Columns::of(&batch);
                for row in 0..batch.num_rows() {
                    if let (true, Some((game_id, tick))) = (columns.is_recording(row), columns.tick(row)) {
                        found.add(game_id, tick);
                    }
                }
            }
        }
        Ok(found)
    }
}

/// The ticks that a part fills.
///
/// # Errors
/// When it cannot be read.
pub(super) fn filled_in(root: &DataRoot, part: &Part) -> Result<TicksByGame, StoreError> {
    let mut filled = TicksByGame::default();
    let none = part.doc_type != DocType::GameTick
        || matches!(part.ticks, Some(Ticks::Recorded | Ticks::Superseding))
        || !may_hold_filled(root, part)?;
    if none {
        return Ok(filled);
    }
    let only = Only { column: "tick_source", texts: Arc::new(HashSet::from([SEED.to_owned()])) };
    for batch in scan::batches_of(root, part, &["game_id", "tick", "tick_source"], &[only]) {
        filled.add_filled(&batch?);
    }
    Ok(filled)
}

/// The ticks that a part has recorded, of those that are filled.
///
/// # Errors
/// When it cannot be read.
pub(super) fn recorded_among(
    root: &DataRoot,
    part: &Part,
    filled: &TicksByGame,
) -> Result<TicksByGame, StoreError> {
    let of_part = Contents::of_part(root, part)?.games.into_iter().map(|extent| extent.game_id);
    let games: HashSet<String> = of_part.filter(|game_id| filled.0.contains_key(game_id)).collect();
    let mut recorded = TicksByGame::default();
    if games.is_empty() {
        return Ok(recorded);
    }
    let only = Only { column: "game_id", texts: Arc::new(games) };
    for batch in scan::batches_of(root, part, &COLUMNS, &[only]) {
        let batch = batch?;
        let columns = Columns::of(&batch);
        for row in 0..batch.num_rows() {
            if let (true, Some((game_id, tick))) = (columns.is_recording(row), columns.tick(row))
                && filled.holds(game_id, tick)
            {
                recorded.add(game_id, tick);
            }
        }
    }
    Ok(recorded)
}

/// The rows of a batch of filled ticks without those that were recorded.
///
/// # Errors
/// Arrow's.
pub(super) fn without(batch: &RecordBatch, recorded: &TicksByGame) -> Result<RecordBatch, StoreError> {
    let columns = Columns::of(batch);
    let is_kept = |row: usize| columns.tick(row).is_none_or(|(game_id, tick)| !recorded.holds(game_id, tick));
    let kept: BooleanArray = (0..batch.num_rows()).map(|row| Some(is_kept(row))).collect();
    Ok(filter_record_batch(batch, &kept)?)
}

/// What a part's footer says: parts of older builds do not say in their entry whether they hold filled ticks.
fn may_hold_filled(root: &DataRoot, part: &Part) -> Result<bool, StoreError> {
    let file = damage::open(root, part)?;
    let reader = SerializedFileReader::new(file).map_err(damage::undecodable(root, part))?;
    let may = |column: &parquet::file::metadata::ColumnChunkMetaData| match column.statistics() {
        Some(Statistics::ByteArray(values)) => {
            let (Some(min), Some(max)) = (values.min_bytes_opt(), values.max_bytes_opt()) else {
                return true;
            };
            min <= SEED.as_bytes() && SEED.as_bytes() <= max
        }
        _ => true,
    };
    let groups = reader.metadata().row_groups();
    Ok(groups.iter().any(|group| {
        group.columns().iter().find(|column| column.column_path().string() == "tick_source").is_none_or(may)
    }))
}

/// Which rows of a batch are filled ticks.
pub(super) fn filled_rows(batch: &RecordBatch) -> Vec<bool> {
    let columns = Columns::of(batch);
    (0..batch.num_rows()).map(|row| columns.is_filled(row)).collect()
}

const COLUMNS: [&str; 5] = ["game_id", "tick", "price", "phase", "tick_source"];

struct Columns<'b> {
    game: Option<&'b StringArray>,
    source: Option<&'b StringArray>,
    phase: Option<&'b StringArray>,
    tick: Option<&'b arrow::array::Int64Array>,
    price: Option<&'b arrow::array::Float64Array>,
}

impl<'b> Columns<'b> {
    fn of(batch: &'b RecordBatch) -> Columns<'b> {
        let text = |name: &str| batch.column_by_name(name).and_then(|column| column.as_string_opt::<i32>());
        Columns {
            game: text("game_id"),
            source: text("tick_source"),
            phase: text("phase"),
            tick: batch.column_by_name("tick").and_then(|column| column.as_primitive_opt::<Int64Type>()),
            price: batch.column_by_name("price").and_then(|column| column.as_primitive_opt::<Float64Type>()),
        }
    }

    fn is_filled(&self, row: usize) -> bool {
        text(self.source, row) == Some(SEED)
    }

    /// As the view `game_tick` has it: a price of the running game, or of its rug.
    fn is_recording(&self, row: usize) -> bool {
        text(self.source, row).is_some_and(|source| source != SEED)
            && self.price.is_some_and(|price| price.is_valid(row))
            && matches!(text(self.phase, row), Some("ACTIVE" | "RUGGED"))
    }

    fn tick(&self, row: usize) -> Option<(&'b str, i64)> {
        let tick = self.tick.filter(|tick| tick.is_valid(row))?.value(row);
        Some((text(self.game, row)?, tick))
    }
}

fn text(column: Option<&StringArray>, row: usize) -> Option<&str> {
    column.filter(|column| column.is_valid(row)).map(|column| column.value(row))
}

#[cfg(test)]
mod tests;
