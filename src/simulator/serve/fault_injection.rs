//! What faults do to the frames of one connection: holding a full packet back, and frames that no server should send.

use std::sync::OnceLock;

use axum::body::Bytes;
use engineioxide::Str;

/// Bytes of an oversized frame.
const OVERSIZED: usize = 20_000_000;

/// Texts behind the `4` of Engine.IO that are no Socket.IO packet, or whose JSON is broken.
const GARBAGE: [&str; 6] = [
    "2[\"gameStateUpdate\",{\"active\":tru",
    "2{\"not\":\"an array\"}",
    "9",
    "2[\"standard/newTrade\",{\"price\":NaN}]",
    "",
    "2[\"newChatMessage\",\"\u{0}\u{fffd}",
];

/// The next frame of garbage.
pub fn garbage(count: usize) -> Str {
    Str::from(GARBAGE.get(count % GARBAGE.len()).copied().unwrap_or_default())
}

/// A well-formed event that is larger than any buffer should accept.
pub fn oversized() -> Str {
    static TEXT: OnceLock<Str> = OnceLock::new();
    TEXT.get_or_init(|| {
        let head = r#"2["gameStateUpdate",{"padding":""#;
        let mut text = String::with_capacity(OVERSIZED);
        text.push_str(head);
        text.extend(std::iter::repeat_n('x', OVERSIZED - head.len() - 4));
        text.push_str("\"}]");
        Str::from(text)
    })
    .clone()
}

/// The next binary frame; every second one begins like gzip.
pub fn binary(count: usize) -> Bytes {
    if count.is_multiple_of(2) {
        Bytes::from_static(b"\x00\x01\x02\xff42[\"gameStateUpdate\",{}]")
    } else {
        Bytes::from_static(b"\x1f\x8b\x08\x00\x00\x00\x00\x00\x00\x03\x33\x31\x02\x00")
    }
}

/// Whether an event is a full packet: one with the history of games.
pub fn is_full(text: &str) -> bool {
    text.starts_with("2[\"gameStateUpdate\"") && (text.len() > 100_000 || text.contains("\"gameHistory\":["))
}

/// Lets full packets arrive after the smaller one that follows them.
#[derive(Debug, Default)]
pub struct Inversion {
    held: Option<Str>,
}

impl Inversion {
    /// Keeps a full packet back.
    pub fn hold(&mut self, text: Str) -> Option<Str> {
        self.held.replace(text)
    }

    /// What goes out when `text` is next, in order.
    pub fn pass(&mut self, text: Str) -> impl Iterator<Item = Str> + use<> {
        let is_state = text.starts_with("2[\"gameStateUpdate\"");
        let released = if is_state { self.held.take() } else { None };
        let (first, second) = match released {
            Some(held) if is_full(&text) => (held, Some(text)),
            released => (text, released),
        };
        std::iter::once(first).chain(second)
    }
}
