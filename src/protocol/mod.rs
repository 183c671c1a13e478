//! What the wire says: frames, events, phases, provably fair prices. Pure functions, no I/O.

pub mod catalogue;
pub mod facts;
pub mod fairness;
pub mod frame;
pub mod identity;
pub mod json;
pub mod line;
#[cfg(test)]
#[path = "../../tests/common/needs.rs"]
mod needs;
pub mod path;
pub mod payload;
pub mod phase;
pub mod pick;
pub mod price;
pub mod reading;
pub mod requests;
pub mod sidebet;
