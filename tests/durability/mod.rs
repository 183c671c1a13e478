//! The power goes while the unmodified binary records, seals, imports, compacts, prunes, migrates or marks; what the disk
//! has kept is mounted again and compared with lists of our own.
//!
//! * `campaign`: how many cuts, with which seeds, on how many threads; what the report says.
//! * `life`: the life of one data root, cut after cut.
//! * `works`: what is going on when the power goes.
//! * `list`: what has to be there afterwards, and what may be.
//! * `exported`: what is there, as the binary says it.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

mod campaign;
mod exported;
mod life;
mod list;
mod works;

/// 200 cuts with fixed seeds. A long run: `REPLAYER_POWER_CUTS=10000`; one life again: `REPLAYER_POWER_CUT_SEED=17
/// REPLAYER_POWER_CUTS=20`. With `REPLAYER_POWER_CUT_KEEP=FOLDER` the disks of failed lives are kept there as files.
#[test]
fn a_power_cut_loses_nothing_that_was_promised_and_doubles_nothing() {
    let Some(report) = campaign::run(&campaign::Effort::asked()) else { return };
    println!("{report}");
    assert!(report.failures.is_empty(), "{report}");
}
