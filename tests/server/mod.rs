//! The MCP server from outside: the real binary, its pipes and its processes.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

mod answers;
mod cancelling;
mod damaged;
mod ending;
mod hostile_input;
mod listing;
mod starting;
mod stdout_is_json_rpc;
mod writes_stay_in_the_root;

use std::io::{BufRead, BufReader, Read, Write};
use std::path::Path;
use std::process::{Child, ChildStdin, Command, ExitStatus, Stdio};
use std::sync::mpsc::{Receiver, RecvTimeoutError, channel};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use replayer::store::Store;
use replayer::store::ids::SessionId;
use replayer::store::record::{Direction, Record, Source};
use replayer::store::recorder::{Recorder, RecorderOptions};
use replayer::store::root::DataRoot;
use serde_json::{Value, json};
use tempfile::TempDir;

use crate::common::waiting::{TIMEOUT, UnderWay, is_gone, processor_time, until};
use crate::common::{REPLAYER, replayer};

/// A query that runs for hours, if it is let.
const ENDLESS: &str = "SELECT sum(a.range * b.range % 7) FROM range(10000000) a, range(10000000) b";

/// The real binary with pipes on it, spoken to line by line.
pub struct Wire {
    child: Child,
    stdin: Option<ChildStdin>,
    stdout: Receiver<Vec<u8>>,
    stderr: Arc<Mutex<Vec<u8>>>,
    next_id: u64,
}

impl Wire {
    /// `replayer serve` on this root.
    pub fn start(root: &Path) -> Wire {
        Wire::of(replayer().args(["serve", "--data"]).arg(root))
    }

    pub fn of(command: &mut Command) -> Wire {
        // A test that wants to capture says so; none may meet the real feed.
        if command.get_envs().all(|(name, _)| name != "REPLAYER_CAPTURE") {
            command.env("REPLAYER_CAPTURE", "off");
        }
        let mut child =
            command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        let (lines, stdout) = channel();
        let mut out = BufReader::new(child.stdout.take().unwrap());
        std::thread::spawn(move || {
            loop {
                let mut line = Vec::new();
                if out.read_until(b'\n', &mut line).unwrap_or(0) == 0 || lines.send(line).is_err() {
                    return;
                }
            }
        });
        let stderr = Arc::new(Mutex::new(Vec::new()));
        let log = Arc::clone(&stderr);
        let mut err = child.stderr.take().unwrap();
        std::thread::spawn(move || {
            let mut piece = [0; 4096];
            while let Ok(count @ 1..) = err.read(&mut piece) {
                log.lock().unwrap().extend_from_slice(&piece[..count]);
            }
        });
        let stdin = child.stdin.take();
        Wire { child, stdin, stdout, stderr, next_id: 1 }
    }

    /// Started and past the handshake of the older era.
    pub fn opened(root: &Path) -> Wire {
        let mut wire = Wire::start(root);
        wire.initialize();
        wire
    }

    pub fn initialize(&mut self) -> Value {
        let answer = self.ask(
            "initialize",
            json!({"protocolVersion": "2025-11-25", "capabilities": {}, "clientInfo": {"name": "test", "version": "0"}}),
        );
        self.send(&json!({"jsonrpc": "2.0", "method": "notifications/initialized"}));
        answer
    }

    pub fn send(&mut self, message: &Value) {
        self.send_bytes(format!("{message}\n").as_bytes());
    }

    fn send_bytes(&mut self, bytes: &[u8]) {
        let stdin = self.stdin.as_mut().unwrap();
        stdin.write_all(bytes).unwrap();
        stdin.flush().unwrap();
    }

    /// Sends a request without waiting; gives its id.
    pub fn request(&mut self, method: &str, params: Value) -> u64 {
        let id = self.next_id;
        self.next_id += 1;
        self.send(&json!({"jsonrpc": "2.0", "id": id, "method": method, "params": params}));
        id
    }

    pub fn ask(&mut self, method: &str, params: Value) -> Value {
        let id = self.request(method, params);
        self.answer(id)
    }

    /// The answer to a request; others that come before it are dropped.
    pub fn answer(&mut self, id: u64) -> Value {
        loop {
            let message =
                self.message(TIMEOUT).unwrap_or_else(|| panic!("no answer to {id}; log:\n{}", self.log()));
            if message["id"] == json!(id) {
                return message;
            }
        }
    }

    /// The next line, which must be a JSON-RPC message; `None` at the end of the output or when none comes.
    pub fn message(&mut self, limit: Duration) -> Option<Value> {
        match self.stdout.recv_timeout(limit) {
            Ok(line) => Some(json_rpc(&line)),
            Err(RecvTimeoutError::Timeout | RecvTimeoutError::Disconnected) => None,
        }
    }

    /// A tool's structured result.
    pub fn call(&mut self, tool: &str, arguments: Value) -> Value {
        let answer = self.ask("tools/call", json!({"name": tool, "arguments": arguments}));
        let result = &answer["result"];
        assert_eq!(result["isError"], json!(false), "{answer}");
        let text: Value = serde_json::from_str(result["content"][0]["text"].as_str().unwrap()).unwrap();
        assert_eq!(text, result["structuredContent"], "text and data are the same");
        text
    }

    /// A failed tool's text.
    pub fn refused(&mut self, tool: &str, arguments: Value) -> String {
        let answer = self.ask("tools/call", json!({"name": tool, "arguments": arguments}));
        assert_eq!(answer["result"]["isError"], json!(true), "{answer}");
        answer["result"]["content"][0]["text"].as_str().unwrap().to_owned()
    }

    /// Sends an endless query and returns when a worker is at it; gives the request's id.
    #[cfg(target_os = "linux")]
    fn start_endless(&mut self) -> u64 {
        if self.children().is_empty() {
            self.call("query_sql", json!({"sql": "SELECT 1"}));
        }
        let under_way = UnderWay::watch(&self.children());
        let arguments = json!({"sql": ENDLESS, "timeout_s": 300});
        let id = self.request("tools/call", json!({"name": "query_sql", "arguments": arguments}));
        until("the query is under way", || under_way.is_so(&self.children()));
        id
    }

    /// Closes its input and gives everything that it still says.
    fn rest(&mut self) -> Vec<Value> {
        self.stdin = None;
        std::iter::from_fn(|| self.message(TIMEOUT)).collect()
    }

    /// Waits for the end of the process.
    fn ends(&mut self) -> ExitStatus {
        let mut status = None;
        until("the process ends", || {
            status = self.child.try_wait().unwrap();
            status.is_some()
        });
        status.unwrap()
    }

    fn log(&self) -> String {
        String::from_utf8_lossy(&self.stderr.lock().unwrap()).into_owned()
    }

    /// Process ids of its children: the SQL workers.
    fn children(&self) -> Vec<u32> {
        let pid = self.child.id();
        let tasks = std::fs::read_dir(format!("/proc/{pid}/task")).unwrap();
        tasks
            .flatten()
            .filter_map(|task| std::fs::read_to_string(task.path().join("children")).ok())
            .flat_map(|text| text.split_whitespace().filter_map(|pid| pid.parse().ok()).collect::<Vec<u32>>())
            .collect()
    }
}

impl Drop for Wire {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// A line of output, checked: one JSON-RPC message and nothing else.
fn json_rpc(line: &[u8]) -> Value {
    assert_eq!(line.last(), Some(&b'\n'), "unterminated: {}", String::from_utf8_lossy(line));
    let message: Value =
        serde_json::from_slice(line).unwrap_or_else(|error| panic!("{error}: {}", String::from_utf8_lossy(line)));
    assert_eq!(message["jsonrpc"], "2.0", "{message}");
    message
}

/// A root with three games, made by the real recorder: game-001 with ticks 0 to 9 (price 1 + 0.1 per tick) and two
/// trades of Alice, game-002 with 5 ticks and a trade of Bob, game-003 with 3 ticks and a trade of Alice; 22 frames.
fn three_games() -> (TempDir, SessionId) {
    let folder = tempfile::tempdir().unwrap();
    let root = DataRoot::create(folder.path()).unwrap();
    let store = Arc::new(Store::open(&root, "test").unwrap());
    let recorder = Recorder::start(Arc::clone(&store), RecorderOptions::new("test")).unwrap();
    let session = recorder.session_id();
    let mut ts = 1_770_000_000_000_000;
    let mut append = |frame: String| {
        ts += 250_000;
        recorder.append(&Record::frame(ts, Source::PublicWs, Direction::Received, &frame)).unwrap();
    };
    for (game, ticks, trades) in
        [("game-001", 10, &["Alice", "Alice"][..]), ("game-002", 5, &["Bob"][..]), ("game-003", 3, &["Alice"][..])]
    {
        for tick in 0..ticks {
            append(tick_frame(game, tick));
            if tick == 1 {
                for (number, who) in trades.iter().enumerate() {
                    append(trade_frame(game, number, who));
                }
            }
        }
    }
    recorder.close().unwrap();
    drop(recorder);
    (folder, session)
}

fn tick_frame(game: &str, tick: u32) -> String {
    let price = f64::from(10 + tick) / 10.0;
    format!(
        "42{}",
        json!(["gameStateUpdate", {"gameId": game, "active": true, "rugged": false, "tickCount": tick, "price": price,
            "cooldownTimer": 0, "allowPreRoundBuys": false, "tradeCount": 0}])
    )
}

fn trade_frame(game: &str, number: usize, who: &str) -> String {
    let side = if number == 0 { "buy" } else { "sell" };
    format!(
        "42{}",
        json!(["standard/newTrade", {"__trace": true, "traceparent": "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"},
            {"id": format!("{game}-{number}"), "gameId": game, "playerId": format!("did:{who}"), "username": who,
             "type": side, "qty": 0.5, "amount": 0.55, "price": 1.1, "tickIndex": 1, "coin": "solana", "level": 3}])
    )
}
