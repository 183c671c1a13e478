//! WebSocket messages out of a stream of bytes: fragments, masks, permessage-deflate.

use flate2::{Decompress, FlushDecompress};

/// The longest message, bytes.
const MAX_MESSAGE: usize = 64 << 20;

/// A message.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Message {
    /// 1: text, 2: binary, 8: close, 9: ping, 10: pong.
    pub opcode: u8,
    /// Its bytes, without mask and unpacked.
    pub data: Vec<u8>,
}

/// Why a stream cannot be read on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Broken {
    /// A message is longer than any of the game.
    TooLong,
    /// A frame that no WebSocket has; bytes before it are missing, perhaps.
    NoFrame,
    /// A packed message cannot be unpacked.
    Packed,
}

/// Reads one direction of a WebSocket.
#[derive(Debug, Default)]
pub struct Reader {
    buffer: Vec<u8>,
    message: Vec<u8>,
    opcode: u8,
    is_packed: bool,
    /// Set where both sides agreed on permessage-deflate.
    inflater: Option<Decompress>,
    /// Whether each message is packed by itself.
    forgets: bool,
}

impl Reader {
    /// Says that messages may be packed; with `forgets`, each by itself.
    pub fn unpack(&mut self, forgets: bool) {
        self.inflater = Some(Decompress::new(false));
        self.forgets = forgets;
    }

    /// Takes bytes, and gives the messages that are whole now.
    ///
    /// # Errors
    /// [`Broken`]; nothing more can be read of the stream.
    pub fn push(&mut self, bytes: &[u8]) -> Result<Vec<Message>, Broken> {
        self.buffer.extend_from_slice(bytes);
        let mut messages = Vec::new();
        let mut at = 0;
        while let Some((frame, end)) = self.frame(at)? {
            at = end;
            self.take(frame, &mut messages)?;
        }
        self.buffer.drain(..at);
        Ok(messages)
    }

    /// The frame at `at` and where it ends; `None` while it is not whole.
    fn frame(&self, at: usize) -> Result<Option<(Frame, usize)>, Broken> {
        let Some(&[first, second]) = self.buffer.get(at..at + 2) else { return Ok(None) };
        let (opcode, is_control) = (first & 0x0F, first & 0x08 != 0);
        if !matches!(opcode, 0..=2 | 8..=10) || first & 0x30 != 0 || (is_control && second & 0x7F > 125) {
            return Err(Broken::NoFrame);
        }
        let mut next = at + 2;
        let length = match second & 0x7F {
            126 => {
                next += 2;
                self.buffer
                    .get(at + 2..at + 4)
                    .and_then(|two| two.try_into().ok())
                    .map(|two| u64::from(u16::from_be_bytes(two)))
            }
            127 => {
                next += 8;
                self.buffer.get(at + 2..at + 10).and_then(|eight| eight.try_into().ok()).map(u64::from_be_bytes)
            }
            short => Some(u64::from(short)),
        };
        let Some(length) = length else { return Ok(None) };
        if length > MAX_MESSAGE as u64 {
            return Err(Broken::TooLong);
        }
        let mask: Option<[u8; 4]> = if second & 0x80 != 0 {
            next += 4;
            match self.buffer.get(next - 4..next).and_then(|four| four.try_into().ok()) {
                Some(mask) => Some(mask),
                None => return Ok(None),
            }
        } else {
            None
        };
        let end = next + length as usize;
        let Some(data) = self.buffer.get(next..end) else { return Ok(None) };
        let mut data = data.to_vec();
        if let Some(mask) = mask {
            data.iter_mut().zip(mask.iter().cycle()).for_each(|(byte, mask)| *byte ^= mask);
        }
        Ok(Some((Frame { opcode, is_last: first & 0x80 != 0, is_packed: first & 0x40 != 0, data }, end)))
    }

    fn take(&mut self, frame: Frame, messages: &mut Vec<Message>) -> Result<(), Broken> {
        if frame.opcode >= 8 {
            messages.push(Message { opcode: frame.opcode, data: frame.data });
            return Ok(());
        }
        if frame.opcode != 0 {
            self.opcode = frame.opcode;
            self.is_packed = frame.is_packed;
            self.message.clear();
        }
        if self.message.len() + frame.data.len() > MAX_MESSAGE {
            return Err(Broken::TooLong);
        }
        self.message.extend_from_slice(&frame.data);
        if frame.is_last {
            let packed = std::mem::take(&mut self.message);
            let data = if self.is_packed { self.inflate(packed)? } else { packed };
            messages.push(Message { opcode: self.opcode, data });
        }
        Ok(())
    }

    fn inflate(&mut self, mut packed: Vec<u8>) -> Result<Vec<u8>, Broken> {
        let Some(inflater) = &mut self.inflater else { return Err(Broken::Packed) };
        packed.extend_from_slice(&[0, 0, 0xFF, 0xFF]);
        if self.forgets {
            inflater.reset(false);
        }
        let (mut out, mut at) = (Vec::new(), 0);
        loop {
            if out.len() == out.capacity() {
                out.reserve((packed.len() * 4).max(4096));
            }
            let before = (inflater.total_in(), out.len());
            let input = packed.get(at..).unwrap_or_default();
            let status = inflater.decompress_vec(input, &mut out, FlushDecompress::Sync);
            status.map_err(|_| Broken::Packed)?;
            at += (inflater.total_in() - before.0) as usize;
            if out.len() > MAX_MESSAGE {
                return Err(Broken::TooLong);
            }
            let is_done = at >= packed.len() && out.len() < out.capacity();
            let is_stuck = inflater.total_in() == before.0 && out.len() == before.1;
            if is_done || is_stuck {
                return Ok(out);
            }
        }
    }
}

struct Frame {
    opcode: u8,
    is_last: bool,
    is_packed: bool,
    data: Vec<u8>,
}
