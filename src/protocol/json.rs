//! JSON text, read value by value.
//!
//! A parser that refuses a whole packet for one of its values loses the others with it: a name that was cut inside an emoji
//! (`\ud83e` alone), `1e400`, a key that comes twice. The site's page runs JavaScript, which takes all three, so packets
//! like these are sent and played. Here one odd value costs that value and no other:
//!
//! * of two equal keys the last one counts, as in JavaScript;
//! * half of a surrogate pair is U+FFFD;
//! * a number that no double holds is no number.
//!
//! The text has to be JSON, which [`super::frame::parse`] has seen to. On other texts a walk ends early, and never past
//! the end. Nothing here recurses, so that depth costs no stack.

use std::borrow::Cow;
use std::collections::HashMap;
use std::collections::hash_map::Entry;

/// One value, as its JSON text.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Value<'t>(&'t str);

/// The type of a value.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// `null`.
    Null,
    /// `true` or `false`.
    Bool,
    /// A number of any size.
    Number,
    /// A string.
    String,
    /// A list.
    Array,
    /// An object.
    Object,
}

impl Kind {
    /// The type of the value that begins with this byte.
    fn of(first: u8) -> Option<Kind> {
        Some(match first {
            b'n' => Kind::Null,
            b't' | b'f' => Kind::Bool,
            b'"' => Kind::String,
            b'[' => Kind::Array,
            b'{' => Kind::Object,
            b'-' | b'0'..=b'9' => Kind::Number,
            _ => return None,
        })
    }
}

/// Any text can be looked at as a value; one that is no JSON has no kind, no members and no number.
impl<'t> From<&'t str> for Value<'t> {
    fn from(text: &'t str) -> Value<'t> {
        Value(text.trim_ascii())
    }
}

impl<'t> From<&'t serde_json::value::RawValue> for Value<'t> {
    fn from(raw: &'t serde_json::value::RawValue) -> Value<'t> {
        Value(raw.get())
    }
}

impl<'t> Value<'t> {
    /// Its JSON text.
    pub fn text(self) -> &'t str {
        self.0
    }

    /// Its type; `None` where the text is no JSON.
    pub fn kind(self) -> Option<Kind> {
        self.0.bytes().next().and_then(Kind::of)
    }

    /// Whether it is `null`.
    pub fn is_null(self) -> bool {
        self.0 == "null"
    }

    /// The members of an object in their order, equal keys included; nothing for any other value.
    pub fn members(self) -> Members<'t> {
        let at = if self.0.starts_with('{') { 1 } else { self.0.len() };
        Members { text: self.0, at }
    }

    /// The members of an object, each name once: the value is the last of its equals, the place the first one's.
    pub fn distinct_members(self) -> Vec<(Key<'t>, Value<'t>)> {
        let mut distinct: Vec<(Key<'t>, Value<'t>)> = Vec::new();
        // Few keys are compared more quickly than hashed.
        let mut places: HashMap<&'t str, usize> = HashMap::new();
        for (key, value) in self.members() {
            let known = if distinct.len() <= FEW_KEYS {
                distinct.iter().position(|(known, _)| known.0 == key.0)
            } else {
                if places.is_empty() {
                    places.extend(distinct.iter().enumerate().map(|(place, (known, _))| (known.0, place)));
                }
                match places.entry(key.0) {
                    Entry::Occupied(known) => Some(*known.get()),
                    Entry::Vacant(free) => {
                        free.insert(distinct.len());
                        None
                    }
                }
            };
            match known.and_then(|known| distinct.get_mut(known)) {
                Some((_, known)) => *known = value,
                None => distinct.push((key, value)),
            }
        }
        distinct
    }

    /// The elements of a list in their order; nothing for any other value.
    pub fn elements(self) -> Elements<'t> {
        let at = if self.0.starts_with('[') { 1 } else { self.0.len() };
        Elements { text: self.0, at }
    }

    /// The member of this name: the last one where there are several.
    pub fn get(self, name: &str) -> Option<Value<'t>> {
        self.members().filter(|(key, _)| key.is(name)).last().map(|(_, value)| value)
    }

    /// A string's characters, borrowed where it has no escapes.
    pub fn string(self) -> Option<Cow<'t, str>> {
        let inner = self.0.strip_prefix('"')?.strip_suffix('"')?;
        Some(unescape(inner))
    }

    /// A number, or a string that is one: bridges differ (`"1.5"` from one, `1.5` from another). With correct rounding;
    /// `None` also for what no double holds.
    pub fn number(self) -> Option<f64> {
        self.digits()?.parse().ok().filter(|number: &f64| number.is_finite())
    }

    /// A whole number, or a string that is one; a fraction is none. Exact, also where a double is not; `1e3` and `7.0` are
    /// whole numbers.
    pub fn integer(self) -> Option<i64> {
        let digits = self.digits()?;
        if let Ok(whole) = digits.parse() {
            return Some(whole);
        }
        // Beyond 2^53 a double is not exact, and nobody meant what it says.
        let number: f64 = digits.parse().ok()?;
        (number.fract() == 0.0 && number.abs() <= 9_007_199_254_740_992.0).then_some(number as i64)
    }

    /// `true` or `false`.
    pub fn boolean(self) -> Option<bool> {
        match self.0 {
            "true" => Some(true),
            "false" => Some(false),
            _ => None,
        }
    }

    /// The number's digits as they were sent, without the quotes of one that was sent as a string.
    pub fn digits(self) -> Option<&'t str> {
        let text = self.0.strip_prefix('"').and_then(|text| text.strip_suffix('"')).unwrap_or(self.0).trim_ascii();
        // What `f64` takes and JSON has not: `inf`, `nan`, `+1`.
        let is_number = text.starts_with(|c: char| c == '-' || c.is_ascii_digit())
            && text.bytes().all(|byte| byte.is_ascii_digit() || matches!(byte, b'-' | b'+' | b'.' | b'e' | b'E'));
        is_number.then_some(text)
    }
}

/// Up to this many keys of an object are told apart by comparing each with each.
const FEW_KEYS: usize = 48;

/// A key of an object, as its text between the quotes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Key<'t>(&'t str);

impl<'t> Key<'t> {
    /// Whether this is its name.
    pub fn is(self, name: &str) -> bool {
        self.name() == name
    }

    /// Its characters, borrowed where it has no escapes.
    pub fn name(self) -> Cow<'t, str> {
        unescape(self.0)
    }
}

/// Members of an object: [`Value::members`].
#[derive(Debug, Clone)]
pub struct Members<'t> {
    text: &'t str,
    at: usize,
}

impl<'t> Iterator for Members<'t> {
    type Item = (Key<'t>, Value<'t>);

    fn next(&mut self) -> Option<(Key<'t>, Value<'t>)> {
        let bytes = self.text.as_bytes();
        let key = separated(bytes, self.at)?;
        let key_end = string(bytes, key)?;
        let colon = space(bytes, key_end);
        if bytes.get(colon)? != &b':' {
            return None;
        }
        let value = space(bytes, colon + 1);
        let end = skip(bytes, value)?;
        self.at = end;
        Some((Key(self.text.get(key + 1..key_end - 1)?), Value(self.text.get(value..end)?)))
    }
}

/// Elements of a list: [`Value::elements`].
#[derive(Debug, Clone)]
pub struct Elements<'t> {
    text: &'t str,
    at: usize,
}

impl<'t> Iterator for Elements<'t> {
    type Item = Value<'t>;

    fn next(&mut self) -> Option<Value<'t>> {
        let bytes = self.text.as_bytes();
        let start = separated(bytes, self.at)?;
        let end = skip(bytes, start)?;
        self.at = end;
        Some(Value(self.text.get(start..end)?))
    }
}

/// Where the next member or element begins; `None` at the end of its object or list.
fn separated(text: &[u8], at: usize) -> Option<usize> {
    let at = space(text, at);
    let at = if text.get(at)? == &b',' { space(text, at + 1) } else { at };
    (!matches!(text.get(at)?, b'}' | b']')).then_some(at)
}

/// The first byte from `at` on that is no white space.
pub(super) fn space(text: &[u8], mut at: usize) -> usize {
    while matches!(text.get(at), Some(b' ' | b'\n' | b'\r' | b'\t')) {
        at += 1;
    }
    at
}

/// The end of the string that begins with the quote at `at`.
pub(super) fn string(text: &[u8], at: usize) -> Option<usize> {
    if text.get(at)? != &b'"' {
        return None;
    }
    let mut at = at + 1;
    loop {
        let found = at + memchr::memchr2(b'"', b'\\', text.get(at..)?)?;
        if text.get(found)? == &b'"' {
            return Some(found + 1);
        }
        at = found + 2;
    }
}

/// The end of the value that begins at `at`.
pub(super) fn skip(text: &[u8], at: usize) -> Option<usize> {
    match text.get(at)? {
        b'"' => string(text, at),
        b'{' | b'[' => leave(text, at + 1),
        _ => {
            let ends = |byte: &u8| matches!(byte, b',' | b'}' | b']' | b' ' | b'\n' | b'\r' | b'\t');
            let length = text.get(at..)?.iter().position(ends).unwrap_or(text.len() - at);
            (length > 0).then_some(at + length)
        }
    }
}

/// The end of the object or list that goes on at `at`.
pub(super) fn leave(text: &[u8], mut at: usize) -> Option<usize> {
    let mut depth = 1_usize;
    loop {
        match CLASS.get(usize::from(*text.get(at)?)) {
            Some(Class::Quote) => {
                at = string(text, at)?;
                continue;
            }
            Some(Class::Open) => depth += 1,
            Some(Class::Close) => depth -= 1,
            _ => {}
        }
        at += 1;
        if depth == 0 {
            return Some(at);
        }
    }
}

/// What a byte outside of strings means for the depth.
#[derive(Clone, Copy)]
enum Class {
    Other,
    Quote,
    Open,
    Close,
}

/// A table, as most bytes of a frame mean nothing.
#[expect(clippy::indexing_slicing, reason = "computed while compiling, where an index out of range is an error")]
static CLASS: [Class; 256] = {
    let mut table = [Class::Other; 256];
    table[b'"' as usize] = Class::Quote;
    table[b'{' as usize] = Class::Open;
    table[b'[' as usize] = Class::Open;
    table[b'}' as usize] = Class::Close;
    table[b']' as usize] = Class::Close;
    table
};

/// The characters that a JSON string means, given without its quotes.
pub fn unescape(inner: &str) -> Cow<'_, str> {
    if !inner.contains('\\') {
        return Cow::Borrowed(inner);
    }
    let mut out = String::with_capacity(inner.len());
    let mut rest = inner;
    while let Some((plain, escape)) = rest.split_once('\\') {
        out.push_str(plain);
        let mut chars = escape.chars();
        let Some(letter) = chars.next() else {
            rest = "";
            break;
        };
        rest = chars.as_str();
        match letter {
            'n' => out.push('\n'),
            't' => out.push('\t'),
            'r' => out.push('\r'),
            'b' => out.push('\u{8}'),
            'f' => out.push('\u{c}'),
            'u' => {
                let (character, after) = unicode(rest);
                out.push(character);
                rest = after;
            }
            // The quote, the slash, the backslash; what is no escape means itself.
            other => out.push(other),
        }
    }
    out.push_str(rest);
    Cow::Owned(out)
}

/// The character whose digits `text` begins with (behind `\u`), and what follows it. Half of a pair is U+FFFD.
fn unicode(text: &str) -> (char, &str) {
    let Some((unit, rest)) = unit(text) else { return (char::REPLACEMENT_CHARACTER, text) };
    if let 0xD800..=0xDBFF = unit
        && let Some((low @ 0xDC00..=0xDFFF, after)) = rest.strip_prefix("\\u").and_then(self::unit)
    {
        let code = 0x1_0000 + ((unit - 0xD800) << 10) + (low - 0xDC00);
        return (char::from_u32(code).unwrap_or(char::REPLACEMENT_CHARACTER), after);
    }
    (char::from_u32(unit).unwrap_or(char::REPLACEMENT_CHARACTER), rest)
}

/// The UTF-16 unit of four digits, and what follows them.
fn unit(text: &str) -> Option<(u32, &str)> {
    let (digits, rest) = text.split_at_checked(4)?;
    let is_hex = digits.bytes().all(|byte| byte.is_ascii_hexdigit());
    Some((u32::from_str_radix(digits, 16).ok().filter(|_| is_hex)?, rest))
}

/// What a struct of a payload's values is made of: see [`object!`](crate::json::object).
pub trait FromValue<'t>: Sized {
    /// The value; `None` where it is of another type or cannot be read.
    fn from_value(value: Value<'t>) -> Option<Self>;
}

impl<'t> FromValue<'t> for Value<'t> {
    fn from_value(value: Value<'t>) -> Option<Self> {
        Some(value)
    }
}

impl<'t> FromValue<'t> for Cow<'t, str> {
    fn from_value(value: Value<'t>) -> Option<Self> {
        value.string()
    }
}

impl FromValue<'_> for f64 {
    fn from_value(value: Value<'_>) -> Option<Self> {
        value.number()
    }
}

impl FromValue<'_> for i64 {
    fn from_value(value: Value<'_>) -> Option<Self> {
        value.integer()
    }
}

impl FromValue<'_> for bool {
    fn from_value(value: Value<'_>) -> Option<Self> {
        value.boolean()
    }
}

/// Declares a struct of a JSON object's members. Each field is an `Option`, named with the keys it is read from; absent and
/// `null` are `None`. A value that is there and cannot be read is `None` too, and counted in `unread`; it costs no other
/// field. A value that is no object gives no struct: an array is never read by position.
///
/// ```text
/// object! {
///     /// A trade.
///     pub struct Trade<'t> {
///         /// SOL.
///         pub amount: f64 = "amount",
///     }
/// }
/// ```
#[macro_export]
macro_rules! object {
    (
        $(#[$about:meta])*
        $vis:vis struct $name:ident<'t> {
            $( $(#[$field_about:meta])* $field_vis:vis $field:ident: $kind:ty = $($key:literal)|+ ),* $(,)?
        }
    ) => {
        $(#[$about])*
        #[derive(Debug, Clone, Default)]
        $vis struct $name<'t> {
            $( $(#[$field_about])* $field_vis $field: Option<$kind>, )*
            /// Values that are there and cannot be read.
            pub unread: u32,
            lifetime: std::marker::PhantomData<&'t str>,
        }

        impl<'t> $name<'t> {
            /// Reads an object; `None` for any other value.
            pub fn read(value: impl Into<$crate::json::Value<'t>>) -> Option<Self> {
                let value = value.into();
                if value.kind() != Some($crate::json::Kind::Object) {
                    return None;
                }
                let mut out = Self::default();
                for (key, value) in value.members() {
                    match key.name().as_ref() {
                        $( $($key)|+ => out.$field = $crate::json::field(value, &mut out.unread), )*
                        _ => {}
                    }
                }
                Some(out)
            }
        }

        impl<'t> $crate::json::FromValue<'t> for $name<'t> {
            fn from_value(value: $crate::json::Value<'t>) -> Option<Self> {
                Self::read(value)
            }
        }
    };
}
pub use crate::object;

/// The value of a field, counted in `unread` where it is there and cannot be read.
pub fn field<'t, T: FromValue<'t>>(value: Value<'t>, unread: &mut u32) -> Option<T> {
    if value.is_null() {
        return None;
    }
    let read = T::from_value(value);
    *unread += u32::from(read.is_none());
    read
}

#[cfg(test)]
mod tests;
