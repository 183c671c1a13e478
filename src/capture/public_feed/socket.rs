//! From an address to an open WebSocket: resolve, connect, TLS, upgrade; each step fails in its own words.

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpStream, lookup_host};
use tokio::time::{Instant, timeout, timeout_at};
use tokio_rustls::TlsConnector;
use tokio_rustls::rustls::pki_types::ServerName;
use tokio_rustls::rustls::{ClientConfig, RootCertStore};
use tokio_tungstenite::MaybeTlsStream;
use tokio_tungstenite::tungstenite::Error;
use tokio_tungstenite::tungstenite::client::IntoClientRequest;
use tokio_tungstenite::tungstenite::http::{HeaderValue, header};

use super::address::Address;
use super::backoff;
use super::failure::Failure;
use super::upgrade::upgrade;
use super::websocket::{Limits, WebSocket};

/// An open WebSocket to the server, over streams of a network.
pub(super) type Socket<N> = WebSocket<MaybeTlsStream<<N as Network>::Stream>>;

/// The network between the client and the server: the machine's own, or one that a test makes and breaks
/// (`tests/networks`).
pub(in crate::capture) trait Network: Send + Sync + 'static {
    /// What bytes go over.
    type Stream: AsyncRead + AsyncWrite + Unpin + Send;

    /// Resolves and connects before the deadline.
    fn reach(
        &self,
        address: &Address,
        deadline: Deadline,
    ) -> impl Future<Output = Result<Self::Stream, Failure>> + Send;

    /// A number between 0 and 1, to keep clients of one server from marching in step.
    fn jitter(&self) -> f64;
}

/// TCP, and the resolver of the system.
pub(super) struct Internet;

impl Network for Internet {
    type Stream = TcpStream;

    async fn reach(&self, address: &Address, deadline: Deadline) -> Result<TcpStream, Failure> {
        let addresses = deadline.meet("resolving the name", resolve(address)).await??;
        let connecting = format!("connecting to {}:{}", address.host, address.port);
        let stream = deadline.meet(&connecting, connect(address, &addresses)).await??;
        // Pongs and acks are a few bytes each and must not wait for more.
        let _ = stream.set_nodelay(true);
        Ok(stream)
    }

    fn jitter(&self) -> f64 {
        backoff::jitter()
    }
}

/// Until when the WebSocket has to be open.
#[derive(Debug, Clone, Copy)]
pub(in crate::capture) struct Deadline {
    until: Instant,
    limit: Duration,
}

impl Deadline {
    fn after(limit: Duration) -> Deadline {
        Deadline { until: Instant::now() + limit, limit }
    }

    /// Waits for a step no longer than until the deadline.
    pub(in crate::capture) async fn meet<T>(
        self,
        what: &str,
        step: impl Future<Output = T>,
    ) -> Result<T, Failure> {
        timeout_at(self.until, step).await.map_err(|_| {
            Failure::timeout("timeout", &format!("{what} took longer than {} s", self.limit.as_secs_f64()))
        })
    }
}

/// One of several addresses of a host gets this long before the next one is tried.
const PER_ADDRESS: Duration = Duration::from_secs(4);

/// The page that the feed's own client runs on.
const ORIGIN: HeaderValue = HeaderValue::from_static("https://rugs.fun");

/// Opens the WebSocket, within `limit` altogether.
pub(super) async fn open<N: Network>(
    network: &N,
    address: &Address,
    limit: Duration,
    limits: Limits,
) -> Result<Socket<N>, Failure> {
    let deadline = Deadline::after(limit);
    let stream = network.reach(address, deadline).await?;
    let mut request =
        address.url.as_str().into_client_request().map_err(|error| Failure::handshake(address, &error))?;
    request.headers_mut().insert(header::ORIGIN, ORIGIN);
    let upgraded = deadline.meet("the handshake", async {
        let stream = encrypt(address, stream).await?;
        upgrade(request, stream, limits).await
    });
    upgraded.await?.map_err(|error| Failure::handshake(address, &error))
}

/// TLS, where the address wants it.
async fn encrypt<S>(address: &Address, stream: S) -> Result<MaybeTlsStream<S>, Error>
where
    S: AsyncRead + AsyncWrite + Unpin,
{
    if !address.is_tls {
        return Ok(MaybeTlsStream::Plain(stream));
    }
    // The roots are in the program: what this machine trusts besides has no say in what is recorded.
    let roots = RootCertStore { roots: webpki_roots::TLS_SERVER_ROOTS.to_vec() };
    let config = ClientConfig::builder().with_root_certificates(roots).with_no_client_auth();
    let name = ServerName::try_from(address.host.trim_matches(['[', ']']).to_owned()).map_err(io::Error::other)?;
    let stream = TlsConnector::from(Arc::new(config)).connect(name, stream).await?;
    Ok(MaybeTlsStream::Rustls(stream))
}

async fn resolve(address: &Address) -> Result<Vec<SocketAddr>, Failure> {
    let found = lookup_host((address.host.as_str(), address.port)).await;
    let found: Vec<SocketAddr> = found.map_err(|error| Failure::dns(address, &error))?.collect();
    if found.is_empty() {
        let error = io::Error::new(io::ErrorKind::NotFound, "it has no address");
        return Err(Failure::dns(address, &error));
    }
    Ok(found)
}

async fn connect(address: &Address, addresses: &[SocketAddr]) -> Result<TcpStream, Failure> {
    let mut last = io::Error::from(io::ErrorKind::NotFound);
    for place in addresses {
        match timeout(PER_ADDRESS, TcpStream::connect(place)).await {
            Ok(Ok(stream)) => return Ok(stream),
            Ok(Err(error)) => last = error,
            Err(_) => last = io::ErrorKind::TimedOut.into(),
        }
    }
    Err(Failure::connect(address, &last))
}
