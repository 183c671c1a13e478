//! A thread in network and mount namespaces of its own: there is no network but its loopback, and each name that is
//! looked up in it reaches the test instead of a name server.

use std::io;
use std::net::UdpSocket;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

/// The names that are looked up in the thread and by the processes that it starts.
pub struct LookUps {
    socket: UdpSocket,
}

impl LookUps {
    /// The next name, as it is asked for within this time; `None` when there is none. It is not answered.
    pub fn next(&self, within: Duration) -> Option<String> {
        let until = Instant::now() + within;
        let mut packet = [0; 1500];
        loop {
            let left = until.saturating_duration_since(Instant::now());
            if left.is_zero() {
                return None;
            }
            self.socket.set_read_timeout(Some(left)).unwrap();
            match self.socket.recv(&mut packet) {
                Ok(size) => return Some(name(&packet[..size])),
                Err(error) if matches!(error.kind(), io::ErrorKind::Interrupted) => {}
                Err(error) if matches!(error.kind(), io::ErrorKind::WouldBlock | io::ErrorKind::TimedOut) => {}
                Err(error) => panic!("the look-ups cannot be read: {error}"),
            }
        }
    }
}

/// The name that a DNS question is about: after twelve bytes of header, labels with their lengths before them.
fn name(packet: &[u8]) -> String {
    let mut rest = packet.get(12..).unwrap_or_default();
    let mut labels = Vec::new();
    while let Some((&length @ 1.., after)) = rest.split_first() {
        let (label, after) = after.split_at(after.len().min(length.into()));
        labels.push(String::from_utf8_lossy(label).into_owned());
        rest = after;
    }
    labels.join(".")
}

/// Runs `work` in such a thread. The error is the reason why the system does not allow one: it takes root.
pub fn isolated<T: Send>(work: impl FnOnce(&LookUps) -> T + Send) -> Result<T, String> {
    let files = tempfile::tempdir().unwrap();
    let thread = || {
        leave().map_err(|error| format!("no network namespace can be made: {error}"))?;
        run("ip", &["link", "set", "lo", "up"])?;
        // What is mounted from here on is not seen outside, and goes with the last process in here.
        run("mount", &["--make-rprivate", "/"])?;
        // Names are asked for by DNS alone: a resolver daemon would be reached by a socket in the file system.
        cover("/etc/nsswitch.conf", "hosts: files dns\n", files.path())?;
        cover("/etc/resolv.conf", "nameserver 127.0.0.1\n", files.path())?;
        let socket = UdpSocket::bind("127.0.0.1:53").map_err(|error| format!("port 53: {error}"))?;
        let look_ups = LookUps { socket };
        // Without this, silence would prove nothing.
        let mut probe = Command::new("getent");
        probe.args(["hosts", "probe.invalid"]).stdout(Stdio::null()).stderr(Stdio::null());
        let mut probe = probe.spawn().map_err(|error| format!("getent: {error}"))?;
        let heard = look_ups.next(Duration::from_secs(10));
        probe.kill().and_then(|()| probe.wait()).map_err(|error| format!("getent: {error}"))?;
        assert_eq!(heard.as_deref(), Some("probe.invalid"), "look-ups do not reach the test");
        // The same question for another kind of address may be on its way.
        while let Some(name) = look_ups.next(Duration::from_millis(200)) {
            assert_eq!(name, "probe.invalid");
        }
        Ok(work(&look_ups))
    };
    std::thread::scope(|scope| match scope.spawn(thread).join() {
        Ok(done) => done,
        Err(panic) => std::panic::resume_unwind(panic),
    })
}

/// Takes the calling thread, and no other, into new network and mount namespaces.
#[expect(unsafe_code, reason = "a system call; its safe wrapper would turn on a feature that rebuilds everything")]
fn leave() -> io::Result<()> {
    // SAFETY: `unshare` takes flags and touches no memory; with these two it changes the calling thread alone.
    match unsafe { libc::unshare(libc::CLONE_NEWNET | libc::CLONE_NEWNS) } {
        0 => Ok(()),
        _ => Err(io::Error::last_os_error()),
    }
}

/// Mounts a file with this text over another file.
fn cover(path: &str, text: &str, files: &Path) -> Result<(), String> {
    let file = files.join(Path::new(path).file_name().unwrap());
    std::fs::write(&file, text).unwrap();
    run("mount", &["--bind", file.to_str().unwrap(), path])
}

fn run(program: &str, arguments: &[&str]) -> Result<(), String> {
    let failed = |why: &dyn std::fmt::Display| format!("{program} {}: {why}", arguments.join(" "));
    let output = Command::new(program).args(arguments).output().map_err(|error| failed(&error))?;
    match output.status.success() {
        true => Ok(()),
        false => Err(failed(&String::from_utf8_lossy(&output.stderr).trim())),
    }
}
