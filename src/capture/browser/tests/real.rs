//! A real Chromium on a site with sockets: what the store holds is what the site's own log says.

use std::collections::BTreeMap;

use serde_json::Value;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

use super::chromium::{Chromium, Seen, Site, until};
use crate::capture::browser::{Timeouts, run_with};
use crate::capture::journaling::QueueLimits;
use crate::capture::metrics::SourceState;
use crate::capture::testing::{Recording, StoredFrame, of_type};
use crate::needs;
use crate::store::record::Source;

const TICK: &str = r#"42["gameStateUpdate",{"gameId":"g","price":1.0211779393570963,"allowPreRoundBuys":false}]"#;

struct Running {
    recording: Recording,
    stop: CancellationToken,
    task: JoinHandle<()>,
}

/// Sent and received texts of a socket.
type Both = (Vec<String>, Vec<String>);

impl Running {
    async fn start(address: String) -> Running {
        let recording = Recording::start(QueueLimits::default());
        let stop = CancellationToken::new();
        let sink = recording.journaling.sink().clone();
        let task = tokio::spawn(run_with(sink, address, Timeouts::default(), stop.clone()));
        let running = Running { recording, stop, task };
        running.note("tab").await;
        running
    }

    /// Waits until the state's note has these words.
    async fn note(&self, words: &str) {
        until(&format!("the state says {words:?}"), || {
            let state = self.recording.numbers(Source::Cdp).connection;
            matches!(state, SourceState::Connected { note: Some(note), .. } if note.contains(words))
        })
        .await;
    }

    async fn stored(&self, frames: usize) {
        until(&format!("{frames} frames are stored"), || {
            let numbers = self.recording.numbers(Source::Cdp);
            numbers.received + numbers.sent >= frames as u64
        })
        .await;
    }

    async fn event_count(&self, count: u64) {
        until("the events are stored", || self.recording.numbers(Source::Cdp).system_events >= count).await;
    }

    async fn end(self) -> (BTreeMap<String, Both>, Vec<(String, Value)>) {
        self.stop.cancel();
        self.task.await.unwrap();
        let (frames, events) = self.recording.end().await;
        let mut sockets: BTreeMap<String, Both> = BTreeMap::new();
        for StoredFrame { direction, socket_id, text } in frames {
            let socket = sockets.entry(socket_id).or_default();
            if direction == "sent" { socket.0.push(text) } else { socket.1.push(text) }
        }
        (sockets, events)
    }
}

fn both(seen: &Seen) -> Both {
    (seen.received.clone(), seen.sent.clone())
}

/// The stored sockets hold, in some order, exactly what the site saw.
fn same(sockets: &BTreeMap<String, Both>, seen: &[Seen]) {
    let mut stored: Vec<Both> = sockets.values().cloned().collect();
    let mut logged: Vec<Both> = seen.iter().map(both).collect();
    stored.sort();
    logged.sort();
    assert_eq!(stored, logged);
}

fn count(seen: &[Seen]) -> usize {
    seen.iter().map(|socket| socket.sent.len() + socket.received.len()).sum()
}

#[tokio::test]
async fn both_directions_are_stored_byte_for_byte() {
    let Some(program) = needs::chromium() else { return };
    let site = Site::start().await;
    let chromium = Chromium::start(program, "about:blank").await;
    let running = Running::start(chromium.address(&site)).await;
    chromium.open_tab(&site.url()).await;
    site.sockets(1).await;
    let long = format!("42[\"gameStateUpdate\",\"{}\"]", "0123456789abcdef".repeat(60_000));
    let texts = [
        TICK,
        "2",
        "",
        "nonsense",
        r#"42["x",{"a":"\u00e9\/ \" \\ ü 🎲 \u0000","n":1.50e+10, "b" :[ ]}]"#,
        "42[\"x\",\"\u{0}\u{7f}\u{2028}\u{feff}\u{fffd}\"]",
        "42[\"broken\",{",
        &long,
        "\u{1F468}\u{200D}\u{1F469}",
    ];
    for text in texts {
        site.say(0, text);
    }
    for n in 0..500 {
        site.say(0, &format!(r#"42["standard/newTrade",{{"n":{n}}}]"#));
    }
    site.answered(0).await;
    running.stored(count(&site.seen())).await;
    let (sockets, events) = running.end().await;
    same(&sockets, &site.seen());
    let opened = of_type(&events, "socket_opened");
    assert_eq!((opened.len(), opened[0]["origin"].as_str()), (1, Some(format!("ws://{}", site.host()).as_str())));
    assert!(!format!("{events:?}").contains("planted-in-the-url"));
}

#[tokio::test]
async fn a_socket_that_was_open_before_is_adopted_from_its_next_frame_on() {
    let Some(program) = needs::chromium() else { return };
    let site = Site::start().await;
    let chromium = Chromium::start(program, &site.url()).await;
    site.sockets(1).await;
    site.say(0, "42[\"unheard\"]");
    site.answered(0).await;
    let running = Running::start(chromium.address(&site)).await;
    running.note("rugs.fun tab has no socket yet").await;
    // Nothing of it tells whose it is at first; it is kept until something does.
    let before = site.seen()[0].clone();
    for text in ["2", "42[\"something\",1]", TICK, "2"] {
        site.say(0, text);
    }
    site.answered(0).await;
    running.stored(8).await;
    let (sockets, events) = running.end().await;
    let after = site.seen()[0].clone();
    let heard = (after.received[before.received.len()..].to_vec(), after.sent[before.sent.len()..].to_vec());
    assert_eq!(sockets.values().collect::<Vec<_>>(), [&heard]);
    let adopted = of_type(&events, "socket_adopted");
    assert_eq!((adopted.len(), adopted[0]["frames_lost"].as_u64()), (1, Some(0)));
}

#[tokio::test]
async fn a_reload_a_second_tab_and_a_closed_tab_lose_nothing() {
    let Some(program) = needs::chromium() else { return };
    let site = Site::start().await;
    let chromium = Chromium::start(program, "about:blank").await;
    let running = Running::start(chromium.address(&site)).await;
    chromium.open_tab(&site.url()).await;
    site.sockets(1).await;
    site.say(0, TICK);
    site.answered(0).await;
    chromium.reload_tab().await;
    site.sockets(2).await;
    site.say(1, TICK);
    site.answered(1).await;
    // Connected, opened, opened, and the first one closed.
    running.event_count(4).await;
    chromium.open_tab(&site.url()).await;
    site.sockets(3).await;
    for socket in [1, 2] {
        site.say(socket, "42[\"standard/newTrade\",{}]");
        site.answered(socket).await;
    }
    running.stored(count(&site.seen())).await;
    chromium.close_tab().await;
    chromium.close_tab().await;
    running.note("waiting for a rugs.fun tab").await;
    let (sockets, events) = running.end().await;
    same(&sockets, &site.seen());
    let mut reasons: Vec<String> = of_type(&events, "socket_closed")
        .iter()
        .map(|closed| closed["reason"].as_str().unwrap().to_owned())
        .collect();
    reasons.sort();
    assert_eq!(reasons.len(), 3, "{reasons:?}");
    assert_eq!(reasons.iter().filter(|reason| *reason == "the tab was closed").count(), 2, "{reasons:?}");
}

#[tokio::test]
async fn a_crashed_tab_is_heard_again_after_its_reload() {
    let Some(program) = needs::chromium() else { return };
    let site = Site::start().await;
    let chromium = Chromium::start(program, "about:blank").await;
    let running = Running::start(chromium.address(&site)).await;
    chromium.open_tab(&site.url()).await;
    site.sockets(1).await;
    site.say(0, TICK);
    site.answered(0).await;
    running.stored(3).await;
    chromium.crash_tab().await;
    running.note("no socket yet").await;
    chromium.reload_tab().await;
    site.sockets(2).await;
    site.say(1, TICK);
    site.answered(1).await;
    running.stored(count(&site.seen())).await;
    let (sockets, events) = running.end().await;
    same(&sockets, &site.seen());
    assert_eq!(of_type(&events, "target_crashed").len(), 1);
    assert_eq!(of_type(&events, "socket_closed")[0]["reason"], "its tab crashed");
}

#[tokio::test]
async fn a_browser_that_is_killed_and_started_again_is_found_by_itself() {
    let Some(program) = needs::chromium() else { return };
    let site = Site::start().await;
    let mut chromium = Chromium::start(program, "about:blank").await;
    let running = Running::start(chromium.address(&site)).await;
    chromium.open_tab(&site.url()).await;
    site.sockets(1).await;
    site.say(0, TICK);
    site.answered(0).await;
    running.stored(3).await;
    chromium.kill().await;
    until("the loss is noticed", || {
        matches!(running.recording.numbers(Source::Cdp).connection, SourceState::Failed { .. })
    })
    .await;
    chromium.kill_and_start_again("about:blank").await;
    running.note("tab").await;
    chromium.open_tab(&site.url()).await;
    site.sockets(2).await;
    site.say(1, TICK);
    site.answered(1).await;
    running.stored(count(&site.seen())).await;
    let (sockets, events) = running.end().await;
    same(&sockets, &site.seen());
    for kind in ["browser_lost", "gap"] {
        assert_eq!(of_type(&events, kind).len(), 1, "{kind}");
    }
    assert_eq!(of_type(&events, "browser_connected").len(), 2);
}

#[tokio::test]
async fn sockets_of_workers_and_of_frames_of_other_sites_are_heard() {
    let Some(program) = needs::chromium() else { return };
    let site = Site::start().await;
    let chromium = Chromium::start(program, "about:blank").await;
    let address = format!("{},localhost", chromium.address(&site));
    let running = Running::start(address).await;
    chromium.open_tab(&site.url()).await;
    site.sockets(1).await;
    // What opens a socket in the moment it starts may be faster than we are; see the module's own words.
    for (order, listening) in [("do:worker", "1 worker or frame"), ("do:frame", "2 workers or frames")] {
        site.say(0, order);
        running.note(listening).await;
        site.say(0, "do:open");
        let open = site.seen().len() + 1;
        site.sockets(open).await;
    }
    for socket in 0..3 {
        site.say(socket, TICK);
        site.answered(socket).await;
    }
    running.stored(count(&site.seen())).await;
    let (sockets, events) = running.end().await;
    same(&sockets, &site.seen());
    // On a busy machine the page's own socket may be open before we listen: it is adopted then.
    let noted = [of_type(&events, "socket_opened"), of_type(&events, "socket_adopted")].concat();
    let mut targets: Vec<String> =
        noted.iter().map(|opened| opened["target"].as_str().unwrap().to_owned()).collect();
    targets.sort();
    assert!(targets.contains(&"page".to_owned()) && targets.contains(&"worker".to_owned()), "{targets:?}");
    let paths: Vec<String> = site.seen().iter().map(|socket| socket.path.clone()).collect();
    assert_eq!(paths, ["/socket.io/", "/worker/", "/framed/"]);
}

#[tokio::test]
async fn binary_messages_are_system_events() {
    let Some(program) = needs::chromium() else { return };
    let site = Site::start().await;
    let chromium = Chromium::start(program, "about:blank").await;
    let running = Running::start(chromium.address(&site)).await;
    chromium.open_tab(&site.url()).await;
    site.sockets(1).await;
    site.say(0, "do:bytes");
    running.event_count(3).await;
    let (_, events) = running.end().await;
    let binary = of_type(&events, "binary_message");
    assert_eq!((binary[0]["base64"].as_str(), binary[0]["direction"].as_str()), (Some("AQID"), Some("sent")));
}

/// The recorder changes nothing that a page can see.
#[tokio::test]
async fn the_page_notices_nothing() {
    let Some(program) = needs::chromium() else { return };
    let site = Site::start().await;
    let chromium = Chromium::start(program, &site.url()).await;
    site.sockets(1).await;
    let look = async |site: &Site| {
        let before = site.seen()[0].received.len();
        site.say(0, "do:self");
        until("the page looked at itself", || site.seen()[0].received.len() > before).await;
        site.seen()[0].received[before].clone()
    };
    let alone = look(&site).await;
    let running = Running::start(chromium.address(&site)).await;
    running.note("no socket yet").await;
    assert_eq!(look(&site).await, alone);
    running.end().await;
    assert_eq!(look(&site).await, alone);
    assert_eq!(site.seen().len(), 1, "and was not reloaded");
}
