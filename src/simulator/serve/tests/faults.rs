//! Each fault does what its name says.

use super::*;

async fn faulty(kind: FaultKind, trigger: Trigger, speed: f64) -> Running {
    start(ServerConfig { faults: Faults::one(kind, trigger), ..small(usize::MAX, 3, speed) }).await.unwrap()
}

/// How a connection ends on which `kind` happens with the 30th event.
async fn ends_by(kind: FaultKind) -> (End, Client, Running) {
    let running = faulty(kind, Trigger::Nth(30), 20.0).await;
    let mut client = Client::join(&running).await;
    let end = client.until_the_end().await;
    assert_eq!(running.status().faults.get(&kind), Some(&1));
    (end, client, running)
}

#[tokio::test]
async fn a_drop_ends_tcp_after_what_was_sent() {
    let (end, client, running) = ends_by(FaultKind::Drop).await;
    assert!(matches!(end, End::Broken(_)));
    assert_eq!(running.sent_log().sent_to(1), client.received);
    let mut again = Client::join(&running).await;
    again.until(|text| text.contains("\"gameHistory\"")).await;
}

#[tokio::test]
async fn a_reset_is_seen_as_one() {
    let (end, ..) = ends_by(FaultKind::Reset).await;
    assert!(matches!(&end, End::Broken(reason) if reason.contains("reset")), "{end:?}");
}

#[tokio::test]
async fn a_kick_disconnects_and_closes() {
    let (end, client, _running) = ends_by(FaultKind::Kick).await;
    assert_eq!(end, End::Closed);
    assert_eq!(client.packets()[client.packets().len() - 2..], ["41", "1"]);
}

#[tokio::test]
async fn a_stall_stops_everything_for_its_time_and_loses_nothing() {
    let running = serve(usize::MAX, 3, 20.0).await;
    let mut client = Client::join(&running).await;
    client.until(|text| text.contains("\"cooldownTimer\":11")).await;
    let lasts = Duration::from_millis(400);
    running.strike(Fault { lasts, ..Fault::new(FaultKind::Stall, Trigger::Nth(1)) });
    let before = client.received.len();
    while client.received.len() < before + 80 {
        client.next().await.unwrap();
    }
    let times: Vec<i64> = running
        .sent_log()
        .entries()
        .iter()
        .filter(|entry| entry.direction == LogDirection::Sent)
        .map(|entry| entry.at_us)
        .collect();
    let longest = times.windows(2).map(|pair| pair[1] - pair[0]).max().unwrap();
    assert!(longest >= 390_000, "{longest} µs");
    let timers: Vec<i64> = client
        .events()
        .iter()
        .filter(|text| text.starts_with("42[\"gameStateUpdate\",{\"gameId\""))
        .map(|text| payload(text)["cooldownTimer"].as_i64().unwrap())
        .collect();
    assert!(timers.windows(2).all(|pair| pair[0] - pair[1] == 100), "{timers:?}");
}

#[tokio::test]
async fn half_open_says_nothing_and_closes_nothing() {
    let config = ServerConfig {
        faults: Faults::one(FaultKind::HalfOpen, Trigger::Nth(20)),
        ping_interval: Duration::from_millis(50),
        // Enough for a client that answers, on a machine with other work to do.
        ping_timeout: Duration::from_millis(700),
        ..small(usize::MAX, 3, 100.0)
    };
    let running = start(config).await.unwrap();
    let mut client = Client::join(&running).await;
    let mut other = Client::join(&running).await;
    // The silence is longer than a client that does not answer is waited for.
    let silent = Duration::from_millis(1_500);
    while let Ok(message) = tokio::time::timeout(silent, client.socket.next()).await {
        let Some(Ok(message)) = message else { panic!("the connection was closed: {message:?}") };
        if message.to_text().is_ok_and(|text| text == "2") {
            client.send("3").await;
        }
    }
    // A client that does not answer heartbeats for so long would have been closed; and others are not touched.
    drop(other.socket.next().await);
    assert!(running.status().faults[&FaultKind::HalfOpen] >= 1);
}

#[tokio::test]
async fn a_slow_reader_does_not_read_for_its_time() {
    let running = serve(usize::MAX, 3, 1.0).await;
    let mut client = Client::join(&running).await;
    let lasts = Duration::from_millis(300);
    running.strike(Fault { lasts, ..Fault::new(FaultKind::SlowReader, Trigger::Nth(1)) });
    while running.status().faults.is_empty() {
        client.next().await.unwrap();
    }
    let struck = tokio::time::Instant::now();
    client.send(r#"425["ping",{}]"#).await;
    // A read that was under way when the throttle shut takes one message at most.
    client.send(r#"426["ping",{}]"#).await;
    client.until(|text| text == "436[]").await;
    assert!(struck.elapsed() >= lasts - Duration::from_millis(50), "{:?}", struck.elapsed());
}

#[tokio::test]
async fn reordering_inverts_full_packets_and_loses_none() {
    let running =
        start(ServerConfig { faults: Faults::one(FaultKind::Reorder, Trigger::Nth(1)), ..small(3, 3, 500.0) })
            .await
            .unwrap();
    let client = Client::join(&running).await.read_on();
    running.finished().await;
    running.stop().await;
    let client = client.await.unwrap();
    let plain = serve(3, 3, 500.0).await;
    let orderly = Client::join(&plain).await.read_on();
    plain.finished().await;
    plain.stop().await;
    let orderly = orderly.await.unwrap();
    let states = |client: &Client| -> Vec<String> {
        // The snapshot shows the moment of joining, which differs.
        let states = client.events().into_iter().filter(|text| text.starts_with("42[\"gameStateUpdate\""));
        states.filter(|text| !text.contains("\"prices\":[1") || text.contains("partialPrices")).collect()
    };
    let (inverted, straight) = (states(&client), states(&orderly));
    // `B` of the last game is held for a packet that never comes.
    let (mut sorted, mut expected) = (inverted.clone(), straight[..straight.len() - 1].to_vec());
    let first =
        |text: &String| (text.contains("\"gameHistory\":[")).then(|| straight.iter().position(|s| s == text));
    let moved = inverted
        .iter()
        .enumerate()
        .filter(|(place, text)| first(text).flatten().is_some_and(|original| original + 1 == *place));
    assert_eq!(moved.count(), 2, "the new game of each rug but the last");
    sorted.sort();
    expected.sort();
    assert_eq!(sorted, expected);
}

#[tokio::test]
async fn garbage_comes_between_the_frames() {
    let running = faulty(FaultKind::Garbage, Trigger::Nth(3), 50.0).await;
    let mut client = Client::join(&running).await;
    while client.received.len() < 60 {
        client.next().await.unwrap();
    }
    let broken = |text: &&String| {
        let body = text.trim_start_matches(|c: char| c.is_ascii_digit());
        !body.is_empty() && serde_json::from_str::<Value>(body).is_err()
    };
    assert!(client.received.iter().filter(broken).count() >= 6);
    assert!(client.received.contains(&"4".to_owned()) && client.received.contains(&"49".to_owned()));
}

#[tokio::test]
async fn an_oversized_frame_has_twenty_megabytes() {
    let running = faulty(FaultKind::Oversized, Trigger::Nth(10), 20.0).await;
    let (mut socket, _) = {
        let config = tungstenite::protocol::WebSocketConfig::default()
            .max_message_size(Some(64 << 20))
            .max_frame_size(Some(64 << 20));
        tokio_tungstenite::connect_async_with_config(running.url(), Some(config), false).await.unwrap()
    };
    socket.send(WsMessage::text("40")).await.unwrap();
    let large = loop {
        let message = tokio::time::timeout(PATIENCE, socket.next()).await.unwrap().unwrap().unwrap();
        if message.len() > 1_000_000 {
            break message.into_text().unwrap();
        }
    };
    assert_eq!(large.len(), 20_000_000);
    assert!(payload(&large)["padding"].is_string());
}

#[tokio::test]
async fn binary_frames_come_between_the_texts() {
    let running = faulty(FaultKind::Binary, Trigger::Nth(5), 50.0).await;
    let mut client = Client::join(&running).await;
    let mut binary = Vec::new();
    while binary.len() < 2 {
        binary.extend(Some(client.next().await.unwrap()).filter(|text| text.starts_with("binary")));
    }
    assert!(binary[1].contains("\\x1f\\x8b"), "{}", binary[1]);
}

#[tokio::test]
async fn html_instead_of_a_socket() {
    let running = faulty(FaultKind::Html, Trigger::Nth(1), 1.0).await;
    let error = tokio_tungstenite::connect_async(running.url()).await.unwrap_err();
    let tungstenite::Error::Http(response) = error else { panic!("{error:?}") };
    assert_eq!(
        (response.status().as_u16(), response.headers()["content-type"].to_str().unwrap()),
        (200, "text/html; charset=utf-8")
    );
}

#[tokio::test]
async fn an_old_server_opens_the_namespace_unasked() {
    let running = faulty(FaultKind::Eio3, Trigger::Nth(1), 1.0).await;
    let mut client = Client::open(&running).await;
    assert!(client.next().await.unwrap().contains("\"pingTimeout\":5000"));
    assert_eq!(client.next().await.unwrap(), "40");
    client.send("2").await;
    assert_eq!(client.next().await.unwrap(), "3");
}
