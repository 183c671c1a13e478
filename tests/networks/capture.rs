//! The program's capture, as far as the public feed needs it, and what is tested with it: in this module, because it
//! looks behind what the capture shows to others.

#[path = "../../src/capture/as_bytes.rs"]
#[allow(dead_code, unused_imports)]
mod as_bytes;
#[path = "../../src/capture/clock.rs"]
#[allow(dead_code, unused_imports)]
mod clock;
#[path = "../../src/capture/events.rs"]
#[allow(dead_code, unused_imports)]
pub mod events;
#[path = "../../src/capture/metrics/mod.rs"]
#[allow(dead_code, unused_imports)]
pub mod metrics;
#[path = "../../src/capture/public_feed/mod.rs"]
#[allow(dead_code, unused_imports)]
mod public_feed;
#[path = "../../src/capture/report.rs"]
#[allow(dead_code, unused_imports)]
pub mod report;
#[path = "../../src/capture/sink.rs"]
#[allow(dead_code, unused_imports)]
pub mod sink;

#[cfg(fuzzing)]
pub use public_feed::read_packets;
pub use replayer_store::redact;

#[path = "check.rs"]
pub(crate) mod check;
#[path = "kept.rs"]
mod kept;
#[path = "world.rs"]
pub(crate) mod world;
