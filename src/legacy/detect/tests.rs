//! Content decides what a file is.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

use super::*;

const TICK: &str = r#"{"type": "tick", "timestamp": "2025-10-30T20:00:00", "tick": 1, "price": 1.5}"#;

fn look(text: impl AsRef<[u8]>, complete: bool, name: &str, named: bool) -> String {
    let hints = Hints { name, named, is_large: false, mapping: None };
    match shape(text.as_ref(), complete, &hints) {
        Shape::Lines(kind) => kind.name().to_owned(),
        other => format!("{other:?}"),
    }
}

fn named(text: impl AsRef<[u8]>) -> String {
    look(text, true, "anything.bin", true)
}

#[test]
fn lines_are_known_by_their_keys_whatever_the_file_is_called() {
    for name in ["anything.bin", "x.log", "x.txt", "x.csv", "x.md", "x.py"] {
        assert_eq!(look(TICK, true, name, true), "recording", "{name}");
    }
    assert_eq!(named(r#"{"seq": 1, "ts": "x", "event": "connect", "data": null}"#), "raw_capture");
}

#[test]
fn comments_blank_lines_and_marks_hide_nothing() {
    let text = format!("\u{FEFF}# a comment\r\n\r\n// another\r\n{TICK}\r\n# between\r\n{TICK}\r\n");
    assert_eq!(named(text), "recording");
}

#[test]
fn a_damaged_first_line_does_not_hide_the_format() {
    assert_eq!(named(format!("type\": \"tick\"}}\n{TICK}\n{TICK}{TICK}\n")), "recording");
}

#[test]
fn a_text_that_quotes_a_line_is_no_capture() {
    let text = format!("Notes\n\nThe lines look so:\n{TICK}\nand then\nso on\nand on\nand on\n");
    assert!(named(&text).contains("no line of a known format"));
    let text = format!("# Notes\n\nThe lines look so:\n\n{TICK}\n");
    assert!(look(&text, true, "README.md", false).starts_with("Skip"), "found in a folder");
    assert_eq!(look(&text, true, "README.md", true), "recording", "named");
}

#[test]
fn frames_alone_and_with_words_around_them_are_lines() {
    let frame = r#"42["gameStateUpdate",{"a":1}]"#;
    for line in [
        frame.to_owned(),
        format!("2\n3\n{frame}"),
        format!("[2026-01-15T14:00:00Z] recv {frame}"),
        format!("↓ {frame}\t120\t14:00:00.000"),
        r#"["gameStateUpdate",{"a":1}]"#.to_owned() + "\n",
        r#""42[\"gameStateUpdate\",{}]""#.to_owned(),
    ] {
        let is_list = line.starts_with("[\"");
        assert!(named(&line) == "wire_lines" || is_list, "{line}: {}", named(&line));
    }
    assert!(named("1\n2\n3\n").starts_with("Skip"), "numbers are no heartbeat");
}

#[test]
fn databases_archives_and_parquet_are_known_by_their_signatures() {
    for (head, kind) in [
        (&b"SQLite format 3\0..."[..], "Sqlite"),
        (b"PAR1....", "Parquet"),
        (b"\x1F\x8B\x08", "Packed(Gzip)"),
        (b"\x28\xB5\x2F\xFD", "Packed(Zstd)"),
        (b"\xFD7zXZ\0", "Packed(Xz)"),
        (b"PK\x03\x04", "Archive"),
        (b"\xD4\xC3\xB2\xA1\x02", "Packets"),
        (b"\xFF\xFE{\0", "Packed(Utf16 { big_endian: false })"),
        (b"{\0\"\0", "Packed(Utf16 { big_endian: false })"),
    ] {
        assert_eq!(named(head), kind);
    }
    assert!(named(b"ab\0cd").starts_with("Skip"));
    assert!(named(b"BZh9").contains("bunzip2"));
}

#[test]
fn a_line_that_is_cut_by_the_head_is_not_judged() {
    let head = format!("{TICK}\n{}", &TICK[..20]);
    assert_eq!(look(head, false, "x", true), "recording");
}

#[test]
fn lists_and_objects_over_several_lines_are_documents() {
    for text in [r#"[{"a": 1}]"#, "[\n  {\n", "{\n  \"log\": {\n", r#"{"a": 1}"#] {
        assert_eq!(named(text), "Document", "{text}");
    }
}
