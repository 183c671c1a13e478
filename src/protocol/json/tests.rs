#![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing)]

use proptest::prelude::*;
use serde_json::value::RawValue;

use super::*;

fn value(text: &str) -> Value<'_> {
    Value::from(text)
}

#[test]
fn the_last_of_two_equal_keys_counts() {
    let object = value(r#"{"a": 1, "b": 2, "a": 3}"#);
    assert_eq!(object.get("a").unwrap().integer(), Some(3));
    assert_eq!(object.members().count(), 3);
}

#[test]
fn each_name_comes_once_however_many_there_are() {
    for keys in [3, 40, 60, 400] {
        let members: Vec<String> = (0..keys).chain(0..keys).map(|key| format!("\"k{key}\":{key}")).collect();
        let text = format!("{{\"k1\":0,{},\"k0\":7}}", members.join(","));
        let distinct = value(&text).distinct_members();
        assert_eq!(distinct.len(), keys);
        let found =
            |name: &str| distinct.iter().position(|(key, _)| key.is(name)).map(|at| (at, distinct[at].1.text()));
        assert_eq!((found("k1"), found("k0")), (Some((0, "1")), Some((1, "7"))));
    }
}

#[test]
fn a_key_with_escapes_is_the_name_it_means() {
    assert_eq!(value(r#"{"pr\u0069ce": 1.5}"#).get("price").unwrap().number(), Some(1.5));
}

#[test]
fn half_of_a_pair_is_the_replacement_character() {
    for (text, meant) in [
        (r#""cut \ud83e""#, "cut \u{fffd}"),
        (r#""\udd16 cut""#, "\u{fffd} cut"),
        (r#""\ud83e\ud83e\udd16""#, "\u{fffd}\u{1f916}"),
        (r#""whole \ud83e\udd16""#, "whole \u{1f916}"),
        (r#""\ud83e\n""#, "\u{fffd}\n"),
    ] {
        assert_eq!(value(text).string().unwrap(), meant, "{text}");
    }
}

#[test]
fn a_number_that_no_double_holds_is_none() {
    assert_eq!(value("1e400").number(), None);
    assert_eq!(value("-1e400").integer(), None);
    assert_eq!(value("1e-400").number(), Some(0.0));
}

#[test]
fn whole_numbers_are_exact_and_fractions_are_none() {
    assert_eq!(value("9007199254740993").integer(), Some(9_007_199_254_740_993));
    assert_eq!(value("7.0").integer(), Some(7));
    assert_eq!(value("1e3").integer(), Some(1000));
    assert_eq!(value("1.5").integer(), None);
    assert_eq!(value("1e300").integer(), None);
}

#[test]
fn a_number_may_come_as_a_string_and_no_word_is_one() {
    assert_eq!(value(r#""1.5""#).number(), Some(1.5));
    for text in [r#""inf""#, r#""NaN""#, r#""""#, r#""+1""#, "null", "true", "[1]", "NaN", "Infinity"] {
        assert_eq!(value(text).number(), None, "{text}");
    }
}

#[test]
fn prices_keep_every_bit() {
    assert_eq!(value("0.020000000000000018").number().unwrap().to_bits(), 0.020000000000000018_f64.to_bits());
}

#[test]
fn depth_costs_no_stack() {
    let deep = format!("{{\"deep\":{}{},\"price\":2}}", "[".repeat(200_000), "]".repeat(200_000));
    assert_eq!(value(&deep).get("price").unwrap().number(), Some(2.0));
}

fn json() -> impl Strategy<Value = serde_json::Value> {
    let leaf = prop_oneof![
        Just(serde_json::Value::Null),
        any::<bool>().prop_map(Into::into),
        any::<i64>().prop_map(Into::into),
        any::<f64>().prop_map(Into::into),
        ".*".prop_map(serde_json::Value::String),
    ];
    leaf.prop_recursive(4, 32, 6, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..6).prop_map(serde_json::Value::Array),
            prop::collection::vec((".*", inner), 0..6)
                .prop_map(|members| serde_json::Value::Object(members.into_iter().collect())),
        ]
    })
}

/// The same value, built with the walk alone.
fn rebuilt(value: Value<'_>) -> serde_json::Value {
    match value.kind().expect("JSON") {
        Kind::Null => serde_json::Value::Null,
        Kind::Bool => value.boolean().unwrap().into(),
        Kind::Number => serde_json::from_str(value.digits().unwrap()).unwrap(),
        Kind::String => value.string().unwrap().into_owned().into(),
        Kind::Array => value.elements().map(rebuilt).collect::<Vec<_>>().into(),
        Kind::Object => {
            let members = value.members().map(|(key, value)| (key.name().into_owned(), rebuilt(value)));
            serde_json::Value::Object(members.collect())
        }
    }
}

proptest! {
    #[test]
    fn what_a_parser_reads_the_walk_reads(json in json(), pretty in any::<bool>()) {
        let text = if pretty { serde_json::to_string_pretty(&json) } else { serde_json::to_string(&json) }.unwrap();
        prop_assert_eq!(rebuilt(value(&text)), json);
    }

    #[test]
    fn no_text_makes_the_walk_fail(text in ".*") {
        let any = value(&text);
        let _ = (any.kind(), any.number(), any.integer(), any.string(), any.members().count());
        for element in any.elements() {
            let _ = element.string();
        }
    }

    #[test]
    fn no_half_of_json_makes_the_walk_fail(json in json(), cut in any::<prop::sample::Index>()) {
        let text = serde_json::to_string(&json).unwrap();
        let cut = (0..=text.len()).rev().find(|at| *at <= cut.index(text.len() + 1) && text.is_char_boundary(*at)).unwrap();
        let half = value(&text[..cut]);
        let _ = (half.members().count(), half.elements().count(), half.string());
    }

    #[test]
    fn numbers_are_what_the_strict_parser_reads(number in any::<f64>()) {
        prop_assume!(number.is_finite());
        let text = serde_json::to_string(&number).unwrap();
        let raw = RawValue::from_string(text).unwrap();
        prop_assert_eq!(Value::from(raw.as_ref()).number().unwrap().to_bits(), number.to_bits());
    }
}
