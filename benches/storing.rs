//! Journal and sealing.

use std::sync::Arc;
use std::time::{Duration, Instant};

use parquet::file::reader::{FileReader, SerializedFileReader};
use replayer::protocol::line::LineFormat;
use replayer::simulator::{Config, Session};
use replayer::store::Store;
use replayer::store::catalog::Catalog;
use replayer::store::import::{FileCounts, ImportedFile};
use replayer::store::journal;
use replayer::store::record::{Direction, Record, Source};
use replayer::store::recorder::{Recorder, RecorderOptions};
use replayer::store::root::DataRoot;
use replayer::store::schema::DocType;
use serde_json::json;

use crate::serving::Client;
use crate::summary;

fn scratch() -> (tempfile::TempDir, DataRoot) {
    let folder = tempfile::tempdir().unwrap();
    let root = DataRoot::create(folder.path().join("root")).unwrap();
    (folder, root)
}

/// Frames of 1 KB appended by one thread, group commit running.
pub fn journal() {
    let text = format!("42[\"frame\",\"{}\"]", "x".repeat(1024 - 12));
    let count = 300_000;
    let rates = (0..5).map(|_| {
        let (_folder, root) = scratch();
        let store = Arc::new(Store::open(&root, "bench").unwrap());
        // No rotation: sealing is measured by itself.
        let options = RecorderOptions { segment_bytes: u64::MAX, ..RecorderOptions::new("bench") };
        let recorder = Recorder::start(store, options).unwrap();
        let started = Instant::now();
        for ts in 0..count {
            recorder.append(&Record::frame(ts, Source::PublicWs, Direction::Received, &text)).unwrap();
        }
        let rate = count as f64 / started.elapsed().as_secs_f64();
        // The journal is thrown away, not sealed: that would take longer than the measurement.
        for segment in journal::segments(&root).unwrap() {
            std::fs::OpenOptions::new().write(true).open(segment.path).unwrap().set_len(0).unwrap();
        }
        rate
    });
    let (median, fastest, slowest) = summary(rates.collect());
    println!("journal: {median:.0} frames of {} bytes per second ({fastest:.0} … {slowest:.0})", text.len());
}

/// A session of real-shaped frames sealed by one thread.
pub fn seal() {
    let frames: Vec<_> =
        Session::new(Config { games: 25, logged_in: true, keep_truths: false, ..Config::default() }).collect();
    let raw: usize = frames.iter().map(|frame| frame.text.len()).sum();
    let rates = (0..5).map(|_| {
        let (_folder, root) = scratch();
        let store = Arc::new(Store::open(&root, "bench").unwrap());
        let options = RecorderOptions {
            segment_bytes: u64::MAX,
            segment_age: Duration::from_secs(3600),
            ..RecorderOptions::new("bench")
        };
        let recorder = Recorder::start(store, options).unwrap();
        for frame in &frames {
            recorder.append(&Record::frame(frame.at_us, Source::Cdp, frame.direction, &frame.text)).unwrap();
        }
        let started = Instant::now();
        recorder.close().unwrap();
        raw as f64 / 1e6 / started.elapsed().as_secs_f64()
    });
    let (median, fastest, slowest) = summary(rates.collect());
    println!(
        "sealing: {median:.0} MB/s of raw JSON ({fastest:.0} … {slowest:.0}), {} frames, {:.0} MB",
        frames.len(),
        raw as f64 / 1e6
    );
}

/// How small `raw_json` becomes: the real capture where it is there, and a simulated session.
pub fn ratio() {
    let capture = std::path::Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("../shared/data/raw_captures/2025-12-12_17-16-58_raw.jsonl");
    match std::fs::read_to_string(&capture) {
        Ok(text) => {
            let lines: Vec<&str> = text.lines().collect();
            report("the real raw capture", LineFormat::RawCapture, &lines);
        }
        Err(_) => println!("SKIPPED: {} is not there", capture.display()),
    }
    let frames: Vec<_> = Session::new(Config { games: 10, ..Config::default() }).collect();
    let texts: Vec<&str> = frames.iter().map(|frame| frame.text.as_str()).collect();
    report("a simulated session", LineFormat::Wire, &texts);
}

fn report(name: &str, format: LineFormat, texts: &[&str]) {
    let (_folder, root) = scratch();
    let store = Store::open(&root, "bench").unwrap();
    let mut batch = store.import_batch().unwrap();
    batch
        .begin(ImportedFile { name: name.into(), format: "bench".into(), sha256: String::new(), bytes: 0 })
        .unwrap();
    for text in texts {
        let record = Record { format, ..Record::frame(0, Source::Import, Direction::Received, text) };
        batch.push(&record).unwrap();
    }
    batch.end(FileCounts::default()).unwrap();
    batch.commit().unwrap();
    let raw: usize = texts.iter().map(|text| text.len()).sum();
    let mut column = 0;
    let mut rest = 0;
    for part in store.catalog().parts {
        let reader =
            SerializedFileReader::new(std::fs::File::open(root.path().join(&part.path)).unwrap()).unwrap();
        for group in reader.metadata().row_groups() {
            for chunk in group.columns() {
                let is_raw = part.doc_type == DocType::WsEvent && chunk.column_path().string() == "raw_json";
                *if is_raw { &mut column } else { &mut rest } += chunk.compressed_size();
            }
        }
    }
    println!(
        "raw_json of {name}: {:.1} MB in {:.0} kB, {:.1}-fold; all other columns and kinds {:.0} kB",
        raw as f64 / 1e6,
        column as f64 / 1e3,
        raw as f64 / column as f64,
        rest as f64 / 1e3
    );
}

/// Raw bytes that a recorder seals at once: about a quarter of an hour.
const QUARTER: u64 = 17 << 20;

/// A day of frames, 1.6 GB of text, as a recorder leaves it and compacted: single frames must not become slower by it.
/// `BENCH_GAMES` for another number of games than the day's.
pub fn compaction() {
    let games = std::env::var("BENCH_GAMES").ok().and_then(|text| text.parse().ok()).unwrap_or(430);
    let (_folder, root) = scratch();
    let store = Arc::new(Store::open(&root, "bench").unwrap());
    let options = RecorderOptions { segment_bytes: QUARTER, ..RecorderOptions::new("bench") };
    let recorder = Recorder::start(store.clone(), options).unwrap();
    let (mut frames, mut bytes) = (0_u64, 0);
    let session = Session::new(Config { games, logged_in: true, keep_truths: false, ..Config::default() });
    let day = session.take_while(|frame| frame.at_us < Config::default().start_us + 86_400_000_000);
    for frame in day {
        recorder.append(&Record::frame(frame.at_us, Source::Cdp, frame.direction, &frame.text)).unwrap();
        frames += 1;
        bytes += frame.text.len();
    }
    let session_id = recorder.session_id();
    recorder.close().unwrap();
    println!("{frames} frames, {:.2} GB of text", bytes as f64 / 1e9);
    // Spread over the day, the same ones before and after.
    let places: Vec<u64> = (0..21).map(|n| 1 + (n * 7_919_777) % frames).collect();
    let before = single_frames(&root, &session_id.to_string(), &places);
    let started = Instant::now();
    let compacted = store.compact(|_, _| {}).unwrap();
    println!(
        "compacted in {:.1} s: {} parts, {:.2} MB, became {} parts, {:.2} MB ({:+.2} %)",
        started.elapsed().as_secs_f64(),
        compacted.parts_before,
        compacted.bytes_before as f64 / 1e6,
        compacted.parts_after,
        compacted.bytes_after as f64 / 1e6,
        (compacted.bytes_after as f64 / compacted.bytes_before as f64 - 1.0) * 100.0
    );
    let after = single_frames(&root, &session_id.to_string(), &places);
    println!(
        "one frame by its address: {:.1} ms before, {:.1} ms after ({:.2}-fold)",
        before.0,
        after.0,
        after.0 / before.0
    );
    println!(
        "the newest twenty:        {:.1} ms before, {:.1} ms after ({:.2}-fold)",
        before.1,
        after.1,
        after.1 / before.1
    );
}

/// Milliseconds over MCP, warm, in the median: one frame by its address, and the newest twenty. Prints the parts of frames too.
fn single_frames(root: &DataRoot, session_id: &str, places: &[u64]) -> (f64, f64) {
    let parts = Catalog::load(root).unwrap().parts;
    let (mut files, mut groups, mut size) = (0, 0, 0);
    for part in parts.iter().filter(|part| part.doc_type == DocType::WsEvent) {
        let file = std::fs::File::open(root.path().join(&part.path)).unwrap();
        groups += SerializedFileReader::new(file).unwrap().metadata().num_row_groups();
        (files, size) = (files + 1, size + part.bytes);
    }
    println!("frames: {files} parts, {groups} row groups, {:.2} MB", size as f64 / 1e6);
    let mut client = Client::start(root.path());
    client.initialize();
    let mut timed = |arguments: serde_json::Value, wanted: usize| {
        let begun = Instant::now();
        let answer = client.call("get_events", arguments);
        assert_eq!(answer["events"].as_array().unwrap().len(), wanted, "{answer}");
        begun.elapsed().as_secs_f64() * 1e3
    };
    let mut by_address = Vec::new();
    for (run, seq) in places.iter().chain(places).enumerate() {
        let time = timed(json!({"refs": [{"session_id": session_id, "seq": seq}], "max_text": 1000}), 1);
        // The first round warms caches.
        if run >= places.len() {
            by_address.push(time);
        }
    }
    let newest = (0..22).map(|_| timed(json!({"max_text": 200}), 20)).skip(1).collect();
    let (by_address, newest) = (summary(by_address), summary(newest));
    println!(
        "  by address {:.1} ms ({:.1} … {:.1}), newest twenty {:.1} ms ({:.1} … {:.1})",
        by_address.0, by_address.1, by_address.2, newest.0, newest.1, newest.2
    );
    (by_address.0, newest.0)
}
