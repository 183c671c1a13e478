//! The game over the wire: the same for everybody, fair, with a player whose orders count.

use super::*;
use replayer_protocol::fairness::play;

#[tokio::test]
async fn two_sockets_see_the_same_public_frames_in_the_same_order() {
    let running = serve(2, 3, 60.0).await;
    // Both at once: on a busy machine the games could be over before the second is there.
    let (first, second) = tokio::join!(Client::join(&running), Client::join(&running));
    let (first, second) = (first.read_on(), second.read_on());
    running.finished().await;
    running.stop().await;
    let (first, second) = (first.await.unwrap(), second.await.unwrap());
    // Each has an own snapshot and own announcements; what follows the announcements is for everybody.
    let public = |client: &Client| {
        let events = client.events();
        let own = events.iter().rposition(|text| text.starts_with("42[\"maintenanceUpdate\"")).unwrap();
        events[own + 1..].to_vec()
    };
    let (first, second) = (public(&first), public(&second));
    let common = first.iter().position(|text| *text == second[0]).expect("the second saw what the first did");
    assert!(second.len() > 100, "{} of {}", second.len(), first.len());
    assert_eq!(first[common..], second);
}

#[tokio::test]
async fn the_games_are_fair_and_complete_on_the_wire() {
    let running = serve(2, 5, 500.0).await;
    let client = Client::join(&running).await.read_on();
    running.finished().await;
    let truths = running.truths();
    running.stop().await;
    let client = client.await.unwrap();
    assert_eq!(truths.len(), 2);
    for truth in &truths {
        let path = play(&truth.seed, &truth.game_id, truth.version);
        assert_eq!((&path.prices, path.rug_tick), (&truth.prices, truth.rug_tick));
        let ticks: Vec<f64> = client
            .events()
            .iter()
            .filter(|text| text.starts_with("42[\"gameStateUpdate\",{\"active\":true"))
            .filter(|text| text.contains(&truth.game_id))
            .map(|text| payload(text)["price"].as_f64().unwrap())
            .collect();
        assert_eq!(ticks, truth.prices);
    }
}

#[tokio::test]
async fn an_order_is_acknowledged_to_its_sender_and_broadcast_to_all() {
    let running = serve(3, 8, 50.0).await;
    let (mut player, mut spectator) = (Client::join(&running).await, Client::join(&running).await);
    player.send(r#"42["authenticate",{"token":"any"}]"#).await;
    player.until(|text| text.starts_with("42[\"usernameStatus\"")).await;
    player.until(|text| text.contains("\"tickCount\":1,") && text.contains("\"active\":true")).await;
    let trace = r#"{"__trace":true,"traceparent":"00-0123456789abcdef0123456789abcdef-0123456789abcdef-01"}"#;
    player.send(&format!(r#"4229["buyOrder",{trace},{{"amount":0.002}}]"#)).await;
    let is_mine = |text: &str| {
        text.starts_with("42[\"standard/newTrade\"") && text.contains("0123456789abcdef0123456789abcdef")
    };
    let trade = player.until(is_mine).await;
    player.until(|text| text.starts_with("42[\"playerUpdate\"") && !text.contains("\"positionQty\":0,")).await;
    player.until(|text| text == r#"4329[{"success":true}]"#).await;
    assert_eq!(spectator.until(is_mine).await, trade);
    assert_eq!(payload(&trade)["amount"].as_f64(), Some(0.002));
    let (player, spectator) = (player.read_on(), spectator.read_on());
    running.finished().await;
    let id = payload(&trade)["id"].as_str().unwrap().to_owned();
    let truths = running.truths();
    assert_eq!(truths.iter().flat_map(|truth| &truth.trades).filter(|t| t.id.to_string() == id).count(), 1);
    running.stop().await;
    player.await.unwrap();
    let spectator = spectator.await.unwrap();
    assert!(!spectator.received.iter().any(|text| text.contains("playerUpdate") || text.starts_with("43")));
}

#[tokio::test]
async fn everybody_is_the_player_by_switch() {
    let config = small(1, 8, 20.0);
    let Play::Games(games) = config.play else { panic!("games") };
    let play = Play::Games(Config { logged_in: true, ..games });
    let running = start(ServerConfig { play, ..small(1, 8, 20.0) }).await.unwrap();
    let mut client = Client::join(&running).await;
    client.until(|text| text.starts_with("42[\"playerUpdate\"")).await;
    client.until(|text| text.starts_with("42[\"gameStatePlayerUpdate\"")).await;
}

#[tokio::test]
async fn the_log_holds_what_passed_in_both_directions() {
    let running = serve(1, 3, 300.0).await;
    let mut client = Client::join(&running).await;
    client.send(r#"421["ping",{"lastPing":1}]"#).await;
    let client = client.read_on();
    running.finished().await;
    let log = running.sent_log();
    running.stop().await;
    let client = client.await.unwrap();
    assert_eq!((log.sockets(), log.dropped()), (vec![1], 0));
    assert_eq!(log.sent_to(1), client.received);
    let entries = log.entries();
    let from_client: Vec<&str> = entries
        .iter()
        .filter(|entry| entry.direction == LogDirection::Received)
        .filter_map(LogEntry::text)
        .filter(|text| *text != "3")
        .collect();
    assert_eq!(from_client, ["40", r#"421["ping",{"lastPing":1}]"#]);
    let numbers: Vec<u64> = entries.iter().map(|entry| entry.n).collect();
    assert_eq!(numbers, (1..=entries.len() as u64).collect::<Vec<_>>());
}

#[tokio::test]
async fn a_log_can_be_a_file_or_only_digests() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("sent.jsonl");
    for log in [LogTo::File(path.clone()), LogTo::Digests] {
        let running = start(ServerConfig { log, ..small(1, 3, 1000.0) }).await.unwrap();
        let client = Client::join(&running).await.read_on();
        running.finished().await;
        let log = running.sent_log();
        running.stop().await;
        let client = client.await.unwrap();
        let sent = |line: &Value| line["direction"] == "sent";
        if log.entries().is_empty() {
            let text = std::fs::read_to_string(&path).unwrap();
            let lines = text.lines().map(|line| serde_json::from_str::<Value>(line).unwrap());
            let texts: Vec<String> =
                lines.filter(sent).filter_map(|line| Some(line["text"].as_str()?.to_owned())).collect();
            assert_eq!(texts, client.received);
        } else {
            let first = &log.entries()[0];
            assert!(matches!(&first.message, Message::Sha256(digest) if digest.len() == 64), "{first:?}");
        }
    }
    assert!(start(ServerConfig { log: LogTo::File(path), ..small(1, 3, 1.0) }).await.is_err());
}

#[tokio::test]
async fn a_log_in_memory_forgets_the_oldest_and_says_so() {
    let running = start(ServerConfig { log: LogTo::Memory(20_000), ..small(1, 3, 1000.0) }).await.unwrap();
    let client = Client::join(&running).await.read_on();
    running.finished().await;
    let log = running.sent_log();
    running.stop().await;
    client.await.unwrap();
    let kept = log.entries();
    assert!(log.dropped() > 0);
    assert_eq!(log.dropped() + kept.len() as u64, kept.last().unwrap().n);
}
