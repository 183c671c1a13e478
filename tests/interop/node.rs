//! Node scripts as child processes that speak JSON lines.

use std::io::{BufRead, BufReader, Write};
use std::process::{Child, ChildStdin, Command, Stdio};
use std::sync::mpsc::{Receiver, RecvTimeoutError, channel};
use std::time::Instant;

use serde_json::Value;

use crate::common::needs;
use crate::common::waiting::TIMEOUT;

/// A running script.
pub struct Node {
    child: Child,
    stdin: Option<ChildStdin>,
    lines: Receiver<Value>,
    _folder: tempfile::TempDir,
}

impl Node {
    /// Starts `script`; None when the official packages are not installed.
    #[track_caller]
    pub fn start(script: &str, args: &[&str], environment: &[(&str, &str)]) -> Option<Node> {
        let modules = needs::socket_io()?;
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("script.js");
        std::fs::write(&path, script).unwrap();
        let mut child = Command::new("node")
            .arg(&path)
            .args(args)
            .env("NODE_PATH", modules)
            .envs(environment.iter().copied())
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .expect("node is not installed");
        let (told, lines) = channel();
        let stdout = BufReader::new(child.stdout.take().unwrap());
        std::thread::spawn(move || {
            for line in stdout.lines().map_while(Result::ok) {
                let value = serde_json::from_str(&line).unwrap_or_else(|error| panic!("{error}: {line}"));
                if told.send(value).is_err() {
                    return;
                }
            }
        });
        let stdin = child.stdin.take();
        Some(Node { child, stdin, lines, _folder: folder })
    }

    /// The next line.
    pub fn next(&self) -> Value {
        match self.lines.recv_timeout(TIMEOUT) {
            Ok(value) => value,
            Err(RecvTimeoutError::Timeout) => panic!("the script said nothing in {TIMEOUT:?}"),
            Err(RecvTimeoutError::Disconnected) => panic!("the script ended"),
        }
    }

    /// All lines up to the first that is as wanted.
    pub fn until(&self, wanted: impl Fn(&Value) -> bool) -> Vec<Value> {
        let deadline = Instant::now() + TIMEOUT;
        let mut seen = Vec::new();
        while Instant::now() < deadline {
            let line = self.next();
            let found = wanted(&line);
            seen.push(line);
            if found {
                return seen;
            }
        }
        panic!("it did not come in {TIMEOUT:?}");
    }

    /// Gives a command and returns what happened until it was done.
    pub fn command(&mut self, command: &str) -> Vec<Value> {
        writeln!(self.stdin.as_mut().unwrap(), "{command}").unwrap();
        self.until(|line| line["event"] == "done")
    }
}

impl Drop for Node {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
