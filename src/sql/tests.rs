//! Gate, engine and views together, in this process and over a store made up for the test.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

use std::cell::RefCell;
use std::path::Path;
use std::rc::Rc;
use std::sync::Arc;

use arrow::array::{ArrayRef, AsArray};
use arrow::datatypes::{DataType, Field, Schema, TimestampMicrosecondType};
use arrow::json::ReaderBuilder;
use arrow::record_batch::RecordBatch;
use serde_json::{Value, json};

use super::engine::{Engine, Feed, OpenFeed, Options, Shape};
use super::error::SqlError;
use super::gate::{self, Checked, Gate};
use super::protocol::{Job, Limit, Mode, QueryResult};
use super::{views, worker};
use replayer_store::StoreError;
use replayer_store::catalog::{Catalog, Ids, Part, Ticks};
use replayer_store::follow::Change;
use replayer_store::schema::{DocType, arrow_schema};

/// A store under the test's control: what the next polls give, in order.
#[derive(Clone, Default)]
struct Script(Rc<RefCell<Vec<Change>>>);

impl Feed for Script {
    fn poll(&mut self) -> Result<Change, StoreError> {
        let mut steps = self.0.borrow_mut();
        Ok(if steps.is_empty() { Change::default() } else { steps.remove(0) })
    }
}

struct Bench {
    folder: tempfile::TempDir,
    script: Script,
    gate: Gate,
    engine: Engine,
}

fn bench(steps: Vec<Change>) -> Bench {
    let folder = tempfile::tempdir().unwrap();
    std::fs::create_dir(folder.path().join("events_parquet")).unwrap();
    open(folder, |_| steps)
}

fn options(root: std::path::PathBuf) -> Options {
    Options { parts: root.join("events_parquet"), root, memory_mib: 512, threads: 2, time_zones: None }
}

/// Opens an engine over a folder; `steps` may write parts into it first.
fn open(folder: tempfile::TempDir, steps: impl FnOnce(&Path) -> Vec<Change>) -> Bench {
    let root = folder.path().canonicalize().unwrap();
    let script = Script(Rc::new(RefCell::new(steps(&root))));
    let feed = script.clone();
    let open_feed: OpenFeed = Box::new(move || Ok(Box::new(feed.clone())));
    let engine = Engine::open(options(root), open_feed).unwrap();
    Bench { folder, script, gate: Gate::open(views::NAMES).unwrap(), engine }
}

impl Bench {
    fn job(sql: &str) -> Job {
        Job {
            id: 1,
            sql: sql.into(),
            params: Vec::new(),
            max_rows: 1000,
            max_bytes: 1 << 20,
            max_cell: 2000,
            timeout_ms: 10_000,
            explain: false,
            mode: Mode::Rows,
        }
    }

    fn try_run(&self, job: &Job) -> Result<QueryResult, SqlError> {
        let checked = self.gate.check(&job.sql)?;
        worker::run_rows(&self.engine, job, &checked).map_err(|error| match error {
            super::engine::RunError::Sql(error) => error,
            other => SqlError::internal(format!("{other:?}")),
        })
    }

    fn run(&self, sql: &str) -> QueryResult {
        self.try_run(&Self::job(sql)).unwrap_or_else(|error| panic!("{sql}\n{error}"))
    }

    fn rows(&self, sql: &str) -> Value {
        json!(self.run(sql).rows)
    }

    fn with(&self, sql: &str, params: Vec<Value>) -> Value {
        let job = Job { params, ..Self::job(sql) };
        json!(self.try_run(&job).unwrap_or_else(|error| panic!("{sql}\n{error}")).rows)
    }

    fn next(&mut self, change: Change) {
        self.script.0.borrow_mut().push(change);
        self.engine.refresh().unwrap();
    }
}

/// Rows as the store hands them out. Arrow's JSON reader does not know the zone's name, so it is put on after.
fn batch(doc: DocType, rows: &[Value]) -> (DocType, RecordBatch) {
    let schema = arrow_schema(doc);
    let naive = |field: &Arc<Field>| match field.data_type() {
        DataType::Timestamp(unit, _) => Field::new(field.name(), DataType::Timestamp(*unit, None), true),
        _ => field.as_ref().clone(),
    };
    let plain = Schema::new(schema.fields().iter().map(naive).collect::<Vec<_>>());
    let lines: String = rows.iter().map(|row| format!("{row}\n")).collect();
    let mut reader = ReaderBuilder::new(Arc::new(plain)).build(lines.as_bytes()).unwrap();
    let columns = reader
        .next()
        .unwrap()
        .unwrap()
        .columns()
        .iter()
        .map(|column| match column.data_type() {
            DataType::Timestamp(_, _) => {
                Arc::new(column.as_primitive::<TimestampMicrosecondType>().clone().with_timezone("UTC"))
                    as ArrayRef
            }
            _ => Arc::clone(column),
        })
        .collect();
    (doc, RecordBatch::try_new(schema, columns).unwrap())
}

fn tick(session: &str, seq: u64, game: &str, tick: i64, price: f64, rugged: bool) -> Value {
    let micros = 1_700_000_000_000_000_i64 + i64::try_from(seq).unwrap() * 250_000;
    let ts = jiff::Timestamp::from_microsecond(micros).unwrap().to_string();
    json!({"ts": ts, "source": "public_ws", "doc_type": "game_tick", "session_id": session, "game_id": game,
        "seq": seq, "direction": "received", "ordinal": 0, "tick": tick, "price": price, "active": !rugged, "rugged": rugged,
        "phase": if rugged { "RUGGED" } else { "ACTIVE" }})
}

fn action(seq: u64, game: &str, user: &str, kind: &str) -> Value {
    json!({"ts": "2023-11-14T22:13:21Z", "source": "cdp", "doc_type": "player_action", "session_id": "s1",
        "game_id": game, "player_id": user.to_lowercase(), "username": user, "seq": seq, "ordinal": 0, "action_type": kind})
}

fn frame(seq: u64, name: &str, text: &str) -> Value {
    json!({"ts": "2023-11-14T22:13:21Z", "source": "cdp", "doc_type": "ws_event", "session_id": "s1", "seq": seq,
        "ordinal": 0, "event_name": name, "packet": "event", "format": "wire", "frame": "ok", "raw_json": text})
}

/// The fixture of behaviours F4: three games, Alice and Bob.
fn episodes() -> Change {
    let mut ticks = Vec::new();
    let mut seq = 0;
    for (game, count) in [("game-001", 10), ("game-002", 5), ("game-003", 3)] {
        for n in 0..count {
            seq += 1;
            ticks.push(tick("s1", seq, game, n, 1.0 + 0.1 * n as f64, n == count - 1));
        }
    }
    let actions = [
        action(101, "game-001", "Alice", "BUY"),
        action(102, "game-001", "Alice", "SELL"),
        action(103, "game-002", "Bob", "BUY"),
        action(104, "game-003", "Alice", "BUY"),
    ];
    Change {
        rows: vec![batch(DocType::GameTick, &ticks), batch(DocType::PlayerAction, &actions)],
        ..Change::default()
    }
}

/// Writes a part with all columns of its kind; those that `select` lacks are NULL.
fn write_part(root: &Path, doc: DocType, name: &str, select: &str) -> Part {
    let columns: Vec<String> = arrow_schema(doc)
        .fields()
        .iter()
        .map(|field| format!("NULL::{} AS \"{}\"", super::engine::column_type(field.data_type()), field.name()))
        .collect();
    let all = columns.join(", ");
    write_bare_part(root, doc, name, &format!("(SELECT {all} WHERE false) UNION ALL BY NAME ({select})"))
}

/// Writes a part with DuckDB itself, with the columns of `select` only.
fn write_bare_part(root: &Path, doc: DocType, name: &str, select: &str) -> Part {
    let folder = replayer_store::root::DataRoot::partition(doc, "2023-11-14");
    std::fs::create_dir_all(root.join(&folder)).unwrap();
    let path = format!("{folder}/{name}.parquet");
    let db = duckdb::Connection::open_in_memory().unwrap();
    db.execute_batch(&format!("COPY ({select}) TO '{}' (FORMAT parquet)", root.join(&path).display())).unwrap();
    part(path, doc)
}

fn part(path: String, doc_type: DocType) -> Part {
    Part {
        path,
        doc_type,
        date: "2023-11-14".into(),
        rows: 0,
        bytes: 0,
        ts_min: None,
        ts_max: None,
        sessions: Vec::new(),
        schema: replayer_store::schema::SCHEMA_VERSION.into(),
        written: None,
        layout: 0,
        ticks: None,
        ids: None,
        lineage: Default::default(),
    }
}

fn catalog(parts: Vec<Part>) -> Option<Arc<Catalog>> {
    Some(Arc::new(Catalog { parts, ..Catalog::default() }))
}

const TICKS: &str = "SELECT make_timestamptz(1700000000000000 + i * 250000) AS ts, 'public_ws' AS source, \
    'game_tick' AS doc_type, 's9' AS session_id, 'part-game' AS game_id, i AS seq, 'received' AS direction, 0::BIGINT AS ordinal, \
    i AS tick, 1.0 + i / 10 AS price, true AS active, i = 99 AS rugged, 'ACTIVE' AS phase";

#[test]
fn q11_an_empty_store_answers() {
    let bench = bench(Vec::new());
    assert_eq!(bench.rows("SELECT count(*) FROM game_tick"), json!([[0]]));
    assert_eq!(bench.rows("SELECT * FROM games"), json!([]));
    for view in views::catalogue() {
        bench.run(view.example);
        bench.run(&format!("SELECT * FROM {} LIMIT 5", view.name));
    }
}

#[test]
fn q1_to_q9_the_queries_of_the_older_layer() {
    let bench = bench(vec![episodes()]);
    let total = "SELECT (SELECT count(*) FROM game_tick) + (SELECT count(*) FROM player_action), (SELECT count(*) FROM game_tick)";
    assert_eq!(bench.rows(total), json!([[22, 18]]));
    let episode = "FROM (SELECT seq FROM game_tick WHERE game_id = $1 UNION ALL SELECT seq FROM player_action WHERE game_id = $1) ORDER BY seq";
    let rows = bench.with(episode, vec![json!("game-001")]);
    let seqs: Vec<i64> = rows.as_array().unwrap().iter().map(|row| row[0].as_i64().unwrap()).collect();
    assert!(seqs.len() == 12 && seqs.is_sorted(), "{seqs:?}");
    assert_eq!(bench.with(episode, vec![json!("unknown")]), json!([]));
    assert_eq!(bench.rows("SELECT count(*) FROM games"), json!([[3]]));
    assert_eq!(
        bench.rows("SELECT game_id FROM games WHERE ticks_recorded >= 5 ORDER BY 1"),
        json!([["game-001"], ["game-002"]])
    );
    assert_eq!(bench.rows("SELECT DISTINCT username FROM player_action ORDER BY 1"), json!([["Alice"], ["Bob"]]));
    assert_eq!(bench.rows("SELECT count(*) FROM player_action WHERE username = 'Alice'"), json!([[3]]));
    let features = bench.rows(
        "SELECT tick, price - lag(price) OVER (ORDER BY tick) AS change, max(price) OVER (ORDER BY tick) AS top, \
         stddev_samp(price) OVER (ORDER BY tick ROWS 4 PRECEDING) AS dev FROM game_tick WHERE game_id = 'game-001' ORDER BY tick",
    );
    let features = features.as_array().unwrap();
    assert_eq!(features.len(), 10);
    assert_eq!(features[0][1], Value::Null);
    assert!((features[1][1].as_f64().unwrap() - 0.1).abs() < 0.001);
    assert!(features.iter().map(|row| row[2].as_f64().unwrap()).is_sorted());
}

#[test]
fn q12_a_parameter_comes_back() {
    let bench = bench(Vec::new());
    assert_eq!(bench.with("SELECT $1 AS p", vec![json!(42)]), json!([[42]]));
    let mixed = vec![json!("it's"), json!(null), json!(1.5), json!(true)];
    assert_eq!(bench.with("SELECT $1, $2, $3, $4", mixed), json!([["it's", null, 1.5, true]]));
    let since = bench.with("SELECT count(*) FROM game_tick WHERE ts >= $1", vec![json!("2023-01-01T00:00:00Z")]);
    assert_eq!(since, json!([[0]]));
    let error = bench.try_run(&Bench::job("SELECT $1")).unwrap_err();
    assert!(error.to_string().contains("1 parameters"), "{error}");
}

#[test]
fn canonical_text_gives_what_the_original_gives() {
    let bench = bench(vec![episodes()]);
    let whole = |sql: &str| -> Result<Vec<String>, String> {
        let query = Checked {
            sql: sql.trim_end_matches("-- that is all").trim_end().trim_end_matches(';').into(),
            views: Vec::new(),
        };
        let rows = RefCell::new(Vec::new());
        let run = bench.engine.run(
            &query,
            Shape::Whole,
            &[],
            |_| Ok(()),
            |batch| {
                let mut cells = super::cells::Cells::new(100_000);
                for row in 0..batch.num_rows() {
                    let row: Vec<Value> = batch.columns().iter().map(|column| cells.cell(column, row)).collect();
                    rows.borrow_mut().push(json!(row).to_string());
                }
                Ok(super::engine::Flow::More)
            },
        );
        run.map_err(|error| format!("{error:?}"))?;
        Ok(rows.into_inner())
    };
    for (name, sql) in gate::ALLOWED {
        let original = whole(sql).unwrap_or_else(|error| panic!("{name}: {sql}\n{error}"));
        let checked = bench.gate.check(sql).unwrap();
        assert_eq!(
            original,
            whole(&checked.sql).unwrap_or_else(|error| panic!("{name}: {}\n{error}", checked.sql)),
            "{name}"
        );
        let limited: Vec<String> = bench.run(sql).rows.iter().map(|row| json!(row).to_string()).collect();
        assert_eq!(original, limited, "{name}: wrapped in a LIMIT");
    }
}

#[test]
fn order_survives_the_limit() {
    let bench = bench(Vec::new());
    let result = bench.run("SELECT i FROM range(100000) t(i) ORDER BY hash(i), i");
    let job = Job { max_rows: 50_000, ..Bench::job("SELECT i FROM range(100000) t(i) ORDER BY hash(i), i") };
    assert_eq!(result.rows, bench.try_run(&job).unwrap().rows[..1000]);
    let sorted = bench.run("SELECT i FROM range(5000) t(i) ORDER BY i DESC");
    assert_eq!((sorted.rows[0][0].clone(), sorted.rows[999][0].clone()), (json!(4999), json!(4000)));
}

#[test]
fn limits_cut_and_say_so() {
    let bench = bench(Vec::new());
    let rows = bench.try_run(&Job { max_rows: 3, ..Bench::job("SELECT * FROM range(10)") }).unwrap();
    assert_eq!((rows.row_count, rows.truncated, rows.truncated_by), (3, true, Some(Limit::Rows)));
    let exact = bench.try_run(&Job { max_rows: 3, ..Bench::job("SELECT * FROM range(3)") }).unwrap();
    assert_eq!((exact.row_count, exact.truncated, exact.truncated_by), (3, false, None));
    let bytes = bench
        .try_run(&Job { max_bytes: 100, ..Bench::job("SELECT repeat('x', 40) AS x FROM range(10)") })
        .unwrap();
    assert_eq!((bytes.row_count, bytes.truncated_by), (2, Some(Limit::Bytes)));
    let wide = bench.try_run(&Job { max_cell: 10, ..Bench::job("SELECT repeat('x', 40) AS x") }).unwrap();
    assert_eq!(wide.cut_cells, 1);
    assert!(wide.rows[0][0].as_str().unwrap().contains("[+30 chars"));
}

#[test]
fn a_plan_can_be_had() {
    let bench = bench(vec![episodes()]);
    let plan = bench
        .try_run(&Job { explain: true, ..Bench::job("SELECT max(price) FROM game_tick WHERE tick > 3") })
        .unwrap();
    assert!(json!(plan.rows).to_string().contains("AGGREGATE"), "{:?}", plan.rows);
}

#[test]
fn columns_and_types_are_named() {
    let bench = bench(Vec::new());
    let result = bench
        .run("SELECT now() AS t, 1::BIGINT AS i, [1.5::DOUBLE] AS l, 'x' AS s, {'a': 1} AS st, 1::HUGEINT AS h");
    let types: Vec<&str> = result.columns.iter().map(|column| column.sql_type.as_str()).collect();
    assert_eq!(
        types,
        ["TIMESTAMP WITH TIME ZONE", "BIGINT", "DOUBLE[]", "VARCHAR", "STRUCT(a INTEGER)", "HUGEINT"]
    );
}

#[test]
fn the_catalogue_describes_the_views_as_they_are() {
    let bench = bench(Vec::new());
    assert_eq!(views::catalogue().iter().map(|view| view.name).collect::<Vec<_>>(), views::NAMES);
    for view in views::catalogue() {
        let described = bench.rows(&format!("SELECT column_name, column_type FROM (DESCRIBE {})", view.name));
        let documented: Vec<Value> = view
            .columns()
            .iter()
            .map(|column| json!([column.name, column.sql_type.replace("TIMESTAMPTZ", "TIMESTAMP WITH TIME ZONE")]))
            .collect();
        assert_eq!(described, json!(documented), "{}", view.name);
    }
}

/// A DuckDB compiled from source has no ICU: `date_trunc` knows no time with a zone there.
#[test]
fn without_time_zones_times_are_plain_and_can_be_computed_with() {
    let mut bench = bench(Vec::new());
    let feed = bench.script.clone();
    let open_feed: OpenFeed = Box::new(move || Ok(Box::new(feed.clone())));
    let root = bench.folder.path().canonicalize().unwrap();
    bench.engine = Engine::open(Options { time_zones: Some(false), ..options(root) }, open_feed).unwrap();
    for view in views::catalogue() {
        let typed = format!("SELECT count(*) FROM (DESCRIBE {}) WHERE column_type LIKE '%TIME ZONE%'", view.name);
        assert_eq!(bench.rows(&typed), json!([[0]]), "{}", view.name);
    }
    bench.rows("SELECT date_trunc('hour', ts) FROM game_tick WHERE ts > '2026-01-01T00:00:00Z'");
    bench.rows("SELECT first_ts FROM games WHERE first_ts < CAST('2026-01-01T00:00:00Z' AS TIMESTAMPTZ)");
}

#[test]
fn show_tables_lists_the_views_only() {
    let mut names: Vec<&str> = views::NAMES.to_vec();
    names.sort_unstable();
    let listed = bench(Vec::new()).rows("SHOW TABLES");
    assert_eq!(listed, json!(names.iter().map(|name| json!([name])).collect::<Vec<_>>()));
}

#[test]
fn an_unknown_column_is_answered_with_the_columns() {
    let bench = bench(Vec::new());
    let error = bench.try_run(&Bench::job("SELECT prise FROM game_tick")).unwrap_err().to_string();
    assert!(error.contains("Did you mean price?") && error.contains("cooldown_timer"), "{error}");
    assert!(!error.contains("LIMIT 1001"), "{error}");
    let cast = bench.try_run(&Bench::job("SELECT 'x'::INT")).unwrap_err().to_string();
    assert!(cast.contains("Could not convert"), "{cast}");
}

#[test]
fn parts_and_tail_are_one_view_and_sealing_moves_rows() {
    let folder = tempfile::tempdir().unwrap();
    let mut bench = open(folder, |root| {
        let sealed = write_part(root, DocType::GameTick, "a", &format!("{TICKS} FROM range(100) t(i)"));
        vec![Change {
            catalog: catalog(vec![sealed]),
            rows: vec![batch(
                DocType::GameTick,
                &[tick("s1", 1, "g", 0, 1.0, false), tick("s1", 2, "g", 1, 1.1, false)],
            )],
            ..Change::default()
        }]
    });
    assert_eq!(bench.rows("SELECT count(*) FROM game_tick"), json!([[102]]));
    assert_eq!(
        bench.rows("SELECT game_id, complete, ticks_recorded, rug_tick FROM games ORDER BY 1"),
        json!([["g", false, 2, null], ["part-game", true, 100, 99]])
    );
    // Two more rows; the first three are sealed into a second part.
    let root = bench.folder.path().canonicalize().unwrap();
    let old = part(
        format!("{}/a.parquet", replayer_store::root::DataRoot::partition(DocType::GameTick, "2023-11-14")),
        DocType::GameTick,
    );
    let new = write_part(
        &root,
        DocType::GameTick,
        "b",
        "SELECT NULL::TIMESTAMPTZ AS ts, 's1' AS session_id, i AS seq, 'g' AS game_id, i - 1 AS tick FROM range(1, 4) t(i)",
    );
    bench.next(Change {
        catalog: catalog(vec![old.clone(), new.clone()]),
        rows: vec![batch(
            DocType::GameTick,
            &[tick("s1", 3, "g", 2, 1.2, false), tick("s1", 4, "g", 3, 1.3, true)],
        )],
        sealed: vec![("s1".into(), 3)],
    });
    assert_eq!(
        bench.rows("SELECT seq FROM game_tick WHERE session_id = 's1' ORDER BY seq"),
        json!([[1], [2], [3], [4]])
    );
    bench.next(Change { sealed: vec![("s1".into(), u64::MAX)], ..Change::default() });
    assert_eq!(bench.rows("SELECT count(*) FROM game_tick"), json!([[103]]));
    // Sealed rows are not looked for in the tail.
    let plan = bench.try_run(&Job { explain: true, ..Bench::job("SELECT count(*) FROM game_tick") }).unwrap();
    assert!(!json!(plan.rows).to_string().contains("tail_game_tick"), "{:?}", plan.rows);
}

/// A part of ticks of one game, as the store writes it.
fn ticks_part(root: &Path, name: &str, ticks: &str, source: &str, kind: Option<Ticks>) -> Part {
    let select = format!(
        "SELECT 's' AS session_id, 1::BIGINT AS seq, i AS ordinal, 'g' AS game_id, i AS tick, 1.5::DOUBLE AS price, \
         'ACTIVE' AS phase, '{source}' AS tick_source FROM range({ticks}) t(i)"
    );
    Part { ticks: kind, ..write_part(root, DocType::GameTick, name, &select) }
}

const EACH_TICK: &str = "SELECT tick, tick_source FROM game_tick WHERE game_id = 'g' ORDER BY tick, tick_source";

#[test]
fn a_filled_tick_steps_back_where_a_part_that_came_later_has_it() {
    let folder = tempfile::tempdir().unwrap();
    let mut bench = open(folder, |root| {
        let filled = ticks_part(root, "filled", "0, 3", "seed", Some(Ticks::Filled));
        let recorded = ticks_part(root, "recorded", "3, 5", "frame", Some(Ticks::Recorded));
        vec![Change { catalog: catalog(vec![filled, recorded]), ..Change::default() }]
    });
    let all = json!([[0, "seed"], [1, "seed"], [2, "seed"], [3, "frame"], [4, "frame"]]);
    assert_eq!(bench.rows(EACH_TICK), all);
    let explained = Job { explain: true, ..Bench::job("SELECT count(*) FROM game_tick") };
    let plan = json!(bench.try_run(&explained).unwrap().rows).to_string();
    assert!(!plan.contains("JOIN") && !plan.contains("UNION"), "nothing steps back, nothing is compared: {plan}");
    let root = bench.folder.path().canonicalize().unwrap();
    let late = ticks_part(&root, "late", "1, 2", "recording", Some(Ticks::Superseding));
    let filled = ticks_part(&root, "filled", "0, 3", "seed", Some(Ticks::Filled));
    let recorded = ticks_part(&root, "recorded", "3, 5", "frame", Some(Ticks::Recorded));
    bench.next(Change { catalog: catalog(vec![filled, recorded, late]), ..Change::default() });
    let one_back = json!([[0, "seed"], [1, "recording"], [2, "seed"], [3, "frame"], [4, "frame"]]);
    assert_eq!(bench.rows(EACH_TICK), one_back);
    assert_eq!(bench.rows("SELECT count(*) FROM game_tick"), json!([[5]]));
}

#[test]
fn parts_that_do_not_say_what_ticks_they_hold_are_compared_as_before() {
    let folder = tempfile::tempdir().unwrap();
    let bench = open(folder, |root| {
        let filled = ticks_part(root, "a", "0, 3", "seed", None);
        let recorded = ticks_part(root, "b", "2, 5", "frame", None);
        vec![Change { catalog: catalog(vec![filled, recorded]), ..Change::default() }]
    });
    assert_eq!(bench.rows(EACH_TICK), json!([[0, "seed"], [1, "seed"], [2, "frame"], [3, "frame"], [4, "frame"]]));
}

#[test]
fn a_filled_tick_steps_back_before_recording_or_proof_are_sealed() {
    let recorded = |seq, number| tick("s", seq, "g", number, 1.5, false);
    let filled = |seq, number| {
        let mut row = recorded(seq, number);
        row["tick_source"] = json!("seed");
        row
    };
    let sourced = |mut row: Value| {
        row["tick_source"] = json!("frame");
        row
    };
    let folder = tempfile::tempdir().unwrap();
    let mut bench = open(folder, |root| {
        let sealed = ticks_part(root, "recorded", "3, 5", "frame", Some(Ticks::Recorded));
        let rows = vec![batch(DocType::GameTick, &[filled(9, 1), filled(10, 2), filled(11, 3)])];
        vec![Change { catalog: catalog(vec![sealed]), rows, ..Change::default() }]
    });
    assert_eq!(
        bench.rows(EACH_TICK),
        json!([[1, "seed"], [2, "seed"], [3, "frame"], [4, "frame"]]),
        "the part's name does not say that it is older than the proof"
    );
    bench.next(Change { rows: vec![batch(DocType::GameTick, &[sourced(recorded(12, 2))])], ..Change::default() });
    assert_eq!(bench.rows(EACH_TICK), json!([[1, "seed"], [2, "frame"], [3, "frame"], [4, "frame"]]));
}

/// A part of trades with these ids, as the store writes it.
fn trades_part(root: &Path, name: &str, ids: &str, kind: Option<Ids>) -> Part {
    let select = format!(
        "SELECT '{name}' AS session_id, row_number() OVER () AS seq, 0::BIGINT AS ordinal, id AS trade_id \
         FROM (SELECT unnest(['{}']) AS id)",
        ids.replace(' ', "', '")
    );
    Part { ids: kind, ..write_part(root, DocType::Trade, name, &select) }
}

fn trade(seq: u64, id: &str) -> Value {
    json!({"ts": "2023-11-14T22:13:21Z", "source": "cdp", "doc_type": "trade", "session_id": "tail", "seq": seq,
        "ordinal": 0, "game_id": "g", "trade_id": id})
}

#[test]
fn a_trade_counts_once_in_parts_in_the_tail_and_in_parts_of_older_builds() {
    let folder = tempfile::tempdir().unwrap();
    let mut bench = open(folder, |root| {
        let first = trades_part(root, "first", "a b", Some(Ids::First));
        let again = trades_part(root, "again", "a b", Some(Ids::Repeated));
        vec![Change { catalog: catalog(vec![first, again]), ..Change::default() }]
    });
    let each = "SELECT trade_id, session_id FROM trade ORDER BY trade_id, session_id";
    assert_eq!(bench.rows(each), json!([["a", "first"], ["b", "first"]]));
    let new = |rows: &[Value]| Change { rows: vec![batch(DocType::Trade, rows)], ..Change::default() };
    bench.next(new(&[trade(1, "b"), trade(2, "c")]));
    bench.next(new(&[trade(3, "c"), trade(4, "d")]));
    let with_tail = json!([["a", "first"], ["b", "first"], ["c", "tail"], ["d", "tail"]]);
    assert_eq!(bench.rows(each), with_tail);
    let root = bench.folder.path().canonicalize().unwrap();
    let parts = vec![
        trades_part(&root, "first", "a b", Some(Ids::First)),
        trades_part(&root, "again", "a b", Some(Ids::Repeated)),
        trades_part(&root, "older", "b e e", None),
    ];
    bench.next(Change { catalog: catalog(parts), ..Change::default() });
    assert_eq!(
        bench.rows(each),
        json!([["a", "first"], ["b", "first"], ["c", "tail"], ["d", "tail"], ["e", "older"]])
    );
}

#[test]
fn parts_without_a_newer_column_are_read() {
    let folder = tempfile::tempdir().unwrap();
    let bench = open(folder, |root| {
        let old = write_bare_part(
            root,
            DocType::GameTick,
            "old",
            "SELECT 's' AS session_id, 1::BIGINT AS seq, 'g' AS game_id, 5::BIGINT AS tick",
        );
        let old = Part { schema: "0.9".into(), ..old };
        vec![Change { catalog: catalog(vec![old]), ..Change::default() }]
    });
    assert_eq!(bench.rows("SELECT tick, price, tick_source FROM game_tick"), json!([[5, null, null]]));
}

#[test]
fn a_vanished_part_is_told_apart_and_the_next_catalog_heals() {
    let folder = tempfile::tempdir().unwrap();
    let mut bench = open(folder, |root| {
        let sealed = write_part(root, DocType::GameTick, "a", &format!("{TICKS} FROM range(100) t(i)"));
        vec![Change { catalog: catalog(vec![sealed]), ..Change::default() }]
    });
    let root = bench.folder.path().canonicalize().unwrap();
    let compacted = write_part(&root, DocType::GameTick, "c", &format!("{TICKS} FROM range(100) t(i)"));
    std::fs::remove_file(root.join("events_parquet/doc_type=game_tick/date=2023-11-14/a.parquet")).unwrap();
    let job = Bench::job("SELECT count(*), max(price) FROM game_tick");
    let checked = bench.gate.check(&job.sql).unwrap();
    match worker::run_rows(&bench.engine, &job, &checked) {
        Err(super::engine::RunError::Vanished(_)) => {}
        other => panic!("{other:?}"),
    }
    bench.next(Change { catalog: catalog(vec![compacted]), ..Change::default() });
    assert_eq!(bench.rows("SELECT count(*) FROM game_tick"), json!([[100]]));
}

#[test]
fn the_engine_itself_refuses_files_outside_and_settings() {
    let bench = bench(Vec::new());
    let outside = std::env::temp_dir().join("replayer-outside.csv");
    std::fs::write(&outside, "a\n1\n").unwrap();
    for sql in [
        format!("SELECT * FROM '{}'", outside.display()),
        "SELECT * FROM read_text('/etc/passwd')".into(),
        "SELECT * FROM glob('/**')".into(),
        format!("COPY (SELECT 1) TO '{}'", outside.display()),
        "SET enable_external_access = true".into(),
        "SET memory_limit = '100GB'".into(),
        "INSTALL httpfs".into(),
        "LOAD httpfs".into(),
        "SELECT * FROM 'https://example.com/x.parquet'".into(),
    ] {
        let query = Checked { sql: sql.clone(), views: Vec::new() };
        let run = bench.engine.run(&query, Shape::Whole, &[], |_| Ok(()), |_| Ok(super::engine::Flow::More));
        assert!(run.is_err(), "{sql}");
    }
    let _ = std::fs::remove_file(outside);
}

#[test]
fn payload_is_what_the_store_takes_for_it() {
    use replayer_protocol::line::{LineFormat, decode};
    let cases = [
        (
            LineFormat::Wire,
            r#"42["newChatMessage",{"__trace":true,"traceparent":"00-1-2-01"},{"playerId":"p","username":"u","message":"hi [x]"}]"#,
        ),
        (LineFormat::Wire, r#"42["gameStateUpdate",{"price":1.5,"list":[1,2]}]"#),
        (LineFormat::Wire, r#"42["alone"]"#),
        (LineFormat::Wire, r#"4229["buyOrder",{"__trace":true,"traceparent":"00-1-2-01"},{"amount":0.002}]"#),
        (LineFormat::Wire, r#"4329[{"success":true}]"#),
        (LineFormat::Wire, r#"0{"sid":"x"}"#),
        (LineFormat::Wire, "2"),
        (LineFormat::Wire, r#"42["broken"#),
        (
            LineFormat::RawCapture,
            r#"{"seq":1,"event":"x","data":[{"__trace":true,"traceparent":"00-1-2-01"},{"v":1}]}"#,
        ),
        (LineFormat::RawCapture, r#"{"seq":1,"event":"x","data":{"v":2}}"#),
        (LineFormat::RawCapture, r#"{"seq":1,"event":"x","data":[1,2]}"#),
        (LineFormat::RawCapture, r#"{"seq":1,"event":"x","data":null}"#),
        (LineFormat::CdpCapture, r#"{"seq":1,"event":"x","data":{"__trace":true,"traceparent":"00-1-2-01"}}"#),
        (LineFormat::CdpCapture, r#"{"seq":1,"event":"x","data":{"v":3}}"#),
        (
            LineFormat::Sandbox,
            r#"{"timestamp":"t","event_type":"x","data":[{"__trace":true,"traceparent":"00-1-2-01"},{"v":4}]}"#,
        ),
        (LineFormat::BrowserLog, r#"{"type":"INCOMING","packet":{"type":2,"nsp":"/","data":["x",{"v":5}]}}"#),
        (LineFormat::BrowserLog, r#"{"type":"OUTGOING","event":"x","args":[{"v":6}]}"#),
        (LineFormat::Payload, r#"{"v":7}"#),
    ];
    let rows: Vec<Value> = cases
        .iter()
        .enumerate()
        .map(|(n, (format, text))| {
            let event = decode(*format, Some("x"), text);
            let mut row = frame(n as u64, "x", text);
            row["format"] = json!(format.as_str());
            row["packet"] = json!(event.packet.map(|packet| packet.as_str()));
            row
        })
        .collect();
    let bench = bench(vec![Change { rows: vec![batch(DocType::WsEvent, &rows)], ..Change::default() }]);
    let payloads = bench.rows("SELECT payload::VARCHAR FROM ws_event ORDER BY seq");
    for ((format, text), payload) in cases.iter().zip(payloads.as_array().unwrap()) {
        let expected = decode(*format, Some("x"), text).payload.map(|payload| payload.get().to_owned());
        assert_eq!(payload[0].as_str(), expected.as_deref(), "{format:?} {text}");
    }
    let chat = bench.rows("SELECT player_id, username_untrusted, message_untrusted FROM chat_untrusted");
    assert_eq!(chat, json!([]));
}

#[test]
fn chat_is_read_and_scrubbed() {
    let text = "42[\"newChatMessage\",{\"playerId\":\"p\",\"username\":\"u\",\"message\":\"a\u{202e}b\"}]";
    let rows = [frame(1, "newChatMessage", text)];
    let bench = bench(vec![Change { rows: vec![batch(DocType::WsEvent, &rows)], ..Change::default() }]);
    let chat = bench.rows("SELECT player_id, username_untrusted, message_untrusted FROM chat_untrusted");
    assert_eq!(chat, json!([["p", "u", r"a\u{202e}b"]]));
}

#[test]
fn the_best_history_row_of_a_game_is_shown() {
    let row = |seq: u64, quality: i64, seed: Value| {
        json!({"ts": "2023-11-14T22:13:21Z", "doc_type": "game", "session_id": "s1", "game_id": "g", "seq": seq, "ordinal": 0,
            "peak": 1.1, "ticks": 2, "prices": [1.0, 1.1, 0.022_000_000_000_000_003], "quality": quality, "server_seed": seed, "proven": seed.is_string()})
    };
    let rows = [row(1, 2, json!(null)), row(2, 6, json!("abc")), row(3, 6, json!("abc"))];
    let bench = bench(vec![Change { rows: vec![batch(DocType::Game, &rows)], ..Change::default() }]);
    assert_eq!(bench.rows("SELECT seq, prices FROM game"), json!([[2, [1.0, 1.1, 0.022_000_000_000_000_003]]]));
    assert_eq!(
        bench.rows("SELECT has_seed, proven, peak, rug_tick, complete FROM games"),
        json!([[true, true, 1.1, 2, false]])
    );
}

#[test]
fn a_game_is_complete_when_no_tick_up_to_its_rug_is_missing() {
    // Ticks 0 … 5, the rug at 6; the counter runs on to 8. One tick before the game's own start is shown in its presale.
    let game = |id: &str, ticks: &[i64]| -> Vec<Value> {
        let running =
            ticks.iter().map(|number| tick("s1", 10 + u64::try_from(*number).unwrap(), id, *number, 1.0, false));
        let rugged =
            [6, 7, 8].map(|number| tick("s1", 30 + u64::try_from(number).unwrap(), id, number, 0.02, true));
        let mut presale = tick("s1", 1, id, 0, 1.0, false);
        presale["phase"] = json!("PRESALE");
        running.chain(rugged).chain([presale]).collect()
    };
    let mut rows = game("whole", &[0, 1, 2, 3, 4, 5]);
    rows.extend(game("from-one", &[1, 2, 3, 4, 5]));
    rows.extend(game("hole", &[0, 1, 2, 5]));
    rows.extend(game("late", &[4, 5]));
    rows.push(tick("s1", 50, "runs", 0, 1.0, false));
    // The first rugged packet was lost, the site's list has the true tick.
    rows.extend(
        [0, 1].map(|number| tick("s1", 60 + number, "ran-on", i64::try_from(number).unwrap(), 1.0, false)),
    );
    rows.push(tick("s1", 64, "ran-on", 4, 0.02, true));
    let listed = json!({"ts": "2023-11-14T22:13:21Z", "doc_type": "game", "session_id": "s1", "game_id": "ran-on", "seq": 70,
        "ordinal": 0, "ticks": 2, "quality": 1});
    let rows = vec![batch(DocType::GameTick, &rows), batch(DocType::Game, &[listed])];
    let bench = bench(vec![Change { rows, ..Change::default() }]);
    assert_eq!(
        bench.rows(
            "SELECT game_id, complete, ticks_recorded, ticks_missing, first_tick, rug_tick FROM games ORDER BY 1"
        ),
        json!([
            ["from-one", true, 6, 0, 1, 6],
            ["hole", false, 5, 2, 0, 6],
            ["late", false, 3, 4, 4, 6],
            ["ran-on", true, 3, 0, 0, 2],
            ["runs", false, 1, null, 0, null],
            ["whole", true, 7, 0, 0, 6],
        ])
    );
}

#[test]
fn sessions_count_their_rows() {
    let bench = bench(vec![episodes()]);
    assert_eq!(
        bench.rows(
            "SELECT session_id, source, games, game_ticks, player_actions, ws_events, last_seq FROM session"
        ),
        json!([["s1", "cdp,public_ws", 3, 18, 4, 0, 104]])
    );
}
