//! What answers about games cost as the store grows: the same calls on two roots, the second ten times as large.

use std::time::Instant;

use replayer::protocol::fairness::{self, GameVersion};
use replayer::protocol::line::LineFormat;
use replayer::store::Store;
use replayer::store::import::{FileCounts, ImportBatch, ImportedFile};
use replayer::store::record::{Direction, Record, Source};
use replayer::store::root::DataRoot;
use serde_json::{Value, json};

use crate::serving::Client;
use crate::summary;

/// Ticks of the small root, and how many times as many the large one has.
const TICKS: usize = 300_000;
const TIMES: usize = 10;

/// Lines that are put in force together: about eight days.
const LINES: u64 = 2_000_000;

/// Ticks of a year, unless `REPLAYER_BENCH_TICKS` says otherwise.
const YEAR: usize = 100_000_000;

/// Calls of each kind on each root, after two that warm up.
const CALLS: usize = 15;

/// A root with at least so many ticks, four a second, each game's seed revealed after it; the id of a game in its middle, and
/// a moment in that game.
fn grown(root: &DataRoot, ticks: usize) -> (String, String) {
    let store = Store::open(root, "bench").unwrap();
    let begun = || {
        let mut batch = store.import_batch().unwrap();
        let file = ImportedFile { name: "frames".into(), format: "bench".into(), sha256: String::new(), bytes: 0 };
        batch.begin(file).unwrap();
        batch
    };
    let ended = |mut batch: ImportBatch<'_>, lines: u64| {
        batch.end(FileCounts { lines, rows: lines, extra_rows: 0, rejected: 0 }).unwrap();
        batch.commit().unwrap();
    };
    let mut batch = begun();
    let (mut made, mut lines, mut game) = (0, 0, 0_u64);
    let mut at = 1_767_225_600_000_000_i64;
    let mut history = json!([]);
    let mut middle = (String::new(), 0);
    while made < ticks {
        let day = jiff::Timestamp::from_microsecond(at).unwrap().strftime("%Y%m%d").to_string();
        let id = format!("{day}-{game:016x}");
        let seed = fairness::hash_seed(&id);
        let prices = fairness::play(&seed, &id, GameVersion::V3).prices;
        let mut push = |payload: &Value| {
            let text = format!("42{}", json!(["gameStateUpdate", payload]));
            let record = Record::frame(at, Source::PublicWs, Direction::Received, &text);
            batch.push(&Record { format: LineFormat::Wire, ..record }).unwrap();
            at += 250_000;
            lines += 1;
        };
        push(
            &json!({"gameId": id, "active": false, "rugged": false, "cooldownTimer": 5000, "allowPreRoundBuys": true,
            "gameHistory": history}),
        );
        for (tick, price) in prices.iter().enumerate() {
            push(
                &json!({"gameId": id, "active": true, "rugged": tick + 1 == prices.len(), "tickCount": tick, "price": price,
                "cooldownTimer": 0, "allowPreRoundBuys": false, "tradeCount": tick / 3}),
            );
        }
        if made <= ticks / 2 {
            middle = (id.clone(), at - 2_000_000);
        }
        let peak = prices[..prices.len() - 1].iter().copied().fold(1.0, f64::max);
        history = json!([{"id": id, "timestamp": at / 1000, "peakMultiplier": peak, "gameVersion": "v3", "prices": prices,
            "provablyFair": {"serverSeed": seed, "serverSeedHash": fairness::hash_seed(&seed)}}]);
        made += prices.len();
        game += 1;
        if lines >= LINES {
            ended(std::mem::replace(&mut batch, begun()), std::mem::take(&mut lines));
        }
    }
    ended(batch, lines);
    println!("{made} ticks of {game} games");
    (middle.0, jiff::Timestamp::from_microsecond(middle.1).unwrap().to_string())
}

/// The calls, by what they are called in the table.
fn calls(game: &str, moment: &str) -> Vec<(&'static str, &'static str, Value)> {
    let sql = |sql: &str| json!({"sql": sql, "max_rows": 20});
    vec![
        ("get_game {}", "get_game", json!({})),
        ("get_game by peak", "get_game", json!({"order": "peak"})),
        ("get_game {game_id}", "get_game", json!({"game_id": game})),
        ("SQL newest games", "query_sql", sql("SELECT * FROM games ORDER BY last_ts DESC LIMIT 20")),
        ("SQL games by peak", "query_sql", sql("SELECT game_id, peak FROM games ORDER BY peak DESC LIMIT 20")),
        ("SQL one game", "query_sql", sql(&format!("SELECT * FROM games WHERE game_id = '{game}'"))),
        ("show_chart", "show_chart", json!({"game_id": game})),
        ("app_chart_points", "app_chart_points", json!({"game_id": game})),
        ("check_fairness {game_id}", "check_fairness", json!({"game_id": game})),
        ("live_state {at}", "live_state", json!({"at": moment})),
        ("get_events {game_id}", "get_events", json!({"game_id": game, "limit": 3})),
    ]
}

/// Medians on both roots, in turns, and how they grow.
pub fn growing() {
    let folder = tempfile::tempdir().unwrap();
    let open = |name: &str, ticks: usize| {
        let root = DataRoot::create(folder.path().join(name)).unwrap();
        let (game, moment) = grown(&root, ticks);
        let started = Instant::now();
        let mut client = Client::start(root.path());
        client.initialize();
        client.call("get_game", json!({"limit": 1}));
        println!("first answer about games {:.0} ms after the start", started.elapsed().as_secs_f64() * 1e3);
        (client, calls(&game, &moment))
    };
    let (mut small, of_small) = open("small", TICKS);
    let (mut large, of_large) = open("large", TICKS * TIMES);
    println!("{:<26} {:>9} {:>9} {:>7}", "call", "small", "large", "growth");
    for ((name, tool, few), (_, _, many)) in of_small.into_iter().zip(of_large) {
        let mut times = (Vec::new(), Vec::new());
        for call in 0..CALLS + 2 {
            for (client, arguments, times) in [(&mut small, &few, &mut times.0), (&mut large, &many, &mut times.1)]
            {
                let started = Instant::now();
                client.call(tool, arguments.clone());
                if call >= 2 {
                    times.push(started.elapsed().as_secs_f64() * 1e3);
                }
            }
        }
        let (small, large) = (summary(times.0).0, summary(times.1).0);
        println!("{name:<26} {small:>6.1} ms {large:>6.1} ms {:>5.2} ×", large / small);
    }
    println!("server: {:.0} and {:.0} MiB", small.resident(), large.resident());
}

/// Every call on a store of a year; `REPLAYER_BENCH_ROOT` names a folder for it that is kept, and used again.
pub fn year() {
    let ticks = std::env::var("REPLAYER_BENCH_TICKS").map_or(YEAR, |ticks| ticks.parse().unwrap());
    let folder = tempfile::tempdir().unwrap();
    let kept = std::env::var_os("REPLAYER_BENCH_ROOT").map(std::path::PathBuf::from);
    let path = kept.unwrap_or_else(|| folder.path().join("root"));
    let place = path.join("bench-game");
    let root = DataRoot::create(path).unwrap();
    let (game, moment) = match std::fs::read_to_string(&place).ok().and_then(|text| {
        let (game, moment) = text.split_once(' ')?;
        Some((game.to_owned(), moment.to_owned()))
    }) {
        Some(known) => known,
        None => {
            let started = Instant::now();
            let (game, moment) = grown(&root, ticks);
            println!("made in {:.0} s", started.elapsed().as_secs_f64());
            std::fs::write(&place, format!("{game} {moment}")).unwrap();
            (game, moment)
        }
    };
    let started = Instant::now();
    let mut client = Client::start(root.path());
    client.initialize();
    client.call("get_game", json!({"limit": 1}));
    println!("first answer about games {:.0} ms after the start", started.elapsed().as_secs_f64() * 1e3);
    let sql = |sql: &str| json!({"sql": sql, "max_rows": 20});
    let mut all = calls(&game, &moment);
    all.extend([
        ("live_state {}", "live_state", json!({})),
        ("get_events {}", "get_events", json!({"limit": 20})),
        ("SQL count of ticks", "query_sql", sql("SELECT count(*) FROM game_tick")),
        (
            "SQL ticks of a game",
            "query_sql",
            sql(&format!("SELECT tick, price FROM game_tick WHERE game_id = '{game}'")),
        ),
        ("replay open", "replay", json!({"action": "open", "game_id": game})),
        ("check_fairness newest", "check_fairness", json!({"limit": 20})),
    ]);
    println!("{:<26} {:>9} {:>9}", "call", "first", "warm");
    for (name, tool, arguments) in all {
        let mut times: Vec<f64> = Vec::new();
        for _ in 0..CALLS {
            let started = Instant::now();
            client.call(tool, arguments.clone());
            times.push(started.elapsed().as_secs_f64() * 1e3);
        }
        let first = times.remove(0);
        println!("{name:<26} {first:>6.1} ms {:>6.1} ms", summary(times).0);
    }
    println!("server: {:.0} MiB; its children: {:.0?} MiB", client.resident(), client.resident_of_children());
}
