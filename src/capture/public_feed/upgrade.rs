//! The WebSocket's handshake, which takes from the stream what belongs to it and not one byte more.
//!
//! tungstenite's own handshake keeps what came behind the answer for its own reader. The server's first packet often
//! comes with the answer: here it is handed to ours.

use std::io;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio_tungstenite::client_async;
use tokio_tungstenite::tungstenite::Error;
use tokio_tungstenite::tungstenite::handshake::client::Request;

use super::websocket::{Limits, WebSocket};

/// Shakes hands.
///
/// # Errors
/// Those of tungstenite's handshake.
pub(super) async fn upgrade<S>(request: Request, stream: S, limits: Limits) -> Result<WebSocket<S>, Error>
where
    S: AsyncRead + AsyncWrite + Unpin,
{
    let mut held = UpToHead { stream, read: Vec::new(), given: 0, ends: None };
    client_async(request, &mut held).await?;
    let rest = held.read.get(held.given..).unwrap_or_default();
    Ok(WebSocket::new(held.stream, rest, limits))
}

/// Gives the reader the head of an answer that switches protocols, and keeps what follows. Any other answer has a body
/// that says why, and is given as a whole.
struct UpToHead<S> {
    stream: S,
    read: Vec<u8>,
    /// So many of the bytes read were given.
    given: usize,
    /// Where the head ends, when it has and switches protocols.
    ends: Option<usize>,
}

/// How such an answer begins.
const SWITCHES: &[u8] = b"HTTP/1.1 101";

impl<S> UpToHead<S> {
    /// Bytes that may be given now.
    fn may_give(&mut self) -> &[u8] {
        if self.ends.is_none() && self.read.starts_with(SWITCHES) {
            self.ends = memchr::memmem::find(&self.read, b"\r\n\r\n").map(|at| at + 4);
        }
        self.read.get(self.given..self.ends.unwrap_or(self.read.len())).unwrap_or_default()
    }
}

impl<S: AsyncRead + Unpin> AsyncRead for UpToHead<S> {
    fn poll_read(self: Pin<&mut Self>, cx: &mut Context<'_>, to: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        if this.may_give().is_empty() && this.ends.is_none() {
            let mut chunk = [0; 4096];
            let mut chunk = ReadBuf::new(&mut chunk);
            ready!(Pin::new(&mut this.stream).poll_read(cx, &mut chunk))?;
            this.read.extend_from_slice(chunk.filled());
        }
        let give = this.may_give();
        let give = give.get(..give.len().min(to.remaining())).unwrap_or_default();
        to.put_slice(give);
        let count = give.len();
        this.given += count;
        Poll::Ready(Ok(()))
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for UpToHead<S> {
    fn poll_write(self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.get_mut().stream).poll_write(cx, bytes)
    }

    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.get_mut().stream).poll_flush(cx)
    }

    fn poll_shutdown(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.get_mut().stream).poll_shutdown(cx)
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]
    use tokio::io::{AsyncReadExt, AsyncWriteExt};
    use tokio_tungstenite::tungstenite::client::IntoClientRequest;
    use tokio_tungstenite::tungstenite::handshake::derive_accept_key;

    use super::super::websocket::Heard;
    use super::*;

    /// Answers a request with `head`, in which `{key}` is what the request wants, and `rest`, in chunks of this size.
    async fn answers(head: &'static str, rest: &'static [u8], chunk: usize) -> Result<Heard, Error> {
        let (mut server, client) = tokio::io::duplex(1 << 16);
        let serving = tokio::spawn(async move {
            let mut request = Vec::new();
            while !request.ends_with(b"\r\n\r\n") {
                request.push(server.read_u8().await.unwrap());
            }
            let request = String::from_utf8(request).unwrap();
            let key = request.lines().find_map(|line| line.strip_prefix("Sec-WebSocket-Key: ")).unwrap();
            let head = head.replace("{key}", &derive_accept_key(key.as_bytes()));
            for part in [head.as_bytes(), rest].concat().chunks(chunk) {
                server.write_all(part).await.unwrap();
                tokio::task::yield_now().await;
            }
        });
        let request = "ws://localhost/".into_client_request().unwrap();
        let heard = match upgrade(request, client, Limits::default()).await {
            Ok(mut socket) => socket.next().await,
            Err(error) => Err(error),
        };
        serving.await.unwrap();
        heard
    }

    const SWITCHES: &str = "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\
                            Sec-WebSocket-Accept: {key}\r\n\r\n";

    #[tokio::test]
    async fn a_packet_that_comes_with_the_answer_is_not_lost() {
        // In smaller chunks tungstenite takes the head for an attack.
        for chunk in [10, 50, 10_000] {
            let heard = answers(SWITCHES, b"\x81\x05first", chunk).await.unwrap();
            assert_eq!(heard, Heard::Text("first".into()));
        }
    }

    #[tokio::test]
    async fn an_answer_that_refuses_is_given_with_its_body() {
        let refusal = "HTTP/1.1 503 Service Unavailable\r\nContent-Length: 4\r\n\r\n";
        let error = answers(refusal, b"busy", 10_000).await;
        match error.unwrap_err() {
            Error::Http(response) => assert_eq!(response.body().as_deref(), Some(b"busy".as_slice())),
            other => panic!("{other}"),
        }
    }
}
