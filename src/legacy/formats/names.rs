//! The usual names of the parts of a line: what other people's recorders call the time, the way, the frame, the event.
//!
//! Names are compared without case, `_`, `-` and `@`: `eventName`, `event_name` and `EVENT-NAME` are one.

use std::borrow::Cow;

use serde_json::value::RawValue;

use super::Context;
use crate::fields::Fields;
use crate::time::{Moment, Zone};
use replayer_protocol::{frame, requests};
use replayer_store::record::Direction;

/// Names of the text of a frame.
pub const FRAMES: [&str; 15] = [
    "frame",
    "payloaddata",
    "data",
    "payload",
    "raw",
    "message",
    "msg",
    "text",
    "content",
    "body",
    "line",
    "packet",
    "value",
    "rawframe",
    "wsframe",
];

/// Names of the way that a frame went.
pub const DIRECTIONS: [&str; 11] =
    ["direction", "dir", "way", "flow", "side", "type", "kind", "op", "method", "event", "name"];

/// Names of an event's name.
pub const EVENTS: [&str; 9] =
    ["event", "eventname", "eventtype", "name", "type", "topic", "evt", "channel", "messagetype"];

/// Names of an event's arguments, or of its payload.
pub const ARGUMENTS: [&str; 9] =
    ["args", "arguments", "data", "payload", "message", "msg", "body", "content", "detail"];

/// Names of a socket.
pub const SOCKETS: [&str; 8] =
    ["socketid", "socket", "requestid", "connectionid", "connid", "conn", "wsid", "connection"];

/// Whether a key is called `name`, which is written in lower case without separators.
pub fn is_called(key: &str, name: &str) -> bool {
    let mut letters = name.bytes();
    for byte in key.bytes().filter(|byte| !matches!(byte, b'_' | b'-' | b'@')) {
        if letters.next() != Some(byte.to_ascii_lowercase()) {
            return false;
        }
    }
    letters.next().is_none()
}

/// The value of the first of these names that is there.
pub fn find<'a>(fields: &Fields<'a>, names: &[&str]) -> Option<&'a RawValue> {
    names.iter().find_map(|name| named(fields, name))
}

/// The value that is called `name`.
pub fn named<'a>(fields: &Fields<'a>, name: &str) -> Option<&'a RawValue> {
    fields.iter().filter(|(key, _)| is_called(key, name)).last().map(|(_, value)| value)
}

/// The text of the first of these names that has one.
pub fn text<'a>(fields: &Fields<'a>, names: &[&str]) -> Option<Cow<'a, str>> {
    names.iter().find_map(|name| named(fields, name).and_then(frame::string))
}

/// The time of a line by any of its usual names. Other people's times without a zone are UTC, until something says more.
pub fn moment(fields: &Fields, context: &Context) -> Option<Moment> {
    context.clock.of(fields, Zone::Utc)
}

/// A time: a number or digits in the unit that the magnitude tells, or a text with date and time.
pub fn time_of(value: &RawValue, context: &Context) -> Option<Moment> {
    context.clock.value(value.get(), Zone::Utc)
}

/// The way that a word says.
pub fn direction_of(word: &str) -> Option<Direction> {
    let word =
        word.trim_matches(|c: char| matches!(c, '[' | ']' | '(' | ')' | ':' | '"' | '\'' | '{' | '}' | ','));
    const RECEIVED: [&str; 29] = [
        "received",
        "receive",
        "recv",
        "rcv",
        "rx",
        "in",
        "incoming",
        "inbound",
        "down",
        "downstream",
        "server",
        "fromserver",
        "s2c",
        "servertoclient",
        "framereceived",
        "websocketframereceived",
        "network.websocketframereceived",
        "messagereceived",
        "wsreceived",
        "wsreceive",
        "wsrecv",
        "wsin",
        "r",
        "<",
        "<<",
        "<-",
        "<--",
        "←",
        "↓",
    ];
    const SENT: [&str; 28] = [
        "sent",
        "send",
        "snd",
        "tx",
        "out",
        "outgoing",
        "outbound",
        "up",
        "upstream",
        "client",
        "toserver",
        "fromclient",
        "c2s",
        "clienttoserver",
        "framesent",
        "websocketframesent",
        "network.websocketframesent",
        "messagesent",
        "wssent",
        "wssend",
        "wsout",
        "s",
        ">",
        ">>",
        "->",
        "-->",
        "→",
        "↑",
    ];
    if word.len() > 32 {
        return None;
    }
    let is_one_of = |words: &[&str]| {
        words.iter().any(|known| match known.as_bytes().first() {
            // An arrow is made of the very characters that names are compared without.
            Some(first) if !first.is_ascii_alphabetic() => *known == word,
            _ => is_called(word, known),
        })
    };
    if is_one_of(&RECEIVED) {
        Some(Direction::Received)
    } else if is_one_of(&SENT) {
        Some(Direction::Sent)
    } else {
        None
    }
}

/// The way of a line by any of its usual names, or by a flag such as `from_client`.
pub fn direction(fields: &Fields) -> Option<Direction> {
    let word = |name| named(fields, name).and_then(frame::string).and_then(|word| direction_of(&word));
    if let Some(direction) = DIRECTIONS.into_iter().find_map(word) {
        return Some(direction);
    }
    let flags = [
        ("fromclient", Direction::Sent, Direction::Received),
        ("issent", Direction::Sent, Direction::Received),
        ("sent", Direction::Sent, Direction::Received),
        ("outgoing", Direction::Sent, Direction::Received),
        ("fromserver", Direction::Received, Direction::Sent),
        ("incoming", Direction::Received, Direction::Sent),
        ("received", Direction::Received, Direction::Sent),
    ];
    flags.into_iter().find_map(|(name, yes, no)| match named(fields, name)?.get() {
        "true" | "1" => Some(yes),
        "false" | "0" => Some(no),
        _ => None,
    })
}

/// Events that only a client sends.
const REQUESTS: [&str; 8] = [
    "authenticate",
    "chatHistory",
    "getLeaderboard",
    "getPlayerLeaderboardPosition",
    "getPlayerCosmetics",
    "checkUsername",
    "ping",
    "sendChatMessage",
];

/// The way that a frame can only have gone, where its recorder did not say it: Socket.IO's packets and this game's events
/// each go one way. `None` for what is no frame.
pub fn direction_by_frame(text: &str) -> Option<Direction> {
    let after = |prefix: &str| text.strip_prefix(prefix);
    if let Some(event) = after("42") {
        let open = event.find('[')?;
        let is_answered = open > 0 && event.get(..open).is_some_and(|id| id.bytes().all(|b| b.is_ascii_digit()));
        let name = event.get(open + 1..)?.trim_start().strip_prefix('"').and_then(|name| name.split('"').next());
        let is_request = name.is_some_and(is_request);
        return Some(if is_answered || is_request { Direction::Sent } else { Direction::Received });
    }
    match text.as_bytes() {
        [b'4', b'0'] | [b'3', ..] | [b'5', ..] => Some(Direction::Sent),
        [b'4', b'0', ..] if text.contains("\"sid\"") => Some(Direction::Received),
        [b'4', b'0', ..] => Some(Direction::Sent),
        [b'0' | b'2', ..] | [b'4', b'3' | b'4', ..] => Some(Direction::Received),
        _ => None,
    }
}

/// Whether only a client sends this event.
pub fn is_request(name: &str) -> bool {
    requests::action_type(name, None).is_some() || REQUESTS.contains(&name)
}

/// Whether a text begins as a frame of Engine.IO or Socket.IO does. Cheap: what follows is not read.
pub fn begins_like_a_frame(text: &str) -> bool {
    match text.as_bytes() {
        [b'1'] | [b'2'] | [b'3'] | [b'5'] | [b'6'] | [b'4', b'0'] | [b'4', b'1'] => true,
        [b'2' | b'3', rest @ ..] if rest == b"probe" => true,
        [b'0', b'{', ..] => true,
        [b'4', b'0' | b'4', b'{' | b'/', ..] | [b'4', b'1', b'/', ..] => true,
        [b'4', b'2' | b'3' | b'5' | b'6', rest @ ..] => {
            let rest = match rest {
                [b'/', ..] => {
                    rest.iter().position(|byte| *byte == b',').and_then(|at| rest.get(at + 1..)).unwrap_or(&[])
                }
                rest => rest,
            };
            let id = rest.iter().take_while(|byte| byte.is_ascii_digit() || **byte == b'-').count();
            rest.get(id) == Some(&b'[')
        }
        _ => false,
    }
}

/// The JSON that a value is: the value itself, or what its text holds where it was written as JSON in a string.
pub fn json_of(value: &RawValue) -> Option<Cow<'_, str>> {
    let text = value.get();
    if text.starts_with(['{', '[']) {
        return Some(Cow::Borrowed(text));
    }
    let inner = frame::string(value)?;
    let is_json = inner.trim_start().starts_with(['{', '['])
        && serde_json::from_str::<serde::de::IgnoredAny>(&inner).is_ok();
    is_json.then(|| Cow::Owned(inner.trim().to_owned()))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn names_are_compared_without_case_and_separators() {
        assert!(is_called("eventName", "eventname") && is_called("EVENT_name", "eventname"));
        assert!(!is_called("event", "eventname") && !is_called("eventnames", "eventname"));
    }

    #[test]
    fn words_and_arrows_say_the_way() {
        for word in ["recv", "IN", "<<", "↓", "[Incoming]", "Network.webSocketFrameReceived", "received:"] {
            assert_eq!(direction_of(word), Some(Direction::Received), "{word}");
        }
        for word in ["send", "OUT", "->", "↑", "frameSent"] {
            assert_eq!(direction_of(word), Some(Direction::Sent), "{word}");
        }
        assert_eq!(direction_of("gameStateUpdate"), None);
    }

    #[test]
    fn a_frame_alone_says_which_way_it_went() {
        assert_eq!(direction_by_frame(r#"4277["buyOrder",{}]"#), Some(Direction::Sent));
        assert_eq!(direction_by_frame(r#"4377[{}]"#), Some(Direction::Received));
        assert_eq!(direction_by_frame(r#"42["gameStateUpdate",{}]"#), Some(Direction::Received));
        assert_eq!(direction_by_frame("3"), Some(Direction::Sent));
        assert_eq!(direction_by_frame(r#"40{"sid":"x"}"#), Some(Direction::Received));
        assert_eq!(direction_by_frame(r#"40{"token":"x"}"#), Some(Direction::Sent));
    }

    #[test]
    fn only_texts_that_begin_like_frames_are_taken_for_some() {
        for text in
            ["2", "3probe", "40", r#"42["a"]"#, r#"4212["a"]"#, r#"42/ns,1["a"]"#, r#"451-["a",{}]"#, "0{}"]
        {
            assert!(begins_like_a_frame(text), "{text}");
        }
        for text in ["", "42", "421", "hello", "1768485600", "20 minutes", "4", "{}"] {
            assert!(!begins_like_a_frame(text), "{text}");
        }
    }
}
