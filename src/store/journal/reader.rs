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
    /// The head, where it is damaged.
    lost_head: Option<Damage>,
    /// Where in the file `buffer` begins.
    base: u64,
    /// What was read and is not yet consumed from `at`.
    buffer: Vec<u8>,
    at: usize,
}

/// How a segment begins.
enum Beginning {
    /// With a whole head of so many bytes.
    Head(SegmentHead, usize),
    /// With less than one.
    OnItsWay,
    /// With something else.
    Damaged(&'static str),
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
        let path = path.to_owned();
        Ok(SegmentReader { path, file, head: None, lost_head: None, base: 0, buffer: Vec::new(), at: 0 })
    }

    /// The segment's head; `None` while it is not written yet. Where it is damaged and records are behind it, what they
    /// and the file's name say: only the orders that were open when the segment began are lost with it.
    ///
    /// # Errors
    /// When the file is no segment, and nothing of one is in it.
    pub fn head(&mut self) -> Result<Option<&SegmentHead>, StoreError> {
        if self.head.is_none() && !self.read_head()? {
            // As with a record: on its way, or damaged when a whole record is behind it.
            while self.fill(self.pending().len() + CHUNK)? {}
            if !self.read_head()? && !self.make_head()? {
                return match self.beginning()? {
                    Beginning::Damaged(reason) => Err(self.damaged(reason)),
                    _ => Ok(None),
                };
            }
        }
        Ok(self.head.as_ref())
    }

    /// Whether the head is there and whole.
    fn read_head(&mut self) -> Result<bool, StoreError> {
        let Beginning::Head(head, used) = self.beginning()? else { return Ok(false) };
        self.head = Some(head);
        self.at += used;
        Ok(true)
    }

    fn beginning(&mut self) -> Result<Beginning, StoreError> {
        self.fill(MAGIC.len() + PREFIX)?;
        let pending = self.pending();
        if !pending.starts_with(MAGIC.get(..pending.len().min(MAGIC.len())).unwrap_or_default()) {
            return Ok(Beginning::Damaged("it does not begin as a journal segment"));
        }
        let Some(length) = pending.get(MAGIC.len()..MAGIC.len() + 4) else {
            return Ok(Beginning::OnItsWay);
        };
        let length = u32::from_le_bytes(length.try_into().unwrap_or_default()) as usize;
        self.fill(MAGIC.len() + PREFIX + length.min(LONGEST))?;
        Ok(match piece(self.pending().get(MAGIC.len()..).unwrap_or_default()) {
            Piece::Incomplete => Beginning::OnItsWay,
            Piece::Damaged => Beginning::Damaged("its head is damaged"),
            Piece::Body(body, used) => match serde_json::from_slice(body) {
                Ok(head) => Beginning::Head(head, MAGIC.len() + used),
                Err(_) => Beginning::Damaged("its head is damaged"),
            },
        })
    }

    /// Makes the head from the first whole record at hand and the names of file and folder. Whether there is such a record.
    fn make_head(&mut self) -> Result<bool, StoreError> {
        let Some((bytes, length)) = self.next_record() else { return Ok(false) };
        let folder = self.path.parent().and_then(Path::file_name).and_then(|name| name.to_str());
        let name = self.path.file_stem().and_then(|name| name.to_str());
        let (Some(session_id), Some(number)) =
            (folder.and_then(|name| name.parse().ok()), name.and_then(|name| name.parse().ok()))
        else {
            return Ok(false);
        };
        if !self.is_in_file(bytes + length)? {
            return Ok(false);
        }
        let record = self.pending().get(bytes + PREFIX..bytes + length).and_then(decode);
        let Some(first) = record.map(|record| (record.seq, record.ts)) else { return Ok(false) };
        self.lost_head = Some(self.damage(bytes, true));
        self.head = Some(SegmentHead {
            session_id,
            number,
            first_seq: first.0,
            origin: "(lost)".to_owned(),
            started_us: first.1.unwrap_or(0),
            build: String::new(),
            requests: Default::default(),
        });
        self.at += bytes;
        Ok(true)
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
    /// What is damaged is passed over as soon as a whole record is behind it. Nothing else tells it from a record that is
    /// on its way: both may be too short for their length, or not fit their checksum. But the writer writes one record
    /// after the other, and cuts off what it could not write to its end before it writes the next one (or goes on in
    /// another segment), so what has a whole record behind it will not change any more. What has none behind it may, and
    /// keeps nobody from reading anything.
    ///
    /// # Errors
    /// Those of reading and of `each`.
    pub fn read(
        &mut self,
        mut each: impl FnMut(&Record<'_>) -> Result<(), StoreError>,
    ) -> Result<u64, StoreError> {
        if self.head()?.is_none() {
            self.buffer.clear();
            return Ok(0);
        }
        let mut count = self.read_on(&mut each)?;
        while !self.pending().is_empty() {
            let (bytes, next) = self.not_a_record()?;
            let Some(length) = next else { break };
            if !self.is_in_file(bytes + length)? {
                break;
            }
            self.at += bytes;
            count += self.read_on(&mut each)?;
        }
        self.base = self.position();
        self.buffer.clear();
        self.at = 0;
        // Behind a damaged place, all that follows was read at once.
        self.buffer.shrink_to(2 * CHUNK);
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
                // The same as incomplete at first: the writer's last bytes may not be there yet.
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
        self.head()?;
        let mut damages: Vec<Damage> = self.lost_head.take().into_iter().collect();
        loop {
            self.read_on(&mut each)?;
            let (bytes, next) = self.not_a_record()?;
            if self.pending().is_empty() {
                return Ok(damages);
            }
            if bytes == 0 {
                continue;
            }
            damages.push(self.damage(bytes, next.is_some()));
            self.at += bytes;
            if next.is_none() {
                return Ok(damages);
            }
        }
    }

    /// The next `bytes` as damage.
    fn damage(&self, bytes: usize, resumed: bool) -> Damage {
        let shown = self.pending().get(..bytes.min(4096)).unwrap_or_default();
        let text = String::from_utf8_lossy(shown).into_owned();
        Damage { offset: self.position(), bytes: bytes as u64, resumed, text }
    }

    /// How many bytes at hand are no record, and how long the whole record is that follows them; `None` when none does,
    /// up to the end of the file. The bytes are 0 where the record at hand was on its way and has arrived meanwhile.
    fn not_a_record(&mut self) -> Result<(usize, Option<usize>), StoreError> {
        while self.fill(self.pending().len() + CHUNK)? {}
        Ok(self.next_record().map_or((self.pending().len(), None), |(bytes, length)| (bytes, Some(length))))
    }

    /// Where the first whole record at hand begins, and how long it is.
    fn next_record(&self) -> Option<(usize, usize)> {
        let pending = self.pending();
        (0..pending.len()).find_map(|from| Some((from, record_length(pending.get(from..)?)?)))
    }

    /// Whether the file still holds the next `count` bytes as they were read. Where it does not, half a record was cut off
    /// between two reads, and what is at hand is the beginning of one record and the end of another.
    fn is_in_file(&self, count: usize) -> Result<bool, StoreError> {
        let mut again = Vec::new();
        let read = self.file.read_at(self.position(), count as u64, &mut again);
        read.map_err(StoreError::io("read", &self.path))?;
        Ok(self.pending().get(..count) == Some(again.as_slice()))
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

/// The length of the whole record that begins here, with its prefix; `None` where none does.
fn record_length(bytes: &[u8]) -> Option<usize> {
    match piece(bytes) {
        Piece::Body(body, used) => decode(body).map(|_| used),
        Piece::Incomplete | Piece::Damaged => None,
    }
}

#[cfg(test)]
mod tests;
