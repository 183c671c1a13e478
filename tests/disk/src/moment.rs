//! The disk at the moment when the power went.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant};

use crate::fate::{self, Fate};
use crate::image::{Content, Image, Node};
use crate::random::Random;
use crate::state::{Pending, Rules};

/// The disk at one moment: what would be left of it, had the power gone then, is [`Moment::left`].
#[derive(Debug, Clone)]
pub struct Moment {
    pub(crate) operation: u64,
    pub(crate) at: Instant,
    pub(crate) rules: Rules,
    pub(crate) durable: Image,
    pub(crate) current: Image,
    pub(crate) pending: Vec<Pending>,
    pub(crate) made: BTreeMap<Node, PathBuf>,
}

/// What a program had done to one file until then.
#[derive(Debug, Clone)]
pub struct Written {
    /// The path that it was made with.
    pub path: PathBuf,
    /// Its bytes as of its last `fsync`; also when it is removed by now.
    pub synced: Arc<Vec<u8>>,
    /// Its bytes as programs saw them.
    pub seen: Arc<Vec<u8>>,
    /// How long the oldest of its bytes that are not synced had been waiting for it.
    pub waiting: Option<Duration>,
}

impl Moment {
    /// After how many changes and syncs it was.
    pub fn operation(&self) -> u64 {
        self.operation
    }

    /// When it was.
    pub fn at(&self) -> Instant {
        self.at
    }

    /// How many changes were not durable.
    pub fn pending(&self) -> usize {
        self.pending.len()
    }

    /// What programs saw on the disk.
    pub fn seen(&self) -> &Image {
        &self.current
    }

    /// What is left after the cut. The same seed leaves the same.
    pub fn left(&self, fate: Fate, seed: u64) -> Image {
        fate::left(self, fate, &mut Random::new(seed)).without_unreachable()
    }

    /// The files that were made with a path for which this is true since the disk was mounted.
    pub fn written(&self, is_meant: impl Fn(&Path) -> bool) -> Vec<Written> {
        let meant = self.made.iter().filter(|(_, path)| is_meant(path));
        meant
            .filter_map(|(node, path)| {
                let (Content::File(synced), Content::File(seen)) =
                    (self.durable.content(*node)?, self.current.content(*node)?)
                else {
                    return None;
                };
                let oldest = self.pending.iter().find(|pending| pending.change.file() == Some(*node));
                Some(Written {
                    path: path.clone(),
                    synced: Arc::clone(synced),
                    seen: Arc::clone(seen),
                    waiting: oldest.map(|pending| self.at.saturating_duration_since(pending.at)),
                })
            })
            .collect()
    }
}
