//! Whoever is asked about a game says the same: the SQL view, `get_game`, `search`, `show_chart`, the chart page's points,
//! `live_state`, `replay open` and `check_fairness`.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

mod agree;
mod kinds;
