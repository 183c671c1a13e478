//! The protocol explorer and its checks, against independent counts of the same frames.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

mod checks;
mod command_line;
mod counts;
mod schemas;
mod tool;

use std::sync::Arc;

use replayer::sql::{Config, Query, SqlClient};
use replayer::store::Store;
use replayer::store::record::{Direction, Record, Source};
use replayer::store::recorder::{Recorder, RecorderOptions};
use replayer::store::root::DataRoot;
use replayer::verify::check::{CheckError, CheckResult, Scope, Statement, check};
use serde_json::Value;
use tempfile::TempDir;
use tokio_util::sync::CancellationToken;

use crate::common::{REPLAYER, play, record, root};

/// A data root with what was recorded into it, and SQL on it.
struct House {
    _folder: TempDir,
    root: DataRoot,
    client: SqlClient,
}

impl House {
    fn on(folder: TempDir, root: DataRoot) -> House {
        let mut config = Config::new(root.path());
        config.worker_exe = Some(REPLAYER.into());
        House { _folder: folder, client: SqlClient::new(config), root }
    }

    /// Simulated games, logged in.
    fn played(games: usize) -> House {
        let (folder, root) = root();
        record(&root, games);
        House::on(folder, root)
    }

    /// These frames, a quarter of a second apart.
    fn of_frames(frames: &[&str]) -> House {
        let (folder, root) = root();
        append(&root, Source::PublicWs, frames);
        House::on(folder, root)
    }

    async fn check(&self, statement: &str) -> CheckResult {
        self.check_in(statement, &Scope::default()).await.unwrap_or_else(|error| panic!("{statement}: {error}"))
    }

    async fn check_in(&self, statement: &str, scope: &Scope) -> Result<CheckResult, CheckError> {
        let statement = Statement::parse(statement).unwrap_or_else(|error| panic!("{error}"));
        check(&self.client, &statement, scope, CancellationToken::new()).await
    }

    /// Supports, contradicts, undecided.
    async fn counts(&self, statement: &str) -> (u64, u64, u64) {
        let result = self.check(statement).await;
        (result.supports, result.contradicts, result.undecided)
    }

    async fn query(&self, sql: &str) -> Vec<Vec<Value>> {
        self.client.query(Query::new(sql), CancellationToken::new()).await.unwrap().rows
    }
}

/// Records frames through the real journal, as one session.
fn append(root: &DataRoot, source: Source, frames: &[&str]) {
    let store = Arc::new(Store::open(root, "test").unwrap());
    let recorder = Recorder::start(store, RecorderOptions::new("test")).unwrap();
    for (frame, n) in frames.iter().zip(0..) {
        let ts = 1_770_000_000_000_000 + n * 250_000;
        recorder.append(&Record::frame(ts, source, Direction::Received, frame)).unwrap();
    }
    recorder.close().unwrap();
}

/// The events of simulated frames by a plain reading of their text: name and payload.
fn plain_events(games: usize) -> Vec<(String, Value)> {
    let frames = play(games).0;
    frames.iter().filter_map(|frame| plain_event(&frame.text)).collect()
}

/// `42["name",{…}]`, `42["name",{"__trace":…},{…}]`, with or without an ack id.
fn plain_event(frame: &str) -> Option<(String, Value)> {
    let array: Vec<Value> =
        serde_json::from_str(frame.strip_prefix("42")?.trim_start_matches(|c: char| c.is_ascii_digit())).ok()?;
    let name = array.first()?.as_str()?.to_owned();
    let traced = array.get(1).is_some_and(|first| first.get("__trace").is_some());
    let payload = array.get(if traced { 2 } else { 1 }).cloned().unwrap_or(Value::Null);
    Some((name, payload))
}
