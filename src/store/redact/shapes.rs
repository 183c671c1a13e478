//! Secrets, and what looks like one but is none, known by their form.

use std::ops::Range;

/// A coin's address may stand where a token's name is: the wrapped SOL of every Solana program.
const WRAPPED_SOL: &str = "So11111111111111111111111111111111111111112";

fn is_base64url(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_')
}

/// How many bytes from `at` on satisfy `test`.
pub fn run(bytes: &[u8], at: usize, test: impl Fn(u8) -> bool) -> usize {
    bytes.get(at..).unwrap_or_default().iter().take_while(|byte| test(**byte)).count()
}

/// What stands at an `eyJ`.
pub enum Jwt {
    /// A token, up to here.
    UpTo(usize),
    /// None, and none that begins before this place either.
    NotBefore(usize),
}

/// Reads a JWT at `at`: `eyJ`, base64url parts with dots between them; the last ones may be cut off.
pub fn jwt(bytes: &[u8], at: usize) -> Jwt {
    let mut end = at + run(bytes, at, is_base64url);
    let head = end - at;
    let mut parts = 1;
    while parts < 5 && bytes.get(end) == Some(&b'.') {
        let part = run(bytes, end + 1, is_base64url);
        if parts == 1 && part < 4 {
            break;
        }
        end += 1 + part;
        parts += 1;
    }
    if head >= 8 && parts > 1 { Jwt::UpTo(end) } else { Jwt::NotBefore(at + head) }
}

/// The token behind a `Bearer` that begins at `at`.
pub fn bearer(bytes: &[u8], at: usize) -> Option<Range<usize>> {
    let word = bytes.get(at..at + 6)?;
    if !word.eq_ignore_ascii_case(b"bearer") {
        return None;
    }
    let mut start = at + 6;
    let blanks = run(bytes, start, |byte| byte.is_ascii_whitespace() || byte == b'+');
    start += blanks;
    if blanks == 0 {
        start += bytes.get(start..)?.starts_with(b"%20").then_some(3)?;
    }
    let len =
        run(bytes, start, |byte| is_base64url(byte) || matches!(byte, b'.' | b'~' | b'+' | b'/' | b'=' | b':'));
    let token = bytes.get(start..start + len)?;
    // "the bearer of news" is no token.
    let secret = len >= 20 || (len >= 8 && token.iter().any(u8::is_ascii_digit));
    secret.then_some(start..start + len)
}

/// Whether a text is long and mixed enough that nobody can find it by trying.
pub fn looks_random(text: &str) -> bool {
    let plain = |byte: u8| is_base64url(byte) || matches!(byte, b'.' | b'~' | b'+' | b'/' | b'=' | b':');
    let mut seen = [false; 256];
    let mut distinct = 0;
    for byte in text.bytes() {
        if !plain(byte) {
            return false;
        }
        if let Some(known) = seen.get_mut(usize::from(byte))
            && !*known
        {
            *known = true;
            distinct += 1;
        }
    }
    let has = |test: fn(&u8) -> bool| text.as_bytes().iter().any(test);
    text.len() >= 24 && distinct >= 10 && has(u8::is_ascii_digit) && has(u8::is_ascii_alphabetic)
}

/// Whether a text found where a token's name promised one is the name of a coin: `0xPractice`, `SOL`.
pub fn is_coin(text: &str) -> bool {
    let named = text.strip_prefix("0x").is_some_and(|name| {
        (3..=16).contains(&name.len())
            && name.starts_with(|c: char| c.is_ascii_uppercase())
            && name.bytes().all(|byte| byte.is_ascii_alphabetic())
    });
    named || text.eq_ignore_ascii_case("sol") || text.eq_ignore_ascii_case("solana") || text == WRAPPED_SOL
}

/// Whether a text could be a coin's address: 32 to 44 letters and digits of base 58. Strangers post them with
/// links (`?token=…`).
pub fn is_coin_address(text: &str) -> bool {
    let base58 = |byte: u8| byte.is_ascii_alphanumeric() && !matches!(byte, b'0' | b'O' | b'I' | b'l');
    (32..=44).contains(&text.len()) && text.bytes().all(base58)
}

/// Whether a text is a public id that also stands among credentials: a Privy DID or a W3C `traceparent`.
pub fn is_public_id(text: &str) -> bool {
    if let Some(id) = text.strip_prefix("did:privy:") {
        return (8..=40).contains(&id.len()) && id.bytes().all(|byte| byte.is_ascii_alphanumeric());
    }
    let hex = |part: Option<&str>, len: usize| {
        part.is_some_and(|part| part.len() == len && part.bytes().all(|byte| byte.is_ascii_hexdigit()))
    };
    let mut parts = text.split('-');
    text.len() == 55
        && hex(parts.next(), 2)
        && hex(parts.next(), 32)
        && hex(parts.next(), 16)
        && hex(parts.next(), 2)
}
