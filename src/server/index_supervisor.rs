//! The process that keeps the semantic index up to date while this one records: `replayer index follow`. Its memory
//! is the model's, not the recorder's, and nothing that goes wrong in it can touch a frame. It ends when its stdin
//! ends, so also when this process is killed.

use std::io::{BufRead, BufReader, Read};
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use tokio::sync::watch;
use tokio_util::sync::CancellationToken;

use crate::capture::Role;

/// After an index process ended by itself, the next one is started this much later.
const RETRY: Duration = Duration::from_secs(60);

/// How often it is looked after.
const LOOK: Duration = Duration::from_millis(250);

/// When recording ends, the index process may go on so long with what came last; what it does not finish is done by the next.
const LAST_ROUND: Duration = Duration::from_secs(2);

/// Keeps an index process while this process records, on a thread of its own.
///
/// # Errors
/// When the system gives no thread.
pub fn supervise(root: impl Into<PathBuf>, role: watch::Receiver<Role>) -> std::io::Result<Supervised> {
    let (stop, mut index_process) = (CancellationToken::new(), IndexProcess::new(root));
    let asked = stop.clone();
    let thread = std::thread::Builder::new().name("index-process".into()).spawn(move || {
        while !asked.is_cancelled() {
            index_process.keep_running(matches!(*role.borrow(), Role::Capturing { .. }));
            std::thread::sleep(LOOK);
        }
        index_process.end(LAST_ROUND);
    })?;
    Ok(Supervised { stop, thread: Some(thread) })
}

/// an index process is kept. Dropping this ends it soon after; [`Supervised::finish`] waits for it.
#[derive(Debug)]
pub struct Supervised {
    stop: CancellationToken,
    thread: Option<JoinHandle<()>>,
}

impl Supervised {
    /// Lets the index process take in what was sealed last, and ends it; in some seconds at most.
    pub async fn finish(mut self) {
        self.stop.cancel();
        if let Some(thread) = self.thread.take() {
            let _ = tokio::task::spawn_blocking(move || thread.join()).await;
        }
    }
}

impl Drop for Supervised {
    fn drop(&mut self) {
        self.stop.cancel();
    }
}

/// Starts the index process while it is wanted, ends it when it is not.
struct IndexProcess {
    root: PathBuf,
    child: Option<Child>,
    not_before: Option<Instant>,
}

impl IndexProcess {
    /// None is running yet.
    fn new(root: impl Into<PathBuf>) -> IndexProcess {
        IndexProcess { root: root.into(), child: None, not_before: None }
    }

    /// To be called now and then: starts or ends the process, and starts it again when it ended by itself.
    fn keep_running(&mut self, wanted: bool) {
        if let Some(child) = &mut self.child
            && let Ok(Some(status)) = child.try_wait()
        {
            tracing::warn!(%status, "the index is not kept up to date for a minute: `replayer index follow` ended");
            self.child = None;
            self.not_before = Some(Instant::now() + RETRY);
        }
        match (wanted, self.child.is_some()) {
            (true, false) if self.not_before.is_none_or(|at| Instant::now() >= at) => self.start(),
            (false, true) => self.end(LAST_ROUND),
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
            .stderr(Stdio::piped())
            .spawn();
        match started {
            Ok(mut child) => {
                if let Some(stderr) = child.stderr.take() {
                    pass_on(stderr);
                }
                self.child = Some(child);
            }
            Err(error) => {
                tracing::warn!(%error, "the index is not kept up to date: `replayer index follow` cannot be started");
                self.not_before = Some(Instant::now() + RETRY);
            }
        }
    }

    fn end(&mut self, limit: Duration) {
        if let Some(mut child) = self.child.take() {
            // The end of its stdin asks it to end; an update that it does not finish is repeated next time.
            drop(child.stdin.take());
            let asked = Instant::now();
            while asked.elapsed() < limit {
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

/// A longer line is passed on in pieces, bytes.
const LONGEST_LINE: u64 = 4096;

/// Writes what the index process says on its stderr into our log, line by line, on a thread that ends with the index process.
/// Not straight to our own stderr: on a terminal a line of progress is there.
fn pass_on(stderr: impl Read + Send + 'static) {
    let passing = std::thread::Builder::new().name("index-log".into()).spawn(move || {
        each_line(stderr, |line| tracing::info!("replayer index follow: {line}"));
    });
    if let Err(error) = passing {
        tracing::warn!(%error, "what `replayer index follow` says is lost: the system gives no thread");
    }
}

/// Hands over each line, without its end and whatever would steer a terminal.
fn each_line(source: impl Read, mut each: impl FnMut(&str)) {
    let mut source = BufReader::new(source);
    let mut line = Vec::new();
    while source.by_ref().take(LONGEST_LINE).read_until(b'\n', &mut line).is_ok_and(|count| count > 0) {
        let text: String = String::from_utf8_lossy(&line).chars().filter(|c| !c.is_control()).collect();
        if !text.is_empty() {
            each(&text);
        }
        line.clear();
    }
}

impl Drop for IndexProcess {
    fn drop(&mut self) {
        self.end(Duration::from_millis(300));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_line_of_the_companion_is_passed_on_whatever_is_in_it() {
        let mut lines = Vec::new();
        let said = [b"one\r\n\n\x1b[2Jtwo \xff\n".as_slice(), &vec![b'x'; 5000], b"\nlast"].concat();
        each_line(said.as_slice(), |line| lines.push(line.to_owned()));
        let lengths: Vec<usize> = lines.iter().map(String::len).collect();
        assert_eq!(lines.iter().map(String::as_str).take(2).collect::<Vec<_>>(), ["one", "[2Jtwo \u{fffd}"]);
        assert_eq!(
            (lengths.get(2..), lines.last().map(String::as_str)),
            (Some([4096, 904, 4].as_slice()), Some("last"))
        );
    }
}
