//! What search is made of: schema facts and the embedder.

use std::time::{Duration, Instant};

use replayer::index::embed::{self, Settings};
use replayer::protocol::facts::{SchemaFacts, Seen};
use replayer::protocol::line::{LineFormat, decode};
use replayer::simulator::{Config, Session};

/// Schema facts from a simulated session, decoded already.
pub fn facts() {
    let frames: Vec<_> = Session::new(Config { games: 10, logged_in: true, ..Config::default() }).collect();
    let bytes: usize = frames.iter().map(|frame| frame.text.len()).sum();
    let mut facts = SchemaFacts::default();
    let (started, mut spent) = (Instant::now(), Duration::ZERO);
    for (frame, seq) in frames.iter().zip(1..) {
        let event = decode(LineFormat::Wire, None, &frame.text);
        let seen = Seen {
            ts_us: Some(frame.at_us),
            session_id: "bench",
            seq,
            source: "cdp",
            direction: Some(frame.direction.as_str()),
            phase: None,
            game_id: None,
        };
        let before = Instant::now();
        facts.observe(&event, &seen);
        spent += before.elapsed();
    }
    let speed = |time: Duration| bytes as f64 / 1e6 / time.as_secs_f64();
    println!("facts: {:.0} MB/s, with decoding {:.0} MB/s", speed(spent), speed(started.elapsed()));
}

/// The model in force: load, one query, texts of several lengths, memory.
pub fn embedder() {
    let opened = match Settings::from_env().and_then(|settings| embed::open(&settings)) {
        Ok(opened) => opened,
        Err(error) => return println!("SKIPPED: {error}"),
    };
    let before = resident();
    let began = Instant::now();
    opened.embed(&["first"]).unwrap();
    println!("load and first text: {:.0?}; resident {before} MiB -> {} MiB", began.elapsed(), resident());
    let began = Instant::now();
    for n in 0..200 {
        opened.embed(&[format!("what does packet {n} say when the game is over?").as_str()]).unwrap();
    }
    println!("a query: {:.1?}", began.elapsed() / 200);
    for (words, count) in [(8_usize, 1000_u32), (24, 1000), (220, 100)] {
        let texts: Vec<String> =
            (0..count).map(|n| format!("event {n} ") + &"position tick price phase ".repeat(words / 4)).collect();
        let texts: Vec<&str> = texts.iter().map(String::as_str).collect();
        let began = Instant::now();
        opened.embed(&texts).unwrap();
        let rate = f64::from(count) / began.elapsed().as_secs_f64();
        println!("{words} words: {rate:.0} texts/s; resident {} MiB", resident());
    }
}

/// Resident memory of this process, MiB; 0 where the system does not tell.
fn resident() -> u64 {
    let statm = std::fs::read_to_string("/proc/self/statm").unwrap_or_default();
    statm.split(' ').nth(1).and_then(|pages| pages.parse::<u64>().ok()).unwrap_or(0) * 4 / 1024
}
