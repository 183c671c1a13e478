//! From an address to an open WebSocket: resolve, connect, TLS, upgrade; each step fails in its own words.

use std::io;
use std::net::SocketAddr;
use std::time::Duration;

use tokio::net::{TcpStream, lookup_host};
use tokio::time::{Instant, timeout, timeout_at};
use tokio_tungstenite::tungstenite::client::IntoClientRequest;
use tokio_tungstenite::tungstenite::http::{HeaderValue, header};
use tokio_tungstenite::tungstenite::protocol::WebSocketConfig;
use tokio_tungstenite::{MaybeTlsStream, WebSocketStream, client_async_tls_with_config};

use super::address::Address;
use super::failure::Failure;

/// An open WebSocket to the server.
pub(super) type Socket = WebSocketStream<MaybeTlsStream<TcpStream>>;

/// The longest message that is taken, bytes. The longest of the feed that was seen has half a megabyte.
pub(super) const LONGEST_MESSAGE: usize = 16 << 20;

/// One of several addresses of a host gets this long before the next one is tried.
const PER_ADDRESS: Duration = Duration::from_secs(4);

/// The page that the feed's own client runs on.
const ORIGIN: HeaderValue = HeaderValue::from_static("https://rugs.fun");

/// Opens the WebSocket, within `limit` altogether.
pub(super) async fn open(address: &Address, limit: Duration) -> Result<Socket, Failure> {
    let deadline = Instant::now() + limit;
    let late =
        |what: &str| Failure::timeout("timeout", &format!("{what} took longer than {} s", limit.as_secs_f64()));
    let addresses = timeout_at(deadline, resolve(address)).await.map_err(|_| late("resolving the name"))??;
    let stream = timeout_at(deadline, connect(address, &addresses))
        .await
        .map_err(|_| late(&format!("connecting to {}:{}", address.host, address.port)))??;
    // Pongs and acks are a few bytes each and must not wait for more.
    let _ = stream.set_nodelay(true);
    let mut request =
        address.url.as_str().into_client_request().map_err(|error| Failure::handshake(address, &error))?;
    request.headers_mut().insert(header::ORIGIN, ORIGIN);
    let config =
        WebSocketConfig::default().max_message_size(Some(LONGEST_MESSAGE)).max_frame_size(Some(LONGEST_MESSAGE));
    let upgraded = timeout_at(deadline, client_async_tls_with_config(request, stream, Some(config), None)).await;
    match upgraded.map_err(|_| late("the handshake"))? {
        Ok((socket, _)) => Ok(socket),
        Err(error) => Err(Failure::handshake(address, &error)),
    }
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
