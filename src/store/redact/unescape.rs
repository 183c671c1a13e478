//! JSON string escapes undone, with the way back to the raw text.

/// A decoded text, and where its pieces stood in the raw one.
pub struct Unescaped {
    /// The text without its escapes.
    pub text: String,
    /// Behind each escape: the place in `text`, and in the raw text.
    after: Vec<(usize, usize)>,
}

impl Unescaped {
    /// The place in the raw text of a place in the decoded one.
    pub fn raw(&self, decoded: usize) -> usize {
        let behind = self.after.partition_point(|(place, _)| *place <= decoded);
        match behind.checked_sub(1).and_then(|last| self.after.get(last)) {
            Some((place, raw)) => raw + (decoded - place),
            None => decoded,
        }
    }
}

/// Undoes the escapes of a JSON string's inside. What is no escape loses its backslash only, so that every step
/// makes the text shorter; half a surrogate pair becomes U+FFFD.
pub fn unescape(raw: &str) -> Unescaped {
    let mut out = Unescaped { text: String::with_capacity(raw.len()), after: Vec::new() };
    let mut at = 0;
    while let Some(rest) = raw.get(at..) {
        let Some(plain) = memchr::memchr(b'\\', rest.as_bytes()) else {
            out.text.push_str(rest);
            break;
        };
        out.text.push_str(rest.get(..plain).unwrap_or_default());
        let escape = rest.get(plain + 1..).unwrap_or_default();
        let (decoded, len) = one(escape);
        out.text.extend(decoded);
        at += plain + 1 + len;
        out.after.push((out.text.len(), at));
    }
    out
}

/// The character an escape stands for, and the bytes behind the backslash that it takes.
fn one(escape: &str) -> (Option<char>, usize) {
    let Some(first) = escape.chars().next() else { return (None, 0) };
    let decoded = match first {
        'b' => '\u{8}',
        'f' => '\u{c}',
        'n' => '\n',
        'r' => '\r',
        't' => '\t',
        'u' => return unicode(escape),
        other => other,
    };
    (Some(decoded), first.len_utf8())
}

fn unicode(escape: &str) -> (Option<char>, usize) {
    let unit = |from: usize| {
        let digits = escape.get(from..from + 4)?;
        digits.bytes().all(|byte| byte.is_ascii_hexdigit()).then(|| u16::from_str_radix(digits, 16).ok())?
    };
    let Some(high) = unit(1) else { return (Some('u'), 1) };
    let pair = escape.get(5..7).filter(|next| *next == "\\u").and_then(|_| unit(7));
    if let Some(low) = pair
        && let Some(Ok(whole)) = char::decode_utf16([high, low]).next()
        && whole > '\u{ffff}'
    {
        return (Some(whole), 11);
    }
    (Some(char::from_u32(u32::from(high)).unwrap_or('\u{fffd}')), 5)
}
