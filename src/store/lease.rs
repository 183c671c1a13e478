//! The writer lease: an OS file lock on `run/writer.lock`. Whoever holds it writes; when the holder dies, the
//! kernel drops it. The semantic index, which is derived, has a lock of its own: it can be built while something
//! records.

use std::io::{Read, Seek, Write};

use super::StoreError;
use super::fsio::{self, File, TryLockError};
use super::root::DataRoot;

/// The right to write to a data root, held until dropped.
#[derive(Debug)]
pub struct Lease {
    file: File,
}

/// Unlocked and not only closed: a process that this one is starting on another thread holds a copy of the file until it
/// runs its own program, and with the copy the lock.
impl Drop for Lease {
    fn drop(&mut self) {
        if let Err(error) = self.file.unlock() {
            tracing::warn!(%error, "releasing a lock");
        }
    }
}

/// File of the writer lease in `run/`.
const WRITER: &str = "writer.lock";

/// File of the index lock in `run/`.
const INDEX: &str = "index.lock";

/// Whether locking failed because the disk cannot, and not because it fails.
fn knows_no_locks(error: &std::io::Error) -> bool {
    /// ENOLCK, which has no kind of its own: as NFS without its lock service answers.
    const NO_LOCKS: i32 = if cfg!(target_os = "macos") { 77 } else { 37 };
    error.kind() == std::io::ErrorKind::Unsupported || error.raw_os_error() == Some(NO_LOCKS)
}

/// How it is with the right to write.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum LeaseState {
    /// Nobody writes.
    Free,
    /// A process writes; what it said of itself.
    Held(String),
    /// The disk knows no locks, for this reason: nobody can write, because two might.
    Unlockable(String),
}

impl Lease {
    /// Takes the lease; `purpose` is told to whoever wants it meanwhile.
    ///
    /// # Errors
    /// [`StoreError::Leased`] when another process holds it.
    pub fn take(root: &DataRoot, purpose: &str) -> Result<Lease, StoreError> {
        Lease::lock(root, WRITER, purpose)?
            .map_err(|holder| StoreError::Leased { root: root.path().to_owned(), holder })
    }

    /// Takes the right to write the semantic index.
    ///
    /// # Errors
    /// [`StoreError::Indexing`] when another process writes it.
    pub fn index(root: &DataRoot, purpose: &str) -> Result<Lease, StoreError> {
        Lease::lock(root, INDEX, purpose)?
            .map_err(|holder| StoreError::Indexing { root: root.path().to_owned(), holder })
    }

    /// Who holds the lease, `None` when nobody does, or the disk knows no locks ([`Lease::state`] tells).
    pub fn holder(root: &DataRoot) -> Option<String> {
        match Lease::state(root) {
            LeaseState::Held(holder) => Some(holder),
            LeaseState::Free | LeaseState::Unlockable(_) => None,
        }
    }

    /// How it is with the lease.
    pub fn state(root: &DataRoot) -> LeaseState {
        let path = root.run_dir().join(WRITER);
        let Ok(file) = File::open(&path) else { return LeaseState::Free };
        match file.try_lock_shared() {
            Ok(()) => LeaseState::Free,
            Err(TryLockError::WouldBlock) => {
                LeaseState::Held(String::from_utf8_lossy(&fsio::read(&path).unwrap_or_default()).trim().to_owned())
            }
            Err(TryLockError::Error(error)) => LeaseState::Unlockable(error.to_string()),
        }
    }

    /// Locks a file of `run/`; the inner error is what its holder said of itself.
    fn lock(root: &DataRoot, name: &str, purpose: &str) -> Result<Result<Lease, String>, StoreError> {
        let path = root.run_dir().join(name);
        let mut file = File::open_or_create(&path).map_err(StoreError::io("open", &path))?;
        match file.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => {
                let mut holder = String::new();
                let _ = file.read_to_string(&mut holder);
                let holder = if holder.trim().is_empty() { "it did not say who it is" } else { holder.trim() };
                return Ok(Err(holder.to_owned()));
            }
            Err(TryLockError::Error(error)) if knows_no_locks(&error) => {
                return Err(StoreError::Unlockable { path, reason: error.to_string() });
            }
            Err(TryLockError::Error(error)) => return Err(StoreError::io("lock", &path)(error)),
        }
        let text =
            format!("`replayer {purpose}`, process {}, since {}\n", std::process::id(), jiff::Timestamp::now());
        // For people only: the lock itself is what counts, so a full disk does not matter here.
        let _ = file.set_len(0).and_then(|()| file.rewind()).and_then(|()| file.write_all(text.as_bytes()));
        Ok(Ok(Lease { file }))
    }
}
