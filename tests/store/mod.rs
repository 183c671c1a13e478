//! The store, tested by killing processes, filling disks and damaging files.

mod bad_input;
mod durability;
mod exporting;
mod games;
mod life_of_a_row;
mod migration;
mod pruning;
mod repairing;
