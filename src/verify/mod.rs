//! What is known about the protocol, how well, and who says so.
//!
//! * [`check`] — statements about the protocol, run over the data.

pub mod check;
