//! How much of a file that is still being written is whole.

use std::fs::{File, Metadata};
use std::io::{self, Read, Seek, SeekFrom};
use std::time::{Duration, SystemTime};

/// A file that was not written to for this long is taken as it is: its last line, too, if that has no ending.
pub const QUIET: Duration = Duration::from_secs(60);

/// What is said of a document that is still being written.
pub const NOT_YET: &str =
    "no file of lines, and still being written: taken in when it has not changed for a minute";

/// What is said of a file whose zone is open.
pub const NO_ZONE_YET: &str = "its times have no zone, and no packet in it has shown the server's clock so far: taken in \
                               when one has, or when it has not changed for a minute; --zone ends the waiting";

/// How much is looked at at once, from the end, bytes.
const PIECE: u64 = 1 << 16;

/// Whether a file was not written to for [`QUIET`].
pub fn is_quiet(metadata: &Metadata) -> bool {
    let modified = metadata.modified().unwrap_or(SystemTime::UNIX_EPOCH);
    // A time in the future is a wrong clock's: nothing follows from it.
    SystemTime::now().duration_since(modified).is_ok_and(|age| age >= QUIET)
}

/// The length of the lines at the beginning of a file that have an ending, bytes; of the first `length` bytes only.
///
/// # Errors
/// Those of the file.
pub fn whole_lines(file: &mut File, length: u64) -> io::Result<u64> {
    let mut end = length;
    let mut piece = Vec::new();
    while end > 0 {
        let start = end.saturating_sub(PIECE);
        file.seek(SeekFrom::Start(start))?;
        piece.clear();
        file.by_ref().take(end - start).read_to_end(&mut piece)?;
        if let Some(at) = memchr::memrchr(b'\n', &piece) {
            return Ok(start + at as u64 + 1);
        }
        end = start;
    }
    Ok(0)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    fn whole(content: &[u8]) -> u64 {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a");
        std::fs::write(&path, content).unwrap();
        whole_lines(&mut File::open(&path).unwrap(), content.len() as u64).unwrap()
    }

    #[test]
    fn a_line_without_its_ending_is_not_whole() {
        assert_eq!((whole(b""), whole(b"abc"), whole(b"a\nbc"), whole(b"a\nbc\n")), (0, 0, 2, 5));
        let long = [b"a\n".as_slice(), &vec![b'x'; 300_000]].concat();
        assert_eq!(whole(&long), 2);
    }
}
