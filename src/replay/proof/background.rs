//! Proves games when their seed comes, in the process that records, and stores the result.
//!
//! A seed comes late, in the next game's first packet, so this runs behind the journal: it follows the store's files
//! like any reader, and hands its result to the journal as a system event ([`crate::store::proof`]). That is the whole
//! mechanism, and the reason for it:
//!
//! * crash-safe: a proof is a journal record; it is there or it is not, and nothing has to agree with it;
//! * idempotent: a game is pending while it has a seed and no stored proof, which the store itself says. After a
//!   restart, or when another process took over, the first look finds what was left undone;
//! * derived: the event and the ticks it fills follow from the seed and the frames; `check_fairness` computes the same
//!   at any time without it.
//!
//! What goes wrong here costs a proof that is late, never a frame: the reading is on a thread of its own, and the
//! journal takes the result as it takes any source's.

use std::collections::{BTreeSet, VecDeque};
use std::time::Duration;

use arrow::array::{AsArray, RecordBatch};
use tokio::sync::watch;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

use super::read::{Look, ReadError};
use super::seeds::Seeds;
use super::verdict::{self, Proof};
use crate::capture::{Sink, SinkClosed};
use crate::store::Store;
use crate::store::StoreError;
use crate::store::follow::{Follower, Positions};
use crate::store::proof::StoredProof;
use crate::store::record::{Record, Source, now_us};
use crate::store::recorder::{Recorder, RecorderOptions};
use crate::store::root::DataRoot;
use crate::store::schema::DocType;
use crate::store::span;
use crate::store::view::View;

/// How often the journal is looked at.
const POLL: Duration = Duration::from_millis(500);

/// After something failed it is tried again this much later.
const AGAIN: Duration = Duration::from_secs(30);

/// Games proven at once: their evidence is in memory.
const BATCH: usize = 200;

/// When recording ends, the last look may take so long; what it does not finish is left to the next process.
const LAST_LOOK: Duration = Duration::from_secs(2);

/// Proves games while this process records: `journal` holds the way into its journal as long as it does.
pub fn supervise(root: DataRoot, journal: watch::Receiver<Option<Sink>>) -> Proving {
    let (asked, give_up) = (CancellationToken::new(), CancellationToken::new());
    let task = tokio::spawn(prove_on(root, journal, asked.clone(), give_up.clone()));
    Proving { asked, give_up, task: Some(task) }
}

/// Games are being proven. Ends at once when dropped; [`Proving::finish`] proves first what came last.
#[derive(Debug)]
pub struct Proving {
    /// To end after a last look.
    asked: CancellationToken,
    /// To end in the middle of whatever it does.
    give_up: CancellationToken,
    task: Option<JoinHandle<()>>,
}

impl Proving {
    /// Looks once more, for the seed that came a moment ago, and ends; in two seconds at most. To be called while the
    /// journal still takes the proofs.
    pub async fn finish(mut self) {
        self.asked.cancel();
        if let Some(task) = self.task.take()
            && tokio::time::timeout(LAST_LOOK, task).await.is_err()
        {
            tracing::debug!("the last games are proven by the next process");
        }
    }
}

impl Drop for Proving {
    fn drop(&mut self) {
        self.asked.cancel();
        self.give_up.cancel();
    }
}

async fn prove_on(
    root: DataRoot,
    mut journal: watch::Receiver<Option<Sink>>,
    asked: CancellationToken,
    give_up: CancellationToken,
) {
    loop {
        let sink = journal.borrow_and_update().clone();
        let wait = match sink {
            Some(sink) => match keep_proving(&root, &sink, &journal, &asked, &give_up).await {
                Ok(()) => POLL,
                // Asked to stop while it read: nothing went wrong.
                Err(ReadError::Cancelled) => return,
                Err(error) => {
                    tracing::warn!(%error, "games are not proven for half a minute");
                    AGAIN
                }
            },
            None => Duration::MAX,
        };
        tokio::select! {
            biased;
            () = asked.cancelled() => return,
            changed = journal.changed() => if changed.is_err() { return },
            () = tokio::time::sleep(wait) => {}
        }
    }
}

/// Proves what is pending and what comes, until this process records no more. When asked to end it looks a last time; it
/// gives up at once while it still reads what others left undone.
async fn keep_proving(
    root: &DataRoot,
    sink: &Sink,
    journal: &watch::Receiver<Option<Sink>>,
    asked: &CancellationToken,
    give_up: &CancellationToken,
) -> Result<(), ReadError> {
    let mut prover = run(root, asked, Prover::open).await?;
    loop {
        let is_last = asked.is_cancelled();
        let polled = run(root, give_up, move |root, stop| {
            let proofs = prover.poll(root, stop);
            Ok((prover, proofs?))
        });
        let proofs;
        (prover, proofs) = polled.await?;
        for proof in &proofs {
            if store(sink, proof).await.is_err() {
                return Ok(());
            }
        }
        if is_last || journal.has_changed().unwrap_or(true) {
            return Ok(());
        }
        tokio::select! {
            () = tokio::time::sleep(POLL) => {}
            () = asked.cancelled() => {}
        }
    }
}

/// Reading takes its time: on a thread for that.
async fn run<T: Send + 'static>(
    root: &DataRoot,
    stop: &CancellationToken,
    read: impl FnOnce(&DataRoot, &CancellationToken) -> Result<T, ReadError> + Send + 'static,
) -> Result<T, ReadError> {
    let (root, stop) = (root.clone(), stop.clone());
    tokio::task::spawn_blocking(move || read(&root, &stop))
        .await
        .unwrap_or_else(|error| Err(StoreError::Refused(format!("proving failed: {error}")).into()))
}

async fn store(sink: &Sink, proof: &StoredProof) -> Result<(), SinkClosed> {
    let details = serde_json::to_value(proof).unwrap_or_default();
    match &proof.difference {
        None => tracing::info!(game = proof.game_id, compared = proof.prices_compared, "proven"),
        Some(difference) => tracing::warn!(game = proof.game_id, difference, "differs from its seed"),
    }
    sink.system(Source::Ui, proof.event_type(), details).await
}

/// Follows the store and proves games whose seed has come.
pub struct Prover {
    follower: Follower,
    seeds: Seeds,
    /// Games that were tried: those that cannot be proven are not tried again by this process.
    tried: BTreeSet<String>,
    /// Where in the journal the newest games began, so that not all of it is read again for each of them.
    began: VecDeque<(String, Positions)>,
}

/// Games whose beginning is remembered. A seed comes with the next game's first packet.
const REMEMBERED: usize = 32;

impl Prover {
    /// Looks at what the store holds already.
    ///
    /// # Errors
    /// [`ReadError`].
    pub fn open(root: &DataRoot, stop: &CancellationToken) -> Result<Prover, ReadError> {
        // Ticks too: with its first one a game begins.
        let doc_types = vec![DocType::Game, DocType::SystemEvent, DocType::GameTick];
        let mut follower = Follower::of_kinds(root, doc_types)?;
        let look = Look::of(View::of(&mut follower)?);
        let seeds = Seeds::read(&look, stop)?;
        Ok(Prover { seeds, follower, tried: BTreeSet::new(), began: VecDeque::new() })
    }

    /// Proves games that became provable since the last time, at most a few hundred at once.
    ///
    /// # Errors
    /// [`ReadError`].
    pub fn poll(&mut self, root: &DataRoot, stop: &CancellationToken) -> Result<Vec<StoredProof>, ReadError> {
        let before = self.follower.positions().clone();
        let change = self.follower.poll()?;
        for (doc_type, batch) in &change.rows {
            self.seeds.take(*doc_type, batch);
            if *doc_type == DocType::GameTick {
                self.begin(batch, &before);
            }
        }
        // What was appended and sealed between two looks stands in a new part only.
        if let Some(catalog) = change.catalog {
            self.seeds.refresh(&Look::of(View::of_parts(root, catalog)), stop)?;
        }
        let pending = self.seeds.pending(&self.tried);
        if pending.is_empty() {
            return Ok(Vec::new());
        }
        let games: BTreeSet<String> = pending.into_iter().take(BATCH).collect();
        let look = Look::since(root, &games, self.beginning_of(&games))?;
        let proofs = self.seeds.prove(&look, &games, stop)?;
        self.tried.extend(games);
        Ok(proofs.iter().filter_map(Proof::to_store).collect())
    }
}

impl Prover {
    /// Remembers the games that appear in ticks for the first time. Their packets lie behind `before`.
    fn begin(&mut self, ticks: &RecordBatch, before: &Positions) {
        let ids = ticks.column_by_name("game_id").and_then(|column| column.as_string_opt::<i32>());
        for id in ids.into_iter().flatten().flatten() {
            if self.began.iter().rev().any(|(known, _)| known == id) {
                continue;
            }
            if self.began.len() >= REMEMBERED {
                self.began.pop_front();
            }
            self.began.push_back((id.to_owned(), before.clone()));
        }
    }

    /// The positions behind which all packets of these games are; the journal's beginning where one is not remembered.
    fn beginning_of(&self, games: &BTreeSet<String>) -> Positions {
        let of =
            |game: &String| self.began.iter().find(|(id, _)| id == game).map(|(_, positions)| positions.clone());
        let mut all = games.iter().map(of);
        let Some(Some(mut earliest)) = all.next() else { return Positions::new() };
        for positions in all {
            let Some(positions) = positions else { return Positions::new() };
            // A session that one of them does not know began later: it is read from its beginning.
            earliest.retain(|session, _| positions.contains_key(session));
            for (session, position) in &mut earliest {
                *position = positions.get(session).map_or(*position, |other| (*position).min(*other));
            }
        }
        earliest
    }
}

/// What a recorder does in the background, for files that were imported: the games whose seeds these `sessions` brought are
/// proven. The import is whole without it.
pub fn prove_imported(store: &std::sync::Arc<Store>, sessions: &BTreeSet<String>) {
    match prove_pending(store, sessions, &CancellationToken::new()) {
        Ok((proven, differ)) if proven + differ > 0 => tracing::info!(proven, differ, "imported games checked"),
        Ok(_) => {}
        Err(error) => tracing::warn!(%error, "imported games are not proven yet; the next recording does it"),
    }
}

/// Proves everything that is pending in a store that nobody records into at the moment, for example after an import:
/// the proofs become a session of their own. Games of which the sessions in `brought` have something are judged again
/// where their proof is stored, and stored once more if it comes to something else. Returns how many games were proven,
/// and how many differ.
///
/// # Errors
/// [`ReadError`]; what was stored before stays.
pub fn prove_pending(
    store: &std::sync::Arc<Store>,
    brought: &BTreeSet<String>,
    stop: &CancellationToken,
) -> Result<(u64, u64), ReadError> {
    let root = store.root().clone();
    let mut prover = Prover::open(&root, stop)?;
    let mut written = Written { store, recorder: None, proven: 0, differ: 0 };
    loop {
        let before = prover.tried.len();
        written.take(&prover.poll(&root, stop)?)?;
        if prover.tried.len() == before {
            break;
        }
    }
    let look = Look::of(View::now(&root)?);
    let known: Vec<String> = look.games_of(brought, stop)?.difference(&prover.tried).cloned().collect();
    for games in known.chunks(BATCH) {
        written.take(&changed(&look, &games.iter().cloned().collect(), stop)?)?;
    }
    if let Some(recorder) = written.recorder {
        recorder.close()?;
    }
    Ok((written.proven, written.differ))
}

/// Games whose stored proof says something else than what is recorded of them now.
fn changed(
    look: &Look,
    games: &BTreeSet<String>,
    stop: &CancellationToken,
) -> Result<Vec<StoredProof>, ReadError> {
    let gathered = look.gather(games, None, None, stop)?.games;
    let again = gathered.iter().filter_map(|(id, evidence)| {
        let (_, stored) = evidence.stored.as_ref()?;
        verdict::prove(id, evidence).to_store().filter(|proof| !proof.comes_to_the_same(stored))
    });
    Ok(again.collect())
}

/// The session that the proofs are stored in, begun with the first.
struct Written<'s> {
    store: &'s std::sync::Arc<Store>,
    recorder: Option<Recorder>,
    proven: u64,
    differ: u64,
}

impl Written<'_> {
    fn take(&mut self, proofs: &[StoredProof]) -> Result<(), StoreError> {
        for proof in proofs {
            let recorder = match &mut self.recorder {
                Some(recorder) => recorder,
                none => none.insert(Recorder::start(self.store.clone(), RecorderOptions::new(span::PROOF))?),
            };
            let details = serde_json::to_string(proof).unwrap_or_default();
            recorder.append(&Record::system(now_us(), Source::Ui, proof.event_type(), &details))?;
            *if proof.difference.is_none() { &mut self.proven } else { &mut self.differ } += 1;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests;
