//! SQL through real worker processes: what a query may cost, and who pays for it.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

mod limits;
mod live;
mod pool;
mod sandbox;
mod streams;

use std::sync::Arc;
use std::time::Duration;

use replayer::sql::{Config, Query, QueryResult, SqlClient, SqlError};
use replayer::store::Store;
use replayer::store::record::{Direction, Record, Source};
use replayer::store::recorder::{Recorder, RecorderOptions};
use replayer::store::root::DataRoot;
use tokio_util::sync::CancellationToken;

use crate::common::REPLAYER;
use crate::common::waiting::{UnderWay, until_async};

/// Runs far longer than any test.
const ENDLESS: &str = "SELECT count(*) FROM range(100000000000) a, range(100000) b";

/// What a query that still runs will give.
type Answer = tokio::task::JoinHandle<Result<QueryResult, SqlError>>;

/// A data root and a client on it.
struct House {
    _folder: tempfile::TempDir,
    root: DataRoot,
    client: SqlClient,
}

impl House {
    fn new() -> Self {
        Self::with(|_| {})
    }

    fn with(change: impl FnOnce(&mut Config)) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let root = DataRoot::create(folder.path().join("data")).unwrap();
        let mut config = Config::new(root.path());
        config.worker_exe = Some(REPLAYER.into());
        change(&mut config);
        Self { _folder: folder, client: SqlClient::new(config), root }
    }

    async fn query(&self, sql: &str) -> Result<QueryResult, SqlError> {
        self.client.query(Query::new(sql), CancellationToken::new()).await
    }

    async fn limited(&self, sql: &str, timeout: Duration) -> Result<QueryResult, SqlError> {
        let query = Query { timeout, ..Query::new(sql) };
        self.client.query(query, CancellationToken::new()).await
    }

    /// Sends an endless query and returns when its worker, which has served before, is at it. Cancelling `stop`
    /// cancels the query.
    async fn endless(&self, timeout: Duration, stop: &CancellationToken) -> (u32, Answer) {
        assert_eq!(self.number("SELECT 1").await, 1);
        let pid = self.client.idle_workers()[0];
        let under_way = UnderWay::watch(&[pid]);
        let (client, stop) = (self.client.clone(), stop.clone());
        let query = Query { timeout, ..Query::new(ENDLESS) };
        let answer = tokio::spawn(async move { client.query(query, stop).await });
        until_async("the query is under way", || under_way.is_so(&[pid])).await;
        (pid, answer)
    }

    /// One number, for checks that the service goes on.
    async fn number(&self, sql: &str) -> i64 {
        self.query(sql).await.unwrap().rows[0][0].as_i64().unwrap()
    }

    fn recorder(&self) -> Recorder {
        let store = Arc::new(Store::open(&self.root, "test").unwrap());
        Recorder::start(store, RecorderOptions::new("test")).unwrap()
    }
}

/// A game: `count` ticks, the last one rugged.
fn record_game(recorder: &Recorder, game: &str, count: i64) {
    for tick in 0..count {
        let rugged = tick == count - 1;
        let text = format!(
            r#"42["gameStateUpdate",{{"gameId":"{game}","tickCount":{tick},"price":{},"active":true,"rugged":{rugged},"cooldownTimer":0,"tradeCount":{tick}}}]"#,
            1.0 + 0.1 * tick as f64
        );
        let ts = 1_700_000_000_000_000 + tick * 250_000;
        recorder.append(&Record::frame(ts, Source::PublicWs, Direction::Received, &text)).unwrap();
    }
}
