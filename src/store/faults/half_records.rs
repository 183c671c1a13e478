//! A disk that takes half a record and does not give it up again.

use std::sync::Arc;

use super::*;
use crate::Store;
use crate::fsio::{Disk, Fault};
use crate::ids::SessionId;
use crate::journal::reader::SegmentReader;
use crate::journal::writer::SegmentWriter;
use crate::journal::{SegmentHead, segments};
use crate::recorder::{Recorder, RecorderOptions};
use crate::verify::verify;

fn segment(root: &DataRoot) -> SegmentWriter {
    let head = SegmentHead {
        session_id: SessionId::start(),
        number: 1,
        first_seq: 1,
        origin: "test".into(),
        started_us: 0,
        build: "test".into(),
        requests: Default::default(),
    };
    SegmentWriter::create(root, head).unwrap()
}

fn text(seq: u64) -> String {
    format!(r#"42["newChatMessage",{{"n":{seq}}}]"#)
}

fn append(writer: &mut SegmentWriter, seq: u64) -> Result<(), crate::StoreError> {
    writer.append(&Record { seq, ..frame(&text(seq)) })
}

#[test]
fn a_failed_truncate_is_not_forgotten() {
    let (_folder, root) = root();
    let mut writer = segment(&root);
    (1..=3).for_each(|seq| append(&mut writer, seq).unwrap());
    let disk = Disk::under(root.path());
    disk.fail(1, Fault::Uncut);
    assert!(append(&mut writer, 4).unwrap_err().is_disk_full(), "half of it is written, and cannot be cut off");
    assert!(append(&mut writer, 4).is_err(), "nothing is appended behind it");
    disk.mend();
    (4..=6).for_each(|seq| append(&mut writer, seq).unwrap());
    disk.fail(1, Fault::Short);
    assert!(append(&mut writer, 7).unwrap_err().is_disk_full(), "this half can be cut off");
    disk.mend();
    append(&mut writer, 7).unwrap();

    let mut found = Vec::new();
    let damages = SegmentReader::open(writer.path())
        .unwrap()
        .recover(|record| {
            found.push((record.seq, record.text.to_owned()));
            Ok(())
        })
        .unwrap();
    assert_eq!(found, (1..=7).map(|seq| (seq, text(seq))).collect::<Vec<_>>());
    assert_eq!(damages, []);
}

#[test]
fn a_follower_reads_what_is_written_in_the_place_of_half_a_record() {
    let (_folder, root) = root();
    let mut writer = segment(&root);
    append(&mut writer, 1).unwrap();
    let mut reader = SegmentReader::open(writer.path()).unwrap();
    let mut read = || {
        let mut found = Vec::new();
        let each = |record: &Record<'_>| {
            found.push(record.text.to_owned());
            Ok(())
        };
        reader.read(each).unwrap();
        found
    };
    let disk = Disk::under(root.path());
    disk.fail(1, Fault::Uncut);
    append(&mut writer, 2).unwrap_err();
    assert_eq!(read(), [text(1)], "and half of the next one");
    disk.mend();
    let other = text(2222);
    writer.append(&Record { seq: 2, ..frame(&other) }).unwrap();
    assert_eq!(read(), [other]);
}

#[test]
fn where_half_a_record_cannot_be_cut_off_the_journal_goes_on_in_a_new_segment() {
    let (_folder, root) = root();
    let recorder =
        Recorder::start(Arc::new(Store::open(&root, "test").unwrap()), RecorderOptions::new("test")).unwrap();
    let append = |seq: u64| recorder.append(&frame(&text(seq)));
    (1..=3).for_each(|seq| assert_eq!(append(seq).unwrap(), seq));
    let disk = Disk::under(root.path());
    disk.fail(1, Fault::Uncut);
    assert!(append(4).unwrap_err().is_disk_full());
    (4..=6).for_each(|seq| assert_eq!(append(seq).unwrap(), seq));
    let expected: Vec<String> = (1..=6).map(text).collect();
    assert_eq!(texts(&root), expected);
    recorder.close().unwrap();
    assert_eq!(texts(&root), expected, "sealed, though the half could not be cut off");
    assert_eq!(rows(&root, DocType::SystemEvent), [], "who appended the half was refused, so nothing is missing");
    assert_eq!(segments(&root).unwrap(), []);
    assert_eq!(verify(&root, |_, _| ()).unwrap().problems, []);
}
