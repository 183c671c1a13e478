//! What other programs recorded: import, export, comparison.
//!
//! * [`input`] — a file's bytes, unpacked ([`zip`], [`utf16`]). [`detect`] — what a file is; [`unknown`] — what to say where
//!   it is nothing known.
//! * [`formats`] — the line formats, one file each; [`mapping`] — those that the user describes. [`documents`] — JSON that is
//!   one value: lists, HAR, flows. [`csv`] — tables as text. [`hosts`] — whose sockets are taken. [`state`] — what earlier
//!   lines of a file said.
//! * [`time`] — when a line happened. [`evidence`] — what the server's own clock says about that, [`zone`] — the zone that
//!   follows, [`first_look`] — how both are found before a file is read; `fold` — the hour that happens twice.
//! * [`lines`] — lines in bounded memory; `relay` — their records to another thread. [`recover`] — whole objects in damaged lines.
//! * `secrets` — credentials are taken out of every text before it is stored. [`preview`] — the first records as a dry run
//!   shows them.
//! * [`import`] — files into the store; [`walk`], [`fingerprint`], [`ingest`] are its steps, [`target`] is
//!   where the records go, [`report`] what it says.
//! * [`overlap`] — which records of a file the store holds already.
//! * [`follow`] — files that are still being written, as they grow; `growing` — how much of one is whole.
//! * [`parquet`] — rows of the older Parquet store.
//! * [`export`] — rows out of the store as JSON lines. [`compare`] — older files against the store.

pub mod compare;
pub mod csv;
pub mod detect;
pub mod documents;
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
pub mod hosts;
pub mod import;
pub mod ingest;
pub mod input;
pub mod lines;
pub mod mapping;
pub mod overlap;
mod packets;
pub mod parquet;
pub mod preview;
pub mod recover;
mod relay;
pub mod report;
mod secrets;
mod sqlite;
pub mod state;
mod store_target;
pub mod target;
pub mod time;
pub mod unknown;
pub mod utf16;
pub mod walk;
pub mod zip;
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
// Other crates read times with it.
#[allow(dead_code)]
mod real_captures;
#[cfg(test)]
mod shapes;
#[cfg(test)]
pub(crate) mod testing;
#[cfg(test)]
mod trials;
