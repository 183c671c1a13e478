//! The official client on our simulator.

use replayer::simulator::Config;
use replayer::simulator::serve::{self, Play, ServerConfig};
use serde_json::{Value, json};

use super::CLIENT;
use super::node::Node;

/// What the client reports after playing on a simulator at 50 × speed.
fn play(transport: &str) -> Option<Value> {
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
    runtime.block_on(async {
        let games = Config { games: usize::MAX, seed: 8, ..Config::default() };
        let config = ServerConfig { speed: 20.0, hold: true, play: Play::Games(games), ..ServerConfig::default() };
        let running = serve::start(config).await.unwrap();
        let url = format!("http://{}", running.addr());
        let transport = transport.to_owned();
        tokio::task::spawn_blocking(move || Some(Node::start(CLIENT, &[&url, &transport], &[])?.next()))
            .await
            .unwrap()
    })
}

fn expect_everything(report: &Value) {
    assert_eq!(report["error"], Value::Null);
    assert_eq!(report["snapshot"], json!({"keys": 36, "history": 10}));
    assert_eq!(report["refused"], "Invalid namespace");
    assert_eq!(report["acks"]["ping"], "empty");
    assert_eq!(report["acks"]["early"]["success"], false);
    assert_eq!(report["acks"]["buy"], json!({"success": true}));
    assert_eq!(report["trades"], json!([0.002]));
    let order: Vec<&str> = report["order"].as_array().unwrap().iter().filter_map(Value::as_str).collect();
    let place = |name: &str| order.iter().position(|seen| *seen == name).expect(name);
    assert!(place("standard/newTrade") < place("playerUpdate"), "{order:?}");
    for name in ["goldenHourUpdate", "battleEventUpdate", "gameStatePlayerUpdate", "usernameStatus"] {
        assert!(report["events"][name].as_u64() > Some(0), "no {name}: {}", report["events"]);
    }
}

#[test]
fn the_official_client_gets_events_and_acks_over_a_web_socket() {
    let Some(report) = play("websocket") else { return };
    expect_everything(&report);
    assert_eq!(report["transport"], "websocket");
}

#[test]
fn the_official_client_gets_events_and_acks_over_long_polling() {
    let Some(report) = play("polling") else { return };
    expect_everything(&report);
    assert_eq!(report["transport"], "polling");
}

#[test]
fn the_official_client_upgrades_from_polling_to_a_web_socket() {
    let Some(report) = play("both") else { return };
    expect_everything(&report);
    assert_eq!(report["transport"], "websocket");
}
