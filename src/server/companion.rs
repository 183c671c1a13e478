//! The process that keeps the semantic index up to date while this one records: `replayer index follow`. Its memory
//! is the model's, not the recorder's, and nothing that goes wrong in it can touch a frame. It ends when its stdin
//! ends, so also when this process is killed.

use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use tokio::sync::watch;
use tokio_util::sync::CancellationToken;

use crate::capture::Role;

/// After a companion ended by itself, the next one is started this much later.
const RETRY: Duration = Duration::from_secs(60);

/// How often it is looked after.
const LOOK: Duration = Duration::from_millis(250);

/// Keeps a companion while this process records, until `stop`; a thread of its own, which ends soon after.
///
/// # Errors
/// When the system gives no thread.
pub fn accompany(
    root: impl Into<PathBuf>,
    role: watch::Receiver<Role>,
    stop: CancellationToken,
) -> std::io::Result<JoinHandle<()>> {
    let mut companion = Companion::new(root);
    std::thread::Builder::new().name("index-companion".into()).spawn(move || {
        while !stop.is_cancelled() {
            companion.tend(matches!(*role.borrow(), Role::Capturing { .. }));
            std::thread::sleep(LOOK);
        }
    })
}

/// Starts the companion while it is wanted, ends it when it is not.
struct Companion {
    root: PathBuf,
    child: Option<Child>,
    not_before: Option<Instant>,
}

impl Companion {
    /// None is running yet.
    fn new(root: impl Into<PathBuf>) -> Companion {
        Companion { root: root.into(), child: None, not_before: None }
    }

    /// To be called now and then: starts or ends the process, and starts it again when it ended by itself.
    fn tend(&mut self, wanted: bool) {
        if let Some(child) = &mut self.child
            && let Ok(Some(status)) = child.try_wait()
        {
            tracing::warn!(%status, "the index is not kept up to date for a minute: `replayer index follow` ended");
            self.child = None;
            self.not_before = Some(Instant::now() + RETRY);
        }
        match (wanted, self.child.is_some()) {
            (true, false) if self.not_before.is_none_or(|at| Instant::now() >= at) => self.start(),
            (false, true) => self.end(),
            _ => {}
        }
    }

    fn start(&mut self) {
        let program = std::env::current_exe().unwrap_or_else(|_| PathBuf::from("replayer"));
        let started = Command::new(program)
            .args(["index", "follow", "--no-fetch", "--data"])
            .arg(&self.root)
            .stdin(Stdio::piped())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn();
        match started {
            Ok(child) => self.child = Some(child),
            Err(error) => {
                tracing::warn!(%error, "the index is not kept up to date: `replayer index follow` cannot be started");
                self.not_before = Some(Instant::now() + RETRY);
            }
        }
    }

    fn end(&mut self) {
        if let Some(mut child) = self.child.take() {
            // The end of its stdin asks it to end; an update that it is in the middle of is repeated next time.
            drop(child.stdin.take());
            let asked = Instant::now();
            while asked.elapsed() < Duration::from_millis(300) {
                if matches!(child.try_wait(), Ok(Some(_)) | Err(_)) {
                    return;
                }
                std::thread::sleep(Duration::from_millis(10));
            }
            let _ = child.kill();
            let _ = child.wait();
        }
    }
}

impl Drop for Companion {
    fn drop(&mut self) {
        self.end();
    }
}
