//! The whole source against a Chrome played by hand, and against a real Chromium (see [`real`]).
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

mod chromium;
mod played;
mod real;
