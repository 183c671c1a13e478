//! The index of a store that is being recorded into: a finished game is searchable within seconds, what is known of
//! the protocol follows whenever a part was sealed.
//!
//! [`Finished`] puts games together from the rows as they come, in memory and only as long as they may still
//! change, so that one more game costs the same whatever is stored already. [`follow`] is the loop of
//! `replayer index follow`, a process of its own: the model's memory is not the recorder's, and nothing that goes
//! wrong here can touch a frame.

use std::collections::{BTreeSet, HashMap};
use std::sync::Arc;
use std::time::{Duration, Instant};

use arrow::array::{AsArray, BooleanArray, RecordBatch};
use arrow::compute::filter_record_batch;
use arrow::datatypes::Int64Type;
use tokio_util::sync::CancellationToken;

use super::build::{self, Built, Changed, Scope};
use super::embed::Embedder;
use super::error::IndexError;
use super::gather;
use super::units::games::Games;
use crate::game::Games as Records;
use crate::store::StoreError;
use crate::store::catalog::{Catalog, Part};
use crate::store::follow::Follower;
use crate::store::lease::Lease;
use crate::store::root::DataRoot;
use crate::store::scan;
use crate::store::schema::DocType;

/// How long a game is kept in mind after its last row: its seed may come ten games late.
const KEPT_US: i64 = 3_600_000_000;

/// How often the journal is looked at.
const POLL: Duration = Duration::from_millis(500);

/// Sealed parts change the cards of the protocol; they are made anew at most this often.
const KNOWLEDGE_EVERY: Duration = Duration::from_secs(60);

/// Looks at most this often when parts are replaced under our eyes.
const TRIES: usize = 8;

/// The games of a store while they are recorded.
pub struct Finished {
    follower: Follower,
    root: DataRoot,
    games: Games,
    /// The records of all games.
    records: Records,
    /// The last frame of each session that is in `games`: what was sealed between two looks was never handed out as
    /// unsealed, and is read from its part.
    seen: HashMap<String, u64>,
    /// The parts of the last look.
    parts: BTreeSet<String>,
    /// Games whose history came since they were last handed out.
    waiting: BTreeSet<String>,
    /// Latest time of a row, microseconds UTC.
    latest_us: i64,
}

impl Finished {
    /// Looks at what was stored in the last hour before the newest row, so that games that are running now are known
    /// from their beginning. Games that are unsealed and finished already are handed out by the first poll.
    ///
    /// # Errors
    /// Those of the store.
    pub fn open(root: &DataRoot) -> Result<Finished, StoreError> {
        let mut follower = Follower::open(root)?;
        let first = follower.poll()?;
        let catalog = follower.catalog().clone();
        let mut finished = Finished {
            root: root.clone(),
            follower,
            games: Games::default(),
            records: Records::new(root),
            seen: HashMap::new(),
            parts: BTreeSet::new(),
            waiting: BTreeSet::new(),
            latest_us: i64::MIN,
        };
        finished.records.apply(&first);
        finished.take_parts(&catalog)?;
        // What is sealed is the index's already.
        finished.waiting.clear();
        finished.take(&first.rows)?;
        finished.forget();
        Ok(finished)
    }

    /// Takes in what came since; whether a part was sealed or went meanwhile.
    ///
    /// # Errors
    /// Those of the store.
    pub fn poll(&mut self) -> Result<bool, StoreError> {
        let change = self.follower.poll()?;
        self.records.apply(&change);
        if let Some(catalog) = &change.catalog {
            self.take_parts(catalog)?;
        }
        self.take(&change.rows)?;
        if !self.waiting.is_empty() {
            self.forget();
        }
        Ok(change.catalog.is_some())
    }

    /// The games that finished since the last time, as units, and what those units are all of; `None` when none did.
    pub fn units(&mut self) -> Option<(Changed, Vec<super::units::Unit>)> {
        if self.waiting.is_empty() {
            return None;
        }
        let games = std::mem::take(&mut self.waiting);
        let units = self.games.units(games.iter().filter_map(|id| self.records.game(id))).collect();
        Some((Changed { knowledge: false, games }, units))
    }

    /// Takes rows of recent parts that were not there at the last look, as far as they are new. When one is replaced
    /// meanwhile, its rows are in the part that replaced it.
    fn take_parts(&mut self, catalog: &Catalog) -> Result<(), StoreError> {
        let mut taken = self.take_parts_of(catalog);
        for _ in 1..TRIES {
            match &taken {
                Err(error) if error.is_of_a_part() => taken = self.take_parts_of(&Catalog::load(&self.root)?),
                _ => break,
            }
        }
        taken
    }

    fn take_parts_of(&mut self, catalog: &Catalog) -> Result<(), StoreError> {
        let newest = catalog.parts.iter().filter_map(|part| part.ts_max).max();
        // Read first and taken then: when a part goes away meanwhile nothing was taken twice.
        for (doc_type, batch) in self.new_rows(catalog, newest)? {
            self.rows(doc_type, &batch)?;
        }
        for (session, last) in &catalog.sealed {
            let seen = self.seen.entry(session.to_string()).or_default();
            *seen = (*seen).max(*last);
        }
        self.parts = catalog.parts.iter().map(|part| part.path.clone()).collect();
        self.latest_us = self.latest_us.max(newest.unwrap_or(i64::MIN));
        Ok(())
    }

    /// The rows of those parts.
    fn new_rows(&self, catalog: &Catalog, newest: Option<i64>) -> Result<Vec<(DocType, RecordBatch)>, StoreError> {
        let near = |part: &Part| newest.zip(part.ts_max).is_some_and(|(newest, to)| to > newest - KEPT_US);
        let seen = &self.seen;
        let has_news = |part: &Part| {
            part.sessions
                .iter()
                .any(|range| seen.get(&range.session_id.to_string()).is_none_or(|seen| range.last > *seen))
        };
        let is_new = |part: &&Part| !self.parts.contains(&part.path) && near(part) && has_news(part);
        let new: Vec<&Part> = catalog.parts.iter().filter(is_new).collect();
        let mut rows = Vec::new();
        for doc_type in [DocType::GameTick, DocType::Game, DocType::Sidebet] {
            for part in new.iter().filter(|part| part.doc_type == doc_type) {
                for batch in scan::batches(&self.root, part, None) {
                    rows.push((doc_type, batch?));
                }
            }
        }
        Ok(rows)
    }

    /// Takes unsealed rows.
    fn take(&mut self, rows: &[(DocType, RecordBatch)]) -> Result<(), StoreError> {
        let mut last: HashMap<String, u64> = HashMap::new();
        for (doc_type, batch) in rows {
            self.rows(*doc_type, batch)?;
            for (session, seq) in addresses(batch) {
                match last.get_mut(session) {
                    Some(last) => *last = (*last).max(seq),
                    None => drop(last.insert(session.to_owned(), seq)),
                }
            }
        }
        for (session, last) in last {
            let seen = self.seen.entry(session).or_default();
            *seen = (*seen).max(last);
        }
        let last = self.games.games.values().filter_map(|game| game.last_us).max();
        self.latest_us = self.latest_us.max(last.unwrap_or(i64::MIN));
        Ok(())
    }

    /// Takes those rows of a batch that were not seen yet.
    fn rows(&mut self, doc_type: DocType, batch: &RecordBatch) -> Result<(), StoreError> {
        let new = |(session, seq): (&str, u64)| Some(self.seen.get(session).is_none_or(|seen| seq > *seen));
        let new: BooleanArray = addresses(batch).map(new).collect();
        let batch = filter_record_batch(batch, &new)?;
        self.games.rows(doc_type, &batch);
        if doc_type == DocType::Game {
            let ids = batch.column_by_name("game_id").and_then(|column| column.as_string_opt::<i32>());
            self.waiting.extend(ids.into_iter().flatten().flatten().map(str::to_owned));
        }
        Ok(())
    }

    /// Lets go of games that can hardly change any more.
    fn forget(&mut self) {
        let (oldest, waiting) = (self.latest_us.saturating_sub(KEPT_US), &self.waiting);
        let old: BTreeSet<String> = self
            .games
            .games
            .iter()
            .filter(|(id, game)| game.last_us.is_some_and(|last| last < oldest) && !waiting.contains(*id))
            .map(|(id, _)| id.clone())
            .collect();
        self.games.keep(|id| !old.contains(id));
    }
}

/// Keeps the index up to date until asked to stop; then it takes in the games that finished last, and ends. Makes the index
/// first where there is none; `told` hears of every update. When another process builds at the moment, an update waits for the next round.
///
/// # Errors
/// When the store cannot be followed or the index needs a person: another model's vectors, a damaged table.
pub async fn follow(
    root: &DataRoot,
    embedder: Option<Arc<dyn Embedder>>,
    stop: CancellationToken,
    mut told: impl FnMut(&Built, Duration),
) -> Result<(), IndexError> {
    let mut finished = Finished::open(root)?;
    let mut sealed = true;
    let mut knowledge_at: Option<Instant> = None;
    loop {
        let is_last = stop.is_cancelled();
        sealed |= finished.poll()?;
        let due = sealed && !is_last && knowledge_at.is_none_or(|at| at.elapsed() >= KNOWLEDGE_EVERY);
        if due || !finished.waiting.is_empty() {
            let began = Instant::now();
            match update(root, &mut finished, due, embedder.clone()).await {
                Ok(built) => {
                    told(&built, began.elapsed());
                    if due {
                        (sealed, knowledge_at) = (false, Some(Instant::now()));
                    }
                }
                Err(IndexError::Store(StoreError::Indexing { holder, .. })) => {
                    tracing::debug!(holder, "the index is being written by somebody else");
                }
                Err(error) => return Err(error),
            }
        }
        if is_last {
            return Ok(());
        }
        tokio::select! {
            () = tokio::time::sleep(POLL) => {}
            () = stop.cancelled() => {}
        }
    }
}

/// The event refs of a batch's rows.
fn addresses(batch: &RecordBatch) -> impl Iterator<Item = (&str, u64)> {
    let sessions = batch.column_by_name("session_id").and_then(|column| column.as_string_opt::<i32>());
    let seqs = batch.column_by_name("seq").and_then(|column| column.as_primitive_opt::<Int64Type>());
    let rows = sessions.zip(seqs).map(|(sessions, seqs)| {
        (0..batch.num_rows()).map(|row| (sessions.value(row), u64::try_from(seqs.value(row)).unwrap_or_default()))
    });
    rows.into_iter().flatten()
}

/// One update: everything that changed, or only the games that finished.
async fn update(
    root: &DataRoot,
    finished: &mut Finished,
    everything: bool,
    embedder: Option<Arc<dyn Embedder>>,
) -> Result<Built, IndexError> {
    let _lock = Lease::index(root, "index follow")?;
    if !everything && let Some((changed, units)) = finished.units() {
        return build::build(root, Scope::Some(changed), units.into_iter(), None, embedder, |_| {}).await;
    }
    let gathered = gather::due(root, embedder.is_some()).await?;
    finished.waiting.clear();
    build::build(root, gathered.scope, gathered.units, Some(gathered.sources), embedder, |_| {}).await
}

#[cfg(test)]
mod tests;
