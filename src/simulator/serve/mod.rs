//! The simulated rugs.fun as a real Socket.IO server on loopback.
//!
//! Frames go out byte for byte as the generator, or a recording, has them: the transport is Engine.IO
//! (`engineioxide`), and the thin Socket.IO layer on top never writes a packet anew. One game clock serves all
//! connections. Faults of the network and of the server can be switched on, and every WebSocket message that
//! passes a connection can be logged, so that a test can say exactly what a recorder had to keep.
//!
//! Layout, from the wire inwards:
//!
//! * `wire`, `log` — WebSocket messages out of bytes, the log of them.
//! * `stream` — accepted connections, with a throttle that can stall, starve or cut them.
//! * `old_server` — what a server of Engine.IO 3 answers.
//! * `socket_io`, `connection` — packets of the two protocols, one sender task per connection.
//! * `faults`, `fault_injection` — which faults, when; what they do to the outgoing frames.
//! * `clock`, `recording`, `hub` — game time, stored frames, the one task that owns the game.

mod clock;
mod connection;
mod fault_injection;
mod faults;
mod hub;
mod log;
mod old_server;
mod recording;
mod running;
mod socket_io;
mod stream;
mod wire;

use std::net::{Ipv4Addr, SocketAddr};
use std::path::PathBuf;
use std::time::Duration;

use super::session::Config;
pub use faults::{Fault, FaultError, FaultKind, Faults, Trigger};
pub use log::{LogDirection, LogEntry, Message, SentLog};
pub use recording::StoredFrame;
pub use running::{Running, ServerStatus, start, start_behind};
pub use stream::{Door, Wire};

/// The speeds that are played: game time per real time.
pub const SPEEDS: std::ops::RangeInclusive<f64> = 0.1..=1000.0;

/// What to serve, and how.
#[derive(Debug, Clone)]
pub struct ServerConfig {
    /// Where to listen. Port 0 takes a free one.
    pub addr: SocketAddr,
    /// Game time per real time, within [`SPEEDS`].
    pub speed: f64,
    /// What to play.
    pub play: Play,
    /// Start the clock with the first Socket.IO connection instead of at once, so that nothing is missed.
    pub hold: bool,
    /// What goes wrong.
    pub faults: Faults,
    /// What is logged of the connections.
    pub log: LogTo,
    /// Engine.IO heartbeat, in real time.
    pub ping_interval: Duration,
    /// How long a client may take to answer a heartbeat, in real time.
    pub ping_timeout: Duration,
}

/// What a server plays.
#[derive(Debug, Clone)]
pub enum Play {
    /// Generated games. `usize::MAX` of them never end.
    Games(Config),
    /// Stored frames, in this order, with their original spacing.
    Recording {
        /// What to send. Only Socket.IO packets are sent; heartbeats are the server's own.
        frames: Vec<StoredFrame>,
        /// From the beginning again after the last one.
        repeat: bool,
    },
}

/// What is logged of the WebSocket messages of all connections.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum LogTo {
    /// Nothing.
    Nowhere,
    /// The newest messages up to this many bytes of text, in memory.
    Memory(usize),
    /// SHA-256 digests instead of texts, in memory: for long runs. Grows by about 150 bytes per message.
    Digests,
    /// Everything, as JSON lines in this new file.
    File(PathBuf),
}

impl Default for ServerConfig {
    /// Endless games at real speed on a free port, from now on, with nothing wrong and the last 256 MiB logged.
    fn default() -> Self {
        let start_us = jiff::Timestamp::now().as_microsecond();
        Self {
            addr: SocketAddr::from((Ipv4Addr::LOCALHOST, 0)),
            speed: 1.0,
            play: Play::Games(Config { games: usize::MAX, start_us, ..Config::default() }),
            hold: false,
            faults: Faults::default(),
            log: LogTo::Memory(256 << 20),
            ping_interval: Duration::from_secs(25),
            ping_timeout: Duration::from_secs(20),
        }
    }
}

impl ServerConfig {
    /// `games` games of `seed` at `speed`, which begin with the first connection: what tests want.
    pub fn games(games: usize, seed: u64, speed: f64) -> Self {
        let config = Config { games, seed, ..Config::default() };
        Self { speed, hold: true, play: Play::Games(config), ..Self::default() }
    }

    /// `frames` at `speed`, once, from the first connection on.
    pub fn recording(frames: Vec<StoredFrame>, speed: f64) -> Self {
        Self { speed, hold: true, play: Play::Recording { frames, repeat: false }, ..Self::default() }
    }
}

#[cfg(test)]
mod tests;
