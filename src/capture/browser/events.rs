//! The types of `system_event` that the browser's capture writes besides the common ones of
//! [`crate::capture::events`]. `details` is a JSON object with the fields named here. Of URLs only the origin is
//! kept: paths and queries carry secrets.

/// Attached to a browser: `address`, `browser` (its product and version), `attempt`.
pub const BROWSER_CONNECTED: &str = "browser_connected";

/// The browser is gone, or the connection to it: `reason`, `connected_ms`, `open_sockets`,
/// `received` (frames).
pub const BROWSER_LOST: &str = "browser_lost";

/// A page opened a socket of rugs.fun: `socket_id`, `origin`, `page` (origin of the page), `target` (`page`,
/// `worker`, …).
pub const SOCKET_OPENED: &str = "socket_opened";

/// A socket whose opening was not seen speaks rugs.fun: fields of [`SOCKET_OPENED`] without `origin`; `frames_kept`
/// were seen before and follow, `frames_lost` were too many to keep.
pub const SOCKET_ADOPTED: &str = "socket_adopted";

/// A socket of rugs.fun ended: `socket_id`, `reason`, `open_ms`, `received`, `sent`.
pub const SOCKET_CLOSED: &str = "socket_closed";

/// Chrome reports an error of a socket: `socket_id`, `error`.
pub const SOCKET_ERROR: &str = "socket_error";

/// The server refused the handshake: `socket_id`, `status` (of HTTP).
pub const SOCKET_REFUSED: &str = "socket_refused";

/// A tab crashed: `page`, `status`.
pub const TARGET_CRASHED: &str = "target_crashed";

/// Chrome's clock and the wall clock had come apart; times are mapped anew: `by_us`.
pub const CLOCK_ADJUSTED: &str = "clock_adjusted";
