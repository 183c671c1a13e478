//! Lines and their places.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

use std::io::BufReader;

use super::*;

fn all(bytes: &[u8], buffer: usize) -> Vec<(u64, u64, Vec<u8>, bool)> {
    let mut reader = LineReader::new(BufReader::with_capacity(buffer, bytes));
    let mut lines = Vec::new();
    while let Some(line) = reader.next_line().unwrap() {
        lines.push((line.number, line.offset, line.bytes.to_vec(), line.ended));
    }
    lines
}

#[test]
fn lines_come_with_number_place_and_whether_they_ended() {
    for buffer in [1, 2, 3, 64] {
        assert_eq!(
            all(b"ab\n\ncd", buffer),
            [(1, 0, b"ab".to_vec(), true), (2, 3, b"".to_vec(), true), (3, 4, b"cd".to_vec(), false)]
        );
    }
}

#[test]
fn a_carriage_return_belongs_to_the_ending() {
    assert_eq!(all(b"a\r\nb\r", 64), [(1, 0, b"a".to_vec(), true), (2, 3, b"b\r".to_vec(), false)]);
}

#[test]
fn a_byte_order_mark_is_no_part_of_the_first_line() {
    assert_eq!(all(b"\xEF\xBB\xBFa\n", 64), [(1, 3, b"a".to_vec(), true)]);
}

#[test]
fn a_line_ending_at_the_end_of_the_file_begins_no_line() {
    assert_eq!(all(b"a\n", 64).len(), 1);
    assert_eq!(all(b"", 64).len(), 0);
    assert_eq!(all(b"\n", 64).len(), 1);
}

#[test]
fn reading_from_the_middle_keeps_counting() {
    let mut reader = LineReader::starting_at(&b"c\n"[..], 100, 7);
    let line = reader.next_line().unwrap().unwrap();
    assert_eq!((line.number, line.offset), (8, 100));
}

#[test]
fn a_line_over_the_limit_is_known_by_length_and_the_next_line_is_whole() {
    let mut bytes = vec![b'x'; MAX_LINE + 1];
    bytes.extend_from_slice(b"\nnext\n");
    let mut reader = LineReader::new(BufReader::with_capacity(1 << 20, bytes.as_slice()));
    let long = reader.next_line().unwrap().unwrap();
    assert!(long.is_too_long());
    assert_eq!((long.length, long.bytes.len()), (MAX_LINE as u64 + 1, KEPT_OF_TOO_LONG));
    let next = reader.next_line().unwrap().unwrap();
    assert_eq!((next.bytes, next.offset), (&b"next"[..], MAX_LINE as u64 + 2));
}
