//! The bytes of a segment.
//!
//! ```text
//! segment = "RPLJ1\n" head-record record*
//! record  = length:u32 crc32c:u32 body          (little endian; both over the body)
//! body    = format:u8 source:u8 direction:u8 flags:u8 seq:u64 ts:i64
//!           [clock:f64] [offset:u64] [socket:u16+bytes] [hint:u16+bytes] text
//! ```

use super::super::record::{Direction, Record, Source};
use replayer_protocol::line::LineFormat;

/// First bytes of every segment.
pub const MAGIC: &[u8; 6] = b"RPLJ1\n";

/// Bytes before the body of a record.
pub const PREFIX: usize = 8;

/// No record is longer: messages of 16 MB are the largest that the feed accepts, imported lines 64 MiB.
pub const LONGEST: usize = 72 << 20;

const HAS_TS: u8 = 1;
const HAS_CLOCK: u8 = 2;
const HAS_OFFSET: u8 = 4;
const HAS_SOCKET: u8 = 8;
const HAS_HINT: u8 = 16;

/// Appends `body` with its length and checksum to `out`.
pub fn frame_body(out: &mut Vec<u8>, body: impl FnOnce(&mut Vec<u8>)) {
    let start = out.len();
    out.extend_from_slice(&[0; PREFIX]);
    body(out);
    let Some((_, written)) = out.split_at_checked(start + PREFIX) else {
        return;
    };
    let length = u32::try_from(written.len()).unwrap_or(u32::MAX);
    let checksum = crc32c::crc32c(written);
    if let Some(prefix) = out.get_mut(start..start + PREFIX) {
        let (head, tail) = prefix.split_at_mut(4);
        head.copy_from_slice(&length.to_le_bytes());
        tail.copy_from_slice(&checksum.to_le_bytes());
    }
}

/// Appends the bytes of `record` to `out`.
pub fn encode(out: &mut Vec<u8>, record: &Record<'_>) {
    let flag = |present: bool, bit: u8| if present { bit } else { 0 };
    let flags = flag(record.ts.is_some(), HAS_TS)
        | flag(record.source_clock.is_some(), HAS_CLOCK)
        | flag(record.offset.is_some(), HAS_OFFSET)
        | flag(record.socket_id.is_some(), HAS_SOCKET)
        | flag(record.hint.is_some(), HAS_HINT);
    frame_body(out, |out| {
        let direction = record.direction.map_or(0, |direction| direction as u8);
        out.extend_from_slice(&[record.format as u8, record.source as u8, direction, flags]);
        out.extend_from_slice(&record.seq.to_le_bytes());
        out.extend_from_slice(&record.ts.unwrap_or(0).to_le_bytes());
        if let Some(clock) = record.source_clock {
            out.extend_from_slice(&clock.to_le_bytes());
        }
        if let Some(offset) = record.offset {
            out.extend_from_slice(&offset.to_le_bytes());
        }
        for text in [record.socket_id, record.hint].into_iter().flatten() {
            short_text(out, text);
        }
        out.extend_from_slice(record.text.as_bytes());
    });
}

/// A text of at most 65,535 bytes; a longer one is cut at a character.
fn short_text(out: &mut Vec<u8>, text: &str) {
    let mut end = text.len().min(usize::from(u16::MAX));
    while !text.is_char_boundary(end) {
        end -= 1;
    }
    let text = text.get(..end).unwrap_or_default();
    out.extend_from_slice(&(text.len() as u16).to_le_bytes());
    out.extend_from_slice(text.as_bytes());
}

/// What stands at a place of a segment.
#[derive(Debug, PartialEq)]
pub enum Piece<'a> {
    /// A whole body, and the length of the record with its prefix.
    Body(&'a [u8], usize),
    /// The bytes end before the record does.
    Incomplete,
    /// The length or the checksum is wrong.
    Damaged,
}

/// Reads the record that begins at the start of `bytes`.
pub fn piece(bytes: &[u8]) -> Piece<'_> {
    let (Some(length), Some(checksum)) = (u32_at(bytes, 0), u32_at(bytes, 4)) else {
        return Piece::Incomplete;
    };
    let length = length as usize;
    if length == 0 || length > LONGEST {
        return Piece::Damaged;
    }
    match bytes.get(PREFIX..PREFIX + length) {
        None => Piece::Incomplete,
        Some(body) if crc32c::crc32c(body) == checksum => Piece::Body(body, PREFIX + length),
        Some(_) => Piece::Damaged,
    }
}

/// Reads a body back into the record it was written from; `None` when it is of a kind this build does not know.
pub fn decode(body: &[u8]) -> Option<Record<'_>> {
    let (head, mut rest) = body.split_at_checked(20)?;
    let [format, source, direction, flags, numbers @ ..] = head else {
        return None;
    };
    let (seq, ts) = numbers.split_at_checked(8)?;
    let has = |bit: u8| flags & bit != 0;
    let mut take = |count: usize| -> Option<&[u8]> {
        let (taken, left) = rest.split_at_checked(count)?;
        rest = left;
        Some(taken)
    };
    let source_clock = if has(HAS_CLOCK) { Some(f64::from_le_bytes(take(8)?.try_into().ok()?)) } else { None };
    let offset = if has(HAS_OFFSET) { Some(u64::from_le_bytes(take(8)?.try_into().ok()?)) } else { None };
    let mut short = |present: bool| -> Option<Option<&str>> {
        if !present {
            return Some(None);
        }
        let length = u16::from_le_bytes(take(2)?.try_into().ok()?);
        Some(Some(std::str::from_utf8(take(usize::from(length))?).ok()?))
    };
    let socket_id = short(has(HAS_SOCKET))?;
    let hint = short(has(HAS_HINT))?;
    Some(Record {
        seq: u64::from_le_bytes(seq.try_into().ok()?),
        ts: has(HAS_TS).then_some(i64::from_le_bytes(ts.try_into().ok()?)),
        source: Source::from_u8(*source)?,
        direction: match direction {
            1 => Some(Direction::Received),
            2 => Some(Direction::Sent),
            _ => None,
        },
        format: LineFormat::from_u8(*format)?,
        hint,
        socket_id,
        offset,
        source_clock,
        text: std::str::from_utf8(rest).ok()?,
    })
}

fn u32_at(bytes: &[u8], at: usize) -> Option<u32> {
    Some(u32::from_le_bytes(bytes.get(at..at + 4)?.try_into().ok()?))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing)]
    use super::*;
    use proptest::prelude::*;

    fn record(text: &str) -> Record<'_> {
        Record { seq: 7, ..Record::frame(1_765_000_000_000_000, Source::PublicWs, Direction::Received, text) }
    }

    proptest! {
        #[test]
        fn a_record_comes_back_as_it_went(
            text in ".{0,200}", hint in proptest::option::of("[a-z/]{0,20}"),
            socket in proptest::option::of("[a-z0-9]{0,20}"), ts in proptest::option::of(any::<i64>()),
            offset in proptest::option::of(any::<u64>()), clock in proptest::option::of(-1e12_f64..1e12), seq: u64,
        ) {
            let record = Record {
                seq, ts, hint: hint.as_deref(), socket_id: socket.as_deref(), offset, source_clock: clock,
                ..record(&text)
            };
            let mut bytes = Vec::new();
            encode(&mut bytes, &record);
            let Piece::Body(body, length) = piece(&bytes) else { panic!("not a body") };
            prop_assert_eq!(length, bytes.len());
            prop_assert_eq!(decode(body).unwrap(), record);
        }

        #[test]
        fn no_bytes_make_the_reader_panic(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
            if let Piece::Body(body, _) = piece(&bytes) {
                let _ = decode(body);
            }
            let _ = decode(&bytes);
        }
    }

    #[test]
    fn every_flipped_bit_of_a_body_is_noticed() {
        let mut bytes = Vec::new();
        encode(&mut bytes, &record("42[\"x\",{}]"));
        for at in PREFIX..bytes.len() {
            for bit in 0..8 {
                let mut damaged = bytes.clone();
                damaged[at] ^= 1 << bit;
                assert_eq!(piece(&damaged), Piece::Damaged);
            }
        }
    }

    #[test]
    fn a_record_cut_short_is_incomplete() {
        let mut bytes = Vec::new();
        encode(&mut bytes, &record("42[\"x\",{}]"));
        for end in 0..bytes.len() {
            assert_eq!(piece(&bytes[..end]), Piece::Incomplete, "{end}");
        }
    }
}
