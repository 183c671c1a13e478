//! Content decides what a file is.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

use super::*;

const TICK: &str = r#"{"type": "tick", "timestamp": "2025-10-30T20:00:00", "tick": 1, "price": 1.5}"#;

#[test]
fn lines_are_known_by_their_keys_whatever_the_file_is_called() {
    assert_eq!(shape(TICK.as_bytes(), true, "anything.bin"), Shape::Lines(LineFormat::Recording));
    let raw = r#"{"seq": 1, "ts": "x", "event": "connect", "data": null}"#;
    assert_eq!(shape(raw.as_bytes(), true, "x_cdp.jsonl"), Shape::Lines(LineFormat::RawCapture));
}

#[test]
fn a_damaged_first_line_does_not_hide_the_format() {
    let text = format!("type\": \"tick\"}}\n{TICK}\n{TICK}{TICK}\n");
    assert_eq!(shape(text.as_bytes(), true, "x"), Shape::Lines(LineFormat::Recording));
}

#[test]
fn a_text_that_quotes_a_line_is_no_capture() {
    let text = format!("Notes\n\nThe lines look so:\n{TICK}\nand then\nso on\nand on\nand on\n");
    assert_eq!(shape(text.as_bytes(), true, "notes"), Shape::Skip("no line of a known format"));
    assert!(matches!(shape(TICK.as_bytes(), true, "x_summary.md"), Shape::Skip(_)));
}

#[test]
fn databases_archives_and_parquet_are_known_by_their_signatures() {
    assert!(
        matches!(shape(b"SQLite format 3\0...", true, "x"), Shape::Unsupported(advice) if advice.contains("sqlite3"))
    );
    assert_eq!(shape(b"PAR1....", true, "x"), Shape::Parquet);
    assert!(
        matches!(shape(b"\x1F\x8B\x08", true, "x.jsonl.gz"), Shape::Unsupported(advice) if advice.contains("gunzip"))
    );
    assert!(matches!(shape(b"ab\0cd", true, "x"), Shape::Skip(_)));
}

#[test]
fn a_line_that_is_cut_by_the_head_is_not_judged() {
    let head = format!("{TICK}\n{}", &TICK[..20]);
    assert_eq!(shape(head.as_bytes(), false, "x"), Shape::Lines(LineFormat::Recording));
}

#[test]
fn analyses_are_documents() {
    for text in [
        r#"{"generated": "x", "source": "y", "total_events": 1, "event_types": {}}"#,
        r#"{"total_samples": 1, "fields": {}, "examples": []}"#,
        r#"{"date": "x", "games": [], "sessions": []}"#,
    ] {
        assert_eq!(shape(text.as_bytes(), true, "x.json"), Shape::Document);
        assert_eq!(document(text, "x.json"), Document::Whole(LineFormat::Document), "{text}");
    }
}

#[test]
fn documents_are_known_by_their_keys() {
    assert_eq!(document(r#"{"meta": {"player_id": "p"}, "actions": []}"#, "x"), Document::Session);
    assert_eq!(
        document(r#"{"meta": {"game_id": "g"}, "prices": []}"#, "x"),
        Document::Whole(LineFormat::GameDocument)
    );
    assert_eq!(document(r#"{"a": {"event_type": "x", "data": 1}}"#, "x"), Document::Samples);
    assert!(matches!(document(r#"{"name": "package"}"#, "x"), Document::Skip(_)));
    assert!(matches!(document("{", "x"), Document::Skip(_)));
}

#[test]
fn arrays_are_known_by_their_first_element() {
    let sample = r#"[{"seq": 3, "ts": "x", "event": "e", "data": {}}]"#;
    assert_eq!(document(sample, "x"), Document::Lines);
    assert_eq!(
        document(r#"[{"a": 1}]"#, "in/playerUpdate_samples.json"),
        Document::Payloads("playerUpdate".into())
    );
    assert!(matches!(document("[1, 2]", "x"), Document::Skip(_)));
    assert!(matches!(document("[]", "x"), Document::Skip(_)));
}

#[test]
fn elements_come_with_their_places() {
    let text = " [ {\"a\": 1},\n\"x\" , [2]]";
    let found: Vec<_> = elements(text).map(Result::unwrap).collect();
    assert_eq!(found, [(3, "{\"a\": 1}"), (13, "\"x\""), (19, "[2]")]);
    for (at, element) in found {
        assert_eq!(&text[at..at + element.len()], element);
    }
}

#[test]
fn a_cut_array_gives_its_whole_elements_and_the_place_of_the_cut() {
    let found: Vec<_> = elements("[1, {\"a\": ").collect();
    assert_eq!(found, [Ok((1, "1")), Err(4)]);
    assert_eq!(elements("[1").collect::<Vec<_>>(), [Ok((1, "1")), Err(2)]);
}
