//! Ticks as runs: sorted, inclusive, none touching another. A game of hundreds of ticks without a gap is one run.

/// Runs kept: as many as a game of 5000 ticks can have, so that the order in which they come makes no difference. More
/// come from damage only.
pub(super) const MAX_RUNS: usize = 2501;

/// Adds a tick to the runs; most often it lengthens the last one.
pub fn add_tick(runs: &mut Vec<(i64, i64)>, tick: i64) {
    if let Some((first, last)) = runs.last_mut() {
        if *first <= tick && tick <= *last {
            return;
        }
        if tick == *last + 1 {
            *last = tick;
            return;
        }
    }
    add_run(runs, (tick, tick));
}

/// Adds a run; what it touches becomes one with it.
pub fn add_run(runs: &mut Vec<(i64, i64)>, run: (i64, i64)) {
    let place = runs.partition_point(|(_, last)| *last < run.0.saturating_sub(1));
    let end = runs.partition_point(|(first, _)| *first <= run.1.saturating_add(1));
    let touched = runs.get(place..end).unwrap_or_default();
    let joined = touched.iter().fold(run, |(a, b), (c, d)| (a.min(*c), b.max(*d)));
    if place >= end {
        if runs.len() < MAX_RUNS {
            runs.insert(place, run);
        }
    } else {
        runs.splice(place..end, [joined]);
    }
}
