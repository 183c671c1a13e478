//! Replay: recorded games walked forward and back, and proven from their seeds.
//!
//! * [`proof`] — fairness: games proven from their revealed seeds, and the audit of the capture.

pub mod proof;
