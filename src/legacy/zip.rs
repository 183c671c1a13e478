//! ZIP archives: the list of their members, and each member's bytes.
//!
//! The `zip` crate would turn on features of `crc32fast`, and with them all of Lance would be compiled again; the little
//! that is needed is here. Members are found by the directory at the archive's end, so that what stands before each of them
//! need not be trusted.

use std::fs::File;
use std::io::{self, BufReader, Read, Seek, SeekFrom};
use std::path::Path;

/// The most members that are looked at.
const MOST_MEMBERS: u64 = 100_000;
/// The longest directory, bytes.
const LONGEST_DIRECTORY: u64 = 64 << 20;

/// A member of an archive.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Member {
    /// Its name within the archive.
    pub name: String,
    /// Its length as it is packed, bytes.
    pub packed: u64,
    /// Its length, bytes.
    pub bytes: u64,
    method: u16,
    flags: u16,
    crc32: u32,
    header: u64,
}

impl Member {
    /// Whether it is a folder.
    pub fn is_folder(&self) -> bool {
        self.name.ends_with('/')
    }

    /// Why it cannot be read, where that is known beforehand.
    pub fn obstacle(&self) -> Option<&'static str> {
        if self.flags & 1 != 0 {
            return Some("it is encrypted. Unpack the archive with its password first: unzip FILE");
        }
        match self.method {
            0 | 8 => None,
            _ => Some("it is packed in a way that is not read here. Unpack the archive first: unzip FILE"),
        }
    }

    /// Its bytes, out of the archive; at their end, their checksum is compared.
    ///
    /// # Errors
    /// Those of the system, and what is damaged.
    pub fn open(&self, mut archive: File) -> io::Result<Box<dyn Read>> {
        archive.seek(SeekFrom::Start(self.header))?;
        let mut header = [0; 30];
        archive.read_exact(&mut header)?;
        if header.get(..4) != Some(b"PK\x03\x04") {
            return Err(damaged("a member is not where the directory says"));
        }
        let skip = u64::from(u16_at(&header, 26)) + u64::from(u16_at(&header, 28));
        archive.seek(SeekFrom::Start(self.header + 30 + skip))?;
        let packed = archive.take(self.packed);
        let reader: Box<dyn Read> = match self.method {
            0 => Box::new(packed),
            8 => Box::new(flate2::bufread::DeflateDecoder::new(BufReader::with_capacity(1 << 16, packed))),
            _ => return Err(damaged("a member is packed in an unknown way")),
        };
        Ok(Box::new(Checked { reader, crc: flate2::Crc::new(), expected: self.crc32, bytes: self.bytes, read: 0 }))
    }
}

/// The members of an archive, in the order of its directory.
///
/// # Errors
/// Those of the system; a directory that is damaged or not there.
pub fn members(path: &Path) -> io::Result<Vec<Member>> {
    let mut archive = File::open(path)?;
    let length = archive.metadata()?.len();
    let (count, size, offset) = directory(&mut archive, length)?;
    if count > MOST_MEMBERS || size > LONGEST_DIRECTORY || offset.checked_add(size).is_none_or(|end| end > length)
    {
        return Err(damaged("its directory cannot be right"));
    }
    archive.seek(SeekFrom::Start(offset))?;
    let mut bytes = vec![0; usize::try_from(size).unwrap_or(0)];
    archive.read_exact(&mut bytes)?;
    let mut members = Vec::new();
    let mut rest = bytes.as_slice();
    while members.len() < usize::try_from(count).unwrap_or(0) {
        let (member, after) = member(rest).ok_or_else(|| damaged("its directory is cut"))?;
        members.push(member);
        rest = after;
    }
    Ok(members)
}

/// Number of entries, length and place of the directory.
fn directory(archive: &mut File, length: u64) -> io::Result<(u64, u64, u64)> {
    let tail = length.min(22 + 65_536);
    archive.seek(SeekFrom::Start(length - tail))?;
    let mut bytes = Vec::new();
    archive.take(tail).read_to_end(&mut bytes)?;
    let at = memchr::memmem::rfind(&bytes, b"PK\x05\x06").ok_or_else(|| damaged("its end is missing"))?;
    let end = bytes.get(at..).filter(|end| end.len() >= 22).ok_or_else(|| damaged("its end is cut"))?;
    let short = (u64::from(u16_at(end, 10)), u64::from(u32_at(end, 12)), u64::from(u32_at(end, 16)));
    if short.0 != 0xFFFF && short.1 != 0xFFFF_FFFF && short.2 != 0xFFFF_FFFF {
        return Ok(short);
    }
    // ZIP64: a locator lies before the end, and says where the long record is.
    let locator =
        at.checked_sub(20).and_then(|at| bytes.get(at..)).filter(|locator| locator.starts_with(b"PK\x06\x07"));
    let Some(locator) = locator else { return Ok(short) };
    archive.seek(SeekFrom::Start(u64_at(locator, 8)))?;
    let mut long = [0; 56];
    archive.read_exact(&mut long)?;
    if !long.starts_with(b"PK\x06\x06") {
        return Err(damaged("its long directory record is not there"));
    }
    Ok((u64_at(&long, 32), u64_at(&long, 40), u64_at(&long, 48)))
}

/// The first entry of a directory, and what follows it.
fn member(bytes: &[u8]) -> Option<(Member, &[u8])> {
    if !bytes.starts_with(b"PK\x01\x02") || bytes.len() < 46 {
        return None;
    }
    let (name, extra, comment) =
        (usize::from(u16_at(bytes, 28)), usize::from(u16_at(bytes, 30)), usize::from(u16_at(bytes, 32)));
    let name_bytes = bytes.get(46..46 + name)?;
    let mut member = Member {
        name: String::from_utf8_lossy(name_bytes).replace('\\', "/"),
        packed: u64::from(u32_at(bytes, 20)),
        bytes: u64::from(u32_at(bytes, 24)),
        method: u16_at(bytes, 10),
        flags: u16_at(bytes, 8),
        crc32: u32_at(bytes, 16),
        header: u64::from(u32_at(bytes, 42)),
    };
    let mut fields = bytes.get(46 + name..46 + name + extra)?;
    while let Some((head, rest)) = fields.split_at_checked(4) {
        let size = usize::from(u16_at(head, 2));
        let Some((body, after)) = rest.split_at_checked(size) else { break };
        if u16_at(head, 0) == 1 {
            // Only the values that did not fit are there, in this order.
            let mut at = 0;
            for value in [&mut member.bytes, &mut member.packed, &mut member.header] {
                if *value == 0xFFFF_FFFF {
                    *value = u64_at(body, at);
                    at += 8;
                }
            }
        }
        fields = after;
    }
    Some((member, bytes.get(46 + name + extra + comment..)?))
}

fn u16_at(bytes: &[u8], at: usize) -> u16 {
    bytes.get(at..at + 2).and_then(|two| two.try_into().ok()).map_or(0, u16::from_le_bytes)
}

fn u32_at(bytes: &[u8], at: usize) -> u32 {
    bytes.get(at..at + 4).and_then(|four| four.try_into().ok()).map_or(0, u32::from_le_bytes)
}

fn u64_at(bytes: &[u8], at: usize) -> u64 {
    bytes.get(at..at + 8).and_then(|eight| eight.try_into().ok()).map_or(0, u64::from_le_bytes)
}

fn damaged(what: &str) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, format!("a damaged ZIP archive: {what}"))
}

/// Compares length and checksum at the end.
struct Checked {
    reader: Box<dyn Read>,
    crc: flate2::Crc,
    expected: u32,
    bytes: u64,
    read: u64,
}

impl Read for Checked {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let count = self.reader.read(buffer)?;
        self.crc.update(buffer.get(..count).unwrap_or_default());
        self.read += count as u64;
        if count == 0 && !buffer.is_empty() && (self.crc.sum() != self.expected || self.read != self.bytes) {
            return Err(damaged("a member is not what its checksum says"));
        }
        Ok(count)
    }
}

/// Ends with an error where more is unpacked than a file of its size may hold.
pub struct Limited<R> {
    reader: R,
    left: u64,
    most: u64,
}

impl<R: Read> Limited<R> {
    /// Allows `most` bytes.
    pub fn new(reader: R, most: u64) -> Limited<R> {
        Limited { reader, left: most, most }
    }
}

impl<R: Read> Read for Limited<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let count = self.reader.read(buffer)?;
        match self.left.checked_sub(count as u64) {
            Some(left) => self.left = left,
            None => {
                return Err(io::Error::other(format!(
                    "it unpacks to more than {} MiB, far more than recordings of its size do, so that it was not read \
                     further. If it is a recording, unpack it first and import the file",
                    self.most >> 20
                )));
            }
        }
        Ok(count)
    }
}

#[cfg(test)]
pub(crate) mod tests {
    #![allow(clippy::unwrap_used, clippy::indexing_slicing)]
    use super::*;
    use std::io::Write;

    /// An archive of these files, every second one as it is, the others deflated.
    pub(crate) fn archive(files: &[(&str, &[u8])]) -> Vec<u8> {
        let (mut out, mut directory) = (Vec::new(), Vec::new());
        for (n, (name, content)) in files.iter().enumerate() {
            let method: u16 = if n % 2 == 0 { 8 } else { 0 };
            let body = if method == 8 {
                let mut encoder = flate2::write::DeflateEncoder::new(Vec::new(), flate2::Compression::default());
                encoder.write_all(content).unwrap();
                encoder.finish().unwrap()
            } else {
                content.to_vec()
            };
            let mut crc = flate2::Crc::new();
            crc.update(content);
            let header = out.len() as u32;
            let mut shared = Vec::new();
            shared.extend(20_u16.to_le_bytes());
            shared.extend([0; 2]);
            shared.extend(method.to_le_bytes());
            shared.extend([0; 4]);
            shared.extend(crc.sum().to_le_bytes());
            shared.extend((body.len() as u32).to_le_bytes());
            shared.extend((content.len() as u32).to_le_bytes());
            shared.extend((name.len() as u16).to_le_bytes());
            out.extend(b"PK\x03\x04");
            out.extend(&shared);
            out.extend([0; 2]);
            out.extend(name.as_bytes());
            out.extend(&body);
            directory.extend(b"PK\x01\x02");
            directory.extend(20_u16.to_le_bytes());
            directory.extend(&shared);
            directory.extend([0; 12]);
            directory.extend(header.to_le_bytes());
            directory.extend(name.as_bytes());
        }
        let at = out.len() as u32;
        out.extend(&directory);
        out.extend(b"PK\x05\x06");
        out.extend([0; 4]);
        out.extend((files.len() as u16).to_le_bytes());
        out.extend((files.len() as u16).to_le_bytes());
        out.extend((directory.len() as u32).to_le_bytes());
        out.extend(at.to_le_bytes());
        out.extend([0; 2]);
        out
    }

    fn in_file(bytes: &[u8]) -> tempfile::NamedTempFile {
        let mut file = tempfile::NamedTempFile::new().unwrap();
        file.write_all(bytes).unwrap();
        file
    }

    #[test]
    fn members_are_read_whole_and_checked() {
        let file = in_file(&archive(&[("a.jsonl", b"one\n"), ("b/c.txt", b"two\n")]));
        let members = members(file.path()).unwrap();
        assert_eq!(members.iter().map(|member| member.name.as_str()).collect::<Vec<_>>(), ["a.jsonl", "b/c.txt"]);
        for (member, expected) in members.iter().zip(["one\n", "two\n"]) {
            let mut text = String::new();
            member.open(File::open(file.path()).unwrap()).unwrap().read_to_string(&mut text).unwrap();
            assert_eq!(text, expected);
        }
    }

    #[test]
    fn a_member_that_was_changed_is_an_error() {
        let mut bytes = archive(&[("x", b""), ("a", b"unpacked")]);
        let at = memchr::memmem::find(&bytes, b"unpacked").unwrap();
        bytes[at] = b'U';
        let file = in_file(&bytes);
        let member = members(file.path()).unwrap().remove(1);
        let mut out = Vec::new();
        assert!(member.open(File::open(file.path()).unwrap()).unwrap().read_to_end(&mut out).is_err());
    }

    #[test]
    fn no_cut_of_an_archive_is_more_than_an_error() {
        let bytes = archive(&[("a.jsonl", b"one\n"), ("b/c.txt", b"two\n")]);
        for end in 0..bytes.len() {
            assert!(members(in_file(&bytes[..end]).path()).is_err(), "{end}");
        }
    }

    #[test]
    fn what_unpacks_to_too_much_ends_with_a_sentence() {
        let error = io::copy(&mut Limited::new(io::repeat(0), 1 << 20), &mut io::sink()).unwrap_err();
        assert!(error.to_string().contains("more than 1 MiB"), "{error}");
    }
}
