//! Import of older recordings, export, comparison.
