//! `replayer` records the rugs.fun game protocol without losing a byte, keeps it as Parquet, and serves it
//! to AI agents over the Model Context Protocol.
//!
//! # Layout
//!
//! Lower layers know nothing of higher ones; a test enforces it. The lowest, SQL and the simulator are crates of their own in
//! their folders.
//!
//! * [`protocol`] — what the wire says: frames, events, phases, provably fair prices. No I/O.
//! * [`store`] — the data root: journal, Parquet parts, the catalog of parts in force, recovery, pruning.
//! * [`game`] — what a game is: one record per game, merged from everything that was recorded, and kept.
//! * [`legacy`] — recordings that other programs made: import, export, comparison.
//! * [`state`] — the fold: live state, the state at a past moment, drift, latency.
//! * [`capture`] — the sources, their supervision, redaction, the way into the journal.
//! * [`sql`] — read-only SQL: the gate, the sandboxed worker process, the views.
//! * [`index`] — semantic search: knowledge units, the embedding model, the Lance table, hybrid queries.
//! * [`replay`] — recorded games walked forward and back, an own account that trades in them, games proven
//!   from their seeds.
//! * [`chart`] — a game's price path as a picture.
//! * [`verify`] — the protocol explorer: checks of statements, marks with their evidence.
//! * [`simulator`] — a local rugs.fun that plays provably fair games with the real packet shapes.
//! * [`server`] — the MCP server on stdio: wiring, limits, the stdout guard. The only home of MCP types
//!   besides the three folders below.
//! * [`tools`], [`resources`], [`prompts`] — one file per MCP tool, resource and prompt.
//! * [`cli`] — one file per command family.

pub mod capture;
pub mod chart;
pub mod cli;
#[cfg(test)]
mod growth;
pub mod index;
#[cfg(test)]
#[path = "../tests/common/needs.rs"]
mod needs;
#[cfg(test)]
mod real_captures;
pub mod replay;
pub mod server;
pub mod state;
pub mod verify;

#[doc(inline)]
pub use replayer_game as game;
#[doc(inline)]
pub use replayer_legacy as legacy;
#[doc(inline)]
pub use replayer_protocol as protocol;
#[doc(inline)]
pub use replayer_simulator as simulator;
#[doc(inline)]
pub use replayer_sql as sql;
#[doc(inline)]
pub use replayer_store as store;

#[path = "../prompts/mod.rs"]
pub mod prompts;
#[path = "../resources/mod.rs"]
pub mod resources;
#[path = "../tools/mod.rs"]
pub mod tools;
