//! Building and updating the index.
//!
//! Units arrive one by one and are written in bounded batches. What stands in the table with the same hash is not
//! embedded again. A full build goes to `events-next` beside the table in force; the checkpoint, replaced
//! atomically, puts it in force, the old table goes, and the new one takes its name. Whoever is interrupted leaves
//! either the old state or the new one, and at most a folder that nobody names, which the next builder removes.
//!
//! One builder at a time: the caller holds the index lock ([`crate::store::lease::Lease::index`]). It is not the writer
//! lease, so that a recorder that runs day and night does not keep anybody from building.

use std::collections::{BTreeMap, BTreeSet, HashSet};
use std::fs;
use std::sync::Arc;

use super::checkpoint::{Checkpoint, LAYOUT, ModelStamp, NEXT_TABLE, TABLE};
use super::embed::Embedder;
use super::error::IndexError;
use super::table::{Row, Stamp, UnitTable, one_of};
use super::units::Unit;
use crate::store::root::DataRoot;
use crate::store::{StoreError, fsio};

/// Units that are looked up and written together.
const BATCH: usize = 512;

/// Texts the model gets at once; more only costs memory.
const TEXTS: usize = 32;

/// Length of the vectors while there is no model: that of the one that comes with the program.
const USUAL_DIMENSION: usize = 384;

/// New rows after which an update of single units also tidies the table, about twenty games. Every search looks into each
/// file that an update left: 150 of them cost 25 ms. An update that tidies takes a quarter of a second among 900 units
/// and a second among 100,000, others a twentieth.
const TIDY_AFTER: u64 = 40;

/// What to build.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Scope {
    /// Everything, into a new table. Vectors of unchanged texts are taken over where the old table can be read.
    Full,
    /// The units given are all there are: others go.
    All,
    /// The units given are all there are of what changed; others stay.
    Some(Changed),
}

/// Which units an update speaks of.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Changed {
    /// Those that are about no single game: the protocol, the sessions, the reference.
    pub knowledge: bool,
    /// Those about these games.
    pub games: BTreeSet<String>,
}

impl Changed {
    /// Lance's conditions for the units it speaks of.
    fn conditions(&self) -> Vec<String> {
        let games: Vec<&str> = self.games.iter().map(String::as_str).collect();
        let knowledge = self.knowledge.then(|| "game_id IS NULL".to_owned());
        knowledge.into_iter().chain(games.chunks(500).map(|some| one_of("game_id", some))).collect()
    }
}

/// What a build did.
#[derive(Debug, Clone, Default, PartialEq, Eq, serde::Serialize)]
pub struct Built {
    /// Units in the index now.
    pub units: u64,
    /// Units that were added or whose text changed.
    pub written: u64,
    /// Texts that went through the model.
    pub embedded: u64,
    /// Units that stood in the index unchanged.
    pub unchanged: u64,
    /// Units that are gone.
    pub removed: u64,
    /// Whether the index has vectors.
    pub vectors: bool,
    /// Whether a new table was made.
    pub rebuilt: bool,
}

/// Brings the index to the state of `units`; `progress` is told how many were read. `sources` is remembered in the
/// checkpoint: what the units were made from; `None` when that did not change. Reads `units` on the thread it runs on and embeds on tokio's blocking
/// threads, so a caller inside a server runs it as a blocking task.
///
/// # Errors
/// [`IndexError::Mismatch`] when the index has another model's vectors, unless the scope is full;
/// [`IndexError::Missing`] when some units are to be changed in an index that is not there; when the model
/// fails or the table cannot be written. What was written so far stands and is not embedded again next time.
pub async fn build(
    root: &DataRoot,
    scope: Scope,
    units: impl Iterator<Item = Unit>,
    sources: Option<BTreeMap<String, String>>,
    embedder: Option<Arc<dyn Embedder>>,
    mut progress: impl FnMut(u64),
) -> Result<Built, IndexError> {
    let vectors = root.vectors_dir();
    fs::create_dir_all(&vectors).map_err(StoreError::io("create", &vectors))?;
    let model = embedder.as_ref().map(|embedder| ModelStamp::from(embedder.model()));
    let before = previous(root, &scope)?;
    let before = settle(root, before)?;
    let plan = Plan::make(root, &scope, before, model).await?;
    let mut builder = Builder { embedder, plan, seen: HashSet::new(), built: Built::default() };
    if builder.plan.in_place {
        // Until the end the sources of the old state are no longer true.
        builder.plan.next.unfinished = true;
        builder.plan.next.save(root)?;
    }

    let mut batch = Vec::with_capacity(BATCH);
    let mut read = 0;
    for unit in units {
        batch.push(unit);
        if batch.len() == BATCH {
            read += batch.len() as u64;
            builder.write(std::mem::take(&mut batch)).await?;
            progress(read);
        }
    }
    read += batch.len() as u64;
    builder.write(batch).await?;
    progress(read);
    builder.finish(root, &scope, sources).await
}

/// The checkpoint in force. A full build needs none, so it also mends a damaged one.
fn previous(root: &DataRoot, scope: &Scope) -> Result<Option<Checkpoint>, IndexError> {
    match Checkpoint::load(root) {
        Err(error @ (IndexError::Damaged { .. } | IndexError::Newer { .. })) if *scope == Scope::Full => {
            tracing::warn!(%error, "building anew");
            Ok(None)
        }
        other => other,
    }
}

/// Finishes what an interrupted build left: the swap where it was begun, else nothing but a folder to remove.
fn settle(root: &DataRoot, checkpoint: Option<Checkpoint>) -> Result<Option<Checkpoint>, IndexError> {
    let Some(mut checkpoint) = checkpoint else {
        sweep(root, None)?;
        return Ok(None);
    };
    let folder = checkpoint.table_dir(root);
    if !folder.is_dir() {
        // Somebody deleted the vectors; a checkpoint without its table says nothing.
        fsio::remove(&Checkpoint::path(root))?;
        sweep(root, None)?;
        return Ok(None);
    }
    sweep(root, Some(&checkpoint))?;
    if checkpoint.table != TABLE {
        let to = root.vectors_dir().join(format!("{TABLE}.lance"));
        if folder != to {
            fs::rename(&folder, &to).map_err(StoreError::io("rename", &folder))?;
            fsio::sync_folder(&root.vectors_dir())?;
        }
        checkpoint.table = TABLE.into();
        checkpoint.save(root)?;
    }
    Ok(Some(checkpoint))
}

/// Removes tables that no checkpoint names: what an interrupted build left.
fn sweep(root: &DataRoot, checkpoint: Option<&Checkpoint>) -> Result<(), IndexError> {
    let folder = root.vectors_dir();
    let kept = checkpoint.and_then(|checkpoint| Some(checkpoint.table_dir(root).file_name()?.to_owned()));
    let entries = fs::read_dir(&folder).map_err(StoreError::io("read", &folder))?;
    for entry in entries.flatten() {
        let name = entry.file_name();
        if name.to_string_lossy().ends_with(".lance") && Some(&name) != kept.as_ref() {
            fs::remove_dir_all(entry.path()).map_err(StoreError::io("remove", &entry.path()))?;
        }
    }
    Ok(())
}

/// Which table is read for what is known, which one is written.
struct Plan {
    old: Option<UnitTable>,
    target: UnitTable,
    next: Checkpoint,
    /// Whether vectors of the old table are of the model in force.
    reusable: bool,
    /// Whether the table in force is itself changed.
    in_place: bool,
}

impl Plan {
    async fn make(
        root: &DataRoot,
        scope: &Scope,
        before: Option<Checkpoint>,
        model: Option<ModelStamp>,
    ) -> Result<Plan, IndexError> {
        let vectors = root.vectors_dir();
        let full = *scope == Scope::Full;
        let mut old = None;
        if let Some(before) = &before {
            old = match UnitTable::open(&vectors, &before.table, before.dimension).await {
                Ok(table) => Some(table),
                Err(IndexError::Missing { .. }) => None,
                Err(error) if full => {
                    tracing::warn!(%error, "the old table is not used");
                    None
                }
                Err(error) => return Err(error),
            };
        }
        let built_with = before.as_ref().and_then(|before| before.model.clone());
        if let (Some(_), false, Some(built), Some(now)) = (&old, full, &built_with, &model)
            && built != now
        {
            return Err(IndexError::Mismatch { built: built.to_string(), now: now.to_string() });
        }
        let dimension = model.as_ref().map(|model| model.dimension);
        // Without vectors there is nothing to lose, so another length of vectors only means a new table.
        let fits = |table: &UnitTable| dimension.is_none_or(|dimension| dimension == table.dimension());
        let reusable = built_with == model && model.is_some();
        let base = Checkpoint { layout: LAYOUT, updated_us: now_us(), ..Checkpoint::default() };
        match (old, before) {
            (Some(table), Some(before)) if !full && fits(&table) => {
                // Without a model the vectors that are there stay; new units wait for theirs.
                let model = model.or(built_with);
                let next = Checkpoint { model, updated_us: now_us(), ..before };
                Ok(Plan { old: Some(table.clone()), target: table, next, reusable: true, in_place: true })
            }
            // A new table of a few units would pass for the whole.
            (None, _) if matches!(scope, Scope::Some(_)) => Err(IndexError::Missing { why: "yet" }),
            (Some(_), _) if matches!(scope, Scope::Some(_)) => {
                Err(IndexError::Missing { why: "with vectors as long as those of the model in force" })
            }
            (old, _) => {
                let dimension = dimension.unwrap_or(USUAL_DIMENSION);
                let target = UnitTable::create(&vectors, NEXT_TABLE, dimension).await?;
                let next = Checkpoint { table: NEXT_TABLE.into(), dimension, model, ..base };
                Ok(Plan { old, target, next, reusable, in_place: false })
            }
        }
    }
}

struct Builder {
    embedder: Option<Arc<dyn Embedder>>,
    plan: Plan,
    seen: HashSet<String>,
    built: Built,
}

impl Builder {
    /// Looks the units up, embeds what is new, writes what differs.
    async fn write(&mut self, units: Vec<Unit>) -> Result<(), IndexError> {
        let units: Vec<Unit> = units.into_iter().filter(|unit| self.seen.insert(unit.id.clone())).collect();
        let in_place = self.plan.in_place;
        let ids: Vec<&str> = units.iter().map(|unit| unit.id.as_str()).collect();
        let mut known = match &self.plan.old {
            Some(old) => old.known(&ids, true).await?,
            None => Default::default(),
        };
        let (mut rows, mut replacing) = (Vec::new(), HashSet::new());
        for unit in units {
            let stamp = Stamp::of(&unit);
            if known.contains_key(&unit.id) {
                replacing.insert(unit.id.clone());
            }
            let known = known.remove(&unit.id).filter(|known| known.stamp.text == stamp.text);
            let same = known.as_ref().is_some_and(|known| known.stamp == stamp);
            let vector = known.and_then(|known| known.vector).filter(|_| self.plan.reusable);
            let complete = vector.is_some() || self.embedder.is_none();
            if same && complete {
                self.built.unchanged += 1;
                if in_place {
                    continue;
                }
            } else {
                self.built.written += 1;
            }
            rows.push(Row { unit, vector });
        }
        self.embed(&mut rows).await?;
        if !in_place {
            return self.plan.target.append(&rows).await;
        }
        // Replacing reads the ids of the whole table; most units of an update are new.
        let (old, new): (Vec<Row>, Vec<Row>) = rows.into_iter().partition(|row| replacing.contains(&row.unit.id));
        self.plan.target.append(&new).await?;
        self.plan.target.upsert(&old).await
    }

    async fn embed(&mut self, rows: &mut [Row]) -> Result<(), IndexError> {
        let Some(embedder) = &self.embedder else { return Ok(()) };
        let mut waiting: Vec<&mut Row> = rows.iter_mut().filter(|row| row.vector.is_none()).collect();
        // Texts of like length together: a batch costs what its longest text costs.
        waiting.sort_by_key(|row| row.unit.text.len());
        for some in waiting.chunks_mut(TEXTS) {
            let texts: Vec<String> = some.iter().map(|row| embedded_text(&row.unit)).collect();
            let model = Arc::clone(embedder);
            let task = tokio::task::spawn_blocking(move || {
                let texts: Vec<&str> = texts.iter().map(String::as_str).collect();
                model.embed(&texts).map_err(|error| IndexError::Embedding(error.to_string()))
            });
            let vectors = task.await.map_err(|error| IndexError::Embedding(error.to_string()))??;
            if vectors.len() != some.len() {
                return Err(IndexError::Embedding(format!("{} vectors for {} texts", vectors.len(), some.len())));
            }
            self.built.embedded += vectors.len() as u64;
            for (row, vector) in some.iter_mut().zip(vectors) {
                row.vector = Some(vector);
            }
        }
        Ok(())
    }

    /// Removes what is gone, makes or mends the indexes, and puts the result in force.
    async fn finish(
        mut self,
        root: &DataRoot,
        scope: &Scope,
        sources: Option<BTreeMap<String, String>>,
    ) -> Result<Built, IndexError> {
        let target = &self.plan.target;
        let in_place = self.plan.in_place;
        if in_place {
            let there = match scope {
                Scope::Some(changed) => target.ids(&changed.conditions()).await?,
                Scope::All | Scope::Full => target.ids(&["true".to_owned()]).await?,
            };
            let gone: Vec<&str> = there.difference(&self.seen).map(String::as_str).collect();
            target.delete(&gone).await?;
            self.built.removed = gone.len() as u64;
        }
        let changed = self.built.written + self.built.removed > 0;
        let few = matches!(scope, Scope::Some(_));
        if !in_place {
            target.build_indexes().await?;
        } else if changed && (!few || target.unindexed().await? > TIDY_AFTER) {
            target.optimize().await?;
        }
        let mut next = self.plan.next.clone();
        next.unfinished = false;
        next.updated_us = now_us();
        next.units = target.count().await?;
        if let Some(sources) = sources {
            next.sources = sources;
        }
        next.save(root)?;
        if !in_place {
            settle(root, Some(next.clone()))?;
        }
        self.built.units = next.units;
        self.built.vectors = next.model.is_some();
        self.built.rebuilt = !in_place;
        Ok(self.built)
    }
}

/// What the model reads of a unit.
fn embedded_text(unit: &Unit) -> String {
    if unit.text.starts_with(&unit.title) { unit.text.clone() } else { format!("{}\n{}", unit.title, unit.text) }
}

fn now_us() -> i64 {
    jiff::Timestamp::now().as_microsecond()
}

#[cfg(test)]
mod tests;
