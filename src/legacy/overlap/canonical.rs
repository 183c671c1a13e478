//! JSON text as one text that all writers of the same value share.
//!
//! The wire's JSON is compact and has JavaScript's numbers; Python writes blanks, `1.0` for `1`, and letters beyond ASCII as
//! escapes. None of that is a difference of what the server sent. The order of keys is kept by all of them, and so counts.

/// Appends what `json` says to `out`: without blanks, every number as its double, every string without escapes. What is no
/// JSON is appended somehow; equal texts give equal results all the same.
pub fn append(json: &str, out: &mut Vec<u8>) {
    let bytes = json.as_bytes();
    let mut at = 0;
    while let Some(byte) = bytes.get(at) {
        match byte {
            b' ' | b'\t' | b'\r' | b'\n' => at += 1,
            b'"' => at = string(json, at, out),
            b'-' | b'0'..=b'9' => at = number(json, at, out),
            other => {
                out.push(*other);
                at += 1;
            }
        }
    }
}

/// Appends the string that begins at `start`; returns where it has ended.
fn string(json: &str, start: usize, out: &mut Vec<u8>) -> usize {
    let bytes = json.as_bytes();
    let body = start + 1;
    let mut end = body;
    let mut has_escapes = false;
    let closed = loop {
        let rest = bytes.get(end..).unwrap_or_default();
        match memchr::memchr2(b'"', b'\\', rest) {
            Some(found) if rest.get(found) == Some(&b'\\') => {
                has_escapes = true;
                end = (end + found + 2).min(bytes.len());
            }
            Some(found) => {
                end += found;
                break true;
            }
            None => {
                end = bytes.len();
                break false;
            }
        }
    };
    let after = if closed { end + 1 } else { end };
    // Quotes cannot stand inside what is appended unless they were escaped: 0xFF, which no UTF-8 has, ends a string.
    out.push(b'"');
    let unescaped = if has_escapes { json.get(start..after).and_then(|text| serde_json::from_str(text).ok()) } else { None };
    match unescaped {
        Some::<String>(text) => out.extend_from_slice(text.as_bytes()),
        None => out.extend_from_slice(bytes.get(body..end).unwrap_or_default()),
    }
    out.push(0xFF);
    after
}

/// Appends the number that begins at `start`; returns where it has ended.
fn number(json: &str, start: usize, out: &mut Vec<u8>) -> usize {
    let is_part = |byte: &u8| byte.is_ascii_digit() || matches!(byte, b'-' | b'+' | b'.' | b'e' | b'E');
    let rest = json.get(start..).unwrap_or_default();
    let length = rest.bytes().take_while(is_part).count().max(1);
    let text = rest.get(..length).unwrap_or(rest);
    out.push(b'#');
    match text.parse::<f64>() {
        // Whole numbers beyond what a double holds exactly, and those beyond all doubles, are what they are as text.
        Ok(number) if number.abs() < 9_007_199_254_740_992.0 => {
            // -0 and 0 are one.
            out.extend_from_slice(&(number + 0.0).to_bits().to_be_bytes());
        }
        _ => out.extend_from_slice(text.as_bytes()),
    }
    start + length
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    fn of(json: &str) -> Vec<u8> {
        let mut out = Vec::new();
        append(json, &mut out);
        out
    }

    #[test]
    fn what_only_the_writer_chose_is_no_difference() {
        let wire = r#"{"a":1,"b":[0.000016263,-0],"name":"caf\u00e9 \"x\"","c":"🙂"}"#;
        let python = r#"{"a": 1.0, "b": [1.6263e-05, 0], "name": "café \"x\"", "c": "\ud83d\ude42"}"#;
        assert_eq!(of(wire), of(python));
    }

    #[test]
    fn what_the_server_chose_is_one() {
        for (one, other) in [
            (r#"{"a":1}"#, r#"{"a":2}"#),
            (r#"{"a":1}"#, r#"{"a":"1"}"#),
            (r#"["a","b"]"#, r#"["ab"]"#),
            (r#"["a b"]"#, r#"["ab"]"#),
            (r#"[1,2]"#, r#"[12]"#),
            (r#"["a\",\"b"]"#, r#"["a","b"]"#),
            (r#"{"a":1e400}"#, r#"{"a":1e401}"#),
            (r#"{"a":9007199254740993}"#, r#"{"a":9007199254740992}"#),
        ] {
            assert_ne!(of(one), of(other), "{one} {other}");
        }
    }

    #[test]
    fn broken_text_ends() {
        for text in ["\"abc", "\"abc\\", "-", "{\"a\":", "1e", "\\"] {
            assert_eq!(of(text), of(text));
        }
    }
}
