//! WebSocket messages out of the bytes of a connection (RFC 6455), for the log.

/// A message that passed whole.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Passed {
    /// Text; broken UTF-8 is replaced, which no peer of ours sends.
    Text(String),
    /// Binary, its length in bytes.
    Binary(usize),
    /// The connection is being closed, with this code.
    Close(Option<u16>),
}

/// One direction of a connection: first an HTTP head, then messages if the head switches protocols.
#[derive(Debug, Default)]
pub struct Tap {
    state: State,
    buffer: Vec<u8>,
    /// Fragments of a message that is not complete.
    message: Vec<u8>,
    binary: bool,
}

#[derive(Debug, Default, PartialEq, Eq)]
enum State {
    #[default]
    Head,
    Messages,
    /// Plain HTTP: nothing to see.
    Other,
}

/// An HTTP head longer than this is none.
const LONGEST_HEAD: usize = 64 << 10;

impl Tap {
    /// Takes the next bytes and says which messages they completed.
    pub fn pass(&mut self, bytes: &[u8]) -> Vec<Passed> {
        let mut passed = Vec::new();
        if self.state == State::Other {
            return passed;
        }
        self.buffer.extend_from_slice(bytes);
        if self.state == State::Head && !self.skip_head() {
            return passed;
        }
        let mut at = 0;
        while let Some((frame, length)) = self.buffer.get(at..).and_then(Header::parse) {
            let payload = self.buffer.get(at + frame.header..at + length).unwrap_or_default();
            let payload = frame.unmask(payload);
            at += length;
            passed.extend(Self::collect(&mut self.message, &mut self.binary, &frame, payload));
        }
        self.buffer.drain(..at);
        passed
    }

    /// Whether messages follow what was buffered.
    fn skip_head(&mut self) -> bool {
        let Some(end) = memchr::memmem::find(&self.buffer, b"\r\n\r\n") else {
            if self.buffer.len() > LONGEST_HEAD {
                self.state = State::Other;
                self.buffer = Vec::new();
            }
            return false;
        };
        let head = String::from_utf8_lossy(self.buffer.get(..end).unwrap_or_default()).to_ascii_lowercase();
        let switches = head.starts_with("http/1.1 101") || head.contains("\nsec-websocket-key:");
        self.buffer.drain(..end + 4);
        self.state = if switches { State::Messages } else { State::Other };
        if !switches {
            self.buffer = Vec::new();
        }
        switches
    }

    fn collect(message: &mut Vec<u8>, binary: &mut bool, frame: &Header, payload: Vec<u8>) -> Option<Passed> {
        match frame.opcode {
            0 => message.extend_from_slice(&payload),
            1 | 2 => {
                *binary = frame.opcode == 2;
                *message = payload;
            }
            8 => {
                let code = payload.first_chunk::<2>().map(|code| u16::from_be_bytes(*code));
                return Some(Passed::Close(code));
            }
            _ => return None,
        }
        if !frame.last {
            return None;
        }
        let whole = std::mem::take(message);
        Some(match *binary {
            true => Passed::Binary(whole.len()),
            false => Passed::Text(
                String::from_utf8(whole)
                    .unwrap_or_else(|broken| String::from_utf8_lossy(broken.as_bytes()).into_owned()),
            ),
        })
    }
}

/// The head of a WebSocket frame.
#[derive(Debug)]
struct Header {
    last: bool,
    opcode: u8,
    mask: Option<[u8; 4]>,
    /// Bytes before the payload.
    header: usize,
}

impl Header {
    /// Head and whole length of the frame that `bytes` begin with; None while it is not complete.
    fn parse(bytes: &[u8]) -> Option<(Self, usize)> {
        let [first, second] = *bytes.first_chunk::<2>()?;
        let (length, mut header) = match second & 0x7f {
            126 => (usize::from(u16::from_be_bytes(*bytes.get(2..)?.first_chunk()?)), 4),
            127 => (usize::try_from(u64::from_be_bytes(*bytes.get(2..)?.first_chunk()?)).ok()?, 10),
            short => (usize::from(short), 2),
        };
        let mut mask = None;
        if second & 0x80 != 0 {
            mask = Some(*bytes.get(header..)?.first_chunk()?);
            header += 4;
        }
        let whole = header.checked_add(length)?;
        let frame = Self { last: first & 0x80 != 0, opcode: first & 0x0f, mask, header };
        (bytes.len() >= whole).then_some((frame, whole))
    }

    fn unmask(&self, payload: &[u8]) -> Vec<u8> {
        match self.mask {
            Some(mask) => payload.iter().zip(mask.iter().cycle()).map(|(byte, mask)| byte ^ mask).collect(),
            None => payload.to_vec(),
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]
    use super::*;

    const HEAD: &[u8] = b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\n\r\n";

    #[test]
    fn messages_are_found_whatever_way_the_bytes_are_cut() {
        let mut bytes = HEAD.to_vec();
        bytes.extend_from_slice(b"\x81\x0542[1]");
        bytes.extend_from_slice(b"\x01\x0242\x80\x03[2]"); // Two fragments.
        bytes.extend_from_slice(&[0x81, 126, 1, 0]);
        bytes.extend_from_slice(&[b'x'; 256]);
        bytes.extend_from_slice(b"\x82\x03abc\x88\x02\x03\xe8");
        let expected = [
            Passed::Text("42[1]".into()),
            Passed::Text("42[2]".into()),
            Passed::Text("x".repeat(256)),
            Passed::Binary(3),
            Passed::Close(Some(1000)),
        ];
        for size in [1, 7, bytes.len()] {
            let mut tap = Tap::default();
            let passed: Vec<Passed> = bytes.chunks(size).flat_map(|part| tap.pass(part)).collect();
            assert_eq!(passed, expected);
        }
    }

    #[test]
    fn masked_messages_are_readable() {
        let mut tap = Tap::default();
        tap.pass(b"GET / HTTP/1.1\r\nSec-WebSocket-Key: x\r\n\r\n");
        let mask = [1, 2, 3, 4];
        let mut bytes = vec![0x81, 0x82];
        bytes.extend_from_slice(&mask);
        bytes.extend([b'4' ^ 1, b'0' ^ 2]);
        assert_eq!(tap.pass(&bytes), [Passed::Text("40".into())]);
    }

    #[test]
    fn plain_http_has_no_messages() {
        let mut tap = Tap::default();
        assert!(tap.pass(b"HTTP/1.1 200 OK\r\nContent-Length: 7\r\n\r\n\x81\x0542[1]").is_empty());
        assert!(tap.pass(b"\x81\x0542[1]").is_empty());
    }
}
