//! A hash-chained, append-only file of JSON lines: what was written cannot be changed or taken out unnoticed.
//!
//! Each line carries its number, the hash of the line before it and its own:
//!
//! ```text
//! {"n":2,"prev":"<hash of line 1>","hash":"<hash of this line>","entry":{…}}
//! ```
//!
//! A hash is SHA-256 over number, previous hash and the entry's exact bytes. A line has one form only, so a changed byte
//! anywhere is found in the line where it stands; and a line with a new hash of its own breaks the chain at the next one.
//!
//! * Appending ([`Chain::lock`], [`Held::append`]) happens under an OS file lock, so any number of processes can: lines
//!   never mix, and none is lost. When it returns, the lines are durable. If it fails, nothing was added.
//! * A crash can leave a last line without its end. The next appender cuts it off and says so ([`Torn`]): whoever wrote it
//!   was never told that it was written.
//! * Reading needs no lock.

mod line;
#[cfg(test)]
mod tests;

use std::io::{self, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

pub use line::Line;

use super::StoreError;
use super::fsio::{self, File};

/// The hash before the first line.
pub const GENESIS: &str = "0000000000000000000000000000000000000000000000000000000000000000";

/// How far a reader has come: the end of a line, and that line's hash.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Tip {
    /// Number of the last line; 0 before the first.
    pub lines: u64,
    /// Its hash.
    pub hash: String,
    /// Where it ends, bytes from the beginning of the file.
    pub bytes: u64,
}

impl Default for Tip {
    fn default() -> Tip {
        Tip { lines: 0, hash: GENESIS.to_owned(), bytes: 0 }
    }
}

/// Where a chain does not hold.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, thiserror::Error)]
#[error("line {line}: {reason}; expected {expected}, found {actual}")]
pub struct Break {
    /// The line, from 1.
    pub line: u64,
    /// What is wrong there.
    pub reason: String,
    /// What should stand there.
    pub expected: String,
    /// What does.
    pub actual: String,
}

/// A last line that a crash left without its end, cut off.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Torn {
    /// The line that it would have been.
    pub line: u64,
    /// Bytes cut off.
    pub bytes: u64,
    /// SHA-256 of what was cut off, hex.
    pub sha256: String,
}

/// What reading found.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Contents {
    /// The lines that hold, in order.
    pub lines: Vec<Line>,
    /// The end of the last line that holds.
    pub tip: Tip,
    /// The first line that does not, if any; what stands behind it is not read.
    pub broken: Option<Break>,
    /// A last line without its end: a crash, or somebody who is writing right now.
    pub torn: Option<Torn>,
}

/// A chained file.
#[derive(Debug, Clone)]
pub struct Chain {
    path: PathBuf,
    lock: PathBuf,
}

impl Chain {
    /// The chain at `path`; its appenders meet at the file `lock`.
    pub fn new(path: impl Into<PathBuf>, lock: impl Into<PathBuf>) -> Chain {
        Chain { path: path.into(), lock: lock.into() }
    }

    /// The file.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Bytes it has now; 0 where it is not there yet.
    pub fn length(&self) -> u64 {
        fsio::metadata(&self.path).map_or(0, |meta| meta.len())
    }

    /// Reads what stands behind `from` and checks it.
    ///
    /// # Errors
    /// When the file cannot be read. A chain that does not hold is no error here: see [`Contents::broken`].
    pub fn read(&self, from: &Tip) -> Result<Contents, StoreError> {
        let file = match File::open(&self.path) {
            Ok(file) => file,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
                return Ok(check(from, 0, &[]));
            }
            Err(error) => return Err(StoreError::io("read", &self.path)(error)),
        };
        self.read_file(&file, from)
    }

    fn read_file(&self, file: &File, from: &Tip) -> Result<Contents, StoreError> {
        let mut bytes = Vec::new();
        let length = file.metadata().map_err(StoreError::io("read", &self.path))?.len();
        file.read_at(from.bytes.min(length), u64::MAX, &mut bytes).map_err(StoreError::io("read", &self.path))?;
        Ok(check(from, length, &bytes))
    }

    /// Waits for the right to append. Other appenders, of any process, wait meanwhile.
    ///
    /// # Errors
    /// When the files cannot be opened or locked, a read-only root for example.
    pub fn lock(&self) -> Result<Held<'_>, StoreError> {
        let lock = File::open_or_create(&self.lock).map_err(StoreError::io("open", &self.lock))?;
        lock.lock().map_err(StoreError::io("lock", &self.lock))?;
        let is_new = !fsio::exists(&self.path).map_err(StoreError::io("open", &self.path))?;
        let file = File::open_or_create(&self.path).map_err(StoreError::io("open", &self.path))?;
        if is_new && let Some(folder) = self.path.parent() {
            fsio::sync_folder(folder)?;
        }
        Ok(Held { chain: self, file, _lock: lock })
    }
}

/// The right to append, until dropped.
#[derive(Debug)]
pub struct Held<'a> {
    chain: &'a Chain,
    file: File,
    _lock: File,
}

impl Held<'_> {
    /// Reads what stands behind `from`; nobody else is writing, so a line without its end was left by a crash. It is cut
    /// off here, and [`Contents::torn`] tells what it was.
    ///
    /// # Errors
    /// When the file cannot be read or cut.
    pub fn read(&mut self, from: &Tip) -> Result<Contents, StoreError> {
        let contents = self.chain.read_file(&self.file, from)?;
        if contents.torn.is_some() && contents.broken.is_none() {
            let cut = self.file.set_len(contents.tip.bytes).and_then(|()| self.file.sync_all());
            cut.map_err(StoreError::io("cut the torn end of", &self.chain.path))?;
        }
        Ok(contents)
    }

    /// Appends entries, each a JSON value without line breaks, behind `tip`, which must be the end of the file. When this
    /// returns they are durable.
    ///
    /// # Errors
    /// When the disk does not take them; the file then is as it was.
    pub fn append(&mut self, tip: &Tip, entries: &[String]) -> Result<Vec<Line>, StoreError> {
        let mut lines = Vec::with_capacity(entries.len());
        let (mut number, mut previous) = (tip.lines, tip.hash.clone());
        let mut text = String::new();
        for entry in entries {
            number += 1;
            let line = Line::new(number, &previous, entry);
            text.push_str(&line.text());
            text.push('\n');
            previous.clone_from(&line.hash);
            lines.push(line);
        }
        let failed = StoreError::io("append to", &self.chain.path);
        if let Err(error) = self.cut(tip).and_then(|()| self.write(tip, text.as_bytes())) {
            let _ = self.file.set_len(tip.bytes);
            return Err(failed(error));
        }
        Ok(lines)
    }

    /// Cuts off what an append that failed left behind the tip, where the disk refused to cut it then: what is written over
    /// it may be shorter.
    fn cut(&self, tip: &Tip) -> io::Result<()> {
        if self.file.metadata()?.len() > tip.bytes { self.file.set_len(tip.bytes) } else { Ok(()) }
    }

    fn write(&mut self, tip: &Tip, bytes: &[u8]) -> io::Result<()> {
        self.file.seek(SeekFrom::Start(tip.bytes))?;
        self.file.write_all(bytes)?;
        self.file.sync_data()
    }
}

/// Checks the bytes behind `from` of a file of `length` bytes.
fn check(from: &Tip, length: u64, bytes: &[u8]) -> Contents {
    let mut contents = Contents { tip: from.clone(), ..Contents::default() };
    if length < from.bytes {
        contents.broken = Some(Break {
            line: from.lines,
            reason: "the file is shorter than it was: lines were taken off its end".into(),
            expected: format!("{} bytes or more", from.bytes),
            actual: format!("{length} bytes"),
        });
        return contents;
    }
    let mut rest = bytes;
    while !rest.is_empty() {
        let number = contents.tip.lines + 1;
        let torn = |rest: &[u8]| Torn {
            line: number,
            bytes: rest.len() as u64,
            sha256: format!("{:x}", Sha256::digest(rest)),
        };
        let Some(end) = memchr::memchr(b'\n', rest) else {
            contents.torn = Some(torn(rest));
            return contents;
        };
        let (text, after) = rest.split_at(end);
        let after = after.get(1..).unwrap_or_default();
        match Line::read(text, number, &contents.tip.hash) {
            Ok(line) => {
                contents.tip =
                    Tip { lines: number, hash: line.hash.clone(), bytes: contents.tip.bytes + end as u64 + 1 };
                contents.lines.push(line);
            }
            // A power cut can leave pages of zeros where the last line was being written.
            Err(_) if after.is_empty() && text.contains(&0) => {
                contents.torn = Some(torn(rest));
                return contents;
            }
            Err(broken) => {
                contents.broken = Some(broken);
                return contents;
            }
        }
        rest = after;
    }
    contents
}
