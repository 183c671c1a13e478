//! What the wire says: frames, events, phases, provably fair prices. Pure functions, no I/O.

pub mod fairness;
