#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing)]

use proptest::prelude::*;

use super::*;
use crate::ids::SessionId;
use crate::journal::writer::SegmentWriter;
use crate::record::{Direction, Source};
use crate::testing::root;

/// A segment of these texts, damaged at these places. Where it is cut, nothing may be left of it.
fn damaged(texts: &[String], changes: &[(usize, u8)], cut: Option<usize>) -> (tempfile::TempDir, PathBuf) {
    let (folder, root) = root();
    let head = SegmentHead {
        session_id: SessionId::start(),
        number: 1,
        first_seq: 1,
        origin: "test".into(),
        started_us: 0,
        build: "test".into(),
        requests: Default::default(),
    };
    let mut writer = SegmentWriter::create(&root, head).unwrap();
    for (seq, text) in (1..).zip(texts) {
        let frame = Record::frame(0, Source::PublicWs, Direction::Received, text);
        writer.append(&Record { seq, ..frame }).unwrap();
    }
    let path = writer.path().to_owned();
    let mut bytes = std::fs::read(&path).unwrap();
    for (place, value) in changes {
        let place = place % bytes.len();
        bytes[place] ^= value;
    }
    bytes.truncate(cut.map_or(bytes.len(), |cut| cut % bytes.len()));
    std::fs::write(&path, bytes).unwrap();
    (folder, path)
}

proptest! {
    #[test]
    fn a_reader_beside_the_writer_finds_what_recovery_finds(
        texts in proptest::collection::vec("[ -~]{0,60}", 1..8),
        changes in proptest::collection::vec((any::<usize>(), 1_u8..), 0..4),
        cut in proptest::option::of(any::<usize>()),
    ) {
        let (_folder, path) = damaged(&texts, &changes, cut);
        let mut recovered = Vec::new();
        let damages = SegmentReader::open(&path).unwrap().recover(|record| {
            recovered.push((record.seq, record.text.to_owned()));
            Ok(())
        });
        let mut beside = Vec::new();
        let read = SegmentReader::open(&path).unwrap().read(|record| {
            beside.push((record.seq, record.text.to_owned()));
            Ok(())
        });
        prop_assert_eq!(&beside, &recovered);
        prop_assert_eq!(damages.is_ok(), read.is_ok());
        for (seq, text) in &recovered {
            prop_assert_eq!(Some(text), texts.get(*seq as usize - 1), "nothing is invented");
        }
        prop_assert!(recovered.windows(2).all(|two| two[0].0 < two[1].0), "in order, each once");
        let damages = damages.unwrap_or_default();
        prop_assert!(damages.len() <= changes.len() + usize::from(cut.is_some()), "{damages:?}");
    }
}
