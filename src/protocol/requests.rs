//! Which order an ack belongs to.
//!
//! An ack carries an id and no name (`4329[{"success":true}]`), so an order and its ack can only be told
//! together. The tracker is the one piece of state the projection of rows needs; the journal writes it into
//! the head of every segment, so that a reader who starts there knows the same open orders.

use serde::{Deserialize, Serialize};

/// An order that the browser sent and the server has not answered yet.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct OpenOrder {
    /// The socket it was sent on; ack ids count per connection.
    pub socket_id: Option<String>,
    /// The id its ack will carry.
    pub ack_id: u64,
    /// `BUY`, `SELL`, `PARTIAL_SELL` or `SIDEBET`.
    pub action_type: String,
    /// When it was sent, microseconds UTC.
    pub sent_us: Option<i64>,
    /// SOL.
    pub amount: Option<f64>,
    /// Share of the position, percent.
    pub percentage: Option<f64>,
    /// Its trace id, which the broadcast it causes carries too.
    pub trace_id: Option<String>,
    /// The game that the page showed when it was sent: an order does not say which it is for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub shown: Option<Shown>,
}

/// What the last `gameStateUpdate` showed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Shown {
    /// The round; before its first tick, the one that is about to begin.
    pub game_id: String,
    /// Its tick while it runs; `None` before and after.
    pub tick: Option<u32>,
}

/// The open orders of one session, oldest first, and the game that is shown.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct RequestTracker {
    open: Vec<OpenOrder>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    now: Option<Shown>,
}

/// An order whose ack never comes must not be kept for ever.
const MOST_OPEN: usize = 64;

impl RequestTracker {
    /// Remembers an order; the oldest is forgotten beyond 64 open ones.
    pub fn sent(&mut self, order: OpenOrder) {
        self.open.retain(|open| !(open.ack_id == order.ack_id && open.socket_id == order.socket_id));
        if self.open.len() >= MOST_OPEN {
            self.open.remove(0);
        }
        self.open.push(order);
    }

    /// The order that this ack answers, which is then no longer open.
    pub fn answered(&mut self, socket_id: Option<&str>, ack_id: u64) -> Option<OpenOrder> {
        let at =
            self.open.iter().position(|open| open.ack_id == ack_id && open.socket_id.as_deref() == socket_id)?;
        Some(self.open.remove(at))
    }

    /// Remembers the game that is shown now.
    pub fn shown(&mut self, game_id: &str, tick: Option<u32>) {
        match &mut self.now {
            Some(now) if now.game_id == game_id => now.tick = tick,
            now => *now = Some(Shown { game_id: game_id.to_owned(), tick }),
        }
    }

    /// The game that was shown last.
    pub fn now(&self) -> Option<&Shown> {
        self.now.as_ref()
    }

    /// The orders still open.
    pub fn open(&self) -> &[OpenOrder] {
        &self.open
    }
}

/// The kind of order an event name stands for; `None` for events that are no orders.
///
/// `percentage` tells a partial from a full sell.
pub fn action_type(event_name: &str, percentage: Option<f64>) -> Option<&'static str> {
    match event_name {
        "buyOrder" => Some("BUY"),
        "sellOrder" if percentage.is_some_and(|share| share < 100.0) => Some("PARTIAL_SELL"),
        "sellOrder" => Some("SELL"),
        "requestSidebet" | "sidebet" => Some("SIDEBET"),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    fn order(socket: &str, ack_id: u64) -> OpenOrder {
        OpenOrder {
            socket_id: Some(socket.into()),
            ack_id,
            action_type: "BUY".into(),
            sent_us: Some(1),
            amount: Some(0.01),
            percentage: None,
            trace_id: None,
            shown: None,
        }
    }

    #[test]
    fn an_ack_finds_its_order_by_socket_and_id() {
        let mut tracker = RequestTracker::default();
        tracker.sent(order("a", 1));
        tracker.sent(order("b", 1));
        assert_eq!(tracker.answered(Some("b"), 1).unwrap().socket_id.as_deref(), Some("b"));
        assert!(tracker.answered(Some("b"), 1).is_none());
        assert_eq!(tracker.open().len(), 1);
    }

    #[test]
    fn unanswered_orders_do_not_pile_up() {
        let mut tracker = RequestTracker::default();
        (0..1000).for_each(|id| tracker.sent(order("a", id)));
        assert_eq!(tracker.open().len(), MOST_OPEN);
        assert!(tracker.answered(Some("a"), 999).is_some());
    }

    #[test]
    fn a_sell_below_the_whole_position_is_partial() {
        assert_eq!(action_type("sellOrder", Some(25.0)), Some("PARTIAL_SELL"));
        assert_eq!(action_type("sellOrder", Some(100.0)), Some("SELL"));
        assert_eq!(action_type("sellOrder", None), Some("SELL"));
        assert_eq!(action_type("ping", None), None);
    }
}
