//! The official server does what the tests of our client rely on. (Those tests use [`super::SERVER`] the same way.)

use futures::{SinkExt, StreamExt};
use serde_json::Value;
use tokio_tungstenite::tungstenite::Message;

use super::SERVER;
use super::node::Node;

/// Text frames of a bare WebSocket, heartbeats answered, until `enough`.
async fn read(url: String, enough: impl Fn(&[String]) -> bool) -> Vec<String> {
    let (mut socket, _) = tokio_tungstenite::connect_async(url).await.unwrap();
    let mut texts = Vec::new();
    while let Some(Ok(message)) = socket.next().await {
        let Message::Text(text) = message else { continue };
        if text.starts_with('0') {
            socket.send(Message::text("40")).await.unwrap();
        }
        texts.push(text.to_string());
        if enough(&texts) {
            break;
        }
    }
    texts
}

#[test]
fn the_official_server_tells_exactly_what_it_sent() {
    let Some(mut server) = Node::start(SERVER, &[], &[]) else { return };
    let port = server.next()["port"].as_u64().unwrap();
    let url = format!("ws://127.0.0.1:{port}/socket.io/?EIO=4&transport=websocket");
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
    let reading = runtime
        .spawn(read(url, |texts| texts.iter().filter(|text| text.starts_with("42[\"tick\"")).count() >= 50));
    let mut told = server.until(|line| line["event"] == "connection");
    told.extend(server.command("burst 50"));
    let received = runtime.block_on(reading).unwrap();
    let sent: Vec<&str> =
        told.iter().filter(|line| line["event"] == "sent").filter_map(|line| line["text"].as_str()).collect();
    // The handshake is sent before the server lets us watch.
    let received: Vec<&str> = received.iter().map(String::as_str).filter(|text| !text.starts_with('0')).collect();
    let sent: Vec<&str> = sent.into_iter().filter(|text| !text.starts_with('0')).collect();
    assert_eq!(sent.len(), received.len());
    let different = sent.iter().zip(&received).find(|(sent, received)| sent != received);
    assert_eq!(different, None);
    assert!(received[2].starts_with(r#"42["tick",{"__trace":true,"traceparent":"00-"#), "{}", received[2]);
}

#[test]
fn the_official_server_comes_back_on_its_port() {
    let Some(mut server) = Node::start(SERVER, &[], &[]) else { return };
    let port = server.next()["port"].clone();
    let told = server.command("restart 1");
    let again: Vec<&Value> = told.iter().filter(|line| line["event"] == "listening").collect();
    assert_eq!(again.len(), 1);
    assert_eq!(again[0]["port"], port);
}
