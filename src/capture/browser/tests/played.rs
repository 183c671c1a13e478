//! A Chrome played by hand: what it is asked, and what becomes of its refusals.

use std::time::Duration;

use futures::{SinkExt, StreamExt};
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::{WebSocketStream, accept_async};
use tokio_util::sync::CancellationToken;

use crate::capture::browser::{Timeouts, probe, run_with};
use crate::capture::journaling::QueueLimits;
use crate::capture::metrics::SourceState;
use crate::capture::testing::{Recording, of_type, until};
use crate::store::record::Source;

const QUICK: Timeouts = Timeouts { first_wait: Duration::from_millis(5), longest_wait: Duration::from_millis(20) };
const TICK: &str = r#"42["gameStateUpdate",{"gameId":"g","price":1.5}]"#;

/// Answers every HTTP request with the same bytes.
async fn answering(bytes: &'static str) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = format!("http://{}", listener.local_addr().unwrap());
    tokio::spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            let _ = stream.read(&mut [0; 1024]).await;
            let _ = stream.write_all(bytes.as_bytes()).await;
        }
    });
    address
}

/// A Chrome that a test speaks for.
struct Played {
    listener: TcpListener,
}

impl Played {
    async fn start() -> Played {
        Played { listener: TcpListener::bind("127.0.0.1:0").await.unwrap() }
    }

    fn address(&self) -> String {
        format!("http://{}", self.listener.local_addr().unwrap())
    }

    /// Tells the address and takes the connection.
    async fn attached_to(&self) -> WebSocketStream<TcpStream> {
        let (mut stream, _) = self.listener.accept().await.unwrap();
        let mut request = [0; 1024];
        let read = stream.read(&mut request).await.unwrap();
        assert!(request[..read].starts_with(b"GET /json/version HTTP/1.1\r\n"));
        let body = r#"{"Browser":"Chrome/999","webSocketDebuggerUrl":"ws://x/devtools/browser/1"}"#;
        let answer = format!("HTTP/1.1 200 OK\r\nContent-Length:{}\r\n\r\n{body}", body.len());
        stream.write_all(answer.as_bytes()).await.unwrap();
        accept_async(self.listener.accept().await.unwrap().0).await.unwrap()
    }
}

type Socket = WebSocketStream<TcpStream>;

async fn asked(socket: &mut Socket) -> Option<Value> {
    loop {
        match socket.next().await? {
            Ok(Message::Text(text)) => return Some(serde_json::from_str(&text).unwrap()),
            Ok(_) => {}
            Err(_) => return None,
        }
    }
}

async fn tell(socket: &mut Socket, what: Value) {
    socket.send(Message::text(what.to_string())).await.unwrap();
}

/// Attaches the source to the page `p` and opens the socket `7.1` on it.
async fn page_with_socket(socket: &mut Socket) {
    assert_eq!(asked(socket).await.unwrap()["method"], "Target.setDiscoverTargets");
    let info = json!({"targetId": "p", "type": "page", "url": "https://rugs.fun/", "attached": false, "new": 1});
    tell(socket, json!({"method": "Target.targetCreated", "params": {"targetInfo": info}})).await;
    let attach = asked(socket).await.unwrap();
    assert_eq!((&attach["method"], &attach["params"]["targetId"]), (&json!("Target.attachToTarget"), &json!("p")));
    tell(socket, json!({"method": "Target.attachedToTarget", "params": {"sessionId": "s", "targetInfo": info}}))
        .await;
    let methods = [asked(socket).await.unwrap(), asked(socket).await.unwrap()].map(|call| call["method"].clone());
    assert_eq!(methods, ["Network.enable", "Target.setAutoAttach"]);
    let url = "wss://backend.rugs.fun/socket.io/?EIO=4";
    event(socket, "Network.webSocketCreated", json!({"requestId": "7.1", "url": url})).await;
}

async fn event(socket: &mut Socket, method: &str, params: Value) {
    tell(socket, json!({"method": method, "sessionId": "s", "params": params})).await;
}

fn frame(text: &str) -> Value {
    json!({"requestId": "7.1", "timestamp": 5.0, "response": {"opcode": 1, "mask": false, "payloadData": text}})
}

struct Running {
    recording: Recording,
    stop: CancellationToken,
    task: tokio::task::JoinHandle<()>,
}

impl Running {
    fn start(address: String) -> Running {
        let recording = Recording::start(QueueLimits::default());
        let stop = CancellationToken::new();
        let task = tokio::spawn(run_with(recording.journaling.sink().clone(), address, QUICK, stop.clone()));
        Running { recording, stop, task }
    }

    fn state(&self) -> SourceState {
        self.recording.numbers(Source::Cdp).connection
    }

    async fn received(&self, count: u64) {
        until("the frames are stored", || self.recording.numbers(Source::Cdp).received == count).await;
    }

    async fn end(self) -> (Vec<crate::capture::testing::StoredFrame>, Vec<(String, Value)>) {
        self.stop.cancel();
        self.task.await.unwrap();
        self.recording.end().await
    }
}

#[tokio::test]
async fn what_is_at_the_port_is_told_with_the_next_step() {
    let refused = probe("127.0.0.1:1").await.unwrap_err();
    assert_eq!(refused.kind, "refused");
    assert!(refused.reason.contains("136") && refused.next_step.contains("--user-data-dir="), "{refused:?}");
    let html = answering("HTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\n<html>").await;
    assert_eq!(probe(&html).await.unwrap_err().kind, "not_chrome");
    let inspect =
        probe(&answering("HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n").await).await.unwrap_err();
    assert_eq!(inspect.kind, "no_discovery");
    assert!(inspect.next_step.contains("DevToolsActivePort"));
    let stale = answering("HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n").await;
    let stale = probe(&format!("{}/devtools/browser/old", stale.replace("http", "ws"))).await.unwrap_err();
    assert_eq!(stale.kind, "handshake");
    assert!(stale.next_step.contains("http://127.0.0.1"), "{stale:?}");
}

#[tokio::test]
async fn a_failure_is_told_once_and_tried_again_until_there_is_a_browser() {
    let chrome = Played::start().await;
    let address = chrome.address();
    drop(chrome);
    let running = Running::start(address.clone());
    until("it failed thrice", || matches!(running.state(), SourceState::Failed { attempt: 3.., .. })).await;
    let listener = TcpListener::bind(address.strip_prefix("http://").unwrap()).await.unwrap();
    let mut socket = Played { listener }.attached_to().await;
    assert_eq!(asked(&mut socket).await.unwrap()["method"], "Target.setDiscoverTargets");
    let waiting = |state| matches!(state, SourceState::Connected { note: Some(note), .. } if note.contains("waiting for a rugs.fun tab"));
    until("it is connected", || waiting(running.state())).await;
    let (_, events) = running.end().await;
    assert_eq!(of_type(&events, "connection_failed").len(), 1, "{events:?}");
    assert_eq!(of_type(&events, "browser_connected")[0]["browser"], "Chrome/999");
}

/// D11.
#[tokio::test]
async fn stopping_turns_the_listening_off_and_clears_everything() {
    let chrome = Played::start().await;
    let running = Running::start(chrome.address());
    let mut socket = chrome.attached_to().await;
    page_with_socket(&mut socket).await;
    event(&mut socket, "Network.webSocketFrameReceived", frame(TICK)).await;
    running.received(1).await;
    running.stop.cancel();
    let last = asked(&mut socket).await.unwrap();
    assert_eq!((&last["method"], &last["sessionId"]), (&json!("Network.disable"), &json!("s")));
    // What was on its way is recorded too.
    event(&mut socket, "Network.webSocketFrameReceived", frame("2")).await;
    tell(&mut socket, json!({"id": last["id"], "sessionId": "s", "result": {}})).await;
    for id in 0..last["id"].as_u64().unwrap() {
        tell(&mut socket, json!({"id": id, "result": {}})).await;
    }
    until("it is off", || running.state() == SourceState::Off).await;
    assert!(asked(&mut socket).await.is_none(), "the connection ended");
    let (frames, events) = running.end().await;
    assert_eq!(frames.len(), 2);
    assert_eq!(of_type(&events, "socket_closed").len(), 1);
}

/// D12.
#[tokio::test]
async fn stopping_ends_whatever_chrome_answers_or_not() {
    for refuses in [true, false] {
        let chrome = Played::start().await;
        let running = Running::start(chrome.address());
        let mut socket = chrome.attached_to().await;
        page_with_socket(&mut socket).await;
        until("the socket is known", || running.recording.numbers(Source::Cdp).system_events >= 2).await;
        running.stop.cancel();
        let last = asked(&mut socket).await.unwrap();
        if refuses {
            let error = json!({"code": -32000, "message": "Session with given id not found."});
            tell(&mut socket, json!({"id": last["id"], "error": error})).await;
        }
        let (_, events) = running.end().await;
        assert_eq!(of_type(&events, "socket_closed").len(), 1, "refuses: {refuses}");
    }
}

#[tokio::test]
async fn a_lost_browser_is_found_again_and_the_gap_is_told() {
    let chrome = Played::start().await;
    let running = Running::start(chrome.address());
    let mut socket = chrome.attached_to().await;
    page_with_socket(&mut socket).await;
    event(&mut socket, "Network.webSocketFrameReceived", frame(TICK)).await;
    running.received(1).await;
    drop(socket);
    let mut socket = chrome.attached_to().await;
    page_with_socket(&mut socket).await;
    event(&mut socket, "Network.webSocketFrameReceived", frame("2")).await;
    running.received(2).await;
    assert_eq!(running.recording.numbers(Source::Cdp).reconnects, 1);
    let (frames, events) = running.end().await;
    let ids: Vec<&str> = frames.iter().map(|frame| frame.socket_id.as_str()).collect();
    assert_eq!(ids, ["7.1", "7.1#1"]);
    assert_eq!(of_type(&events, "browser_lost")[0]["open_sockets"], 1);
    assert_eq!(of_type(&events, "gap").len(), 1);
}

#[tokio::test]
async fn what_cannot_be_read_harms_nothing_around_it() {
    let chrome = Played::start().await;
    let running = Running::start(chrome.address());
    let mut socket = chrome.attached_to().await;
    page_with_socket(&mut socket).await;
    for junk in [
        "nonsense",
        "{}",
        r#"{"method":5}"#,
        r#"{"method":"Network.webSocketFrameReceived","sessionId":"s","params":{}}"#,
    ] {
        socket.send(Message::text(junk)).await.unwrap();
    }
    event(&mut socket, "Network.somethingNew", json!({"a": [1]})).await;
    // A frame that the reader of JSON refuses: half a surrogate pair.
    let half = r#"{"method":"Network.webSocketFrameReceived","sessionId":"s","params":{"response":{"payloadData":"\ud800"}}}"#;
    socket.send(Message::text(half)).await.unwrap();
    event(&mut socket, "Network.webSocketFrameReceived", frame(TICK)).await;
    running.received(1).await;
    assert_eq!(running.recording.numbers(Source::Cdp).dropped, 1);
    let (frames, events) = running.end().await;
    assert_eq!((frames[0].text.as_str(), frames.len()), (TICK, 1));
    assert_eq!(of_type(&events, "frame_refused").len(), 1);
}

#[tokio::test]
async fn an_address_that_is_none_is_told_and_stopping_still_works() {
    let running = Running::start("https://127.0.0.1:9222".into());
    until("it failed", || matches!(running.state(), SourceState::Failed { next_try_us: None, .. })).await;
    running.end().await;
}
