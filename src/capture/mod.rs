//! Live capture: from the sources into the journal.
//!
//! * [`sink`] — the one way in: redact, queue, count. [`bus`] — what was stored, for listeners in this process.
//! * [`events`] — the system events that are written. [`board`] — how everything stands right now.

pub mod board;
pub mod bus;
pub mod events;
pub mod sink;

// MERGE(browser): the line below becomes `pub mod redact;` and `pub mod browser;` is added.
use crate::redact;

pub use board::SourceState;
pub use bus::Captured;
pub use sink::{Frame, Sink, SinkClosed};
