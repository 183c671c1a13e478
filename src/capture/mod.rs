//! Live capture. (Stub of the branch `browser`: the helper FEED owns this file.)
pub mod redact;
