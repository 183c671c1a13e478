//! What an event says, read once, for all who ask: typed rows, the fold of the state, conditions, checks.
//!
//! Reading is tolerant field by field ([`json`](super::json)): an odd value costs itself, and [`Reading::status`] says so.

use super::frame::Packet;
use super::line::{Event, FrameStatus};
use super::payload::{Companion, GameState, Order, OrderAck, OwnName, PlayerUpdate, Sidebet, Trade};
use super::requests::action_type;

/// What one event says.
#[derive(Debug, Clone)]
pub enum Reading<'t> {
    /// `gameStateUpdate`.
    State(Box<GameState<'t>>),
    /// `standard/newTrade`.
    Trade(Box<Trade<'t>>),
    /// `playerUpdate`: the own account.
    Account(Box<PlayerUpdate<'t>>),
    /// `gameStatePlayerUpdate`: the own row of the ranking.
    Companion(Box<Companion<'t>>),
    /// `usernameStatus`: who the own account is.
    OwnName(Box<OwnName<'t>>),
    /// A side bet.
    Sidebet {
        /// Whose news it is.
        of: BetEvent,
        /// The bet.
        bet: Box<Sidebet<'t>>,
    },
    /// An event that the browser sent. Its name is the event's.
    Request(Box<Order<'t>>),
    /// The answer to a request.
    Ack(Box<OrderAck<'t>>),
    /// A Socket.IO connect: a connection begins.
    Connect,
    /// The connection was closed by one side.
    Close,
    /// An event whose payload is not the object that it has to be; nothing is made of it.
    Unread,
    /// Not a frame, or broken JSON.
    Unreadable,
    /// Anything else: it shows only that the connection lives.
    Other,
}

/// The events that carry a side bet.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum BetEvent {
    /// `newSideBet`: anyone's.
    Anyone,
    /// `currentSidebet`: the own account has placed one.
    OwnPlaced,
    /// `currentSidebetResult`: it was settled.
    OwnSettled,
}

impl Reading<'_> {
    /// Values of it that were sent and cannot be read.
    pub fn unread(&self) -> u32 {
        match self {
            Reading::State(state) => state.unread,
            Reading::Trade(trade) => trade.unread,
            Reading::Account(update) => update.unread,
            Reading::Companion(companion) => companion.unread,
            Reading::OwnName(own) => own.unread,
            Reading::Sidebet { bet, .. } => bet.unread,
            Reading::Request(order) => order.unread,
            // An ack does not say what it answers: of most, no row is made.
            _ => 0,
        }
    }

    /// How well the frame was read, given how well its JSON was.
    pub fn status(&self, status: FrameStatus) -> FrameStatus {
        match (status, self) {
            (FrameStatus::Ok, Reading::Unread) => FrameStatus::PayloadUnread,
            (FrameStatus::Ok, reading) if reading.unread() > 0 => FrameStatus::ValueUnread,
            _ => status,
        }
    }
}

/// Reads an event. `sent`: the browser sent it; where that is not recorded, it was received.
pub fn of<'t>(event: &Event<'t>, sent: bool) -> Reading<'t> {
    if matches!(event.status, FrameStatus::Unparsed | FrameStatus::BrokenJson) {
        return Reading::Unreadable;
    }
    match event.packet {
        Some(Packet::Event) if sent => {
            let mut order = event.payload.and_then(Order::read).unwrap_or_default();
            // Other requests have other fields under the same names.
            let is_order = event.name.as_deref().is_some_and(|name| action_type(name, None).is_some());
            order.unread = if is_order { order.unread } else { 0 };
            Reading::Request(Box::new(order))
        }
        Some(Packet::Event) => received(event),
        // An answer may be empty (`4358[]`).
        Some(Packet::Ack) => Reading::Ack(Box::new(event.payload.and_then(OrderAck::read).unwrap_or_default())),
        Some(Packet::Connect) if !sent => Reading::Connect,
        Some(Packet::Close | Packet::Disconnect) => Reading::Close,
        _ => Reading::Other,
    }
}

fn received<'t>(event: &Event<'t>) -> Reading<'t> {
    let Some(name) = event.name.as_deref() else { return Reading::Other };
    // An event that an older recorder lost the payload of has its own status.
    let Some(payload) = event.payload else { return Reading::Other };
    let bet = |of| Sidebet::read(payload).map(|bet| Reading::Sidebet { of, bet: Box::new(bet) });
    let read = match name {
        "gameStateUpdate" => GameState::read(payload).map(|state| Reading::State(Box::new(state))),
        "standard/newTrade" | "newTrade" => Trade::read(payload).map(|trade| Reading::Trade(Box::new(trade))),
        "playerUpdate" => PlayerUpdate::read(payload).map(|update| Reading::Account(Box::new(update))),
        "gameStatePlayerUpdate" => Companion::read(payload).map(|row| Reading::Companion(Box::new(row))),
        "usernameStatus" => OwnName::read(payload).map(|own| Reading::OwnName(Box::new(own))),
        "newSideBet" => bet(BetEvent::Anyone),
        "currentSidebet" => bet(BetEvent::OwnPlaced),
        "currentSidebetResult" | "currentSideBetResult" => bet(BetEvent::OwnSettled),
        _ => return Reading::Other,
    };
    read.unwrap_or(Reading::Unread)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::panic)]
    use super::*;
    use crate::line::{LineFormat, decode};

    fn read(text: &str) -> (Reading<'_>, FrameStatus) {
        let event = decode(LineFormat::Wire, None, text);
        let reading = of(&event, false);
        let status = reading.status(event.status);
        (reading, status)
    }

    #[test]
    fn a_payload_that_is_no_object_makes_nothing_and_says_so() {
        for text in [
            r#"42["gameStateUpdate",["g",true,false,999.0,6]]"#,
            r#"42["standard/newTrade",["t","g"]]"#,
            r#"42["playerUpdate","text"]"#,
            r#"42["newSideBet",null]"#,
        ] {
            let (reading, status) = read(text);
            assert!(matches!(reading, Reading::Unread), "{text}");
            assert_eq!(status, FrameStatus::PayloadUnread, "{text}");
        }
    }

    #[test]
    fn a_value_that_cannot_be_read_is_said_by_the_frames_status() {
        let (reading, status) = read(r#"42["gameStateUpdate",{"gameId":"g","tickCount":1e400,"price":1.5}]"#);
        let Reading::State(state) = reading else { panic!("no state") };
        assert_eq!((state.price, state.tick_count, status), (Some(1.5), None, FrameStatus::ValueUnread));
    }

    #[test]
    fn other_events_are_read_well_whatever_they_hold() {
        assert_eq!(read(r#"42["chat",["x"]]"#).1, FrameStatus::Ok);
        assert_eq!(read("4358[]").1, FrameStatus::Ok);
        assert!(matches!(read("oops").0, Reading::Unreadable));
    }
}
