//! Time, memory and size: a query that wants too much gets an error, the next one an answer.

use std::time::Duration;

use replayer::sql::SqlError;
use tokio_util::sync::CancellationToken;

use super::{ENDLESS, House};
use crate::common::waiting::{TIMEOUT, in_time};

#[tokio::test]
async fn an_endless_query_times_out_and_its_worker_serves_on() {
    let house = House::new();
    assert_eq!(house.number("SELECT 1").await, 1);
    let before = house.client.idle_workers();
    let answer = house.limited(ENDLESS, Duration::from_millis(500));
    let error = in_time("the query is stopped", answer).await.unwrap_err();
    assert_eq!(error, SqlError::Timeout { timeout_ms: 500 });
    assert_eq!(house.number("SELECT 2").await, 2);
    assert_eq!(house.client.idle_workers(), before, "the same process");
}

/// A sort that has produced nothing yet, and a stream in the middle: both are stopped.
#[tokio::test]
async fn every_stage_of_a_query_can_be_stopped() {
    let house = House::new();
    for sql in [
        "SELECT i FROM range(3000000000) t(i) ORDER BY hash(i) LIMIT 5",
        "WITH RECURSIVE x(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM x) SELECT count(*) FROM x",
        "SELECT count(*) FROM range(1000000000000) t(i) WHERE regexp_matches(i::VARCHAR, '(1|2)+7.*9.*8x')",
        // Of i, or DuckDB computes the sum once and is done.
        "SELECT sum(list_sum(range(1000000 + i % 7))) FROM range(1000000000) t(i)",
    ] {
        let answer = house.limited(sql, Duration::from_millis(300));
        let error = in_time("the query is stopped", answer).await.unwrap_err();
        let fits =
            matches!(error, SqlError::Timeout { .. } | SqlError::Memory { .. } | SqlError::WorkerDied { .. });
        assert!(fits, "{sql}: {error}");
    }
    assert_eq!(house.number("SELECT 3").await, 3);
}

#[tokio::test]
async fn a_cancelled_query_ends_and_its_worker_serves_on() {
    let house = House::new();
    let cancel = CancellationToken::new();
    let (pid, running) = house.endless(Duration::from_secs(600), &cancel).await;
    cancel.cancel();
    assert_eq!(in_time("it ends", running).await.unwrap(), Err(SqlError::Cancelled));
    assert_eq!(house.number("SELECT 2").await, 2);
    assert_eq!(house.client.idle_workers(), [pid], "the same process");
}

#[tokio::test]
async fn a_memory_bomb_is_an_error() {
    let house = House::with(|config| config.memory_mib = 128);
    for sql in [
        "SELECT list(i) FROM range(10000000000) t(i)",
        "SELECT length(repeat('x', 4000000000))",
        "SELECT string_agg(repeat('x', 1000000), '') FROM range(100000)",
        "SELECT count(*) FROM (SELECT i, hash(i) AS h FROM range(1000000000) t(i) ORDER BY h)",
        "SELECT map_from_entries(list({'k': i, 'v': repeat('y', 1000)})) FROM range(100000000) t(i)",
    ] {
        // The memory is at its end long before the time is.
        let error = house.limited(sql, TIMEOUT).await.unwrap_err();
        // What escapes DuckDB's accounting meets the process limit; either way it is this query's error.
        let fits =
            matches!(error, SqlError::Memory { .. } | SqlError::WorkerDied { .. } | SqlError::Failed { .. });
        assert!(fits, "{sql}: {error:?}");
        assert_eq!(house.number("SELECT 4").await, 4);
    }
}

#[tokio::test]
async fn a_large_result_is_cut_and_says_so() {
    let house = House::new();
    let result = house.query("SELECT i, repeat('x', 100) AS x FROM range(100000) t(i)").await.unwrap();
    assert!(result.truncated);
    assert!(serde_json::to_vec(&result.rows).unwrap().len() <= 33 * 1024);
}
