//! The shared game: snapshots, orders and their consequences, independence from who connects.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]
