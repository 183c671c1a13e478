//! Replay: recorded games walked forward and back, with an own account that trades in them.
//!
//! * [`account`] — the local account: permission, buys, sells, side bets, statistics, reconciliation.

pub mod account;
