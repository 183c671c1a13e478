//! The recorder as a process of its own, seen from another one: how soon a frame can be asked for, whether both
//! sources at once are kept up with, and whether its memory stays flat.

use std::net::{TcpListener, TcpStream};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::{Receiver, channel};
use std::time::{Duration, Instant};

use replayer::capture::report::Report;
use replayer::simulator::serve::{LogDirection, LogTo, Running, ServerConfig, start};
use replayer::store::catalog::Catalog;
use replayer::store::root::DataRoot;
use replayer::store::schema::DocType;
use serde_json::{Value, json};
use tokio_tungstenite::tungstenite::{Message, accept};

use crate::serving::{Client, resident_of};
use crate::summary;

/// Frames whose way is timed, for each of the two ways to ask.
const TIMED: usize = 300;

/// A recorder process; killed when dropped.
struct Recorder(Child);

impl Recorder {
    fn start(root: &DataRoot, more: &[&str]) -> Recorder {
        let child = Command::new(env!("CARGO_BIN_EXE_replayer"))
            .arg("--data")
            .arg(root.path())
            .args(["record", "--no-index"])
            .args(more)
            .env("RUST_LOG", "off")
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        Recorder(child)
    }

    /// Asks it to end, and waits until everything is sealed.
    fn end(mut self) {
        let pid = rustix::process::Pid::from_child(&self.0);
        rustix::process::kill_process(pid, rustix::process::Signal::TERM).unwrap();
        self.0.wait().unwrap();
    }
}

impl Drop for Recorder {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

fn root() -> (tempfile::TempDir, DataRoot) {
    let folder = tempfile::tempdir().unwrap();
    let root = DataRoot::create(folder.path().join("root")).unwrap();
    (folder, root)
}

fn wait(what: &str, limit: Duration, mut is_so: impl FnMut() -> bool) {
    let began = Instant::now();
    while !is_so() {
        assert!(began.elapsed() < limit, "waited in vain until {what}");
        std::thread::sleep(Duration::from_millis(5));
    }
}

fn received(root: &DataRoot, source: &str) -> u64 {
    Report::load(root).and_then(|report| Some(report.sources.get(source)?.numbers.received)).unwrap_or(0)
}

/// From the moment a frame is written to the recorder's socket until another process shows it, by `live_state` and by
/// `query_sql`, asked again and again: the time of the last, successful asking is part of it.
pub fn delay() {
    let (_folder, root) = root();
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let feed = format!("ws://{}/", listener.local_addr().unwrap());
    let (say, words) = channel::<String>();
    let peer = std::thread::spawn(move || speak(&listener, &words));
    let recorder = Recorder::start(&root, &["--feed", &feed]);
    wait("the recorder is connected", Duration::from_secs(20), || received(&root, "public_ws") >= 2);
    let mut client = Client::start(root.path());
    client.initialize();
    // Both ways are warm: the worker runs, the follower follows.
    say.send(tick(0)).unwrap();
    let mut live = |wanted: usize| client_tick(&mut client, wanted, Ask::Live);
    live(0);
    let mut times = Vec::new();
    for number in 1..=TIMED {
        times.push(shown(&say, number, &mut live));
    }
    told("live_state", times);
    let mut sql = |wanted: usize| client_tick(&mut client, wanted, Ask::Sql);
    let mut times = Vec::new();
    sql(TIMED);
    for number in TIMED + 1..=2 * TIMED {
        times.push(shown(&say, number, &mut sql));
    }
    told("query_sql", times);
    drop(say);
    recorder.end();
    peer.join().unwrap();
}

enum Ask {
    Live,
    Sql,
}

fn client_tick(client: &mut Client, wanted: usize, ask: Ask) {
    let wanted = wanted as u64;
    loop {
        let seen = match ask {
            Ask::Live => client.call("live_state", json!({}))["game"]["tick"].as_u64(),
            Ask::Sql => {
                client.call("query_sql", json!({"sql": "SELECT max(tick) FROM game_tick"}))["rows"][0][0].as_u64()
            }
        };
        if seen == Some(wanted) {
            return;
        }
    }
}

/// Milliseconds from sending tick `number` until it is shown. The pauses between two are of many lengths, so that no
/// rhythm of the followers is met or missed every time.
fn shown(say: &std::sync::mpsc::Sender<String>, number: usize, see: &mut impl FnMut(usize)) -> f64 {
    std::thread::sleep(Duration::from_millis(20 + (number as u64 * 37) % 61));
    let began = Instant::now();
    say.send(tick(number)).unwrap();
    see(number);
    began.elapsed().as_secs_f64() * 1e3
}

fn told(what: &str, mut times: Vec<f64>) {
    times.sort_by(f64::total_cmp);
    let at = |share: f64| times[((times.len() - 1) as f64 * share) as usize];
    println!(
        "socket to {what} of another process: p50 {:.1} ms, p99 {:.1} ms, slowest {:.1} ms of {}",
        at(0.5),
        at(0.99),
        at(1.0),
        times.len()
    );
}

fn tick(number: usize) -> String {
    format!(
        r#"42["gameStateUpdate",{{"gameId":"20260101-aaaaaaaaaaaaaaaa","active":true,"rugged":false,"price":1.5,"tickCount":{number},"cooldownTimer":0,"allowPreRoundBuys":false,"tradeCount":1}}]"#
    )
}

/// A server that says what it is told to, until nobody tells it anything more.
fn speak(listener: &TcpListener, words: &Receiver<String>) {
    let mut socket = accept(listener.accept().unwrap().0).unwrap();
    let stream: &TcpStream = socket.get_ref();
    stream.set_nodelay(true).unwrap();
    socket.send(Message::text(r#"0{"sid":"a","upgrades":[],"pingInterval":250000,"pingTimeout":20000}"#)).unwrap();
    socket.read().unwrap();
    socket.send(Message::text(r#"40{"sid":"b"}"#)).unwrap();
    while let Ok(text) = words.recv() {
        socket.send(Message::text(text)).unwrap();
    }
}

/// A simulated rugs.fun with a runtime of its own.
struct Site {
    runtime: tokio::runtime::Runtime,
    running: Running,
}

impl Site {
    fn start(speed: f64, log: LogTo) -> Site {
        let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
        let config = ServerConfig { log, ..ServerConfig::games(usize::MAX, 3, speed) };
        let running = runtime.block_on(start(config)).unwrap();
        Site { runtime, running }
    }
}

/// Seconds that both sources are recorded.
const BOTH: u64 = 60;
/// Game time per real time.
const SPEED: f64 = 50.0;

/// The public feed and a Chromium on the site's page, recorded at once at fifty times the real speed: everything that
/// was sent to either is stored.
pub fn both_sources() {
    let Some(chromium) = chromium() else { return };
    let (_folder, root) = root();
    let site = Site::start(SPEED, LogTo::Digests);
    let feed = format!("ws://{}", site.running.addr());
    let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    let browser = format!("http://127.0.0.1:{port}#{}", site.running.addr());
    let profile = tempfile::tempdir().unwrap();
    let mut chromium = Command::new(chromium)
        .args(["--headless", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--no-first-run"])
        .arg(format!("--remote-debugging-port={port}"))
        .arg(format!("--user-data-dir={}", profile.path().display()))
        .arg("about:blank")
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    wait("Chromium listens", Duration::from_secs(60), || TcpStream::connect(("127.0.0.1", port)).is_ok());
    let recorder = Recorder::start(&root, &["--feed", &feed, "--browser", &browser]);
    wait("the browser is followed", Duration::from_secs(30), || {
        let report = Report::load(&root);
        let state = report.as_ref().and_then(|report| Some(json!(report.sources.get("cdp")?.numbers.connection)));
        state.is_some_and(|state| state["state"] == "connected")
    });
    let page = site.running.page();
    ureq::put(format!("http://127.0.0.1:{port}/json/new?{page}")).send_empty().unwrap();
    wait("frames come from the browser", Duration::from_secs(30), || received(&root, "cdp") > 10);
    let (mut worst_queue, began) = (0, Instant::now());
    let mut worst_lag = 0;
    while began.elapsed() < Duration::from_secs(BOTH) {
        std::thread::sleep(Duration::from_millis(500));
        if let Some(report) = Report::load(&root) {
            worst_queue = worst_queue.max(report.queue.entries);
            let lags = report.sources.values().filter_map(|source| source.numbers.worst_lag_us);
            worst_lag = worst_lag.max(lags.max().unwrap_or(0));
        }
    }
    let cpu = processor_seconds(recorder.0.id()) / began.elapsed().as_secs_f64();
    let log = site.running.sent_log();
    site.runtime.block_on(site.running.stop());
    std::thread::sleep(Duration::from_secs(1));
    let (public, browser) = (received(&root, "public_ws"), received(&root, "cdp"));
    recorder.end();
    let _ = chromium.kill();
    let _ = chromium.wait();
    let sent =
        log.entries().iter().filter(|entry| entry.direction == LogDirection::Sent && is_text(entry)).count();
    let rows = Catalog::load(&root).unwrap().rows(DocType::WsEvent);
    println!(
        "{SPEED} times real speed, {BOTH} s: {sent} frames sent to both; received {public} by the feed, {browser} by the \
         browser, {:+} altogether; {rows} rows stored; queue at most {worst_queue}, lag at most {:.0} ms, {cpu:.2} cores",
        (public + browser) as i64 - sent as i64,
        worst_lag as f64 / 1e3,
    );
}

fn is_text(entry: &replayer::simulator::serve::LogEntry) -> bool {
    matches!(entry.message, replayer::simulator::serve::Message::Sha256(_))
}

fn chromium() -> Option<String> {
    let names =
        [std::env::var("REPLAYER_CHROMIUM").unwrap_or_default(), "chromium".into(), "google-chrome".into()];
    let found = names.into_iter().find(|name| {
        let ran = Command::new(name).arg("--version").stdout(Stdio::null()).stderr(Stdio::null()).status();
        ran.is_ok_and(|status| status.success())
    });
    if found.is_none() {
        println!("SKIPPED: no Chromium; scripts/install-chromium installs one");
    }
    found
}

/// Processor time of a process so far.
fn processor_seconds(pid: u32) -> f64 {
    let stat = std::fs::read_to_string(Path::new("/proc").join(pid.to_string()).join("stat")).unwrap_or_default();
    let fields: Vec<&str> = stat.rsplit(')').next().unwrap_or_default().split_whitespace().collect();
    let ticks = |at: usize| fields.get(at).and_then(|ticks| ticks.parse::<f64>().ok()).unwrap_or(0.0);
    (ticks(11) + ticks(12)) / 100.0
}

/// Resident memory of a recorder at twenty times the real speed, by tenths of the run: `REPLAYER_SOAK_SECONDS` of it,
/// two minutes when nothing is said, an hour for the figure that is promised.
pub fn memory() {
    let seconds = std::env::var("REPLAYER_SOAK_SECONDS").ok().and_then(|text| text.parse().ok()).unwrap_or(120);
    let (_folder, root) = root();
    let site = Site::start(20.0, LogTo::Nowhere);
    let recorder = Recorder::start(&root, &["--feed", &format!("ws://{}", site.running.addr())]);
    wait("frames come", Duration::from_secs(20), || received(&root, "public_ws") > 10);
    let began = Instant::now();
    for tenth in 1..=10 {
        let mut seen = Vec::new();
        while began.elapsed() < Duration::from_secs(seconds * tenth / 10) {
            std::thread::sleep(Duration::from_millis(500));
            seen.push(resident_of(recorder.0.id()));
        }
        let (median, least, most) = summary(seen);
        let report: Value = json!(Report::load(&root).map(|report| report.sources["public_ws"].numbers.received));
        println!("  {:>4} s: {median:.0} MiB ({least:.0} … {most:.0}), {report} frames", seconds * tenth / 10);
    }
    recorder.end();
    let catalog = Catalog::load(&root).unwrap();
    println!("{} rows of {} games", catalog.rows(DocType::WsEvent), catalog.rows(DocType::Game));
}
