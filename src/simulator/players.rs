//! The made-up people of a simulated rugs.fun.
//!
//! Ids start with `did:privy:sim`, so that nobody takes a simulated player for a real one. A few names are
//! missing, a few hold characters that break careless code, as among real players.

use std::sync::Arc;

use super::json::Json;
use super::prng::Prng;

/// A person with an account.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Player {
    /// `did:privy:sim…`
    pub id: String,
    /// None for those who never chose a name: null on the wire.
    pub username: Option<String>,
    /// Account level.
    pub level: u32,
    /// Plays with practice tokens instead of SOL.
    pub practice: bool,
    /// Plays with bonus balance instead of own SOL.
    pub bonus: bool,
    /// Linked Discord name, if any.
    pub discord: Option<String>,
    /// The username as JSON: it is in every leaderboard, ten times a frame.
    pub(super) username_json: String,
}

const COLOURS: [&str; 12] =
    ["Amber", "Blue", "Coral", "Dusty", "Ember", "Frost", "Golden", "Hazel", "Ivory", "Jade", "Lilac", "Misty"];
const ANIMALS: [&str; 12] = [
    "Otter", "Heron", "Lynx", "Badger", "Falcon", "Gecko", "Marmot", "Newt", "Puffin", "Stoat", "Tapir", "Wombat",
];
/// Names that have to survive storage, search and display: emoji, right-to-left, zero-width, quotes.
const ODD_NAMES: [&str; 6] = [
    "Sim\u{1f98a}Fox",
    "\u{633}\u{64a}\u{645}_Sim",
    "Sim\u{200b}Ghost",
    "\"Sim\" O'Quote",
    "S\u{ef}m\\Slash",
    "\u{30b7}\u{30e0}77",
];

/// The player who may be logged in: named, and playing with SOL.
pub fn local_player(random: &mut Prng) -> Arc<Player> {
    Arc::new(player(random, 0))
}

/// `count` different players, `local_player` the first.
pub fn roster(random: &mut Prng, local_player: &Arc<Player>, count: usize) -> Vec<Arc<Player>> {
    let others = (1..count).map(|number| Arc::new(player(random, number)));
    std::iter::once(Arc::clone(local_player)).chain(others).collect()
}

fn player(random: &mut Prng, number: usize) -> Player {
    let username = username(random, number);
    let discord = username.as_ref().filter(|_| random.chance(0.7)).map(|_| format!("sim.{number}"));
    let mut username_json = Json::fragment();
    username_json.optional(username.as_deref());
    Player {
        id: format!("did:privy:sim{number:04}{}", random.text(b"abcdefghijklmnopqrstuvwxyz0123456789", 18)),
        level: random.between(0, 75) as u32,
        practice: number > 0 && random.chance(0.04),
        bonus: number > 0 && random.chance(0.05),
        username_json: username_json.into_text(),
        username,
        discord,
    }
}

fn username(random: &mut Prng, number: usize) -> Option<String> {
    let (colour, animal) = (random.pick(&COLOURS)?, random.pick(&ANIMALS)?);
    match number {
        0 => Some("SimPilot".to_owned()),
        _ if random.chance(0.06) => None,
        _ if random.chance(0.06) => random.pick(&ODD_NAMES).map(|name| format!("{name}{number}")),
        _ => Some(format!("Sim{colour}{animal}{number}")),
    }
}
