//! Whole results as Arrow batches.

use std::time::Duration;

use replayer::sql::{Query, SqlError};
use tokio_util::sync::CancellationToken;

use super::{ENDLESS, House};

#[tokio::test]
async fn a_stream_gives_every_row_once() {
    let house = House::new();
    let query = Query::new("SELECT i, repeat('x', 3000) AS x FROM range(20000) t(i)");
    let mut stream = house.client.stream(query, CancellationToken::new()).await.unwrap();
    assert_eq!(stream.schema().field(0).name(), "i");
    let mut rows = 0;
    while let Some(batch) = stream.next().await {
        rows += batch.unwrap().num_rows();
    }
    assert_eq!(rows, 20_000);
    assert_eq!(house.number("SELECT 1").await, 1);
}

#[tokio::test]
async fn an_empty_result_has_a_schema() {
    let house = House::new();
    let mut stream =
        house.client.stream(Query::new("SELECT * FROM games"), CancellationToken::new()).await.unwrap();
    assert!(stream.schema().field_with_name("game_id").is_ok());
    assert!(stream.next().await.is_none());
}

#[tokio::test]
async fn a_dropped_stream_frees_its_worker() {
    let house = House::new();
    let query = Query::new("SELECT i FROM range(100000000000) t(i)");
    let mut stream = house.client.stream(query, CancellationToken::new()).await.unwrap();
    stream.next().await.unwrap().unwrap();
    drop(stream);
    for n in 0..4 {
        assert_eq!(house.number(&format!("SELECT {n}")).await, n);
    }
}

#[tokio::test]
async fn errors_come_through_the_stream_or_before_it() {
    let house = House::new();
    let refused = house.client.stream(Query::new("COPY games TO 'x'"), CancellationToken::new()).await;
    assert!(matches!(refused, Err(SqlError::Refused { .. })));
    let late = Query::new("SELECT CASE WHEN i = 500000 THEN 'x'::INT ELSE 1 END AS x FROM range(1000000) t(i)");
    match house.client.stream(late, CancellationToken::new()).await {
        Err(error) => assert!(error.to_string().contains("convert"), "{error}"),
        Ok(mut stream) => {
            let mut last = None;
            while let Some(batch) = stream.next().await {
                last = Some(batch);
            }
            let error = last.unwrap().unwrap_err().to_string();
            assert!(error.contains("convert"), "{error}");
        }
    }
    let endless = Query { timeout: Duration::from_millis(300), ..Query::new(ENDLESS) };
    let timed_out = match house.client.stream(endless, CancellationToken::new()).await {
        Err(error) => error,
        Ok(mut stream) => stream.next().await.unwrap().unwrap_err(),
    };
    assert!(matches!(timed_out, SqlError::Timeout { .. }), "{timed_out:?}");
}
