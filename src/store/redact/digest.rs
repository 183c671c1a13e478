//! What stands in a secret's place.

use std::sync::LazyLock;

use sha2::{Digest, Sha256};
use uuid::Uuid;

use super::shapes;

const PLAIN: &str = "[redacted:sha256:";
const KEYED: &str = "[redacted:keyed:";
/// Hexadecimal digits of a digest that are kept: 64 bits.
const DIGITS: usize = 16;

/// Random for each process and never written down: about 290 random bits.
static KEY: LazyLock<[Uuid; 4]> = LazyLock::new(|| std::array::from_fn(|_| Uuid::now_v7()));

/// The text in the place of `secret`. `guessable`: it is of a kind that people make up (a password).
pub fn placeholder(secret: &str, guessable: bool) -> String {
    let mut sha = Sha256::new();
    let plain = !guessable && shapes::looks_random(secret);
    if !plain {
        KEY.iter().for_each(|part| sha.update(part.as_bytes()));
    }
    sha.update(secret.as_bytes());
    let digest = format!("{:x}", sha.finalize());
    let digits = digest.get(..DIGITS).unwrap_or_default();
    format!("{}{digits}]", if plain { PLAIN } else { KEYED })
}

/// Whether the text is exactly what stands in a secret's place.
pub fn is_placeholder(text: &str) -> bool {
    let digits = text.strip_prefix(PLAIN).or_else(|| text.strip_prefix(KEYED));
    let digits = digits.and_then(|rest| rest.strip_suffix(']'));
    digits.is_some_and(|digits| digits.len() == DIGITS && digits.bytes().all(|b| b.is_ascii_hexdigit()))
}
