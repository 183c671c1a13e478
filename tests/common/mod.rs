//! What several tests need: a root in a temporary folder, a recorded session; in `site` a server to record from; and in
//! `needs`, what is not on every machine, and `waiting`.

#[cfg(target_os = "linux")]
pub mod isolated;
pub mod needs;
pub mod site;
pub mod waiting;

use std::path::Path;
use std::process::{Command, Output};
use std::sync::Arc;

use replayer::simulator::{Config, GameTruth, Session};
use replayer::store::Store;
use replayer::store::record::{Record, Source};
use replayer::store::recorder::{Recorder, RecorderOptions};
use replayer::store::root::DataRoot;
use tempfile::TempDir;

/// The binary under test.
pub const REPLAYER: &str = env!("CARGO_BIN_EXE_replayer");

/// The binary under test as a command. It finds no embedding model, whatever the user's cache has.
pub fn replayer() -> Command {
    let mut command = Command::new(REPLAYER);
    command.env("REPLAYER_CACHE_DIR", needs::no_models()).env_remove("REPLAYER_MODEL_DIR");
    command
}

/// A line as a person types it in `folder`, on the data root that the environment names.
pub fn typed(line: &str, root: &DataRoot, folder: &Path) -> Output {
    let mut words = line.split_whitespace();
    assert_eq!(words.next(), Some("replayer"));
    let mut command = replayer();
    command.args(words).env("RUGS_DATA_DIR", root.path()).current_dir(folder);
    command.output().expect("the binary runs")
}

/// What a command printed; it must have worked.
pub fn printed(output: &Output) -> String {
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout.clone()).expect("text")
}

/// A fresh data root; the folder goes when the first value is dropped.
pub fn root() -> (TempDir, DataRoot) {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let root = DataRoot::create(folder.path().join("root")).expect("a root");
    (folder, root)
}

/// Plays `games` simulated games and returns their frames as (time, direction, text), and the truth.
pub fn play(games: usize) -> (Vec<replayer::simulator::SimulatedFrame>, Vec<GameTruth>) {
    let mut session = Session::new(Config { games, logged_in: true, ..Config::default() });
    let frames = session.by_ref().collect();
    (frames, session.truths().to_vec())
}

/// Records simulated games through the real journal and sealing.
pub fn record(root: &DataRoot, games: usize) -> Vec<GameTruth> {
    let (frames, truths) = play(games);
    let store = Arc::new(Store::open(root, "test").expect("the store"));
    let recorder = Recorder::start(store, RecorderOptions::new("test")).expect("a recorder");
    for frame in &frames {
        let record = Record::frame(frame.at_us, Source::Cdp, frame.direction, &frame.text);
        recorder.append(&record).expect("appended");
    }
    recorder.close().expect("sealed");
    truths
}
