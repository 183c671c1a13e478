//! The disk proves itself before anything is proved on it.
#![allow(clippy::unwrap_used, clippy::indexing_slicing)]

mod cuts;
mod mounted;
#[path = "../../common/needs.rs"]
pub(crate) mod needs;
