//! What is known about the protocol, how well, and who says so.
//!
//! * [`subject`] — what statements and marks are about, and its stable key. [`mark`] — what was proposed and decided, and by
//!   which rules. [`evidence`] — the stored frames behind it. [`log`] — all of it in order, in a chain that shows a change.
//! * [`reviews`] — proposing, deciding, the queue, the history, rechecks. [`shipped`] — the proposals that come with the
//!   program.
//! * [`explore`] — every event and field, from the data and the documents. [`check`] — statements about the protocol,
//!   run over the data. [`document`] — documents generated from both.

pub mod check;
pub mod document;
pub mod evidence;
pub mod explore;
pub mod log;
pub mod mark;
pub mod reviews;
pub mod shipped;
pub mod subject;
