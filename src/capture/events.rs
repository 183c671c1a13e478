//! The types of `system_event` that the capture writes. `details` is a JSON object with the fields named here.
//!
//! A game's proof is written by [`crate::store::proof`]'s events.
//!
//! The fold reads connections from these words: `lost`, `closed`, `opened`, `connected` stand for nothing else.

/// A process took the lease and records: `origin`, `pid`, `build`, `sources`; `previous` when it takes over from a
/// process that did not end properly.
pub const CAPTURE_STARTED: &str = "capture_started";

/// The recording ends on purpose: `reason`.
pub const CAPTURE_STOPPED: &str = "capture_stopped";

/// A source is connected: `url`, `socket_id`, `attempt`, and what the server said in the handshake.
pub const CONNECTED: &str = "connected";

/// Connecting failed: `url`, `kind`, `reason`, `next_step`, `attempt`. Written at the first failure in a row and
/// when the reason changes; `gap` tells the number of attempts in the end.
pub const CONNECTION_FAILED: &str = "connection_failed";

/// A connection ended that was open: `url`, `socket_id`, `kind`, `reason`, `connected_ms`.
pub const CONNECTION_LOST: &str = "connection_lost";

/// Frames may be missing: nothing was captured by this source from `from_us` to `to_us`. Also `downtime_ms`,
/// `attempts`, `reason`.
pub const GAP: &str = "gap";

/// A binary message, which the store of texts cannot hold as a frame: `bytes`, `sha256`, `base64` (of the first
/// MiB; `cut` when there was more), `gzip` when it begins like a gzip stream.
pub const BINARY_MESSAGE: &str = "binary_message";

/// A frame longer than the journal takes: `bytes`, `sha256`, `text` (its first 4 KiB).
pub const FRAME_REFUSED: &str = "frame_refused";

/// The server's account and the one recomputed from own trades began to differ: `fields` (each with `local` and
/// `server`), `at` (the frame that showed it).
pub const DRIFT_OPENED: &str = "account_drift";

/// They agree again: `after_ms`, `why`, `at`.
pub const DRIFT_CLOSED: &str = "account_drift_over";

/// An event that the shipped catalogue does not know was seen for the first time: `event`, `direction`, `at`.
pub const NOVEL_EVENT: &str = "novel_event";

/// A known event had a field that the shipped catalogue does not know, for the first time: `event`, `path`, `type`, `at`.
pub const NOVEL_FIELD: &str = "novel_field";

/// A line of the verification log: `n`, `hash`, `what`, `subject`, `mark`, `mark_id`, `proposal_id`, and `line`, the line
/// itself.
pub const VERIFICATION: &str = "verification";
