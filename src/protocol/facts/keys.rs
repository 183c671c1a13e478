//! Keys that are data, and texts that are somebody's.

use serde_json::value::RawValue;

use crate::json::Value;

/// What a key of an object is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum KeyKind {
    /// A field's name.
    Name,
    /// Data: all such keys are one path under this name.
    Data(&'static str),
}

/// Tells a field's name from a key that is a number or an id. `parent` is the name of the object.
pub fn kind(parent: &str, key: &str) -> KeyKind {
    let bytes = key.as_bytes();
    let Some(first) = bytes.first() else { return KeyKind::Name };
    // Almost every key: short, and begins with a letter.
    if first.is_ascii_alphabetic() && bytes.len() < 12 {
        return if key.starts_with("did:") { KeyKind::Data("{id}") } else { KeyKind::Name };
    }
    let numeric = bytes.iter().all(|byte| byte.is_ascii_digit() || matches!(byte, b'-' | b'+' | b'.'));
    if numeric && bytes.len() < 20 && bytes.iter().any(u8::is_ascii_digit) {
        let ranks = parent.contains("rize") || parent.contains("rank");
        return KeyKind::Data(if ranks { "{rank}" } else { "{tick}" });
    }
    if is_id(key) { KeyKind::Data("{id}") } else { KeyKind::Name }
}

/// Whether a text is an id: a DID, a UUID, a game id, a token's address, a hash.
pub fn is_id(text: &str) -> bool {
    let bytes = text.as_bytes();
    let hex = |part: &str| !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_hexdigit());
    let digit = bytes.iter().any(u8::is_ascii_digit);
    let is_uuid =
        bytes.len() == 36 && text.split('-').map(str::len).eq([8, 4, 4, 4, 12]) && text.split('-').all(hex);
    let is_game = text.split_once('-').is_some_and(|(date, rest)| {
        date.len() == 8 && date.bytes().all(|byte| byte.is_ascii_digit()) && rest.len() >= 8 && hex(rest)
    });
    let is_address = (bytes.len() >= 32 && digit && bytes.iter().all(u8::is_ascii_alphanumeric))
        || (text.starts_with("0x") && bytes.len() > 4 && bytes.iter().all(u8::is_ascii_alphanumeric));
    let is_hex = bytes.len() >= 16 && digit && hex(text);
    text.starts_with("did:") || is_uuid || is_game || is_address || is_hex
}

/// Names of fields whose text strangers write or that say who somebody is: counted and measured, never quoted.
const PERSONAL: [&str; 16] = [
    "username",
    "discordUsername",
    "displayName",
    "message",
    "playerId",
    "winnerPlayerId",
    "winnerUsername",
    "userId",
    "walletAddress",
    "wallet",
    "email",
    "avatar",
    "profileImage",
    "tag",
    "token",
    "serverSeed",
];

/// Whether the value at this path is never to be quoted.
pub fn is_personal(name: &str, path: &str) -> bool {
    PERSONAL.contains(&name)
        || name.ends_with("ServerSeed")
        || path.starts_with("$.replyTo")
        || (name == "[]" && path.ends_with("inboxMessages[]"))
}

/// Brings a path of a document into our form: `$.data.leaderboard[*].id` and `data.leaderboard[0].id` are both
/// `$.data.leaderboard[].id`.
pub fn normalise_path(path: &str) -> String {
    let path = path.trim().trim_start_matches('$').trim_start_matches('.');
    let mut out = String::from("$");
    let mut rest = path;
    if !rest.is_empty() && !rest.starts_with('[') {
        out.push('.');
    }
    while let Some(open) = rest.find('[') {
        let (before, from) = rest.split_at(open);
        out.push_str(before);
        out.push_str("[]");
        rest = from.find(']').and_then(|close| from.get(close + 1..)).unwrap_or("");
    }
    out.push_str(rest);
    out
}

/// The keys of a payload in their order; empty where it is no object.
pub(super) fn top_level(payload: &RawValue) -> Vec<String> {
    let mut keys: Vec<String> = Vec::new();
    for (key, _) in Value::from(payload).members() {
        let key = match kind("$", &key.name()) {
            KeyKind::Name => key.name().into_owned(),
            KeyKind::Data(name) => name.to_owned(),
        };
        if keys.len() < 400 && !keys.contains(&key) {
            keys.push(key);
        }
    }
    keys
}
