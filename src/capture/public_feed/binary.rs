//! Binary messages. The store holds texts, so they are kept as system events: digest, size and the bytes in base64.

use serde_json::{Value, json};
use sha2::{Digest, Sha256};

/// Bytes of a binary message that are kept.
const KEPT: usize = 1 << 20;

/// The details of the system event for a binary message.
pub(super) fn details(bytes: &[u8], socket_id: &str) -> Value {
    let kept = bytes.get(..KEPT).unwrap_or(bytes);
    json!({
        "socket_id": socket_id,
        "bytes": bytes.len(),
        "sha256": format!("{:x}", Sha256::digest(bytes)),
        "gzip": bytes.starts_with(&[0x1f, 0x8b]),
        "cut": kept.len() < bytes.len(),
        "base64": base64(kept),
    })
}

fn base64(bytes: &[u8]) -> String {
    const ALPHABET: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let mut text = String::with_capacity(bytes.len().div_ceil(3) * 4);
    for chunk in bytes.chunks(3) {
        let byte = |n: usize| u32::from(chunk.get(n).copied().unwrap_or(0));
        let bits = byte(0) << 16 | byte(1) << 8 | byte(2);
        for n in 0..4 {
            let symbol = ALPHABET.get((bits >> (18 - 6 * n)) as usize & 63).copied().unwrap_or(b'=');
            text.push(if n <= chunk.len() { char::from(symbol) } else { '=' });
        }
    }
    text
}

#[cfg(test)]
mod tests {
    #![allow(clippy::indexing_slicing)]
    use super::*;

    #[test]
    fn base64_is_that_of_rfc_4648() {
        let texts = ["", "f", "fo", "foo", "foob", "fooba", "foobar"];
        let coded = ["", "Zg==", "Zm8=", "Zm9v", "Zm9vYg==", "Zm9vYmE=", "Zm9vYmFy"];
        for (text, coded) in texts.iter().zip(coded) {
            assert_eq!(base64(text.as_bytes()), coded);
        }
        assert_eq!(base64(&[0xfb, 0xff, 0xfe]), "+//+");
    }

    #[test]
    fn a_long_message_is_cut_and_says_so() {
        let details = details(&vec![0; KEPT + 1], "feed-1");
        assert_eq!((details["cut"].as_bool(), details["bytes"].as_u64()), (Some(true), Some(KEPT as u64 + 1)));
        assert_eq!(details["base64"].as_str().map(str::len), Some(KEPT.div_ceil(3) * 4));
    }

    #[test]
    fn gzip_is_told() {
        assert_eq!(details(&[0x1f, 0x8b, 8], "feed-1")["gzip"], true);
        assert_eq!(details(b"plain", "feed-1")["gzip"], false);
    }
}
