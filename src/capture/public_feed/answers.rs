//! Answers that wait until what they answer is in the journal.

use std::collections::VecDeque;

use tokio_tungstenite::tungstenite::Bytes;

use crate::capture::sink::{Mark, SinkClosed};

/// Something that is sent because something was received.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Answer {
    /// A text of Engine.IO or Socket.IO: a pong, an ack, the request to connect.
    Text(String),
    /// The WebSocket's own pong.
    Pong(Bytes),
}

/// Answers in the order in which they were asked for. There are never more of them than the journal's queue holds: each
/// has its mark in there.
#[derive(Debug, Default)]
pub(super) struct Answers {
    waiting: VecDeque<(Mark, Answer)>,
}

impl Answers {
    pub(super) fn is_empty(&self) -> bool {
        self.waiting.is_empty()
    }

    /// Adds one that may leave behind its mark.
    pub(super) fn add(&mut self, mark: Mark, answer: Answer) {
        self.waiting.push_back((mark, answer));
    }

    /// The next one, as soon as it may leave. May be dropped at any time without losing anything. Never ready while there
    /// is none.
    ///
    /// # Errors
    /// When what it answers was not stored.
    pub(super) async fn next(&mut self) -> Result<Answer, SinkClosed> {
        let Some((mark, _)) = self.waiting.front_mut() else { return std::future::pending().await };
        mark.await?;
        match self.waiting.pop_front() {
            Some((_, answer)) => Ok(answer),
            None => std::future::pending().await,
        }
    }
}
