//! Mounting a disk, and taking it away.

use std::io;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Arc;
use std::time::Duration;

use fuser::{BackgroundSession, Config, MountOption};

use crate::image::Image;
use crate::moment::Moment;
use crate::requests::{Requests, Shared};
use crate::state::{Rules, State};

/// A mounted disk. Dropping it unmounts it.
#[derive(Debug)]
pub struct Disk {
    shared: Arc<Shared>,
    folder: PathBuf,
    session: Option<BackgroundSession>,
}

/// How often unmounting is tried again while programs that were killed still have files open.
const TRIES: u32 = 200;

/// The time between two tries.
const PAUSE: Duration = Duration::from_millis(10);

impl Disk {
    /// Mounts a disk with this content over an empty folder.
    ///
    /// # Errors
    /// When the system does not let this process mount: it takes root and `/dev/fuse`.
    pub fn mount(image: Image, rules: Rules, folder: &Path) -> io::Result<Disk> {
        let owner = std::fs::metadata(folder)?;
        let shared = Shared::new(State::new(image, rules));
        let requests = Requests { shared: Arc::clone(&shared), owner: (owner.uid(), owner.gid()) };
        let mut config = Config::default();
        config.mount_options = vec![MountOption::FSName("power-cut".to_owned()), MountOption::NoAtime];
        let session = fuser::spawn_mount(requests, folder, &config)?;
        Ok(Disk { shared, folder: folder.to_owned(), session: Some(session) })
    }

    /// Changes and syncs so far.
    pub fn operations(&self) -> u64 {
        self.shared.lock().operations()
    }

    /// Lets the power go after the last of these operations (changes and syncs, from 1, counted from now); the disk
    /// remembers how it was after each of them. This replaces what was planned before.
    pub fn plan(&self, cuts: &[u64]) {
        self.shared.lock().plan(cuts);
    }

    /// Whether the power is gone.
    pub fn is_cut(&self) -> bool {
        self.shared.lock().is_cut()
    }

    /// The power goes now, unless it is gone already.
    pub fn cut(&self) {
        self.shared.lock().cut();
        self.shared.announce_cut();
    }

    /// Waits until the power is gone; `false` when it is still there after `longest`.
    pub fn wait_for_cut(&self, longest: Duration) -> bool {
        self.shared.wait_for_cut(longest)
    }

    /// Unmounts the disk, and gives its moments: one after each of the operations that were planned, the last one
    /// being the cut. Programs that still use it have to be killed before.
    ///
    /// # Errors
    /// When the system does not unmount it.
    pub fn moments(mut self) -> io::Result<Vec<Moment>> {
        self.unmount()?;
        Ok(self.shared.lock().take_moments())
    }

    /// Unmounts the disk in peace: everything on it is durable.
    ///
    /// # Errors
    /// As [`Disk::moments`].
    pub fn unmounted(mut self) -> io::Result<Image> {
        self.unmount()?;
        Ok(self.shared.lock().whole())
    }

    /// Not by the session itself, which gives up while a program that was killed has not quite ended.
    fn unmount(&mut self) -> io::Result<()> {
        let Some(session) = self.session.take() else { return Ok(()) };
        for tries in 0.. {
            let mut command = Command::new("umount");
            // What is still open then must not keep it for ever.
            command.args((tries == TRIES).then_some("--lazy")).arg(&self.folder);
            let output = command.output()?;
            if output.status.success() {
                break;
            }
            if tries == TRIES {
                return Err(io::Error::other(String::from_utf8_lossy(&output.stderr).into_owned()));
            }
            std::thread::sleep(PAUSE);
        }
        session.join()
    }
}

impl Drop for Disk {
    fn drop(&mut self) {
        // There is nobody to hear of a failure; the session then unmounts what it can.
        let _ = self.unmount();
    }
}
