//! The public feed: a Socket.IO server over one Engine.IO v4 WebSocket, recorded byte for byte.
//!
//! Every text message in either direction goes to the sink as it is, the transport's own included; only then is
//! its beginning looked at. A message that is no text of the store's is kept as bytes, and the connection goes on.
//! Whatever goes wrong ends one connection, is told, and is tried again, for ever.
//!
//! An answer is a promise: a server may forget what it sent before a ping that was answered. So nothing is answered
//! before everything that came earlier is in the journal (`answers`).
//!
//! * [`address`] — from what a person writes to a URL. [`socket`], `upgrade` — an open WebSocket.
//! * `websocket` — its frames and messages. [`engine_io`] — the protocol, without I/O.
//! * [`failure`] — what went wrong and what to do. [`backoff`] — when to try again.

pub mod address;
mod answers;
mod backoff;
mod engine_io;
pub(super) mod failure;
pub(super) mod socket;
mod upgrade;
mod websocket;

use std::sync::Arc;
use std::time::Duration;

use serde_json::json;
use tokio::time::{Instant, sleep, sleep_until, timeout};
use tokio_util::sync::CancellationToken;

use super::as_bytes::{AsBytes, Why};
use super::clock::Moment;
use super::events;
use super::metrics::SourceState;
use super::sink::{Frame, Sink, SinkClosed};
use crate::store::record::{Direction, Source};
use address::Address;
use answers::{Answer, Answers};
use backoff::{Backoff, Bounds};
use engine_io::{EngineIo, Reaction};
use failure::Failure;
use socket::{Internet, Network, Socket};
use websocket::{Heard, Limits};

const SOURCE: Source = Source::PublicWs;

/// How patient the client is.
#[derive(Debug, Clone, Copy)]
pub(super) struct Timeouts {
    /// For resolving, connecting, TLS and the upgrade together; and again for each of the protocol's two packets.
    handshake: Duration,
    /// The first wait after a failure.
    first_wait: Duration,
    /// The longest wait.
    longest_wait: Duration,
    /// A connection that lasted so long was a good one.
    stable: Duration,
    /// How long the goodbye may take.
    close: Duration,
}

impl Default for Timeouts {
    fn default() -> Timeouts {
        Timeouts {
            handshake: Duration::from_secs(10),
            first_wait: Duration::from_secs(1),
            longest_wait: Duration::from_secs(30),
            stable: Duration::from_secs(10),
            close: Duration::from_millis(500),
        }
    }
}

/// A time without capture that began before this connection.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Gap {
    /// Time of the last frame before it, microseconds UTC.
    pub(super) from_us: i64,
    /// The same by this process's monotonic clock, microseconds; `None` when another process received that frame.
    pub(super) since_us: Option<i64>,
    pub(super) reason: String,
    pub(super) attempts: u32,
}

/// Captures the feed at `address` until stopped. `gap`: what an earlier process left uncaptured.
pub(super) async fn run(
    sink: Sink,
    address: String,
    gap: Option<Gap>,
    timeouts: Timeouts,
    stop: CancellationToken,
) {
    run_over(Internet, sink, address, gap, timeouts, stop).await;
}

/// The same over any network.
pub(super) async fn run_over(
    network: impl Network,
    sink: Sink,
    address: String,
    gap: Option<Gap>,
    timeouts: Timeouts,
    stop: CancellationToken,
) {
    let address = match Address::parse(&address) {
        Ok(address) => address,
        Err(error) => {
            let next_step =
                format!("Start the capture with another address, or without one: {}", address::DEFAULT_URL);
            let state = SourceState::Failed { reason: error.reason, next_step, attempt: 1, next_try_us: None };
            sink.state(SOURCE, state);
            return stop.cancelled().await;
        }
    };
    let bounds = Bounds { first: timeouts.first_wait, longest: timeouts.longest_wait };
    let mut feed = Feed { network, sink, address, gap, timeouts, backoff: Backoff::new(bounds), told: None };
    // The sink closes when the capture ends; then there is nothing left to tell.
    let _ = feed.run(&stop).await;
}

struct Feed<N> {
    network: N,
    sink: Sink,
    address: Address,
    gap: Option<Gap>,
    timeouts: Timeouts,
    backoff: Backoff,
    /// The kind of the failure that was written last: the same one again is not written again.
    told: Option<&'static str>,
}

/// How a connection went.
struct Over {
    why: Failure,
    /// When events could come, and the last moment at which the connection was heard of.
    lived: Option<(Instant, Moment)>,
}

impl<N: Network> Feed<N> {
    async fn run(&mut self, stop: &CancellationToken) -> Result<(), SinkClosed> {
        loop {
            self.sink.state(SOURCE, SourceState::Connecting { attempt: self.backoff.failures() + 1 });
            let opened = tokio::select! {
                biased;
                () = stop.cancelled() => break,
                opened = socket::open(&self.network, &self.address, self.timeouts.handshake, Limits::default()) => opened,
            };
            // Unique in the session.
            let socket_id: Arc<str> = format!("feed-{}", self.sink.next_connection()).into();
            let over = match opened {
                Ok(socket) => {
                    let heard = self.sink.now();
                    let mut connection = Connection {
                        feed: self,
                        socket,
                        socket_id: socket_id.clone(),
                        answers: Answers::default(),
                        lived: None,
                        heard,
                    };
                    let Some(why) = connection.run(stop).await? else {
                        break;
                    };
                    let heard = connection.heard;
                    Over { why, lived: connection.lived.map(|since| (since, heard)) }
                }
                Err(why) => Over { why, lived: None },
            };
            self.tell(&over, &socket_id).await?;
            self.wait(over.why, stop).await;
            if stop.is_cancelled() {
                break;
            }
        }
        self.sink.state(SOURCE, SourceState::Off);
        Ok(())
    }

    /// Writes down how a connection ended, or that there was none.
    async fn tell(&mut self, over: &Over, socket_id: &str) -> Result<(), SinkClosed> {
        let Over { why, lived } = over;
        tracing::warn!(url = %self.address.shown, kind = why.kind, reason = %why.reason, "public feed");
        if let Some((since, heard)) = lived {
            if since.elapsed() >= self.timeouts.stable {
                self.backoff.stable();
            }
            let (from_us, since_us) = (heard.wall_us, Some(heard.monotonic_us));
            self.gap = Some(Gap { from_us, since_us, reason: why.reason.clone(), attempts: 0 });
            self.told = None;
            let details = json!({
                "url": self.address.shown, "socket_id": socket_id, "kind": why.kind, "reason": why.reason,
                "connected_ms": since.elapsed().as_millis() as u64,
            });
            return self.sink.system(SOURCE, events::CONNECTION_LOST, details).await;
        }
        if let Some(gap) = &mut self.gap {
            gap.attempts += 1;
        }
        if self.told.replace(why.kind) == Some(why.kind) {
            return Ok(());
        }
        let details = json!({
            "url": self.address.shown, "kind": why.kind, "reason": why.reason, "next_step": why.next_step,
            "attempt": self.backoff.failures() + 1,
        });
        self.sink.system(SOURCE, events::CONNECTION_FAILED, details).await
    }

    async fn wait(&mut self, why: Failure, stop: &CancellationToken) {
        let mut wait = self.backoff.failed(self.network.jitter());
        if let Some(asked) = why.retry_after {
            wait = wait.max(asked);
        }
        let state = SourceState::Failed {
            reason: why.reason,
            next_step: why.next_step,
            attempt: self.backoff.failures(),
            next_try_us: Some(self.sink.now().wall_us + wait.as_micros() as i64),
        };
        self.sink.state(SOURCE, state);
        tokio::select! {
            () = stop.cancelled() => {}
            () = sleep(wait) => {}
        }
    }
}

/// One open WebSocket.
struct Connection<'a, N: Network> {
    feed: &'a mut Feed<N>,
    socket: Socket<N>,
    socket_id: Arc<str>,
    answers: Answers,
    lived: Option<Instant>,
    /// When something was received last.
    heard: Moment,
}

/// So many messages in a row, and the other tasks of the thread get their turn.
const TURN: u32 = 128;

impl<N: Network> Connection<'_, N> {
    /// Reads until the connection is of no more use, and says why; `None` when it was stopped.
    async fn run(&mut self, stop: &CancellationToken) -> Result<Option<Failure>, SinkClosed> {
        let mut engine = EngineIo::new(&self.feed.address.namespace);
        let mut deadline = Instant::now() + self.feed.timeouts.handshake;
        // One timer that is set again when it rings too early is cheaper than one per message.
        let alarm = sleep_until(deadline);
        let stopped = stop.cancelled();
        tokio::pin!(alarm, stopped);
        let mut in_turn = 0;
        loop {
            let message = tokio::select! {
                biased;
                () = &mut stopped => {
                    self.close(&engine).await?;
                    return Ok(None);
                }
                // The socket is read on while an answer waits for the journal. When the disk takes nothing the answer
                // does not leave, and the server may end the connection: that is right, nothing was assured to it.
                answer = self.answers.next(), if !self.answers.is_empty() => {
                    if let Some(why) = self.answer(answer?).await? {
                        return Ok(Some(why));
                    }
                    continue;
                }
                message = self.socket.next() => message,
                () = &mut alarm => {
                    if Instant::now() < deadline {
                        alarm.as_mut().reset(deadline);
                        continue;
                    }
                    return Ok(Some(self.silence(&engine)));
                }
            };
            let message = match message {
                Ok(message) => message,
                Err(error) => return Ok(Some(Failure::broken(&error))),
            };
            let awaited = engine.awaits();
            if let Some(why) = self.take(message, &mut engine).await? {
                return Ok(Some(why));
            }
            // After the sink: what came while it was full has waited in the socket, it was not silent. In the
            // handshake every packet has its own time, and chatter does not prolong it.
            if engine.is_live() || engine.awaits() != awaited {
                deadline = Instant::now() + self.read_timeout(&engine);
                if deadline < alarm.deadline() {
                    alarm.as_mut().reset(deadline);
                }
            }
            in_turn += 1;
            if in_turn == TURN {
                in_turn = 0;
                tokio::task::yield_now().await;
            }
        }
    }

    /// Stores a message, and has it answered as soon as it is in the journal.
    async fn take(&mut self, message: Heard, engine: &mut EngineIo) -> Result<Option<Failure>, SinkClosed> {
        self.heard = self.feed.sink.now();
        match message {
            Heard::Text(text) => {
                // What it asks for is nothing that the sink changes; the text itself is given away.
                let reaction = engine.on_text(&text);
                self.store(self.heard, Direction::Received, text).await?;
                match reaction {
                    Reaction::None => Ok(None),
                    Reaction::Send(answer) => self.promise(Answer::Text(answer)).await,
                    Reaction::Connected => self.connected(engine).await.map(|()| None),
                    Reaction::End(why) => {
                        let _ = timeout(self.feed.timeouts.close, self.socket.close()).await;
                        Ok(Some(why))
                    }
                }
            }
            Heard::AsBytes(message) => self.keep(message, engine).await,
            Heard::Ping(payload) => self.promise(Answer::Pong(payload)).await,
            Heard::Close(frame) => Ok(Some(Failure::closed(frame.as_ref()))),
            Heard::Pong => Ok(None),
        }
    }

    /// Keeps a message that cannot be a frame, and goes on.
    async fn keep(&mut self, message: AsBytes, engine: &EngineIo) -> Result<Option<Failure>, SinkClosed> {
        let why = message.why;
        if why != Why::Binary {
            tracing::warn!(
                bytes = message.length,
                reason = why.as_str(),
                "the server sent a message that is no text of the store's: it is kept as bytes"
            );
        }
        let ack = if why == Why::TooLong { engine.on_beginning(&message.bytes) } else { None };
        self.feed.sink.as_bytes(SOURCE, Direction::Received, Some(&self.socket_id), message).await?;
        match ack {
            Some(ack) => self.promise(Answer::Text(ack)).await,
            // Later ones may be readable; of these none is, and the handshake waits for one.
            None if why == Why::Extension && !engine.is_live() => Ok(Some(Failure::extension())),
            None => Ok(None),
        }
    }

    /// Has an answer sent as soon as everything that came until now is in the journal.
    async fn promise(&mut self, answer: Answer) -> Result<Option<Failure>, SinkClosed> {
        let mark = self.feed.sink.mark(SOURCE).await?;
        self.answers.add(mark, answer);
        Ok(None)
    }

    async fn answer(&mut self, answer: Answer) -> Result<Option<Failure>, SinkClosed> {
        match answer {
            Answer::Text(text) => self.send(text).await,
            Answer::Pong(payload) => {
                let sent = timeout(self.feed.timeouts.handshake, self.socket.pong(payload)).await;
                Ok(Failure::of_sending(sent))
            }
        }
    }

    async fn store(&self, at: Moment, direction: Direction, text: String) -> Result<(), SinkClosed> {
        let frame = Frame {
            ts: at.wall_us,
            at_us: at.monotonic_us,
            source: SOURCE,
            direction,
            socket_id: Some(self.socket_id.clone()),
            source_clock: None,
            text,
        };
        self.feed.sink.frame(frame).await
    }

    /// Sends a text and stores it as sent. A server that does not take it within the handshake's time is gone.
    async fn send(&mut self, text: String) -> Result<Option<Failure>, SinkClosed> {
        let sent = timeout(self.feed.timeouts.handshake, self.socket.send(&text)).await;
        let failure = Failure::of_sending(sent);
        if failure.is_none() {
            self.store(self.feed.sink.now(), Direction::Sent, text).await?;
        }
        Ok(failure)
    }

    /// The namespace is connected: tells it, and what was missed before.
    async fn connected(&mut self, engine: &EngineIo) -> Result<(), SinkClosed> {
        let feed = &mut *self.feed;
        let now = feed.sink.now();
        self.lived = Some(Instant::now());
        feed.told = None;
        feed.sink.state(
            SOURCE,
            SourceState::Connected {
                since_us: now.wall_us,
                socket_id: Some(self.socket_id.to_string()),
                note: None,
            },
        );
        let open = engine.open();
        let details = json!({
            "url": feed.address.shown, "socket_id": &*self.socket_id, "attempt": feed.backoff.failures() + 1,
            "sid": open.sid, "ping_interval_ms": open.ping_interval, "ping_timeout_ms": open.ping_timeout,
        });
        feed.sink.system(SOURCE, events::CONNECTED, details).await?;
        let Some(gap) = feed.gap.take() else {
            return Ok(());
        };
        // Between two processes there is no other clock than the wall's.
        let downtime_us = gap.since_us.map_or(now.wall_us - gap.from_us, |since_us| now.monotonic_us - since_us);
        let details = json!({
            "from_us": gap.from_us, "to_us": now.wall_us, "downtime_ms": downtime_us.max(0) / 1000,
            "attempts": gap.attempts + 1, "reason": gap.reason, "socket_id": &*self.socket_id,
        });
        feed.sink.system(SOURCE, events::GAP, details).await
    }

    /// How long the next message may take.
    fn read_timeout(&self, engine: &EngineIo) -> Duration {
        match engine.longest_silence() {
            Some(silence) if engine.is_live() => silence,
            _ => self.feed.timeouts.handshake,
        }
    }

    fn silence(&self, engine: &EngineIo) -> Failure {
        let waited = self.read_timeout(engine);
        if engine.is_live() {
            return Failure::silent(waited);
        }
        let what = engine.awaits();
        Failure::timeout("timeout", &format!("{what} did not come within {} s", waited.as_secs_f64()))
    }

    /// Says goodbye as a client does, and stores what still comes until the server has closed. Pings are not answered
    /// any more: the goodbye says enough.
    async fn close(&mut self, engine: &EngineIo) -> Result<(), SinkClosed> {
        let until = Instant::now() + self.feed.timeouts.close;
        if engine.is_live() && self.send(engine.close()).await?.is_some() {
            return Ok(());
        }
        if !matches!(tokio::time::timeout_at(until, self.socket.close()).await, Ok(Ok(()))) {
            return Ok(());
        }
        while let Ok(Ok(message)) = tokio::time::timeout_at(until, self.socket.next()).await {
            match message {
                Heard::Text(text) => self.store(self.feed.sink.now(), Direction::Received, text).await?,
                Heard::AsBytes(message) => {
                    let socket_id = Some(&*self.socket_id);
                    self.feed.sink.as_bytes(SOURCE, Direction::Received, socket_id, message).await?;
                }
                Heard::Ping(_) | Heard::Pong => {}
                Heard::Close(_) => break,
            }
        }
        Ok(())
    }
}

/// Has the protocol read any texts, one a line; for `fuzz/`.
#[cfg(fuzzing)]
pub fn read_packets(namespace: &str, texts: &str) {
    let mut engine = EngineIo::new(namespace);
    for text in texts.lines() {
        let _ = engine.on_text(text);
        let _ = (engine.is_live(), engine.awaits(), engine.longest_silence(), engine.close());
    }
}

#[cfg(test)]
mod tests;
