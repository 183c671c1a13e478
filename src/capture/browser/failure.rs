//! Why there is no browser (any more), in words that say what to do next.

use std::io;

use super::address::Address;
use super::advice;

/// Why there is no connection.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Failure {
    /// A word for programs: `refused`, `not_chrome`, `no_discovery`, `lost`, …
    pub kind: &'static str,
    /// What happened and why.
    pub reason: String,
    /// What the user can do.
    pub next_step: String,
}

impl Failure {
    pub(super) fn new(kind: &'static str, reason: impl Into<String>, next_step: impl Into<String>) -> Failure {
        Failure { kind, reason: reason.into(), next_step: next_step.into() }
    }

    /// The address cannot be read.
    pub(super) fn address(reason: String) -> Failure {
        Failure::new("address", reason, "Give the browser's address as http://127.0.0.1:9222")
    }

    /// No connection at all.
    pub(super) fn io(address: &Address, error: &io::Error) -> Failure {
        match error.kind() {
            io::ErrorKind::ConnectionRefused => Failure::new(
                "refused",
                format!(
                    "no Chrome listens on {address}. Either none was started with --remote-debugging-port, or it \
                     ignored the option: Chrome 136 and later do so without --user-data-dir, and a Chrome that \
                     runs already swallows it"
                ),
                format!("Start Chrome with a profile of its own: {}", advice::command(address.port)),
            ),
            io::ErrorKind::TimedOut => Failure::silent(address),
            _ => Failure::new(
                "unreachable",
                format!("{address} cannot be reached: {error}"),
                "Check host and port of the browser's address; Chrome listens on 127.0.0.1 only",
            ),
        }
    }

    /// Something took the connection and said nothing.
    pub(super) fn silent(address: &Address) -> Failure {
        Failure::new(
            "timeout",
            format!("{address} did not answer in time: it is no Chrome, or its machine sleeps"),
            "Check the port, and that no dialog in Chrome waits for an answer",
        )
    }

    /// Something answered, and it is no Chrome.
    pub(super) fn not_chrome(address: &Address, what: &str) -> Failure {
        Failure::new(
            "not_chrome",
            format!("{address} is no debugging port of Chrome: {what}"),
            format!(
                "Another program has that port. Take another one: {}",
                advice::command(next_port(address.port))
            ),
        )
    }

    /// Chrome with debugging allowed by its own page, which answers no questions over HTTP.
    pub(super) fn no_discovery(address: &Address) -> Failure {
        Failure::new(
            "no_discovery",
            format!(
                "{address} answers with 404: another program, or a Chrome in which debugging was allowed at \
                 chrome://inspect/#remote-debugging, which does not tell its address by itself"
            ),
            format!(
                "Give the whole address: ws://{address} with the second line of the file DevToolsActivePort of its \
                 profile behind it, and answer Chrome's question. Or start a Chrome of its own: {}",
                advice::command(next_port(address.port))
            ),
        )
    }

    /// Chrome refuses names; it takes addresses only.
    pub(super) fn host_refused(address: &Address) -> Failure {
        Failure::new(
            "host_refused",
            format!("the Chrome on {address} refuses to be called by that name"),
            "Give its IP address instead of its name, or forward the port to 127.0.0.1 (ssh -L)",
        )
    }

    /// The WebSocket was refused.
    pub(super) fn handshake(address: &Address, error: &str) -> Failure {
        let named = address.path.is_some();
        Failure::new(
            "handshake",
            format!("the browser on {address} refused the debugging connection: {error}"),
            if named {
                format!(
                    "The ws:// address is of an earlier run of Chrome, or its question was not answered. Give \
                     http://{address} instead, which survives restarts"
                )
            } else {
                "Nothing to do: it is tried again by itself".to_owned()
            },
        )
    }

    /// The connection ended.
    pub(super) fn lost(reason: impl Into<String>) -> Failure {
        Failure::new(
            "lost",
            reason,
            "Start Chrome again with the same options; it is found by itself, sockets and all",
        )
    }
}

fn next_port(port: u16) -> u16 {
    port.checked_add(1).unwrap_or(9223)
}
