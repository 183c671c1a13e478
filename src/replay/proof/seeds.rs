//! Which games have a revealed seed, and which of them still wait for their proof.

use std::collections::{BTreeMap, BTreeSet};

use arrow::array::RecordBatch;
use tokio_util::sync::CancellationToken;

use super::read::{self, Columns, Look, ReadError, Window};
use super::verdict::{self, Proof};
use crate::store::scan::Only;
use crate::store::schema::DocType;

/// A revealed seed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Revealed {
    /// The seed.
    pub seed: String,
    /// The rules, as the wire names them.
    pub version: Option<String>,
    /// When the game ended by the server's clock, and when the record of it was made, as far as known; microseconds UTC.
    pub times_us: Vec<i64>,
}

/// Games with a seed, and games with a stored proof.
#[derive(Debug, Default)]
pub struct Seeds {
    /// By game id.
    pub revealed: BTreeMap<String, Revealed>,
    /// Games whose proof is stored.
    pub stored: BTreeSet<String>,
}

const COLUMNS: &[&str] = &["game_id", "session_id", "seq", "ts", "ended_at", "server_seed", "game_version"];

impl Seeds {
    /// Reads them from the store.
    ///
    /// # Errors
    /// [`ReadError`].
    pub fn read(look: &Look, cancel: &CancellationToken) -> Result<Seeds, ReadError> {
        let mut seeds = Seeds::default();
        seeds.refresh(look, cancel)?;
        Ok(seeds)
    }

    /// Takes everything that the store holds.
    ///
    /// # Errors
    /// [`ReadError`].
    pub fn refresh(&mut self, look: &Look, cancel: &CancellationToken) -> Result<(), ReadError> {
        look.read(DocType::Game, COLUMNS, &[], |_| true, cancel, |batch| self.take(DocType::Game, batch))?;
        let only = Only { column: "event_type", texts: read::proof_events() };
        look.read(
            DocType::SystemEvent,
            read::EVENTS,
            &[only],
            |_| true,
            cancel,
            |batch| {
                self.take(DocType::SystemEvent, batch);
            },
        )
    }

    /// Takes rows as they come.
    pub fn take(&mut self, doc_type: DocType, batch: &RecordBatch) {
        match doc_type {
            DocType::Game => self.take_games(batch),
            DocType::SystemEvent => {
                let current = read::proofs(batch).filter(|(_, proof)| !proof.is_outdated());
                self.stored.extend(current.map(|(_, proof)| proof.game_id));
            }
            _ => {}
        }
    }

    fn take_games(&mut self, batch: &RecordBatch) {
        let columns = Columns::of(batch);
        let (games, seeds, versions) =
            (columns.text("game_id"), columns.text("server_seed"), columns.text("game_version"));
        for row in 0..batch.num_rows() {
            let Some((id, seed)) = read::text(games, row).zip(read::text(seeds, row)) else { continue };
            let times_us = ["ended_at", "ts"].into_iter().filter_map(|name| columns.time(name, row)).collect();
            let version = read::text(versions, row).map(str::to_owned);
            self.revealed.insert(id.to_owned(), Revealed { seed: seed.to_owned(), version, times_us });
        }
    }

    /// Games with a seed and without a stored proof that were not tried before, the oldest first.
    pub fn pending(&self, tried: &BTreeSet<String>) -> Vec<String> {
        let mut pending: Vec<(&String, &Revealed)> =
            self.revealed.iter().filter(|(id, _)| !self.stored.contains(*id) && !tried.contains(*id)).collect();
        pending.sort_by_key(|(id, revealed)| (revealed.times_us.first().copied(), *id));
        pending.into_iter().map(|(id, _)| id.clone()).collect()
    }

    /// Proves some games from what the store holds of them.
    ///
    /// # Errors
    /// [`ReadError`].
    pub fn prove(
        &self,
        look: &Look,
        games: &BTreeSet<String>,
        cancel: &CancellationToken,
    ) -> Result<Vec<Proof>, ReadError> {
        let times = || games.iter().filter_map(|id| self.revealed.get(id)).map(|revealed| &revealed.times_us);
        // One game without a time, and every part is looked at.
        let window = if times().any(Vec::is_empty) { None } else { Window::around(times().flatten().copied()) };
        let gathered = look.gather(games, window, None, cancel)?;
        Ok(gathered.games.iter().map(|(id, evidence)| verdict::prove(id, evidence)).collect())
    }
}
