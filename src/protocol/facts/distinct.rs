//! How many different games or sessions something was seen in: exact while they are few, then "that many or more". Every
//! field of every part keeps one of these, so that they must stay small.

use serde::{Deserialize, Serialize};

/// Different ones that are told apart; what is at least this is counted as this.
pub const MOST: usize = 16;

/// A few hashes of ids. Half of a hash tells sixteen ids apart, and is half as long in the files of the parts.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Distinct(Vec<u32>);

impl Distinct {
    /// Adds one, by its hash; 0 stands for not known and is not counted.
    pub(super) fn add(&mut self, hash: u64) {
        if hash != 0 {
            self.add_half((hash ^ (hash >> 32)) as u32);
        }
    }

    fn add_half(&mut self, hash: u32) {
        // The last one is asked for again and again: a session has many frames of one game.
        if self.0.last() != Some(&hash) && self.0.len() < MOST && !self.0.contains(&hash) {
            self.0.push(hash);
        }
    }

    pub(super) fn merge(&mut self, other: &Distinct) {
        other.0.iter().for_each(|hash| self.add_half(*hash));
    }

    /// How many; [`MOST`] stands for that many or more.
    pub fn count(&self) -> usize {
        self.0.len()
    }

    /// Whether there may be more than are counted.
    pub fn is_full(&self) -> bool {
        self.0.len() >= MOST
    }
}

/// The hash of an id; 0 for none.
pub(super) fn hash(id: Option<&str>) -> u64 {
    id.map_or(0, |id| super::walk::fnv(id).max(1))
}
