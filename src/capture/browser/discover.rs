//! Asks the debugging port over HTTP who is there and where its WebSocket is.

use std::io;
use std::time::Duration;

use serde::Deserialize;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::time::timeout;

use super::address::Address;
use super::failure::Failure;

/// How long each answer may take.
const TIMEOUT: Duration = Duration::from_secs(3);
/// The answer is half a kilobyte.
const LONGEST: u64 = 64 << 10;

/// A browser that can be attached to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Found {
    /// `ws://…`
    pub url: String,
    /// Product and version, `Chrome/156.0.8078.79`; `None` when the address named the WebSocket itself.
    pub product: Option<String>,
}

#[derive(Deserialize)]
struct Version {
    #[serde(rename = "webSocketDebuggerUrl")]
    url: Option<String>,
    #[serde(rename = "Browser")]
    product: Option<String>,
}

/// Finds the browser's WebSocket.
///
/// # Errors
/// With what is there instead.
pub async fn discover(address: &Address) -> Result<Found, Failure> {
    if let Some(path) = &address.path {
        return Ok(Found { url: format!("ws://{address}{path}"), product: None });
    }
    let answer = match timeout(TIMEOUT, ask(address)).await {
        Ok(answer) => answer.map_err(|error| Failure::io(address, &error))?,
        Err(_) => return Err(Failure::silent(address)),
    };
    read(address, &answer)
}

/// One request, and everything that is answered.
async fn ask(address: &Address) -> io::Result<Vec<u8>> {
    let mut stream = TcpStream::connect((address.host.as_str(), address.port)).await?;
    // Chrome answers to addresses only, so it is called by the one that was found for its name.
    let peer = stream.peer_addr()?;
    let request = format!(
        "GET /json/version HTTP/1.1\r\nHost: {peer}\r\nAccept: application/json\r\nConnection: close\r\n\r\n"
    );
    stream.write_all(request.as_bytes()).await?;
    let mut answer = Vec::new();
    let mut stream = stream.take(LONGEST);
    // Chrome keeps the connection open; the length of the body tells the end.
    while !is_whole(&answer) {
        match stream.read_buf(&mut answer).await {
            Ok(0) => break,
            Ok(_) => {}
            // A program of another kind may slam the door; what it said before tells which.
            Err(_) if !answer.is_empty() => break,
            Err(error) => return Err(error),
        }
    }
    Ok(answer)
}

fn split(answer: &[u8]) -> Option<(&str, &[u8])> {
    let end = memchr::memmem::find(answer, b"\r\n\r\n")?;
    let head = std::str::from_utf8(answer.get(..end)?).ok()?;
    Some((head, answer.get(end + 4..)?))
}

fn is_whole(answer: &[u8]) -> bool {
    let Some((head, body)) = split(answer) else { return false };
    let length = head.lines().filter_map(|line| line.split_once(':')).find_map(|(name, value)| {
        name.eq_ignore_ascii_case("content-length").then(|| value.trim().parse::<usize>().ok())?
    });
    length.is_some_and(|length| body.len() >= length)
}

fn read(address: &Address, answer: &[u8]) -> Result<Found, Failure> {
    let Some((head, body)) = split(answer) else {
        let what = if answer.is_empty() { "it closed the connection" } else { "it does not speak HTTP" };
        return Err(Failure::not_chrome(address, what));
    };
    let mut words = head.split_ascii_whitespace();
    if !words.next().is_some_and(|word| word.starts_with("HTTP/")) {
        return Err(Failure::not_chrome(address, "it does not speak HTTP"));
    }
    let status = words.next().unwrap_or_default();
    let text = String::from_utf8_lossy(body);
    match status {
        "200" => {}
        "404" => return Err(Failure::no_discovery(address)),
        _ if text.contains("Host header") => return Err(Failure::host_refused(address)),
        _ => return Err(Failure::not_chrome(address, &format!("it answers with status {status}"))),
    }
    let Ok(version) = serde_json::from_slice::<Version>(body) else {
        let html = text.trim_start().starts_with('<');
        let what = if html { "it serves web pages" } else { "its answer is not Chrome's" };
        return Err(Failure::not_chrome(address, what));
    };
    let path = version.url.as_deref().and_then(|url| url.strip_prefix("ws://")).and_then(|url| {
        let slash = url.find('/')?;
        url.get(slash..)
    });
    // A port that was forwarded tells the address of its far end, so only the path counts.
    let Some(path) = path else { return Err(Failure::not_chrome(address, "it tells no WebSocket")) };
    Ok(Found { url: format!("ws://{address}{path}"), product: version.product })
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    fn answer(text: &str) -> Result<Found, &'static str> {
        let address = Address::parse("127.0.0.1:9222").unwrap();
        read(&address, text.as_bytes()).map_err(|failure| {
            assert!(!failure.next_step.is_empty() && failure.reason.contains("127.0.0.1:9222"), "{failure:?}");
            failure.kind
        })
    }

    #[test]
    fn chromes_answer_is_read_and_the_far_ends_address_ignored() {
        let found = answer(
            "HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\n\
             {\"Browser\":\"Chrome/156\",\"webSocketDebuggerUrl\":\"ws://10.0.0.1:1/devtools/browser/x\"}",
        );
        let url = "ws://127.0.0.1:9222/devtools/browser/x".to_owned();
        assert_eq!(found, Ok(Found { url, product: Some("Chrome/156".into()) }));
    }

    #[test]
    fn what_is_no_chrome_is_told_apart() {
        assert_eq!(answer("HTTP/1.1 200 OK\r\n\r\n<html>"), Err("not_chrome"));
        assert_eq!(answer("HTTP/1.1 200 OK\r\n\r\n{\"Browser\":\"Node\"}"), Err("not_chrome"));
        assert_eq!(answer("HTTP/1.1 404 Not Found\r\n\r\n"), Err("no_discovery"));
        assert_eq!(answer("HTTP/1.1 500 x\r\n\r\nHost header is specified and is not an IP"), Err("host_refused"));
        assert_eq!(answer("HTTP/1.1 502 x\r\n\r\n"), Err("not_chrome"));
        assert_eq!(answer("SSH-2.0-OpenSSH\r\n"), Err("not_chrome"));
        assert_eq!(answer("SSH-2.0-OpenSSH\r\n\r\n"), Err("not_chrome"));
        assert_eq!(answer(""), Err("not_chrome"));
    }
}
