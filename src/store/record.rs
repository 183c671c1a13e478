//! One thing that happened, before it becomes rows: a frame with its envelope.

use replayer_protocol::line::LineFormat;

/// Where a record comes from; the `source` column.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[repr(u8)]
pub enum Source {
    /// The logged-in browser, over the Chrome DevTools Protocol.
    Cdp = 0,
    /// The public feed.
    PublicWs = 1,
    /// An action taken in a replay.
    Replay = 2,
    /// A person, through one of our surfaces.
    Ui = 3,
    /// An older file.
    Import = 4,
}

const SOURCES: [Source; 5] = [Source::Cdp, Source::PublicWs, Source::Replay, Source::Ui, Source::Import];

impl Source {
    /// The name stored in the `source` column.
    pub fn as_str(self) -> &'static str {
        match self {
            Source::Cdp => "cdp",
            Source::PublicWs => "public_ws",
            Source::Replay => "replay",
            Source::Ui => "ui",
            Source::Import => "import",
        }
    }

    /// The source with this name.
    pub fn from_name(name: &str) -> Option<Source> {
        SOURCES.into_iter().find(|source| source.as_str() == name)
    }

    /// The source with this number (as the journal writes it).
    pub fn from_u8(n: u8) -> Option<Source> {
        SOURCES.get(usize::from(n)).copied()
    }
}

/// Which way a frame went; the `direction` column.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[repr(u8)]
pub enum Direction {
    /// From the server.
    Received = 1,
    /// To the server.
    Sent = 2,
}

impl Direction {
    /// The name stored in the `direction` column.
    pub fn as_str(self) -> &'static str {
        match self {
            Direction::Received => "received",
            Direction::Sent => "sent",
        }
    }

    /// The direction with this name.
    pub fn from_name(name: &str) -> Option<Direction> {
        [Direction::Received, Direction::Sent].into_iter().find(|direction| direction.as_str() == name)
    }
}

/// A stored text with its envelope. All text is borrowed: from the socket's buffer when it is written, from
/// the segment when it is read.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Record<'a> {
    /// Number in the session, from 1. Whoever stores the record sets it.
    pub seq: u64,
    /// When it happened, microseconds UTC; `None` where no one knows.
    pub ts: Option<i64>,
    /// Where it comes from.
    pub source: Source,
    /// Which way it went; `None` for what is no frame.
    pub direction: Option<Direction>,
    /// How `text` is to be read.
    pub format: LineFormat,
    /// The event's name where `text` does not carry it; the type of a system event.
    pub hint: Option<&'a str>,
    /// The socket, where several are recorded at once.
    pub socket_id: Option<&'a str>,
    /// Where the text begins in the file it was imported from, bytes.
    pub offset: Option<u64>,
    /// The source's own clock, seconds (Chrome's monotonic time).
    pub source_clock: Option<f64>,
    /// The frame, or the imported line, byte for byte.
    pub text: &'a str,
}

impl<'a> Record<'a> {
    /// A frame as it came over a socket.
    pub fn frame(ts: i64, source: Source, direction: Direction, text: &'a str) -> Record<'a> {
        Record {
            seq: 0,
            ts: Some(ts),
            source,
            direction: Some(direction),
            format: LineFormat::Wire,
            hint: None,
            socket_id: None,
            offset: None,
            source_clock: None,
            text,
        }
    }

    /// Something the recorder has to say itself; `details` is a JSON object.
    pub fn system(ts: i64, source: Source, event_type: &'a str, details: &'a str) -> Record<'a> {
        Record {
            direction: None,
            format: LineFormat::System,
            hint: Some(event_type),
            ..Record::frame(ts, source, Direction::Received, details)
        }
    }
}

/// Now, microseconds UTC.
pub fn now_us() -> i64 {
    jiff::Timestamp::now().as_microsecond()
}

/// A time as answers print it: RFC 3339, UTC, every microsecond, as SQL prints it too. A time that is cut lies before its
/// event, and whoever asks with it gets the event before. `None` outside of the years that can be written.
pub fn time_text(us: i64) -> Option<String> {
    jiff::Timestamp::from_microsecond(us).ok().map(|time| time.strftime("%Y-%m-%dT%H:%M:%S.%6fZ").to_string())
}
