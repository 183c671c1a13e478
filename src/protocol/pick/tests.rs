#![allow(clippy::unwrap_used, clippy::indexing_slicing)]

use proptest::prelude::*;
use serde_json::{Value, json};

use super::*;

fn paths(texts: &[&str]) -> Vec<Path> {
    texts.iter().map(|text| text.parse().unwrap()).collect()
}

/// The values as texts.
fn pick(text: &str, texts: &[&str]) -> Vec<Option<String>> {
    let picker = Picker::new(&paths(texts)).unwrap();
    let text_of = |value: Option<Cow<'_, [u8]>>| value.map(|value| String::from_utf8(value.into_owned()).unwrap());
    picker.pick(text.as_bytes(), 0).unwrap().into_iter().map(text_of).collect()
}

fn some(values: &[&str]) -> Vec<Option<String>> {
    values.iter().map(|value| Some((*value).to_owned())).collect()
}

#[test]
fn values_come_in_the_order_of_their_paths_as_the_text_has_them() {
    let text = r#" {"a" : 1.50, "b": {"c": [1, {"d": null}], "e": "x"}, "f": -1e3} "#;
    let picked = pick(text, &["$.f", "$.b.c[1].d", "$.a", "$.b.c", "$.b.c[-2]"]);
    assert_eq!(picked, some(&["-1e3", "null", "1.50", r#"[1, {"d": null}]"#, "1"]));
    assert_eq!(pick("7", &["$"]), some(&["7"]));
}

#[test]
fn what_is_not_there_is_none() {
    let text = r#"{"a": {"b": 1}, "l": [1]}"#;
    let picked = pick(text, &["$.x", "$.a.x", "$.a.b.c", "$.l[1]", "$.l[-2]", "$.a[0]", "$.l.a"]);
    assert_eq!(picked, vec![None; 7]);
}

#[test]
fn each_element_has_its_row_behind_the_whole_values() {
    let text = r#"{"n": 2, "l": [{"id": "a", "pnl": 1}, {"pnl": 2}, 7], "m": 3}"#;
    let picked = pick(text, &["$.l[].pnl", "$.n", "$.l[].id", "$.m"]);
    let value = |text: &str| Some(text.to_owned());
    assert_eq!(picked, [value("2"), value("3"), value("1"), value("\"a\""), value("2"), None, None, None]);
    assert_eq!(pick(r#"{"l": {"5": 1, "6": 2}}"#, &["$.l.{}"]), some(&["1", "2"]));
    assert_eq!(pick(r#"[{"l": [1, 2]}, {}, {"l": [3]}]"#, &["$[].l[]"]), some(&["1", "2", "3"]));
    assert_eq!(pick(r#"{"l": 5}"#, &["$.l[].x"]), []);
}

#[test]
fn a_list_and_its_elements_can_be_asked_for_together() {
    let text = r#"{"l": [10, 20]}"#;
    assert_eq!(pick(text, &["$.l", "$.l[0]", "$.l[-1]", "$.l[]"]), some(&["[10, 20]", "10", "20", "10", "20"]));
}

#[test]
fn the_last_of_two_equal_keys_counts_alone() {
    assert_eq!(pick(r#"{"a": 1, "a": 2, "b": 3}"#, &["$.a", "$.b"]), some(&["2", "3"]));
    let text = r#"{"n": 1, "a": {"b": 1, "l": [1, 2]}, "a": {"l": [3]}}"#;
    assert_eq!(pick(text, &["$.n", "$.a.b", "$.a.l[]"]), [Some("1".to_owned()), None, Some("3".to_owned())]);
    let nested = r#"[{"l": [1]}, {"l": [2], "l": [3, 4]}]"#;
    assert_eq!(pick(nested, &["$[].l[]"]), some(&["1", "3", "4"]));
}

#[test]
fn escapes_hide_no_key_and_no_text() {
    let text = r#"{"pr\u0069ce": "\u00e9\"}", "b": "é"}"#;
    assert_eq!(pick(text, &["$.price", "$.b"]), some(&[r#""é\"}""#, r#""é""#]));
}

#[test]
fn half_a_character_becomes_the_sign_for_it() {
    let text = r#"{"a": "x\ud83d", "b": "\ud83d\ude00", "c": {"d": "\ude00\\ud83d"}, "e": "\\\ud83dx"}"#;
    let picked = pick(text, &["$.a", "$.b", "$.c", "$.e"]);
    assert_eq!(picked, some(&["\"x\u{fffd}\"", "\"😀\"", r#"{"d": "\ufffd\\ud83d"}"#, "\"\\\\\u{fffd}x\""]));
}

#[test]
fn a_number_that_no_double_holds_becomes_null() {
    let text = r#"{"a": 1e400, "b": {"c": [-1.5E+999, 1e3], "d": "1e400 \ud83e"}, "e": 1e308}"#;
    let picked = pick(text, &["$.a", "$.b", "$.e"]);
    assert_eq!(picked, some(&["null", r#"{"c": [null, 1e3], "d": "1e400 \ufffd"}"#, "1e308"]));
}

#[test]
fn paths_that_do_not_go_together_are_refused() {
    let lists = Picker::new(&paths(&["$.a[].x", "$.b[].x"])).unwrap_err();
    assert_eq!(
        lists.to_string(),
        "$.a[].x and $.b[].x are about the elements of different lists; ask for one list at a time"
    );
    assert!(matches!(Picker::new(&paths(&["$.a", "$.a"])), Err(BadPaths::Twice(_))));
}

#[test]
fn a_text_that_ends_too_early_gives_nothing() {
    let picker = Picker::new(&paths(&["$.b"])).unwrap();
    for text in ["", "{", r#"{"a"#, r#"{"a":"#, r#"{"a": [1, 2"#, r#"{"a": "x\"#, r#"{"a" 1}"#, "[1"] {
        assert_eq!(picker.pick(text.as_bytes(), 0).flatten_some(), None, "{text}");
    }
}

trait FlattenSome {
    fn flatten_some(self) -> Option<String>;
}

impl FlattenSome for Option<Picked<'_>> {
    fn flatten_some(self) -> Option<String> {
        self?.into_iter().flatten().next().map(|value| String::from_utf8_lossy(&value).into_owned())
    }
}

/// The same by a parser: slowly, over the whole text.
fn looked_up<'v>(value: &'v Value, steps: &[Step]) -> Vec<Option<&'v Value>> {
    let Some((step, rest)) = steps.split_first() else { return vec![Some(value)] };
    let below = |child: Option<&'v Value>| match child {
        Some(child) => looked_up(child, rest),
        None => vec![None],
    };
    match (step, value) {
        (Step::Key(key), value) => below(value.get(key)),
        (Step::Index(index), Value::Array(list)) => {
            let at = if *index < 0 { list.len() as i64 + index } else { *index };
            below(usize::try_from(at).ok().and_then(|at| list.get(at)))
        }
        (Step::Elements, Value::Array(list)) => list.iter().flat_map(|child| below(Some(child))).collect(),
        (Step::Values, Value::Object(map)) => map.values().flat_map(|child| below(Some(child))).collect(),
        (Step::Index(_), _) => vec![None],
        (Step::Elements | Step::Values, _) => Vec::new(),
    }
}

fn json_value() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i32>().prop_map(Value::from),
        "[a-c\"\\\\{}\\[\\]é ]{0,6}".prop_map(Value::from),
    ];
    leaf.prop_recursive(4, 40, 5, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..5).prop_map(Value::from),
            prop::collection::btree_map("[a-c\"\\\\]{1,2}", inner, 0..5).prop_map(|map| json!(map)),
        ]
    })
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof!["[a-c\"\\\\]{1,2}".prop_map(Step::Key), (-2_i64..3).prop_map(Step::Index)]
}

proptest! {
    #[test]
    fn whole_values_are_those_that_a_parser_finds(
        value in json_value(),
        wanted in prop::collection::vec(prop::collection::vec(step(), 0..4), 1..5),
        pretty in any::<bool>(),
    ) {
        let mut wanted: Vec<Path> = wanted.into_iter().map(Path).collect();
        wanted.sort_by_key(ToString::to_string);
        wanted.dedup();
        let text = if pretty { serde_json::to_string_pretty(&value) } else { serde_json::to_string(&value) }.unwrap();
        let picked = Picker::new(&wanted).unwrap().pick(text.as_bytes(), 0).unwrap();
        for (path, picked) in wanted.iter().zip(picked) {
            let picked: Option<Value> = picked.map(|text| serde_json::from_slice(&text).unwrap());
            prop_assert_eq!(picked.as_ref(), looked_up(&value, &path.0)[0], "{}", path);
        }
    }

    #[test]
    fn elements_are_those_that_a_parser_finds(
        value in json_value(),
        before in prop::collection::vec(step(), 0..2),
        spread in prop_oneof![Just(Step::Elements), Just(Step::Values)],
        behind in prop::collection::vec(step(), 0..2),
    ) {
        let path = Path([before, vec![spread], behind].concat());
        let text = serde_json::to_string(&value).unwrap();
        let picked = Picker::new(std::slice::from_ref(&path)).unwrap().pick(text.as_bytes(), 0).unwrap();
        let picked: Vec<Option<Value>> =
            picked.into_iter().map(|text| text.map(|text| serde_json::from_slice(&text).unwrap())).collect();
        // A list that is not there has no elements.
        let depth = path.element_depth().unwrap();
        let expected = match looked_up(&value, &path.0[..depth - 1])[0] {
            Some(list) => looked_up(list, &path.0[depth - 1..]).into_iter().map(|found| found.cloned()).collect(),
            None => Vec::new(),
        };
        prop_assert_eq!(picked, expected);
    }

    #[test]
    fn no_bytes_make_it_fail(bytes in prop::collection::vec(any::<u8>(), 0..60), at in 0_usize..70) {
        let picker = Picker::new(&paths(&["$.a", "$.b[].c", "$[0]", "$[-1]"])).unwrap();
        let _ = picker.pick(&bytes, at);
    }

    #[test]
    fn no_text_makes_it_fail(text in "[\\[\\]{}\",:a-c\\\\ 0-9]{0,40}") {
        let picker = Picker::new(&paths(&["$.a", "$.a.b[].c", "$[0]", "$[-1]"])).unwrap();
        let _ = picker.pick(text.as_bytes(), 0);
    }
}
