//! `replayer serve` records by itself, one of several copies at a time, and the tool `capture` steers it.

use std::time::Instant;

use replayer::simulator::serve::ServerConfig;
use serde_json::json;

use super::{Site, TAKE_OVER};
use crate::common::waiting::until;
use crate::common::{replayer, root};
use crate::server::Wire;

fn server(root: &replayer::store::root::DataRoot, site: &Site) -> Wire {
    let mut command = replayer();
    command
        .args(["serve", "--no-index", "--data"])
        .arg(root.path())
        .env("REPLAYER_CAPTURE", "on")
        .env("REPLAYER_FEED_URL", site.feed());
    let mut wire = Wire::of(&mut command);
    wire.initialize();
    wire
}

#[test]
fn the_first_copy_records_and_all_copies_see_it() {
    let (_folder, root) = root();
    let site = Site::start(ServerConfig::games(usize::MAX, 7, 5.0));
    let mut first = server(&root, &site);
    until("capturing", || first.call("capture", json!({}))["capture"] == "capturing");
    let mut second = server(&root, &site);
    let mut shown = json!(null);
    until("the live state of the other process", || {
        shown = second.call("live_state", json!({}));
        shown["game"]["price"].is_number() && shown["status"] == "live"
    });
    let status = second.call("capture", json!({}));
    assert_eq!(status["capture"], "capturing");
    assert_eq!(status["drops"], 0);
    assert!(status["sources"]["public_ws"]["received"].as_u64().unwrap() > 0, "{status}");
    let rows =
        second.call("query_sql", json!({"sql": "SELECT count(*) FROM ws_event WHERE source = 'public_ws'"}));
    assert!(rows["rows"][0][0].as_u64().unwrap() > 0);
}

#[test]
fn a_follower_takes_over_within_a_second_of_a_kill() {
    let (_folder, root) = root();
    let site = Site::start(ServerConfig::games(usize::MAX, 7, 5.0));
    let mut first = server(&root, &site);
    until("capturing", || first.call("capture", json!({}))["capture"] == "capturing");
    let session = first.call("capture", json!({}))["session_id"].clone();
    let mut second = server(&root, &site);
    drop(first); // kill -9
    let killed = Instant::now();
    until("taking over", || {
        let status = second.call("capture", json!({}));
        status["capture"] == "capturing" && status["session_id"] != session
    });
    assert!(killed.elapsed() < TAKE_OVER, "{:?}", killed.elapsed());
}

#[test]
fn any_copy_stops_and_starts_the_recording() {
    let (_folder, root) = root();
    let site = Site::start(ServerConfig::games(usize::MAX, 7, 5.0));
    let mut first = server(&root, &site);
    until("capturing", || first.call("capture", json!({}))["capture"] == "capturing");
    let mut second = server(&root, &site);
    let stopped = second.call("capture", json!({"action": "stop"}));
    assert_eq!(stopped["capture"], "off", "{stopped}");
    // The lease is free now: an import could write.
    drop(replayer::store::Store::open(&root, "test").unwrap());
    second.call("capture", json!({"action": "start"}));
    until("capturing again", || first.call("capture", json!({}))["capture"] == "capturing");
}

#[test]
fn a_feed_that_is_not_there_is_told_with_the_next_step() {
    let (_folder, root) = root();
    let mut command = replayer();
    command
        .args(["serve", "--no-index", "--feed", "ws://127.0.0.1:9", "--data"])
        .arg(root.path())
        .env("REPLAYER_CAPTURE", "on");
    let mut wire = Wire::of(&mut command);
    wire.initialize();
    let mut status = json!(null);
    until("the failure", || {
        status = wire.call("capture", json!({}));
        status["sources"]["public_ws"]["state"]["state"] == "failed"
    });
    let state = &status["sources"]["public_ws"]["state"];
    assert!(state["reason"].as_str().unwrap().contains("refused"), "{state}");
    assert!(!state["next_step"].as_str().unwrap().is_empty());
    // Everything else works meanwhile.
    assert!(wire.call("query_sql", json!({"sql": "SELECT count(*) FROM ws_event"}))["rows"].is_array());
}

#[test]
fn waiting_meets_what_the_feed_brings() {
    let (_folder, root) = root();
    let site = Site::start(ServerConfig::games(usize::MAX, 7, 50.0));
    let mut wire = server(&root, &site);
    until("capturing", || wire.call("capture", json!({}))["capture"] == "capturing");
    let found = wire.call("get_events", json!({"wait": {"phase": "RUGGED"}, "timeout_s": 50}));
    assert_eq!(found["waited"]["met"], true, "{found}");
    assert!(found["events"][0]["raw_json"].as_str().unwrap().contains("\"rugged\":true"));
}
