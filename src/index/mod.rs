//! The semantic index: knowledge units, made from the shipped reference and from what the store holds.

pub mod facts_store;
pub mod units;
