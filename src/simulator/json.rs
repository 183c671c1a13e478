//! Writes compact JSON in a given key order, straight into the text of a frame.
//!
//! The order of keys and the absence of blanks are part of what the real frames look like, and a tick
//! frame has about two hundred values: building a tree first would cost most of the generator's time.

use super::numbers::{Nano, push_number};
use super::prng::Prng;
use std::fmt::Write as _;

/// A JSON text under construction. Commas are put where the text so far needs one.
#[derive(Debug, Clone, Default)]
pub struct Json {
    text: String,
}

impl Json {
    /// A fragment: one value, to be kept and inserted with [`Json::raw`].
    pub fn fragment() -> Self {
        Self::default()
    }

    /// The frame `42["name",…]`: a Socket.IO event.
    pub fn event(name: &str) -> Self {
        let mut json = Self { text: String::with_capacity(512) };
        json.text.push_str("42[");
        json.string(name);
        json
    }

    /// The frame `42<id>["name",…]`: an event that asks for an acknowledgement.
    pub fn request(id: u64, name: &str) -> Self {
        let mut json = Self::default();
        let _ = write!(json.text, "42{id}[");
        json.string(name);
        json
    }

    /// The frame `43<id>[…]`: an acknowledgement, which carries no event name.
    pub fn ack(id: u64) -> Self {
        let mut json = Self::default();
        let _ = write!(json.text, "43{id}[");
        json
    }

    /// Makes room for `bytes` more.
    pub fn reserve(&mut self, bytes: usize) -> &mut Self {
        self.text.reserve(bytes);
        self
    }

    /// Closes the array of a frame's arguments and returns the frame.
    pub fn frame(mut self) -> String {
        self.text.push(']');
        self.text
    }

    /// Returns a fragment's text.
    pub fn into_text(self) -> String {
        self.text
    }

    #[inline]
    fn separate(&mut self) {
        if !matches!(self.text.as_bytes().last(), None | Some(b'{' | b'[' | b':')) {
            self.text.push(',');
        }
    }

    /// `"name":`; a value has to follow. Names are written as they are.
    pub fn key(&mut self, name: &str) -> &mut Self {
        self.separate();
        self.text.push('"');
        self.text.push_str(name);
        self.text.push_str("\":");
        self
    }

    /// `{`
    pub fn object(&mut self) -> &mut Self {
        self.separate();
        self.text.push('{');
        self
    }

    /// `}`
    pub fn end_object(&mut self) -> &mut Self {
        self.text.push('}');
        self
    }

    /// `[`
    pub fn array(&mut self) -> &mut Self {
        self.separate();
        self.text.push('[');
        self
    }

    /// `]`
    pub fn end_array(&mut self) -> &mut Self {
        self.text.push(']');
        self
    }

    /// A double, as JavaScript prints it.
    pub fn number(&mut self, value: f64) -> &mut Self {
        self.separate();
        push_number(&mut self.text, value);
        self
    }

    /// An integer.
    pub fn int(&mut self, value: i64) -> &mut Self {
        self.separate();
        let _ = write!(self.text, "{value}");
        self
    }

    /// A count, tick or index.
    pub fn count(&mut self, value: usize) -> &mut Self {
        self.separate();
        let _ = write!(self.text, "{value}");
        self
    }

    /// An amount of nine decimals.
    pub fn nano(&mut self, value: Nano) -> &mut Self {
        self.separate();
        value.push(&mut self.text);
        self
    }

    /// `true` or `false`.
    pub fn boolean(&mut self, value: bool) -> &mut Self {
        self.raw(if value { "true" } else { "false" })
    }

    /// `null`
    pub fn null(&mut self) -> &mut Self {
        self.raw("null")
    }

    /// A string, escaped as `JSON.stringify` does: quotes, backslashes and control characters only.
    pub fn string(&mut self, value: &str) -> &mut Self {
        self.separate();
        self.text.push('"');
        for character in value.chars() {
            match character {
                '"' => self.text.push_str("\\\""),
                '\\' => self.text.push_str("\\\\"),
                '\n' => self.text.push_str("\\n"),
                '\r' => self.text.push_str("\\r"),
                '\t' => self.text.push_str("\\t"),
                '\u{8}' => self.text.push_str("\\b"),
                '\u{c}' => self.text.push_str("\\f"),
                control if control < ' ' => {
                    let _ = write!(self.text, "\\u{:04x}", u32::from(control));
                }
                plain => self.text.push(plain),
            }
        }
        self.text.push('"');
        self
    }

    /// A string or null.
    pub fn optional(&mut self, value: Option<&str>) -> &mut Self {
        match value {
            Some(text) => self.string(text),
            None => self.null(),
        }
    }

    /// A value that is JSON already.
    pub fn raw(&mut self, value: &str) -> &mut Self {
        self.separate();
        self.text.push_str(value);
        self
    }

    /// Members of an object that are JSON already, without braces.
    pub fn members(&mut self, text: &str) -> &mut Self {
        self.raw(text)
    }

    /// The trace argument that most events put before their payload.
    pub fn trace(&mut self, trace: &Trace) -> &mut Self {
        self.object().key("__trace").boolean(true).key("traceparent");
        self.separate();
        let _ = write!(self.text, "\"00-{:032x}-{:016x}-01\"", trace.id, trace.span);
        self.end_object()
    }
}

/// A W3C trace context. What a request causes carries the same id with another span.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Trace {
    /// The part that request and consequences share.
    pub id: u128,
    /// The part of this one message.
    pub span: u64,
}

impl Trace {
    /// A trace of its own.
    pub fn fresh(random: &mut Prng) -> Self {
        Self { id: (u128::from(random.next_u64()) << 64) | u128::from(random.next_u64()), span: random.next_u64() }
    }

    /// Reads `00-<32 hex>-<16 hex>-01`; None for any other text.
    pub fn parse(traceparent: &str) -> Option<Self> {
        let mut parts = traceparent.split('-').skip(1);
        let id = u128::from_str_radix(parts.next().filter(|id| id.len() == 32)?, 16).ok()?;
        let span = u64::from_str_radix(parts.next().filter(|span| span.len() == 16)?, 16).ok()?;
        Some(Self { id, span })
    }

    /// Another message of the same trace.
    pub fn sibling(self, random: &mut Prng) -> Self {
        Self { span: random.next_u64(), ..self }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]
    use super::*;

    #[test]
    fn commas_go_between_values_only() {
        let mut json = Json::event("tick");
        json.object().key("a").number(1.0).key("b").array().null().int(-2).end_array();
        json.key("c").object().end_object().end_object().boolean(true);
        assert_eq!(json.frame(), r#"42["tick",{"a":1,"b":[null,-2],"c":{}},true]"#);
    }

    #[test]
    fn strings_survive_a_round_trip() {
        let odd = "quote \" slash \\ line \n bell \u{7} zero\u{200b}width \u{202e}rtl \u{1f680}";
        let mut json = Json::fragment();
        json.string(odd);
        let text = json.into_text();
        assert_eq!(serde_json::from_str::<String>(&text).unwrap(), odd);
        assert!(text.contains("\\u0007") && text.contains('\u{200b}'));
    }

    #[test]
    fn requests_and_acks_carry_their_id() {
        let mut request = Json::request(29, "buyOrder");
        request.trace(&Trace { id: 1, span: 2 }).object().key("amount").nano(Nano::milli(2)).end_object();
        let frame = request.frame();
        assert!(frame.starts_with(r#"4229["buyOrder",{"__trace":true,"traceparent":"00-0"#));
        // The length that DevTools showed for the real frame.
        assert_eq!(frame.len(), 122);
        assert_eq!(Json::ack(58).frame(), "4358[]");
    }
}
