//! A client of the real protocol against the server on loopback.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

use std::time::Duration;

use futures::{SinkExt, StreamExt};
use serde_json::Value;
use tokio::net::TcpStream;
use tokio_tungstenite::tungstenite::{self, Message as WsMessage};
use tokio_tungstenite::{MaybeTlsStream, WebSocketStream};

use super::*;
use crate::Config;

mod faults;
mod playing;
mod recordings;
mod sessions;

/// No wait of these tests is longer, and none is that long unless something is wrong.
const PATIENCE: Duration = Duration::from_secs(60);

/// A WebSocket client that answers heartbeats and keeps everything it got.
struct Client {
    socket: WebSocketStream<MaybeTlsStream<TcpStream>>,
    received: Vec<String>,
}

/// How reading ended.
#[derive(Debug, PartialEq)]
enum End {
    /// A WebSocket close frame.
    Closed,
    /// The connection ended without one.
    Broken(String),
}

impl Client {
    /// Connects the transport only.
    async fn open(running: &Running) -> Self {
        let (socket, _) = tokio_tungstenite::connect_async(running.url()).await.unwrap();
        Self { socket, received: Vec::new() }
    }

    /// Connects the transport and the namespace.
    async fn join(running: &Running) -> Self {
        let mut client = Self::open(running).await;
        client.send("40").await;
        client.until(|text| text.starts_with("40{")).await;
        client
    }

    async fn send(&mut self, text: &str) {
        self.socket.send(WsMessage::text(text)).await.unwrap();
    }

    /// The next text; heartbeats are answered.
    async fn next(&mut self) -> Result<String, End> {
        loop {
            let message = tokio::time::timeout(PATIENCE, self.socket.next()).await.expect("nothing came in time");
            match message {
                Some(Ok(WsMessage::Text(text))) => {
                    self.received.push(text.to_string());
                    if text == "2" {
                        self.send("3").await;
                    }
                    return Ok(text.to_string());
                }
                Some(Ok(WsMessage::Close(_))) => return Err(End::Closed),
                Some(Ok(WsMessage::Binary(bytes))) => return Ok(format!("binary {bytes:?}")),
                Some(Ok(_)) => {}
                Some(Err(tungstenite::Error::ConnectionClosed)) | None => return Err(End::Broken("eof".into())),
                Some(Err(error)) => return Err(End::Broken(error.to_string())),
            }
        }
    }

    /// Reads until a text is as wanted.
    async fn until(&mut self, wanted: impl Fn(&str) -> bool) -> String {
        loop {
            let text = self.next().await.expect("the connection ended before it came");
            if wanted(&text) {
                return text;
            }
        }
    }

    /// Reads in the background until the connection ends; a server that is not read from cannot send.
    fn read_on(mut self) -> tokio::task::JoinHandle<Self> {
        tokio::spawn(async move {
            self.until_the_end().await;
            self
        })
    }

    /// Reads until the connection ends.
    async fn until_the_end(&mut self) -> End {
        loop {
            if let Err(end) = self.next().await {
                return end;
            }
        }
    }

    /// What was received besides heartbeats: they come by the clock.
    fn packets(&self) -> Vec<String> {
        self.received.iter().filter(|text| *text != "2").cloned().collect()
    }

    /// The texts that are Socket.IO events.
    fn events(&self) -> Vec<String> {
        self.received.iter().filter(|text| text.starts_with("42")).cloned().collect()
    }
}

fn payload(text: &str) -> Value {
    let arguments: Vec<Value> = serde_json::from_str(&text[text.find('[').unwrap()..]).unwrap();
    arguments.into_iter().next_back().unwrap()
}

/// A small fast server.
async fn serve(games: usize, seed: u64, speed: f64) -> Running {
    start(small(games, seed, speed)).await.unwrap()
}

fn small(games: usize, seed: u64, speed: f64) -> ServerConfig {
    let config = Config { games, seed, history_len: 2, full_snapshots: false, ..Config::default() };
    ServerConfig { play: Play::Games(config), ..ServerConfig::games(games, seed, speed) }
}
