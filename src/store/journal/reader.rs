//! Reading a segment: by its writer after a crash, and by followers while it is still being written.

use std::path::{Path, PathBuf};

use super::SegmentHead;
use super::codec::{LONGEST, MAGIC, PREFIX, Piece, decode, piece};
use crate::StoreError;
use crate::fsio::File;
use crate::record::Record;

/// A place where a segment could not be read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Damage {
    /// Where it begins, bytes from the start of the segment.
    pub offset: u64,
    /// How many bytes are affected.
    pub bytes: u64,
    /// Whether whole records follow it. If not, it is the torn tail of an interrupted write.
    pub resumed: bool,
    /// The first of these bytes, as far as they are text: what can still be seen of the lost record.
    pub text: String,
}

/// Reads a segment from the start, or from where the last look ended.
pub struct SegmentReader {
    path: PathBuf,
    file: File,
    head: Option<SegmentHead>,
    /// Where in the file `buffer` begins.
    base: u64,
    /// What was read and is not yet consumed from `at`.
    buffer: Vec<u8>,
    at: usize,
}

/// Bytes read at a time.
const CHUNK: usize = 1 << 20;

impl SegmentReader {
    /// Opens a segment.
    ///
    /// # Errors
    /// When the file cannot be opened.
    pub fn open(path: &Path) -> Result<SegmentReader, StoreError> {
        let file = File::open(path).map_err(StoreError::io("open", path))?;
        Ok(SegmentReader { path: path.to_owned(), file, head: None, base: 0, buffer: Vec::new(), at: 0 })
    }

    /// The segment's head; `None` while it is not written yet.
    ///
    /// # Errors
    /// When the file is no segment.
    pub fn head(&mut self) -> Result<Option<&SegmentHead>, StoreError> {
        if self.head.is_none() {
            self.fill(MAGIC.len() + PREFIX)?;
            let pending = self.pending();
            if !pending.starts_with(MAGIC.get(..pending.len().min(MAGIC.len())).unwrap_or_default()) {
                return Err(self.damaged("it does not begin as a journal segment"));
            }
            let Some(length) = pending.get(MAGIC.len()..MAGIC.len() + 4) else {
                return Ok(None);
            };
            let length = u32::from_le_bytes(length.try_into().unwrap_or_default()) as usize;
            self.fill(MAGIC.len() + PREFIX + length.min(LONGEST))?;
            let (head, used) = match piece(self.pending().get(MAGIC.len()..).unwrap_or_default()) {
                Piece::Incomplete => return Ok(None),
                Piece::Damaged => return Err(self.damaged("its head is damaged")),
                Piece::Body(body, used) => (serde_json::from_slice(body), used),
            };
            self.head = Some(head.map_err(|_| self.damaged("its head is damaged"))?);
            self.at += MAGIC.len() + used;
        }
        Ok(self.head.as_ref())
    }

    /// How far it has read, bytes from the start of the segment: the beginning of a record, or 0.
    pub fn position(&self) -> u64 {
        self.base + self.at as u64
    }

    /// Goes on at a position that another reader of the same segment had come to.
    ///
    /// # Errors
    /// When the segment's head cannot be read.
    pub fn go_to(&mut self, position: u64) -> Result<(), StoreError> {
        self.head()?;
        if position > self.position() {
            self.base = position;
            self.buffer.clear();
            self.at = 0;
        }
        Ok(())
    }

    /// Hands every whole record to `each`, and returns how many there were. What is not whole yet is left for
    /// the next call, so a follower calls this again when the file has grown. It is then read from the file again: half a
    /// record may have been cut off meanwhile because the disk was full, and another one written in its place.
    ///
    /// # Errors
    /// Those of reading and of `each`.
    pub fn read(&mut self, each: impl FnMut(&Record<'_>) -> Result<(), StoreError>) -> Result<u64, StoreError> {
        let count = self.read_on(each)?;
        self.buffer.truncate(self.at);
        Ok(count)
    }

    fn read_on(&mut self, mut each: impl FnMut(&Record<'_>) -> Result<(), StoreError>) -> Result<u64, StoreError> {
        if self.head()?.is_none() {
            return Ok(0);
        }
        let mut count = 0;
        loop {
            let (used, wanted) = match piece(self.pending()) {
                Piece::Body(body, used) => {
                    if let Some(record) = decode(body) {
                        each(&record)?;
                        count += 1;
                    }
                    (used, 0)
                }
                Piece::Incomplete => (0, self.wanted()),
                // For a follower the same as incomplete: the writer's last bytes may not be there yet.
                Piece::Damaged => return Ok(count),
            };
            self.at += used;
            if used == 0 && !self.fill(wanted)? {
                return Ok(count);
            }
        }
    }

    /// Reads to the end as recovery does: what is damaged is passed over and told, and whole records behind
    /// it are still found.
    ///
    /// # Errors
    /// Those of reading and of `each`.
    pub fn recover(
        &mut self,
        mut each: impl FnMut(&Record<'_>) -> Result<(), StoreError>,
    ) -> Result<Vec<Damage>, StoreError> {
        let mut damages = Vec::new();
        loop {
            self.read_on(&mut each)?;
            while self.fill(self.pending().len() + CHUNK)? {}
            let pending = self.pending();
            if pending.is_empty() {
                return Ok(damages);
            }
            let offset = self.base + self.at as u64;
            let next = (1..pending.len()).find(|from| is_record(pending.get(*from..).unwrap_or_default()));
            let bytes = next.unwrap_or(pending.len());
            let shown = pending.get(..bytes.min(4096)).unwrap_or_default();
            damages.push(Damage {
                offset,
                bytes: bytes as u64,
                resumed: next.is_some(),
                text: String::from_utf8_lossy(shown).into_owned(),
            });
            self.at += bytes;
            if next.is_none() {
                return Ok(damages);
            }
        }
    }

    fn pending(&self) -> &[u8] {
        self.buffer.get(self.at..).unwrap_or_default()
    }

    /// How many bytes the record at hand needs, as far as its prefix says.
    fn wanted(&self) -> usize {
        let length = self.pending().get(..4).and_then(|bytes| bytes.try_into().ok()).map_or(0, u32::from_le_bytes);
        PREFIX + (length as usize).min(LONGEST)
    }

    /// Reads on until `wanted` bytes are pending; `false` when nothing new was there.
    fn fill(&mut self, wanted: usize) -> Result<bool, StoreError> {
        let missing = wanted.saturating_sub(self.pending().len()).max(1);
        if self.at > 0 {
            self.buffer.drain(..self.at);
            self.base += self.at as u64;
            self.at = 0;
        }
        let position = self.base + self.buffer.len() as u64;
        let most = missing.max(CHUNK) as u64;
        let read =
            self.file.read_at(position, most, &mut self.buffer).map_err(StoreError::io("read", &self.path))?;
        Ok(read > 0)
    }

    fn damaged(&self, reason: &str) -> StoreError {
        StoreError::Manifest {
            path: self.path.clone(),
            reason: reason.to_owned(),
            advice: "It was left where it is; the other segments are unaffected",
        }
    }
}

fn is_record(bytes: &[u8]) -> bool {
    matches!(piece(bytes), Piece::Body(body, _) if decode(body).is_some())
}
