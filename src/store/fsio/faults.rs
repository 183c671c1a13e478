//! Faults of the disk, for tests: the first, second, third … operation under a root fails in one of the ways that disks
//! fail in, whichever thread does it. Outside of tests this is nothing.

#[cfg(not(test))]
use std::io;
#[cfg(not(test))]
use std::path::Path;

/// What is done to the disk.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Operation {
    /// Opening a file or folder.
    Open,
    /// Creating a file or folder.
    Create,
    /// Reading.
    Read,
    /// Writing.
    Write,
    /// Cutting a file shorter.
    Cut,
    /// Waiting until it is durable.
    Sync,
    /// Asking for size, time, or whether it is there.
    Look,
    /// Listing a folder.
    List,
    /// Renaming.
    Rename,
    /// Removing.
    Remove,
    /// Locking.
    Lock,
}

/// Lets a test's fault happen instead of this operation.
///
/// # Errors
/// The fault.
#[cfg(not(test))]
#[inline(always)]
pub(super) fn reached(_: Operation, _: &Path) -> io::Result<()> {
    Ok(())
}

#[cfg(test)]
pub(crate) use disks::{Disk, Fault};
#[cfg(test)]
pub(super) use disks::{reached, writing};

#[cfg(test)]
mod disks {
    use std::io;
    use std::ops::Deref;
    use std::path::{Path, PathBuf};
    use std::sync::{Arc, Mutex, MutexGuard, PoisonError, RwLock};

    use super::Operation;

    /// How the disk fails.
    #[derive(Debug, Clone, Copy, PartialEq, Eq)]
    pub(crate) enum Fault {
        /// One operation that needs room finds none.
        Full,
        /// One operation of any kind is answered with an input/output error.
        Broken,
        /// One write takes half of its bytes, and the next write to that file finds no room.
        Short,
        /// The same, and from then on no file can be cut, until the disk is mended.
        Uncut,
        /// So many operations of any kind fail, one after the other.
        For(usize),
    }

    /// The disk under one root, as a test wants it.
    #[derive(Debug)]
    pub(crate) struct Disk {
        under: PathBuf,
        state: Mutex<State>,
    }

    #[derive(Debug, Default)]
    struct State {
        plan: Option<(usize, Fault)>,
        /// Operations so far that the plan counts.
        count: usize,
        /// The file whose next write finds no room.
        no_room: Option<PathBuf>,
        /// What failed.
        failed: Vec<(Operation, PathBuf)>,
        is_ignored: bool,
    }

    static DISKS: RwLock<Vec<Arc<Disk>>> = RwLock::new(Vec::new());

    /// A [`Disk`] in use until this is dropped.
    pub(crate) struct Faulty(Arc<Disk>);

    impl Deref for Faulty {
        type Target = Disk;
        fn deref(&self) -> &Disk {
            &self.0
        }
    }

    impl Drop for Faulty {
        fn drop(&mut self) {
            let mut disks = DISKS.write().unwrap_or_else(PoisonError::into_inner);
            disks.retain(|disk| !Arc::ptr_eq(disk, &self.0));
        }
    }

    impl Disk {
        /// The disk under `path`, without a fault yet.
        pub(crate) fn under(path: &Path) -> Faulty {
            let disk = Arc::new(Disk { under: path.to_owned(), state: Mutex::default() });
            DISKS.write().unwrap_or_else(PoisonError::into_inner).push(disk.clone());
            Faulty(disk)
        }

        fn state(&self) -> MutexGuard<'_, State> {
            self.state.lock().unwrap_or_else(PoisonError::into_inner)
        }

        /// Lets the operation `at`, counted from 1 and from now, fail; of those that can fail in this way.
        pub(crate) fn fail(&self, at: usize, fault: Fault) {
            *self.state() = State { plan: Some((at, fault)), ..State::default() };
        }

        /// Ends the fault.
        pub(crate) fn mend(&self) {
            let mut state = self.state();
            state.plan = None;
            state.no_room = None;
        }

        /// Runs `action` on a disk without faults, without counting its operations.
        pub(crate) fn ignoring<T>(&self, action: impl FnOnce() -> T) -> T {
            self.state().is_ignored = true;
            let result = action();
            self.state().is_ignored = false;
            result
        }

        /// What failed so far, and where.
        pub(crate) fn failed(&self) -> Vec<(Operation, PathBuf)> {
            self.state().failed.clone()
        }
    }

    enum Verdict {
        Done,
        Half,
        Fails(i32),
    }

    const EIO: i32 = 5;
    const ENOSPC: i32 = 28;

    impl Fault {
        fn can_happen_to(self, operation: Operation) -> bool {
            use Operation::{Create, Cut, Rename, Sync, Write};
            match self {
                Fault::Full => matches!(operation, Create | Cut | Rename | Sync | Write),
                Fault::Short | Fault::Uncut => operation == Write,
                Fault::Broken | Fault::For(_) => true,
            }
        }
    }

    impl State {
        fn verdict(&mut self, operation: Operation, path: &Path) -> Verdict {
            let (false, Some((at, fault))) = (self.is_ignored, self.plan) else { return Verdict::Done };
            let verdict = self.planned(at, fault, operation, path);
            if !matches!(verdict, Verdict::Done) {
                self.failed.push((operation, path.to_owned()));
            }
            verdict
        }

        fn planned(&mut self, at: usize, fault: Fault, operation: Operation, path: &Path) -> Verdict {
            if operation == Operation::Write && self.no_room.as_deref() == Some(path) {
                self.no_room = None;
                return Verdict::Fails(ENOSPC);
            }
            if fault == Fault::Uncut && operation == Operation::Cut && self.count >= at {
                return Verdict::Fails(EIO);
            }
            if !fault.can_happen_to(operation) {
                return Verdict::Done;
            }
            self.count += 1;
            match fault {
                Fault::Full if self.count == at => Verdict::Fails(ENOSPC),
                Fault::Broken if self.count == at => Verdict::Fails(EIO),
                Fault::For(many) if (at..at + many).contains(&self.count) => Verdict::Fails(EIO),
                Fault::Short | Fault::Uncut if self.count == at => {
                    self.no_room = Some(path.to_owned());
                    Verdict::Half
                }
                _ => Verdict::Done,
            }
        }
    }

    fn verdict(operation: Operation, path: &Path) -> Verdict {
        let disks = DISKS.read().unwrap_or_else(PoisonError::into_inner);
        let disk = disks.iter().find(|disk| path.starts_with(&disk.under));
        disk.map_or(Verdict::Done, |disk| disk.state().verdict(operation, path))
    }

    pub(crate) fn reached(operation: Operation, path: &Path) -> io::Result<()> {
        match verdict(operation, path) {
            Verdict::Fails(code) => Err(io::Error::from_raw_os_error(code)),
            Verdict::Done | Verdict::Half => Ok(()),
        }
    }

    /// The bytes that a write takes.
    pub(crate) fn writing<'b>(path: &Path, bytes: &'b [u8]) -> io::Result<&'b [u8]> {
        match verdict(Operation::Write, path) {
            Verdict::Fails(code) => Err(io::Error::from_raw_os_error(code)),
            Verdict::Half => Ok(bytes.get(..bytes.len() / 2).unwrap_or_default()),
            Verdict::Done => Ok(bytes),
        }
    }
}
