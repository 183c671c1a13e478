//! Whether a socket whose URL is not known speaks rugs.fun: Engine.IO packets with the names of its events.

use std::collections::HashSet;
use std::sync::LazyLock;

use crate::protocol::catalogue::catalogue;
use crate::protocol::frame;

/// Events that other chat and game sites have too. Two different ones decide, or one on a page of rugs.fun.
const COMMON: [&str; 12] = [
    "newChatMessage",
    "chatHistory",
    "inboxMessages",
    "mutedPlayers",
    "authenticate",
    "getLeaderboard",
    "leaderboardData",
    "playerUpdate",
    "gameEnd",
    "newTrade",
    "sidebet",
    "maintenanceUpdate",
];
/// Packets of Socket.IO itself.
const NO_EVENTS: [&str; 5] = ["connect", "disconnect", "connect_error", "ping", "ack"];

static NAMES: LazyLock<HashSet<&str>> = LazyLock::new(|| {
    let names = catalogue().events.iter().map(|event| event.name.as_str());
    names.filter(|name| !name.starts_with("transport:") && !NO_EVENTS.contains(name)).collect()
});

/// What was learnt about a socket so far.
#[derive(Debug, Default)]
pub struct Sniff {
    common: HashSet<String>,
    packets: u32,
    others: u32,
    /// It belongs to a page of rugs.fun.
    at_home: bool,
}

/// What its traffic says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verdict {
    /// It is rugs.fun's.
    Ours,
    /// It is not.
    Foreign,
    /// Nothing yet.
    Open,
}

/// Texts that are no Engine.IO, none that are: another protocol.
const OTHERS: u32 = 16;
/// Packets without one of our names: another site. The feed says its name several times a second.
const PACKETS: u32 = 2000;

impl Sniff {
    /// `at_home`: the socket is of a page of rugs.fun.
    pub fn new(at_home: bool) -> Sniff {
        Sniff { at_home, ..Sniff::default() }
    }

    /// One more text.
    pub fn text(&mut self, text: &str) -> Verdict {
        let Ok(frame) = frame::parse(text) else {
            self.others += 1;
            let foreign = self.packets == 0 && self.others >= OTHERS;
            return if foreign { Verdict::Foreign } else { Verdict::Open };
        };
        self.packets += 1;
        if let Some(name) = frame.event_name.as_deref()
            && NAMES.contains(name)
        {
            if self.at_home || !COMMON.contains(&name) {
                return Verdict::Ours;
            }
            self.common.insert(name.to_owned());
            if self.common.len() > 1 {
                return Verdict::Ours;
            }
        }
        if self.packets >= PACKETS { Verdict::Foreign } else { Verdict::Open }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_event_of_its_own_decides() {
        let mut sniff = Sniff::default();
        assert_eq!(sniff.text("2"), Verdict::Open);
        assert_eq!(sniff.text(r#"42["gameStateUpdate",{"gameId":"123","price":1.5}]"#), Verdict::Ours);
    }

    #[test]
    fn common_events_decide_together_or_at_home() {
        let chat = r#"42["newChatMessage",{"message":"hi"}]"#;
        let mut sniff = Sniff::default();
        assert_eq!(sniff.text(chat), Verdict::Open);
        assert_eq!(sniff.text(chat), Verdict::Open);
        assert_eq!(sniff.text(r#"42["getLeaderboard",{"period":"7d"}]"#), Verdict::Ours);
        assert_eq!(Sniff::new(true).text(chat), Verdict::Ours);
    }

    #[test]
    fn other_protocols_and_other_sites_are_let_go() {
        let mut sniff = Sniff::default();
        let verdicts: Vec<Verdict> = (0..OTHERS).map(|_| sniff.text(r#"{"jsonrpc":"2.0"}"#)).collect();
        assert_eq!(verdicts.last(), Some(&Verdict::Foreign));
        let mut sniff = Sniff::new(true);
        let last = (0..PACKETS).map(|_| sniff.text(r#"42["tick",{}]"#)).last();
        assert_eq!(last, Some(Verdict::Foreign));
    }
}
