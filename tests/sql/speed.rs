//! What the whole path costs against DuckDB alone: one million ticks in twenty parts. Not a check of every
//! build, because it needs a quiet machine: `cargo test --release --test suite speed -- --ignored --nocapture`.

use std::time::{Duration, Instant};

use replayer::sql::Query;
use replayer::store::catalog::{Catalog, Part};
use replayer::store::root::DataRoot;
use replayer::store::schema::DocType;
use tokio_util::sync::CancellationToken;

use super::House;

const PARTS: usize = 20;

fn million_ticks(root: &DataRoot) -> Vec<String> {
    let db = duckdb::Connection::open_in_memory().unwrap();
    let folder = DataRoot::partition(DocType::GameTick, "2026-11-23");
    std::fs::create_dir_all(root.path().join(&folder)).unwrap();
    let mut parts = Vec::new();
    for n in 0..PARTS {
        let path = format!("{folder}/part-{n}.parquet");
        db.execute_batch(&format!(
            "COPY (SELECT make_timestamptz(1700000000000000 + ({n} * 50000 + i) * 250000) AS ts, 'public_ws' AS source, \
             'game_tick' AS doc_type, 'session-{n}' AS session_id, 'game-' || (({n} * 50000 + i) // 300) AS game_id, \
             NULL::VARCHAR AS player_id, NULL::VARCHAR AS username, i AS seq, 'received' AS direction, NULL::VARCHAR AS raw_json, \
             0::BIGINT AS ordinal, i % 300 AS tick, exp(random()) AS price, true AS active, i % 300 = 299 AS rugged, \
             0.0::DOUBLE AS cooldown_timer, i % 50 AS trade_count, 'ACTIVE' AS phase, 'frame' AS tick_source \
             FROM range(50000) t(i)) TO '{}' (FORMAT parquet, COMPRESSION zstd)",
            root.path().join(&path).display()
        ))
        .unwrap();
        parts.push(path);
    }
    let entry = |path: &String| Part {
        path: path.clone(),
        doc_type: DocType::GameTick,
        date: "2026-11-23".into(),
        rows: 50_000,
        bytes: 1,
        ts_min: None,
        ts_max: None,
        sessions: Vec::new(),
        schema: replayer::store::schema::SCHEMA_VERSION.into(),
        lineage: Default::default(),
    };
    let mut catalog = Catalog { parts: parts.iter().map(entry).collect(), ..Catalog::default() };
    catalog.save(root).unwrap();
    parts
}

/// The fastest of several runs, in milliseconds.
fn best(mut run: impl FnMut()) -> f64 {
    run();
    (0..15)
        .map(|_| {
            let begun = Instant::now();
            run();
            begun.elapsed().as_secs_f64() * 1e3
        })
        .fold(f64::MAX, f64::min)
}

#[test]
#[ignore = "a measurement"]
fn the_whole_path_against_duckdb_alone() {
    let house = House::new();
    let parts = million_ticks(&house.root);
    let files: Vec<String> =
        parts.iter().map(|part| format!("'{}'", house.root.path().join(part).display())).collect();
    let threads = std::thread::available_parallelism().unwrap().get().min(4) as i64;
    let db = duckdb::Connection::open_in_memory_with_flags(duckdb::Config::default().threads(threads).unwrap())
        .unwrap();
    db.execute_batch(&format!(
        "SET parquet_metadata_cache = true; SET TimeZone = 'UTC'; \
         CREATE VIEW game_tick AS SELECT * FROM read_parquet([{}], hive_partitioning = false)",
        files.join(", ")
    ))
    .unwrap();
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
    let first = Instant::now();
    runtime.block_on(house.number("SELECT 1"));
    println!("a worker's first answer: {:.0} ms", first.elapsed().as_secs_f64() * 1e3);
    println!("{:>9} {:>9} {:>6}", "alone ms", "path ms", "ratio");
    for sql in [
        "SELECT 1",
        "SELECT count(*) FROM game_tick",
        "SELECT max(price), avg(price) FROM game_tick",
        "SELECT game_id, max(price) AS peak, count(*) AS n FROM game_tick GROUP BY game_id ORDER BY peak DESC LIMIT 10",
        "SELECT * FROM game_tick ORDER BY price DESC LIMIT 100",
        "SELECT * FROM game_tick LIMIT 200",
        "SELECT tick, price FROM game_tick WHERE game_id = 'game-1234' ORDER BY tick",
        "SELECT count(*) FROM game_tick WHERE ts > '2023-11-15'",
        "SELECT date_trunc('hour', ts) AS h, count(*) AS n, stddev(price) AS s FROM game_tick GROUP BY h ORDER BY h",
        "SELECT game_id, tick, price - lag(price) OVER (PARTITION BY game_id ORDER BY tick) AS d FROM game_tick QUALIFY abs(d) > 1.7 ORDER BY d DESC LIMIT 50",
        "SELECT i FROM range(1000000) t(i) ORDER BY hash(i) LIMIT 200",
    ] {
        let alone = best(|| {
            let mut statement = db.prepare(sql).unwrap();
            assert!(statement.query_arrow([]).unwrap().map(|batch| batch.num_rows()).sum::<usize>() > 0);
        });
        let path = best(|| {
            let query =
                Query { max_rows: 1000, max_bytes: 1 << 20, timeout: Duration::from_secs(60), ..Query::new(sql) };
            let result = runtime.block_on(house.client.query(query, CancellationToken::new())).unwrap();
            assert!(result.row_count > 0);
        });
        println!("{alone:9.2} {path:9.2} {:6.2}  {sql}", path / alone);
    }
    for sql in [
        "SELECT * FROM games ORDER BY first_ts DESC LIMIT 10",
        "SELECT * FROM games WHERE game_id = 'game-1234'",
        "SELECT * FROM session",
    ] {
        let path = best(|| {
            runtime.block_on(house.query(sql)).unwrap();
        });
        println!("{:9} {path:9.2} {:6}  {sql}", "", "");
    }
    let whole = Instant::now();
    let rows = runtime.block_on(async {
        let mut stream =
            house.client.stream(Query::new("SELECT * FROM game_tick"), CancellationToken::new()).await.unwrap();
        let mut rows = 0;
        while let Some(batch) = stream.next().await {
            rows += batch.unwrap().num_rows();
        }
        rows
    });
    let streamed = whole.elapsed();
    let whole = Instant::now();
    let alone: usize = db
        .prepare("SELECT * FROM game_tick")
        .unwrap()
        .stream_arrow([])
        .unwrap()
        .map(|batch| batch.num_rows())
        .sum();
    println!(
        "stream of {rows} rows: {:.0} ms; alone ({alone}): {:.0} ms",
        streamed.as_secs_f64() * 1e3,
        whole.elapsed().as_secs_f64() * 1e3
    );
}
