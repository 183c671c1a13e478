//! The public feed: a Socket.IO server over one Engine.IO v4 WebSocket, recorded byte for byte.
//!
//! Every text message in either direction goes to the sink as it is, the transport's own included; only then is
//! its beginning looked at. Whatever goes wrong ends one connection, is told, and is tried again, for ever.
//!
//! * [`address`] — from what a person writes to a URL. [`socket`] — an open WebSocket.
//! * [`engine_io`] — the protocol, without I/O. [`failure`] — what went wrong and what to do.
//! * [`backoff`] — when to try again. [`binary`] — messages that are no text.

pub mod address;
mod backoff;
mod binary;
mod engine_io;
mod failure;
mod socket;

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::time::Duration;

use futures::{SinkExt, StreamExt};
use serde_json::json;
use tokio::time::{Instant, sleep, sleep_until, timeout};
use tokio_tungstenite::tungstenite::Message;
use tokio_util::sync::CancellationToken;

use super::board::SourceState;
use super::events;
use super::sink::{Frame, Sink, SinkClosed};
use crate::store::record::{Direction, Source, now_us};
use address::Address;
use backoff::{Backoff, Bounds};
use engine_io::{EngineIo, Reaction};
use failure::Failure;
use socket::Socket;

const SOURCE: Source = Source::PublicWs;

/// How patient the client is.
#[derive(Debug, Clone, Copy)]
pub(super) struct Patience {
    /// For resolving, connecting, TLS and the upgrade together; and again for each of the protocol's two packets.
    handshake: Duration,
    /// The first wait after a failure.
    first_wait: Duration,
    /// The longest wait.
    longest_wait: Duration,
    /// A connection that lasted so long was a good one.
    stable: Duration,
    /// How long the goodbye may take.
    farewell: Duration,
}

impl Default for Patience {
    fn default() -> Patience {
        Patience {
            handshake: Duration::from_secs(10),
            first_wait: Duration::from_secs(1),
            longest_wait: Duration::from_secs(30),
            stable: Duration::from_secs(10),
            farewell: Duration::from_millis(500),
        }
    }
}

/// A time without capture that began before this connection.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Gap {
    /// Time of the last frame before it, microseconds UTC.
    pub(super) from_us: i64,
    pub(super) reason: String,
    pub(super) attempts: u32,
}

/// Captures the feed at `address` until stopped. `gap`: what an earlier process left uncaptured.
pub(super) async fn run(
    sink: Sink,
    address: String,
    gap: Option<Gap>,
    patience: Patience,
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
    let bounds = Bounds { first: patience.first_wait, longest: patience.longest_wait };
    let mut feed = Feed { sink, address, gap, patience, backoff: Backoff::new(bounds), told: None };
    // The sink closes when the capture ends; then there is nothing left to tell.
    let _ = feed.run(&stop).await;
}

struct Feed {
    sink: Sink,
    address: Address,
    gap: Option<Gap>,
    patience: Patience,
    backoff: Backoff,
    /// The kind of the failure that was written last: the same one again is not written again.
    told: Option<&'static str>,
}

/// How a connection went.
struct Over {
    why: Failure,
    /// When events could come, and the last moment at which the connection was heard of.
    lived: Option<(Instant, i64)>,
}

impl Feed {
    async fn run(&mut self, stop: &CancellationToken) -> Result<(), SinkClosed> {
        loop {
            self.sink.state(SOURCE, SourceState::Connecting { attempt: self.backoff.failures() + 1 });
            let opened = tokio::select! {
                biased;
                () = stop.cancelled() => break,
                opened = socket::open(&self.address, self.patience.handshake) => opened,
            };
            let socket_id: Arc<str> = next_socket_id().into();
            let over = match opened {
                Ok(socket) => {
                    let mut connection = Connection {
                        feed: self,
                        socket,
                        socket_id: socket_id.clone(),
                        lived: None,
                        heard_us: now_us(),
                    };
                    let Some(why) = connection.run(stop).await? else {
                        break;
                    };
                    let heard_us = connection.heard_us;
                    Over { why, lived: connection.lived.map(|since| (since, heard_us)) }
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
        if why.lost_message {
            self.sink.dropped(SOURCE);
        }
        tracing::warn!(url = %self.address.shown, kind = why.kind, reason = %why.reason, "public feed");
        if let Some((since, heard_us)) = lived {
            if since.elapsed() >= self.patience.stable {
                self.backoff.stable();
            }
            self.gap = Some(Gap { from_us: *heard_us, reason: why.reason.clone(), attempts: 0 });
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
        if self.told.replace(why.kind) == Some(why.kind) && !why.lost_message {
            return Ok(());
        }
        let details = json!({
            "url": self.address.shown, "kind": why.kind, "reason": why.reason, "next_step": why.next_step,
            "attempt": self.backoff.failures() + 1,
        });
        self.sink.system(SOURCE, events::CONNECTION_FAILED, details).await
    }

    async fn wait(&mut self, why: Failure, stop: &CancellationToken) {
        let mut wait = self.backoff.failed(backoff::jitter());
        if let Some(asked) = why.retry_after {
            wait = wait.max(asked);
        }
        let state = SourceState::Failed {
            reason: why.reason,
            next_step: why.next_step,
            attempt: self.backoff.failures(),
            next_try_us: Some(now_us() + wait.as_micros() as i64),
        };
        self.sink.state(SOURCE, state);
        tokio::select! {
            () = stop.cancelled() => {}
            () = sleep(wait) => {}
        }
    }
}

/// One open WebSocket.
struct Connection<'a> {
    feed: &'a mut Feed,
    socket: Socket,
    socket_id: Arc<str>,
    lived: Option<Instant>,
    /// When something was received last, microseconds UTC.
    heard_us: i64,
}

/// So many messages in a row, and the other tasks of the thread get their turn.
const TURN: u32 = 128;

impl Connection<'_> {
    /// Reads until the connection is of no more use, and says why; `None` when it was stopped.
    async fn run(&mut self, stop: &CancellationToken) -> Result<Option<Failure>, SinkClosed> {
        let mut engine = EngineIo::new(&self.feed.address.namespace);
        let mut deadline = Instant::now() + self.feed.patience.handshake;
        // One timer that is set again when it rings too early is cheaper than one per message.
        let alarm = sleep_until(deadline);
        let stopped = stop.cancelled();
        tokio::pin!(alarm, stopped);
        let mut in_turn = 0;
        loop {
            let message = tokio::select! {
                biased;
                () = &mut stopped => {
                    self.farewell(&engine).await?;
                    return Ok(None);
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
                Some(Ok(message)) => message,
                Some(Err(error)) => return Ok(Some(Failure::broken(&error))),
                None => return Ok(Some(Failure::closed(None))),
            };
            let awaited = engine.awaits();
            if let Some(why) = self.take(message, &mut engine).await? {
                return Ok(Some(why));
            }
            // After the sink: what came while it was full has waited in the socket, it was not silent. In the
            // handshake every packet has its own time, and chatter does not prolong it.
            if engine.is_live() || engine.awaits() != awaited {
                deadline = Instant::now() + self.patience(&engine);
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

    /// Stores a message and answers it.
    async fn take(&mut self, message: Message, engine: &mut EngineIo) -> Result<Option<Failure>, SinkClosed> {
        let ts = now_us();
        self.heard_us = ts;
        match message {
            Message::Text(text) => {
                // Stored before it is looked at.
                self.store(ts, Direction::Received, text.as_str()).await?;
                match engine.on_text(text.as_str()) {
                    Reaction::None => Ok(None),
                    Reaction::Send(answer) => self.send(answer).await,
                    Reaction::Connected => self.connected(engine).await.map(|()| None),
                    Reaction::End(why) => {
                        let _ = timeout(self.feed.patience.farewell, self.socket.close(None)).await;
                        Ok(Some(why))
                    }
                }
            }
            Message::Binary(bytes) => {
                let details = binary::details(&bytes, &self.socket_id);
                self.feed.sink.system(SOURCE, events::BINARY_MESSAGE, details).await?;
                Ok(None)
            }
            Message::Close(frame) => Ok(Some(Failure::closed(frame.as_ref()))),
            // The WebSocket's own ping is answered by the library.
            Message::Ping(_) | Message::Pong(_) | Message::Frame(_) => Ok(None),
        }
    }

    async fn store(&self, ts: i64, direction: Direction, text: &str) -> Result<(), SinkClosed> {
        let frame = Frame {
            ts,
            source: SOURCE,
            direction,
            socket_id: Some(self.socket_id.clone()),
            source_clock: None,
            text: text.to_owned(),
        };
        self.feed.sink.frame(frame).await
    }

    /// Sends a text and stores it as sent. A server that does not take it within the handshake's time is gone.
    async fn send(&mut self, text: String) -> Result<Option<Failure>, SinkClosed> {
        let sent = timeout(self.feed.patience.handshake, self.socket.send(Message::text(text.clone()))).await;
        match sent {
            Ok(Ok(())) => {
                self.store(now_us(), Direction::Sent, &text).await?;
                Ok(None)
            }
            Ok(Err(error)) => Ok(Some(Failure::broken(&error))),
            Err(_) => Ok(Some(Failure::timeout("silent", "the server does not take what is sent to it"))),
        }
    }

    /// The namespace is connected: tells it, and what was missed before.
    async fn connected(&mut self, engine: &EngineIo) -> Result<(), SinkClosed> {
        let feed = &mut *self.feed;
        let now = now_us();
        self.lived = Some(Instant::now());
        feed.told = None;
        feed.sink.state(
            SOURCE,
            SourceState::Connected { since_us: now, socket_id: Some(self.socket_id.to_string()), note: None },
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
        let details = json!({
            "from_us": gap.from_us, "to_us": now, "downtime_ms": (now - gap.from_us).max(0) / 1000,
            "attempts": gap.attempts + 1, "reason": gap.reason, "socket_id": &*self.socket_id,
        });
        feed.sink.system(SOURCE, events::GAP, details).await
    }

    /// How long the next message may take.
    fn patience(&self, engine: &EngineIo) -> Duration {
        match engine.longest_silence() {
            Some(silence) if engine.is_live() => silence,
            _ => self.feed.patience.handshake,
        }
    }

    fn silence(&self, engine: &EngineIo) -> Failure {
        let waited = self.patience(engine);
        if engine.is_live() {
            return Failure::silent(waited);
        }
        let what = engine.awaits();
        Failure::timeout("timeout", &format!("{what} did not come within {} s", waited.as_secs_f64()))
    }

    /// Says goodbye as a client does, and stores what still comes until the server has closed.
    async fn farewell(&mut self, engine: &EngineIo) -> Result<(), SinkClosed> {
        let until = Instant::now() + self.feed.patience.farewell;
        if engine.is_live() && self.send(engine.farewell()).await?.is_some() {
            return Ok(());
        }
        if !matches!(tokio::time::timeout_at(until, self.socket.close(None)).await, Ok(Ok(()))) {
            return Ok(());
        }
        while let Ok(Some(Ok(message))) = tokio::time::timeout_at(until, self.socket.next()).await {
            if let Message::Text(text) = message {
                self.store(now_us(), Direction::Received, text.as_str()).await?;
            }
        }
        Ok(())
    }
}

/// A name for the next socket, unique in the process and so in the session.
fn next_socket_id() -> String {
    static NEXT: AtomicU64 = AtomicU64::new(1);
    format!("feed-{}", NEXT.fetch_add(1, Relaxed))
}

#[cfg(test)]
mod tests;
