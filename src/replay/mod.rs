//! Replay: recorded games walked forward and back, with an own account that trades in them.
//!
//! * [`cursor`] — places in recorded games: step, back, seek, run, act.
//! * [`account`] — the local account: permission, buys, sells, side bets, statistics, reconciliation.

pub mod account;
pub mod cursor;
