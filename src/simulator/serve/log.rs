//! What passed the connections: every WebSocket message that the kernel took from us, and every one that was read.
//!
//! Taken from the bytes themselves, below Engine.IO: a message that was queued when its connection broke is not in
//! the log, one that is in the log was handed over to the last byte. (A reset may still lose the end of it.)

use std::collections::VecDeque;
use std::fs::File;
use std::io::{self, BufWriter, Write};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use serde::Serialize;
use sha2::{Digest, Sha256};

use super::LogTo;
use super::wire::Passed;

/// Which way a message went, seen from the server.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum LogDirection {
    /// To the client.
    Sent,
    /// From the client.
    Received,
}

/// What a message was.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Message {
    /// A text, whole.
    Text(String),
    /// Only the digest of a text: SHA-256 in hex.
    Sha256(String),
    /// A binary message of this many bytes.
    BinaryBytes(usize),
    /// The WebSocket is being closed with this code.
    Close(Option<u16>),
}

/// One WebSocket message.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct LogEntry {
    /// Number of the connection, from 1, in the order of accepting.
    pub socket: u64,
    /// Number within the connection, from 1, both directions counted together.
    pub n: u64,
    /// When it passed, µs since 1970 UTC, real time.
    pub at_us: i64,
    /// Which way.
    pub direction: LogDirection,
    /// What: `"text": …`, `"sha256": …`, `"binary_bytes": …` or `"close": …`.
    #[serde(flatten)]
    pub message: Message,
}

impl LogEntry {
    /// The text, if the message was one and is kept whole.
    pub fn text(&self) -> Option<&str> {
        match &self.message {
            Message::Text(text) => Some(text),
            _ => None,
        }
    }
}

/// The log of a server; clones show the same log.
#[derive(Debug, Clone)]
pub struct SentLog {
    kept: Arc<Mutex<Kept>>,
}

#[derive(Debug)]
struct Kept {
    to: LogTo,
    file: Option<BufWriter<File>>,
    entries: VecDeque<LogEntry>,
    bytes: usize,
    dropped: u64,
    counts: std::collections::HashMap<u64, u64>,
    failed: Option<String>,
}

impl SentLog {
    /// An empty log.
    ///
    /// # Errors
    /// When the file exists or cannot be made.
    pub fn new(to: LogTo) -> io::Result<Self> {
        let file = match &to {
            LogTo::File(path) => Some(BufWriter::new(File::create_new(path)?)),
            _ => None,
        };
        let (entries, counts) = Default::default();
        let kept = Kept { to, file, entries, bytes: 0, dropped: 0, counts, failed: None };
        Ok(Self { kept: Arc::new(Mutex::new(kept)) })
    }

    fn lock(&self) -> MutexGuard<'_, Kept> {
        self.kept.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Whether anything is logged at all.
    pub fn is_on(&self) -> bool {
        self.lock().to != LogTo::Nowhere
    }

    /// The entries in memory, in the order of passing.
    pub fn entries(&self) -> Vec<LogEntry> {
        self.lock().entries.iter().cloned().collect()
    }

    /// The texts that were sent to one connection, in order, heartbeats included.
    pub fn sent_to(&self, socket: u64) -> Vec<String> {
        let kept = self.lock();
        let sent =
            kept.entries.iter().filter(|entry| entry.socket == socket && entry.direction == LogDirection::Sent);
        sent.filter_map(|entry| entry.text().map(str::to_owned)).collect()
    }

    /// The numbers of all connections that had a message.
    pub fn sockets(&self) -> Vec<u64> {
        let mut sockets: Vec<u64> = self.lock().counts.keys().copied().collect();
        sockets.sort_unstable();
        sockets
    }

    /// Entries that were forgotten because the bound was reached. A test has to see 0.
    pub fn dropped(&self) -> u64 {
        self.lock().dropped
    }

    /// Why the file could not be written, if so.
    pub fn failure(&self) -> Option<String> {
        self.lock().failed.clone()
    }

    /// Writes what is buffered to the file.
    pub fn flush(&self) {
        let mut kept = self.lock();
        let Some(Err(error)) = kept.file.as_mut().map(Write::flush) else { return };
        kept.failed = Some(error.to_string());
    }

    /// Takes a message in.
    pub(super) fn add(&self, socket: u64, direction: LogDirection, passed: Passed) {
        let at_us = jiff::Timestamp::now().as_microsecond();
        let mut kept = self.lock();
        let message = match passed {
            Passed::Text(text) if kept.to == LogTo::Digests => Message::Sha256(hex(&Sha256::digest(text))),
            Passed::Text(text) => Message::Text(text),
            Passed::Binary(bytes) => Message::BinaryBytes(bytes),
            Passed::Close(code) => Message::Close(code),
        };
        let count = kept.counts.entry(socket).or_insert(0);
        *count += 1;
        let n = *count;
        kept.keep(LogEntry { socket, n, at_us, direction, message });
    }
}

impl Kept {
    fn keep(&mut self, entry: LogEntry) {
        match self.to {
            LogTo::Nowhere => {}
            LogTo::File(_) => {
                let Some(file) = self.file.as_mut() else { return };
                let written = serde_json::to_writer(&mut *file, &entry).map_err(io::Error::from);
                if let Err(error) = written.and_then(|()| file.write_all(b"\n")) {
                    self.failed = Some(error.to_string());
                }
            }
            LogTo::Digests => self.entries.push_back(entry),
            LogTo::Memory(most) => {
                self.bytes += size(&entry);
                self.entries.push_back(entry);
                while self.bytes > most
                    && let Some(oldest) = self.entries.pop_front()
                {
                    self.bytes -= size(&oldest);
                    self.dropped += 1;
                }
            }
        }
    }
}

/// What an entry takes in memory, about.
fn size(entry: &LogEntry) -> usize {
    entry.text().map_or(0, str::len) + size_of::<LogEntry>()
}

fn hex(bytes: &[u8]) -> String {
    use std::fmt::Write as _;
    bytes.iter().fold(String::with_capacity(64), |mut text, byte| {
        let _ = write!(text, "{byte:02x}");
        text
    })
}
