//! Binary messages: Chrome gives them in base64, the store keeps them as bytes. The game sends none.

use crate::capture::as_bytes::{AsBytes, Why};
use crate::capture::redact;
use crate::store::record::Direction;

/// A binary message; `None` when the payload is no base64. Bytes that hold something like a credential are withheld:
/// a digest could be put in their place only by breaking what is around it.
pub fn message(payload: &str, direction: Direction) -> Option<AsBytes> {
    let bytes = decode(payload)?;
    // Byte for byte as characters: names and tokens in it are ASCII.
    let text: String = bytes.iter().map(|byte| char::from(*byte)).collect();
    let message = AsBytes::whole(Why::Binary, bytes);
    Some(if redact::may_hold_secrets(&text, direction) { message.withheld() } else { message })
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
        let plain = message("AQID", Direction::Sent).map(|kept| (kept.length, kept.bytes));
        assert_eq!(plain, Some((3, vec![1, 2, 3])));
        // MessagePack: {"token": "abcdefgh"}
        let packed = message("gaV0b2tlbqhhYmNkZWZnaA==", Direction::Sent);
        assert_eq!(packed.map(|kept| (kept.length, kept.withheld, kept.bytes)), Some((16, true, Vec::new())));
    }
}
