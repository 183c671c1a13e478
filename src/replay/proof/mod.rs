//! Fairness: what was recorded of a game against what its revealed seed gives, and how complete the capture was.
//!
//! * [`evidence`] — everything recorded of one game: each price with what told it. [`read`] — gathers it from the
//!   store, sealed or not.
//! * [`verdict`] — proven, differs (where first), or unproven (why). Pure. [`seeds`] — which games can be proven.
//! * [`background`] — proves games when their seed comes, in the process that records, and stores the result.
//! * [`audit`] — of all ticks that were played: captured, repaired from what, unknown; [`connections`] — when a
//!   recorder was connected.
//! * [`sidebets`], [`god_candles`] — outcomes and daily records recomputed.
//! * [`check`] — all of it for some games of a store.
//!
//! The algorithm itself is [`crate::protocol::fairness`]; how a proof is stored is [`crate::store::proof`].

pub mod audit;
pub mod background;
pub mod check;
pub mod connections;
pub mod evidence;
pub mod god_candles;
pub mod read;
pub mod seeds;
pub mod sidebets;
pub mod verdict;

pub use audit::Audit;
pub use evidence::{Evidence, Origin};
pub use verdict::{Proof, Verdict};
