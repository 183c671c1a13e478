//! D1, D4–D10, D14–D18 of `behaviours.md`, adoption, and what ends a socket.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

use super::*;
use crate::capture::journaling::QueueLimits;
use crate::capture::testing::Recording;

const NOW: i64 = 1_700_000_000_000_000;
const P1: &str = r#"42["gameStateUpdate",{"gameId":"123","price":1.5}]"#;
const RUGS: &str = "wss://backend.rugs.fun/socket.io/?EIO=4&token=abc";

fn place(session: &str) -> Place {
    Place { session: session.into(), page: Some("https://rugs.fun".into()), target: "page".into(), at_home: true }
}

fn sockets() -> Sockets {
    Sockets::new(Hosts::default(), 0)
}

fn opened() -> Sockets {
    let mut sockets = sockets();
    sockets.created(place("s"), "ws-123", RUGS, NOW);
    sockets.take();
    sockets
}

fn say(sockets: &mut Sockets, id: &str, direction: Direction, seconds: f64, text: &str) {
    let payload = text.to_owned();
    let (request_id, now_us, at_us) = (id.into(), NOW, NOW);
    let heard = Heard { request_id, seconds, direction, opcode: 1, payload, now_us, at_us, prompt: true };
    sockets.heard(heard, || Place { at_home: false, ..place("s") });
}

fn received(sockets: &mut Sockets, id: &str, text: &str) {
    say(sockets, id, Direction::Received, 100.0, text);
}

fn frames(sockets: &mut Sockets) -> Vec<Frame> {
    let out = sockets.take().into_iter();
    out.filter_map(|out| if let Out::Frame(frame) = out { Some(frame) } else { None }).collect()
}

fn types(out: &[Out]) -> Vec<&str> {
    out.iter().map(|out| if let Out::System(kind, _) = out { *kind } else { "frame" }).collect()
}

fn details(out: &Out) -> &Value {
    if let Out::System(_, details) = out { details } else { &Value::Null }
}

#[test]
fn d1_nothing_is_open_at_first() {
    let sockets = sockets();
    assert_eq!((sockets.ours(), sockets.only(), sockets.received()), (0, None, 0));
}

#[test]
fn d4_a_socket_of_rugs_fun_is_tracked_and_told_without_its_query() {
    let mut sockets = sockets();
    sockets.created(place("s"), "ws-123", RUGS, NOW);
    assert_eq!(sockets.only(), Some("ws-123"));
    let out = sockets.take();
    let expected = json!({
        "socket_id": "ws-123", "origin": "wss://backend.rugs.fun", "page": "https://rugs.fun", "target": "page",
    });
    assert_eq!(out, [Out::System(events::SOCKET_OPENED, expected)]);
}

#[test]
fn d5_a_socket_of_another_host_is_ignored_with_all_it_says() {
    let mut sockets = sockets();
    sockets.created(place("s"), "ws-1", "wss://other.com/socket", NOW);
    received(&mut sockets, "ws-1", P1);
    sockets.closed("ws-1", NOW);
    assert_eq!((sockets.take(), sockets.ours()), (vec![], 0));
}

#[test]
fn d6_d9_frames_of_both_directions_become_records() {
    let mut sockets = opened();
    say(&mut sockets, "ws-123", Direction::Received, 1_234_567_890.123, P1);
    say(&mut sockets, "ws-123", Direction::Sent, 1_234_567_890.2, r#"42["buyOrder",{"amount":0.01}]"#);
    let frames = frames(&mut sockets);
    let expected = Frame {
        ts: 1_234_567_890_123_000,
        at_us: NOW,
        source: Source::Cdp,
        direction: Direction::Received,
        socket_id: Some("ws-123".into()),
        source_clock: Some(1_234_567_890.123),
        text: P1.into(),
    };
    assert_eq!(frames[0], expected);
    assert_eq!((frames[1].direction, frames.len()), (Direction::Sent, 2));
}

#[test]
fn d7_d14_the_times_of_frames_keep_their_distance_and_no_time_is_now() {
    let mut sockets = opened();
    for seconds in [100.0, 101.5, 0.0] {
        say(&mut sockets, "ws-123", Direction::Received, seconds, P1);
    }
    let times: Vec<i64> = frames(&mut sockets).iter().map(|frame| frame.ts).collect();
    assert_eq!(times, [NOW, NOW + 1_500_000, NOW]);
}

#[test]
fn d8_an_unknown_socket_is_adopted_with_all_it_said() {
    let mut sockets = sockets();
    for text in ["2", "43[]", P1] {
        assert_eq!(sockets.take(), []);
        received(&mut sockets, "ws-9", text);
    }
    assert_eq!((sockets.received(), sockets.only()), (3, Some("ws-9")));
    let out = sockets.take();
    assert_eq!(types(&out), [events::SOCKET_ADOPTED, "frame", "frame", "frame"]);
    assert_eq!((&details(&out[0])["frames_kept"], &details(&out[0])["frames_lost"]), (&json!(2), &json!(0)));
    let Out::Frame(first) = &out[1] else { return assert_eq!(types(&out)[1], "frame") };
    assert_eq!(first.text, "2");
}

#[test]
fn an_unknown_socket_that_says_other_things_is_let_go() {
    let mut sockets = sockets();
    for _ in 0..100 {
        received(&mut sockets, "ws-9", r#"{"jsonrpc":"2.0"}"#);
    }
    received(&mut sockets, "ws-9", P1);
    assert_eq!(sockets.take(), []);
}

#[test]
fn what_is_kept_of_an_unknown_socket_is_bounded_and_the_loss_is_told() {
    let mut sockets = sockets();
    let long = format!("42[\"tick\",\"{}\"]", "x".repeat(100_000));
    for _ in 0..100 {
        received(&mut sockets, "ws-9", &long);
    }
    received(&mut sockets, "ws-9", P1);
    let out = sockets.take();
    let kept = details(&out[0])["frames_kept"].as_u64().unwrap();
    assert!((30..45).contains(&kept) && out.len() as u64 == kept + 2, "{kept}");
    assert_eq!(details(&out[0])["frames_lost"], 100 - kept);
}

#[test]
fn d10_a_closed_socket_is_gone() {
    let mut sockets = opened();
    received(&mut sockets, "ws-123", P1);
    sockets.take();
    sockets.closed("ws-123", NOW + 5_000_000);
    assert_eq!(sockets.only(), None);
    let expected = json!({
        "socket_id": "ws-123", "reason": "the socket was closed", "open_ms": 5000, "received": 1, "sent": 0,
    });
    assert_eq!(sockets.take(), [Out::System(events::SOCKET_CLOSED, expected)]);
}

#[test]
fn sockets_end_with_their_session_and_no_other() {
    let mut sockets = opened();
    sockets.created(place("t"), "ws-2", RUGS, NOW);
    sockets.take();
    sockets.session_ended("s", "the tab was closed", NOW);
    assert_eq!(sockets.only(), Some("ws-2"));
    let out = sockets.take();
    assert_eq!(
        (types(&out), &details(&out[0])["reason"]),
        (vec![events::SOCKET_CLOSED], &json!("the tab was closed"))
    );
}

#[test]
fn a_socket_that_is_silent_after_its_page_was_left_is_closed() {
    let mut sockets = opened();
    sockets.created(place("s"), "ws-2", RUGS, NOW);
    sockets.take();
    sockets.left("s", NOW);
    // A download does not end the page.
    received(&mut sockets, "ws-2", P1);
    sockets.sweep(NOW + LEFT_FOR);
    assert_eq!(sockets.ours(), 2);
    sockets.sweep(NOW + LEFT_FOR + 1);
    assert_eq!(sockets.only(), Some("ws-2"));
}

#[test]
fn a_binary_message_is_kept_as_bytes_in_its_place() {
    let mut sockets = opened();
    received(&mut sockets, "ws-123", P1);
    let payload = "AQID".to_owned();
    let direction = Direction::Sent;
    let heard = Heard {
        request_id: "ws-123".into(),
        seconds: 1.0,
        direction,
        opcode: 2,
        payload,
        now_us: NOW,
        at_us: NOW,
        prompt: true,
    };
    sockets.heard(heard, Place::default);
    let out = sockets.take();
    let [Out::Frame(_), Out::AsBytes { socket_id, direction, message }] = &out[..] else { panic!("{out:?}") };
    assert_eq!((&**socket_id, *direction, &message.bytes), ("ws-123", Direction::Sent, &vec![1, 2, 3]));
}

#[test]
fn ids_of_a_later_browser_are_told_from_those_of_an_earlier() {
    let mut sockets = Sockets::new(Hosts::default(), 2);
    sockets.created(place("s"), "77.1", RUGS, NOW);
    assert_eq!(sockets.only(), Some("77.1#2"));
}

#[test]
fn a_refused_handshake_and_an_error_are_told() {
    let mut sockets = opened();
    sockets.answered("ws-123", 101);
    sockets.answered("ws-123", 403);
    sockets.failed("ws-123", "net::ERR_CONNECTION_RESET");
    sockets.failed("other", "x");
    assert_eq!(types(&sockets.take()), [events::SOCKET_REFUSED, events::SOCKET_ERROR]);
}

#[test]
fn d18_the_numbers_after_one_frame() {
    let mut sockets = opened();
    received(&mut sockets, "ws-123", P1);
    assert_eq!((sockets.received(), sockets.ours()), (1, 1));
}

#[tokio::test]
async fn d15_d16_d17_frames_are_rows_with_their_game_their_source_and_their_time() {
    use crate::store::scan::{ScanFilter, scan};
    use crate::store::schema::DocType;
    use arrow::array::AsArray;
    use arrow::datatypes::{Int64Type, TimestampMicrosecondType};

    let mut sockets = opened();
    let texts = [
        r#"42["gameStateUpdate",{"gameId":"game123","price":1.5}]"#,
        r#"42["usernameStatus",{"id":"did:privy:abc","username":"Dutch"}]"#,
        r#"42["playerUpdate",{"gameId":"game123","cash":1}]"#,
    ];
    for (text, seconds) in texts.iter().zip([1_734_567_890.0, 1_734_567_891.0, 1_734_567_892.0]) {
        say(&mut sockets, "ws-123", Direction::Received, seconds, text);
    }
    let recording = Recording::start(QueueLimits::default());
    for frame in frames(&mut sockets) {
        recording.journaling.sink().frame(frame).await.unwrap();
    }
    recording.journaling.stop().await.unwrap();
    let mut rows = Vec::new();
    for batch in scan(&recording.root, DocType::WsEvent, &ScanFilter::default()).unwrap() {
        let batch = batch.unwrap();
        let text = |name: &str| batch.column_by_name(name).unwrap().as_string_opt::<i32>().cloned();
        let seq = batch.column_by_name("seq").unwrap().as_primitive::<Int64Type>().clone();
        let ts = batch.column_by_name("ts").unwrap().as_primitive::<TimestampMicrosecondType>().clone();
        for row in 0..batch.num_rows() {
            let cell = |name| text(name).map(|column| column.value(row).to_owned()).unwrap_or_default();
            rows.push((seq.value(row), ts.value(row), cell("game_id"), cell("source"), cell("raw_json")));
        }
    }
    let row = |n: i64, game: &str| {
        (
            n,
            1_734_567_889_000_000 + n * 1_000_000,
            game.to_owned(),
            "cdp".to_owned(),
            texts[n as usize - 1].to_owned(),
        )
    };
    assert_eq!(rows, [row(1, "game123"), row(2, ""), row(3, "game123")]);
}
