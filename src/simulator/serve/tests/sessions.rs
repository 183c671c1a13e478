//! Connecting, namespaces, heartbeats, the end, the page.

use std::collections::BTreeSet;

use tokio::io::{AsyncReadExt, AsyncWriteExt};

use super::*;

#[tokio::test]
async fn a_connection_opens_like_the_official_server() {
    let running = serve(1, 1, 50.0).await;
    let mut client = Client::open(&running).await;
    let open = client.next().await.unwrap();
    let handshake: Value = serde_json::from_str(open.strip_prefix('0').unwrap()).unwrap();
    assert_eq!(
        (handshake["pingInterval"].as_u64(), handshake["pingTimeout"].as_u64()),
        (Some(25_000), Some(20_000))
    );
    client.send("40").await;
    let connect = client.until(|text| text.starts_with("40")).await;
    let sid: Value = serde_json::from_str(connect.strip_prefix("40").unwrap()).unwrap();
    assert_eq!(sid["sid"].as_str().unwrap().len(), 20);
    let names: Vec<String> = {
        while client.events().len() < 40 {
            client.next().await.unwrap();
        }
        let event = |text: &String| text.split('"').nth(1).unwrap().to_owned();
        client.events().iter().map(event).filter(|name| name != "gameStateUpdate").take(6).collect()
    };
    assert!(client.events()[0].starts_with("42[\"gameStateUpdate\",{\"gameHistory\""));
    assert_eq!(
        names,
        [
            "goldenHourUpdate",
            "battleEventUpdate",
            "rugRoyaleUpdate",
            "sidebetEventUpdate",
            "battleEventUpdate",
            "maintenanceUpdate"
        ]
    );
}

#[tokio::test]
async fn nothing_is_sent_before_the_namespace_is_joined() {
    let running = serve(1, 1, 100.0).await;
    let mut first = Client::join(&running).await;
    let mut idle = Client::open(&running).await;
    first.until(|text| text.contains("\"tickCount\":2,")).await;
    idle.send("40/admin,").await;
    idle.until(|text| text.starts_with("44")).await;
    assert_eq!(idle.packets()[1..], [r#"44/admin,{"message":"Invalid namespace"}"#]);
}

#[tokio::test]
async fn a_client_that_leaves_the_namespace_gets_no_more_events() {
    let running = serve(1, 1, 20.0).await;
    let mut client = Client::join(&running).await;
    client.until(|text| text.starts_with("42")).await;
    client.send("41").await;
    client.send("40/x,").await;
    client.until(|text| text.starts_with("44/x,")).await;
    let before = client.packets().len();
    let mut other = Client::join(&running).await;
    other.until(|text| text.starts_with("42[\"gameStateUpdate\",{\"gameId\"")).await;
    client.send("40/y,").await;
    client.until(|text| text.starts_with("44/y,")).await;
    assert_eq!(client.packets().len(), before + 1);
}

#[tokio::test]
async fn heartbeats_come_at_the_announced_interval_and_their_absence_ends_the_connection() {
    let config = ServerConfig {
        ping_interval: Duration::from_millis(60),
        // Enough for the client that answers, on a machine with other work to do.
        ping_timeout: Duration::from_secs(1),
        ..small(usize::MAX, 1, 1.0)
    };
    let running = start(config).await.unwrap();
    let mut client = Client::join(&running).await;
    for _ in 0..3 {
        client.until(|text| text == "2").await;
    }
    let mut silent = Client::open(&running).await;
    let ended = async { while silent.socket.next().await.is_some_and(|message| message.is_ok()) {} };
    tokio::time::timeout(PATIENCE, ended).await.expect("the silent client is still connected");
}

#[tokio::test]
async fn a_message_that_is_no_packet_ends_the_connection() {
    let running = serve(1, 1, 1.0).await;
    let mut client = Client::join(&running).await;
    client.send("4x").await;
    client.until_the_end().await;
}

#[tokio::test]
async fn stopping_tells_the_clients_and_frees_the_port() {
    let running = serve(usize::MAX, 1, 1.0).await;
    let addr = running.addr();
    let mut client = Client::join(&running).await;
    running.stop().await;
    assert_eq!(client.until_the_end().await, End::Closed);
    assert_eq!(client.packets().last().unwrap(), "1");
    let again = start(ServerConfig { addr, ..small(1, 1, 1.0) }).await.unwrap();
    Client::join(&again).await;
}

#[tokio::test]
async fn a_killed_server_says_nothing() {
    let running = serve(usize::MAX, 1, 1.0).await;
    let mut client = Client::join(&running).await;
    running.kill();
    assert!(matches!(client.until_the_end().await, End::Broken(_)));
}

#[tokio::test]
async fn long_polling_works_too() {
    let running = serve(1, 1, 10.0).await;
    let open = http(&running, "GET", "/socket.io/?EIO=4&transport=polling", "").await;
    let (head, body) = open.split_once("\r\n\r\n").unwrap();
    assert!(head.starts_with("HTTP/1.1 200"), "{head}");
    let sid: Value = serde_json::from_str(&body[body.find('{').unwrap()..=body.rfind('}').unwrap()]).unwrap();
    let path = format!("/socket.io/?EIO=4&transport=polling&sid={}", sid["sid"].as_str().unwrap());
    assert!(http(&running, "POST", &path, "40").await.contains("200"));
    let mut got = String::new();
    while !got.contains("42[\"gameStateUpdate\"") {
        got.push_str(&http(&running, "GET", &path, "").await);
    }
    assert!(got.contains("40{\"sid\""));
}

async fn http(running: &Running, method: &str, path: &str, body: &str) -> String {
    let mut stream = TcpStream::connect(running.addr()).await.unwrap();
    let request = format!(
        "{method} {path} HTTP/1.1\r\nHost: x\r\nConnection: close\r\nContent-Type: text/plain\r\nContent-Length: {}\r\n\r\n{body}",
        body.len()
    );
    stream.write_all(request.as_bytes()).await.unwrap();
    let mut answer = Vec::new();
    tokio::time::timeout(PATIENCE, stream.read_to_end(&mut answer)).await.unwrap().unwrap();
    String::from_utf8_lossy(&answer).into_owned()
}

#[tokio::test]
async fn the_page_is_self_contained() {
    let running = serve(1, 1, 1.0).await;
    let page = http(&running, "GET", "/", "").await;
    assert!(page.starts_with("HTTP/1.1 200") && page.contains("text/html"));
    assert!(page.contains("new WebSocket(url)") && !page.contains("src=") && !page.contains("https://"));
}

#[tokio::test]
async fn an_old_protocol_version_is_refused() {
    let running = serve(1, 1, 1.0).await;
    let answer = http(&running, "GET", "/socket.io/?EIO=3&transport=polling", "").await;
    assert!(answer.starts_with("HTTP/1.1 400") && answer.contains("Unsupported protocol version"), "{answer}");
}

#[tokio::test]
async fn an_impossible_speed_is_refused() {
    for speed in [0.0, 0.01, 5000.0, f64::NAN] {
        let error = start(small(1, 1, speed)).await.unwrap_err();
        assert!(error.to_string().contains("0.1 and 1000"), "{error}");
    }
}

#[tokio::test]
async fn ids_of_connections_differ() {
    let running = serve(1, 1, 1.0).await;
    let mut ids = BTreeSet::new();
    for _ in 0..4 {
        let client = Client::join(&running).await;
        ids.extend(client.packets());
    }
    assert_eq!(ids.len(), 8);
}
