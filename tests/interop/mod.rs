//! The official Socket.IO packages against ours: their client on our simulator here; their server (`server.js`) for
//! our client.
//!
//! `scripts/socketio-interop-test` installs the packages and runs these tests; without them they are skipped.

mod node;
mod official_client;
mod official_server;
mod our_recorder;

/// The official server, to be driven over stdin.
pub const SERVER: &str = include_str!("server.js");
/// The official client.
const CLIENT: &str = include_str!("client.js");
