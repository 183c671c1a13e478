//! What the scanner finds, and that it loses nothing.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

use proptest::prelude::*;

use super::*;
use crate::growth;

fn flat(text: &str) -> bool {
    Fields::parse(text).is_ok_and(|fields| fields.is_flat())
}

fn found(line: &str) -> Vec<&str> {
    objects(line.as_bytes(), &["type"], flat).into_iter().map(|range| &line[range]).collect()
}

#[test]
fn interleaved_objects_are_taken_apart() {
    let line = r#"{"type": "tick", "n": 0{"{"type": "tick", "n": 1}{"type": "tick", "t{"type": "tick", "n": 2}"#;
    assert_eq!(found(line), [r#"{"type": "tick", "n": 1}"#, r#"{"type": "tick", "n": 2}"#]);
}

#[test]
fn an_object_that_swallowed_another_is_not_taken_for_one() {
    let line = r#"{"type": "tick", "n": {"type": "tick", "n": 1}}"#;
    assert_eq!(found(line), [r#"{"type": "tick", "n": 1}"#]);
}

#[test]
fn a_fragment_holds_no_object() {
    assert!(found(r#"ice": 1.0, "active": false}"#).is_empty());
    assert!(found(r#"{"type": "tick", "n": 0"#).is_empty());
    assert!(found("}").is_empty());
}

#[test]
fn an_object_with_another_first_key_is_left_alone() {
    assert!(found(r#"{"kind": "tick"}"#).is_empty());
}

#[test]
fn a_whole_object_beside_bytes_that_are_no_utf8_is_found() {
    let line = b"\xFF\xFE{\"type\": \"tick\"}\xFF";
    let found = objects(line, &["type"], flat);
    assert_eq!((found.len(), found[0].clone()), (1, 2..18));
}

#[test]
fn an_object_with_broken_utf8_inside_is_not_found() {
    assert!(objects(b"{\"type\": \"\xFF\"}", &["type"], |_| true).is_empty());
}

#[test]
fn deep_nesting_costs_no_more_than_its_length() {
    let line = |depth: usize| r#"{"type":"#.repeat(depth);
    let growth = growth::of(5_000, line, |line| assert!(found(line).is_empty()));
    assert!(growth < growth::LINEAR, "four times as deep takes {growth} times as long");
}

#[test]
fn every_rejection_says_why() {
    let cases: [(&[u8], bool, &str); 9] = [
        (b" \t", true, "blank line"),
        (b"ab\xFFc", true, "invalid UTF-8 at byte 2"),
        (b"{\"type\": \"ti", false, "not JSON: cut at end of file"),
        (b"{\"a\": \"\xE2\x82", false, "not JSON: cut at end of file"),
        (b"## the \"presale\" phase, as we call it", true, "not JSON: hand-written note"),
        (b"remember to ask about this", true, "not JSON: hand-written note"),
        (b"type\": \"tick\", \"n\": 1}", true, "not JSON: fragment of an object"),
        (b"[1, 2]", true, "JSON, but not an object"),
        (b"{\"a\": 1}", true, "JSON, but not a line of a known format"),
    ];
    for (bytes, ended, expected) in cases {
        assert_eq!(reason(bytes, ended).to_string(), expected);
    }
}

/// A flat object, as the recorders wrote them, with any text in it.
fn complete() -> impl Strategy<Value = String> {
    (any::<i64>(), any::<String>()).prop_map(|(number, text)| {
        let text = serde_json::to_string(&text).unwrap();
        format!(r#"{{"type": "tick", "n": {number}, "text": {text}, "range": [0, 1]}}"#)
    })
}

/// A piece of an object, cut anywhere.
fn fragment() -> impl Strategy<Value = String> {
    (complete(), any::<prop::sample::Index>(), any::<prop::sample::Index>()).prop_map(|(object, a, b)| {
        let places: Vec<usize> = object.char_indices().map(|(at, _)| at).chain([object.len()]).collect();
        let (a, b) = (places[a.index(places.len())], places[b.index(places.len())]);
        let piece = &object[a.min(b)..a.max(b)];
        // The whole object is no fragment of itself.
        if piece.len() == object.len() { "}".to_owned() } else { piece.to_owned() }
    })
}

proptest! {
    #[test]
    fn no_complete_object_is_lost_whatever_stands_around_it(
        pieces in prop::collection::vec(
            prop_oneof![complete().prop_map(|o| (o, true)), fragment().prop_map(|f| (f, false))],
            0..12,
        )
    ) {
        let mut line = String::new();
        let mut expected = Vec::new();
        for (piece, is_complete) in pieces {
            if is_complete {
                expected.push(line.len()..line.len() + piece.len());
            }
            line.push_str(&piece);
        }
        let found = objects(line.as_bytes(), &["type"], flat);
        for range in &expected {
            prop_assert!(found.contains(range), "{range:?} of {line}");
        }
    }

    #[test]
    fn what_is_found_is_json_in_order_and_apart(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
        let found = objects(&bytes, &["type"], flat);
        for pair in found.windows(2) {
            prop_assert!(pair[0].end <= pair[1].start);
        }
        let _ = reason(&bytes, true);
    }

    #[test]
    fn text_in_quotes_and_braces_never_panics(text in r#"[{}"\\:,a-z\[\]typ ]{0,120}"#) {
        for range in objects(text.as_bytes(), &["type"], flat) {
            prop_assert!(Fields::parse(&text[range]).is_ok());
        }
    }
}
