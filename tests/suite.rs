//! All black-box tests in one binary: every test binary links DuckDB and Lance again.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing, clippy::print_stdout)]

mod agreeing;
mod apps;
mod capture;
mod charts;
mod common;
#[cfg(target_os = "linux")]
mod durability;
mod fairness;
mod guardrails;
mod interop;
mod legacy;
mod live;
mod protocol;
mod replay;
mod search;
mod server;
mod sql;
mod store;
mod surfaces;
mod verify;
