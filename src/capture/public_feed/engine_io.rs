//! The client's side of Engine.IO 4 and Socket.IO over one WebSocket, without I/O: what to answer to a message,
//! and when the server has been silent for too long. It looks at the first bytes of a message only; the exceptions
//! are the handshake's packets.

use std::time::Duration;

use serde::Deserialize;

use super::failure::{Failure, cut};

/// Bytes in which an event's namespace and the id of its ack are looked for, when it is a giant.
const LONGEST_HEAD: usize = 4096;

/// What a message asks for.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Reaction {
    /// Nothing.
    None,
    /// Send this text.
    Send(String),
    /// The namespace is connected: events can come.
    Connected,
    /// The connection is of no more use.
    End(Failure),
}

/// Where the connection stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Stage {
    AwaitsOpen,
    AwaitsConnect,
    Live,
}

/// One connection's state.
#[derive(Debug)]
pub(super) struct EngineIo {
    namespace: String,
    stage: Stage,
    open: Open,
}

/// The server's open packet.
#[derive(Debug, Clone, Default, PartialEq, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(super) struct Open {
    /// The server's name for the connection.
    pub(super) sid: Option<String>,
    /// Milliseconds between two pings of the server.
    pub(super) ping_interval: Option<u64>,
    /// Milliseconds that a ping may be late.
    pub(super) ping_timeout: Option<u64>,
}

/// What a server may ask for at most; longer silences are taken as such.
const LONGEST_SILENCE: u64 = 300_000;

impl EngineIo {
    /// `namespace` is `/` or `/name`.
    pub(super) fn new(namespace: &str) -> EngineIo {
        EngineIo { namespace: namespace.to_owned(), stage: Stage::AwaitsOpen, open: Open::default() }
    }

    /// What the server said when it opened the connection.
    pub(super) fn open(&self) -> &Open {
        &self.open
    }

    /// How long the server may be silent: its own intervals, and `None` before it told them.
    pub(super) fn longest_silence(&self) -> Option<Duration> {
        let interval = self.open.ping_interval?;
        let silence = interval.saturating_add(self.open.ping_timeout.unwrap_or(20_000));
        Some(Duration::from_millis(silence.min(LONGEST_SILENCE)))
    }

    /// Whether events can come.
    pub(super) fn is_live(&self) -> bool {
        self.stage == Stage::Live
    }

    /// What a connection that got stuck in the handshake waits for.
    pub(super) fn awaits(&self) -> &'static str {
        match self.stage {
            Stage::AwaitsOpen => "the Engine.IO open packet",
            Stage::AwaitsConnect => "the answer to the Socket.IO connect packet",
            Stage::Live => "a ping",
        }
    }

    /// The packet that says goodbye.
    pub(super) fn close(&self) -> String {
        self.packet("41", "")
    }

    /// What the message asks for.
    pub(super) fn on_text(&mut self, text: &str) -> Reaction {
        match text.as_bytes() {
            _ if self.stage == Stage::AwaitsOpen => self.on_open(text),
            [b'2', ..] if text.len() == 1 => Reaction::Send("3".to_owned()),
            [b'2', rest @ ..] if rest == b"probe" => Reaction::Send("3probe".to_owned()),
            b"1" => Reaction::End(Failure::new(
                "closed",
                "the server closed the Engine.IO connection",
                "Nothing to do: it is tried again by itself",
            )),
            [b'4', b'0', ..] if self.is_ours(text) => self.on_connect(text),
            [b'4', b'1', ..] if self.is_ours(text) => Reaction::End(Failure::new(
                "disconnected",
                "the server ended the Socket.IO session",
                "Nothing to do: it is tried again by itself",
            )),
            [b'4', b'4', ..] if self.is_ours(text) => self.on_refused(text),
            [b'4', b'2', rest @ ..] => acknowledge(rest).map_or(Reaction::None, Reaction::Send),
            _ => Reaction::None,
        }
    }

    /// The answer to a text that is too long to be looked at as a whole, from its beginning: the empty ack of an event
    /// that asks for one. Every other answer is to a short packet.
    pub(super) fn on_beginning(&self, bytes: &[u8]) -> Option<String> {
        let head = bytes.get(..bytes.len().min(LONGEST_HEAD)).unwrap_or_default();
        head.strip_prefix(b"42").filter(|_| self.is_live()).and_then(acknowledge)
    }

    fn on_open(&mut self, text: &str) -> Reaction {
        let open = text.strip_prefix('0').and_then(|json| serde_json::from_str::<Open>(json).ok());
        match open {
            Some(open) if open.sid.is_some() && open.ping_interval.is_some() => {
                self.open = open;
                self.stage = Stage::AwaitsConnect;
                Reaction::Send(self.packet("40", ""))
            }
            _ => Reaction::End(Failure::new(
                "not_engine_io",
                format!("the server does not speak Engine.IO: its first message begins {:?}", cut(text)),
                "Check the address: it must be that of a Socket.IO server",
            )),
        }
    }

    fn on_connect(&mut self, text: &str) -> Reaction {
        if self.stage == Stage::Live {
            return Reaction::None;
        }
        // Socket.IO 2 connects by itself and says so without data, before it can have read our packet.
        if !text.ends_with('}') {
            return Reaction::End(Failure::engine_io_3("it connected the namespace without being asked"));
        }
        self.stage = Stage::Live;
        Reaction::Connected
    }

    fn on_refused(&self, text: &str) -> Reaction {
        #[derive(Default, Deserialize)]
        struct Refusal {
            #[serde(default)]
            message: String,
        }
        let json = text.find('{').and_then(|at| text.get(at..)).unwrap_or_default();
        let message = serde_json::from_str::<Refusal>(json).unwrap_or_default().message;
        let said = if message.is_empty() { cut(json) } else { cut(&message) };
        let next_step = if said.contains("namespace") {
            "Check the path of the address: it names the namespace"
        } else {
            "The server wants something of its clients that the public feed does not: check the address"
        };
        let reason = format!("the server refused the namespace {}: {said}", self.namespace);
        Reaction::End(Failure::new("connect_refused", reason, next_step))
    }

    /// Whether a connect, disconnect or error packet is about the namespace that was asked for.
    fn is_ours(&self, text: &str) -> bool {
        let rest = text.get(2..).unwrap_or_default();
        let named = if rest.starts_with('/') { rest.split([',', '?']).next().unwrap_or("/") } else { "/" };
        named == self.namespace
    }

    fn packet(&self, kind: &str, data: &str) -> String {
        match self.namespace.as_str() {
            "/" => format!("{kind}{data}"),
            namespace => format!("{kind}{namespace},{data}"),
        }
    }
}

/// The empty ack of an event that asks for one. A server may wait for it, or count those who do not answer as
/// gone. `rest` is the message behind `42`.
fn acknowledge(rest: &[u8]) -> Option<String> {
    // `[` follows at once in all but a few messages: they are not searched.
    if rest.first() == Some(&b'[') {
        return None;
    }
    let namespace = match rest.first() {
        Some(b'/') => rest.iter().position(|byte| *byte == b',')? + 1,
        _ => 0,
    };
    let (namespace, rest) = rest.split_at_checked(namespace)?;
    let digits = rest.iter().take_while(|byte| byte.is_ascii_digit()).count();
    let (id, rest) = rest.split_at_checked(digits)?;
    if id.is_empty() || id.len() > 19 || rest.first() != Some(&b'[') {
        return None;
    }
    Some(format!("43{}{}[]", std::str::from_utf8(namespace).ok()?, std::str::from_utf8(id).ok()?))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::panic, clippy::indexing_slicing)]
    use super::*;

    const OPEN: &str = r#"0{"sid":"abc","upgrades":[],"pingInterval":300,"pingTimeout":200,"maxPayload":1000000}"#;

    fn live(namespace: &str) -> EngineIo {
        let mut engine = EngineIo::new(namespace);
        engine.on_text(OPEN);
        let named = if namespace == "/" { String::new() } else { format!("{namespace},") };
        assert_eq!(engine.on_text(&format!("40{named}{{\"sid\":\"x\"}}")), Reaction::Connected);
        engine
    }

    fn end(reaction: Reaction) -> Failure {
        match reaction {
            Reaction::End(failure) => failure,
            other => panic!("{other:?} is no end"),
        }
    }

    #[test]
    fn the_open_packet_gives_the_intervals_and_is_answered_with_connect() {
        let mut engine = EngineIo::new("/");
        assert_eq!(engine.longest_silence(), None);
        assert_eq!(engine.on_text(OPEN), Reaction::Send("40".into()));
        assert_eq!(engine.longest_silence(), Some(Duration::from_millis(500)));
        assert_eq!(engine.open().sid.as_deref(), Some("abc"));
        assert!(!engine.is_live());
    }

    #[test]
    fn a_ping_is_answered_before_and_after_the_namespace_is_connected() {
        let mut engine = EngineIo::new("/");
        engine.on_text(OPEN);
        assert_eq!(engine.on_text("2"), Reaction::Send("3".into()));
        assert_eq!(live("/").on_text("2"), Reaction::Send("3".into()));
    }

    #[test]
    fn events_are_left_alone_and_those_that_ask_for_an_ack_get_an_empty_one() {
        let mut engine = live("/");
        assert_eq!(engine.on_text(r#"42["gameStateUpdate",{"x":[1,2]}]"#), Reaction::None);
        assert_eq!(engine.on_text(r#"4217["question",{}]"#), Reaction::Send("4317[]".into()));
        assert_eq!(engine.on_text(r#"42/admin,5["q"]"#), Reaction::Send("43/admin,5[]".into()));
        assert_eq!(engine.on_text(r#"42/admin,["q"]"#), Reaction::None);
        assert_eq!(engine.on_text("4212"), Reaction::None);
        assert_eq!(engine.on_text("42"), Reaction::None);
        assert_eq!(engine.on_text(r#"430[{"success":true}]"#), Reaction::None);
    }

    #[test]
    fn a_giant_event_that_asks_for_an_ack_gets_one_by_its_beginning() {
        let giant = [br#"4217["big",""#.as_slice(), &vec![b'x'; 100_000]].concat();
        assert_eq!(live("/").on_beginning(&giant).as_deref(), Some("4317[]"));
        assert_eq!(live("/").on_beginning(&giant[4..]), None);
        assert_eq!(EngineIo::new("/").on_beginning(&giant), None, "not connected yet");
    }

    #[test]
    fn another_namespace_is_asked_for_and_only_its_packets_count() {
        let mut engine = EngineIo::new("/admin");
        assert_eq!(engine.on_text(OPEN), Reaction::Send("40/admin,".into()));
        assert_eq!(engine.on_text(r#"40{"sid":"y"}"#), Reaction::None);
        assert_eq!(engine.on_text(r#"40/admin,{"sid":"y"}"#), Reaction::Connected);
        assert_eq!(engine.on_text("41"), Reaction::None);
        assert_eq!(end(engine.on_text("41/admin,")).kind, "disconnected");
        assert_eq!(engine.close(), "41/admin,");
    }

    #[test]
    fn a_server_that_closes_or_refuses_is_quoted() {
        assert_eq!(end(live("/").on_text("1")).kind, "closed");
        assert_eq!(end(live("/").on_text("41")).kind, "disconnected");
        let mut engine = EngineIo::new("/");
        engine.on_text(OPEN);
        let refused = end(engine.on_text(r#"44{"message":"Invalid namespace"}"#));
        assert_eq!(refused.kind, "connect_refused");
        assert!(refused.reason.contains("Invalid namespace") && refused.next_step.contains("path"));
    }

    #[test]
    fn a_server_of_the_older_protocol_is_known_by_its_unasked_connect() {
        let mut engine = EngineIo::new("/");
        engine.on_text(r#"0{"sid":"abc","upgrades":[],"pingInterval":25000,"pingTimeout":5000}"#);
        assert_eq!(end(engine.on_text("40")).kind, "engine_io_3");
    }

    #[test]
    fn a_first_message_that_opens_nothing_ends_the_connection() {
        for text in ["hello", "0", "0{}", "0{\"sid\":1}", "42[\"x\"]", "", "{\"type\":\"welcome\"}"] {
            assert_eq!(end(EngineIo::new("/").on_text(text)).kind, "not_engine_io", "{text}");
        }
    }

    #[test]
    fn no_interval_keeps_a_dead_connection_for_ever() {
        let mut engine = EngineIo::new("/");
        engine.on_text(r#"0{"sid":"a","pingInterval":18446744073709551615,"pingTimeout":18446744073709551615}"#);
        assert_eq!(engine.longest_silence(), Some(Duration::from_secs(300)));
    }
}
