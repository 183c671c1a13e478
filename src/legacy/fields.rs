//! The top level of a JSON object: its keys in order, each value an exact slice of the text.
//!
//! Older writers repeated keys and nested anything anywhere, so this reads what is there instead of
//! expecting a shape: a repeated key gives its last value, as it does in Python and JavaScript.

use std::borrow::Cow;
use std::fmt;

use serde::de::{Deserialize, Deserializer, MapAccess, Visitor};
use serde_json::value::RawValue;

use replayer_protocol::frame;

/// The keys and values of one object.
#[derive(Debug)]
pub struct Fields<'a>(Vec<(Cow<'a, str>, &'a RawValue)>);

impl<'a> Fields<'a> {
    /// Reads `text`, which must be exactly one JSON object.
    ///
    /// # Errors
    /// When it is not, with the place.
    pub fn parse(text: &'a str) -> Result<Fields<'a>, serde_json::Error> {
        serde_json::from_str(text)
    }

    /// The value of `key`, `None` where it is absent; JSON `null` is a value.
    pub fn get(&self, key: &str) -> Option<&'a RawValue> {
        self.0.iter().rev().find(|(name, _)| name == key).map(|(_, value)| *value)
    }

    /// Whether the key is there.
    pub fn has(&self, key: &str) -> bool {
        self.get(key).is_some()
    }

    /// The value of `key` when it is a string.
    pub fn text(&self, key: &str) -> Option<Cow<'a, str>> {
        self.get(key).and_then(frame::string)
    }

    /// The value of `key` when it is a number.
    pub fn number(&self, key: &str) -> Option<f64> {
        self.get(key).and_then(|value| value.get().parse().ok()).filter(|number: &f64| number.is_finite())
    }

    /// The value of `key` when it is an object.
    pub fn object(&self, key: &str) -> Option<Fields<'a>> {
        self.get(key)
            .filter(|value| value.get().starts_with('{'))
            .and_then(|value| Fields::parse(value.get()).ok())
    }

    /// All keys and values, in the order of the text.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &'a RawValue)> {
        self.0.iter().map(|(name, value)| (name.as_ref(), *value))
    }

    /// Whether no value is or holds an object.
    pub fn is_flat(&self) -> bool {
        self.0.iter().all(|(_, value)| match value.get().as_bytes().first() {
            Some(b'{') => false,
            Some(b'[') => !value.get().contains('{'),
            _ => true,
        })
    }
}

struct Key<'a>(Cow<'a, str>);

impl<'de> Deserialize<'de> for Key<'de> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Key<'de>, D::Error> {
        struct KeyVisitor;
        impl<'de> Visitor<'de> for KeyVisitor {
            type Value = Key<'de>;
            fn expecting(&self, f: &mut fmt::Formatter) -> fmt::Result {
                f.write_str("a key")
            }
            fn visit_borrowed_str<E>(self, v: &'de str) -> Result<Key<'de>, E> {
                Ok(Key(Cow::Borrowed(v)))
            }
            fn visit_str<E>(self, v: &str) -> Result<Key<'de>, E> {
                Ok(Key(Cow::Owned(v.to_owned())))
            }
        }
        deserializer.deserialize_str(KeyVisitor)
    }
}

impl<'de> Deserialize<'de> for Fields<'de> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Fields<'de>, D::Error> {
        struct FieldsVisitor;
        impl<'de> Visitor<'de> for FieldsVisitor {
            type Value = Fields<'de>;
            fn expecting(&self, f: &mut fmt::Formatter) -> fmt::Result {
                f.write_str("a JSON object")
            }
            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Fields<'de>, A::Error> {
                let mut fields = Vec::new();
                while let Some(Key(key)) = map.next_key::<Key>()? {
                    fields.push((key, map.next_value::<&RawValue>()?));
                }
                Ok(Fields(fields))
            }
        }
        deserializer.deserialize_map(FieldsVisitor)
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn values_are_exact_slices_and_the_last_of_a_repeated_key_counts() {
        let text = r#"{"a": 1.50, "b": [1, 2],"a": {"x" : 1}}"#;
        let fields = Fields::parse(text).unwrap();
        assert_eq!(fields.get("a").unwrap().get(), r#"{"x" : 1}"#);
        assert_eq!(fields.get("b").unwrap().get(), "[1, 2]");
        assert!(fields.object("a").unwrap().has("x"));
    }

    #[test]
    fn null_is_a_value_and_absence_is_not() {
        let fields = Fields::parse(r#"{"data": null}"#).unwrap();
        assert!(fields.has("data") && !fields.has("event"));
    }

    #[test]
    fn braces_inside_strings_do_not_make_an_object_deep() {
        assert!(Fields::parse(r#"{"a": "{", "b": [1]}"#).unwrap().is_flat());
        assert!(!Fields::parse(r#"{"a": [{}]}"#).unwrap().is_flat());
        assert!(!Fields::parse(r#"{"a": {}}"#).unwrap().is_flat());
    }
}
