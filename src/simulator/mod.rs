//! A local rugs.fun that plays provably fair games with the real packet shapes.
//!
//! A [`Session`] is an iterator over the frames of one connection, as they stood on the wire: Engine.IO and
//! Socket.IO text, in order, with times. The same [`Config`] gives the same bytes on every machine. What
//! really happened (seeds, prices, every trade, every side bet) is kept beside it as [`GameTruth`], so that a
//! test can compare what was stored with what was played. Only [`serve`] does I/O or waits.
//!
//! Layout, from the bottom up:
//!
//! * `prng`, `numbers`, `json` — chance, JavaScript's numbers, compact JSON in a given key order.
//! * `players`, `book`, `game`, `bots` — who plays, their accounts, one game, what they do.
//! * `truth`, `bet_records`, `price_texts` — what a game leaves behind.
//! * `lobby`, `standings` — what outlives a game, the ranking within one.
//! * `packets`, `events`, `account` — the frames: game state, other public events, the logged-in player's own
//!   (what is ordered: `orders`).
//! * `session`, `steps`, `background` — the clock: which frame comes when.
//!
//! * `world` — the same game for many connections at once, with the orders of real clients. [`serve`] puts it
//!   on a socket, and what [`stored`] takes from the store as well.
//!
//! Left out of a [`Session`] because no payload of it was ever captured: the answers to `chatHistory`, `getLeaderboard` and
//! `getPlayerCosmetics`, `mutedPlayers`, `inboxMessages`, `rugpassStatus`, `rugPassQuestCompleted`, the drawing
//! of the rug pool; and shorts and leverage, whose arithmetic is unknown.

mod account;
mod background;
mod bet_records;
mod book;
mod bots;
mod events;
mod game;
mod json;
mod lobby;
#[cfg(test)]
#[path = "../../tests/common/needs.rs"]
mod needs;
mod numbers;
mod orders;
mod packets;
mod players;
mod price_texts;
mod prng;
mod session;
mod standings;
mod steps;
mod truth;
mod world;

pub mod serve;
pub mod stored;

pub use numbers::{Nano, push_number};
pub use players::Player;
pub use prng::Prng;
pub use session::{Audience, Config, Session, SimulatedFrame};
pub use truth::{BET_PAYOUT, BET_WINDOW, GameTruth, Outcome, Side, SideBet, Trade};
pub use world::{Seen, World, WorldFrame};

#[cfg(test)]
mod tests;
