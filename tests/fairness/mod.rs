//! Fairness from outside: the tool, the command line, and SQL over games that were proven.

mod answers;
mod command_line;
mod filled_ticks;
mod manipulated;
mod real_captures;

use std::collections::BTreeSet;
use std::process::Output;
use std::sync::Arc;

use replayer::replay::proof::background::prove_pending;
use replayer::store::Store;
use replayer::store::record::{Direction, Record, Source};
use replayer::store::recorder::{Recorder, RecorderOptions};
use replayer::store::root::DataRoot;
use serde_json::Value;
use tokio_util::sync::CancellationToken;

/// Records frames as a recorder does; `keep` may drop or change them.
fn record(root: &DataRoot, games: usize, mut keep: impl FnMut(usize, &str) -> Option<String>) {
    let (frames, _) = crate::common::play(games);
    let store = Arc::new(Store::open(root, "test").unwrap());
    let recorder = Recorder::start(store, RecorderOptions::new("test")).unwrap();
    for (number, frame) in frames.iter().enumerate() {
        let text = match frame.direction {
            Direction::Received => keep(number, &frame.text),
            Direction::Sent => Some(frame.text.clone()),
        };
        if let Some(text) = text {
            recorder.append(&Record::frame(frame.at_us, Source::Cdp, frame.direction, &text)).unwrap();
        }
    }
    recorder.close().unwrap();
}

/// Records the first frames of a game as a session of their own.
fn record_first(root: &DataRoot, frames: usize) {
    record(root, 1, |number, text| (number < frames).then(|| text.to_owned()));
}

/// Every third packet with a tick is lost, but not those that bring seeds.
fn with_losses(number: usize, text: &str) -> Option<String> {
    let lost = number % 3 == 1 && text.contains("\"tickCount\"") && !text.contains("\"gameHistory\"");
    (!lost).then(|| text.to_owned())
}

/// Proves what is pending, as the recorder does in the background.
fn prove(root: &DataRoot) -> (u64, u64) {
    let store = Arc::new(Store::open(root, "test").unwrap());
    prove_pending(&store, &BTreeSet::new(), &CancellationToken::new()).unwrap()
}

/// Runs the binary on a root.
fn replayer(root: &DataRoot, args: &[&str]) -> Output {
    crate::common::replayer().args(args).arg("--data").arg(root.path()).output().unwrap()
}

/// The JSON that a command prints.
pub fn json_of(output: &Output) -> Value {
    let text = String::from_utf8_lossy(&output.stdout);
    serde_json::from_str(&text).unwrap_or_else(|error| {
        panic!("{error}: {text}{}", String::from_utf8_lossy(&output.stderr));
    })
}

/// The rows of a query.
pub fn rows(root: &DataRoot, sql: &str) -> Vec<Value> {
    let answer = json_of(&replayer(root, &["sql", sql, "--json", "--max-rows", "10000"]));
    answer["rows"].as_array().unwrap().clone()
}

/// The one number that a query gives; 0 for NULL.
pub fn number(root: &DataRoot, sql: &str) -> u64 {
    rows(root, sql)[0][0].as_u64().unwrap_or(0)
}
