//! Replay: stepping inside the engine, a step over MCP, a place anywhere in a store of ten million rows, back.

use std::hint::black_box;
use std::sync::Arc;
use std::time::{Duration, Instant};

use replayer::replay::cursor::archive::Shared;
use replayer::replay::cursor::game_span::Covers;
use replayer::replay::cursor::moves::Unit;
use replayer::replay::cursor::seek::Target;
use replayer::replay::cursor::{Budget, Cursor};
use replayer::simulator::{Config, Session, SimulatedFrame};
use replayer::state::condition::Condition;
use replayer::store::Store;
use replayer::store::catalog::Catalog;
use replayer::store::import::{FileCounts, ImportedFile};
use replayer::store::record::{Record, Source};
use replayer::store::recorder::{Recorder, RecorderOptions};
use replayer::store::root::DataRoot;
use serde_json::json;

use crate::serving::Client;
use crate::summary;

fn budget() -> Budget<'static> {
    Budget::new(10_000_000, Duration::from_secs(600))
}

/// Real-sized games of a logged-in player, recorded and sealed; their ids.
fn recorded(games: usize) -> (tempfile::TempDir, DataRoot, Vec<String>) {
    let folder = tempfile::tempdir().unwrap();
    let root = DataRoot::create(folder.path().join("root")).unwrap();
    let store = Arc::new(Store::open(&root, "bench").unwrap());
    let recorder = Recorder::start(store, RecorderOptions::new("bench")).unwrap();
    let mut session = Session::new(Config { games, logged_in: true, ..Config::default() });
    for frame in session.by_ref() {
        recorder.append(&Record::frame(frame.at_us, Source::Cdp, frame.direction, &frame.text)).unwrap();
    }
    recorder.close().unwrap();
    let ids = session.truths().iter().map(|truth| truth.game_id.clone()).collect();
    (folder, root, ids)
}

fn open(archive: &Shared, id: &str) -> Cursor {
    Cursor::open(archive, Covers::Games { ids: vec![id.to_owned()], session_id: None }).unwrap()
}

/// Ticks a second forward, with the state after every one; the same by events; back by one event.
pub fn stepping() {
    let (_folder, root, ids) = recorded(40);
    let archive = Shared::open(&root).unwrap();
    let (mut ticks, mut events, mut runs, mut backs, mut opens) =
        (Vec::new(), Vec::new(), Vec::new(), Vec::new(), Vec::new());
    for id in &ids {
        let begun = Instant::now();
        let mut cursor = open(&archive, id);
        opens.push(begun.elapsed().as_secs_f64() * 1e3);
        for (unit, rates) in [(Unit::Tick, &mut ticks), (Unit::Event, &mut events)] {
            let mut best = 0.0_f64;
            for _ in 0..5 {
                cursor.seek(&archive, &Target::Start, &budget()).unwrap();
                black_box(cursor.fold().events());
                let (begun, mut made) = (Instant::now(), 0);
                while cursor.step(&archive, 1, unit, &budget()).unwrap().steps == 1 {
                    black_box(cursor.fold().game().and_then(|game| game.price));
                    made += 1;
                }
                best = best.max(f64::from(made) / begun.elapsed().as_secs_f64());
            }
            rates.push(best);
        }
        cursor.seek(&archive, &Target::Start, &budget()).unwrap();
        let until = Condition { price_above: Some(1e12), ..Condition::default() };
        let begun = Instant::now();
        let looked = cursor.run(&archive, &until, &[], &budget()).unwrap().events;
        runs.push(looked as f64 / begun.elapsed().as_secs_f64());
        loop {
            let begun = Instant::now();
            let made = cursor.back(&archive, 1, Unit::Event, &budget()).unwrap().steps;
            black_box(cursor.fold().game().and_then(|game| game.price));
            if made == 0 {
                break;
            }
            backs.push(begun.elapsed().as_secs_f64() * 1e6);
        }
    }
    let line = |what: &str, values: Vec<f64>, unit: &str| {
        let (median, least, most) = summary(values);
        println!("{what}: {median:.1} {unit} ({least:.1} … {most:.1})");
    };
    line("forward by ticks, state after each", ticks.iter().map(|rate| rate / 1e6).collect(), "M ticks/s");
    line("forward by events, state after each", events.iter().map(|rate| rate / 1e6).collect(), "M events/s");
    line("run to a condition, no state", runs.iter().map(|rate| rate / 1e6).collect(), "M events/s");
    line("back one event, with the state", backs, "µs");
    line("opening a game", opens, "ms");
    across_games();
}

/// Recordings of one game each.
const SMALL_GAMES: usize = 300;

/// One cursor over many games that lie side by side in one part, each a session of its own, as files of older
/// recorders are imported: forward to the end, and all the way back.
fn across_games() {
    let folder = tempfile::tempdir().unwrap();
    let root = DataRoot::create(folder.path().join("root")).unwrap();
    let mut session = Session::new(Config {
        games: SMALL_GAMES,
        players: 3,
        history_len: 2,
        full_snapshots: false,
        ..Config::default()
    });
    let frames: Vec<SimulatedFrame> = session.by_ref().collect();
    let ids: Vec<String> = session.truths().iter().map(|truth| truth.game_id.clone()).collect();
    let mut begins: Vec<usize> =
        ids.iter().filter_map(|id| frames.iter().position(|frame| frame.text.contains(id))).collect();
    begins.push(frames.len());
    let store = Store::open(&root, "bench").unwrap();
    let mut batch = store.import_batch().unwrap();
    for (number, file) in begins.windows(2).enumerate() {
        let name = format!("game {number}");
        batch.begin(ImportedFile { name, format: "bench".into(), sha256: String::new(), bytes: 0 }).unwrap();
        for frame in &frames[file[0]..file[1]] {
            batch.push(&Record::frame(frame.at_us, Source::Import, frame.direction, &frame.text)).unwrap();
        }
        batch.end(FileCounts::default()).unwrap();
    }
    batch.commit().unwrap();
    walk(&root, ids);
}

fn walk(root: &DataRoot, ids: Vec<String>) {
    let (mut forwards, mut backs) = (Vec::new(), Vec::new());
    let mut events = 0;
    for _ in 0..3 {
        // Nothing is known of the store at the beginning of each round.
        let archive = Shared::open(root).unwrap();
        let mut cursor = Cursor::open(&archive, Covers::Games { ids: ids.clone(), session_id: None }).unwrap();
        let until = Condition { price_above: Some(1e12), ..Condition::default() };
        let begun = Instant::now();
        events = cursor.run(&archive, &until, &[], &budget()).unwrap().events;
        forwards.push(events as f64 / begun.elapsed().as_secs_f64() / 1e3);
        let begun = Instant::now();
        let back = cursor.back(&archive, u64::MAX, Unit::Event, &budget()).unwrap();
        assert_eq!(back.events, events);
        backs.push(events as f64 / begun.elapsed().as_secs_f64() / 1e3);
    }
    for (what, rates) in [("forward", forwards), ("back", backs)] {
        let (median, least, most) = summary(rates);
        println!(
            "across games, {what}: {median:.0} k events/s ({least:.0} … {most:.0}; {events} events of {} games)",
            ids.len()
        );
    }
}

/// One step over MCP, as a client sees it.
pub fn mcp_step() {
    let (_folder, root, ids) = recorded(4);
    let mut client = Client::start(root.path());
    client.initialize();
    let opened = client.call("replay", json!({"action": "open", "game_id": ids[1]}));
    let cursor = opened["cursor"].as_str().unwrap().to_owned();
    for (what, action) in [("step", "step"), ("back", "back")] {
        let mut times = Vec::new();
        for _ in 0..200 {
            let begun = Instant::now();
            client.call("replay", json!({"action": action, "cursor": cursor, "by": "event"}));
            times.push(begun.elapsed().as_secs_f64() * 1e3);
        }
        let (median, least, most) = summary(times);
        println!("{what} over MCP: {median:.2} ms ({least:.2} … {most:.2})");
    }
}

const DAYS: u64 = 11;
const GAMES_A_DAY: usize = 1_150;

/// A store of about ten million rows: days of games without full snapshots, each day a session. Gives the games with the
/// last tick of each, and the rows.
fn ten_million(root: &DataRoot) -> (Vec<(String, u32)>, u64) {
    let store = Store::open(root, "bench").unwrap();
    let mut games = Vec::new();
    for day in 0..DAYS {
        let mut batch = store.import_batch().unwrap();
        let name = format!("day {day}");
        batch.begin(ImportedFile { name, format: "bench".into(), sha256: String::new(), bytes: 0 }).unwrap();
        let mut session = Session::new(Config {
            seed: day + 1,
            games: GAMES_A_DAY,
            players: 4,
            full_snapshots: false,
            history_len: 3,
            start_us: 1_767_225_600_000_000 + day as i64 * 86_400_000_000,
            ..Config::default()
        });
        for frame in session.by_ref() {
            batch.push(&Record::frame(frame.at_us, Source::Import, frame.direction, &frame.text)).unwrap();
        }
        batch.end(FileCounts::default()).unwrap();
        batch.commit().unwrap();
        games.extend(session.truths().iter().map(|truth| (truth.game_id.clone(), truth.rug_tick as u32)));
    }
    (games, store.catalog().parts.iter().map(|part| part.rows).sum())
}

/// A place in any game: the archive opened anew, the parts not in the system's memory.
pub fn seek() {
    let folder = tempfile::tempdir().unwrap();
    let root = DataRoot::create(folder.path().join("root")).unwrap();
    let begun = Instant::now();
    let (games, rows) = ten_million(&root);
    let parts = Catalog::load(&root).unwrap().parts;
    let bytes: u64 = parts.iter().map(|part| part.bytes).sum();
    println!(
        "{rows} rows of {} games in {} parts, {} MB, made in {:.0} s",
        games.len(),
        parts.len(),
        bytes / 1_000_000,
        begun.elapsed().as_secs_f64()
    );
    let (mut cold, mut warm, mut backs) = (Vec::new(), Vec::new(), Vec::new());
    for n in 0..60_usize {
        let (id, last) = &games[n * 7919 % games.len()];
        for part in &parts {
            let file = std::fs::File::open(root.path().join(&part.path)).unwrap();
            rustix::fs::fadvise(&file, 0, None, rustix::fs::Advice::DontNeed).unwrap();
        }
        let begun = Instant::now();
        let archive = Shared::open(&root).unwrap();
        let mut cursor = open(&archive, id);
        // Places all over the game, its end among them.
        let tick = (n as u32 * 31) % (last + 1);
        cursor.seek(&archive, &Target::Tick { game_id: None, tick }, &budget()).unwrap();
        black_box(cursor.fold().game().and_then(|game| game.price));
        cold.push(begun.elapsed().as_secs_f64() * 1e3);
        let begun = Instant::now();
        let (other, _) = &games[(n * 7919 + 4001) % games.len()];
        black_box(open(&archive, other).fold().events());
        warm.push(begun.elapsed().as_secs_f64() * 1e3);
        let begun = Instant::now();
        cursor.back(&archive, 1, Unit::Event, &budget()).unwrap();
        black_box(cursor.fold().events());
        backs.push(begun.elapsed().as_secs_f64() * 1e3);
    }
    for (what, times) in [("cold", cold), ("another game, archive open", warm), ("back one step", backs)] {
        let (median, least, most) = summary(times);
        println!("{what}: {median:.2} ms ({least:.2} … {most:.2})");
    }
}
