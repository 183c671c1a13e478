//! The data root: journal, Parquet parts, the catalog of parts in force.
//!
//! Parquet is the canonical truth; everything else is derived and rebuildable. One process writes (whoever
//! holds the lease, [`lease`]), any number read, and they share nothing but files.
//!
//! * [`root`] — where things lie. [`ids`], [`record`] — what a frame is before it is a row.
//! * [`schema`] — the doc types and their columns. [`rows`] — rows into Arrow batches.
//! * [`project`] — the one function from a stored text to rows; [`games`] keeps each game once.
//! * [`proof`] — the proof of a game as it is stored, and the ticks it fills. [`filled`] — which of those were recorded after
//!   all. [`repeats`] — what was received more than once. [`runs`] — ticks as runs.
//! * [`journal`] — durable before anything else sees it. [`recorder`] — append, rotate, seal.
//! * [`parts`] — Parquet files. [`catalog`] — which of them are in force. [`seal`], [`compact`],
//!   [`migrate`], [`prune`] — how they come and go; `publish` — in which steps; `age` — how young they are whatever the clock said. [`contents`] — which frame and which game
//!   is where in them. [`reconcile`] — parts that no catalog names. [`damage`] — parts that are not what was written.
//!   [`verify`] — whether all of it is true. [`repair`] — lost rows made again from what is there.
//! * [`view`] — one moment of it, for reading. [`follow`] — what is new since the last look, once for all who follow in
//!   a process, without any contact to the writer. [`scan`] — reading rows.
//! * [`span`] — from when to when it has frames. [`chain`] — a log that cannot be changed unnoticed.
//! * [`import`] — many files into the store, all or nothing. [`redact`] — credentials are taken out before anything is stored.
//!   [`window`] — rows of some hours, to compare a file with.
//! * [`fsio`] — the one door to the disk.

mod age;
pub mod catalog;
pub mod chain;
pub mod compact;
pub mod contents;
pub mod damage;
pub mod error;
#[cfg(test)]
mod faults;
pub mod filled;
pub mod follow;
pub mod fsio;
pub mod games;
#[cfg(test)]
#[path = "../growth.rs"]
mod growth;
pub mod ids;
pub mod import;
pub mod journal;
pub mod lease;
pub mod migrate;
#[cfg(test)]
#[path = "../../tests/common/needs.rs"]
mod needs;
pub mod open;
pub mod parts;
pub mod project;
pub mod proof;
pub mod prune;
mod publish;
#[cfg(test)]
#[path = "../real_captures.rs"]
mod real_captures;
pub mod reconcile;
pub mod record;
pub mod recorder;
pub mod redact;
pub mod repair;
pub mod repeats;
pub mod reread;
pub mod root;
pub mod rows;
pub mod runs;
pub mod scan;
pub mod schema;
pub mod seal;
pub mod span;
mod steps;
#[cfg(test)]
mod testing;
pub mod verify;
pub mod view;
pub mod window;

pub use error::StoreError;
pub use open::Store;
