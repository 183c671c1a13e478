//! How many different games or sessions something was seen in, as far as it matters: none, one, some, many.

use serde::{Deserialize, Serialize};

/// Different ones that are told apart; what is at least this is counted as this.
pub const MOST: usize = 4;

/// A few hashes of ids.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Distinct(Vec<u64>);

impl Distinct {
    /// Adds one, by its hash; 0 stands for not known and is not counted.
    pub(super) fn add(&mut self, hash: u64) {
        if hash != 0 && self.0.len() < MOST && !self.0.contains(&hash) {
            self.0.push(hash);
        }
    }

    pub(super) fn merge(&mut self, other: &Distinct) {
        other.0.iter().for_each(|hash| self.add(*hash));
    }

    /// How many; [`MOST`] stands for that many or more.
    pub fn count(&self) -> usize {
        self.0.len()
    }
}

/// The hash of an id; 0 for none.
pub(super) fn hash(id: Option<&str>) -> u64 {
    id.map_or(0, |id| super::walk::fnv(id).max(1))
}
