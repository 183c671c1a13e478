//! Accepted connections. Each has a throttle, with which faults beneath Engine.IO are made, and a tap for the log. They come
//! in by a [`Door`]: a TCP socket of this machine, or a network that a test makes.

use std::io;
use std::pin::Pin;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, Waker, ready};
use std::time::Duration;

use axum::extract::connect_info::Connected;
use axum::serve::{IncomingStream, Listener};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::{TcpListener, TcpStream};

use super::faults::{Dice, FaultKind};
use super::log::{LogDirection, SentLog};
use super::old_server;
use super::running::Shared;
use super::wire::Tap;

/// Where connections come in.
pub trait Door: Send + 'static {
    /// What their bytes go over.
    type Stream: Wire;

    /// The next one.
    ///
    /// # Errors
    /// When it is gone already, or cannot be had; the next try may succeed.
    fn accept(&mut self) -> impl Future<Output = io::Result<Self::Stream>> + Send;
}

/// What the bytes of a connection go over.
pub trait Wire: AsyncRead + AsyncWrite + Unpin + Send + 'static {
    /// Has the connection end by a reset when it is dropped. Where that cannot be had it ends like any other.
    fn reset_when_dropped(&self);
}

impl Door for TcpListener {
    type Stream = TcpStream;

    async fn accept(&mut self) -> io::Result<TcpStream> {
        let (stream, _) = TcpListener::accept(self).await?;
        stream.set_nodelay(true)?;
        Ok(stream)
    }
}

impl Wire for TcpStream {
    fn reset_when_dropped(&self) {
        let _ = self.set_zero_linger();
    }
}

/// How a connection is cut.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Cut {
    /// What the kernel has is delivered, then the connection ends.
    Close,
    /// The connection is reset.
    Reset,
}

/// Opens, closes and cuts the two directions of a connection.
#[derive(Debug)]
pub struct Throttle {
    /// Number of the connection, from 1.
    pub number: u64,
    /// Whether HTTP is answered with HTML.
    pub html: bool,
    /// Bytes that the kernel took.
    pub written: AtomicU64,
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    cut: Option<Cut>,
    /// How many faults keep the direction shut.
    writes_shut: u32,
    reads_shut: u32,
    writer: Option<Waker>,
    reader: Option<Waker>,
}

impl State {
    fn wake(&mut self) {
        self.writer.take().into_iter().chain(self.reader.take()).for_each(Waker::wake);
    }
}

impl Throttle {
    fn new(number: u64, html: bool) -> Arc<Self> {
        Arc::new(Self { number, html, written: AtomicU64::new(0), state: Mutex::default() })
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Ends the connection now.
    pub fn cut(&self, how: Cut) {
        let mut state = self.lock();
        state.cut.get_or_insert(how);
        state.wake();
    }

    /// Sends nothing for a time.
    pub fn stall(self: &Arc<Self>, lasts: Duration) {
        self.lock().writes_shut += 1;
        self.later(lasts, |state| state.writes_shut -= 1);
    }

    /// Reads nothing for a time.
    pub fn starve(self: &Arc<Self>, lasts: Duration) {
        self.lock().reads_shut += 1;
        self.later(lasts, |state| state.reads_shut -= 1);
    }

    /// Neither sends nor reads any more, and ends nothing.
    pub fn freeze(&self) {
        let mut state = self.lock();
        state.writes_shut += 1;
        state.reads_shut += 1;
    }

    fn later(self: &Arc<Self>, lasts: Duration, change: impl FnOnce(&mut State) + Send + 'static) {
        let throttle = Arc::clone(self);
        tokio::spawn(async move {
            tokio::time::sleep(lasts).await;
            let mut state = throttle.lock();
            change(&mut state);
            state.wake();
        });
    }
}

/// A connection behind its throttle.
#[derive(Debug)]
pub struct ThrottledStream<S> {
    inner: S,
    throttle: Arc<Throttle>,
    taps: Option<Taps>,
}

#[derive(Debug)]
struct Taps {
    log: SentLog,
    sent: Tap,
    received: Tap,
}

impl<S: Wire> ThrottledStream<S> {
    /// Ready when the direction is open; the error is the cut.
    fn pass(&self, cx: &Context<'_>, writes: bool) -> Poll<io::Result<()>> {
        let mut state = self.throttle.lock();
        if let Some(how) = state.cut {
            if how == Cut::Reset {
                self.inner.reset_when_dropped();
            }
            return Poll::Ready(Err(io::ErrorKind::ConnectionReset.into()));
        }
        // The waker is kept while the direction is open too: a cut has to be noticed by whoever waits.
        let waker = Some(cx.waker().clone());
        let shut = if writes {
            state.writer = waker;
            state.writes_shut
        } else {
            state.reader = waker;
            state.reads_shut
        };
        if shut > 0 { Poll::Pending } else { Poll::Ready(Ok(())) }
    }
}

impl<S: Wire> AsyncRead for ThrottledStream<S> {
    fn poll_read(mut self: Pin<&mut Self>, cx: &mut Context<'_>, into: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        ready!(self.pass(cx, false))?;
        let before = into.filled().len();
        ready!(Pin::new(&mut self.inner).poll_read(cx, into))?;
        let number = self.throttle.number;
        if let Some(taps) = self.taps.as_mut() {
            for message in taps.received.pass(into.filled().get(before..).unwrap_or_default()) {
                taps.log.add(number, LogDirection::Received, message);
            }
        }
        Poll::Ready(Ok(()))
    }
}

impl<S: Wire> AsyncWrite for ThrottledStream<S> {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        ready!(self.pass(cx, true))?;
        let written = ready!(Pin::new(&mut self.inner).poll_write(cx, bytes))?;
        self.throttle.written.fetch_add(written as u64, Ordering::Relaxed);
        let number = self.throttle.number;
        if let Some(taps) = self.taps.as_mut() {
            for message in taps.sent.pass(bytes.get(..written).unwrap_or_default()) {
                taps.log.add(number, LogDirection::Sent, message);
            }
        }
        Poll::Ready(Ok(written))
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.inner).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        // A half-open connection must not be seen to end.
        ready!(self.pass(cx, true))?;
        Pin::new(&mut self.inner).poll_shutdown(cx)
    }
}

/// The throttle of the connection that a request came on.
#[derive(Debug, Clone)]
pub struct Peer(pub Arc<Throttle>);

impl<D: Door> Connected<IncomingStream<'_, ThrottledListener<D>>> for Peer {
    fn connect_info(stream: IncomingStream<'_, ThrottledListener<D>>) -> Self {
        stream.remote_addr().clone()
    }
}

/// Accepts connections and decides what befalls each as a whole.
#[derive(Debug)]
pub struct ThrottledListener<D> {
    door: D,
    shared: Arc<Shared>,
    dice: Dice,
    accepted: u64,
}

impl<D: Door> ThrottledListener<D> {
    /// Lets in whoever comes by the door.
    pub fn new(door: D, shared: Arc<Shared>) -> Self {
        let dice = Dice::new(&shared.faults, 0);
        Self { door, shared, dice, accepted: 0 }
    }

    async fn accept_one(&mut self) -> io::Result<Option<(ThrottledStream<D::Stream>, Peer)>> {
        let inner = self.door.accept().await?;
        self.accepted += 1;
        let faults = self.dice.roll(FaultKind::is_of_connection);
        let befalls = |kind| faults.iter().any(|fault| fault.kind == kind);
        let throttle = Throttle::new(self.accepted, befalls(FaultKind::Html));
        for fault in &faults {
            self.shared.count_fault(fault.kind);
        }
        self.shared.watch(&throttle);
        let log = &self.shared.log;
        let taps = log.is_on().then(|| Taps { log: log.clone(), sent: Tap::default(), received: Tap::default() });
        let stream = ThrottledStream { inner, throttle: Arc::clone(&throttle), taps };
        if befalls(FaultKind::Eio3) {
            tokio::spawn(old_server::answer(stream));
            return Ok(None);
        }
        Ok(Some((stream, Peer(throttle))))
    }
}

impl<D: Door> Listener for ThrottledListener<D> {
    type Io = ThrottledStream<D::Stream>;
    type Addr = Peer;

    async fn accept(&mut self) -> (ThrottledStream<D::Stream>, Peer) {
        loop {
            match self.accept_one().await {
                Ok(Some(accepted)) => return accepted,
                Ok(None) => {}
                // The client is gone already, or there are no file handles left: those need some time.
                Err(error) => {
                    tracing::debug!(%error, "accepting a connection failed");
                    tokio::time::sleep(Duration::from_millis(20)).await;
                }
            }
        }
    }

    fn local_addr(&self) -> io::Result<Peer> {
        Ok(Peer(Throttle::new(0, false)))
    }
}
