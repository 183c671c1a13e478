//! JSON text as one number that all writers of the same value share.
//!
//! The wire's JSON is compact and has JavaScript's numbers; Python writes blanks, `1.0` for `1`, and letters beyond ASCII as
//! escapes; Go and Rust sort the keys. None of that is a difference of what the server sent.

use std::hash::Hasher;

/// What the members of an object or a list come to so far.
#[derive(Debug, Default)]
struct Level {
    is_object: bool,
    members: u64,
    sum: u64,
    key: Option<u64>,
}

/// A number for what `json` says: the same for the same value, and for others another one, but for chance. What is no JSON has
/// some number too; nothing here recurses.
pub fn digest(json: &str) -> u64 {
    let bytes = json.as_bytes();
    let mut levels = vec![Level::default()];
    let mut at = 0;
    while let Some(byte) = bytes.get(at) {
        let value = match byte {
            b' ' | b'\t' | b'\r' | b'\n' | b',' | b':' => {
                at += 1;
                continue;
            }
            b'{' | b'[' => {
                levels.push(Level { is_object: *byte == b'{', ..Level::default() });
                at += 1;
                continue;
            }
            b'}' | b']' => {
                at += 1;
                match levels.pop() {
                    Some(level) if !levels.is_empty() => closed(level),
                    Some(level) => {
                        levels.push(level);
                        continue;
                    }
                    None => continue,
                }
            }
            b'"' => string(json, &mut at),
            b'-' | b'0'..=b'9' => number(json, &mut at),
            _ => word(bytes, &mut at),
        };
        add(&mut levels, value);
    }
    levels.into_iter().rev().fold(0, |below, level| mix(closed(level), below))
}

fn add(levels: &mut [Level], value: u64) {
    let Some(level) = levels.last_mut() else { return };
    if !level.is_object {
        level.members += 1;
        level.sum = mix(level.sum, value);
    } else if let Some(key) = level.key.take() {
        level.members += 1;
        // In whatever order the members stand.
        level.sum = level.sum.wrapping_add(mix(key, value));
    } else {
        level.key = Some(value);
    }
}

fn closed(level: Level) -> u64 {
    mix(mix(level.members << 1 | u64::from(level.is_object), level.sum), level.key.unwrap_or(0))
}

/// Mixes two numbers; their order counts.
fn mix(one: u64, other: u64) -> u64 {
    let mut mixed = one.rotate_left(23) ^ other.wrapping_mul(0x9E37_79B9_7F4A_7C15);
    mixed = (mixed ^ (mixed >> 32)).wrapping_mul(0xD6E8_FEB8_6659_FD93);
    (mixed ^ (mixed >> 29)).wrapping_mul(0xD6E8_FEB8_6659_FD93) ^ (mixed >> 31)
}

/// A number for some bytes of a kind.
fn hash(kind: u8, bytes: &[u8]) -> u64 {
    // Its keys are fixed, and it is never stored.
    let mut hasher = std::hash::DefaultHasher::new();
    hasher.write_u8(kind);
    hasher.write(bytes);
    hasher.finish()
}

/// The string that begins at `at`, which is then behind it.
fn string(json: &str, at: &mut usize) -> u64 {
    let bytes = json.as_bytes();
    let (start, body) = (*at, *at + 1);
    let mut end = body;
    let mut has_escapes = false;
    *at = loop {
        let rest = bytes.get(end..).unwrap_or_default();
        match memchr::memchr2(b'"', b'\\', rest) {
            Some(found) if rest.get(found) == Some(&b'\\') => {
                has_escapes = true;
                end = (end + found + 2).min(bytes.len());
            }
            Some(found) => {
                end += found;
                break end + 1;
            }
            None => {
                end = bytes.len();
                break end;
            }
        }
    };
    let unescape = |text: &str| serde_json::from_str::<String>(text).ok();
    let unescaped = if has_escapes { json.get(start..*at).and_then(unescape) } else { None };
    hash(b'"', unescaped.as_deref().map_or(bytes.get(body..end).unwrap_or_default(), str::as_bytes))
}

/// The number that begins at `at`, which is then behind it.
fn number(json: &str, at: &mut usize) -> u64 {
    let is_part = |byte: &u8| byte.is_ascii_digit() || matches!(byte, b'-' | b'+' | b'.' | b'e' | b'E');
    let rest = json.get(*at..).unwrap_or_default();
    let length = rest.bytes().take_while(is_part).count().max(1);
    let text = rest.get(..length).unwrap_or(rest);
    *at += length;
    match text.parse::<f64>() {
        // -0 and 0 are one.
        Ok(number) if number.abs() < 9_007_199_254_740_992.0 => {
            hash(b'#', &(number + 0.0).to_bits().to_be_bytes())
        }
        // Whole numbers beyond what a double holds exactly, and those beyond all doubles, are what they are as text.
        _ => hash(b'#', text.as_bytes()),
    }
}

/// `true`, `false`, `null`, or anything that is no JSON.
fn word(bytes: &[u8], at: &mut usize) -> u64 {
    let rest = bytes.get(*at..).unwrap_or_default();
    let ends =
        |byte: &u8| matches!(byte, b' ' | b'\t' | b'\r' | b'\n' | b',' | b':' | b'{' | b'[' | b'}' | b']' | b'"');
    let length = rest.iter().position(ends).unwrap_or(rest.len()).max(1);
    *at += length;
    hash(b'w', rest.get(..length).unwrap_or(rest))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    #[test]
    fn what_only_the_writer_chose_is_no_difference() {
        let wire = r#"{"a":1,"b":[0.000016263,-0],"name":"caf\u00e9 \"x\"","c":"🙂"}"#;
        let python = r#"{"a": 1.0, "b": [1.6263e-05, 0], "name": "café \"x\"", "c": "\ud83d\ude42"}"#;
        let sorted = r#"{"name": "café \"x\"", "c": "\ud83d\ude42", "b": [1.6263e-05, 0], "a": 1}"#;
        assert_eq!((digest(wire), digest(wire)), (digest(python), digest(sorted)));
    }

    #[test]
    fn what_the_server_chose_is_one() {
        for (one, other) in [
            (r#"{"a":1}"#, r#"{"a":2}"#),
            (r#"{"a":1}"#, r#"{"a":"1"}"#),
            (r#"{"a":"b"}"#, r#"{"b":"a"}"#),
            (r#"{"a":1,"b":2}"#, r#"{"a":2,"b":1}"#),
            (r#"{"a":{"x":1},"b":{"x":2}}"#, r#"{"a":{"x":2},"b":{"x":1}}"#),
            (r#"["a","b"]"#, r#"["ab"]"#),
            (r#"["a","b"]"#, r#"["b","a"]"#),
            (r#"["a b"]"#, r#"["ab"]"#),
            (r#"[1,2]"#, r#"[12]"#),
            (r#"[1,[2]]"#, r#"[[1],2]"#),
            (r#"[]"#, r#"{}"#),
            (r#"[null]"#, r#"[]"#),
            (r#"[true]"#, r#"["true"]"#),
            (r#"["a\",\"b"]"#, r#"["a","b"]"#),
            (r#"{"a":1e400}"#, r#"{"a":1e401}"#),
            (r#"{"a":9007199254740993}"#, r#"{"a":9007199254740992}"#),
        ] {
            assert_ne!(digest(one), digest(other), "{one} {other}");
        }
    }

    #[test]
    fn broken_and_deep_text_ends() {
        let deep = "[".repeat(200_000);
        for text in ["\"abc", "\"abc\\", "-", "{\"a\":", "1e", "\\", "}}]", "", "é", &deep] {
            assert_eq!(digest(text), digest(text));
        }
        assert_ne!(digest("{\"a\":1"), digest("{\"a\":2"));
    }
}
