//! The units of a data root: the shipped reference, cards from the schema facts, sessions, anomalies, games. All of
//! them, or those that changed since the index was last brought up to date.
//!
//! What is about no single game is made from the facts, which are kept per part, and is small: it is made each time
//! and compared by its hashes. Games are many: of those only the ones with rows in new parts, or unsealed ones, are
//! put together again, from the parts around them in time.

use std::collections::{BTreeMap, BTreeSet};

use arrow::array::{AsArray, RecordBatch};

use super::build::{Changed, Scope};
use super::checkpoint::Checkpoint;
use super::error::IndexError;
use super::facts_store::FactsStore;
use super::table::UnitTable;
use super::units::games::{self, Games};
use super::units::{self, Unit};
use crate::game::{Game, Games as Records};
use crate::store::StoreError;
use crate::store::catalog::{Catalog, Part};
use crate::store::root::DataRoot;
use crate::store::scan::{self, ScanFilter};
use crate::store::schema::DocType;
use crate::store::view::View;

/// Units and what they were made from.
pub struct Gathered {
    /// What the units are all of.
    pub scope: Scope,
    /// The units.
    pub units: Box<dyn Iterator<Item = Unit> + Send>,
    /// How many there are.
    pub expected: u64,
    /// What they were made from, with the state of it: parts, and the program that ships the reference.
    pub sources: BTreeMap<String, String>,
}

/// The rows that tell of games; of the recorder's own events those are asked that name a game: its proof.
const OF_GAMES: [DocType; 4] = [DocType::GameTick, DocType::Game, DocType::Sidebet, DocType::SystemEvent];

/// How far apart in time rows of one game may be: the ten games of a history are over within an hour, mostly within
/// a quarter of one.
const AROUND_US: i64 = 6 * 3_600_000_000;

/// The key under which the shipped reference stands among the sources.
const REFERENCE: &str = "reference";

/// All units, sealed or not. Reads what is new since the last time, and the rows of all games.
///
/// # Errors
/// Those of the store.
pub fn all(root: &DataRoot) -> Result<Gathered, IndexError> {
    let catalog = Catalog::load(root)?;
    let mut units = knowledge(root, &catalog)?;
    let records = View::read(root, |view| Ok(Records::of(view)))?;
    units.extend(games::read(root, &ScanFilter::default())?.units(records.all()));
    Ok(gathered(Scope::All, units, &catalog))
}

/// The units that the index needs to be up to date: those that changed, or all of them where the index is not there
/// or has units that wait for their vector. `model` says whether there is a model to make vectors with.
///
/// # Errors
/// Those of the store; [`IndexError::Damaged`] when the index cannot be read.
pub async fn due(root: &DataRoot, model: bool) -> Result<Gathered, IndexError> {
    let checkpoint = Checkpoint::load(root)?.filter(|checkpoint| checkpoint.table_dir(root).is_dir());
    if let Some(known) = checkpoint.as_ref().filter(|_| model) {
        let table = UnitTable::open(&root.vectors_dir(), known.table_name(root), known.dimension).await?;
        if known.model.is_none() || table.without_vector().await? > 0 {
            return all(root);
        }
    }
    changed(root, checkpoint.as_ref())
}

/// The units that changed since `checkpoint`; all of them where that cannot be told.
///
/// # Errors
/// Those of the store.
pub fn changed(root: &DataRoot, checkpoint: Option<&Checkpoint>) -> Result<Gathered, IndexError> {
    let Some(known) = checkpoint.filter(|checkpoint| !checkpoint.unfinished) else {
        return all(root);
    };
    match View::read(root, |view| changed_in(view, known))? {
        Some(gathered) => Ok(gathered),
        None => all(root),
    }
}

/// The same at one moment of the store; `None` where everything has to be looked at.
fn changed_in(view: &View, known: &Checkpoint) -> Result<Option<Gathered>, StoreError> {
    let (root, unsealed, catalog) = (view.root(), view.tail(), view.catalog());
    let Some(new) = new_parts(&known.sources, catalog) else {
        return Ok(None);
    };
    let mut touched = Touched::default();
    for part in new.iter().filter(|part| OF_GAMES.contains(&part.doc_type)) {
        let Some(times) = part.ts_min.zip(part.ts_max) else {
            return Ok(None);
        };
        for batch in scan::batches(root, part, Some(&["game_id"])) {
            touched.games(&batch?);
        }
        touched.times(times);
    }
    for (_, batch) in unsealed.iter().filter(|(doc_type, _)| OF_GAMES.contains(doc_type)) {
        touched.games(batch);
        touched.rows(batch);
    }
    let mut units = knowledge(root, catalog)?;
    let mut games = Games::default();
    let records = Records::of(view);
    let touched_games: Vec<Game> = touched.games.iter().filter_map(|id| records.game(id)).collect();
    // A proof, or an import of an older recording, may come long after the game.
    touched_games.iter().filter_map(|game| game.rows_us).for_each(|rows| touched.times(rows));
    for doc_type in games::KINDS {
        let near = catalog.parts.iter().filter(|part| part.doc_type == doc_type && touched.near(part));
        for part in near {
            for batch in scan::batches(root, part, None) {
                games.rows(doc_type, &batch?);
            }
        }
        for (_, batch) in unsealed.iter().filter(|(of, _)| *of == doc_type) {
            games.rows(doc_type, batch);
        }
    }
    units.extend(games.units(touched_games));
    let scope = Scope::Some(Changed { knowledge: true, games: touched.games });
    Ok(Some(gathered(scope, units, catalog)))
}

/// What is known of the protocol and of the sessions.
fn knowledge(root: &DataRoot, catalog: &Catalog) -> Result<Vec<Unit>, StoreError> {
    let mut facts = FactsStore::open(root)?;
    facts.refresh()?;
    Ok(units::knowledge(&facts.digest(), catalog))
}

fn gathered(scope: Scope, units: Vec<Unit>, catalog: &Catalog) -> Gathered {
    let parts = catalog.parts.iter().map(|part| (part.path.clone(), state(part)));
    let shipped = (REFERENCE.to_owned(), env!("CARGO_PKG_VERSION").to_owned());
    let sources = parts.chain([shipped]).collect();
    Gathered { scope, expected: units.len() as u64, units: Box::new(units.into_iter()), sources }
}

fn state(part: &Part) -> String {
    format!("{} rows", part.rows)
}

/// The parts whose rows the index does not know; `None` when rows that it knows are gone, so that everything has to
/// be looked at. A part that was only compacted from known ones holds nothing new.
fn new_parts<'c>(known: &BTreeMap<String, String>, catalog: &'c Catalog) -> Option<Vec<&'c Part>> {
    let has = |path: &String| known.contains_key(path);
    let compacted = |part: &Part| {
        part.lineage.made_by == "compact"
            && !part.lineage.replaces.is_empty()
            && part.lineage.replaces.iter().all(has)
    };
    let new: Vec<&Part> = catalog
        .parts
        .iter()
        .filter(|part| known.get(&part.path) != Some(&state(part)) && !compacted(part))
        .collect();
    let there: BTreeSet<&str> = catalog
        .parts
        .iter()
        .flat_map(|part| {
            let replaced = if compacted(part) { part.lineage.replaces.as_slice() } else { &[] };
            replaced.iter().chain([&part.path])
        })
        .map(String::as_str)
        .collect();
    let gone = known.keys().any(|path| path != REFERENCE && !there.contains(path.as_str()));
    (!gone).then_some(new)
}

/// The games that have new rows, and when.
#[derive(Debug, Default)]
struct Touched {
    games: BTreeSet<String>,
    span: Option<(i64, i64)>,
}

impl Touched {
    fn games(&mut self, batch: &RecordBatch) {
        let ids = batch.column_by_name("game_id").and_then(|column| column.as_string_opt::<i32>());
        for id in ids.into_iter().flatten().flatten() {
            if !self.games.contains(id) {
                self.games.insert(id.to_owned());
            }
        }
    }

    fn rows(&mut self, batch: &RecordBatch) {
        use arrow::datatypes::TimestampMicrosecondType;
        let times =
            batch.column_by_name("ts").and_then(|column| column.as_primitive_opt::<TimestampMicrosecondType>());
        times.into_iter().flatten().flatten().for_each(|ts| self.times((ts, ts)));
    }

    fn times(&mut self, (from, to): (i64, i64)) {
        let (first, last) = self.span.unwrap_or((from, to));
        self.span = Some((first.min(from), last.max(to)));
    }

    /// Whether a part may hold rows of these games. Rows without a time may be of any.
    fn near(&self, part: &Part) -> bool {
        let Some((first, last)) = self.span else { return !self.games.is_empty() };
        part.ts_min.is_none_or(|from| from <= last.saturating_add(AROUND_US))
            && part.ts_max.is_none_or(|to| to >= first.saturating_sub(AROUND_US))
    }
}

#[cfg(test)]
mod tests;
