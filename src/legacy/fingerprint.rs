//! Whether a file, or its beginning, was imported before: SHA-256 of the whole and of every beginning whose
//! length an earlier import had.

use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::io::{self, Read};

use sha2::{Digest, Sha256};

/// The digest of a file's first bytes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Beginning {
    /// How many bytes.
    pub bytes: u64,
    /// Their SHA-256, lower-case hexadecimal.
    pub sha256: String,
    /// Line endings in them.
    pub newlines: u64,
    /// Where the last line in them begins that has no ending there; equals `bytes` when they end at a line's
    /// end.
    pub open_line: u64,
    /// Length of the line ending that follows them directly: 0, 1 or (CRLF) 2.
    pub ending_after: u64,
}

/// Digests of a file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fingerprint {
    /// Bytes read.
    pub bytes: u64,
    /// SHA-256 of all of them, lower-case hexadecimal.
    pub sha256: String,
    /// The beginnings that were asked for and are shorter than the file, by length.
    pub beginnings: Vec<Beginning>,
}

/// Reads all of `input` and digests it, and its beginnings of the given lengths.
///
/// # Errors
/// Those of the reader.
pub fn of(mut input: impl Read, lengths: &BTreeSet<u64>) -> io::Result<Fingerprint> {
    let mut hasher = Sha256::new();
    let mut buffer = vec![0; 1 << 18];
    let (mut bytes, mut newlines, mut open_line) = (0_u64, 0_u64, 0_u64);
    let mut beginnings: Vec<Beginning> = Vec::new();
    let mut waiting = lengths.iter().copied().filter(|length| *length > 0).peekable();
    loop {
        let read = match input.read(&mut buffer) {
            Ok(0) => break,
            Ok(read) => read,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
            Err(error) => return Err(error),
        };
        let mut chunk = buffer.get(..read).unwrap_or_default();
        // Cuts the chunk at every length asked for, so that the state there is exact.
        while !chunk.is_empty() {
            let next = waiting.peek().copied();
            let until = next.map_or(chunk.len() as u64, |length| (length - bytes).min(chunk.len() as u64));
            let (piece, rest) =
                chunk.split_at_checked(usize::try_from(until).unwrap_or(usize::MAX)).unwrap_or((chunk, &[]));
            note_ending(&mut beginnings, bytes, piece);
            hasher.update(piece);
            newlines += memchr::memchr_iter(b'\n', piece).count() as u64;
            if let Some(at) = memchr::memrchr(b'\n', piece) {
                open_line = bytes + at as u64 + 1;
            }
            bytes += piece.len() as u64;
            chunk = rest;
            if next == Some(bytes) {
                waiting.next();
                let sha256 = hex(hasher.clone().finalize().as_slice());
                beginnings.push(Beginning { bytes, sha256, newlines, open_line, ending_after: 0 });
            }
        }
    }
    // A beginning as long as the file is the file.
    beginnings.retain(|beginning| beginning.bytes < bytes);
    Ok(Fingerprint { bytes, sha256: hex(hasher.finalize().as_slice()), beginnings })
}

/// Tells the beginnings that end at `at` or one byte before it whether a line ending follows them.
fn note_ending(beginnings: &mut [Beginning], at: u64, piece: &[u8]) {
    for beginning in beginnings.iter_mut().rev().take_while(|beginning| beginning.bytes + 1 >= at) {
        let first = piece.first().copied();
        if beginning.bytes == at {
            beginning.ending_after = match (first, piece.get(1)) {
                (Some(b'\n'), _) => 1,
                (Some(b'\r'), Some(b'\n')) => 2,
                _ => 0,
            };
        }
    }
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::with_capacity(2 * bytes.len()), |mut text, byte| {
        let _ = write!(text, "{byte:02x}");
        text
    })
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::indexing_slicing)]
    use super::*;

    fn at(text: &str, length: u64) -> Beginning {
        of(text.as_bytes(), &BTreeSet::from([length])).unwrap().beginnings[0].clone()
    }

    #[test]
    fn the_beginning_has_the_digest_it_had_as_a_file() {
        let whole = of(&b"one\n"[..], &BTreeSet::new()).unwrap();
        assert_eq!(at("one\ntwo\n", 4).sha256, whole.sha256);
        assert_eq!(whole.sha256, "2c8b08da5ce60398e1f19af0e5dccc744df274b826abe585eaba68c525434806");
    }

    #[test]
    fn a_beginning_that_ends_a_line_leaves_no_line_open() {
        let beginning = at("one\ntwo\n", 4);
        assert_eq!((beginning.newlines, beginning.open_line), (1, 4));
    }

    #[test]
    fn a_cut_line_is_open_from_its_first_byte() {
        let beginning = at("one\ntwo\n", 6);
        assert_eq!((beginning.newlines, beginning.open_line, beginning.ending_after), (1, 4, 0));
    }

    #[test]
    fn a_last_line_that_only_lacked_its_ending_is_seen_to_get_it() {
        assert_eq!(at("one\ntwo\n", 7).ending_after, 1);
        assert_eq!(at("one\ntwo\r\n", 7).ending_after, 2);
    }

    #[test]
    fn many_lengths_and_none_beyond_the_file() {
        let lengths = BTreeSet::from([1, 2, 3, 7, 8, 9]);
        let found = of(&b"one\ntwo\n"[..], &lengths).unwrap().beginnings;
        assert_eq!(found.iter().map(|beginning| beginning.bytes).collect::<Vec<_>>(), [1, 2, 3, 7]);
    }
}
