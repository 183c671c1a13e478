//! Giving space back: frames from before a date go; finished games, marks and manifests stay.
//!
//! A game that runs across midnight is not cut in two: the frames of it from before the date stay as well.

use std::collections::{BTreeMap, BTreeSet, HashSet};

use arrow::array::{Array, AsArray, BooleanArray, RecordBatch};
use arrow::compute::filter_record_batch;

use super::catalog::{Catalog, Part};
use super::error::StoreError;
use super::open::Store;
use super::parts::PartWriter;
use super::root::NO_DATE;
use super::schema::DocType;
use super::{fsio, parts, scan};

/// What pruning removes, or would.
#[derive(Debug, Clone, Default, PartialEq, Eq, serde::Serialize)]
pub struct Pruned {
    /// Rows removed, by doc type.
    pub rows: BTreeMap<String, u64>,
    /// Parts removed.
    pub parts: usize,
    /// Bytes given back.
    pub bytes: u64,
    /// Parts among them that are damaged or gone.
    pub lost: usize,
    /// Rows from before the date that stay because their game runs across it.
    pub kept_rows: u64,
    /// Files that were set aside or replaced earlier, and go now.
    pub leftovers: usize,
    /// Their bytes.
    pub leftover_bytes: u64,
}

impl Store {
    /// Removes frames from before `date` (UTC, `2026-11-23`). With `dry_run` it only says what would go.
    ///
    /// # Errors
    /// When `date` is no date, or a part cannot be read or written; what was not yet removed then stays.
    pub fn prune(&self, date: &str, dry_run: bool) -> Result<Pruned, StoreError> {
        date.parse::<jiff::civil::Date>()
            .map_err(|_| StoreError::Refused(format!("{date:?} is no date; write it as 2026-11-23 (UTC)")))?;
        let _one_at_a_time = self.sealing();
        if !dry_run {
            self.settle()?;
        }
        let all = self.with_catalog(|catalog| catalog.parts.clone());
        let kept_kinds = [DocType::Game, DocType::Sidebet];
        let old = |part: &&Part| {
            part.date != NO_DATE && part.date.as_str() < date && !kept_kinds.contains(&part.doc_type)
        };
        let across = self.games_across(&all, date)?;
        let mut result = Pruned::default();
        let mut removed = Vec::new();
        let mut writer = PartWriter::new(self.root(), "prune", Vec::new());
        writer.know(self.with_catalog(Catalog::about));
        for part in all.iter().filter(old) {
            let kept = if across.is_empty() { 0 } else { self.keep_games(part, &across, &mut writer)? };
            result.parts += 1;
            result.bytes += part.bytes;
            result.kept_rows += kept;
            *result.rows.entry(part.doc_type.as_str().to_owned()).or_default() += part.rows - kept;
            removed.push(part.path.clone());
        }
        // What cannot be read is not kept for a game's sake, and nobody will miss it from before the date.
        let lost: Vec<Part> =
            self.with_catalog(|catalog| catalog.lost.iter().map(|lost| lost.part.clone()).collect());
        for part in lost.iter().filter(old) {
            result.parts += 1;
            result.lost += 1;
            *result.rows.entry(part.doc_type.as_str().to_owned()).or_default() += part.rows;
            removed.push(part.path.clone());
        }
        let leftovers = self.leftovers()?;
        result.leftovers = leftovers.len();
        result.leftover_bytes = leftovers.iter().filter_map(|path| Some(fsio::metadata(path).ok()?.len())).sum();
        if dry_run {
            return Ok(result);
        }
        // In one change with the parts: what was pruned must not be taken for something that a catalog forgot.
        self.replace_parts(&removed, writer.finish()?, |catalog, _| {
            let later = catalog.pruned_before.take().filter(|known| known.as_str() > date);
            catalog.pruned_before = Some(later.unwrap_or_else(|| date.to_owned()));
            catalog.lost.retain(|lost| !removed.contains(&lost.part.path));
        })?;
        leftovers.iter().try_for_each(|path| fsio::remove(path))?;
        Ok(result)
    }

    /// The games with frames on both sides of the date.
    fn games_across(&self, all: &[Part], date: &str) -> Result<HashSet<String>, StoreError> {
        let framed = |part: &&Part| matches!(part.doc_type, DocType::GameTick | DocType::WsEvent);
        let before =
            all.iter().filter(framed).filter(|part| part.date.as_str() < date).map(|part| &part.date).max();
        let Some(before) = before else { return Ok(HashSet::new()) };
        let earlier = self.games_of(all.iter().filter(framed).filter(|part| part.date == *before))?;
        let later = self.games_of(all.iter().filter(framed).filter(|part| part.date == date))?;
        Ok(earlier.intersection(&later).cloned().collect())
    }

    fn games_of<'p>(&self, parts: impl Iterator<Item = &'p Part>) -> Result<BTreeSet<String>, StoreError> {
        let mut games = BTreeSet::new();
        for part in parts {
            for batch in scan::batches(self.root(), part, Some(&["game_id"])) {
                let batch = batch?;
                let ids = batch.column_by_name("game_id").and_then(|column| column.as_string_opt::<i32>());
                games.extend(ids.into_iter().flatten().flatten().map(str::to_owned));
            }
        }
        Ok(games)
    }

    /// Writes the rows of these games into new parts, and says how many there were.
    fn keep_games(
        &self,
        part: &Part,
        games: &HashSet<String>,
        writer: &mut PartWriter,
    ) -> Result<u64, StoreError> {
        let mut kept = 0;
        for batch in scan::batches(self.root(), part, None) {
            let batch = only_games(&batch?, games)?;
            if batch.num_rows() > 0 {
                kept += batch.num_rows() as u64;
                writer.batch(part.doc_type, &part.date, &batch, &part.sessions, part.ts_min.zip(part.ts_max))?;
            }
        }
        Ok(kept)
    }

    /// Files that recovery and repair set aside and migration replaced.
    fn leftovers(&self) -> Result<Vec<std::path::PathBuf>, StoreError> {
        let is_leftover =
            |path: &String| [".orphan", ".migrated", ".damaged"].iter().any(|ending| path.ends_with(ending));
        let files = parts::all_files(self.root())?;
        Ok(files.into_iter().filter(is_leftover).map(|path| self.root().path().join(path)).collect())
    }
}

fn only_games(batch: &RecordBatch, games: &HashSet<String>) -> Result<RecordBatch, StoreError> {
    let ids = batch.column_by_name("game_id").and_then(|column| column.as_string_opt::<i32>());
    let keep = |row: usize| ids.is_some_and(|ids| ids.is_valid(row) && games.contains(ids.value(row)));
    let mask: BooleanArray = (0..batch.num_rows()).map(|row| Some(keep(row))).collect();
    Ok(filter_record_batch(batch, &mask)?)
}
