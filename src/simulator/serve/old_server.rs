//! What a server of Socket.IO 2 (Engine.IO 3) says: it opens the namespace unasked, without a `sid`, and waits for
//! the client's heartbeats instead of sending its own.

use std::time::Duration;

use futures::{SinkExt, StreamExt};
use tokio_tungstenite::tungstenite::Message;

use super::stream::{ThrottledStream, Wire};

const OPEN: &str = r#"0{"sid":"old0old0old0old0old0","upgrades":[],"pingInterval":25000,"pingTimeout":5000}"#;
/// Interval and timeout together: without a heartbeat for so long the connection ends.
const PATIENCE: Duration = Duration::from_secs(30);

/// Serves one connection until it ends.
pub async fn answer(stream: ThrottledStream<impl Wire>) {
    let Ok(mut socket) = tokio_tungstenite::accept_async(stream).await else { return };
    for text in [OPEN, "40"] {
        if socket.send(Message::text(text)).await.is_err() {
            return;
        }
    }
    while let Ok(Some(Ok(message))) = tokio::time::timeout(PATIENCE, socket.next()).await {
        let is_heartbeat = message.to_text().is_ok_and(|text| text == "2");
        if is_heartbeat && socket.send(Message::text("3")).await.is_err() {
            return;
        }
    }
}
