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

/// Frames may be missing: nothing was captured by this source from `from_us`, the time of the last frame before, to
/// `to_us`. Also `downtime_ms`, `attempts`, `reason`. Within one process the downtime is measured by the monotonic clock:
/// when the wall clock was set meanwhile, it is not the difference of the two times.
pub const GAP: &str = "gap";

/// The wall clock was set by more than two seconds, or the machine slept: `wall_before_us` and `wall_after_us`, between
/// which `elapsed_ms` passed by the monotonic clock, and `jump_ms`, how far the wall clock went ahead of it (negative:
/// back). Times behind it cannot be compared with those before; `seq` says what came first.
pub const CLOCK_JUMPED: &str = "clock_jumped";

/// A binary message, which the store of texts cannot hold as a frame: `socket_id`, `direction`, `bytes` (its length),
/// `sha256`, `gzip` when it begins like a gzip stream, and its bytes: `base64` (of the first MiB), `piece` (1) of
/// `pieces`. `cut` when it was longer than 64 MiB: then only its first MiB is kept, and length and digest are those of
/// the whole. `withheld` when it may hold a credential: then its bytes are not kept.
pub const BINARY_MESSAGE: &str = "binary_message";

/// A text that is no frame: as [`BINARY_MESSAGE`], and `reason`: `not_utf8`, `too_long` (above 16 MiB; through a browser
/// above 36 MiB), or `extension` (compressed, say, without an agreement). `redacted` when credentials were taken out
/// before it was coded: `bytes` and `sha256` are those of the message as it came.
pub const MESSAGE_AS_BYTES: &str = "message_as_bytes";

/// The next MiB of a message that is kept as bytes: `socket_id`, `direction`, `sha256` (of the message, as in its first
/// event), `piece` (from 2) of `pieces`, `base64`.
pub const MESSAGE_PIECE: &str = "message_piece";

/// What Chrome said of a frame cannot be read: `bytes`, `reason`.
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
