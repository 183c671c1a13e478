//! Any text as a frame and as a line of every older format: no panic, and the row that holds it holds it byte for byte.
#![no_main]

use std::cell::Cell;

use libfuzzer_sys::fuzz_target;
use replayer_protocol::frame;
use replayer_protocol::line::{self, LineFormat};
use replayer_store::StoreError;
use replayer_store::ids::SessionId;
use replayer_store::project::{Context, project};
use replayer_store::record::{Direction, Record, Source};
use replayer_store::rows::{self, Envelope, RowSink};
use replayer_store::schema::DocType;

struct Raw<'a> {
    text: &'a str,
    seen: Cell<u32>,
}

impl RowSink for Raw<'_> {
    fn row(&mut self, kind: DocType, envelope: &Envelope<'_>, _: &[rows::Cell<'_>]) -> Result<(), StoreError> {
        if kind == DocType::WsEvent {
            assert_eq!(envelope.raw_json, Some(self.text), "the frame's bytes are sacred");
            self.seen.set(self.seen.get() + 1);
        }
        Ok(())
    }
}

fuzz_target!(|input: &[u8]| {
    let Some((first, rest)) = input.split_first() else { return };
    let Ok(text) = std::str::from_utf8(rest) else { return };
    let _ = frame::parse(text);
    if let Some(place) = frame::payload_at(text.as_bytes()) {
        assert!(text.is_char_boundary(place));
    }
    // The first byte says which format; most of the time it is the wire's.
    let format = LineFormat::from_u8(first % 32).unwrap_or(LineFormat::Wire);
    let hint = (*first > 127).then_some("gameStateUpdate");
    let _ = line::payload_at(format, hint, text);
    let record = Record { seq: 1, format, hint, ..Record::frame(0, Source::Import, Direction::Received, text) };
    let mut sink = Raw { text, seen: Cell::new(0) };
    project(SessionId::from_u128(1), &record, &mut Context::default(), &mut sink).unwrap();
    if format == LineFormat::Wire {
        assert_eq!(sink.seen.get(), 1, "each frame once");
    }
});
