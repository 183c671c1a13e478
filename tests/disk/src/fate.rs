//! What a power cut leaves of the changes that were not durable.

use std::collections::BTreeMap;
use std::sync::Arc;

use crate::SECTOR;
use crate::image::{Image, Node};
use crate::moment::Moment;
use crate::random::Random;
use crate::state::{Change, Rules, write};

/// A way to lose what was not synced.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fate {
    /// All of it is lost.
    Lost,
    /// What was done before some moment is there, the rest is not.
    Prefix,
    /// As [`Fate::Prefix`], and the next write is there in part.
    Torn,
    /// Any part of it is there, without what came before; under [`Rules::Journaled`], entries of folders keep their order.
    Shuffled,
}

impl Fate {
    /// All of them.
    pub const ALL: [Fate; 4] = [Fate::Lost, Fate::Prefix, Fate::Torn, Fate::Shuffled];
}

pub(crate) fn left(moment: &Moment, fate: Fate, random: &mut Random) -> Image {
    let changes: Vec<&Change> = moment.pending.iter().map(|pending| &pending.change).collect();
    let mut image = moment.durable.clone();
    match fate {
        Fate::Lost => {}
        Fate::Prefix => {
            let kept = random.place(changes.len() + 1);
            changes.iter().take(kept).for_each(|change| change.apply(&mut image));
        }
        Fate::Torn => torn(&changes, &mut image, random),
        Fate::Shuffled => {
            shuffle_entries(&changes, moment.rules, &mut image, random);
            shuffle_bytes(&changes, &mut image, random);
        }
    }
    image
}

/// Keeps what came before one of the writes, and a part of that one.
fn torn(changes: &[&Change], image: &mut Image, random: &mut Random) {
    let writes: Vec<usize> =
        (0..changes.len()).filter(|at| matches!(changes.get(*at), Some(Change::Write(..)))).collect();
    let at = writes.get(random.place(writes.len())).copied().unwrap_or(changes.len());
    changes.iter().take(at).for_each(|change| change.apply(image));
    let Some(Change::Write(node, offset, new)) = changes.get(at) else { return };
    let Some(bytes) = image.bytes_mut(*node) else { return };
    match random.below(3) {
        // Up to the end of a sector, and no longer.
        0 => {
            let sectors = random.place((offset + new.len()).div_ceil(SECTOR) - offset / SECTOR);
            let end = ((offset / SECTOR + sectors) * SECTOR).max(*offset) - offset;
            write(bytes, *offset, new.get(..end).unwrap_or(new));
        }
        // As long as it should be, with sectors missing.
        1 => *bytes = partly(bytes, changes.get(at..=at).unwrap_or_default(), 1, &mut |_| random.place(2)),
        // As long as it should be, and nothing else.
        _ => {
            let length = bytes.len().max(offset + new.len());
            bytes.resize(length, 0);
        }
    }
}

/// Keeps any of the changes of entries, or the first ones.
fn shuffle_entries(changes: &[&Change], rules: Rules, image: &mut Image, random: &mut Random) {
    let entries: Vec<&&Change> = changes.iter().filter(|change| change.file().is_none()).collect();
    match rules {
        Rules::Journaled => {
            let kept = random.place(entries.len() + 1);
            entries.iter().take(kept).for_each(|change| change.apply(image));
        }
        Rules::Strict => {
            let quarters = 1 + random.below(3);
            let kept = entries.iter().filter(|_| random.chance(quarters, 4));
            kept.for_each(|change| change.apply(image));
        }
    }
}

/// Keeps any sectors and any length of each file.
fn shuffle_bytes(changes: &[&Change], image: &mut Image, random: &mut Random) {
    let mut files: BTreeMap<Node, Vec<&Change>> = BTreeMap::new();
    for change in changes {
        if let Some(node) = change.file() {
            files.entry(node).or_default().push(change);
        }
    }
    for (node, changes) in files {
        let Some(bytes) = image.bytes_mut(node) else { continue };
        let all = changes.len();
        let length_of = [0, all, all, random.place(all + 1)].get(random.place(4)).copied().unwrap_or(all);
        // Whole files come and go more often than sectors of their own do.
        let bytes = match random.below(4) {
            0 => partly(bytes, &changes, length_of, &mut |_| 0),
            1 => partly(bytes, &changes, length_of, &mut |_| all),
            _ => partly(bytes, &changes, length_of, &mut |_| {
                let any = random.place(all + 1);
                [0, all, any].get(random.place(3)).copied().unwrap_or(0)
            }),
        };
        image.set(node, Arc::new(bytes));
    }
}

/// A file with the length that it had after `length_of` of the changes, in which each sector is as it was after so many of
/// them as `sector_of` says: what the page cache held when that sector was written.
fn partly(
    base: &[u8],
    changes: &[&Change],
    length_of: usize,
    sector_of: &mut dyn FnMut(usize) -> usize,
) -> Vec<u8> {
    let mut lengths = vec![base.len()];
    for change in changes {
        let before = lengths.last().copied().unwrap_or(0);
        lengths.push(match change {
            Change::Write(_, offset, new) => before.max(offset + new.len()),
            Change::Resize(_, length) => *length,
            Change::Enter(..) | Change::Leave(..) => before,
        });
    }
    let mut bytes = base.to_vec();
    bytes.resize(lengths.iter().copied().max().unwrap_or(0), 0);
    let sectors: Vec<usize> = (0..bytes.len().div_ceil(SECTOR)).map(sector_of).collect();
    for (number, change) in changes.iter().enumerate() {
        let (from, to) = match change {
            Change::Write(_, offset, new) => (*offset, offset + new.len()),
            Change::Resize(_, length) => (*length, bytes.len()),
            Change::Enter(..) | Change::Leave(..) => continue,
        };
        for sector in from / SECTOR..to.div_ceil(SECTOR) {
            let is_kept = sectors.get(sector).is_some_and(|upto| number < *upto);
            let (start, end) = ((sector * SECTOR).max(from), ((sector + 1) * SECTOR).min(to));
            if let Some(place) = bytes.get_mut(start..end).filter(|_| is_kept) {
                match change {
                    Change::Write(_, offset, new) => {
                        place.copy_from_slice(new.get(start - offset..end - offset).unwrap_or_default());
                    }
                    _ => place.fill(0),
                }
            }
        }
    }
    bytes.truncate(lengths.get(length_of).copied().unwrap_or(base.len()));
    bytes
}
