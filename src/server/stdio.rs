//! The stdout guard.
//!
//! On stdio, every byte on file descriptor 1 is part of a JSON-RPC message. Libraries do not know that: DuckDB can
//! print a progress bar, a C++ runtime a last word, a forgotten `println!` a debug line, and one such line ends the
//! session. So descriptor 1 is duplicated for the transport and then pointed at stderr: whoever writes to stdout
//! afterwards, in this process or in a child that inherits it, writes to the log.

use std::io;
use std::os::fd::AsFd;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use tokio::io::{AsyncRead, ReadBuf};
use tokio_util::sync::CancellationToken;

/// Takes stdin and stdout for the transport; from here on "stdout" is stderr. Once per process, before anything
/// else may write.
///
/// # Errors
/// When a descriptor cannot be duplicated, for example because stdout is closed.
pub fn take() -> io::Result<(tokio::io::Stdin, tokio::fs::File)> {
    let channel = io::stdout().as_fd().try_clone_to_owned()?;
    rustix::stdio::dup2_stdout(io::stderr())?;
    Ok((tokio::io::stdin(), tokio::fs::File::from_std(channel.into())))
}

/// A reader that tells when its input has ended. rmcp drains open calls after the end of input, but tells nobody.
pub struct EndWatch<R> {
    inner: R,
    ended: CancellationToken,
}

impl<R> EndWatch<R> {
    /// `ended` is cancelled when `inner` has no more bytes or fails.
    pub fn new(inner: R, ended: CancellationToken) -> Self {
        Self { inner, ended }
    }
}

impl<R: AsyncRead + Unpin> AsyncRead for EndWatch<R> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let room = buffer.remaining();
        let before = buffer.filled().len();
        let result = ready!(Pin::new(&mut self.inner).poll_read(context, buffer));
        if result.is_err() || (room > 0 && buffer.filled().len() == before) {
            self.ended.cancel();
        }
        Poll::Ready(result)
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

    use super::*;
    use tokio::io::{AsyncReadExt, AsyncWriteExt};

    #[tokio::test]
    async fn the_end_of_input_is_noticed_and_not_before() {
        let (near, mut far) = tokio::io::duplex(64);
        let ended = CancellationToken::new();
        let mut watched = EndWatch::new(near, ended.clone());
        far.write_all(b"abc").await.unwrap();
        let mut text = [0; 3];
        watched.read_exact(&mut text).await.unwrap();
        assert!(!ended.is_cancelled());
        drop(far);
        assert_eq!(watched.read(&mut text).await.unwrap(), 0);
        assert!(ended.is_cancelled());
    }
}
