//! Replay: recorded games walked forward and back, with an own account that trades in them, and proven from their seeds.
//!
//! * [`cursor`] — places in recorded games: step, back, seek, run, act.
//! * [`account`] — the local account: permission, buys, sells, side bets, statistics, reconciliation.
//! * [`proof`] — fairness: games proven from their revealed seeds, and the audit of the capture.

pub mod account;
pub mod cursor;
pub mod proof;
