//! The semantic index: what an agent finds when it asks in its own words.
//!
//! * [`embed`] — texts into vectors: the model on disk, or a service over HTTP.

pub mod embed;
