//! The client's side of an open WebSocket, frame by frame.
//!
//! tungstenite reads and writes the frames' heads; what is done with a message is decided here, because its own reader
//! gives up where a recorder must go on:
//!
//! * It ends the connection at a text that is not UTF-8 or too long, and the message is gone. Here such a message is
//!   read like any other and handed on as bytes, and the next one follows.
//! * It answers a ping as soon as it has read one. Here the ping is handed on, and whoever reads decides when the
//!   answer leaves: not before everything that came earlier is stored.
//!
//! Memory is bounded whatever the server sends: see [`Limits`].

use std::io::{self, Cursor};

use sha2::{Digest, Sha256};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio_tungstenite::tungstenite::error::ProtocolError;
use tokio_tungstenite::tungstenite::protocol::CloseFrame;
use tokio_tungstenite::tungstenite::protocol::frame::coding::{Control, Data, OpCode};
use tokio_tungstenite::tungstenite::protocol::frame::{Frame, FrameHeader, Utf8Bytes};
use tokio_tungstenite::tungstenite::{Bytes, Error};

use super::super::as_bytes::{AsBytes, PIECE, Why};

/// How long messages may be, bytes.
#[derive(Debug, Clone, Copy)]
pub(super) struct Limits {
    /// The longest text that is a frame of the store; a longer one is kept as bytes. The longest of the feed that was
    /// seen has half a megabyte.
    pub(super) text: usize,
    /// The longest message that is in memory as a whole. Of a longer one the first [`PIECE`] bytes are kept, its length
    /// and its SHA-256, which are counted while it passes.
    pub(super) whole: usize,
}

impl Default for Limits {
    fn default() -> Limits {
        Limits { text: 16 << 20, whole: 64 << 20 }
    }
}

/// Bytes read at a time.
const READ: usize = 128 << 10;

/// The longest payload of a ping, a pong or a close.
const LONGEST_CONTROL: u64 = 125;

/// What came.
#[derive(Debug, PartialEq)]
pub(super) enum Heard {
    /// A text that can be a frame of the store.
    Text(String),
    /// Any other message.
    AsBytes(AsBytes),
    /// The WebSocket's own ping, which wants a pong with the same payload.
    Ping(Bytes),
    /// An answer to a ping, which nobody here sends.
    Pong,
    /// The server closes the connection.
    Close(Option<CloseFrame>),
}

/// An open WebSocket over `S`.
#[derive(Debug)]
pub(super) struct WebSocket<S> {
    stream: S,
    limits: Limits,
    buffer: Box<[u8]>,
    /// What was read and not yet looked at: from here …
    from: usize,
    /// … to here.
    to: usize,
    /// The frame at hand, and how many bytes of its payload are still to come.
    frame: Option<(FrameHeader, u64)>,
    /// The message that its frames belong to.
    message: Option<Message>,
}

impl<S> WebSocket<S> {
    /// After the handshake; `read` is what came behind it already.
    pub(super) fn new(stream: S, read: &[u8], limits: Limits) -> WebSocket<S> {
        let mut buffer = vec![0; READ.max(read.len())].into_boxed_slice();
        buffer.iter_mut().zip(read).for_each(|(to, from)| *to = *from);
        WebSocket { stream, limits, buffer, from: 0, to: read.len(), frame: None, message: None }
    }

    fn unread(&self) -> &[u8] {
        self.buffer.get(self.from..self.to).unwrap_or_default()
    }

    /// Looks at what was read; `None` when more has to come first.
    fn step(&mut self) -> Result<Option<Heard>, Error> {
        loop {
            let Some((header, left)) = self.frame.take() else {
                let mut cursor = Cursor::new(self.unread());
                let Some((header, length)) = FrameHeader::parse(&mut cursor)? else { return Ok(None) };
                self.from += cursor.position() as usize;
                self.check(&header, length)?;
                self.frame = Some((header, length));
                continue;
            };
            if let OpCode::Control(control) = header.opcode {
                let Some(payload) = self.unread().get(..left as usize) else {
                    self.frame = Some((header, left));
                    return Ok(None);
                };
                let payload = Bytes::copy_from_slice(payload);
                self.from += left as usize;
                return heard(control, payload).map(Some);
            }
            let take = usize::try_from(left).unwrap_or(usize::MAX).min(self.to - self.from);
            let part = self.buffer.get(self.from..self.from + take).unwrap_or_default();
            let message = self.message.get_or_insert_with(|| Message::new(&header));
            // Nearly every message is there as a whole: it is copied once, into the text that is stored.
            message.push(part, usize::try_from(left).unwrap_or(usize::MAX), self.limits);
            self.from += take;
            let left = left - take as u64;
            if left > 0 {
                self.frame = Some((header, left));
                return Ok(None);
            }
            if header.is_final
                && let Some(message) = self.message.take()
            {
                return Ok(Some(message.end(self.limits)));
            }
        }
    }

    /// Whether the frame may come here, by the rules of RFC 6455.
    fn check(&self, header: &FrameHeader, length: u64) -> Result<(), Error> {
        let broken = match header.opcode {
            _ if header.mask.is_some() => ProtocolError::MaskedFrameFromServer,
            OpCode::Control(Control::Reserved(code)) => ProtocolError::UnknownControlFrameType(code),
            OpCode::Control(_) if !header.is_final => ProtocolError::FragmentedControlFrame,
            OpCode::Control(_) if length > LONGEST_CONTROL => ProtocolError::ControlFrameTooBig,
            OpCode::Control(_) if is_extended(header) => ProtocolError::NonZeroReservedBits,
            OpCode::Control(_) => return Ok(()),
            OpCode::Data(Data::Reserved(code)) => ProtocolError::UnknownDataFrameType(code),
            OpCode::Data(Data::Continue) if self.message.is_none() => ProtocolError::UnexpectedContinueFrame,
            OpCode::Data(Data::Continue) => return Ok(()),
            OpCode::Data(data) if self.message.is_some() => ProtocolError::ExpectedFragment(data),
            OpCode::Data(_) => return Ok(()),
        };
        Err(Error::Protocol(broken))
    }
}

impl<S: AsyncRead + Unpin> WebSocket<S> {
    /// The next message. May be dropped at any time without losing anything.
    ///
    /// # Errors
    /// When the server breaks the protocol, or the connection ended.
    pub(super) async fn next(&mut self) -> Result<Heard, Error> {
        loop {
            if let Some(heard) = self.step()? {
                return Ok(heard);
            }
            if self.read().await? == 0 {
                return Err(Error::Protocol(ProtocolError::ResetWithoutClosingHandshake));
            }
        }
    }

    /// Reads more; 0 at the end.
    async fn read(&mut self) -> io::Result<usize> {
        // What is left is a part of a head, or of a ping: a few bytes.
        self.buffer.copy_within(self.from..self.to, 0);
        (self.from, self.to) = (0, self.to - self.from);
        let room = self.buffer.get_mut(self.to..).unwrap_or_default();
        let count = self.stream.read(room).await?;
        self.to += count;
        Ok(count)
    }
}

impl<S: AsyncWrite + Unpin> WebSocket<S> {
    /// Sends a text. When it is dropped before it is done, the connection is of no more use.
    ///
    /// # Errors
    /// When the connection ended.
    pub(super) async fn send(&mut self, text: &str) -> io::Result<()> {
        self.write(Frame::message(text.to_owned(), OpCode::Data(Data::Text), true)).await
    }

    /// Answers a ping; as [`WebSocket::send`].
    ///
    /// # Errors
    /// When the connection ended.
    pub(super) async fn pong(&mut self, payload: Bytes) -> io::Result<()> {
        self.write(Frame::pong(payload)).await
    }

    /// Says that nothing more is sent; as [`WebSocket::send`]. The server may still say something, and then closes.
    ///
    /// # Errors
    /// When the connection ended.
    pub(super) async fn close(&mut self) -> io::Result<()> {
        self.write(Frame::close(None)).await
    }

    async fn write(&mut self, mut frame: Frame) -> io::Result<()> {
        frame.header_mut().mask = Some(mask());
        let mut bytes = Vec::with_capacity(frame.len());
        frame.format(&mut bytes).map_err(io::Error::other)?;
        self.stream.write_all(&bytes).await?;
        self.stream.flush().await
    }
}

/// What a server cannot foresee: it keeps chosen bytes from appearing on the wire (RFC 6455, 10.3).
fn mask() -> [u8; 4] {
    use std::hash::{BuildHasher, Hasher, RandomState};
    (RandomState::new().build_hasher().finish() as u32).to_be_bytes()
}

/// Bits of extensions that were not agreed on.
fn is_extended(header: &FrameHeader) -> bool {
    header.rsv1 || header.rsv2 || header.rsv3
}

fn heard(control: Control, payload: Bytes) -> Result<Heard, Error> {
    Ok(match control {
        Control::Ping => Heard::Ping(payload),
        Control::Pong => Heard::Pong,
        Control::Close => Heard::Close(match payload.split_first_chunk::<2>() {
            None if payload.is_empty() => None,
            None => return Err(Error::Protocol(ProtocolError::InvalidCloseSequence)),
            // Why a server goes is of use even where it is no UTF-8.
            Some((code, reason)) => {
                let reason = String::from_utf8_lossy(reason).into_owned();
                Some(CloseFrame { code: u16::from_be_bytes(*code).into(), reason: Utf8Bytes::from(reason) })
            }
        }),
        Control::Reserved(code) => return Err(Error::Protocol(ProtocolError::UnknownControlFrameType(code))),
    })
}

/// A message whose frames are coming.
#[derive(Debug)]
struct Message {
    is_text: bool,
    is_extended: bool,
    /// All of it, or its first [`PIECE`] bytes.
    bytes: Vec<u8>,
    /// How long it is so far, bytes.
    length: u64,
    /// Of a message that is too long for memory: the digest so far.
    digest: Option<Sha256>,
}

impl Message {
    fn new(first: &FrameHeader) -> Message {
        let is_text = first.opcode == OpCode::Data(Data::Text);
        Message { is_text, is_extended: is_extended(first), bytes: Vec::new(), length: 0, digest: None }
    }

    /// Takes the next bytes; `expected`: how many come at least, with these.
    fn push(&mut self, part: &[u8], expected: usize, limits: Limits) {
        self.length += part.len() as u64;
        let whole = self.bytes.len().saturating_add(expected);
        if self.digest.is_none() && whole > limits.whole {
            let mut digest = Sha256::new();
            digest.update(&self.bytes);
            self.bytes.truncate(PIECE);
            self.bytes.shrink_to_fit();
            self.digest = Some(digest);
        }
        match &mut self.digest {
            None => {
                // A head promises bytes; memory is taken for twice what came.
                if whole > self.bytes.capacity() {
                    let room = whole.min((self.bytes.len() + part.len()).saturating_mul(2));
                    self.bytes.reserve_exact(room - self.bytes.len());
                }
                self.bytes.extend_from_slice(part);
            }
            Some(digest) => {
                digest.update(part);
                let room = PIECE.saturating_sub(self.bytes.len()).min(part.len());
                self.bytes.extend_from_slice(part.get(..room).unwrap_or_default());
            }
        }
    }

    fn end(self, limits: Limits) -> Heard {
        let Message { is_text, is_extended, bytes, length, digest } = self;
        let why = match (is_extended, is_text) {
            (true, _) => Why::Extension,
            (_, false) => Why::Binary,
            _ => Why::TooLong,
        };
        if let Some(digest) = digest {
            let sha256 = format!("{:x}", digest.finalize());
            return Heard::AsBytes(AsBytes { why, bytes, length, sha256, withheld: false });
        }
        if why != Why::TooLong || bytes.len() > limits.text {
            return Heard::AsBytes(AsBytes::whole(why, bytes));
        }
        match String::from_utf8(bytes) {
            Ok(text) => Heard::Text(text),
            Err(error) => Heard::AsBytes(AsBytes::whole(Why::NotUtf8, error.into_bytes())),
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]
    use super::*;

    const SMALL: Limits = Limits { text: 100, whole: 300 };

    /// A frame as a server sends it.
    fn frame(first: u8, payload: &[u8]) -> Vec<u8> {
        let mut bytes = vec![first];
        match payload.len() {
            short @ 0..=125 => bytes.push(short as u8),
            long @ 126..=0xffff => {
                bytes.push(126);
                bytes.extend((long as u16).to_be_bytes());
            }
            long => {
                bytes.push(127);
                bytes.extend((long as u64).to_be_bytes());
            }
        }
        bytes.extend_from_slice(payload);
        bytes
    }

    /// Everything that is heard of these bytes, until they end or are refused.
    async fn heard_of(bytes: &[u8], limits: Limits) -> (Vec<Heard>, String) {
        let mut socket = WebSocket::new(bytes, &[], limits);
        let mut heard = Vec::new();
        loop {
            match socket.next().await {
                Ok(next) => heard.push(next),
                Err(error) => return (heard, error.to_string()),
            }
        }
    }

    async fn one(bytes: &[u8]) -> Heard {
        let mut heard = heard_of(bytes, SMALL).await.0;
        assert_eq!(heard.len(), 1);
        heard.remove(0)
    }

    fn text(text: &str) -> Heard {
        Heard::Text(text.to_owned())
    }

    #[tokio::test]
    async fn messages_come_out_whatever_way_their_bytes_are_cut() {
        let mut bytes = frame(0x81, b"42[1]");
        bytes.extend(frame(0x01, b"42"));
        bytes.extend(frame(0x89, b"between fragments"));
        bytes.extend(frame(0x80, "[\u{e9}]".as_bytes()));
        bytes.extend(frame(0x82, &[0xff; 200]));
        bytes.extend(frame(0x88, b"\x03\xe8bye"));
        let expected = |heard: &[Heard]| {
            assert_eq!(heard[0], text("42[1]"));
            assert_eq!(heard[1], Heard::Ping(Bytes::from_static(b"between fragments")));
            assert_eq!(heard[2], text("42[\u{e9}]"));
            assert_eq!(heard[3], Heard::AsBytes(AsBytes::whole(Why::Binary, vec![0xff; 200])));
            assert!(matches!(&heard[4], Heard::Close(Some(frame)) if frame.reason.as_str() == "bye"));
            assert_eq!(heard.len(), 5);
        };
        expected(&heard_of(&bytes, SMALL).await.0);
        for size in [1, 7, 64] {
            let (mut server, client) = tokio::io::duplex(size);
            let mut socket = WebSocket::new(client, &[], SMALL);
            let bytes = bytes.clone();
            let sending = tokio::spawn(async move { server.write_all(&bytes).await.unwrap() });
            let mut heard = Vec::new();
            while let Ok(next) = socket.next().await {
                heard.push(next);
            }
            expected(&heard);
            sending.await.unwrap();
        }
    }

    #[tokio::test]
    async fn what_came_with_the_handshake_is_heard_first() {
        let rest = frame(0x81, b"second");
        let mut socket = WebSocket::new(rest.as_slice(), &frame(0x81, b"first"), SMALL);
        assert_eq!(socket.next().await.unwrap(), text("first"));
        assert_eq!(socket.next().await.unwrap(), text("second"));
    }

    #[tokio::test]
    async fn a_text_that_is_not_utf8_is_handed_on_as_bytes_and_the_next_one_follows() {
        let bytes = [frame(0x81, b"4\xff\xfe"), frame(0x81, b"next")].concat();
        let (heard, _) = heard_of(&bytes, SMALL).await;
        assert_eq!(heard[0], Heard::AsBytes(AsBytes::whole(Why::NotUtf8, b"4\xff\xfe".to_vec())));
        assert_eq!(heard[1], text("next"));
    }

    #[tokio::test]
    async fn a_character_cut_by_two_fragments_is_none_that_is_broken() {
        let euro = "\u{20ac}".as_bytes();
        assert_eq!(one(&[frame(0x01, &euro[..1]), frame(0x80, &euro[1..])].concat()).await, text("\u{20ac}"));
    }

    #[tokio::test]
    async fn a_text_longer_than_a_frame_is_kept_as_a_whole() {
        let long = vec![b'x'; SMALL.whole];
        let bytes = [frame(0x81, &long), frame(0x81, b"next")].concat();
        let (heard, _) = heard_of(&bytes, SMALL).await;
        assert_eq!(heard[0], Heard::AsBytes(AsBytes::whole(Why::TooLong, long)));
        assert_eq!(heard[1], text("next"));
    }

    #[tokio::test]
    async fn of_a_message_too_long_for_memory_the_beginning_the_length_and_the_digest_are_kept() {
        let limits = Limits { text: 100, whole: 2 * PIECE };
        let long: Vec<u8> = (0..5 * PIECE).map(|n| (n % 251) as u8).collect();
        let digest = format!("{:x}", Sha256::digest(&long));
        let in_one = frame(0x82, &long);
        let in_three = [frame(0x02, &long[..PIECE + 5]), frame(0x00, &long[PIECE + 5..3 * PIECE])];
        let in_three = [in_three.concat(), frame(0x80, &long[3 * PIECE..])].concat();
        for bytes in [in_one, in_three] {
            let (heard, _) = heard_of(&[bytes, frame(0x81, b"next")].concat(), limits).await;
            let Heard::AsBytes(kept) = &heard[0] else { panic!("{:?}", heard.len()) };
            assert!(kept.bytes == long[..PIECE], "{}", kept.bytes.len());
            assert_eq!((kept.length, &kept.sha256), (long.len() as u64, &digest));
            assert_eq!(heard[1], text("next"));
        }
    }

    #[tokio::test]
    async fn a_head_that_promises_more_than_comes_takes_no_memory_for_it() {
        let mut bytes = vec![0x82, 127];
        bytes.extend((60_u64 << 20).to_be_bytes());
        bytes.extend([0; 1000]);
        let mut socket = WebSocket::new(bytes.as_slice(), &[], Limits::default());
        socket.next().await.unwrap_err();
        assert!(socket.message.unwrap().bytes.capacity() < 10_000);
    }

    #[tokio::test]
    async fn a_message_with_bits_of_an_extension_is_kept_as_bytes() {
        let bytes = one(&frame(0xc1, &[1, 2, 3])).await;
        assert_eq!(bytes, Heard::AsBytes(AsBytes::whole(Why::Extension, vec![1, 2, 3])));
    }

    #[tokio::test]
    async fn what_is_no_frame_of_a_server_ends_the_connection() {
        for (bytes, word) in [
            (vec![0x8f, 0], "opcode"),
            (vec![0x83, 0], "opcode"),
            (vec![0x81, 0x80, 0, 0, 0, 0], "asked"),
            (vec![0x09, 0], "ragmented"),
            (frame(0x89, &[0; 126]), "too big"),
            (vec![0x80, 0], "ontinue"),
            ([frame(0x01, b"a"), frame(0x81, b"b")].concat(), "fragment"),
            (vec![0x88, 1, 3], "close"),
        ] {
            let (heard, error) = heard_of(&bytes, SMALL).await;
            assert_eq!(heard, []);
            assert!(error.contains(word), "{word}: {error}");
        }
    }

    #[tokio::test]
    async fn what_is_sent_is_masked_and_readable_by_a_server() {
        use futures::StreamExt;
        use tokio_tungstenite::WebSocketStream;
        use tokio_tungstenite::tungstenite::{Message, protocol::Role};
        let (server, client) = tokio::io::duplex(1 << 20);
        let mut socket = WebSocket::new(client, &[], SMALL);
        let long = "x".repeat(70_000);
        socket.send("40").await.unwrap();
        socket.send(&long).await.unwrap();
        socket.pong(Bytes::from_static(b"p")).await.unwrap();
        socket.close().await.unwrap();
        let mut server = WebSocketStream::from_raw_socket(server, Role::Server, None).await;
        let mut heard = Vec::new();
        for _ in 0..4 {
            heard.push(server.next().await.unwrap().unwrap());
        }
        let pong = Message::Pong(Bytes::from_static(b"p"));
        assert_eq!(heard, [Message::text("40"), Message::text(long), pong, Message::Close(None)]);
    }
}
