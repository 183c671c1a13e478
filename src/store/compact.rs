//! Many small parts of a closed day into few, and parts in an older layout into the newest. Readers see every row once
//! throughout: the catalog names the old parts until it names the new one.

use std::collections::BTreeMap;

use arrow::array::{Array, AsArray, BooleanArray, RecordBatch};
use arrow::compute::{filter_record_batch, nullif};
use arrow::datatypes::Int64Type;

use super::catalog::{Catalog, LAYOUT, Part, Ticks};
use super::contents::Contents;
use super::error::StoreError;
use super::filled::{self, TicksByGame};
use super::games::Quality;
use super::open::Store;
use super::parts::PartWriter;
use super::record::now_us;
use super::schema::DocType;
use super::{parts, scan};
use replayer_protocol::line::RecordingLine;

/// What compaction did.
#[derive(Debug, Clone, Default, PartialEq, Eq, serde::Serialize)]
pub struct Compacted {
    /// Parts before.
    pub parts_before: usize,
    /// Parts they became.
    pub parts_after: usize,
    /// Bytes before.
    pub bytes_before: u64,
    /// Bytes after.
    pub bytes_after: u64,
    /// Game records that a better one had replaced, dropped.
    pub superseded_games: u64,
    /// Ticks filled from seeds that had been recorded after all, dropped.
    pub superseded_ticks: u64,
}

/// Parts that together are larger than this are left apart, compressed bytes.
const LARGEST: u64 = 512 << 20;

impl Store {
    /// Compacts every day before today (UTC) that has more than one part of a kind, or one in an older layout. `progress` is
    /// told of each group: how many are done, and of how many.
    ///
    /// # Errors
    /// When a part cannot be written: that day is then as it was. Days with a part that cannot be read stay as they are. When
    /// only a replaced part cannot be removed, it is removed before the next change.
    pub fn compact(&self, mut progress: impl FnMut(usize, usize)) -> Result<Compacted, StoreError> {
        {
            let _one_at_a_time = self.sealing();
            self.settle()?;
        }
        let mut result = Compacted::default();
        let recorded = self.recorded_after_all()?;
        // Filled ticks first: a part that superseded some of them is an ordinary one afterwards.
        let holds_superseded = |part: &Part| part.is_filled() && self.shares_ticks(part, &recorded);
        let filled = self.compactable(|part| holds_superseded(part));
        self.compact_groups(
            filled.into_iter().filter(|group| group.iter().any(Part::is_filled)).collect(),
            &recorded,
            &mut progress,
            &mut result,
        )?;
        let supersedes_nothing = |part: &Part| part.ticks == Some(Ticks::Superseding) && !self.supersedes(part);
        let groups = self.compactable(|part| supersedes_nothing(part));
        self.compact_groups(groups, &recorded, &mut progress, &mut result)?;
        Ok(result)
    }

    fn compact_groups(
        &self,
        groups: Vec<Vec<Part>>,
        recorded: &TicksByGame,
        progress: &mut impl FnMut(usize, usize),
        result: &mut Compacted,
    ) -> Result<(), StoreError> {
        for (done, group) in groups.iter().enumerate() {
            progress(done, groups.len());
            match self.compact_group(group, recorded, result) {
                // Found only now: the next run leaves the part out of its group.
                Err(error) if error.is_of_a_part() => tracing::warn!(%error, "a day stays as it is"),
                other => other?,
            }
        }
        progress(groups.len(), groups.len());
        Ok(())
    }

    /// The filled ticks that were recorded after all, as far as parts say. A part that cannot be read is passed over: what it
    /// has recorded stays filled, too.
    fn recorded_after_all(&self) -> Result<TicksByGame, StoreError> {
        let known = self.known_ticks();
        let mut recorded = TicksByGame::default();
        for part in known.parts.iter().filter(|part| part.ticks == Some(Ticks::Superseding)) {
            match filled::recorded_among(self.root(), part, &known.filled) {
                Ok(found) => recorded.absorb(&found),
                Err(error) if error.is_of_a_part() => {
                    tracing::warn!(%error, "passing over the ticks of this part")
                }
                Err(error) => return Err(error),
            }
        }
        Ok(recorded)
    }

    /// Whether a part of filled ticks has some of these.
    fn shares_ticks(&self, part: &Part, recorded: &TicksByGame) -> bool {
        !recorded.is_empty() && filled::filled_in(self.root(), part).is_ok_and(|filled| filled.shares(recorded))
    }

    /// Whether some tick that the part recorded is filled in a part in force.
    fn supersedes(&self, part: &Part) -> bool {
        let known = self.known_ticks();
        // What cannot be read stays as it is.
        Contents::of_part(self.root(), part)
            .map_or(true, |contents| known.kind_of(&contents.games, &TicksByGame::default()) == Ticks::Superseding)
    }

    /// The parts that are compacted together. `is_worth_it` says of a part whether it is written again in any case.
    fn compactable(&self, is_worth_it: impl Fn(&Part) -> bool) -> Vec<Vec<Part>> {
        let today = parts::date_of(now_us());
        // Filled ticks, and what was received again, stay in parts of their own.
        let mut days: BTreeMap<(DocType, String, bool), Vec<Part>> = BTreeMap::new();
        self.with_catalog(|catalog| {
            let closed = catalog.parts.iter().filter(|part| part.date != today);
            let closed = closed.filter(|part| part.doc_type.has_columns_of(&part.schema));
            // A damaged part stays as it is, for whoever can restore it.
            for part in closed.filter(|part| part.defect(self.root()).is_none()) {
                let key = (part.doc_type, part.date.clone(), part.is_apart());
                days.entry(key).or_default().push(part.clone());
            }
        });
        let mut groups = Vec::new();
        for (_, mut parts) in days {
            parts.sort_by_key(|part| part.ts_min);
            let mut group: Vec<Part> = Vec::new();
            for part in parts {
                if group.iter().map(|part| part.bytes).sum::<u64>() + part.bytes > LARGEST {
                    groups.push(std::mem::take(&mut group));
                }
                group.push(part);
            }
            groups.push(group);
        }
        groups.retain(|group| {
            group.len() > 1 || group.iter().any(|part| gains_by_layout(part) || is_worth_it(part))
        });
        groups
    }

    fn compact_group(
        &self,
        group: &[Part],
        recorded: &TicksByGame,
        result: &mut Compacted,
    ) -> Result<(), StoreError> {
        let _one_at_a_time = self.sealing();
        let replaces: Vec<String> = group.iter().map(|part| part.path.clone()).collect();
        let mut writer = PartWriter::new(self.root(), "compact", replaces.clone(), self.known_rows(&replaces));
        writer.know(self.with_catalog(Catalog::about));
        let games = self.stored_games();
        for part in group {
            let times = part.ts_min.zip(part.ts_max);
            for batch in scan::batches(self.root(), part, None) {
                let mut batch = batch?;
                if part.doc_type == DocType::Game {
                    let rows = batch.num_rows();
                    batch = keep_best(&batch, |id| games.get(id).copied())?;
                    result.superseded_games += (rows - batch.num_rows()) as u64;
                }
                if part.doc_type == DocType::GameTick && part.layout < LAYOUT {
                    batch = without_defaults(&batch)?;
                }
                if part.is_filled() && !recorded.is_empty() {
                    let rows = batch.num_rows();
                    batch = filled::without(&batch, recorded)?;
                    result.superseded_ticks += (rows - batch.num_rows()) as u64;
                }
                writer.batch(part.doc_type, &part.date, &batch, &part.sessions, times)?;
            }
        }
        self.replace_parts(&replaces, writer.finish()?, |_, new| {
            result.parts_before += group.len();
            result.parts_after += new.len();
            result.bytes_before += group.iter().map(|part| part.bytes).sum::<u64>();
            result.bytes_after += new.iter().map(|part| part.bytes).sum::<u64>();
        })
    }
}

/// Ticks of older recordings without the tick and price that their recorders wrote before a game, as
/// [`replayer_protocol::line::RecordingLine::is_before_a_game`] has it: older builds stored some.
fn without_defaults(batch: &RecordBatch) -> Result<RecordBatch, StoreError> {
    let text = |name: &str| batch.column_by_name(name).and_then(|column| column.as_string_opt::<i32>());
    let (Some(sources), Some(raw)) = (text("tick_source"), text("raw_json")) else { return Ok(batch.clone()) };
    let is_default = |row: usize| {
        sources.is_valid(row)
            && sources.value(row) == "recording"
            && raw.is_valid(row)
            && RecordingLine::read(raw.value(row)).is_some_and(|line| line.is_before_a_game())
    };
    let defaults: BooleanArray = (0..batch.num_rows()).map(|row| Some(is_default(row))).collect();
    if defaults.true_count() == 0 {
        return Ok(batch.clone());
    }
    let schema = batch.schema();
    let columns = schema.fields().iter().zip(batch.columns()).map(|(field, column)| match field.name().as_str() {
        "tick" | "price" => nullif(column, &defaults),
        _ => Ok(column.clone()),
    });
    Ok(RecordBatch::try_new(schema.clone(), columns.collect::<Result<Vec<_>, _>>()?)?)
}

/// Whether a part is read faster in the newest layout: it was written as one row group, or its rows are not sorted as they
/// are now ([`LAYOUT`]).
fn gains_by_layout(part: &Part) -> bool {
    match part.doc_type {
        DocType::GameTick | DocType::Trade | DocType::Sidebet => part.layout < LAYOUT,
        _ => part.layout < 1 && part.rows > parts::GROUP_ROWS as u64,
    }
}

/// The games of a batch that no better record replaced.
fn keep_best(batch: &RecordBatch, best: impl Fn(&str) -> Option<Quality>) -> Result<RecordBatch, StoreError> {
    let ids = batch.column_by_name("game_id").and_then(|column| column.as_string_opt::<i32>());
    let qualities = batch.column_by_name("quality").and_then(|column| column.as_primitive_opt::<Int64Type>());
    let (Some(ids), Some(qualities)) = (ids, qualities) else { return Ok(batch.clone()) };
    let keep = |row: usize| {
        let quality = if qualities.is_valid(row) { qualities.value(row) } else { 0 };
        !ids.is_valid(row) || best(ids.value(row)).is_none_or(|best| Quality::from_i64(quality) >= best)
    };
    let mask: BooleanArray = (0..batch.num_rows()).map(|row| Some(keep(row))).collect();
    Ok(filter_record_batch(batch, &mask)?)
}
