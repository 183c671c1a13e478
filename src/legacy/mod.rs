//! Import of older recordings, export, comparison.
//!
//! * [`detect`] — what a file is. [`formats`] — the line formats, one file each.
//! * [`time`] — when a line happened. [`evidence`] — what the server's own clock says about that, [`zone`] — the zone that
//!   follows, [`first_look`] — how both are found before a file is read; `fold` — the hour that happens twice.
//! * [`lines`] — lines in bounded memory. [`recover`] — whole objects in damaged lines.
//! * [`import`] — files into the store; [`walk`], [`fingerprint`], [`ingest`] are its steps, [`target`] is
//!   where the records go, [`report`] what it says.
//! * [`overlap`] — which records of a file the store holds already.
//! * [`follow`] — files that are still being written, as they grow; `growing` — how much of one is whole.
//! * [`parquet`] — rows of the older Parquet store.
//! * [`export`] — rows out of the store as JSON lines. [`compare`] — older files against the store.

pub mod compare;
pub mod detect;
pub mod error;
pub mod evidence;
pub mod export;
pub mod fields;
pub mod fingerprint;
pub mod first_look;
mod fold;
pub mod follow;
pub mod formats;
mod growing;
pub mod import;
pub mod ingest;
pub mod lines;
pub mod overlap;
pub mod parquet;
pub mod recover;
pub mod report;
pub mod target;
pub mod time;
pub mod walk;
pub mod zone;

pub use error::LegacyError;

#[cfg(test)]
#[path = "../growth.rs"]
mod growth;
#[cfg(test)]
#[path = "../../tests/common/needs.rs"]
mod needs;
#[cfg(test)]
#[path = "../real_captures.rs"]
mod real_captures;
#[cfg(test)]
pub(crate) mod testing;
