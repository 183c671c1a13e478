//! The client against a peer written by hand: what is stored, and how every fault is told.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

use futures::{SinkExt, StreamExt};
use serde_json::Value;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::task::JoinHandle;
use tokio_tungstenite::tungstenite::{Bytes, Message};

use super::*;
use crate::capture::as_bytes;
use crate::capture::journaling::QueueLimits;
use crate::capture::sink::OVERHEAD;
use crate::capture::testing::{Peer, Recording, Refusing, StoredFrame, hear, of_type, say, until};
use crate::store::record::now_us;

/// Waits short enough for tests, long enough for a busy machine.
fn timeouts() -> Timeouts {
    Timeouts {
        handshake: Duration::from_secs(5),
        first_wait: Duration::from_millis(20),
        longest_wait: Duration::from_millis(40),
        stable: Duration::from_secs(10),
        close: Duration::from_secs(2),
    }
}

struct Running {
    recording: Recording,
    stop: CancellationToken,
    task: JoinHandle<()>,
}

impl Running {
    fn start(address: &str, timeouts: Timeouts, gap: Option<Gap>) -> Running {
        let recording = Recording::start(QueueLimits::default());
        let stop = CancellationToken::new();
        let sink = recording.journaling.sink().clone();
        let task = tokio::spawn(run(sink, address.to_owned(), gap, timeouts, stop.clone()));
        Running { recording, stop, task }
    }

    fn state(&self) -> SourceState {
        self.recording.numbers(SOURCE).connection
    }

    async fn connected(&self) {
        until("it is connected", || matches!(self.state(), SourceState::Connected { .. })).await;
    }

    /// Waits for a failure of this kind of wording and returns reason and next step.
    async fn failed(&self, word: &str) -> (String, String) {
        let mut told = (String::new(), String::new());
        until(&format!("a failure says {word:?}"), || {
            if let SourceState::Failed { reason, next_step, .. } = self.state() {
                told = (reason, next_step);
            }
            told.0.contains(word)
        })
        .await;
        told
    }

    async fn end(self) -> (Vec<StoredFrame>, Vec<(String, Value)>) {
        self.stop.cancel();
        self.task.await.unwrap();
        self.recording.end().await
    }
}

fn texts(frames: &[StoredFrame]) -> Vec<(&str, &str)> {
    frames.iter().map(|frame| (frame.direction.as_str(), frame.text.as_str())).collect()
}

#[tokio::test]
async fn every_text_is_stored_byte_for_byte_in_both_directions_and_in_order() {
    let peer = Peer::start().await;
    let running = Running::start(&peer.url(), timeouts(), None);
    let mut socket = peer.session().await;
    let odd = "42[\"newChatMessage\", {\"m\":\"\\u00e9 é \u{202e}🎲\",  \"n\":1.10}]";
    for text in [odd, "2", r#"427["question",{}]"#, "6", "garbage"] {
        say(&mut socket, text).await;
    }
    assert_eq!(hear(&mut socket).await.as_deref(), Some("3"));
    assert_eq!(hear(&mut socket).await.as_deref(), Some("437[]"));
    running.connected().await;
    until("all are stored", || running.recording.numbers(SOURCE).received == 7).await;
    running.stop.cancel();
    assert_eq!(hear(&mut socket).await.as_deref(), Some("41"), "it says goodbye");
    assert_eq!(hear(&mut socket).await, None);
    let (frames, events) = running.end().await;
    let open = peer.open_packet();
    let of = |direction| -> Vec<&str> {
        texts(&frames).into_iter().filter(|(was, _)| *was == direction).map(|(_, text)| text).collect()
    };
    let received = [open.as_str(), r#"40{"sid":"sio"}"#, odd, "2", r#"427["question",{}]"#, "6", "garbage"];
    assert_eq!(of("received"), received);
    assert_eq!(of("sent"), ["40", "3", "437[]", "41"]);
    let place = |text: &str| frames.iter().position(|frame| frame.text == text).unwrap();
    for (question, answer) in [(open.as_str(), "40"), ("2", "3"), (received[4], "437[]")] {
        assert!(place(question) < place(answer), "{answer} is behind what it answers");
    }
    assert!(frames.iter().all(|frame| frame.socket_id == frames[0].socket_id && !frame.socket_id.is_empty()));
    let connected = of_type(&events, events::CONNECTED);
    assert_eq!(connected.len(), 1);
    assert_eq!(
        (connected[0]["sid"].as_str(), connected[0]["ping_interval_ms"].as_u64()),
        (Some("eio"), Some(25_000))
    );
}

#[tokio::test]
async fn the_request_is_that_of_the_feeds_own_page() {
    let peer = Peer::start().await;
    let running = Running::start(&peer.url(), timeouts(), None);
    let mut tcp = peer.tcp().await;
    let mut request = vec![0; 2048];
    let length = tcp.read(&mut request).await.unwrap();
    let request = String::from_utf8_lossy(&request[..length]).into_owned();
    assert!(request.starts_with("GET /socket.io/?EIO=4&transport=websocket&frontend-version=1.0 HTTP/1.1\r\n"));
    assert!(request.contains("\r\nOrigin: https://rugs.fun\r\n"), "{request}");
    drop(tcp);
    running.end().await;
}

#[tokio::test]
async fn a_lost_connection_is_told_and_made_anew_and_the_gap_is_written() {
    let peer = Peer::start().await;
    let running = Running::start(&peer.url(), timeouts(), None);
    let mut first = peer.session().await;
    say(&mut first, r#"42["a"]"#).await;
    let began = Instant::now();
    until("it is stored", || running.recording.numbers(SOURCE).received == 3).await;
    drop(first);
    // One attempt fails in between.
    drop(peer.tcp().await);
    let mut second = peer.session().await;
    say(&mut second, r#"42["b"]"#).await;
    until("it is stored", || running.recording.numbers(SOURCE).received == 6).await;
    assert_eq!(running.recording.numbers(SOURCE).reconnects, 1);
    let (frames, events) = running.end().await;
    let lost = of_type(&events, events::CONNECTION_LOST);
    assert_eq!((lost.len(), lost[0]["kind"].as_str()), (1, Some("closed")));
    let gap = &of_type(&events, events::GAP)[0];
    assert_eq!(gap["attempts"], 2);
    assert!(gap["from_us"].as_i64() <= gap["to_us"].as_i64());
    assert!(gap["downtime_ms"].as_i64().unwrap() <= began.elapsed().as_millis() as i64, "{gap}");
    let sockets: Vec<&str> = frames.iter().map(|frame| frame.socket_id.as_str()).collect();
    assert_ne!(sockets.first(), sockets.last(), "each connection has its own name");
    assert_eq!(gap["socket_id"].as_str(), sockets.last().copied());
}

#[tokio::test]
async fn what_an_earlier_process_left_uncaptured_is_told_at_the_first_connection() {
    let peer = Peer::start().await;
    let gap = Gap { from_us: 1_000, since_us: None, reason: "process 7 did not end properly".into(), attempts: 0 };
    let running = Running::start(&peer.url(), timeouts(), Some(gap));
    let _socket = peer.session().await;
    running.connected().await;
    until("both are stored", || running.recording.numbers(SOURCE).system_events == 2).await;
    let (_, events) = running.end().await;
    let gaps = of_type(&events, events::GAP);
    assert_eq!((gaps.len(), gaps[0]["from_us"].as_i64()), (1, Some(1_000)));
}

#[tokio::test]
async fn a_server_that_stops_pinging_is_left_after_its_own_intervals() {
    let peer = Peer { ping_interval: 60, ping_timeout: 40, ..Peer::start().await };
    // Its own timeouts are no help here.
    let patient = Timeouts { handshake: Duration::from_secs(60), ..timeouts() };
    let running = Running::start(&peer.url(), patient, None);
    let half_open = peer.session().await;
    let again = peer.session().await;
    // The second falls silent too; how often that happens until it is seen is up to the machine.
    until("it is connected anew", || running.recording.numbers(SOURCE).reconnects >= 1).await;
    drop((half_open, again));
    let (_, events) = running.end().await;
    let lost = &of_type(&events, events::CONNECTION_LOST)[0];
    assert_eq!(lost["kind"], "silent");
    assert!(lost["reason"].as_str().unwrap().contains("100 ms"), "{lost}");
}

#[tokio::test]
async fn frames_keep_a_connection_alive_as_well_as_pings() {
    let peer = Peer { ping_interval: 600, ping_timeout: 400, ..Peer::start().await };
    let running = Running::start(&peer.url(), timeouts(), None);
    let mut socket = peer.session().await;
    let start = Instant::now();
    while start.elapsed() < Duration::from_millis(1600) {
        say(&mut socket, r#"42["x"]"#).await;
        sleep(Duration::from_millis(20)).await;
    }
    assert_eq!(running.recording.numbers(SOURCE).reconnects, 0);
    let (_, events) = running.end().await;
    assert_eq!(of_type(&events, events::CONNECTION_LOST), Vec::<Value>::new());
}

/// The bytes of the only message that is kept as bytes, and the details of its first event.
fn kept(events: &[(String, Value)]) -> (Value, Vec<u8>) {
    let mut kept = of_type(events, events::MESSAGE_AS_BYTES);
    assert_eq!(kept.len(), 1);
    kept.extend(of_type(events, events::MESSAGE_PIECE));
    (kept[0].clone(), as_bytes::join(&kept).unwrap())
}

#[tokio::test]
async fn a_message_of_16_mb_is_stored_and_a_longer_one_is_kept_as_bytes_on_the_same_connection() {
    let peer = Peer::start().await;
    let running = Running::start(&peer.url(), timeouts(), None);
    let mut socket = peer.session().await;
    let longest = format!("42[\"{}\"]", "x".repeat(Limits::default().text - 6));
    say(&mut socket, &longest).await;
    let longer = format!("427[\"{}\"]", "y".repeat(20 << 20));
    say(&mut socket, &longer).await;
    say(&mut socket, r#"42["after"]"#).await;
    assert_eq!(hear(&mut socket).await.as_deref(), Some("437[]"), "its ack is given");
    until("the next is stored", || running.recording.numbers(SOURCE).received == 4).await;
    let numbers = running.recording.numbers(SOURCE);
    assert_eq!((numbers.as_bytes, numbers.dropped, numbers.reconnects), (1, 0, 0));
    let (frames, events) = running.end().await;
    assert!(frames.iter().any(|frame| frame.text == longest), "16 MB byte for byte");
    let (details, bytes) = kept(&events);
    assert_eq!((&details["reason"], &details["bytes"]), (&json!("too_long"), &json!(longer.len())));
    assert!(bytes == longer.as_bytes());
}

#[tokio::test]
async fn of_a_message_too_long_for_memory_the_beginning_is_kept_and_the_connection_goes_on() {
    let peer = Peer::start().await;
    let running = Running::start(&peer.url(), timeouts(), None);
    let mut socket = peer.session().await;
    let length = Limits::default().whole + 1;
    say(&mut socket, &"z".repeat(length)).await;
    say(&mut socket, r#"42["after"]"#).await;
    until("the next is stored", || running.recording.numbers(SOURCE).received == 3).await;
    let numbers = running.recording.numbers(SOURCE);
    assert_eq!((numbers.as_bytes, numbers.dropped, numbers.reconnects), (1, 1, 0));
    let (_, events) = running.end().await;
    let (details, bytes) = kept(&events);
    assert_eq!((&details["cut"], &details["bytes"]), (&json!(true), &json!(length)));
    assert!(bytes == vec![b'z'; 1 << 20]);
}

#[tokio::test]
async fn a_binary_message_is_kept_as_an_event_and_the_connection_goes_on() {
    let peer = Peer::start().await;
    let running = Running::start(&peer.url(), timeouts(), None);
    let mut socket = peer.session().await;
    socket.send(Message::binary(vec![0x1f, 0x8b, 8, 0])).await.unwrap();
    say(&mut socket, r#"42["after"]"#).await;
    until("the next is stored", || running.recording.numbers(SOURCE).received == 3).await;
    assert_eq!(running.recording.numbers(SOURCE).reconnects, 0);
    let (_, events) = running.end().await;
    let binary = &of_type(&events, events::BINARY_MESSAGE)[0];
    assert_eq!((binary["gzip"].as_bool(), binary["base64"].as_str()), (Some(true), Some("H4sIAA==")));
}

/// Bytes that are no frame of a server: how the connection ends.
async fn sends_raw(bytes: &[u8]) -> Value {
    let peer = Peer::start().await;
    let running = Running::start(&peer.url(), timeouts(), None);
    let mut socket = peer.session().await;
    socket.get_mut().write_all(bytes).await.unwrap();
    let _again = peer.session().await;
    until("it is connected anew", || running.recording.numbers(SOURCE).reconnects == 1).await;
    let (_, events) = running.end().await;
    of_type(&events, events::CONNECTION_LOST).remove(0)
}

/// A frame that no WebSocket library would send, and a text behind it on the same connection: what is kept of the first.
async fn goes_on_after(bytes: &[u8]) -> (Value, Vec<u8>) {
    let peer = Peer::start().await;
    let running = Running::start(&peer.url(), timeouts(), None);
    let mut socket = peer.session().await;
    socket.get_mut().write_all(bytes).await.unwrap();
    say(&mut socket, r#"42["after"]"#).await;
    until("the next is stored", || running.recording.numbers(SOURCE).received == 3).await;
    let numbers = running.recording.numbers(SOURCE);
    assert_eq!((numbers.as_bytes, numbers.dropped, numbers.reconnects), (1, 0, 0));
    let (_, events) = running.end().await;
    kept(&events)
}

#[tokio::test]
async fn a_text_that_is_not_utf8_is_kept_as_bytes_and_the_connection_goes_on() {
    let (details, bytes) = goes_on_after(&[0x81, 3, b'4', 0xff, 0xfe]).await;
    assert_eq!((&details["reason"], bytes.as_slice()), (&json!("not_utf8"), b"4\xff\xfe".as_slice()));
}

#[tokio::test]
async fn a_compressed_frame_is_kept_as_bytes_and_the_connection_goes_on() {
    let (details, bytes) = goes_on_after(&[0xc1, 3, 1, 2, 3]).await;
    assert_eq!((&details["reason"], bytes.as_slice()), (&json!("extension"), [1, 2, 3].as_slice()));
}

#[tokio::test]
async fn a_server_that_compresses_from_the_beginning_is_told() {
    let peer = Peer::start().await;
    let running = Running::start(&peer.url(), timeouts(), None);
    let mut socket = peer.websocket().await;
    socket.get_mut().write_all(&[0xc1, 3, 1, 2, 3]).await.unwrap();
    let (_, next_step) = running.failed("compressed").await;
    assert!(next_step.contains("permessage-deflate"), "{next_step}");
    running.end().await;
}

#[tokio::test]
async fn nothing_is_answered_before_it_is_in_the_journal_and_the_socket_is_read_on_meanwhile() {
    let peer = Peer::start().await;
    let running = Running::start(&peer.url(), timeouts(), None);
    let refusing = Refusing::begin(&running.recording.root);
    let mut socket = peer.websocket().await;
    say(&mut socket, &peer.open_packet()).await;
    socket.send(Message::Ping(Bytes::from_static(b"p"))).await.unwrap();
    for n in 0..5 {
        say(&mut socket, &format!("42[{n}]")).await;
    }
    // The open packet, which is being tried, two marks, and five frames.
    let all = 8 * OVERHEAD + peer.open_packet().len() + 5 * "42[0]".len();
    until("everything is read", || running.recording.journaling.sink().queue_now().bytes == all).await;
    let heard = timeout(Duration::from_millis(100), socket.next()).await;
    assert!(heard.is_err(), "{heard:?}");
    refusing.end();
    assert_eq!(socket.next().await.unwrap().unwrap(), Message::text("40"));
    assert_eq!(socket.next().await.unwrap().unwrap(), Message::Pong(Bytes::from_static(b"p")));
    running.end().await;
}

#[tokio::test]
async fn garbage_instead_of_frames_is_told() {
    assert_eq!(sends_raw(&[0x8f, 0, 0, 0]).await["kind"], "websocket_protocol");
}

#[tokio::test]
async fn a_server_that_says_close_is_quoted() {
    use tokio_tungstenite::tungstenite::protocol::{CloseFrame, frame::coding::CloseCode};
    let peer = Peer::start().await;
    let running = Running::start(&peer.url(), timeouts(), None);
    let mut socket = peer.session().await;
    running.connected().await;
    let frame = CloseFrame { code: CloseCode::Restart, reason: "back soon".into() };
    socket.close(Some(frame)).await.unwrap();
    running.failed("back soon (code 1012)").await;
    running.end().await;
}

#[tokio::test]
async fn socket_io_disconnect_and_engine_io_close_lead_to_a_new_connection() {
    let peer = Peer::start().await;
    let running = Running::start(&peer.url(), timeouts(), None);
    let mut first = peer.session().await;
    say(&mut first, "41").await;
    let mut second = peer.session().await;
    say(&mut second, "1").await;
    let _third = peer.session().await;
    until("it is connected anew", || running.recording.numbers(SOURCE).reconnects == 2).await;
    let (frames, events) = running.end().await;
    let kinds: Vec<Value> =
        of_type(&events, events::CONNECTION_LOST).iter().map(|lost| lost["kind"].clone()).collect();
    assert_eq!(kinds, ["disconnected", "closed"]);
    assert!(frames.iter().any(|frame| frame.text == "41") && frames.iter().any(|frame| frame.text == "1"));
}

#[tokio::test]
async fn a_port_where_nothing_listens_is_told_with_the_next_step() {
    let peer = Peer::start().await;
    let url = peer.url();
    drop(peer);
    let running = Running::start(&url, timeouts(), None);
    let (_, next_step) = running.failed("refused").await;
    assert!(next_step.contains("port"), "{next_step}");
    running.end().await;
}

#[tokio::test]
async fn a_failure_that_repeats_itself_is_written_once_and_tried_for_ever() {
    let peer = Peer::start().await;
    let url = peer.url();
    drop(peer);
    let running = Running::start(&url, timeouts(), None);
    until("some attempts are over", || match running.state() {
        SourceState::Failed { attempt, next_try_us, .. } => attempt >= 5 && next_try_us.is_some(),
        _ => false,
    })
    .await;
    let (_, events) = running.end().await;
    assert_eq!(of_type(&events, events::CONNECTION_FAILED).len(), 1);
}

#[tokio::test]
async fn a_name_that_cannot_be_resolved_is_told() {
    // Longer than a name may be: refused by the system's resolver without asking the network.
    let running = Running::start(&format!("wss://{}.invalid/", "x".repeat(64)), timeouts(), None);
    let (_, next_step) = running.failed("cannot be resolved").await;
    assert!(next_step.contains("host"), "{next_step}");
    running.end().await;
}

#[tokio::test]
async fn a_server_without_tls_is_told_from_one_that_is_down() {
    let peer = Peer::start().await;
    let running = Running::start(&peer.url().replace("ws://", "wss://"), timeouts(), None);
    let answer = async {
        loop {
            let _ = peer.tcp().await.write_all(b"HTTP/1.1 400 Bad Request\r\n\r\n").await;
        }
    };
    let failed = running.failed("no TLS connection");
    let (_, next_step) = tokio::select! { told = failed => told, () = answer => unreachable!() };
    assert!(next_step.contains("ws://"), "{next_step}");
    running.end().await;
}

/// Answers every request with `response`, until the status says `word`.
async fn answers(response: &str, word: &str) -> (String, String) {
    let peer = Peer::start().await;
    let running = Running::start(&peer.url(), timeouts(), None);
    let answer = async {
        loop {
            let mut tcp = peer.tcp().await;
            let _ = tcp.read(&mut [0; 2048]).await;
            let _ = tcp.write_all(response.as_bytes()).await;
        }
    };
    let told = tokio::select! { told = running.failed(word) => told, () = answer => unreachable!() };
    running.end().await;
    told
}

#[tokio::test]
async fn a_web_page_instead_of_a_socket_is_told() {
    let page =
        "HTTP/1.1 200 OK\r\ncontent-type: text/html; charset=utf-8\r\ncontent-length: 15\r\n\r\n<!doctype html>";
    let (reason, next_step) = answers(page, "a web page").await;
    assert!(reason.contains("200") && next_step.contains("path"), "{reason} {next_step}");
}

#[tokio::test]
async fn an_http_error_is_told_by_its_status() {
    let (reason, _) = answers("HTTP/1.1 503 Service Unavailable\r\ncontent-length: 4\r\n\r\nbusy", "503").await;
    assert!(reason.contains("busy"), "{reason}");
    let (_, next_step) = answers("HTTP/1.1 404 Not Found\r\ncontent-length: 0\r\n\r\n", "404").await;
    assert!(next_step.contains("/socket.io/"), "{next_step}");
    let (reason, _) = answers(
        "HTTP/1.1 301 Moved Permanently\r\nlocation: https://elsewhere.example/\r\ncontent-length: 0\r\n\r\n",
        "sends elsewhere",
    )
    .await;
    assert!(reason.contains("elsewhere.example"), "{reason}");
}

#[tokio::test]
async fn a_server_that_asks_for_patience_gets_it() {
    let peer = Peer::start().await;
    let running = Running::start(&peer.url(), timeouts(), None);
    let mut tcp = peer.tcp().await;
    let _ = tcp.read(&mut [0; 2048]).await;
    tcp.write_all(b"HTTP/1.1 429 Too Many Requests\r\nretry-after: 60\r\ncontent-length: 0\r\n\r\n")
        .await
        .unwrap();
    drop(tcp);
    running.failed("429").await;
    match running.state() {
        SourceState::Failed { next_try_us: Some(next), .. } => assert!(next - now_us() > 50_000_000),
        other => panic!("{other:?}"),
    }
    running.end().await;
}

#[tokio::test]
async fn a_server_of_engine_io_3_is_told_whichever_way_it_shows() {
    let refused = "HTTP/1.1 400 Bad Request\r\ncontent-type: application/json\r\ncontent-length: 51\r\n\r\n\
                   {\"code\":5,\"message\":\"Unsupported protocol version\"}";
    let (_, next_step) = answers(refused, "Engine.IO 3").await;
    assert!(next_step.contains("Socket.IO 3"), "{next_step}");
    let peer = Peer::start().await;
    let running = Running::start(&peer.url(), timeouts(), None);
    let mut socket = peer.websocket().await;
    say(&mut socket, r#"0{"sid":"a","upgrades":[],"pingInterval":25000,"pingTimeout":5000}"#).await;
    say(&mut socket, "40").await;
    running.failed("Engine.IO 3").await;
    let (frames, _) = running.end().await;
    assert!(frames.len() >= 2, "even these are stored: {frames:?}");
}

#[tokio::test]
async fn a_server_that_refuses_the_namespace_is_quoted() {
    let peer = Peer::start().await;
    let running =
        Running::start(&peer.url().replace("ws://", "http://").replace("/socket.io/", "/admin"), timeouts(), None);
    let mut socket = peer.websocket().await;
    say(&mut socket, &peer.open_packet()).await;
    assert_eq!(hear(&mut socket).await.as_deref(), Some("40/admin,"));
    say(&mut socket, r#"44/admin,{"message":"Invalid namespace"}"#).await;
    running.failed("Invalid namespace").await;
    running.end().await;
}

#[tokio::test]
async fn a_websocket_that_speaks_something_else_is_told() {
    let peer = Peer::start().await;
    let running = Running::start(&peer.url(), timeouts(), None);
    let mut socket = peer.websocket().await;
    say(&mut socket, "{\"hello\":\"world\"}").await;
    running.failed("does not speak Engine.IO").await;
    let (frames, _) = running.end().await;
    assert_eq!(frames[0].text, "{\"hello\":\"world\"}");
}

/// How far a peer goes that then says nothing more.
#[derive(Clone, Copy, PartialEq)]
enum Until {
    Connected,
    Upgraded,
    Opened,
}

#[tokio::test]
async fn a_handshake_that_does_not_come_to_its_end_is_given_up() {
    for (goes, word) in [
        (Until::Connected, "the handshake took longer"),
        (Until::Upgraded, "the Engine.IO open packet did not come"),
        (Until::Opened, "the answer to the Socket.IO connect packet did not come"),
    ] {
        let peer = Peer::start().await;
        let running =
            Running::start(&peer.url(), Timeouts { handshake: Duration::from_millis(200), ..timeouts() }, None);
        let goes_silent = async {
            let (mut connections, mut sockets) = (Vec::new(), Vec::new());
            loop {
                let tcp = peer.tcp().await;
                if goes == Until::Connected {
                    connections.push(tcp);
                } else if let Ok(mut socket) = tokio_tungstenite::accept_async(tcp).await {
                    if goes == Until::Opened {
                        let _ = socket.send(Message::text(peer.open_packet())).await;
                    }
                    sockets.push(socket);
                }
            }
        };
        tokio::select! { _ = running.failed(word) => {}, () = goes_silent => unreachable!() }
        running.end().await;
    }
}

#[tokio::test]
async fn what_is_no_address_fails_without_being_tried_again() {
    let running = Running::start("backend.rugs.fun", timeouts(), None);
    let (_, next_step) = running.failed("scheme").await;
    assert!(next_step.contains("wss://backend.rugs.fun/"), "{next_step}");
    assert!(matches!(running.state(), SourceState::Failed { next_try_us: None, .. }));
    running.end().await;
}

#[tokio::test]
async fn a_client_that_is_stopped_stores_what_the_server_still_had_to_say() {
    let peer = Peer::start().await;
    let running = Running::start(&peer.url(), timeouts(), None);
    let mut socket = peer.session().await;
    running.connected().await;
    running.stop.cancel();
    assert_eq!(hear(&mut socket).await.as_deref(), Some("41"));
    say(&mut socket, r#"42["last words"]"#).await;
    let _ = hear(&mut socket).await;
    let (frames, _) = running.end().await;
    assert_eq!(frames.last().unwrap().text, r#"42["last words"]"#);
}
