//! The connections: when each source was last heard, whether it is known to be lost, what could not be read.

use std::sync::Arc;

use super::Fold;
use crate::state::event::{At, GameId};
use crate::state::health::{self, Health, Liveness, Mode, Modes, Signs};
use crate::state::note::Note;
use crate::store::record::Source;

/// What is known of one source.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Connection {
    /// Its last frame, microseconds UTC.
    pub last_us: Option<i64>,
    /// It said that it lost its connection, and no frame came since.
    pub lost: bool,
    /// Frames.
    pub frames: u64,
}

/// The last tick on one connection; ticks of different connections overtake each other.
#[derive(Debug, Clone)]
struct Stream {
    session: Arc<str>,
    source: Option<Source>,
    socket_id: Option<Arc<str>>,
    game_id: GameId,
    tick: u32,
}

/// Connections whose last tick is remembered.
const MOST_STREAMS: usize = 8;

/// All connections.
#[derive(Debug, Clone, Default)]
pub struct Connections {
    cdp: Connection,
    public_ws: Connection,
    streams: Vec<Stream>,
    modes: Modes,
    /// The last 128 frames, a set bit for each that could not be read.
    unreadable: u128,
    frames: u64,
}

impl Connections {
    /// The live sources with what is known of them.
    pub fn live(&self) -> [(Source, &Connection); 2] {
        [(Source::Cdp, &self.cdp), (Source::PublicWs, &self.public_ws)]
    }

    /// Share of the last 128 frames that could not be read.
    pub fn error_rate(&self) -> f64 {
        match self.frames.min(128) {
            0 => 0.0,
            frames => f64::from(self.unreadable.count_ones()) / frames as f64,
        }
    }

    /// How much of the stream can be relied on.
    pub fn mode(&self) -> Mode {
        self.modes.mode()
    }

    /// The last frame of a live source that is not lost, else of one that is.
    fn heard(&self) -> (Option<i64>, bool) {
        let sources = [&self.cdp, &self.public_ws];
        let open = sources.iter().filter(|source| !source.lost).filter_map(|source| source.last_us).max();
        match open {
            Some(last) => (Some(last), false),
            None => (sources.iter().filter_map(|source| source.last_us).max(), true),
        }
    }

    /// Whether what is shown is what happens now.
    pub fn liveness(&self, now_us: i64) -> Liveness {
        let (last, lost) = self.heard();
        health::liveness(now_us, last, lost)
    }

    /// One word on the capture.
    pub fn health(&self, now_us: i64, latency_ms: Option<f64>) -> Health {
        let (last, lost) = self.heard();
        Health::of(&Signs {
            connected: !lost,
            silent_us: last.map(|last| now_us.saturating_sub(last)),
            latency_ms,
            error_rate: self.error_rate(),
        })
    }

    fn of(&mut self, source: Option<Source>) -> Option<&mut Connection> {
        match source {
            Some(Source::Cdp) => Some(&mut self.cdp),
            Some(Source::PublicWs) => Some(&mut self.public_ws),
            _ => None,
        }
    }

    /// The larger tick of the same game that this connection told before.
    pub(super) fn went_back(
        &mut self,
        at: &At,
        socket_id: Option<&str>,
        game_id: &GameId,
        now: u32,
    ) -> Option<u32> {
        let known = self.streams.iter_mut().find(|stream| {
            stream.source == at.source && stream.socket_id.as_deref() == socket_id && stream.session == at.session
        });
        if let Some(stream) = known {
            let back = (stream.game_id == *game_id && now < stream.tick).then_some(stream.tick);
            if stream.game_id != *game_id {
                stream.game_id = game_id.clone();
            }
            stream.tick = now;
            return back;
        }
        if self.streams.len() >= MOST_STREAMS {
            self.streams.remove(0);
        }
        self.streams.push(Stream {
            session: at.session.clone(),
            source: at.source,
            socket_id: socket_id.map(Arc::from),
            game_id: game_id.clone(),
            tick: now,
        });
        None
    }
}

impl Fold {
    /// A frame came, readable or not.
    pub(super) fn frame(&mut self, at: &At, unreadable: bool, notes: &mut Vec<Note>) {
        let connections = &mut self.connections;
        connections.frames += 1;
        connections.unreadable = connections.unreadable << 1 | u128::from(unreadable);
        let Some(ts) = at.ts else { return };
        let change = if unreadable { connections.modes.error(ts) } else { connections.modes.fine(ts) };
        let mut back = None;
        if let Some(connection) = connections.of(at.source) {
            connection.frames += 1;
            connection.last_us = connection.last_us.max(Some(ts));
            if std::mem::take(&mut connection.lost) {
                back = connections.modes.connected(ts);
            }
        }
        for (from, to) in change.into_iter().chain(back) {
            notes.push(Note::Mode { from, to });
        }
    }

    /// A Socket.IO connection began: what happened before it is unknown to its private events.
    pub(super) fn connected(&mut self, at: &At, notes: &mut Vec<Note>) {
        if at.source != Some(Source::PublicWs) {
            self.account.reconnected();
        }
        self.opened(at, notes);
    }

    /// A source is connected again.
    pub(super) fn opened(&mut self, at: &At, notes: &mut Vec<Note>) {
        let Some(connection) = self.connections.of(at.source) else { return };
        connection.lost = false;
        if let Some((from, to)) = at.ts.and_then(|ts| self.connections.modes.connected(ts)) {
            notes.push(Note::Mode { from, to });
        }
    }

    /// A source lost its connection. That is a hole only when no other source is heard.
    pub(super) fn lost(&mut self, at: &At, notes: &mut Vec<Note>) {
        if at.source == Some(Source::Cdp) {
            self.account.reconnected();
        }
        match self.connections.of(at.source) {
            Some(connection) => connection.lost = true,
            None => return,
        }
        let now = at.ts.unwrap_or(i64::MAX);
        if self.connections.liveness(now) == Liveness::Live {
            return;
        }
        if let Some((from, to)) = self.connections.modes.disconnected(now) {
            notes.push(Note::Mode { from, to });
        }
        let verdicts = [self.gaps.connection_lost(), self.abnormal.connection_lost()];
        self.verdicts(verdicts.into_iter().flatten(), notes);
    }
}
