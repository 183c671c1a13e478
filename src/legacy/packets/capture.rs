//! Packets out of pcap and pcapng files, one after the other, down to the TCP segments in them.

use std::io::{self, Read};

/// The longest packet, bytes.
const MAX_PACKET: u32 = 16 << 20;

/// A TCP segment.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Segment {
    /// When it was seen, microseconds UTC.
    pub ts: i64,
    /// Sender's address and port, as bytes.
    pub from: (Vec<u8>, u16),
    /// Receiver's address and port.
    pub to: (Vec<u8>, u16),
    /// Number of its first byte.
    pub seq: u32,
    /// Whether it opens the connection.
    pub syn: bool,
    /// Its bytes.
    pub data: Vec<u8>,
}

/// How an interface writes its packets.
#[derive(Debug, Clone, Copy)]
struct Interface {
    link: u32,
    /// Units of time in a second.
    units: u64,
}

/// Reads a file.
pub struct Packets<R> {
    input: R,
    big_endian: bool,
    is_blocks: bool,
    interfaces: Vec<Interface>,
}

fn damaged(what: &str) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, format!("a damaged packet capture: {what}"))
}

impl<R: Read> Packets<R> {
    /// Reads the head.
    ///
    /// # Errors
    /// Those of the reader; what is no capture.
    pub fn new(mut input: R) -> io::Result<Packets<R>> {
        let mut magic = [0; 4];
        input.read_exact(&mut magic)?;
        let (big_endian, units) = match magic {
            [0xD4, 0xC3, 0xB2, 0xA1] => (false, 1_000_000),
            [0xA1, 0xB2, 0xC3, 0xD4] => (true, 1_000_000),
            [0x4D, 0x3C, 0xB2, 0xA1] => (false, 1_000_000_000),
            [0xA1, 0xB2, 0x3C, 0x4D] => (true, 1_000_000_000),
            [0x0A, 0x0D, 0x0D, 0x0A] => {
                let mut packets = Packets { input, big_endian: false, is_blocks: true, interfaces: Vec::new() };
                packets.section()?;
                return Ok(packets);
            }
            _ => return Err(damaged("it begins like none")),
        };
        let mut packets = Packets { input, big_endian, is_blocks: false, interfaces: Vec::new() };
        let head = packets.take(20)?.ok_or_else(|| damaged("its head is cut"))?;
        let link = packets.u32_at(&head, 16) & 0x0FFF_FFFF;
        packets.interfaces.push(Interface { link, units });
        Ok(packets)
    }

    /// The next TCP segment; other packets are passed over. A packet that is cut at the end of the file ends it.
    ///
    /// # Errors
    /// Those of the reader; what is damaged.
    pub fn next_segment(&mut self) -> io::Result<Option<Segment>> {
        loop {
            let Some((interface, at, bytes)) = (if self.is_blocks { self.block()? } else { self.record()? })
            else {
                return Ok(None);
            };
            let Some(interface) = self.interfaces.get(interface as usize) else { continue };
            // A unit may be no part of a microsecond.
            let ts = (i128::from(at) * 1_000_000 / i128::from(interface.units.max(1))) as i64;
            if let Some(segment) = segment(ts, interface.link, &bytes) {
                return Ok(Some(segment));
            }
        }
    }

    /// A record of a pcap file: interface, time in its units, bytes.
    fn record(&mut self) -> io::Result<Option<(u32, u64, Vec<u8>)>> {
        let Some(head) = self.take(16)? else { return Ok(None) };
        let (seconds, fraction) = (self.u32_at(&head, 0), self.u32_at(&head, 4));
        let length = self.u32_at(&head, 8);
        if length > MAX_PACKET {
            return Err(damaged("a packet is too long"));
        }
        let Some(bytes) = self.take(length as usize)? else { return Ok(None) };
        let units = self.interfaces.first().map_or(1_000_000, |interface| interface.units);
        Ok(Some((0, u64::from(seconds) * units + u64::from(fraction), bytes)))
    }

    /// The next block of a pcapng file that holds a packet.
    fn block(&mut self) -> io::Result<Option<(u32, u64, Vec<u8>)>> {
        loop {
            let Some(kind) = self.take(4)? else { return Ok(None) };
            if kind == [0x0A, 0x0D, 0x0D, 0x0A] {
                self.section()?;
                continue;
            }
            let Some(body) = self.body()? else { return Ok(None) };
            match self.u32_at(&kind, 0) {
                1 => {
                    let link = u32::from(self.u16_at(&body, 0));
                    let units = self.units(body.get(8..).unwrap_or_default());
                    self.interfaces.push(Interface { link, units });
                }
                6 => {
                    let at = (u64::from(self.u32_at(&body, 4)) << 32) | u64::from(self.u32_at(&body, 8));
                    let length = self.u32_at(&body, 12) as usize;
                    let bytes = body.get(20..).unwrap_or_default();
                    let bytes = bytes.get(..length.min(bytes.len())).unwrap_or_default().to_vec();
                    return Ok(Some((self.u32_at(&body, 0), at, bytes)));
                }
                _ => {}
            }
        }
    }

    /// The rest of a section's head, which says the order of bytes.
    fn section(&mut self) -> io::Result<()> {
        let Some(head) = self.take(8)? else { return Err(damaged("its head is cut")) };
        self.big_endian = head.get(4..8) == Some(&[0x1A, 0x2B, 0x3C, 0x4D]);
        self.interfaces.clear();
        let rest = self.u32_at(&head, 0).checked_sub(16).filter(|rest| *rest <= MAX_PACKET);
        let rest = rest.ok_or_else(|| damaged("its head has an odd length"))?;
        self.take(rest as usize)?;
        Ok(())
    }

    /// The body of a block whose kind was read.
    fn body(&mut self) -> io::Result<Option<Vec<u8>>> {
        let Some(length) = self.take(4)? else { return Ok(None) };
        let length = self.u32_at(&length, 0).checked_sub(12).filter(|length| *length <= MAX_PACKET);
        let length = length.ok_or_else(|| damaged("a block has an odd length"))? as usize;
        let Some(mut body) = self.take(length + 4)? else { return Ok(None) };
        body.truncate(length);
        Ok(Some(body))
    }

    /// Units of time in a second, out of an interface's options.
    fn units(&self, mut options: &[u8]) -> u64 {
        while options.len() >= 4 {
            let (code, length) = (self.u16_at(options, 0), usize::from(self.u16_at(options, 2)));
            if code == 9 {
                return match options.get(4) {
                    Some(power) if power & 0x80 == 0 => 10_u64.checked_pow(u32::from(*power)).unwrap_or(1_000_000),
                    Some(power) => 1_u64.checked_shl(u32::from(power & 0x7F)).unwrap_or(1_000_000),
                    None => 1_000_000,
                };
            }
            options = options.get(4 + length.next_multiple_of(4)..).unwrap_or_default();
        }
        1_000_000
    }

    /// That many bytes; `None` where the file ends before.
    fn take(&mut self, length: usize) -> io::Result<Option<Vec<u8>>> {
        let mut bytes = Vec::new();
        self.input.by_ref().take(length as u64).read_to_end(&mut bytes)?;
        Ok((bytes.len() == length).then_some(bytes))
    }

    fn u16_at(&self, bytes: &[u8], at: usize) -> u16 {
        let two = bytes.get(at..at + 2).and_then(|two| two.try_into().ok()).unwrap_or([0; 2]);
        if self.big_endian { u16::from_be_bytes(two) } else { u16::from_le_bytes(two) }
    }

    fn u32_at(&self, bytes: &[u8], at: usize) -> u32 {
        let four = bytes.get(at..at + 4).and_then(|four| four.try_into().ok()).unwrap_or([0; 4]);
        if self.big_endian { u32::from_be_bytes(four) } else { u32::from_le_bytes(four) }
    }
}

/// The TCP segment in a packet; `None` for any other.
fn segment(ts: i64, link: u32, bytes: &[u8]) -> Option<Segment> {
    let network = |at: usize| Some(u16::from_be_bytes(bytes.get(at..at + 2)?.try_into().ok()?));
    let ip = match link {
        // Ethernet, with up to two VLAN tags.
        1 => {
            let mut at = 12;
            while matches!(network(at)?, 0x8100 | 0x88A8) {
                at += 4;
            }
            matches!(network(at)?, 0x0800 | 0x86DD).then(|| bytes.get(at + 2..))??
        }
        // Loopback: an address family before the packet.
        0 | 108 => bytes.get(4..)?,
        // Linux' cooked captures.
        113 => bytes.get(16..)?,
        276 => bytes.get(20..)?,
        12 | 14 | 101 | 228 | 229 => bytes,
        _ => return None,
    };
    let (from, to, tcp) = match ip.first()? >> 4 {
        4 => {
            let head = usize::from(ip.first()? & 0x0F) * 4;
            let total = usize::from(u16::from_be_bytes(ip.get(2..4)?.try_into().ok()?));
            // A card that segments itself writes 0.
            let end = if total >= head { total.min(ip.len()) } else { ip.len() };
            if *ip.get(9)? != 6 {
                return None;
            }
            (ip.get(12..16)?, ip.get(16..20)?, ip.get(head..end)?)
        }
        6 => {
            let length = usize::from(u16::from_be_bytes(ip.get(4..6)?.try_into().ok()?));
            let end = if length > 0 { (40 + length).min(ip.len()) } else { ip.len() };
            let (mut next, mut at) = (*ip.get(6)?, 40);
            // Extension headers before the segment.
            while matches!(next, 0 | 43 | 60) {
                next = *ip.get(at)?;
                at += 8 + usize::from(*ip.get(at + 1)?) * 8;
            }
            if next != 6 {
                return None;
            }
            (ip.get(8..24)?, ip.get(24..40)?, ip.get(at..end)?)
        }
        _ => return None,
    };
    let port = |at: usize| Some(u16::from_be_bytes(tcp.get(at..at + 2)?.try_into().ok()?));
    let head = usize::from(tcp.get(12)? >> 4) * 4;
    Some(Segment {
        ts,
        from: (from.to_vec(), port(0)?),
        to: (to.to_vec(), port(2)?),
        seq: u32::from_be_bytes(tcp.get(4..8)?.try_into().ok()?),
        syn: tcp.get(13)? & 2 != 0,
        data: tcp.get(head..)?.to_vec(),
    })
}
