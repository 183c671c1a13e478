//! One stored row as the fold reads it, and the address that every value keeps of the frame it came from.

use std::fmt;
use std::ops::Deref;
use std::sync::Arc;

use serde::{Serialize, Serializer};

use crate::protocol::line::LineFormat;
use crate::store::record::Source;

/// One `ws_event` row, borrowed from wherever it is stored.
#[derive(Debug, Clone, Copy)]
pub struct Event<'a> {
    /// The session that recorded it.
    pub session_id: &'a str,
    /// Its number in the session, from 1.
    pub seq: u64,
    /// When it happened, microseconds UTC; `None` where no one knows.
    pub ts: Option<i64>,
    /// `cdp`, `public_ws`, `replay`, `ui` or `import`.
    pub source: &'a str,
    /// `received` or `sent`; `None` where an older recorder did not say, which is read as received.
    pub direction: Option<&'a str>,
    /// The socket, where several are recorded at once.
    pub socket_id: Option<&'a str>,
    /// The event's name where `text` does not carry it (imported bare payloads).
    pub event_name: Option<&'a str>,
    /// How `text` is to be read.
    pub format: LineFormat,
    /// The frame or imported line, byte for byte.
    pub text: &'a str,
}

impl<'a> Event<'a> {
    /// A received frame as it came over a socket; set the other fields with `..`.
    pub fn wire(session_id: &'a str, seq: u64, ts: i64, source: Source, text: &'a str) -> Event<'a> {
        Event {
            session_id,
            seq,
            ts: Some(ts),
            source: source.as_str(),
            direction: Some("received"),
            socket_id: None,
            event_name: None,
            format: LineFormat::Wire,
            text,
        }
    }

    /// Whether the browser sent it.
    pub fn is_sent(&self) -> bool {
        self.direction == Some("sent")
    }
}

/// One `system_event` row.
#[derive(Debug, Clone, Copy)]
pub struct SystemEvent<'a> {
    /// The session that recorded it.
    pub session_id: &'a str,
    /// Its number in the session.
    pub seq: u64,
    /// When it happened, microseconds UTC.
    pub ts: Option<i64>,
    /// The source it is about.
    pub source: &'a str,
    /// What happened, as a word.
    pub event_type: &'a str,
}

/// Where a value comes from: the frame that said it last.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct At {
    /// When the frame passed the recorder, microseconds UTC.
    pub ts: Option<i64>,
    /// The session that recorded it.
    pub session: Arc<str>,
    /// The frame's number in the session.
    pub seq: u64,
    /// Who recorded it; `None` for a word that this build does not know.
    pub source: Option<Source>,
}

impl At {
    /// The event ref, `session:seq`.
    pub fn event_ref(&self) -> String {
        format!("{}:{}", self.session, self.seq)
    }

    /// Whether it came over a live connection, as opposed to a replay or an import.
    pub fn is_live(&self) -> bool {
        matches!(self.source, Some(Source::Cdp | Source::PublicWs))
    }
}

/// The source with this name.
pub fn source_named(name: &str) -> Option<Source> {
    [Source::Cdp, Source::PublicWs, Source::Replay, Source::Ui, Source::Import]
        .into_iter()
        .find(|source| source.as_str() == name)
}

/// The id of a round, shared.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct GameId(Arc<str>);

impl Deref for GameId {
    type Target = str;

    fn deref(&self) -> &str {
        &self.0
    }
}

impl AsRef<str> for GameId {
    fn as_ref(&self) -> &str {
        &self.0
    }
}

impl From<&str> for GameId {
    fn from(id: &str) -> GameId {
        GameId(id.into())
    }
}

impl fmt::Display for GameId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl Serialize for GameId {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&self.0)
    }
}
