//! UTF-16 as UTF-8, in constant memory.

use std::io::{self, Read};

/// Reads UTF-16 text as UTF-8. Half of a pair is U+FFFD; the byte order mark stays, as that of UTF-8.
#[derive(Debug)]
pub struct Utf16Reader<R> {
    input: R,
    big_endian: bool,
    units: Vec<u8>,
    out: Vec<u8>,
    taken: usize,
    is_ended: bool,
}

impl<R: Read> Utf16Reader<R> {
    /// Reads `input`, most significant byte first with `big_endian`.
    pub fn new(input: R, big_endian: bool) -> Utf16Reader<R> {
        Utf16Reader { input, big_endian, units: Vec::new(), out: Vec::new(), taken: 0, is_ended: false }
    }

    fn fill(&mut self) -> io::Result<()> {
        let mut buffer = [0; 1 << 14];
        let read = self.input.read(&mut buffer)?;
        self.is_ended = read == 0;
        self.units.extend_from_slice(buffer.get(..read).unwrap_or_default());
        let unit = |pair: &[u8]| match *pair {
            [first, second] if self.big_endian => u16::from_be_bytes([first, second]),
            [first, second] => u16::from_le_bytes([first, second]),
            _ => u16::from(b'?'),
        };
        let mut whole = self.units.len() / 2 * 2;
        // The first half of a pair waits for the second.
        let last = whole.checked_sub(2).and_then(|at| self.units.get(at..whole)).map(unit);
        if !self.is_ended && last.is_some_and(|unit| (0xD800..0xDC00).contains(&unit)) {
            whole -= 2;
        }
        let units = self.units.get(..whole).unwrap_or_default().chunks(2).map(unit);
        self.out.clear();
        self.taken = 0;
        let mut character = [0; 4];
        for decoded in char::decode_utf16(units) {
            let decoded = decoded.unwrap_or(char::REPLACEMENT_CHARACTER);
            self.out.extend_from_slice(decoded.encode_utf8(&mut character).as_bytes());
        }
        self.units.drain(..whole);
        Ok(())
    }
}

impl<R: Read> Read for Utf16Reader<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        while self.taken == self.out.len() && !self.is_ended {
            self.fill()?;
        }
        let rest = self.out.get(self.taken..).unwrap_or_default();
        let count = rest.len().min(buffer.len());
        if let (Some(to), Some(from)) = (buffer.get_mut(..count), rest.get(..count)) {
            to.copy_from_slice(from);
        }
        self.taken += count;
        Ok(count)
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::indexing_slicing)]
    use super::*;

    #[test]
    fn both_orders_pairs_and_halves_are_read() {
        let text = "\u{FEFF}a ä 🦊 z";
        for big_endian in [false, true] {
            let bytes = text
                .encode_utf16()
                .flat_map(|unit| if big_endian { unit.to_be_bytes() } else { unit.to_le_bytes() });
            let bytes: Vec<u8> = bytes.collect();
            // One byte at a time, so that every unit and pair is cut.
            let mut out = String::new();
            struct Slow<'b>(&'b [u8]);
            impl Read for Slow<'_> {
                fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
                    self.0.read(&mut buffer[..1])
                }
            }
            Utf16Reader::new(Slow(&bytes), big_endian).read_to_string(&mut out).unwrap();
            assert_eq!(out, text);
        }
        let mut out = String::new();
        Utf16Reader::new(&[0x3E, 0xD8, b'x', 0][..], false).read_to_string(&mut out).unwrap();
        assert_eq!(out, "\u{FFFD}x");
    }
}
