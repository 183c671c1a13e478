//! The public feed's client and the simulated rugs.fun on a network that a seed makes and breaks, in simulated time:
//! partitions, one way or both, messages that are held, half-open connections, servers and recorders that crash,
//! disks that stall, clocks that are set. In a process of its own, the same seed gives the same trace to the last byte; a
//! second run in one process may differ in the moment at which something comes, and it is not known why.
//!
//! The client is the program's own source, compiled here once more (`capture`), because simulated time is a feature of
//! tokio that the program is not built with. Its server is the simulator, its network turmoil. Only the journal is not
//! the real one: it keeps in memory what it was handed, and outlives a crash as the real one does.
//!
//! * `weather` — what befalls a run, from its seed. `world` — the hosts, and a run. `kept` — what was recorded.
//! * `check` — what must hold, whatever the weather.
#![allow(clippy::panic, clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing)]

use replayer_store as store;

mod capture;
mod weather;

pub use capture::check::Broken;
#[cfg(fuzzing)]
pub use capture::read_packets;
pub use capture::world::{Ran, run};
pub use weather::Weather;
