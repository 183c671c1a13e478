//! What a game is: one record per game, made of everything that was recorded of it, and kept.
//!
//! Peak, rug, ticks recorded and missing, complete, proven are decided here and nowhere else: SQL's view `games`, the list
//! and the card, search, charts, replay and the proof of fairness read what [`Game`] says.
//!
//! * [`record`] — [`GameRecord`]: what is known of a game, in a form that merges in any order and grouping. It is put
//!   together from what each part says of its rows ([`replayer_store::contents`]) and from the unsealed rows.
//! * [`facts`] — [`Game`]: what follows from a record. Each rule stands at the member it is about.
//! * [`kept`] — [`Games`]: the records of a data root, brought up to date by what is new. The cost of an answer about one
//!   game does not depend on how many there are, that of an update only on what is new.
//! * [`older`] — parts that were written before parts said anything of games: read once, and remembered in a file.
//!
//! Nothing here knows SQL or MCP.

pub mod facts;
pub mod kept;
pub mod older;
pub mod record;

pub use facts::{Anomaly, Game, Known, Source};
pub use kept::Games;
pub use record::GameRecord;

#[cfg(test)]
mod tests;
