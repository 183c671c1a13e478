//! Field readers that never fail on a field of an unexpected type.
//!
//! The protocol changes over time and bridges differ (`"cash": "1.5"` from one, `1.5` from another). One odd
//! field must not cost the whole row, so these readers yield `None` for what they cannot read; the raw
//! frame keeps the truth. Use with `#[serde(default, deserialize_with = "…")]`.

use std::borrow::Cow;
use std::fmt;

use serde::de::{Deserializer, IgnoredAny, MapAccess, SeqAccess, Visitor};

/// One scalar JSON value; arrays and objects are skipped.
#[derive(Debug, Clone, PartialEq)]
pub enum Scalar<'de> {
    /// `null`, an array or an object.
    None,
    /// A boolean.
    Bool(bool),
    /// A number. Integers above 2^53 lose precision here, as they do in JavaScript.
    Number(f64),
    /// A string, borrowed unless it has escapes.
    Text(Cow<'de, str>),
}

struct ScalarVisitor;

impl<'de> Visitor<'de> for ScalarVisitor {
    type Value = Scalar<'de>;

    fn expecting(&self, f: &mut fmt::Formatter) -> fmt::Result {
        f.write_str("any JSON value")
    }
    fn visit_bool<E>(self, v: bool) -> Result<Self::Value, E> {
        Ok(Scalar::Bool(v))
    }
    fn visit_i64<E>(self, v: i64) -> Result<Self::Value, E> {
        Ok(Scalar::Number(v as f64))
    }
    fn visit_u64<E>(self, v: u64) -> Result<Self::Value, E> {
        Ok(Scalar::Number(v as f64))
    }
    fn visit_f64<E>(self, v: f64) -> Result<Self::Value, E> {
        Ok(Scalar::Number(v))
    }
    fn visit_borrowed_str<E>(self, v: &'de str) -> Result<Self::Value, E> {
        Ok(Scalar::Text(Cow::Borrowed(v)))
    }
    fn visit_str<E>(self, v: &str) -> Result<Self::Value, E> {
        Ok(Scalar::Text(Cow::Owned(v.to_owned())))
    }
    fn visit_unit<E>(self) -> Result<Self::Value, E> {
        Ok(Scalar::None)
    }
    fn visit_none<E>(self) -> Result<Self::Value, E> {
        Ok(Scalar::None)
    }
    fn visit_some<D: Deserializer<'de>>(self, d: D) -> Result<Self::Value, D::Error> {
        d.deserialize_any(ScalarVisitor)
    }
    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Self::Value, A::Error> {
        while seq.next_element::<IgnoredAny>()?.is_some() {}
        Ok(Scalar::None)
    }
    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
        while map.next_entry::<IgnoredAny, IgnoredAny>()?.is_some() {}
        Ok(Scalar::None)
    }
}

/// Any scalar.
pub fn scalar<'de, D: Deserializer<'de>>(d: D) -> Result<Scalar<'de>, D::Error> {
    d.deserialize_any(ScalarVisitor)
}

/// A number, or a string that is one.
pub fn number<'de, D: Deserializer<'de>>(d: D) -> Result<Option<f64>, D::Error> {
    Ok(match scalar(d)? {
        Scalar::Number(n) => Some(n),
        Scalar::Text(text) => text.parse().ok().filter(|n: &f64| n.is_finite()),
        Scalar::None | Scalar::Bool(_) => None,
    })
}

/// A whole number; a fraction is not one.
pub fn integer<'de, D: Deserializer<'de>>(d: D) -> Result<Option<i64>, D::Error> {
    Ok(number(d)?.filter(|n| n.fract() == 0.0 && n.abs() < 9.0e15).map(|n| n as i64))
}

/// A boolean.
pub fn boolean<'de, D: Deserializer<'de>>(d: D) -> Result<Option<bool>, D::Error> {
    Ok(match scalar(d)? {
        Scalar::Bool(b) => Some(b),
        _ => None,
    })
}

/// A string.
pub fn text<'de, D: Deserializer<'de>>(d: D) -> Result<Option<Cow<'de, str>>, D::Error> {
    Ok(match scalar(d)? {
        Scalar::Text(text) => Some(text),
        _ => None,
    })
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use std::borrow::Cow;

    #[derive(serde::Deserialize)]
    struct Row<'a> {
        #[serde(default, deserialize_with = "super::number")]
        price: Option<f64>,
        #[serde(default, deserialize_with = "super::integer")]
        tick: Option<i64>,
        #[serde(borrow, default, deserialize_with = "super::text")]
        name: Option<Cow<'a, str>>,
    }

    #[test]
    fn numbers_may_come_as_strings() {
        let row: Row = serde_json::from_str(r#"{"price":"1.5","tick":"7","name":"x"}"#).unwrap();
        assert_eq!((row.price, row.tick, row.name.as_deref()), (Some(1.5), Some(7), Some("x")));
    }

    #[test]
    fn an_odd_type_is_none_and_the_rest_is_read() {
        let row: Row = serde_json::from_str(r#"{"price":[1,{"a":2}],"tick":1.5,"name":{"x":[]}}"#).unwrap();
        assert_eq!((row.price, row.tick, row.name), (None, None, None));
        let row: Row = serde_json::from_str(r#"{"price":null,"tick":9,"name":1}"#).unwrap();
        assert_eq!((row.price, row.tick, row.name), (None, Some(9), None));
    }

    #[test]
    fn prices_keep_every_bit() {
        let row: Row = serde_json::from_str(r#"{"price":0.020000000000000018}"#).unwrap();
        assert_eq!(row.price.unwrap().to_bits(), 0.020000000000000018_f64.to_bits());
    }
}
