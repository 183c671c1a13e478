//! Cursors over simulated and real games: the same place is the same state, whichever way it was reached.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

mod actions;
mod bad_input;
mod equality;
mod following;
mod movement;
mod neighbours;
mod shelves;

use std::sync::Arc;
use std::time::Duration;

use tempfile::TempDir;

use super::archive::Shared;
use super::error::CursorError;
use super::game_span::Covers;
use super::moves::{Moved, Stopped, Unit};
use super::seek::Target;
use super::{Budget, Cursor};
use crate::simulator::{Config, GameTruth, Session, SimulatedFrame};
use crate::state::Snapshot;
use crate::store::Store;
use crate::store::record::{Record, Source};
use crate::store::recorder::{Recorder, RecorderOptions};
use crate::store::root::DataRoot;

/// Small games of a few players: a test takes milliseconds each.
fn small(seed: u64, games: usize) -> Config {
    Config { seed, games, players: 3, history_len: 2, full_snapshots: false, ..Config::default() }
}

fn play(config: Config) -> (Vec<SimulatedFrame>, Vec<GameTruth>) {
    let mut session = Session::new(config);
    let frames = session.by_ref().collect();
    (frames, session.truths().to_vec())
}

/// A data root in a temporary folder, with what records into it.
struct Root {
    _folder: TempDir,
    root: DataRoot,
}

impl Root {
    fn new() -> Root {
        let folder = tempfile::tempdir().unwrap();
        let root = DataRoot::create(folder.path().join("root")).unwrap();
        Root { _folder: folder, root }
    }

    fn recorder(&self) -> Recorder {
        let store = Arc::new(Store::open(&self.root, "test").unwrap());
        Recorder::start(store, RecorderOptions::new("test")).unwrap()
    }

    /// Records frames into a session of their own, sealed.
    fn record(&self, frames: &[SimulatedFrame]) -> String {
        let recorder = self.recorder();
        append(&recorder, frames);
        recorder.close().unwrap();
        recorder.session_id().to_string()
    }

    fn archive(&self) -> Shared {
        Shared::open(&self.root).unwrap()
    }
}

fn append(recorder: &Recorder, frames: &[SimulatedFrame]) {
    for frame in frames {
        recorder.append(&Record::frame(frame.at_us, Source::Cdp, frame.direction, &frame.text)).unwrap();
    }
}

/// Recorded games: the root, its archive, what really happened.
fn recorded(config: Config) -> (Root, Shared, Vec<GameTruth>, String) {
    let (frames, truths) = play(config);
    let root = Root::new();
    let session = root.record(&frames);
    let archive = root.archive();
    (root, archive, truths, session)
}

fn games(ids: &[&str]) -> Covers {
    Covers::Games { ids: ids.iter().map(|id| (*id).to_owned()).collect(), session_id: None }
}

fn open(archive: &Shared, id: &str) -> Cursor {
    Cursor::open(archive, games(&[id])).unwrap()
}

fn budget() -> Budget<'static> {
    Budget::new(super::EVENTS, Duration::from_secs(120))
}

fn step(cursor: &mut Cursor, archive: &Shared, count: u64, unit: Unit) -> Moved {
    cursor.step(archive, count, unit, &budget()).unwrap()
}

fn back(cursor: &mut Cursor, archive: &Shared, count: u64, unit: Unit) -> Moved {
    cursor.back(archive, count, unit, &budget()).unwrap()
}

fn seek(cursor: &mut Cursor, archive: &Shared, target: Target) -> Result<Moved, CursorError> {
    cursor.seek(archive, &target, &budget())
}

/// The whole state at the place.
fn state(cursor: &mut Cursor) -> Snapshot {
    cursor.snapshot(true)
}

fn tick_of(cursor: &Cursor) -> Option<u32> {
    cursor.place().unwrap().tick
}
