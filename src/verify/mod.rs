//! What is known about the protocol, how well, and who says so.
//!
//! * [`document`] — documents generated from both.
//! * [`explore`] — every event and field, from the data and the documents. [`check`] — statements about the protocol,
//!   run over the data.

pub mod check;
pub mod document;
pub mod explore;
