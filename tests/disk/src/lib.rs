//! A disk that loses power: a FUSE file system in memory, under programs that know nothing of it.
//!
//! Writes, truncations, creations, renames and removals change what programs see at once, and nothing else: they survive
//! a power cut only after `fsync` of the file, or of the folder whose entries changed. At a chosen operation the power
//! goes: from then on everything fails with `EIO`, and what has survived can be mounted again.
//!
//! # What a disk may do to what was not synced
//! * Lose all of it ([`Fate::Lost`]), or keep what came before some moment ([`Fate::Prefix`]).
//! * Tear a write ([`Fate::Torn`]): it reaches the disk up to the end of a sector (512 bytes), or with sectors missing in
//!   its middle, or only the file's new length does; what is missing is what was there before, or zeros.
//! * Write in another order ([`Fate::Shuffled`]): any of the changes, without those before them. A file can have its new
//!   name without its content.
//!
//! A sector is whole: it holds what the file held there at one moment. A change of a folder's entry is whole, a rename
//! too. Permissions and times are not modelled: they are durable at once.
//!
//! # What `fsync` promises
//! [`Rules::Strict`] is POSIX by the letter: `fsync` of a new file does not make its name durable, only that of its folder
//! does. [`Rules::Journaled`] is what ext4 does: entries of all folders reach the disk in their order, and any `fsync`
//! takes all of them along that were there before it.
//!
//! # Layout
//! * `random`: the numbers that decide; the same seed gives the same cut.
//! * `image`: files and folders at one moment.
//! * `state`: what programs see, what is durable, what is pending between them.
//! * `moment`: the state when the power went, and what it may have left (`fate`).
//! * `requests`, `mount`: the kernel's side.
#![cfg(target_os = "linux")]

mod fate;
mod image;
mod moment;
mod mount;
mod random;
mod requests;
mod state;
#[cfg(test)]
mod tests;

pub use fate::Fate;
pub use image::Image;
pub use moment::{Moment, Written};
pub use mount::Disk;
pub use random::Random;
pub use state::Rules;

/// Bytes that the disk writes whole or not at all.
pub const SECTOR: usize = 512;
