//! Known sequences of events: what follows what. Each is a statement that `verify` and `replayer protocol check` can
//! run; what the data says about it is theirs to tell.

/// A sequence and the events in it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Sequence {
    /// In a few words.
    pub name: &'static str,
    /// What happens, in a sentence.
    pub meaning: &'static str,
    /// The events that take part.
    pub events: &'static [&'static str],
    /// The statement that says so.
    pub statement: &'static str,
}

/// All that are known.
pub const KNOWN: [Sequence; 8] = [
    Sequence {
        name: "two rug broadcasts",
        meaning: "After the tick packet with rugged comes, about a second later, a full packet of the same game with \
                  rugged and the history.",
        events: &["gameStateUpdate"],
        statement: "gameStateUpdate where (rugged == true and gameHistory is present) follows gameStateUpdate where \
                    (rugged == true and gameHistory is absent) within 6000 ms in the same game",
    },
    Sequence {
        name: "next game after a rug",
        meaning: "The second rug broadcast is followed within about half a second by the next game's cooldown.",
        events: &["gameStateUpdate"],
        statement: "gameStateUpdate where (active == false and cooldownTimer > 14000) follows gameStateUpdate where \
                    (rugged == true and gameHistory is present) within 3000 ms in the same session",
    },
    Sequence {
        name: "cooldown before presale",
        meaning: "Before every presale packet stands, in the same game, a packet of the cooldown or the presale.",
        events: &["gameStateUpdate"],
        statement: "gameStateUpdate where (allowPreRoundBuys == true and cooldownTimer <= 9900) is preceded by \
                    gameStateUpdate where (allowPreRoundBuys == true) within 1000 ms in the same game",
    },
    Sequence {
        name: "order and the trade it causes",
        meaning: "A buy order and the trade broadcast that it causes carry the same trace id.",
        events: &["buyOrder", "standard/newTrade"],
        statement: "standard/newTrade follows buyOrder within 2000 ms in the same trace",
    },
    Sequence {
        name: "sell order and the trade it causes",
        meaning: "A sell order and the trade broadcast that it causes carry the same trace id.",
        events: &["sellOrder", "standard/newTrade"],
        statement: "standard/newTrade follows sellOrder within 2000 ms in the same trace",
    },
    Sequence {
        name: "account after an order",
        meaning: "An order is followed by a playerUpdate with the account after it.",
        events: &["buyOrder", "playerUpdate"],
        statement: "playerUpdate follows buyOrder within 2000 ms",
    },
    Sequence {
        name: "account after a sell order",
        meaning: "A sell order is followed by a playerUpdate with the account after it.",
        events: &["sellOrder", "playerUpdate"],
        statement: "playerUpdate follows sellOrder within 2000 ms",
    },
    Sequence {
        name: "status after logging in",
        meaning: "authenticate is answered by usernameStatus.",
        events: &["authenticate", "usernameStatus"],
        statement: "usernameStatus follows authenticate within 5000 ms",
    },
];

/// Those in which an event takes part.
pub fn of(event: &str) -> impl Iterator<Item = &'static Sequence> {
    KNOWN.iter().filter(move |sequence| sequence.events.contains(&event))
}
