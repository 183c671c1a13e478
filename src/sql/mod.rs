//! Read-only SQL over the store.
//!
//! DuckDB is C++, and agent SQL is untrusted text; neither may endanger a recording. So queries run in child
//! processes (`replayer sql-worker`), and this module has two sides:
//!
//! * Parent: [`client`] keeps a pool of workers, hands out queries, kills what does not stop.
//! * Worker: [`worker`] is the child's main loop. A text passes the [`gate`], then the [`engine`] runs it over the
//!   [`views`] (some of which are [`derived`] elsewhere, and `games` is made of the records in [`replayer_game`]) with our own [`functions`] beside DuckDB's; [`cells`] turns the rows into JSON. The [`sandbox`] has taken the process's rights before.
//!
//! Between them [`protocol`] is spoken over pipes; both sides share [`error`].

pub mod cells;
pub mod client;
pub mod derived;
pub mod engine;
pub mod error;
pub mod functions;
mod games;
pub mod gate;
pub mod near;
pub mod protocol;
mod repeats;
pub mod sandbox;
mod tail;
mod ticks;
pub mod views;
pub mod worker;

pub use client::{BatchStream, Config, Query, SqlClient};
pub use error::SqlError;
pub use protocol::{Column, Limit, QueryResult};

#[cfg(test)]
mod tests;
