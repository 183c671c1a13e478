//! The semantic index at size: a day of capture, one more game among 100 and among 100,000, search over MCP among
//! 100,000 units, and what it costs in memory.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::{Duration, Instant};

use replayer::index::build::{Built, Changed, Scope, build};
use replayer::index::embed::{self, EmbedError, Embedder, ModelInfo, Settings};
use replayer::index::live::Finished;
use replayer::index::units::{Tier, Unit, UnitKind};
use replayer::index::{eval, gather};
use replayer::simulator::{Config, Session};
use replayer::store::Store;
use replayer::store::catalog::Catalog;
use replayer::store::record::{Record, Source};
use replayer::store::recorder::{Recorder, RecorderOptions};
use replayer::store::root::DataRoot;
use replayer::store::schema::DocType;

use crate::serving::Client;
use crate::summary;

/// Games of a day, about 350,000 ticks.
const DAY: usize = 1_000;

fn model() -> Option<Arc<dyn Embedder>> {
    match Settings::from_env().and_then(|settings| embed::open(&settings)) {
        Ok(model) => Some(model),
        Err(error) => {
            println!("SKIPPED: {error}");
            None
        }
    }
}

fn runtime() -> tokio::runtime::Runtime {
    tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap()
}

fn recorder(root: &DataRoot) -> Recorder {
    Recorder::start(Arc::new(Store::open(root, "bench").unwrap()), RecorderOptions::new("bench")).unwrap()
}

fn record(recorder: &Recorder, config: Config) -> u64 {
    let mut frames = 0;
    for frame in Session::new(config) {
        recorder.append(&Record::frame(frame.at_us, Source::Cdp, frame.direction, &frame.text)).unwrap();
        frames += 1;
    }
    frames
}

async fn update(root: &DataRoot, model: &Arc<dyn Embedder>) -> Built {
    let gathered = gather::due(root, true).await.unwrap();
    let sources = Some(gathered.sources);
    build(root, gathered.scope, gathered.units, sources, Some(Arc::clone(model)), |_| {}).await.unwrap()
}

/// A day of capture indexed, against one sentence per event with the same model.
pub fn day() {
    let Some(model) = model() else { return };
    model.embed(&["warm"]).unwrap();
    let folder = tempfile::tempdir().unwrap();
    let root = DataRoot::create(folder.path().join("root")).unwrap();
    let recorder = recorder(&root);
    let frames =
        record(&recorder, Config { games: DAY, logged_in: true, keep_truths: false, ..Config::default() });
    recorder.close().unwrap();
    let ticks = Catalog::load(&root).unwrap().rows(DocType::GameTick);
    let runtime = runtime();
    let began = Instant::now();
    let built = runtime.block_on(update(&root, &model));
    let took = began.elapsed().as_secs_f64();
    println!(
        "a day of {DAY} games, {frames} frames, {ticks} game_tick rows: {} units in {took:.1} s, {:.0} events/s",
        built.units,
        frames as f64 / took
    );
    let sentences = eval::naive::sentences(&root).unwrap();
    let sample: Vec<&str> = sentences.iter().map(String::as_str).take(1_000).collect();
    let began = Instant::now();
    for some in sample.chunks(32) {
        model.embed(some).unwrap();
    }
    let naive = sample.len() as f64 / began.elapsed().as_secs_f64();
    println!("naive: {naive:.0} events/s; {:.0} times slower", frames as f64 / took / naive);
    let began = Instant::now();
    let built = runtime.block_on(update(&root, &model));
    println!("again, nothing new: {:.2} s, {} written", began.elapsed().as_secs_f64(), built.written);
}

/// One more finished game, and search, among few units and among 100,000.
pub fn scale() {
    let Some(model) = model() else { return };
    model.embed(&["warm"]).unwrap();
    let folder = tempfile::tempdir().unwrap();
    let root = DataRoot::create(folder.path().join("root")).unwrap();
    let recorder = recorder(&root);
    record(&recorder, Config { games: 100, logged_in: true, full_snapshots: false, ..Config::default() });
    let runtime = runtime();
    let built = runtime.block_on(update(&root, &model));
    println!("{} units of 100 games", built.units);
    one_more("100 games", &runtime, &root, &recorder, &model, 2);
    searches("100 games", &root);

    let began = Instant::now();
    runtime.block_on(grow(&root, &model, 100_000));
    println!("grown to 100,000 games in {:.0} s, vectors made up", began.elapsed().as_secs_f64());
    one_more("100,000 games", &runtime, &root, &recorder, &model, 3);
    searches("100,000 games", &root);
    recorder.close().unwrap();
}

/// The cost of each of ten games as it finishes: rows read, units made, embedded, written.
fn one_more(
    what: &str,
    runtime: &tokio::runtime::Runtime,
    root: &DataRoot,
    recorder: &Recorder,
    model: &Arc<dyn Embedder>,
    seed: u64,
) {
    let mut finished = Finished::open(root).unwrap();
    finished.units();
    let mut costs = Vec::new();
    let start_us = Config::default().start_us + 86_400_000_000 * seed as i64;
    let games = 20 + TIDYING_GAMES;
    let config = Config {
        games,
        seed,
        start_us,
        logged_in: true,
        full_snapshots: false,
        history_len: 1,
        ..Config::default()
    };
    let mut spent = Duration::ZERO;
    for frame in Session::new(config) {
        recorder.append(&Record::frame(frame.at_us, Source::Cdp, frame.direction, &frame.text)).unwrap();
        if frame.text.contains("gameHistory") {
            let began = Instant::now();
            finished.poll().unwrap();
            if let Some((changed, units)) = finished.units() {
                let scope = Scope::Some(changed);
                let model = Some(Arc::clone(model));
                runtime.block_on(build(root, scope, units.into_iter(), None, model, |_| {})).unwrap();
                spent += began.elapsed();
                costs.push(began.elapsed().as_secs_f64() * 1e3);
            }
        }
    }
    let count = costs.len();
    let mean = spent.as_secs_f64() * 1e3 / count as f64;
    let (median, fastest, slowest) = summary(costs);
    println!(
        "one more game at {what}: {median:.0} ms ({fastest:.0} … {slowest:.0}), mean {mean:.0} ms of {count}"
    );
}

/// Enough games that the tidying which they cause, about every twentieth, is part of their mean.
const TIDYING_GAMES: usize = 130;

/// Summaries of games that were never played, with vectors that were never embedded: as many as years give.
async fn grow(root: &DataRoot, model: &Arc<dyn Embedder>, games: usize) {
    let made_up: Arc<dyn Embedder> = Arc::new(MadeUp { real: Arc::clone(model) });
    for first in (0..games).step_by(10_000) {
        let units: Vec<Unit> = (first..first + 10_000).map(game).collect();
        let games: BTreeSet<String> = units.iter().filter_map(|unit| unit.game_id.clone()).collect();
        let scope = Scope::Some(Changed { knowledge: false, games });
        build(root, scope, units.into_iter(), None, Some(Arc::clone(&made_up)), |_| {}).await.unwrap();
    }
}

fn game(number: usize) -> Unit {
    let id = format!("2025{:02}{:02}-{:016x}", number / 2_500 % 12 + 1, number / 90 % 28 + 1, number * 7_919);
    let (peak, tick) = (1.0 + (number * 31 % 977) as f64 / 40.0, number * 17 % 611);
    let text = format!(
        "Game {id} 2025-03-01 10:00:00 to 10:01:10. Peak {peak:.4}x, reached 2x. Rugged at tick {tick}, rug price \
         0.02. {tick} ticks recorded, without gaps. {} trades. Server seed known, proven: it reproduces every price; \
         version v3. Side bets: {} placed. Seen in 1 sessions, source public_ws.",
        number * 13 % 900,
        number % 40
    );
    Unit {
        game_id: Some(id.clone()),
        ts_us: Some(1_740_000_000_000_000 + number as i64 * 75_000_000),
        doc_type: Some("game".into()),
        source: Some("public_ws".into()),
        ..Unit::new(
            UnitKind::Game,
            format!("game:{id}"),
            format!("Game {id}, peak {peak:.2}x"),
            &text,
            Tier::Observed,
        )
    }
}

/// Vectors near that of one real game summary, different for each text.
struct MadeUp {
    real: Arc<dyn Embedder>,
}

impl Embedder for MadeUp {
    fn model(&self) -> &ModelInfo {
        self.real.model()
    }

    fn embed(&self, texts: &[&str]) -> Result<Vec<Vec<f32>>, EmbedError> {
        let first = self.real.embed(&texts[..1])?.remove(0);
        Ok(texts
            .iter()
            .map(|text| {
                let mut state = text.bytes().fold(14_695_981_039_346_656_037_u64, |hash, byte| {
                    (hash ^ u64::from(byte)).wrapping_mul(1_099_511_628_211)
                });
                let mut vector: Vec<f32> = first
                    .iter()
                    .map(|value| {
                        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
                        value + ((state >> 40) as f32 / 16_777_216.0 - 0.5) * 0.06
                    })
                    .collect();
                let norm = vector.iter().map(|x| x * x).sum::<f32>().sqrt();
                vector.iter_mut().for_each(|x| *x /= norm);
                vector
            })
            .collect())
    }
}

const QUESTIONS: [&str; 12] = [
    "What fields are in playerUpdate?",
    "how do I tell presale from cooldown",
    "which event carries serverSeedHash",
    "why did my side bet lose",
    "positionQty",
    "games that rugged early",
    "a giant game with peak above 50x",
    "who sends newTrade and how often",
    "what happens when the connection is lost",
    "leaderboard position of the own player",
    "rugpool threshold and tickets",
    "when is the seed of a game revealed",
];

/// Searches over MCP with a warm model, one after the other.
fn searches(what: &str, root: &DataRoot) {
    let mut client = Client::start(root.path());
    client.initialize();
    let before = client.resident();
    for question in QUESTIONS {
        assert_eq!(client.search(question), "hybrid");
    }
    let mut times = Vec::new();
    for round in 0..40 {
        for question in QUESTIONS {
            let asked = format!("{question} {}", ["", "please", "in short"][round % 3]);
            let began = Instant::now();
            client.search(&asked);
            times.push(began.elapsed().as_secs_f64() * 1e3);
        }
    }
    times.sort_by(f64::total_cmp);
    let at = |share: f64| times[((times.len() - 1) as f64 * share) as usize];
    println!(
        "search over MCP at {what}: p50 {:.1} ms, p99 {:.1} ms, slowest {:.1} ms of {}; resident {before:.0} -> {:.0} MiB",
        at(0.5),
        at(0.99),
        at(1.0),
        times.len(),
        client.resident()
    );
}
