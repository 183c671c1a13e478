//! Workers come, go and die without anybody else noticing.

use std::process::{Command, Stdio};
use std::time::Duration;

use replayer::sql::protocol::{self, Job, Mode, Request};
use replayer::sql::{Config, Query, SqlClient, SqlError};
use tokio_util::sync::CancellationToken;

use super::{ENDLESS, House, record_game};
use crate::common::waiting::{in_time, is_gone, until, until_async};
use crate::common::{REPLAYER, replayer};

/// Longer than any test waits.
const LONG: Duration = Duration::from_secs(600);

fn kill(signal: &str, pid: u32) {
    assert!(Command::new("kill").args([signal, &pid.to_string()]).status().unwrap().success());
}

#[tokio::test]
async fn a_killed_worker_costs_one_query() {
    let house = House::new();
    let (pid, running) = house.endless(LONG, &CancellationToken::new()).await;
    kill("-9", pid);
    match running.await.unwrap() {
        Err(SqlError::WorkerDied { what }) => assert!(what.contains("signal 9"), "{what}"),
        other => panic!("{other:?}"),
    }
    assert_eq!(house.number("SELECT 2").await, 2);
    assert_ne!(house.client.idle_workers()[0], pid);
}

#[tokio::test]
async fn a_worker_that_died_while_idle_is_not_noticed() {
    let house = House::new();
    assert_eq!(house.number("SELECT 1").await, 1);
    let pid = house.client.idle_workers()[0];
    kill("-9", pid);
    until_async("it is dead", || is_gone(pid)).await;
    assert_eq!(house.number("SELECT 2").await, 2);
}

/// A stopped process cannot obey an interrupt: the pool does not wait for it.
#[tokio::test]
async fn a_worker_that_does_not_obey_is_killed() {
    let house = House::new();
    let stop = CancellationToken::new();
    let (pid, running) = house.endless(LONG, &stop).await;
    kill("-STOP", pid);
    stop.cancel();
    match in_time("it is killed", running).await.unwrap() {
        Err(SqlError::WorkerDied { what }) => assert!(what.contains("was killed"), "{what}"),
        other => panic!("{other:?}"),
    }
    assert!(is_gone(pid));
    assert_eq!(house.number("SELECT 2").await, 2);
}

/// The same for one that overstays its query's time.
#[tokio::test]
async fn a_worker_that_does_not_stop_in_time_is_killed() {
    let house = House::new();
    let (pid, running) = house.endless(Duration::from_secs(2), &CancellationToken::new()).await;
    kill("-STOP", pid);
    match in_time("it is killed", running).await.unwrap() {
        Err(SqlError::WorkerDied { what }) => assert!(what.contains("time limit and was killed"), "{what}"),
        other => panic!("{other:?}"),
    }
    assert_eq!(house.number("SELECT 2").await, 2);
}

#[tokio::test]
async fn q13_concurrent_queries_all_succeed() {
    let house = House::new();
    record_game(&house.recorder(), "g", 10);
    let queries = (0..6).map(|n| {
        let client = house.client.clone();
        tokio::spawn(async move {
            let query = Query::new("SELECT count(*) + $1 FROM game_tick").bind(vec![n.into()]);
            client.query(query, CancellationToken::new()).await.unwrap().rows[0][0].as_i64().unwrap()
        })
    });
    for (n, query) in queries.collect::<Vec<_>>().into_iter().enumerate() {
        assert_eq!(query.await.unwrap(), 10 + n as i64);
    }
    assert!(house.client.idle_workers().len() <= 3);
}

#[tokio::test]
async fn a_slow_query_does_not_hold_up_others() {
    let house = House::new();
    let stop = CancellationToken::new();
    let (_, slow) = house.endless(LONG, &stop).await;
    assert_eq!(house.number("SELECT 5").await, 5);
    assert!(!slow.is_finished());
    stop.cancel();
    assert_eq!(in_time("it is cancelled", slow).await.unwrap(), Err(SqlError::Cancelled));
}

#[tokio::test]
async fn shutdown_stops_what_runs_and_ends_the_workers() {
    let house = House::new();
    let (_, running) = house.endless(LONG, &CancellationToken::new()).await;
    in_time("the workers end", house.client.shutdown()).await;
    assert_eq!(running.await.unwrap(), Err(SqlError::Cancelled));
    assert!(house.client.idle_workers().is_empty());
    assert!(house.query("SELECT 1").await.unwrap_err().to_string().contains("shutting down"));
}

/// However the parent goes, its end of the pipe closes.
#[test]
fn a_worker_does_not_outlive_its_parent() {
    let house = House::new();
    let mut worker = replayer()
        .args(["sql-worker", "--root"])
        .arg(house.root.path())
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut stdin = worker.stdin.take().unwrap();
    let mut stdout = worker.stdout.take().unwrap();
    protocol::read_frame(&mut stdout).unwrap().unwrap();
    let job = Job {
        id: 1,
        sql: ENDLESS.into(),
        params: Vec::new(),
        max_rows: 1,
        max_bytes: 1000,
        max_cell: 1000,
        timeout_ms: 600_000,
        explain: false,
        mode: Mode::Rows,
    };
    protocol::write_message(&mut stdin, &Request::Query(job)).unwrap();
    protocol::read_frame(&mut stdout).unwrap().unwrap();
    drop(stdin);
    until("it ends", || worker.try_wait().unwrap().is_some());
}

#[tokio::test]
async fn q15_a_missing_data_root_is_said() {
    let mut config = Config::new("/nonexistent/rugs");
    config.worker_exe = Some(REPLAYER.into());
    let error = SqlClient::new(config).query(Query::new("SELECT 1"), CancellationToken::new()).await.unwrap_err();
    assert!(matches!(error, SqlError::Store { .. }) && error.to_string().contains("/nonexistent/rugs"), "{error}");
}

#[tokio::test]
async fn a_refused_query_costs_nothing() {
    let house = House::new();
    let error = house.query("DROP VIEW games").await.unwrap_err();
    assert!(matches!(error, SqlError::Refused { .. }), "{error:?}");
    assert_eq!(house.client.idle_workers().len(), 1);
}
