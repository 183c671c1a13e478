//! Binary messages: Chrome gives them in base64, the store keeps them as system events. The game sends none.

use serde_json::{Value, json};
use sha2::{Digest, Sha256};

use crate::capture::redact;
use crate::store::record::Direction;

/// Bytes of base64 that are kept (of 1 MiB).
const KEPT: usize = (1 << 20) / 3 * 4;

/// The details of the system event for a binary message. Bytes that hold something like a credential are withheld:
/// a digest could stand in their place only by breaking what is around it.
pub fn details(payload: &str, direction: Direction, socket_id: &str) -> Value {
    let Some(bytes) = decode(payload) else {
        return json!({ "socket_id": socket_id, "direction": direction.as_str(), "unreadable": payload.len() });
    };
    // Byte for byte as characters: names and tokens in it are ASCII.
    let text: String = bytes.iter().map(|byte| char::from(*byte)).collect();
    let secret = redact::may_hold_secrets(&text, direction);
    let kept = payload.get(..KEPT).unwrap_or(payload);
    json!({
        "socket_id": socket_id,
        "direction": direction.as_str(),
        "bytes": bytes.len(),
        "sha256": format!("{:x}", Sha256::digest(&bytes)),
        "gzip": bytes.starts_with(&[0x1f, 0x8b]),
        "cut": kept.len() < payload.len(),
        "base64": if secret { Value::Null } else { kept.into() },
        "withheld": secret,
    })
}

/// The bytes of a base64 text as RFC 4648 has it.
fn decode(text: &str) -> Option<Vec<u8>> {
    let digits = text.trim_end_matches('=').as_bytes();
    let mut bytes = Vec::with_capacity(digits.len() / 4 * 3 + 2);
    for chunk in digits.chunks(4) {
        let mut bits = 0_u32;
        for digit in chunk {
            let value = match digit {
                b'A'..=b'Z' => digit - b'A',
                b'a'..=b'z' => digit - b'a' + 26,
                b'0'..=b'9' => digit - b'0' + 52,
                b'+' => 62,
                b'/' => 63,
                _ => return None,
            };
            bits = bits << 6 | u32::from(value);
        }
        bits <<= 6 * (4 - chunk.len());
        let [_, a, b, c] = bits.to_be_bytes();
        match chunk.len() {
            4 => bytes.extend([a, b, c]),
            3 => bytes.extend([a, b]),
            2 => bytes.push(a),
            _ => return None,
        }
    }
    Some(bytes)
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
            assert_eq!(decode(coded).as_deref(), Some(text.as_bytes()));
        }
        assert_eq!(decode("Z"), None);
        assert_eq!(decode("Z-=="), None);
    }

    #[test]
    fn bytes_with_a_credential_in_them_are_withheld() {
        let plain = details("AQID", Direction::Sent, "s");
        assert_eq!((plain["bytes"].as_u64(), plain["base64"].as_str()), (Some(3), Some("AQID")));
        // MessagePack: {"token": "abcdefgh"}
        let packed = details("gaV0b2tlbqhhYmNkZWZnaA==", Direction::Sent, "s");
        assert_eq!((packed["bytes"].as_u64(), &packed["base64"]), (Some(16), &Value::Null));
    }
}
