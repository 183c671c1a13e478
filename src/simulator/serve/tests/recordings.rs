//! Stored frames, byte for byte.

use super::*;

fn stored(texts: &[&str], gap_us: i64) -> Vec<StoredFrame> {
    let frame =
        |(place, text): (usize, &&str)| StoredFrame { ts_us: place as i64 * gap_us, text: (*text).to_owned() };
    texts.iter().enumerate().map(frame).collect()
}

/// Blanks, key order, exponents, escapes and invisible characters: what writing anew would change.
const ODD: [&str; 5] = [
    r#"42["gameStateUpdate", {"b":1.0,"a":1e0,"a":0.020000000000000018}]"#,
    "42[\"newChatMessage\",{\"message\":\"\\u0041\u{200b}\u{1f680}\\/\"}]",
    r#"42["standard/newTrade",{"qty":-0.0}] "#,
    r#"427["asks",{}]"#,
    r#"42["broken",{"#,
];

#[tokio::test]
async fn stored_frames_arrive_byte_for_byte() {
    let running = start(ServerConfig::recording(stored(&ODD, 1000), 10.0)).await.unwrap();
    let client = Client::join(&running).await.read_on();
    running.finished().await;
    running.stop().await;
    let client = client.await.unwrap();
    assert_eq!(client.events(), ODD);
}

#[tokio::test]
async fn frames_of_another_connection_are_left_out() {
    let texts =
        [r#"0{"sid":"x"}"#, r#"40{"sid":"y"}"#, "2", r#"42["a"]"#, "4329[{}]", "3", "not a frame", r#"42["b"]"#];
    assert_eq!(stored(&texts, 1).iter().filter(|frame| frame.is_playable()).count(), 2);
    let running = start(ServerConfig::recording(stored(&texts, 1000), 10.0)).await.unwrap();
    let client = Client::join(&running).await.read_on();
    running.finished().await;
    assert_eq!(running.status().recording, (2, 2));
    running.stop().await;
    let packets = client.await.unwrap().packets();
    assert_eq!(packets[2..packets.len() - 1], [r#"42["a"]"#, r#"42["b"]"#]);
}

#[test]
fn the_spacing_is_the_original_one_times_the_speed() {
    let mut recording = recording::Recording::new(stored(&["42[1]", "42[2]", "42[3]"], 4_000_000), false);
    let mut clock = clock::Clock::new(recording.start_us(), 8.0);
    assert_eq!(clock.when(0), None, "a clock that was not started knows no times");
    clock.start();
    let mut due = Vec::new();
    while let Some(due_us) = recording.due_us() {
        due.push(clock.when(due_us).unwrap());
        assert!(recording.next_until(due_us - 1).is_none());
        assert!(recording.next_until(due_us).is_some());
    }
    let gaps: Vec<u128> = due.windows(2).map(|pair| (pair[1] - pair[0]).as_millis()).collect();
    assert_eq!(gaps, [500, 500]);
}

#[tokio::test]
async fn a_recording_can_be_repeated() {
    let config = ServerConfig::recording(stored(&["42[1]", "42[2]"], 1000), 1000.0);
    let Play::Recording { frames, .. } = config.play.clone() else { panic!("a recording") };
    let running = start(ServerConfig { play: Play::Recording { frames, repeat: true }, ..config }).await.unwrap();
    let mut client = Client::join(&running).await;
    while client.events().len() < 6 {
        client.next().await.unwrap();
    }
    assert_eq!(client.events()[..6], ["42[1]", "42[2]", "42[1]", "42[2]", "42[1]", "42[2]"]);
}

#[tokio::test]
async fn orders_to_a_recording_are_refused() {
    let running = start(ServerConfig::recording(stored(&["42[1]", "42[2]"], 3_600_000_000), 1.0)).await.unwrap();
    let mut client = Client::join(&running).await;
    client.send(r#"429["buyOrder",{"amount":0.002}]"#).await;
    let ack = client.until(|text| text.starts_with("439[")).await;
    assert!(ack.contains("\"success\":false"));
}
