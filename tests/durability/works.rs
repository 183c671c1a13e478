//! What is going on when the power goes: the binary, as a person starts it.

use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::{Child, Stdio};
use std::sync::Arc;
use std::time::{Duration, Instant};

use arrow::array::{ArrayRef, Int64Array, RecordBatch, StringArray, TimestampMillisecondArray};
use parquet::arrow::ArrowWriter;
use replayer::simulator::serve::{LogTo, ServerConfig};
use replayer_power_cut_disk::{Disk, Random};
use serde_json::{Value, json};

use super::exported::command;
use super::list::MARK;
use crate::common::replayer;
use crate::common::site::Site;
use crate::common::waiting::{TIMEOUT, until};
use crate::server::Wire;

/// A kind of work.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Work {
    /// `record`, from its start on.
    Record,
    /// `record`, from the moment when it is asked to stop: it seals.
    Stop,
    /// `legacy import` of a new file.
    Import,
    /// `data compact`.
    Compact,
    /// `data prune` of all days, or of those that imports and older parts are from.
    Prune { all: bool },
    /// `schema migrate` of a new older part.
    Migrate,
    /// `verify propose`.
    Propose,
    /// The tool `verify` of a server: a proposal, and a person's decision on it.
    Decide,
}

/// What a work did before the power went.
#[derive(Debug, Default)]
pub struct Outcome {
    /// Whether the command said that it worked.
    pub done: bool,
    /// Whether the statement was said to be proposed.
    pub is_proposed: bool,
    /// The mark that was said to be in force.
    pub mark_id: Option<String>,
    /// What the server sent to the recorder.
    pub sent: Vec<String>,
}

/// What is proposed is about this: every recording has it.
const SUBJECT: &str = "field:gameStateUpdate#$.price";

/// How fast the simulated games are played. Some 400 frames a second: a hundred of them wait for a sync.
const SPEED: f64 = 100.0;

impl Work {
    /// Its name in the report.
    pub fn name(self) -> &'static str {
        match self {
            Work::Record => "record",
            Work::Stop => "stop and seal",
            Work::Import => "import",
            Work::Compact => "compact",
            Work::Prune { .. } => "prune",
            Work::Migrate => "migrate",
            Work::Propose => "propose",
            Work::Decide => "decide",
        }
    }

    /// How many changes and syncs of the disk it takes, and some more: a cut behind the last one comes after the command
    /// has said that it worked.
    pub fn operations(self) -> u64 {
        match self {
            Work::Record => 500,
            Work::Stop => 130,
            Work::Import => 64,
            Work::Compact => 64,
            Work::Prune { .. } => 24,
            Work::Migrate => 44,
            Work::Propose => 60,
            Work::Decide => 24,
        }
    }

    /// Runs it on the root until it has ended or the power goes, which it does at the last of `cuts`.
    pub fn run(
        self,
        root: &Path,
        disk: &Disk,
        cuts: &[u64],
        subject: &Subject,
        log: &Path,
    ) -> Result<Outcome, String> {
        match self {
            Work::Record | Work::Stop => record(self == Work::Stop, root, disk, cuts, subject, log),
            Work::Decide => decide(root, disk, cuts, subject),
            _ => {
                disk.plan(cuts);
                let words = subject.words(self);
                let words: Vec<&str> = words.iter().map(String::as_str).collect();
                let mut command = command(root, &words);
                let child = command.stdout(Stdio::null()).stderr(File::create(log).unwrap()).spawn().unwrap();
                let done = ended(child, disk, log)?;
                Ok(Outcome { done, is_proposed: done && self == Work::Propose, ..Outcome::default() })
            }
        }
    }
}

/// What a work is done with.
#[derive(Debug)]
pub struct Subject {
    /// Decides the games.
    pub seed: u64,
    /// The mark in the lines, and the statement.
    pub mark: String,
    /// The file to import.
    pub file: PathBuf,
}

impl Subject {
    fn words(&self, work: Work) -> Vec<String> {
        let file = self.file.to_string_lossy();
        let words: &[&str] = match work {
            Work::Record | Work::Stop | Work::Decide => &[],
            Work::Import => &["legacy", "import", "--json", &file],
            Work::Compact => &["data", "compact"],
            Work::Prune { all: true } => &["data", "prune", "--apply", "--before", "2100-01-01"],
            Work::Prune { all: false } => &["data", "prune", "--apply", "--before", "2026-01-01"],
            Work::Migrate => &["schema", "migrate"],
            Work::Propose => &["verify", "propose", SUBJECT, &self.mark],
        };
        words.iter().map(|word| (*word).to_owned()).collect()
    }
}

fn record(
    stops: bool,
    root: &Path,
    disk: &Disk,
    cuts: &[u64],
    subject: &Subject,
    complaints: &Path,
) -> Result<Outcome, String> {
    let config =
        ServerConfig { log: LogTo::Memory(64 << 20), ..ServerConfig::games(usize::MAX, subject.seed, SPEED) };
    let site = Site::start(config);
    if !stops {
        disk.plan(cuts);
    }
    let mut command = command(root, &["record", "--no-index", "--feed", &site.feed()]);
    let child = command.stdout(Stdio::null()).stderr(File::create(complaints).unwrap()).spawn().unwrap();
    if stops {
        // Opening the root takes up to a hundred; from then on each frame is one.
        until("frames are recorded", || disk.operations() > 150 + subject.seed % 200);
        disk.plan(cuts);
        let pid = rustix::process::Pid::from_raw(i32::try_from(child.id()).unwrap()).unwrap();
        rustix::process::kill_process(pid, rustix::process::Signal::TERM).unwrap();
    }
    let done = ended(child, disk, complaints)?;
    if !stops && !disk.is_cut() {
        return Err(format!("the recorder ended by itself: {}", complaint(complaints)));
    }
    // Read when the server is gone: it logs a message after it has handed it over.
    let log = site.running().sent_log();
    drop(site);
    Ok(Outcome { done, sent: log.sent_to(1), ..Outcome::default() })
}

/// Proposes and decides through a server that was started before, as an agent that relays a person's words.
fn decide(root: &Path, disk: &Disk, cuts: &[u64], subject: &Subject) -> Result<Outcome, String> {
    let mut wire = Wire::of(replayer().args(["serve", "--no-index", "--data"]).arg(root));
    wire.initialize();
    disk.plan(cuts);
    let mut outcome = Outcome::default();
    let proposal = json!({"action": "propose", "subject": SUBJECT, "statement": subject.mark});
    let Some(proposed) = asked(&mut wire, disk, proposal)? else { return Ok(outcome) };
    outcome.is_proposed = true;
    let id = &proposed["proposal"]["proposal_id"];
    let decision = json!({"action": "decide", "proposal_id": id, "accept": true, "human_quote": "yes, it is so"});
    let Some(decided) = asked(&mut wire, disk, decision)? else { return Ok(outcome) };
    outcome.mark_id = decided["decision"]["mark_id"].as_str().map(str::to_owned);
    outcome.done = outcome.mark_id.is_some();
    Ok(outcome)
}

/// What the tool answers; `None` when the power went before it did, or made it fail.
fn asked(wire: &mut Wire, disk: &Disk, arguments: Value) -> Result<Option<Value>, String> {
    let id = wire.request("tools/call", json!({"name": "verify", "arguments": arguments}));
    let began = Instant::now();
    while began.elapsed() < TIMEOUT {
        match wire.message(Duration::from_millis(20)) {
            Some(message) if message["id"] == json!(id) => {
                let result = &message["result"];
                return match (result["isError"] == json!(false), disk.is_cut()) {
                    (true, _) => Ok(Some(result["structuredContent"].clone())),
                    (false, true) => Ok(None),
                    (false, false) => Err(format!("it failed without a power cut: {message}")),
                };
            }
            Some(_) => {}
            None if disk.is_cut() => return Ok(None),
            None => {}
        }
    }
    Err("it does not answer".to_owned())
}

/// Waits until the command has ended or the power is gone; then it is killed. Whether it said that it worked; one that
/// failed although nothing was wrong is an error.
fn ended(mut child: Child, disk: &Disk, log: &Path) -> Result<bool, String> {
    let began = Instant::now();
    loop {
        if let Some(status) = child.try_wait().unwrap() {
            return match (status.success(), disk.is_cut()) {
                (false, false) => Err(format!("it failed without a power cut: {}", complaint(log))),
                (done, _) => Ok(done),
            };
        }
        if disk.wait_for_cut(Duration::from_millis(5)) {
            let _ = child.kill();
            // It may have ended just before.
            return Ok(child.wait().unwrap().success());
        }
        if began.elapsed() > TIMEOUT {
            let _ = child.kill();
            let _ = child.wait();
            return Err("it does not end".to_owned());
        }
    }
}

fn complaint(log: &Path) -> String {
    let text = String::from_utf8_lossy(&fs::read(log).unwrap_or_default()).into_owned();
    text.chars().rev().take(800).collect::<Vec<char>>().into_iter().rev().collect()
}

/// A recording as an older program wrote it, all of one game of December 2025; gives the number of its lines.
pub fn write_recording(path: &Path, mark: &str, random: &mut Random) -> usize {
    let count = 20 + random.place(100);
    let mut text = String::new();
    for line in 0..count {
        let filling = "x".repeat(random.place(400));
        text.push_str(&format!(
            "{{\"seq\": {line}, \"ts\": \"2025-12-12T17:00:{:02}\", \"event\": \"gameStateUpdate\", \"data\": \
             {{\"gameId\":\"20251212-old\",\"active\":true,\"rugged\":false,\"price\":1.5,\"tickCount\":{line},\
             \"mark\":\"{mark}/{line}\",\"filling\":\"{filling}\"}}}}\n",
            line % 60,
        ));
    }
    fs::write(path, text).unwrap();
    count
}

/// A part of the older store, and the number of its rows: no metadata of ours, a session of its own.
pub fn old_part(mark: &str, random: &mut Random) -> (Vec<u8>, usize) {
    let count = 2 + random.place(30);
    let text = |make: &dyn Fn(usize) -> String| -> ArrayRef {
        Arc::new(StringArray::from((0..count).map(make).collect::<Vec<String>>()))
    };
    let times = (0..count).map(|row| 1_766_188_800_000 + 250 * row as i64).collect::<Vec<i64>>();
    let columns: Vec<(&str, ArrayRef)> = vec![
        ("ts", Arc::new(TimestampMillisecondArray::from(times))),
        ("source", text(&|_| "public_ws".to_owned())),
        ("doc_type", text(&|_| "ws_event".to_owned())),
        ("session_id", text(&|_| format!("session-{mark}"))),
        ("seq", Arc::new(Int64Array::from((1..=count as i64).collect::<Vec<i64>>()))),
        ("direction", text(&|_| "received".to_owned())),
        ("raw_json", text(&|row| format!("{{\"price\": 1.5, \"mark\": \"{mark}/{row}\"}}"))),
        ("game_id", text(&|_| "20251220-old".to_owned())),
        ("event_name", text(&|_| "gameStateUpdate".to_owned())),
    ];
    let batch = RecordBatch::try_from_iter(columns).unwrap();
    let mut bytes = Vec::new();
    let mut writer = ArrowWriter::try_new(&mut bytes, batch.schema(), None).unwrap();
    writer.write(&batch).unwrap();
    writer.close().unwrap();
    (bytes, count)
}

/// The mark of the lines of one file.
pub fn mark_of(number: u64) -> String {
    format!("{MARK}{number}")
}
