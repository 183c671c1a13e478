//! A journal segment with damaged bytes: whatever was damaged, the records that are read are some of those that were
//! written, in their order, byte for byte; and a reader beside the writer finds the same ones as recovery. The input is
//! the texts (each ends with a line break), then, behind a zero byte, the damage: pairs of a place and a value.
#![no_main]

use libfuzzer_sys::fuzz_target;
use replayer_store::ids::SessionId;
use replayer_store::journal::reader::SegmentReader;
use replayer_store::journal::writer::SegmentWriter;
use replayer_store::journal::{SegmentHead, segments};
use replayer_store::record::{Direction, Record, Source};
use replayer_store::root::DataRoot;

fuzz_target!(|input: &[u8]| {
    let split = input.iter().position(|byte| *byte == 0).unwrap_or(input.len());
    let (texts, damage) = input.split_at(split);
    let texts: Vec<&str> = std::str::from_utf8(texts).unwrap_or("x").lines().collect();
    let folder = tempfile::tempdir_in("/dev/shm").unwrap();
    let root = DataRoot::create(folder.path().join("root")).unwrap();
    let head = SegmentHead {
        session_id: SessionId::start(),
        number: 1,
        first_seq: 1,
        origin: "fuzz".into(),
        started_us: 0,
        build: "fuzz".into(),
        requests: Default::default(),
    };
    let mut writer = SegmentWriter::create(&root, head).unwrap();
    for (seq, text) in (1..).zip(&texts) {
        let frame = Record::frame(0, Source::PublicWs, Direction::Received, text);
        writer.append(&Record { seq, ..frame }).unwrap();
    }
    drop(writer);
    let path = segments(&root).unwrap().remove(0).path;
    let mut bytes = std::fs::read(&path).unwrap();
    for pair in damage.get(1..).unwrap_or_default().chunks_exact(3) {
        let place = usize::from(u16::from_le_bytes([pair[0], pair[1]])) % bytes.len();
        match pair[2] {
            0xff => bytes.truncate(place.max(1)),
            value => bytes[place] ^= value,
        }
    }
    std::fs::write(&path, bytes).unwrap();
    let Ok(mut reader) = SegmentReader::open(&path) else { return };
    let mut found: Vec<u64> = Vec::new();
    let recovered = reader.recover(|record| {
        assert!(found.last().is_none_or(|last| record.seq > *last), "in order, each once");
        found.push(record.seq);
        assert_eq!(texts.get(record.seq as usize - 1), Some(&record.text), "nothing is invented");
        Ok(())
    });
    let mut beside: Vec<u64> = Vec::new();
    let read = SegmentReader::open(&path).unwrap().read(|record| {
        beside.push(record.seq);
        Ok(())
    });
    if recovered.is_ok() && read.is_ok() {
        assert_eq!(beside, found);
    }
});
