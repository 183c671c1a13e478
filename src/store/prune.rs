//! Giving space back: frames from before a date go; finished games, marks and manifests stay.
//!
//! A game that runs across midnight is not cut in two: the frames of it from before the date stay as well. And a date is
//! what the wall clock said: where it fell back, frames that were recorded later than they are stamped stay (`age`).

use std::collections::{BTreeMap, BTreeSet, HashSet};

use arrow::array::{Array, AsArray, BooleanArray, RecordBatch};
use arrow::compute::filter_record_batch;

use super::age::Reached;
use super::catalog::{Catalog, LostPart, Part};
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
    /// Parts stamped before the date that stay because their session had come to it before: its clock fell back.
    pub kept_by_order: usize,
    /// Files that were set aside or replaced earlier, and go now.
    pub leftovers: usize,
    /// Their bytes.
    pub leftover_bytes: u64,
}

/// Rows of these kinds stay.
pub(super) const KEPT_KINDS: [DocType; 2] = [DocType::Game, DocType::Sidebet];

impl Store {
    /// Removes frames from before `date` (UTC, `2026-11-23`): those that were stamped before it, unless something of `date`
    /// or later came before them in their session. With `dry_run` it only says what would go.
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
        let Catalog { parts: all, lost, given_up, sessions, .. } = self.catalog();
        let known: Vec<&Part> = all.iter().chain(lost.iter().chain(&given_up).map(|lost| &lost.part)).collect();
        let reached = Reached::of(self.root(), date, &known, &sessions);
        let stamped_before = |part: &&Part| {
            part.date != NO_DATE && part.date.as_str() < date && !KEPT_KINDS.contains(&part.doc_type)
        };
        let (kept, old): (Vec<&Part>, Vec<&Part>) =
            all.iter().filter(stamped_before).partition(|part| reached.is_behind(part));
        let (kept_lost, old_lost): (Vec<&LostPart>, Vec<&LostPart>) =
            lost.iter().filter(|lost| stamped_before(&&lost.part)).partition(|lost| reached.is_behind(&lost.part));
        let that_day = all.iter().filter(|part| part.date == date);
        let across = self.games_across(&old, that_day.chain(kept.iter().copied()))?;
        let mut result = Pruned { kept_by_order: kept.len() + kept_lost.len(), ..Pruned::default() };
        let mut removed = Vec::new();
        let going: Vec<String> = old.iter().map(|part| part.path.clone()).collect();
        let mut writer = PartWriter::new(self.root(), "prune", Vec::new(), self.known_rows(&going));
        writer.know(self.with_catalog(Catalog::about));
        for part in old {
            let kept = if across.is_empty() { 0 } else { self.keep_games(part, &across, &mut writer)? };
            result.parts += 1;
            result.bytes += part.bytes;
            result.kept_rows += kept;
            *result.rows.entry(part.doc_type.as_str().to_owned()).or_default() += part.rows - kept;
            removed.push(part.path.clone());
        }
        // What cannot be read is not kept for a game's sake, and nobody will miss it from before the date.
        for LostPart { part, .. } in &old_lost {
            result.parts += 1;
            result.lost += 1;
            *result.rows.entry(part.doc_type.as_str().to_owned()).or_default() += part.rows;
            removed.push(part.path.clone());
        }
        let leftovers = self.leftovers()?;
        result.leftovers = leftovers.len();
        for path in &leftovers {
            result.leftover_bytes += fsio::metadata(path).map_err(StoreError::io("look at", path))?.len();
        }
        if dry_run {
            return Ok(result);
        }
        // In one change with the parts: what was pruned must not be taken for something that a catalog forgot.
        self.replace_parts(&removed, writer.finish()?, |catalog, _| {
            let later = catalog.pruned_before.take().filter(|known| known.as_str() > date);
            catalog.pruned_before = Some(later.unwrap_or_else(|| date.to_owned()));
            catalog.lost.retain(|lost| !removed.contains(&lost.part.path));
            // Named as long as their files may be there: a damaged file cannot say itself that it was pruned.
            catalog.given_up.extend(old_lost.into_iter().cloned());
        })?;
        leftovers.iter().try_for_each(|path| fsio::remove(path))?;
        Ok(result)
    }

    /// The games with frames on the last day that goes and in `later` parts, which stay.
    fn games_across<'p>(
        &self,
        old: &[&'p Part],
        later: impl Iterator<Item = &'p Part>,
    ) -> Result<HashSet<String>, StoreError> {
        let framed = |part: &&Part| matches!(part.doc_type, DocType::GameTick | DocType::WsEvent);
        let last_day = old.iter().copied().filter(framed).map(|part| &part.date).max();
        let Some(last_day) = last_day else { return Ok(HashSet::new()) };
        let of_last_day = old.iter().copied().filter(framed).filter(|part| part.date == *last_day);
        let earlier = self.games_of(of_last_day)?;
        let later = self.games_of(later.filter(framed))?;
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

#[cfg(test)]
mod tests;
