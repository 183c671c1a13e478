//! The server as a client meets it: the real binary, spoken to over MCP on its pipes.

use std::io::{BufRead, BufReader, Write};
use std::path::Path;
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};
use std::sync::Arc;
use std::time::Instant;

use replayer::protocol::line::LineFormat;
use replayer::store::Store;
use replayer::store::catalog::Catalog;
use replayer::store::import::{FileCounts, ImportedFile};
use replayer::store::proof::StoredProof;
use replayer::store::record::{Direction, Record, Source};
use replayer::store::recorder::{Recorder, RecorderOptions};
use replayer::store::root::DataRoot;
use replayer::store::schema::DocType;
use serde_json::{Value, json};

use crate::summary;

/// A client that measures: it waits for one line after each it writes.
pub struct Client {
    child: Child,
    input: ChildStdin,
    output: BufReader<ChildStdout>,
    id: u64,
}

impl Client {
    pub fn start(root: &Path) -> Client {
        let mut child = Command::new(env!("CARGO_BIN_EXE_replayer"))
            .args(["serve", "--data"])
            .arg(root)
            .env("RUST_LOG", "off")
            .env("REPLAYER_CAPTURE", "off")
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let input = child.stdin.take().unwrap();
        let output = BufReader::new(child.stdout.take().unwrap());
        Client { child, input, output, id: 0 }
    }

    fn request(&mut self, method: &str, params: Value) -> Value {
        self.id += 1;
        writeln!(self.input, "{}", json!({"jsonrpc": "2.0", "id": self.id, "method": method, "params": params}))
            .unwrap();
        let mut line = String::new();
        self.output.read_line(&mut line).unwrap();
        serde_json::from_str(&line).unwrap()
    }

    pub fn initialize(&mut self) {
        let client = json!({"name": "bench", "version": "1"});
        let answer = self.request(
            "initialize",
            json!({"protocolVersion": "2025-11-25", "capabilities": {}, "clientInfo": client}),
        );
        assert!(answer.get("result").is_some(), "{answer}");
        writeln!(self.input, "{}", json!({"jsonrpc": "2.0", "method": "notifications/initialized"})).unwrap();
    }

    fn query(&mut self, sql: &str) -> Value {
        let arguments = json!({"sql": sql, "max_rows": 1000, "max_bytes": 1_000_000});
        let answer = self.request("tools/call", json!({"name": "query_sql", "arguments": arguments}));
        assert_eq!(answer["result"]["isError"], json!(false), "{answer}");
        answer
    }

    /// The mode in which a question was answered.
    pub fn search(&mut self, question: &str) -> String {
        self.call("search", json!({"query": question}))["mode"].as_str().unwrap_or_default().to_owned()
    }

    /// What a tool answers.
    pub fn call(&mut self, tool: &str, arguments: Value) -> Value {
        let answer = self.request("tools/call", json!({"name": tool, "arguments": arguments}));
        assert_eq!(answer["result"]["isError"], json!(false), "{answer}");
        answer["result"]["structuredContent"].clone()
    }

    /// Resident memory of the server, MiB.
    pub fn resident(&self) -> f64 {
        resident_of(self.child.id())
    }

    /// Resident memory of each of its child processes, MiB: the workers for SQL, the companion.
    pub fn resident_of_children(&self) -> Vec<f64> {
        let own = self.child.id();
        let children = std::fs::read_to_string(format!("/proc/{own}/task/{own}/children")).unwrap_or_default();
        let mut all: Vec<u32> = children.split_whitespace().map(|pid| pid.parse().unwrap()).collect();
        // Children that other threads started.
        for task in std::fs::read_dir(format!("/proc/{own}/task")).unwrap().flatten() {
            let text = std::fs::read_to_string(task.path().join("children")).unwrap_or_default();
            all.extend(text.split_whitespace().map(|pid| pid.parse::<u32>().unwrap()));
        }
        all.sort_unstable();
        all.dedup();
        all.into_iter().map(resident_of).collect()
    }
}

/// Resident memory of a process, MiB.
pub fn resident_of(pid: u32) -> f64 {
    let status = std::fs::read_to_string(format!("/proc/{pid}/status")).unwrap();
    let line = status.lines().find(|line| line.starts_with("VmRSS")).unwrap();
    line.split_whitespace().nth(1).unwrap().parse::<f64>().unwrap() / 1024.0
}

impl Drop for Client {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Time from process start to the answer of `initialize`, and memory before the first query.
pub fn first_answer() {
    let folder = tempfile::tempdir().unwrap();
    let root = DataRoot::create(folder.path().join("root")).unwrap();
    let (mut times, mut memory) = (Vec::new(), Vec::new());
    for _ in 0..20 {
        let started = Instant::now();
        let mut client = Client::start(root.path());
        client.initialize();
        times.push(started.elapsed().as_secs_f64() * 1e3);
        client.request("tools/list", json!({}));
        memory.push(client.resident());
    }
    let (median, fastest, slowest) = summary(times);
    println!("initialize answered {median:.0} ms after process start ({fastest:.0} … {slowest:.0}), 20 starts");
    let (median, least, most) = summary(memory);
    println!("resident before the first query: {median:.0} MiB ({least:.0} … {most:.0})");
}

const TICKS: u64 = 3_000_000;
/// Ticks of a game.
const GAME: u64 = 300;
/// Of every so manieth game the first two ticks were lost, and filled from its seed.
const LOSSY: u64 = 50;
/// A tick every 250 ms.
const TICK_US: i64 = 250_000;
const START_US: i64 = 1_700_000_000_000_000;

/// The id of the game of a tick, with the UTC day in it as the site has it; ids of one day are in no order.
fn game_id(game: u64) -> String {
    let day = replayer::store::parts::date_of(START_US + (game * GAME) as i64 * TICK_US).replace('-', "");
    format!("{day}-{:016x}", game.wrapping_mul(0x9e37_79b9_7f4a_7c15))
}

/// Ticks of games, brought in as recordings are: `wanted` says which, `text` how they are written.
fn import_ticks(
    root: &DataRoot,
    format: LineFormat,
    wanted: impl Iterator<Item = u64>,
    text: impl Fn(u64, f64) -> String,
) {
    let store = Store::open(root, "bench").unwrap();
    let mut batch = store.import_batch().unwrap();
    batch
        .begin(ImportedFile { name: "ticks".into(), format: "bench".into(), sha256: String::new(), bytes: 0 })
        .unwrap();
    let mut price = 1.0_f64;
    for n in wanted {
        price = if n % GAME < 2 {
            1.0
        } else {
            price * (1.0 + 0.05 * ((n * 2_654_435_761 % 1000) as f64 / 1000.0 - 0.49))
        };
        let ts = START_US + n as i64 * TICK_US;
        let text = text(n, price);
        let record = Record { format, ..Record::frame(ts, Source::Import, Direction::Received, &text) };
        batch.push(&record).unwrap();
    }
    batch.end(FileCounts::default()).unwrap();
    batch.commit().unwrap();
}

/// A line of an older recording.
fn line(n: u64, price: f64) -> String {
    let (game, tick) = (game_id(n / GAME), n % GAME);
    format!(
        r#"{{"type":"tick","game_id":"{game}","tick":{tick},"price":{price:?},"active":true,"rugged":{},"cooldown_timer":0,"trade_count":{}}}"#,
        tick == GAME - 1,
        1 + n % 50
    )
}

/// A frame of the site.
fn wire(n: u64, price: f64) -> String {
    let (game, tick) = (game_id(n / GAME), n % GAME);
    format!(
        r#"42["gameStateUpdate",{{"gameId":"{game}","active":true,"rugged":{},"price":{price:?},"tickCount":{tick},"cooldownTimer":0,"tradeCount":{}}}]"#,
        tick == GAME - 1,
        1 + n % 50
    )
}

/// Whether the tick was lost, and is filled from the seed.
fn is_lost(n: u64) -> bool {
    (n / GAME).is_multiple_of(LOSSY) && n % GAME < 2
}

/// Fills the ticks that were lost.
fn fill(root: &DataRoot) {
    let store = Arc::new(Store::open(root, "bench").unwrap());
    let recorder = Recorder::start(store, RecorderOptions::new("bench")).unwrap();
    for game in (0..TICKS / GAME).filter(|game| game.is_multiple_of(LOSSY)) {
        let proof = StoredProof {
            game_id: game_id(game),
            server_seed: format!("{game:064x}"),
            version: "v3".into(),
            rug_tick: GAME as u32 - 1,
            filled: vec![(0, 1)],
            ..StoredProof::default()
        };
        let details = serde_json::to_string(&proof).unwrap();
        let ts = replayer::store::record::now_us();
        recorder.append(&Record::system(ts, Source::Ui, proof.event_type(), &details)).unwrap();
    }
    recorder.close().unwrap();
}

const QUERIES: [&str; 8] = [
    "SELECT count(*) FROM game_tick",
    "SELECT max(price), avg(price) FROM game_tick",
    "SELECT game_id, max(price) AS peak, count(*) AS n FROM game_tick GROUP BY game_id ORDER BY peak DESC, game_id LIMIT 10",
    "SELECT game_id, tick, price FROM game_tick ORDER BY price DESC LIMIT 100",
    "SELECT tick, price FROM game_tick WHERE game_id = '$GAME' ORDER BY tick",
    "SELECT phase, rugged, count(*), avg(price), stddev(price) FROM game_tick GROUP BY ALL ORDER BY ALL",
    "SELECT date_trunc('hour', ts) AS h, count(*) AS n, stddev(price) AS s FROM game_tick GROUP BY h ORDER BY h",
    "SELECT game_id, tick, price - lag(price) OVER (PARTITION BY game_id ORDER BY tick) AS d FROM game_tick QUALIFY abs(d) > 0.5 ORDER BY d DESC LIMIT 50",
];

/// The same queries through MCP (client, server, worker process) and in-process, on the same parts: with ticks filled from
/// seeds among them; and once more when some of those were recorded after all.
pub fn sql_through_mcp() {
    let folder = tempfile::tempdir().unwrap();
    let root = DataRoot::create(folder.path().join("root")).unwrap();
    import_ticks(&root, LineFormat::Recording, (0..TICKS).filter(|n| !is_lost(*n)), line);
    fill(&root);
    compare(&root, "with filled ticks", &QUERIES);
    import_ticks(
        &root,
        LineFormat::Recording,
        (0..TICKS).filter(|n| is_lost(*n) && (n / GAME).is_multiple_of(3)),
        line,
    );
    compare(&root, "some of which were recorded after all", &QUERIES[..3]);
}

fn compare(root: &DataRoot, what: &str, queries: &[&str]) {
    let files: Vec<String> = Catalog::load(root)
        .unwrap()
        .parts
        .iter()
        .filter(|part| part.doc_type == DocType::GameTick)
        .map(|part| format!("'{}'", root.path().join(&part.path).display()))
        .collect();
    let threads = std::thread::available_parallelism().unwrap().get().min(4) as i64;
    let flags = duckdb::Config::default().threads(threads).unwrap();
    let alone = duckdb::Connection::open_in_memory_with_flags(flags).unwrap();
    alone
        .execute_batch(&format!(
            "SET parquet_metadata_cache = true; SET TimeZone = 'UTC'; \
             CREATE VIEW game_tick AS SELECT * FROM read_parquet([{}], hive_partitioning = false)",
            files.join(", ")
        ))
        .unwrap();
    let mut client = Client::start(root.path());
    client.initialize();
    println!("{TICKS} ticks in {} parts, {what}; medians of 21 runs, alternating", files.len());
    println!("{:>9} {:>9} {:>6}", "alone ms", "MCP ms", "ratio");
    let mut ratios = Vec::new();
    for sql in queries {
        let sql = sql.replace("$GAME", &game_id(4_000));
        let (mut in_process, mut through) = (Vec::new(), Vec::new());
        for run in 0..22 {
            let begun = Instant::now();
            let mut statement = alone.prepare(&sql).unwrap();
            let rows: usize = statement.query_arrow([]).unwrap().map(|batch| batch.num_rows()).sum();
            let first = begun.elapsed().as_secs_f64() * 1e3;
            let begun = Instant::now();
            let answer = client.query(&sql);
            let second = begun.elapsed().as_secs_f64() * 1e3;
            assert_eq!(answer["result"]["structuredContent"]["row_count"], json!(rows), "{sql}");
            // The first run of each warms caches.
            if run > 0 {
                in_process.push(first);
                through.push(second);
            }
        }
        let (alone_ms, through_ms) = (summary(in_process).0, summary(through).0);
        ratios.push(through_ms / alone_ms);
        println!("{alone_ms:9.2} {through_ms:9.2} {:6.2}  {sql}", through_ms / alone_ms);
    }
    let (median, least, most) = summary(ratios);
    println!("median ratio {median:.2} ({least:.2} … {most:.2})");
}

/// Calls about one game and one moment, on a store and on one ten times as large: they are not to grow with it.
pub fn growth() {
    let folder = tempfile::tempdir().unwrap();
    let mut clients: Vec<(u64, Client)> = Vec::new();
    for ticks in [TICKS / 10, TICKS] {
        let root = DataRoot::create(folder.path().join(ticks.to_string())).unwrap();
        import_ticks(&root, LineFormat::Wire, 0..ticks, wire);
        let mut client = Client::start(root.path());
        client.initialize();
        clients.push((ticks, client));
    }
    println!("frames {} and {}, medians of 15 calls, alternating", clients[0].0, clients[1].0);
    println!("{:>9} {:>9} {:>6}", "small ms", "large ms", "growth");
    type Call = (&'static str, fn(u64) -> Value);
    let calls: [Call; 8] = [
        ("query_sql", |_| json!({"sql": "SELECT count(*) FROM game_tick"})),
        (
            "query_sql",
            |ticks| json!({"sql": format!("SELECT tick, price FROM game_tick WHERE game_id = '{}' ORDER BY tick", game_id(ticks / GAME / 2)), "max_rows": 1000, "max_bytes": 1_000_000}),
        ),
        ("query_sql", |_| json!({"sql": "SELECT ts, price FROM game_tick ORDER BY ts DESC LIMIT 5"})),
        ("get_events", |ticks| json!({"game_id": game_id(ticks / GAME / 2), "limit": 3})),
        ("get_events", |_| json!({"limit": 3})),
        ("live_state", |ticks| {
            let at = jiff::Timestamp::from_microsecond(START_US + (ticks / 2) as i64 * TICK_US).unwrap();
            json!({"at": at.to_string()})
        }),
        ("check_fairness", |ticks| json!({"game_id": game_id(ticks / GAME / 2)})),
        ("get_game", |ticks| json!({"game_id": game_id(ticks / GAME / 2)})),
    ];
    for (tool, arguments) in calls {
        let mut times = [Vec::new(), Vec::new()];
        for run in 0..16 {
            for ((ticks, client), times) in clients.iter_mut().zip(&mut times) {
                let begun = Instant::now();
                client.call(tool, arguments(*ticks));
                // The first run of each warms caches.
                if run > 0 {
                    times.push(begun.elapsed().as_secs_f64() * 1e3);
                }
            }
        }
        let [small, large] = times.map(|times| summary(times).0);
        println!("{small:9.2} {large:9.2} {:6.2}  {tool} {}", large / small, arguments(TICKS));
    }
}
