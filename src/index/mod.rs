//! The semantic index: knowledge texts, found by meaning and by keywords. Derived from the store and disposable.
//!
//! * [`units`] — the texts. [`embed`] — the model that turns them into vectors.
//! * [`words`] — identifiers, whole and split. [`table`] — the Lance table and its indexes.
//! * [`checkpoint`] — which table is in force and what it was made from. [`build`] — how it comes to be.
//! * [`ranking`] — several lists become one. [`query`] — a question and its hits. [`service`] — search in a server.
//! * [`facts_store`] — schema facts per part. [`gather`] — the units of a data root, all or what changed.
//! * [`live`] — the index of a store that is being recorded into.
//! * [`memory`] — keyword search without a table. [`eval`] — is it any good, in numbers.

pub mod build;
pub mod checkpoint;
pub mod embed;
pub mod error;
pub mod eval;
pub mod facts_store;
pub mod gather;
pub mod live;
pub mod memory;
pub mod query;
pub mod ranking;
pub mod service;
pub mod table;
pub mod units;
pub mod words;

#[cfg(test)]
mod testing;

pub use error::IndexError;
pub use query::{Filters, Found, Mode, Question, Reader};
pub use service::Service;
