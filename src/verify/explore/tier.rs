//! How well something is known: the rule stands beside the facts, where the index finds it too.

pub use crate::protocol::facts::tier::{Support, Thresholds, Tier};
