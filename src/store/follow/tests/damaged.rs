//! Damage in a segment that is still being written: it costs its own record, and a record on its way is no damage.

use std::io::Write;

use super::*;
use crate::journal::codec::encode;
use crate::journal::reader::SegmentReader;
use crate::seal::{Closed, SealedSoFar};

/// The bytes of one frame in the journal.
fn bytes_of(seq: u64) -> Vec<u8> {
    let text = format!(r#"42["newChatMessage",{{"n":{seq}}}]"#);
    let frame = Record::frame(1_700_000_000_000_000, Source::PublicWs, Direction::Received, &text);
    let mut bytes = Vec::new();
    encode(&mut bytes, &Record { seq, ..frame });
    bytes
}

fn append(segment: &SegmentPath, bytes: &[u8]) {
    std::fs::OpenOptions::new().append(true).open(&segment.path).unwrap().write_all(bytes).unwrap();
}

/// A kind of damage, and what it does to bytes.
type Kind = (&'static str, fn(&mut [u8]));

/// What damage can be, to a record that begins at this place.
fn damages() -> Vec<Kind> {
    vec![
        ("a flipped bit of the text", |record| record[40] ^= 1),
        ("a flipped bit of the checksum", |record| record[5] ^= 1),
        ("a length of nothing", |record| record[..4].fill(0)),
        ("a length that ends within it", |record| record[0] ^= 1),
        ("a length that ends behind the file", |record| record[2] ^= 0x10),
        ("a length that no record has", |record| record[3] ^= 0x70),
        ("zeros", |record| record.fill(0)),
    ]
}

/// Damages the record of this frame in its segment, wherever it is in it.
fn damage(segment: &SegmentPath, seq: u64, damage: fn(&mut [u8])) {
    let mut bytes = std::fs::read(&segment.path).unwrap();
    let record = bytes_of(seq);
    let at = bytes.windows(record.len()).position(|window| window == record).unwrap();
    damage(&mut bytes[at..at + record.len()]);
    std::fs::write(&segment.path, bytes).unwrap();
}

fn closed(segment: &SegmentPath) -> Closed {
    Closed { segment: segment.clone(), length: segment.path.metadata().unwrap().len() }
}

#[test]
fn frames_behind_a_damaged_place_are_seen_at_once_and_once() {
    for (what, change) in damages() {
        for damaged in 1..=3_u64 {
            let journal = Journal::new();
            let (mut held, mut follower) = (Held::default(), Follower::open(&journal.root).unwrap());
            let look = |held: &mut Held, follower: &mut Follower, expected: &[u64]| {
                held.take(follower.poll().unwrap());
                assert_eq!(held.seqs(&journal.root), expected, "{what}, frame {damaged}");
                assert_eq!(
                    Held::of_a_first_look(&journal.root),
                    expected,
                    "{what}, frame {damaged}, a first look"
                );
            };
            let mut segment = journal.write(1..=1);
            damage(&segment[0], damaged, change);
            let mut expected: Vec<u64> = (1..=3).filter(|seq| *seq != damaged).collect();
            look(&mut held, &mut follower, &expected);
            append(&segment[0], &bytes_of(4));
            expected.push(4);
            look(&mut held, &mut follower, &expected);
            // Of the next one, byte by byte: it is on its way, and no damage.
            for byte in bytes_of(5) {
                look(&mut held, &mut follower, &expected);
                append(&segment[0], &[byte]);
            }
            expected.push(5);
            look(&mut held, &mut follower, &expected);
            // Sealed while the session goes on, and then to its end.
            let mut so_far = SealedSoFar::default();
            journal.store.seal_closed(journal.session_id, &[closed(&segment[0])], &mut so_far, false).unwrap();
            look(&mut held, &mut follower, &expected);
            segment.push(journal.segment_from(2, 6));
            expected.extend(6..9);
            look(&mut held, &mut follower, &expected);
            journal.store.seal_closed(journal.session_id, &[closed(&segment[1])], &mut so_far, true).unwrap();
            look(&mut held, &mut follower, &expected);
            let notes = notices(&journal.root);
            assert_eq!(notes, [damaged], "{what}, frame {damaged}: said under the number that is lost");
        }
    }
}

#[test]
fn a_damaged_end_of_a_segment_takes_no_number_from_the_next_one() {
    for (what, change) in damages() {
        let journal = Journal::new();
        let (mut held, mut follower) = (Held::default(), Follower::open(&journal.root).unwrap());
        let look = |held: &mut Held, follower: &mut Follower, expected: &[u64]| {
            held.take(follower.poll().unwrap());
            assert_eq!(held.seqs(&journal.root), expected, "{what}");
            assert_eq!(Held::of_a_first_look(&journal.root), expected, "{what}, a first look");
        };
        let first = journal.segment_from(1, 1);
        damage(&first, 3, change);
        look(&mut held, &mut follower, &[1, 2]);
        let second = journal.segment_from(2, 4);
        let expected = [1, 2, 4, 5, 6];
        look(&mut held, &mut follower, &expected);
        let mut so_far = SealedSoFar::default();
        journal.store.seal_closed(journal.session_id, &[closed(&first)], &mut so_far, false).unwrap();
        look(&mut held, &mut follower, &expected);
        journal.store.seal_closed(journal.session_id, &[closed(&second)], &mut so_far, false).unwrap();
        look(&mut held, &mut follower, &expected);
        let third = journal.segment_from(3, 7);
        let expected = [1, 2, 4, 5, 6, 7, 8, 9];
        look(&mut held, &mut follower, &expected);
        journal.store.seal_closed(journal.session_id, &[closed(&third)], &mut so_far, true).unwrap();
        look(&mut held, &mut follower, &expected);
        assert!(notices(&journal.root).iter().all(|seq| !expected.contains(seq)), "{what}");
        assert_eq!(crate::verify::verify(&journal.root, |_, _| ()).unwrap().problems, [], "{what}");
    }
}

#[test]
fn a_damaged_head_hides_no_frame() {
    let changes: [Kind; 5] = [
        ("a flipped bit of the first bytes", |bytes| bytes[2] ^= 1),
        ("a length that ends behind the file", |bytes| bytes[8] ^= 0x10),
        ("a length that no record has", |bytes| bytes[9] ^= 0x70),
        ("a flipped bit of the text", |bytes| bytes[30] ^= 1),
        ("zeros", |bytes| bytes[..60].fill(0)),
    ];
    for (what, change) in changes {
        let journal = Journal::new();
        let segments = journal.write(1..=2);
        let mut bytes = std::fs::read(&segments[1].path).unwrap();
        change(&mut bytes);
        std::fs::write(&segments[1].path, bytes).unwrap();
        let (mut held, mut follower) = (Held::default(), Follower::open(&journal.root).unwrap());
        let look = |held: &mut Held, follower: &mut Follower| {
            held.take(follower.poll().unwrap());
            assert_eq!(held.seqs(&journal.root), [1, 2, 3, 4, 5, 6], "{what}");
            assert_eq!(Held::of_a_first_look(&journal.root), [1, 2, 3, 4, 5, 6], "{what}, a first look");
        };
        look(&mut held, &mut follower);
        let mut so_far = SealedSoFar::default();
        for (segment, is_over) in segments.iter().zip([false, true]) {
            journal.store.seal_closed(journal.session_id, &[closed(segment)], &mut so_far, is_over).unwrap();
            look(&mut held, &mut follower);
        }
        assert_eq!(notices(&journal.root), [7], "{what}: said behind all frames");
        assert_eq!(crate::verify::verify(&journal.root, |_, _| ()).unwrap().problems, [], "{what}");
    }
}

#[test]
fn a_segment_that_is_lost_as_a_whole_keeps_no_other_from_being_sealed() {
    for lost in 1..=2 {
        let journal = Journal::new();
        let segments = journal.write(1..=3);
        let all: Vec<Closed> = segments.iter().map(closed).collect();
        let damaged = &segments[lost - 1].path;
        let length = damaged.metadata().unwrap().len() as usize;
        std::fs::write(damaged, vec![0; length]).unwrap();
        let (gone, left): (Vec<u64>, Vec<u64>) =
            (1..=FRAMES).partition(|seq| (seq - 1) / FRAMES_EACH == lost as u64 - 1);
        assert_eq!(Held::of_a_first_look(&journal.root), left);
        let mut so_far = SealedSoFar::default();
        for (number, segment) in (1..).zip(all) {
            journal.store.seal_closed(journal.session_id, &[segment], &mut so_far, number == 3).unwrap();
        }
        assert_eq!(Held::of_a_first_look(&journal.root), left);
        assert_eq!(notices(&journal.root), gone, "one for each frame that is lost");
        assert_eq!(crate::verify::verify(&journal.root, |_, _| ()).unwrap().problems, []);
        assert!(damaged.with_extension("seg.damaged").exists(), "its bytes are kept");
    }
}

#[test]
fn half_a_record_that_is_cut_off_and_written_over_is_no_damage() {
    let journal = Journal::new();
    let segment = journal.segment_from(1, 1);
    let (mut held, mut follower) = (Held::default(), Follower::open(&journal.root).unwrap());
    let whole = segment.path.metadata().unwrap().len();
    let half = &bytes_of(9_999_999)[..30];
    append(&segment, half);
    held.take(follower.poll().unwrap());
    assert_eq!(held.seqs(&journal.root), [1, 2, 3]);
    std::fs::OpenOptions::new().write(true).open(&segment.path).unwrap().set_len(whole).unwrap();
    append(&segment, &bytes_of(4));
    append(&segment, &bytes_of(5));
    held.take(follower.poll().unwrap());
    assert_eq!(held.seqs(&journal.root), [1, 2, 3, 4, 5]);
}

#[test]
fn half_a_record_that_is_written_over_between_two_reads_is_no_damage() {
    let journal = Journal::new();
    let segment = journal.segment_from(1, 1);
    let whole = segment.path.metadata().unwrap().len();
    append(&segment, &bytes_of(9_999_999)[..30]);
    let mut reader = SegmentReader::open(&segment.path).unwrap();
    let mut found = Vec::new();
    reader
        .read(|record| {
            found.push(record.seq);
            if record.seq == 1 {
                // The half was read together with this record, and what follows now is read next.
                std::fs::OpenOptions::new().write(true).open(&segment.path).unwrap().set_len(whole).unwrap();
                (4..=6).for_each(|seq| append(&segment, &bytes_of(seq)));
            }
            Ok(())
        })
        .unwrap();
    assert_eq!(found, [1, 2, 3], "the end of one record behind the beginning of another is neither");
    reader
        .read(|record| {
            found.push(record.seq);
            Ok(())
        })
        .unwrap();
    assert_eq!(found, [1, 2, 3, 4, 5, 6]);
}

/// The numbers of what is said of damage.
fn notices(root: &DataRoot) -> Vec<u64> {
    let mut seqs = Vec::new();
    for batch in scan::scan(root, DocType::SystemEvent, &scan::ScanFilter::default()).unwrap() {
        seqs.extend(seqs_of(&batch.unwrap()));
    }
    seqs.sort_unstable();
    seqs
}
