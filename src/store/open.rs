//! The store as its one writer sees it.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::catalog::{Catalog, Part, Ticks};
use super::error::StoreError;
use super::filled::{KnownTicks, TicksByGame};
use super::games::Quality;
use super::ids::SessionId;
use super::lease::Lease;
use super::parts::{BUILD, KnownRows};
use super::publish::Owed;
use super::repeats::{self, KINDS, KnownIds};
use super::root::DataRoot;
use super::schema::{DocType, SCHEMA_VERSION, is_newer};
use super::seal::LeftBehind;
use super::{filled, fsio, journal, migrate, reconcile, scan};

/// The data root, opened for writing. Holds the lease until dropped.
pub struct Store {
    root: DataRoot,
    pub(super) catalog: Mutex<Catalog>,
    games: Mutex<Arc<HashMap<String, Quality>>>,
    /// The ticks that parts fill, by the part's path.
    filled: Mutex<HashMap<String, Arc<TicksByGame>>>,
    /// The trades and side bets in parts, likewise.
    ids: repeats::Cache,
    sealing: Mutex<()>,
    /// Shared with `publish`; locked after the catalog, and for moments.
    pub(super) owed: Mutex<Owed>,
    _lease: Lease,
}

/// `manifests/schema_version.json`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct SchemaManifest {
    /// Version of the rows' layout, `major.minor`.
    pub schema_version: String,
    /// The build that wrote it.
    pub writer_build: String,
    /// The embedding model of the semantic index, once there is one: id, dimension, digest.
    #[serde(default)]
    pub embedding: Option<serde_json::Value>,
}

impl SchemaManifest {
    /// Reads it; `None` for a root that has none yet.
    ///
    /// # Errors
    /// When it is damaged.
    pub fn load(root: &DataRoot) -> Result<Option<SchemaManifest>, StoreError> {
        let path = root.schema_version_path();
        let bytes = match fsio::read(&path) {
            Ok(bytes) => bytes,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(StoreError::io("read", &path)(error)),
        };
        serde_json::from_slice(&bytes).map(Some).map_err(|error| StoreError::Manifest {
            path,
            reason: error.to_string(),
            advice: "Remove it: it is written anew from what the parts say",
        })
    }

    /// Writes it.
    ///
    /// # Errors
    /// When it cannot be written.
    pub fn save(&self, root: &DataRoot) -> Result<(), StoreError> {
        let path = root.schema_version_path();
        let bytes =
            serde_json::to_vec_pretty(self).map_err(|error| StoreError::io("write", &path)(error.into()))?;
        fsio::replace(&path, &bytes)
    }

    fn current() -> SchemaManifest {
        SchemaManifest { schema_version: SCHEMA_VERSION.into(), writer_build: BUILD.into(), embedding: None }
    }
}

impl Store {
    /// Opens the root for writing: takes the lease and finishes what a crash interrupted. `purpose` is told to
    /// others who want to write meanwhile.
    ///
    /// # Errors
    /// When another process writes, when the store is a newer version's, or when a manifest is damaged.
    pub fn open(root: &DataRoot, purpose: &str) -> Result<Store, StoreError> {
        let mut opened = Store::open_at_once(root, purpose);
        // Whoever only asks who the holder is ([`Lease::holder`]) has the lock for an instant.
        for _ in 0..3 {
            if matches!(opened, Err(StoreError::Leased { .. })) {
                std::thread::sleep(Duration::from_millis(10));
                opened = Store::open_at_once(root, purpose);
            }
        }
        let (store, left_behind) = opened?;
        left_behind.seal(&store, || false)?;
        Ok(store)
    }

    /// Opens the root for writing without sealing what a crash left in the journal, which takes seconds: so that
    /// recording goes on at once. Readers see those rows in the journal meanwhile. Seal them with
    /// [`LeftBehind::seal`], on another thread if need be; a new session can be recorded and sealed beside it.
    ///
    /// # Errors
    /// As [`Store::open`].
    pub fn open_at_once(root: &DataRoot, purpose: &str) -> Result<(Store, LeftBehind), StoreError> {
        let lease = Lease::take(root, purpose)?;
        match SchemaManifest::load(root)? {
            Some(found) if is_newer(&found.schema_version, SCHEMA_VERSION) => {
                return Err(StoreError::NewerSchema {
                    root: root.path().to_owned(),
                    found: found.schema_version,
                    known: SCHEMA_VERSION,
                });
            }
            Some(_) => {}
            None => SchemaManifest::current().save(root)?,
        }
        let (mut catalog, message) = Catalog::load_reporting(root)?;
        migrate::put_away(root, &catalog)?;
        let reconciled = reconcile::reconcile(root, &mut catalog)?;
        for message in message.iter().chain(&reconciled.messages) {
            tracing::warn!("{message}");
        }
        if message.is_some() || reconciled.changed {
            catalog.save(root)?;
        }
        let games = Arc::new(scan::stored_games(root, &catalog));
        let store = Store {
            root: root.clone(),
            catalog: Mutex::new(catalog),
            games: Mutex::new(games),
            filled: Mutex::default(),
            ids: repeats::Cache::default(),
            sealing: Mutex::new(()),
            owed: Mutex::default(),
            _lease: lease,
        };
        let left_behind = store.recover()?;
        Ok((store, left_behind))
    }

    /// The root.
    pub fn root(&self) -> &DataRoot {
        &self.root
    }

    /// The catalog as it stands.
    pub fn catalog(&self) -> Catalog {
        self.with_catalog(Catalog::clone)
    }

    /// The sessions that are known here, sealed or not.
    pub(super) fn sessions(&self) -> Vec<SessionId> {
        // A journal that cannot be listed now is no reason not to record.
        let journals = journal::segments(self.root()).unwrap_or_default();
        let unsealed = journals.into_iter().map(|segment| segment.session_id);
        let mut known: Vec<SessionId> = self.with_catalog(|catalog| {
            catalog
                .sessions
                .iter()
                .map(|session| session.session_id)
                .chain(catalog.sealed.keys().copied())
                .collect()
        });
        known.extend(unsealed);
        known
    }

    pub(super) fn with_catalog<T>(&self, read: impl FnOnce(&Catalog) -> T) -> T {
        read(&lock(&self.catalog))
    }

    pub(super) fn stored_games(&self) -> Arc<HashMap<String, Quality>> {
        lock(&self.games).clone()
    }

    pub(super) fn set_stored_games(&self, games: Arc<HashMap<String, Quality>>) {
        *lock(&self.games) = games;
    }

    /// What is known of rows that decide which others count, for whoever writes parts that replace these.
    pub(super) fn known_rows(&self, replaced: &[String]) -> KnownRows {
        let counts = |part: &&Part| {
            KINDS.contains(&part.doc_type)
                && part.schema == SCHEMA_VERSION
                && !repeats::is_left_out(part)
                && !replaced.contains(&part.path)
        };
        let parts = self.with_catalog(|catalog| catalog.parts.iter().filter(counts).cloned().collect());
        KnownRows { ticks: self.known_ticks(), ids: KnownIds::new(parts, self.ids.clone()) }
    }

    /// What is known of filled ticks, for whoever writes parts. A part that cannot be read is passed over: writing does not
    /// stop for it.
    pub(super) fn known_ticks(&self) -> KnownTicks {
        let parts: Vec<Part> = self.with_catalog(|catalog| {
            catalog.parts.iter().filter(|part| part.doc_type == DocType::GameTick).cloned().collect()
        });
        let mut known = lock(&self.filled);
        known.retain(|path, _| parts.iter().any(|part| part.path == *path));
        let mut all = TicksByGame::default();
        for part in parts.iter().filter(|part| !matches!(part.ticks, Some(Ticks::Recorded | Ticks::Superseding))) {
            let filled = known.entry(part.path.clone()).or_insert_with(|| {
                filled::filled_in(&self.root, part).map(Arc::new).unwrap_or_else(|error| {
                    tracing::warn!(%error, "passing over the filled ticks of this part");
                    Arc::default()
                })
            });
            all.absorb(filled);
        }
        KnownTicks { filled: Arc::new(all), parts }
    }

    /// Held while parts come or go, so that two of sealing, import and compaction never interleave.
    pub(super) fn sealing(&self) -> MutexGuard<'_, ()> {
        lock(&self.sealing)
    }
}

/// A thread that panicked while it held the lock left the value as it was: changes are made on a copy.
pub(super) fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
