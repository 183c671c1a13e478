//! Captures that are made here: Ethernet, IPv4, TCP, the upgrade, masked and packed frames.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

use std::io::Write;

use crate::testing::Fixture;
use replayer_store::schema::DocType;

const CLIENT: ([u8; 4], u16) = ([10, 0, 0, 2], 51_000);
const SERVER: ([u8; 4], u16) = ([10, 0, 0, 1], 80);

/// A pcap file under construction.
struct Capture {
    out: Vec<u8>,
    seq: [u32; 2],
    us: u32,
}

impl Capture {
    fn new() -> Capture {
        let mut out = Vec::new();
        for word in [0xA1B2_C3D4_u32, 0x0004_0002, 0, 0, 65_535, 1] {
            out.extend(word.to_le_bytes());
        }
        Capture { out, seq: [1000, 9000], us: 0 }
    }

    fn segment(&mut self, sent: bool, seq: u32, flags: u8, data: &[u8]) {
        let (from, to) = if sent { (CLIENT, SERVER) } else { (SERVER, CLIENT) };
        let mut tcp = Vec::new();
        tcp.extend(from.1.to_be_bytes());
        tcp.extend(to.1.to_be_bytes());
        tcp.extend(seq.to_be_bytes());
        tcp.extend([0, 0, 0, 0, 5 << 4, flags, 0, 0, 0, 0, 0, 0]);
        tcp.extend(data);
        let mut packet = vec![0; 12];
        packet.extend([8, 0, 0x45, 0]);
        packet.extend((tcp.len() as u16 + 20).to_be_bytes());
        packet.extend([0, 0, 0, 0, 64, 6, 0, 0]);
        packet.extend(from.0);
        packet.extend(to.0);
        packet.extend(tcp);
        self.us += 250_000;
        for word in
            [1_768_485_600 + self.us / 1_000_000, self.us % 1_000_000, packet.len() as u32, packet.len() as u32]
        {
            self.out.extend(word.to_le_bytes());
        }
        self.out.extend(packet);
    }

    fn send(&mut self, sent: bool, data: &[u8]) {
        let side = usize::from(!sent);
        let seq = self.seq[side];
        self.segment(sent, seq, 0x18, data);
        self.seq[side] = seq + data.len() as u32;
    }

    fn open(&mut self, host: &str, extension: &str) {
        let [client, server] = self.seq;
        self.segment(true, client - 1, 2, b"");
        self.segment(false, server - 1, 0x12, b"");
        let request = format!(
            "GET /socket.io/?token=INVENTED-QUERY HTTP/1.1\r\nHost: {host}\r\nUpgrade: websocket\r\nCookie: INVENTED-COOKIE\r\n\r\n"
        );
        self.send(true, request.as_bytes());
        self.send(false, format!("HTTP/1.1 101 Switching Protocols\r\n{extension}\r\n").as_bytes());
    }
}

fn frame(opcode: u8, data: &[u8], mask: Option<[u8; 4]>, is_packed: bool) -> Vec<u8> {
    let mut out = vec![0x80 | opcode | if is_packed { 0x40 } else { 0 }];
    let masked = if mask.is_some() { 0x80 } else { 0 };
    if data.len() < 126 {
        out.push(masked | data.len() as u8);
    } else {
        out.push(masked | 126);
        out.extend((data.len() as u16).to_be_bytes());
    }
    match mask {
        Some(mask) => {
            out.extend(mask);
            out.extend(data.iter().zip(mask.iter().cycle()).map(|(byte, mask)| byte ^ mask));
        }
        None => out.extend(data),
    }
    out
}

fn packed(encoder: &mut flate2::write::DeflateEncoder<Vec<u8>>, text: &str) -> Vec<u8> {
    encoder.write_all(text.as_bytes()).unwrap();
    encoder.flush().unwrap();
    let mut out = std::mem::take(encoder.get_mut());
    out.truncate(out.len() - 4);
    out
}

const STATE: &str = r#"42["gameStateUpdate",{"gameId":"20260115-aaaabbbbccccdddd","active":true,"rugged":false,"tickCount":1,"price":1.5}]"#;

#[test]
fn messages_of_both_sides_are_read_in_order_and_nothing_of_the_head() {
    let mut capture = Capture::new();
    capture.open("rugs.fun", "");
    capture.send(true, &frame(1, br#"4277["buyOrder",{"amount":0.01}]"#, Some([1, 2, 3, 4]), false));
    // Two frames, cut anywhere, the second piece before the first, and sent again.
    let bytes =
        [frame(1, STATE.as_bytes(), None, false), frame(1, br#"4377[{"success":true}]"#, None, false)].concat();
    let start = capture.seq[1];
    capture.segment(false, start + 50, 0x18, &bytes[50..]);
    capture.segment(false, start, 0x18, &bytes[..50]);
    capture.segment(false, start, 0x18, &bytes[..50]);
    capture.seq[1] += bytes.len() as u32;
    capture.send(false, &frame(2, b"\x00\x01", None, false));
    capture.send(false, &frame(8, b"\x03\xe8", None, false));
    let fixture = Fixture::new();
    let report = fixture.import_content("dump", &capture.out);
    let file = &report.per_file[0];
    assert!(report.is_whole(), "{file:?}");
    assert_eq!((file.format.as_deref(), file.counts.rows), (Some("packets"), 5));
    assert_eq!((file.not_text["binary"], file.not_text["close"]), (1, 1));
    let raw = fixture.column(DocType::WsEvent, "raw_json");
    assert_eq!(
        raw.iter().flatten().collect::<Vec<_>>(),
        [r#"4277["buyOrder",{"amount":0.01}]"#, STATE, r#"4377[{"success":true}]"#]
    );
    assert_eq!(fixture.column(DocType::WsEvent, "direction")[0].as_deref(), Some("sent"));
    assert_eq!(fixture.column(DocType::PlayerAction, "outcome")[1].as_deref(), Some("success"));
    fixture.assert_nowhere("INVENTED");
}

#[test]
fn packed_messages_are_unpacked_with_what_came_before() {
    let mut capture = Capture::new();
    capture.open("backend.rugs.fun", "Sec-WebSocket-Extensions: permessage-deflate\r\n");
    let mut encoder = flate2::write::DeflateEncoder::new(Vec::new(), flate2::Compression::default());
    for _ in 0..3 {
        let data = packed(&mut encoder, STATE);
        capture.send(false, &frame(1, &data, None, true));
    }
    let fixture = Fixture::new();
    let report = fixture.import_content("dump", &capture.out);
    assert_eq!(report.events["gameStateUpdate"], 3, "{report:?}");
    assert_eq!(fixture.column(DocType::WsEvent, "raw_json")[2].as_deref(), Some(STATE));
}

#[test]
fn other_hosts_are_left_out_unless_they_are_named() {
    let mut capture = Capture::new();
    capture.open("127.0.0.1:4010", "");
    capture.send(false, &frame(1, STATE.as_bytes(), None, false));
    let fixture = Fixture::new();
    let report = fixture.import_content("dump", &capture.out);
    assert_eq!((report.totals.rows, report.is_whole()), (0, false));
    assert!(report.per_file[0].reason.as_ref().unwrap().contains("--host"), "{report:?}");
    let fixture = Fixture::new();
    let path = fixture.file("dump", &capture.out);
    let options = crate::import::Options {
        hosts: crate::hosts::Hosts::and(&["127.0.0.1".to_owned()]),
        ..crate::testing::options(&path)
    };
    let report = crate::import::run(&fixture.root, &options, |_, _| ()).unwrap();
    assert_eq!(report.totals.rows, 1);
}

#[test]
fn a_capture_that_is_cut_anywhere_is_read_up_to_there() {
    let mut capture = Capture::new();
    capture.open("rugs.fun", "");
    capture.send(false, &frame(1, STATE.as_bytes(), None, false));
    for end in (4..capture.out.len()).step_by(11) {
        let mut packets = match super::Packets::new(&capture.out[..end]) {
            Ok(packets) => packets,
            Err(_) => continue,
        };
        while packets.next_segment().unwrap().is_some() {}
    }
}
