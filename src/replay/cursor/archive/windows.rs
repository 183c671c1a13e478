//! Rows of sealed parts that were read ahead, for cursors that go on from game to game.
//!
//! A page of a part's texts holds dozens of small games and is decompressed as a whole, so that each game read singly
//! costs as much as all of them. Who goes on into the neighbouring span therefore gets a window of rows around it,
//! which the spans after it are taken from. A part's file never changes and its name is never used again: what is
//! kept counts exactly as long as the file is there. Unsealed rows are never kept here.

use std::collections::{HashMap, HashSet, VecDeque};
use std::ops::Range;

use arrow::array::RecordBatch;

use crate::state::past;
use crate::store::StoreError;
use crate::store::catalog::Part;
use crate::store::root::DataRoot;

/// Bytes of decoded rows that a window should have: about a page of texts.
const WINDOW_BYTES: usize = 8 << 20;

/// A window has at most this many rows: short rows cost more by their number than by their bytes.
const WINDOW_ROWS: usize = 65_536;

/// A window whose rows turned out longer than thought is given up here.
const GIVE_UP_BYTES: usize = 4 * WINDOW_BYTES;

/// Bytes of all windows.
const MOST_BYTES: usize = 64 << 20;

/// Parts of which the length of a row is remembered.
const MOST_LENGTHS: usize = 4096;

/// Where whoever asks for rows is likely to go next.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Prefetch {
    /// Anywhere: only what is asked for is read.
    Anywhere,
    /// To what was recorded after.
    Later,
    /// To what was recorded before.
    Earlier,
}

/// Rows of a batch that are asked for.
pub(super) struct Piece {
    pub(super) batch: RecordBatch,
    pub(super) rows: Range<usize>,
}

impl Piece {
    /// All rows of a batch.
    pub(super) fn whole(batch: RecordBatch) -> Piece {
        Piece { rows: 0..batch.num_rows(), batch }
    }
}

/// Windows of all parts.
#[derive(Default)]
pub(super) struct Windows {
    /// The one that was used last is last.
    kept: VecDeque<Window>,
    /// Bytes of a decoded row, by part, as far as it was read.
    lengths: HashMap<String, usize>,
}

struct Window {
    path: String,
    rows: Range<usize>,
    batches: VecDeque<RecordBatch>,
    bytes: usize,
}

impl Windows {
    /// Forgets parts that are not in force any more.
    pub(super) fn retain(&mut self, paths: &HashSet<&str>) {
        self.kept.retain(|window| paths.contains(window.path.as_str()));
        self.lengths.retain(|path, _| paths.contains(path.as_str()));
    }

    /// The bytes kept.
    pub(super) fn bytes(&self) -> usize {
        self.kept.iter().map(|window| window.bytes).sum()
    }

    /// Remembers how long the rows of a part are.
    pub(super) fn learn(&mut self, part: &Part, batch: &RecordBatch) {
        if self.lengths.len() >= MOST_LENGTHS {
            self.lengths.clear();
        }
        if batch.num_rows() > 0 {
            let length = batch.get_array_memory_size() / batch.num_rows() + 1;
            self.lengths.insert(part.path.clone(), length);
        }
    }

    /// The rows in `ranges` (rising) of a part, when they were read before.
    ///
    /// # Errors
    /// When the part is not there any more, like reading it would.
    pub(super) fn find(
        &mut self,
        root: &DataRoot,
        part: &Part,
        ranges: &[Range<usize>],
    ) -> Result<Option<Vec<Piece>>, StoreError> {
        let Some(hull) = hull(ranges) else { return Ok(None) };
        let covers = |window: &Window| {
            window.path == part.path && window.rows.start <= hull.start && hull.end <= window.rows.end
        };
        let Some(place) = self.kept.iter().position(covers) else { return Ok(None) };
        let path = root.path().join(&part.path);
        if let Err(error) = std::fs::metadata(&path) {
            self.kept.retain(|window| window.path != part.path);
            return Err(StoreError::io("open", &path)(error));
        }
        let Some(window) = self.kept.remove(place) else { return Ok(None) };
        let pieces = window.pieces(ranges);
        self.kept.push_back(window);
        Ok(Some(pieces))
    }

    /// Reads the rows in `ranges` (rising) of a part and those next to them, and keeps them. `None` when that is not
    /// worth it: too much lies between the ranges, or nothing is known of the part's rows yet.
    ///
    /// # Errors
    /// When the part cannot be read.
    pub(super) fn fetch(
        &mut self,
        root: &DataRoot,
        part: &Part,
        columns: &[&str],
        ranges: &[Range<usize>],
        prefetch: Prefetch,
    ) -> Result<Option<Vec<Piece>>, StoreError> {
        let total = usize::try_from(part.rows).unwrap_or(usize::MAX);
        let (Some(hull), Some(length)) = (hull(ranges), self.lengths.get(&part.path)) else { return Ok(None) };
        let most = (WINDOW_BYTES / length).min(WINDOW_ROWS);
        let Some(room) = most.checked_sub(hull.len()).filter(|_| hull.end <= total) else { return Ok(None) };
        let wanted = match prefetch {
            Prefetch::Anywhere => return Ok(None),
            Prefetch::Later => hull.start..hull.end.saturating_add(room).min(total),
            Prefetch::Earlier => hull.start.saturating_sub(room)..hull.end,
        };
        let start = wanted.start;
        let mut window =
            Window { path: part.path.clone(), rows: start..start, batches: VecDeque::new(), bytes: 0 };
        for batch in past::selected(root, part, columns, Some((std::slice::from_ref(&wanted), total)))? {
            let batch = batch?;
            self.learn(part, &batch);
            window.rows.end += batch.num_rows();
            window.bytes += batch.get_array_memory_size();
            window.batches.push_back(batch);
            // Longer rows than thought: what is furthest from the rows asked for goes.
            window.shrink(&hull);
            if window.bytes > GIVE_UP_BYTES {
                return Ok(None);
            }
            if window.bytes > WINDOW_BYTES && window.rows.end >= hull.end {
                break;
            }
        }
        let pieces = window.pieces(ranges);
        let within = |known: &Window| {
            known.path == window.path && window.rows.start <= known.rows.start && known.rows.end <= window.rows.end
        };
        self.kept.retain(|known| !within(known));
        self.keep(window);
        Ok(Some(pieces))
    }

    /// Keeps a window; those longest unused make room for it.
    fn keep(&mut self, window: Window) {
        self.kept.push_back(window);
        while self.bytes() > MOST_BYTES {
            self.kept.pop_front();
        }
    }
}

impl Window {
    /// Lets go of whole batches before `hull` while it is too large.
    fn shrink(&mut self, hull: &Range<usize>) {
        while self.bytes > WINDOW_BYTES {
            let before = |batch: &&RecordBatch| self.rows.start + batch.num_rows() <= hull.start;
            let Some((rows, bytes)) =
                self.batches.front().filter(before).map(|first| (first.num_rows(), first.get_array_memory_size()))
            else {
                return;
            };
            self.batches.pop_front();
            self.rows.start += rows;
            self.bytes = self.bytes.saturating_sub(bytes);
        }
    }

    fn pieces(&self, ranges: &[Range<usize>]) -> Vec<Piece> {
        let mut pieces = Vec::new();
        for range in ranges {
            let mut first = self.rows.start;
            for batch in &self.batches {
                let rows = range.start.max(first)..range.end.min(first + batch.num_rows());
                if rows.start < rows.end {
                    pieces.push(Piece { batch: batch.clone(), rows: rows.start - first..rows.end - first });
                }
                first += batch.num_rows();
            }
        }
        pieces
    }
}

/// From the first row to the last one.
fn hull(ranges: &[Range<usize>]) -> Option<Range<usize>> {
    Some(ranges.first()?.start..ranges.last()?.end)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::indexing_slicing)]
    use super::*;

    fn window(path: &str, bytes: usize) -> Window {
        Window { path: path.to_owned(), rows: 0..1, batches: VecDeque::new(), bytes }
    }

    #[test]
    fn windows_longest_unused_go_when_all_of_them_are_too_large() {
        let mut windows = Windows::default();
        for path in ["a", "b", "c", "d"] {
            windows.keep(window(path, MOST_BYTES / 3));
            assert!(windows.bytes() <= MOST_BYTES);
        }
        let left: Vec<&str> = windows.kept.iter().map(|window| window.path.as_str()).collect();
        assert_eq!(left, ["b", "c", "d"]);
    }

    #[test]
    fn windows_of_parts_that_are_not_in_force_go() {
        let mut windows = Windows::default();
        windows.keep(window("a", 1));
        windows.keep(window("b", 1));
        windows.retain(&HashSet::from(["b"]));
        assert_eq!(windows.kept.len(), 1);
        assert_eq!(windows.kept[0].path, "b");
    }
}
