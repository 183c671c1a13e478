//! Lines of a file with their places, in bounded memory.
//!
//! A line ends at `\n`; a `\r` before it belongs to the ending. Nothing else is interpreted: lines may be
//! blank, broken, not UTF-8, or unfinished at the end of the file.

use std::io::{self, BufRead};

/// The longest line that is read whole, bytes. A real capture's largest packet is below 1 MiB; this bounds
/// what a file that is no capture at all can cost.
pub const MAX_LINE: usize = 64 << 20;

/// How much of a longer line is kept, bytes.
pub const KEPT_OF_TOO_LONG: usize = 1 << 20;

/// One line.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Line<'b> {
    /// From 1.
    pub number: u64,
    /// Where the line begins in the file, bytes.
    pub offset: u64,
    /// The line without its ending; of a line over [`MAX_LINE`] only the beginning.
    pub bytes: &'b [u8],
    /// The line's length in the file, without its ending.
    pub length: u64,
    /// Whether a line ending follows; only the last line of a file may lack it.
    pub ended: bool,
}

impl Line<'_> {
    /// Whether the line was longer than [`MAX_LINE`], so that [`Line::bytes`] is only its beginning.
    pub fn is_too_long(&self) -> bool {
        self.length > self.bytes.len() as u64
    }
}

/// Reads lines one after the other; holds one line at a time.
#[derive(Debug)]
pub struct LineReader<R> {
    input: R,
    buffer: Vec<u8>,
    number: u64,
    offset: u64,
}

impl<R: BufRead> LineReader<R> {
    /// Reads from the beginning of a file. A UTF-8 byte order mark there is skipped.
    pub fn new(input: R) -> LineReader<R> {
        LineReader::starting_at(input, 0, 0)
    }

    /// Reads from the middle of a file: `input` stands at byte `offset`, before which lie `lines` lines.
    pub fn starting_at(input: R, offset: u64, lines: u64) -> LineReader<R> {
        LineReader { input, buffer: Vec::new(), number: lines, offset }
    }

    /// Where the next line begins, bytes; at the end, the length of the file.
    pub fn offset(&self) -> u64 {
        self.offset
    }

    /// The next line, or `None` at the end of the file.
    ///
    /// # Errors
    /// Those of the reader.
    pub fn next_line(&mut self) -> io::Result<Option<Line<'_>>> {
        self.buffer.clear();
        let mut length: u64 = 0;
        let mut ended = false;
        while !ended {
            let available = match self.input.fill_buf() {
                Ok(bytes) => bytes,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
                Err(error) => return Err(error),
            };
            if available.is_empty() {
                break;
            }
            let end = memchr::memchr(b'\n', available);
            let taken = available.get(..end.unwrap_or(available.len())).unwrap_or(available);
            if length + taken.len() as u64 <= MAX_LINE as u64 {
                self.buffer.extend_from_slice(taken);
            } else if self.buffer.len() < KEPT_OF_TOO_LONG {
                let room = KEPT_OF_TOO_LONG - self.buffer.len();
                self.buffer.extend_from_slice(taken.get(..room.min(taken.len())).unwrap_or(taken));
            }
            length += taken.len() as u64;
            ended = end.is_some();
            let consumed = taken.len() + usize::from(ended);
            self.input.consume(consumed);
        }
        if length == 0 && !ended {
            return Ok(None);
        }
        let mut start = self.offset;
        self.offset += length + u64::from(ended);
        self.number += 1;
        if length > MAX_LINE as u64 {
            self.buffer.truncate(KEPT_OF_TOO_LONG);
            self.buffer.shrink_to(KEPT_OF_TOO_LONG);
        } else if ended && self.buffer.last() == Some(&b'\r') {
            self.buffer.pop();
            length -= 1;
        }
        let mut bytes = self.buffer.as_slice();
        if start == 0
            && let Some(rest) = bytes.strip_prefix(b"\xEF\xBB\xBF")
        {
            bytes = rest;
            start += 3;
            length -= 3;
        }
        Ok(Some(Line { number: self.number, offset: start, bytes, length, ended }))
    }
}

#[cfg(test)]
mod tests;
