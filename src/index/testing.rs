//! What the tests of this folder share: an embedder that needs no model, and units.

#![allow(clippy::unwrap_used, clippy::indexing_slicing)]

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

use sha2::{Digest, Sha256};

use super::embed::{EmbedError, Embedder, ModelInfo};
use super::units::{Tier, Unit, UnitKind};
use super::words;
use crate::simulator::{Config, Session, SimulatedFrame};
use crate::store::Store;
use crate::store::record::{Record, Source};
use crate::store::recorder::{Recorder, RecorderOptions};
use crate::store::root::DataRoot;

/// Words into places of a vector by their digest: the same text always gives the same vector, texts with common
/// words are near. Remembers what it was asked.
pub struct Hashing {
    info: ModelInfo,
    /// Texts embedded so far.
    pub calls: AtomicUsize,
    /// The texts.
    pub texts: Mutex<Vec<String>>,
}

impl Hashing {
    pub fn new() -> Arc<Hashing> {
        Hashing::with("hashing", 64)
    }

    pub fn with(id: &str, dimension: usize) -> Arc<Hashing> {
        let info = ModelInfo { id: id.into(), dimension, digest: format!("digest-of-{id}") };
        Arc::new(Hashing { info, calls: AtomicUsize::new(0), texts: Mutex::new(Vec::new()) })
    }

    pub fn count(&self) -> usize {
        self.calls.load(Ordering::SeqCst)
    }
}

impl Embedder for Hashing {
    fn model(&self) -> &ModelInfo {
        &self.info
    }

    fn embed(&self, texts: &[&str]) -> Result<Vec<Vec<f32>>, EmbedError> {
        self.calls.fetch_add(texts.len(), Ordering::SeqCst);
        self.texts.lock().unwrap().extend(texts.iter().map(|text| (*text).to_owned()));
        Ok(texts
            .iter()
            .map(|text| {
                let mut vector = vec![0.01_f32; self.info.dimension];
                for word in words::words(text) {
                    let digest = Sha256::digest(word.as_bytes());
                    let place = usize::from(digest[0]) * 256 + usize::from(digest[1]);
                    vector[place % self.info.dimension] += 1.0;
                }
                let norm = vector.iter().map(|x| x * x).sum::<f32>().sqrt();
                vector.iter().map(|x| x / norm).collect()
            })
            .collect())
    }
}

/// A root in a temporary folder.
pub fn root() -> (tempfile::TempDir, DataRoot) {
    let folder = tempfile::tempdir().unwrap();
    let root = DataRoot::create(folder.path().join("root")).unwrap();
    (folder, root)
}

/// Records simulated games; another seed gives other games, `day` the day of January 2026 they are played on.
pub fn record(root: &DataRoot, games: usize, seed: u64, day: i64) {
    let store = Arc::new(Store::open(root, "test").unwrap());
    let recorder = Recorder::start(store, RecorderOptions::new("test")).unwrap();
    for frame in play(games, seed, day) {
        recorder.append(&Record::frame(frame.at_us, Source::Cdp, frame.direction, &frame.text)).unwrap();
    }
    recorder.close().unwrap();
}

/// The frames of simulated games.
pub fn play(games: usize, seed: u64, day: i64) -> impl Iterator<Item = SimulatedFrame> {
    let start_us = Config::default().start_us + day * 86_400_000_000;
    Session::new(Config { games, seed, start_us, logged_in: true, full_snapshots: false, ..Config::default() })
}

/// A unit with this id and text; its title is the id.
pub fn unit(id: &str, kind: UnitKind, text: &str) -> Unit {
    Unit::new(kind, id.to_owned(), id.to_owned(), text, Tier::Observed)
}

/// A card of an event.
pub fn event(name: &str, text: &str) -> Unit {
    Unit { event_name: Some(name.to_owned()), ..unit(&format!("event:{name}"), UnitKind::EventCard, text) }
}

/// A summary of a game.
pub fn game(id: &str, at: i64, text: &str) -> Unit {
    Unit {
        game_id: Some(id.to_owned()),
        ts_us: Some(at),
        evidence: vec![format!("session:{at}")],
        ..unit(&format!("game:{id}"), UnitKind::Game, text)
    }
}
