//! The protocol explorer at size: the overview and checks over a million frames.

use std::time::{Duration, Instant};

use replayer::simulator::{Config, Session};
use replayer::sql::{self, SqlClient, SqlError};
use replayer::store::Store;
use replayer::store::catalog::Catalog;
use replayer::store::record::{Record, Source};
use replayer::store::recorder::{Recorder, RecorderOptions};
use replayer::store::root::DataRoot;
use replayer::store::schema::DocType;
use replayer::verify::check::{CheckError, Scope, Statement, check};
use replayer::verify::explore::Explorer;
use replayer::verify::explore::overview::OverviewFilter;
use tokio_util::sync::CancellationToken;

use crate::summary;

/// Frames of the store.
const FRAMES: u64 = 1_000_000;

const STATEMENTS: [&str; 9] = [
    "on gameStateUpdate: price is number",
    "on gameStateUpdate: cooldownTimer unit ms from 0 to 15000",
    "on gameStateUpdate: price is present exactly in ACTIVE, RUGGED",
    "on gameStateUpdate: rugged implies active",
    "on gameStateUpdate: cooldownTimer never rises in the same game",
    "on gameStateUpdate: leaderboard[].pnl is number",
    "on standard/newTrade: type in {\"buy\", \"sell\"}",
    "standard/newTrade follows buyOrder within 2000 ms in the same trace",
    "recompute sidebet outcome",
];

/// A store of a million frames; kept between runs where REPLAYER_BENCH_ROOT names a folder.
fn store() -> (Option<tempfile::TempDir>, DataRoot) {
    let kept = std::env::var_os("REPLAYER_BENCH_ROOT").map(std::path::PathBuf::from);
    let folder = kept.is_none().then(|| tempfile::tempdir().unwrap());
    let path = kept.unwrap_or_else(|| folder.as_ref().unwrap().path().join("root"));
    if path.join("manifests").is_dir() {
        return (folder, DataRoot::open(&path).unwrap());
    }
    let root = DataRoot::create(&path).unwrap();
    let began = Instant::now();
    let (mut frames, mut bytes, mut seed) = (0_u64, 0_u64, 1);
    while frames < FRAMES {
        let store = std::sync::Arc::new(Store::open(&root, "bench").unwrap());
        let recorder = Recorder::start(store, RecorderOptions::new("bench")).unwrap();
        let config = Config {
            seed,
            games: 400,
            start_us: 1_767_225_600_000_000 + seed as i64 * 86_400_000_000,
            logged_in: true,
            full_snapshots: false,
            keep_truths: false,
            ..Config::default()
        };
        for frame in Session::new(config).take((FRAMES - frames) as usize) {
            recorder.append(&Record::frame(frame.at_us, Source::Cdp, frame.direction, &frame.text)).unwrap();
            frames += 1;
            bytes += frame.text.len() as u64;
        }
        recorder.close().unwrap();
        seed += 1;
    }
    println!(
        "{frames} frames, {:.0} MB of text, recorded in {:.0} s",
        bytes as f64 / 1e6,
        began.elapsed().as_secs_f64()
    );
    (folder, root)
}

/// Everything.
pub fn explore() {
    let (_folder, root) = store();
    let catalog = Catalog::load(&root).unwrap();
    println!(
        "{} frames in {} parts",
        catalog.rows(DocType::WsEvent),
        catalog.parts.iter().filter(|part| part.doc_type == DocType::WsEvent).count()
    );
    overview(&root);
    checks(&root);
}

fn overview(root: &DataRoot) {
    let ask = |explorer: &Explorer| {
        let began = Instant::now();
        let view = explorer.overview(&Scope::default(), &OverviewFilter::default(), &|| false).unwrap();
        let text = serde_json::to_string(&view).unwrap();
        (began.elapsed().as_secs_f64() * 1e3, text.len())
    };
    let (first, _) = ask(&Explorer::new(root.path()));
    println!("first overview (facts made where none are kept): {first:.0} ms");
    let opened = (0..5).map(|_| ask(&Explorer::new(root.path())).0).collect();
    let (median, fastest, slowest) = summary(opened);
    println!("overview by a new process: {median:.0} ms ({fastest:.0} … {slowest:.0})");
    let explorer = Explorer::new(root.path());
    ask(&explorer);
    let (median, fastest, slowest) = summary((0..21).map(|_| ask(&explorer).0).collect());
    let (_, bytes) = ask(&explorer);
    println!(
        "overview: {median:.1} ms ({fastest:.1} … {slowest:.1}), {bytes} bytes, about {} tokens",
        bytes * 2 / 7
    );
}

fn checks(root: &DataRoot) {
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
    let mut config = sql::Config::new(root.path());
    config.worker_exe = Some(env!("CARGO_BIN_EXE_replayer").into());
    runtime.block_on(async {
        let client = SqlClient::new(config);
        for text in STATEMENTS {
            let statement = Statement::parse(text).unwrap();
            let mut times = Vec::new();
            let mut cases = 0;
            for _ in 0..3 {
                let began = Instant::now();
                let result =
                    check(&client, &statement, &Scope::default(), CancellationToken::new()).await.unwrap();
                times.push(began.elapsed().as_secs_f64());
                cases = result.decided() + result.undecided;
            }
            let (median, fastest, slowest) = summary(times);
            println!("{median:6.2} s ({fastest:.2} … {slowest:.2}), {cases:>9} cases: {text}");
        }
        let statement = Statement::parse(STATEMENTS[0]).unwrap();
        let cancel = CancellationToken::new();
        let stop = cancel.clone();
        let running = tokio::spawn(async move { check(&client, &statement, &Scope::default(), cancel).await });
        tokio::time::sleep(Duration::from_millis(300)).await;
        let began = Instant::now();
        stop.cancel();
        let ended = running.await.unwrap();
        assert_eq!(ended, Err(CheckError::Sql(SqlError::Cancelled)));
        println!("a cancelled check ended after {:.0} ms", began.elapsed().as_secs_f64() * 1e3);
    });
}
