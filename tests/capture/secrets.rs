//! No credential that passes a socket is anywhere under the data root.

use std::sync::Arc;

use replayer::capture::{Capture, Options, Role};
use replayer::store::root::DataRoot;

use super::files;
use crate::common::root;
use crate::common::waiting::in_time;

/// Tokens as they were planted into frames of both directions.
const PLANTED: [&str; 4] = [
    "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiJwbGFudGVkIn0.c2lnbmF0dXJlLXBsYW50ZWQ",
    "planted-access-token-0123456789abcdef",
    "planted-cookie-value-fedcba9876543210",
    "planted-refresh-7f6e5d4c3b2a1908",
];

fn frames() -> Vec<String> {
    let [jwt, access, cookie, refresh] = PLANTED;
    vec![
        format!(r#"40{{"token":"{jwt}"}}"#),
        format!(
            r#"421["authenticate",{{"__trace":true,"traceparent":"00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"}},{{"token":"{access}","refreshToken":"{refresh}"}}]"#
        ),
        format!(r#"42["usernameStatus",{{"id":"did:privy:x","headers":{{"cookie":"session={cookie}"}}}}]"#),
        format!(r#"42["newChatMessage",{{"message":"my key is {jwt} do not tell"}}]"#),
        format!(r#"42["note",{{"inner":"{{\"accessToken\":\"{access}\"}}"}}]"#),
    ]
}

/// A server that speaks just enough, and sends what it is given.
async fn peer(listener: tokio::net::TcpListener, frames: Vec<String>) {
    use futures::{SinkExt, StreamExt};
    use tokio_tungstenite::tungstenite::Message;
    let (stream, _) = listener.accept().await.unwrap();
    let mut socket = tokio_tungstenite::accept_async(stream).await.unwrap();
    let open = r#"0{"sid":"a","upgrades":[],"pingInterval":25000,"pingTimeout":20000}"#;
    socket.send(Message::text(open)).await.unwrap();
    socket.next().await;
    socket.send(Message::text(r#"40{"sid":"b"}"#)).await.unwrap();
    for frame in frames {
        socket.send(Message::text(frame)).await.unwrap();
    }
    while socket.next().await.is_some() {}
}

#[tokio::test(flavor = "multi_thread")]
async fn none_of_the_planted_tokens_is_in_the_root() {
    let (_folder, root): (_, DataRoot) = root();
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let count = frames().len();
    tokio::spawn(peer(listener, frames()));
    let mut options = Options::new("test");
    options.feed_address = format!("ws://{address}");
    let capture = Capture::start(root.clone(), options);
    let mut bus = capture.subscribe();
    let mut role = capture.role();
    role.wait_for(|role| matches!(role, Role::Capturing { .. })).await.unwrap();
    let mut seen: Vec<Arc<replayer::capture::Captured>> = Vec::new();
    // Each is kept, without its secret.
    while seen.iter().filter(|captured| captured.text.contains("redacted")).count() < count {
        seen.push(in_time("the next frame", bus.recv()).await.unwrap());
    }
    // The journal while it is written, and the sealed parts afterwards.
    search(&root);
    capture.stop().await.unwrap();
    search(&root);
}

fn search(root: &DataRoot) {
    let files = files(root.path());
    assert!(!files.is_empty());
    for (path, bytes) in files {
        for planted in PLANTED {
            let found = bytes.windows(planted.len()).any(|window| window == planted.as_bytes());
            assert!(!found, "{planted} is in {}", path.display());
        }
    }
}
