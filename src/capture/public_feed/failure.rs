//! Why a connection failed or ended, in words that say what to do next.

use std::io;
use std::time::Duration;

use tokio::time::error::Elapsed;
use tokio_tungstenite::tungstenite::error::ProtocolError;
use tokio_tungstenite::tungstenite::http::{Response, header};
use tokio_tungstenite::tungstenite::protocol::CloseFrame;
use tokio_tungstenite::tungstenite::{Error, http::StatusCode};

use super::address::Address;

/// Why there is no connection (any more).
#[derive(Debug, Clone, PartialEq)]
pub(in crate::capture) struct Failure {
    /// A word for programs: `refused`, `dns`, `tls`, `html`, …
    pub(super) kind: &'static str,
    /// What happened and why.
    pub(super) reason: String,
    /// What the user can do.
    pub(super) next_step: String,
    /// The server asked to be left alone for so long.
    pub(super) retry_after: Option<Duration>,
}

const WAIT: &str = "Nothing to do: it is tried again by itself";
const OUTAGE: &str = "Nothing to do if the server is down for a while: it is tried again by itself. \
                      Else check the address and the network";

impl Failure {
    pub(super) fn new(kind: &'static str, reason: impl Into<String>, next_step: impl Into<String>) -> Failure {
        Failure { kind, reason: reason.into(), next_step: next_step.into(), retry_after: None }
    }

    /// The name could not be resolved.
    pub(super) fn dns(address: &Address, error: &io::Error) -> Failure {
        let reason = format!("the name {} cannot be resolved: {error}", address.host);
        Failure::new("dns", reason, "Check the host's name in the address, and that this machine has a network")
    }

    /// No address of the host took the connection.
    pub(in crate::capture) fn connect(address: &Address, error: &io::Error) -> Failure {
        let place = format!("{}:{}", address.host, address.port);
        match error.kind() {
            io::ErrorKind::ConnectionRefused => Failure::new(
                "refused",
                format!("{place} refused the connection: nothing listens there"),
                "Check the port in the address, and that the server runs; it is tried again by itself",
            ),
            io::ErrorKind::TimedOut => Failure::timeout("connect", &format!("{place} did not answer in time")),
            _ => Failure::new("unreachable", format!("{place} cannot be reached: {error}"), OUTAGE),
        }
    }

    /// Something took too long.
    pub(super) fn timeout(kind: &'static str, reason: &str) -> Failure {
        Failure::new(kind, reason, OUTAGE)
    }

    /// The WebSocket's handshake failed.
    pub(super) fn handshake(address: &Address, error: &Error) -> Failure {
        match error {
            Error::Http(response) => http(address, response),
            Error::Tls(error) => tls(address, error),
            Error::Io(error) if address.is_tls && !is_reset(error) => tls(address, error),
            Error::Io(error) => Failure::new(
                "connection_lost",
                format!("{} closed the connection during the handshake: {error}", address.shown),
                if address.is_tls { OUTAGE } else { "If the server speaks TLS, write wss:// instead of ws://" },
            ),
            Error::Protocol(ProtocolError::HandshakeIncomplete) => Failure::new(
                "connection_lost",
                format!("{} closed the connection during the handshake", address.shown),
                if address.is_tls { OUTAGE } else { "If the server speaks TLS, write wss:// instead of ws://" },
            ),
            other => Failure::new(
                "not_websocket",
                format!("{} did not answer as a WebSocket server: {other}", address.shown),
                "Check that the address is that of a Socket.IO server, and ws:// or wss:// as it needs",
            ),
        }
    }

    /// The open WebSocket broke.
    pub(super) fn broken(error: &Error) -> Failure {
        match error {
            Error::Protocol(ProtocolError::ResetWithoutClosingHandshake)
            | Error::ConnectionClosed
            | Error::AlreadyClosed => Failure::new("closed", "the connection was closed without a word", WAIT),
            Error::Protocol(error) => Failure::new(
                "websocket_protocol",
                format!("the server broke the WebSocket protocol: {error}"),
                "The connection is made anew. If it happens again, look at proxies between here and the server",
            ),
            Error::Io(error) => Failure::new("network", format!("the connection broke: {error}"), WAIT),
            other => Failure::new("websocket", format!("the connection failed: {other}"), WAIT),
        }
    }

    /// The server compresses, or uses another extension, before it can be understood without.
    pub(super) fn extension() -> Failure {
        Failure::new(
            "compressed",
            "the server sent a compressed frame, which was not agreed on",
            "Switch off permessage-deflate in the server, or the proxy in front of it",
        )
    }

    /// Why something could not be sent, if so. A server that takes nothing within the time for it is gone.
    pub(super) fn of_sending(sent: Result<io::Result<()>, Elapsed>) -> Option<Failure> {
        match sent {
            Ok(Ok(())) => None,
            Ok(Err(error)) => Some(Failure::broken(&Error::Io(error))),
            Err(_) => Some(Failure::timeout("silent", "the server does not take what is sent to it")),
        }
    }

    /// The server closed the WebSocket in due form.
    pub(super) fn closed(frame: Option<&CloseFrame>) -> Failure {
        let reason = match frame {
            Some(frame) if !frame.reason.is_empty() => {
                format!("the server closed the connection: {} (code {})", cut(&frame.reason), frame.code)
            }
            Some(frame) => format!("the server closed the connection (code {})", frame.code),
            None => "the server closed the connection".to_owned(),
        };
        Failure::new("closed", reason, WAIT)
    }

    /// The server fell silent: the connection is open on this side only.
    pub(super) fn silent(after: Duration) -> Failure {
        let reason = format!("no ping and nothing else from the server for {} ms", after.as_millis());
        Failure::new("silent", reason, WAIT)
    }

    /// The other side speaks the older protocol.
    pub(super) fn engine_io_3(how: &str) -> Failure {
        Failure::new(
            "engine_io_3",
            format!("the server speaks Engine.IO 3 (Socket.IO 2): {how}"),
            "replayer speaks Engine.IO 4: upgrade the server to Socket.IO 3 or newer, or check the address",
        )
    }
}

fn is_reset(error: &io::Error) -> bool {
    matches!(error.kind(), io::ErrorKind::ConnectionReset | io::ErrorKind::BrokenPipe)
}

fn tls(address: &Address, error: &dyn std::fmt::Display) -> Failure {
    let error = error.to_string();
    let next_step = if error.contains("certificate") {
        "Check the host's name and this machine's clock; a network that looks into TLS cannot be captured through"
    } else {
        "If the server speaks no TLS, write ws:// instead of wss://; else check the port"
    };
    Failure::new("tls", format!("no TLS connection to {}:{}: {error}", address.host, address.port), next_step)
}

fn http(address: &Address, response: &Response<Option<Vec<u8>>>) -> Failure {
    let status = response.status();
    let header = |name: header::HeaderName| response.headers().get(name).and_then(|value| value.to_str().ok());
    let body = response.body().as_deref().map(String::from_utf8_lossy).unwrap_or_default();
    if body.contains("Unsupported protocol version") {
        return Failure::engine_io_3("it refused protocol version 4");
    }
    let kind = header(header::CONTENT_TYPE).unwrap_or_default();
    let is_html = kind.starts_with("text/html") || body.trim_start().to_ascii_lowercase().starts_with("<!doctype");
    let said = if is_html || body.trim().is_empty() { String::new() } else { format!(": {}", cut(body.trim())) };
    if status.is_success() {
        let what = if is_html { "a web page" } else { "an ordinary HTTP answer" };
        return Failure::new(
            "html",
            format!("{} answered with {what} instead of a WebSocket (HTTP {status}){said}", address.shown),
            "Check the path in the address; a login page of the network (hotel, company) looks the same",
        );
    }
    if status.is_redirection() {
        let place = header(header::LOCATION).map(cut).unwrap_or_default();
        return Failure::new(
            "redirect",
            format!("{} sends elsewhere (HTTP {status}): {place}", address.shown),
            "Set the address to where it sends, with wss:// or ws://",
        );
    }
    let next_step = match status {
        StatusCode::NOT_FOUND => "Check the path in the address: Socket.IO servers listen on /socket.io/",
        StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN => {
            "The server, or the network in front of it, does not let this machine in: check it with a browser"
        }
        StatusCode::PROXY_AUTHENTICATION_REQUIRED => "A proxy stands in between, which replayer cannot pass",
        StatusCode::BAD_REQUEST => "Check the address: path and query are what a Socket.IO server looks at",
        _ => OUTAGE,
    };
    let seconds = header(header::RETRY_AFTER).and_then(|value| value.trim().parse::<u64>().ok());
    Failure {
        // Nobody is to be kept away for a day by a header.
        retry_after: seconds.map(|seconds| Duration::from_secs(seconds.min(300))),
        ..Failure::new("http", format!("{} answered HTTP {status}{said}", address.shown), next_step)
    }
}

/// What a stranger said, short enough for a status line, without control characters.
pub(super) fn cut(text: &str) -> String {
    text.chars().filter(|c| !c.is_control()).take(200).collect()
}
