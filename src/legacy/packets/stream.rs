//! One direction of a TCP connection: its segments in the order of their bytes.

use std::collections::BTreeMap;

/// The most bytes that wait for a segment before them; then what is missing is given up.
const MOST_WAITING: usize = 4 << 20;

/// Puts segments in order.
#[derive(Debug, Default)]
pub struct Stream {
    next: Option<u32>,
    /// Segments that are early, by how far they are ahead.
    waiting: BTreeMap<u32, (i64, Vec<u8>)>,
    held: usize,
    /// Whether bytes were missing.
    pub has_gap: bool,
}

impl Stream {
    /// Takes a segment, and gives the bytes that are in order now, each piece with its time.
    pub fn push(&mut self, seq: u32, syn: bool, ts: i64, data: &[u8]) -> Vec<(i64, Vec<u8>)> {
        if syn {
            self.next = Some(seq.wrapping_add(1));
            return Vec::new();
        }
        let next = *self.next.get_or_insert(seq);
        let ahead = seq.wrapping_sub(next);
        let mut ready = Vec::new();
        if data.is_empty() {
            return ready;
        }
        if ahead < 1 << 31 && ahead > 0 {
            self.held += data.len();
            let old = self.waiting.insert(seq, (ts, data.to_vec()));
            self.held -= old.map_or(0, |(_, old)| old.len());
            if self.held > MOST_WAITING {
                self.has_gap = true;
                let first = self.waiting.keys().min_by_key(|seq| seq.wrapping_sub(next)).copied();
                self.next = first.or(self.next);
                self.release(&mut ready);
            }
            return ready;
        }
        // Sent again, perhaps with more behind.
        let known = next.wrapping_sub(seq) as usize;
        if let Some(new) = data.get(known..).filter(|new| !new.is_empty()) {
            self.next = Some(next.wrapping_add(new.len() as u32));
            ready.push((ts, new.to_vec()));
        }
        self.release(&mut ready);
        ready
    }

    fn release(&mut self, ready: &mut Vec<(i64, Vec<u8>)>) {
        while let Some(next) = self.next {
            // The earliest that has nothing missing before it.
            let found = self.waiting.keys().copied().find(|seq| next.wrapping_sub(*seq) < 1 << 31);
            let Some((seq, (ts, data))) = found.and_then(|seq| Some((seq, self.waiting.remove(&seq)?))) else {
                return;
            };
            self.held -= data.len();
            let known = next.wrapping_sub(seq) as usize;
            if let Some(new) = data.get(known..).filter(|new| !new.is_empty()) {
                self.next = Some(next.wrapping_add(new.len() as u32));
                ready.push((ts, new.to_vec()));
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text(pieces: Vec<(i64, Vec<u8>)>) -> String {
        pieces.into_iter().map(|(_, bytes)| String::from_utf8_lossy(&bytes).into_owned()).collect()
    }

    #[test]
    fn segments_come_in_the_order_of_their_bytes_and_once() {
        let mut stream = Stream::default();
        // Numbers may wrap.
        let start = u32::MAX - 3;
        assert_eq!(text(stream.push(start, true, 0, b"")), "");
        let first = start.wrapping_add(1);
        assert_eq!(text(stream.push(first.wrapping_add(3), false, 2, b"def")), "");
        assert_eq!(text(stream.push(first, false, 1, b"abc")), "abcdef");
        assert_eq!(text(stream.push(first, false, 3, b"abcdefgh")), "gh");
        assert_eq!(text(stream.push(first, false, 4, b"abc")), "");
    }

    #[test]
    fn what_never_comes_is_given_up() {
        let mut stream = Stream::default();
        stream.push(0, true, 0, b"");
        let mut out = 0;
        for n in 0..5_u32 {
            let data = vec![b'x'; 1 << 20];
            out +=
                stream.push(2 + n * (1 << 20), false, 1, &data).iter().map(|(_, data)| data.len()).sum::<usize>();
        }
        assert!(stream.has_gap && out == 5 << 20);
    }
}
