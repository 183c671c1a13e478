//! Listens to one browser until it is gone or the capture stops.

use std::time::Duration;

use futures::FutureExt;
use serde_json::json;
use tokio::time::{Instant, MissedTickBehavior, interval, timeout};
use tokio_util::sync::CancellationToken;

use super::link::{self, Link};
use super::sockets::{Heard, Out, Sockets};
use super::targets::{Step, Targets};
use super::wire::{BrowserMessage, Payload};
use super::{SOURCE, events};
use crate::capture::clock::{Moment, monotonic_us};
use crate::capture::events::FRAME_REFUSED;
use crate::capture::metrics::SourceState;
use crate::capture::sink::{Sink, SinkClosed};
use crate::store::record::{Direction, now_us};

/// A browser that says nothing for so long is asked whether it lives.
const QUIET: Duration = Duration::from_secs(15);
/// And is given up when it says nothing for so long.
const DEAD: Duration = Duration::from_secs(45);
/// How long the goodbye may take.
const FAREWELL: Duration = Duration::from_millis(500);

/// Why listening ended.
#[derive(Debug)]
pub enum End {
    /// It was stopped, or nothing is stored any more.
    Stopped,
    /// The browser is gone.
    Lost(String),
}

/// One connection to one browser.
pub struct Watch<'s> {
    sink: &'s Sink,
    link: Link,
    targets: Targets,
    /// Its sockets; what they leave is needed when it is over.
    pub sockets: Sockets,
    since_us: i64,
    told: Option<SourceState>,
    /// Sockets of ours that were open when the browser was lost.
    pub cut: usize,
}

impl<'s> Watch<'s> {
    /// Begins to listen.
    pub fn new(sink: &'s Sink, mut link: Link, targets: Targets, sockets: Sockets) -> Watch<'s> {
        link.discover();
        Watch { sink, link, targets, sockets, since_us: now_us(), told: None, cut: 0 }
    }

    /// Listens. Whatever is heard is handed to the sink in order; while the sink waits, nothing more is read.
    pub async fn run(&mut self, stop: &CancellationToken) -> End {
        let mut second = interval(Duration::from_secs(1));
        second.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let mut heard_at = Instant::now();
        let mut asked = false;
        loop {
            if stop.is_cancelled() {
                return self.close("the capture of the browser was stopped").await;
            }
            self.tell_state();
            // What was there already says nothing about when it arrived.
            let at_once = self.link.next().now_or_never();
            let prompt = at_once.is_none();
            let next = match at_once {
                Some(next) => Some(next),
                None => tokio::select! {
                    biased;
                    () = stop.cancelled() => continue,
                    next = self.link.next() => Some(next),
                    _ = second.tick() => None,
                },
            };
            match next {
                Some(Ok(heard)) => {
                    (heard_at, asked) = (Instant::now(), false);
                    self.heard(heard, prompt);
                }
                Some(Err(reason)) => {
                    return self.lost(reason).await;
                }
                None => {
                    self.sockets.sweep(monotonic_us());
                    if heard_at.elapsed() > DEAD {
                        let silent = DEAD.as_secs();
                        return self.lost(format!("the browser said nothing for {silent} seconds")).await;
                    }
                    if heard_at.elapsed() > QUIET && !asked {
                        self.link.ping();
                        asked = true;
                    }
                }
            }
            if self.store().await.is_err() {
                return End::Stopped;
            }
        }
    }

    async fn lost(&mut self, reason: String) -> End {
        self.cut = self.sockets.ours();
        self.sockets.all_ended(&reason, monotonic_us());
        if self.store().await.is_err() { End::Stopped } else { End::Lost(reason) }
    }

    /// Leaves every session as it was found. Whatever fails, it is over afterwards.
    async fn close(&mut self, reason: &str) -> End {
        for session in self.targets.sessions() {
            self.link.unlisten(&session);
        }
        let goodbye = async {
            while self.link.unanswered() > 0 {
                match self.link.next().await {
                    // The last frames are recorded as well.
                    Ok(heard) => self.heard(heard, false),
                    Err(_) => break,
                }
            }
        };
        let _ = timeout(FAREWELL, goodbye).await;
        self.sockets.all_ended(reason, monotonic_us());
        let _ = self.store().await;
        End::Stopped
    }

    async fn store(&mut self) -> Result<(), SinkClosed> {
        for out in self.sockets.take() {
            match out {
                Out::Frame(frame) => self.sink.frame(frame).await?,
                Out::System(kind, details) => self.sink.system(SOURCE, kind, details).await?,
                Out::AsBytes { socket_id, direction, message } => {
                    self.sink.as_bytes(SOURCE, direction, Some(&socket_id), message).await?;
                }
            }
        }
        Ok(())
    }

    fn heard(&mut self, heard: link::Heard, prompt: bool) {
        match heard {
            link::Heard::Event(event) => {
                let (session, told) = event.read();
                self.told(session, told, prompt);
            }
            link::Heard::NotAttached(target) => self.targets.refused(&target),
            link::Heard::Listening(session) => self.targets.listening(&session),
            link::Heard::Answer => {}
            link::Heard::Unreadable { bytes, frame } => {
                if frame {
                    self.sink.dropped(SOURCE);
                    self.sockets.note(FRAME_REFUSED, json!({ "bytes": bytes, "reason": "unreadable" }));
                }
            }
        }
    }

    fn told(&mut self, session: Option<String>, told: BrowserMessage, prompt: bool) {
        let step = match told {
            BrowserMessage::Created(info) | BrowserMessage::Changed(info) => self.targets.seen(info),
            BrowserMessage::Destroyed(target) => {
                self.targets.gone(&target);
                None
            }
            BrowserMessage::Crashed { target, status } => Some(self.targets.crashed(&target, status)),
            BrowserMessage::Attached { session: new, info } => Some(self.targets.attached(new, session, info)),
            BrowserMessage::Detached(session) => self.targets.detached(&session),
            told => {
                // Sessions that were left say a last word.
                if let Some(session) = session.filter(|session| self.targets.knows(session)) {
                    self.network(&session, told, prompt);
                }
                None
            }
        };
        if let Some(step) = step {
            self.step(step);
        }
    }

    fn step(&mut self, step: Step) {
        match step {
            Step::Attach { target } => self.link.attach(target),
            Step::Detach { session, parent } => self.link.detach(session, parent.as_deref()),
            Step::Listen { session } => self.link.listen(&session),
            Step::Ended { session, why } => self.sockets.session_ended(&session, why, monotonic_us()),
            Step::Crashed { session, page, status } => {
                self.sockets.note(events::TARGET_CRASHED, json!({ "page": page, "status": status }));
                if let Some(session) = session {
                    self.sockets.session_ended(&session, "its tab crashed", monotonic_us());
                }
            }
        }
    }

    fn network(&mut self, session: &str, told: BrowserMessage, prompt: bool) {
        let now = Moment::now();
        let at_us = now.monotonic_us;
        match told {
            BrowserMessage::FrameReceived(payload) => {
                self.frame(session, payload, Direction::Received, prompt, now)
            }
            BrowserMessage::FrameSent(payload) => self.frame(session, payload, Direction::Sent, prompt, now),
            BrowserMessage::SocketCreated { request_id, url } => {
                self.sockets.created(self.targets.place(session), &request_id, &url, at_us);
            }
            BrowserMessage::Clocks { monotonic, wall } => self.sockets.clock_pair(monotonic, wall),
            BrowserMessage::SocketAnswered { request_id, status } => self.sockets.answered(&request_id, status),
            BrowserMessage::SocketError { request_id, error } => self.sockets.failed(&request_id, &error),
            BrowserMessage::SocketClosed(request_id) => self.sockets.closed(&request_id, at_us),
            BrowserMessage::Document { frame } if self.targets.is_main_frame(session, &frame) => {
                self.sockets.left(session, at_us);
            }
            _ => {}
        }
    }

    fn frame(&mut self, session: &str, payload: Payload, direction: Direction, prompt: bool, now: Moment) {
        let Payload { request_id, seconds, opcode, text } = payload;
        let Moment { wall_us: now_us, monotonic_us: at_us } = now;
        let heard = Heard { request_id, seconds, direction, opcode, payload: text, now_us, at_us, prompt };
        let targets = &self.targets;
        self.sockets.heard(heard, || targets.place(session));
    }

    /// Tells the status when it changed.
    fn tell_state(&mut self) {
        let (pages, at_home) = self.targets.pages();
        let ours = self.sockets.ours();
        let note = match (at_home, ours) {
            (0, 0) => format!("connected, waiting for a rugs.fun tab ({})", count(pages, "tab")),
            (_, 0) => "connected, the rugs.fun tab has no socket yet".to_owned(),
            _ => format!("{} in {}", count(ours, "socket"), count(pages, "tab")),
        };
        let note = match self.targets.nested() {
            0 => note,
            nested => format!("{note}, {} beside", count(nested, "worker or frame")),
        };
        let socket_id = self.sockets.only().map(str::to_owned);
        let state = SourceState::Connected { since_us: self.since_us, socket_id, note: Some(note) };
        if self.told.as_ref() != Some(&state) {
            self.sink.state(SOURCE, state.clone());
            self.told = Some(state);
        }
    }
}

fn count(number: usize, what: &str) -> String {
    match number {
        1 => format!("1 {what}"),
        _ => format!("{number} {}s", what.replace(" or ", "s or ")),
    }
}
