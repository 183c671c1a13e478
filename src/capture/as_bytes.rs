//! Messages that cannot be frames of the store, which holds texts of a bounded length: they are kept as system events,
//! their bytes in base64 with their SHA-256.
//!
//! One event says what the message was and holds its first MiB; the bytes behind it follow in events of their own
//! ([`events::MESSAGE_PIECE`]), joined by the digest. So a reader puts any message together again, and no single row
//! becomes larger than other rows are.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Map, Value};
use sha2::{Digest, Sha256};

use super::{events, redact};
use crate::store::record::Direction;

/// Bytes of a message in one event.
pub(super) const PIECE: usize = 1 << 20;

/// Why a message is no frame.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Why {
    /// It was sent as bytes.
    Binary,
    /// A text that is longer than frames may be.
    TooLong,
    /// A text that is no UTF-8.
    NotUtf8,
    /// It has bits set that are reserved for extensions, compression for one, and none was agreed on.
    Extension,
}

impl Why {
    /// The word in the event's `reason`.
    pub(super) fn as_str(self) -> &'static str {
        match self {
            Why::Binary => "binary",
            Why::TooLong => "too_long",
            Why::NotUtf8 => "not_utf8",
            Why::Extension => "extension",
        }
    }
}

/// A message that is kept as bytes.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct AsBytes {
    /// Why.
    pub(super) why: Why,
    /// All of its bytes; the first of them when it was longer than memory is given to one message.
    pub(super) bytes: Vec<u8>,
    /// How long it was, bytes.
    pub(super) length: u64,
    /// SHA-256 of the whole message, hexadecimal.
    pub(super) sha256: String,
    /// Its bytes are not kept, because they may hold a credential.
    pub(super) withheld: bool,
}

impl AsBytes {
    /// A message that is there as a whole.
    pub(super) fn whole(why: Why, bytes: Vec<u8>) -> AsBytes {
        let sha256 = format!("{:x}", Sha256::digest(&bytes));
        AsBytes { why, length: bytes.len() as u64, bytes, sha256, withheld: false }
    }

    /// The same without its bytes.
    pub(super) fn withheld(self) -> AsBytes {
        AsBytes { bytes: Vec::new(), withheld: true, ..self }
    }

    /// Whether only the beginning of it is kept.
    pub(super) fn is_cut(&self) -> bool {
        !self.withheld && self.bytes.len() as u64 != self.length
    }

    /// The system events that hold it, in order: their type and details.
    ///
    /// Credentials are taken out of a text before it is coded: afterwards nobody would find them. Binary formats count
    /// their bytes, a digest in the place of a secret would break them: whoever may meet secrets in one looks first
    /// (see `browser::binary`).
    pub(super) fn events(
        self,
        socket_id: Option<&str>,
        direction: Direction,
    ) -> impl Iterator<Item = (&'static str, String)> + Send + use<> {
        let is_cut = self.is_cut();
        let AsBytes { why, bytes, length, sha256, withheld } = self;
        let gzip = bytes.starts_with(&[0x1f, 0x8b]);
        let (bytes, redacted) = match why {
            Why::Binary => (bytes, false),
            _ => redacted(bytes, direction),
        };
        let socket_id = socket_id.map(str::to_owned);
        let pieces = bytes.len().div_ceil(PIECE).max(1);
        (0..pieces).map(move |n| {
            let piece = bytes.get(n * PIECE..bytes.len().min((n + 1) * PIECE)).unwrap_or_default();
            let mut details = Map::new();
            let mut put = |name: &str, value: Value| details.insert(name.to_owned(), value);
            put("socket_id", socket_id.clone().into());
            put("direction", direction.as_str().into());
            if n == 0 {
                put("bytes", length.into());
            }
            put("sha256", sha256.clone().into());
            put("piece", (n + 1).into());
            put("pieces", pieces.into());
            if n == 0 {
                put("gzip", gzip.into());
                put("cut", is_cut.into());
                put("withheld", withheld.into());
                if why != Why::Binary {
                    put("reason", why.as_str().into());
                    put("redacted", redacted.into());
                }
            }
            put("base64", if withheld { Value::Null } else { STANDARD.encode(piece).into() });
            let event_type = match (n, why) {
                (0, Why::Binary) => events::BINARY_MESSAGE,
                (0, _) => events::MESSAGE_AS_BYTES,
                _ => events::MESSAGE_PIECE,
            };
            (event_type, Value::from(details).to_string())
        })
    }
}

/// The bytes of a text without its credentials, and whether there were any.
fn redacted(bytes: Vec<u8>, direction: Direction) -> (Vec<u8>, bool) {
    if let Ok(text) = std::str::from_utf8(&bytes) {
        return match redact::redact(text, direction) {
            std::borrow::Cow::Borrowed(_) => (bytes, false),
            std::borrow::Cow::Owned(text) => (text.into_bytes(), true),
        };
    }
    // Byte for byte as the first 256 characters, and back: names, tokens and what is put in their place are ASCII.
    let text: String = bytes.iter().map(|byte| char::from(*byte)).collect();
    match redact::redact(&text, direction) {
        std::borrow::Cow::Borrowed(_) => (bytes, false),
        std::borrow::Cow::Owned(text) => {
            (text.chars().map(|c| u8::try_from(u32::from(c)).unwrap_or(b'?')).collect(), true)
        }
    }
}

/// Reads back what [`AsBytes::events`] wrote: the bytes of one message, from the details of its events in order.
/// `None` when one is missing or cannot be read.
#[cfg(test)]
pub(super) fn join(details: &[Value]) -> Option<Vec<u8>> {
    let first = details.first()?;
    let pieces = first.get("pieces")?.as_u64()?;
    let mut bytes = Vec::new();
    for (n, piece) in (1..=pieces).zip(details) {
        if piece.get("piece")?.as_u64()? != n || piece.get("sha256")? != first.get("sha256")? {
            return None;
        }
        bytes.extend(STANDARD.decode(piece.get("base64")?.as_str()?).ok()?);
    }
    (details.len() as u64 >= pieces).then_some(bytes)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]
    use serde_json::json;

    use super::*;

    fn details(kept: AsBytes) -> Vec<(&'static str, Value)> {
        let events = kept.events(Some("feed-1"), Direction::Received);
        events.map(|(event_type, details)| (event_type, serde_json::from_str(&details).unwrap())).collect()
    }

    fn values(events: &[(&'static str, Value)]) -> Vec<Value> {
        events.iter().map(|(_, details)| details.clone()).collect()
    }

    #[test]
    fn a_short_binary_message_is_one_event_with_its_digest() {
        let events = details(AsBytes::whole(Why::Binary, vec![0x1f, 0x8b, 8, 0]));
        assert_eq!(events.len(), 1);
        let (event_type, details) = &events[0];
        assert_eq!(*event_type, events::BINARY_MESSAGE);
        assert_eq!((details["gzip"].as_bool(), details["cut"].as_bool()), (Some(true), Some(false)));
        assert_eq!((details["bytes"].as_u64(), details["base64"].as_str()), (Some(4), Some("H4sIAA==")));
        assert_eq!(details["sha256"], json!(format!("{:x}", Sha256::digest([0x1f, 0x8b, 8, 0]))));
    }

    #[test]
    fn an_empty_message_is_one_event() {
        let events = details(AsBytes::whole(Why::Binary, Vec::new()));
        assert_eq!((events.len(), events[0].1["base64"].as_str()), (1, Some("")));
    }

    #[test]
    fn a_long_message_is_there_again_when_its_pieces_are_joined() {
        let bytes: Vec<u8> = (0..2 * PIECE + 7).map(|n| (n % 251) as u8).collect();
        let events = details(AsBytes::whole(Why::TooLong, bytes.clone()));
        let types: Vec<&str> = events.iter().map(|(event_type, _)| *event_type).collect();
        assert_eq!(types, [events::MESSAGE_AS_BYTES, events::MESSAGE_PIECE, events::MESSAGE_PIECE]);
        assert_eq!(events[0].1["reason"], "too_long");
        assert!(join(&values(&events)).unwrap() == bytes);
    }

    #[test]
    fn a_message_whose_end_is_not_kept_says_so() {
        let kept = AsBytes {
            why: Why::TooLong,
            bytes: vec![b'x'; 10],
            length: 300 << 20,
            sha256: "ab".into(),
            withheld: false,
        };
        let events = details(kept);
        assert_eq!((&events[0].1["cut"], &events[0].1["bytes"]), (&json!(true), &json!(300 << 20)));
        assert_eq!(events[0].1["sha256"], "ab", "of the whole message");
    }

    #[test]
    fn a_message_that_is_withheld_keeps_its_length_and_its_digest() {
        let whole = AsBytes::whole(Why::Binary, vec![1, 2, 3]);
        let events = details(whole.clone().withheld());
        assert_eq!((events.len(), &events[0].1["base64"], &events[0].1["bytes"]), (1, &Value::Null, &json!(3)));
        assert_eq!(events[0].1["sha256"], json!(whole.sha256));
    }

    #[test]
    fn a_credential_in_a_text_that_is_not_utf8_is_taken_out_and_the_other_bytes_stay() {
        let token = "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxIn0.c2lnbmF0dXJl";
        let text = [b"42[\"x\",\"\xff\xfe", token.as_bytes(), b"\",\xf0]"].concat();
        let events = details(AsBytes::whole(Why::NotUtf8, text));
        assert_eq!(events[0].1["redacted"], true);
        let kept = join(&values(&events)).unwrap();
        assert!(kept.starts_with(b"42[\"x\",\"\xff\xfe[redacted:") && kept.ends_with(b"\",\xf0]"));
        assert!(!kept.windows(10).any(|window| window == &token.as_bytes()[..10]));
    }
}
