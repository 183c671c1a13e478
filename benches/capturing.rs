//! Capture: from the socket to the journal.

use std::collections::BTreeMap;
use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::time::{Duration, Instant};

use replayer::capture::report::Report;
use replayer::capture::{Capture, Options};
use replayer::store::root::DataRoot;
use tokio_tungstenite::tungstenite::{Message, accept};

use crate::summary;

/// Frames of one run: several segments, so that sealing runs beside it as it does in life.
const FRAMES: u64 = 150_000;

/// Frames that the queue holds at most.
const QUEUE: u64 = 8192;

/// Frames of 2 KB over loopback through client, queue and journal, as fast as they go. "On one core" is counted in
/// processor time: of the threads that read the socket and write the journal, without peer and sealing.
pub fn throughput() {
    let mut rates = Vec::new();
    let mut per_core = Vec::new();
    for _ in 0..5 {
        let folder = tempfile::tempdir().unwrap();
        let root = DataRoot::create(folder.path().join("root")).unwrap();
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let url = format!("ws://{}/", listener.local_addr().unwrap());
        let (go, started) = std::sync::mpsc::channel::<()>();
        let peer = std::thread::Builder::new().name("peer".into());
        let peer = peer.spawn(move || serve(&listener, &started)).unwrap();
        let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
        let mut options = Options::new("bench");
        options.feed_address = url;
        let capture = runtime.block_on(async { Capture::start(root.clone(), options) });
        wait(|| stored(&root) >= 2);
        let before = cpu_seconds();
        let begin = Instant::now();
        go.send(()).unwrap();
        // Measured by the peer, which waits for the answer to its last message. What may still stand in the queue
        // then is not counted.
        let took = peer.join().unwrap() - begin;
        let after = cpu_seconds();
        let cpu = |name: &str| after.get(name).unwrap_or(&0.0) - before.get(name).unwrap_or(&0.0);
        let path = cpu("tokio-rt-worker") + cpu("tokio-runtime-w") + cpu("journal") + cpu("journal-sync");
        println!(
            "  {:.0} frames/s; processor: socket {:.2} s, journal {:.2} s, sealing {:.2} s, in {:.2} s",
            (FRAMES - QUEUE) as f64 / took.as_secs_f64(),
            cpu("tokio-rt-worker") + cpu("tokio-runtime-w"),
            cpu("journal") + cpu("journal-sync"),
            cpu("sealer"),
            took.as_secs_f64(),
        );
        rates.push((FRAMES - QUEUE) as f64 / took.as_secs_f64());
        per_core.push((FRAMES - QUEUE) as f64 / path);
        runtime.block_on(capture.stop()).unwrap();
        let report = Report::load(&root).unwrap();
        assert_eq!(report.sources["public_ws"].numbers.received, FRAMES + 3, "every frame is stored");
    }
    let (median, slowest, fastest) = summary(rates);
    println!("capture: {median:.0} frames of 2 KB per second, socket to journal ({slowest:.0} … {fastest:.0})");
    let (median, slowest, fastest) = summary(per_core);
    println!("capture: {median:.0} such frames per second of one core ({slowest:.0} … {fastest:.0})");
}

/// Plays a server: shakes hands, sends everything when told, and waits for the answer to its last message.
fn serve(listener: &TcpListener, started: &std::sync::mpsc::Receiver<()>) -> Instant {
    let mut socket = accept(listener.accept().unwrap().0).unwrap();
    socket.send(Message::text(r#"0{"sid":"a","upgrades":[],"pingInterval":25000,"pingTimeout":20000}"#)).unwrap();
    socket.read().unwrap();
    socket.send(Message::text(r#"40{"sid":"b"}"#)).unwrap();
    started.recv().unwrap();
    let text = format!("42[\"frame\",\"{}\"]", "x".repeat(2048 - 12));
    let mut frame = vec![0x81, 126];
    frame.extend_from_slice(&(text.len() as u16).to_be_bytes());
    frame.extend_from_slice(text.as_bytes());
    let burst = frame.repeat(100);
    let stream: &mut TcpStream = socket.get_mut();
    for _ in 0..FRAMES / 100 {
        stream.write_all(&burst).unwrap();
    }
    // An event that asks for an ack: the client hands it over before it answers.
    stream.write_all(&[0x81, 8]).unwrap();
    stream.write_all(b"421[\"e\"]").unwrap();
    let answer = socket.read().unwrap();
    assert_eq!(answer.into_text().unwrap().as_str(), "431[]");
    let end = Instant::now();
    std::thread::spawn(move || while socket.get_mut().read(&mut [0; 64]).is_ok_and(|count| count > 0) {});
    end
}

fn wait(mut is_so: impl FnMut() -> bool) {
    let begin = Instant::now();
    while !is_so() {
        assert!(begin.elapsed() < Duration::from_secs(10));
        std::thread::sleep(Duration::from_millis(5));
    }
}

fn stored(root: &DataRoot) -> u64 {
    Report::load(root).and_then(|report| Some(report.sources.get("public_ws")?.numbers.received)).unwrap_or(0)
}

/// Processor time of this process by the name of the thread, seconds. Empty where there is no /proc.
fn cpu_seconds() -> BTreeMap<String, f64> {
    let mut found = BTreeMap::new();
    let Ok(tasks) = std::fs::read_dir("/proc/self/task") else {
        return found;
    };
    for task in tasks.flatten() {
        let Ok(stat) = std::fs::read_to_string(task.path().join("stat")) else { continue };
        let (Some(open), Some(close)) = (stat.find('('), stat.rfind(')')) else { continue };
        let fields: Vec<&str> = stat[close + 2..].split(' ').collect();
        let ticks: f64 = fields[11..13].iter().map(|ticks| ticks.parse::<f64>().unwrap_or(0.0)).sum();
        *found.entry(stat[open + 1..close].to_owned()).or_default() += ticks / 100.0;
    }
    found
}
