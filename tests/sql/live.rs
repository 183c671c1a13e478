//! A query sees what was captured up to now, sealed or not, each row once.

use super::{House, record_game};
use crate::common::REPLAYER;

#[tokio::test]
async fn w20_rows_are_seen_before_and_after_sealing() {
    let house = House::new();
    let recorder = house.recorder();
    record_game(&recorder, "g1", 5);
    let count = "SELECT (SELECT count(*) FROM ws_event) + (SELECT count(*) FROM game_tick)";
    assert_eq!(house.number(count).await, 10);
    record_game(&recorder, "g2", 3);
    assert_eq!(house.number(count).await, 16);
    recorder.close().unwrap();
    assert_eq!(house.number(count).await, 16);
    let games = "SELECT count(*) FROM games WHERE complete";
    assert_eq!(house.number(games).await, 2);
    // A worker that starts now sees parts only.
    let fresh = replayer::sql::SqlClient::new({
        let mut config = replayer::sql::Config::new(house.root.path());
        config.worker_exe = Some(REPLAYER.into());
        config
    });
    let query = replayer::sql::Query::new(count);
    let result = fresh.query(query, tokio_util::sync::CancellationToken::new()).await.unwrap();
    assert_eq!(result.rows[0][0].as_i64(), Some(16));
}

#[tokio::test]
async fn raw_frames_and_payloads_are_there() {
    let house = House::new();
    let recorder = house.recorder();
    record_game(&recorder, "g1", 2);
    let sql = "SELECT payload->>'$.gameId' AS game, raw_json LIKE '42[%' AS wire, phase, format FROM ws_event ORDER BY seq LIMIT 1";
    let result = house.query(sql).await.unwrap();
    assert_eq!(serde_json::json!(result.rows), serde_json::json!([["g1", true, "ACTIVE", "wire"]]));
}
