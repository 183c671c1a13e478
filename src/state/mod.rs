//! One fold over ordered events: what the game, the own account and the capture are like after each of them.
//!
//! `fold(state, event) → state` is the only state machine. Live state is the fold at the end of the journal
//! ([`live`]), "state at 14:03:22" is the fold at a place in the store ([`past`]), replay moves it forward and
//! back. Everything is keyed by game id: real captures hold full packets of an older game, or an older tick,
//! after smaller and later ones.
//!
//! * [`event`] — one stored row, and where a value comes from. [`rows`] — rows of Arrow batches as events.
//! * [`fact`] — what an event says, borrowed from its text. [`exact`] — the wire's numbers as decimals.
//! * [`game`] — one game: phase, rug; [`prices`] — its prices and what told each. [`fold`] — the fold itself.
//! * [`account`], [`ledger`] — the server's own account, and the one recomputed from own trades.
//! * [`latency`], [`integrity`], [`health`], [`god_candle`] — monitors with no state but their own.
//! * [`condition`] — "wait until": a condition on events.
//! * [`note`] — what an event changed. [`snapshot`] — the state as an agent reads it.

pub mod account;
pub mod condition;
pub mod event;
pub mod exact;
pub mod fact;
pub mod fold;
pub mod game;
pub mod god_candle;
pub mod health;
pub mod integrity;
pub mod latency;
pub mod ledger;
pub mod live;
pub mod note;
pub mod past;
pub mod prices;
pub mod rows;
pub mod snapshot;

pub use event::{At, Event, GameId, SystemEvent};
pub use fact::Fact;
pub use fold::Fold;
pub use note::Note;
pub use snapshot::Snapshot;

#[cfg(test)]
mod tests;
